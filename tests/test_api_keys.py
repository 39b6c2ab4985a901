"""An Idempotency-Key makes one job of however many calls, whichever API they speak and whatever is gone since."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from jobs import idempotency, intake, lifecycle, pictures, seedream, upkeep
from jobs.models import IdempotencyKey, Job
from jobs.states import State

from .conftest import parameters, png, stored_output
from .servers import answer, in_turn, page, serving
from .test_api import data_uri

pytestmark = pytest.mark.django_db

JOBS, DROP_IN = "/api/v1/jobs/", f"/v1/models/{seedream.MODEL_ID}"
ADDRESSES = [JOBS, DROP_IN]


@pytest.fixture
def send(api):
    """An edit under a key: as JSON, of whatever pictures are given."""

    def post(user, address=JOBS, key="key", **more):
        body = {"text": "Make 2 images.", "images": [data_uri(png())], **more}
        return api(user).post(address, body, format="json", headers={"Idempotency-Key": key})

    return post


@pytest.fixture
def upload(api):
    """The same as a form with a file."""

    def post(user, color="teal", **more):
        body = {"text": "Make 2 images.", "images": png(color=color), **more}
        return api(user).post(JOBS, body, format="multipart", headers={"Idempotency-Key": "key"})

    return post


def id_of(response):
    told = response.json()
    return told.get("id") or told["request_id"]


def assert_same(first, second):
    assert first.status_code in (200, 201), first.content
    assert (second.status_code, id_of(second)) == (first.status_code, id_of(first))


def delete(job):
    lifecycle.cancel(job, job.owner)
    upkeep.delete(job)


# The same again


@pytest.mark.parametrize("address", ADDRESSES)
def test_same_key_and_body_give_the_same_job(send, alice, address):
    assert_same(send(alice, address), send(alice, address))
    assert Job.objects.count() == 1


def test_same_key_and_file_give_the_same_job(upload, alice):
    assert_same(upload(alice), upload(alice))
    assert Job.objects.count() == 1


def test_same_key_gives_the_same_job_when_its_answer_was_lost(send, alice):
    """The first call died between the commit and its answer; the job has gone on since."""
    lifecycle.cancel(Job.objects.get(pk=id_of(send(alice))), alice)
    assert send(alice).data["state"] == State.CANCELLED


def test_same_fields_in_another_order_are_the_same_body(api, alice):
    fields = [("text", "Make 2 images."), ("images", [data_uri(png())])]
    bodies = [dict(fields), dict(reversed(fields))]
    assert_same(*(api(alice).post(JOBS, body, headers={"Idempotency-Key": "key"}) for body in bodies))


@pytest.mark.parametrize("address", ADDRESSES)
def test_same_link_is_not_fetched_for_the_same_key_again(send, alice, settings, address):
    png_answer = answer(200, png().getvalue(), content_type="image/png")
    with serving(in_turn(png_answer, page(502))) as server:
        settings.TRUSTED_ADDRESS = server.address
        assert_same(*(send(alice, address, images=[f"{server.url}/lake.png"]) for _ in range(2)))
    assert len(server.requests) == 1


@pytest.mark.parametrize("address", ADDRESSES)
def test_same_key_needs_no_output_that_was_its_picture(send, alice, make_job, address):
    output = stored_output(make_job(alice))
    images = [f"http://testserver/outputs/{output.pk}/"]
    first = send(alice, address, images=images)
    delete(output.job)
    assert_same(first, send(alice, address, images=images))


def test_rerun_with_the_same_key_is_made_once(send, alice, make_job):
    address = f"{JOBS}{make_job(alice).pk}/rerun/"
    assert_same(send(alice, address, seed=1), send(alice, address, seed=1))


def test_rerun_with_the_same_key_needs_no_source(send, alice, make_job):
    source = make_job(alice)
    address = f"{JOBS}{source.pk}/rerun/"
    first = send(alice, address)
    delete(source)
    assert_same(first, send(alice, address))


# Something else


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize(
    "change",
    [{"text": "Make 3 images."}, {"images": ["x"]}, {"seed": 1}, {"image_size": "2560:1440 (16:9)"}, {"text": ""}],
)
def test_same_key_with_another_body_is_a_conflict(send, alice, address, change):
    send(alice, address)
    assert send(alice, address, **change).status_code == 409
    assert Job.objects.count() == 1


@pytest.mark.parametrize("change", [{"text": "Make 3 images."}, {"color": "red"}, {"images[1]": png()}])
def test_same_key_with_another_form_is_a_conflict(upload, alice, change):
    upload(alice)
    response = upload(alice, **change)
    assert (response.status_code, response.data["errors"][0]["code"]) == (409, "conflict")


def test_key_is_of_one_kind_of_call(send, alice, make_job):
    rerun, another = (f"{JOBS}{make_job(alice).pk}/rerun/" for _ in range(2))
    codes = [send(alice, address).status_code for address in (rerun, JOBS, another, DROP_IN, rerun)]
    assert codes == [201, 409, 409, 409, 201]


def test_same_key_of_another_user_is_another_key(send, alice, bob):
    assert id_of(send(alice)) != id_of(send(bob))


@pytest.mark.parametrize("address", ADDRESSES)
def test_refused_edit_leaves_its_key_free(send, alice, address):
    assert send(alice, address, text="").status_code in (400, 422)
    assert send(alice, address).status_code in (200, 201)


# What became of the job


DELETED = "The job that was made under this Idempotency-Key was deleted."
TOLD = {
    JOBS: {"type": "client_error", "errors": [{"code": "gone", "detail": DELETED, "attr": None}]},
    DROP_IN: {"error_code": 410001, "error_message": DELETED},
}


@pytest.mark.parametrize("address", ADDRESSES)
def test_key_is_not_freed_by_deleting_its_job(send, alice, address):
    delete(Job.objects.get(pk=id_of(send(alice, address))))
    response = send(alice, address)
    assert (response.status_code, response.json(), Job.objects.count()) == (410, TOLD[address], 0)


def test_key_from_before_fingerprints_gives_its_job(send, alice, make_job):
    job = make_job(alice)
    IdempotencyKey.objects.create(owner=alice, key="key", job=job)
    assert id_of(send(alice)) == str(job.pk)


# The key itself


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("key", ["x" * 201, "schlüssel", "a\tb"])
def test_key_has_at_most_200_plain_characters(send, alice, address, key):
    response = send(alice, address, key=key.encode().decode("latin-1"))
    assert response.status_code == (400 if address == JOBS else 422)
    assert "Idempotency-Key" in response.content.decode()


@pytest.mark.parametrize("address", ADDRESSES)
def test_empty_key_is_none(send, alice, address):
    assert id_of(send(alice, address, key="")) != id_of(send(alice, address, key=""))


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("depth", [200, 500, 700, 900, 2000, 50_000])
def test_key_comes_with_json_as_deep_as_it_may_be(api, alice, address, depth):
    body = f'{{"images": [], "more": {"[" * depth}{"]" * depth}}}'
    headers = {"Idempotency-Key": "key"}
    response = api(alice).post(address, body, content_type="application/json", headers=headers)
    assert response.status_code in (400, 422)


# At once


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("address", ADDRESSES)
def test_two_calls_at_once_make_one_job(send, alice, address):
    def call(_number):
        try:
            return id_of(send(alice, address))
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        ids = set(threads.map(call, range(4)))
    assert (len(ids), Job.objects.count()) == (1, 1)


@pytest.fixture
def make(alice):
    def make_under(key):
        kept = [intake.Kept(intake.keep(pictures.clean(png())))]
        return lifecycle.create(alice, parameters(), kept, key=key)

    return make_under


def test_call_that_comes_too_late_gets_the_job_of_the_other(alice, make):
    """Its link answered the other call, and no longer this one."""
    one, two = (IdempotencyKey(owner=alice, key="key", fingerprint="one") for _ in range(2))

    def too_late():
        make(one)
        raise seedream.InvalidInput({"images": ["The link answers with HTTP 502."]})

    assert idempotency.once(two, too_late) == Job.objects.get()


def test_failure_of_the_only_call_is_told(alice):
    def fail():
        raise seedream.InvalidInput({"images": ["The link answers with HTTP 502."]})

    with pytest.raises(seedream.InvalidInput):
        idempotency.once(IdempotencyKey(owner=alice, key="key", fingerprint="one"), fail)
