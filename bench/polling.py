"""`python -m bench.polling [--jobs 3000] [--seeds 1 2 3] [--quick]`: status calls and lateness of our poll times
against a look every 2 s; 1 when either is worse.

Nothing waits here: the clock is made up, and the moments of the looks come from the function that drivers ask.
"""

import argparse
import bisect
import heapq
import itertools
import math
import random
import statistics
import sys
import uuid
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from bench.fill import start_django

FIXED_SECONDS = 2.0
CALL_SECONDS, HANDOVER_SECONDS, TABLE_SECONDS = 0.15, 0.4, 60
SLOTS = 8  # that RunComfy runs of one account at once
LOADS = {"quiet": 0.2, "busy": 0.6, "crowded": 0.9}  # how much of the slots is used
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
# How often which number of pictures is asked for; "standard" takes longer than "fast".
COUNTS, QUALITIES = {1: 5, 2: 6, 3: 12, 4: 6, 6: 3, 10: 2, 15: 1}, {"fast": 1.0, "standard": 1.6}


@dataclass
class Fate:
    """What becomes of one job, in seconds of the made-up clock."""

    quality: str
    count: int
    accepted: float
    started: float = 0.0
    ended: float = 0.0
    is_good: bool = True
    calls: int = 0
    late: float = 0.0
    id: uuid.UUID = field(default_factory=uuid.uuid4)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="bench.polling", description=__doc__)
    parser.add_argument("--jobs", type=int, default=3000, help="for each load and seed")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--quick", action="store_true", help="one seed")
    given = parser.parse_args(arguments)
    seeds = [1] if given.quick else given.seeds
    start_django()
    sys.stdout.write("| | waits for | status calls a job | late, mean | late, p95 |\n|---|---|---|---|---|\n")
    verdicts = [_compare(name, load, given.jobs, seeds) for name, load in LOADS.items()]
    sys.stdout.write(f"\nBetter in all of them: {'yes' if all(verdicts) else 'NO'}.\n")
    return 0 if all(verdicts) else 1


def _compare(name: str, load: float, jobs: int, seeds: list[int]) -> bool:
    figures = {}
    for policy in (Fixed, Ours):
        fates = [fate for seed in seeds for fate in _follow(_fates(load, jobs, random.Random(seed)), policy())]  # noqa: S311
        late = sorted(fate.late for fate in fates)
        means = [statistics.mean(values) for values in ([fate.calls for fate in fates], late)]
        figures[policy] = (*means, late[math.ceil(0.95 * len(late)) - 1])
        took = statistics.mean(fate.ended - fate.accepted for fate in fates)
        calls, *lateness = figures[policy]
        told = " | ".join(f"{seconds:.2f} s" for seconds in lateness)
        sys.stdout.write(f"| {name}, {policy.__doc__} | {took:.0f} s | {calls:.1f} | {told} |\n")
    return all(ours < fixed for ours, fixed in zip(figures[Ours], figures[Fixed], strict=True))


def _fates(load: float, jobs: int, dice: random.Random) -> list[Fate]:
    """As RunComfy might treat them: they come in bursts and queue for the slots, a slot that was idle starts cold, some
    fail at once, and a few take many times as long as their like."""
    free, now, fates = [0.0] * SLOTS, 0.0, list[Fate]()
    usual = statistics.mean(_median(*kind) for kind in _kinds(1000, dice))
    while len(fates) < jobs:
        burst = 1 + int(dice.expovariate(1 / 3))
        now += dice.expovariate(load * SLOTS / usual / 4)
        for quality, count in _kinds(burst, dice):
            fate = Fate(quality, count, now + dice.uniform(0, 2), id=uuid.UUID(int=dice.getrandbits(128)))
            idle_since = heapq.heappop(free)
            cold = dice.lognormvariate(math.log(25), 0.4) if fate.accepted - idle_since > 180 else 0.0
            fate.started = max(fate.accepted + dice.uniform(0.3, 1.5), idle_since) + cold
            fate.is_good = dice.random() > 0.02
            fate.ended = fate.started + (_run_seconds(fate, dice) if fate.is_good else dice.uniform(0.5, 5))
            heapq.heappush(free, fate.ended)
            fates.append(fate)
    return fates


