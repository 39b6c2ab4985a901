"""Bringing originals back from the admin: a request copies files only for so long, and says what it did not come to."""

import time
from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _

from jobs import retention
from jobs.models import Job

from .lists import short

SECONDS = 20.0


def restore(jobs: Iterable[Job], by: Any) -> tuple[int, list[tuple[str, str]]]:
    """How many came back, and words for what did not."""
    until, count, problems = time.monotonic() + SECONDS, 0, []
    for job in jobs:
        if time.monotonic() > until:
            problems.append((short(job.text), _("There was no time left to bring its files back. Choose fewer.")))
            continue
        try:
            brought, why_not = retention.restore(job, by)
        except OSError as problem:
            brought, why_not = 0, [str(problem)]
        count += brought
        problems += [(short(job.text), words) for words in why_not]
    return count, problems
