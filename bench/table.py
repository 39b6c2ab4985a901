"""What a benchmark prints: each line measured, its yardstick, their ratio, and the budget."""

import sys
from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """`ours` and `yardstick` are in `unit`; `value` is what the budget is about, which is a least one if `is_floor`."""

    what: str
    ours: float
    yardstick: float
    unit: str
    value: float
    budget: float
    is_floor: bool = False
    of: str = ""  # the unit of value and budget; empty for a ratio

    @property
    def is_reached(self) -> bool:
        return self.value >= self.budget if self.is_floor else self.value <= self.budget

    def __str__(self) -> str:
        sign, reached = "≥" if self.is_floor else "≤", "yes" if self.is_reached else "NO"
        of = f" {self.of}" if self.of else ""
        figures = f"{self.ours:.4g} {self.unit} | {self.yardstick:.4g} {self.unit} | {self.value:.3g}{of}"
        return f"| {self.what} | {figures} | {sign} {self.budget:g}{of} | {reached} |"


def write(lines: list[Line]) -> int:
    """The exit code: 1 when a budget is not kept."""
    sys.stdout.write("| what | ours | yardstick | ratio | budget | reached |\n|---|--:|--:|--:|--:|---|\n")
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return int(not all(line.is_reached for line in lines))
