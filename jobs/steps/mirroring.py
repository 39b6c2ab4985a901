"""Storing what RunComfy made, before its links expire."""

import asyncio
import logging
from typing import Any, NamedTuple

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from jobs import counts, leftovers, mirror, seedream, store
from jobs.models import Job, Output
from jobs.runcomfy import Gone, Temporary
from jobs.states import Reason, Verb

from .shared import Drive, in_database, request_id_of
from .trouble import LONGEST_PAUSE, pause_of

logger = logging.getLogger(__name__)


async def mirror_outputs(job: Job, drive: Drive) -> float | None:
    """Store every output that is not stored yet; the job is completed when all are."""
    urls = seedream.output_urls((job.result or {}).get("output"))
    stored = await in_database(_positions, job)
    missing = [(at, url) for at, (_kind, url) in enumerate(urls) if at not in stored]
    keeper = Keeper(job, drive)
    problems = await asyncio.gather(*(_mirror_one(keeper, at, url) for at, url in missing))
    worst = [problem for problem in problems if problem is not None]
    if any(isinstance(problem, LeftToTheNext) for problem in worst):
        return 0.0
    if worst:
        return await _mirror_again(job, drive, worst)
    await drive.write(job, job.mark_completed, drive.lease)
    return None


def _positions(job: Job) -> set[int]:
    return set(job.outputs.order_by().values_list("position", flat=True))


class LeftToTheNext(Exception):
    """The driver's time is over: the next one begins this download."""


class Arrived(NamedTuple):
    """A file in the store that no row tells of yet."""

    position: int
    url: str
    stored: mirror.Stored


class Keeper:
    """Writes the rows of a job's files; those that arrive while it writes are written together."""

    def __init__(self, job: Job, drive: Drive):
        self.job, self.drive = job, drive
        self._arrived: list[Arrived] = []
        self._turn = asyncio.Lock()

    async def keep(self, arrived: Arrived) -> None:
        self._arrived.append(arrived)
        async with self._turn:
            if taken := self._arrived:
                self._arrived = []
                await self.drive.write(self.job, _keep_outputs, self.job, self.drive.lease, taken)
                self.drive.has_new_files = True


async def _mirror_one(keeper: Keeper, position: int, url: str) -> Exception | None:
    job, drive = keeper.job, keeper.drive
    try:
        async with drive.downloads:
            if drive.is_ending:
                return LeftToTheNext()
            stored = await mirror.mirror(
                url, drive.files, max_bytes=settings.OUTPUT_MAX_BYTES, seconds=settings.OUTPUT_TIMEOUT
            )
        await keeper.keep(Arrived(position, url, stored))
        if not await asyncio.to_thread(store.exists, stored.name):
            # The last other job with the same bytes was deleted in this moment, and the file with it.
            await in_database(job.forget_output, position)
            return mirror.NotFetched("the stored file was removed")
    except (mirror.NotFetched, OSError) as problem:
        counts.add("mirror_errors", kind="not_fetched" if isinstance(problem, mirror.NotFetched) else "not_stored")
        return problem
    return None


def _keep_outputs(job: Job, lease: str, arrived: list[Arrived]) -> None:
    """The rows of stored files; whoever comes second finds them there."""
    with transaction.atomic(savepoint=False):
        if not job.touch(lease):
            return
        known = _positions(job)
        new = [entry for entry in arrived if entry.position not in known]
        Output.objects.bulk_create(_output(job, entry) for entry in new)
        leftovers.postpone(Output, [entry.stored.sha256 for entry in arrived], timezone.now())
        for entry in new:
            job.note(Verb.STORED, _told(entry))
    counts.add("mirrored_files", len(new))
    counts.add("mirrored_bytes", sum(entry.stored.size for entry in new))


def _output(job: Job, arrived: Arrived) -> Output:
    stored, kind = arrived.stored, arrived.stored.kind
    return Output(
        job_id=job.pk,
        position=arrived.position,
        kind=kind.content_type.split("/")[0],
        file=stored.name,
        sha256=stored.sha256,
        content_type=kind.content_type,
        width=kind.width,
        height=kind.height,
        size=stored.size,
        source_url=arrived.url,
    )


def _told(arrived: Arrived) -> dict[str, Any]:
    return {"position": arrived.position, "sha256": arrived.stored.sha256, "size": arrived.stored.size}


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
