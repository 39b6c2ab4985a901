"""Repeatable chance: the same key gives the same throws, on every machine and Python."""

from collections.abc import Sequence
from hashlib import sha256
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """A row of throws drawn from a digest of `key`."""

    def __init__(self, *key: object) -> None:
        self._key = repr(key).encode()
        self._throws = 0

    def between(self, low: float, high: float) -> float:
        """Return a number with low <= number < high."""
        self._throws += 1
        digest = sha256(self._key + self._throws.to_bytes(4, "big")).digest()
        return low + (high - low) * int.from_bytes(digest[:4], "big") / 2**32

    def choice(self, options: Sequence[T]) -> T:
        """Return one of the options."""
        return options[int(self.between(0, len(options)))]
