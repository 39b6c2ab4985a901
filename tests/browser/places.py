"""Every page in every state that looks different: what axe checks and what the screenshots show."""

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page

from .desk import Desk
from .visits import Visits

NOWHERE = "00000000-0000-7000-8000-000000000000"


@dataclass(frozen=True)
class Place:
    """`path` may ask the service for an id; `act` is what is done there before anybody looks."""

    path: str | Callable[[Desk], str]
    user: str | None = "alice"
    act: Callable[[Page], object] = lambda page: None
    status: int = 200

    def open(self, visit: Visits, **options: str) -> Page:
        path = self.path if isinstance(self.path, str) else self.path(visit.desk)
        page = visit(path, self.user, self.status, **options)
        self.act(page)
        return page


def sign_in_wrongly(page: Page) -> None:
    page.get_by_label("Username").fill("nobody")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("alert").wait_for()


def send_empty(page: Page) -> None:
    page.get_by_role("button", name="Start edit").click()
    page.locator("#images-errors p").wait_for()


def select_two(page: Page) -> None:
    page.locator("label", has=page.locator("#selecting")).click()
    for at in range(2):
        page.locator(".pick").nth(at).click()


def forbid(page: Page) -> None:
    """Send what the page has no button for: another's edit, cancelled."""
    page.evaluate("document.querySelector('form[action=\"/sign-out/\"]').action = location.pathname + 'cancel/'")
    page.evaluate("document.querySelector('form[action$=\"/cancel/\"]').submit()")
    page.get_by_role("heading", name="You may not do this").wait_for()


def send_forged(page: Page) -> None:
    page.context.clear_cookies()
    page.get_by_label("Username").fill("nobody")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/sign-in/")


def meet_locked_door(page: Page) -> None:
    page.get_by_label("Username").fill("locked")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Too many attempts").wait_for()


def make_token(page: Page) -> None:
    page.get_by_label("Name").fill("Night batch")
    page.get_by_role("button", name="Create").click()
    page.locator("#new-token").wait_for()


def name_no_webhook(page: Page) -> None:
    page.get_by_label("Address").fill("https://localhost/")
    page.get_by_role("button", name="Create").click()
    page.locator("#id_url_error").wait_for()


def make_webhook(page: Page) -> None:
    page.get_by_label("Name").fill("Night batch")
    page.get_by_label("Address").fill("https://hooks.invalid/desk")
    page.get_by_role("button", name="Create").click()
    page.locator("#secret").wait_for()


def meet_damage(page: Page) -> None:
    page.get_by_role("heading", name="Something broke on our side").wait_for()


def open_details(page: Page) -> None:
    page.get_by_text("Change it").click()
    page.get_by_text("Details").first.click()


def open_menu(page: Page) -> None:
    page.locator(".who").click()
    page.locator("#account").wait_for()


def open_keys(page: Page) -> None:
    page.keyboard.press("?")
    page.locator("#keys").wait_for()


def choose_reason(page: Page) -> None:
    page.keyboard.press("r")
    page.keyboard.press("2")


def review(desk: Desk) -> str:
    """With edits in the queue."""
    assert desk.completed != desk.another
    return "/review/"


def history(desk: Desk) -> str:
    """With something in it."""
    assert desk.completed != desk.another
    return "/"


PLACES = {
    "sign-in": Place("/sign-in/", None),
    "sign-in-refused": Place("/sign-in/", None, sign_in_wrongly),
    "password-reset": Place("/sign-in/forgotten/", None),
    "password-reset-sent": Place("/sign-in/forgotten/sent/", None),
    "password-new": Place(lambda desk: desk.reset_link("olga"), None),
    "password-change": Place("/password/"),
    "new": Place("/new/"),
    "new-filled": Place(lambda desk: f"/new/?from={desk.completed}"),
    "new-refused": Place("/new/", act=send_empty),
    "new-of-nothing": Place(f"/new/?from={NOWHERE}"),
    "job-running": Place(lambda desk: f"/jobs/{desk.running}/"),
    "job": Place(lambda desk: f"/jobs/{desk.completed}/"),
    "job-failed": Place(lambda desk: f"/jobs/{desk.failed}/"),
    "job-unconfirmed": Place(lambda desk: f"/jobs/{desk.unconfirmed}/"),
    "job-of-another": Place(lambda desk: f"/jobs/{desk.completed}/", "rita"),
    "picture": Place(lambda desk: f"/pictures/{desk.picture()}/"),
    "history": Place(history),
    "history-empty": Place("/", "bob"),
    "history-nothing-found": Place("/?q=zebra"),
    "history-selecting": Place(history, act=select_two),
    "compare": Place(lambda desk: f"/compare/?job={desk.completed}"),
    "compare-side": Place(lambda desk: f"/compare/?job={desk.completed}&view=side"),
    "compare-flip": Place(lambda desk: f"/compare/?job={desk.completed}&view=flip"),
    "compare-two-edits": Place(lambda desk: f"/compare/?job={desk.completed}&job={desk.another}"),
    "compare-nothing": Place("/compare/"),
    "review": Place(review, "rita"),
    "review-rejecting": Place(review, "rita", choose_reason),
    "review-decided": Place(lambda desk: f"/review/{desk.rejected}/", "sam"),
    "review-nothing-fits": Place("/review/?q=zebra", "rita"),
    "picture-rejected": Place(lambda desk: f"/pictures/{desk.rejected}/"),
    "new-anew": Place(lambda desk: f"/new/?anew={desk.rejected}"),
    "usage": Place("/usage/"),
    "usage-empty": Place("/usage/", "bob"),
    "tokens": Place("/tokens/"),
    "tokens-new": Place("/tokens/", act=make_token),
    "webhooks": Place(lambda desk: desk.webhook and "/webhooks/"),
    "webhooks-empty": Place("/webhooks/", "bob"),
    "webhooks-refused": Place("/webhooks/", act=name_no_webhook, status=422),
    "webhooks-new": Place("/webhooks/", "rita", make_webhook),
    "webhook": Place(lambda desk: f"/webhooks/{desk.webhook}/", act=open_details),
    "webhook-disabled": Place(lambda desk: f"/webhooks/{desk.disabled_webhook}/"),
    "webhook-delete": Place(lambda desk: f"/webhooks/{desk.webhook}/delete/"),
    "menu": Place(history, act=open_menu),
    "keys": Place(history, act=open_keys),
    "locked": Place(lambda desk: desk.lock("locked"), None, meet_locked_door, 429),
    "403": Place(lambda desk: f"/jobs/{desk.running}/", "rita", forbid, 403),
    "403-forged": Place("/sign-in/", None, send_forged, 403),
    "403-review": Place("/review/", "bob", status=403),
    "404": Place(f"/jobs/{NOWHERE}/", status=404),
    "500": Place(lambda desk: f"/webhooks/{desk.broken_webhook}/", "sam", meet_damage, 500),
}
