"""One driver, one real provider: what becomes of a job."""

import hashlib
from datetime import timedelta

import pytest
from django.utils import timezone

from jobs import drive
from jobs.models import Heartbeat, Job, Output
from jobs.states import State, Verb

from .conftest import rings, stored_bytes

pytestmark = pytest.mark.django_db(transaction=True)


def test_drive_completes_a_job(sandbox, alice, make_job, drive_all):
    job = make_job(alice)
    drive_all()
    job.refresh_from_db()
    assert job.state == State.COMPLETED


def test_drive_stores_exactly_what_the_provider_made(sandbox, alice, make_job, drive_all):
    job = make_job(alice)
    drive_all()
    job.refresh_from_db()
    [entry] = sandbox.ledger()["requests"].values()
    stored = [hashlib.sha256(stored_bytes(output.file)).hexdigest() for output in job.outputs.all()]
    assert stored == [output["sha256"] for output in entry["outputs"]]


def test_drive_leaves_the_jobs_to_a_driver_that_has_room(sandbox, alice, make_job, drive_all):
    make_job(alice)
    Heartbeat.objects.create(name="driver:other", seen_at=timezone.now(), jobs=1)
    drive_all()
    assert sandbox.ledger()["posts"] == 0


def test_drive_steps_in_for_a_driver_that_is_full(sandbox, alice, make_job, drive_all, settings):
    job = make_job(alice)
    Heartbeat.objects.create(name="driver:other", seen_at=timezone.now(), jobs=settings.DRIVE_CAPACITY)
    drive_all()
    job.refresh_from_db()
    assert job.state == State.COMPLETED


def test_drive_steps_in_for_a_driver_that_died(sandbox, alice, make_job, drive_all):
    job = make_job(alice)
    Heartbeat.objects.create(name="driver:dead", seen_at=timezone.now() - timedelta(seconds=5), jobs=1)
    drive_all()
    job.refresh_from_db()
    assert job.state == State.COMPLETED


def test_drive_takes_no_more_than_it_can_hold(sandbox, alice, make_job, drive_all, settings):
    settings.DRIVE_CAPACITY, settings.DRIVE_SECONDS = 2, 0.3
    sandbox.misbehave("queue_forever", times=None)
    for _ in range(3):
        make_job(alice)
    drive_all()
    assert sandbox.ledger()["posts"] == 2


def test_drive_moves_many_jobs_at_once(sandbox, alice, make_job, drive_all):
    for _ in range(12):
        make_job(alice, seed=1)
    drive_all()
    assert Job.objects.filter(state=State.COMPLETED).count() == sandbox.ledger()["submits"] == 12


def test_drive_begins_the_next_step_as_soon_as_one_ends(sandbox, alice, make_job, drive_all, settings, monkeypatch):
    monkeypatch.setattr(drive, "CONCURRENT_STEPS", 2)
    monkeypatch.setattr(drive, "TICK", 2.0)
    settings.DRIVE_SECONDS = 1.0
    sandbox.misbehave("queue_forever", times=None)
    for _ in range(4):
        make_job(alice)
    drive_all()
    assert sandbox.ledger()["posts"] == 4


def test_drive_rings_for_the_page_sizes_of_many_files_at_once(
    orm_queue, sandbox, alice, make_job, drive_all, monkeypatch
):
    monkeypatch.setattr(drive, "LOOK_SECONDS", 60)
    make_job(alice, text="Make 6 images of this.", sequential_image_generation_options=6)
    before = rings("make_sizes")
    drive_all()
    assert (Output.objects.count(), rings("make_sizes") - before) == (6, 1)


def test_drive_hands_everything_back_at_the_end_of_its_time(sandbox, alice, make_job, drive_all, settings):
    settings.DRIVE_SECONDS = 0.3
    sandbox.misbehave("queue_forever")
    make_job(alice)
    drive_all()
    job = Job.objects.get()
    assert (job.state, job.lease, job.leased_until < timezone.now()) == (State.IN_QUEUE, "", True)
    assert not Heartbeat.objects.exists()


def test_drive_goes_on_where_another_one_stopped(sandbox, alice, make_job, drive_all, settings):
    settings.DRIVE_SECONDS = 0.05
    job = make_job(alice)
    drive_all()
    settings.DRIVE_SECONDS = 20
    drive_all()
    job.refresh_from_db()
    assert (job.state, sandbox.ledger()["submits"]) == (State.COMPLETED, 1)


def test_drive_lets_its_pictures_be_fetched_by_url(sandbox, live_server, alice, make_job, drive_all, settings):
    settings.INPUT_DELIVERY, settings.PUBLIC_BASE_URL = "url", live_server.url
    settings.ALLOWED_HOSTS = ["*"]
    job = make_job(alice)
    drive_all()
    job.refresh_from_db()
    [entry] = sandbox.ledger()["requests"].values()
    assert (job.state, entry["inputs_fetched"]) == (State.COMPLETED, 1)


def test_drive_tells_every_step(sandbox, alice, make_job, drive_all):
    job = make_job(alice)
    drive_all()
    verbs = list(job.events.values_list("verb", flat=True))
    expected = [Verb.CREATED, Verb.CLAIMED, Verb.ACCEPTED, Verb.DELIVERED, Verb.STORED, Verb.STORED, Verb.COMPLETED]
    assert [verb for verb in verbs if verb != Verb.STARTED] == expected


def test_drive_keeps_the_estimate_and_the_charge(sandbox, alice, make_job, drive_all):
    job = make_job(alice)
    drive_all()
    job.refresh_from_db()
    assert (str(job.estimate_usd), str(job.cost_usd)) == ("0.0600", "0.0600")


def test_drive_never_writes_the_token_down(sandbox, alice, make_job, drive_all, settings, caplog):
    sandbox.misbehave("http_401", on="submit")
    job = make_job(alice)
    drive_all()
    job.refresh_from_db()
    rows = [*Job.objects.values(), *job.events.values()]
    assert settings.RUNCOMFY_API_TOKEN not in f"{rows}{caplog.text}"
