"""A machine is lost with its disk: another one, set up in its own way, finishes what it had begun."""

import pytest

from jobs.states import ENDED, State
from tests.crashes.scene import assert_stored_once, look
from tests.processes import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(120)]

OTHERWISE = {"QUEUE_WORKERS": "3", "RUNCOMFY_POLL_SECONDS": "0.4", "DRIVE_CAPACITY": "5", "TIME_ZONE": "Asia/Tokyo"}


def test_job_that_a_lost_machine_polled_is_completed_by_another_one(machine, sandbox, alice, make_job):
    sandbox.misbehave("unknown_status", on="status", times=None, word="in_progress")
    job = make_job(alice)
    lost = machine("first")
    wait_until(lambda: look(job) == State.IN_PROGRESS)
    lost.burn_down()
    sandbox.behave()
    machine("second", **OTHERWISE)
    wait_until(lambda: look(job) in ENDED, 60)
    assert_stored_once(sandbox, job)


def test_job_whose_outputs_a_lost_machine_fetched_is_completed_by_another_one(machine, sandbox, alice, make_job):
    sandbox.misbehave("slow_trickle", on="output", seconds=60)
    job = make_job(alice)
    lost = machine("first")
    wait_until(lambda: look(job) == State.MIRRORING and job.outputs.count() == 1)
    half = wait_until(lambda: [file for file in (lost.disk / "media" / "tmp").iterdir() if file.stat().st_size])
    lost.burn_down()
    assert not any(file.exists() for file in half)
    machine("second", **OTHERWISE)
    wait_until(lambda: look(job) in ENDED, 60)
    assert_stored_once(sandbox, job)


def test_job_that_a_lost_machine_was_sending_is_left_to_a_person(machine, sandbox, alice, make_job):
    sandbox.misbehave("slow_accept", seconds=60)
    job = make_job(alice)
    lost = machine("first")
    wait_until(lambda: sandbox.ledger()["submits"] == 1)
    lost.burn_down()
    machine("second", **OTHERWISE)
    wait_until(lambda: look(job) == State.UNCONFIRMED)
    assert sandbox.ledger()["posts"] == 1
