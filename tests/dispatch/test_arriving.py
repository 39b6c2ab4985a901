"""Sending webhooks to a real receiver: what arrives, signed, and what does not."""

import json

import pytest
from django.utils import timezone
from standardwebhooks import Webhook, WebhookVerificationError

from jobs import dispatch
from jobs.models import Problem, WebhookEndpoint
from tests.dispatch.sending import State, send, verified
from tests.servers import answer, drop, hang, hang_in_body, raw, reset, serving, trickle

pytestmark = pytest.mark.django_db


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
