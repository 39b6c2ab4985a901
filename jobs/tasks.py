"""django-q2's entry points. A task may run twice, late or never: it looks at the rows first."""

import logging
import os
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import ParamSpec
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.forms import PasswordResetForm
from django.db.models.functions import Now
from django.utils import timezone, translation
from django_q.models import Failure, Schedule

from . import dispatch, doorbell, lifecycle, sizes, store, upkeep
from . import drive as driving
from . import retention as retaining
from .models import Count, Heartbeat, IdempotencyKey, Tally, WebhookDelivery

logger = logging.getLogger(__name__)
P = ParamSpec("P")

FAILURES_KEPT = timedelta(days=30)
RETENTION_SECONDS = 60.0  # of one task; the next one goes on
TALLIES_SECONDS = 24 * 3600  # longer than any of them counts
WORKER_ENVIRONMENT = "SEEDREAM_WORKER"  # the name of the cluster that this process works in


def task(function: Callable[P, None]) -> Callable[P, None]:
    """Tell of what goes wrong in the same log as everything else (django-q2 makes one long text of it), and write down
    what was counted."""

    @wraps(function)
    def run(*arguments: P.args, **named: P.kwargs) -> None:
        try:
            function(*arguments, **named)
        except Exception:
            logger.exception("The task %s failed", function.__name__)
            raise
        finally:
            Count.write()

    return run


@task
def drive() -> None:
    driving.drive(_worker())


@task
def make_sizes() -> None:
    sizes.make_waiting(_worker())


@task
def send_webhooks() -> None:
    dispatch.send_waiting(_worker())


@task
def send_password_mail(email: str, language: str) -> None:
    """To whoever has that address. Its link leads to PUBLIC_BASE_URL, not to the host that the request named."""
    form = PasswordResetForm({"email": email})
    with translation.override(language):
        if form.is_valid():
            form.save(
                domain_override=urlsplit(settings.PUBLIC_BASE_URL).netloc,
                use_https=settings.IS_HTTPS,
                email_template_name="registration/password_reset_email.txt",
            )


@task
def sweep() -> None:
    lifecycle.mend_times()
    lifecycle.sweep()
    lifecycle.look_after_provider()
    store.forget_abandoned()
    upkeep.forget_unused()
    WebhookDelivery.objects.forget_old()
    Tally.forget_old(TALLIES_SECONDS)
    IdempotencyKey.forget_old()
    # The history of jobs is in our own tables; django-q2 would keep its failures for ever.
    Failure.objects.filter(stopped__lt=timezone.now() - FAILURES_KEPT).delete()
    retaining.remove_leftovers()


@task
def retention() -> None:
    """Once a day; what is left after a while is another task's, for a queue's process must not be away for long."""
    if retaining.run_by_schedule(RETENTION_SECONDS):
        doorbell.ring("retention")


@task
def beat() -> None:
    """Show that this cluster works, and sweep: a lost ring then costs seconds."""
    Heartbeat.show(_worker())
    Heartbeat.objects.filter(seen_at__lt=Now() - timedelta(days=1)).delete()
    # The worker rings for this one by a clock that never goes back; the queue's own schedule would wait.
    now = timezone.now()
    Schedule.objects.filter(next_run__gt=now + lifecycle.AHEAD).update(next_run=now)
    lifecycle.sweep()


def _worker() -> str:
    return os.environ.get(WORKER_ENVIRONMENT, "")
