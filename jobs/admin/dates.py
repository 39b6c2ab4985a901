"""The years, months or days of a list in which there are rows: one look into the index for each, never a scan."""

import itertools
from collections.abc import Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import User
from django.db.models import Subquery
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from jobs.usage import begin_of, month_after

if TYPE_CHECKING:
    from .lists import Changes

PARTS = ("year", "month", "day")


def dates(changes: "Changes") -> dict[str, Any]:
    """What Django's template of the hierarchy shows: `back` and `choices`, each with a title and a link. The choices
    are of the whole table, whatever else is filtered or searched."""
    chosen = _chosen(changes)
    ends = [] if chosen else _ends(changes)
    chosen = chosen or _only(ends)
    if len(chosen) == len(PARTS):
        choices = [{"title": _title(date(*chosen), 3)}]
    else:
        choices = [_choice(changes, begin, len(chosen) + 1) for begin in _filled(changes, chosen, ends)]
    return {"show": bool(choices or chosen), "back": _back(changes, chosen), "choices": choices}


def _chosen(changes: "Changes") -> list[int]:
    """The year, with the month, with the day, as far as the address says them; the list has read them before."""
    names = [f"{changes.date_hierarchy}__{part}" for part in PARTS]
    asked = itertools.takewhile(bool, (changes.params.get(name, "") for name in names))
    return [int(word) for word in asked]


def _only(ends: list[date]) -> list[int]:
    """The year, or the month, that all rows are of."""
    if not ends or ends[0].year != ends[-1].year:
        return []
    return [ends[0].year] if ends[0].month != ends[-1].month else [ends[0].year, ends[0].month]


def _ends(changes: "Changes") -> list[date]:
    """The first and the last day, each by its own query: asked for both at once, SQLite reads its whole index."""
    name = changes.date_hierarchy
    orders = (changes.root_queryset.order_by(order) for order in (name, f"-{name}"))
    return [timezone.localdate(moment) for rows in orders for moment in rows.values_list(name, flat=True)[:1]]


def _filled(changes: "Changes", chosen: list[int], ends: list[date]) -> list[date]:
    """The first days of the years, months or days that have rows."""
    name = changes.date_hierarchy
    # The first of each: asked whether there is any, PostgreSQL would read the table up to the first of a later year.
    rows = changes.root_queryset.order_by(name).values(name)
    asked: dict[str, Any] = {
        f"on_{begin:%Y_%m_%d}": Subquery(
            rows.filter(**{f"{name}__gte": begin_of(begin), f"{name}__lt": begin_of(end)})[:1]
        )
        for begin, end in _spans(chosen, ends)
    }
    found: Any = User.objects.values(**asked)[:1].get() if asked else {}
    return [date(*map(int, key.split("_")[1:])) for key in asked if found[key]]


def _spans(chosen: list[int], ends: list[date]) -> Iterator[tuple[date, date]]:
    if len(chosen) == 2:
        day = date(chosen[0], chosen[1], 1)
        while day.month == chosen[1]:
            yield day, day + timedelta(days=1)
            day += timedelta(days=1)
    elif chosen:
        for month in range(1, 13):
            begin = date(chosen[0], month, 1)
            yield begin, month_after(begin)
    elif ends:
        for year in range(ends[0].year, ends[-1].year + 1):
            yield date(year, 1, 1), date(year + 1, 1, 1)


def _choice(changes: "Changes", begin: date, parts: int) -> dict[str, str]:
    return {"title": _title(begin, parts), "link": _link(changes, [begin.year, begin.month, begin.day][:parts])}


def _back(changes: "Changes", chosen: list[int]) -> dict[str, str] | None:
    if not chosen:
        return None
    *before, _last = chosen
    title = _title(date(*[*before, 1, 1][:3]), len(before)) if before else _("All dates")
    return {"title": title, "link": _link(changes, before)}


def _title(day: date, parts: int) -> str:
    if parts == 1:
        return str(day.year)
    return capfirst(date_format(day, "YEAR_MONTH_FORMAT" if parts == 2 else "MONTH_DAY_FORMAT"))


def _link(changes: "Changes", parts: list[int]) -> str:
    names = (f"{changes.date_hierarchy}__{part}" for part in PARTS)
    return changes.get_query_string(dict(zip(names, parts, strict=False)), [f"{changes.date_hierarchy}__"])
