"""What the review page shows: an output against what went in, its set, the queue, who else is there."""

import uuid
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import F
from django.http import Http404, HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from jobs import figures, looking, review, review_figures
from jobs.filters import name_of
from jobs.models import Job, JobInput, Output, RejectionReason, ReviewDecision
from jobs.models.review import NOTE_MAX
from jobs.review_queue import Queue, QueueFilter

PROMPT = 40  # characters of a prompt that name an edit
SOON = 5400  # seconds that are told exactly


# The queue, and its filters in the address


def queue(request: HttpRequest) -> Queue:
    return _filtered(request)[0]


def _filtered(request: HttpRequest) -> tuple[Queue, QueueFilter]:
    found = QueueFilter(request.GET, Job.objects.all(), request=request)
    return Queue(request.user, found.qs if kept(request) else None), found


def kept(request: HttpRequest) -> dict[str, str]:
    """The filters that are on, as they stay in every address."""
    return {name: request.GET[name] for name in QueueFilter.base_filters if request.GET.get(name)}


def _query(request: HttpRequest, **more: Any) -> str:
    given = kept(request) | {name: value for name, value in more.items() if value}
    return f"?{urlencode(given)}" if given else ""


def address(request: HttpRequest, to: Output | None, act: str = "") -> str:
    path = reverse("jobs:review_output", args=[to.pk]) if to else reverse("jobs:review")
    return path + _query(request, done=act)


def next_to_decide(request: HttpRequest, output: Output) -> Output | None:
    found = queue(request)
    return _following(output, found.in_set(output.job), found.beyond(output.job)) or found.first()


def _following(output: Output, rest: Sequence[Output], beyond: Output | None) -> Output | None:
    """Where it goes on: in the set, from its end to its beginning, then in the next edit."""
    others = [other for other in rest if other.pk != output.pk]
    later = [other for other in others if other.position > output.position]
    return next(iter(later + others), beyond)


# The page


def context(request: HttpRequest, output: Output, act: str = "") -> dict[str, Any]:
    job, problem = output.job, review.why_not(request.user, output.job)
    found, filtered = _filtered(request)
    whole = list(job.outputs.select_related("decision__reviewer", "decision__reason"))
    rest = [] if problem else [other for other in whole if other.review == Output.Review.UNREVIEWED]
    beyond = found.beyond(job)
    if output not in whole:
        raise Output.DoesNotExist
    at = whole.index(output)
    return {
        **_around(request, found, filtered, job),
        **others(request, output),
        "output": output,
        "job": job,
        "whole": whole,
        "rest": rest,
        "problem": problem,
        "reasons": RejectionReason.objects.filter(is_active=True),
        "note_max": NOTE_MAX,
        "typed": {},
        "decided": _decided(request, act),
        "previous": whole[at - 1] if at else None,
        "next": whole[at + 1] if at + 1 < len(whole) else None,
        "edit_before": found.before(job),
        "edit_beyond": beyond,
        **_against(request, output, _following(output, rest, beyond)),
    }


def _around(request: HttpRequest, found: Queue, filtered: QueueFilter, job: Job | None = None) -> dict[str, Any]:
    """The queue in which a job stands, if it does."""
    first, shown = found.first(), found.page(job, _after(request))
    return {
        "page": "review",
        "queue": found,
        "entries": shown.entries,
        "more_url": _query(request, after=shown.after),
        "has_older": not shown.is_first,
        "place": found.place(job) if job else 0,
        "oldest": _age(first) if first else "",
        "query": _query(request),
        "form": filtered.form,
        "is_filtered": bool(kept(request)),
        "filters_on": len(kept(request)),
        "poll_seconds": looking.EVERY,
        "today": review_figures.today(request.user),
        "lately": review_figures.lately(request.user),
        "timed": review_figures.TIMED,
    }


