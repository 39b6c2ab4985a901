"""What RunComfy's Model API says, said of our jobs: status words, bodies, errors, and the addresses of outputs."""

from typing import Any

from django.conf import settings
from django.core.files.storage import default_storage
from django.http import HttpRequest
from django.urls import reverse
from drf_standardized_errors.formatter import flatten_errors
from drf_standardized_errors.handler import exception_handler
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.response import Response

from . import lifecycle, output_links, seedream, store
from .models import Job, Output
from .programs import runcomfy_error
from .states import Reason, State

# To a program that waits, an unconfirmed job is one more that has not begun: told as failed it would be paid again.
WORDS = {
    State.PENDING: "in_queue",
    State.SUBMITTING: "in_queue",
    State.UNCONFIRMED: "in_queue",
    State.IN_QUEUE: "in_queue",
    State.IN_PROGRESS: "in_progress",
    State.MIRRORING: "in_progress",
    State.COMPLETED: "completed",
    State.FAILED: "failed",
    State.CANCELLED: "cancelled",
}
MALFORMED_ID, NOT_READY, NOT_FOUND, UNKNOWN_REQUEST = 400001, 400005, 404000, 404001


class Problem(APIException):
    """An error in RunComfy's shape; its code begins with its HTTP status."""

    def __init__(self, status: int, message: str, code: int = 0):
        self.status_code, self.code = status, code
        super().__init__(message)


def error(problem: Exception, context: Any) -> Response | None:
    """The answer to whatever stopped a call, in one shape."""
    if isinstance(problem, ValidationError):
        problem = Problem(422, _named(problem))
    response = exception_handler(problem, context)
    if response is not None:
        words = response.data["errors"][0]["detail"]
        response.data = runcomfy_error(response.status_code, words, getattr(problem, "code", 0))
    return response


def _named(problem: ValidationError) -> str:
    """One message that names each wrong field."""
    errors = flatten_errors(problem.detail)
    return "; ".join(f"{error.attr}: {error.detail}" for error in errors)


# A request


def accepted(job: Job, request: HttpRequest) -> dict[str, Any]:
    return {"request_id": str(job.pk)} | {
        f"{verb}_url": _url(verb, job, request) for verb in ("status", "result", "cancel")
    }


def status(job: Job, request: HttpRequest) -> dict[str, Any]:
    word = WORDS[State(job.state)]
    body: dict[str, Any] = {"request_id": str(job.pk), "status": word}
    if word == "in_queue" and job.state != State.UNCONFIRMED:
        body["queue_position"] = _place(job)
    return body | {f"{verb}_url": _url(verb, job, request) for verb in ("status", "result")}


def result(job: Job, request: HttpRequest, include_cost: bool) -> dict[str, Any]:
    body = {
        "request_id": str(job.pk),
        "status": WORDS[State(job.state)],
        "output": _output(job, request) if job.state == State.COMPLETED else None,
        "error": _error(job) if job.state == State.FAILED else None,
        "created_at": job.created_at,
        "finished_at": job.finished_at,
    }
    cost = _cost(job)
    return body | {"cost": cost} if include_cost and cost is not None else body


def cancellation(job: Job, is_done: bool) -> dict[str, Any]:
    outcome = "not_cancellable"
    if is_done and job.state == State.CANCELLED:
        outcome = "cancelled"
    elif job.is_active and job.cancel_requested_at:
        outcome = "cancellation_requested"
    return {"request_id": str(job.pk), "status": WORDS[State(job.state)], "outcome": outcome}


def _url(verb: str, job: Job, request: HttpRequest) -> str:
    return request.build_absolute_uri(reverse(f"runcomfy:{verb}", args=[job.pk]))


def _place(job: Job) -> int:
    """RunComfy's word; until it has told one, the place among all that waits here."""
    if job.queue_position is not None:
        return job.queue_position
    waiting = (State.PENDING, State.SUBMITTING, State.IN_QUEUE)
    return Job.objects.filter(state__in=waiting, created_at__lt=job.created_at).count() + 1


def _output(job: Job, request: HttpRequest) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {"images": []}
    for output in (output for output in job.outputs.all() if not output.is_withheld_from(request.user)):
        found.setdefault(f"{output.kind}s", []).append(output_url(output, request))
    return found


def _error(job: Job) -> str:
    said = lifecycle.provider_words(job)
    if said and job.reason == Reason.MODEL_FAILED:
        return said
    return f"{job.get_reason_display()} {said}".strip()


def _cost(job: Job) -> float | None:
    """US dollars; nothing was charged for what RunComfy never had, and what was written off nobody knows."""
    if job.cost_usd is not None:
        return float(job.cost_usd)
    return 0.0 if job.request_id is None and job.reason != Reason.WRITTEN_OFF else None


# Output files


def output_url(output: Output, request: HttpRequest) -> str:
    """An absolute address that needs no token, good for OUTPUT_LINK_HOURS from now."""
    is_by_s3 = store.is_asked_directly() and not settings.REQUIRE_APPROVAL
    if is_by_s3 and not output.why_gone:  # which our own address says in words
        # Not by a redirect from here: a careful client follows none with an address that it was given.
        lifetime = int(settings.OUTPUT_LINK_LIFETIME.total_seconds())
        return default_storage.url(output.file.name, expire=lifetime)  # type: ignore[call-arg]
    token, name = output_links.token_of(output, request.user), f"{output.position + 1}.{output.extension}"
    return request.build_absolute_uri(reverse("runcomfy:output", args=[token, name]))


# Models


def card(with_schema: bool) -> dict[str, Any]:
    """The one model that is served here, at RunComfy's present price."""
    price = lifecycle.unit_price()
    told = {
        "model_id": seedream.MODEL_ID,
        "display_name": "Seedream 4.0 Edit Sequential",
        "category": "image-to-image",
        "kind": "model",
        "base_price_usd": None if price is None else float(price),
        "price_unit": "image",
        "pricing_note": "" if price is None else f"${price} per generated image.",
    }
    return told | ({"input_schema": seedream.SCHEMA["input"]} if with_schema else {})
