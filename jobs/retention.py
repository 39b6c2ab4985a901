"""Originals are archived or deleted by their age, the verdict on them, and whether somebody wants them kept.

The row stays, with its copies for pages. It says first that the original is gone; the file is removed when every
address that was told of it has run out. So what asks from now on is refused in words, what was under way ends well, and
a death at any line costs nothing but another pass. RETENTION_… say what becomes of what; without them nothing does.
"""

import logging
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from . import counts, leftovers, store
from .models import Heartbeat, Job, JobInput, Output, Picture, ReviewDecision
from .models.files import Original
from .states import ENDED, Verb

logger = logging.getLogger(__name__)

NAME = "retention"  # the sign of life of the one process that does it by the schedule
INPUTS = "inputs"
AT_ONCE, MOST = 20, 10_000  # rows of one transaction, and of one look
ACTS = {"delete": Original.DELETED, "archive": Original.ARCHIVED}
VERBS = {Original.ARCHIVED: Verb.ARCHIVED, Original.DELETED: Verb.DELETED}

Row = Picture | Output


@dataclass(frozen=True)
class Rule:
    """What becomes of which originals: `kind` is "inputs", or what reviewers said of an output."""

    kind: str
    act: Original
    age: timedelta

    @property
    def model(self) -> type[Picture] | type[Output]:
        return Picture if self.kind == INPUTS else Output

    def __str__(self) -> str:
        name = INPUTS if self.kind == INPUTS else f"{self.kind} outputs"
        return f"{name}: {self.act.value} after {self.age.days} days"


@dataclass
class Report:
    """What a rule came to; `skipped` says in words which files could not be taken."""

    rule: Rule
    files: int = 0
    size: int = 0
    skipped: list[str] = field(default_factory=list)


def rules() -> list[Rule]:
    """Deletions first: what is due for both need not be archived before."""
    return [
        Rule(kind, ACTS[act], ages[act]) for act in ACTS for kind, ages in settings.RETENTION.items() if act in ages
    ]


# What is due


def chosen(rule: Rule, now: datetime) -> QuerySet[Any]:
    """The rows whose originals that rule takes now, the oldest first: a dry run shows these, and a run takes them."""
    due = _due(rule.kind, now - rule.age)
    if rule.act == Original.DELETED:
        return due
    due = due.filter(original=Original.STORED)
    later = settings.RETENTION[rule.kind].get("delete")
    return due.exclude(pk__in=_due(rule.kind, now - later).values("pk")) if later else due


def _due(kind: str, before: datetime) -> QuerySet[Any]:
    return _inputs(before) if kind == INPUTS else _outputs(before).filter(review=kind)


def _outputs(before: datetime) -> QuerySet[Output]:
    free = Job.objects.order_by().filter(pk=OuterRef("job_id"), state__in=ENDED, held_at=None)
    # Taken-back verdicts count too: whoever took one back today must have time to decide anew.
    decided = ReviewDecision.objects.order_by().filter(output=OuterRef("pk"), at__gte=before)
    found = Output.objects.filter(_may_go(before), Exists(free), ~Exists(decided), stored_at__lt=before)
    return found.order_by("stored_at", "pk")


def _inputs(before: datetime) -> QuerySet[Picture]:
    """Uploads that no job used are not among them: those have UPLOAD_KEPT_DAYS."""
    uses = JobInput.objects.order_by().filter(picture=OuterRef("pk"))
    needs = ~Q(job__state__in=ENDED) | Q(job__finished_at__gte=before) | Q(job__held_at__isnull=False)
    again = Q(uploaded_at=None) | Q(uploaded_at__lt=min(before, timezone.now() - settings.UPLOAD_KEPT))
    found = Picture.objects.filter(_may_go(before), again, Exists(uses), ~Exists(uses.filter(needs)))
    return found.filter(created_at__lt=before).order_by("created_at", "pk")


