"""How long edits usually take: the median of our own finished ones with the same settings."""

import uuid
from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from jobs import figures
from jobs.models import Job
from jobs.poll_times import Usual
from jobs.states import State

pytestmark = pytest.mark.django_db


@pytest.fixture
def finish(alice):
    """Completed jobs that took so many seconds each, the last one finished last."""

    def make(*seconds, count=2, quality="fast", state=State.COMPLETED, **times):
        now = timezone.now()
        for at, took in enumerate(seconds):
            finished = now - timedelta(minutes=len(seconds) - at)
            begun = finished - timedelta(seconds=took)
            Job.objects.create(
                owner=alice,
                text="Make 2.",
                request_id=str(uuid.uuid4()),
                sequential_image_generation_options=count,
                image_size="2048:2048 (1:1)",
                optimize_prompt_options=quality,
                state=state,
                finished_at=finished,
                **({"accepted_at": begun, "submitted_at": begun - timedelta(seconds=5)} | times),
            )

    return make


def test_usual_time_is_the_median(finish):
    finish(10, 400, 20)
    assert figures.usual_seconds(2, "fast") == 20


def test_two_jobs_are_too_few_to_say_anything(finish):
    finish(10, 20)
    assert figures.usual_seconds(2, "fast") is None


def test_only_the_newest_fifty_count(finish):
    finish(*[900] * 60, *[30] * 50)
    assert figures.usual_seconds(2, "fast") == 30


@pytest.mark.parametrize("other", [{"count": 3}, {"quality": "standard"}, {"state": State.FAILED}])
def test_other_settings_and_failed_jobs_do_not_count(finish, other):
    finish(10, 10, 10, **other)
    assert figures.usual_seconds(2, "fast") is None


def test_time_counts_from_the_sending_where_nobody_saw_the_acceptance(finish):
    finish(10, 10, 10, accepted_at=None)
    assert figures.usual_seconds(2, "fast") == 15


def test_table_holds_what_is_known(finish):
    finish(10, 10, 10)
    finish(70, 70, 70, count=15, quality="standard")
    assert figures.usual_table() == {"fast": {2: 10}, "standard": {15: 70}}


def test_table_is_kept_for_a_while(finish, django_assert_num_queries):
    figures.usual_table()
    with django_assert_num_queries(0):
        figures.usual_table()


def test_times_of_a_kind_count_from_the_acceptance_and_from_the_beginning(finish):
    finish(*[40] * 50)
    Job.objects.update(started_at=F("finished_at") - timedelta(seconds=20), delivered_at=F("finished_at"))
    usual = figures.usual_times()["fast", 2]
    assert usual.run.soonest < 20 < usual.run.latest < usual.whole.soonest < 40 < usual.whole.latest


def test_times_end_when_runcomfy_is_done_not_when_all_is_stored(finish):
    finish(*[40] * 50)
    Job.objects.update(delivered_at=F("finished_at") - timedelta(seconds=30))
    usual = figures.usual_times()["fast", 2]
    assert usual.whole.soonest < 10 < usual.whole.latest < 40


@pytest.mark.parametrize("other", [{"count": 3}, {"quality": "standard"}, {"state": State.FAILED}])
def test_times_of_other_kinds_and_of_failed_jobs_do_not_count(finish, other):
    finish(*[40] * 50, **other)
    assert figures.usual_times()["fast", 2] == Usual()


def test_times_are_kept_for_a_while(finish, django_assert_num_queries):
    figures.usual_times()
    with django_assert_num_queries(0):
        figures.usual_times()


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "1 s"), (39.6, "40 s"), (89, "89 s"), (90, "2 min"), (61 * 60, "61 min")]
)
def test_duration_is_spoken(seconds, words):
    assert figures.spoken(seconds) == words
