"""The REST API: finding jobs, running them again, deleting them, and all that is told of one."""

import io
import json
import uuid
import zipfile
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User

from jobs import lifecycle, references
from jobs.models import Job
from jobs.states import State

from .conftest import png, stored_bytes, stored_output

pytestmark = pytest.mark.django_db

ROOT, JOBS = "/api/v1/", "/api/v1/jobs/"


def found(response):
    return [job["id"] for job in response.data["results"]]


def attrs(response):
    return [error["attr"] for error in response.data["errors"]]


def ended(job):
    lifecycle.cancel(job, job.owner)
    return job


# Lists


def test_list_filters_as_the_portal_does(api, alice, bob, make_job):
    make_job(bob)
    cancelled = ended(make_job(alice))
    make_job(alice)
    response = api(alice).get(JOBS, {"owner": "me", "state": "cancelled"})
    assert found(response) == [str(cancelled.pk)]


def test_list_searches_the_prompts(api, alice, make_job):
    roof = make_job(alice, text="Make 2 images: a green roof.")
    make_job(alice, text="Make 2 images: a red door.")
    assert found(api(alice).get(JOBS, {"q": "roof green"})) == [str(roof.pk)]


@pytest.mark.parametrize("filters", [{}, {"sort": "oldest"}, {"q": "images"}, {"q": "images", "sort": "oldest"}])
def test_list_pages_through_every_order(api, alice, make_job, filters):
    jobs = [str(make_job(alice).pk) for _ in range(5)]
    client, url, seen = api(alice), JOBS, []
    page = client.get(url, {"page_size": 2, **filters}).data
    seen += [job["id"] for job in page["results"]]
    while page["next"]:
        page = client.get(page["next"]).data
        seen += [job["id"] for job in page["results"]]
    assert seen == (jobs if "sort" in filters else jobs[::-1])


def test_list_goes_back_as_well(api, alice, make_job):
    for _ in range(3):
        make_job(alice)
    client = api(alice)
    first = client.get(JOBS, {"page_size": 2})
    second = client.get(first.data["next"])
    assert found(client.get(second.data["previous"])) == found(first)


@pytest.mark.parametrize(
    ("name", "value"), [("state", "sleeping"), ("since", "yesterday"), ("review", "good"), ("owner", "nobody")]
)
def test_list_refuses_a_filter_that_it_does_not_know(api, alice, name, value):
    response = api(alice).get(JOBS, {name: value})
    assert (response.status_code, attrs(response)) == (400, [name])


@pytest.mark.parametrize("owner", ["bob", "{bob.pk}"])
def test_list_knows_people_by_name_and_by_number(api, alice, bob, make_job, owner):
    make_job(alice)
    job = make_job(bob)
    assert found(api(alice).get(JOBS, {"owner": owner.format(bob=bob)})) == [str(job.pk)]


def test_list_takes_a_number_for_a_name_first(api, alice, bob, make_job):
    make_job(bob)
    number = User.objects.create_user(str(bob.pk))
    job = make_job(number)
    assert found(api(alice).get(JOBS, {"owner": str(bob.pk)})) == [str(job.pk)]


def test_list_of_somebody_without_jobs_is_empty(api, alice, bob, make_job):
    make_job(alice)
    assert found(api(alice).get(JOBS, {"owner": "bob"})) == []


@pytest.mark.parametrize("owner", ["nobody", "0", "9" * 30, "al\0ice", "Alice"])
def test_list_names_an_owner_that_there_is_not(api, alice, owner):
    response = api(alice).get(JOBS, {"owner": owner})
    assert (response.status_code, attrs(response)) == (400, ["owner"])


def test_list_knows_nobody_else_where_each_has_their_own(api, alice, bob, make_job, settings):
    settings.TEAM_VISIBILITY = "own"
    job, client = make_job(bob), api(bob)
    assert found(client.get(JOBS, {"owner": "bob"})) == [str(job.pk)]
    told = [client.get(JOBS, {"owner": owner}).data["errors"][0]["detail"] for owner in ("alice", "nobody")]
    assert told == ["There is nobody of that name, or you may not see their jobs."] * 2


LISTS = ["jobs/", "jobs/{}/events/", "outputs/"]


@pytest.mark.parametrize("path", [*LISTS, "usage/", "models/"])
def test_list_refuses_a_parameter_that_there_is_not(api, alice, make_job, path):
    response = api(alice).get(ROOT + path.format(make_job(alice).pk), {"stat": "failed"})
    assert (response.status_code, attrs(response)) == (400, ["stat"])


