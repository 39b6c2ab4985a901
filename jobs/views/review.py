"""Deciding about outputs: one address for each, so that links, Back and a browser without script work."""

import uuid
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.core.exceptions import BadRequest, PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from jobs import review, seedream
from jobs.models import Job, Output, ReviewDecision
from jobs.models.review import may_review

from . import review_page

CONFLICT, UNPROCESSABLE = 409, 422


def for_reviewers(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not may_review(request.user):
            raise PermissionDenied(_("Only reviewers decide about pictures."))
        try:
            return view(request, *args, **kwargs)
        except (Job.DoesNotExist, Output.DoesNotExist):  # deleted with its job at this very moment
            raise Http404 from None

    return guarded


@require_safe
@for_reviewers
def start(request: HttpRequest) -> HttpResponse:
    """To the oldest that waits, or the page that says that nothing does."""
    first = review_page.queue(request).first()
    if first is None:
        return _show_nothing(request, request.GET.get("done", ""))
    return redirect(review_page.address(request, first, request.GET.get("done", "")))


@require_http_methods(["GET", "HEAD", "POST"])
@for_reviewers
def output(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    found = get_object_or_404(_outputs(), pk=pk)
    if request.method == "POST":
        return _decide(request, found)
    return _show(request, found, request.GET.get("done", ""))


@require_safe
@for_reviewers
def others(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Who else looks at it, and what they decided meanwhile; 204 when the page says so already."""
    context = review_page.others(request, get_object_or_404(_outputs(), pk=pk))
    if request.GET.get("v") == context["others"]["version"]:
        return HttpResponse(status=204)
    return render(request, "jobs/_review_others.html", context)


@require_POST
@for_reviewers
def undo(request: HttpRequest, act: uuid.UUID) -> HttpResponse:
    of_act = ReviewDecision.objects.filter(act=act).exclude(verdict=ReviewDecision.Verdict.UNDONE)
    first = of_act.order_by("output__position").values_list("output", flat=True).first()
    if first is None:
        raise Http404(_("There is no such verdict."))
    try:
        outcome = review.undo(act, request.user)
    except review.NotAllowed as problem:
        raise PermissionDenied(str(problem)) from None
    _tell_undone(request, outcome)
    return _go(request, _outputs().get(pk=first))


def _outputs() -> QuerySet[Output]:
    related = ("job__owner", "decision__reviewer", "decision__reason")
    return Output.objects.select_related(*related).defer("job__result", "job__provider_error")


# Deciding


def _decide(request: HttpRequest, found: Output) -> HttpResponse:
    is_set = "set" in request.POST
    try:
        wished = _wish(request)
        seen = _set_as_seen(request, found) if is_set else [_as_seen(request, found)]
        outcome = review.decide(seen, request.user, wished)
    except seedream.InvalidInput as problem:
        return _show(request, found, status=UNPROCESSABLE, errors=problem.errors)
    except review.NotAllowed as problem:
        raise PermissionDenied(str(problem)) from None
    act = str(outcome.decided[0].act) if outcome.decided else ""
    if not outcome.clashes:
        return _go(request, review_page.next_to_decide(request, found), act)
    clash = _outputs().get(pk=outcome.clashes[0].pk)
    if not is_set:
        return _show(request, clash, status=CONFLICT)
    _tell_clashes(request, len(outcome.clashes))
    return _go(request, clash, act)


def _wish(request: HttpRequest) -> review.Wish:
    sent = request.POST
    verdict = sent.get("set") or sent.get("verdict", "")
    # A reason that was chosen before the reviewer approved after all means nothing.
    reason = sent.get("reason", "") if verdict == review.Verdict.REJECTED else ""
    return review.wish(verdict, reason, sent.get("note", "").replace("\r\n", "\n"))


def _as_seen(request: HttpRequest, found: Output) -> Output:
    """With the decision that stood when the page was drawn."""
    given = request.POST.get("seen", "")
    try:
        found.decision = found.decisions.get(pk=uuid.UUID(given)) if given else None
    except (ValueError, ReviewDecision.DoesNotExist):
        raise BadRequest("seen") from None
    return found


def _set_as_seen(request: HttpRequest, found: Output) -> list[Output]:
    """Those of the set that waited when the page was drawn."""
    try:
        ids = [uuid.UUID(word) for word in request.POST.getlist("waiting")]
    except ValueError:
        raise BadRequest("waiting") from None
    outputs = list(_outputs().filter(job_id=found.job_id, pk__in=ids).order_by("position"))
    for waiting in outputs:
        waiting.decision = None
    return outputs


# What is said, and where it goes on


def _tell_clashes(request: HttpRequest, count: int) -> None:
    text = ngettext(
        "Meanwhile somebody else has decided about %(count)d of these results: that verdict stands.",
        "Meanwhile somebody else has decided about %(count)d of these results: those verdicts stand.",
        count,
    )
    messages.warning(request, text % {"count": count})


def _tell_undone(request: HttpRequest, outcome: review.Outcome) -> None:
    count = len(outcome.decided)
    if outcome.clashes:
        messages.warning(request, _("Somebody has decided anew since: the newer verdict stands."))
    if count:
        text = ngettext("Took %(count)d verdict back.", "Took %(count)d verdicts back.", count)
        messages.success(request, text % {"count": count})
    elif not outcome.clashes:
        messages.info(request, _("This was taken back before."))


def _go(request: HttpRequest, to: Output | None, act: str = "") -> HttpResponse:
    """To an output's page, or the one that says that nothing waits, telling of `act`. htmx gets the page at once: a
    redirect would cost a slow line its round trip."""
    if not getattr(request, "htmx", False):
        return redirect(review_page.address(request, to, act))
    response = _show(request, _outputs().get(pk=to.pk), act) if to else _show_nothing(request, act)
    response["HX-Push-Url"] = review_page.address(request, to)
    return response


def _show(
    request: HttpRequest, found: Output, act: str = "", status: int = 200, errors: dict[str, list[str]] | None = None
) -> HttpResponse:
    context = review_page.context(request, found, act)
    if status == 200:
        return render(request, "jobs/review.html", context)
    context |= {"errors": errors or {}, "is_clash": status == CONFLICT, "typed": request.POST}
    response = render(request, "jobs/review.html", context, status=status)
    response["HX-Push-Url"] = "false"
    return response


def _show_nothing(request: HttpRequest, act: str) -> HttpResponse:
    return render(request, "jobs/review.html", review_page.nothing(request, act))
