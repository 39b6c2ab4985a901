"""The review page in a browser: keys, two reviewers at once, a phone, no script."""

import re
from dataclasses import dataclass, field
from itertools import count

import pytest
from playwright.sync_api import expect

NUMBERS = count(1)
TITLE = re.compile(r"Result (\d) of (\d)")


@dataclass
class Waiting:
    """Two edits of Alice's that no other test decides about: the filter in the address leaves only them."""

    desk: object
    word: str
    sets: list[list[str]] = field(default_factory=list)

    def path(self, edit=0, number=0):
        return f"/review/{self.sets[edit][number]}/?q={self.word}"

    def reviews(self, edit=0):
        """Of the set, as the service has them."""
        job = self.desk.api("sam").get(f"outputs/?job={self.jobs[edit]}").raise_for_status().json()
        return [output["review"] for output in sorted(job["results"], key=lambda output: output["position"])]


@pytest.fixture
def waiting(service):
    found = Waiting(service, f"queue{next(NUMBERS)}")
    found.jobs = [
        service.edit(f"Make {number} images of this: {found.word}.", "mug", sequential_image_generation_options=number)
        for number in (3, 2)
    ]
    for pk in found.jobs:
        service.reach(pk)
        found.sets.append([output["id"] for output in service.job(pk)["outputs"]])
    return found


def at(output):
    return re.compile(f"/review/{output}/")


def press(page, keys):
    for key in keys.split():
        page.keyboard.press(key)


def opened(visit, waiting, user="rita", **options):
    page = visit(waiting.path(), user, **options)
    page.wait_for_load_state("networkidle")
    return page


# One reviewer, with keys


def test_approving_goes_on_without_loading_the_page(visit, waiting):
    page = opened(visit, waiting)
    page.evaluate("window.isTheSamePage = true")
    for output in (*waiting.sets[0][1:], *waiting.sets[1]):
        page.keyboard.press("a")
        expect(page).to_have_url(at(output))
    expect(page.locator("#decided")).to_contain_text("Approved result 1 of")
    page.keyboard.press("a")
    expect(page.get_by_role("heading", name="Nothing that fits waits")).to_be_visible()
    assert page.evaluate("window.isTheSamePage")
    assert waiting.reviews() + waiting.reviews(1) == ["approved"] * 5


def test_rejecting_asks_for_a_reason_and_takes_a_digit(visit, waiting):
    page = opened(visit, waiting)
    page.keyboard.press("r")
    expect(page.locator("#reason-1")).to_be_focused()
    expect(page.locator("#announce")).to_have_text("Choose why it is rejected, with a digit, then press R or Enter.")
    page.keyboard.press("2")
    expect(page.locator("#reason-2")).to_be_checked()
    page.keyboard.press("r")
    expect(page).to_have_url(at(waiting.sets[0][1]))
    expect(page.locator("#decided")).to_contain_text("Artefacts")
    expect(page.locator("#announce")).to_contain_text(re.compile("^Rejected result 1 of .+ Result 2 of 3"))
    expect(page.locator("#title")).to_be_focused()
    assert waiting.reviews()[0] == "rejected"


def test_enter_sends_the_reason_in_focus(visit, waiting):
    page = opened(visit, waiting)
    press(page, "r 5 Enter")
    expect(page.locator("#decided")).to_contain_text("Wrong crop or size")
    assert waiting.reviews()[0] == "rejected"


def test_undo_by_key_brings_the_picture_back(visit, waiting):
    page = opened(visit, waiting)
    page.keyboard.press("a")
    expect(page).to_have_url(at(waiting.sets[0][1]))
    page.keyboard.press("z")
    expect(page).to_have_url(at(waiting.sets[0][0]))
    expect(page.locator("#notices")).to_have_text("Took 1 verdict back.")
    assert waiting.reviews()[0] == "unreviewed"


def test_undo_by_key_reaches_back_over_pictures_that_were_only_looked_at(visit, waiting):
    page = opened(visit, waiting)
    page.keyboard.press("a")
    expect(page).to_have_url(at(waiting.sets[0][1]))
    page.keyboard.press("j")
    expect(page).to_have_url(at(waiting.sets[1][0]))
    page.keyboard.press("z")
    expect(page).to_have_url(at(waiting.sets[0][0]))


def test_undo_after_eight_seconds_is_the_buttons_alone(visit, waiting):
    page = visit.page("rita")
    page.clock.install()
    page.goto(waiting.path())
    page.keyboard.press("a")
    expect(page).to_have_url(at(waiting.sets[0][1]))
    expect(page.locator("[data-undo]")).to_be_visible()
    page.clock.fast_forward(8_001)
    page.keyboard.press("z")
    page.keyboard.press("j")
    expect(page).to_have_url(at(waiting.sets[1][0]))
    assert waiting.reviews()[0] == "approved"
    page.get_by_role("button", name="Undo").click()
    expect(page).to_have_url(at(waiting.sets[0][0]))
    assert waiting.reviews()[0] == "unreviewed"


