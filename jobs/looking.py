"""Which reviewers have an edit on their screens at the moment."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError
from django.utils import timezone

from .models import Job, Looking

EVERY = 10  # seconds between two signs of life
SEEN_FOR = timedelta(seconds=2.5 * EVERY)


def look(user: Any, job: Job) -> list[User]:
    """Note that this person looks at that edit now; returns who else does. Raises Job.DoesNotExist when it was deleted
    meanwhile."""
    now = timezone.now()
    try:
        _note(user, job, now)
    except IntegrityError:
        raise Job.DoesNotExist from None
    others = Looking.objects.filter(job=job, seen_at__gt=now - SEEN_FOR).exclude(user=user)
    return [looking.user for looking in others.select_related("user").order_by("user__username")]


def _note(user: Any, job: Job, now: datetime) -> None:
    Looking.objects.bulk_create(
        [Looking(user=user, job=job, seen_at=now)],
        update_conflicts=True,
        unique_fields=["user"],
        update_fields=["job", "seen_at"],
    )
