"""How far a job is: its steps, and the time that it still takes."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from jobs import figures
from jobs.models import Job
from jobs.states import Reason, State

SOON, MANY = 5.0, 1000
# What a job has behind it, by state: how many of the four steps are done
STEPS_DONE = {
    State.PENDING: 0,
    State.SUBMITTING: 0,
    State.UNCONFIRMED: 0,
    State.IN_QUEUE: 1,
    State.IN_PROGRESS: 2,
    State.MIRRORING: 3,
    State.COMPLETED: 4,
}


def steps(job: Job) -> list[dict[str, Any]]:
    """Sent, queued, editing, stored: each "ok", "now", "fail" or still to come."""
    is_made = job.reason == Reason.LOST_OUTPUT
    done = STEPS_DONE.get(State(job.state), 3 if is_made else sum(map(bool, (job.accepted_at, job.started_at))))
    now = "fail" if job.state in (State.FAILED, State.CANCELLED, State.UNCONFIRMED) else "now"
    names = [(_("Sent"), "send"), (_("Queued"), "clock"), (_("Editing"), "loader"), (_("Stored"), "images")]
    return [
        {
            "name": name,
            "icon": "check" if at < done else icon,
            "state": "ok" if at < done else now if at == done else "",
            "note": _note(job, at, done),
            "since": job.started_at if at == done == 2 and now == "now" else None,
        }
        for at, (name, icon) in enumerate(names)
    ]


def _note(job: Job, at: int, done: int) -> str:
    if at != 1 or not done:
        return ""
    if job.state == State.IN_QUEUE:
        return _("position %(position)d") % {"position": job.queue_position} if job.queue_position else ""
    return figures.spoken(_seconds(job.accepted_at, job.started_at)) if job.accepted_at and job.started_at else ""


def ahead(job: Job) -> int | None:
    """How many unsent jobs come before this one, at most MANY and one; None for a job that was sent, that waits for
    something else, or that has waited for a moment only."""
    waits = job.state == State.PENDING and not job.trouble and not job.cancel_requested_at
    if not waits or _seconds(job.pending_since, timezone.now()) < SOON:
        return None
    return Job.objects.ahead_of(job)[: MANY + 1].count()


def turn(ahead: int | None) -> str:
    """Why an unsent job waits, as far as others that come before it are why."""
    if not ahead:
        return _("Waits for its turn: it is the next one.") if ahead == 0 and _is_limited() else ""
    if ahead > MANY:
        return _("Waits for its turn: more than %(number)s edits are ahead.") % {"number": intcomma(MANY)}
    return ngettext(
        "Waits for its turn: %(number)d edit is ahead.", "Waits for its turn: %(number)d edits are ahead.", ahead
    ) % {"number": ahead}


def _is_limited() -> bool:
    return bool(settings.RUNCOMFY_SUBMITS_PER_SECOND or settings.RUNCOMFY_MAX_IN_FLIGHT)


def time_left(job: Job) -> dict[str, Any]:
    """What to say of the time that the job takes, beside that of its like; nothing while something is in its way."""
    if not _is_moving(job):
        return {}
    usual = figures.usual_seconds(job.sequential_image_generation_options, job.optimize_prompt_options)
    if usual is None:
        return {}
    return {
        "usual": _("usually takes about %(time)s") % {"time": figures.spoken(usual)},
        "usual_seconds": round(usual, 1),
        "since": job.accepted_at or job.submitted_at,
    }


def _is_moving(job: Job) -> bool:
    return job.is_active and job.state != State.UNCONFIRMED and not job.trouble and not job.cancel_requested_at


def _seconds(begun: datetime, ended: datetime) -> float:
    return (ended - begun).total_seconds()


def poll_seconds(job: Job) -> float:
    """Between two polls of the page: the older the job, the less a moment matters."""
    age = _seconds(job.created_at, timezone.now())
    return round(min(1.5 + age / 60, 10), 1)
