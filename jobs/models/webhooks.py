"""Where events are sent, and each event on its way there. A delivery is outbox and log in one row."""

import base64
import json
import random
import secrets
import uuid
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Self
from urllib.parse import urlsplit

from django.conf import settings
from django.db import models, transaction
from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from jobs import doorbell

SALT = "jobs.webhook-secret"
ROTATION = timedelta(hours=24)
# Seconds before the next attempt: about a day in all.
PAUSES = (5, 30, 120, 600, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600)
FAILURES_MAX = 10  # events in a row that failed for good
LOG_LENGTH = 20
GONE = 410
PING = "ping"  # the test event, which nobody chooses


class Event(models.TextChoices):
    """What an endpoint may choose to hear of."""

    CREATED = "job.created", _("An edit was accepted")
    COMPLETED = "job.completed", _("An edit is completed")
    FAILED = "job.failed", _("An edit failed")
    CANCELLED = "job.cancelled", _("An edit was cancelled")
    UNCONFIRMED = "job.unconfirmed", _("An edit waits for a person's decision")
    APPROVED = "output.approved", _("A picture was approved")
    REJECTED = "output.rejected", _("A picture was rejected")
    REVIEW_UNDONE = "output.review_undone", _("A verdict was taken back")


class Problem(models.TextChoices):
    """Why an attempt failed, in words for the endpoint's owner."""

    ANSWER = "answer", _("The receiver did not accept it.")
    REDIRECT = "redirect", _("The receiver answered with a redirect, and those are not followed.")
    TIMEOUT = "timeout", _("The receiver did not answer in time.")
    UNREACHABLE = "unreachable", _("The receiver could not be reached.")
    BROKEN = "broken", _("The connection broke.")
    FORBIDDEN = "forbidden", _("The address is not a public https address.")


def new_seed() -> str:
    return secrets.token_hex(16)


class EndpointQuerySet(models.QuerySet["WebhookEndpoint"]):
    def visible_to(self, user: Any) -> Self:
        """One's own; the team's are staff's."""
        return self.filter(Q(owner=user) | Q(owner=None) if user.is_staff else Q(owner=user))

    def live(self) -> Self:
        """Neither paused, nor of somebody who may no longer sign in."""
        return self.filter(Q(owner=None) | Q(owner__is_active=True), is_active=True)

    def listening(self, event: str, owner_id: int) -> list["WebhookEndpoint"]:
        """Those that want this event of a job of that owner: the owner's and the team's."""
        theirs = self.live().filter(Q(owner=None) | Q(owner=owner_id))
        return [endpoint for endpoint in theirs if event in endpoint.events]


class WebhookEndpoint(models.Model):
    """A receiver of events: of its owner's jobs, or of all when it is the team's.

    Its secrets are not stored: each is made of SECRET_KEY and a seed, so the database alone can sign nothing.
    """

    class Disabled(models.TextChoices):
        GONE = "gone", _("The receiver answered 410 Gone: it wants no more events.")
        FAILING = "failing", _("Too many events in a row could not be delivered.")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, help_text=_("Empty: the team's")
    )
    name = models.CharField(max_length=100)
    url = models.CharField(max_length=2000)
    events = models.JSONField(default=list)
    is_active = models.BooleanField(default=True)
    disabled = models.CharField(max_length=10, choices=Disabled.choices, blank=True)
    failures = models.PositiveSmallIntegerField(default=0, help_text=_("Events in a row that were not delivered"))
    seed = models.CharField(max_length=32, default=new_seed, editable=False)
    previous_seed = models.CharField(max_length=32, blank=True, editable=False)
    previous_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = EndpointQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.name

    @property
    def host(self) -> str:
        """What may be shown and logged of the address: the rest may hold a receiver's own token."""
        return urlsplit(self.url).netloc.rpartition("@")[2]

    @property
    def event_names(self) -> list[str]:
        return [str(Event(name).label) for name in self.events if name in Event.values]

    @property
    def secret(self) -> str:
        return _secret(self.seed)

    @property
    def is_rotating(self) -> bool:
        return self.previous_until is not None and self.previous_until > timezone.now()

    @property
    def signing_secrets(self) -> list[str]:
        """The current one and, for a day after a rotation, the one before."""
        return [self.secret, _secret(self.previous_seed)] if self.is_rotating else [self.secret]

    def rotate(self) -> None:
        self.previous_seed, self.seed = self.seed, new_seed()
        self.previous_until = timezone.now() + ROTATION
        self.save(update_fields=["previous_seed", "seed", "previous_until"])

    def pause(self) -> None:
        """Nothing new is written for it; what waits goes on when it is resumed."""
        WebhookEndpoint.objects.filter(pk=self.pk).update(is_active=False)

    def resume(self) -> None:
        WebhookEndpoint.objects.filter(pk=self.pk).update(is_active=True, disabled="", failures=0)
        doorbell.ring("send_webhooks")