def _age(output: Output) -> str:
    seconds = (timezone.now() - output.stored_at).total_seconds()
    return figures.spoken(seconds) if seconds < SOON else timesince(output.stored_at, depth=1)


def _after(request: HttpRequest) -> uuid.UUID | None:
    try:
        return uuid.UUID(request.GET["after"]) if "after" in request.GET else None
    except ValueError:
        raise Http404(_("There is no such place in the queue.")) from None


def _against(request: HttpRequest, output: Output, upcoming: Output | None) -> dict[str, Any]:
    """What went in, and the one of it that is shown beside the output; the same of what comes next."""
    jobs = {output.job_id, upcoming.job_id if upcoming else output.job_id}
    inputs: dict[uuid.UUID, list[JobInput]] = {pk: [] for pk in jobs}
    for entry in JobInput.objects.filter(job__in=jobs).select_related("picture").order_by("position"):
        inputs[entry.job_id].append(entry)
    own = inputs[output.job_id]
    wanted = request.GET.get("before", "")
    at = int(wanted) - 1 if wanted.isdecimal() and 0 < int(wanted[:4]) <= len(own) else 0
    ahead = [upcoming, *inputs[upcoming.job_id][:1]] if upcoming else []
    return {
        "inputs": [(entry, _query(request, before=entry.position + 1)) for entry in own],
        "before": own[at] if own else None,
        "ahead": [picture for picture in ahead if getattr(picture, "kind", Output.Kind.IMAGE) == Output.Kind.IMAGE],
    }


def others(request: HttpRequest, output: Output) -> dict[str, Any]:
    """Who else looks at the edit, and whether another verdict stands than on the page that asks (?seen=)."""
    people = looking.look(request.user, output.job)
    names, standing = [name_of(person) for person in people], str(output.decision_id or "")
    text = ngettext("%(names)s is looking at this edit too.", "%(names)s are looking at this edit too.", len(names)) % {
        "names": ", ".join(names)
    }
    seen = request.GET.get("seen", standing)
    version = ".".join([standing, *(str(person.pk) for person in people)])
    has_news = seen != standing
    told = {"text": text if names else "", "has_news": has_news, "seen": seen, "version": version}
    return {"output": output, "others": told, "poll_seconds": looking.EVERY}


def _decided(request: HttpRequest, act: str) -> dict[str, Any]:
    """What was decided in that act of this reviewer, as far as it still stands."""
    try:
        mine = ReviewDecision.objects.filter(act=uuid.UUID(act), reviewer=request.user.pk, output__decision=F("pk"))
    except ValueError:
        return {}
    made = list(mine.select_related("output__job", "reason").order_by("output__position"))
    return {"act": act, "text": _in_words(made), "first": made[0], "is_one": len(made) == 1} if made else {}


def _in_words(made: Sequence[ReviewDecision]) -> str:
    first, count = made[0], len(made)
    prompt = first.output.job.text
    values = {
        "number": first.output.position + 1,
        "count": count,
        "prompt": prompt if len(prompt) <= PROMPT else f"{prompt[:PROMPT].rstrip()}…",
        "reason": first.reason.label if first.reason else "",
    }
    if first.verdict == ReviewDecision.Verdict.APPROVED:
        one, many = _("Approved result %(number)d of “%(prompt)s”."), _("Approved %(count)d results of “%(prompt)s”.")
    else:
        one = _("Rejected result %(number)d of “%(prompt)s”: %(reason)s.")
        many = _("Rejected %(count)d results of “%(prompt)s”: %(reason)s.")
    return (one if count == 1 else many) % values


def nothing(request: HttpRequest, act: str = "") -> dict[str, Any]:
    found, filtered = _filtered(request)
    undecided = Output.objects.filter(review=Output.Review.UNREVIEWED)
    return {
        **_around(request, found, filtered),
        "decided": _decided(request, act),
        "only_own": settings.NO_REVIEW_OF_OWN and undecided.filter(job__owner=request.user.pk).exists(),
    }
