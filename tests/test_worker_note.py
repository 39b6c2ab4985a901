"""That edits wait for the worker is on the pages within a minute, for everybody, and goes away by itself."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs import health, tasks
from jobs.models import Heartbeat, Job

from .processes import Worker, kill, wait_until

pytestmark = pytest.mark.django_db(transaction=True)
STOPPED = "The worker does not run: edits wait. Ask an administrator."
BEHIND = "The worker does not keep up: some edits wait. Ask an administrator."
LONG_AGO = timedelta(seconds=41)  # for WORKER_STALE_SECONDS=60


def seen(ago=timedelta(0)):
    return Heartbeat.objects.create(name="worker:here:1", seen_at=timezone.now() - ago)


def leave_waiting(job):
    then = timezone.now() - LONG_AGO
    Job.objects.filter(pk=job.pk).update(created_at=then, moved_at=then)


def page(client, name="jobs:history", *arguments):
    return client.get(reverse(name, args=arguments)).content.decode()


@pytest.mark.parametrize("who", ["alice", "rita", "sam"])
@pytest.mark.parametrize("name", ["jobs:history", "jobs:new", "jobs:usage", "jobs:tokens"])
def test_everybody_is_told_that_no_worker_runs(request, as_user, who, name):
    seen(LONG_AGO)
    assert STOPPED in page(as_user(request.getfixturevalue(who)), name)


def test_page_of_a_job_tells_it_too(as_user, bob, alice, make_job):
    assert STOPPED in page(as_user(bob), "jobs:detail", make_job(alice).pk)


def test_who_is_not_signed_in_is_told_nothing():
    assert "worker" not in Client().get(reverse("login")).content.decode()


def test_nothing_is_told_while_a_worker_works(as_user, alice):
    seen()
    assert "The worker does not" not in page(as_user(alice))


def test_note_goes_away_with_the_next_sign_of_life(as_user, alice, monkeypatch):
    monkeypatch.setenv(tasks.WORKER_ENVIRONMENT, seen(LONG_AGO).name)
    assert STOPPED in page(as_user(alice))
    tasks.beat()
    assert STOPPED not in page(as_user(alice))


def test_edit_that_nobody_moves_is_told_though_a_worker_lives(as_user, alice, make_job):
    seen()
    leave_waiting(make_job(alice))
    assert BEHIND in page(as_user(alice))


def test_note_goes_away_when_the_edit_is_moved(sandbox, as_user, alice, make_job, drive_all):
    seen()
    leave_waiting(make_job(alice))
    drive_all()
    assert "The worker does not" not in page(as_user(alice))


def test_job_that_was_handed_over_a_moment_ago_is_no_news(sandbox, alice, make_job, drive_all, settings):
    """However old it is."""
    seen()
    sandbox.misbehave("queue_forever")
    leave_waiting(make_job(alice))
    settings.DRIVE_SECONDS = 0.5
    drive_all()
    then = timezone.now() - timedelta(hours=1)
    Job.objects.update(created_at=then, accepted_at=then, moved_at=then)
    assert health.trouble() == ""


def test_note_is_told_in_japanese(as_user, alice):
    client = as_user(alice)
    client.cookies["django_language"] = "ja"
    assert "ワーカーが動いていない" in page(client)


# Pages that stay open


@pytest.mark.parametrize(("shown", "ago"), [("", timedelta(0)), ("stopped", LONG_AGO)])
def test_page_that_shows_the_right_note_hears_nothing(as_user, alice, shown, ago):
    seen(ago)
    response = as_user(alice).get(reverse("jobs:worker_note"), {"shown": shown})
    assert (response.status_code, response.content) == (204, b"")


@pytest.mark.parametrize(("shown", "ago", "told"), [("", LONG_AGO, True), ("stopped", timedelta(0), False)])
def test_page_that_shows_another_note_gets_the_right_one(as_user, alice, shown, ago, told):
    seen(ago)
    response = as_user(alice).get(reverse("jobs:worker_note"), {"shown": shown})
    assert (response.status_code, STOPPED in response.content.decode()) == (200, told)
    assert "<html" not in response.content.decode()


# A real worker


@pytest.mark.timeout(120)
def test_worker_that_is_killed_is_told_and_one_that_is_started_takes_it_back(sandbox, settings, tmp_path):
    settings.LATE_SECONDS = 8  # it gives a sign of life every five
    workers = [Worker(tmp_path)]
    try:
        wait_until(lambda: health.trouble() == "")
        workers[0].kill()
        wait_until(lambda: health.trouble() == "stopped")
        workers.append(Worker(tmp_path))
        wait_until(lambda: health.trouble() == "", 60)
    finally:
        workers[-1].kill()


@pytest.mark.timeout(120)
def test_queue_that_dies_again_and_again_gives_no_sign_of_life(sandbox, tmp_path):
    worker, killed = Worker(tmp_path), set()

    def clusters():
        return set(worker.family()[1:2]) - killed

    try:
        wait_until(clusters)
        first = wait_until(Heartbeat.last)
        for _ in range(3):
            [cluster] = wait_until(clusters)
            killed.add(cluster)
            kill(cluster)
        wait_until(clusters)
        assert Heartbeat.last() == first
    finally:
        worker.kill()
