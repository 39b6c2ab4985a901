"""What a month of edits came to, for each day and person."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Exists, Subquery
from django.utils import timezone

from . import usage_days
from .models import Job
from .querysets import JobQuerySet
from .usage_days import CENTS, Row, begin_of


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
    def of(cls, rows: Iterable[Row]) -> "Figures":
        rows = list(rows)
        sums: dict[str, Any] = {field.name: sum(row[field.name] for row in rows) for field in fields(cls)}
        return cls(**sums)

    def __post_init__(self) -> None:
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


def grouped(user: Any, month: date) -> list[Row]:
    """The figures of each day, owner and mode of `month` that `user` may see."""
    rows = _seen_by(user, usage_days.rows(month, begin_of(month_after(month))))
    owners = User.objects.filter(pk__in={row["owner_id"] for row in rows})
    names: Any = {owner["id"]: owner for owner in owners.values("id", "username", "first_name", "last_name")}
    return sorted((row | names[row["owner_id"]] for row in rows), key=lambda row: (row["day"], row["username"]))


def before(user: Any, month: date, now: datetime) -> Figures:
    """The month before, as far as `month` has come by `now`: half a month is not compared with a whole one."""
    begin, end = begin_of(month_before(month)), begin_of(month)
    if is_running(month, now):
        end = min(begin + (now - end), end)
    return Figures.of(_seen_by(user, usage_days.rows(month_before(month), end)))


def _seen_by(user: Any, rows: list[Row]) -> list[Row]:
    return rows if Job.objects.shows_all_to(user) else [row for row in rows if row["owner_id"] == user.pk]


def is_running(month: date, now: datetime) -> bool:
    return begin_of(month) <= now < begin_of(month_after(month))


def split(rows: Iterable[Row], key: Callable[[Row], Any]) -> dict[Any, Figures]:
    """The figures of each key, in the order of the rows."""
    parts = defaultdict(list)
    for row in rows:
        parts[key(row)].append(row)
    return {name: Figures.of(part) for name, part in parts.items()}


def person(row: Row) -> str:
    return f"{row['first_name']} {row['last_name']}".strip() or row["username"]


def _within(jobs: JobQuerySet, month: date, end: date) -> JobQuerySet:
    return jobs.filter(created_at__gte=begin_of(month), created_at__lt=begin_of(end))
