"""What people and the clock do to jobs: create, ring, cancel, sweep; and what an edit costs.

What the worker does to them in between (submit, poll, mirror) is in `steps`.
"""

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from . import clients, delivery, doorbell, intake, search, seedream, sizes
from .models import Count, Heartbeat, IdempotencyKey, Job, JobInput, Provider, SearchEntry, UsageDay, WebhookDelivery
from .runcomfy import Gone, Model, RunComfyError, Temporary
from .states import DRIVEN, State, Verb
from .values import words

logger = logging.getLogger(__name__)

MANY = 1000  # idle jobs, to say that there are many: counting them all would take longer the more there are
AHEAD = timedelta(minutes=10)  # more than a job is ever leased for, or put off
PRICE_KEY, PRICE_SECONDS, PRICE_RETRY_SECONDS = "runcomfy:base-price-usd", 600, 30


# Creating


def create(
    owner: Any,
    parameters: dict[str, Any],
    kept: list[intake.Kept],
    *,
    parent: Job | None = None,
    key: IdempotencyKey | None = None,
) -> Job:
    """A pending job of cleaned parameters and kept pictures, and the ring for it; and its key, with it or not at all.

    Raises seedream.InvalidInput when the pictures cannot be delivered or are gone, and IntegrityError when a job was
    made under the key before: see idempotency.once.
    """
    delivery.check([entry.picture for entry in kept])
    estimate = estimate_usd(parameters["sequential_image_generation_options"])
    with transaction.atomic():
        intake.use(kept)
        parent, kept = _still_here(parent, kept)
        turn = Job.objects.next_turn(owner, timezone.now())
        job = Job.objects.create(
            owner=owner, parent=parent or _maker(kept), estimate_usd=estimate, turn=turn, **parameters
        )
        if key:
            key.job = job
            key.save(force_insert=True)
        inputs = JobInput.objects.bulk_create(
            JobInput(
                job=job,
                position=at,
                picture=entry.picture,
                name=entry.name,
                source_url=entry.source_url,
                output=entry.output,
            )
            for at, entry in enumerate(kept)
        )
        SearchEntry.objects.create(job=job, words=search.words(job.text))
        job.note(Verb.CREATED, by=owner)
        ring()
    job.remember_inputs(inputs)
    return job


def _still_here(parent: Job | None, kept: list[intake.Kept]) -> tuple[Job | None, list[intake.Kept]]:
    """The new job comes of what was not deleted since it was looked up. Locked, so that it stays until it is named."""
    named = {parent.pk} if parent else set()
    named |= {entry.output.job_id for entry in kept if entry.output}
    jobs = Job.objects.select_for_update(no_key=True).filter(pk__in=named)
    here = set(jobs.order_by("pk").values_list("pk", flat=True))
    kept = [
        replace(entry, output=None) if entry.output and entry.output.job_id not in here else entry for entry in kept
    ]
    return parent if parent and parent.pk in here else None, kept


def _maker(kept: list[intake.Kept]) -> Job | None:
    """The earlier job that goes on here: the one that made the first of the pictures that are outputs."""
    return next((entry.output.job for entry in kept if entry.output), None)


def ring() -> None:
    """Have somebody look after the jobs."""
    doorbell.ring("drive")


def ring_again(jobs: Iterable[Job], by: Any) -> list[Job]:
    """Have a driver look at these jobs now. Returns those for which no ring does anything: they ended, are on their
    way to RunComfy, or wait for a person."""
    jobs = list(jobs)
    others = [job for job in jobs if not job.wake(by)]
    if len(others) < len(jobs):
        ring()
    return others


def unit_price() -> Decimal | None:
    """US dollars for one picture, as RunComfy tells at the moment; None when it does not."""
    price = cache.get(PRICE_KEY, default="")
    if price == "":
        price = asyncio.run(_ask_price())
        Count.write()
        cache.set(PRICE_KEY, price, PRICE_RETRY_SECONDS if price is None else PRICE_SECONDS)
    return price


def estimate_usd(count: int) -> Decimal | None:
    """What `count` pictures would cost at most."""
    price = unit_price()
    return None if price is None else price * count


async def _ask_price() -> Decimal | None:
    model = await _ask_model()
    return model.base_price_usd if model else None


async def _ask_model() -> Model | None:
    """A free call. A page waits for it: better no price than a slow page."""
    async with clients.model_api(read_timeout=3) as client:
        try:
            async with asyncio.timeout(3):
                return await client.model(seedream.MODEL_ID)
        except (RunComfyError, TimeoutError) as problem:
            logger.warning("RunComfy did not tell its price: %s", problem)
            return None


# Cancelling


def cancel(job: Job, by: Any) -> bool:
    """Cancel at once what was not sent; else have the driver ask RunComfy. False when it is too late for both."""
    if job.state == State.PENDING and job.mark_cancelled(by):
        return True
    asked = job.request_cancel(by)
    if asked:
        ring()
    return asked


