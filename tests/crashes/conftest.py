"""Processes that die or freeze at a point, and the job that they have in hand."""

import pytest

from jobs import drive
from tests import crashing
from tests.crashes.scene import time_passes
from tests.crashing import KILLED


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """The drivers of the test itself look around more often."""
    monkeypatch.setattr(drive, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(drive, "TICK", 0.02)


@pytest.fixture
def child(tmp_path):
    started = []

    def start(work="drive", fate="", point="", **more):
        started.append(crashing.Child(tmp_path, work, fate, point, **more))
        return started[-1]

    yield start
    for process in started:
        process.kill()


@pytest.fixture
def kill(child):
    """Have a process work, and die at that point."""

    def kill(point, work="drive", **more):
        doomed = child(work, "die", point, **more)
        assert doomed.end() == KILLED, doomed.log.read_text()

    return kill


@pytest.fixture
def start_job(alice, make_job):
    """A job of one picture; of two where it matters that not all are stored yet."""

    def start(point=""):
        count = 2 if "output" in point or "store" in point else 1
        return make_job(alice, text=f"Make {count} images of it.", sequential_image_generation_options=count)

    return start


@pytest.fixture
def sent_job(start_job, kill):
    """A job that RunComfy has: a driver that has little time may need it all to read the first picture from S3."""
    job = start_job()
    kill("after jobs.models:Job.mark_accepted")
    time_passes()
    return job
