"""What happened to a job."""

from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from jobs.states import Reason, State, Verb

OF_A_PICTURE = {
    Verb.STORED: _("Stored picture %(number)d"),
    Verb.APPROVED: _("Approved picture %(number)d"),
    Verb.REJECTED: _("Rejected picture %(number)d"),
    Verb.REVIEW_UNDONE: _("Took the verdict on picture %(number)d back"),
}

OF_ORIGINALS: dict[tuple[str, str], Any] = {
    (Verb.ARCHIVED, "inputs"): _("The retention rule archived originals after %(days)d days; inputs: %(files)d"),
    (Verb.ARCHIVED, "outputs"): _("The retention rule archived originals after %(days)d days; results: %(files)d"),
    (Verb.DELETED, "inputs"): _("The retention rule deleted originals after %(days)d days; inputs: %(files)d"),
    (Verb.DELETED, "outputs"): _("The retention rule deleted originals after %(days)d days; results: %(files)d"),
}


class JobEvent(models.Model):
    """The append-only history of a job. `data` holds the provider's words and ids, never a token."""

    job = models.ForeignKey("jobs.Job", models.CASCADE, related_name="events")
    at = models.DateTimeField(default=timezone.now)
    verb = models.CharField(max_length=20, choices=Verb.choices)
    from_state = models.CharField(max_length=20, choices=State.choices, blank=True)
    to_state = models.CharField(max_length=20, choices=State.choices, blank=True)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True)
    data = models.JSONField(null=True, blank=True)

    class Meta:
        ordering = ("id",)
        indexes = [
            models.Index(fields=["job", "id"], name="event_of_job"),
            models.Index(fields=["-at", "-id"], name="event_newest"),
            models.Index(fields=["verb", "-at", "-id"], name="event_newest_of_verb"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.verb}"

    @property
    def text(self) -> str:
        """A sentence for people, in their language."""
        told = self.data if isinstance(self.data, dict) else {}
        if self.verb == Verb.FAILED and told.get("reason") in Reason.values:
            return f"{Verb.FAILED.label}: {Reason(told['reason']).label}"
        if self.verb in OF_A_PICTURE:
            return str(OF_A_PICTURE[Verb(self.verb)]) % {"number": told.get("position", 0) + 1}
        if words := OF_ORIGINALS.get((self.verb, str(told.get("of")))):
            return str(words) % {"files": told["files"], "days": told["days"]}
        if self.verb == Verb.VERIFIED and "files" in told:
            words = _("Compared %(files)d stored files with their hashes; damaged: %(damaged)d")
            return str(words) % {"files": told["files"], "damaged": len(told["damaged"])}
        return self.get_verb_display()

    @property
    def detail(self) -> str:
        """RunComfy's own words, or a reviewer's, if there were any."""
        told = self.data.get("said", self.data) if isinstance(self.data, dict) else self.data
        if isinstance(told, dict):
            names = ("words", "message", "outcome", "request_id", "note")
            return next((str(told[name]) for name in names if told.get(name)), "")
        return "" if told is None else str(told)
