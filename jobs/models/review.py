"""What reviewers decide about outputs. Decisions are only ever added: `Output.decision` names the one that stands."""

from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

NOTE_MAX = 300
# The names that came with the desk, for translators; a migration wrote them into the table.
gettext_noop("Off brief"), gettext_noop("Artefacts"), gettext_noop("Likeness or rights")
gettext_noop("Unsafe content"), gettext_noop("Wrong crop or size"), gettext_noop("Other")


class RejectionReason(models.Model):
    """Why an output may be rejected. A team words its own; one that was ever given can be retired, not deleted."""

    slug = models.SlugField(unique=True, help_text=_("What programs call it"))
    name = models.CharField(max_length=60)
    position = models.PositiveSmallIntegerField(default=0, help_text=_("Its place on the review page, and its key"))
    is_active = models.BooleanField(default=True, help_text=_("Whether reviewers may choose it"))

    class Meta:
        ordering = ("position", "id")

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """In the reader's language, when it is one of those that came with the desk."""
        return gettext(self.name)


class DecisionQuerySet(models.QuerySet["ReviewDecision"]):
    def verdicts(self) -> Self:
        """Those that were not taken back."""
        # A join would make SQLite read all decisions for each one, where hardly any was ever taken back.
        taken_back = Exists(ReviewDecision.objects.filter(undoes=OuterRef("pk")))
        return self.exclude(verdict=ReviewDecision.Verdict.UNDONE).filter(~taken_back)


class ReviewDecision(models.Model):
    """Who decided what about an output, when and why. An undo is one more row, which names the one it takes back."""

    class Verdict(models.TextChoices):
        APPROVED = "approved", _("Approved")
        REJECTED = "rejected", _("Rejected")
        UNDONE = "undone", _("Undone")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    act = models.UUIDField(default=uuid7, db_index=True, help_text=_("The same for all that was decided in one go"))
    output = models.ForeignKey("jobs.Output", models.CASCADE, related_name="decisions", db_index=False)
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="decisions")
    at = models.DateTimeField(default=timezone.now)
    verdict = models.CharField(max_length=12, choices=Verdict.choices)
    reason = models.ForeignKey(
        RejectionReason, models.PROTECT, null=True, blank=True, related_name="decisions", db_index=False
    )
    note = models.CharField(max_length=NOTE_MAX, blank=True, help_text=_("To the author"))
    replaces = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="+", help_text=_("The decision that stood before")
    )
    undoes = models.OneToOneField("self", models.CASCADE, null=True, blank=True, related_name="undone")

    objects = DecisionQuerySet.as_manager()

    class Meta:
        ordering = ("-at", "-id")
        constraints = [
            models.CheckConstraint(
                condition=Q(verdict="rejected", reason__isnull=False)
                | (~Q(verdict="rejected") & Q(reason__isnull=True)),
                name="decision_reason_exactly_when_rejected",
            ),
            models.CheckConstraint(
                condition=Q(verdict="undone", undoes__isnull=False) | (~Q(verdict="undone") & Q(undoes__isnull=True)),
                name="decision_undoes_exactly_when_undone",
            ),
        ]
        indexes = [
            models.Index(fields=["-at", "-id"], name="decision_newest"),
            models.Index(fields=["output", "reviewer", "-at"], name="decision_of_output"),
            models.Index(fields=["reviewer", "-at"], name="decision_newest_of_reviewer"),
            models.Index(fields=["verdict", "-at", "-id"], name="decision_newest_of_verdict"),
            models.Index(fields=["reason", "-at", "-id"], name="decision_newest_of_reason"),
            # Beside the unique one, which is full of rows that undo nothing: SQLite then takes it for no help.
            models.Index(fields=["undoes"], condition=Q(undoes__isnull=False), name="decision_undoing"),
        ]

    def __str__(self) -> str:
        return f"{self.get_verdict_display()}, {self.at:%Y-%m-%d %H:%M:%S}"


class Looking(models.Model):
    """Which job a reviewer has on the review page at the moment."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="+")
    job = models.ForeignKey("jobs.Job", models.CASCADE, related_name="+")
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.user_id} {self.seen_at:%H:%M:%S}"


def may_review(user: Any) -> bool:
    return user.is_active and (user.is_staff or user.has_perm("jobs.review_output"))
