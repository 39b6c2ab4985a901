"""What each day of edits came to: counted by the database, and kept when it is over until one of its edits changes."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from .models import Job, LateChange, Output, UsageDay
from .states import Reason, State

Row = dict[str, Any]

# Whether RunComfy charges a run that fails is not published; for these it said so, or was never asked.
FREE = (Reason.REFUSED, Reason.TOKEN, Reason.BALANCE, Reason.UNREACHABLE, Reason.BAD_INPUT)
CHARGE_UNKNOWN = Q(cost_usd=None) & (
    (Q(state=State.FAILED) & ~Q(reason__in=FREE)) | ~Q(state__in=(State.PENDING, State.CANCELLED, State.FAILED))
)
MONEY, CENTS = ("estimated", "charged"), Decimal("0.0001")
DAY = timedelta(days=1)
OVER = timedelta(hours=2)  # twice what LateChange calls late: clocks differ, and writing takes its time


def begin_of(day: date) -> datetime:
    """Its midnight in the site's time zone."""
    return timezone.make_aware(datetime.combine(day, time.min))


def rows(first: date, end: datetime) -> list[Row]:
    """The figures of each day, owner and mode from `first` on; of the day that `end` is in, as far as it goes."""
    days = _days(first, min(end, begin_of(timezone.localdate() + DAY)))
    if not days:
        return []
    # Before anything is counted: what changes meanwhile makes what is kept now untrue.
    changes = _changes(days)
    kept = {day.begin: day for day in UsageDay.objects.filter(begin__gte=days[0][0], begin__lt=end)}
    found: list[Row] = []
    counted = []
    for begin, finish in days:
        day = kept.get(begin)
        if day is None or (day.end, day.changes) != (finish, changes[begin]):
            day = UsageDay(begin=begin, end=finish, changes=changes[begin], rows=_counted(begin, finish))
            counted.append(day)
        found += _read(day)
    _keep(counted)
    return found


def _days(first: date, end: datetime) -> list[tuple[datetime, datetime]]:
    """From when to when each of them goes, in UTC: of an hour that a time zone has twice, it knows which is meant."""
    days = []
    while (begin := begin_of(first)) < end:
        first += DAY
        days.append((begin.astimezone(UTC), min(begin_of(first), end).astimezone(UTC)))
    return days


def _changes(days: list[tuple[datetime, datetime]]) -> dict[datetime, int]:
    """How many were told of each of them; in most time zones it is of two days of UTC."""
    spans = {begin: (begin.date(), (end - timedelta.resolution).date()) for begin, end in days}
    told = LateChange.objects.filter(day__gte=days[0][0].date(), day__lte=days[-1][1].date())
    numbers = dict(told.values_list("day", "number"))
    return {begin: sum(numbers.get(day, 0) for day in set(span)) for begin, span in spans.items()}


def _counted(begin: datetime, end: datetime) -> list[Row]:
    stored = Output.objects.filter(job=OuterRef("pk")).order_by().values("job").annotate(count=Count("job"))
    images: Any = Coalesce(Subquery(stored.values("count")), 0)
    jobs = Job.objects.filter(created_at__gte=begin, created_at__lt=end).order_by()
    counted: Any = jobs.values("owner_id", "optimize_prompt_options").annotate(
        jobs=Count("pk"),
        failed=Count("pk", filter=Q(state=State.FAILED)),
        images=Sum(images),
        priced_images=Sum(images, filter=Q(cost_usd__isnull=False), default=0),
        estimated=Sum("estimate_usd"),
        unestimated=Count("pk", filter=Q(estimate_usd=None)),
        charged=Sum("cost_usd"),
        uncharged=Count("pk", filter=CHARGE_UNKNOWN),
    )
    return [_written(row) for row in counted]


def _written(row: Row) -> Row:
    """As JSON has it. SQLite adds up floating-point numbers: they are made exact before they are added further."""
    return row | {name: str(Decimal(row[name] or 0).quantize(CENTS)) for name in MONEY}


def _read(day: UsageDay) -> Iterable[Row]:
    date_of = timezone.localdate(day.begin)
    return [row | {"day": date_of} | {name: Decimal(row[name]) for name in MONEY} for row in day.rows]


def _keep(days: list[UsageDay]) -> None:
    """Those that are over, and whole."""
    last = timezone.now() - OVER
    over = [day for day in days if day.end <= last and day.end == begin_of(timezone.localdate(day.begin) + DAY)]
    UsageDay.objects.bulk_create(
        over, update_conflicts=True, unique_fields=["begin"], update_fields=["end", "changes", "rows"]
    )
