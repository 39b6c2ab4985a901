"""`python -m bench.history [--jobs 1000 1000000] [--database sqlite] [--quick]`: pages among many jobs against the same
among few; 1 when one is more than half as slow again.

The two are asked in turn, so that both see the same machine. Where few jobs fill fewer rows of a page, the rows that
are missing are added at what a row of that part costs: the budget is about finding, not about drawing.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import IO, Any

from bench.fill import start_django

ROUNDS, BUDGET = 9, 1.5
FEW, MANY, MANY_QUICK = 1000, 1_000_000, 20_000
# Of the settings of those who answer: nobody is told to wait, and the figures are there.
ASKED_OFTEN = {"API_READS_PER_MINUTE": "1000000", "METRICS_TOKEN": "bench", "LOG_LEVEL": "ERROR"}


@dataclass
class Seen:
    seconds: list[float]
    rows: int

    @property
    def ms(self) -> float:
        return median(self.seconds) * 1000


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="bench.history", description=__doc__)
    parser.add_argument("--jobs", type=int, nargs=2, default=None, metavar=("FEW", "MANY"))
    parser.add_argument("--database", default="sqlite", choices=["sqlite", "postgres"])
    parser.add_argument("--quick", action="store_true", help=f"{MANY_QUICK:,} jobs are many; first pages")
    parser.add_argument("--only", default="", help="cases whose names have this")
    parser.add_argument("--answer", action="store_true", help="ask the database of DATABASE_URL what stdin says")
    given = parser.parse_args(arguments)
    start_django()
    if given.answer:
        _answer()
        return 0
    from bench.filled import database

    numbers = given.jobs or [FEW, MANY_QUICK if given.quick else MANY]
    addresses = [database(jobs, given.database) for jobs in numbers]
    with _answering(addresses[0]) as few, _answering(addresses[1]) as many:
        seen = _compare(few, many, given.quick, given.only)
    return _print(numbers, seen)


# Who answers: a process for each database, for Django knows one


@contextmanager
def _answering(address: str) -> Iterator[subprocess.Popen[str]]:
    environment = {**os.environ, **ASKED_OFTEN, "DATABASE_URL": address}
    command = [sys.executable, "-m", "bench.history", "--answer"]
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            _pipe(process.stdin).close()


def _answer() -> None:
    """First the names of the cases, then for each name that comes in the seconds and the rows of the page."""
    from django.test import Client

    from bench.cases import all_cases

    cases = {f"{case.part}|{case.name}": case for case in all_cases()}
    clients = {user: _client(Client, user) for user in {case.user for case in cases.values()}}
    sys.stdout.write(json.dumps(list(cases)) + "\n")
    sys.stdout.flush()
    for line in sys.stdin:
        case = cases[line.strip()]
        begun = time.perf_counter()
        response = clients[case.user].get(case.url, follow=True)
        seconds = time.perf_counter() - begun
        if response.status_code not in (200, 503):  # readiness tells that no worker runs here
            raise RuntimeError(f"{case.url} answers {response.status_code}.")
        sys.stdout.write(json.dumps([seconds, response.content.count(case.rows)]) + "\n")
        sys.stdout.flush()


def _client(client: Any, name: str) -> Any:
    from django.contrib.auth.models import User

    made = client(SERVER_NAME="127.0.0.1")
    made.force_login(User.objects.get(username=name))
    return made


# Who asks


def _compare(few: Any, many: Any, is_quick: bool, only: str) -> dict[str, tuple[Seen, Seen]]:
    names = [name for name in json.loads(_pipe(many.stdout).readline()) if only in name]
    known = set(json.loads(_pipe(few.stdout).readline()))
    asked = [name for name in names if name in known and not (is_quick and ", page" in name)]
    return {name: _both(few, many, name, 1 if is_quick else ROUNDS) for name in asked}


def _both(few: Any, many: Any, name: str, rounds: int) -> tuple[Seen, Seen]:
    for process in (few, many):
        _ask(process, name)  # what a process does once is done now
    seen = [[_ask(process, name) for process in (few, many)] for _round in range(rounds)]
    return tuple(Seen([seconds for seconds, _rows in side], side[0][1]) for side in zip(*seen, strict=True))  # type: ignore[return-value]


def _ask(process: Any, name: str) -> tuple[float, int]:
    _pipe(process.stdin).write(f"{name}\n")
    _pipe(process.stdin).flush()
    seconds, rows = json.loads(_pipe(process.stdout).readline())
    return seconds, rows


def _pipe(pipe: IO[str] | None) -> IO[str]:
    if pipe is None:
        raise RuntimeError("There is no pipe to the process that answers.")
    return pipe


# What is told


def _print(numbers: list[int], seen: dict[str, tuple[Seen, Seen]]) -> int:
    few, many = (f"{number:,} jobs" for number in numbers)
    sys.stdout.write(f"| page | {many} | {few} | ratio | budget | reached |\n|---|--:|--:|--:|--:|---|\n")
    is_over = False
    for name, (before, now) in seen.items():
        yardstick = before.ms + _missing_rows(name, before, now, seen)
        ratio = now.ms / yardstick
        is_over |= ratio > BUDGET
        told = f"{name.replace('|', ': ')} | {now.ms:.1f} ms, {now.rows} rows | {before.ms:.1f} ms, {before.rows} rows"
        sys.stdout.write(f"| {told} | {ratio:.2f} | {BUDGET} | {'yes' if ratio <= BUDGET else 'NO'} |\n")
    return int(is_over)


def _missing_rows(name: str, before: Seen, now: Seen, seen: dict[str, tuple[Seen, Seen]]) -> float:
    """Milliseconds for the rows that few jobs could not fill, by the fullest and the emptiest page of the part."""
    part = [few for other, (few, _many) in seen.items() if other.split("|")[0] == name.split("|")[0]]
    fullest, emptiest = max(part, key=lambda one: one.rows), min(part, key=lambda one: one.rows)
    if fullest.rows == emptiest.rows:
        return 0.0
    return (now.rows - before.rows) * (fullest.ms - emptiest.ms) / (fullest.rows - emptiest.rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
