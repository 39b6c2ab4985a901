"""`python -m bench.pages [--quick]`: what a page costs a slow phone, against its budget; ends with 1 when one is over.

The service, the pictures and their page sizes are real; the phone is Chromium with a quarter of the processor, a line
of 1.6 Mbit/s and 150 ms to the server and back. Each round has a profile of its own: nothing is in its cache.
"""

import argparse
import itertools
import statistics
import sys
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from tests.browser import chromium
from tests.browser.desk import SIZES, Desk, desk
from tests.browser.scenes import SCENES

ROUNDS, TILES = 5, 24
CPU_SLOWDOWN, BYTES_A_SECOND, ROUND_TRIP_MS = 4, 1_600_000 / 8, 150
KB = 1024
HISTORY = {"LCP, s": 1.8, "CLS": 0.0, "requests": 30, "KB": 300}
EVERY_PAGE = {"CSS, KB": 12, "JS, KB": 25}
OBSERVE = """
window.seen = { lcp: 0, shift: 0 };
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) seen.lcp = entry.startTime;
}).observe({ type: 'largest-contentful-paint', buffered: true });
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) seen.shift += entry.value;
}).observe({ type: 'layout-shift', buffered: true });
"""
READ = """() => {
  const files = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')];
  const weight = (some) => some.reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0);
  const ending = (end) => files.filter(({ name }) => new URL(name).pathname.endsWith(end));
  const bytes = files.reduce((sum, { transferSize }) => sum + transferSize, 0);
  return { ...seen, requests: files.length, bytes, css: weight(ending('.css')), js: weight(ending('.js')) };
}"""


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="bench.pages", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--quick", action="store_true", help="one round")
    given = parser.parse_args(arguments)
    rounds = 1 if given.quick else given.rounds
    if not chromium.path():
        sys.exit("Chromium is not here: set CHROMIUM, or apt-get install chromium.")
    with desk() as service, sync_playwright() as playwright, chromium.launch(playwright) as browser:
        rows = [*_history(service, browser, rounds), *_pages(service, browser)]
    _print(rows)
    sys.exit(any(value > limit for _what, value, limit in rows))


def _history(service: Desk, browser: Browser, rounds: int) -> list[tuple[str, float, float]]:
    """Of pictures in all shapes, and of squares alone, of which the most stand on one screen."""
    mixed = _tiles(service, browser, rounds, "tiles", list(SIZES))
    return mixed + _tiles(service, browser, rounds, "square tiles", ["square"])


def _tiles(
    service: Desk, browser: Browser, rounds: int, what: str, shapes: list[str]
) -> list[tuple[str, float, float]]:
    _fill(service, shapes)
    seen = [_measured(service, browser, "/", is_slow=True) for _round in range(rounds)]
    found = {
        "LCP, s": statistics.median(round["lcp"] for round in seen) / 1000,
        "CLS": max(round["shift"] for round in seen),
        "requests": max(round["requests"] for round in seen),
        "KB": max(round["bytes"] for round in seen) / KB,
    }
    return [(f"history, {TILES} {what}: {name}", found[name], limit) for name, limit in HISTORY.items()]


def _fill(service: Desk, shapes: list[str]) -> None:
    looks = zip(range(TILES), itertools.cycle(SCENES), itertools.cycle(shapes), strict=False)
    prompt = "Make 2 images of this in another season."
    for edit in [service.edit(prompt, scene, size=size, seed=number) for number, scene, size in looks]:
        service.reach(edit)
    service.wait_for_sizes()


def _pages(service: Desk, browser: Browser) -> list[tuple[str, float, float]]:
    edit = service.jobs()[0]["id"]
    output = service.job(edit)["outputs"][0]["id"]
    paths = {
        "history": "/", "new edit": "/new/", "job": f"/jobs/{edit}/", "picture": f"/pictures/{output}/",
        "compare": f"/compare/?job={edit}", "usage": "/usage/", "API tokens": "/tokens/",
    }  # fmt: skip
    seen = {name: _measured(service, browser, path) for name, path in paths.items()}
    seen["review"] = _measured(service, browser, "/review/", user="rita")
    return [
        (f"{name}: {what}", page[what[: what.index(",")].lower()] / KB, limit)
        for name, page in seen.items()
        for what, limit in EVERY_PAGE.items()
    ]


def _measured(service: Desk, browser: Browser, path: str, is_slow: bool = False, user: str = "alice") -> dict[str, Any]:
    context = browser.new_context(base_url=service.url, **chromium.DEVICES["phone"])
    context.add_cookies(service.cookies(user))
    context.add_init_script(OBSERVE)
    page = context.new_page()
    if is_slow:
        line = {"offline": False, "latency": ROUND_TRIP_MS}
        line |= {"downloadThroughput": BYTES_A_SECOND, "uploadThroughput": BYTES_A_SECOND}
        session = context.new_cdp_session(page)
        session.send("Network.enable")
        session.send("Network.emulateNetworkConditions", line)
        session.send("Emulation.setCPUThrottlingRate", {"rate": CPU_SLOWDOWN})
    page.goto(path)
    page.wait_for_load_state("networkidle")
    seen = page.evaluate(READ)
    context.close()
    return seen


def _print(rows: list[tuple[str, float, float]]) -> None:
    lines = ["| page | measured | limit | |", "|---|--:|--:|---|"]
    for what, value, limit in rows:
        lines.append(f"| {what} | {value:.3g} | {limit:g} | {'over' if value > limit else ''} |")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
