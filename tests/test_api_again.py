"""The REST API: an Idempotency-Key makes one job of however many calls, and waiting for it is cheap."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from jobs import lifecycle
from jobs.models import Job
from jobs.states import State

from .conftest import png
from .servers import answer, in_turn, page, serving

pytestmark = pytest.mark.django_db

JOBS = "/api/v1/jobs/"


@pytest.fixture
def submit(api):
    """Send an edit of one picture under a key."""

    def send(user, key="key", address=JOBS, **more):
        body = {"text": "Make 2 images.", "images": png(color=more.pop("color", "teal")), **more}
        return api(user).post(address, body, format="multipart", headers={"Idempotency-Key": key})

    return send


def test_same_key_and_body_give_the_same_job(submit, alice):
    first, second = submit(alice), submit(alice)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.data["id"] == second.data["id"]
    assert Job.objects.count() == 1


def test_same_key_gives_the_same_job_when_its_answer_was_lost(submit, alice):
    """The first call died between the commit and its answer; the job has gone on since."""
    job = Job.objects.get(pk=submit(alice).data["id"])
    lifecycle.cancel(job, alice)
    assert submit(alice).data["state"] == State.CANCELLED


@pytest.mark.parametrize("change", [{"text": "Make 3 images."}, {"color": "red"}, {"seed": 1}])
def test_same_key_with_another_body_is_a_conflict(submit, alice, change):
    submit(alice)
    response = submit(alice, **change)
    assert (response.status_code, response.data["errors"][0]["code"]) == (409, "conflict")
    assert Job.objects.count() == 1


def test_same_key_with_the_default_spelt_out_is_the_same_body(submit, alice):
    assert submit(alice).data["id"] == submit(alice, image_size="2560:1440 (16:9)").data["id"]


def test_same_key_of_another_user_is_another_key(submit, alice, bob):
    assert submit(alice).data["id"] != submit(bob).data["id"]


def test_refused_edit_leaves_its_key_free(submit, alice):
    assert submit(alice, text="").status_code == 400
    assert submit(alice).status_code == 201


def test_same_link_is_not_fetched_for_the_same_key_again(api, alice, settings):
    png_answer = answer(200, png().getvalue(), content_type="image/png")
    with serving(in_turn(png_answer, page(502))) as server:
        settings.TRUSTED_ADDRESS = server.address
        body = {"text": "Make 2 images.", "images": [f"{server.url}/lake.png"]}
        answers = [api(alice).post(JOBS, body, headers={"Idempotency-Key": "key"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert len(server.requests) == 1


@pytest.mark.parametrize("key", ["x" * 201, "schlüssel", "a\tb"])
def test_key_has_at_most_200_plain_characters(submit, alice, key):
    response = submit(alice, key=key.encode().decode("latin-1"))
    assert (response.status_code, response.data["errors"][0]["attr"]) == (400, "Idempotency-Key")


def test_empty_key_is_none(submit, alice):
    assert submit(alice, key="").data["id"] != submit(alice, key="").data["id"]


def test_rerun_with_the_same_key_is_made_once(api, alice, make_job):
    address, headers = f"{JOBS}{make_job(alice).pk}/rerun/", {"Idempotency-Key": "key"}
    ids = [api(alice).post(address, {"seed": 1}, headers=headers).data["id"] for _ in range(2)]
    assert ids[0] == ids[1]


def test_rerun_of_another_job_with_the_same_key_is_a_conflict(api, alice, make_job):
    headers = {"Idempotency-Key": "key"}
    codes = [api(alice).post(f"{JOBS}{make_job(alice).pk}/rerun/", {}, headers=headers).status_code for _ in range(2)]
    assert codes == [201, 409]


@pytest.mark.django_db(transaction=True)
def test_two_calls_at_once_make_one_job(submit, alice):
    def send(_number):
        try:
            return submit(alice).data["id"]
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        ids = set(threads.map(send, range(4)))
    assert (len(ids), Job.objects.count()) == (1, 1)


# Waiting


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


def test_new_job_says_when_to_ask_for_it_and_where(submit, alice):
    response = submit(alice)
    assert (response["Retry-After"], response["Location"]) == ("1", response.data["url"])