@pytest.mark.parametrize(
    ("keys", "edit", "number"),
    [
        ("j", 1, 0),
        ("ArrowDown", 1, 0),
        ("j k", 0, 0),
        ("ArrowDown ArrowUp", 0, 0),
        ("ArrowRight", 0, 1),
        ("ArrowRight ArrowRight ArrowLeft", 0, 1),
    ],
)
def test_keys_move_among_edits_and_in_the_set(visit, waiting, keys, edit, number):
    page = opened(visit, waiting)
    for key in keys.split():
        before = page.url
        page.keyboard.press(key)
        expect(page).not_to_have_url(before)
    expect(page).to_have_url(at(waiting.sets[edit][number]))
    assert set(waiting.reviews()) == {"unreviewed"}


def test_holding_b_shows_the_original(visit, waiting):
    page = opened(visit, waiting)
    before = page.locator(".pane.before")
    page.keyboard.down("b")
    expect(before).to_have_css("clip-path", "none")
    page.keyboard.up("b")
    expect(before).not_to_have_css("clip-path", "none")


def test_keys_are_letters_in_the_note(visit, waiting):
    page = opened(visit, waiting)
    page.locator("#note").click()
    page.keyboard.type("arz1")
    expect(page.locator("#note-count")).to_contain_text("4 / 300")
    expect(page.locator("#note")).to_have_value("arz1")
    expect(page).to_have_url(at(waiting.sets[0][0]))


def test_arrows_in_the_reasons_choose_among_them(visit, waiting):
    page = opened(visit, waiting)
    press(page, "r 2 ArrowDown")
    expect(page.locator("#reason-3")).to_be_checked()
    expect(page).to_have_url(at(waiting.sets[0][0]))


def test_key_that_is_held_decides_once(visit, waiting):
    page = opened(visit, waiting)
    page.keyboard.down("a")
    expect(page).to_have_url(at(waiting.sets[0][1]))
    page.keyboard.down("a")
    page.keyboard.up("a")
    page.keyboard.press("ArrowRight")
    expect(page).to_have_url(at(waiting.sets[0][2]))
    assert waiting.reviews() == ["approved", "unreviewed", "unreviewed"]


def test_double_click_decides_about_one_picture(visit, waiting):
    page = opened(visit, waiting)
    page.locator("#approve").dblclick()
    expect(page).to_have_url(at(waiting.sets[0][1]))
    page.keyboard.press("ArrowRight")
    expect(page).to_have_url(at(waiting.sets[0][2]))
    assert waiting.reviews() == ["approved", "unreviewed", "unreviewed"]


def test_next_picture_is_there_before_it_is_asked_for(visit, waiting):
    page = visit.page("rita")
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(waiting.path())
    page.wait_for_load_state("networkidle")
    own = [url for url in asked if f"/outputs/{waiting.sets[0][1]}/" in url]
    thumbnail = page.locator(f"#set-{waiting.sets[0][1]} img").evaluate("(image) => image.currentSrc")
    assert set(own) - {thumbnail} or not thumbnail.endswith(".webp")


def test_back_leads_to_the_picture_before_with_its_verdict(visit, waiting):
    page = opened(visit, waiting)
    page.keyboard.press("a")
    expect(page).to_have_url(at(waiting.sets[0][1]))
    page.go_back()
    expect(page).to_have_url(at(waiting.sets[0][0]))
    expect(page.locator(".said")).to_contain_text("by Rita Lindqvist")


def test_whole_set_is_decided_at_once(visit, waiting):
    page = opened(visit, waiting)
    page.get_by_role("button", name="Approve the 3 that wait").click()
    expect(page).to_have_url(at(waiting.sets[1][0]))
    assert waiting.reviews() == ["approved"] * 3
    page.keyboard.press("z")
    expect(page).to_have_url(at(waiting.sets[0][0]))
    assert waiting.reviews() == ["unreviewed"] * 3


def test_rejected_picture_is_made_anew_with_the_note_beside_the_prompt(visit, waiting):
    page = opened(visit, waiting)
    page.locator("#note").fill("The handle is missing.")
    page.locator("#reason-1").check()
    page.locator("#reject").click()
    page.get_by_role("link", name="Make this one anew").click()
    expect(page.locator(".prev")).to_have_count(1)
    expect(page.get_by_role("region", name="What the reviewer said")).to_contain_text("“The handle is missing.”")
    expect(page.locator("#id_text")).to_have_value(re.compile(waiting.word))