# Fetching again what RunComfy made


def fetch_again(job: Job, by: Any) -> bool:
    """Try once more to get the outputs of a job that failed for want of them; False for any other job."""
    return _and_ring(job.fetch_again(by))


# Keeping its files, whatever the retention rules say


def hold(job: Job, by: Any) -> bool:
    """False when they are kept already. Raises PermissionDenied, in words."""
    if not job.may_be_held_by(by):
        raise PermissionDenied(_("Only the owner and reviewers may have its files kept."))
    return job.hold(by)


def release(job: Job, by: Any) -> bool:
    """False when they were not kept. Raises PermissionDenied, in words."""
    if not job.may_be_released_by(by):
        raise PermissionDenied(_("Only who had its files kept, and reviewers, may take that back."))
    return job.release(by)


# Settling what nobody knows

CHOICES = ("adopt", "send_anew", "write_off")


def settle(job: Job, by: Any, choice: str, request_id: str = "", is_confirmed: bool = False) -> bool:
    """A person's decision on an unconfirmed job; False when it is no longer unconfirmed.

    Raises seedream.InvalidInput: for a request that cannot be adopted, and for sending anew without `is_confirmed`,
    which says that it may be charged twice.
    """
    if choice not in CHOICES:
        raise seedream.InvalidInput({"choice": [_("Must be one of: %(choices)s.") % {"choices": ", ".join(CHOICES)}]})
    if choice == "adopt":
        return _adopt(job, by, request_id.strip())
    if choice == "write_off":
        return job.write_off(by)
    if not is_confirmed:
        raise seedream.InvalidInput({"confirm": [_("Confirm it: the edit may be charged twice.")]})
    return _and_ring(job.send_anew(by))


def _adopt(job: Job, by: Any, request_id: str) -> bool:
    if not 0 < len(request_id) <= 200 or not request_id.isprintable():
        raise seedream.InvalidInput({"request_id": [_("Copy the request's id from RunComfy's Generations page.")]})
    if problem := asyncio.run(_look_up(request_id)):
        raise seedream.InvalidInput({"request_id": [problem]})
    try:
        with transaction.atomic():
            return _and_ring(job.adopt(request_id, by))
    except IntegrityError:
        raise seedream.InvalidInput({"request_id": [_("Another job already has this request.")]}) from None


async def _look_up(request_id: str) -> str:
    """Why a request cannot be this model's; empty when RunComfy knows it and names no other model."""
    async with clients.model_api(read_timeout=10) as client:
        try:
            status = await client.status(request_id)
        except Gone:
            return _("RunComfy does not know this request.")
        except Temporary as problem:
            return _("RunComfy could not be asked: %(words)s") % {"words": problem.words}
    if status.model_id not in ("", seedream.MODEL_ID):
        return _("This request is of another model: %(model)s.") % {"model": status.model_id}
    return ""


def _and_ring(moved: bool) -> bool:
    if moved:
        ring()
    return moved


# Sweeping


def sweep() -> int:
    """Find what nobody moves: abandoned submits become unconfirmed, idle jobs get a ring. Returns how many, or at least
    MANY.

    Rings for late page-size copies and for webhooks that are due go along.
    """
    abandoned = list(Job.objects.abandoned(Now()))
    for job in abandoned:
        job.mark_unconfirmed({"words": "The process that sent the edit ended before it heard the answer."})
    idle = Job.objects.idle(Now()).order_by()[:MANY].count()
    if idle:
        ring()
    if sizes.is_late():
        doorbell.ring("make_sizes")
    if WebhookDelivery.objects.next_of_each(timezone.now()).exists():
        doorbell.ring("send_webhooks")
    return len(abandoned) + idle


def mend_times() -> None:
    """After a clock went back, what was written before it did lies ahead, and would be waited for as long as that.

    Ahead of the database's clock: one machine that is behind must not cut short what the others hold.
    """
    now = Now()
    held = Job.objects.filter(leased_until__gt=now + AHEAD).exclude(lease="")
    held.update(leased_until=now + timedelta(seconds=settings.LEASE_SECONDS))  # a driver that lives renews it in time
    Job.objects.filter(state__among=DRIVEN, not_before__gt=now + AHEAD).update(not_before=now)
    Provider.objects.filter(held_until__gt=now + AHEAD).update(held_until=now)
    Heartbeat.objects.filter(seen_at__gt=now + AHEAD).update(seen_at=now)
    UsageDay.objects.filter(end__gt=now).delete()  # kept for over by a clock that was ahead


def look_after_provider() -> None:
    """Take back that RunComfy is down, when nothing else asks it: without jobs nobody would notice that it is well."""
    if Provider.known().failing_since and asyncio.run(_ask_model()):
        Provider.report_success()


def provider_words(job: Job) -> str:
    """RunComfy's own words on why a job failed, as text."""
    said = job.provider_error
    return "" if said is None else words(said.get("words") or said if isinstance(said, dict) else said)
