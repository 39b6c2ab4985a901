"""The asyncio loop that moves many jobs at once, under a lease.

One run lasts DRIVE_SECONDS inside one django-q2 task, hands its jobs back and rings for the next. Its lease is a token
that no other run ever has, so a write fenced by it can only be this run's. A run that dies renews no lease, and its
jobs are taken by the next one.
"""

import asyncio
import heapq
import logging
import random
import time
import uuid
from datetime import timedelta
from itertools import count

from django.conf import settings
from django.db import DatabaseError, close_old_connections, connections
from django.db.models import QuerySet
from django.utils import timezone

from . import clients, counts, lifecycle, logs
from .models import Count, Heartbeat, Job, Provider
from .states import State
from .steps import step
from .steps.shared import Drive, in_database

logger = logging.getLogger(__name__)

TICK = 0.1
LOOK_SECONDS = 0.5  # how often new jobs and wishes to cancel are looked for
COUNT_SECONDS = 5.0  # how often what was counted is written down
CONCURRENT_STEPS, CONCURRENT_MIRRORS = 100, 20
LONG_PAUSE = 10.0  # a job in trouble that waits longer is let go of, with its time in its row
STEP_FAILED_SECONDS = 10
DRIVER = "driver:"


def drive(worker: str = "") -> None:
    """Move jobs for DRIVE_SECONDS, or until there are none. `worker` names the cluster whose stop ends the run."""
    if not _has_room():
        return
    asyncio.run(_run(worker))


def _has_room() -> bool:
    """Whether a further driver has something to do: a live one with room left finds new jobs by itself."""
    if alive().filter(jobs__lt=settings.DRIVE_CAPACITY).exists():
        return False
    return Job.objects.idle(timezone.now()).exists()


def alive() -> QuerySet[Heartbeat]:
    """The signs of life of the drivers that live."""
    since = timezone.now() - timedelta(seconds=4 * LOOK_SECONDS + 1)
    return Heartbeat.objects.filter(name__startswith=DRIVER, seen_at__gt=since)


async def _run(worker: str) -> None:
    lease = uuid.uuid4().hex
    try:
        async with clients.model_api() as provider, clients.output_files() as files:
            await in_database(close_old_connections)
            await Driver(Drive(lease, provider, files), worker).run()
    finally:
        # The thread outlives this run, and a kept connection would outlive a restart of the database.
        await in_database(connections.close_all)


