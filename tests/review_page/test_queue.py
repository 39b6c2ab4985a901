"""What waits for reviewers, beside the page: in its order, by its filters, and among many."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from jobs import review, review_queue, search
from jobs.models import Job, Output, SearchEntry
from jobs.states import State

from .acts import START, approve, at, outputs, path, text

pytestmark = pytest.mark.django_db


# The queue


def test_queue_holds_the_oldest_edits_with_their_owners_and_what_waits(client, finish, alice, bob, rita, job):
    finish(bob, outputs=1)
    review.decide([outputs(job)[0]], rita, review.wish("approved"))
    entries = client.get(START, follow=True).context["entries"]
    assert [(entry.job.owner, entry.count) for entry in entries] == [(alice, 2), (bob, 1)]


def test_queue_shows_24_and_leads_to_the_rest(client, finish, alice):
    jobs = [finish(alice, outputs=1) for _ in range(30)]
    first = client.get(START, follow=True)
    rest = client.get(at(outputs(jobs[0])[0], first.context["more_url"]))
    shown = [entry.job.pk for response in (first, rest) for entry in response.context["entries"]]
    assert shown == [job.pk for job in jobs]
    assert (len(first.context["entries"]), rest.context["more_url"]) == (24, "")


def test_queue_begins_with_an_edit_that_lies_further_behind(client, finish, alice):
    jobs = [finish(alice, outputs=1) for _ in range(28)]
    context = client.get(at(outputs(jobs[26])[0])).context
    assert [entry.job.pk for entry in context["entries"]] == [jobs[26].pk, jobs[27].pk]
    assert (context["has_older"], context["place"]) == (True, 27)


def test_queue_refuses_a_place_that_is_none(client, job):
    assert client.get(at(outputs(job)[0], "?after=x")).status_code == 404


def test_heading_counts_the_edits_and_says_since_when_the_oldest_waits(client, finish, alice, job):
    finish(alice)
    Output.objects.filter(job=job).update(stored_at=timezone.now() - timedelta(minutes=38))
    assert "1 of 2 waiting · oldest 38 min" in text(client.get(START, follow=True))


def test_heading_counts_no_further_than_its_limit(client, finish, alice, monkeypatch):
    monkeypatch.setattr(review_queue, "COUNT_LIMIT", 2)
    for _ in range(3):
        finish(alice, outputs=1)
    assert "1 of 2+ waiting" in text(client.get(START, follow=True))


def test_ways_lead_to_the_edits_around(client, finish, alice):
    one, two, three = (finish(alice) for _ in range(3))
    context = client.get(at(outputs(two)[1])).context
    assert (context["edit_before"], context["edit_beyond"]) == (outputs(one)[0], outputs(three)[0])
    assert client.get(at(outputs(three)[0])).context["edit_beyond"] is None


# Filters


@pytest.fixture
def two(finish, alice, bob):
    """An old edit of Alice's, and a new one of Bob's."""
    old = finish(alice, text="A red car", optimize_prompt_options="fast")
    Job.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=40))
    return old, finish(bob, text="A blue bus in the rain", optimize_prompt_options="standard")


DAY = (timezone.now() - timedelta(days=20)).date()


@pytest.mark.parametrize(
    ("query", "which"),
    [
        ("quality=fast", 0),
        ("quality=standard", 1),
        (f"until={DAY}", 0),
        (f"since={DAY}", 1),
        ("q=RED", 0),
        ("q=rain+blu", 1),
        ("quality=standard&q=bus", 1),
    ],
)
def test_filter_leaves_what_fits(client, two, query, which):
    response = client.get(f"{START}?{query}", follow=True)
    assert [entry.job for entry in response.context["entries"]] == [two[which]]
    assert response.redirect_chain[0][0] == at(outputs(two[which])[0], f"?{query}")


def test_filter_of_a_person(client, two, bob):
    assert path(client.get(f"{START}?owner={bob.pk}")) == at(outputs(two[1])[0])


@pytest.mark.parametrize(("allowed", "offered"), [(False, False), (True, True)])
def test_filter_for_ones_own_is_offered_where_these_are_reviewed(client, job, settings, allowed, offered):
    settings.NO_REVIEW_OF_OWN = not allowed
    assert ("Only me" in client.get(at(outputs(job)[0])).content.decode()) is offered


def test_filter_with_a_bad_value_is_told_and_left_out(client, job):
    response = client.get(f"{START}?since=yesterday", follow=True)
    assert "From: Enter a valid date." in text(response)
    assert len(response.context["entries"]) == 1


def test_filters_stay_in_the_links_and_while_deciding(client, two):
    query = "?quality=standard&q=bus"
    _car, bus = two
    links = re.findall(r'href="(/review/[^"]+)"', client.get(at(outputs(bus)[0], query)).content.decode())
    assert links
    assert all("quality=standard&amp;q=bus" in link for link in links if link != START)
    answer = approve(client, outputs(bus)[2], query)
    assert answer["Location"].startswith(at(outputs(bus)[0], query))


def test_deciding_the_last_that_fits_ends_at_the_page_that_says_so(client, finish, two, alice):
    car = two[0]
    review.decide(outputs(car)[1:], client_user(client), review.wish("approved"))
    answer = client.get(approve(client, outputs(car)[0], "?quality=fast")["Location"])
    assert "Nothing that fits waits" in text(answer)
    assert "Approved result 1 of “A red car”." in text(answer)


def client_user(client):
    from django.contrib.auth.models import User

    return User.objects.get(pk=client.session["_auth_user_id"])


# Many

MANY = 10_000


@pytest.fixture
def fill(alice, make_job):
    """So many edits of one output each, all undecided."""

    def make(count):
        like = make_job(alice)
        own = {"id", "state", "finished_at", "owner"}
        known = {field.name: getattr(like, field.name) for field in Job._meta.concrete_fields if field.name not in own}
        ended = {"state": State.FAILED, "finished_at": timezone.now(), "owner": alice}
        jobs = [Job(**known, **ended) for _ in range(count)]
        file = {"kind": "image", "file": "x.png", "sha256": "0" * 64, "content_type": "image/png", "size": 1}
        Job.objects.bulk_create(jobs, batch_size=500)
        Output.objects.bulk_create((Output(job=job, position=0, **file) for job in jobs), batch_size=500)
        words = search.words(like.text)
        SearchEntry.objects.bulk_create((SearchEntry(job=job, words=words) for job in jobs), batch_size=500)
        return jobs

    return make


@pytest.mark.parametrize("query", ["", "?quality=fast&q=images"])
@pytest.mark.parametrize("count", [3, MANY])
def test_page_costs_the_same_for_few_and_for_many(client, fill, django_assert_num_queries, count, query):
    output = fill(count)[1].outputs.get()
    with django_assert_num_queries(23):
        assert len(client.get(at(output, query)).context["entries"]) == min(count, 24)


def explain(queryset):
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            # A table of few rows is read whole; these say what is chosen for a large one.
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
    return queryset.explain()


def test_queue_is_read_from_the_index_of_what_waits(rita, fill):
    job = fill(3)[1]
    queue = review_queue.Queue(rita)
    lists = [queue.outputs[:1], queue.outputs.filter(job_id__gt=job.pk)[:1], queue._ids(queue.outputs)[:100]]
    for plan in map(explain, lists):
        assert "output_unreviewed" in plan
        assert "TEMP B-TREE" not in plan
        assert "Sort" not in plan
