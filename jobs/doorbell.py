"""The queue is a doorbell: a ring says that there is something to do, and the rows say what."""

from django.conf import settings
from django.db import transaction
from django_q.tasks import async_task


def ring(task: str) -> None:
    """Have a worker run that task of `tasks`, once what is being written can be read.

    The ORM's queue is in our database, so the ring is committed with the rows; Redis must not hear of a row before it
    can be read. A ring that gets lost costs until the next sweep.
    """
    if "orm" in settings.Q_CLUSTER:
        async_task(f"jobs.tasks.{task}")
    else:
        transaction.on_commit(lambda: async_task(f"jobs.tasks.{task}"), robust=True)
