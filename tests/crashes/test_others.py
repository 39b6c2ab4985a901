"""Whoever else dies loses nothing either."""

import pytest
from django.conf import settings as configured
from django_q.models import OrmQ

from jobs import drive, lifecycle, sizes, store, tasks
from jobs.models import Job, Output, Picture
from jobs.states import State
from tests import crashing
from tests.crashes.scene import assert_stored_once, resume, time_passes

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(120)]


@pytest.mark.parametrize(
    ("point", "jobs"),
    [
        ("before jobs.store:keep", 0),
        ("after jobs.store:keep", 0),
        ("after jobs.intake:keep", 0),
        ("inside jobs.lifecycle:create", 0),
        ("before jobs.lifecycle:ring", 0),
        ("before jobs.doorbell:async_task", 0),
        ("before jobs.doorbell:async_task 2", 0 if "orm" in configured.Q_CLUSTER else 1),
        ("after jobs.lifecycle:create", 1),
    ],
)
def test_create_killed_anywhere_is_all_or_nothing_and_can_be_repeated(sandbox, alice, kill, point, jobs):
    kill(point, "create")
    assert Job.objects.count() == jobs
    crashing.create()
    resume()
    assert_stored_once(sandbox, Job.objects.get())
    assert Picture.objects.count() == 1


def test_job_whose_ring_was_lost_is_found_by_the_sweep_and_sent_once(sandbox, alice, kill):
    kill("after jobs.lifecycle:create", "create")
    OrmQ.objects.all().delete()
    assert lifecycle.sweep() == 1
    drive.drive()
    assert_stored_once(sandbox, Job.objects.get())


@pytest.mark.parametrize(
    "point",
    [
        "after jobs.models:Heartbeat.begin",
        "before jobs.pictures:page_copies",
        "before jobs.store:keep",
        "after jobs.store:keep 2",
        "before jobs.sizes:_tell",
        "after jobs.sizes:_tell",
        "after jobs.sizes:_tell 2",
    ],
)
def test_page_size_pictures_cut_short_are_made_by_the_next_pass(sandbox, start_job, kill, point):
    job = start_job()
    drive.drive()
    kill(point, "make_sizes")
    assert_stored_once(sandbox, job)
    time_passes()
    tasks.make_sizes()
    rows = [*Output.objects.all(), *Picture.objects.all()]
    assert [min(row.widths) for row in rows] == [320, 64]
    assert sorted(store.names("pages")) == sorted(name for row in rows for name in sizes.names(row))
    assert_stored_once(sandbox, job)


def test_sweep_killed_half_way_is_finished_by_the_next_one(sandbox, start_job, kill):
    for _ in range(2):
        start_job().claim_for_submit("")
    kill("after jobs.models:Job.mark_unconfirmed", "sweep")
    assert set(Job.objects.values_list("state", flat=True)) == {State.UNCONFIRMED, State.SUBMITTING}
    assert lifecycle.sweep() == 1
    assert set(Job.objects.values_list("state", flat=True)) == {State.UNCONFIRMED}


def test_sweep_killed_before_its_ring_loses_nothing(sandbox, start_job, kill):
    job = start_job()
    kill("before jobs.lifecycle:ring", "sweep")
    resume()
    assert_stored_once(sandbox, job)
