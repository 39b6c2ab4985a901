"""What goes wrong, drawn from seeded dice: processes killed with SIGKILL, and a provider that misbehaves."""

import random
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from tests.processes import kill

from .processes import House

PAUSES = 0.1, 0.8
KILLS = [(6, "queue process"), (1, "queue"), (2, "worker and queue"), (1, "worker"), (2, "web process"), (1, "web")]
LOSSES = [(1, "machine with its disk")]  # where nobody else needs that disk
FAULTS = [
    (2, {"kind": "reset_after_accept"}),
    (1, {"kind": "unreadable_accept"}),
    (1, {"kind": "reset", "on": "submit"}),
    # The longer a submit takes, the likelier a kill falls into it.
    (6, {"kind": "slow_accept", "seconds": 1.5}),
    (2, {"kind": "http_429", "on": "submit", "retry_after": 1}),
    (2, {"kind": "http_429", "retry_after": 1}),
    (2, {"kind": "http_503", "times": 3}),
    (1, {"kind": "html"}),
    (1, {"kind": "truncated_json"}),
    (1, {"kind": "hang_before_headers", "seconds": 2}),
    (1, {"kind": "status_backwards"}),
    (1, {"kind": "http_500", "on": "result"}),
    (1, {"kind": "not_ready"}),
    (2, {"kind": "truncated_image"}),
    (2, {"kind": "expired_url"}),
    (2, {"kind": "reset", "on": "output", "times": 2}),
    (1, {"kind": "zero_bytes"}),
    (4, {"kind": "slow_trickle", "seconds": 1.5}),
    (1, {"kind": "failed"}),
]


class Deck:
    """Cards in random order, each as often as it is in the deck: a short soak, too, sees nearly all of them."""

    def __init__(self, cards: list[tuple[int, Any]], dice: random.Random):
        self.cards = [card for count, card in cards for _ in range(count)]
        self.dice, self.left = dice, []

    def draw(self) -> Any:
        self.left = self.left or self.dice.sample(self.cards, len(self.cards))
        return self.left.pop()


class Trouble:
    def __init__(self, house: House, seed: int):
        self.house, self.dice = house, random.Random(seed)
        kills = KILLS + LOSSES if house.place.has_own_disks else KILLS
        self.next_kill, self.next_fault = Deck(kills, self.dice), Deck(FAULTS, self.dice)
        self.kills: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()

    def make(self, is_over: Callable[[], bool]) -> None:
        """Kill and disturb, and start again what was killed, until `is_over`."""
        while not is_over():
            time.sleep(self.dice.uniform(*PAUSES))
            self.house.revive()
            self.dice.choice([self._kill, self._disturb])()

    def _kill(self) -> None:
        kind = self.next_kill.draw()
        victims = self._victims(kind)
        for pid in victims:
            kill(pid)
        self.kills[kind] += bool(victims)

    def _victims(self, kind: str) -> list[int]:
        worker = self.dice.choice(self.house.workers)
        match kind:
            case "web":
                return self.house.web.family()
            case "web process":
                return self._one_of(self.house.web.family()[1:])
            case "machine with its disk":
                return self.house.lose(worker)
            case "worker and queue":
                return worker.family()
            case "worker":
                return worker.family()[:1]
            case "queue":
                return worker.family()[1:2]
        return self._one_of(worker.family()[2:])

    def _one_of(self, family: list[int]) -> list[int]:
        return [self.dice.choice(family)] if family else []

    def _disturb(self) -> None:
        fault = self.next_fault.draw()
        self.house.misbehave(fault)
        self.faults[" on ".join(fault[key] for key in ("kind", "on") if key in fault)] += 1
