"""For machines that watch the site, and the note on pages that edits wait."""

import secrets
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.functional import SimpleLazyObject
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from jobs import health, metrics


@require_safe
@login_not_required
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """503 when a part is missing without which this process cannot do its work; with `?all`, when any is."""
    parts = health.look()
    asked = [part for part in parts.values() if part.decides or "all" in request.GET]
    is_ready = all(part.is_well for part in asked)
    told = {name: {"ok": part.is_well, **({"words": part.words} if part.words else {})} for name, part in parts.items()}
    return JsonResponse({"ready": is_ready, "parts": told}, status=200 if is_ready else 503)


@require_safe
@login_not_required
@never_cache
def figures(request: HttpRequest) -> HttpResponse:
    if not settings.METRICS_TOKEN:
        raise Http404
    if not _may_read(request):
        return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"})
    content, content_type = metrics.text(request.headers.get("Accept", ""))
    return HttpResponse(content, content_type=content_type)


def _may_read(request: HttpRequest) -> bool:
    """The token comes first: asking for a session needs the database, of which the figures tell that it is away."""
    scheme, _space, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return secrets.compare_digest(given.strip().encode(), settings.METRICS_TOKEN.encode())
    return request.user.is_active and request.user.is_staff


def waiting(request: HttpRequest) -> dict[str, Any]:
    """For every page: what keeps edits waiting, if anything does; asked for by those that show it."""
    is_member = getattr(request, "user", None) and request.user.is_authenticated
    return {"worker_trouble": SimpleLazyObject(health.trouble)} if is_member else {}


@require_safe
@never_cache
def worker_note(request: HttpRequest) -> HttpResponse:
    """The note alone, for a page that stays open; 204 when it shows the right one already."""
    if request.GET.get("shown", "") == health.trouble():
        return HttpResponse(status=204)
    return render(request, "_worker_note.html")
