"""The outbox: an event's deliveries are written with the change that it tells, or not at all."""

import json
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.urls import reverse

from jobs import doorbell, seedream
from jobs.states import Verb

from .events import JobEvent
from .files import Output
from .review import ReviewDecision
from .webhooks import PING, Event, WebhookDelivery, WebhookEndpoint

if TYPE_CHECKING:
    from .job import Job

EVENTS = {
    Verb.CREATED: Event.CREATED,
    Verb.COMPLETED: Event.COMPLETED,
    Verb.FAILED: Event.FAILED,
    Verb.CANCELLED: Event.CANCELLED,
    Verb.UNCONFIRMED: Event.UNCONFIRMED,
    Verb.APPROVED: Event.APPROVED,
    Verb.REJECTED: Event.REJECTED,
    Verb.REVIEW_UNDONE: Event.REVIEW_UNDONE,
}
OF_AN_OUTPUT = (Event.APPROVED, Event.REJECTED, Event.REVIEW_UNDONE)


def announce(entry: JobEvent, owner_id: int) -> None:
    """Write a delivery for each endpoint that wants to hear of this. Call it in the transaction that wrote `entry`."""
    event = EVENTS.get(Verb(entry.verb))
    endpoints = WebhookEndpoint.objects.listening(event, owner_id) if event else []
    if not endpoints:
        return  # most often, and before anything is read
    # Made of the entry, so that no event can get two ids.
    event_id = uuid.uuid5(entry.job_id, str(entry.pk))
    data = decision_data(entry) if event in OF_AN_OUTPUT else job_data(entry.job)
    own = [endpoint for endpoint in endpoints if endpoint.owner_id]
    teams = [endpoint for endpoint in endpoints if not endpoint.owner_id]
    _write(own, str(event), event_id, entry.at, data)
    _write(teams, str(event), event_id, entry.at, for_the_team(data))


def for_the_team(data: dict[str, Any]) -> dict[str, Any]:
    """The same without the addresses of outputs that not everybody may have."""
    if "outputs" in data:
        return {**data, "outputs": [_for_the_team(output) for output in data["outputs"]]}
    return {**data, "output": _for_the_team(data["output"])}


def _for_the_team(output: dict[str, Any]) -> dict[str, Any]:
    is_withheld = settings.REQUIRE_APPROVAL and output["review"] != Output.Review.APPROVED
    return {**output, "url": None} if is_withheld else output


def ping(endpoint: WebhookEndpoint, at: datetime) -> None:
    _write([endpoint], PING, uuid.uuid4(), at, {"endpoint": str(endpoint.pk)})


def _write(endpoints: list[WebhookEndpoint], event: str, event_id: uuid.UUID, at: datetime, data: Any) -> None:
    if not endpoints:
        return
    payload = json.dumps({"type": event, "timestamp": _time(at), "data": data}, ensure_ascii=False)
    WebhookDelivery.objects.bulk_create(
        WebhookDelivery(endpoint=endpoint, event_id=f"evt_{event_id.hex}", event=event, payload=payload)
        for endpoint in endpoints
    )
    doorbell.ring("send_webhooks")


def decision_data(entry: JobEvent) -> dict[str, Any]:
    """What was decided about which output. Its job comes without the outputs: a set is told one by one."""
    noted: Any = entry.data
    decisions = ReviewDecision.objects.select_related("output", "reviewer", "reason")
    decision = decisions.get(pk=noted["decision"])
    told = {
        "id": str(decision.pk),
        "act": str(decision.act),
        "verdict": decision.verdict,
        "reason": decision.reason.slug if decision.reason else "",
        "note": decision.note,
        "reviewer": decision.reviewer.get_username(),
        "at": _time(decision.at),
        "undoes": decision.undoes_id and str(decision.undoes_id),
    }
    return {"output": output_data(decision.output), "job": plain_job_data(entry.job), "decision": told}


def job_data(job: "Job") -> dict[str, Any]:
    return {**plain_job_data(job), "outputs": [output_data(output) for output in job.outputs.all()]}


def plain_job_data(job: "Job") -> dict[str, Any]:
    """A job as the API names its fields, with what a receiver needs to go on."""
    return {
        "id": str(job.pk),
        "url": _address("api:job-detail", job.pk),
        "page_url": _address("jobs:detail", job.pk),
        "state": job.state,
        "reason": job.reason,
        "owner": job.owner.get_username(),
        "parent": job.parent_id and str(job.parent_id),
        **{name: getattr(job, name) for name in seedream.PARAMETERS},
        "request_id": job.request_id,
        "estimate_usd": _money(job.estimate_usd),
        "cost_usd": _money(job.cost_usd),
        "created_at": _time(job.created_at),
        "finished_at": job.finished_at and _time(job.finished_at),
    }


def output_data(output: Output) -> dict[str, Any]:
    plain = ("position", "kind", "content_type", "width", "height", "size", "sha256", "review")
    found = {name: getattr(output, name) for name in plain}
    url = None if output.why_gone else _address("api:output-file", output.pk)
    return {"id": str(output.pk), "url": url, **found}


def _address(name: str, pk: uuid.UUID) -> str:
    return settings.PUBLIC_BASE_URL + reverse(name, args=[pk])


def _money(amount: Any) -> str | None:
    return None if amount is None else str(amount)


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
