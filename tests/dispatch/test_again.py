"""Sending a webhook again: by itself after failures, or because somebody asked."""

import pytest
from django.utils import timezone

from jobs import dispatch, webhooks
from jobs.models import Event, WebhookDelivery, WebhookEndpoint
from jobs.models.webhooks import FAILURES_MAX, LOG_LENGTH, PAUSES
from tests.dispatch.sending import State, send, verified
from tests.servers import answer, in_turn

pytestmark = pytest.mark.django_db


def send_now(delivery):
    """Its pause is over."""
    WebhookDelivery.objects.filter(pk=delivery.pk).update(next_at=timezone.now())
    return send(delivery)


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