def _may_go(before: datetime) -> Q:
    """What was brought back begins its time anew. Without its copies for pages the history would show nothing."""
    stays = Q(original_at=None) | Q(original_at__lt=before)
    there = Q(original=Original.ARCHIVED) | (Q(original=Original.STORED) & stays)
    return there & Q(sized_at__isnull=False)


# Taking it


def run(seconds: float = math.inf, tell: Callable[[], None] = lambda: None) -> tuple[list[Report], bool]:
    """Take what is due, a few at a time; the second says whether that was all. `tell` is called between.

    May run many times at once, and may die anywhere. Raises OSError when the archive or the store is away.
    """
    until, reports = time.monotonic() + seconds, []
    for rule in rules():
        reports.append(Report(rule))
        for ids in _batches(rule, reports[-1]):
            if time.monotonic() > until:
                return reports, False
            tell()
            _take(rule, ids, reports[-1], until)
    return reports, True


def _batches(rule: Rule, report: Report) -> Iterator[list[Any]]:
    """Of all that is due, until nothing more of it could be taken."""
    ids, before = [None] * MOST, -1
    while len(ids) == MOST and report.files > before:
        before = report.files
        ids = list(chosen(rule, timezone.now()).values_list("pk", flat=True)[:MOST])
        yield from (ids[at : at + AT_ONCE] for at in range(0, len(ids), AT_ONCE))


def run_by_schedule(seconds: float) -> bool:
    """One process of all at a time; whether something is left to do."""
    if not rules():
        return False
    with Heartbeat.alone(NAME) as is_mine:
        if not is_mine:
            return False
        if store.has_archive():
            store.forget_abandoned(store.ARCHIVE)
        reports, is_all = run(seconds, lambda: Heartbeat.show(NAME))
    for report in filter(lambda report: report.files or report.skipped, reports):
        logger.info("%s: %d originals, %d bytes", report.rule, report.files, report.size)
    return not is_all


def _take(rule: Rule, ids: list[Any], report: Report, until: float = math.inf) -> None:
    if rule.act == Original.ARCHIVED:
        # What was copied by then is marked: a queue that ends its tasks would begin with the same files for ever.
        ids = [pk for pk in ids if time.monotonic() < until and _is_copied(rule, pk, report)]
    taken = _mark(rule, ids)
    report.files += len(taken)
    report.size += sum(row.size for row in taken)


def _is_copied(rule: Rule, pk: Any, report: Report) -> bool:
    if problem := _why_not_copied(rule, pk):
        logger.error("Not archived: %s. See `manage.py verify_store`.", problem)
        report.skipped.append(problem)
    return not problem


def _why_not_copied(rule: Rule, pk: Any) -> str:
    """Have the file in the archive before any row says so; why that is not possible. A damaged original is never taken
    for the right one."""
    row: Row | None = rule.model.objects.filter(pk=pk).first()
    if row is None:
        return "it was deleted"
    try:
        store.copy(str(row.file.name), row.sha256, store.STORE, store.ARCHIVE)
    except FileNotFoundError:
        return f"{row.file.name} is missing from the store"
    except store.OtherBytes as problem:
        return str(problem)
    return ""


def _mark(rule: Rule, ids: list[Any]) -> list[Row]:
    """Say of what is still due that its original is gone; what somebody needs by now is left."""
    now = timezone.now()
    with transaction.atomic():
        _lock(rule, ids)
        rows: list[Row] = list(chosen(rule, now).filter(pk__in=ids))
        marked = rule.model.objects.filter(pk__in=[row.pk for row in rows])
        marked.update(original=rule.act, original_at=now, leftover_at=now)
        _tell(rule, rows)
    for row in rows:
        counts.add("originals_retired_files", act=rule.act.value, of=rule.kind)
        counts.add("originals_retired_bytes", row.size, act=rule.act.value, of=rule.kind)
    return rows


