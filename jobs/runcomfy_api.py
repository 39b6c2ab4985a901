"""RunComfy's Model API, answered by this desk: a program written for it changes its base URL and its token.

Where the contract leaves a choice, docs/drop-in.md says which one was made.
"""

import asyncio
import json
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core import signing
from django.core.cache import cache
from django.http import HttpResponseBase
from django.urls import path, re_path
from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from . import clients, idempotency, intake, lifecycle, output_links, seedream
from . import runcomfy_answers as answers
from .calls import Call
from .files import serve_output
from .models import Count, IdempotencyKey, Job
from .runcomfy import RunComfyError
from .runcomfy_answers import Problem
from .tokens import BearerAuthentication

LARGEST_PAGE = 100
BALANCE_KEY, BALANCE_SECONDS, BALANCE_TIMEOUT = "runcomfy:balance-usd", 60, 3


class View(Call):
    """One of our tokens as the Bearer, and nothing else; every error in RunComfy's shape."""

    authentication_classes: Any = (BearerAuthentication,)
    schema = None

    def get_exception_handler(self) -> Callable[..., Response | None]:
        return answers.error


class Model(View):
    def get(self, request: Request, model_id: str) -> Response:
        _check_model(model_id)
        return Response(answers.card(with_schema=True))

    def post(self, request: Request, model_id: str) -> Response:
        _check_model(model_id)
        body = _body(request)
        key = idempotency.key_of_call(request, "submit", body)
        job = idempotency.once(key, lambda: _submitted(request, body, key))
        return Response(answers.accepted(job, request))


class Models(View):
    def get(self, request: Request) -> Response:
        query = request.query_params
        limit, offset = _whole(query, "limit", 20), _whole(query, "offset", 0)
        card = answers.card(query.get("include_schema", "").lower() in ("true", "1"))
        found = [card] if _is_found(card, query) else []
        limit = min(limit, LARGEST_PAGE)
        page = found[offset : offset + limit]
        return Response({"models": page, "total": len(found), "limit": limit, "offset": offset})


class Status(View):
    def get(self, request: Request, request_id: str) -> Response:
        return Response(answers.status(_job(request, request_id), request))


class Result(View):
    def get(self, request: Request, request_id: str) -> Response:
        job = _job(request, request_id)
        if job.is_active:
            word = answers.status(job, request)["status"]
            message = _("The request has not ended yet, it is %(status)s.") % {"status": word}
            raise Problem(400, message, answers.NOT_READY)
        with_cost = request.query_params.get("include_cost", "").lower() in ("true", "1")
        return Response(answers.result(job, request, with_cost))


class Cancel(View):
    def post(self, request: Request, request_id: str) -> Response:
        job = _job(request, request_id)
        if not job.may_be_moved_by(request.user):
            raise Problem(403, _("Only the owner and staff may cancel this request."))
        is_done = lifecycle.cancel(job, request.user)
        job.refresh_from_db()
        return Response(answers.cancellation(job, is_done))


class Balance(View):
    """What the site's account has left at RunComfy, asked once a minute."""

    def get(self, request: Request) -> Response:
        balance = cache.get(BALANCE_KEY)
        if balance is None:
            balance = asyncio.run(_ask_balance())
            Count.write()
            cache.set(BALANCE_KEY, balance, BALANCE_SECONDS)
        return Response({"balance_usd": float(balance), "currency": "USD"})


class OutputFile(View):
    """A stored output, for whoever holds its signed address while it lasts."""

    authentication_classes = permission_classes = throttle_classes = ()

    def get(self, request: Request, token: str, name: str) -> HttpResponseBase:
        try:
            output = output_links.output_of(token)
        except signing.SignatureExpired:
            raise Problem(403, str(output_links.EXPIRED)) from None
        if output is None:
            raise Problem(404, _("There is no picture at this address."))
        return self.sent(serve_output(request._request, output, by_us=settings.REQUIRE_APPROVAL))


class Nothing(View):
    http_method_names: list[str] = []

    def http_method_not_allowed(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        raise Problem(404, _("There is nothing at this address."), answers.NOT_FOUND)


def _check_model(model_id: str) -> None:
    if model_id != seedream.MODEL_ID:
        raise Problem(404, _("The model does not exist."), answers.NOT_FOUND)


def _job(request: Request, request_id: str) -> Job:
    try:
        job_id = uuid.UUID(request_id)
    except ValueError:
        raise Problem(400, _("This is no id of a request."), answers.MALFORMED_ID) from None
    job = Job.objects.visible_to(request.user).filter(pk=job_id).first()
    if job is None:
        raise Problem(404, _("The request does not exist or has expired."), answers.UNKNOWN_REQUEST)
    return job


# A submit


def _submitted(request: Request, body: dict[str, Any], key: IdempotencyKey | None) -> Job:
    parameters, kept = _checked(body, request)
    try:
        return lifecycle.create(request.user, parameters, kept, key=key)
    except seedream.InvalidInput as problem:
        raise ValidationError(problem.errors) from None


def _body(request: Request) -> dict[str, Any]:
    """The input, whatever type it was announced as: RunComfy's API takes nothing but JSON."""
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise ValidationError({"body": [_("Must be a JSON object.")]})
    return body


def _checked(body: dict[str, Any], request: Request) -> tuple[dict[str, Any], list[intake.Kept]]:
    """Everything is checked before anything is said, so that one answer names every mistake."""
    errors: dict[str, list[str]] = {}
    parameters: dict[str, Any] = {}
    try:
        parameters = seedream.clean_parameters(body)
    except seedream.InvalidInput as problem:
        errors |= problem.errors
    images = body.get("images", [])
    if not isinstance(images, list):
        raise ValidationError(errors | {"images": [_("Must be a list of https links or data URIs.")]})
    kept, problems = intake.take_what_is_good(intake.with_outputs(images, request.get_host()), request.user)
    if problems:
        errors["images"] = problems
    if errors:
        raise ValidationError(errors)
    return parameters, kept


# The catalogue and the account


def _whole(query: Any, name: str, default: int) -> int:
    value = query.get(name, str(default))
    if not (value.isdecimal() and len(value) < 10):
        raise ValidationError({name: [_("Must be a whole number.")]})
    return int(value)


def _is_found(card: dict[str, Any], query: Any) -> bool:
    words = f"{card['model_id']} {card['display_name']}".lower()
    is_of_kind = all(query.get(name) in (None, "", card[name]) for name in ("category", "kind"))
    return is_of_kind and query.get("search", "").lower() in words


async def _ask_balance() -> Decimal:
    try:
        async with clients.account_api(BALANCE_TIMEOUT) as client, asyncio.timeout(BALANCE_TIMEOUT):
            return await client.balance()
    except (RunComfyError, TimeoutError) as problem:
        words = getattr(problem, "words", "") or _("no answer in time")
        raise Problem(502, _("RunComfy could not be asked: %(words)s") % {"words": words}) from None


app_name = "runcomfy"
urlpatterns = [
    path("v1/models", Models.as_view(), name="models"),
    path("v1/models/<path:model_id>", Model.as_view(), name="model"),
    path("v1/requests/<str:request_id>/status", Status.as_view(), name="status"),
    path("v1/requests/<str:request_id>/result", Result.as_view(), name="result"),
    path("v1/requests/<str:request_id>/cancel", Cancel.as_view(), name="cancel"),
    path("v1/outputs/<str:token>/<str:name>", OutputFile.as_view(), name="output"),
    path("prod/v2/balance", Balance.as_view(), name="balance"),
    re_path("^(?:v1|prod)(?:/|$)", Nothing.as_view(), name="nothing"),
]
