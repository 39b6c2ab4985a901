"""The page of one job, and what its owner does there."""

import uuid
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from jobs import lifecycle, seedream
from jobs.forms import SettleForm
from jobs.models import Job
from jobs.states import ENDED, State
from jobs.values import words

from . import lineage, progress

WIDE = ("16:9", "21:9", "3:2", "4:3")


@require_safe
def detail(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    job = visible(request, pk)
    return render(request, "jobs/detail.html", _page_context(request, job))


@require_safe
def live(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """The job's changing part; 204 when the version that the page has is still the newest."""
    job = visible(request, pk)
    ahead = progress.ahead(job)
    if request.GET.get("v") == _shown(job, ahead):
        return HttpResponse(status=204)
    return render(request, "jobs/_live.html", _live_context(request, job, ahead) | {"oob": True})


def _shown(job: Job, ahead: int | None) -> str:
    """What a page shows that changes: others that are sent first leave the job itself as it is."""
    return str(job.version) if ahead is None else f"{job.version}-{ahead}"


@require_POST
def cancel(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    job = movable(request, pk)
    if not lifecycle.cancel(job, by=request.user):
        job.refresh_from_db()
        if job.cancel_requested_at is None:
            messages.warning(request, job.why_not_cancelled)
    return redirect("jobs:detail", job.pk)


@require_POST
def hold(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Have its files kept, whatever the retention rules say."""
    lifecycle.hold(visible(request, pk), request.user)
    return redirect("jobs:detail", pk)


@require_POST
def release(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    lifecycle.release(visible(request, pk), request.user)
    return redirect("jobs:detail", pk)


@require_POST
def fetch_again(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    job = movable(request, pk)
    if not lifecycle.fetch_again(job, request.user):
        messages.warning(request, _("There is nothing to fetch again."))
    return redirect("jobs:detail", job.pk)


@require_POST
def settle(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """The desk for an unconfirmed job: take RunComfy's request, send anew after a second question, or write off."""
    job = movable(request, pk)
    form = SettleForm(request.POST)
    settled = form.settle(job, request.user)
    if settled is None:
        return _ask_again(request, job, form)
    if not settled:
        job.refresh_from_db()
        messages.warning(request, job.why_not_settled)
    return redirect("jobs:detail", job.pk)


def _ask_again(request: HttpRequest, job: Job, form: SettleForm) -> HttpResponse:
    if "confirm" in form.errors:
        return render(request, "jobs/send_anew.html", {"job": job, "page": "job"})
    return render(request, "jobs/detail.html", _page_context(request, job) | {"settle": form}, status=422)


def movable(request: HttpRequest, pk: uuid.UUID) -> Job:
    job = visible(request, pk)
    if not job.may_be_moved_by(request.user):
        raise PermissionDenied(_("Only the owner and staff may change this job."))
    return job


def visible(request: HttpRequest, pk: uuid.UUID) -> Job:
    return get_object_or_404(Job.objects.visible_to(request.user).select_related("owner", "held_by"), pk=pk)


def _page_context(request: HttpRequest, job: Job) -> dict[str, Any]:
    around = lineage.lineage(job, request.user) | lineage.neighbours(job, request.user)
    return (
        _live_context(request, job, progress.ahead(job))
        | around
        | {"page": "job", "inputs": lineage.inputs(job, request.user)}
    )


def _live_context(request: HttpRequest, job: Job, ahead: int | None) -> dict[str, Any]:
    """What changes while the job runs."""
    shots = list(job.outputs.select_related("decision__reason"))
    is_waiting = job.state not in (*ENDED, State.UNCONFIRMED)
    count = job.sequential_image_generation_options if is_waiting else len(shots)
    return {
        "job": job,
        "provider_words": lifecycle.provider_words(job),
        "can_cancel": job.can_cancel and job.may_be_moved_by(request.user),
        "can_fetch_again": job.can_fetch_again and job.may_be_moved_by(request.user),
        "not_made": _not_made(job),
        "can_settle": job.state == State.UNCONFIRMED and job.may_be_moved_by(request.user),
        "steps": progress.steps(job),
        "time_left": progress.time_left(job),
        "turn": progress.turn(ahead),
        "shown": _shown(job, ahead),
        "shots": shots,
        "has_files": not all(shot.why_not_for(request.user) for shot in shots),
        "gone": list(dict.fromkeys(filter(None, (shot.why_gone for shot in shots)))),
        **_keeping(job, request.user),
        "shot_sizes": _sizes(job, count),
        "waiting": range(len(shots) + 1, count + 1),
        "events": job.events.select_related("actor"),
        "poll_seconds": progress.poll_seconds(job),
    }


def _keeping(job: Job, user: Any) -> dict[str, bool]:
    """Offered where there are rules against which files can be kept."""
    has_rules = any(settings.RETENTION.values())
    return {
        "can_hold": has_rules and not job.held_at and job.may_be_held_by(user),
        "can_release": bool(job.held_at) and job.may_be_released_by(user),
    }


def _sizes(job: Job, count: int) -> str:
    """How wide each of so many results is shown, for the choice among its copies: few wide ones fill the row."""
    columns = min(count, 3) if job.ratio in WIDE else 3
    beside = {1: "calc(100vw - 28rem)", 2: "calc(50vw - 14rem)"}.get(columns, "28rem")
    return f"(max-width: 44rem) 100vw, (max-width: 62rem) {100 if columns == 1 else 50}vw, {beside}"


def _not_made(job: Job) -> list[str]:
    """RunComfy's words on the pictures that it did not make for a job that it completed."""
    if job.state != State.COMPLETED:
        return []
    return [words(problem) for problem in seedream.output_problems((job.result or {}).get("output"))]
