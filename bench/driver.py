"""`python -m bench.driver [--database postgres] [--quick]`: one driver against a bare loop of asyncio and httpx.

Both ask the same provider for the same requests, in turns; what is counted are the provider's polls, and the CPU of the
whole process. A driver's window holds one hand-over to its next run.
"""

import argparse
import statistics
import sys
import time
from dataclasses import dataclass
from typing import NamedTuple

from bench import home
from bench.lines import Line, show, spread
from bench.meter import Measured

ROUNDS, BARE_SECONDS, DRIVER_SECONDS = 3, 8.0, 20.0
AS_MANY, CPU, STATEMENTS, MEMORY = 0.95, 1.15, 20, 64


class Case(NamedTuple):
    jobs: int
    interval: float


CASES, QUICK = [Case(1000, 2), Case(5000, 5)], [Case(1000, 2)]


@dataclass(frozen=True)
class Window:
    """What happened in some seconds: polls a second, CPU milliseconds a poll, statements a second, MB."""

    rate: float
    cpu: float
    statements: float
    writes: float
    memory: float


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="bench.driver", description=__doc__)
    parser.add_argument("--database", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args(arguments)
    rounds, seconds = (1, (3.0, 3.0)) if given.quick else (ROUNDS, (BARE_SECONDS, DRIVER_SECONDS))
    lines = []
    with home.home(given.database) as provider:
        for case in QUICK if given.quick else CASES:
            pairs = [_pair(case, provider, *seconds) for _ in range(rounds)]
            lines += _lines(case, [bare for bare, _ours in pairs], [ours for _bare, ours in pairs])
    return show(lines)


def _pair(case: Case, provider: Measured, bare_seconds: float, driver_seconds: float) -> tuple[Window, Window]:
    url = provider.hello["url"]
    with Measured("bench.bare", url, "--jobs", case.jobs, "--interval", case.interval) as bare:
        of_bare = _watched(bare, provider, case.interval + 1, bare_seconds)
    home.fill_with_endless(case.jobs)
    settings = {"DRIVE_CAPACITY": str(case.jobs), "RUNCOMFY_POLL_SECONDS": str(case.interval)}
    with Measured("bench.one_driver", **settings) as driver:
        return of_bare, _watched(driver, provider, case.interval + 2, driver_seconds)


def _watched(process: Measured, provider: Measured, warm_up: float, seconds: float) -> Window:
    idle = process.figures()
    time.sleep(warm_up)
    begun, before, polls = time.monotonic(), process.figures(), provider.figures()["polls"]
    time.sleep(seconds)
    after, polls = process.figures(), provider.figures()["polls"] - polls
    took = time.monotonic() - begun
    cpu = (after["cpu"] - before["cpu"]) * 1000 / polls
    statements, writes = ((after.get(name, 0) - before.get(name, 0)) / took for name in ("statements", "writes"))
    return Window(polls / took, cpu, statements, writes, after["peak"] - idle["peak"])


def _lines(case: Case, bare: list[Window], ours: list[Window]) -> list[Line]:
    what = f"{case.jobs:,} jobs, a poll each {case.interval:g} s"
    return [
        _compared(f"{what}: polls/s", [it.rate for it in ours], [it.rate for it in bare], 0, AS_MANY),
        _compared(f"{what}: CPU ms a poll", [it.cpu for it in ours], [it.cpu for it in bare], 2, CPU),
        _limited(f"{what}: statements/s, reads and writes", [it.statements for it in ours], STATEMENTS),
        _limited(f"{what}: of these, writes/s", [it.writes for it in ours], STATEMENTS),
        _limited(f"{what}: MB above an idle worker", [it.memory for it in ours], MEMORY),
    ]


def _compared(what: str, ours: list[float], bare: list[float], digits: int, budget: float) -> Line:
    """Round by round: what the machine does beside it changes more slowly than the turns."""
    ratios = [mine / its for mine, its in zip(ours, bare, strict=True)]
    is_least = budget < 1
    middle = statistics.median(ratios)
    limit = f"{'≥' if is_least else '≤'} {budget:g}"
    is_reached = middle >= budget if is_least else middle <= budget
    return Line(what, spread(ours, digits), spread(bare, digits), spread(ratios), limit, is_reached)


def _limited(what: str, ours: list[float], budget: float) -> Line:
    return Line(what, spread(ours, 1), "", "", f"≤ {budget:g}", statistics.median(ours) <= budget)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
