"""The verbs: the only way in which a job changes its state."""

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from jobs.models import Job
from jobs.states import ENDED, TRANSITIONS, Reason, State, Verb

pytestmark = pytest.mark.django_db

VERBS = {
    "claim_for_submit": (lambda job: job.claim_for_submit("driver"), State.SUBMITTING),
    "mark_accepted": (lambda job: job.mark_accepted("new-id"), State.IN_QUEUE),
    "mark_not_sent": (lambda job: job.mark_not_sent(Reason.NOT_REACHED, timezone.now(), {}), State.PENDING),
    "mark_refused": (lambda job: job.mark_refused(Reason.REFUSED, {}), State.FAILED),
    "mark_unconfirmed": (lambda job: job.mark_unconfirmed({}), State.UNCONFIRMED),
    "mark_in_progress": (lambda job: job.mark_in_progress("driver", "in_progress"), State.IN_PROGRESS),
    "mark_requeued": (lambda job: job.mark_requeued("driver", "in_queue", 3), State.IN_QUEUE),
    "mark_delivered": (lambda job: job.mark_delivered("driver", "completed", {}, None), State.MIRRORING),
    "mark_completed": (lambda job: job.mark_completed("driver"), State.COMPLETED),
    "mark_failed": (lambda job: job.mark_failed(Reason.GONE, {}, lease="driver"), State.FAILED),
    "mark_cancelled": (lambda job: job.mark_cancelled(lease="driver"), State.CANCELLED),
}
# Where the table would allow more than the verb means: a submit's outcome needs a submit.
SOURCES = {
    "mark_accepted": {State.SUBMITTING, State.UNCONFIRMED},
    "mark_not_sent": {State.SUBMITTING, State.UNCONFIRMED},
    "mark_refused": {State.SUBMITTING, State.UNCONFIRMED},
    "mark_unconfirmed": {State.SUBMITTING},
    "mark_in_progress": {State.IN_QUEUE},
    "mark_requeued": {State.IN_PROGRESS},
    "mark_delivered": {State.IN_QUEUE, State.IN_PROGRESS},
}


@pytest.fixture
def job_in(alice, make_job):
    """A job put into a state by hand, held by "driver"."""

    def put(state):
        job = make_job(alice)
        accepted = state not in (State.PENDING, State.SUBMITTING, State.UNCONFIRMED)
        Job.objects.filter(pk=job.pk).update(
            state=state,
            lease="driver",
            request_id="request-1" if accepted else None,
            finished_at=timezone.now() if state in ENDED else None,
        )
        job.refresh_from_db()
        return job

    return put


@pytest.mark.parametrize("source", State)
@pytest.mark.parametrize("name", VERBS)
def test_verb_moves_only_along_the_table(job_in, name, source):
    verb, target = VERBS[name]
    job = job_in(source)
    allowed = target in TRANSITIONS.get(source, ()) and source in SOURCES.get(name, State)
    assert verb(job) is allowed
    job.refresh_from_db()
    assert job.state == (target if allowed else source)


def test_verb_writes_one_event_with_its_states(job_in):
    job = job_in(State.IN_QUEUE)
    job.mark_in_progress("driver", "in_progress")
    event = job.events.last()
    assert (event.verb, event.from_state, event.to_state) == (Verb.STARTED, State.IN_QUEUE, State.IN_PROGRESS)


def test_verb_that_lost_the_race_writes_nothing(job_in):
    job = job_in(State.IN_QUEUE)
    Job.objects.filter(pk=job.pk).update(state=State.IN_PROGRESS)
    before = job.events.count()
    assert job.mark_in_progress("driver", "in_progress") is False
    assert job.events.count() == before


def test_verb_is_fenced_by_the_lease(job_in):
    job = job_in(State.IN_QUEUE)
    Job.objects.filter(pk=job.pk).update(lease="another driver")
    assert job.mark_in_progress("driver", "in_progress") is False


def test_verb_raises_the_version(job_in):
    job = job_in(State.IN_QUEUE)
    version = job.version
    job.mark_in_progress("driver", "in_progress")
    assert Job.objects.get(pk=job.pk).version == job.version == version + 1


def test_accepted_answer_counts_though_the_sweep_gave_the_submit_up(job_in):
    job = job_in(State.SUBMITTING)
    Job.objects.filter(pk=job.pk).update(state=State.UNCONFIRMED, lease="")
    assert job.mark_accepted("late-id") is True
    assert Job.objects.get(pk=job.pk).request_id == "late-id"


def test_accepted_answer_to_an_earlier_attempt_is_only_noted(job_in):
    job = job_in(State.SUBMITTING)
    Job.objects.filter(pk=job.pk).update(attempt=job.attempt + 1)
    assert job.mark_accepted("late-id") is False
    assert job.events.last().verb == Verb.LATE_ANSWER
    assert Job.objects.get(pk=job.pk).request_id is None


def test_database_refuses_two_jobs_with_one_request_id(job_in):
    job_in(State.IN_QUEUE)
    with pytest.raises(IntegrityError), transaction.atomic():
        job_in(State.IN_QUEUE)


@pytest.mark.parametrize(
    "impossible",
    [
        {"state": State.IN_QUEUE, "request_id": None},
        {"state": State.COMPLETED, "request_id": None, "finished_at": timezone.now()},
        {"request_id": ""},
        {"state": State.FAILED},
        {"finished_at": timezone.now()},
    ],
)
def test_database_refuses_an_impossible_row(job_in, impossible):
    job = job_in(State.PENDING)
    with pytest.raises(IntegrityError), transaction.atomic():
        Job.objects.filter(pk=job.pk).update(**impossible)


def test_event_of_a_failure_reads_as_a_sentence(job_in):
    job = job_in(State.SUBMITTING)
    job.mark_refused(Reason.BALANCE, {"words": "Top up, please.", "code": 402})
    event = job.events.last()
    assert event.text == f"Failed: {Reason.BALANCE.label}"
    assert event.detail == "Top up, please."
