"""Following a request that RunComfy has, until it has ended."""

from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from jobs import figures, seedream
from jobs.models import Job
from jobs.poll_times import next_look
from jobs.runcomfy import Gone, Result, Status, Temporary
from jobs.states import PASSING, Reason, State

from .shared import Drive, in_database, request_id_of
from .trouble import asked_pause, pause_of, said_by

HAND_OVER = 1.0  # seconds in which nobody has a job when one driver follows another


async def poll(job: Job, drive: Drive) -> float | None:
    """Ask how the request stands, and follow the answer."""
    if timezone.now() - (job.accepted_at or job.created_at) > settings.JOB_DEADLINE:
        await in_database(job.mark_failed, Reason.DEADLINE, lease=drive.lease)
        return None
    try:
        if job.cancel_requested_at and job.pk not in drive.asked_to_cancel:
            await _ask_to_cancel(job, drive)
        status = await drive.provider.status(request_id_of(job))
        if status.is_cancelled:
            await drive.answered()
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
    return poll_pause(job, drive.usual)


def poll_pause(job: Job, usual: figures.UsualTimes, at: datetime | None = None) -> float:
    """Seconds until the next poll, counted from now or from the moment `at`."""
    at = at or timezone.now()
    age = (at - (job.accepted_at or job.created_at)).total_seconds()
    ran = (at - job.started_at).total_seconds() if job.state == State.IN_PROGRESS and job.started_at else None
    like = usual.get((job.optimize_prompt_options, job.sequential_image_generation_options))
    if job.cancel_requested_at:
        like = None  # it may end at any moment, and somebody waits for it
    phase = job.pk.int % 1000 / 1000
    return next_look(like, settings.RUNCOMFY_POLL_SECONDS, phase, age, ran, job.queue_position or 0)


def first_pause(job: Job, usual: figures.UsualTimes, at: datetime | None = None) -> float:
    """Of a job that a driver takes over: it may have been due while nobody had it."""
    base = settings.RUNCOMFY_POLL_SECONDS
    missed = min(base / 2, HAND_OVER)
    pause = poll_pause(job, usual, (at or timezone.now()) - timedelta(seconds=missed)) - missed
    # A hand-over must not make every job of a large fleet poll in the same moment.
    return pause if pause > 0 else job.pk.int % 1000 / 1000 * base / 2


async def _ask_to_cancel(job: Job, drive: Drive) -> None:
    answer = await drive.provider.cancel(request_id_of(job))
    drive.asked_to_cancel.add(job.pk)
    if answer.outcome == "not_cancellable":
        await in_database(job.refuse_cancel, {"outcome": answer.outcome, "status": answer.word})


async def _follow(job: Job, drive: Drive, status: Status) -> None:
    if status.is_running and job.state == State.IN_QUEUE:
        await drive.write(job, job.mark_in_progress, drive.lease, status.word)
    elif status.is_waiting and job.state == State.IN_PROGRESS:
        await drive.write(job, job.mark_requeued, drive.lease, status.word, status.queue_position)
    elif (status.word, status.queue_position) != (job.provider_status, job.queue_position):
        await in_database(job.observe, drive.lease, status.word, status.queue_position)


async def _take_result(job: Job, drive: Drive) -> float | None:
    """The result is authoritative: it may say failed where the status said completed."""
    result = await drive.provider.result(request_id_of(job))
    await drive.answered()
    if not result.is_ready:
        return poll_pause(job, drive.usual)
    if result.is_cancelled:
        await in_database(job.mark_cancelled, lease=drive.lease, provider_status=result.word, cost_usd=result.cost)
        return None
    if not result.is_done:
        await _fail(job, drive, Reason.MODEL_FAILED, result)
        return None
    if not seedream.output_urls(result.output):
        await _fail(job, drive, Reason.NO_OUTPUT, result)
        return None
    moved = await drive.write(job, job.mark_delivered, drive.lease, result.word, result.raw, result.cost)
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
    await in_database(job.report_trouble, Reason.MISSING, said_by(problem), drive.lease)
    if job.lasting() < settings.GONE_PATIENCE:
        return pause_of(job)
    await in_database(job.mark_failed, Reason.GONE, said_by(problem), lease=drive.lease)
    return None


async def _wait(job: Job, drive: Drive, problem: Temporary) -> float:
    trouble = _trouble_of(problem)
    pause = asked_pause(problem) or pause_of(job)
    if trouble == Reason.RATE_LIMITED:
        await drive.hold(pause)
    # One lost answer is no news; the page would flicker.
    if drive.miss(job) >= 2:
        await in_database(job.report_trouble, trouble, said_by(problem), drive.lease)
        await drive.failed(trouble)
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