def _secret(seed: str) -> str:
    key = salted_hmac(SALT, seed, algorithm="sha256").digest()
    return f"whsec_{base64.b64encode(key).decode()}"


@dataclass(frozen=True)
class Attempt:
    """What came of one POST: the receiver's code, or the problem that kept it from answering."""

    at: str
    seconds: float
    code: int | None = None
    problem: str = ""
    said: str = ""


class DeliveryQuerySet(models.QuerySet["WebhookDelivery"]):
    def free(self, now: datetime) -> Self:
        """Due, and nobody is sending it."""
        return self.filter(Q(leased_until=None) | Q(leased_until__lt=now), next_at__lte=now)

    def next_of_each(self, now: datetime) -> models.QuerySet[WebhookEndpoint, uuid.UUID]:
        """The oldest due delivery of each endpoint to which none is on its way."""
        pending = self.filter(endpoint=OuterRef("pk"), next_at__isnull=False)  # which is what their index holds
        due = pending.free(now).order_by("next_at", "id")
        is_busy = Exists(pending.filter(leased_until__gte=now))
        waiting = WebhookEndpoint.objects.live().filter(~is_busy).annotate(next=Subquery(due.values("pk")[:1]))
        return waiting.exclude(next=None).order_by("pk").values_list("next", flat=True)

    def take(self, seconds: float, limit: int) -> list["WebhookDelivery"]:
        """Claim up to `limit` of them, one for each endpoint. A claim that its process outlives not runs out."""
        now, lease = timezone.now(), uuid.uuid4().hex
        ids = list(self.next_of_each(now)[:limit])
        if not ids:
            return []
        # Only columns of its own in the condition: PostgreSQL looks at them again when it waited for another claim.
        claim = {"lease": lease, "leased_until": now + timedelta(seconds=seconds), "attempts": F("attempts") + 1}
        self.filter(pk__in=ids).free(now).update(**claim)
        return list(self.filter(pk__in=ids, lease=lease).select_related("endpoint"))

    def forget_old(self) -> None:
        """What is still to be sent stays, unless nobody wants it."""
        old = self.filter(created_at__lt=timezone.now() - settings.WEBHOOK_KEPT)
        old.exclude(next_at__isnull=False, endpoint__is_active=True).delete()


