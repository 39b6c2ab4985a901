"""How long edits usually take, told by our own finished ones."""

from collections.abc import Iterable
from datetime import datetime
from statistics import median
from typing import Any

from django.core.cache import cache
from django.db.models import QuerySet
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from . import seedream
from .models import Job
from .poll_times import Span, Usual
from .states import State

FEWEST, MOST = 3, 50  # finished jobs that a median is of
TABLE_KEY, TABLE_SECONDS = "figures:usual-seconds", 600
TIMES_KEY, TIMES_SECONDS = "figures:usual-times", 60
QUALITIES: list[str] = seedream.PROPERTIES["optimize_prompt_options"]["enum"]
UsualTimes = dict[tuple[str, int], Usual]  # by quality and number of pictures


def usual_seconds(count: int, quality: str) -> float | None:
    """The median of the newest completed jobs of so many pictures in this quality, from RunComfy's acceptance to our
    last stored file; None while there are too few."""
    times = _newest(count, quality).values_list(Coalesce("accepted_at", "submitted_at"), "finished_at")
    seconds = _lengths(times[:MOST])
    return median(seconds) if len(seconds) >= FEWEST else None


def usual_times() -> UsualTimes:
    """When jobs of each kind usually end, for those who poll them. Every driver wants it, so it is kept for a while."""
    kinds = [(quality, count) for quality in QUALITIES for count in seedream.COUNTS]
    table: Any = cache.get_or_set(TIMES_KEY, lambda: {kind: _usual(*kind) for kind in kinds}, TIMES_SECONDS)
    return table


def _usual(quality: str, count: int) -> Usual:
    # Jobs that were finished before there was delivered_at tell the moment of their last stored file.
    done = Coalesce("delivered_at", "finished_at")
    times = list(_newest(count, quality).values_list("accepted_at", "started_at", done)[:MOST])
    whole, run = ([(row[column], row[2]) for row in times] for column in (0, 1))
    return Usual(Span.of(_lengths(whole)), Span.of(_lengths(run)))


def _newest(count: int, quality: str) -> QuerySet[Job]:
    return Job.objects.filter(
        state=State.COMPLETED, sequential_image_generation_options=count, optimize_prompt_options=quality
    ).order_by("-finished_at")


def _lengths(times: Iterable[tuple[datetime | None, datetime]]) -> list[float]:
    return [(ended - begun).total_seconds() for begun, ended in times if begun]


def usual_table() -> dict[str, dict[int, float]]:
    """usual_seconds() for every quality and count that has one. A form wants all at once, so it is kept for a while."""
    table: Any = cache.get_or_set(TABLE_KEY, lambda: {quality: _row(quality) for quality in QUALITIES}, TABLE_SECONDS)
    return table


def _row(quality: str) -> dict[int, float]:
    found = {count: usual_seconds(count, quality) for count in seedream.COUNTS}
    return {count: seconds for count, seconds in found.items() if seconds is not None}


def spoken(seconds: float) -> str:
    """ "40 s", or from a minute and a half on "2 min"."""
    if seconds < 90:
        return _("%(number)d s") % {"number": max(1, round(seconds))}
    minutes = round(seconds / 60)
    return ngettext("%(number)d min", "%(number)d min", minutes) % {"number": minutes}
