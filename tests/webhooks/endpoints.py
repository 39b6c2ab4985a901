"""Endpoints, and what they were told."""

import json

from jobs.models import Event, Job, WebhookEndpoint
from jobs.states import State

GOOD = {"name": "hook", "url": "https://hooks.example.com/desk", "events": ["job.failed", "job.completed"]}


def make_endpoint(owner, **given):
    fields = {"name": "hook", "url": "https://hooks.example.com/desk", "events": Event.values, **given}
    return WebhookEndpoint.objects.create(owner=owner, **fields)


def told(endpoint):
    """The events written for it, the oldest first."""
    return list(endpoint.deliveries.order_by("id").values_list("event", flat=True))


def move(job, state, **fields):
    """Put a job where a verb can move it on."""
    Job.objects.filter(pk=job.pk).update(state=state, **fields)
    job.refresh_from_db()
    return job


def complete(job):
    move(job, State.MIRRORING, request_id=f"r-{job.pk}", lease="one")
    return job.mark_completed("one")


def payload(endpoint):
    return json.loads(endpoint.deliveries.order_by("id").last().payload)
