"""The REST API: jobs in, jobs out, by token."""

import base64
import io

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from jobs import lifecycle
from jobs.models import ApiToken, Job
from jobs.states import State

from .conftest import picture_file, png, stored_output

pytestmark = pytest.mark.django_db

JOBS = "/api/v1/jobs/"


def data_uri(file: io.BytesIO) -> str:
    return f"data:image/png;base64,{base64.b64encode(file.read()).decode()}"


def widths(data):
    return [entry["picture"]["width"] for entry in data["inputs"]]


def fields(response):
    return {error["attr"] for error in response.data["errors"]}


def edit(**more):
    return {"images": [data_uri(png())], "text": "Make 3 images of it.", **more}


def test_api_creates_a_pending_job(api, alice):
    response = api(alice).post(JOBS, edit())
    assert (response.status_code, response.data["state"]) == (201, State.PENDING)
    assert Job.objects.get(pk=response.data["id"]).owner == alice


def test_api_answers_with_the_models_own_parameters(api, alice):
    given = {
        "text": "Two, please.",
        "sequential_image_generation_options": 2,
        "image_size": "2048:2048 (1:1)",
        "seed": 12,
        "optimize_prompt_options": "standard",
        "sequential_image_generation": "auto",
    }
    data = api(alice).post(JOBS, edit(**given)).data
    assert {name: data[name] for name in given} == given


def test_api_takes_the_models_defaults(api, alice):
    data = api(alice).post(JOBS, edit()).data
    assert (data["sequential_image_generation_options"], data["image_size"]) == (3, "2560:1440 (16:9)")


def test_api_takes_files_in_order(api, alice):
    files = {"images[1]": png(color="red", width=30), "images[0]": picture_file("JPEG", width=40)}
    data = api(alice).post(JOBS, {"text": "Swap them.", **files}, format="multipart").data
    assert widths(data) == [40, 30]


def test_api_mixes_files_and_data_uris_in_order(api, alice):
    mixed = {"images[0]": png(width=30), "images[1]": data_uri(png(width=31)), "images[2]": png(width=32)}
    data = api(alice).post(JOBS, {"text": "Mix them.", **mixed}, format="multipart").data
    assert widths(data) == [30, 31, 32]


def test_api_names_every_wrong_field_at_once(api, alice):
    wrong = {"text": "", "images": [], "sequential_image_generation_options": 16, "image_size": "1:1", "seed": "x"}
    response = api(alice).post(JOBS, wrong)
    assert (response.status_code, fields(response)) == (400, set(wrong))


@pytest.mark.parametrize(
    "images", ["a", {"a": 1}, 5, None, [5], [None], [["x"]], ["ftp://x/y.png"], ["data:image/png,x"]]
)
def test_api_refuses_what_is_no_picture(api, alice, images):
    response = api(alice).post(JOBS, edit(images=images))
    assert (response.status_code, fields(response)) == (400, {"images"})


@pytest.mark.parametrize("body", ["[]", "5", "null", '"x"', "{", '{"text": "\\ud800"}', '{"text": "\\u0000"}'])
def test_api_refuses_a_body_that_is_no_edit(api, alice, body):
    response = api(alice).post(JOBS, body, content_type="application/json")
    assert response.status_code == 400


def test_api_refuses_nothing_twice(api, alice):
    """A refused edit leaves no job behind."""
    api(alice).post(JOBS, edit(text=""))
    assert not Job.objects.exists()


def test_api_makes_nothing_that_it_cannot_tell_as_asked(api, alice):
    response = api(alice).post(f"{JOBS}?expand=everything", edit())
    assert (response.status_code, fields(response), Job.objects.count()) == (400, {"expand"}, 0)


def test_api_tells_a_new_job_as_it_is_read(api, alice):
    made = api(alice).post(JOBS, edit()).data
    assert made == api(alice).get(made["url"]).data


@pytest.mark.parametrize("count", [1, 10])
def test_api_creates_at_the_same_cost_of_few_and_of_many_pictures(
    api, alice, django_assert_num_queries, count, settings
):
    files = {f"images[{number}]": png(width=30 + number) for number in range(count)}
    kept = api(alice).post("/api/v1/pictures/", files, format="multipart").data["pictures"]
    body, client = edit(images=[picture["id"] for picture in kept]), api(alice)
    client.post(JOBS, body)
    with django_assert_num_queries(15 if "orm" in settings.Q_CLUSTER else 14):  # a ring is a row, or Redis's
        client.post(JOBS, body)


def test_api_lists_the_newest_first(api, alice, make_job):
    jobs = [make_job(alice) for _ in range(3)]
    listed = api(alice).get(JOBS).data["results"]
    assert [job["id"] for job in listed] == [str(job.pk) for job in reversed(jobs)]


def test_api_pages_without_losing_or_repeating_a_job(api, alice, make_job):
    jobs = {str(make_job(alice).pk) for _ in range(5)}
    client, url, seen = api(alice), f"{JOBS}?page_size=2", []
    while url:
        page = client.get(url).data
        seen += [job["id"] for job in page["results"]]
        url = page["next"]
    assert (len(seen), set(seen)) == (5, jobs)


@pytest.mark.parametrize("count", [1, 5])
def test_api_list_costs_the_same_for_few_and_for_many(api, alice, make_job, django_assert_num_queries, count):
    for _ in range(count):
        make_job(alice)
    client = api(alice)
    with django_assert_num_queries(4):  # the token, that it was used, the rate, the page
        client.get(JOBS)


