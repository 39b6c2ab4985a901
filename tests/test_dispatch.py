"""Sending webhooks to a real receiver: signed, once at a time, again after failures, under the same id."""

import json
from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone
from standardwebhooks import Webhook, WebhookVerificationError

from jobs import dispatch, lifecycle, tasks, webhooks
from jobs.models import Attempt, Event, Heartbeat, Job, Problem, WebhookDelivery, WebhookEndpoint
from jobs.models.webhooks import FAILURES_MAX, LOG_LENGTH, PAUSES

from .conftest import rings
from .crashing import KILLED, Child
from .processes import Worker, wait_until
from .servers import answer, by_path, drop, hang, hang_in_body, in_turn, raw, reset, serving, trickle
from .test_webhooks import make_endpoint

pytestmark = pytest.mark.django_db
State = WebhookDelivery.State


@pytest.fixture
def receiver(settings):
    """A receiver beside us, which an administrator named."""
    with serving(answer(204)) as server:
        settings.WEBHOOK_TRUSTED = [server.address]
        yield server


@pytest.fixture
def endpoint(receiver, alice):
    return make_endpoint(alice, url=f"{receiver.url}/desk")


@pytest.fixture
def delivery(endpoint, alice, make_job):
    make_job(alice)
    return endpoint.deliveries.get()


def send(delivery):
    dispatch.send_waiting()
    delivery.refresh_from_db()
    return delivery


def send_now(delivery):
    """Its pause is over."""
    WebhookDelivery.objects.filter(pk=delivery.pk).update(next_at=timezone.now())
    return send(delivery)


def verified(request, secret):
    return Webhook(secret).verify(request.body, request.headers)


# What arrives


def test_delivery_arrives_signed(receiver, endpoint, delivery):
    send(delivery)
    request = receiver.requests[0]
    assert (request.method, request.path) == ("POST", "/desk")
    assert request.headers["content-type"] == "application/json"
    assert request.headers["webhook-id"] == delivery.event_id
    assert verified(request, endpoint.secret) == json.loads(delivery.payload)


def test_delivery_that_was_altered_is_not_verified(receiver, endpoint, delivery):
    send(delivery)
    request = receiver.requests[0]
    with pytest.raises(WebhookVerificationError):
        Webhook(endpoint.secret).verify(request.body.replace(b"created", b"deleted"), request.headers)


def test_body_is_the_payload_to_the_byte(receiver, endpoint, alice, make_job):
    make_job(alice, text="Make 2 images: “Größe” 画像.")
    dispatch.send_waiting()
    assert receiver.requests[0].body == endpoint.deliveries.get().payload.encode()


def test_delivery_names_us_and_carries_nothing_of_ours(receiver, delivery, settings):
    send(delivery)
    request = receiver.requests[0]
    assert request.headers["user-agent"] == "Seedream Desk"
    assert request.headers.keys().isdisjoint({"authorization", "cookie"})
    assert settings.RUNCOMFY_API_TOKEN.encode() not in request.body


def test_both_secrets_sign_for_a_day_after_a_rotation(receiver, endpoint, delivery):
    old = endpoint.secret
    endpoint.rotate()
    send(delivery)
    request = receiver.requests[0]
    assert verified(request, old) == verified(request, endpoint.secret) == json.loads(delivery.payload)


def test_old_secret_signs_no_more_after_that_day(receiver, endpoint, delivery):
    old = endpoint.secret
    endpoint.rotate()
    WebhookEndpoint.objects.update(previous_until=timezone.now())
    send(delivery)
    verified(receiver.requests[0], endpoint.secret)
    with pytest.raises(WebhookVerificationError):
        verified(receiver.requests[0], old)


@pytest.mark.parametrize("behaviour", [answer(200, b"ok"), answer(202), answer(204), hang_in_body, trickle])
def test_any_success_is_delivered(receiver, delivery, behaviour):
    receiver.behaviour = behaviour
    send(delivery)
    assert (delivery.state, delivery.attempts, delivery.problem) == (State.DELIVERED, 1, "")
    assert (delivery.next_at, delivery.lease) == (None, "")
    assert delivery.delivered_at is not None


def test_delivered_is_not_sent_again_by_itself(receiver, delivery):
    for _ in range(3):
        send(delivery)
    assert len(receiver.requests) == 1


# What does not


@pytest.mark.parametrize("code", [400, 401, 404, 409, 422, 429, 500, 502, 503])
def test_other_answers_are_tried_again(receiver, delivery, code):
    receiver.behaviour = answer(code, b"Out of\n\x00order", content_type="text/plain")
    send(delivery)
    assert (delivery.state, delivery.code, delivery.problem) == (State.PENDING, code, Problem.ANSWER)
    assert delivery.log[0]["said"] == "Out of order"


