"""`python -m bench.fill --jobs 1000000 [--database URL]`: a database full of jobs as a team makes them in two years.

Rows only, no files. The same seed gives the same rows.
"""

import argparse
import os
import random
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from bench import rows
from bench.bulk import Table, loading

BATCH = 5000
YEARS = timedelta(days=730)
PEOPLE, REVIEWERS = 12, 3


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="bench.fill", description=__doc__)
    parser.add_argument("--jobs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", help="an address such as sqlite:////tmp/full.sqlite3; DATABASE_URL by default")
    given = parser.parse_args(arguments)
    start_django(given.database)
    from django.core.management import call_command

    begun = time.monotonic()
    call_command("migrate", verbosity=0)
    fill(given.jobs, given.seed)
    sys.stdout.write(f"{given.jobs:,} jobs are there, after {time.monotonic() - begun:.0f} s.\n")


def start_django(database: str | None = None) -> None:
    import django

    if database:
        os.environ["DATABASE_URL"] = database
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "seedream_site.settings")
    django.setup()


def fill(jobs: int, seed: int = 1, now: datetime | None = None) -> None:
    """Add that many jobs, the oldest first, as time would have brought them."""
    from django.apps import apps

    now = (now or datetime.now(UTC)).replace(tzinfo=None)
    dice = random.Random(seed)  # noqa: S311 (no secret)
    tables = {name: Table(apps.get_model("jobs", name), *columns) for name, columns in rows.COLUMNS.items()}
    with loading(tables.values()):
        desk = rows.Desk(_team(now), dice)
        for moments in _batches(_moments(jobs, dice, now)):
            for number, at in moments:
                desk.add(at, is_at_work=number >= jobs - rows.AT_WORK)
            for name, made in desk.take().items():
                tables[name].write(made)
    analyze()


def _batches(moments: Iterator[Any]) -> Iterator[list[Any]]:
    while batch := list(islice(moments, BATCH)):
        yield batch


def _moments(jobs: int, dice: random.Random, now: datetime) -> Iterator[tuple[int, datetime]]:
    step = YEARS / jobs
    for number in range(jobs):
        yield number, now - YEARS + step * (number + dice.random())


def _team(now: datetime) -> rows.Team:
    from django.conf import settings
    from django.contrib.auth.models import Group, User

    from jobs.models import RejectionReason, WebhookEndpoint

    names = [f"person{number:02}" for number in range(1, PEOPLE + 1)]
    User.objects.bulk_create((User(username=name) for name in names), ignore_conflicts=True)
    people = list(User.objects.filter(username__in=names).order_by("username"))
    for reviewer in people[:REVIEWERS]:
        reviewer.groups.add(Group.objects.get(name="Reviewers"))
    staff = {"is_staff": True, "is_superuser": True}
    User.objects.get_or_create(username="staff", defaults=staff)
    endpoint = WebhookEndpoint.objects.get_or_create(name="bench", url="https://hooks.example.com/", is_active=False)[0]
    return rows.Team(
        people=[person.pk for person in people],
        reviewers=[person.pk for person in people[:REVIEWERS]],
        reasons=list(RejectionReason.objects.values_list("pk", flat=True)),
        endpoint=endpoint.pk.hex,
        told_since=now - settings.WEBHOOK_KEPT,
    )


def analyze() -> None:
    """What the planner goes by: PostgreSQL gathers it by itself in time; on SQLite whoever looks after it may."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


if __name__ == "__main__":
    main(sys.argv[1:])
