"""What RunComfy's Model API says, said of our jobs: status words, bodies, errors, and the addresses of outputs."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core import signing
from django.core.files.storage import FileSystemStorage, default_storage
from django.http import HttpRequest
from django.urls import reverse
from rest_framework.exceptions import APIException
from rest_framework.response import Response
from rest_framework.views import exception_handler

from . import intake, lifecycle, seedream
from .models import Job, Output
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
MALFORMED_ID, NOT_READY, UNKNOWN_MODEL, UNKNOWN_REQUEST = 400001, 400005, 404000, 404001
SALT = "jobs.runcomfy-output"
OUTPUT_PATH = re.compile(r"/v1/outputs/([^/]+)/[^/]+")


class Problem(APIException):
    """An error in RunComfy's shape; its code begins with its HTTP status."""

    def __init__(self, status: int, message: str, code: int = 0):
        self.status_code, self.code = status, code
        super().__init__(message)


def error(problem: Exception, context: dict[str, Any]) -> Response | None:
    """The answer to whatever stopped a call, in one shape."""
    response = exception_handler(problem, context)
    if response is not None:
        response.data = error_body(response.status_code, response.data["detail"], getattr(problem, "code", 0))
    return response


def error_body(status: int, message: str, code: int = 0) -> dict[str, Any]:
    return {"error_code": code or status * 1000 + 1, "error_message": str(message)}


def invalid(errors: Mapping[str, Sequence[str]]) -> Problem:
    """One message that names each wrong field."""
    told = [f"{field}: {message}" for field, messages in errors.items() for message in messages]
    return Problem(422, "; ".join(told))


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
    for output in job.outputs.all():
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
    if not isinstance(default_storage, FileSystemStorage):
        # Not by a redirect from here: a careful client follows none with an address that it was given.
        lifetime = int(settings.OUTPUT_LINK_LIFETIME.total_seconds())
        return default_storage.url(output.file.name, expire=lifetime)  # type: ignore[call-arg]
    name = f"{output.position + 1}.{output.extension}"
    return request.build_absolute_uri(reverse("runcomfy:output", args=[token_of(output), name]))


def token_of(output: Output) -> str:
    return signing.TimestampSigner(salt=SALT).sign(str(output.pk))


def output_of(token: str) -> Output | None:
    """The output that a signed address stands for; None when it is altered or gone. Raises SignatureExpired."""
    try:
        output_id = signing.TimestampSigner(salt=SALT).unsign(token, max_age=settings.OUTPUT_LINK_LIFETIME)
    except signing.SignatureExpired:
        raise
    except signing.BadSignature:
        return None
    return Output.objects.filter(pk=output_id).first()


def with_outputs(images: Sequence[Any], request: HttpRequest) -> list[Any]:
    """Addresses of outputs that we gave out, as words for them: we do not fetch from ourselves."""
    return intake.with_outputs([_output_word(image, request) or image for image in images], request.get_host())


def _output_word(image: Any, request: HttpRequest) -> str:
    try:
        parts = urlsplit(image) if isinstance(image, str) and image.startswith("http") else None
        match = parts and OUTPUT_PATH.fullmatch(parts.path)
        is_ours = parts and parts.netloc in (request.get_host(), urlsplit(settings.PUBLIC_BASE_URL).netloc)
        output = output_of(match[1]) if match and is_ours else None
    except (ValueError, signing.SignatureExpired):  # half a bracket, or too late: told where links are fetched
        return ""
    return intake.output_word(output) if output else ""


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
