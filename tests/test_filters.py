"""The history's filters: what each lets through, together and alone, and what becomes of bad values."""

from datetime import datetime
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from django.http import QueryDict
from django.utils import timezone

from jobs.filters import JobFilter
from jobs.models import Job, Output
from jobs.states import ENDED, STORING, TRANSITIONS, State

pytestmark = pytest.mark.django_db


def filtered(user, query):
    jobs = Job.objects.visible_to(user).order_by("-created_at", "-id")
    return JobFilter(QueryDict(query), jobs, request=SimpleNamespace(user=user))


def put(job, state, **fields):
    finished_at = timezone.now() if state in ENDED else None
    request_id = f"request-{job.pk}"
    Job.objects.filter(pk=job.pk).update(state=state, finished_at=finished_at, request_id=request_id, **fields)
    return job


@pytest.mark.parametrize(
    ("group", "states"),
    [
        ("running", {"pending", "submitting", "in_queue", "in_progress", "mirroring"}),
        ("completed", {"completed"}),
        ("failed", {"failed"}),
        ("cancelled", {"cancelled"}),
        ("unconfirmed", {"unconfirmed"}),
    ],
)
def test_states_are_grouped_as_people_think(alice, make_job, group, states):
    for state in State:
        put(make_job(alice), state)
    assert {job.state for job in filtered(alice, f"state={group}").qs} == states


def test_every_state_is_in_one_group(alice):
    from jobs.filters import STATES

    grouped = [state for _label, states in STATES.values() for state in states]
    assert sorted(grouped) == sorted(State)


def test_owner_is_me_or_a_teammate(alice, bob, make_job):
    mine, theirs = make_job(alice), make_job(bob)
    assert list(filtered(alice, "owner=me").qs) == [mine]
    assert list(filtered(alice, f"owner={bob.pk}").qs) == [theirs]


def test_owners_to_choose_are_those_with_jobs_to_see(alice, bob, rita, make_job):
    make_job(bob)
    bob.first_name, bob.last_name = "Bob", "Dylan"
    bob.save()
    choices = filtered(alice, "").form.fields["owner"].choices
    assert [label for value, label in choices if value] == ["Only me", "Bob Dylan"]


def test_no_teammate_is_named_where_each_sees_their_own(alice, bob, make_job, settings):
    settings.TEAM_VISIBILITY = "own"
    make_job(bob)
    assert filtered(alice, f"owner={bob.pk}").errors


def test_quality(alice, make_job):
    fast, _standard = (make_job(alice, optimize_prompt_options=word) for word in ("fast", "standard"))
    assert list(filtered(alice, "quality=fast").qs) == [fast]


@pytest.mark.parametrize("review", Output.Review.values)
def test_review_takes_jobs_with_at_least_one_such_output(alice, make_job, review):
    job, _without = make_job(alice), make_job(alice)
    for position, each in enumerate(Output.Review.values):
        add_output(job, position, each)
    assert list(filtered(alice, f"review={review}").qs) == [job]


@pytest.mark.parametrize("state", ["cancelled", "unconfirmed"])
def test_jobs_that_never_stored_anything_are_not_looked_at_for_reviews(alice, state, django_assert_num_queries):
    found = filtered(alice, f"state={state}&review=approved")
    assert found.form.is_valid()
    with django_assert_num_queries(0):
        assert list(found.qs) == []


def test_states_that_store_nothing_are_those_that_none_which_does_leads_to():
    reached = {state for storing in STORING for state in TRANSITIONS.get(storing, ())}
    assert reached <= {*STORING}


def add_output(job, position, review="unreviewed"):
    fields = {"kind": "image", "file": "x.png", "sha256": "0" * 64, "content_type": "image/png", "size": 1}
    return Output.objects.create(job=job, position=position, review=review, **fields)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("since=2026-03-01", 2),
        ("until=2026-03-01", 2),
        ("since=2026-03-01&until=2026-03-01", 1),
        ("since=2026-03-02", 1),
        ("until=2026-02-27", 0),
    ],
)
def test_dates_are_local_and_inclusive(alice, make_job, query, count):
    tokyo = ZoneInfo("Asia/Tokyo")
    moments = [(2, 28, 23, 59), (3, 1, 0, 0), (3, 2, 0, 0)]
    for month, day, hour, minute in moments:
        at = datetime(2026, month, day, hour, minute, tzinfo=tokyo)
        Job.objects.filter(pk=make_job(alice).pk).update(created_at=at)
    with timezone.override(tokyo):
        assert filtered(alice, query).qs.count() == count


def test_filters_combine(alice, bob, make_job):
    wanted = put(make_job(alice, text="A red car"), State.FAILED)
    put(make_job(alice, text="A red car"), State.COMPLETED)
    put(make_job(bob, text="A red car"), State.FAILED)
    put(make_job(alice, text="A blue bus"), State.FAILED)
    assert list(filtered(alice, "q=red&state=failed&owner=me&quality=fast&since=2026-01-01").qs) == [wanted]


@pytest.mark.parametrize("query", ["", "q=car", "q=car&owner=me"])
def test_order_turns_around(alice, make_job, query):
    jobs = [make_job(alice, text="A car") for _ in range(3)]
    assert list(filtered(alice, f"{query}&sort=oldest").qs) == jobs
    assert list(filtered(alice, query).qs) == jobs[::-1]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("state=sideways", "state"),
        ("owner=0", "owner"),
        ("owner=%00", "owner"),
        ("quality=best", "quality"),
        ("review=x", "review"),
        ("since=yesterday", "since"),
        ("since=0001-01-01", "since"),
        ("until=9999-12-31", "until"),
        ("until=2026-02-30", "until"),
        ("since=2026-03-02&until=2026-03-01", "until"),
        ("sort=price", "sort"),
        (f"q={'x' * 601}", "q"),
        ("q=a%00b", "q"),
    ],
)
def test_bad_value_is_told_and_left_out(alice, make_job, query, field):
    job = make_job(alice)
    given = filtered(alice, f"{query}")
    assert list(given.errors) == [field]
    assert list(given.qs) == [job]


def test_bad_state_leaves_the_review_to_be_looked_for(alice, make_job):
    make_job(alice)
    given = filtered(alice, "state=sideways&review=approved")
    assert (list(given.errors), list(given.qs)) == (["state"], [])
