"""The words for a job: its states and how they follow each other, why it ended or waits, what can happen to it."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class State(models.TextChoices):
    PENDING = "pending", _("Waiting to be sent")
    SUBMITTING = "submitting", _("Being sent")
    UNCONFIRMED = "unconfirmed", _("Unconfirmed")
    IN_QUEUE = "in_queue", _("In RunComfy's queue")
    IN_PROGRESS = "in_progress", _("Editing")
    MIRRORING = "mirroring", _("Storing the pictures")
    COMPLETED = "completed", _("Completed")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


TRANSITIONS = {
    State.PENDING: {State.SUBMITTING, State.CANCELLED, State.FAILED},
    State.SUBMITTING: {State.IN_QUEUE, State.UNCONFIRMED, State.FAILED, State.PENDING},
    State.UNCONFIRMED: {State.IN_QUEUE, State.PENDING, State.FAILED},
    State.IN_QUEUE: {State.IN_PROGRESS, State.MIRRORING, State.CANCELLED, State.FAILED},
    State.IN_PROGRESS: {State.IN_QUEUE, State.MIRRORING, State.CANCELLED, State.FAILED},
    State.MIRRORING: {State.COMPLETED, State.FAILED},
    State.FAILED: {State.MIRRORING},  # only for outputs that RunComfy made and we could not fetch
}
ENDED = (State.COMPLETED, State.FAILED, State.CANCELLED)
# A driver takes these up; an unconfirmed job waits for a person, an abandoned submit for the sweep.
FOLLOWED = (State.IN_QUEUE, State.IN_PROGRESS, State.MIRRORING)
DRIVEN = (State.PENDING, *FOLLOWED)
# What people call running: its steps are all the same to who looks for it.
RUNNING = (State.PENDING, State.SUBMITTING, *FOLLOWED)
IN_FLIGHT = (State.SUBMITTING, State.IN_QUEUE, State.IN_PROGRESS)  # what counts for RUNCOMFY_MAX_IN_FLIGHT
STORING = (State.MIRRORING, State.COMPLETED, State.FAILED)  # no job in another state has, or ever had, an output
AT_RUNCOMFY = (State.IN_QUEUE, State.IN_PROGRESS, State.MIRRORING, State.COMPLETED)

# The portal's look for each state: its status colour, its icon
LOOKS = {
    State.PENDING: ("queued", "clock"),
    State.SUBMITTING: ("queued", "send"),
    State.UNCONFIRMED: ("review", "circle-help"),
    State.IN_QUEUE: ("queued", "clock"),
    State.IN_PROGRESS: ("running", "loader"),
    State.MIRRORING: ("running", "loader"),
    State.COMPLETED: ("done", "check"),
    State.FAILED: ("failed", "triangle-alert"),
    State.CANCELLED: ("cancelled", "x"),
}


class Reason(models.TextChoices):
    """Why a job ended without its pictures, or why it waits, in words for its user."""

    REFUSED = "refused", _("RunComfy refused the edit. Nothing was charged.")
    TOKEN = "token", _("RunComfy does not accept this site's API token. Ask an administrator. Nothing was charged.")
    BALANCE = "balance", _("The RunComfy account has no balance left. Nothing was charged.")
    UNREACHABLE = "unreachable", _("RunComfy could not be reached for too long. The edit was never sent.")
    MODEL_FAILED = "model_failed", _("RunComfy could not make the pictures.")
    NO_OUTPUT = "no_output", _("RunComfy finished, but made no picture.")
    GONE = "gone", _("RunComfy no longer knows this request.")
    DEADLINE = "deadline", _("RunComfy did not finish in time.")
    LOST_OUTPUT = "lost_output", _("The finished pictures could not be fetched and stored.")
    WRITTEN_OFF = "written_off", _("Written off: whether RunComfy made and charged it was never found out.")
    BAD_INPUT = "bad_input", _("A picture of this edit can no longer be read.")
    # What passes by itself:
    NOT_REACHED = "not_reached", _("RunComfy does not answer. The job waits and is tried again by itself.")
    NO_ACCESS = "no_access", _("RunComfy refuses this site's API token. Ask an administrator; then the job goes on.")
    RATE_LIMITED = "rate_limited", _("RunComfy asks for patience. The job waits and goes on by itself.")
    MISSING = "missing", _("RunComfy does not find this request at the moment. Asking again.")
    NOT_READ = "not_read", _("The pictures of this edit cannot be read at the moment. Trying again.")
    NOT_STORED = "not_stored", _("The pictures are made, but cannot be fetched or stored yet. Trying again.")


# What a driver takes back when the next call succeeds.
PASSING = (
    Reason.NOT_REACHED,
    Reason.NO_ACCESS,
    Reason.RATE_LIMITED,
    Reason.MISSING,
    Reason.NOT_READ,
    Reason.NOT_STORED,
)


class Verb(models.TextChoices):
    """What a JobEvent says happened."""

    CREATED = "created", _("Accepted")
    CLAIMED = "claimed", _("Sending to RunComfy")
    ACCEPTED = "accepted", _("RunComfy accepted the edit")
    HELD = "held", _("Not sent; will be tried again")
    UNCONFIRMED = "unconfirmed", _("RunComfy may or may not have accepted the edit")
    STARTED = "started", _("RunComfy began to edit")
    REQUEUED = "requeued", _("RunComfy put the edit back into its queue")
    DELIVERED = "delivered", _("RunComfy finished; storing the pictures")
    STORED = "stored", _("Stored a picture")
    RENEWED = "renewed", _("Read the result again for fresh links")
    COMPLETED = "completed", _("All pictures are stored")
    FAILED = "failed", _("Failed")
    CANCEL_ASKED = "cancel_asked", _("Asked to cancel")
    CANCEL_REFUSED = "cancel_refused", _("RunComfy did not cancel")
    CANCELLED = "cancelled", _("Cancelled")
    TROUBLED = "troubled", _("Waiting")
    RECOVERED = "recovered", _("Going on")
    ADOPTED = "adopted", _("Took a request that RunComfy has")
    SENT_ANEW = "sent_anew", _("Chose to send it anew, though it may be charged twice")
    FETCH_AGAIN = "fetch_again", _("Asked to fetch the pictures again")
    LATE_ANSWER = "late_answer", _("RunComfy's answer to an earlier attempt arrived")
    APPROVED = "approved", _("Approved")
    REJECTED = "rejected", _("Rejected")
    REVIEW_UNDONE = "review_undone", _("Took a verdict back")
    VERIFIED = "verified", _("Compared the stored files with their hashes")
    RUNG = "rung", _("Had the job looked at again")
    FILES_HELD = "files_held", _("Had its files kept")
    FILES_RELEASED = "files_released", _("No longer has its files kept")
    ARCHIVED = "archived", _("Originals archived by the retention rule")
    DELETED = "deleted", _("Originals deleted by the retention rule")
    RESTORED = "restored", _("Originals brought back")
