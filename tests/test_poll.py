"""Polling a provider that misbehaves: the job goes on by itself, or ends with a reason."""

import uuid
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone

from jobs import figures
from jobs.models import Job
from jobs.poll_times import LONGEST, Span, Usual
from jobs.states import State
from jobs.steps import polling

KIND = ("standard", 2)
LONG, DUE = (Usual(whole=span, run=span) for span in (Span(600, 900), Span(30, 60)))

pytestmark = pytest.mark.django_db(transaction=True)


def test_poll_keeps_the_models_error_as_it_came(sandbox, alice, make_job, drive_all):
    sandbox.misbehave("failed", error={"code": "content_policy", "message": "Blocked."})
    job = make_job(alice)
    drive_all()
    job.refresh_from_db()
    assert job.provider_error == {"code": "content_policy", "message": "Blocked."}


@pytest.mark.parametrize(("kind", "cost"), [("cost_missing", None), ("cost_string", "0.0600")])
def test_poll_keeps_the_charged_cost_if_it_is_told(sandbox, alice, make_job, drive_all, kind, cost):
    sandbox.misbehave(kind)
    job = make_job(alice)
    drive_all()
    job.refresh_from_db()
    assert (job.state, job.cost_usd and str(job.cost_usd)) == (State.COMPLETED, cost)


def test_poll_writes_nothing_while_nothing_changes(sandbox, alice, make_job, drive_all, settings):
    settings.DRIVE_SECONDS = 2
    sandbox.misbehave("run_forever")
    job = make_job(alice)
    drive_all()
    job.refresh_from_db()
    [entry] = sandbox.ledger()["requests"].values()
    assert entry["polls"] > 5
    # created, submitting, accepted, in_progress, and at most two queue positions
    assert job.version <= 6


def test_poll_leaves_a_job_alone_that_can_hardly_be_done(sandbox, alice, make_job, drive_all, settings):
    settings.DRIVE_SECONDS, settings.RUNCOMFY_POLL_SECONDS = 2, 0.2
    sandbox.misbehave("run_forever")
    job = make_job(alice)
    cache.set(figures.TIMES_KEY, {(job.optimize_prompt_options, 2): LONG})
    drive_all()
    assert 1 <= sandbox.ledger()["polls"] <= 4


def test_poll_remembers_when_runcomfy_was_done(sandbox, alice, make_job, drive_all):
    job = make_job(alice)
    drive_all()
    job.refresh_from_db()
    assert job.accepted_at < job.delivered_at < job.finished_at


def test_poll_of_a_job_that_is_to_be_cancelled_does_not_wait_until_it_is_due(running, settings):
    settings.RUNCOMFY_POLL_SECONDS = 2
    job = running(10)
    job.cancel_requested_at = timezone.now()
    assert 0.5 <= polling.poll_pause(job, {KIND: LONG}) <= 2


@pytest.fixture
def running():
    """A job whose kind is KIND and which ran for so long."""

    def make(seconds):
        begun = timezone.now() - timedelta(seconds=seconds)
        quality, count = KIND
        kind = {"optimize_prompt_options": quality, "sequential_image_generation_options": count}
        return Job(state=State.IN_PROGRESS, accepted_at=begun, started_at=begun, **kind)

    return make


def test_poll_of_a_job_taken_over_comes_when_it_would_have_come(running, settings):
    settings.RUNCOMFY_POLL_SECONDS = 2
    job = running(10)
    job.pk = uuid.UUID(int=500)  # looked at 4, 12, 20 … s after its beginning
    assert polling.first_pause(job, {KIND: LONG}) == pytest.approx(2, abs=0.5)


def test_poll_that_was_due_while_nobody_had_the_job_comes_at_once(running, settings):
    settings.RUNCOMFY_POLL_SECONDS = 2
    job = running(40)
    due = timezone.now() + timedelta(seconds=polling.poll_pause(job, {KIND: DUE}))
    assert polling.first_pause(job, {KIND: DUE}, due + timedelta(seconds=0.3)) <= 1


def test_poll_of_many_jobs_taken_over_is_spread(running, settings):
    settings.RUNCOMFY_POLL_SECONDS = 2
    pauses = [polling.first_pause(running(40), {KIND: DUE}) for _ in range(50)]
    assert max(pauses) - min(pauses) > 0.5


def test_poll_of_many_jobs_of_which_nothing_is_known_begins_at_once_and_is_spread(running, settings):
    settings.RUNCOMFY_POLL_SECONDS = 5
    pauses = [polling.first_pause(running(40), {}) for _ in range(100)]
    assert min(pauses) < 0.5
    assert max(pauses) > 3.5


@pytest.mark.parametrize("usual", [{}, {KIND: DUE}])
@pytest.mark.parametrize("base", [2, 5, 60])
@pytest.mark.parametrize("phase", [0, 250, 500, 750, 800, 999])
def test_poll_of_an_old_job_comes_though_each_driver_has_it_for_a_short_time_only(
    running, settings, base, phase, usual
):
    settings.RUNCOMFY_POLL_SECONDS = base
    job, now = running(1000), timezone.now()
    job.pk = uuid.UUID(int=phase)
    runs = range(0, int(LONGEST + 2) * base, int(settings.DRIVE_SECONDS))
    pauses = [polling.first_pause(job, usual, now + timedelta(seconds=begun)) for begun in runs]
    assert min(pauses) < settings.DRIVE_SECONDS - 1
