"""The form for a new edit: pictures by every way in, and nothing lost."""

import base64

import pytest
from playwright.sync_api import expect

from .scenes import photo, scene

MAKE_TRANSFER = """(files) => {
  const transfer = new DataTransfer();
  for (const { name, type, content } of files) {
    const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
    transfer.items.add(new File([bytes], name, { type }));
  }
  return transfer;
}"""
PASTE_FILES = """(clipboardData) => document.body.dispatchEvent(
  new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }))"""
PASTE_TEXT = """(text) => {
  const clipboardData = new DataTransfer();
  clipboardData.setData('text/plain', text);
  document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
}"""


def transfer(page, *names, type="image/jpeg"):
    """What a drag or the clipboard carries, inside the page."""
    files = [{"name": name, "type": type, "content": base64.b64encode(scene(name)).decode()} for name in names]
    return page.evaluate_handle(MAKE_TRANSFER, files)


def names(page):
    return page.locator(".prev .name [data-name]")


def test_dropped_pictures_are_taken(visit):
    page = visit("/new/")
    files = transfer(page, "mug", "vase")
    for kind in ("dragenter", "dragover", "drop"):
        page.locator("[data-drop]").dispatch_event(kind, {"dataTransfer": files})
    expect(names(page)).to_have_text(["mug", "vase"])


def test_pasted_picture_is_taken(visit):
    page = visit("/new/")
    transfer(page, "fruit").evaluate(PASTE_FILES)
    expect(names(page)).to_have_text(["fruit"])


def test_pasted_link_is_taken(visit):
    page = visit("/new/")
    page.evaluate(PASTE_TEXT, "https://images.example.com/harbour.jpg")
    expect(names(page)).to_have_text(["harbour.jpg"])


def test_typed_link_is_checked(visit):
    page = visit("/new/")
    page.locator("#link").fill("http://images.example.com/harbour.jpg")
    page.locator("#link").press("Enter")
    expect(page.locator("#images-errors")).to_contain_text("not an https link")


def test_dropped_file_of_another_kind_is_refused_by_name(visit):
    page = visit("/new/")
    page.locator("[data-drop]").dispatch_event("drop", {"dataTransfer": transfer(page, "mug", type="image/gif")})
    expect(page.locator("#images-errors")).to_have_text("mug: not a JPEG or PNG picture")


def test_pictures_are_reordered_and_removed(visit):
    page = visit("/new/")
    page.locator("#id_images").set_input_files([photo("mug"), photo("vase"), photo("fruit")])
    page.get_by_role("button", name="Move later: mug.jpg").click()
    page.get_by_role("button", name="Remove: fruit.jpg").click()
    expect(names(page)).to_have_text(["vase.jpg", "mug.jpg"])


def test_recent_result_is_taken(visit, service):
    assert service.completed
    page = visit("/new/")
    page.get_by_text("or pick from recent results").click()
    page.locator("[data-use]").first.click()
    expect(page.locator(".prev")).to_have_count(1)


def test_estimate_follows_the_number(visit):
    page = visit("/new/")
    page.locator("#id_count").fill("4")
    expect(page.locator("[data-formula]")).to_contain_text("4 images")


def test_refused_form_keeps_everything(visit):
    page = visit("/new/")
    visit.expected.add(422)
    page.locator("#id_images").set_input_files(photo("mug"))
    page.evaluate(PASTE_TEXT, "https://127.0.0.1/private.jpg")
    page.locator("#id_text").fill("Make 2 images of both.")
    page.locator("#id_seed").fill("77")
    page.get_by_role("button", name="Start edit").click()
    expect(page.locator("#images-errors")).to_be_visible()
    expect(names(page)).to_have_text(["mug.jpg", "private.jpg"])
    expect(page.locator("#id_text")).to_have_value("Make 2 images of both.")
    expect(page.locator("#id_seed")).to_have_value("77")


@pytest.mark.parametrize("script", [True, False])
def test_empty_form_says_what_is_missing(visit, script):
    page = visit("/new/", script=script)
    visit.expected.add(422)
    page.get_by_role("button", name="Start edit").click()
    expect(page.locator("#images-errors")).to_have_text("Add at least one picture.")
    expect(page.locator("#text-errors")).to_contain_text("Write a prompt")
