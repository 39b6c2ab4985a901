"""What the sandbox keeps of a request, and what it counts."""

import asyncio
import secrets
import time
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sandbox.faults import Fault
from sandbox.studio import Picture

IN_QUEUE, IN_PROGRESS, COMPLETED, FAILED, CANCELLED = (
    "in_queue",
    "in_progress",
    "completed",
    "failed",
    "cancelled",
)
ENDED = (COMPLETED, FAILED, CANCELLED)
PRICE_USD = 0.03
MOMENTS = 10_000


def now() -> str:
    """Return the time as the API tells it: ISO 8601, UTC."""
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


@dataclass
class Tally:
    """How often clients called for one request, and how many of its inputs were fetched."""

    submits: int = 1
    polls: int = 0
    results: int = 0
    cancels: int = 0
    downloads: int = 0
    inputs_fetched: int = 0


@dataclass
class ModelRequest:
    """One accepted submit.

    `folder` is the secret in its output URLs, `content_faults` the faults its result shows by their kind.
    """

    id: str
    number: int
    input: dict[str, Any]
    charged_usd: float
    status: str = IN_QUEUE
    error: Any = None
    pictures: list[Picture] = field(default_factory=list)
    folder: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    is_expired: bool = False
    has_vanished: bool = False
    content_faults: dict[str, Fault] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)
    created_at: str = field(default_factory=now)
    finished_at: str | None = None
    task: asyncio.Task[None] | None = None

    @property
    def has_ended(self) -> bool:
        return self.status in ENDED


@dataclass
class Totals:
    """Calls over all requests; `posts` counts every POST to a model, `submits` the accepted ones.

    `posted_at` and `polled_at` are the moments of the newest ones, as seconds of Unix time.
    """

    posts: int = 0
    submits: int = 0
    polls: int = 0
    downloads: int = 0
    posted_at: deque[float] = field(default_factory=lambda: deque(maxlen=MOMENTS))
    polled_at: deque[float] = field(default_factory=lambda: deque(maxlen=MOMENTS))

    def post(self) -> None:
        """Count a POST to a model."""
        self.posts += 1
        self.posted_at.append(time.time())

    def poll(self) -> None:
        """Count a status call."""
        self.polls += 1
        self.polled_at.append(time.time())

    def told(self) -> dict[str, Any]:
        """Return all of it as plain JSON."""
        return vars(self) | {"posted_at": list(self.posted_at), "polled_at": list(self.polled_at)}


def price(images: int) -> float:
    """Return what this many images cost, in US dollars."""
    return round(PRICE_USD * images, 2)
