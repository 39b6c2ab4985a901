"""What all drivers keep to together, against the real sandbox; and that users share it fairly."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from jobs.agenda import STALE_SECONDS
from jobs.models import Heartbeat, Job, Provider
from jobs.states import State

from .crashing import Child
from .processes import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(120)]

REST = {"image_size": "2048:2048 (1:1)", "optimize_prompt_options": "standard", "sequential_image_generation": "auto"}


@pytest.fixture
def rows(db):
    """Unsent jobs as rows alone, each with its turn, as if asked for one after the other."""

    def make(owner, number, **given):
        for _ in range(number):
            turn = Job.objects.next_turn(owner, timezone.now())
            Job.objects.create(owner=owner, text="x", sequential_image_generation_options=2, turn=turn, **REST | given)

    return make


@pytest.fixture
def two_drivers(tmp_path):
    """Two processes that drive at once, each with room for half of the jobs, and begin to call together."""
    begun = []

    def drive(capacity, **limits):
        Provider.hold(timezone.now() + timedelta(minutes=1))
        for _ in range(2):
            begun.append(Child(tmp_path, "drive", DRIVE_CAPACITY=str(capacity), **limits))
            # One that has room yet would send the next one home.
            wait_until(lambda: Heartbeat.objects.filter(jobs__gt=0).count() == len(begun))
        Provider.objects.update(held_until=None)
        return [child.end() for child in begun]

    yield drive
    for child in begun:
        child.kill()


def most_within(moments, seconds):
    return max(sum(at <= other < at + seconds for other in moments) for at in moments)


def owners_of_posts(sandbox):
    """Whose edits were sent, in the order in which they arrived."""
    return [entry["text"].split()[0] for entry in sandbox.ledger()["requests"].values()]


# Rates


def test_submits_of_two_drivers_keep_to_one_pace(sandbox, alice, make_job, two_drivers):
    sandbox.misbehave("queue_forever", times=None)
    for _ in range(16):
        make_job(alice)
    assert two_drivers(8, RUNCOMFY_SUBMITS_PER_SECOND="4", DRIVE_SECONDS="12") == [0, 0]
    moments = sandbox.ledger()["posted_at"]
    assert len(moments) == 16
    assert moments[-1] - moments[0] >= 15 / 4 - STALE_SECONDS
    assert most_within(moments, 1) <= 4 * (1 + STALE_SECONDS) + 1


def test_polls_of_two_drivers_keep_to_one_pace(sandbox, alice, make_job, two_drivers):
    sandbox.misbehave("run_forever", times=None)
    for _ in range(8):
        make_job(alice)
    assert two_drivers(4, RUNCOMFY_POLLS_PER_SECOND="5", DRIVE_SECONDS="10") == [0, 0]
    ledger = sandbox.ledger()
    moments = ledger["polled_at"]
    assert len(moments) <= 5 * (moments[-1] - moments[0] + STALE_SECONDS) + 1
    assert min(entry["polls"] for entry in ledger["requests"].values()) >= 1


def test_pace_of_submits_is_not_that_of_polls(sandbox, alice, make_job, drive_all, settings):
    settings.RUNCOMFY_SUBMITS_PER_SECOND = 1000
    settings.RUNCOMFY_POLLS_PER_SECOND, settings.DRIVE_SECONDS = 0.001, 1.5
    for _ in range(3):
        make_job(alice)
    drive_all()
    assert (sandbox.ledger()["posts"], sandbox.ledger()["polls"]) == (3, 1)


def test_hold_asks_for_no_moments(sandbox, alice, make_job, drive_all, settings):
    settings.RUNCOMFY_SUBMITS_PER_SECOND, settings.DRIVE_SECONDS = 5, 1
    Provider.hold(timezone.now() + timedelta(minutes=1))
    make_job(alice)
    drive_all()
    assert sandbox.ledger()["posts"] == 0


# In flight


def most_in_flight():
    """How many jobs RunComfy had at once, as far as we knew: from the claim to what a poll told."""
    spans = Job.objects.values_list("submitted_at", "delivered_at")
    return max(sum(begun <= at < ended for begun, ended in spans) for at, _ended in spans)


def test_two_drivers_never_have_more_in_flight(sandbox, alice, make_job, two_drivers):
    for _ in range(10):
        make_job(alice)
    assert two_drivers(2, RUNCOMFY_MAX_IN_FLIGHT="3", DRIVE_SECONDS="30") == [0, 0]
    assert Job.objects.filter(state=State.COMPLETED).count() == 10
    assert most_in_flight() <= 3


def test_claim_is_refused_when_runcomfy_has_enough(alice, make_job, settings):
    settings.RUNCOMFY_MAX_IN_FLIGHT = 1
    one, other = make_job(alice), make_job(alice)
    for job in Job.objects.lease("driver", 15, 10):
        job.claim_for_submit("driver")
    states = {one.pk: State.SUBMITTING, other.pk: State.PENDING}
    assert dict(Job.objects.values_list("pk", "state")) == states


def test_driver_takes_up_no_more_unsent_jobs_than_may_be_sent(sandbox, alice, make_job, drive_all, settings):
    settings.RUNCOMFY_MAX_IN_FLIGHT, settings.DRIVE_SECONDS = 2, 1
    sandbox.misbehave("queue_forever", times=None)
    for _ in range(4):
        make_job(alice)
    drive_all()
    assert sandbox.ledger()["posts"] == 2
    assert Job.objects.filter(state=State.PENDING, leased_until=None).count() == 2


def test_further_driver_does_not_start_for_what_may_not_be_sent(alice, rows, settings):
    settings.RUNCOMFY_MAX_IN_FLIGHT = 1
    rows(alice, 1)
    Job.objects.update(state=State.IN_QUEUE, request_id="one", lease="other")
    Job.objects.update(leased_until=timezone.now() + timedelta(minutes=1))
    rows(alice, 5)
    assert not Job.objects.takeable(timezone.now()).exists()


# Fair


def turns(number):
    return [job.owner.username for job in Job.objects.lease("driver", 15, number)]


def test_one_of_bobs_comes_before_five_hundred_of_alices(alice, bob, rows):
    rows(alice, 500)
    rows(bob, 1)
    assert turns(3) == ["alice", "bob", "alice"]


def test_users_with_many_jobs_take_turns(alice, bob, rows):
    rows(alice, 4)
    rows(bob, 3)
    assert turns(7) == ["alice", "bob", "alice", "bob", "alice", "bob", "alice"]


def test_who_comes_late_does_not_overtake_all_of_the_others(alice, bob, rows):
    rows(alice, 6)
    for job in Job.objects.lease("driver", 15, 3):
        job.claim_for_submit("driver")
    rows(bob, 6)
    assert turns(6) == ["alice", "bob"] * 3


def test_job_that_waits_for_later_gives_nobody_a_better_turn(alice, bob, rows):
    rows(alice, 5)
    Job.objects.filter(turn__lt=3).update(not_before=timezone.now() + timedelta(minutes=5))
    rows(bob, 3)
    assert turns(5) == ["alice", "bob", "alice", "bob", "bob"]


def test_jobs_that_runcomfy_has_come_first(alice, bob, rows):
    rows(alice, 3)
    rows(bob, 1)
    Job.objects.filter(owner=bob).update(state=State.IN_QUEUE, request_id="one")
    assert turns(2) == ["bob", "alice"]


def test_bobs_edit_is_sent_beside_alices_many(sandbox, alice, bob, make_job, drive_all, settings):
    settings.RUNCOMFY_MAX_IN_FLIGHT = 1
    for _ in range(5):
        make_job(alice, text="alice makes 2 images")
    make_job(bob, text="bob makes 2 images")
    drive_all()
    assert owners_of_posts(sandbox) == ["alice", "bob", "alice", "alice", "alice", "alice"]


def test_bobs_edit_finds_room_in_a_driver_that_is_slow_to_send(sandbox, alice, bob, make_job, tmp_path):
    """It holds no more of alice's than it sends soon, however many there are."""
    sandbox.misbehave("queue_forever", times=None)
    for _ in range(30):
        make_job(alice, text="alice makes 2 images")
    driver = Child(tmp_path, "drive", DRIVE_CAPACITY="25", RUNCOMFY_SUBMITS_PER_SECOND="2", DRIVE_SECONDS="10")
    wait_until(lambda: sandbox.ledger()["posts"])
    make_job(bob, text="bob makes 2 images")
    sent_before = sandbox.ledger()["posts"]
    driver.end()
    assert "bob" in owners_of_posts(sandbox)[: sent_before + 6]


def test_finding_whose_turn_it_is_reads_an_index(alice, rows):
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL reads a table of few rows as a whole")
    rows(alice, 3)
    plan = Job.objects.idle(timezone.now()).filter(state=State.PENDING).order_by("turn", "created_at", "id").explain()
    assert "job_turn" in plan
    assert "TEMP B-TREE" not in plan
