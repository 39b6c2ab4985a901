"""Claims, deaths, and who waits for whom: once at a time, and under the same id."""

import json
from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from jobs import dispatch, lifecycle, tasks
from jobs.models import Attempt, Heartbeat, Job, Problem, WebhookDelivery, WebhookEndpoint
from jobs.models.running import STALE_SECONDS
from tests.conftest import rings
from tests.crashing import KILLED, Child
from tests.dispatch.sending import State, send
from tests.processes import Worker, wait_until
from tests.servers import answer, by_path, hang
from tests.webhooks.endpoints import make_endpoint

pytestmark = pytest.mark.django_db


# Claims, deaths, and who waits for whom


def test_claimed_delivery_is_nobody_elses(delivery):
    assert [taken.pk for taken in WebhookDelivery.objects.take(60, 9)] == [delivery.pk]
    assert WebhookDelivery.objects.take(60, 9) == []


def test_claim_runs_out(delivery):
    WebhookDelivery.objects.take(-1, 9)
    assert [taken.attempts for taken in WebhookDelivery.objects.take(60, 9)] == [2]


def test_outcome_of_a_lost_claim_changes_nothing(delivery):
    [late] = WebhookDelivery.objects.take(-1, 9)
    [owner] = WebhookDelivery.objects.take(60, 9)
    assert not late.settle(Attempt("", 0, code=500))
    assert owner.settle(Attempt("", 0, code=204))
    delivery.refresh_from_db()
    assert delivery.state == State.DELIVERED


def test_only_one_at_a_time_goes_to_an_endpoint(endpoint, alice, make_job):
    first, second = [make_job(alice) for _ in range(2)]
    [taken] = WebhookDelivery.objects.take(60, 9)
    assert str(first.pk) in taken.payload
    assert WebhookDelivery.objects.take(60, 9) == []
    taken.settle(Attempt("", 0, code=204))
    assert str(second.pk) in WebhookDelivery.objects.take(60, 9)[0].payload


def test_one_run_sends_all_that_waits(receiver, endpoint, alice, make_job):
    jobs = [make_job(alice) for _ in range(5)]
    dispatch.send_waiting()
    told = [json.loads(request.body)["data"]["id"] for request in receiver.requests]
    assert told == [str(job.pk) for job in jobs]


def test_receiver_that_hangs_holds_back_only_itself(receiver, alice, make_job, settings):
    settings.WEBHOOK_TIMEOUT = 1
    receiver.behaviour = by_path(slow=hang, quick=answer(204))
    slow, quick = (make_endpoint(alice, url=f"{receiver.url}/{name}") for name in ("slow", "quick"))
    for _ in range(3):
        make_job(alice)
    dispatch.send_waiting()
    paths = [request.path for request in receiver.requests]
    assert sorted(paths[:4]) == ["/quick"] * 3 + ["/slow"]
    assert (quick.deliveries.filter(state=State.DELIVERED).count(), slow.deliveries.filter(code=None).count()) == (3, 3)


def test_second_run_leaves_it_to_the_first(receiver, delivery):
    Heartbeat.objects.create(name=dispatch.SENDER, seen_at=timezone.now())
    assert send(delivery).state == State.PENDING
    assert receiver.requests == []


def test_run_takes_over_from_a_dead_one(delivery):
    dead = timezone.now() - timedelta(seconds=STALE_SECONDS + 1)
    Heartbeat.objects.create(name=dispatch.SENDER, seen_at=dead)
    assert send(delivery).state == State.DELIVERED
    assert not Heartbeat.objects.exists()


def test_run_of_a_worker_that_stops_takes_nothing_new(receiver, delivery):
    Heartbeat.objects.create(name="worker:1", seen_at=timezone.now(), is_stopping=True)
    dispatch.send_waiting("worker:1")
    assert receiver.requests == []


def test_run_out_of_time_rings_for_the_next(receiver, delivery, monkeypatch, orm_queue):
    monkeypatch.setattr(dispatch, "SECONDS", -1)
    before = rings("send_webhooks")
    dispatch.send_waiting()
    assert (receiver.requests, rings("send_webhooks")) == ([], before + 1)


def test_what_breaks_here_is_an_attempt_like_any_other(receiver, endpoint, delivery, caplog):
    WebhookEndpoint.objects.update(url=f"https://{'a' * 70}.com/")  # no resolver takes it
    assert send(delivery).problem in (Problem.UNREACHABLE, Problem.FORBIDDEN, Problem.BROKEN)