class WebhookDelivery(models.Model):
    """One event for one endpoint, until it arrived or was given up.

    `event_id` and `payload` are the same in every attempt: receivers know by the id what they had already.
    """

    class State(models.TextChoices):
        PENDING = "pending", _("Waiting")
        DELIVERED = "delivered", _("Delivered")
        FAILED = "failed", _("Failed")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    endpoint = models.ForeignKey(WebhookEndpoint, models.CASCADE, related_name="deliveries")
    event_id = models.CharField(max_length=40)
    event = models.CharField(max_length=40)
    payload = models.TextField(help_text=_("The JSON that is signed and sent"))
    created_at = models.DateTimeField(default=timezone.now)
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0, help_text=_("That were begun since it was last sent anew"))
    next_at = models.DateTimeField(null=True, blank=True, default=timezone.now)
    code = models.PositiveSmallIntegerField(null=True, blank=True, help_text=_("The last answer's status"))
    problem = models.CharField(max_length=12, choices=Problem.choices, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    log = models.JSONField(default=list, blank=True, help_text=_("The last attempts"))
    lease = models.CharField(max_length=32, blank=True)
    leased_until = models.DateTimeField(null=True, blank=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        verbose_name_plural = "webhook deliveries"
        constraints = [
            models.UniqueConstraint(fields=["endpoint", "event_id"], name="webhook_event_once"),
            models.CheckConstraint(
                condition=Q(state="pending", next_at__isnull=False) | (~Q(state="pending") & Q(next_at__isnull=True)),
                name="webhook_next_at_exactly_when_pending",
            ),
        ]
        indexes = [
            models.Index(fields=["endpoint", "-id"], name="webhook_log"),
            models.Index(
                fields=["endpoint", "next_at", "id"], condition=Q(next_at__isnull=False), name="webhook_waiting"
            ),
            models.Index(fields=["-created_at", "-id"], name="webhook_newest"),
            models.Index(fields=["state", "-created_at", "-id"], name="webhook_newest_of_state"),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.event_id}"

    @property
    def is_test(self) -> bool:
        return self.event == PING

    @property
    def event_name(self) -> str:
        return str(Event(self.event).label) if self.event in Event.values else str(_("Test"))

    @property
    def job_id(self) -> str:
        """The job that it tells of, which may be deleted by now; nothing for a test."""
        data = {} if self.is_test else json.loads(self.payload)["data"]
        return str(data.get("job", data).get("id", ""))

    @property
    def pretty(self) -> str:
        return json.dumps(json.loads(self.payload), ensure_ascii=False, indent=2)

    @property
    def past(self) -> list[dict[str, Any]]:
        """The attempts, the newest first, as a page shows them."""
        return [
            {
                **told,
                "at": datetime.fromisoformat(told["at"]),
                "words": told["problem"] and Problem(told["problem"]).label,
            }
            for told in reversed(self.log)
        ]

    # The verbs. An attempt's outcome counts only while its claim does: nobody else has it, and it was not sent anew.

    def settle(self, attempt: Attempt) -> bool:
        """Write down what came of an attempt, and when the next one is due."""
        if attempt.code is not None and 200 <= attempt.code < 300:
            return self._settle_as(self.State.DELIVERED, attempt, delivered_at=timezone.now(), next_at=None)
        pauses = () if self.is_test else PAUSES
        if attempt.code == GONE or self.attempts > len(pauses):
            return self._settle_as(self.State.FAILED, attempt, next_at=None)
        pause = pauses[self.attempts - 1] * random.uniform(1, 1.1)  # noqa: S311 (spreads, guards nothing)
        return self._settle_as(self.State.PENDING, attempt, next_at=timezone.now() + timedelta(seconds=pause))

    def _settle_as(self, state: State, attempt: Attempt, **fields: Any) -> bool:
        fields |= {"state": state, "code": attempt.code, "problem": attempt.problem, "lease": "", "leased_until": None}
        log = [*self.log, asdict(attempt)][-LOG_LENGTH:]
        with transaction.atomic():
            settled = WebhookDelivery.objects.filter(pk=self.pk, lease=self.lease).update(log=log, **fields)
            if settled:
                self._tell_endpoint(state, attempt)
        return bool(settled)

    def _tell_endpoint(self, state: State, attempt: Attempt) -> None:
        endpoint, disabled = WebhookEndpoint.objects.filter(pk=self.endpoint_id), WebhookEndpoint.Disabled
        if state == self.State.DELIVERED:
            endpoint.filter(failures__gt=0).update(failures=0)
        elif attempt.code == GONE:
            endpoint.update(is_active=False, disabled=disabled.GONE)
        elif state == self.State.FAILED and not self.is_test:
            endpoint.update(failures=F("failures") + 1)
            endpoint.filter(failures__gte=FAILURES_MAX).update(is_active=False, disabled=disabled.FAILING)

    def send_again(self) -> bool:
        """Begin anew under the same id; False while an attempt is under way."""
        now = timezone.now()
        idle = Q(leased_until=None) | Q(leased_until__lt=now)
        anew = {"state": self.State.PENDING, "next_at": now, "attempts": 0, "delivered_at": None, "lease": ""}
        with transaction.atomic():
            begun = WebhookDelivery.objects.filter(idle, pk=self.pk).update(**anew, leased_until=None)
            if begun:
                doorbell.ring("send_webhooks")
        return bool(begun)
