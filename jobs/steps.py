"""What a leased job needs next: submit, poll, mirror.

A step makes the job's next remote calls, outside any transaction, and returns in how many seconds the job wants the
next step, or None when the driver is done with it. A step may die at any line and be begun again by another process:
the row says where to go on.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import InterfaceError, OperationalError, close_old_connections, transaction
from django.utils import timezone

from . import delivery, doorbell, mirror, seedream, store
from .models import Job, Output, Provider
from .runcomfy import Ambiguous, Gone, NotSent, Refused, Result, RunComfy, RunComfyError, Status, Temporary
from .states import PASSING, Reason, State

logger = logging.getLogger(__name__)

LONGEST_PAUSE = 60.0
LONGEST_HOLD = 120.0  # however long RunComfy asks for: then one call finds out whether it still means it
ACCOUNT_CODES = NO_BALANCE, BAD_ACCOUNT = 400002, 400004
WRITE_TRIES, WRITE_PAUSE = 20, 2.0


@dataclass
class Drive:
    """What the steps of one driver share: its lease, its clients, what all drivers know of RunComfy (`known`, read
    anew by the driver), and what this one knows of each job's last calls."""

    lease: str
    provider: RunComfy
    files: httpx.AsyncClient
    downloads: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(4))
    misses: dict[Any, int] = field(default_factory=dict)
    asked_to_cancel: set[Any] = field(default_factory=set)
    is_ending: bool = False
    known: Provider = field(default_factory=Provider)
    probing: asyncio.Lock = field(default_factory=asyncio.Lock)
    probed_at: float = float("-inf")

    def miss(self, job: Job) -> int:
        """Count one more call in a row that failed."""
        self.misses[job.pk] = self.misses.get(job.pk, 0) + 1
        return self.misses[job.pk]

    @property
    def is_held(self) -> bool:
        return self.known.held_until is not None and self.known.held_until > timezone.now()

    async def failed(self) -> None:
        """RunComfy did not answer: say so to all drivers and on the pages."""
        if self.known.failing_since is None:
            self.known.failing_since = timezone.now()
            await in_database(Provider.report_failure)

    async def answered(self) -> None:
        if self.known.failing_since is not None:
            self.known.failing_since = None
            await in_database(Provider.report_success)

    async def hold(self, seconds: float) -> None:
        """RunComfy wants fewer calls: all drivers keep silent for so long."""
        until = timezone.now() + timedelta(seconds=seconds)
        self.known.held_until = max(self.known.held_until or until, until)
        await in_database(Provider.hold, until)


async def step(job: Job, drive: Drive) -> float | None:
    """Make the job's next remote call; returns seconds until the one after it, or None when the driver is done with
    the job."""
    if job.state == State.PENDING:
        return await submit(job, drive)
    if job.state in (State.IN_QUEUE, State.IN_PROGRESS):
        return await poll(job, drive)
    if job.state == State.MIRRORING:
        return await mirror_outputs(job, drive)
    return None


