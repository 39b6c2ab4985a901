"""What a person chooses in the account menu stays chosen."""

import re

import pytest
from playwright.sync_api import expect

THEME_AT_FIRST_PAINT = """
document.addEventListener('readystatechange', () => {
  window.themes = [...(window.themes ?? []), document.documentElement.dataset.theme];
});
"""


def open_menu(page):
    page.get_by_role("button", name="account menu").click()


def test_theme_survives_a_reload_without_a_flash(visit):
    page = visit("/")
    open_menu(page)
    page.locator("#account label", has_text="Dark").click()
    page.add_init_script(THEME_AT_FIRST_PAINT)
    page.reload()
    # From the first state on: the theme is there before the body is.
    assert page.evaluate("window.themes") == ["dark", "dark"]
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"


def test_language_is_switched_in_the_menu(visit):
    page = visit("/usage/")
    open_menu(page)
    page.get_by_role("button", name="日本語").click()
    expect(page.locator("html")).to_have_attribute("lang", "ja")
    expect(page).to_have_url(re.compile("/usage/"))
    page.goto("/new/")
    expect(page.locator("html")).to_have_attribute("lang", "ja")


@pytest.mark.parametrize("path", ["/", "/new/", "/usage/", "/tokens/", "/password/"])
def test_pages_follow_the_language_of_the_browser(visit, path):
    page = visit(path, locale="ja-JP")
    expect(page.locator("html")).to_have_attribute("lang", "ja")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_switch_turns_the_keys_off(visit):
    page = visit("/")
    open_menu(page)
    page.get_by_role("switch").click()
    page.goto("/")
    assert not page.evaluate(
        "!document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'n', bubbles: true, cancelable: true }))"
    )
