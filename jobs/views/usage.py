"""What the edits of a month cost, by day and by person, and how their review went."""

import csv
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from jobs import chart, review_figures, usage
from jobs.models import Job
from jobs.review_figures import Share
from jobs.usage import Figures

MODES = ("standard", "fast")
COLUMNS = (
    "day", "person", "username", "jobs", "failed_jobs", "images",
    "estimated_usd", "jobs_without_estimate", "charged_usd", "jobs_without_known_charge",
)  # fmt: skip
REVIEW_COLUMNS = (
    "day", "reviewer", "username", "decided", "approved", "rejected", "replaced_by_others",
    "median_seconds_to_first_verdict",
)  # fmt: skip


@require_safe
def month(request: HttpRequest) -> HttpResponse:
    jobs = Job.objects.visible_to(request.user)
    chosen, now = _month(request), timezone.now()
    rows = usage.grouped(request.user, chosen)
    total = Figures.of(rows)
    context = {
        "page": "usage",
        "month": chosen,
        "month_before": usage.month_before(chosen),
        "is_running": usage.is_running(chosen, now),
        "total": total,
        "people": _people(rows),
        **_review(request, chosen, now),
        **_neighbours(usage.months(jobs), chosen),
        **_changes(total, usage.before(request.user, chosen, now)),
        **(_days(rows, chosen, total) if rows else {}),
    }
    return render(request, "jobs/usage.html", context)


@require_safe
def as_csv(request: HttpRequest) -> HttpResponse:
    """A row for each day and person, in UTF-8 with the mark by which Excel knows it."""
    chosen = _month(request)
    parts = usage.split(usage.grouped(request.user, chosen), _day_and_person)
    return _csv(f"usage-{chosen:%Y-%m}.csv", COLUMNS, ([*key, *_cells(figures)] for key, figures in parts.items()))


@require_safe
def review_as_csv(request: HttpRequest) -> HttpResponse:
    """A row for each day and reviewer."""
    chosen = _month(request)
    rows = review_figures.by_day(review_figures.verdicts(request.user, *_ends(chosen)))
    cells = ([*key, *_review_cells(share)] for *key, share in rows)
    return _csv(f"review-{chosen:%Y-%m}.csv", REVIEW_COLUMNS, cells)


def _csv(name: str, columns: Iterable[str], rows: Iterable[Sequence[Any]]) -> HttpResponse:
    """Each row begins with a day and two names."""
    response = HttpResponse(
        "\ufeff",
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
    writer = csv.writer(response)
    writer.writerow(columns)
    for day, person, username, *cells in rows:
        writer.writerow([day.isoformat(), _plain(person), _plain(username), *cells])
    return response


def _month(request: HttpRequest) -> date:
    text = request.GET.get("month", "")
    try:
        return usage.month_of(text) if text else timezone.localdate().replace(day=1)
    except ValueError:
        raise Http404(_("There is no such month.")) from None


def _day_and_person(row: dict[str, Any]) -> tuple[date, str, str]:
    return row["day"], usage.person(row), row["username"]


def _plain(name: str) -> str:
    """A spreadsheet would run a name that begins like a formula."""
    return f"'{name}" if name.startswith(("=", "+", "-", "@", "\t", "\r")) else name


def _cells(figures: Figures) -> list[Any]:
    return [
        figures.jobs,
        figures.failed,
        figures.images,
        figures.estimated if figures.is_estimate_known else "",
        figures.unestimated,
        figures.charged if figures.is_charge_known else "",
        figures.uncharged,
    ]


def _review_cells(share: Share) -> list[Any]:
    seconds = "" if share.seconds is None else round(share.seconds)
    return [share.decided, share.approved, share.rejected, share.replaced, seconds]


def _ends(chosen: date) -> tuple[datetime, datetime]:
    return usage.begin_of(chosen), usage.begin_of(usage.month_after(chosen))


def _review(request: HttpRequest, chosen: date, now: datetime) -> dict[str, Any]:
    """Of the verdicts of the month, and what waits while it runs."""
    return {
        "review": review_figures.of_time(request.user, *_ends(chosen)),
        "waiting": review_figures.waiting(request.user) if usage.is_running(chosen, now) else None,
        "timed": review_figures.TIMED,
    }


def _people(rows: list[dict[str, Any]]) -> list[tuple[str, Figures]]:
    """Who spent most first."""
    found = usage.split(rows, lambda row: (row["owner_id"], usage.person(row)))
    people = [(name, figures) for (_id, name), figures in found.items()]
    return sorted(people, key=lambda entry: (-entry[1].charged, -entry[1].estimated, entry[0]))


def _neighbours(months: list[date], chosen: date) -> dict[str, Any]:
    return {
        "months": sorted({chosen, *months}, reverse=True),
        "previous": next((month for month in months if month < chosen), None),
        "next": next((month for month in reversed(months) if month > chosen), None),
    }


def _changes(now: Figures, before: Figures) -> dict[str, Any]:
    """In percent of the month before; empty where there is nothing to compare with."""
    return {
        "charged_change": _percent(now.charged, before.charged),
        "images_change": _percent(now.images, before.images),
        "per_image_change": _percent(now.per_image, before.per_image),
    }


def _percent(now: Decimal | int | None, before: Decimal | int | None) -> str:
    if now is None or not before:
        return ""
    change = round((now - before) / before * 100)
    return f"{change:+d}".replace("-", "−") if change else "±0"


def _days(rows: list[dict[str, Any]], chosen: date, total: Figures) -> dict[str, Any]:
    """Each day with its figures, and the chart of them: charged or, where nothing is known of that, estimated."""
    measure = "charged" if total.charged or total.is_charge_known else "estimated"
    by_day = usage.split(rows, lambda row: row["day"])
    by_mode = usage.split(rows, lambda row: (row["day"], row["optimize_prompt_options"]))
    days = [chosen + timedelta(days=at) for at in range((usage.month_after(chosen) - chosen).days)]
    stacks = [[getattr(by_mode.get((day, mode), Figures()), measure) for mode in MODES] for day in days]
    sums = [(sum(parts), day) for parts, day in zip(stacks, days, strict=True) if day in by_day]
    return {
        "measure": measure,
        "chart": chart.stacked(stacks),
        "days": [(day, by_day[day], stack) for day, stack in zip(days, stacks, strict=True) if day in by_day],
        "highest": max(sums, key=lambda entry: entry[0]),
        "lowest": min(sums, key=lambda entry: entry[0]),
    }
