"""Moments for calls: given out once, evenly, to whichever driver asks."""

from datetime import timedelta

import pytest
from django.utils import timezone

from jobs.models import Pace

pytestmark = pytest.mark.django_db


def test_moments_lie_evenly_apart():
    assert Pace.reserve("poll", 10, 3, 0.5) == pytest.approx([0, 0.1, 0.2])


def test_no_more_than_fit_into_the_time_ahead():
    assert len(Pace.reserve("poll", 10, 500, 0.5)) == 5


def test_who_comes_second_gets_what_is_left():
    assert Pace.reserve("poll", 0.01, 2, 250) == [0, 100]
    assert Pace.reserve("poll", 0.01, 500, 250) == [pytest.approx(200, abs=20)]


def test_slow_pace_has_one_moment_at_once_and_none_after_it():
    assert Pace.reserve("submit", 0.1, 5, 0.5) == [0]
    assert Pace.reserve("submit", 0.1, 5, 0.5) == []


def test_kinds_have_paces_of_their_own():
    Pace.reserve("poll", 10, 500, 0.5)
    assert Pace.reserve("submit", 10, 1, 0.5) == [0]


def test_time_that_nobody_used_is_not_saved_up():
    Pace.objects.create(kind="poll", given_until=timezone.now() - timedelta(hours=1))
    assert len(Pace.reserve("poll", 10, 500, 0.5)) == 5


def test_clock_that_went_wrong_silences_nobody():
    Pace.objects.create(kind="poll", given_until=timezone.now() + timedelta(hours=1))
    assert len(Pace.reserve("poll", 10, 500, 0.5)) == 5


@pytest.mark.parametrize("number", [1, 500])
def test_asking_is_one_write_however_many_are_wanted(number, django_assert_max_num_queries):
    Pace.reserve("poll", 1000, 1, 0.5)
    with django_assert_max_num_queries(6):
        Pace.reserve("poll", 1000, number, 0.5)
