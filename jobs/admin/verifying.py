"""Verifying from the admin: a request reads files only for so long, and says what it did not come to."""

import time
from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from jobs import upkeep
from jobs.models import Job, Output, Picture

from .lists import named, short

SECONDS = 20.0


class Verified:
    """What came of it: how many jobs were read, and words for each row that is damaged or was not read."""

    def __init__(self) -> None:
        self.count, self.problems = 0, list[tuple[str, str]]()

    @property
    def words(self) -> str:
        if not self.count:
            return ""
        return ngettext("%(count)d file is whole.", "%(count)d files are whole.", self.count) % {"count": self.count}


def verify(chosen: Iterable[tuple[Job, list[Output | Picture]]], by: Any) -> Verified:
    until, found = time.monotonic() + SECONDS, Verified()
    for job, rows in chosen:
        if time.monotonic() > until:
            found.problems.append((short(job.text), _("There was no time left to read its files. Choose fewer.")))
            continue
        damaged = upkeep.verify(job, rows, by)
        found.count += len(rows) - len(damaged)
        found.problems += [(named(damage.row, job), damage.what) for damage in damaged]
    return found
