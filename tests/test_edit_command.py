"""`manage.py edit`: what it refuses, and how it waits."""

import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.utils import timezone

from jobs import lifecycle
from jobs.models import Heartbeat, Job

from .conftest import png
from .processes import environment, wait_until

pytestmark = pytest.mark.django_db


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "teal.png"
    path.write_bytes(png().read())
    return str(path)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"prompt": ""}, "text: Write a prompt"),
        (
            {"prompt": "Make 2.", "sequential_image_generation_options": "16"},
            "sequential_image_generation_options: Must",
        ),
        ({"prompt": "Make 2.", "user": "nobody"}, "There is no user named nobody."),
    ],
)
def test_edit_command_says_what_is_wrong(alice, image, options, words):
    with pytest.raises(CommandError, match=words):
        call_command("edit", image, **{"user": "alice", **options})
    assert not Job.objects.exists()


def test_edit_command_knows_no_file_that_there_is_not(alice):
    with pytest.raises(CommandError, match="There is no file nowhere"):
        call_command("edit", "nowhere.png", prompt="Make 2.", user="alice")


def test_edit_command_asks_for_nothing_that_it_cannot_save(alice, image):
    with pytest.raises(CommandError, match="The outputs cannot be saved"):
        call_command("edit", image, prompt="Make 2.", user="alice", output=Path(image))
    assert not Job.objects.exists()


# Waiting


@pytest.fixture
def edit(sandbox, alice, image, tmp_path):
    """`manage.py edit` in a process of its own, without a worker; what it says is read from a file."""
    command = [sys.executable, "manage.py", "edit", image, "--prompt", "Make 2.", "--user", "alice"]
    said = tmp_path / "said.txt"
    # What a shell starts in the background ignores Ctrl-C, and so would all that it starts.
    usual = signal.signal(signal.SIGINT, signal.default_int_handler)
    with said.open("w") as sink:
        process = subprocess.Popen(command, cwd=settings.BASE_DIR, env=environment(tmp_path), stderr=sink)
    signal.signal(signal.SIGINT, usual)
    yield SimpleNamespace(process=process, said=said.read_text)
    process.kill()
    process.wait()


@pytest.mark.django_db(transaction=True)
def test_edit_command_says_that_no_worker_runs_and_goes_on_waiting(edit):
    wait_until(lambda: "No worker seems to be running" in edit.said())
    lifecycle.cancel(Job.objects.get(), None)
    assert edit.process.wait(30) == 1
    assert f"Cancelled (job {Job.objects.get().pk})" in edit.said()
    assert edit.said().count("No worker") == 1


@pytest.mark.django_db(transaction=True)
def test_edit_command_leaves_at_ctrl_c_with_the_jobs_id(edit):
    job = wait_until(Job.objects.first)
    wait_until(lambda: job.get_state_display() in edit.said() or "No worker" in edit.said())
    edit.process.send_signal(signal.SIGINT)
    assert edit.process.wait(30) == 130
    assert f"Job {job.pk} was not cancelled: http://127.0.0.1:8000/jobs/{job.pk}/" in edit.said()
    assert "Traceback" not in edit.said()


@pytest.mark.parametrize(
    ("name", "ago", "is_stopping", "works"),
    [
        ("worker:desk:7", 0, False, True),
        ("worker:desk:7", 0, True, False),
        ("worker:desk:7", 30, False, False),
        ("sizer", 0, False, False),
    ],
)
def test_worker_works_while_it_gives_signs_of_life(name, ago, is_stopping, works):
    seen_at = timezone.now() - timedelta(seconds=ago)
    Heartbeat.objects.create(name=name, seen_at=seen_at, is_stopping=is_stopping)
    assert Heartbeat.of_a_worker() is works
