"""The REST API: waiting for a job is cheap."""

from datetime import timedelta

import pytest
from django.utils import timezone

from jobs import lifecycle
from jobs.models import Job
from jobs.states import State

from .conftest import png

pytestmark = pytest.mark.django_db

JOBS = "/api/v1/jobs/"


def look(api, user, job, **headers):
    return api(user).get(f"{JOBS}{job.pk}/", headers=headers)


def test_job_that_did_not_change_is_not_sent_again(api, alice, make_job):
    job = make_job(alice)
    response = look(api, alice, job, If_None_Match=look(api, alice, job)["ETag"])
    assert (response.status_code, response.content, response["Retry-After"]) == (304, b"", "1")


def test_job_that_moved_is_sent_again(api, alice, make_job):
    job = make_job(alice)
    tag = look(api, alice, job)["ETag"]
    lifecycle.cancel(job, alice)
    response = look(api, alice, job, If_None_Match=tag)
    assert (response.status_code, response.data["state"]) == (200, State.CANCELLED)


def test_tag_is_of_what_is_told(api, alice, make_job):
    job, client = make_job(alice), api(alice)
    tags = {client.get(f"{JOBS}{job.pk}/", {"expand": words})["ETag"] for words in ("", "inputs", "events")}
    assert len(tags) == 3


@pytest.mark.parametrize(
    ("state", "seconds", "patience"),
    [
        (State.PENDING, 0, "1"),
        (State.PENDING, 120, "12"),
        (State.IN_QUEUE, 3600, "30"),
        (State.IN_PROGRESS, 3600, "10"),
        (State.UNCONFIRMED, 0, "60"),
    ],
)
def test_job_says_when_to_ask_again(api, alice, make_job, state, seconds, patience):
    job = make_job(alice)
    created = timezone.now() - timedelta(seconds=seconds)
    Job.objects.filter(pk=job.pk).update(state=state, request_id="id", created_at=created)
    assert look(api, alice, job)["Retry-After"] == patience


def test_ended_job_need_not_be_asked_again(api, alice, make_job):
    job = make_job(alice)
    lifecycle.cancel(job, alice)
    assert "Retry-After" not in look(api, alice, job)


def test_new_job_says_when_to_ask_for_it_and_where(api, alice):
    response = api(alice).post(JOBS, {"text": "Make 2 images.", "images": png()}, format="multipart")
    assert (response["Retry-After"], response["Location"]) == ("1", response.data["url"])
