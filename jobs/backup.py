"""The database and the stored files in a folder, and back again.

The database is taken before the files: a file is written before its row and never changed, so whatever the copied rows
name is there when the files are copied. A job that is deleted in between leaves rows without files, which
verify_store tells. A file that the retention rules move or remove in between is still there: it goes a while after its
row says so. Files on S3 are not copied: the bucket has its own ways.
"""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.models.functions import Now

from .models import Job
from .states import State

SQLITE, POSTGRESQL, FILES, ARCHIVE = "database.sqlite3", "database.dump", "media", "archive"
RESTORER = "restore"


class Impossible(Exception):
    """Why it cannot be done, in words for an administrator."""


def back_up(folder: Path) -> int:
    """Write the database, and copy what is stored and not there yet. Returns how many files were copied."""
    folder.mkdir(parents=True, exist_ok=True)
    name, dump = (SQLITE, _dump_sqlite) if settings.IS_SQLITE else (POSTGRESQL, _dump_postgresql)
    with _appearing_whole(folder / name) as unfinished:
        dump(unfinished)
    return sum(_copy_files(place, folder / name) for name, place in _folders().items())


def restore(folder: Path) -> tuple[int, int]:
    """Fill an empty database and the store from a back-up, and bring it to this release. Returns how many files were
    copied, and how many jobs became unconfirmed."""
    name, load = (SQLITE, _load_sqlite) if settings.IS_SQLITE else (POSTGRESQL, _load_postgresql)
    if not (folder / name).is_file():
        raise Impossible(f"There is no {name} in {folder}: was the back-up made from another kind of database?")
    if connection.introspection.table_names():
        raise Impossible("The database is not empty. Restore into a new one, so that nothing can be lost.")
    copied = sum(_copy_files(folder / name, place) for name, place in _folders().items())
    load(folder / name)
    call_command("migrate", verbosity=0)
    return copied, _distrust_unsent()


def _folders() -> dict[str, Path]:
    """The stores that are folders, by their names in a back-up."""
    places = {FILES: None if settings.S3_BUCKET else settings.MEDIA_ROOT, ARCHIVE: settings.ARCHIVE_DIR}
    return {name: place for name, place in places.items() if place}


def _distrust_unsent() -> int:
    """What was waiting when the back-up was made may have been sent since, and is paid then: a person decides."""
    told = {"words": "Restored from a back-up: the edit may have been sent after that was made."}
    unsent = list(Job.objects.filter(state=State.PENDING))
    for job in unsent:
        Job.objects.filter(pk=job.pk).update(lease=RESTORER, leased_until=Now(), cancel_requested_at=None)
        if job.claim_for_submit(RESTORER):
            job.mark_unconfirmed(told)
    return len(unsent)


def _copy_files(source: Path, target: Path) -> int:
    """Files are named by their hash: one that is there is the same one."""
    copied = 0
    for folder, _folders, names in os.walk(source):
        place = target / Path(folder).relative_to(source)
        if place == target / "tmp":
            continue
        place.mkdir(parents=True, exist_ok=True)
        for name in names:
            copied += _copy_file(Path(folder) / name, place / name)
    return copied


def _copy_file(source: Path, target: Path) -> bool:
    if target.exists():
        return False
    try:
        with _appearing_whole(target) as unfinished:
            shutil.copyfile(source, unfinished)
    except FileNotFoundError:  # deleted in this moment
        return False
    return True


@contextmanager
def _appearing_whole(path: Path) -> Iterator[Path]:
    """A name to write under; the file gets its own when it is finished. What was there before stays until then."""
    unfinished = path.with_name(f"part-{path.name}")
    try:
        yield unfinished
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _dump_sqlite(path: Path) -> None:
    """SQLite's own way: whole, while others write."""
    connection.ensure_connection()
    try:
        with closing(sqlite3.connect(path)) as target:
            connection.connection.backup(target)
    except sqlite3.Error as problem:
        raise Impossible(f"The database cannot be written to {path}: {problem}") from None


def _load_sqlite(path: Path) -> None:
    connection.ensure_connection()
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as source:
            source.backup(connection.connection)
    except sqlite3.Error as problem:
        raise Impossible(f"{path} cannot be read: {problem}") from None
    connection.close()


def _dump_postgresql(path: Path) -> None:
    _run("pg_dump", "--format=custom", "--no-owner", f"--file={path}")


def _load_postgresql(path: Path) -> None:
    connection.close()
    _run("pg_restore", "--no-owner", "--exit-on-error", "--single-transaction", str(path))


def _run(program: str, *options: str) -> None:
    """One of PostgreSQL's own programs, told the database as Django knows it."""
    (_psql, *where, database), more = connection.client.settings_to_cmd_args_env(connection.settings_dict, [])
    command = [program, *where, f"--dbname={database}", *options]
    try:
        subprocess.run(command, check=True, env={**os.environ, **(more or {})}, stderr=subprocess.PIPE, text=True)
    except FileNotFoundError:
        raise Impossible(f"{program} is not here. Install PostgreSQL's client programs.") from None
    except subprocess.CalledProcessError as problem:
        raise Impossible(f"{program} failed: {problem.stderr.strip()}") from None
