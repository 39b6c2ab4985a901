"""A driver dies at any line: its job goes on, and is never paid twice."""

import pytest

from jobs import drive, lifecycle
from jobs.models import Output, Provider
from jobs.states import State, Verb
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
    made,
    misbehave,
    resume,
    stored_files,
    time_passes,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(120)]


@pytest.mark.parametrize(
    ("point", "state", "fault"),
    [
        ("after jobs.querysets:JobQuerySet.lease", State.PENDING, None),
        ("inside jobs.models:Job.claim_for_submit", State.PENDING, None),
        ("after jobs.models:Job.mark_accepted", State.IN_QUEUE, None),
        ("after jobs.runcomfy:RunComfy.status", State.IN_QUEUE, None),
        ("after jobs.models:Job.observe", State.IN_QUEUE, {**SAYS_QUEUED, "times": 1}),
        ("inside jobs.models:Job.mark_in_progress", State.IN_QUEUE, SAYS_STARTED),
        ("after jobs.models:Job.mark_in_progress", State.IN_PROGRESS, SAYS_STARTED),
        ("after jobs.models:Job.report_trouble", State.IN_QUEUE, DOWN),
        ("after jobs.models:Provider.report_failure", State.IN_QUEUE, DOWN),
        ("before jobs.models:Job.mark_delivered", None, None),
        ("inside jobs.models:Job.mark_delivered", None, None),
        ("after jobs.models:Job.mark_delivered", State.MIRRORING, None),
        ("amid jobs.mirror:_download", State.MIRRORING, None),
        ("before jobs.mirror:_keep", State.MIRRORING, None),
        ("before jobs.store:keep", State.MIRRORING, None),
        ("after jobs.store:keep", State.MIRRORING, None),
        ("after jobs.mirror:mirror", State.MIRRORING, None),
        ("inside jobs.steps.mirroring:_keep_outputs", State.MIRRORING, None),
        ("after jobs.steps.mirroring:_keep_outputs", State.MIRRORING, None),
        ("after jobs.steps.mirroring:_keep_outputs 2", State.MIRRORING, None),
        ("before jobs.models:Job.renew_result", State.MIRRORING, EXPIRED),
        ("after jobs.models:Job.renew_result", State.MIRRORING, EXPIRED),
        ("inside jobs.models:Job.mark_completed", State.MIRRORING, None),
        ("after jobs.models:Job.mark_completed", State.COMPLETED, None),
    ],
)
def test_job_of_a_killed_driver_is_completed_by_the_next_one(sandbox, start_job, kill, point, state, fault):
    misbehave(sandbox, fault)
    job = start_job(point)
    kill(point)
    assert look(job) in ([state] if state else [State.IN_QUEUE, State.IN_PROGRESS])
    assert set(stored_files()) <= set(made(sandbox))
    resume()
    assert_stored_once(sandbox, job)
    assert Provider.known().failing_since is None


def test_driver_killed_in_a_download_leaves_no_visible_file(sandbox, start_job, kill, settings):
    start_job()
    kill("amid jobs.mirror:_download")
    parts = list(settings.FILE_UPLOAD_TEMP_DIR.iterdir())
    assert sum(part.stat().st_size for part in parts) > 0
    assert (stored_files(), Output.objects.count()) == ([], 0)


def test_driver_killed_after_storing_leaves_a_file_without_a_row(sandbox, start_job, kill):
    start_job("store")
    kill("after jobs.store:keep")
    stored = stored_files()
    assert (len(stored) > 0, set(stored) <= set(made(sandbox)), Output.objects.count()) == (True, True, 0)


def test_driver_killed_between_two_outputs_leaves_one_row(sandbox, start_job, kill):
    job = start_job("output")
    kill("after jobs.steps.mirroring:_keep_outputs")
    assert (job.outputs.count(), job.events.filter(verb=Verb.STORED).count()) == (1, 1)


