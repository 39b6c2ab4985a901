"""Which jobs: whose, which nobody moves, and taking them under a lease."""

import contextlib
import math
import re
import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from django.apps import apps
from django.conf import settings
from django.db import connection, models, transaction
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Coalesce, Greatest, Now

from . import search
from .states import DRIVEN, FOLLOWED, IN_FLIGHT, State

if TYPE_CHECKING:
    from .models import Job

RARE = 500  # hits of a word; PostgreSQL by itself would guess wrong, and read the whole index for so few
COMMON = 5000  # hits that are counted to tell
FEW = 5000  # jobs that are looked through faster than a common word is read from the index
SLACK = 1000
Moment = datetime | Now  # of this machine's clock, or the database's
ID = re.compile(r"[\w-]{8,200}", re.ASCII)  # what ours, and RunComfy's, look like


class JobQuerySet(models.QuerySet["Job"]):
    """Leases are given, prolonged and judged by the database's clock: those of the machines may differ, and one that
    is ahead would take from the others what they hold."""

    def visible_to(self, user: Any) -> Self:
        """The jobs that `user` may see: the team's or, with TEAM_VISIBILITY=own, their own; reviewers and staff see
        all."""
        if not user.is_authenticated:
            return self.none()
        return self if self.shows_all_to(user) else self.filter(owner=user)

    def shows_all_to(self, user: Any) -> bool:
        return settings.TEAM_VISIBILITY == "team" or user.is_staff or user.has_perm("jobs.review_output")

    def matching(self, typed: str) -> Self:
        """The jobs whose prompts have all these words; or the one whose id, or whose request's, this is.

        Rare words are looked up, whatever else is asked for. Jobs with common words come in the order of the index,
        which is that of time, so that it is read only as far as a page goes; when other filters (call this last) leave
        few jobs, these are looked through instead. SQLite reads its index so for rare words, too, where there are none.
        """
        if known := self._with_id(typed.strip()):
            return self.filter(pk__in=known)
        if not (needles := search.needles(typed)):
            return self
        is_all = not self.query.where
        if is_all and connection.vendor == "sqlite":
            return self._indexed(typed)
        hits = apps.get_model("jobs.SearchIndex").objects.filter(words__matches=typed)
        # PostgreSQL takes every word for one in two hundred: asked for fewer hits, it would read the table for them.
        if hits[: COMMON + 1].count() <= RARE:
            return self.filter(pk__in=list(hits.values_list("job_id", flat=True)[:COMMON]))
        if is_all:
            return self._indexed(typed)
        if self.order_by()[: FEW + 1].count() > FEW:
            return self._indexed(typed).filter(found__rowid__range=self._span())
        return self.looked_through(needles)

    def looked_through(self, needles: Iterable[str]) -> Self:
        """Those of a few jobs whose words contain all of these. Joined, the database might begin with all the words."""
        having = (Q(words__contains=needle) for needle in needles)
        entries = apps.get_model("jobs.SearchEntry").objects.filter(*having, job=OuterRef("pk"))
        return self.filter(Exists(entries))

    def _indexed(self, typed: str) -> Self:
        return self.filter(found__words__matches=typed).order_by("-found__rowid")

    def _span(self) -> tuple[int, int]:
        """Between which entries of the index these jobs are; jobs of the same moment may be entered in any order."""
        entries = self.order_by("created_at", "id").values_list("search_entry__pk", flat=True)
        return entries[0] - SLACK, entries.reverse()[0] + SLACK

    def _with_id(self, typed: str) -> list[uuid.UUID]:
        if not ID.fullmatch(typed):
            return []
        known = Q(request_id=typed)
        with contextlib.suppress(ValueError):
            known |= Q(pk=uuid.UUID(typed))
        return list(self.filter(known).values_list("pk", flat=True))

    def idle(self, now: Moment) -> Self:
        """Jobs that somebody should move and nobody does."""
        free = Q(lease="") | Q(leased_until=None) | Q(leased_until__lt=now)
        due = Q(not_before=None) | Q(not_before__lte=now)
        return self.filter(free & due, state__among=DRIVEN)

    def takeable(self, now: Moment) -> Self:
        """Idle jobs that a driver can do something for: unsent ones only while RunComfy may have more."""
        idle = self.idle(now)
        return idle if self.sendable() > 0 else idle.filter(state__among=FOLLOWED)

    def sendable(self) -> float:
        """How many jobs may be sent before RunComfy has RUNCOMFY_MAX_IN_FLIGHT of ours."""
        most = settings.RUNCOMFY_MAX_IN_FLIGHT
        return most - self.filter(state__in=IN_FLIGHT).count() if most else math.inf

    def next_turn(self, owner: Any, now: datetime) -> int:
        """A new job's place among the unsent ones: behind those of its owner, beside the next ones of all others. So
        users take turns, however many jobs each has, and nobody gets ahead for having come late."""
        turns = self.filter(state=State.PENDING).values_list("turn", flat=True)
        own = turns.filter(owner=owner).order_by("-turn").first()
        present = turns.filter(Q(not_before=None) | Q(not_before__lte=now)).order_by("turn").first()
        return max(0 if own is None else own + 1, present or 0)

    def ahead_of(self, job: "Job") -> Self:
        """The unsent jobs whose turn comes before this one's."""
        earlier = Q(turn__lt=job.turn) | Q(turn=job.turn, created_at__lt=job.created_at)
        # The first condition follows from the second, and is one that an index is read by.
        return self.filter(Q(turn__lte=job.turn) & earlier, state=State.PENDING).order_by("turn")

    def undriven(self, now: datetime, seconds: float) -> Self:
        """Jobs that have been idle for at least so long. `idle_since` says since when: it came into its state, was let
        go of, and was due, whichever was last."""
        places = [Coalesce(name, "created_at") for name in ("moved_at", "leased_until", "not_before")]
        before = now - timedelta(seconds=seconds)
        return (
            self.idle(now)
            .filter(created_at__lte=before)
            .annotate(idle_since=Greatest(*places))
            .filter(idle_since__lte=before)
        )

    def abandoned(self, now: Moment) -> Self:
        """Submits whose sender is gone: nobody knows whether RunComfy has them."""
        return self.filter(Q(leased_until=None) | Q(leased_until__lt=now), state=State.SUBMITTING)

    def leased(self, now: datetime) -> Self:
        """Jobs that a driver holds."""
        return self.filter(~Q(lease=""), leased_until__gte=now)

    def lease(self, lease: str, seconds: float, limit: int, unsent: int | None = None) -> list["Job"]:
        """Take up to `limit` idle jobs under `lease`: first what RunComfy has, the oldest first, then up to `unsent` of
        those that it has not, in the order of their turns."""
        idle = self.idle(Now())
        taken = idle.filter(state__among=FOLLOWED).order_by("created_at", "id")._take(lease, seconds, limit)
        room = limit - len(taken)
        waiting = idle.filter(state=State.PENDING).order_by("turn", "created_at", "id")
        return taken + waiting._take(lease, seconds, room if unsent is None else min(room, unsent))

    def _take(self, lease: str, seconds: float, limit: int) -> list["Job"]:
        if limit < 1 or not self.exists():
            return []
        can_skip = connection.features.has_select_for_update_skip_locked
        with transaction.atomic():
            free = self.select_for_update(skip_locked=True) if can_skip else self
            ids = list(free.values_list("id", flat=True)[:limit])
            held = self.model.objects.filter(id__in=ids)
            held.update(lease=lease, leased_until=Now() + timedelta(seconds=seconds))
        return list(held.filter(lease=lease).order_by(*self.query.order_by))

    def renew_lease(self, lease: str, seconds: float) -> set[uuid.UUID]:
        """Prolong what `lease` still holds; returns the ids of those jobs."""
        # The first condition is that of the index of leases.
        held = self.filter(~Q(lease=""), lease=lease, leased_until__gt=Now())
        with transaction.atomic():
            held.update(leased_until=Now() + timedelta(seconds=seconds))
            # Without an order: SQLite would walk through all jobs in it, to find these few.
            return set(held.order_by().values_list("id", flat=True))

    def release_lease(self, lease: str, ids: Iterable[uuid.UUID], not_before: datetime | None = None) -> None:
        """Let go of these jobs; `leased_until` tells from now on since when they are free."""
        later = {"not_before": not_before} if not_before else {}
        self.filter(lease=lease, id__in=list(ids)).update(lease="", leased_until=Now(), **later)
