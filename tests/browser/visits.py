"""Pages as one of the cast sees them, and all that goes wrong in them."""

from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, Request, Response

from .chromium import DEVICES
from .desk import Desk

REPORT_VIOLATIONS = """
addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => {
  console.error(`CSP: ${violatedDirective} ${blockedURI}`);
});
"""


@dataclass
class Visits:
    """Opens pages in browser contexts of their own, and collects what no page may do."""

    browser: Browser
    desk: Desk
    contexts: list[BrowserContext] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    # Statuses that a test asks for
    expected: set[int] = field(default_factory=set)

    def __call__(self, path: str = "/", user: str | None = "alice", expect: int = 200, **options: Any) -> Page:
        page = self.page(user, **options)
        self.expected.add(expect)
        page.goto(path)
        return page

    def page(
        self,
        user: str | None = "alice",
        device: str = "desktop",
        scheme: str = "light",
        locale: str = "en-GB",
        script: bool = True,
    ) -> Page:
        """A window with nothing in it yet."""
        context = self.browser.new_context(
            base_url=self.desk.url,
            color_scheme=scheme,
            locale=locale,
            java_script_enabled=script,
            reduced_motion="reduce",
            **DEVICES[device],
        )
        self.contexts.append(context)
        context.add_init_script(REPORT_VIOLATIONS)
        if user:
            context.add_cookies(self.desk.cookies(user))
        context.on("page", self._watch)
        return context.new_page()

    def close(self) -> None:
        for context in self.contexts:
            context.close()

    def _watch(self, page: Page) -> None:
        page.set_default_timeout(20_000)
        page.on("console", lambda message: self._note_console(message.type, message.text))
        page.on("pageerror", lambda error: self.problems.append(f"Error in the page: {error}"))
        page.on("response", self._note_response)
        page.on("requestfailed", self._note_failure)

    def _note_console(self, kind: str, text: str) -> None:
        # What a test expects as an answer is in the console too.
        is_expected = any(f"status of {status} " in text for status in self.expected)
        if kind in {"error", "warning"} and not is_expected:
            self.problems.append(f"Console: {text}")

    def _note_response(self, response: Response) -> None:
        if response.status >= 400 and response.status not in self.expected:
            self.problems.append(f"HTTP {response.status}: {response.url}")

    def _note_failure(self, request: Request) -> None:
        # Aborted is what a download, and a page that is left while it loads, say of themselves.
        if request.failure != "net::ERR_ABORTED":
            self.problems.append(f"{request.failure}: {request.url}")
