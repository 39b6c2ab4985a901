"""A store that takes nothing: the job waits, and goes on."""

import subprocess
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.utils import timezone

from jobs.models import Job
from jobs.states import Reason, State, Verb
from tests.crashing import Child
from tests.processes import wait_until

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(60),
    pytest.mark.usefixtures("in_folder"),
]


@contextmanager
def mounted(folder, options):
    """A file system of its own at that folder; only root may have one."""
    folder.mkdir(exist_ok=True)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", folder], check=False, capture_output=True)
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.decode().strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize(
    ("folder", "options", "words"),
    [("tmp", "size=16k", "No space left on device"), ("outputs", "ro", "Read-only file system")],
)
def test_job_waits_for_the_store_and_goes_on(
    sandbox, start_job, driving, drive_all, shows, settings, folder, options, words
):
    job = start_job()
    with mounted(settings.MEDIA_ROOT / folder, options):
        driving.start()
        wait_until(lambda: shows(job, State.MIRRORING, Reason.NOT_STORED.label))
        driving.stop()
    assert words in job.events.get(verb=Verb.TROUBLED).detail
    drive_all()
    assert (shows(job, State.COMPLETED, "1 result"), sandbox.ledger()["posts"]) == (True, 1)


def test_job_waits_for_room_and_goes_on(sandbox, start_job, drive_all, shows, tmp_path):
    """As on a full disk, for those who are not root: no file may grow beyond 20 MB."""
    sandbox.misbehave("too_large", times=None, bytes=30_000_000)
    job = start_job()
    child = Child(tmp_path, "drive_with_little_room", DRIVE_SECONDS="2")
    wait_until(lambda: shows(job, State.MIRRORING, Reason.NOT_STORED.label))
    child.end()
    sandbox.behave()
    drive_all()
    assert (shows(job, State.COMPLETED, "1 result"), sandbox.ledger()["posts"]) == (True, 1)


def test_store_that_takes_nothing_ends_the_job_at_its_deadline(sandbox, start_job, driving, drive_all, shows, settings):
    job = start_job()
    (settings.MEDIA_ROOT / "outputs").write_text("in the way")
    driving.start()
    wait_until(lambda: shows(job, State.MIRRORING, Reason.NOT_STORED.label))
    driving.stop()
    Job.objects.update(trouble_at=timezone.now() - settings.JOB_DEADLINE - timedelta(seconds=1))
    drive_all()
    assert shows(job, State.FAILED, Reason.LOST_OUTPUT.label)
