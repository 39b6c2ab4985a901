"""When to look at a request next: rarely while it can hardly be done, often while it is due, less and less often when
it is late.

The moments follow from what a job's row says, shifted by a phase of the job's own. So a driver that takes a job over
goes on where the last one was, and jobs that began together are not looked at together.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median
from typing import Self

FEWEST = 5  # finished jobs that a spread can be told of
LEAST_SPREAD = 0.08
NEARLY_ALL = 2.5  # spreads to either side of the median
# In units of the usual pause: while a job can hardly be done, while it is due, and at the longest
RARE, DUE, LONGEST, LEAST = 4.0, 0.75, 8.0, 0.25
QUEUE_LOOKS = 3  # in the time that the soonest job takes, so that one which began unseen is seen before it can be done
LATE_PART, OLD_PART = 25, 30  # of how late, or how old, it is: the longer it took, the less a moment matters


@dataclass(frozen=True)
class Span:
    """From which age to which, in seconds, nearly all jobs of one kind end."""

    soonest: float
    latest: float

    @classmethod
    def of(cls, seconds: Iterable[float]) -> Self | None:
        """Told by the median and the spread of how long others took; None while there are too few."""
        logs = sorted(math.log(took) for took in seconds if took > 0)
        if len(logs) < FEWEST:
            return None
        # Times grow by factors, not by summands; a few that took very long say little about all others.
        spread = (_quantile(logs, 0.84) - _quantile(logs, 0.16)) / 2
        spread = max(spread, LEAST_SPREAD) * (1 + 2 / len(logs))
        return cls(math.exp(median(logs) - NEARLY_ALL * spread), math.exp(median(logs) + NEARLY_ALL * spread))


@dataclass(frozen=True)
class Usual:
    """When jobs of one kind end, counted from their acceptance, and from when they were first seen to run."""

    whole: Span | None = None
    run: Span | None = None


def next_look(usual: Usual | None, base: float, phase: float, age: float, ran: float | None, ahead: int) -> float:
    """Seconds from an age to the next look: `age` since the acceptance, `ran` since the job was first seen to run,
    `ahead` its place in the queue, `base` the usual pause, `phase` between 0 and 1."""
    if usual is None or usual.whole is None:
        return _backing_off(base, phase, age, age / OLD_PART)
    if usual.run is None:
        return _near(usual.whole, base, phase, age)
    if ran is not None:
        return _near(usual.run, base, phase, ran)
    return max(_following(age, _queue_gap(usual.run, base, age, ahead), phase) - age, LEAST * base)


def _queue_gap(run: Span, base: float, age: float, ahead: int) -> float:
    """Who has others ahead can begin only after them, and is looked at less often."""
    gap = run.soonest / QUEUE_LOOKS * min(max(ahead, 1), QUEUE_LOOKS)
    return min(max(base, gap), max(RARE * base, _backed_off(base, age / OLD_PART)))


def _near(span: Span, base: float, phase: float, age: float) -> float:
    if age > span.latest:
        return _backing_off(base, phase, age, (age - span.latest) / LATE_PART)
    due = _following(max(age, span.soonest), DUE * base, phase, span.soonest)
    following = due if age >= span.soonest else min(due, _following(age, RARE * base, phase))
    return max(following - age, LEAST * base)


def _backing_off(base: float, phase: float, age: float, seconds: float) -> float:
    """At moments of the job's own: counted from when a driver takes a job over, a pause could be longer than each of
    them has it, and nobody would ever look."""
    gap = _backed_off(base, seconds)
    return max(_following(age, gap, phase * LONGEST * base / gap) - age, LEAST * base)


def _backed_off(base: float, seconds: float) -> float:
    """Doubled, so that the moments of long gaps are some of those of short ones."""
    return base * 2 ** int(math.log2(min(max(seconds / base, 1), LONGEST)))


def _following(age: float, gap: float, phase: float, begin: float = 0.0) -> float:
    """The first moment after `age` of those that lie a gap apart."""
    return begin + (math.floor((age - begin) / gap - phase) + 1 + phase) * gap


def _quantile(ordered: list[float], part: float) -> float:
    return ordered[round(part * (len(ordered) - 1))]
