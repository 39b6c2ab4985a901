"""Creating jobs, what they cost, and the sweep."""

import os
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError
from django.utils import timezone
from django_q.models import Failure, OrmQ, Schedule

from jobs import intake, lifecycle, pictures, seedream, tasks, upkeep
from jobs.models import Heartbeat, IdempotencyKey, Job, Picture, Provider
from jobs.states import State, Verb

from .conftest import parameters, png, rings

pytestmark = pytest.mark.django_db


@pytest.fixture
def kept():
    return [intake.Kept(intake.keep(pictures.clean(png())), name="teal.png")]


def test_create_keeps_the_pictures_in_order(alice):
    colors = ["red", "green", "blue"]
    kept = [intake.Kept(intake.keep(pictures.clean(png(color=color))), name=color) for color in colors]
    job = lifecycle.create(alice, parameters(), kept)
    assert [(entry.position, entry.name) for entry in job.inputs.all()] == list(enumerate(colors))


def test_create_is_the_first_event(alice, kept):
    job = lifecycle.create(alice, parameters(), kept)
    event = job.events.get()
    assert (event.verb, event.actor) == (Verb.CREATED, alice)


def test_create_rings(alice, kept, orm_queue):
    lifecycle.create(alice, parameters(), kept)
    assert rings("drive") == 1


def test_create_keeps_its_key_with_the_job(alice, kept):
    job = lifecycle.create(alice, parameters(), kept, key=IdempotencyKey(owner=alice, key="k"))
    assert IdempotencyKey.objects.get().job == job


def test_create_makes_no_second_job_under_a_key(alice, kept):
    lifecycle.create(alice, parameters(), kept, key=IdempotencyKey(owner=alice, key="k"))
    with pytest.raises(IntegrityError):
        lifecycle.create(alice, parameters(), kept, key=IdempotencyKey(owner=alice, key="k"))
    assert Job.objects.count() == 1


def test_create_without_a_key_is_always_a_new_job(alice, kept):
    jobs = [lifecycle.create(alice, parameters(), kept) for _ in range(2)]
    assert jobs[0] != jobs[1]


def test_create_refuses_a_picture_too_large_to_travel_inside(alice, settings):
    settings.INPUT_DELIVERY = "data"
    large = Picture.objects.create(
        sha256="1" * 64, file="x", content_type="image/png", width=9, height=9, size=6 * 1024 * 1024 + 1
    )
    with pytest.raises(seedream.InvalidInput) as refused:
        lifecycle.create(alice, parameters(), [intake.Kept(large)])
    assert list(refused.value.errors) == ["images"]
    assert not Job.objects.exists()


def test_picture_kept_twice_is_one_row():
    for _ in range(2):
        intake.keep(pictures.clean(png()))
    assert Picture.objects.count() == 1


def test_estimate_is_the_price_times_the_largest_number(sandbox):
    assert lifecycle.estimate_usd(5) == Decimal("0.15")


def test_price_is_asked_once_for_many_estimates(sandbox):
    lifecycle.estimate_usd(5)
    sandbox.misbehave("http_500", on="model", times=None)
    assert lifecycle.estimate_usd(1) == Decimal("0.03")


def test_price_that_is_not_told_is_not_asked_for_at_every_page(settings, sandbox):
    settings.RUNCOMFY_BASE_URL = "http://127.0.0.1:1"
    assert lifecycle.unit_price() is None
    settings.RUNCOMFY_BASE_URL = sandbox.url
    assert lifecycle.unit_price() is None


def test_sweep_rings_for_a_job_whose_ring_was_lost(alice, make_job, orm_queue):
    make_job(alice)
    OrmQ.objects.all().delete()
    assert lifecycle.sweep() == 1
    assert rings("drive") == 1


def test_sweep_is_silent_when_all_is_moved(alice, make_job, orm_queue):
    make_job(alice)
    Job.objects.lease("driver", 15, 10)
    OrmQ.objects.all().delete()
    assert (lifecycle.sweep(), rings("drive")) == (0, 0)


def test_sweep_finds_a_submit_whose_sender_died(alice, make_job):
    job = make_job(alice)
    Job.objects.update(state=State.SUBMITTING, lease="dead", leased_until=timezone.now() - timedelta(seconds=1))
    lifecycle.sweep()
    assert Job.objects.get(pk=job.pk).state == State.UNCONFIRMED


