"""RunComfy down or asking for patience: all drivers know, submits wait, nothing becomes unconfirmed for nothing."""

from datetime import timedelta

import pytest
from django.utils import timezone

from jobs import tasks
from jobs.models import Job, Provider
from jobs.states import Reason, State

from .processes import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def test_outage_is_known_to_all_after_a_submit_that_got_no_answer(sandbox, alice, make_job, drive_all):
    sandbox.misbehave("http_503", on="submit")
    make_job(alice)
    drive_all()
    assert Provider.known().failing_since is not None


def test_outage_makes_further_submits_wait_instead_of_becoming_unconfirmed(
    sandbox, alice, make_job, drive_all, settings
):
    settings.DRIVE_SECONDS = 0.5
    Provider.report_failure()
    sandbox.misbehave("http_503", on="model", times=None)
    job = make_job(alice)
    drive_all()
    job.refresh_from_db()
    assert (job.state, job.trouble, sandbox.ledger()["posts"]) == (State.PENDING, Reason.NOT_REACHED, 0)


def test_outage_ends_by_itself_and_the_submits_go_out(sandbox, alice, make_job, drive_all):
    Provider.report_failure()
    sandbox.misbehave("http_503", on="model", times=2)
    job = make_job(alice)
    drive_all()
    job.refresh_from_db()
    assert (job.state, Provider.known().failing_since) == (State.COMPLETED, None)


def test_outage_is_over_with_the_result_that_arrives(sandbox, alice, make_job, drive_all, settings):
    """Also when the first answer is that the job has ended: no other one may come for long."""
    sandbox.misbehave("http_401", on="status", times=None)
    job = make_job(alice)
    settings.DRIVE_SECONDS, whole = 1, settings.DRIVE_SECONDS
    drive_all()
    job.refresh_from_db()
    wait_until(lambda: sandbox.ledger()["requests"][job.request_id]["status"] == "completed")
    sandbox.behave()
    Provider.report_failure(Reason.NO_ACCESS)
    settings.DRIVE_SECONDS = whole
    drive_all()
    job.refresh_from_db()
    assert (job.state, Provider.known().failing_since) == (State.COMPLETED, None)


def test_outage_is_probed_once_for_all_submits_that_wait(sandbox, alice, make_job, drive_all, settings):
    settings.DRIVE_SECONDS, settings.RUNCOMFY_POLL_SECONDS = 0.3, 5
    Provider.report_failure()
    jobs = [make_job(alice) for _ in range(5)]
    sandbox.misbehave("http_503", on="model", times=1)
    drive_all()
    assert Job.objects.filter(trouble=Reason.NOT_REACHED).count() == len(jobs)
    assert sandbox.ledger()["posts"] == 0


def test_outage_that_lasts_ends_the_job_at_its_deadline(sandbox, alice, make_job, drive_all, settings):
    settings.SUBMIT_DEADLINE = timedelta(0)
    Provider.report_failure()
    sandbox.misbehave("http_503", on="model", times=None)
    job = make_job(alice)
    drive_all()
    job.refresh_from_db()
    assert (job.state, job.reason, sandbox.ledger()["posts"]) == (State.FAILED, Reason.UNREACHABLE, 0)


def test_rate_limit_of_one_job_holds_back_every_other_one(sandbox, alice, make_job, drive_all, settings):
    settings.DRIVE_SECONDS = 0.3
    sandbox.misbehave("http_429", on="submit", retry_after=60)
    make_job(alice)
    drive_all()
    make_job(alice)
    drive_all()
    assert sandbox.ledger()["posts"] == 1


def test_rate_limit_holds_back_the_next_driver(sandbox, alice, make_job, drive_all, settings):
    settings.DRIVE_SECONDS = 0.3
    Provider.hold(timezone.now() + timedelta(minutes=1))
    make_job(alice)
    drive_all()
    assert sandbox.ledger()["posts"] == 0


def test_rate_limit_is_not_shortened_by_a_second_one():
    later = timezone.now() + timedelta(minutes=5)
    Provider.hold(later)
    Provider.hold(timezone.now())
    assert Provider.known().held_until == later


def test_outage_without_jobs_is_over_by_the_next_sweep(sandbox):
    Provider.report_failure()
    tasks.sweep()
    assert Provider.known().failing_since is None


def test_outage_that_goes_on_is_not_taken_back(sandbox):
    Provider.report_failure()
    sandbox.misbehave("http_503", on="model")
    tasks.sweep()
    assert Provider.known().failing_since is not None


def test_outage_says_that_the_token_is_refused(sandbox, alice, make_job, drive_all, settings):
    settings.DRIVE_SECONDS, settings.RUNCOMFY_POLL_SECONDS = 1, 0.05
    sandbox.misbehave("http_401", on="status", times=None)
    make_job(alice)
    drive_all()
    assert Provider.known().failing_reason == Reason.NO_ACCESS


def test_outage_that_ends_leaves_no_reason():
    Provider.report_failure(Reason.NO_ACCESS)
    Provider.report_success()
    assert (Provider.known().failing_since, Provider.known().failing_reason) == (None, "")
