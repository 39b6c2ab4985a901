"""What people decide about outputs: approve, reject, take back. The only mover of `Output.review`.

Each Output is given as its reviewer saw it: `output.decision_id` names the decision that stood then. When another one
stands by now nothing is overwritten, and the reviewer is shown what the other one decided.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _
from uuid_utils.compat import uuid7

from . import seedream
from .models import Job, Output, RejectionReason, ReviewDecision
from .models.review import NOTE_MAX, may_review
from .querysets import JobQuerySet
from .states import ENDED, Verb

Verdict = ReviewDecision.Verdict
VERBS = {Verdict.APPROVED: Verb.APPROVED, Verdict.REJECTED: Verb.REJECTED}


class NotAllowed(Exception):
    """Why this person may not decide this, in words."""


@dataclass(frozen=True)
class Wish:
    """A verdict that was checked: a rejection has its reason, and nothing else has one."""

    verdict: Verdict
    reason: RejectionReason | None = None
    note: str = ""


@dataclass
class Outcome:
    """What came of deciding: `clashes` are outputs of which others decided meanwhile, read anew."""

    act: uuid.UUID
    decided: list[ReviewDecision] = field(default_factory=list)
    clashes: list[Output] = field(default_factory=list)


def wish(verdict: str, reason: str = "", note: str = "") -> Wish:
    """Raises seedream.InvalidInput; `reason` is the slug of one that may be chosen."""
    note, errors = note.strip(), {}
    if verdict not in VERBS:
        errors["verdict"] = [_("Must be one of: %(choices)s.") % {"choices": ", ".join(VERBS)}]
    found, problem = _reason(verdict, reason)
    if problem:
        errors["reason"] = [problem]
    if len(note) > NOTE_MAX:
        errors["note"] = [_("At most %(limit)d characters.") % {"limit": NOTE_MAX}]
    if errors:
        raise seedream.InvalidInput(errors)
    return Wish(Verdict(verdict), found, note)


def _reason(verdict: str, slug: str) -> tuple[RejectionReason | None, str]:
    if verdict != Verdict.REJECTED:
        return None, _("Only a rejection has a reason.") if slug and verdict in VERBS else ""
    if not slug:
        return None, _("Choose why it is rejected.")
    found = RejectionReason.objects.filter(slug=slug, is_active=True).first()
    return found, "" if found else _("There is no such reason.")


def why_not(user: Any, job: Job) -> str:
    """Why this person may not decide about a job's outputs; empty when they may."""
    if not may_review(user):
        return _("Only reviewers decide about pictures.")
    if settings.NO_REVIEW_OF_OWN and job.owner_id == user.pk:
        return _("Nobody reviews their own edits. Somebody else decides about this one.")
    if job.state not in ENDED:
        return _("This edit has not ended yet.")
    return ""


def waiting(user: Any, jobs: JobQuerySet | None = None) -> QuerySet[Output]:
    """The outputs that this person could decide about now, those of the oldest job first; only of `jobs`, if given.

    Each one's job is looked up. Joined, SQLite would begin with all jobs that ever ended.
    """
    if not may_review(user):
        return Output.objects.none()
    of = (Job.objects.all() if jobs is None else jobs).order_by().filter(pk=OuterRef("job_id"), state__in=ENDED)
    if settings.NO_REVIEW_OF_OWN:
        of = of.exclude(owner=user)
    return Output.objects.filter(Exists(of), review=Output.Review.UNREVIEWED).order_by("job_id", "position")


def decide(outputs: Iterable[Output], by: Any, wished: Wish) -> Outcome:
    """One act about some outputs, all or none of which this person may decide. Raises NotAllowed.

    Deciding the same once more, as a form that is sent twice does, is no clash and makes no second decision.
    """
    outputs = list(outputs)
    for job in {output.job_id: output.job for output in outputs}.values():
        if problem := why_not(by, job):
            raise NotAllowed(problem)
    outcome = Outcome(act=uuid7())
    with transaction.atomic():
        _lock(outputs)
        for output in outputs:
            _decide(output, by, wished, outcome)
    return outcome


