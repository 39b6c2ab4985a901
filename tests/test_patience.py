"""What lasts longer than one run of a driver: it is counted in the row, shown, and ended in time."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from jobs import drive, lifecycle
from jobs.models import Heartbeat, Job, Provider
from jobs.states import Reason, State, Verb

from .processes import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def short_runs(drive_all, settings):
    """Many drivers after each other, each much shorter than any trouble."""
    settings.DRIVE_SECONDS = 0.3

    def drive_until(look):
        def once():
            drive_all()
            return look()

        wait_until(once)

    return drive_until


def state_of(job):
    job.refresh_from_db()
    return job.state


def test_patience_with_a_lost_request_ends_across_many_drivers(sandbox, alice, make_job, short_runs, settings):
    sandbox.misbehave("vanished", times=None)
    job = make_job(alice)
    short_runs(lambda: state_of(job) == State.FAILED)
    assert job.reason == Reason.GONE


def test_patience_with_a_lost_request_says_so_and_not_that_runcomfy_is_down(
    sandbox, alice, make_job, drive_all, settings
):
    settings.DRIVE_SECONDS, settings.GONE_PATIENCE = 0.5, 60
    sandbox.misbehave("vanished", times=None)
    job = make_job(alice)
    drive_all()
    job.refresh_from_db()
    assert (job.trouble, Provider.known().failing_since) == (Reason.MISSING, None)


def test_patience_with_a_bad_output_ends_across_many_drivers(sandbox, alice, make_job, short_runs):
    sandbox.misbehave("truncated_image", times=None)
    job = make_job(alice)
    short_runs(lambda: state_of(job) == State.FAILED)
    assert job.reason == Reason.LOST_OUTPUT


def test_lost_outputs_are_fetched_when_a_person_asks_again(sandbox, alice, make_job, drive_all, settings):
    settings.OUTPUT_PATIENCE = 0
    sandbox.misbehave("truncated_image", times=None)
    job = make_job(alice)
    drive_all()
    sandbox.behave()
    job.refresh_from_db()
    assert lifecycle.fetch_again(job, alice) is True
    drive_all()
    assert (state_of(job), job.outputs.count(), sandbox.ledger()["submits"]) == (State.COMPLETED, 2, 1)
    assert job.events.get(verb=Verb.FETCH_AGAIN).actor == alice


def test_job_that_failed_otherwise_cannot_be_fetched_again(sandbox, alice, make_job, drive_all):
    sandbox.misbehave("failed")
    job = make_job(alice)
    drive_all()
    job.refresh_from_db()
    assert lifecycle.fetch_again(job, alice) is False


def test_hold_is_shorter_than_what_runcomfy_may_ask_for(sandbox, alice, make_job, drive_all, settings):
    settings.DRIVE_SECONDS = 0.3
    sandbox.misbehave("http_429", on="submit", retry_after=3600)
    make_job(alice)
    drive_all()
    assert Provider.known().held_until < timezone.now() + timedelta(seconds=121)


def test_hold_lets_downloads_go_on(sandbox, alice, make_job, drive_all, settings):
    sandbox.misbehave("truncated_image", times=None)
    settings.DRIVE_SECONDS, settings.OUTPUT_PATIENCE = 0.6, 60
    job = make_job(alice)
    wait_until(lambda: drive_all() or state_of(job) == State.MIRRORING)
    sandbox.behave()
    Provider.hold(timezone.now() + timedelta(minutes=1))
    wait_until(lambda: drive_all() or state_of(job) == State.COMPLETED)


def test_driver_with_a_slow_download_goes_on_moving_other_jobs(sandbox, alice, make_job, drive_all, settings):
    settings.DRIVE_SECONDS = 2
    sandbox.misbehave("slow_trickle", on="output", seconds=8, times=1)
    slow, begun = make_job(alice), time.monotonic()
    driver = threading.Thread(target=lambda: (drive_all(), connections.close_all()))
    driver.start()
    wait_until(lambda: state_of(slow) == State.MIRRORING and time.monotonic() > begun + 2.5)
    later = make_job(alice)
    wait_until(lambda: state_of(later) == State.COMPLETED)
    still_downloading = state_of(slow) == State.MIRRORING
    driver.join()
    assert (still_downloading, state_of(slow)) == (True, State.COMPLETED)


def test_driver_that_is_told_to_stop_leaves_a_slow_download_to_the_next(sandbox, alice, make_job, settings):
    sandbox.misbehave("slow_trickle", on="output", seconds=60, times=1)
    job = make_job(alice)
    driver = threading.Thread(target=lambda: (drive.drive("worker:here"), connections.close_all()))
    driver.start()
    wait_until(lambda: state_of(job) == State.MIRRORING)
    Heartbeat.objects.create(name="worker:here", seen_at=timezone.now(), is_stopping=True)
    driver.join(timeout=10)
    assert (driver.is_alive(), state_of(job), job.lease) == (False, State.MIRRORING, "")


def test_job_in_long_trouble_is_let_go_of_with_its_time_in_its_row(sandbox, alice, make_job, drive_all, settings):
    settings.RUNCOMFY_POLL_SECONDS, settings.DRIVE_SECONDS = 10, 4
    Provider.report_failure()
    sandbox.misbehave("http_503", on="model", times=None)
    make_job(alice)
    drive_all()
    job = Job.objects.get()
    assert job.not_before > timezone.now() + timedelta(seconds=5)
