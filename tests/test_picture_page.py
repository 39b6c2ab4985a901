"""The page of one output."""

import re

import pytest
from django.urls import reverse
from django.utils.html import escape

from jobs import intake, lifecycle, pictures
from jobs.models import Job, Output

from .conftest import parameters, png

pytestmark = pytest.mark.django_db


@pytest.fixture
def make_output():
    """Another result of a job, of the job's own picture."""

    def make(job: Job, **given) -> Output:
        file = job.inputs.first().picture.file.name
        known = {"kind": "image", "content_type": "image/png", "width": 64, "height": 48, "size": 2048, **given}
        return Output.objects.create(job=job, position=job.outputs.count(), file=file, sha256="ab" * 32, **known)

    return make


@pytest.fixture
def shown(as_user, alice):
    return lambda output: as_user(alice).get(output.get_absolute_url()).content.decode()


def reuse(output: Output, owner) -> Job:
    """A later edit that has this output as its input."""
    kept = intake.Kept(intake.keep(pictures.clean(png())), name="again.png")
    job = lifecycle.create(owner, parameters(text="Now in winter."), [kept])
    job.inputs.update(output=output)
    return job


def test_picture_page_tells_all_about_the_picture(shown, alice, make_job, make_output):
    page = shown(make_output(make_job(alice, text="Only the <best>.", seed=123456)))
    assert escape("Only the <best>.") in page
    for fact in ("123456", "64 × 48", "2.0\xa0KB", "PNG", "ab" * 32, "alice"):
        assert fact in page


def test_picture_page_links_to_what_can_be_done_with_it(shown, alice, make_job, make_output):
    job = make_job(alice)
    output = make_output(job)
    page = shown(output)
    for address in (
        f"/jobs/{job.pk}/",
        f"/outputs/{output.pk}/",
        f"/outputs/{output.pk}/?download=1",
        f"/new/?output={output.pk}",
        f"/new/?from={job.pk}",
        f"/compare/?job={job.pk}&amp;b={output.pk}",
    ):
        assert f'href="{address}"' in page


def test_picture_page_shows_its_own_address(shown, alice, make_job, make_output):
    output = make_output(make_job(alice))
    assert f'<code id="address">http://testserver/pictures/{output.pk}/</code>' in shown(output)


@pytest.mark.parametrize(
    ("at", "number", "steps"),
    [(0, "1 of 3", {"next": 1}), (1, "2 of 3", {"prev": 0, "next": 2}), (2, "3 of 3", {"prev": 1})],
)
def test_picture_page_leads_to_its_neighbours(shown, alice, make_job, make_output, at, number, steps):
    job = make_job(alice)
    outputs = [make_output(job) for _ in range(3)]
    page = shown(outputs[at])
    links = dict(re.findall(r'<a href="(\S+)" rel="(prev|next)"', page))
    assert number in page
    assert links == {outputs[other].get_absolute_url(): rel for rel, other in steps.items()}


def test_picture_page_shows_the_copies_for_pages(shown, alice, make_job, make_output):
    output = make_output(make_job(alice), widths=[320, 640])
    assert f'srcset="/outputs/{output.pk}/320.webp 320w, /outputs/{output.pk}/640.webp 640w"' in shown(output)


def test_picture_page_plays_a_video(shown, alice, make_job, make_output):
    output = make_output(make_job(alice), kind="video", content_type="video/mp4", width=None, height=None)
    page = shown(output)
    assert f'<video controls preload="metadata" src="/outputs/{output.pk}/"' in page
    assert "/compare/" not in page


@pytest.mark.parametrize(("review", "badges"), [("unreviewed", 0), ("approved", 1), ("rejected", 1)])
def test_picture_page_tells_of_a_review(shown, alice, make_job, make_output, review, badges):
    assert shown(make_output(make_job(alice), review=review)).count('class="badge"') == badges


def test_picture_page_names_the_edits_that_use_it(shown, alice, bob, make_job, make_output):
    output = make_output(make_job(alice))
    later = reuse(output, bob)
    assert f'<a href="/jobs/{later.pk}/">Now in winter.</a>' in shown(output)


def test_picture_page_names_no_edit_that_is_not_to_be_seen(shown, alice, bob, make_job, make_output, settings):
    settings.TEAM_VISIBILITY = "own"
    output = make_output(make_job(alice))
    reuse(output, bob)
    assert "Now in winter." not in shown(output)


def test_picture_page_names_ten_later_edits_and_says_that_there_are_more(shown, alice, make_job, make_output):
    output = make_output(make_job(alice))
    for _ in range(11):
        reuse(output, alice)
    page = shown(output)
    assert page.count("Now in winter.") == 10
    assert "… and in older ones." in page


def test_picture_of_another_is_unknown_where_each_sees_their_own(as_user, alice, bob, make_job, make_output, settings):
    settings.TEAM_VISIBILITY = "own"
    output = make_output(make_job(alice))
    assert as_user(bob).get(output.get_absolute_url()).status_code == 404


def test_picture_that_is_none_is_unknown(as_user, alice):
    assert as_user(alice).get(reverse("jobs:picture", args=["00000000-0000-0000-0000-000000000000"])).status_code == 404


@pytest.mark.parametrize("count", [1, 15])
def test_picture_page_costs_the_same_for_few_and_for_many(
    as_user, alice, make_job, make_output, django_assert_num_queries, count
):
    job = make_job(alice)
    output, *_others = [make_output(job) for _ in range(count)]
    for _ in range(count):
        reuse(output, alice)
    client = as_user(alice)
    client.get(output.get_absolute_url())
    # session, user, permissions, output with job, later edits, neighbours, RunComfy, worker
    with django_assert_num_queries(9):
        client.get(output.get_absolute_url())
