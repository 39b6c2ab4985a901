"""/healthz and /readyz: what is told of each part, which of them decide, and that nothing that hangs holds them up."""

import json
import os
import subprocess
import sys
import threading
import time
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from jobs import health
from jobs.models import Heartbeat, Job, Provider
from jobs.states import Reason, State

from .conftest import BUCKET, configured
from .processes import wait_until
from .servers import hang, serving

pytestmark = pytest.mark.django_db(transaction=True)
ALL_WELL = {part: {"ok": True} for part in ("database", "queue", "storage", "provider", "worker", "jobs")}


def ago(seconds):
    return timezone.now() - timedelta(seconds=seconds)


@pytest.fixture
def worker():
    """One that gave its last sign of life just now."""
    return Heartbeat.objects.create(name="worker:here:1", seen_at=timezone.now())


def ask(address="/readyz"):
    response = Client().get(address)
    return response.status_code, response.json()["parts"]


def test_healthz_asks_nobody(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert Client().get("/healthz").content == b"ok"


def test_readyz_tells_every_part(worker):
    response = Client().get("/readyz")
    assert (response.status_code, response.json()) == (200, {"ready": True, "parts": ALL_WELL})
    assert "no-store" in response["Cache-Control"]


# What decides


def test_readyz_without_its_store_is_not_ready(worker, settings, tmp_path):
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path / "gone"
    code, parts = ask()
    assert (code, parts) == (503, ALL_WELL | {"storage": {"ok": False, "words": "does not answer"}})


def test_readyz_without_its_queue_is_not_ready(worker, settings):
    settings.Q_CLUSTER, settings.REDIS_URL = {}, "redis://user:hunter2@127.0.0.1:1/0"
    code, parts = ask()
    assert (code, parts) == (503, ALL_WELL | {"queue": {"ok": False, "words": "does not answer"}})


def test_probe_that_finds_the_site_not_ready_fills_no_log(worker, settings, tmp_path, caplog):
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path / "gone"
    ask()
    assert [record for record in caplog.records if record.name == "django.request"] == []


# What is told alone


@pytest.mark.parametrize(("address", "code"), [("/readyz", 200), ("/readyz?all", 503)])
def test_readyz_tells_of_a_worker_that_gives_no_sign_of_life(address, code):
    Heartbeat.objects.create(name="worker:here:1", seen_at=ago(45))
    assert ask(address) == (
        code,
        ALL_WELL | {"worker": {"ok": False, "words": "has given no sign of life for 45 s"}},
    )


def test_readyz_tells_of_a_worker_that_never_ran():
    assert ask()[1]["worker"] == {"ok": False, "words": "has never run"}


def test_readyz_tells_of_a_provider_that_does_not_answer(worker):
    Provider.objects.create(pk=1, failing_since=ago(90))
    code, parts = ask()
    assert (code, parts["provider"]) == (200, {"ok": False, "words": "has not answered for 90 s"})


def test_readyz_tells_of_a_provider_that_refuses_the_token(worker):
    Provider.objects.create(pk=1, failing_since=ago(90), failing_reason=Reason.NO_ACCESS)
    assert ask()[1]["provider"] == {"ok": False, "words": "has refused our token for 90 s"}


def test_readyz_tells_of_a_provider_that_wants_no_calls(worker):
    Provider.hold(timezone.now() + timedelta(seconds=30.4))
    assert ask()[1]["provider"] == {"ok": False, "words": "wants no calls for 30 s"}


def test_readyz_tells_of_jobs_that_nobody_moves(worker, alice, make_job):
    make_job(alice)
    Job.objects.update(created_at=ago(100), moved_at=ago(75))
    code, parts = ask()
    words = "the oldest that nobody moves has waited for 75 s"
    assert (code, parts["jobs"]) == (200, {"ok": False, "words": words})


@pytest.mark.parametrize(
    "later",
    [
        {"moved_at": timedelta(0)},
        {"leased_until": timedelta(0)},
        {"leased_until": timedelta(minutes=1), "lease": "x"},
        {"not_before": timedelta(0)},
        {"not_before": timedelta(minutes=1)},
        {"state": State.UNCONFIRMED},
    ],
)
def test_job_that_somebody_looks_after_is_well(worker, alice, make_job, later):
    """Moved, let go of or due only now; held; not due yet; a person's."""
    make_job(alice)
    now = timezone.now()
    fields = {name: now + value if isinstance(value, timedelta) else value for name, value in later.items()}
    Job.objects.update(**{"created_at": ago(600), "moved_at": ago(600)} | fields)
    assert ask() == (200, ALL_WELL)


# The store on S3


def test_store_on_s3_is_well_and_gets_one_file_in_all(worker, bucket):
    assert [ask(), ask()] == [(200, ALL_WELL)] * 2
    assert [entry["Key"] for entry in bucket.list_objects(Bucket=BUCKET)["Contents"]] == ["is-writable"]


def test_store_without_its_bucket_is_not_ready(worker, bucket, settings):
    options = settings.STORAGES["default"]["OPTIONS"] | {"bucket_name": "gone"}
    settings.STORAGES = settings.STORAGES | {"default": settings.STORAGES["default"] | {"OPTIONS": options}}
    assert ask() == (503, ALL_WELL | {"storage": {"ok": False, "words": "does not answer"}})


# What hangs

HANGING = """
import django, json, time
django.setup()
from django.test import Client
client = Client(headers={"Host": "127.0.0.1"})
client.get("/healthz")  # the first request of a process loads much
begun = time.monotonic()
response = client.get("/readyz")
print(json.dumps([response.status_code, response.json()["parts"], time.monotonic() - begun]))
"""


def test_readyz_answers_within_three_seconds_though_everything_hangs(tmp_path):
    """A process of its own, whose database, Redis and S3 take a connection and say nothing."""
    with serving(hang) as server:
        elsewhere = {
            "DATABASE_URL": f"postgres://user:hunter2@{server.address}/desk",
            "REDIS_URL": f"redis://:hunter2@{server.address}/0",
            "S3_BUCKET": "pictures",
            "S3_ENDPOINT_URL": server.url,
            "S3_ACCESS_KEY": "key",
            "S3_SECRET_KEY": "hunter2",
            "DJANGO_SETTINGS_MODULE": "seedream_site.settings",
        }
        command = [sys.executable, "-W", "ignore", "-c", HANGING]
        run = subprocess.run(
            command, cwd=configured.BASE_DIR, env=os.environ | elsewhere, capture_output=True, text=True, check=False
        )
    code, parts, seconds = json.loads(run.stdout)
    assert (code, {name for name, part in parts.items() if part["ok"]}) == (503, set())
    assert seconds < 3.5  # half a second of it for a busy machine
    assert "hunter2" not in run.stdout + run.stderr


def test_part_that_hangs_is_asked_once_at_a_time_and_holds_nobody_up(worker, monkeypatch):
    over, calls = threading.Event(), []
    monkeypatch.setitem(health.CHECKS, "storage", lambda: calls.append(1) or over.wait())
    begun = time.monotonic()
    found = [health.look() for _ in range(2)]
    over.set()
    assert {name for part in found for name, part in part.items() if not part.is_well} == {"storage"}
    assert (found[0]["storage"].words, len(calls)) == (health.LATE_ANSWER, 1)
    assert time.monotonic() - begun >= 2 * health.SECONDS


def test_log_tells_once_of_a_part_that_hangs(worker, monkeypatch, caplog):
    over = threading.Event()
    monkeypatch.setitem(health.CHECKS, "storage", over.wait)
    monkeypatch.setattr(health, "SECONDS", 0.1)
    caplog.set_level("INFO", "jobs.health")
    for _ in range(2):
        health.look()
    over.set()
    wait_until(lambda: health.look()["storage"].is_well)
    told = [record.getMessage() for record in caplog.records if "storage" in record.getMessage()]
    assert told == ["storage: does not answer in time", "storage: well again"]


def test_log_tells_a_change_once(worker, settings, tmp_path, caplog):
    caplog.set_level("INFO", "jobs.health")
    health.look()
    caplog.clear()
    settings.FILE_UPLOAD_TEMP_DIR, there = tmp_path / "gone", settings.FILE_UPLOAD_TEMP_DIR
    for _ in range(2):
        health.look()
    settings.FILE_UPLOAD_TEMP_DIR = there
    health.look()
    told = [record.getMessage() for record in caplog.records]
    failure = "storage: does not answer: FileNotFoundError(2, 'No such file or directory')"
    assert told == [failure, "storage: well again"]
