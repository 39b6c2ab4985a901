"""Machines that have nothing in common but PostgreSQL, Redis and S3: each a worker with a folder and settings of its
own, and a clock that may be wrong."""

import shutil

import pytest
from django.conf import settings as configured
from django.db import connection

from jobs import drive
from tests import s3
from tests.conftest import BUCKET
from tests.crashing import Child
from tests.processes import Worker


@pytest.fixture
def shared(request):
    """Where every machine finds the files; the database and Redis are those of the run."""
    if connection.vendor == "sqlite" or not configured.REDIS_URL:
        pytest.skip("machines share PostgreSQL and Redis, and the databases of this run are others")
    return s3.environment(request.getfixturevalue("bucket").meta.endpoint_url, BUCKET)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """The drivers of the test itself look around more often."""
    monkeypatch.setattr(drive, "LOOK_SECONDS", 0.05)


class Machine(Worker):
    def __init__(self, disk, **settings):
        self.disk = disk
        super().__init__(disk, **settings)

    def burn_down(self):
        """All that runs there ends at once, and its disk is gone."""
        self.kill()
        shutil.rmtree(self.disk)


@pytest.fixture
def machine(sandbox, shared, tmp_path):
    started = []

    def start(name, **settings):
        started.append(Machine(tmp_path / name, **shared, **settings))
        return started[-1]

    yield start
    for machine in started:
        machine.kill()


@pytest.fixture
def driver(sandbox, shared, tmp_path):
    """One driver of another machine, whose clock is so many seconds ahead."""
    started = []

    def start(work="drive", *fate, ahead=0, **settings):
        folder = tmp_path / f"driver-{len(started)}"
        folder.mkdir()
        started.append(Child(folder, work, *fate, CLOCK_AHEAD_SECONDS=str(ahead), **shared, **settings))
        return started[-1]

    yield start
    for child in started:
        child.kill()