@pytest.mark.parametrize("point", ["before jobs.steps.together:_apart 2", "after jobs.steps.together:_apart 2"])
def test_jobs_that_were_written_together_all_go_on(sandbox, alice, make_job, kill, point):
    jobs = [make_job(alice) for _ in range(6)]
    kill(point)
    for job in jobs:
        assert look(job) == job.events.exclude(to_state="").last().to_state
    resume()
    assert [look(job) for job in jobs] == [State.COMPLETED] * 6
    stored = sorted(Output.objects.values_list("sha256", flat=True))
    assert (sandbox.ledger()["posts"], stored) == (6, sorted(made(sandbox)))


@pytest.mark.parametrize(
    ("point", "posts", "fault"),
    [
        ("after jobs.models:Job.claim_for_submit", 0, None),
        ("after jobs.runcomfy:RunComfy.submit", 1, None),
        ("inside jobs.models:Job.mark_accepted", 1, None),
        ("before jobs.models:Job.mark_not_sent", 1, LIMITED),
        ("inside jobs.models:Job.mark_not_sent", 1, LIMITED),
        ("inside jobs.models:Job.mark_refused", 1, REFUSED),
        ("inside jobs.models:Job.mark_unconfirmed", 1, BROKEN),
    ],
)
def test_job_killed_while_it_is_sent_is_never_sent_again(sandbox, start_job, kill, point, posts, fault):
    misbehave(sandbox, fault)
    job = start_job(point)
    kill(point)
    assert look(job) == State.SUBMITTING
    resume()
    resume()
    assert (look(job), sandbox.ledger()["posts"]) == (State.UNCONFIRMED, posts)


def test_unconfirmed_job_completes_when_its_request_is_adopted(sandbox, start_job, kill):
    job = start_job()
    kill("after jobs.runcomfy:RunComfy.submit")
    resume()
    [request_id] = sandbox.ledger()["requests"]
    look(job)
    lifecycle.settle(job, job.owner, "adopt", request_id)
    drive.drive()
    assert_stored_once(sandbox, job)


def test_person_killed_after_sending_anew_need_not_ring(sandbox, start_job, kill):
    job = start_job()
    kill("after jobs.models:Job.claim_for_submit")
    resume()
    kill("after jobs.models:Job.send_anew", "send_anew")
    resume()
    assert_stored_once(sandbox, job)


@pytest.mark.parametrize(
    ("point", "state", "fault"),
    [
        ("after jobs.models:Job.mark_not_sent", State.PENDING, LIMITED),
        ("after jobs.models:Job.mark_refused", State.FAILED, REFUSED),
        ("after jobs.models:Job.mark_unconfirmed", State.UNCONFIRMED, BROKEN),
    ],
)
def test_outcome_of_a_submit_outlives_its_driver(sandbox, start_job, kill, point, state, fault):
    misbehave(sandbox, fault)
    job = start_job(point)
    kill(point)
    assert look(job) == state
    resume()
    ended = State.COMPLETED if state == State.PENDING else state
    assert (look(job), sandbox.ledger()["posts"]) == (ended, 2 if state == State.PENDING else 1)


@pytest.mark.parametrize(
    "point",
    [
        "before jobs.drive:Driver._release",
        "before jobs.querysets:JobQuerySet.release_lease",
        "after jobs.querysets:JobQuerySet.release_lease",
        "before jobs.lifecycle:ring",
        "after jobs.lifecycle:ring",
    ],
)
def test_job_of_a_driver_killed_while_handing_back_goes_on(sandbox, sent_job, kill, point):
    sandbox.misbehave(**SAYS_QUEUED)
    kill(point, DRIVE_SECONDS="0.6")
    assert look(sent_job) == State.IN_QUEUE
    sandbox.behave()
    resume()
    assert_stored_once(sandbox, sent_job)


@pytest.mark.parametrize("point", ["after jobs.runcomfy:RunComfy.cancel", "inside jobs.models:Job.mark_cancelled"])
def test_wish_to_cancel_outlives_the_driver_that_asked(sandbox, start_job, kill, point):
    sandbox.misbehave("queue_forever")
    job = start_job(point)
    kill("after jobs.models:Job.mark_accepted")
    look(job)
    lifecycle.cancel(job, job.owner)
    time_passes()
    kill(point)
    assert look(job) == State.IN_QUEUE
    resume()
    assert look(job) == State.CANCELLED
