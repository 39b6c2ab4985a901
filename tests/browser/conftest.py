"""One service and one browser for all tests of this package."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from . import chromium, desk
from .visits import Visits

HERE = Path(__file__).parent
expect.set_options(timeout=20_000)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """Last, one after the other: each process of the suite starts one service, and the first of its tests waits."""
    for item in filter(_is_ours, items):
        item.add_marker(pytest.mark.timeout(180))
    yield
    items.sort(key=_is_ours)


def _is_ours(item: pytest.Item) -> bool:
    return item.path.is_relative_to(HERE)


# For the package, not the session: Playwright's loop runs in this thread for as long as it is started, and Django
# refuses every query beside a running loop.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    if not chromium.path():
        pytest.skip("Chromium is not here.")
    with sync_playwright() as playwright, chromium.launch(playwright) as browser:
        yield browser


@pytest.fixture(scope="package")
def service(browser: Browser) -> Iterator[desk.Desk]:
    """Everybody sees only their own here, so that bob's history is empty; rita and sam see all."""
    with desk.desk(TEAM_VISIBILITY="own") as service:
        yield service


@pytest.fixture
def visit(browser: Browser, service: desk.Desk) -> Iterator[Visits]:
    """Opens a page; at the end, nothing may have gone wrong in any of them."""
    visits = Visits(browser, service)
    yield visits
    visits.close()
    assert visits.problems == []