def test_g_r_leads_to_the_review(visit, service):
    assert service.completed
    page = visit("/usage/", "rita")
    press(page, "g r")
    expect(page).to_have_url(re.compile("/review/"))


def test_slash_opens_the_filter(visit, waiting):
    page = opened(visit, waiting)
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()


def test_line_that_breaks_loses_nothing(visit, waiting):
    page = opened(visit, waiting)
    page.locator("#note").fill("Fine.")
    page.route("**/review/**", lambda route: route.abort("connectionreset"))
    page.locator("#approve").click()
    expect(page.locator("[data-failed]")).to_have_text("This did not get through. Nothing is lost: try again.")
    page.unroute("**/review/**")
    visit.problems[:] = [problem for problem in visit.problems if not re.search("CONNECTION_RESET|htmx:", problem)]
    page.locator("#approve").click()
    expect(page).to_have_url(at(waiting.sets[0][1]))


# Two reviewers


def test_second_of_two_is_shown_the_verdict_of_the_first(visit, waiting):
    visit.expected.add(409)
    sams, ritas = opened(visit, waiting, "sam"), opened(visit, waiting)
    sams.keyboard.press("a")
    expect(sams).to_have_url(at(waiting.sets[0][1]))
    ritas.locator("#note").fill("Too dark.")
    ritas.locator("#reason-1").check()
    ritas.locator("#reject").click()
    clash = ritas.get_by_role("alert").filter(has_text="Somebody was faster.")
    expect(clash).to_contain_text("by Sam Abara")
    expect(ritas.locator("#note")).to_have_value("Too dark.")
    assert waiting.reviews()[0] == "approved"
    ritas.keyboard.press("r")
    expect(ritas).to_have_url(at(waiting.sets[0][1]))
    assert waiting.reviews()[0] == "rejected"


def test_reviewers_see_one_another_and_what_was_decided(visit, waiting):
    ritas = visit.page("rita")
    ritas.clock.install()
    ritas.goto(waiting.path())
    sams = opened(visit, waiting, "sam")
    expect(sams.locator("#others")).to_have_text("Rita Lindqvist is looking at this edit too.")
    ritas.clock.run_for(10_000)
    expect(ritas.locator("#others")).to_have_text("Sam Abara is looking at this edit too.")
    sams.keyboard.press("a")
    expect(sams).to_have_url(at(waiting.sets[0][1]))
    ritas.clock.run_for(10_000)
    expect(ritas.locator("#others")).to_contain_text("Somebody has decided about this result meanwhile:")


# A phone, and no script


def test_phone_keeps_the_buttons_in_sight(visit, waiting):
    page = opened(visit, waiting, device="phone")
    for place in (0, 10_000):
        page.evaluate("(top) => scrollTo(0, top)", place)
        expect(page.locator("#approve")).to_be_in_viewport(ratio=1)
    page.locator("#reject").tap()
    expect(page.locator("#reason-1")).to_be_in_viewport(ratio=1)
    expect(page.locator("#reason-errors")).to_have_text("Choose why it is rejected.")
    page.locator("label", has=page.locator("#reason-3")).tap()
    page.locator("#reject").tap()
    expect(page).to_have_url(at(waiting.sets[0][1]))
    expect(page.get_by_role("button", name="Undo")).to_be_in_viewport(ratio=1)
    expect(page.locator("#viewer .stage")).to_be_in_viewport(ratio=1)
    assert waiting.reviews()[0] == "rejected"


def test_phone_needs_no_sideways_scrolling(visit, waiting):
    page = opened(visit, waiting, device="phone")
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_everything_works_without_script(visit, waiting):
    visit.expected.add(422)
    page = opened(visit, waiting, script=False)
    page.locator("#note").fill("Too dark.")
    page.get_by_role("button", name="Reject", exact=True).click()
    expect(page.locator("#reason-errors")).to_have_text("Choose why it is rejected.")
    expect(page.locator("#note")).to_have_value("Too dark.")
    page.get_by_label("Off brief").check()
    page.get_by_role("button", name="Reject", exact=True).click()
    expect(page).to_have_url(at(waiting.sets[0][1]))
    page.get_by_role("button", name="Undo").click()
    expect(page).to_have_url(at(waiting.sets[0][0]))
    page.get_by_role("link", name="Next edit").click()
    expect(page).to_have_url(at(waiting.sets[1][0]))
    page.get_by_role("button", name="Approve the 2 that wait").click()
    expect(page).to_have_url(at(waiting.sets[0][0]))
    assert (waiting.reviews(), waiting.reviews(1)) == (["unreviewed"] * 3, ["approved"] * 2)
