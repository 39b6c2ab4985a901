"""Writes of many jobs in one transaction."""

import asyncio
import uuid

import pytest
from django.db import DatabaseError, IntegrityError, connection, connections

from jobs import logs
from jobs.models import Heartbeat, Job, JobEvent
from jobs.states import Verb
from jobs.steps.together import AT_ONCE, Together, in_database

pytestmark = pytest.mark.django_db(transaction=True)


def write(*calls):
    """What comes of calls that are made at once, in the thread that a driver writes in; each is about a job of its
    own."""

    async def written(together, number, call):
        with logs.about(Job(pk=number)):
            return await together.do(number, *call)

    async def all_written():
        together = Together()
        try:
            return await asyncio.gather(
                *(written(together, *numbered) for numbered in enumerate(calls)), return_exceptions=True
            )
        finally:
            await in_database(connections.close_all)

    return asyncio.run(all_written())


def beat(name):
    Heartbeat.objects.create(name=name, seen_at="2026-01-01T00:00:00Z")
    return name


def beat_and_fail(name):
    beat(name)
    raise ValueError(name)


def note_on_no_job():
    """Refused at the commit, and not before."""
    JobEvent.objects.create(job_id=uuid.uuid4(), verb=Verb.STARTED)


def names():
    return set(Heartbeat.objects.values_list("name", flat=True))


def is_together():
    return connection.in_atomic_block


def test_together_writes_in_one_transaction_what_waits():
    assert write(*[[is_together]] * 3) == [True, True, True]


def test_together_writes_what_came_alone_by_itself():
    assert write([is_together]) == [False]


def test_together_lets_others_write_in_between():
    assert write(*[[is_together]] * (AT_ONCE + 1)) == [True] * AT_ONCE + [False]


def test_together_tells_each_what_came_of_its_own():
    assert write([beat, "a"], [beat, "b"]) == ["a", "b"]
    assert names() == {"a", "b"}


def test_together_takes_back_only_what_failed():
    first, failed, last = write([beat, "a"], [beat_and_fail, "b"], [beat, "c"])
    assert (first, str(failed), last, names()) == ("a", "b", "c", {"a", "c"})


def test_together_goes_on_after_what_the_database_refused():
    first, refused, last = write([beat, "a"], [beat, "a"], [beat, "c"])
    assert (first, type(refused), last, names()) == ("a", IntegrityError, "c", {"a", "c"})


def test_together_tells_all_that_nothing_was_committed():
    outcomes = write([beat, "a"], [note_on_no_job], [beat, "c"])
    assert ([type(outcome) for outcome in outcomes], names()) == ([IntegrityError] * 3, set())


def test_together_tells_all_when_the_connection_broke():
    outcomes = write([beat, "a"], [break_connection], [beat, "c"])
    assert [isinstance(outcome, DatabaseError) for outcome in outcomes] == [True, True, True]
    assert names() == set()


def break_connection():
    connection.connection.close()
    beat("b")


def test_together_logs_each_write_as_of_its_own_job():
    assert [told["job_id"] for told in write(*[[logs.ids]] * 3)] == ["0", "1", "2"]


def test_together_does_not_write_for_who_was_told_to_stop():
    async def stopped():
        together = Together()
        stopping = asyncio.create_task(together.do(1, beat, "a"))
        await asyncio.sleep(0)
        stopping.cancel()
        try:
            return await together.do(2, beat, "b")
        finally:
            await in_database(connections.close_all)

    assert (asyncio.run(stopped()), names()) == ("b", {"b"})


def test_together_writes_in_the_order_of_the_jobs():
    order = []

    async def written():
        together = Together()
        try:
            await asyncio.gather(*(together.do(number, order.append, number) for number in (3, 1, 2)))
        finally:
            await in_database(connections.close_all)

    asyncio.run(written())
    assert order == [1, 2, 3]
