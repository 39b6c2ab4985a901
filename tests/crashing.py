"""A process that dies, or freezes, exactly there: `-m tests.crashing drive die before jobs.steps.submitting:submit`.

It works on the test's own database, store and provider; `Child` is its handle in the test.
"""

import functools
import inspect
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any
from unittest import mock

import django
import httpx
from django.conf import settings
from django.db import connections

if __name__ == "__main__":
    django.setup()

from django.contrib.auth.models import User

from jobs import dispatch, drive, idempotency, intake, lifecycle, pictures, tasks
from jobs import retention as retaining
from jobs.models import IdempotencyKey, Job, JobEvent
from jobs.steps import shared

from .processes import environment, kill, wait_until

KILLED = 137


# In the test


class Child:
    """The process; `point` is "before", "after", "inside" or "amid" a function, and which call of it if not the first.

    Inside: its rows are written and its event is not, so nothing is committed. Amid: a download is half done.
    """

    def __init__(self, folder: Path, work: str, fate: str = "", point: str = "", **more: str):
        self.log = folder / "child.log"
        environ = environment(folder, **{"RUNCOMFY_POLL_SECONDS": "0.05", **more})
        command = [sys.executable, "-m", "tests.crashing", work, *fate.split(), *point.split()]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, cwd=settings.BASE_DIR, env=environ, stderr=log)

    def end(self) -> int:
        """Let it end by itself; its exit code."""
        return self.process.wait(timeout=40)

    def freeze(self) -> None:
        """Wait until it has frozen itself."""
        stat = Path(f"/proc/{self.process.pid}/stat")
        wait_until(lambda: stat.read_text().rsplit(")", 1)[1].split()[0] == "T")

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        kill(self.process.pid)
        self.process.wait()


def create() -> Job:
    """What a user's form does, twice with the same outcome."""
    from .conftest import parameters, png  # only here: pytest and all would make each child slower

    kept = [intake.Kept(intake.keep(pictures.clean(png())), name="teal.png")]
    alice = User.objects.get(username="alice")
    key = IdempotencyKey(owner=alice, key="once", fingerprint="one")
    return idempotency.once(key, lambda: lifecycle.create(alice, parameters(), kept, key=key))


# In the process


def send_anew() -> None:
    lifecycle.settle(Job.objects.get(), User.objects.get(username="alice"), "send_anew", is_confirmed=True)


def drive_impatiently() -> None:
    """A locked SQLite is an error at once, as a PostgreSQL that is away always is."""
    if connections["default"].vendor == "sqlite":
        connections["default"].settings_dict["OPTIONS"]["timeout"] = 0.1
    shared.WRITE_PAUSE = 0.2
    drive.drive()


def drive_with_little_room() -> None:
    """No file may grow beyond 20 MB."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000_000, resource.RLIM_INFINITY))
    drive.drive()


def bring_back() -> None:
    retaining.restore(Job.objects.get())


WORK = {
    work.__name__: work
    for work in (
        drive.drive,
        drive_impatiently,
        drive_with_little_room,
        create,
        lifecycle.sweep,
        send_anew,
        dispatch.send_waiting,
        tasks.make_sizes,
        tasks.retention,
        retaining.remove_leftovers,
        bring_back,
    )
}


def die(**_of_the_call: Any) -> None:
    os._exit(KILLED)


def freeze() -> None:
    # To this very thread: sent to the process, it may let this thread run on into a transaction.
    signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)


FATES = {"die": die, "freeze": freeze}


def wrap(strike: Callable[[], None], when: str, where: str, call: str = "1") -> None:
    """Have fate strike at that call of the function, named as "jobs.models:Job.mark_accepted"."""
    module, _, path = where.partition(":")
    *owners, name = path.split(".")
    owner = functools.reduce(getattr, owners, import_module(module))
    function, calls = getattr(owner, name), count(1)

    def point() -> Any:
        return striking(strike, when if next(calls) == int(call) else "")

    async def awaited(*arguments: Any, **named: Any) -> Any:
        with point():
            return await function(*arguments, **named)

    def called(*arguments: Any, **named: Any) -> Any:
        with point():
            return function(*arguments, **named)

    setattr(owner, name, functools.wraps(function)(awaited if inspect.iscoroutinefunction(function) else called))


@contextmanager
def striking(strike: Callable[[], None], when: str) -> Iterator[None]:
    match when:
        case "before":
            strike()
            yield
        case "after":
            yield
            strike()
        case "inside":
            with mock.patch.object(JobEvent.objects, "create", side_effect=strike):
                yield
        case "amid":
            with mock.patch.object(httpx.Response, "aiter_raw", halved(strike)):
                yield
        case _:
            yield


def halved(strike: Callable[[], None]) -> Any:
    whole = httpx.Response.aiter_raw

    async def stream(response: httpx.Response) -> Any:
        async for chunk in whole(response):
            yield chunk[: len(chunk) // 2]
            strike()
            yield chunk[len(chunk) // 2 :]

    return stream


def main(work: str, fate: str = "", *point: str) -> None:
    if fate:
        wrap(FATES[fate], *point)
    with clock_ahead(timedelta(seconds=float(os.environ.get("CLOCK_AHEAD_SECONDS", "0")))):
        WORK[work]()


def clock_ahead(by: timedelta) -> Any:
    """This process's clock goes wrong, as far as the service looks at it."""
    return mock.patch("django.utils.timezone.now", side_effect=lambda: datetime.now(UTC) + by)


if __name__ == "__main__":
    main(*sys.argv[1:])