def _lock(outputs: Iterable[Output]) -> None:
    """One act at a time for each job. Each locks an output and then its job, again and again: two acts about one set
    would wait for each other."""
    jobs = Job.objects.filter(pk__in={output.job_id for output in outputs})
    list(jobs.order_by("pk").select_for_update().values_list("pk"))


def _decide(output: Output, by: Any, wished: Wish, outcome: Outcome) -> None:
    decision = ReviewDecision(
        act=outcome.act,
        output=output,
        reviewer=by,
        verdict=wished.verdict,
        reason=wished.reason,
        note=wished.note,
        replaces_id=output.decision_id,
    )
    is_news = output.decision is None or not _is_same(output.decision, decision)
    if is_news and _stand(output, output.decision_id, decision.pk, wished.verdict):
        decision.save(force_insert=True)
        output.decision = decision
        output.job.tell_decided(VERBS[wished.verdict], _told(decision), by)
        outcome.decided.append(decision)
        return
    standing = _anew(output)
    if standing.decision and _is_same(standing.decision, decision):
        outcome.decided.append(standing.decision)
    else:
        outcome.clashes.append(standing)


def _anew(output: Output) -> Output:
    """As it stands now. Raises Output.DoesNotExist when it was deleted with its job."""
    return Output.objects.select_related("job__owner", "decision__reviewer", "decision__reason").get(pk=output.pk)


def _stand(output: Output, seen: Any, decision: Any, review: str) -> bool:
    """Put one decision in the place of another, unless somebody else was there first."""
    moved = Output.objects.filter(pk=output.pk, decision=seen).update(decision=decision, review=review)
    if moved:
        output.decision_id, output.review = decision, review
    return bool(moved)


def _is_same(one: ReviewDecision, other: ReviewDecision) -> bool:
    names = ("reviewer_id", "verdict", "reason_id", "note")
    return all(getattr(one, name) == getattr(other, name) for name in names)


def _told(decision: ReviewDecision) -> dict[str, Any]:
    told = {"decision": str(decision.pk), "output": str(decision.output_id), "position": decision.output.position}
    return told | {"reason": decision.reason.slug if decision.reason else "", "note": decision.note}


def rest_of(job: Job) -> list[Output]:
    """The outputs of a set that nobody decided about yet."""
    return list(job.outputs.select_related("job__owner").filter(review=Output.Review.UNREVIEWED))


def undo(act: uuid.UUID, by: Any) -> Outcome:
    """Take back all of an act that still stands; what stood before stands again. Raises NotAllowed for anybody but
    who decided it, and staff."""
    decisions = ReviewDecision.objects.filter(act=act).exclude(verdict=Verdict.UNDONE)
    found = list(decisions.select_related("output__job__owner", "output__decision", "replaces").order_by("pk"))
    for decision in found:
        if problem := _why_not_undone(by, decision):
            raise NotAllowed(problem)
    outcome = Outcome(act=uuid7())
    with transaction.atomic():
        _lock(decision.output for decision in found)
        for decision in found:
            _undo(decision, by, outcome)
    return outcome


def _why_not_undone(by: Any, decision: ReviewDecision) -> str:
    if by.pk != decision.reviewer_id and not by.is_staff:
        return _("Only who decided it, and staff, can take a verdict back.")
    return why_not(by, decision.output.job)


def _undo(decision: ReviewDecision, by: Any, outcome: Outcome) -> None:
    before, output = decision.replaces, decision.output
    if not _stand(output, decision.pk, before and before.pk, before.verdict if before else Output.Review.UNREVIEWED):
        if not ReviewDecision.objects.filter(undoes=decision).exists():
            outcome.clashes.append(_anew(output))
        return
    undone = ReviewDecision.objects.create(
        act=outcome.act, output=output, reviewer=by, verdict=Verdict.UNDONE, undoes=decision, replaces=decision
    )
    output.job.tell_decided(Verb.REVIEW_UNDONE, _told(undone), by)
    outcome.decided.append(undone)
