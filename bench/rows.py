"""The rows of a team's jobs, of a seeded dice: tuples as either database takes them, in the order of COLUMNS."""

import functools
import hashlib
import json
import random
import uuid
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bench import prompts

COLUMNS = {
    "Picture": ("id", "sha256", "file", "content_type", "width", "height", "size", "created_at", "color", "widths",
                "sized_at"),
    "Job": ("id", "owner_id", "parent_id", "created_at", "text", "sequential_image_generation_options", "image_size",
            "optimize_prompt_options", "sequential_image_generation", "state", "reason", "moved_at", "pending_since",
            "submitted_at", "accepted_at", "started_at", "delivered_at", "finished_at", "attempt", "request_id",
            "provider_status", "result", "estimate_usd", "cost_usd"),
    "JobInput": ("job_id", "picture_id", "position", "name"),
    "SearchEntry": ("job_id", "words"),
    "Output": ("id", "job_id", "position", "kind", "file", "sha256", "content_type", "width", "height", "size",
               "source_url", "review", "decision_id", "stored_at", "color", "widths", "sized_at"),
    "JobEvent": ("job_id", "at", "verb", "from_state", "to_state", "actor_id", "data"),
    "ReviewDecision": ("id", "act", "output_id", "reviewer_id", "at", "verdict", "reason_id", "replaces_id",
                       "undoes_id"),
    "WebhookDelivery": ("id", "endpoint_id", "event_id", "event", "payload", "created_at", "state", "attempts",
                        "next_at", "code", "delivered_at"),
}  # fmt: skip
Rows = dict[str, list[tuple[Any, ...]]]

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 (like all times here: UTC without a zone)
# In percent. Between them and the active ones every filter finds full pages.
ENDS = {"completed": 91.9, "failed": 5, "cancelled": 3, "unconfirmed": 0.1}
ACTIVE = ("pending", "in_queue", "in_progress", "mirroring")
AT_WORK = 60  # the newest jobs, which have not ended
REASONS = {"model_failed": 70, "refused": 20, "lost_output": 5, "deadline": 5}
REVIEWS = {"approved": 60, "rejected": 10, "unreviewed": 30}
SIZES = {"2048:2048 (1:1)": (2048, 2048), "2304:1728 (4:3)": (2304, 1728), "1728:2304 (3:4)": (1728, 2304)}
COUNTS, INPUTS = {1: 25, 2: 20, 3: 10, 4: 35, 6: 10}, {1: 70, 2: 20, 3: 10}
WIDTHS = json.dumps([320, 640, 1600])
NEW_PICTURE, RECENT = 0.4, 500  # how often an input was never used before; among how many the others are
RERUN, PRICED, REPLACED = 0.1, 0.8, 0.02
STEPS = (
    ("created", "", "pending"), ("claimed", "pending", "submitting"), ("accepted", "submitting", "in_queue"),
    ("started", "in_queue", "in_progress"), ("delivered", "in_progress", "mirroring"),
    ("completed", "mirroring", "completed"),
)  # fmt: skip
PASSED = {"pending": 1, "unconfirmed": 2, "cancelled": 1, "in_queue": 3, "in_progress": 4, "failed": 4, "mirroring": 5}


@dataclass
class Team:
    """Keys of rows that are there: who starts edits, who reviews, why they reject, and where events go."""

    people: list[int]
    reviewers: list[int]
    reasons: list[int]
    endpoint: str
    told_since: datetime  # deliveries are kept from then on


