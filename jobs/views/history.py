"""The team's history: found, filtered, in order of time, a page at a time."""

import uuid
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, F, Q, Window
from django.db.models.functions import RowNumber
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from jobs.filters import JobFilter
from jobs.models import Job, Output
from jobs.querysets import JobQuerySet

PAGE_SIZE = 24
COUNT_LIMIT = 100  # where a filter leaves one job of a thousand, each one more costs reading a thousand
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@require_safe
def history(request: HttpRequest) -> HttpResponse:
    found = JobFilter(request.GET, Job.objects.visible_to(request.user).order_by("-created_at", "-id"), request=request)
    jobs, after = found.qs, request.GET.get("after", "")
    page = list(page_of(jobs, after))
    shown, has_more = page[:PAGE_SIZE], len(page) > PAGE_SIZE
    _add_covers(shown)
    days = [(label, list(group)) for label, group in groupby(shown, _day)]
    context = {
        "page": "history",
        "days": days,
        "next_url": _url(request, after=place(shown[-1])) if has_more else "",
        "first_url": _url(request) if after else "",
        "count": _count(jobs) if has_more or after else len(shown),
        "count_limit": COUNT_LIMIT,
        "goes_on": bool(after and days and days[0][0] == _day_of(_moment(after))),
        "form": found.form,
        "active": _active(request, found),
    }
    return render(request, "jobs/history.html", context)


# Paging: a place is the time and the last key of the job that a page ended with


def page_of(jobs: JobQuerySet, after: str) -> JobQuerySet:
    """One job more than a page holds, so that it is known whether there is a next one."""
    last = str(jobs.query.order_by[-1]).lstrip("-")
    if after:
        jobs = jobs.filter(_beyond(jobs, last, after))
    # What RunComfy said is long, and no tile shows it.
    return jobs.annotate(place=F(last)).select_related("owner").defer("result", "provider_error")[: PAGE_SIZE + 1]


def _beyond(jobs: JobQuerySet, last: str, after: str) -> Q:
    at, key, side = _moment(after), after.partition("_")[2], "lt" if jobs.query.standard_ordering else "gt"
    try:
        if last != "id":
            return Q(**{f"{last}__{side}": int(key)})
        up_to_there = Q(**{"created_at": at, f"id__{'gte' if side == 'lt' else 'lte'}": uuid.UUID(key)})
    except ValueError:
        raise Http404(_("There is no such place in the history.")) from None
    # Not "earlier, or at that time with …": an OR keeps SQLite from starting there in its index.
    return Q(**{f"created_at__{side}e": at}) & ~up_to_there


def place(job: Job) -> str:
    microseconds = (job.created_at - EPOCH) // timedelta(microseconds=1)
    return f"{microseconds}_{job.place}"  # type: ignore[attr-defined]


def _moment(after: str) -> datetime:
    try:
        return EPOCH + timedelta(microseconds=int(after.partition("_")[0]))
    except (ValueError, OverflowError):
        raise Http404(_("There is no such place in the history.")) from None


def _count(jobs: JobQuerySet) -> int:
    return jobs.order_by()[: COUNT_LIMIT + 1].count()


# What a page shows


def _add_covers(jobs: list[Job]) -> None:
    """The first picture of each job and the number of its outputs, in one query however many they are."""
    of_job: dict[str, Any] = {"partition_by": "job_id"}
    firsts = Output.objects.annotate(
        number=Window(RowNumber(), order_by=("kind", "position"), **of_job),
        count=Window(Count("pk"), **of_job),
        approved=Window(Count("pk", filter=Q(review=Output.Review.APPROVED)), **of_job),
        rejected=Window(Count("pk", filter=Q(review=Output.Review.REJECTED)), **of_job),
    ).filter(job__in=jobs, number=1)
    covers = {cover.job_id: cover for cover in firsts}
    for job in jobs:
        if first := covers.get(job.pk):
            first.job = job  # whose it is decides what is shown of it
        job.output_count = first.count if first else 0  # type: ignore[attr-defined]
        job.rejected_count = first.rejected if first else 0  # type: ignore[attr-defined]
        job.is_approved = bool(first) and first.approved == first.count  # type: ignore[attr-defined,union-attr]
        job.cover = first if first and first.kind == Output.Kind.IMAGE else None  # type: ignore[attr-defined]
        job.sizes = _sizes(job.ratio)  # type: ignore[attr-defined]


def _sizes(ratio: str) -> str:
    """How wide a tile of that ratio becomes: the rows of the grid are of equal height, and grow by up to a half. On a
    phone an upright one is as wide as a square, which the copy of 320 pixels fills well enough."""
    width, height = map(int, ratio.split(":"))
    return f"(max-width: 44rem) {160 * max(width, height) // height}px, {260 * width // height}px"


def _day(job: Job) -> str:
    return _day_of(job.created_at)


def _day_of(moment: datetime) -> str:
    day, today = timezone.localdate(moment), timezone.localdate()
    if (today - day).days in (0, 1):
        return _("Yesterday") if (today - day).days else _("Today")
    return date_format(day, "DATE_FORMAT")


def _active(request: HttpRequest, found: JobFilter) -> list[dict[str, str]]:
    """The filters that are on, in words, each with the address without it."""
    given = {name: value for name, value in found.form.cleaned_data.items() if value and name != "sort"}
    return [{"label": _words(found, name, value), "url": _url(request, without=name)} for name, value in given.items()]


def _words(found: JobFilter, name: str, value: Any) -> str:
    if isinstance(value, date):
        day = date_format(value, "DATE_FORMAT")
        return (_("From %(day)s") if name == "since" else _("To %(day)s")) % {"day": day}
    if name == "q":
        return _("“%(words)s”") % {"words": value}
    return str(dict(found.form.fields[name].choices).get(value))


def _url(request: HttpRequest, without: str = "", after: str = "") -> str:
    names = [name for name in JobFilter.base_filters if name != without and request.GET.get(name)]
    given = {name: request.GET[name] for name in names} | ({"after": after} if after else {})
    return f"{request.path}?{urlencode(given)}" if given else request.path
