"""Real workers as processes of their own, on the test's database, to be killed."""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection


def database_url() -> str:
    """The test's own database, for another process."""
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    parts = connection.settings_dict
    return f"postgres://{parts['USER']}:{parts['PASSWORD']}@{parts['HOST']}:{parts['PORT']}/{name}"


@contextmanager
def fresh_database(folder: Path) -> Iterator[str]:
    """An empty database of the test's kind, for a service of its own."""
    if connection.vendor == "sqlite":
        yield f"sqlite:///{folder / 'desk.sqlite3'}"
        return
    server, name = database_url().rsplit("/", 1)[0], f"fresh_{uuid.uuid4().hex}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as known:
        known.execute(f"CREATE DATABASE {name}")
        try:
            yield f"{server}/{name}"
        finally:
            known.execute(f"DROP DATABASE {name} WITH (FORCE)")


def environment(folder: Path, **more: str) -> dict[str, str]:
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "seedream_site.settings",
        "VAR_DIR": str(folder),
        "DATABASE_URL": database_url(),
        "S3_BUCKET": settings.S3_BUCKET,
        "RUNCOMFY_BASE_URL": settings.RUNCOMFY_BASE_URL,
        "INPUT_DELIVERY": "data",
        "RUNCOMFY_POLL_SECONDS": "0.2",
        "LEASE_SECONDS": "2",
        "QUEUE_WORKERS": "2",
        **more,
    }


class Worker:
    """`manage.py worker`, its cluster and the cluster's workers."""

    def __init__(self, folder: Path, **more: str):
        command = [sys.executable, "manage.py", "worker"]
        self.process = subprocess.Popen(command, cwd=settings.BASE_DIR, env=environment(folder, **more))

    def family(self) -> list[int]:
        """The worker and all its descendants, the worker first."""
        return family(self.process.pid)

    def kill(self) -> None:
        """kill -9 for all of them at once, as a machine that loses its power."""
        for pid in self.family():
            kill(pid)
        self.process.wait()

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(timeout=30)


def family(pid: int) -> list[int]:
    """A process and all its descendants, each before its own children."""
    found = [pid]
    for parent in found:
        found += [child for child, its_parent in parents().items() if its_parent == parent]
    return found


def parents() -> dict[int, int]:
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                found[int(entry.name)] = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except (OSError, ProcessLookupError):
                continue
    return found


def kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def wait_until(what: Callable[[], Any], seconds: float = 30) -> Any:
    """Poll `what` until it is true; its value."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := what():
            return value
        time.sleep(0.05)
    raise AssertionError(f"{what} is still false after {seconds} s")