def _lock(rule: Rule, ids: list[Any]) -> None:
    """No job is made of these pictures, held, or decided about until it is written. In the order of intake.use,
    upkeep.delete and review: pictures, then jobs."""
    if rule.model is Picture:
        list(Picture.objects.select_for_update().filter(pk__in=ids).order_by("pk").values_list("pk"))
    path = "inputs__picture__in" if rule.model is Picture else "outputs__in"
    jobs = Job.objects.filter(**{path: ids}).order_by().values("pk")
    list(Job.objects.select_for_update().filter(pk__in=jobs).order_by("pk").values_list("pk"))


def _tell(rule: Rule, rows: list[Row]) -> None:
    """An event in each job that it is about."""
    by_job: dict[Job, list[Row]] = {}
    for row, job in _with_jobs(rows):
        by_job.setdefault(job, []).append(row)
    for job in sorted(by_job, key=lambda job: job.pk):
        data = {
            "of": INPUTS if rule.kind == INPUTS else "outputs",
            "rule": rule.kind,
            "days": rule.age.days,
            "files": len(by_job[job]),
            "bytes": sum(row.size for row in by_job[job]),
        }
        job.tell_originals(VERBS[rule.act], data)


def _with_jobs(rows: list[Row]) -> Iterator[tuple[Row, Job]]:
    plain = Job.objects.defer("result", "provider_error")
    of_outputs = plain.in_bulk([row.job_id for row in rows if isinstance(row, Output)])
    yield from ((row, of_outputs[row.job_id]) for row in rows if isinstance(row, Output))
    pictures = {row.pk: row for row in rows if isinstance(row, Picture)}
    uses = JobInput.objects.order_by().filter(picture__in=pictures).values_list("picture", "job").distinct()
    pairs = list(uses) if pictures else []
    jobs = plain.in_bulk([job for _picture, job in pairs])
    yield from ((pictures[picture], jobs[job]) for picture, job in pairs)


# Removing the files of what is gone


def remove_leftovers() -> None:
    """Remove the files that rows let go of, once every address that was told of them has run out."""
    before = timezone.now() - settings.OUTPUT_LINK_LIFETIME
    for model in leftovers.ROWS:
        waiting = model.objects.filter(leftover_at__lt=before).order_by("leftover_at")
        for pk in list(waiting.values_list("pk", flat=True)[: 10 * AT_ONCE]):
            leftovers.sweep(model, pk, before)


# Bringing back


def restore(job: Job, by: Any = None) -> tuple[int, list[str]]:
    """Bring back all originals of a job that are still somewhere; how many, and why others could not be. Their time
    begins anew. Raises OSError when the archive or the store is away."""
    rows: list[Row] = [*Picture.objects.filter(jobs=job).distinct().order_by("pk"), *job.outputs.all()]
    problems = {row: _why_not_restored(row) for row in rows if row.original != Original.STORED}
    brought = [row for row, problem in problems.items() if not problem]
    if brought:
        data = {"files": len(brought), "bytes": sum(row.size for row in brought)}
        job.tell_originals(Verb.RESTORED, data, by)
    return len(brought), [f"{row}: {problem}" for row, problem in problems.items() if problem]


def _why_not_restored(row: Row) -> str:
    now, name, same = timezone.now(), str(row.file.name), type(row).objects.filter(pk=row.pk)
    if row.original == Original.DELETED and row.leftover_at is None:
        return row.why_gone
    # From now on nobody removes the file, nor that of another row with the same bytes.
    same.filter(original=row.original).update(leftover_at=now)
    leftovers.postpone(type(row), [row.sha256], now)
    if not store.exists(name):
        if row.original == Original.DELETED and not store.has_archive():
            return row.why_gone
        try:
            store.copy(name, row.sha256, store.ARCHIVE, store.STORE)
        except (FileNotFoundError, store.OtherBytes) as problem:
            return str(problem)
    back = {"original": Original.STORED, "original_at": now, "leftover_at": now}
    return "" if same.filter(original=row.original).update(**back) else "somebody else is at it"
