"""A driver at work in the background."""

import threading

from django.db import connections
from django.utils import timezone

from jobs import drive
from jobs.models import Heartbeat


class Driving:
    """A driver at work in the background, to be stopped as a worker is."""

    thread: threading.Thread | None = None

    def start(self):
        self.thread = threading.Thread(target=self._work)
        self.thread.start()

    def _work(self):
        drive.drive("test")
        connections.close_all()

    def stop(self):
        if self.thread:
            Heartbeat.objects.create(name="test", seen_at=timezone.now(), is_stopping=True)
            self.thread.join()
            Heartbeat.objects.filter(name="test").delete()
            self.thread = None
