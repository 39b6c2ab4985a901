"""/metrics: who may read it, and that it tells what really happened, whichever process did it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families

from jobs import counts, doorbell, health, lifecycle, metrics, tasks
from jobs.models import Count, Heartbeat, Job, Output
from jobs.states import State

from .processes import wait_until
from .test_tally import MANY, at_once

pytestmark = pytest.mark.django_db(transaction=True)
TOKEN = "metrics-0123456789"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture(autouse=True)
def nothing_counted():
    """By an earlier test of this process."""
    counts.take()


@pytest.fixture
def token(settings):
    settings.METRICS_TOKEN = TOKEN


@pytest.fixture
def told(token):
    """Ask for the figures; `told("jobs", state="failed")` is one of them, None when it is not there."""

    def ask(name, **labels):
        text = Client().get("/metrics", headers=BEARER).content.decode()
        samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
        found = [s.value for s in samples if (s.name, s.labels) == (f"seedream_{name}", labels)]
        return found[0] if found else None

    return ask


# Who may read them


@pytest.mark.parametrize("who", [None, "alice", "sam"])
def test_metrics_are_off_until_they_have_a_token(request, as_user, who):
    client = as_user(request.getfixturevalue(who)) if who else Client()
    assert client.get("/metrics", headers=BEARER).status_code == 404


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        (BEARER, 200),
        ({"Authorization": f"bearer  {TOKEN}"}, 200),
        ({}, 401),
        ({"Authorization": "Bearer "}, 401),
        ({"Authorization": f"Bearer {TOKEN}x"}, 401),
        ({"Authorization": "Bearer tökén"}, 401),
        ({"Authorization": f"Basic {TOKEN}"}, 401),
    ],
)
def test_metrics_want_their_token(token, headers, code):
    response = Client().get("/metrics", headers=headers)
    assert (response.status_code, response.get("WWW-Authenticate")) == (code, None if code == 200 else "Bearer")


@pytest.mark.parametrize(("who", "code"), [("alice", 401), ("rita", 401), ("sam", 200)])
def test_metrics_are_open_to_staff(request, token, as_user, who, code):
    assert as_user(request.getfixturevalue(who)).get("/metrics").status_code == code


def test_token_of_the_api_reads_no_metrics(token, api, sam):
    assert api(sam).get("/metrics").status_code == 401


def test_metrics_are_told_as_openmetrics_to_who_asks_for_it(token):
    response = Client().get("/metrics", headers={**BEARER, "Accept": "application/openmetrics-text; version=1.0.0"})
    assert response["Content-Type"].startswith("application/openmetrics-text")
    assert "seedream_jobs" in {family.name for family in open_metrics(response.content.decode())}


# What they tell


def test_metrics_tell_of_an_edit_from_its_submit_to_its_files(sandbox, told, alice, make_job, drive_all):
    make_job(alice)
    drive_all()
    tasks.beat()  # ends as every task does, by writing down what was counted
    assert (told("jobs", state="completed"), told("jobs_ended_total", state="completed", reason="")) == (1, 1)
    assert (told("runcomfy_calls_total", call="submit"), told("runcomfy_calls_total", call="result")) == (1, 1)
    assert told("runcomfy_calls_total", call="status") >= 2
    assert told("mirrored_files_total") == 2
    assert told("mirrored_bytes_total") == sum(Output.objects.values_list("size", flat=True))


def test_metrics_tell_how_long_a_job_was_in_each_state(sandbox, told, alice, make_job, drive_all):
    job = make_job(alice)
    Job.objects.update(moved_at=timezone.now() - timedelta(seconds=20))
    drive_all()
    tasks.beat()
    states = (State.PENDING, State.SUBMITTING, State.IN_QUEUE, State.IN_PROGRESS, State.MIRRORING)
    assert [told("job_state_seconds_count", state=state) for state in states] == [1] * 5
    pending = [told("job_state_seconds_bucket", state="pending", le=le) for le in ("15.0", "60.0", "+Inf")]
    assert pending == [0, 1, 1]
    assert 20 <= told("job_state_seconds_sum", state="pending") < 60
    job.refresh_from_db()
    assert job.moved_at == job.finished_at


def test_metrics_tell_errors_by_kind(sandbox, told, alice, make_job, drive_all):
    sandbox.misbehave("http_503", on="status", times=2)
    sandbox.misbehave("http_401", on="submit", times=1)
    make_job(alice)
    make_job(alice)
    drive_all()
    tasks.beat()
    assert told("runcomfy_errors_total", call="status", kind="Temporary", code="503") == 2
    assert told("runcomfy_errors_total", call="submit", kind="Refused", code="401") == 1
    assert told("jobs_ended_total", state="failed", reason="token") == 1


def test_metrics_tell_of_a_call_that_got_no_answer(settings, told):
    settings.RUNCOMFY_BASE_URL = "http://127.0.0.1:1"
    lifecycle.unit_price()
    assert told("runcomfy_errors_total", call="model", kind="Temporary", code="") == 1


def test_result_that_is_not_ready_yet_is_no_error(sandbox, told, alice, make_job, drive_all):
    sandbox.misbehave("not_ready", times=1)
    make_job(alice)
    drive_all()
    tasks.beat()
    assert told("runcomfy_calls_total", call="result") == 2
    assert told("runcomfy_errors_total", call="result", kind="Temporary", code="400") is None


def test_metrics_tell_downloads_that_did_not_succeed(sandbox, told, alice, make_job, drive_all):
    sandbox.misbehave("http_503", on="output", times=1)
    make_job(alice)
    drive_all()
    tasks.beat()
    assert told("mirror_errors_total", kind="not_fetched") == 1


def test_what_a_person_does_is_counted_at_once(told, as_user, alice, make_job):
    as_user(alice).post(f"/jobs/{make_job(alice).pk}/cancel/")
    assert told("jobs_ended_total", state="cancelled", reason="") == 1
    assert told("job_state_seconds_count", state="pending") == 1


def test_metrics_tell_who_holds_what_and_what_nobody_moves(told, alice, make_job):
    held, idle, later = [make_job(alice) for _ in range(3)]
    now, minute = timezone.now(), timedelta(minutes=1)
    Job.objects.filter(pk=held.pk).update(lease="x", leased_until=now + minute)
    Job.objects.filter(pk=idle.pk).update(created_at=now - minute, moved_at=now - minute)
    Job.objects.filter(pk=later.pk).update(not_before=now + minute)
    Heartbeat.objects.create(name="driver:x", seen_at=now, jobs=1)
    Heartbeat.objects.create(name="driver:dead", seen_at=now - minute, jobs=1)
    assert (told("leases"), told("jobs_idle"), told("drivers"), told("jobs", state="pending")) == (1, 1, 1, 3)
    assert 60 <= told("jobs_idle_oldest_seconds") <= told("job_state_oldest_seconds", state="pending") < 120
    assert 0 <= told("heartbeat_age_seconds") < 60


def test_metrics_count_every_state_also_one_that_no_job_is_in(told):
    assert [told("jobs", state=state) for state in State] == [0] * len(State)


def test_metrics_tell_the_length_of_the_queue(told):
    before = told("queue_length")
    for _ in range(2):
        doorbell.ring("drive")
    assert told("queue_length") == before + 2


def test_metrics_without_the_store_say_so(told, settings, tmp_path):
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path / "gone"
    assert (told("part_ok", part="storage"), told("part_ok", part="database")) == (0, 1)


@pytest.mark.skipif(connection.vendor == "sqlite", reason="where nobody waits for who writes")
@pytest.mark.parametrize(("table", "part"), [("jobs_job", 0), ("jobs_count", 1)])
def test_metrics_answer_while_a_table_is_locked(told, monkeypatch, table, part):
    monkeypatch.setattr(health, "SECONDS", 0.5)
    monkeypatch.setattr(metrics, "SECONDS", 0.5)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        with ThreadPoolExecutor(1) as elsewhere:
            told_of = elsewhere.submit(lambda: [told("part_ok", part="jobs"), told("jobs", state="pending")])
            assert told_of.result(timeout=10) == [part, None]
    wait_until(lambda: told("jobs", state="pending") == 0)


def test_metrics_without_the_queue_leave_its_length_out(told, settings):
    settings.Q_CLUSTER, settings.REDIS_URL = {}, "redis://127.0.0.1:1/0"
    assert (told("part_ok", part="queue"), told("queue_length")) == (0, None)


# Counting


def test_counts_are_written_in_one_statement_and_once(django_assert_num_queries):
    counts.add("mirrored_bytes", 100)
    counts.add("mirrored_bytes", 23)
    counts.add_time("job_state_seconds", 7, state="pending")
    with django_assert_num_queries(1):
        Count.write()
    with django_assert_num_queries(0):
        Count.write()
    found = dict(Count.objects.values_list("key", "value"))
    assert found == {
        "mirrored_bytes": 123,
        "job_state_seconds|state=pending|le=15": 1,
        "job_state_seconds_sum|state=pending": 7,
    }


def test_counts_of_many_at_once_are_all_there():
    def count():
        counts.add("a")
        counts.add("b", 2)
        Count.write()

    at_once(count)
    assert dict(Count.objects.values_list("key", "value")) == {"a": MANY, "b": 2 * MANY}


def test_counts_outlive_a_database_that_is_away():
    def away(*_arguments):
        raise DatabaseError("gone")

    counts.add("a")
    with connection.execute_wrapper(away):
        Count.write()
    counts.add("a")
    Count.write()
    assert Count.objects.get().value == 2


@pytest.mark.parametrize(("seconds", "bound"), [(0, "1"), (1, "1"), (1.01, "5"), (86400, "86400"), (90000, "inf")])
def test_time_is_counted_under_its_bound(seconds, bound):
    counts.add_time("t", seconds)
    assert counts.take() == {f"t|le={bound}": 1, "t_sum": seconds}


def test_clock_that_went_back_counts_no_time_below_nothing():
    counts.add_time("t", -3)
    assert counts.take() == {"t|le=1": 1, "t_sum": 0}


def test_driver_writes_down_its_counts_while_it_runs(sandbox, alice, make_job, drive_all, settings, monkeypatch):
    """One that is killed takes a few seconds' worth along, not all of its run."""
    monkeypatch.setattr("jobs.drive.COUNT_SECONDS", 0.1)
    settings.DRIVE_SECONDS = 2
    sandbox.misbehave("queue_forever")
    make_job(alice)
    drive_all()
    assert Count.objects.get(key="runcomfy_calls|call=submit").value == 1
