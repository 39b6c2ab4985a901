"""What waits for a reviewer, edit by edit, the oldest first: read from the index of undecided outputs, never counted
to its end."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from . import review, search
from .filters import JobFilter
from .models import Job, Output
from .querysets import JobQuerySet

PAGE_SIZE = 24
COUNT_LIMIT = 99
LOOKED_THROUGH = 1000  # outputs, for the number that every page shows


class QueueFilter(JobFilter):
    """The history's filters, as far as they matter for what waits. `state`, `review` and `sort` mean nothing here."""

    state = review = sort = None

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        if settings.NO_REVIEW_OF_OWN:
            del self.filters["owner"].extra["choices"][0]

    def search(self, jobs: JobQuerySet, _name: str, typed: str) -> JobQuerySet:
        """Word by word in the jobs that wait: the index of all prompts would be asked once for each of them."""
        needles = search.needles(typed)
        return jobs.looked_through(needles) if needles else jobs


@dataclass(frozen=True)
class Entry:
    """An edit that waits, the first of its outputs that do, and how many these are."""

    job: Job
    first: Output
    count: int


@dataclass(frozen=True)
class Page:
    """A stretch of the queue. `after` is the job that the next one goes on behind; None at the end."""

    entries: list[Entry]
    after: uuid.UUID | None
    is_first: bool


class Queue:
    def __init__(self, user: Any, jobs: JobQuerySet | None = None):
        self.outputs: QuerySet[Output] = review.waiting(user, jobs)

    @cached_property
    def ids(self) -> list[uuid.UUID]:
        """Of the oldest edits that wait, one more than are counted."""
        return list(self._ids(self.outputs)[: COUNT_LIMIT + 1])

    @property
    def size(self) -> str:
        """ "7", or "99+"."""
        return str(len(self.ids)) if len(self.ids) <= COUNT_LIMIT else f"{COUNT_LIMIT}+"

    def place(self, job: Job) -> int:
        """Counted from 1; 0 when it does not wait, or waits behind those that are counted."""
        return self.ids.index(job.pk) + 1 if job.pk in self.ids else 0

    def first(self) -> Output | None:
        return self.outputs.first()

    def in_set(self, job: Job) -> list[Output]:
        return list(self.outputs.filter(job_id=job.pk))

    def beyond(self, job: Job) -> Output | None:
        """The first output of the next edit."""
        return self.outputs.filter(job_id__gt=job.pk).first()

    def before(self, job: Job) -> Output | None:
        """The first output of the edit before."""
        nearest = self.outputs.filter(job_id__lt=job.pk).reverse().values("job_id")[:1]
        return self.outputs.filter(job_id=nearest).first()

    def page(self, around: Job | None = None, after: uuid.UUID | None = None) -> Page:
        """The oldest edits; those from `around` on where it is not among them; or those behind the job `after`."""
        is_first = False
        if after:
            ids = self._ids(self.outputs.filter(job_id__gt=after))
        elif around and self.ids[PAGE_SIZE:] and around.pk >= self.ids[PAGE_SIZE]:
            ids = self._ids(self.outputs.filter(job_id__gte=around.pk))
        else:
            ids, is_first = self.ids, True
        found = list(ids[: PAGE_SIZE + 1])
        shown, has_more = found[:PAGE_SIZE], len(found) > PAGE_SIZE
        return Page(self._entries(shown), shown[-1] if has_more else None, is_first)

    def _ids(self, outputs: QuerySet[Output]) -> Any:
        return outputs.order_by("job_id").values_list("job_id", flat=True).distinct()

    def _entries(self, ids: Iterable[uuid.UUID]) -> list[Entry]:
        jobs = Job.objects.select_related("owner").defer("result", "provider_error").in_bulk(list(ids))
        waiting: dict[uuid.UUID, list[Output]] = {pk: [] for pk in jobs}
        for output in self.outputs.filter(job_id__in=jobs):
            waiting[output.job_id].append(output)
        return [Entry(jobs[pk], of[0], len(of)) for pk, of in sorted(waiting.items()) if of]


def number(user: Any) -> str:
    """How many edits wait for this person: "", "7" or "99+". Every page shows it, so only the oldest outputs are looked
    through: a team that never reviews must not pay for it. A "+" says that there may be more."""
    undecided = Output.objects.filter(review=Output.Review.UNREVIEWED).order_by("job_id", "position")
    edge = undecided.values_list("job_id", flat=True)[LOOKED_THROUGH : LOOKED_THROUGH + 1].first()
    waiting = review.waiting(user)
    near = waiting.filter(job_id__lte=edge) if edge else waiting
    count = near.order_by("job_id").values("job_id").distinct()[: COUNT_LIMIT + 1].count()
    has_more = edge is not None or count > COUNT_LIMIT
    return f"{min(count, COUNT_LIMIT)}{'+' if has_more else ''}" if count else ""
