"""The queue is a doorbell: a ring says that there is something to do, and the rows say what."""

from functools import cache

from django.conf import settings
from django.db import transaction
from django_q.brokers import get_broker
from django_q.tasks import async_task
from redis import Redis

BROKER_SECONDS = 1.0


def ring(task: str) -> None:
    """Have a worker run that task of `tasks`, once what is being written can be read.

    The ORM's queue is in our database, so the ring is committed with the rows; Redis must not hear of a row before it
    can be read. A ring that gets lost costs until the next sweep.
    """
    if "orm" in settings.Q_CLUSTER:
        async_task(f"jobs.tasks.{task}")
    else:
        transaction.on_commit(lambda: async_task(f"jobs.tasks.{task}"), robust=True)


def length() -> int:
    """How many rings nobody has heard yet. Raises what the broker's client raises, soon, when it does not answer."""
    broker = get_broker()
    if "orm" in settings.Q_CLUSTER:
        return broker.queue_size()
    # django-q2's own client would wait for ever.
    return _redis(settings.REDIS_URL).llen(broker.list_key)


@cache
def _redis(url: str) -> "Redis":
    return Redis.from_url(url, socket_connect_timeout=BROKER_SECONDS, socket_timeout=BROKER_SECONDS)
