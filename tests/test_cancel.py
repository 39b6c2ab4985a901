"""Cancelling: at once what was not sent, through RunComfy what was, and the truth when it is too late."""

import threading
import time

import pytest
from django.db import connections
from django.utils import timezone

from jobs import lifecycle
from jobs.models import Job
from jobs.states import Reason, State, Verb

from .processes import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def test_cancel_ends_a_pending_job_at_once(sandbox, alice, make_job, drive_all):
    job = make_job(alice)
    assert lifecycle.cancel(job, alice) is True
    drive_all()
    job.refresh_from_db()
    assert (job.state, sandbox.ledger()["posts"]) == (State.CANCELLED, 0)


def test_cancel_is_an_event_with_its_author(alice, make_job):
    job = make_job(alice)
    lifecycle.cancel(job, alice)
    assert job.events.get(verb=Verb.CANCELLED).actor == alice


def wait_for(job, *states):
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        job.refresh_from_db()
        if job.state in states:
            return job
        time.sleep(0.02)
    raise AssertionError(f"still {job.state}")


@pytest.fixture
def driving(drive_all):
    """A driver at work in the background."""

    def work():
        drive_all()
        connections.close_all()

    thread = threading.Thread(target=work)
    yield thread
    thread.join()


def test_cancel_of_a_queued_job_asks_the_provider(sandbox, alice, make_job, driving):
    sandbox.misbehave("queue_forever")
    job = make_job(alice)
    driving.start()
    wait_for(job, State.IN_QUEUE)
    lifecycle.cancel(job, alice)
    wait_for(job, State.CANCELLED)
    [entry] = sandbox.ledger()["requests"].values()
    assert (entry["status"], entry["cancels"]) == ("cancelled", 1)


def test_cancel_during_an_attempt_that_came_to_nothing_sends_no_other(sandbox, alice, make_job, drive_all):
    job = make_job(alice)
    Job.objects.update(state=State.SUBMITTING)
    job.refresh_from_db()
    lifecycle.cancel(job, alice)
    job.mark_not_sent(Reason.NOT_REACHED, timezone.now(), {})
    drive_all()
    job.refresh_from_db()
    assert (job.state, sandbox.ledger()["posts"]) == (State.CANCELLED, 0)


@pytest.mark.parametrize("state", [State.MIRRORING, State.COMPLETED, State.FAILED, State.CANCELLED])
def test_cancel_comes_too_late(alice, make_job, state):
    job = make_job(alice)
    ended = timezone.now() if state != State.MIRRORING else None
    Job.objects.filter(pk=job.pk).update(state=state, request_id="id", finished_at=ended)
    job.refresh_from_db()
    assert lifecycle.cancel(job, alice) is False


def test_cancel_asked_twice_is_one_wish(alice, make_job):
    job = make_job(alice)
    Job.objects.filter(pk=job.pk).update(state=State.IN_QUEUE, request_id="id")
    job.refresh_from_db()
    assert [lifecycle.cancel(job, alice), lifecycle.cancel(job, alice)] == [True, False]


def test_cancel_that_is_refused_does_not_make_the_driver_poll_twice_as_often(
    sandbox, alice, make_job, driving, settings
):
    settings.RUNCOMFY_POLL_SECONDS, settings.DRIVE_SECONDS = 0.3, 5
    sandbox.misbehave("not_cancellable")
    sandbox.misbehave("run_forever")
    job = make_job(alice)
    driving.start()
    wait_for(job, State.IN_QUEUE, State.IN_PROGRESS)
    lifecycle.cancel(job, alice)
    begun, asked = time.monotonic(), polls(sandbox)
    while polls(sandbox) < asked + 10 and time.monotonic() < begun + 10:
        time.sleep(0.02)
    assert time.monotonic() - begun > 10 * 0.3 * 0.7


def test_cancel_during_a_poll_does_not_wait_for_the_next_one(sandbox, alice, make_job, driving, settings):
    sandbox.misbehave("queue_forever")
    sandbox.misbehave("hang_before_headers", on="status", seconds=2)
    job = make_job(alice)
    driving.start()
    wait_until(lambda: polls(sandbox))
    settings.RUNCOMFY_POLL_SECONDS = 60
    lifecycle.cancel(job, alice)
    wait_for(job, State.CANCELLED)


def polls(sandbox):
    return sum(entry["polls"] for entry in sandbox.ledger()["requests"].values())