def test_list_names_every_bad_parameter_at_once(api, alice):
    response = api(alice).get(JOBS, {"stat": "failed", "state": "x", "owner": "x"})
    assert sorted(attrs(response)) == ["owner", "stat", "state"]


@pytest.mark.parametrize("size", ["0", "-1", "101", "ten", "", "1.5", "٣", "9" * 5000])
@pytest.mark.parametrize("path", LISTS)
def test_list_refuses_a_bad_page_size(api, alice, make_job, path, size):
    response = api(alice).get(ROOT + path.format(make_job(alice).pk), {"page_size": size})
    assert (response.status_code, attrs(response)) == (400, ["page_size"])


# Not base64, no place at all, also backwards, nothing of ours, the first page written in another way
CURSORS = ["nonsense", "cD1ub25zZW5zZQ==", "cj0xJnA9eA==", "YWJj", "bz0w", "bz0xMDAwMDAw", "ü"]


@pytest.mark.parametrize("cursor", CURSORS)
@pytest.mark.parametrize("path", LISTS)
def test_list_knows_no_cursor_that_it_did_not_make(api, alice, make_job, path, cursor):
    response = api(alice).get(ROOT + path.format(make_job(alice).pk), {"cursor": cursor})
    assert (response.status_code, attrs(response)) == (400, ["cursor"])


def test_list_is_sparse(api, alice, make_job):
    make_job(alice)
    [job] = api(alice).get(JOBS).data["results"]
    assert {"inputs", "outputs", "events", "result"}.isdisjoint(job)


@pytest.mark.parametrize("count", [1, 5])
def test_list_expanded_costs_the_same_for_few_and_for_many(api, alice, make_job, django_assert_num_queries, count):
    for _ in range(count):
        stored_output(make_job(alice))
    client = api(alice)
    with django_assert_num_queries(9):  # four without; inputs, pictures, outputs, events, actors
        client.get(JOBS, {"expand": "inputs,outputs,events,result"})


@pytest.mark.parametrize("word", ["inputs", "outputs", "events", "result"])
def test_job_tells_only_what_is_expanded(api, alice, make_job, word):
    data = api(alice).get(f"{JOBS}{make_job(alice).pk}/", {"expand": word}).data
    assert {"inputs", "outputs", "events", "result"} & data.keys() == {word}


def test_job_has_no_other_word_to_expand(api, alice, make_job):
    response = api(alice).get(f"{JOBS}{make_job(alice).pk}/", {"expand": "inputs,everything"})
    assert (response.status_code, attrs(response)) == (400, ["expand"])


# What a body may hold


def test_new_job_has_no_unknown_fields(api, alice):
    body = r'{"images": ["data:x"], "text": "Make 2.", "prompt": "x", "\ud800": 1}'
    response = api(alice).post(JOBS, body, content_type="application/json")
    assert (response.status_code, set(attrs(response))) == (400, {"prompt", "?", "images"})


def test_new_job_has_no_unknown_files(api, alice):
    body = {"text": "Make 2.", "images": png(), "mask": png()}
    response = api(alice).post(JOBS, body, format="multipart")
    assert (response.status_code, attrs(response)) == (400, ["mask"])


@pytest.mark.parametrize("name", ["text", "seed", "image_size"])
def test_new_job_has_each_field_once(api, alice, name):
    given = {"text": "Make 2 images.", "seed": "1", "image_size": "2048:2048 (1:1)"}
    body = urlencode([*given.items(), (name, given[name])])
    response = api(alice).post(JOBS, body, content_type="application/x-www-form-urlencoded")
    told = {error["attr"]: error["detail"] for error in response.data["errors"]}
    assert (response.status_code, told[name]) == (400, "This field is given more than once.")


def test_new_job_has_each_field_once_beside_files(api, alice):
    body = {"text": ["Make 2 images.", "Make 3 images."], "images": [png(), png(color="red")]}
    response = api(alice).post(JOBS, body, format="multipart")
    assert [error["attr"] for error in response.data["errors"]] == ["text"]


def test_new_job_is_made_of_an_output(api, alice, make_job):
    output = stored_output(make_job(alice))
    data = api(alice).post(JOBS, {"images": [f"output:{output.pk}"], "text": "Make 2 images."}).data
    assert (data["inputs"][0]["output"], data["parent"]) == (output.pk, output.job_id)


# Running again


def test_rerun_takes_over_what_it_does_not_change(api, alice, make_job):
    job = make_job(alice, seed=7, image_size="2048:2048 (1:1)")
    data = api(alice).post(f"{JOBS}{job.pk}/rerun/", {"text": "Make 2 images, red."}).data
    again = Job.objects.get(pk=data["id"])
    assert again.parameters == {**job.parameters, "text": "Make 2 images, red."}
    assert [(entry.picture, entry.name) for entry in again.inputs.all()] == [(job.inputs.get().picture, "teal.png")]
    assert again.parent == job


