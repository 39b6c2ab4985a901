"""A job with a driver at work on it, and what its page says."""

from html import unescape

import pytest
from django.urls import reverse

from jobs import drive
from sandbox.kinds import KINDS, Layer
from tests.faults.driving import Driving


@pytest.fixture(autouse=True)
def quick(settings, monkeypatch):
    """Small numbers for waiting."""
    settings.RUNCOMFY_POLL_SECONDS, settings.OUTPUT_MAX_BYTES = 0.03, 10_000_000
    settings.GONE_PATIENCE = settings.OUTPUT_PATIENCE = 0.3
    monkeypatch.setattr(drive, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(drive, "TICK", 0.02)


@pytest.fixture
def start_job(make_job, alice):
    """A job of one picture, or of two when the fault is about which come."""

    def start(kind=""):
        count = 2 if kind and KINDS[kind].layer is Layer.CONTENT else 1
        return make_job(alice, text=f"Make {count} images of it.", sequential_image_generation_options=count)

    return start


@pytest.fixture
def driving(db):
    running = Driving()
    yield running
    running.stop()


@pytest.fixture
def page(as_user):
    """What the owner reads on the job's page."""

    def read(job):
        answer = as_user(job.owner).get(reverse("jobs:detail", args=[job.pk]))
        return " ".join(unescape(answer.content.decode()).split())

    return read


@pytest.fixture
def shows(page):
    """Whether the job is in that state, and its page says so."""

    def look(job, state, says):
        job.refresh_from_db()
        return job.state == state and str(says) in page(job)

    return look
