"""Stacked bars as numbers for an SVG: where each rectangle, line and label stands. The template draws them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

WIDTH, HEIGHT = 660, 200
LEFT, TOP, BOTTOM = 40, 12, 20
GAP = 0.25  # of a bar's place
STEPS = 4


@dataclass(frozen=True)
class Line:
    y: str
    value: Decimal


@dataclass(frozen=True)
class Bar:
    """`parts` are (class, y, height) from the bottom up; only every third has a `label`."""

    x: str
    width: str
    middle: str
    label: str
    parts: list[tuple[str, str, str]]


@dataclass(frozen=True)
class Chart:
    lines: list[Line]
    bars: list[Bar]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    foot: int = HEIGHT - 4


def stacked(values: Sequence[Sequence[Decimal]]) -> Chart:
    """A bar for each entry of `values`, its parts stacked in their order."""
    step = round_step(max((sum(parts, Decimal(0)) for parts in values), default=Decimal(0)))
    top = step * STEPS
    lines = [Line(_svg(_y(step * number, top)), step * number) for number in range(STEPS + 1)]
    return Chart(lines, [_bar(at, parts, top, len(values)) for at, parts in enumerate(values)])


def round_step(highest: Decimal) -> Decimal:
    """1, 2, 2.5 or 5 times a power of ten, so that STEPS of it hold `highest`."""
    least = highest / STEPS or Decimal(1)
    power = Decimal(10) ** math.floor(least.log10())
    return next(power * factor for factor in map(Decimal, ("1", "2", "2.5", "5", "10")) if power * factor >= least)


def _bar(at: int, parts: Sequence[Decimal], top: Decimal, count: int) -> Bar:
    place = (WIDTH - LEFT) / count
    x, width = LEFT + place * (at + GAP / 2), place * (1 - GAP)
    drawn, below = [], Decimal(0)
    for number, value in enumerate(parts, start=1):
        if value:
            y = _y(below + value, top)
            drawn.append((f"k{number}", _svg(y), _svg(_y(below, top) - y)))
        below += value
    label = str(at + 1) if at % 3 == 0 else ""
    return Bar(_svg(x), _svg(width), _svg(x + width / 2), label, drawn)


def _y(value: Decimal, top: Decimal) -> float:
    return HEIGHT - BOTTOM - float(value / top) * (HEIGHT - BOTTOM - TOP)


def _svg(number: float) -> str:
    """With a point in every language."""
    return f"{number:.2f}"
