"""How long edits usually take, told by our own finished ones."""

from statistics import median
from typing import Any

from django.core.cache import cache
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from . import seedream
from .models import Job
from .states import State

FEWEST, MOST = 3, 50  # finished jobs that a median is of
TABLE_KEY, TABLE_SECONDS = "figures:usual-seconds", 600
QUALITIES: list[str] = seedream.PROPERTIES["optimize_prompt_options"]["enum"]


def usual_seconds(count: int, quality: str) -> float | None:
    """The median of the newest completed jobs of so many pictures in this quality, from RunComfy's acceptance to our
    last stored file; None while there are too few."""
    alike = Job.objects.filter(
        state=State.COMPLETED, sequential_image_generation_options=count, optimize_prompt_options=quality
    )
    times = alike.order_by("-finished_at").values_list(Coalesce("accepted_at", "submitted_at"), "finished_at")
    seconds = [(finished - begun).total_seconds() for begun, finished in times[:MOST] if begun]
    return median(seconds) if len(seconds) >= FEWEST else None


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
