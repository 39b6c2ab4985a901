"""The faults a sandbox has been told to do: which are active, and whose turn it is."""

from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass
from typing import Any

from sandbox.kinds import KINDS, Layer


class UnknownFaultError(ValueError):
    """A description of a fault that makes none; the text says what is known instead."""


@dataclass(eq=False)
class Fault:
    """One active fault.

    `times` counts down the calls (for some layers the requests) it is for, None lasts until cleared;
    `after` counts down the matching calls to spare before.
    """

    kind: str
    on: str
    times: int | None
    after: int
    request_id: str | None
    options: dict[str, Any]

    @property
    def layer(self) -> Layer:
        return KINDS[self.kind].layer

    def matches(self, point: str, request_id: str | None) -> bool:
        return self.on == point and self.request_id in (None, request_id)

    def spend(self) -> None:
        if self.times is not None:
            self.times -= 1

    def described(self) -> dict[str, Any]:
        """Return the fault as it was told, with what is left of `times` and `after`."""
        plain = asdict(self)
        return plain | plain.pop("options")


def parse(told: object) -> Fault:
    """Read one fault as told in JSON; raise UnknownFaultError when it makes none."""
    if not isinstance(told, dict) or told.get("kind") not in list(KINDS):  # a list: it may be unhashable
        raise UnknownFaultError(f"unknown kind of fault, known are: {', '.join(sorted(KINDS))}")
    name, kind = told["kind"], KINDS[told["kind"]]
    options = {key: value for key, value in told.items() if key not in _COMMON}
    if unknown := options.keys() - kind.options.keys():
        raise UnknownFaultError(f"{name} takes no {sorted(unknown)}, its options are {sorted(kind.options)}")
    fault = Fault(
        kind=name,
        on=told.get("on", kind.points[0]),
        times=told.get("times", 1),
        after=told.get("after", 0),
        request_id=told.get("request_id"),
        options={**kind.options, **options},
    )
    _check(fault)
    return fault


class Faults:
    """The active faults, oldest first."""

    def __init__(self) -> None:
        self._active: list[Fault] = []

    def add(self, faults: Collection[Fault]) -> None:
        self._active.extend(faults)

    def clear(self) -> None:
        self._active.clear()

    def described(self) -> list[dict[str, Any]]:
        return [fault.described() for fault in self._active]

    def take(self, layer: Layer, point: str, request_id: str | None, kinds: Collection[str] = KINDS) -> Fault | None:
        """Return the fault whose turn it is in this layer of this call, if any, and count it as done."""
        due = self._due(layer, point, request_id, kinds)
        return self._spent(due[0]) if due else None

    def take_all(self, layer: Layer, point: str, request_id: str | None, kinds: Collection[str]) -> list[Fault]:
        """Return every fault due in this layer of this call, and count each as done."""
        return [self._spent(fault) for fault in self._due(layer, point, request_id, kinds)]

    def _due(self, layer: Layer, point: str, request_id: str | None, kinds: Collection[str]) -> list[Fault]:
        due = []
        for fault in self._active:
            if fault.layer is layer and fault.kind in kinds and fault.matches(point, request_id):
                if fault.after:
                    fault.after -= 1
                else:
                    due.append(fault)
        return due

    def _spent(self, fault: Fault) -> Fault:
        fault.spend()
        if fault.times == 0:
            self._active.remove(fault)
        return fault


_COMMON = ("kind", "on", "times", "after", "request_id")


def _check(fault: Fault) -> None:
    points = KINDS[fault.kind].points
    if fault.on not in points:
        raise UnknownFaultError(f"{fault.kind} can be on {', '.join(points)}, not on {fault.on}")
    if fault.times is not None and not _whole(fault.times, at_least=1):
        raise UnknownFaultError(f"{fault.kind}: times must be a whole number above 0, or null")
    if not _whole(fault.after, at_least=0):
        raise UnknownFaultError(f"{fault.kind}: after must be a whole number, 0 or more")
    for name, value in fault.options.items():
        if name in _OPTION_RULES and not _OPTION_RULES[name][0](value):
            raise UnknownFaultError(f"{fault.kind}: {name} must be {_OPTION_RULES[name][1]}")


def _whole(value: object, at_least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= at_least


def _is_printable(value: object) -> bool:
    return isinstance(value, str) and value.isascii() and value.isprintable() and value != ""


_SECONDS = (lambda value: (isinstance(value, float) and 0 <= value < 1e6) or _whole(value, 0), "a number, 0 or more")
_COUNT = (lambda value: _whole(value, at_least=0), "a whole number, 0 or more")
_TEXT = (_is_printable, "printable ASCII text")
_OPTION_RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "seconds": _SECONDS,
    "keep": _COUNT,
    "bytes": _COUNT,
    "code": _COUNT,
    "status": (lambda value: _whole(value, at_least=200) and value < 600, "a whole number from 200 to 599"),
    "retry_after": (
        lambda value: value is None or _whole(value, at_least=0) or _is_printable(value),
        "seconds, a date, or null",
    ),
    "word": _TEXT,
    "host": _TEXT,
    "location": _TEXT,
    "content_type": _TEXT,
}
