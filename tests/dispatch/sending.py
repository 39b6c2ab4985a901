"""What the tests do with a delivery."""

from standardwebhooks import Webhook

from jobs import dispatch
from jobs.models import WebhookDelivery

State = WebhookDelivery.State


def send(delivery):
    dispatch.send_waiting()
    delivery.refresh_from_db()
    return delivery


def verified(request, secret):
    return Webhook(secret).verify(request.body, request.headers)
