"""The keyboard alone: each key of the map, and an edit from the first Tab to the submit."""

import re

import pytest
from playwright.sync_api import expect

from .scenes import photo

IS_TAKEN = """(init) => !(document.activeElement ?? document.body).dispatchEvent(
  new KeyboardEvent('keydown', { bubbles: true, cancelable: true, ...init }))"""


def tab_to(page, target):
    """Press Tab until `target` has the focus."""
    for _step in range(80):
        if target.evaluate("(element) => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab never came to {target}")


def press(page, keys):
    for key in keys.split():
        page.keyboard.press(key)


def test_edit_is_made_with_the_keyboard_alone(visit):
    page = visit("/")
    page.on("filechooser", lambda chooser: chooser.set_files([photo("mug"), photo("fruit")]))
    tab_to(page, page.get_by_role("link", name="New edit").first)
    page.keyboard.press("Enter")
    page.wait_for_url("**/new/")
    tab_to(page, page.locator("#id_images"))
    page.keyboard.press("Space")
    expect(page.locator(".prev")).to_have_count(2)
    tab_to(page, page.get_by_role("button", name="Move earlier: fruit.jpg"))
    page.keyboard.press("Enter")
    tab_to(page, page.locator("#id_text"))
    page.keyboard.type("Make 2 images of the fruit in front of the mug.")
    tab_to(page, page.locator("input[name=image_size]:checked"))
    page.keyboard.press("ArrowRight")
    tab_to(page, page.locator("#id_count"))
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Control+Enter")
    expect(page).to_have_url(re.compile("/jobs/"))
    expect(page.locator(".inputs img").first).to_have_attribute("alt", "Picture 1: fruit.jpg")


@pytest.mark.parametrize(
    ("start", "keys", "address"),
    [
        ("/usage/", "n", "/new/$"),
        ("/usage/", "g h", "/$"),
        ("/", "g u", "/usage/$"),
        ("/", "g t", "/tokens/$"),
        ("/usage/", "/", "/#search$"),
        ("job", "r", r"/new/\?from="),
        ("job", "c", r"/compare/\?job="),
        ("job", "j", "/jobs/"),
        ("picture", "ArrowRight", "/pictures/"),
        ("picture", "ArrowRight ArrowLeft", "/pictures/"),
        ("picture", "r", r"/new/\?from="),
        ("picture", "c", r"/compare/\?job=.+b="),
        ("picture", "Escape", "/jobs/"),
        ("compare", "r", r"/new/\?from="),
        ("compare", "2", "view=side"),
        ("compare", "3", "view=flip"),
        ("compare", "Escape", "/jobs/"),
    ],
)
def test_key_leads_there(visit, service, start, keys, address):
    job, picture = service.completed, service.picture()
    assert service.another
    paths = {"job": f"/jobs/{service.another}/", "picture": f"/pictures/{picture}/", "compare": f"/compare/?job={job}"}
    page = visit(paths.get(start, start))
    before = page.url
    press(page, keys)
    expect(page).to_have_url(re.compile(address))
    if "ArrowLeft" not in keys:
        expect(page).not_to_have_url(before)


@pytest.mark.parametrize("start", ["job", "picture", "compare"])
def test_key_downloads(visit, service, start):
    paths = {"job": f"/jobs/{service.completed}/", "picture": f"/pictures/{service.picture()}/"}
    page = visit(paths.get(start, f"/compare/?job={service.completed}"))
    with page.expect_download():
        page.keyboard.press("Shift+D")


def test_question_mark_opens_the_help(visit):
    page = visit("/")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_slash_goes_to_the_search(visit):
    page = visit("/")
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()


def test_gallery_of_the_history_has_its_keys(visit, service):
    assert service.completed != service.another
    page = visit("/")
    page.locator(".tile .shot").first.focus()
    press(page, "x ArrowRight x")
    expect(page.locator("#bulk output")).to_have_text("2 selected")
    page.keyboard.press("c")
    expect(page).to_have_url(re.compile(r"/compare/\?job=.+&job=.+"))


@pytest.mark.parametrize(("key", "address"), [("i", "/jobs/"), ("r", r"/new/\?from=")])
def test_tile_in_focus_has_its_keys(visit, service, key, address):
    assert service.completed
    page = visit("/")
    page.locator(".tile .shot").first.focus()
    page.keyboard.press(key)
    expect(page).to_have_url(re.compile(address))


def test_selected_edits_are_downloaded_by_key(visit, service):
    assert service.completed
    page = visit("/?state=completed")
    page.locator(".tile .shot").first.focus()
    page.keyboard.press("x")
    with page.expect_download() as download:
        page.keyboard.press("Shift+D")
    assert download.value.suggested_filename.endswith(".zip")


def test_results_of_a_job_have_their_keys(visit, service):
    page = visit(f"/jobs/{service.completed}/")
    press(page, "ArrowRight ArrowRight x")
    expect(page.locator("[data-result]").nth(1)).to_be_focused()
    expect(page.locator(".tick input").nth(1)).to_be_checked()
    page.keyboard.press("i")
    expect(page.locator("#settings")).to_be_focused()


def test_picture_shows_and_hides_its_settings_by_key(visit, service):
    page = visit(f"/pictures/{service.picture()}/")
    page.keyboard.press("i")
    expect(page.locator("details.about")).not_to_have_attribute("open", "")


def test_slider_moves_by_key(visit, service):
    page = visit(f"/compare/?job={service.completed}")
    page.locator(".cut").focus()
    page.keyboard.press("ArrowLeft")
    assert int(page.locator(".cut").input_value()) < 50


@pytest.mark.parametrize(
    "init", [{"key": "n", "ctrlKey": True}, {"key": "n", "altKey": True}, {"key": "n", "metaKey": True}]
)
def test_key_with_a_modifier_is_the_browsers(visit, init):
    assert not visit("/").evaluate(IS_TAKEN, init)


def test_key_is_a_letter_while_somebody_types(visit):
    page = visit("/new/")
    page.locator("#id_text").click()
    page.keyboard.type("n?/gh")
    expect(page.locator("#id_text")).to_have_value("n?/gh")
    assert page.get_by_role("dialog").is_hidden()
