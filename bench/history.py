"""`python -m bench.history`: the history page among many jobs against among few, each case the median of many requests.

Both databases are made when they are not there yet; `--database` takes the address of either, with `{jobs}` for the
number, as in postgres://postgres@127.0.0.1/history_{jobs}.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from typing import Any

from bench import prompts
from bench.fill import start_django

ROUNDS = 15
PAGE = 1000


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="bench.history", description=__doc__)
    parser.add_argument("--jobs", type=int, nargs=2, default=[1000, 100_000], metavar=("FEW", "MANY"))
    parser.add_argument("--database", default="")
    parser.add_argument("--quick", action="store_true", help="500 and 5,000 jobs")
    parser.add_argument("--measure", action="store_true", help="only the database of DATABASE_URL, as JSON")
    given = parser.parse_args(arguments)
    if given.measure:
        start_django()
        json.dump(_measure(), sys.stdout)
    else:
        numbers = [500, 5000] if given.quick else given.jobs
        _print(numbers, *(_measured(jobs, given.database) for jobs in numbers))


def _measured(jobs: int, database: str) -> dict[str, list[float]]:
    """In a process of its own, for Django knows one database."""
    address = (database or _default_address()).format(jobs=jobs)
    environment = {**os.environ, "DATABASE_URL": address}
    if not _is_full(environment):
        subprocess.run([sys.executable, "-m", "bench.fill", f"--jobs={jobs}"], env=environment, check=True)
    command = [sys.executable, "-m", "bench.history", "--measure"]
    return json.loads(subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE).stdout)


def _default_address() -> str:
    start_django()
    from django.conf import settings

    return f"sqlite:///{settings.VAR_DIR}/bench-{{jobs}}.sqlite3"


def _is_full(environment: dict[str, str]) -> bool:
    command = "from jobs.models import Job; raise SystemExit(not Job.objects.exists())"
    question = [sys.executable, "manage.py", "shell", "--no-imports", "-c", command]
    return subprocess.run(question, check=False, env=environment, stderr=subprocess.DEVNULL).returncode == 0


def _measure() -> dict[str, list[float]]:
    from django.contrib.auth.models import User
    from django.test import Client
    from django.urls import reverse

    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(User.objects.order_by("username")[0])
    url = reverse("jobs:history")
    return {name: _median(client, f"{url}?{query}") for name, query in _cases().items()}


def _median(client: Any, url: str) -> list[float]:
    """Milliseconds, and the number of tiles: a page of few is drawn faster."""
    spent = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        response = client.get(url)
        spent.append((time.perf_counter() - start) * 1000)
        if response.status_code != 200:
            raise RuntimeError(f"{url} answers {response.status_code}.")
    return [statistics.median(spent), response.content.count(b'class="tile"')]


def _cases() -> dict[str, str]:
    owner = _owner()
    month = "since=2000-01-01&until=2199-12-31"
    return {
        "first page": "",
        f"page {PAGE:,} (or the last)": f"after={_place('-')}",
        "oldest first": "sort=oldest",
        f"oldest first, page {PAGE:,}": f"sort=oldest&after={_place('')}",
        **{f"state: {state}": f"state={state}" for state in ("running", "completed", "failed", "cancelled")},
        "state: unconfirmed": "state=unconfirmed",
        "only me": "owner=me",
        "a teammate with few jobs": f"owner={owner}",
        "quality: fast": "quality=fast",
        **{f"review: {review}": f"review={review}" for review in ("unreviewed", "approved", "rejected")},
        "dates": f"{month}",
        "a month two years ago": _oldest_month(),
        "failed, fast, of a teammate": f"state=failed&quality=fast&owner={owner}",
        "rejected, completed, of a teammate": f"state=completed&review=rejected&owner={owner}",
        "cancelled and approved: nothing": "state=cancelled&review=approved",
        "a common word": f"q={prompts.COMMON}",
        "a common word, oldest first": f"q={prompts.COMMON}&sort=oldest",
        "a common long word": "q=background",
        "two common words": f"q={prompts.COMMON}+keep",
        "a common part of Japanese": "q=背景",
        "a rare word": f"q={prompts.RARE}",
        "an absent word": "q=xylophone",
        "a common word that failed": f"q={prompts.COMMON}&state=failed",
        "a common word of a teammate": f"q={prompts.COMMON}&owner={owner}",
        "a common word two years ago": f"q={prompts.COMMON}&{_oldest_month()}",
        "a rare word of a teammate": f"q={prompts.RARE}&owner={owner}",
        "a common word, unconfirmed": f"q={prompts.COMMON}&state=unconfirmed",
    }


def _owner() -> int:
    from django.contrib.auth.models import User

    return User.objects.filter(jobs__isnull=False).order_by("-username")[0].pk


def _place(sign: str) -> str:
    from django.db.models import F

    from jobs.models import Job
    from jobs.views import history

    jobs = Job.objects.order_by(f"{sign}created_at", f"{sign}id").annotate(place=F("id"))
    at = min(PAGE - 1, (jobs.count() - 1) // history.PAGE_SIZE) * history.PAGE_SIZE
    return history.place(jobs[at - 1])


def _oldest_month() -> str:
    from datetime import timedelta

    from jobs.models import Job

    first = Job.objects.order_by("created_at")[0].created_at
    return f"since={first:%Y-%m-%d}&until={first + timedelta(days=30):%Y-%m-%d}"


def _print(jobs: list[int], few: dict[str, list[float]], many: dict[str, list[float]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("history page", *(f"{number:,} jobs" for number in jobs), "ratio")
    for name, (spent, tiles) in many.items():
        before, tiles_before = few[name]
        ratio = f"{spent / before:.2f}" if tiles == tiles_before else "other tiles"
        table.add_row(name, f"{before:.1f} ms, {tiles_before} tiles", f"{spent:.1f} ms, {tiles} tiles", ratio)
    Console(width=110).print(table)


if __name__ == "__main__":
    main(sys.argv[1:])
