"""A job, and the verbs that move it."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from jobs import counts
from jobs.querysets import JobQuerySet
from jobs.states import DRIVEN, ENDED, PASSING, TRANSITIONS, Reason, State, Verb

from .count import Count
from .events import JobEvent
from .files import JobInput
from .job_row import JobRow
from .outbox import announce
from .review import may_review
from .running import Provider

NO_TROUBLE: dict[str, Any] = {"trouble": "", "trouble_at": None}


class Job(JobRow):
    """One edit. `lease` fences its verbs: a driver that lost the job to another one can no longer change it."""

    objects = JobQuerySet.as_manager()

    def may_be_seen_by(self, user: Any) -> bool:
        """For a job in hand what JobQuerySet.visible_to says of many."""
        return user.is_active and (user.pk == self.owner_id or Job.objects.shows_all_to(user))

    def may_tell_result_to(self, user: Any) -> bool:
        """Whether `user` may read what RunComfy said: it leads to the files, approved or not."""
        return not settings.REQUIRE_APPROVAL or user.pk == self.owner_id or may_review(user)

    def remember_inputs(self, rows: list[JobInput]) -> None:
        """Those that were just written need not be read again, as if they had been prefetched: they never change."""
        known = self.inputs.all()
        known._result_cache = rows
        self._prefetched_objects_cache = {"inputs": known}

    def claim_for_submit(self, lease: str) -> bool:
        """Commit the intent before the paid POST leaves; False also when RunComfy may have no more of our jobs."""
        if not settings.RUNCOMFY_MAX_IN_FLIGHT:
            return self._claim(lease)
        with transaction.atomic():
            Provider.lock()  # two drivers must not both see the last free place
            return Job.objects.sendable() > 0 and self._claim(lease)

    def _claim(self, lease: str) -> bool:
        return self._move(
            State.SUBMITTING,
            Verb.CLAIMED,
            lease=lease,
            only=Q(cancel_requested_at=None),
            data={"attempt": self.attempt + 1},
            attempt=self.attempt + 1,
            submitted_at=timezone.now(),
            not_before=None,
        )

    def mark_accepted(self, request_id: str) -> bool:
        """The POST of this attempt was accepted. Not fenced: it is true whoever moves the job now."""
        moved = self._settle_attempt(
            State.IN_QUEUE,
            Verb.ACCEPTED,
            {"request_id": request_id},
            request_id=request_id,
            accepted_at=timezone.now(),
            **NO_TROUBLE,
        )
        if not moved:
            self.note(Verb.LATE_ANSWER, {"request_id": request_id, "attempt": self.attempt})
        return moved

    def mark_not_sent(self, trouble: Reason, until: datetime, said: Any) -> bool:
        """The POST of this attempt certainly did not take effect: wait, and try again."""
        since = self.trouble_at if self.trouble == trouble else None
        fields = {"trouble": trouble, "trouble_at": since or timezone.now(), "not_before": until}
        return self._settle_attempt(State.PENDING, Verb.HELD, said, **fields)

    def mark_refused(self, reason: Reason, said: Any) -> bool:
        """The POST of this attempt was refused for good."""
        data = {"reason": reason, "said": said}
        return self._settle_attempt(State.FAILED, Verb.FAILED, data, reason=reason, provider_error=said, **NO_TROUBLE)

    def mark_unconfirmed(self, said: Any = None) -> bool:
        """The POST of this attempt may have been accepted. Only a person may send it again."""
        return self._settle_attempt(State.UNCONFIRMED, Verb.UNCONFIRMED, said, provider_error=said, **NO_TROUBLE)

    # What a person decides about an unconfirmed job

    def adopt(self, request_id: str, by: User) -> bool:
        """RunComfy has this request, and it is this job's. Raises IntegrityError when it is another job's."""
        return self._move(
            State.IN_QUEUE,
            Verb.ADOPTED,
            source=State.UNCONFIRMED,
            by=by,
            data={"request_id": request_id},
            request_id=request_id,
            accepted_at=timezone.now(),
            provider_error=None,
        )

    def send_anew(self, by: User) -> bool:
        """Back to the start, with the risk of paying twice known. The earlier attempt stays in the events."""
        return self._move(
            State.PENDING,
            Verb.SENT_ANEW,
            source=State.UNCONFIRMED,
            by=by,
            pending_since=timezone.now(),
            not_before=None,
            cancel_requested_at=None,
            provider_error=None,
        )

    def write_off(self, by: User) -> bool:
        return self._move(
            State.FAILED,
            Verb.FAILED,
            source=State.UNCONFIRMED,
            by=by,
            data={"reason": Reason.WRITTEN_OFF},
            reason=Reason.WRITTEN_OFF,
        )

    def _settle_attempt(self, state: State, verb: Verb, data: Any, **fields: Any) -> bool:
        """What became of a submit is true whoever moves the job by now, also when it was given up meanwhile."""
        return any(
            self._move(state, verb, source=source, only=Q(attempt=self.attempt), data=data, **fields)
            for source in (State.SUBMITTING, State.UNCONFIRMED)
        )

    def mark_in_progress(self, lease: str, word: str) -> bool:
        return self._move(
            State.IN_PROGRESS,
            Verb.STARTED,
            source=State.IN_QUEUE,
            lease=lease,
            provider_status=word,
            queue_position=None,
            started_at=timezone.now(),
        )

    def mark_requeued(self, lease: str, word: str, position: int | None) -> bool:
        return self._move(
            State.IN_QUEUE,
            Verb.REQUEUED,
            source=State.IN_PROGRESS,
            lease=lease,
            provider_status=word,
            queue_position=position,
            started_at=None,
        )

    def mark_delivered(self, lease: str, word: str, result: Any, cost: Any) -> bool:
        """RunComfy is done: from now on the outputs are fetched."""
        return self._move(
            State.MIRRORING,
            Verb.DELIVERED,
            lease=lease,
            only=~Q(state=State.FAILED),  # that way back is fetch_again()'s
            provider_status=word,
            queue_position=None,
            delivered_at=timezone.now(),
            result=result,
            cost_usd=cost,
            **NO_TROUBLE,
        )

    def mark_completed(self, lease: str) -> bool:
        return self._move(State.COMPLETED, Verb.COMPLETED, lease=lease, **NO_TROUBLE)

    def mark_failed(self, reason: Reason, said: Any = None, *, lease: str | None = None, **fields: Any) -> bool:
        """`said` is the provider's own words, kept raw."""
        return self._move(
            State.FAILED,
            Verb.FAILED,
            lease=lease,
            data={"reason": reason, "said": said},
            reason=reason,
            provider_error=said,
            **NO_TROUBLE,
            **fields,
        )

    def mark_cancelled(self, by: User | None = None, *, lease: str | None = None, **fields: Any) -> bool:
        return self._move(State.CANCELLED, Verb.CANCELLED, lease=lease, by=by, **NO_TROUBLE, **fields)

    def fetch_again(self, by: User) -> bool:
        """RunComfy made the outputs and we could not get them: a person has them tried again."""
        return self._move(
            State.MIRRORING,
            Verb.FETCH_AGAIN,
            source=State.FAILED,
            only=Q(reason=Reason.LOST_OUTPUT),
            by=by,
            reason="",
            finished_at=None,
            not_before=None,
            provider_error=None,
        )

    # What is told about a job without moving it

    def request_cancel(self, by: User) -> bool:
        """Remember the wish; the driver asks RunComfy. Once: asking again changes nothing."""
        waiting = Q(cancel_requested_at=None, cancel_refused_at=None) & ~Q(
            state__in=(*ENDED, State.MIRRORING, State.UNCONFIRMED)
        )
        return self._tell(waiting, Verb.CANCEL_ASKED, by=by, cancel_requested_at=timezone.now(), not_before=None)

    def refuse_cancel(self, said: Any) -> bool:
        return self._tell(
            Q(cancel_requested_at__isnull=False),
            Verb.CANCEL_REFUSED,
            data=said,
            cancel_requested_at=None,
            cancel_refused_at=timezone.now(),
        )

    def report_trouble(self, trouble: Reason, said: Any, lease: str) -> bool:
        """Show why the job waits; said once, however often it is tried."""
        is_news = Q(lease=lease) & ~Q(trouble=trouble)
        return self._tell(is_news, Verb.TROUBLED, data=said, trouble=trouble, trouble_at=timezone.now())

    def clear_trouble(self, lease: str) -> bool:
        passing = Q(trouble__in=PASSING)
        return self._tell(Q(lease=lease) & passing, Verb.RECOVERED, **NO_TROUBLE)

    def renew_result(self, lease: str, result: Any) -> bool:
        return self._tell(Q(lease=lease, state=State.MIRRORING), Verb.RENEWED, result=result)

    def tell_decided(self, verb: Verb, data: Any, by: User) -> bool:
        return self._tell(Q(), verb, data=data, by=by)

    def tell_verified(self, data: Any, by: User) -> None:
        self._tell(Q(), Verb.VERIFIED, data=data, by=by)

    def hold(self, by: User) -> bool:
        """From now on its files are kept, whatever their age."""
        return self._tell(Q(held_at=None), Verb.FILES_HELD, by=by, held_at=timezone.now(), held_by=by)

    def release(self, by: User) -> bool:
        return self._tell(Q(held_at__isnull=False), Verb.FILES_RELEASED, by=by, held_at=None, held_by=None)

    def tell_originals(self, verb: Verb, data: Any, by: User | None = None) -> bool:
        """What became of the originals of its inputs or outputs."""
        return self._tell(Q(), verb, data=data, by=by)

    def wake(self, by: User) -> bool:
        """A driver is to look at it now, however long it meant to wait; False when no driver moves jobs like this."""
        return self._tell(Q(state__in=DRIVEN), Verb.RUNG, by=by, not_before=None)

    def touch(self, lease: str) -> bool:
        """Begin a change of its rows; no other driver can take it before this transaction ends."""
        touched = Job.objects.filter(pk=self.pk, state=self.state, lease=lease).update(version=F("version") + 1)
        self._take(touched, {})
        return bool(touched)

    def forget_output(self, position: int) -> None:
        """The file of an output that was just stored is gone again: it is stored anew."""
        self.outputs.filter(position=position).delete()

    def observe(self, lease: str, word: str, position: int | None) -> bool:
        """Keep what a poll saw. Written by the driver only when it differs, so no event."""
        seen = Job.objects.filter(pk=self.pk, state=self.state, lease=lease)
        changed = seen.update(provider_status=word, queue_position=position, version=F("version") + 1)
        self.provider_status, self.queue_position = word, position
        return bool(changed)

    def note(self, verb: Verb, data: Any = None, by: User | None = None, **states: State) -> "JobEvent":
        entry = JobEvent.objects.create(job_id=self.pk, verb=verb, actor=by, data=data, **states)
        announce(entry, self.owner_id)
        return entry

    def _tell(self, only: Q, verb: Verb, *, data: Any = None, by: User | None = None, **fields: Any) -> bool:
        with transaction.atomic(savepoint=False):
            told = Job.objects.filter(only, pk=self.pk).update(**fields, version=F("version") + 1)
            if told:
                self.note(verb, data, by)
        self._take(told, fields)
        return bool(told)

    def _move(
        self,
        state: State,
        verb: Verb,
        *,
        source: str | None = None,
        lease: str | None = None,
        only: Q | None = None,
        by: User | None = None,
        data: Any = None,
        **fields: Any,
    ) -> bool:
        """One conditional UPDATE and one event. `source` is the state that this object was seen in by default."""
        source = State(source or self.state)
        if state not in TRANSITIONS.get(source, ()):
            return False
        now = timezone.now()
        fields |= {"state": state, "moved_at": now}
        if state in ENDED:
            fields |= {"finished_at": now, "queue_position": None, "lease": "", "leased_until": None}
        where = Q(pk=self.pk, state=source) & (only or Q())
        if lease is not None:
            where &= Q(lease=lease)
        with transaction.atomic(savepoint=False):
            moved = Job.objects.filter(where).update(**fields, version=F("version") + 1)
            if moved:
                self.note(verb, data, by, from_state=source, to_state=state)
        if moved:
            self._count(source, fields)
        if moved and by:  # a driver writes down what it counts by itself
            transaction.on_commit(Count.write)
        self._take(moved, fields)
        return bool(moved)

    def _count(self, source: State, fields: dict[str, Any]) -> None:
        # Since when it was there is known of the state alone that this object was seen in.
        if self.moved_at and self.state == source:
            counts.add_time("job_state_seconds", (fields["moved_at"] - self.moved_at).total_seconds(), state=source)
        if fields["state"] in ENDED:
            counts.add("jobs_ended", state=fields["state"], reason=fields.get("reason", ""))

    def _take(self, changed: int, fields: dict[str, Any]) -> None:
        if changed:
            for name, value in fields.items():
                setattr(self, name, value)
            self.version += 1
