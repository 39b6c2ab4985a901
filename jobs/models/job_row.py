"""What is kept of a job, and what can be told from it."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from jobs import seedream
from jobs.states import AT_RUNCOMFY, DRIVEN, ENDED, FOLLOWED, LOOKS, RUNNING, Reason, State

from .files import Picture
from .review import may_review

UNSENT = Q(state=State.PENDING)


class Among(models.Lookup):
    """`state__among=` some states: written into the statement. Given as parameters, SQLite does not see that an index
    of these states alone will do, and looks for a few jobs among all."""

    lookup_name = "among"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        column, params = self.process_lhs(compiler, connection)
        words = ", ".join(f"'{State(word).value}'" for word in self.rhs)
        return f"{column} IN ({words})", params


class JobRow(models.Model):
    """One edit: what was asked for, what RunComfy said, and where it stands. `Job` moves it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="jobs")
    parent = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="children")
    created_at = models.DateTimeField(default=timezone.now)

    # The model's parameters, under the model's names
    text = models.TextField()
    sequential_image_generation_options = models.PositiveSmallIntegerField()
    image_size = models.CharField(max_length=40)
    seed = models.BigIntegerField(null=True, blank=True)
    optimize_prompt_options = models.CharField(max_length=20)
    sequential_image_generation = models.CharField(max_length=600)
    pictures = models.ManyToManyField(Picture, through="jobs.JobInput", related_name="jobs")

    # Where it stands
    state = models.CharField(max_length=20, choices=State.choices, default=State.PENDING)
    version = models.PositiveIntegerField(default=1, help_text=_("Grows with every change"))
    moved_at = models.DateTimeField(null=True, default=timezone.now, help_text=_("Since when it is in this state"))
    reason = models.CharField(max_length=20, choices=Reason.choices, blank=True)
    trouble = models.CharField(max_length=20, choices=Reason.choices, blank=True)
    trouble_at = models.DateTimeField(null=True, blank=True, help_text=_("Since when it waits for that"))
    turn = models.PositiveIntegerField(
        default=0, db_default=0, help_text=_("Its place among the unsent jobs, in which users take turns")
    )
    pending_since = models.DateTimeField(default=timezone.now)
    attempt = models.PositiveSmallIntegerField(default=0, help_text=_("Submits that were begun"))
    submitted_at = models.DateTimeField(null=True, blank=True)
    accepted_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True, help_text=_("RunComfy was seen to be done"))
    finished_at = models.DateTimeField(null=True, blank=True)
    cancel_refused_at = models.DateTimeField(null=True, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)

    # What RunComfy said
    request_id = models.CharField(max_length=200, null=True, blank=True)
    provider_status = models.CharField(max_length=40, blank=True)
    queue_position = models.PositiveIntegerField(null=True, blank=True)
    provider_error = models.JSONField(null=True, blank=True)
    result = models.JSONField(null=True, blank=True)
    estimate_usd = models.DecimalField(max_digits=10, decimal_places=4, null=True, blank=True)
    cost_usd = models.DecimalField(max_digits=10, decimal_places=4, null=True, blank=True)

    # Who moves it: a driver's unique token, and until when it may
    lease = models.CharField(max_length=40, blank=True)
    leased_until = models.DateTimeField(null=True, blank=True)
    not_before = models.DateTimeField(null=True, blank=True)

    # Whether retention leaves its files alone
    held_at = models.DateTimeField(null=True, blank=True, help_text=_("Since when its files are kept"))
    held_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )

    class Meta:
        abstract = True
        ordering = ("-created_at", "-id")
        constraints = [
            models.UniqueConstraint(fields=["request_id"], name="job_request_id_unique"),
            models.CheckConstraint(condition=~Q(request_id=""), name="job_request_id_not_empty"),
            models.CheckConstraint(
                condition=~Q(state__in=AT_RUNCOMFY) | Q(request_id__isnull=False), name="job_accepted_has_request_id"
            ),
            models.CheckConstraint(
                condition=Q(state__in=ENDED, finished_at__isnull=False)
                | (~Q(state__in=ENDED) & Q(finished_at__isnull=True)),
                name="job_finished_at_exactly_when_ended",
            ),
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="job_newest"),
            models.Index(fields=["owner", "-created_at", "-id"], name="job_newest_of_owner"),
            models.Index(fields=["state", "-created_at", "-id"], name="job_newest_of_state"),
            models.Index(fields=["owner", "state", "-created_at", "-id"], name="job_newest_of_owner_state"),
            models.Index(fields=["optimize_prompt_options", "-created_at", "-id"], name="job_newest_of_quality"),
            models.Index(fields=["created_at", "id"], condition=Q(state__in=FOLLOWED), name="job_followed"),
            # Few of many: by the other indexes, SQLite would look for the next one among all jobs.
            models.Index(fields=["-created_at", "-id"], condition=Q(state__in=RUNNING), name="job_newest_running"),
            # Drivers ask twice a second: by the index of all states, SQLite would rather read the whole table.
            models.Index(fields=["created_at", "id"], condition=Q(state__in=DRIVEN), name="job_driven"),
            # Twice: SQLite wants the state in front, or it sorts all unsent jobs; PostgreSQL finds no turn behind it.
            models.Index(fields=["turn", "created_at", "id"], condition=UNSENT, name="job_turn"),
            models.Index(fields=["state", "turn", "created_at", "id"], condition=UNSENT, name="job_turn_of_state"),
            models.Index(fields=["owner", "-turn"], condition=UNSENT, name="job_turn_of_owner"),
            models.Index(
                fields=["sequential_image_generation_options", "optimize_prompt_options", "-finished_at"],
                condition=Q(state=State.COMPLETED),
                name="job_completed_like",
            ),
            models.Index(fields=["lease"], condition=~Q(lease=""), name="job_lease"),
            models.Index(fields=["-created_at", "-id"], condition=Q(held_at__isnull=False), name="job_held"),
        ]

    def __str__(self) -> str:
        return f"{self.text[:60]} ({self.state})"

    def get_absolute_url(self) -> str:
        return reverse("jobs:detail", args=[self.pk])

    @property
    def is_active(self) -> bool:
        return self.state not in ENDED

    @property
    def ratio(self) -> str:
        return seedream.ratio(self.image_size)

    @property
    def status_class(self) -> str:
        return LOOKS[State(self.state)][0]

    @property
    def status_icon(self) -> str:
        return LOOKS[State(self.state)][1]

    @property
    def can_cancel(self) -> bool:
        """Whether a wish to cancel makes sense; whether it is granted is RunComfy's to say."""
        late = self.state in (*ENDED, State.MIRRORING, State.UNCONFIRMED)
        return not late and self.cancel_requested_at is None and self.cancel_refused_at is None

    @property
    def why_not_cancelled(self) -> str:
        if self.cancel_refused_at:
            return str(_("RunComfy is already editing: it goes on and is charged."))
        return str(_("It is too late to cancel this job: %(state)s.")) % {"state": self.get_state_display()}

    @property
    def why_not_settled(self) -> str:
        return str(_("This job is not unconfirmed any more: %(state)s.")) % {"state": self.get_state_display()}

    def lasting(self) -> float:
        """Seconds since the present trouble began; 0 without one."""
        return (timezone.now() - self.trouble_at).total_seconds() if self.trouble_at else 0.0

    @property
    def can_fetch_again(self) -> bool:
        return self.state == State.FAILED and self.reason == Reason.LOST_OUTPUT

    def may_be_moved_by(self, user: Any) -> bool:
        """Only the owner and staff cancel, delete or settle a job."""
        return user.is_staff or user.pk == self.owner_id

    def may_be_held_by(self, user: Any) -> bool:
        """Whether this person may have its files kept."""
        return user.pk == self.owner_id or may_review(user)

    def may_be_released_by(self, user: Any) -> bool:
        """A reviewer's wish to keep the files is not the owner's to take back."""
        is_own = self.held_at is None or self.held_by_id == user.pk
        return may_review(user) or (is_own and user.pk == self.owner_id)

    @property
    def parameters(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in seedream.PARAMETERS}


# Before Job takes the field over
JobRow._meta.get_field("state").register_lookup(Among)
