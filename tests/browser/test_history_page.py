"""The history as a gallery: more of it, found, selected."""

import re

import pytest
from playwright.sync_api import expect


@pytest.fixture
def history(visit, service):
    """Sam's: more than one page."""
    assert service.many
    return visit("/", user="sam")


def test_load_more_appends_and_back_returns_there(history):
    history.get_by_role("link", name="Load 24 more").click()
    expect(history.locator(".tile").nth(29)).to_be_attached()
    expect(history.locator("#announce")).to_have_text(re.compile(r"\d+ more edits"))
    history.locator(".tile .shot").nth(27).click()
    expect(history).to_have_url(re.compile("/jobs/"))
    # Not go_back(), which waits for a page to load: this one comes back as it was.
    history.evaluate("history.back()")
    expect(history.locator(".tile").nth(27)).to_be_in_viewport()


def test_search_finds_by_words_and_lives_in_the_address(visit, service):
    page = visit(f"/jobs/{service.failed}/")
    page.goto("/")
    page.get_by_role("searchbox").fill("famous vase")
    expect(page).to_have_url(re.compile("q=famous"))
    expect(page.locator(".tile .cap")).to_have_text(["Make 2 images of the vase in the style of a famous brand."])
    page.reload()
    expect(page.get_by_role("searchbox")).to_have_value("famous vase")
    expect(page.locator(".tile")).to_have_count(1)


def test_range_is_selected_with_shift(history):
    boxes = history.locator(".pick input")
    history.locator("label", has=history.locator("#selecting")).click()
    boxes.nth(0).click(force=True)
    boxes.nth(3).click(force=True, modifiers=["Shift"])
    expect(history.locator("#bulk output")).to_have_text("4 selected")


def test_two_selected_are_compared(history):
    history.locator("label", has=history.locator("#selecting")).click()
    for at in range(2):
        history.locator(".pick").nth(at).click()
    history.get_by_role("button", name="Compare").click()
    expect(history).to_have_url(re.compile(r"/compare/\?job=.+&job=.+"))
    expect(history.locator(".viewer")).to_be_visible()