def test_sweep_leaves_a_submit_whose_sender_lives(alice, make_job):
    job = make_job(alice)
    Job.objects.update(state=State.SUBMITTING, lease="alive", leased_until=timezone.now() + timedelta(seconds=9))
    lifecycle.sweep()
    assert Job.objects.get(pk=job.pk).state == State.SUBMITTING


def test_beat_shows_that_its_cluster_works(monkeypatch):
    monkeypatch.setenv(tasks.WORKER_ENVIRONMENT, "worker:here:1")
    long_ago = timezone.now() - timedelta(hours=1)
    Heartbeat.objects.create(name="worker:here:1", seen_at=long_ago)
    tasks.beat()
    assert Heartbeat.objects.get().seen_at > long_ago


def test_beat_forgets_workers_that_are_long_gone():
    Heartbeat.objects.create(name="worker:gone:1", seen_at=timezone.now() - timedelta(days=2))
    tasks.beat()
    assert not Heartbeat.objects.exists()


def test_sweep_removes_what_killed_downloads_and_uploads_left(settings):
    abandoned = [settings.FILE_UPLOAD_TEMP_DIR / name for name in ("part-old", "tmpold.upload.png")]
    fresh = settings.FILE_UPLOAD_TEMP_DIR / "part-new"
    for path in (*abandoned, fresh):
        path.touch()
    for path in abandoned:
        os.utime(path, (0, 0))
    tasks.sweep()
    assert list(settings.FILE_UPLOAD_TEMP_DIR.iterdir()) == [fresh]


def test_sweep_forgets_the_queues_old_failures():
    long_ago = timezone.now() - timedelta(days=31)
    for name, stopped in (("old", long_ago), ("new", timezone.now())):
        Failure.objects.create(
            id=name, name=name, func="f", started=stopped, stopped=stopped, success=False, attempt_count=1
        )
    tasks.sweep()
    assert Failure.objects.get().name == "new"


def test_sweep_forgets_the_old_keys_of_deleted_jobs(alice, make_job):
    long_ago = timezone.now() - timedelta(days=8)
    told = {"deleted": (None, long_ago), "just deleted": (None, timezone.now()), "kept": (make_job(alice), long_ago)}
    for key, (job, created) in told.items():
        IdempotencyKey.objects.create(owner=alice, key=key, job=job, created_at=created)
    tasks.sweep()
    assert {row.key for row in IdempotencyKey.objects.all()} == {"just deleted", "kept"}


@pytest.mark.django_db(transaction=True)
def test_job_of_what_is_deleted_at_this_moment_is_made_without_it(alice, finished, make_job):
    make_job(alice)  # which has the same picture, so that this one stays
    output = finished.outputs.select_related("job").get(position=0)
    upkeep.delete(finished)
    kept = [intake.Kept(Picture.objects.get(), output=output)]
    job = lifecycle.create(alice, parameters(), kept, parent=finished)
    job.refresh_from_db()
    assert (job.parent, job.inputs.get().output) == (None, None)


# A clock that went back


def test_what_it_left_ahead_keeps_nothing_waiting(alice, kept, settings):
    job, ahead = lifecycle.create(alice, parameters(), kept), timezone.now() + timedelta(hours=1)
    Job.objects.update(lease="dead", leased_until=ahead, not_before=ahead)
    Provider.hold(ahead)
    Heartbeat.objects.create(name="driver:dead", seen_at=ahead)
    tasks.sweep()
    now = timezone.now()
    assert Job.objects.takeable(now + timedelta(seconds=settings.LEASE_SECONDS)).get() == job
    assert (Provider.known().held_until < now, Heartbeat.objects.get().seen_at < now) == (True, True)


def test_what_is_rightly_ahead_stays(alice, kept):
    lifecycle.create(alice, parameters(), kept)
    ahead = timezone.now() + timedelta(minutes=2)
    Job.objects.update(lease="alive", leased_until=ahead, not_before=ahead)
    Provider.hold(ahead)
    tasks.sweep()
    job = Job.objects.get()
    assert (job.leased_until, job.not_before, Provider.known().held_until) == (ahead, ahead, ahead)


def test_schedule_that_it_left_ahead_is_mended_by_the_beat():
    now = timezone.now()
    due = Schedule.objects.create(func="jobs.tasks.sweep", next_run=now + timedelta(hours=1))
    later = Schedule.objects.create(func="jobs.tasks.sweep", next_run=now + timedelta(minutes=1))
    tasks.beat()
    assert Schedule.objects.get(pk=due.pk).next_run <= timezone.now()
    assert Schedule.objects.get(pk=later.pk).next_run == now + timedelta(minutes=1)
