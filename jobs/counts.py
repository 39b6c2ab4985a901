"""What this process has done since it last wrote it down: numbers that only grow, for /metrics.

Counting is a dictionary's matter, so that it costs a poll nothing; `models.Count` adds the sums to those of all other
processes now and then. Who is killed in between takes a few seconds' worth along.
"""

import threading
from collections import Counter
from typing import Final

# Upper bounds in seconds of the histogram of times; what took longer is counted under "inf".
BOUNDS: Final = (1, 5, 15, 60, 300, 900, 3600, 14400, 86400)

_lock = threading.Lock()
_waiting: Counter[str] = Counter()


def add(name: str, by: float = 1, /, **labels: str) -> None:
    """Count under `name` and these labels; their values must be few, for each is a row for ever."""
    key = "|".join([name, *(f"{label}={value}" for label, value in labels.items())])
    with _lock:
        _waiting[key] += by  # type: ignore[assignment]  # typeshed knows whole numbers alone


def add_time(name: str, seconds: float, **labels: str) -> None:
    """One more in a histogram of times."""
    within = next((str(bound) for bound in BOUNDS if seconds <= bound), "inf")
    add(name, **labels, le=within)
    add(f"{name}_sum", max(0.0, seconds), **labels)


def take() -> dict[str, float]:
    """All that was counted and not taken yet."""
    with _lock:
        taken: dict[str, float] = dict(_waiting)
        _waiting.clear()
    return taken


def give_back(taken: dict[str, float]) -> None:
    """What could not be written is written the next time."""
    with _lock:
        _waiting.update(taken)
