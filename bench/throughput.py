"""`python -m bench.throughput [--database postgres] [--quick]`: edits a second from submit to stored.

A worker against a script of asyncio and httpx that submits, polls and saves the same files, in turns. Whatever a worker
does beside is counted in: it checks, hashes and syncs each file, writes each step down, and makes the page sizes. The
clock begins when all edits wait, as the script has them all in hand; what making them costs is told by a second line.
"""

import argparse
import shutil
import statistics
import subprocess
import sys
import time
from contextlib import nullcontext

from bench import home
from bench.lines import Line, show, spread

JOBS, PICTURES, INTERVAL, ROUNDS, BUDGET = 300, 3, 2.0, 3, 0.5
RUN_SECONDS = 3, 3


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="bench.throughput", description=__doc__)
    parser.add_argument("--database", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--jobs", type=int, default=JOBS)
    parser.add_argument("--pixels", type=int, default=256)
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args(arguments)
    jobs, rounds = (50, 1) if given.quick else (given.jobs, ROUNDS)
    provider = ["--run-seconds", *RUN_SECONDS, "--pixels", given.pixels]
    with home.home(given.database, *provider) as server, home.worker():
        image = home.picture().picture.file.path
        turns = [
            (_bare(server.hello["url"], jobs, image), _ours(jobs), _ours(jobs, is_making=True)) for _ in range(rounds)
        ]
    bare, ours, with_making = (list(rates) for rates in zip(*turns, strict=True))
    what = f"{jobs} jobs of {PICTURES} pictures: jobs/s from submit to stored"
    return show([_line(what, ours, bare, BUDGET), _line("the same while the edits are being made", with_making, bare)])


def _line(what: str, ours: list[float], bare: list[float], budget: float | None = None) -> Line:
    ratio = [mine / its for mine, its in zip(ours, bare, strict=True)]
    told = (what, spread(ours, 1), spread(bare, 1), spread(ratio))
    return Line(*told, f"≥ {budget}", statistics.median(ratio) >= budget) if budget else Line(*told)


def _bare(url: str, jobs: int, image: str) -> float:
    command = [sys.executable, "-m", "bench.bare", url, f"--jobs={jobs}", f"--interval={INTERVAL}", f"--image={image}"]
    run = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return jobs / float(run.stdout)


def _ours(jobs: int, *, is_making: bool = False) -> float:
    """`is_making`: the worker has the first edits while the last ones are made, and that time is counted."""
    from django.conf import settings
    from django.db import transaction

    from jobs.models import Job
    from jobs.states import ENDED, State
    from tests.processes import wait_until

    Job.objects.all().delete()
    shutil.rmtree(settings.MEDIA_ROOT / "outputs", ignore_errors=True)  # what is stored twice is stored sooner
    begun = time.monotonic()
    with nullcontext() if is_making else transaction.atomic():
        home.create(jobs)
        begun = begun if is_making else time.monotonic()
    wait_until(lambda: Job.objects.filter(state__in=ENDED).count() == jobs, 300)
    took = time.monotonic() - begun
    if Job.objects.filter(state=State.COMPLETED).count() < jobs:
        raise RuntimeError("Not every job was completed.")
    return jobs / took


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
