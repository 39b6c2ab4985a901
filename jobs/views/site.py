"""What belongs to every page, and to none."""

from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.views.decorators.http import require_safe

from jobs import programs, review_queue
from jobs.models import Provider
from jobs.models.review import may_review
from jobs.states import Reason


def provider_notes(request: HttpRequest) -> dict[str, Any]:
    """For every page: whether the sandbox stands in, whether RunComfy is down, and what waits for a reviewer (asked
    for only by pages that show it)."""
    if not getattr(request, "user", None) or not request.user.is_authenticated:
        return {}
    known = Provider.known()
    return {
        "reviewing": SimpleLazyObject(lambda: _reviewing(request.user)),
        "sandbox": settings.USE_SANDBOX,
        "provider_down": known.failing_since is not None,
        "provider_refuses": known.failing_reason == Reason.NO_ACCESS,
        "provider_held": known.held_until is not None and known.held_until > timezone.now(),
    }


def _reviewing(user: Any) -> dict[str, str]:
    """How many edits wait, in words; empty for who does not review."""
    return {"waiting": review_queue.number(user)} if may_review(user) else {}


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Without the form's token, which Django's own page would look for in the body that could not be read."""
    told = programs.refusal(request, 400, "bad_request", "This request cannot be read.")
    return told or HttpResponseBadRequest(render_to_string("400.html"))


@require_safe
@login_not_required
def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok", content_type="text/plain")