class Driver:
    """The jobs of one run: which are held, when each is due, which are being stepped right now."""

    def __init__(self, shared: Drive, worker: str = ""):
        self.shared, self.lease, self.worker = shared, shared.lease, worker
        self.held: dict[uuid.UUID, Job] = {}
        self.due: list[tuple[float, int, uuid.UUID]] = []
        self.turn: dict[uuid.UUID, int] = {}  # the one entry of `due` that counts for a job; older ones are void
        self.running: dict[uuid.UUID, asyncio.Task[None]] = {}
        self._order = count()
        self._looked_at = self._renewed_at = self._counted_at = float("-inf")

    async def run(self) -> None:
        begun = time.monotonic()
        try:
            while self._may_go_on(time.monotonic() - begun) and await self._look():
                self._start_due()
                await asyncio.sleep(TICK)
            await in_database(self._release, set(self.held) - set(self.running))
        finally:
            self.shared.is_ending = True
            await self._let_end()
        await in_database(self._release, set(self.held))

    def _may_go_on(self, seconds: float) -> bool:
        """Past its time, a run with downloads under way still moves everything else: waiting for slow ones in run
        after run would fill the queue's processes with drivers that do nothing."""
        longest = settings.QUEUE_TIMEOUT - settings.OUTPUT_TIMEOUT - settings.RUNCOMFY_SUBMIT_TIMEOUT - 20
        return seconds < settings.DRIVE_SECONDS or (seconds < longest and self._count_mirroring() > 0)

    def _count_mirroring(self) -> int:
        return sum(self.held[job_id].state == State.MIRRORING for job_id in self.running if job_id in self.held)

    async def _look(self) -> bool:
        """Renew the lease, take new jobs, hear of wishes to cancel; False when nothing is left to do."""
        now = time.monotonic()
        if self.held and now - self._looked_at < LOOK_SECONDS:
            return True
        self._looked_at = now
        if now - self._renewed_at >= settings.LEASE_SECONDS / 3:
            await self._renew(now)
        room = settings.DRIVE_CAPACITY - len(self.held)
        taken, cancelled, is_stopping, self.shared.known = await in_database(self._read, room)
        if now - self._counted_at >= COUNT_SECONDS:
            self._counted_at = now
            await in_database(Count.write)
        for job in taken:
            self._hold(job)
        for job_id, asked_at in cancelled:
            self._hurry(job_id, asked_at)
        if is_stopping:
            self._stop_mirroring()
        return bool(self.held) and not is_stopping

    def _read(self, room: int) -> tuple[list[Job], list[tuple[uuid.UUID, object]], bool, Provider]:
        Heartbeat.objects.update_or_create(
            name=DRIVER + self.lease, defaults={"seen_at": timezone.now(), "jobs": len(self.held)}
        )
        is_stopping = Heartbeat.objects.filter(name=self.worker, is_stopping=True).exists()
        taken = [] if is_stopping else Job.objects.lease(self.lease, settings.LEASE_SECONDS, room)
        asked = Job.objects.filter(lease=self.lease, cancel_requested_at__isnull=False)
        return taken, list(asked.values_list("id", "cancel_requested_at")), is_stopping, Provider.known()

    async def _renew(self, now: float) -> None:
        """Prolong all leases in one UPDATE; what was lost to another driver is let go of."""
        is_late = now - self._renewed_at > settings.LEASE_SECONDS
        kept = await in_database(Job.objects.renew_lease, self.lease, settings.LEASE_SECONDS)
        for job_id in set(self.held) - kept:
            if job_id not in self.running:
                self._forget(job_id)
        if is_late and self.held:
            logger.warning("Driver %s renewed its lease late: the machine is overloaded", self.lease[:8])
        self._renewed_at = now

    def _hold(self, job: Job) -> None:
        self.held[job.pk] = job
        # A hand-over must not make every job of a large fleet poll in the same moment.
        is_polled = job.state in (State.IN_QUEUE, State.IN_PROGRESS)
        self._schedule(job.pk, random.uniform(0, settings.RUNCOMFY_POLL_SECONDS) if is_polled else 0.0)  # noqa: S311

    def _hurry(self, job_id: uuid.UUID, asked_at: object) -> None:
        job = self.held.get(job_id)
        if job is not None and job.cancel_requested_at is None:
            job.cancel_requested_at = asked_at  # type: ignore[assignment]
            self._schedule(job_id, 0.0)

    def _forget(self, job_id: uuid.UUID) -> None:
        self.held.pop(job_id, None)
        self.turn.pop(job_id, None)
        self.shared.misses.pop(job_id, None)

    def _schedule(self, job_id: uuid.UUID, seconds: float) -> None:
        self.turn[job_id] = next(self._order)
        heapq.heappush(self.due, (time.monotonic() + seconds, self.turn[job_id], job_id))

    def _start_due(self) -> None:
        mirroring = self._count_mirroring()
        while self.due and self.due[0][0] <= time.monotonic() and len(self.running) < CONCURRENT_STEPS:
            _at, order, job_id = heapq.heappop(self.due)
            job = self.held.get(job_id)
            if job is None or job_id in self.running or self.turn[job_id] != order:
                continue
            is_mirrored = job.state == State.MIRRORING
            # Downloads wait for each other, not the calls to RunComfy for them; a hold is for those calls alone.
            if mirroring >= CONCURRENT_MIRRORS if is_mirrored else self.shared.is_held:
                self._schedule(job_id, LOOK_SECONDS)
                continue
            mirroring += is_mirrored
            self.running[job_id] = asyncio.create_task(self._step(job))

    async def _step(self, job: Job) -> None:
        pause, again_at = None, None
        with logs.about(job):
            try:
                pause = await step(job, self.shared)
            except Exception:
                logger.exception("A step of job %s failed", job.pk)
                counts.add("step_errors")
                again_at = timezone.now() + timedelta(seconds=STEP_FAILED_SECONDS)
            finally:
                self.running.pop(job.pk, None)
        if pause is not None and (pause < LONG_PAUSE or not job.trouble):
            self._schedule(job.pk, pause)
            return
        if pause is not None:
            again_at = timezone.now() + timedelta(seconds=pause)
        self._forget(job.pk)
        await in_database(Job.objects.release_lease, self.lease, [job.pk], again_at)

    def _stop_mirroring(self) -> None:
        """A download is begun again by the next driver; a worker that is told to stop does not wait for it."""
        for job_id, task in self.running.items():
            if job_id in self.held and self.held[job_id].state == State.MIRRORING:
                task.cancel()

    async def _let_end(self) -> None:
        """Begun steps go on to their end, under a living lease: a submit that was sent must hear its answer."""
        while self.running:
            await asyncio.wait(list(self.running.values()), timeout=settings.LEASE_SECONDS / 3)
            try:
                await self._renew(time.monotonic())
            except DatabaseError:
                logger.exception("Driver %s cannot renew its lease", self.lease[:8])

    def _release(self, ids: set[uuid.UUID]) -> None:
        """Give jobs back. The last look comes after the heartbeat is gone: until then, rings relied on this run."""
        Heartbeat.objects.filter(name=DRIVER + self.lease).delete()
        Job.objects.release_lease(self.lease, ids)
        if Job.objects.idle(timezone.now()).exists():
            lifecycle.ring()
