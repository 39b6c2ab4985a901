"""Whose step comes next: users take turns, and limited calls wait for their moments."""

import uuid

import pytest

from jobs.agenda import MIRROR, POLL, STALE_SECONDS, SUBMIT, Agenda, Moments
from jobs.models import Job
from jobs.states import State

ALICE, BOB, CAROL = 1, 2, 3


@pytest.fixture
def agenda():
    return Agenda()


@pytest.fixture
def plan(agenda):
    """Jobs of these owners that are due now, one after the other."""

    def put(*owners, state=State.PENDING):
        jobs = [Job(pk=uuid.uuid4(), owner_id=owner, state=state) for owner in owners]
        for at, job in enumerate(jobs):
            agenda.put(job.pk, at / 1000)
        agenda.line_up(1, {job.pk: job for job in jobs})
        return jobs

    return put


def order(agenda, jobs, kind=SUBMIT):
    owners = {job.pk: job.owner_id for job in jobs}
    return [owners[agenda.take(kind)] for _ in jobs]


def test_users_take_turns(agenda, plan):
    jobs = plan(*[ALICE] * 500, BOB, CAROL, BOB)
    assert order(agenda, jobs)[:6] == [ALICE, BOB, CAROL, ALICE, BOB, ALICE]


def test_jobs_of_one_user_come_as_they_were_due(agenda, plan):
    jobs = plan(ALICE, ALICE, ALICE)
    assert [agenda.take(SUBMIT) for _ in jobs] == [job.pk for job in jobs]


@pytest.mark.parametrize(
    ("state", "kind"),
    [(State.PENDING, SUBMIT), (State.IN_QUEUE, POLL), (State.IN_PROGRESS, POLL), (State.MIRRORING, MIRROR)],
)
def test_each_job_waits_in_the_line_of_what_it_needs(agenda, plan, state, kind):
    [job] = plan(ALICE, state=state)
    taken = {other: agenda.take(other) for other in (SUBMIT, POLL, MIRROR)}
    assert taken == {SUBMIT: None, POLL: None, MIRROR: None} | {kind: job.pk}


def test_job_waits_until_it_is_due(agenda):
    job = Job(owner_id=ALICE)
    agenda.put(job.pk, 5)
    agenda.line_up(4.9, {job.pk: job})
    assert agenda.take(SUBMIT) is None


def test_urgent_job_comes_before_all_others(agenda, plan):
    *_others, last = jobs = plan(*[ALICE] * 5)
    agenda.put(last.pk, 0, is_urgent=True)
    agenda.line_up(1, {job.pk: job for job in jobs})
    assert agenda.take(SUBMIT) == last.pk


def test_job_that_is_put_anew_comes_once(agenda, plan):
    [job] = plan(ALICE)
    agenda.put(job.pk, 0)
    agenda.line_up(1, {job.pk: job})
    assert [agenda.take(SUBMIT), agenda.take(SUBMIT)] == [job.pk, None]


def test_dropped_job_never_comes(agenda, plan):
    dropped, kept = plan(ALICE, ALICE)
    agenda.drop(dropped.pk)
    assert [agenda.take(SUBMIT), agenda.take(SUBMIT)] == [kept.pk, None]


def test_without_a_limit_calls_begin_at_any_time():
    moments = Moments(0)
    moments.use()
    assert (moments.are_there(0), moments.missing(500, 0)) == (True, 0)


def test_limited_calls_begin_at_their_moments_and_no_sooner():
    moments = Moments(10)
    moments.add([1.0, 1.1])
    assert [moments.are_there(now) for now in (0.99, 1.0)] == [False, True]
    moments.use()
    assert [moments.are_there(now) for now in (1.09, 1.1)] == [False, True]


def test_moments_are_asked_for_as_many_as_are_missing():
    moments = Moments(10)
    moments.add([1.0, 1.1])
    assert [moments.missing(wanted, 1.0) for wanted in (1, 2, 5)] == [0, 0, 3]


def test_moments_are_not_saved_up():
    moments = Moments(10)
    moments.add([1.0, 1.1])
    assert not moments.are_there(1.2 + STALE_SECONDS)
