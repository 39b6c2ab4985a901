"""How long a step waits when a call failed, and what is told of it."""

import random
from typing import Any

from django.conf import settings

from jobs.models import Job
from jobs.runcomfy import RunComfyError

LONGEST_PAUSE = 60.0
LONGEST_HOLD = 120.0  # however long RunComfy asks for: then one call finds out whether it still means it


def pause_of(job: Job) -> float:
    """Longer the longer the trouble lasts. It is told by the row, and so outlives the driver."""
    least = 2 * settings.RUNCOMFY_POLL_SECONDS
    return min(max(least, job.lasting() / 2), LONGEST_PAUSE) * random.uniform(0.8, 1.2)  # noqa: S311


def asked_pause(problem: RunComfyError) -> float | None:
    return None if problem.retry_after is None else min(problem.retry_after, LONGEST_HOLD)


def said_by(problem: RunComfyError) -> dict[str, Any]:
    return {"code": problem.code, "words": problem.words, "raw": problem.raw}
