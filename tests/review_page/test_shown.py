"""The page on which reviewers decide: where it begins, what is on it, and what it says when nothing waits."""

import re

import pytest
from django.urls import reverse
from django.utils.html import escape

from jobs import review, review_queue
from jobs.models import RejectionReason
from tests.conftest import stored_output

from .acts import START, at, outputs, text

pytestmark = pytest.mark.django_db


# Where it begins, and what is shown


def test_review_leads_to_the_first_undecided_output_of_the_oldest_edit(client, finish, alice, rita, job):
    finish(alice)
    review.decide([outputs(job)[0]], rita, review.wish("approved"))
    assert client.get(START)["Location"] == at(outputs(job)[1])


def test_page_shows_the_edit_its_set_and_the_reasons_with_their_keys(client, finish, alice):
    job = finish(alice, text="Only the <best>.", seed=4711)
    page = client.get(at(outputs(job)[1])).content.decode()
    for shown in (escape("Only the <best>."), "4711", "Result 2 of 3", "Result 3: Not reviewed"):
        assert shown in page
    assert re.findall(r'id="reason-(\d)" name="reason" value="(\w+)"', page)[:2] == [
        ("1", "off_brief"),
        ("2", "artefacts"),
    ]


def test_page_offers_only_reasons_in_use(client, job):
    RejectionReason.objects.filter(slug="crop").update(is_active=False)
    assert 'value="crop"' not in client.get(at(outputs(job)[0])).content.decode()


def test_page_puts_the_chosen_picture_beside_the_result(client, job):
    second = job.inputs.get()
    second.pk, second.position, second._state.adding = None, 1, True
    second.save()
    assert client.get(at(outputs(job)[0])).context["before"].position == 0
    assert client.get(at(outputs(job)[0], "?before=2")).context["before"] == second
    assert client.get(at(outputs(job)[0], "?before=9999999")).context["before"].position == 0


def test_page_of_a_video_plays_it(client, job):
    video = stored_output(job, kind="video", extension=".mp4")
    page = client.get(at(video)).content.decode()
    assert f'<video controls preload="metadata" src="{video.file_url}"' in page
    assert 'type="range"' not in page


def test_page_names_what_comes_next_for_loading_it_before(client, job):
    first, second, _third = outputs(job)
    ahead = client.get(at(first)).context["ahead"]
    assert ahead == [second, job.inputs.get()]


def test_own_edit_is_shown_without_the_buttons(as_user, finish, rita):
    page = as_user(rita).get(at(outputs(finish(rita))[0])).content.decode()
    assert "Nobody reviews their own edits." in page
    assert 'name="verdict"' not in page


# Nothing to do


def test_nothing_waits(client):
    assert "Everything that was made is decided." in text(client.get(START))


def test_only_ones_own_edits_wait(client, finish, rita):
    finish(rita)
    assert "Only your own edits wait" in text(client.get(START))


def test_nothing_fits_the_filters(client, job):
    response = client.get(f"{START}?q=zebra")
    assert "Nothing that fits waits" in text(response)
    assert f'href="{START}"' in response.content.decode()


def test_member_is_told_who_reviews(as_user, bob, job):
    response = as_user(bob).get(at(outputs(job)[0]))
    assert response.status_code == 403
    assert "Only reviewers decide about pictures." in text(response)


# The tab


def tab(client):
    found = re.search(r'id="review-tab".*?</a>', client.get(reverse("jobs:usage")).content.decode())
    return found and re.sub(r"<[^>]+>", "", found[0]).partition(">")[2].strip()


def test_tab_shows_how_many_edits_wait(client, finish, alice, job):
    finish(alice)
    assert tab(client) == "Review 2 waiting"


def test_tab_shows_no_nought(client):
    assert tab(client) == "Review"


def test_tab_is_for_reviewers_only(as_user, bob, job):
    assert tab(as_user(bob)) is None


def test_tab_counts_no_further_than_its_limit(client, finish, alice, monkeypatch):
    monkeypatch.setattr(review_queue, "COUNT_LIMIT", 1)
    finish(alice), finish(alice)
    assert tab(client) == "Review 1+ waiting"


def test_tab_looks_through_the_oldest_only(finish, alice, rita, monkeypatch):
    monkeypatch.setattr(review_queue, "LOOKED_THROUGH", 4)
    for owner in (alice, rita, alice):
        finish(owner)
    assert review_queue.number(rita) == "1+"
