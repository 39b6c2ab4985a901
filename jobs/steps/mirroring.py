"""Storing what RunComfy made, before its links expire."""

import asyncio
import logging

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from jobs import counts, leftovers, mirror, seedream, store
from jobs.models import Job, Output
from jobs.runcomfy import Gone, Temporary
from jobs.states import Reason

from .shared import Drive, in_database, request_id_of
from .trouble import LONGEST_PAUSE, pause_of

logger = logging.getLogger(__name__)


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
        drive.has_new_files = True
        if not await asyncio.to_thread(store.exists, stored.name):
            # The last other job with the same bytes was deleted in this moment, and the file with it.
            await in_database(job.forget_output, position)
            return mirror.NotFetched("the stored file was removed")
    except (mirror.NotFetched, OSError) as problem:
        counts.add("mirror_errors", kind="not_fetched" if isinstance(problem, mirror.NotFetched) else "not_stored")
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
        leftovers.postpone(Output, stored.sha256, timezone.now())
        if is_new:
            job.tell_stored({"position": position, "sha256": stored.sha256, "size": stored.size})
            counts.add("mirrored_files")
            counts.add("mirrored_bytes", stored.size)


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
    return max(pause_of(job), min(slowly, LONGEST_PAUSE))


async def _renew_result(job: Job, drive: Drive) -> None:
    """Links that died may come alive by reading the result again."""
    try:
        result = await drive.provider.result(request_id_of(job))
    except (Temporary, Gone) as problem:
        logger.warning("The result of job %s cannot be read again: %s", job.pk, problem)
        return
    count = len(seedream.output_urls((job.result or {}).get("output")))
    # Stored outputs are known by their place: a list of another length may have moved them.
    if result.is_done and len(seedream.output_urls(result.output)) == count:
        await in_database(job.renew_result, drive.lease, result.raw)
