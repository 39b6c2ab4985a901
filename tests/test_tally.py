"""Counting at once: as many pass as may, however many ask in the same moment."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.contrib.auth.backends import ModelBackend
from django.db import connection
from django.test import Client
from django.urls import reverse

from jobs import tasks
from jobs.models import Tally

pytestmark = pytest.mark.django_db(transaction=True)

MANY = 12


def at_once(call):
    """What MANY threads, each with its own connection to the database, get for the same call in the same moment."""
    start = Barrier(MANY)

    def one(_number):
        start.wait()
        try:
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(MANY) as threads:
        return list(threads.map(one, range(MANY)))


def test_tally_gives_each_of_many_at_once_its_own_number():
    numbers = at_once(lambda: Tally.add("doors", 60).number)
    assert sorted(numbers) == list(range(1, MANY + 1))


def test_tally_costs_one_statement(django_assert_num_queries):
    for _ in range(2):
        with django_assert_num_queries(1):
            Tally.add("doors", 60)


@pytest.mark.parametrize("seconds", [-61, 3600], ids=["of earlier", "of a clock that went wrong"])
def test_tally_begins_anew(seconds):
    before = Tally.add("doors", 60)
    Tally.objects.update(since=before.since + seconds)
    assert Tally.add("doors", 60).number == 1


def test_tally_tells_when_it_begins_anew():
    first = Tally.add("doors", 60)
    Tally.objects.update(since=first.since - 20)
    assert 0 < Tally.add("doors", 60).left(60) <= 40


def test_uploads_at_once_are_no_more_than_allowed(api, alice, settings):
    settings.API_RATES = {"reads": 1, "writes": 1, "uploads": 3}
    token = api(alice)
    answers = at_once(lambda: token.post("/api/v1/pictures/", {}))
    assert sorted(answer.status_code for answer in answers) == [400] * 3 + [429] * (MANY - 3)
    assert all(0 < int(answer["Retry-After"]) <= 60 for answer in answers if answer.status_code == 429)


class Door(ModelBackend):
    """Knows how many passwords came as far as being looked at."""

    tried = list[str]()

    def authenticate(self, request, username=None, password=None, **more):
        self.tried.append(password)
        return super().authenticate(request, username, password, **more)


@pytest.fixture
def door(settings):
    settings.AUTHENTICATION_BACKENDS = [settings.AUTHENTICATION_BACKENDS[0], f"{__name__}.Door"]
    Door.tried.clear()
    return Door


def test_passwords_at_once_are_no_more_than_may_be_tried(alice, door):
    at_once(lambda: Client().post(reverse("login"), {"username": "alice", "password": "wrong"}))
    assert len(door.tried) == 10


def test_password_that_is_right_lets_the_next_ones_be_tried(alice, door):
    for _ in range(MANY):
        Client().post(reverse("login"), {"username": "alice", "password": "alice's secret"})
    assert len(door.tried) == MANY


def test_sweep_forgets_old_tallies():
    Tally.add("old", 60)
    Tally.objects.update(since=1.0)
    Tally.add("new", 60)
    tasks.sweep()
    assert [tally.key for tally in Tally.objects.all()] == ["new"]
