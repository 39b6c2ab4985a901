"""What happened to a job."""

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from jobs.states import Reason, State, Verb


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
        indexes = [models.Index(fields=["job", "id"], name="event_of_job")]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.verb}"

    @property
    def text(self) -> str:
        """A sentence for people, in their language."""
        told = self.data if isinstance(self.data, dict) else {}
        if self.verb == Verb.FAILED and told.get("reason") in Reason.values:
            return f"{Verb.FAILED.label}: {Reason(told['reason']).label}"
        if self.verb == Verb.STORED:
            return str(_("Stored picture %(number)d")) % {"number": told.get("position", 0) + 1}
        return self.get_verb_display()

    @property
    def detail(self) -> str:
        """RunComfy's own words, if it said any."""
        told = self.data.get("said", self.data) if isinstance(self.data, dict) else self.data
        if isinstance(told, dict):
            return str(told.get("words") or told.get("message") or told.get("outcome") or told.get("request_id") or "")
        return "" if told is None else str(told)