@pytest.mark.parametrize("code", [301, 302, 307, 308])
def test_redirect_is_not_followed(receiver, delivery, code):
    with serving(answer(204)) as other:
        receiver.behaviour = answer(code, location=other.url)
        send(delivery)
        assert other.connections == 0
    assert (delivery.state, delivery.code, delivery.problem) == (State.PENDING, code, Problem.REDIRECT)


@pytest.mark.parametrize("behaviour", [reset, drop, raw(b"HELLO\r\n\r\n")])
def test_broken_connection_is_tried_again(receiver, delivery, behaviour):
    receiver.behaviour = behaviour
    send(delivery)
    assert (delivery.state, delivery.code, delivery.problem) == (State.PENDING, None, Problem.BROKEN)


def test_receiver_that_hangs_is_given_up_after_the_time_out(receiver, delivery, settings):
    settings.WEBHOOK_TIMEOUT = 0.3
    receiver.behaviour = hang
    send(delivery)
    assert (delivery.state, delivery.problem) == (State.PENDING, Problem.TIMEOUT)
    assert 0.25 < delivery.log[0]["seconds"] < 3


def test_receiver_that_is_not_there_is_tried_again(delivery, settings):
    settings.WEBHOOK_TRUSTED = ["127.0.0.1:1"]
    WebhookEndpoint.objects.update(url="http://127.0.0.1:1/")
    assert send(delivery).problem == Problem.UNREACHABLE


def test_name_that_nobody_knows_is_tried_again(delivery):
    WebhookEndpoint.objects.update(url="https://no-such-host.invalid/")
    assert send(delivery).problem == Problem.UNREACHABLE


@pytest.mark.parametrize(
    "url",
    ["https://{0}/", "https://localhost:{1}/", "https://[::ffff:127.0.0.1]:{1}/", "https://127.1:{1}/", "http://{0}/"],
)
def test_private_address_is_refused_when_it_is_connected_to(receiver, delivery, settings, url):
    settings.WEBHOOK_TRUSTED = []
    WebhookEndpoint.objects.update(url=url.format(receiver.address, receiver.address.split(":")[1]))
    send(delivery)
    assert (delivery.state, delivery.problem, receiver.connections) == (State.PENDING, Problem.FORBIDDEN, 0)


def test_providers_address_is_no_receiver(receiver, delivery, settings):
    settings.WEBHOOK_TRUSTED, settings.TRUSTED_ADDRESS = [], receiver.address
    send(delivery)
    assert (delivery.problem, receiver.connections) == (Problem.FORBIDDEN, 0)


def test_long_answer_is_kept_only_in_its_beginning(receiver, delivery):
    receiver.behaviour = answer(500, b"x" * 5_000_000)
    send(delivery)
    assert len(delivery.log[0]["said"]) == dispatch.SAID_LENGTH


def test_answer_that_breaks_off_is_an_answer(receiver, delivery):
    receiver.behaviour = raw(b"HTTP/1.1 500 No\r\nContent-Length: 100\r\n\r\nsorry")
    send(delivery)
    assert (delivery.code, delivery.problem, delivery.log[0]["said"]) == (500, Problem.ANSWER, "sorry")


# Trying again


def test_pauses_grow_over_a_day_until_it_failed(receiver, endpoint, delivery):
    receiver.behaviour = answer(500)
    for pause in PAUSES:
        before = timezone.now()
        send_now(delivery)
        assert pause <= (delivery.next_at - before).total_seconds() <= pause * 1.1 + 5
    send_now(delivery)
    assert (delivery.state, delivery.next_at, len(delivery.log)) == (State.FAILED, None, len(PAUSES) + 1)
    assert sum(PAUSES) == pytest.approx(24 * 3600, rel=0.1)


def test_every_attempt_has_the_same_id_and_body_and_a_time_of_its_own(receiver, endpoint, delivery):
    receiver.behaviour = in_turn(answer(500), answer(204))
    send(delivery)
    send_now(delivery)
    first, second = receiver.requests
    assert (first.headers["webhook-id"], first.body) == (second.headers["webhook-id"], second.body)
    assert int(first.headers["webhook-timestamp"]) <= int(second.headers["webhook-timestamp"])
    assert verified(second, endpoint.secret)
    assert delivery.state == State.DELIVERED