def test_sweep_rings_for_what_is_due(delivery, orm_queue):
    before = rings("send_webhooks")
    lifecycle.sweep()
    assert rings("send_webhooks") == before + 1


def test_sweep_does_not_ring_for_what_waits(receiver, delivery, orm_queue):
    receiver.behaviour = answer(500)
    send(delivery)
    before = rings("send_webhooks")
    lifecycle.sweep()
    assert rings("send_webhooks") == before


def age(delivery, **fields):
    WebhookDelivery.objects.filter(pk=delivery.pk).update(created_at=F("created_at") - timedelta(days=31), **fields)


@pytest.mark.parametrize("state", [State.DELIVERED, State.FAILED])
def test_old_deliveries_are_forgotten(delivery, state):
    age(delivery, state=state, next_at=None)
    tasks.sweep()
    assert not WebhookDelivery.objects.exists()


def test_young_deliveries_and_what_is_still_sent_stay(delivery, endpoint, alice, make_job):
    age(delivery)
    make_job(alice)
    tasks.sweep()
    assert WebhookDelivery.objects.count() == 2


def test_old_deliveries_of_a_paused_endpoint_are_forgotten(delivery, endpoint):
    age(delivery)
    endpoint.pause()
    tasks.sweep()
    assert not WebhookDelivery.objects.exists()


def test_endpoint_that_is_deleted_while_it_is_sent_to_is_gone(receiver, endpoint, delivery):
    [taken] = WebhookDelivery.objects.take(60, 9)
    endpoint.delete()
    assert not taken.settle(dispatch.post(taken))
    assert not WebhookDelivery.objects.exists()


# Real processes


@pytest.fixture
def child(tmp_path):
    started = []

    def start(receiver, fate="", point=""):
        started.append(Child(tmp_path, "send_waiting", fate, point, WEBHOOK_TRUSTED=receiver.address))
        return started[-1]

    yield start
    for process in started:
        process.kill()


def time_passes():
    hour = timedelta(hours=1)
    WebhookDelivery.objects.update(leased_until=F("leased_until") - hour)
    Heartbeat.objects.update(seen_at=F("seen_at") - hour)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("point", "posts"),
    [
        ("after jobs.models:WebhookDelivery.objects.take", 1),
        ("before jobs.dispatch:post", 1),
        ("after jobs.dispatch:post", 2),
        ("before jobs.models:WebhookDelivery.settle", 2),
        ("after jobs.models:WebhookDelivery.settle", 1),
    ],
)
def test_death_anywhere_loses_nothing_and_keeps_the_id(child, receiver, delivery, point, posts):
    doomed = child(receiver, "die", point)
    assert doomed.end() == KILLED, doomed.log.read_text()
    time_passes()
    send(delivery)
    assert [request.headers["webhook-id"] for request in receiver.requests] == [delivery.event_id] * posts
    assert delivery.state == State.DELIVERED


@pytest.mark.django_db(transaction=True)
def test_two_senders_at_once_send_each_event_once(child, receiver, endpoint, alice, make_job, monkeypatch):
    for _ in range(12):
        make_job(alice)
    others = [child(receiver) for _ in range(2)]
    while endpoint.deliveries.filter(state=State.PENDING).exists():
        Heartbeat.objects.filter(name=dispatch.SENDER).delete()  # each takes the others for dead
        dispatch.send_waiting()
    assert [other.end() for other in others] == [0, 0]
    ids = [request.headers["webhook-id"] for request in receiver.requests]
    assert (len(ids), len(set(ids))) == (12, 12)


@pytest.mark.django_db(transaction=True)
def test_no_job_waits_for_a_receiver(sandbox, receiver, alice, make_job, tmp_path):
    receiver.behaviour = hang
    for number in range(5):
        make_endpoint(alice, url=f"{receiver.url}/{number}")
    make_job(alice)
    worker = Worker(tmp_path, WEBHOOK_TRUSTED=receiver.address)
    try:
        wait_until(lambda: len(receiver.requests) >= 5)
        job = make_job(alice)
        wait_until(lambda: Job.objects.get(pk=job.pk).state == "completed", seconds=10)
        assert not WebhookDelivery.objects.exclude(log=[]).exists()  # none has heard its answer yet
    finally:
        worker.kill()
