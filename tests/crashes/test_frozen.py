"""A driver that was frozen, and wakes up when another one has finished its job."""

import pytest

from jobs import lifecycle
from jobs.models import Job
from jobs.states import Reason, State, Verb
from tests.crashes.scene import (
    BROKEN,
    DOWN,
    EXPIRED,
    LIMITED,
    REFUSED,
    SAYS_QUEUED,
    SAYS_STARTED,
    assert_stored_once,
    look,
    misbehave,
    resume,
    time_passes,
)
from tests.processes import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(120)]


@pytest.fixture
def freeze(child):
    """Have a driver freeze itself at that point: one in the thread of the database, or it may hold SQLite's lock."""

    def freeze(point, **more):
        frozen = child("drive", "freeze", point, **more)
        frozen.freeze()
        return frozen

    return freeze


def told(job):
    return [*Job.objects.filter(pk=job.pk).values(), *job.events.values(), *job.outputs.values()]


@pytest.mark.parametrize(
    ("point", "fault"),
    [
        ("before jobs.models:Job.claim_for_submit", None),
        ("before jobs.models:Job.observe", {**SAYS_QUEUED, "times": 1}),
        ("before jobs.models:Job.mark_in_progress", SAYS_STARTED),
        ("before jobs.models:Job.report_trouble", DOWN),
        ("before jobs.models:Job.mark_failed", {"kind": "http_404", "on": "status", "times": None}),
        ("before jobs.models:Job.mark_delivered", None),
        ("before jobs.steps.mirroring:_keep_outputs", None),
        ("before jobs.steps.mirroring:_keep_outputs 2", None),
        ("before jobs.models:Job.renew_result", EXPIRED),
        ("before jobs.models:Job.mark_completed", None),
        ("before jobs.querysets:JobQuerySet.renew_lease 2", SAYS_QUEUED),
    ],
)
def test_driver_that_wakes_up_late_changes_nothing(sandbox, start_job, freeze, point, fault):
    misbehave(sandbox, fault)
    job = start_job(point)
    frozen = freeze(point, GONE_PATIENCE_SECONDS="0.2")
    sandbox.behave()
    resume()
    assert_stored_once(sandbox, job)
    before = told(job)
    frozen.thaw()
    assert frozen.end() == 0
    assert told(job) == before
    assert_stored_once(sandbox, job)


@pytest.mark.parametrize("point", ["before jobs.drive:Driver._release", "before jobs.lifecycle:ring"])
def test_driver_that_hands_back_late_takes_nothing_from_the_next_one(sandbox, sent_job, freeze, point):
    sandbox.misbehave(**SAYS_QUEUED)
    frozen = freeze(point, DRIVE_SECONDS="0.6")
    time_passes()
    [taken] = Job.objects.lease("next", 60, 1)
    frozen.thaw()
    assert frozen.end() == 0
    assert (taken, look(sent_job), sent_job.lease) == (sent_job, State.IN_QUEUE, "next")


def test_late_answer_to_a_submit_takes_the_job_out_of_unconfirmed(sandbox, start_job, freeze):
    job = start_job()
    frozen = freeze("before jobs.models:Job.mark_accepted")
    resume()
    assert look(job) == State.UNCONFIRMED
    frozen.thaw()
    wait_until(lambda: look(job) != State.UNCONFIRMED)
    assert job.events.get(verb=Verb.ACCEPTED).from_state == State.UNCONFIRMED
    frozen.end()
    resume()
    assert_stored_once(sandbox, job)


def test_late_submit_itself_is_sent_once(sandbox, start_job, freeze):
    job = start_job()
    frozen = freeze("after jobs.models:Job.claim_for_submit")
    resume()
    assert look(job) == State.UNCONFIRMED
    frozen.thaw()
    frozen.end()
    resume()
    assert_stored_once(sandbox, job)


@pytest.mark.parametrize(
    ("point", "fault", "state", "reason"),
    [
        ("before jobs.models:Job.mark_refused", REFUSED, State.FAILED, Reason.REFUSED),
        ("before jobs.models:Job.mark_not_sent", {**LIMITED, "retry_after": 600}, State.PENDING, ""),
    ],
)
def test_late_refusal_of_a_submit_is_believed(sandbox, start_job, freeze, point, fault, state, reason):
    misbehave(sandbox, fault)
    job = start_job(point)
    frozen = freeze(point)
    resume()
    assert look(job) == State.UNCONFIRMED
    frozen.thaw()
    wait_until(lambda: look(job) != State.UNCONFIRMED)
    assert (job.state, job.reason, sandbox.ledger()["posts"]) == (state, reason, 1)


def test_late_answer_to_a_job_that_was_written_off_is_noted(sandbox, start_job, freeze):
    job = start_job()
    frozen = freeze("before jobs.models:Job.mark_accepted")
    resume()
    look(job)
    lifecycle.settle(job, job.owner, "write_off")
    frozen.thaw()
    frozen.end()
    [request_id] = sandbox.ledger()["requests"]
    assert look(job) == State.FAILED
    assert job.events.get(verb=Verb.LATE_ANSWER).data == {"request_id": request_id, "attempt": 1}


@pytest.mark.parametrize(("fault", "state"), [(None, State.COMPLETED), (BROKEN, State.UNCONFIRMED)])
def test_late_answer_to_an_earlier_attempt_is_noted(sandbox, start_job, freeze, fault, state):
    job = start_job()
    frozen = freeze("before jobs.models:Job.mark_accepted")
    [first] = sandbox.ledger()["requests"]
    resume()
    look(job)
    lifecycle.settle(job, job.owner, "send_anew", is_confirmed=True)
    misbehave(sandbox, fault)
    resume()
    frozen.thaw()
    frozen.end()
    assert (look(job), sandbox.ledger()["posts"], job.request_id == first) == (state, 2, False)
    assert job.events.get(verb=Verb.LATE_ANSWER).data == {"request_id": first, "attempt": 1}