def in_database(function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """Run ORM work in the one thread that asgiref keeps for it, off the event loop."""
    return sync_to_async(function, thread_sensitive=True)(*arguments, **named)


async def _settle(function: Callable[..., Any], *arguments: Any) -> Any:
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


async def submit(job: Job, drive: Drive) -> float | None:
    """The paid POST, once: the intent is committed before, and every outcome has its own state."""
    if job.cancel_requested_at:  # wished while an attempt was under way that came to nothing
        await in_database(job.mark_cancelled, lease=drive.lease)
        return None
    try:
        images = await in_database(_image_uris, job)
    except FileNotFoundError as problem:
        await in_database(job.mark_failed, Reason.BAD_INPUT, str(problem), lease=drive.lease)
        return None
    except OSError as problem:
        await in_database(job.report_trouble, Reason.NOT_READ, {"words": str(problem)}, drive.lease)
        return _pause(job)
    if drive.known.failing_since and (outage := await _probe(drive)):
        return await _put_off(job, drive, outage)
    if not await in_database(job.claim_for_submit, drive.lease):
        return None
    try:
        accepted = await drive.provider.submit(seedream.MODEL_ID, seedream.request_body(job.parameters, images))
    except NotSent as problem:
        return await _hold(job, drive, Reason.NOT_REACHED, problem)
    except Refused as problem:
        if problem.is_rate_limit:
            return await _hold(job, drive, Reason.RATE_LIMITED, problem)
        await _settle(job.mark_refused, _reason_of(problem), _said(problem))
        return None
    except Ambiguous as problem:
        logger.warning("Job %s is unconfirmed: %s", job.pk, problem)
        await _settle(job.mark_unconfirmed, _said(problem))
        # Each further submit would become unconfirmed too: they wait until a free call succeeds.
        await drive.failed()
        return None
    await drive.answered()
    drive.misses.pop(job.pk, None)
    if not await _settle(job.mark_accepted, accepted.request_id):
        return None
    return 0.0 if job.cancel_requested_at else settings.RUNCOMFY_POLL_SECONDS


def _image_uris(job: Job) -> list[str]:
    return delivery.image_uris(list(job.inputs.select_related("picture")))


async def _probe(drive: Drive) -> RunComfyError | None:
    """Ask RunComfy something free while it is failing, once for all submits that wait; why it is not well, if so."""
    async with drive.probing:
        if drive.known.failing_since is None:
            return None
        if time.monotonic() - drive.probed_at < settings.RUNCOMFY_POLL_SECONDS:
            return Temporary("RunComfy did not answer a moment ago.")
        drive.probed_at = time.monotonic()
        try:
            await drive.provider.model(seedream.MODEL_ID)
        except RunComfyError as problem:
            return problem
        await drive.answered()
        return None


async def _put_off(job: Job, drive: Drive, problem: RunComfyError) -> float | None:
    """Leave a job unsent while RunComfy is down; give up after SUBMIT_DEADLINE."""
    if timezone.now() - job.pending_since > settings.SUBMIT_DEADLINE:
        await in_database(job.mark_failed, Reason.UNREACHABLE, _said(problem), lease=drive.lease)
        return None
    await in_database(job.report_trouble, Reason.NOT_REACHED, _said(problem), drive.lease)
    return _pause(job)


async def _hold(job: Job, drive: Drive, trouble: Reason, problem: RunComfyError) -> float | None:
    """Wait with a submit that certainly did not take effect; give up after SUBMIT_DEADLINE."""
    if timezone.now() - job.pending_since > settings.SUBMIT_DEADLINE:
        await _settle(job.mark_refused, Reason.UNREACHABLE, _said(problem))
        return None
    pause = _asked_pause(problem) or _pause(job)
    await (drive.hold(pause) if trouble == Reason.RATE_LIMITED else drive.failed())
    await _settle(job.mark_not_sent, trouble, timezone.now() + timedelta(seconds=pause), _said(problem))
    return pause


def _reason_of(problem: Refused) -> Reason:
    if problem.code in ACCOUNT_CODES:
        return Reason.BALANCE if problem.code == NO_BALANCE else Reason.TOKEN
    # A numeric code begins with the HTTP status that it stands for: 401001.
    return {"401": Reason.TOKEN, "403": Reason.TOKEN, "402": Reason.BALANCE}.get(str(problem.code)[:3], Reason.REFUSED)


async def poll(job: Job, drive: Drive) -> float | None:
    """Ask how the request stands, and follow the answer."""
    if timezone.now() - (job.accepted_at or job.created_at) > settings.JOB_DEADLINE:
        await in_database(job.mark_failed, Reason.DEADLINE, lease=drive.lease)
        return None
    try:
        if job.cancel_requested_at and job.pk not in drive.asked_to_cancel:
            await _ask_to_cancel(job, drive)
        status = await drive.provider.status(_request_id(job))
        if status.is_cancelled:
            await in_database(job.mark_cancelled, lease=drive.lease, provider_status=status.word)
            return None
        if status.has_ended:
            return await _take_result(job, drive)
    except Gone as problem:
        return await _gone(job, drive, problem)
    except Temporary as problem:
        return await _wait(job, drive, problem)
    await _recovered(job, drive)
    await _follow(job, drive, status)
    return poll_pause(job)


def _request_id(job: Job) -> str:
    if job.request_id is None:
        raise ValueError(f"Job {job.pk} has no request id")  # the database refuses such a row
    return job.request_id


def poll_pause(job: Job) -> float:
    """Seconds between polls: the longer a job already took, the less a moment matters."""
    begun = job.accepted_at or job.created_at
    age = (timezone.now() - begun).total_seconds()
    base = settings.RUNCOMFY_POLL_SECONDS
    return min(max(base, age / 30), 10 * base) * random.uniform(0.9, 1.1)  # noqa: S311 (not for secrets)


async def _ask_to_cancel(job: Job, drive: Drive) -> None:
    answer = await drive.provider.cancel(_request_id(job))
    drive.asked_to_cancel.add(job.pk)
    if answer.outcome == "not_cancellable":
        await in_database(job.refuse_cancel, {"outcome": answer.outcome, "status": answer.word})


async def _follow(job: Job, drive: Drive, status: Status) -> None:
    if status.is_running and job.state == State.IN_QUEUE:
        await in_database(job.mark_in_progress, drive.lease, status.word)
    elif status.is_waiting and job.state == State.IN_PROGRESS:
        await in_database(job.mark_requeued, drive.lease, status.word, status.queue_position)
    elif (status.word, status.queue_position) != (job.provider_status, job.queue_position):
        await in_database(job.observe, drive.lease, status.word, status.queue_position)


async def _take_result(job: Job, drive: Drive) -> float | None:
    """The result is authoritative: it may say failed where the status said completed."""
    result = await drive.provider.result(_request_id(job))
    if not result.is_ready:
        return poll_pause(job)
    if result.is_cancelled:
        await in_database(job.mark_cancelled, lease=drive.lease, provider_status=result.word, cost_usd=result.cost)
        return None
    if not result.is_done:
        await _fail(job, drive, Reason.MODEL_FAILED, result)
        return None
    if not seedream.output_urls(result.output):
        await _fail(job, drive, Reason.NO_OUTPUT, result)
        return None
    moved = await in_database(job.mark_delivered, drive.lease, result.word, result.raw, result.cost)
    return 0.0 if moved else None


async def _fail(job: Job, drive: Drive, reason: Reason, result: Result) -> None:
    said = result.error or seedream.output_problems(result.output) or None
    await in_database(
        job.mark_failed,
        reason,
        said,
        lease=drive.lease,
        provider_status=result.word,
        cost_usd=result.cost,
        result=result.raw,
    )


async def _gone(job: Job, drive: Drive, problem: Gone) -> float | None:
    """A request just made may be unknown to a lagging replica for a moment; one that stays unknown is lost."""
    await drive.answered()
    await in_database(job.report_trouble, Reason.MISSING, _said(problem), drive.lease)
    if job.lasting() < settings.GONE_PATIENCE:
        return _pause(job)
    await in_database(job.mark_failed, Reason.GONE, _said(problem), lease=drive.lease)
    return None


async def _wait(job: Job, drive: Drive, problem: Temporary) -> float:
    trouble = _trouble_of(problem)
    pause = _asked_pause(problem) or _pause(job)
    if trouble == Reason.RATE_LIMITED:
        await drive.hold(pause)
    # One lost answer is no news; the page would flicker.
    if drive.miss(job) >= 2:
        await in_database(job.report_trouble, trouble, _said(problem), drive.lease)
        await drive.failed()
    return pause


def _trouble_of(problem: Temporary) -> Reason:
    # A numeric code begins with the HTTP status that it stands for: 401001.
    known = {"429": Reason.RATE_LIMITED, "401": Reason.NO_ACCESS, "403": Reason.NO_ACCESS}
    return known.get(str(problem.code)[:3], Reason.NOT_REACHED)


async def _recovered(job: Job, drive: Drive) -> None:
    drive.misses.pop(job.pk, None)
    await drive.answered()
    if job.trouble in PASSING:
        await in_database(job.clear_trouble, drive.lease)


def _pause(job: Job) -> float:
    """Longer the longer the trouble lasts. It is told by the row, and so outlives the driver."""
    least = 2 * settings.RUNCOMFY_POLL_SECONDS
    return min(max(least, job.lasting() / 2), LONGEST_PAUSE) * random.uniform(0.8, 1.2)  # noqa: S311


def _asked_pause(problem: RunComfyError) -> float | None:
    return None if problem.retry_after is None else min(problem.retry_after, LONGEST_HOLD)


def _said(problem: RunComfyError) -> dict[str, Any]:
    return {"code": problem.code, "words": problem.words, "raw": problem.raw}


# Mirroring


async def mirror_outputs(job: Job, drive: Drive) -> float | None:
    """Store every output that is not stored yet; the job is completed when all are."""
    urls = seedream.output_urls((job.result or {}).get("output"))
    stored = await in_database(lambda: set(job.outputs.values_list("position", flat=True)))
    missing = [(at, url) for at, (_kind, url) in enumerate(urls) if at not in stored]
    problems = await asyncio.gather(*(_mirror_one(job, drive, at, url) for at, url in missing))
    worst = [problem for problem in problems if problem is not None]
    if any(isinstance(problem, LeftToTheNext) for problem in worst):
        return 0.0
    if worst:
        return await _mirror_again(job, drive, worst)
    await in_database(job.mark_completed, drive.lease)
    return None


class LeftToTheNext(Exception):
    """The driver's time is over: the next one begins this download."""


async def _mirror_one(job: Job, drive: Drive, position: int, url: str) -> Exception | None:
    try:
        async with drive.downloads:
            if drive.is_ending:
                return LeftToTheNext()
            stored = await mirror.mirror(
                url, drive.files, max_bytes=settings.OUTPUT_MAX_BYTES, seconds=settings.OUTPUT_TIMEOUT
            )
        await in_database(_keep_output, job, drive.lease, position, url, stored)
        if not await asyncio.to_thread(store.exists, stored.name):
            # The last other job with the same bytes was deleted in this moment, and the file with it.
            await in_database(job.forget_output, position)
            return mirror.NotFetched("the stored file was removed")
    except (mirror.NotFetched, OSError) as problem:
        return problem
    return None


def _keep_output(job: Job, lease: str, position: int, url: str, stored: mirror.Stored) -> None:
    """The row of a stored file; whoever comes second finds it there."""
    kind = stored.kind
    with transaction.atomic():
        if not Job.objects.filter(pk=job.pk, lease=lease).exists():
            return
        _output, is_new = Output.objects.get_or_create(
            job_id=job.pk,
            position=position,
            defaults={
                "kind": kind.content_type.split("/")[0],
                "file": stored.name,
                "sha256": stored.sha256,
                "content_type": kind.content_type,
                "width": kind.width,
                "height": kind.height,
                "size": stored.size,
                "source_url": url,
            },
        )
        if is_new:
            job.tell_stored({"position": position, "sha256": stored.sha256, "size": stored.size})
            doorbell.ring("make_sizes")


async def _mirror_again(job: Job, drive: Drive, problems: list[Exception]) -> float | None:
    """Try for as long as there is hope: RunComfy made the pictures, and they are paid."""
    said = {"words": "; ".join(dict.fromkeys(map(str, problems)))}
    unusable = [problem for problem in problems if isinstance(problem, mirror.NotFetched)]
    await in_database(job.report_trouble, Reason.NOT_STORED, said, drive.lease)
    # A full disk is ours to mend, and is waited for longer than a file that does not come or is no picture.
    patience = settings.OUTPUT_PATIENCE if len(unusable) == len(problems) else settings.JOB_DEADLINE.total_seconds()
    if job.lasting() > patience:
        await in_database(job.mark_failed, Reason.LOST_OUTPUT, said, lease=drive.lease)
        return None
    if any(problem.is_expired for problem in unusable):
        await _renew_result(job, drive)
    # Where asking again can hardly help, it is not asked often.
    slowly = 30 * settings.RUNCOMFY_POLL_SECONDS if any(problem.is_final for problem in unusable) else 0
    return max(_pause(job), min(slowly, LONGEST_PAUSE))


async def _renew_result(job: Job, drive: Drive) -> None:
    """Links that died may come alive by reading the result again."""
    try:
        result = await drive.provider.result(_request_id(job))
    except (Temporary, Gone) as problem:
        logger.warning("The result of job %s cannot be read again: %s", job.pk, problem)
        return
    count = len(seedream.output_urls((job.result or {}).get("output")))
    # Stored outputs are known by their place: a list of another length may have moved them.
    if result.is_done and len(seedream.output_urls(result.output)) == count:
        await in_database(job.renew_result, drive.lease, result.raw)
