"""Signs of life of what works in the background, and what it knows of RunComfy."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import models
from django.db.models import Max, Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from jobs.states import Reason

WORKER, ALIVE = "worker:", timedelta(seconds=20)
STALE_SECONDS = 30  # of what one process does at a time


class Heartbeat(models.Model):
    """A sign of life of a worker's cluster or of a driver, by the database's clock, for those of the machines may
    differ; `jobs` is what a driver holds."""

    name = models.CharField(max_length=100, primary_key=True)
    seen_at = models.DateTimeField()
    jobs = models.PositiveIntegerField(default=0)
    is_stopping = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"{self.name} {self.seen_at:%H:%M:%S}"

    @classmethod
    @contextmanager
    def alone(cls, name: str) -> Iterator[bool]:
        """For work that one process does at a time: whether it is this one's, which tells by `show` that it lives."""
        is_mine = cls.begin(name)
        try:
            yield is_mine
        finally:
            if is_mine:
                cls.objects.filter(name=name).delete()

    @classmethod
    def begin(cls, name: str) -> bool:
        """Take the name that no living process has; who was silent for STALE_SECONDS is dead."""
        cls.objects.filter(name=name, seen_at__lt=Now() - timedelta(seconds=STALE_SECONDS)).delete()
        _beat, is_mine = cls.objects.get_or_create(name=name, defaults={"seen_at": Now()})
        return is_mine

    @classmethod
    def show(cls, name: str) -> None:
        cls.objects.filter(name=name).update(seen_at=Now())

    @classmethod
    def of_a_worker(cls) -> bool:
        """Whether a worker works, as far as its signs of life say: it gives one every five seconds, and a killed one
        leaves its last behind."""
        alive = {"is_stopping": False, "seen_at__gt": Now() - ALIVE}
        return cls.objects.filter(name__startswith=WORKER, **alive).exists()

    @classmethod
    def last(cls) -> datetime | None:
        """When anything in the background last gave a sign of life."""
        return cls.objects.aggregate(Max("seen_at"))["seen_at__max"]


class Provider(models.Model):
    """What all drivers on all machines know of RunComfy together: one row, read twice a second by each."""

    failing_since = models.DateTimeField(null=True, blank=True)
    failing_reason = models.CharField(max_length=30, blank=True, default="", db_default="")
    held_until = models.DateTimeField(null=True, blank=True, help_text=_("It asked for no calls before then"))

    def __str__(self) -> str:
        return "failing" if self.failing_since else "well"

    @classmethod
    def known(cls) -> "Provider":
        return cls.objects.filter(pk=1).first() or cls(pk=1)

    @classmethod
    def lock(cls) -> None:
        """Nobody else passes here until this transaction ends."""
        cls.objects.get_or_create(pk=1)
        cls.objects.select_for_update().get(pk=1)

    @classmethod
    def report_failure(cls, reason: Reason = Reason.NOT_REACHED) -> None:
        """It does not answer, or (NO_ACCESS) refuses our token."""
        cls.objects.get_or_create(pk=1)
        cls.objects.filter(pk=1, failing_since=None).update(failing_since=timezone.now())
        cls.objects.filter(pk=1).update(failing_reason=reason)

    @classmethod
    def report_success(cls) -> None:
        cls.objects.filter(pk=1).update(failing_since=None, failing_reason="")

    @classmethod
    def hold(cls, until: datetime) -> None:
        """All drivers keep silent until then; a shorter hold does not end a longer one."""
        cls.objects.get_or_create(pk=1)
        cls.objects.filter(Q(held_until=None) | Q(held_until__lt=until), pk=1).update(held_until=until)
