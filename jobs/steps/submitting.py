"""The paid request: sent once, with every outcome written down."""

import asyncio
import logging
import time
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from jobs import delivery, seedream
from jobs.models import Job
from jobs.runcomfy import Ambiguous, NotSent, Refused, RunComfyError, Temporary
from jobs.states import Reason, Verb

from .polling import poll_pause
from .shared import Drive, in_database, settle
from .trouble import asked_pause, pause_of, said_by

logger = logging.getLogger(__name__)

ACCOUNT_CODES = NO_BALANCE, BAD_ACCOUNT = 400002, 400004


async def submit(job: Job, drive: Drive) -> float | None:
    """The paid POST, once: the intent is committed before, and every outcome has its own state."""
    if job.cancel_requested_at:  # wished while an attempt was under way that came to nothing
        await in_database(job.mark_cancelled, lease=drive.lease)
        return None
    try:
        inputs = await in_database(lambda: list(job.inputs.select_related("picture")))
        images = await asyncio.to_thread(delivery.image_uris, inputs)  # a slow S3 must not hold up the database
    except FileNotFoundError as problem:
        await in_database(job.mark_failed, Reason.BAD_INPUT, str(problem), lease=drive.lease)
        return None
    except OSError as problem:
        await in_database(job.report_trouble, Reason.NOT_READ, {"words": str(problem)}, drive.lease)
        return pause_of(job)
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
        await settle(job.mark_refused, _reason_of(problem), said_by(problem))
        return None
    except Ambiguous as problem:
        logger.warning("Job %s is unconfirmed: %s", job.pk, problem)
        await settle(job.mark_unconfirmed, said_by(problem))
        # Each further submit would become unconfirmed too: they wait until a free call succeeds.
        await drive.failed()
        return None
    await drive.answered()
    drive.misses.pop(job.pk, None)
    if not await settle(job.mark_accepted, accepted.request_id):
        return None
    return 0.0 if job.cancel_requested_at else poll_pause(job, drive.usual)


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
    if await in_database(_is_overdue, job):
        await in_database(job.mark_failed, Reason.UNREACHABLE, said_by(problem), lease=drive.lease)
        return None
    await in_database(job.report_trouble, Reason.NOT_REACHED, said_by(problem), drive.lease)
    return pause_of(job)


async def _hold(job: Job, drive: Drive, trouble: Reason, problem: RunComfyError) -> float | None:
    """Wait with a submit that certainly did not take effect; give up after SUBMIT_DEADLINE."""
    if await in_database(_is_overdue, job):
        await settle(job.mark_refused, Reason.UNREACHABLE, said_by(problem))
        return None
    pause = asked_pause(problem) or pause_of(job)
    await (drive.hold(pause) if trouble == Reason.RATE_LIMITED else drive.failed())
    await settle(job.mark_not_sent, trouble, timezone.now() + timedelta(seconds=pause), said_by(problem))
    return pause


def _is_overdue(job: Job) -> bool:
    """Whether it was tried for as long as SUBMIT_DEADLINE; that others came first does not count."""
    now = timezone.now()
    if now - job.pending_since < settings.SUBMIT_DEADLINE:
        return False
    failures = job.events.filter(verb__in=(Verb.HELD, Verb.TROUBLED), at__gte=job.pending_since)
    since = failures.order_by("at").values_list("at", flat=True).first()
    return now - (since or now) >= settings.SUBMIT_DEADLINE


def _reason_of(problem: Refused) -> Reason:
    if problem.code in ACCOUNT_CODES:
        return Reason.BALANCE if problem.code == NO_BALANCE else Reason.TOKEN
    # A numeric code begins with the HTTP status that it stands for: 401001.
    return {"401": Reason.TOKEN, "403": Reason.TOKEN, "402": Reason.BALANCE}.get(str(problem.code)[:3], Reason.REFUSED)
