"""The asyncio loop that moves many jobs at once, under a lease.

One run lasts DRIVE_SECONDS inside one django-q2 task, hands its jobs back and rings for the next. Its lease is a token
that no other run ever has, so a write fenced by it can only be this run's. A run that dies renews no lease, and its
jobs are taken by the next one.
"""

import asyncio
import logging
import math
import time
import uuid
from collections import deque
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db import DatabaseError, close_old_connections, connections
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from . import clients, counts, doorbell, figures, lifecycle, logs, store
from .agenda import KINDS, MIRROR, POLL, SUBMIT, Agenda, Moments
from .models import Count, Heartbeat, Job, Pace, Provider
from .states import ENDED, State
from .steps import step
from .steps.polling import first_pause
from .steps.shared import Drive, in_database

logger = logging.getLogger(__name__)

TICK = 0.05  # how often it is seen who has become due; who waits is begun as soon as another step ends
LOOK_SECONDS = 0.5  # how often new jobs and wishes to cancel are looked for
COUNT_SECONDS = 5.0  # how often what was counted is written down
CONCURRENT_STEPS, CONCURRENT_MIRRORS = 100, 20
# How often moments for calls are reserved among all drivers, and for how long ahead
RESERVE_SECONDS, RESERVED_SECONDS = 0.25, 0.5
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
    return Job.objects.takeable(Now()).exists()


def alive() -> QuerySet[Heartbeat]:
    """The signs of life of the drivers that live."""
    since = Now() - timedelta(seconds=4 * LOOK_SECONDS + 1)
    return Heartbeat.objects.filter(name__startswith=DRIVER, seen_at__gt=since)


async def _run(worker: str) -> None:
    lease = uuid.uuid4().hex
    try:
        async with clients.model_api() as provider, clients.output_files() as files:
            await in_database(close_old_connections)
            await asyncio.to_thread(store.connect)
            usual = await in_database(figures.usual_times)
            await Driver(Drive(lease, provider, files, usual), worker).run()
    finally:
        # The thread outlives this run, and a kept connection would outlive a restart of the database.
        await in_database(connections.close_all)


class Seen(NamedTuple):
    """What one look at the database brought; `sendable` is how many jobs RunComfy may have more of."""

    taken: list[Job]
    cancelled: list[tuple[uuid.UUID, datetime | None]]
    is_stopping: bool
    known: Provider
    sendable: float


