"""What is told, and to whom: an event is written with the change that it tells, or not at all."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from django.db import IntegrityError, connections, transaction

from jobs import idempotency, lifecycle
from jobs.models import Event, IdempotencyKey, Job, WebhookDelivery
from jobs.states import Reason, State, Verb
from tests.conftest import rings
from tests.webhooks.endpoints import complete, make_endpoint, move, told

pytestmark = pytest.mark.django_db


# What is told


def test_new_job_is_told(endpoint, alice, make_job):
    make_job(alice)
    assert told(endpoint) == [Event.CREATED]


def test_completed_job_is_told(endpoint, alice, make_job):
    complete(make_job(alice))
    assert told(endpoint) == [Event.CREATED, Event.COMPLETED]


def test_failed_job_is_told(endpoint, alice, make_job):
    make_job(alice).mark_failed(Reason.REFUSED)
    assert told(endpoint)[1:] == [Event.FAILED]


def test_cancelled_job_is_told(endpoint, alice, make_job):
    lifecycle.cancel(make_job(alice), alice)
    assert told(endpoint)[1:] == [Event.CANCELLED]


def test_unconfirmed_job_and_its_end_are_told(endpoint, alice, make_job):
    job = move(make_job(alice), State.SUBMITTING)
    job.mark_unconfirmed()
    job.write_off(alice)
    assert told(endpoint)[1:] == [Event.UNCONFIRMED, Event.FAILED]


def test_job_whose_pictures_were_fetched_again_is_told_as_failed_and_as_completed(endpoint, alice, make_job):
    job = move(make_job(alice), State.MIRRORING, request_id="r")
    job.mark_failed(Reason.LOST_OUTPUT)
    lifecycle.fetch_again(job, alice)
    complete(job)
    assert told(endpoint)[1:] == [Event.FAILED, Event.COMPLETED]


def test_transition_that_is_repeated_is_told_once(endpoint, alice, make_job):
    job = move(make_job(alice), State.MIRRORING, request_id="r", lease="one")
    twin = Job.objects.get(pk=job.pk)
    assert [job.mark_completed("one"), twin.mark_completed("one"), job.mark_completed("one")] == [True, False, False]
    assert told(endpoint).count(Event.COMPLETED) == 1


def test_same_key_is_told_once(endpoint, alice, make_job):
    job = make_job(alice)
    kept = [lifecycle.intake.Kept(job.inputs.get().picture)]
    for key in (IdempotencyKey(owner=alice, key="k") for _ in range(2)):
        idempotency.once(key, partial(lifecycle.create, alice, job.parameters, kept, key=key))
    assert told(endpoint) == [Event.CREATED, Event.CREATED]  # the fixture's job and this one


def test_database_refuses_an_event_twice(endpoint, alice, make_job):
    make_job(alice)
    first = endpoint.deliveries.get()
    with pytest.raises(IntegrityError), transaction.atomic():
        WebhookDelivery.objects.create(endpoint=endpoint, event_id=first.event_id, event=first.event, payload="{}")


def test_change_that_is_taken_back_is_not_told(endpoint, alice, make_job):
    job = make_job(alice)
    with transaction.atomic():
        job.mark_cancelled(alice)
        transaction.set_rollback(True)
    assert told(endpoint) == [Event.CREATED]


@pytest.mark.django_db(transaction=True)
def test_two_who_end_a_job_at_once_are_told_once(endpoint, alice, make_job):
    job = make_job(alice)

    def cancel(_number):
        try:
            return Job.objects.get(pk=job.pk).mark_cancelled(alice)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as threads:
        moved = list(threads.map(cancel, range(4)))
    assert (moved.count(True), told(endpoint).count(Event.CANCELLED)) == (1, 1)


def test_event_rings_with_its_rows(endpoint, alice, make_job, orm_queue):
    make_job(alice)
    assert rings("send_webhooks") == 1


def test_event_that_nobody_wants_rings_nobody(alice, make_job, orm_queue):
    make_job(alice)
    assert rings("send_webhooks") == 0


def test_events_of_steps_in_between_are_not_told(endpoint, alice, make_job):
    job = move(make_job(alice), State.IN_QUEUE, request_id="r", lease="one")
    job.mark_in_progress("one", "in_progress")
    job.note(Verb.LATE_ANSWER)
    assert told(endpoint) == [Event.CREATED]


# Who hears of it


def test_endpoint_hears_only_of_its_owners_jobs(bob, alice, make_job):
    endpoint = make_endpoint(bob)
    make_job(alice)
    assert told(endpoint) == []


def test_endpoint_of_the_team_hears_of_all_jobs(alice, bob, make_job):
    endpoint = make_endpoint(None)
    make_job(alice)
    make_job(bob)
    assert told(endpoint) == [Event.CREATED] * 2


def test_endpoint_hears_only_what_it_chose(alice, make_job):
    endpoint = make_endpoint(alice, events=[Event.CANCELLED])
    lifecycle.cancel(make_job(alice), alice)
    assert told(endpoint) == [Event.CANCELLED]


def test_paused_endpoint_hears_nothing(endpoint, alice, make_job):
    endpoint.pause()
    make_job(alice)
    assert told(endpoint) == []


def test_endpoint_of_who_may_no_longer_sign_in_hears_nothing(endpoint, alice, make_job):
    job = make_job(alice)
    alice.is_active = False
    alice.save()
    job.mark_cancelled()
    assert told(endpoint) == [Event.CREATED]


def test_event_has_one_id_at_all_endpoints(endpoint, alice, make_job):
    team = make_endpoint(None)
    make_job(alice)
    assert endpoint.deliveries.get().event_id == team.deliveries.get().event_id
