"""Page-size copies of stored pictures, made after the job, and off the loop that moves jobs.

A copy lies under the hash of its original and its width, so a picture that is input here and output there has one set.
A row whose `sized_at` is empty waits for its copies; a process may die at any line, and the next one makes them.
"""

import logging
import os
import time
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.core.cache import cache
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from . import doorbell, pictures, store
from .models import Heartbeat, Output, Picture

logger = logging.getLogger(__name__)

FOLDER = "pages"
SIZER = "sizer"  # the sign of life of the one process that makes copies
SECONDS, SHOW_SECONDS = 20.0, 1.0
LATE = timedelta(minutes=1)
NICENESS = 10  # above that of drivers: a loop beside it keeps its times
TRIES, TRIES_REMEMBERED = 3, 24 * 3600

Row = Picture | Output


def name(sha256: str, width: int) -> str:
    return f"{FOLDER}/{sha256[:2]}/{sha256}-{width}.webp"


def names(row: Row) -> list[str]:
    return [name(row.sha256, width) for width in row.widths]


def original(copy: str) -> str:
    """The hash of the picture that a copy with this name was made of."""
    return Path(copy).name.partition("-")[0]


def is_late() -> bool:
    """Whether copies wait whose ring was lost, or whose maker died."""
    before = timezone.now() - LATE
    waiting = (
        Output.objects.filter(sized_at=None, stored_at__lt=before),
        Picture.objects.filter(sized_at=None, created_at__lt=before),
    )
    return any(rows.exists() for rows in waiting)


def make_waiting(worker: str = "") -> None:
    """Make the copies that wait, the newest first, for up to SECONDS. `worker` names the cluster whose stop ends it.

    One process at a time: a burst of outputs must not fill the queue's processes, which the drivers need.
    """
    is_well = False
    with Heartbeat.alone(SIZER) as is_mine:
        if is_mine:
            with ThreadPoolExecutor(1, initializer=os.nice, initargs=(NICENESS,)) as gently:
                is_well = _make_many(worker, gently)
    # The last look comes after the sign of life is gone: until then, rings relied on this run.
    if is_well and _newest():
        doorbell.ring("make_sizes")


def _make_many(worker: str, gently: Executor) -> bool:
    """False when the store is away: then the sweep rings again."""
    until, shown_at = time.monotonic() + SECONDS, float("-inf")
    while (now := time.monotonic()) < until and (row := _newest()):
        if now - shown_at >= SHOW_SECONDS:
            if Heartbeat.objects.filter(name=worker, is_stopping=True).exists():
                break
            Heartbeat.show(SIZER)
            shown_at = now
        try:
            make(row, gently)
        except OSError as problem:
            logger.warning("The page-size copies of %s wait: %s", row.file.name, problem)
            return False
    return True


def _newest() -> Row | None:
    """Of all that waits: those are the pictures that somebody is waiting for. Ids are ordered by time."""
    found = (model.objects.filter(sized_at=None).order_by("-pk").first() for model in (Output, Picture))
    return max((row for row in found if row), key=lambda row: row.pk, default=None)


def make(row: Row, gently: Executor) -> None:
    """Store the copies of one file, and tell its rows. Raises OSError when the store is away."""
    with _counted(row) as tries:
        copies = _copies(row, gently) if tries < TRIES else pictures.PageCopies()
        for width, data in copies.files.items():
            with store.temporary_file() as file:
                file.write(data)
                store.keep(file, FOLDER, row.sha256, f"-{width}.webp")
        stored = [name(row.sha256, width) for width in copies.files]
        if not _tell(row, copies):
            for file_name in stored:  # the row was deleted meanwhile
                store.remove(file_name)
        elif not all(map(store.exists, stored)):
            # The last other job with the same picture was deleted in this moment, and the copies with it.
            forget(row)


@contextmanager
def _counted(row: Row) -> Iterator[int]:
    """How often a process began with this row and died of it. That the store is away is not the row's fault."""
    key = f"sizing:{row.sha256}"
    tries = cache.get(key, 0)
    cache.set(key, tries + 1, TRIES_REMEMBERED)
    try:
        yield tries
    except OSError:
        cache.delete(key)
        raise
    cache.delete(key)


def _copies(row: Row, gently: Executor) -> pictures.PageCopies:
    try:
        if row.content_type.startswith("image/"):
            with store.opened(str(row.file.name)) as file:
                return gently.submit(pictures.page_copies, file).result()
    except (pictures.BadPicture, FileNotFoundError) as problem:
        logger.warning("There will be no page-size copies of %s: %s", row.file.name, problem)
    return pictures.PageCopies()


def _tell(row: Row, copies: pictures.PageCopies) -> int:
    told = {"color": copies.color, "widths": list(copies.files), "sized_at": timezone.now()}
    alone = [type(row).objects.filter(pk=row.pk)]
    with transaction.atomic():
        return sum(rows.update(**told) for rows in (_sharing(row) if copies.files else alone))


def forget(row: Row) -> None:
    """Have the copies made anew."""
    for rows in _sharing(row):
        rows.update(sized_at=None)
    doorbell.ring("make_sizes")


def _sharing(row: Row) -> list[QuerySet[Any]]:
    return [model.objects.filter(sha256=row.sha256) for model in (Output, Picture)]