class Driver:
    """The jobs of one run: which are held, when each is due, which are being stepped right now."""

    def __init__(self, shared: Drive, worker: str = ""):
        self.shared, self.lease, self.worker = shared, shared.lease, worker
        self.held: dict[uuid.UUID, Job] = {}
        self.agenda = Agenda()
        self.running: dict[uuid.UUID, asyncio.Task[None]] = {}
        self.moments = {
            SUBMIT: Moments(settings.RUNCOMFY_SUBMITS_PER_SECOND),
            POLL: Moments(settings.RUNCOMFY_POLLS_PER_SECOND),
        }
        self.sendable: float = 0
        self._kinds = deque(KINDS)
        self._looked_at = self._renewed_at = self._counted_at = self._reserved_at = float("-inf")

    async def run(self) -> None:
        begun = time.monotonic()
        try:
            while self._may_go_on(time.monotonic() - begun) and await self._look():
                self.agenda.line_up(time.monotonic(), self.held)
                await self._reserve()
                self._start_due()
                await asyncio.sleep(TICK)
            self.shared.is_ending = True
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
        unsent = sum(job.state == State.PENDING for job in self.held.values())
        seen = await in_database(self._read, settings.DRIVE_CAPACITY - len(self.held), unsent)
        self.shared.known, self.sendable = seen.known, seen.sendable
        if now - self._counted_at >= COUNT_SECONDS:
            self._counted_at = now
            await in_database(Count.write)
        for job in seen.taken:
            self._hold(job)
        for job_id, asked_at in seen.cancelled:
            self._hurry(job_id, asked_at)
        if seen.is_stopping:
            self._stop_mirroring()
        return bool(self.held) and not seen.is_stopping

    def _read(self, room: int, unsent: int) -> Seen:
        Heartbeat.objects.update_or_create(
            name=DRIVER + self.lease, defaults={"seen_at": Now(), "jobs": len(self.held)}
        )
        self._ring_for_sizes()
        is_stopping = Heartbeat.objects.filter(name=self.worker, is_stopping=True).exists()
        sendable = Job.objects.sendable()
        # Of unsent jobs only as many as are soon sent: one user's thousand would leave no room for another's one.
        more = min(sendable, 2 * (settings.RUNCOMFY_SUBMITS_PER_SECOND or CONCURRENT_STEPS)) - unsent
        taken = [] if is_stopping else Job.objects.lease(self.lease, settings.LEASE_SECONDS, room, math.ceil(more))
        asked = Job.objects.filter(lease=self.lease, cancel_requested_at__isnull=False)
        cancelled = list(asked.values_list("id", "cancel_requested_at"))
        return Seen(taken, cancelled, is_stopping, Provider.known(), sendable)

    def _ring_for_sizes(self) -> None:
        if self.shared.has_new_files:
            self.shared.has_new_files = False
            doorbell.ring("make_sizes")

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
        is_polled = job.state in (State.IN_QUEUE, State.IN_PROGRESS)
        self._put(job.pk, first_pause(job, self.shared.usual) if is_polled else 0.0)

    def _hurry(self, job_id: uuid.UUID, asked_at: datetime | None) -> None:
        job = self.held.get(job_id)
        if job is not None and job.cancel_requested_at is None:
            job.cancel_requested_at = asked_at
            if job_id not in self.running:
                self._put(job_id, 0.0, is_urgent=True)

    def _forget(self, job_id: uuid.UUID) -> None:
        self.held.pop(job_id, None)
        self.agenda.drop(job_id)
        self.shared.misses.pop(job_id, None)

    def _put(self, job_id: uuid.UUID, seconds: float, is_urgent: bool = False) -> None:
        self.agenda.put(job_id, time.monotonic() + seconds, is_urgent)

    async def _reserve(self) -> None:
        """Where calls are limited, ask for moments for those that wait."""
        now = time.monotonic()
        if now - self._reserved_at < RESERVE_SECONDS or self.shared.is_held:
            return
        for kind, moments in self.moments.items():
            waiting = min(self.agenda.waiting(kind), self.sendable if kind == SUBMIT else math.inf)
            if wanted := moments.missing(int(waiting), now):
                self._reserved_at = now
                given = await in_database(Pace.reserve, kind, moments.per_second, wanted, RESERVED_SECONDS)
                now = time.monotonic()
                moments.add([now + seconds for seconds in given])

    def _start_due(self) -> None:
        while not self.shared.is_ending and len(self.running) < CONCURRENT_STEPS and (job := self._next()):
            self.running[job.pk] = asyncio.create_task(self._step(job))

    def _next(self) -> Job | None:
        """The job whose step is to begin. The kinds take turns too: many polls do not keep a submit waiting."""
        for _kind in KINDS:
            self._kinds.rotate(-1)
            kind = self._kinds[0]
            if self.agenda.waiting(kind) and self._may_begin(kind) and (job_id := self.agenda.take(kind)):
                self._use(kind)
                return self.held[job_id]
        return None

    def _may_begin(self, kind: str) -> bool:
        if kind == MIRROR:
            return self._count_mirroring() < CONCURRENT_MIRRORS
        # A hold is for calls to RunComfy alone, not for downloads.
        is_free = not self.shared.is_held and self.moments[kind].are_there(time.monotonic())
        return is_free and (kind != SUBMIT or self.sendable > 0)

    def _use(self, kind: str) -> None:
        if kind in self.moments:
            self.moments[kind].use()
        if kind == SUBMIT:
            self.sendable -= 1

    async def _step(self, job: Job) -> None:
        pause, again_at, wish = None, None, job.cancel_requested_at
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
            is_urgent = job.cancel_requested_at != wish  # it came while the step was under way
            self._put(job.pk, 0.0 if is_urgent else pause, is_urgent)
            self._start_due()
            return
        if pause is not None:
            again_at = timezone.now() + timedelta(seconds=pause)
        self._forget(job.pk)
        self._start_due()
        if again_at or job.state not in ENDED:  # the end of a job is that of its lease
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
        self._ring_for_sizes()
        Heartbeat.objects.filter(name=DRIVER + self.lease).delete()
        Job.objects.release_lease(self.lease, ids)
        if Job.objects.takeable(Now()).exists():
            lifecycle.ring()
