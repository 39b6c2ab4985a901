"""Lines of results: what was measured, against which yardstick, and whether it is within its budget."""

import statistics
import sys
from collections.abc import Iterable
from dataclasses import dataclass

HEAD = "| what | ours | yardstick | ratio | budget | reached |\n|---|--:|--:|--:|---|---|\n"


@dataclass(frozen=True)
class Line:
    what: str
    ours: str
    yardstick: str
    ratio: str
    budget: str = ""
    is_reached: bool = True

    @property
    def verdict(self) -> str:
        if not self.budget:
            return ""
        return "yes" if self.is_reached else "**NO**"


def measured(
    what: str,
    ours: float,
    yardstick: float,
    unit: str,
    value: float,
    budget: float,
    *,
    is_floor: bool = False,
    of: str = "",
) -> Line:
    """A line of figures: `ours` and `yardstick` in `unit`; the budget is about `value`, a ratio or in the unit `of`."""
    sign, unit_of = ("≥" if is_floor else "≤"), f" {of}" if of else ""
    is_reached = value >= budget if is_floor else value <= budget
    figures = (f"{ours:.4g} {unit}", f"{yardstick:.4g} {unit}", f"{value:.3g}{unit_of}")
    return Line(what, *figures, f"{sign} {budget:g}{unit_of}", is_reached)


def show(lines: Iterable[Line]) -> int:
    """Print them as Markdown; 1 when one is over its budget."""
    lines = list(lines)
    sys.stdout.write(HEAD)
    for line in lines:
        cells = (line.what, line.ours, line.yardstick, line.ratio, line.budget, line.verdict)
        sys.stdout.write(f"| {' | '.join(cells)} |\n")
    return 0 if all(line.is_reached for line in lines) else 1


def spread(values: list[float], digits: int = 2) -> str:
    """The median, and from where to where the rounds went."""
    middle = f"{statistics.median(values):,.{digits}f}"
    return middle if len(values) == 1 else f"{middle} ({min(values):,.{digits}f}–{max(values):,.{digits}f})"