def test_rerun_without_a_body_does_the_same_again(api, alice, make_job):
    job = make_job(alice, seed=7)
    response = api(alice).post(f"{JOBS}{job.pk}/rerun/")
    assert (response.status_code, response.data["seed"], response.data["text"]) == (201, 7, job.text)


def test_rerun_takes_the_default_for_null(api, alice, make_job):
    job = make_job(alice, seed=7)
    assert api(alice).post(f"{JOBS}{job.pk}/rerun/", {"seed": None}).data["seed"] is None


def test_rerun_takes_other_pictures(api, alice, make_job):
    job = make_job(alice)
    data = api(alice).post(f"{JOBS}{job.pk}/rerun/", {"images": png(width=31)}, format="multipart").data
    assert [entry["picture"]["width"] for entry in data["inputs"]] == [31]


def test_rerun_needs_a_picture(api, alice, make_job):
    response = api(alice).post(f"{JOBS}{make_job(alice).pk}/rerun/", {"images": []})
    assert (response.status_code, attrs(response)) == (400, ["images"])


def test_rerun_of_a_teammates_job_is_ones_own(api, alice, bob, make_job):
    data = api(bob).post(f"{JOBS}{make_job(alice).pk}/rerun/").data
    assert Job.objects.get(pk=data["id"]).owner == bob


# Deleting


def test_delete_removes_an_ended_job_and_its_files(api, alice, make_job):
    job = ended(make_job(alice))
    picture = job.inputs.get().picture
    assert api(alice).delete(f"{JOBS}{job.pk}/").status_code == 204
    assert not Job.objects.exists()
    assert not picture.file.storage.exists(picture.file.name)


def test_delete_leaves_a_job_that_goes_on(api, alice, make_job):
    job = make_job(alice)
    response = api(alice).delete(f"{JOBS}{job.pk}/")
    assert (response.status_code, response.data["errors"][0]["code"]) == (409, "conflict")
    assert Job.objects.filter(pk=job.pk, state=State.PENDING).exists()


def test_delete_is_not_for_teammates(api, alice, bob, make_job):
    job = ended(make_job(alice))
    assert api(bob).delete(f"{JOBS}{job.pk}/").status_code == 403
    assert Job.objects.filter(pk=job.pk).exists()


# What happened, and what came of it


def test_events_come_oldest_first(api, alice, make_job):
    job = ended(make_job(alice))
    events = api(alice).get(f"{JOBS}{job.pk}/events/").data["results"]
    assert [(event["verb"], event["actor"]) for event in events] == [("created", "alice"), ("cancelled", "alice")]


def test_archive_holds_the_outputs_and_says_how_they_were_made(api, alice, make_job):
    output = stored_output(make_job(alice))
    response = api(alice).get(f"{JOBS}{output.job_id}/archive.zip")
    archive = zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content)))
    response.close()
    assert archive.read("1.png") == stored_bytes(output.file)
    assert json.loads(archive.read("manifest.json"))["jobs"][0]["id"] == str(output.job_id)


@pytest.mark.parametrize("path", ["", "events/", "archive.zip", "rerun/", "cancel/"])
def test_job_of_others_is_unknown_where_each_has_their_own(api, alice, bob, make_job, settings, path):
    settings.TEAM_VISIBILITY = "own"
    method = "post" if path in ("rerun/", "cancel/") else "get"
    response = getattr(api(bob), method)(f"{JOBS}{make_job(alice).pk}/{path}")
    assert response.status_code == 404


def test_input_of_a_teammates_job_can_be_used_again(api, alice, bob, make_job):
    job = make_job(alice)
    [entry] = api(bob).get(f"{JOBS}{job.pk}/").data["inputs"]
    response = api(bob).post(JOBS, {"images": [entry["picture"]["id"]], "text": "Make 2 images."})
    assert response.data["inputs"][0]["picture"]["sha256"] == job.inputs.get().picture.sha256


def test_input_without_its_signature_is_no_picture(api, alice, make_job):
    picture = make_job(alice).inputs.get().picture
    response = api(alice).post(JOBS, {"images": [f"{references.WORD}{picture.pk}"], "text": "Make 2 images."})
    assert (response.status_code, attrs(response)) == (400, ["images"])


def test_job_that_there_is_not_is_told_in_json(api, alice):
    response = api(alice).get(f"{JOBS}{uuid.uuid4()}/")
    assert (response.status_code, response.data["errors"][0]["code"]) == (404, "not_found")