def test_delivery_is_not_tried_before_its_time(receiver, delivery):
    receiver.behaviour = answer(500)
    for _ in range(3):
        send(delivery)
    assert (len(receiver.requests), delivery.attempts) == (1, 1)


def test_log_holds_the_last_attempts_only(delivery):
    WebhookDelivery.objects.update(log=[{"code": number} for number in range(LOG_LENGTH)])
    send(delivery)
    assert (len(delivery.log), delivery.log[0], delivery.log[-1]["code"]) == (LOG_LENGTH, {"code": 1}, 204)


def test_gone_disables_the_endpoint(receiver, endpoint, delivery):
    receiver.behaviour = answer(410)
    send(delivery)
    endpoint.refresh_from_db()
    assert (delivery.state, endpoint.is_active, endpoint.disabled) == (State.FAILED, False, "gone")


def fail_for_good(endpoint, number):
    told = WebhookDelivery.objects.create(
        endpoint=endpoint, event_id=f"evt_{number}", event=Event.FAILED, payload="{}", attempts=len(PAUSES)
    )
    return send(told)


def test_endpoint_is_disabled_after_many_failures_in_a_row(receiver, endpoint):
    receiver.behaviour = answer(500)
    for number in range(FAILURES_MAX):
        endpoint.refresh_from_db()
        assert (endpoint.is_active, endpoint.failures) == (True, number)
        assert fail_for_good(endpoint, number).state == State.FAILED
    endpoint.refresh_from_db()
    assert (endpoint.is_active, endpoint.disabled) == (False, "failing")


def test_success_in_between_forgives(receiver, endpoint):
    receiver.behaviour = in_turn(answer(500), answer(204))
    fail_for_good(endpoint, 1)
    fail_for_good(endpoint, 2)
    endpoint.refresh_from_db()
    assert endpoint.failures == 0


def test_paused_endpoint_waits_until_it_is_resumed(receiver, endpoint, delivery, orm_queue):
    endpoint.pause()
    assert send(delivery).state == State.PENDING
    assert receiver.requests == []
    endpoint.resume()
    assert send(delivery).state == State.DELIVERED


def test_nothing_is_sent_for_who_may_no_longer_sign_in(receiver, delivery, alice):
    alice.is_active = False
    alice.save()
    assert (send(delivery).state, receiver.requests) == (State.PENDING, [])


def test_resumed_endpoint_begins_with_a_clean_slate(endpoint):
    WebhookEndpoint.objects.update(is_active=False, disabled="failing", failures=FAILURES_MAX)
    endpoint.resume()
    endpoint.refresh_from_db()
    assert (endpoint.is_active, endpoint.disabled, endpoint.failures) == (True, "", 0)


# Sending again, and tests


@pytest.mark.parametrize("code", [204, 410])
def test_sending_again_keeps_the_id(receiver, endpoint, delivery, code):
    receiver.behaviour = in_turn(answer(code), answer(204))
    send(delivery)
    endpoint.resume()
    assert delivery.send_again()
    send(delivery)
    assert [request.headers["webhook-id"] for request in receiver.requests] == [delivery.event_id] * 2
    assert (delivery.state, delivery.attempts, len(delivery.log)) == (State.DELIVERED, 1, 2)


def test_sending_again_need_not_wait_for_the_pause(receiver, delivery):
    receiver.behaviour = in_turn(answer(500), answer(204))
    send(delivery)
    assert delivery.send_again()
    assert send(delivery).state == State.DELIVERED


def test_sending_again_waits_for_an_attempt_under_way(delivery):
    WebhookDelivery.objects.take(60, 1)
    assert not delivery.send_again()


def test_ping_is_sent_once(receiver, endpoint):
    receiver.behaviour = answer(500)
    webhooks.send_test(endpoint)
    delivery = send(endpoint.deliveries.get())
    assert (delivery.event, delivery.state, len(receiver.requests)) == ("ping", State.FAILED, 1)
    assert verified(receiver.requests[0], endpoint.secret)["type"] == "ping"


def test_ping_that_fails_counts_for_nothing(receiver, endpoint):
    receiver.behaviour = answer(500)
    webhooks.send_test(endpoint)
    dispatch.send_waiting()
    endpoint.refresh_from_db()
    assert endpoint.failures == 0


def test_paused_endpoint_gets_no_ping(endpoint):
    endpoint.pause()
    endpoint.refresh_from_db()
    assert not webhooks.send_test(endpoint)
    assert not endpoint.deliveries.exists()


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
    dead = timezone.now() - timedelta(seconds=dispatch.STALE_SECONDS + 1)
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
