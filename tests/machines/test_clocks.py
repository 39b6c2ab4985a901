"""The clocks of two machines may differ: who holds a job is judged by the database's."""

import pytest

from jobs.models import Heartbeat, Job
from jobs.states import State
from tests.crashes.scene import SAYS_QUEUED, assert_stored_once, look
from tests.processes import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(120)]

HOUR = 3600


@pytest.mark.parametrize(("its", "others"), [(0, HOUR), (-HOUR, 0)])
@pytest.mark.parametrize(
    ("point", "state", "work"), [("mark_accepted", State.SUBMITTING, "sweep"), ("observe", State.IN_QUEUE, "drive")]
)
def test_clock_takes_no_job_from_the_driver_that_has_it(
    driver, sandbox, alice, make_job, point, state, work, its, others
):
    sandbox.misbehave(**{**SAYS_QUEUED, "times": 1})
    job = make_job(alice)
    # In the thread of the database: frozen elsewhere, it may hold a lock that the test waits for.
    holder = driver("drive", "freeze", f"before jobs.models:Job.{point}", ahead=its, LEASE_SECONDS="60")
    holder.freeze()
    look(job)
    Heartbeat.objects.all().delete()  # which keeps others from looking for jobs
    assert driver(work, ahead=others).end() == 0
    assert (job.state, job.lease) == (state, Job.objects.get(state=state).lease)
    holder.thaw()
    assert holder.end() == 0
    assert_stored_once(sandbox, job)


@pytest.mark.parametrize("ahead", [HOUR, -HOUR])
def test_clock_keeps_no_job_from_the_driver_that_takes_over(driver, sandbox, alice, make_job, ahead):
    sandbox.misbehave("unknown_status", on="status", times=None, word="in_progress")
    job = make_job(alice)
    dead = driver(ahead=ahead, LEASE_SECONDS="2")
    wait_until(lambda: look(job) == State.IN_PROGRESS)
    dead.kill()
    sandbox.behave()
    wait_until(lambda: driver().end() == 0 and look(job) == State.COMPLETED, 60)
    assert_stored_once(sandbox, job)
