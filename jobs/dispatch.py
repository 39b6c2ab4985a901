"""Sends what waits in the outbox: each delivery is one POST, signed by the Standard Webhooks scheme.

It is claimed before the POST and settled after it. Who dies in between leaves a claim that runs out, and the POST goes
out again under the same id.
"""

import asyncio
import logging
import time
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime

import httpx
from django.conf import settings
from django.utils import timezone
from standardwebhooks import Webhook

from . import counts, doorbell, network
from .models import Attempt, Heartbeat, Problem, WebhookDelivery
from .webhooks import trusted_address

logger = logging.getLogger(__name__)

SENDER = "webhooks"  # the sign of life of the one process that sends
SECONDS, LOOK_SECONDS = 20.0, 0.5
AT_ONCE = 32  # endpoints: a slow one keeps only its own next event waiting
CLAIM_MARGIN = 30.0  # a name that no server resolves takes longer than the time-out
SAID_BYTES, SAID_LENGTH = 2000, 200


def send_waiting(worker: str = "") -> None:
    """Send what is due, for up to SECONDS and the last answer. `worker` names the cluster whose stop ends it.

    One process at a time: receivers that hang must not fill the queue's processes, which the drivers need.
    """
    with Heartbeat.alone(SENDER) as is_mine:
        if is_mine:
            with ThreadPoolExecutor(AT_ONCE) as posts:
                _send(worker, posts)
    # The last look comes after the sign of life is gone: until then, rings relied on this run.
    if is_mine and WebhookDelivery.objects.next_of_each(timezone.now()).exists():
        doorbell.ring("send_webhooks")


def _send(worker: str, posts: Executor) -> None:
    until = time.monotonic() + SECONDS
    under_way: dict[Future[Attempt], WebhookDelivery] = {}
    while True:
        Heartbeat.show(SENDER)
        if time.monotonic() < until and not Heartbeat.objects.filter(name=worker, is_stopping=True).exists():
            for delivery in _take(AT_ONCE - len(under_way)):
                under_way[posts.submit(post, delivery)] = delivery
        if not under_way:
            return
        for future in wait(under_way, LOOK_SECONDS, FIRST_COMPLETED).done:
            under_way.pop(future).settle(future.result())


def _take(limit: int) -> list[WebhookDelivery]:
    return WebhookDelivery.objects.take(settings.WEBHOOK_TIMEOUT + CLAIM_MARGIN, limit)


def post(delivery: WebhookDelivery) -> Attempt:
    """One POST and what came of it, whatever the receiver does."""
    at, begun, code, said = timezone.now(), time.monotonic(), None, ""
    try:
        code, said = asyncio.run(_post(delivery, at))
        problem = "" if 200 <= code < 300 else Problem.REDIRECT if 300 <= code < 400 else Problem.ANSWER
    except Exception as raised:  # not even one that is ours may hold back the others
        problem, said = _problem(raised), str(raised)
        logger.info("%s did not reach %s: %r", delivery, delivery.endpoint.host, raised)
    counts.add("webhook_posts", outcome=problem or "delivered")
    seconds = round(time.monotonic() - begun, 3)
    return Attempt(at.isoformat(), seconds, code, problem, _clean(said))


async def _post(delivery: WebhookDelivery, at: datetime) -> tuple[int, str]:
    """The answer's code and, unless it is a success, how its body begins."""
    url, timeout = delivery.endpoint.url, settings.WEBHOOK_TIMEOUT
    body, headers = delivery.payload.encode(), _headers(delivery, at)
    async with (
        asyncio.timeout(timeout),
        network.fetch_client(timeout, trusted=trusted_address(url)) as client,
        client.stream("POST", url, content=body, headers=headers) as response,
    ):
        return response.status_code, "" if response.is_success else await _beginning(response)


def _headers(delivery: WebhookDelivery, at: datetime) -> dict[str, str]:
    at = at.astimezone(UTC)
    signatures = [
        Webhook(secret).sign(delivery.event_id, at, delivery.payload) for secret in delivery.endpoint.signing_secrets
    ]
    return {
        "webhook-id": delivery.event_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
        "Content-Type": "application/json",
        "Accept-Encoding": "identity",
    }


async def _beginning(response: httpx.Response) -> str:
    """What the receiver says, as far as it says it: its code alone is an answer already."""
    found = b""
    try:
        async with asyncio.timeout(1):
            async for chunk in response.aiter_raw():
                found += chunk
                if len(found) >= SAID_BYTES:
                    break
    except (httpx.HTTPError, TimeoutError) as problem:
        logger.debug("An answer broke off: %r", problem)
    return found[:SAID_BYTES].decode(errors="replace")


def _clean(said: str) -> str:
    """One line, without what a database or a page cannot hold."""
    words = " ".join(said.split())
    return "".join(letter for letter in words if letter.isprintable())[:SAID_LENGTH]


def _problem(raised: Exception) -> Problem:
    match raised:
        case network.Forbidden() | httpx.InvalidURL():
            return Problem.FORBIDDEN
        case TimeoutError() | httpx.TimeoutException():
            return Problem.TIMEOUT
        case httpx.ConnectError():
            return Problem.UNREACHABLE
        case httpx.HTTPError():
            return Problem.BROKEN
    logger.error("A delivery could not be sent", exc_info=raised)
    return Problem.BROKEN