def _kinds(number: int, dice: random.Random) -> Iterator[tuple[str, int]]:
    return zip(
        dice.choices(list(QUALITIES), [2, 1], k=number),
        dice.choices(list(COUNTS), list(COUNTS.values()), k=number),
        strict=True,
    )


def _median(quality: str, count: int) -> float:
    return (7 + 5 * count) * QUALITIES[quality]


def _run_seconds(fate: Fate, dice: random.Random) -> float:
    seconds = _median(fate.quality, fate.count) * dice.lognormvariate(0, 0.3)
    return seconds * dice.uniform(2, 5) if dice.random() < 0.02 else seconds


class Fixed:
    """every 2 s"""

    def after(self, job: Any, now: float) -> float:
        return now + FIXED_SECONDS - CALL_SECONDS

    def learn(self, job: Any, now: float) -> None:
        """It does not."""


class Ours:
    """ours"""

    def __init__(self) -> None:
        from django.conf import settings

        from jobs.steps import polling

        self.polling, self.run_seconds = polling, settings.DRIVE_SECONDS
        self.usual: dict[tuple[str, int], Any] = {}
        self.seen: dict[tuple[str, int], Any] = defaultdict(lambda: (deque(maxlen=50), deque(maxlen=50)))
        self.told_at = -math.inf

    def after(self, job: Any, now: float) -> float:
        """As drivers do it that take over from each other."""
        self._tell(now)
        following = now + self.polling.poll_pause(job, self.usual, _moment(now))
        while (end := (now // self.run_seconds + 1) * self.run_seconds) < following:
            now = end + HANDOVER_SECONDS
            following = now + self.polling.first_pause(job, self.usual, _moment(now))
        return following

    def learn(self, job: Any, now: float) -> None:
        whole, run = self.seen[job.optimize_prompt_options, job.sequential_image_generation_options]
        whole.append((_moment(now) - job.accepted_at).total_seconds())
        if job.started_at:
            run.append((_moment(now) - job.started_at).total_seconds())

    def _tell(self, now: float) -> None:
        from jobs.poll_times import Span, Usual

        if now - self.told_at > TABLE_SECONDS:
            self.told_at = now
            self.usual = {kind: Usual(Span.of(whole), Span.of(run)) for kind, (whole, run) in self.seen.items()}


def _follow(fates: list[Fate], policy: Fixed | Ours) -> list[Fate]:
    """Look at all jobs, in the order of time, until each was seen to have ended."""
    place, number = _places(fates), itertools.count()
    due = [(fate.accepted, next(number), fate, _job(fate)) for fate in fates]
    heapq.heapify(due)
    while due:
        now, _number, fate, job = heapq.heappop(due)
        if now > fate.accepted:
            fate.calls += 1
            now += CALL_SECONDS
            if _is_seen_to_end(fate, job, now, place):
                if fate.is_good:
                    policy.learn(job, now)
                continue
        heapq.heappush(due, (policy.after(job, now), next(number), fate, job))
    return fates


def _is_seen_to_end(fate: Fate, job: Any, now: float, place: Callable[[Fate, float], int]) -> bool:
    """What an answer told that was given a moment before."""
    asked = now - CALL_SECONDS
    if asked >= fate.ended:
        fate.late = now - fate.ended
        return True
    if asked >= fate.started and not job.started_at:
        job.state, job.started_at = "in_progress", _moment(now)
    job.queue_position = place(fate, asked) if asked < fate.started else None
    return False


def _places(fates: list[Fate]) -> Callable[[Fate, float], int]:
    accepted, started = sorted(fate.accepted for fate in fates), sorted(fate.started for fate in fates)
    return lambda fate, now: max(bisect.bisect(accepted, fate.accepted) - bisect.bisect(started, now), 1)


def _job(fate: Fate) -> Any:
    from jobs.models import Job

    return Job(
        id=fate.id,
        state="in_queue",
        accepted_at=_moment(fate.accepted),
        optimize_prompt_options=fate.quality,
        sequential_image_generation_options=fate.count,
    )


def _moment(seconds: float) -> datetime:
    return EPOCH + timedelta(seconds=seconds)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
