"""What a month of edits came to, for each day and person: counted by the database, a row for each group."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Count, Exists, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce, TruncDate
from django.utils import timezone

from .models import Output
from .querysets import JobQuerySet
from .states import Reason, State

# Whether RunComfy charges a run that fails is not published; for these it said so, or was never asked.
FREE = (Reason.REFUSED, Reason.TOKEN, Reason.BALANCE, Reason.UNREACHABLE, Reason.BAD_INPUT)
CHARGE_UNKNOWN = Q(cost_usd=None) & (
    (Q(state=State.FAILED) & ~Q(reason__in=FREE)) | ~Q(state__in=(State.PENDING, State.CANCELLED, State.FAILED))
)
CENTS = Decimal("0.0001")


@dataclass
class Figures:
    """`estimated` and `charged` leave out the jobs that `unestimated` and `uncharged` count: theirs is not known."""

    jobs: int = 0
    failed: int = 0
    images: int = 0
    priced_images: int = 0  # of jobs whose charge is known
    estimated: Decimal = Decimal(0)
    unestimated: int = 0
    charged: Decimal = Decimal(0)
    uncharged: int = 0

    @classmethod
    def of(cls, rows: Iterable[dict[str, Any]]) -> "Figures":
        rows = [row | {"priced_images": row["images"] if row["is_priced"] else 0} for row in rows]
        sums: dict[str, Any] = {field.name: sum((row[field.name] or 0) for row in rows) for field in fields(cls)}
        return cls(**sums)

    def __post_init__(self) -> None:
        # SQLite adds up floating-point numbers.
        self.estimated, self.charged = (Decimal(sum).quantize(CENTS) for sum in (self.estimated, self.charged))

    @property
    def failed_percent(self) -> float:
        return round(100 * self.failed / self.jobs, 1) if self.jobs else 0.0

    @property
    def is_charge_known(self) -> bool:
        return bool(self.charged) or not self.uncharged

    @property
    def is_estimate_known(self) -> bool:
        return bool(self.estimated) or not self.unestimated

    @property
    def per_image(self) -> Decimal | None:
        return (self.charged / self.priced_images).quantize(CENTS) if self.priced_images else None


def month_of(text: str) -> date:
    """The first day of "2026-11"; raises ValueError for anything else."""
    if not re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])", text):
        raise ValueError(text)
    return date.fromisoformat(f"{text}-01")


def month_after(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)


def month_before(month: date) -> date:
    return (month - timedelta(days=1)).replace(day=1)


def begin_of(day: date) -> datetime:
    """Its midnight in the site's time zone."""
    return timezone.make_aware(datetime.combine(day, time.min))


def months(jobs: JobQuerySet) -> list[date]:
    """Those in which `jobs` has any, the newest first: one look into the index for each month there could be."""
    # Each by itself in the one query: as Min and Max of the same rows, SQLite reads its whole index.
    ends = [Subquery(jobs.order_by(name).values("created_at")[:1]) for name in ("created_at", "-created_at")]
    found: Any = User.objects.values_list(*ends)[:1].get()
    if None in found:
        return []
    month, last = (timezone.localdate(end).replace(day=1) for end in found)
    asked: dict[str, Any] = {}
    while month <= last:
        asked[f"{month:%Y-%m}"] = Exists(_within(jobs, month, month_after(month)))
        month = month_after(month)
    found = User.objects.values(**asked)[:1].get()
    return [month_of(name) for name in reversed(asked) if found[name]]


def grouped(jobs: JobQuerySet, month: date) -> list[dict[str, Any]]:
    """The figures of each day, owner and mode of `month`."""
    owner = ("owner_id", "owner__username", "owner__first_name", "owner__last_name")
    of_month = _within(jobs, month, month_after(month)).annotate(day=TruncDate("created_at"))
    return list(_counted(of_month.order_by("day", "owner__username"), "day", *owner, "optimize_prompt_options"))


def before(jobs: JobQuerySet, month: date, now: datetime) -> Figures:
    """The month before, as far as `month` has come by `now`: half a month is not compared with a whole one."""
    begin, end = begin_of(month_before(month)), begin_of(month)
    if is_running(month, now):
        end = min(begin + (now - end), end)
    return Figures.of(_counted(jobs.filter(created_at__gte=begin, created_at__lt=end).order_by()))


def is_running(month: date, now: datetime) -> bool:
    return begin_of(month) <= now < begin_of(month_after(month))


def split(rows: Iterable[dict[str, Any]], key: Callable[[dict[str, Any]], Any]) -> dict[Any, Figures]:
    """The figures of each key, in the order of the rows."""
    parts = defaultdict(list)
    for row in rows:
        parts[key(row)].append(row)
    return {name: Figures.of(part) for name, part in parts.items()}


def person(row: dict[str, Any]) -> str:
    return f"{row['owner__first_name']} {row['owner__last_name']}".strip() or row["owner__username"]


def _within(jobs: JobQuerySet, month: date, end: date) -> JobQuerySet:
    return jobs.filter(created_at__gte=begin_of(month), created_at__lt=begin_of(end))


def _counted(jobs: JobQuerySet, *keys: str) -> Any:
    stored = Output.objects.filter(job=OuterRef("pk")).order_by().values("job").annotate(count=Count("pk"))
    images = Coalesce(Subquery(stored.values("count")), 0)
    return jobs.values(*keys, is_priced=Q(cost_usd__isnull=False)).annotate(
        jobs=Count("pk"),
        failed=Count("pk", filter=Q(state=State.FAILED)),
        images=Sum(images),
        estimated=Sum("estimate_usd"),
        unestimated=Count("pk", filter=Q(estimate_usd=None)),
        charged=Sum("cost_usd"),
        uncharged=Count("pk", filter=CHARGE_UNKNOWN),
    )
