"""Leases: one driver moves a job at a time, and a dead one holds it only until its lease runs out."""

from datetime import timedelta

import pytest
from django.utils import timezone

from jobs.models import Job
from jobs.states import DRIVEN, State

pytestmark = pytest.mark.django_db


def test_lease_takes_idle_jobs_oldest_first(alice, make_job):
    jobs = [make_job(alice) for _ in range(3)]
    taken = Job.objects.lease("one", 15, 2)
    assert taken == jobs[:2]


def test_lease_leaves_what_another_driver_holds(alice, make_job):
    make_job(alice)
    Job.objects.lease("one", 15, 10)
    assert Job.objects.lease("two", 15, 10) == []


def test_lease_takes_over_when_it_ran_out(alice, make_job):
    job = make_job(alice)
    Job.objects.lease("one", -1, 10)
    assert Job.objects.lease("two", 15, 10) == [job]


@pytest.mark.parametrize("state", [state for state in State if state not in DRIVEN])
def test_lease_leaves_what_no_driver_moves(alice, make_job, state):
    job = make_job(alice)
    ended = timezone.now() if state in (State.COMPLETED, State.FAILED, State.CANCELLED) else None
    Job.objects.filter(pk=job.pk).update(state=state, request_id="id", finished_at=ended)
    assert Job.objects.lease("one", 15, 10) == []


def test_lease_waits_until_a_job_is_due(alice, make_job):
    job = make_job(alice)
    Job.objects.filter(pk=job.pk).update(not_before=timezone.now() + timedelta(minutes=1))
    assert Job.objects.lease("one", 15, 10) == []


def test_renewing_prolongs_only_what_is_still_held(alice, make_job):
    kept, lost = make_job(alice), make_job(alice)
    Job.objects.lease("one", 15, 10)
    Job.objects.filter(pk=lost.pk).update(lease="two")
    assert Job.objects.renew_lease("one", 60) == {kept.pk}


def test_renewing_comes_too_late_for_a_lease_that_ran_out(alice, make_job):
    make_job(alice)
    Job.objects.lease("one", -1, 10)
    assert Job.objects.renew_lease("one", 60) == set()


def test_released_job_is_idle_again(alice, make_job):
    job = make_job(alice)
    Job.objects.lease("one", 15, 10)
    Job.objects.release_lease("one", [job.pk])
    assert Job.objects.lease("two", 15, 10) == [job]


def test_releasing_anothers_lease_changes_nothing(alice, make_job):
    job = make_job(alice)
    Job.objects.lease("one", 15, 10)
    Job.objects.release_lease("two", [job.pk])
    assert Job.objects.get(pk=job.pk).lease == "one"
