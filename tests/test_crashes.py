"""kill -9 at every point, by real processes that die exactly there; and drivers that were frozen and wake up late."""

import hashlib
import sqlite3
from contextlib import closing, contextmanager
from datetime import timedelta

import psycopg
import pytest
from django.conf import settings as configured
from django.db import connection
from django.db.models import F
from django_q.models import OrmQ

from jobs import drive, lifecycle, sizes, store, tasks
from jobs.models import Heartbeat, Job, Output, Picture, Provider
from jobs.states import Reason, State, Verb

from . import crashing
from .crashing import KILLED
from .processes import Worker, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(120)]

HOUR = timedelta(hours=1)
SAYS_QUEUED = {"kind": "unknown_status", "on": "status", "word": "in_queue", "times": None}
SAYS_STARTED = {"kind": "unknown_status", "on": "status", "word": "in_progress"}
LIMITED = {"kind": "http_429", "on": "submit"}
REFUSED = {"kind": "http_422", "on": "submit"}
BROKEN = {"kind": "http_503", "on": "submit"}
DOWN = {"kind": "http_503", "on": "status", "times": 2}
EXPIRED = {"kind": "expired_url", "on": "output"}


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """The drivers of the test itself look around more often."""
    monkeypatch.setattr(drive, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(drive, "TICK", 0.02)


@pytest.fixture
def child(tmp_path):
    started = []

    def start(work="drive", fate="", point="", **more):
        started.append(crashing.Child(tmp_path, work, fate, point, **more))
        return started[-1]

    yield start
    for process in started:
        process.kill()


@pytest.fixture
def kill(child):
    """Have a process work, and die at that point."""

    def kill(point, work="drive", **more):
        doomed = child(work, "die", point, **more)
        assert doomed.end() == KILLED, doomed.log.read_text()

    return kill


@pytest.fixture
def freeze(child):
    """Have a driver freeze itself at that point: one in the thread of the database, or it may hold SQLite's lock."""

    def freeze(point, **more):
        frozen = child("drive", "freeze", point, **more)
        frozen.freeze()
        return frozen

    return freeze


@pytest.fixture
def start_job(alice, make_job):
    """A job of one picture; of two where it matters that not all are stored yet."""

    def start(point=""):
        count = 2 if "output" in point or "store" in point else 1
        return make_job(alice, text=f"Make {count} images of it.", sequential_image_generation_options=count)

    return start


def misbehave(sandbox, fault):
    if fault:
        sandbox.misbehave(**fault)


def time_passes():
    """Leases run out, waits are over, and nobody takes the dead driver for a living one."""
    Job.objects.update(leased_until=F("leased_until") - HOUR, not_before=F("not_before") - HOUR)
    Heartbeat.objects.update(seen_at=F("seen_at") - HOUR)
    Provider.objects.update(held_until=F("held_until") - HOUR)


def resume():
    """What the schedule and the next driver do."""
    time_passes()
    tasks.sweep()
    drive.drive()


def look(job):
    job.refresh_from_db()
    return job.state


def stored_files():
    """The hashes of the visible outputs; each is whole, for its name is its hash."""
    files = [path for path in (configured.MEDIA_ROOT / "outputs").rglob("*") if path.is_file()]
    hashes = [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]
    assert hashes == [path.stem for path in files]
    return sorted(hashes)


def made(sandbox):
    """The hashes of what the provider made."""
    return [output["sha256"] for entry in sandbox.ledger()["requests"].values() for output in entry["outputs"]]


def assert_stored_once(sandbox, job, posts=1):
    ledger, hashes = sandbox.ledger(), made(sandbox)
    assert (look(job), job.trouble, ledger["posts"], ledger["submits"]) == (State.COMPLETED, "", posts, 1)
    assert list(job.outputs.values_list("sha256", flat=True)) == hashes
    assert (stored_files(), Output.objects.count()) == (sorted(hashes), job.sequential_image_generation_options)


# A driver that dies


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
        ("inside jobs.models:Job.tell_stored", State.MIRRORING, None),
        ("before jobs.doorbell:ring", State.MIRRORING, None),
        ("after jobs.steps.mirroring:_keep_output", State.MIRRORING, None),
        ("after jobs.steps.mirroring:_keep_output 2", State.MIRRORING, None),
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
    kill("after jobs.steps.mirroring:_keep_output")
    assert (job.outputs.count(), job.events.filter(verb=Verb.STORED).count()) == (1, 1)


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
def test_job_of_a_driver_killed_while_handing_back_goes_on(sandbox, start_job, kill, point):
    sandbox.misbehave(**SAYS_QUEUED)
    job = start_job(point)
    kill(point, DRIVE_SECONDS="0.6")
    assert look(job) == State.IN_QUEUE
    sandbox.behave()
    resume()
    assert_stored_once(sandbox, job)


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


# Whoever else dies


@pytest.mark.parametrize(
    ("point", "jobs"),
    [
        ("before jobs.store:keep", 0),
        ("after jobs.store:keep", 0),
        ("after jobs.intake:keep", 0),
        ("inside jobs.lifecycle:create", 0),
        ("before jobs.lifecycle:ring", 0),
        ("before jobs.doorbell:async_task", 0),
        ("before jobs.doorbell:async_task 2", 0 if "orm" in configured.Q_CLUSTER else 1),
        ("after jobs.lifecycle:create", 1),
    ],
)
def test_create_killed_anywhere_is_all_or_nothing_and_can_be_repeated(sandbox, alice, kill, point, jobs):
    kill(point, "create")
    assert Job.objects.count() == jobs
    crashing.create()
    resume()
    assert_stored_once(sandbox, Job.objects.get())
    assert Picture.objects.count() == 1


def test_job_whose_ring_was_lost_is_found_by_the_sweep_and_sent_once(sandbox, alice, kill):
    kill("after jobs.lifecycle:create", "create")
    OrmQ.objects.all().delete()
    assert lifecycle.sweep() == 1
    drive.drive()
    assert_stored_once(sandbox, Job.objects.get())


@pytest.mark.parametrize(
    "point",
    [
        "after jobs.sizes:_begin",
        "before jobs.pictures:page_copies",
        "before jobs.store:keep",
        "after jobs.store:keep 2",
        "before jobs.sizes:_tell",
        "after jobs.sizes:_tell",
        "after jobs.sizes:_tell 2",
    ],
)
def test_page_size_pictures_cut_short_are_made_by_the_next_pass(sandbox, start_job, kill, point):
    job = start_job()
    drive.drive()
    kill(point, "make_sizes")
    assert_stored_once(sandbox, job)
    time_passes()
    tasks.make_sizes()
    rows = [*Output.objects.all(), *Picture.objects.all()]
    assert [min(row.widths) for row in rows] == [320, 64]
    assert sorted(store.names("pages")) == sorted(name for row in rows for name in sizes.names(row))
    assert_stored_once(sandbox, job)


def test_sweep_killed_half_way_is_finished_by_the_next_one(sandbox, start_job, kill):
    for _ in range(2):
        start_job().claim_for_submit("")
    kill("after jobs.models:Job.mark_unconfirmed", "sweep")
    assert set(Job.objects.values_list("state", flat=True)) == {State.UNCONFIRMED, State.SUBMITTING}
    assert lifecycle.sweep() == 1
    assert set(Job.objects.values_list("state", flat=True)) == {State.UNCONFIRMED}


def test_sweep_killed_before_its_ring_loses_nothing(sandbox, start_job, kill):
    job = start_job()
    kill("before jobs.lifecycle:ring", "sweep")
    resume()
    assert_stored_once(sandbox, job)


# A driver that was frozen, and wakes up when another one has finished its job


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
        ("before jobs.steps.mirroring:_keep_output", None),
        ("before jobs.steps.mirroring:_keep_output 2", None),
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
def test_driver_that_hands_back_late_takes_nothing_from_the_next_one(sandbox, start_job, freeze, point):
    sandbox.misbehave(**SAYS_QUEUED)
    job = start_job(point)
    frozen = freeze(point, DRIVE_SECONDS="0.6")
    time_passes()
    [taken] = Job.objects.lease("next", 60, 1)
    frozen.thaw()
    assert frozen.end() == 0
    assert (taken, look(job), job.lease) == (job, State.IN_QUEUE, "next")


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


# A database that goes away


@contextmanager
def database_away():
    """All connections to PostgreSQL break, and there is no new one; SQLite is locked by another program."""
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        with closing(sqlite3.connect(name, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
        return
    parts = connection.settings_dict
    connection.close()
    with psycopg.connect(
        host=parts["HOST"], port=parts["PORT"], user=parts["USER"], dbname="postgres", autocommit=True
    ) as other:
        other.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        try:
            yield
        finally:
            other.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')


def test_answer_to_a_submit_is_written_when_the_database_is_back(sandbox, start_job, child):
    sandbox.misbehave("slow_accept", seconds=1)
    job = start_job()
    driver = child("drive_impatiently")
    wait_until(lambda: sandbox.ledger()["submits"] == 1)
    with database_away():
        wait_until(lambda: "Cannot write mark_accepted" in driver.log.read_text())
    driver.end()
    assert look(job) == State.IN_QUEUE
    resume()
    assert_stored_once(sandbox, job)


@pytest.mark.skipif(connection.vendor == "sqlite", reason="a database of its own is restarted, a file is not")
def test_worker_goes_on_after_a_restart_of_the_database(sandbox, start_job, tmp_path):
    sandbox.misbehave(**SAYS_STARTED, times=None)
    job = start_job()
    worker = Worker(tmp_path)
    try:
        wait_until(lambda: look(job) == State.IN_PROGRESS)
        with database_away():
            sandbox.behave()
        wait_until(lambda: look(job) == State.COMPLETED)
    finally:
        worker.kill()
    assert_stored_once(sandbox, job)
