"""Everything that matters works where no script runs."""

import re

import pytest
from playwright.sync_api import expect

from .scenes import photo
from .test_journey import JOB, expect_completed, sign_in, start_edit


@pytest.fixture
def plain(visit):
    """Opens pages where no script runs."""
    return lambda path="/", **options: visit(path, script=False, **options)


def test_edit_is_sent_and_followed(plain):
    page = plain("/", user=None)
    sign_in(page)
    page.get_by_role("link", name="New edit").first.click()
    page.locator("#id_images").set_input_files([photo("room")])
    start_edit(page, "Make 1 image of this room in the evening.")
    expect_completed(page)


def test_refused_form_keeps_everything(plain, visit):
    page = plain("/new/")
    visit.expected.add(422)
    page.locator("#id_images").set_input_files([photo("room")])
    page.locator("#id_seed").fill("many")
    page.locator("#id_text").fill("Make 1 image of this room.")
    page.get_by_role("button", name="Start edit").click()
    expect(page.locator("#seed-errors")).to_be_visible()
    expect(page.locator(".prev .name")).to_contain_text(["room.jpg"])
    expect(page.locator("#id_text")).to_have_value("Make 1 image of this room.")


def test_job_is_cancelled(plain, service):
    service.misbehave("queue_forever")
    page = plain("/new/")
    page.locator("#id_images").set_input_files([photo("room")])
    start_edit(page, "Make 1 image of this room without furniture.")
    page.get_by_role("button", name="Cancel").click()
    expect(page).to_have_url(JOB)
    expect(page.locator("#live")).to_have_attribute("data-state", "cancelled")


def test_result_is_downloaded(plain, service):
    page = plain(f"/jobs/{service.completed}/")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download result 1").click()
    assert download.value.path().read_bytes().startswith(b"\xff\xd8\xff")


def test_history_is_searched_and_paged(plain, service):
    assert service.many
    page = plain("/", user="sam")
    page.get_by_role("link", name="Load 24 more").click()
    expect(page).to_have_url(re.compile("after="))
    page.goto("/")
    page.get_by_role("searchbox").fill("armchair nobody asked for")
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("heading", name="Nothing found")).to_be_visible()


def test_language_is_chosen(plain):
    page = plain("/sign-in/", user=None)
    page.get_by_role("button", name="日本語").click()
    expect(page.locator("html")).to_have_attribute("lang", "ja")
