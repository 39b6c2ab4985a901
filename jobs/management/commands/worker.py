"""`manage.py worker`: a django-q2 cluster under watch.

A cluster can deadlock for good (its idle workers killed, a result lost), and its process table looks healthy then. So
what is watched is its work: a task that touches this cluster's Heartbeat row. When the row goes stale, the cluster is
killed and started anew; the jobs do not notice, for their rows are the truth.
"""

import ctypes
import logging
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import DatabaseError, OperationalError, close_old_connections, connection, transaction
from django.db.models.functions import Now
from django_q.models import Schedule
from django_q.tasks import async_task
from redis.exceptions import RedisError

from jobs.models import Heartbeat, Job, Provider
from jobs.states import State
from jobs.tasks import WORKER_ENVIRONMENT

logger = logging.getLogger(__name__)

TICK, BEAT_SECONDS, STOP_SECONDS = 0.2, 5.0, 15.0
PR_SET_PDEATHSIG = 1


class Command(BaseCommand):
    help = "Run the background queue: submit, poll and store, and restart the cluster when it stops working."

    def handle(self, *args: Any, **options: Any) -> None:
        self.is_stopping = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        if not self._has_database():
            return
        # Two containers may have the same host name, and the same process number in it.
        self.name = f"worker:{socket.gethostname()}-{secrets.token_hex(4)}:{os.getpid()}"
        schedule()
        while not self.is_stopping:
            end_unwatched()
            self._watch_one_cluster()

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.is_stopping = True

    def _has_database(self) -> bool:
        """Wait for it: a cluster that starts without its database hangs for ever. False when told to stop first."""
        while not self.is_stopping:
            try:
                connection.ensure_connection()
                return True
            except OperationalError as problem:
                logger.warning("Waiting for the database: %s", problem)
                time.sleep(2)
        return False

    def _watch_one_cluster(self) -> None:
        # Of the new cluster, only its own work is a sign of life: one that never works must be seen.
        beat = {"is_stopping": False}
        Heartbeat.objects.update_or_create(name=self.name, defaults=beat, create_defaults={**beat, "seen_at": Now()})
        cluster = subprocess.Popen(
            [sys.executable, sys.argv[0], "qcluster"],
            env={**os.environ, WORKER_ENVIRONMENT: self.name},
            # Its own session: a signal to our group must not reach its workers, or its main process hangs.
            start_new_session=True,
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 (no threads here)
        )
        try:
            self._watch(cluster)
        finally:
            self._end(cluster)

    def _watch(self, cluster: subprocess.Popen[bytes]) -> None:
        self.begun_at = beaten_at = time.monotonic()
        while not self.is_stopping and cluster.poll() is None:
            time.sleep(TICK)
            if time.monotonic() - beaten_at < BEAT_SECONDS:
                continue
            beaten_at = time.monotonic()
            if self._is_stale():
                logger.error("The queue has not worked for %.0f s: restarting it.", settings.WORKER_STALE_SECONDS)
                return
        if not self.is_stopping:
            logger.error("The queue ended by itself (%s): starting it again.", cluster.poll())

    def _is_stale(self) -> bool:
        """Ring for the next beat; whether the last one is too long ago."""
        try:
            close_old_connections()
            async_task("jobs.tasks.beat")
            if time.monotonic() - self.begun_at < settings.WORKER_STALE_SECONDS:
                return False
            late = Now() - timedelta(seconds=settings.WORKER_STALE_SECONDS)
            return Heartbeat.objects.filter(name=self.name, seen_at__lt=late).exists()
        except (DatabaseError, RedisError) as problem:
            # Nothing can be said of the cluster while its database is away.
            logger.warning("Cannot read the heartbeat: %s", problem)
            return False

    def _end(self, cluster: subprocess.Popen[bytes]) -> None:
        """Ask the drivers to hand back, then the main process to stop, and clear away whatever is left."""
        Heartbeat.objects.filter(name=self.name).update(is_stopping=True)
        if cluster.poll() is None:
            cluster.terminate()
        begun = time.monotonic()
        while cluster.poll() is None and self._is_worth_waiting(time.monotonic() - begun):
            time.sleep(TICK)
        if cluster.poll() is None:
            logger.warning("The queue did not stop in time: killing it.")
        try:
            # Also when it ended by itself: its sentinel or its workers may have outlived it.
            os.killpg(cluster.pid, signal.SIGKILL)
        except ProcessLookupError:
            return  # it left no process behind
        cluster.wait()

    def _is_worth_waiting(self, seconds: float) -> bool:
        """A submit that is on its way must hear its answer, or a person has to settle it."""
        if seconds < STOP_SECONDS:
            return True
        is_sending = Job.objects.filter(state=State.SUBMITTING, leased_until__gt=Now()).exists()
        return is_sending and seconds < settings.RUNCOMFY_SUBMIT_TIMEOUT + STOP_SECONDS


def schedule() -> None:
    """What the queue does by itself; when it does so next is left as it is."""
    with transaction.atomic():
        Provider.lock()  # workers that begin at once would each make their own
        _keep_one("sweep", func="jobs.tasks.sweep", schedule_type=Schedule.MINUTES, minutes=1)
        _keep_one("retention", func="jobs.tasks.retention", schedule_type=Schedule.DAILY)


def _keep_one(name: str, **told: Any) -> None:
    same = Schedule.objects.filter(name=name)
    same.exclude(pk__in=same.order_by("pk").values_list("pk", flat=True)[:1]).delete()
    same.update_or_create(name=name, defaults=told)


def end_unwatched() -> None:
    """Kill what is left of clusters whose worker command was killed: nobody would notice when they hang. Leases make
    their end as harmless as any other. Only those of this host: it sees the processes of its containers, too, whose
    parents have other numbers here. Linux only, which alone tells a process's environment."""
    name = rf"worker:{re.escape(socket.gethostname())}-[0-9a-f]+:(\d+)"
    ours = re.compile(rf"\b{WORKER_ENVIRONMENT}={name}\0".encode())
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            found = ours.search(path.read_bytes())
            if found and not Path("/proc", found[1].decode()).exists():
                os.kill(int(path.parent.name), signal.SIGKILL)
        except (OSError, ProcessLookupError):
            continue  # it is another user's, or has ended meanwhile


def _end_with_parent() -> None:
    """Linux ends the cluster when this command is killed: nobody would watch it any more."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
