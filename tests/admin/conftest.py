"""What the tests of the admin share: rows of every kind, and staff with permissions of their own."""

import hashlib

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse

from jobs import review, sizes
from jobs.models import ApiToken, Picture, WebhookDelivery, WebhookEndpoint
from tests.conftest import complete

READ_ONLY = ["job", "output", "reviewdecision", "jobevent", "picture", "webhookendpoint", "webhookdelivery"]
MODELS = [*READ_ONLY, "apitoken", "rejectionreason"]


@pytest.fixture
def finish(alice, make_job):
    """A completed job of alice's with so many outputs."""

    def make(count=1, **given):
        return complete(make_job(alice, **given), count)

    return make


@pytest.fixture
def everything(finish, rita, alice):
    """A row of each kind, the one that belongs to the other; `more` of each on demand."""

    def make(more=1):
        hook = WebhookEndpoint.objects.create(owner=alice, name="hook", url="https://hooks.example.com/")
        for number in range(more):
            job = finish(text=f"A barn {number}.")
            review.decide(job.outputs.all(), rita, review.wish("rejected", "crop", "Too tight"))
            of_event = {"event_id": f"evt_{job.pk}", "event": "job.created", "payload": '{"data": {"id": "1"}}'}
            WebhookDelivery.objects.create(endpoint=hook, **of_event)
            ApiToken.objects.create(user=alice, name=f"token {number}")
            png_row = {"file": "x.png", "content_type": "image/png", "width": 64, "height": 48, "size": 1}
            sha256 = hashlib.sha256(str(job.pk).encode()).hexdigest()
            Picture.objects.create(sha256=sha256, widths=[64], sized_at=job.created_at, **png_row)
        sizes.make_waiting()
        return job

    return make


def listed(client, model, **query):
    return client.get(reverse(f"admin:jobs_{model}_changelist"), query)


def page_of(client, row):
    return client.get(reverse(f"admin:jobs_{row._meta.model_name}_change", args=[row.pk])).content.decode()


def staff(*permissions, name="stella"):
    user = User.objects.create_user(name, password="secret", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user
