"""Whether the parts that the site stands on are well: told within three seconds, whatever hangs.

Each part is looked at in a thread of its own. One that hangs holds that thread alone, however often it is asked for,
and the others answer meanwhile.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.db import connections
from django.db.models import Min
from django.utils import timezone

from . import doorbell, store
from .models import Heartbeat, Job, Provider
from .states import Reason

logger = logging.getLogger(__name__)

SECONDS = 2.5
LATE_ANSWER = "does not answer in time"


class Unwell(Exception):
    """In a few words, without the names of machines: strangers may read them."""


@dataclass(frozen=True)
class Part:
    """`words` say what is wrong, and are empty when nothing is. Without a part that `decides`, the site cannot do its
    work."""

    words: str
    decides: bool

    @property
    def is_well(self) -> bool:
        return not self.words


def look() -> dict[str, Part]:
    """Look at all parts at once."""
    return {name: Part(one.words, name in DECIDING) for name, one in _look_at(CHECKS, SECONDS).items()}


def read(name: str, function: Callable[[], Any], seconds: float) -> Any:
    """What a function returns, or None, told in the log as `name`, when it fails or takes longer than that."""
    return _look_at({name: function}, seconds)[name].found


def _look_at(functions: Mapping[str, Callable[[], Any]], seconds: float) -> dict[str, "Look"]:
    with _lock:
        for name, function in functions.items():
            if name not in _under_way or not _under_way[name].is_alive():
                _under_way[name] = Look(name, function)
                _under_way[name].start()
        asked = {name: _under_way[name] for name in functions}
    deadline = time.monotonic() + seconds
    for name, one in asked.items():
        one.join(max(0.0, deadline - time.monotonic()))
        if one.is_alive():
            _tell(name, LATE_ANSWER)
    return asked


def trouble() -> str:
    """What keeps edits waiting, for the pages: "stopped" when no worker runs, "behind" when edits wait all the same,
    else nothing."""
    now = timezone.now()
    if not _is_fresh(Heartbeat.last(), now):
        return "stopped"
    return "behind" if Job.objects.undriven(now, settings.LATE_SECONDS).exists() else ""


def idle_seconds(now: datetime) -> float:
    """For how long the one that waits longest has waited for somebody to move it; 0 when none waits."""
    since = Job.objects.undriven(now, 0).aggregate(Min("idle_since"))["idle_since__min"]
    return (now - since).total_seconds() if since else 0.0


def _is_fresh(seen_at: datetime | None, now: datetime) -> bool:
    return seen_at is not None and (now - seen_at).total_seconds() < settings.LATE_SECONDS


def _database() -> None:
    Provider.known()  # more than that somebody answers: its tables are there


def _queue() -> None:
    doorbell.length()


def _provider() -> None:
    known, now = Provider.known(), timezone.now()
    if known.failing_since:
        fault = "has refused our token" if known.failing_reason == Reason.NO_ACCESS else "has not answered"
        raise Unwell(f"{fault} for {(now - known.failing_since).total_seconds():.0f} s")
    if known.held_until and known.held_until > now:
        raise Unwell(f"wants no calls for {(known.held_until - now).total_seconds():.0f} s")


def _worker() -> None:
    seen_at, now = Heartbeat.last(), timezone.now()
    if seen_at is None:
        raise Unwell("has never run")
    if not _is_fresh(seen_at, now):
        raise Unwell(f"has given no sign of life for {(now - seen_at).total_seconds():.0f} s")


def _jobs() -> None:
    seconds = idle_seconds(timezone.now())
    if seconds >= settings.LATE_SECONDS:
        raise Unwell(f"the oldest that nobody moves has waited for {seconds:.0f} s")


CHECKS: Final[dict[str, Callable[[], None]]] = {
    "database": _database,
    "queue": _queue,
    "storage": store.check,
    "provider": _provider,
    "worker": _worker,
    "jobs": _jobs,
}
# The others are told, and keep no page from being served: that pages say that the worker is stuck needs pages.
DECIDING: Final = {"database", "queue", "storage"}


class Look(threading.Thread):
    """At one part; `words` are late until it is over. A daemon: the end of the process does not wait for it."""

    def __init__(self, part: str, function: Callable[[], Any]):
        super().__init__(name=f"look at {part}", daemon=True)
        self.part, self.function, self.words, self.found = part, function, LATE_ANSWER, None

    def run(self) -> None:
        words, why = "", ""
        try:
            self.found = self.function()
        except Unwell as problem:
            words = str(problem)
        except Exception as problem:  # of any library: whatever it is, the part does not work
            words, why = "does not answer", f": {problem!r}"
        finally:
            connections.close_all()
        _tell(self.part, words, why)
        self.words = words


_lock = threading.Lock()
_under_way: dict[str, Look] = {}
_told: dict[str, str] = {}


def _tell(name: str, words: str, why: str = "") -> None:
    """Once for each change: probes come every few seconds."""
    if bool(words) != bool(_told.get(name)):
        logger.log(logging.WARNING if words else logging.INFO, "%s: %s%s", name, words or "well again", why)
    _told[name] = words