@dataclass
class Desk:
    """Makes the rows of one job after the other. Times are UTC, without a zone."""

    team: Team
    dice: random.Random
    rows: Rows = field(default_factory=lambda: defaultdict(list))
    pictures: list[str] = field(default_factory=list)
    last_job: str | None = None

    def take(self) -> Rows:
        made, self.rows = self.rows, defaultdict(list)
        return made

    def add(self, at: datetime, is_at_work: bool) -> None:
        dice = self.dice
        state = dice.choice(ACTIVE) if is_at_work else one_of(ENDS, dice)
        pk, owner = key(at, dice), dice.choices(self.team.people, _weights(len(self.team.people)))[0]
        count, size, text = one_of(COUNTS, dice), dice.choice(list(SIZES)), prompts.prompt(dice)
        moments = self._moments(at, state)
        ended = moments[5] if state in ("completed", "failed", "cancelled") else None
        urls = [
            f"https://playgrounds-storage-public.runcomfy.net/{dice.getrandbits(128):032x}.jpg" for _ in range(count)
        ]
        is_delivered = state in ("completed", "mirroring")
        is_priced = is_delivered and dice.random() < PRICED
        self.rows["Job"].append((
            pk, owner, self.last_job if dice.random() < RERUN else None, str(at), text, count, size,
            dice.choice(("fast", "standard", "standard")), "auto", state,
            one_of(REASONS, dice) if state == "failed" else "", ended or str(at), str(at), *moments[1:5], ended,
            int(state not in ("pending", "cancelled")),
            None if PASSED.get(state, 6) < 3 else str(uuid.UUID(int=dice.getrandbits(128), version=4)),
            "completed" if is_delivered else "", json.dumps({"output": {"images": urls}}) if is_delivered else None,
            f"{0.03 * count:.4f}", f"{0.03 * count:.4f}" if is_priced else None,
        ))  # fmt: skip
        self.last_job = pk
        self.rows["SearchEntry"].append((pk, words(text)))
        self._add_inputs(pk, at)
        self._add_events(pk, state, moments)
        if state == "completed":
            for position, url in enumerate(urls):
                self._add_output(pk, position, at + timedelta(seconds=40), size, url)
        if ended and at >= self.team.told_since:
            self._add_delivery(pk, at, state)

    def _moments(self, at: datetime, state: str) -> list[str | None]:
        """When it came into each of the steps, as far as it did; the last is its end."""
        passed, pace = PASSED.get(state, 6), 1 + self.dice.random()
        times = [str(at + timedelta(seconds=pace * seconds)) for seconds in (0, 1, 2, 6, 18, 20)]
        return [time if number < passed or number == 5 else None for number, time in enumerate(times)]

    def _add_inputs(self, job: str, at: datetime) -> None:
        for position in range(one_of(INPUTS, self.dice)):
            if not self.pictures or self.dice.random() < NEW_PICTURE:
                self._add_picture(at)
            picture = self.pictures[-1 - self.dice.randrange(min(RECENT, len(self.pictures)))]
            self.rows["JobInput"].append((job, picture, position, "in.jpg"))

    def _add_picture(self, at: datetime) -> None:
        pk, sha256 = key(at, self.dice), f"{self.dice.getrandbits(256):064x}"
        file = f"pictures/{sha256[:2]}/{sha256}.jpg"
        self.rows["Picture"].append(
            (pk, sha256, file, "image/jpeg", 2048, 2048, 400_000, str(at), _color(self.dice), WIDTHS, str(at))
        )
        self.pictures.append(pk)

    def _add_events(self, job: str, state: str, moments: list[str | None]) -> None:
        passed = PASSED.get(state, 6)
        for (verb, source, target), at in zip(STEPS[:passed], moments, strict=False):
            self.rows["JobEvent"].append((job, at, verb, source, target, None, None))
        if state in ("failed", "cancelled", "unconfirmed"):
            self.rows["JobEvent"].append((job, moments[5], state, STEPS[passed - 1][2], state, None, None))

    def _add_output(self, job: str, position: int, at: datetime, size: str, url: str) -> None:
        pk, sha256, review = key(at, self.dice), f"{self.dice.getrandbits(256):064x}", one_of(REVIEWS, self.dice)
        decision = None if review == "unreviewed" else self._add_decisions(pk, at, review)
        self.rows["Output"].append((
            pk, job, position, "image", f"outputs/{sha256[:2]}/{sha256}.jpg", sha256, "image/jpeg", *SIZES[size],
            900_000, url, review, decision, str(at), _color(self.dice), WIDTHS, str(at),
        ))  # fmt: skip

    def _add_decisions(self, output: str, at: datetime, review: str) -> str:
        """The one that stands; now and then another one stood before."""
        at += timedelta(seconds=self.dice.expovariate(1 / 3600))
        first = None
        if self.dice.random() < REPLACED:
            first = self._decide(output, at, "approved", None)
            at += timedelta(minutes=5)
        return self._decide(output, at, review, first)

    def _decide(self, output: str, at: datetime, verdict: str, replaces: str | None) -> str:
        pk, dice = key(at, self.dice), self.dice
        reason = dice.choice(self.team.reasons) if verdict == "rejected" else None
        reviewer = dice.choice(self.team.reviewers)
        self.rows["ReviewDecision"].append((pk, pk, output, reviewer, str(at), verdict, reason, replaces, None))
        return pk

    def _add_delivery(self, job: str, at: datetime, state: str) -> None:
        payload = json.dumps({"type": f"job.{state}", "timestamp": f"{at.isoformat()}Z", "data": {"id": job}})
        self.rows["WebhookDelivery"].append((
            key(at, self.dice), self.team.endpoint, f"evt_{job}", f"job.{state}", payload, str(at), "delivered", 1,
            None, 200, str(at),
        ))  # fmt: skip


def key(at: datetime, dice: random.Random) -> str:
    """A UUID of version 7, as if it had been made then."""
    milliseconds = (at - EPOCH) // timedelta(milliseconds=1)
    return f"{milliseconds:012x}7{dice.getrandbits(12):03x}{0x8 | dice.getrandbits(2):x}{dice.getrandbits(60):015x}"


def one_of(shares: dict[Any, float], dice: random.Random) -> Any:
    return dice.choices(list(shares), list(shares.values()))[0]


def _color(dice: random.Random) -> str:
    return f"#{dice.getrandbits(24):06x}"


@functools.cache
def _weights(people: int) -> list[float]:
    return [2 ** -(rank / 2) for rank in range(people)]


@functools.lru_cache(200_000)
def words(text: str) -> str:
    from jobs import search

    return search.words(text)


def fingerprint() -> str:
    """Changes with what is made here: a database that was filled by other code is none of this one."""
    from pathlib import Path

    sources = b"".join(Path(__file__).with_name(name).read_bytes() for name in ("fill.py", "rows.py", "prompts.py"))
    return hashlib.sha256(sources).hexdigest()[:8]
