"""`python -m bench.fill --jobs 100000 [--database URL]`: a database full of jobs as a team makes them in two years.

Rows only, no files. The same seed gives the same rows.
"""

import argparse
import hashlib
import itertools
import os
import random
import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from bench import prompts

BATCH = 2000
YEARS = timedelta(days=730)
PEOPLE = 12
# In percent, among jobs that are older than an hour
ENDS = {"completed": 93, "failed": 5, "cancelled": 1.9, "unconfirmed": 0.1}
ACTIVE = ("pending", "submitting", "in_queue", "in_progress", "mirroring")
REVIEWS = {"unreviewed": 30, "approved": 60, "rejected": 10}
SIZES = {"2048:2048 (1:1)": (2048, 2048), "2304:1728 (4:3)": (2304, 1728), "1728:2304 (3:4)": (1728, 2304)}
NO_REQUEST = ("pending", "submitting", "unconfirmed", "cancelled")


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="bench.fill", description=__doc__)
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", help="an address such as sqlite:////tmp/full.sqlite3; DATABASE_URL by default")
    given = parser.parse_args(arguments)
    start_django(given.database)
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    fill(given.jobs, given.seed)
    sys.stdout.write(f"{given.jobs:,} jobs are there.\n")


def start_django(database: str | None = None) -> None:
    import django

    if database:
        os.environ["DATABASE_URL"] = database
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "seedream_site.settings")
    django.setup()


def fill(jobs: int, seed: int = 1, now: datetime | None = None) -> None:
    """Add that many jobs, the oldest first, as time would have brought them."""
    from django.db import transaction

    dice = random.Random(seed)  # noqa: S311 (no secret)
    owners, picture = _people(), _picture()
    for moments in _batches(_moments(jobs, dice, now or datetime.now(UTC))):
        with transaction.atomic():
            _store([_job(dice, at, age, owners) for at, age in moments], dice, picture)
    _measure()


def _moments(jobs: int, dice: random.Random, now: datetime) -> Iterator[tuple[datetime, timedelta]]:
    step = YEARS / jobs
    for number in range(jobs):
        age = YEARS - step * (number + dice.random())
        yield now - age, age


def _batches(moments: Iterator[Any]) -> Iterator[list[Any]]:
    while batch := list(itertools.islice(moments, BATCH)):
        yield batch


def _people() -> list[Any]:
    from django.contrib.auth.models import User

    names = [f"person{number}" for number in range(1, PEOPLE + 1)]
    User.objects.bulk_create((User(username=name) for name in names), ignore_conflicts=True)
    return list(User.objects.filter(username__in=names).order_by("username"))


def _picture() -> Any:
    from jobs.models import Picture

    sha256 = hashlib.sha256(b"bench").hexdigest()
    fields = {"file": f"pictures/{sha256}.jpg", "content_type": "image/jpeg", "width": 2048, "height": 2048}
    return Picture.objects.get_or_create(sha256=sha256, defaults=fields | {"size": 400_000, "color": "#8899aa"})[0]


def _job(dice: random.Random, at: datetime, age: timedelta, owners: list[Any]) -> Any:
    from jobs.models import Job

    state = dice.choice(ACTIVE) if age < timedelta(minutes=10) else _one_of(ENDS, dice)
    return Job(
        id=_id(at, dice),
        owner=dice.choices(owners, [2 ** -(rank / 2) for rank in range(len(owners))])[0],
        created_at=at,
        pending_since=at,
        text=prompts.prompt(dice),
        sequential_image_generation_options=dice.choice([1, 2, 3, 4, 4, 6]),
        image_size=dice.choice(list(SIZES)),
        optimize_prompt_options=dice.choice(["fast", "standard", "standard"]),
        sequential_image_generation="auto",
        state=state,
        reason="model_failed" if state == "failed" else "",
        finished_at=at + timedelta(seconds=40) if state in ("completed", "failed", "cancelled") else None,
        request_id=None if state in NO_REQUEST else str(uuid.UUID(int=dice.getrandbits(128), version=4)),
        estimate_usd="0.12",
    )


def _id(at: datetime, dice: random.Random) -> uuid.UUID:
    """A UUID of version 7, as if it had been made then."""
    milliseconds = int(at.timestamp() * 1000)
    return uuid.UUID(int=milliseconds << 80 | 7 << 76 | dice.getrandbits(12) << 64 | 2 << 62 | dice.getrandbits(62))


def _store(jobs: list[Any], dice: random.Random, picture: Any) -> None:
    from jobs import search
    from jobs.models import Job, JobEvent, JobInput, Output, SearchEntry

    Job.objects.bulk_create(jobs, BATCH)
    JobInput.objects.bulk_create((JobInput(job=job, picture=picture, position=0, name="in.jpg") for job in jobs), BATCH)
    SearchEntry.objects.bulk_create((SearchEntry(job=job, words=search.words(job.text)) for job in jobs), BATCH)
    Output.objects.bulk_create((row for job in jobs for row in _outputs(job, dice)), BATCH)
    JobEvent.objects.bulk_create((row for job in jobs for row in _events(job)), BATCH)


def _outputs(job: Any, dice: random.Random) -> Iterator[Any]:
    from jobs.models import Output

    width, height = SIZES[job.image_size]
    for position in range(job.sequential_image_generation_options if job.state == "completed" else 0):
        sha256 = f"{dice.getrandbits(256):064x}"
        yield Output(
            id=_id(job.finished_at, dice),
            job=job,
            position=position,
            kind="image",
            file=f"outputs/{sha256}.jpg",
            sha256=sha256,
            content_type="image/jpeg",
            width=width,
            height=height,
            size=900_000,
            source_url="https://files.runcomfy.net/out.jpg",
            review=_one_of(REVIEWS, dice),
            stored_at=job.finished_at,
            color=f"#{dice.getrandbits(24):06x}",
            widths=[320, 640, 1600],
            sized_at=job.finished_at,
        )


def _events(job: Any) -> Iterator[Any]:
    from jobs.models import JobEvent

    steps = [("created", "", "pending"), ("claimed", "pending", "submitting")]
    if job.state == "completed":
        steps += [("accepted", "submitting", "in_queue"), ("started", "in_queue", "in_progress")]
        steps += [("delivered", "in_progress", "mirroring"), ("completed", "mirroring", "completed")]
    for number, (verb, source, state) in enumerate(steps):
        yield JobEvent(
            job=job, at=job.created_at + timedelta(seconds=number), verb=verb, from_state=source, to_state=state
        )


def _one_of(shares: dict[str, Any], dice: random.Random) -> str:
    return dice.choices(list(shares), list(shares.values()))[0]


def _measure() -> None:
    """PostgreSQL plans by statistics that autovacuum would have gathered by itself meanwhile."""
    from django.db import connection

    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")


if __name__ == "__main__":
    main(sys.argv[1:])
