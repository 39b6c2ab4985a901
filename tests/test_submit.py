"""The paid submit against a provider that misbehaves: sent at most once, and every outcome has its state."""

import pytest
from django.core.files.storage import FileSystemStorage
from django.db import connection
from django.utils import timezone

from jobs.drive import DRIVER
from jobs.models import Heartbeat, Job
from jobs.states import Reason, State, Verb

from .processes import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def test_submit_of_unknown_outcome_is_never_sent_again(sandbox, alice, make_job, drive_all):
    sandbox.misbehave("reset_after_accept")
    job = make_job(alice)
    drive_all()
    drive_all()
    job.refresh_from_db()
    assert (job.state, sandbox.ledger()["posts"]) == (State.UNCONFIRMED, 1)


class SlowFolder(FileSystemStorage):
    """Gives no file before the driver has looked around again."""

    def _open(self, name, mode="rb"):
        driver = Heartbeat.objects.get(name__startswith=DRIVER)
        wait_until(lambda: Heartbeat.objects.get(pk=driver.pk).seen_at > driver.seen_at, 10)
        connection.close()
        return super()._open(name, mode)


def test_submit_that_waits_for_its_pictures_keeps_nothing_else_waiting(
    in_folder, sandbox, alice, make_job, drive_all, settings
):
    job = make_job(alice)
    slow = {"BACKEND": "tests.test_submit.SlowFolder", "OPTIONS": {"location": settings.MEDIA_ROOT}}
    settings.STORAGES = settings.STORAGES | {"default": slow}
    drive_all()
    job.refresh_from_db()
    assert job.state == State.COMPLETED


def test_submit_waits_for_a_rate_limit_and_goes_on(sandbox, alice, make_job, drive_all):
    sandbox.misbehave("http_429", on="submit", retry_after=1)
    job = make_job(alice)
    drive_all()
    job.refresh_from_db()
    held = job.events.get(verb=Verb.HELD)
    claimed_again = job.events.filter(verb=Verb.CLAIMED).last()
    assert job.state == State.COMPLETED
    assert (claimed_again.at - held.at).total_seconds() >= 1


def test_submit_that_cannot_reach_the_provider_ends_at_its_deadline(alice, make_job, drive_all, settings):
    settings.SUBMIT_DEADLINE *= 0
    job = make_job(alice)
    drive_all()
    job.refresh_from_db()
    assert (job.state, job.reason) == (State.FAILED, Reason.UNREACHABLE)


def test_submit_that_waited_long_for_its_turn_is_not_given_up_at_its_first_failure(
    sandbox, alice, make_job, drive_all, settings
):
    sandbox.misbehave("http_429", on="submit", times=1)
    job = make_job(alice)
    Job.objects.update(pending_since=timezone.now() - 2 * settings.SUBMIT_DEADLINE)
    drive_all()
    job.refresh_from_db()
    assert job.state == State.COMPLETED


def test_submit_commits_its_intent_before_the_request_leaves(sandbox, alice, make_job, drive_all):
    """The provider's own answer proves it: it is held back until the row was read."""
    job = make_job(alice)
    drive_all()
    claimed, accepted = (job.events.get(verb=verb) for verb in (Verb.CLAIMED, Verb.ACCEPTED))
    assert claimed.at < accepted.at
    assert claimed.data == {"attempt": 1}


def test_submit_sends_the_models_own_parameters(sandbox, alice, make_job, drive_all):
    make_job(alice, text="Make 2 images in blue.", seed=7)
    drive_all()
    [entry] = sandbox.ledger()["requests"].values()
    assert (entry["text"], len(entry["outputs"])) == ("Make 2 images in blue.", 2)


def test_submit_of_a_missing_picture_fails_before_anything_is_sent(sandbox, alice, make_job, drive_all):
    job = make_job(alice)
    picture = job.inputs.get().picture
    picture.file.storage.delete(picture.file.name)
    drive_all()
    job.refresh_from_db()
    assert (job.state, job.reason, sandbox.ledger()["posts"]) == (State.FAILED, Reason.BAD_INPUT, 0)


def test_unconfirmed_job_keeps_the_providers_words(sandbox, alice, make_job, drive_all):
    sandbox.misbehave("http_503", on="submit")
    job = make_job(alice)
    drive_all()
    job.refresh_from_db()
    assert (job.provider_error["code"], job.provider_error["words"]) == (503001, "Service unavailable.")