def test_api_cancels_a_pending_job(api, alice, make_job):
    job = make_job(alice)
    response = api(alice).post(f"{JOBS}{job.pk}/cancel/")
    assert (response.status_code, response.data["state"]) == (200, State.CANCELLED)


def test_api_promises_no_more_than_it_can_for_a_job_at_runcomfy(api, alice, make_job):
    job = make_job(alice)
    Job.objects.filter(pk=job.pk).update(state=State.IN_QUEUE, request_id="id")
    response = api(alice).post(f"{JOBS}{job.pk}/cancel/")
    assert (response.status_code, response.data["state"]) == (202, State.IN_QUEUE)
    assert response.data["cancel_requested_at"]


def test_api_says_that_it_is_too_late_to_cancel(api, alice, make_job):
    job = make_job(alice)
    lifecycle.cancel(job, alice)
    response = api(alice).post(f"{JOBS}{job.pk}/cancel/")
    assert response.status_code == 409
    assert "too late" in response.data["errors"][0]["detail"]


@pytest.mark.parametrize("method", ["get", "post"])
def test_api_lets_nobody_in_without_a_token(db, method):
    assert getattr(APIClient(), method)(JOBS).status_code == 401


@pytest.mark.parametrize("token", ["x", "x" * 64, "ünïcode", "a b", ""])
def test_api_refuses_a_wrong_token(db, token):
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}".encode().decode("latin-1"))
    assert client.get(JOBS).status_code == 401


def test_api_token_is_kept_only_as_a_hash(alice):
    row, token = ApiToken.objects.create(user=alice, name="script")
    kept = ApiToken.objects.filter(pk=row.pk).values().get()
    assert token not in str(kept)


def test_api_shows_a_teammate_the_teams_jobs(api, alice, bob, make_job):
    job = make_job(alice)
    assert api(bob).get(f"{JOBS}{job.pk}/").status_code == 200


def test_api_hides_others_jobs_where_each_has_their_own(api, alice, bob, make_job, settings):
    settings.TEAM_VISIBILITY = "own"
    job = make_job(alice)
    assert api(bob).get(f"{JOBS}{job.pk}/").status_code == 404


def test_api_shows_staff_all_jobs(api, alice, sam, make_job, settings):
    settings.TEAM_VISIBILITY = "own"
    job = make_job(alice)
    assert api(sam).get(f"{JOBS}{job.pk}/").status_code == 200


def test_api_lets_no_teammate_cancel(api, alice, bob, make_job):
    job = make_job(alice)
    assert api(bob).post(f"{JOBS}{job.pk}/cancel/").status_code == 403
    assert Job.objects.get(pk=job.pk).state == State.PENDING


def test_api_lets_staff_cancel(api, alice, sam, make_job):
    job = make_job(alice)
    assert api(sam).post(f"{JOBS}{job.pk}/cancel/").status_code == 200


def test_api_keeps_the_price_with_the_job(sandbox, api, alice):
    data = api(alice).post(JOBS, edit(sequential_image_generation_options=4)).data
    assert data["estimate_usd"] == "0.1200"


def test_api_creates_a_job_though_the_price_is_unknown(api, alice):
    data = api(alice).post(JOBS, edit()).data
    assert data["estimate_usd"] is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("in_folder")
def test_api_delivers_a_stored_output(sandbox, api, alice, make_job, drive_all):
    job = make_job(alice)
    drive_all()
    [first, _second] = api(alice).get(f"{JOBS}{job.pk}/").data["outputs"]
    response = api(alice).get(first["url"])
    content = b"".join(response.streaming_content)
    assert (response["Content-Type"], len(content)) == (first["content_type"], first["size"])


@pytest.mark.django_db(transaction=True)
def test_api_delivers_no_output_of_a_job_that_one_may_not_see(sandbox, api, alice, bob, make_job, drive_all, settings):
    job = make_job(alice)
    drive_all()
    settings.TEAM_VISIBILITY = "own"
    assert api(bob).get(f"/api/v1/outputs/{job.outputs.first().pk}/file/").status_code == 404


def test_api_refuses_json_that_is_nested_without_end(api, alice):
    response = api(alice).post(JOBS, "[" * 100_000, content_type="application/json")
    assert (response.status_code, response["Content-Type"]) == (400, "application/json")


def test_api_refuses_more_files_than_any_edit_has_in_json(api, alice):
    files = {f"images[{at}]": png() for at in range(25)}
    response = api(alice).post(JOBS, {"text": "x", **files}, format="multipart")
    assert (response.status_code, response["Content-Type"]) == (400, "application/json")


def test_api_fetches_lost_outputs_again(api, alice, make_job):
    job = make_job(alice)
    Job.objects.filter(pk=job.pk).update(
        state=State.FAILED, reason="lost_output", request_id="id", finished_at=timezone.now()
    )
    response = api(alice).post(f"{JOBS}{job.pk}/fetch_again/")
    assert (response.status_code, response.data["state"]) == (200, State.MIRRORING)


@pytest.mark.usefixtures("in_folder")
def test_file_is_given_to_who_asks_for_an_image(api, alice, make_job):
    output = stored_output(make_job(alice))
    response = api(alice).get(f"/api/v1/outputs/{output.pk}/file/", headers={"Accept": "image/*"})
    response.close()
    assert (response.status_code, response["Content-Type"]) == (200, output.content_type)
