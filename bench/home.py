"""Where the benchmarks of the driver happen: a throw-away database, a provider, the processes of the service."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bench.fill import start_django
from bench.meter import Measured
from bench.provider import ENDLESS
from tests.processes import family, kill, wait_until
from tests.soak import places

FIELDS: dict[str, Any] = {
    "text": "A warmer light, please.",
    "sequential_image_generation_options": 3,
    "image_size": "2048:2048 (1:1)",
    "optimize_prompt_options": "standard",
    "sequential_image_generation": "auto",
}


@contextmanager
def home(database: str, *provider: object, **settings: str) -> Iterator[Measured]:
    """Django is started in it, for this process and those that it starts; the provider is handed out."""
    with Measured("bench.provider", *provider) as server:
        own = {"RUNCOMFY_BASE_URL": server.hello["url"], "INPUT_DELIVERY": "data", **settings}
        with places.place(database, own) as here:
            os.environ |= {**here.environment, **own}
            start_django()
            from django.core.management import call_command

            call_command("migrate", verbosity=0)
            yield server


@contextmanager
def worker() -> Iterator[int]:
    """`manage.py worker`, once its cluster works; its process id. It is told to stop at the end."""
    from jobs.models import Heartbeat

    begun = subprocess.Popen([sys.executable, "manage.py", "worker"])
    try:
        wait_until(lambda: _has_beaten(Heartbeat), 60)
        yield begun.pid
    finally:
        everyone = family(begun.pid)
        begun.terminate()
        try:
            begun.wait(30)
        finally:
            for pid in everyone:
                kill(pid)


def _has_beaten(heartbeat: Any) -> bool:
    """The row is there from the start; a beat makes it younger."""
    seen = getattr(_has_beaten, "seen", None)
    row = heartbeat.objects.filter(name__startswith="worker:").order_by("-seen_at").first()
    _has_beaten.seen = seen or (row and row.seen_at)  # type: ignore[attr-defined]
    return bool(row and seen and row.seen_at > seen)


def owner() -> Any:
    from django.contrib.auth.models import User

    return User.objects.get_or_create(username="alice")[0]


def create(jobs: int) -> None:
    """Have so many edits of one picture made."""
    from jobs import lifecycle

    alice, kept = owner(), picture()
    for number in range(jobs):
        lifecycle.create(alice, {**FIELDS, "seed": number}, [kept])


def picture() -> Any:
    from jobs import intake, pictures

    return intake.Kept(intake.keep(pictures.clean(pictures.draw_landscape())), "hills.png")


def fill_with_endless(jobs: int) -> None:
    """So many jobs, just accepted by the provider, which never ends them; and no others."""
    from django.utils import timezone

    from jobs.models import Heartbeat, Job

    Job.objects.all().delete()
    Heartbeat.objects.filter(name__startswith="driver:").delete()
    now, alice = timezone.now(), owner()
    told = {"state": "in_progress", "provider_status": "in_progress", "accepted_at": now, "started_at": now}
    rows = (Job(owner=alice, request_id=f"{ENDLESS}-{number}", **told, **FIELDS) for number in range(jobs))
    Job.objects.bulk_create(rows, 1000)
