"""From the sign-in to a second edit made of the first one's result."""

import re

import pytest
from playwright.sync_api import Page, expect

from .chromium import DEVICES
from .desk import PASSWORD
from .scenes import photo

JOB = re.compile(r"/jobs/[0-9a-f-]+/$")


def sign_in(page: Page, user: str = "alice") -> None:
    page.get_by_label("Username").fill(user)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def start_edit(page: Page, prompt: str) -> None:
    page.locator("#id_text").fill(prompt)
    page.get_by_role("button", name="Start edit").click()
    expect(page).to_have_url(JOB)


def expect_completed(page: Page) -> None:
    expect(page.locator("#live")).to_have_attribute("data-state", "completed", timeout=60_000)


@pytest.mark.parametrize("device", DEVICES)
def test_journey_from_the_sign_in_to_an_edit_of_a_result(visit, device):
    page = visit("/", user=None, device=device)
    sign_in(page)
    page.get_by_role("link", name="New edit").first.click()
    page.locator("#id_images").set_input_files([photo("mug"), photo("vase")])
    expect(page.locator(".prev")).to_have_count(2)
    start_edit(page, "Make 2 images of the vase beside the mug.")
    page.evaluate("window.isTheSamePage = true")
    expect_completed(page)
    assert page.evaluate("window.isTheSamePage")
    page.locator("a[data-result]").first.click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.path().read_bytes().startswith(b"\xff\xd8\xff")
    page.get_by_role("link", name="Use as input").click()
    start_edit(page, "Make 1 image of it at night.")
    expect(page.locator(".inputs .from")).to_have_text("result 1")
    expect_completed(page)


def test_rerun_shows_its_lineage(visit, service):
    page = visit(f"/jobs/{service.completed}/")
    page.get_by_role("link", name="Re-run with changes").click()
    expect(page.locator(".prev")).to_have_count(2)
    start_edit(page, "Make 1 image of this mug on a mountain.")
    page.get_by_role("region", name="Related edits").get_by_role("link").click()
    expect(page).to_have_url(re.compile(service.completed))


def test_cancelled_job_says_so_without_a_reload(visit, service):
    service.misbehave("queue_forever")
    page = visit("/new/")
    page.locator("#id_images").set_input_files(photo("coast"))
    start_edit(page, "Make 1 image of the coast in fog.")
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#live")).to_have_attribute("data-state", "cancelled")


def test_download_all_is_one_zip(visit, service):
    page = visit(f"/jobs/{service.completed}/")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download all").click()
    assert download.value.suggested_filename.endswith(".zip")
    assert download.value.path().read_bytes().startswith(b"PK")


def test_forgotten_password_is_chosen_anew(visit, service):
    page = visit(service.reset_link("nora"), user=None)
    for label in ("New password", "confirmation"):
        page.get_by_label(label).last.fill(PASSWORD)
    page.get_by_role("button").last.click()
    page.goto("/sign-in/")
    sign_in(page, "nora")
    expect(page.get_by_role("heading", name="History")).to_be_visible()


def test_wrong_password_keeps_the_name(visit):
    page = visit("/sign-in/", user=None)
    page.get_by_label("Username").fill("nobody")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("Username")).to_have_value("nobody")


def test_token_is_shown_once(visit):
    page = visit("/tokens/")
    page.get_by_label("Name").fill("Shown once")
    page.get_by_role("button", name="Create").click()
    expect(page.locator("#new-token")).to_have_text(re.compile(r"\w{40,}"))
    page.reload()
    expect(page.locator("#new-token")).to_have_count(0)
    expect(page.get_by_role("cell", name="Shown once")).to_be_visible()


def test_usage_is_given_as_csv(visit, service):
    assert service.completed
    page = visit("/usage/")
    with page.expect_download() as download:
        page.locator("a.csv").first.click()  # the second is of the reviewers' figures, where there are any
    assert "Alice Winter" in download.value.path().read_text("utf-8-sig")
