"""Looking after the store: is every file there and whole, what lies there for nobody, and deleting a job for good."""

import asyncio
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from . import clients, leftovers, mirror, seedream, sizes, store
from .models import Job, Output, Picture
from .models.files import Original
from .runcomfy import Gone, Temporary
from .states import ENDED

logger = logging.getLogger(__name__)
FOLDERS = ("pictures", "outputs", sizes.FOLDER)
AT_ONCE = 200  # uploads that one sweep removes


@dataclass(frozen=True)
class Damage:
    """A row whose file is missing or has other bytes, or whose page-size copies (`is_copy`) are; `what` says which."""

    row: Picture | Output
    what: str
    is_copy: bool = False

    def __str__(self) -> str:
        return f"{self.row._meta.verbose_name} {self.row.pk} ({self.row.file.name}): {self.what}"


def damaged() -> Iterator[Damage]:
    """Read every stored and every archived file and compare its hash with its row's."""
    for model in (Picture, Output):
        for row in model.objects.order_by("pk").iterator(chunk_size=500):
            if what := _damage(row):
                yield Damage(row, what)
            elif missing := [name for name in sizes.names(row) if not store.exists(name)]:
                yield Damage(row, f"a page-size copy is missing: {', '.join(missing)}", is_copy=True)


def files_of(job: Job) -> list[Picture | Output]:
    """The rows of what a job was given and of what it made, as far as there are files."""
    rows: list[Picture | Output] = [*Picture.objects.filter(jobs=job).distinct(), *job.outputs.all()]
    return [row for row in rows if row.original != Original.DELETED]


def verify(job: Job, rows: Iterable[Picture | Output], by: Any) -> list[Damage]:
    """Read these files of a job and compare their hashes; an event says what was found, and for whom."""
    rows = list(rows)
    found = [Damage(row, what) for row in rows if (what := _damage(row))]
    job.tell_verified({"files": len(rows), "damaged": [str(damage.row.file.name) for damage in found]}, by)
    return found


def _damage(row: Picture | Output) -> str:
    if row.original == Original.DELETED:
        return ""
    is_archived = row.original == Original.ARCHIVED
    try:
        found = store.sha256_of(str(row.file.name), store.ARCHIVE if is_archived else store.STORE)
    except FileNotFoundError:
        return _("the file is missing from the archive") if is_archived else _("the file is missing")
    except OSError as problem:
        return _("the file cannot be read: %(problem)s") % {"problem": problem}
    return "" if found == row.sha256 else _("the file has other bytes: %(hash)s") % {"hash": found}


def orphans() -> Iterator[str]:
    """Files that no row points to. One that was stored this very moment may be among them: its row is still to come."""
    for of in leftovers.places():
        for folder in FOLDERS:
            for name in store.names(folder, of):
                if not leftovers.is_expected(name, of):
                    yield name if of == store.STORE else f"{name} in the archive"


def repair(damage: Damage) -> str:
    """Have missing copies made anew, and fetch a damaged output again from RunComfy, while it still has it. Returns
    why it could not, or nothing."""
    row = damage.row
    if row.original != Original.STORED:
        return "its original is archived: bring it back first" if row.original == Original.ARCHIVED else row.why_gone
    if isinstance(row, Picture) and not damage.is_copy:
        return "only its user has it"
    why_not = asyncio.run(_repair(row.job, row)) if isinstance(row, Output) and not damage.is_copy else ""
    if not why_not:
        sizes.forget(row)
    return why_not


async def _repair(job: Job, output: Output) -> str:
    async with clients.model_api() as provider, clients.output_files() as files:
        try:
            result = await provider.result(str(job.request_id))
            return await _fetch_again(seedream.output_urls(result.output), output, files)
        except Gone:
            return "RunComfy no longer has it"
        except (Temporary, mirror.NotFetched, OSError) as problem:
            return str(problem)


async def _fetch_again(urls: list[tuple[str, str]], output: Output, files: httpx.AsyncClient) -> str:
    if output.position >= len(urls):
        return "RunComfy's result no longer names it"
    _kind, url = urls[output.position]
    # Stored under its own hash: the right bytes take the place of the damaged ones, other bytes do not.
    stored = await mirror.mirror(url, files, max_bytes=settings.OUTPUT_MAX_BYTES, seconds=settings.OUTPUT_TIMEOUT)
    return "" if stored.sha256 == output.sha256 else "RunComfy now has other bytes"


def delete(job: Job, by: Any = None) -> None:
    """Remove a job that has ended, with its events and every file that no other job uses. Raises ValueError for one
    that still goes on: what RunComfy makes and charges must have its row."""
    with transaction.atomic():
        # Before the job: one that is being written of these pictures holds them first, too, and then its parent.
        pictures = list(_locked(Picture.objects.filter(jobs=job)))
        ended = Job.objects.select_for_update().filter(pk=job.pk, state__in=ENDED).first()
        if ended is None:
            raise ValueError(f"Job {job.pk} has not ended, or is gone already.")
        files = leftovers.of_rows([*ended.outputs.all(), *pictures])
        ended.delete()
        Picture.objects.filter(pk__in=[row.pk for row in pictures], uses=None).delete()
    leftovers.remove_unused(files)
    logger.info("The job was deleted by %s", by or "the command line", extra={"job": job})


def forget_unused() -> None:
    """Remove uploads that no job came to use within settings.UPLOAD_KEPT."""
    old = Picture.objects.filter(unused_since__lt=timezone.now() - settings.UPLOAD_KEPT, uses=None)
    with transaction.atomic():
        rows = list(_locked(old[:AT_ONCE]))
        files = leftovers.of_rows(rows)
        # Asked again under the lock: a job may have taken one, or somebody uploaded it anew.
        old.filter(pk__in=[row.pk for row in rows]).delete()
    leftovers.remove_unused(files)
    if rows:
        logger.info("%d uploads that no job used were removed", len(rows))


def _locked(pictures: QuerySet[Picture]) -> QuerySet[Picture]:
    """No job that is being written at this moment takes one of them, nor does an upload. In the order of intake.use."""
    return Picture.objects.select_for_update().filter(pk__in=pictures.values("pk")).order_by("pk")
