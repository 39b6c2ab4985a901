"""The model and its price, what was spent, and who is asking."""

from datetime import date
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response

from jobs import lifecycle, seedream, usage
from jobs.models.review import may_review
from jobs.usage import Figures

from . import document
from .base import Api
from .pages import check_parameters


class Models(Api):
    @document.MODELS
    def get(self, request: Request) -> Response:
        check_parameters(request, [])
        return Response({"results": [_card()]})


class Model(Api):
    @document.MODEL
    def get(self, request: Request, model_id: str) -> Response:
        if model_id != seedream.MODEL_ID:
            raise exceptions.NotFound
        schemas = {"input_schema": seedream.SCHEMA["input"], "output_schema": seedream.SCHEMA["output"]}
        return Response(_card() | schemas)


class Usage(Api):
    @document.USAGE
    def get(self, request: Request) -> Response:
        check_parameters(request, ["month"])
        month = _month(request)
        rows = usage.grouped(request.user, month)
        parts = usage.split(rows, lambda row: (row["day"], usage.person(row), row["username"]))
        days = [
            {"day": day, "person": person, "username": username, **_told(figures)}
            for (day, person, username), figures in parts.items()
        ]
        return Response({"month": f"{month:%Y-%m}", "total": _told(Figures.of(rows)), "days": days})


class Me(Api):
    @document.ME
    def get(self, request: Request) -> Response:
        user: Any = request.user
        token: Any = request.auth
        told = {
            "username": user.get_username(),
            "name": user.get_full_name(),
            "is_staff": user.is_staff,
            "is_reviewer": may_review(user),
            "token": token and {"name": token.name, "expires_at": token.expiry},
        }
        return Response(told)


def _card() -> dict[str, Any]:
    return {"id": seedream.MODEL_ID, "price_usd": _money(lifecycle.unit_price())}


def _month(request: Request) -> date:
    text = request.query_params.get("month", "")
    try:
        return usage.month_of(text) if text else timezone.localdate().replace(day=1)
    except ValueError:
        raise exceptions.ValidationError({"month": [_("Write it as in 2026-11.")]}) from None


def _told(figures: Figures) -> dict[str, Any]:
    """Under the same names as in the CSV; null is what nobody knows."""
    return {
        "jobs": figures.jobs,
        "failed_jobs": figures.failed,
        "images": figures.images,
        "estimated_usd": _money(figures.estimated if figures.is_estimate_known else None),
        "jobs_without_estimate": figures.unestimated,
        "charged_usd": _money(figures.charged if figures.is_charge_known else None),
        "jobs_without_known_charge": figures.uncharged,
    }


def _money(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:.4f}"
