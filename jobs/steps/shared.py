"""What all steps work with: the clients and the knowledge of their driver, and the way to the database."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
from django.db import InterfaceError, OperationalError, close_old_connections
from django.utils import timezone

from jobs.figures import UsualTimes
from jobs.models import Job, Provider
from jobs.runcomfy import RunComfy
from jobs.states import Reason

from .together import Together, in_database

logger = logging.getLogger(__name__)

WRITE_TRIES, WRITE_PAUSE = 20, 2.0


@dataclass
class Drive:
    """What the steps of one driver share: its lease, its clients, how long edits usually take, what all drivers know of
    RunComfy (`known`, read anew by the driver), and what this one knows of each job's last calls."""

    lease: str
    provider: RunComfy
    files: httpx.AsyncClient
    usual: UsualTimes = field(default_factory=dict)
    downloads: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(4))
    misses: dict[Any, int] = field(default_factory=dict)
    asked_to_cancel: set[Any] = field(default_factory=set)
    is_ending: bool = False
    has_new_files: bool = False  # whose page sizes nobody was rung for yet: one ring for many files
    known: Provider = field(default_factory=Provider)
    probing: asyncio.Lock = field(default_factory=asyncio.Lock)
    probed_at: float = float("-inf")
    together: Together = field(default_factory=Together)

    def miss(self, job: Job) -> int:
        """Count one more call in a row that failed."""
        self.misses[job.pk] = self.misses.get(job.pk, 0) + 1
        return self.misses[job.pk]

    async def write(self, job: Job, verb: Callable[..., Any], *arguments: Any) -> Any:
        """Have a job's verb done, in one transaction with those of other jobs that wait for the database."""
        return await self.together.do(job.pk, verb, *arguments)

    @property
    def is_held(self) -> bool:
        return self.known.held_until is not None and self.known.held_until > timezone.now()

    async def failed(self, reason: Reason = Reason.NOT_REACHED) -> None:
        """RunComfy did not answer, or refused our token: say so to all drivers and on the pages."""
        if self.known.failing_reason != reason:
            self.known.failing_since = self.known.failing_since or timezone.now()
            self.known.failing_reason = reason
            await in_database(Provider.report_failure, reason)

    async def answered(self) -> None:
        if self.known.failing_since is not None:
            self.known.failing_since, self.known.failing_reason = None, ""
            await in_database(Provider.report_success)

    async def hold(self, seconds: float) -> None:
        """RunComfy wants fewer calls: all drivers keep silent for so long."""
        until = timezone.now() + timedelta(seconds=seconds)
        self.known.held_until = max(self.known.held_until or until, until)
        await in_database(Provider.hold, until)


async def settle(function: Callable[..., Any], *arguments: Any) -> Any:
    """Write down what became of the paid POST, also through a restart of the database: to forget it would cost
    money."""
    for _attempt in range(WRITE_TRIES):
        try:
            return await in_database(function, *arguments)
        except (OperationalError, InterfaceError) as problem:
            logger.error("Cannot write %s%r, trying again: %s", function.__name__, arguments, problem)
            await asyncio.sleep(WRITE_PAUSE)
            await in_database(close_old_connections)
    return await in_database(function, *arguments)


def request_id_of(job: Job) -> str:
    if job.request_id is None:
        raise ValueError(f"Job {job.pk} has no request id")  # the database refuses such a row
    return job.request_id
