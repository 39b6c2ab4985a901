"""When each job of a driver is due, and which comes next of those that are: users take turns.

What a call may begin at is here too: at once, or at the moments that the driver reserved among all drivers.
"""

import heapq
import itertools
import uuid
from collections import deque
from collections.abc import Mapping

from .models import Job
from .states import State

SUBMIT, POLL, MIRROR = KINDS = ("submit", "poll", "mirror")
KIND_OF = {State.PENDING: SUBMIT, State.MIRRORING: MIRROR}
STALE_SECONDS = 0.5  # moments that were not used for so long are over: saved up, they would become a burst

Entry = tuple[int, uuid.UUID]


class Line:
    """Who waits for a step of one kind. Users take turns, so nobody's five hundred jobs keep another's one waiting."""

    def __init__(self) -> None:
        self._of: dict[int, deque[Entry]] = {}
        self._urgent: deque[Entry] = deque()

    def __len__(self) -> int:
        return len(self._urgent) + sum(map(len, self._of.values()))

    def add(self, owner: int, entry: Entry, is_urgent: bool) -> None:
        (self._urgent if is_urgent else self._of.setdefault(owner, deque())).append(entry)

    def next(self) -> Entry:
        """Raises IndexError when nobody waits."""
        if self._urgent or not self._of:
            return self._urgent.popleft()
        owner = next(iter(self._of))
        waiting = self._of.pop(owner)
        entry = waiting.popleft()
        if waiting:
            self._of[owner] = waiting  # behind all others
        return entry


class Agenda:
    """What a driver has to do when."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, uuid.UUID]] = []
        self._lines = {kind: Line() for kind in KINDS}
        self._valid: dict[uuid.UUID, int] = {}  # the one entry that counts for a job; older ones are void
        self._urgent: set[uuid.UUID] = set()
        self._number = itertools.count()

    def put(self, job_id: uuid.UUID, at: float, is_urgent: bool = False) -> None:
        """`at` is of the monotonic clock. Urgent jobs come before all others that are due."""
        self._valid[job_id] = next(self._number)
        heapq.heappush(self._due, (at, self._valid[job_id], job_id))
        if is_urgent:
            self._urgent.add(job_id)

    def drop(self, job_id: uuid.UUID) -> None:
        self._valid.pop(job_id, None)
        self._urgent.discard(job_id)

    def line_up(self, now: float, jobs: Mapping[uuid.UUID, Job]) -> None:
        """Let the jobs that are due wait in line for what they need."""
        while self._due and self._due[0][0] <= now:
            _at, number, job_id = heapq.heappop(self._due)
            if self._valid.get(job_id) == number:
                job = jobs[job_id]
                kind = KIND_OF.get(State(job.state), POLL)
                self._lines[kind].add(job.owner_id, (number, job_id), job_id in self._urgent)

    def waiting(self, kind: str) -> int:
        return len(self._lines[kind])

    def take(self, kind: str) -> uuid.UUID | None:
        """Whose turn it is; None when nobody waits."""
        line = self._lines[kind]
        while line:
            number, job_id = line.next()
            if self._valid.get(job_id) == number:
                self.drop(job_id)
                return job_id
        return None


class Moments:
    """At which moments calls of one kind may begin: at any without a limit, else at those that were reserved."""

    def __init__(self, per_second: float) -> None:
        self.per_second = per_second
        self._reserved: deque[float] = deque()

    def are_there(self, now: float) -> bool:
        self._forget(now)
        return not self.per_second or bool(self._reserved and self._reserved[0] <= now)

    def use(self) -> None:
        if self.per_second:
            self._reserved.popleft()

    def missing(self, wanted: int, now: float) -> int:
        self._forget(now)
        return max(0, wanted - len(self._reserved)) if self.per_second else 0

    def add(self, moments: list[float]) -> None:
        self._reserved.extend(moments)

    def _forget(self, now: float) -> None:
        while self._reserved and self._reserved[0] < now - STALE_SECONDS:
            self._reserved.popleft()
