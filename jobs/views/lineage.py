"""What stands around a job: what it is based on, what was made from it, and its neighbours in the history."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Prefetch, Q, QuerySet

from jobs.models import Job, JobInput, Output

MOST_CHILDREN = 6


def lineage(job: Job, user: Any) -> dict[str, Any]:
    """The parent and the newest children that `user` may see, with a picture of each."""
    visible = Job.objects.visible_to(user).prefetch_related(_pictures())
    # By their ids: sorted by age and filtered by owner, SQLite would read all jobs of that owner.
    children = visible.filter(pk__in=list(job.children.order_by().values_list("pk", flat=True)))
    newest = [_with_cover(child) for child in children.order_by("-created_at", "-id")[: MOST_CHILDREN + 1]]
    parent = visible.filter(pk=job.parent_id).first() if job.parent_id else None
    return {
        "parent": parent and _with_cover(parent),
        "children": newest[:MOST_CHILDREN],
        "more_children": children.count() - MOST_CHILDREN if len(newest) > MOST_CHILDREN else 0,
    }


def _pictures() -> Prefetch:
    images = Output.objects.filter(kind=Output.Kind.IMAGE)
    return Prefetch("outputs", images, to_attr="images")


def _with_cover(job: Any) -> Job:
    job.cover = next(iter(job.images), None)
    return job


def inputs(job: Job, user: Any) -> Sequence[JobInput]:
    """The job's pictures; `source` of each is the result that it was, where `user` may see that one."""
    entries: Any = list(job.inputs.select_related("picture", "output__job"))
    makers = {entry.output.job_id for entry in entries if entry.output}
    visible = set(Job.objects.visible_to(user).filter(pk__in=makers).values_list("pk", flat=True))
    for entry in entries:
        entry.source = entry.output if entry.output and entry.output.job_id in visible else None
    return entries


def neighbours(job: Job, user: Any) -> dict[str, Job | None]:
    """The next newer and the next older job of the history."""
    jobs = Job.objects.visible_to(user).only("id")
    return {
        "newer": _nearest(jobs, job, "gt", "created_at", "id"),
        "older": _nearest(jobs, job, "lt", "-created_at", "-id"),
    }


def _nearest(jobs: QuerySet[Job], job: Job, side: str, *order: str) -> Job | None:
    beyond = Q(**{f"created_at__{side}": job.created_at}) | Q(**{"created_at": job.created_at, f"id__{side}": job.pk})
    # Said twice, so that the database begins at this job's place in the index.
    from_here = Q(**{f"created_at__{side}e": job.created_at})
    return jobs.filter(from_here, beyond).order_by(*order).first()
