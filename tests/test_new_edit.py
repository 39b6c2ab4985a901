"""The page for a new edit, as a browser without script gets it, and as the form's script asks it."""

import json
import re
import uuid

import pytest
from django.urls import reverse
from django.utils import timezone

from jobs import figures, lifecycle, output_links, upkeep
from jobs.models import Job, Picture
from jobs.states import State

from .conftest import picture_file, png, stored_output

pytestmark = pytest.mark.django_db


def posted(**more):
    return {"images": [png()], "text": "Make 2 images of it.", "idempotency_key": uuid.uuid4().hex, **more}


def test_new_edit_makes_a_job_and_shows_it(as_user, alice):
    response = as_user(alice).post(reverse("jobs:new"), posted())
    assert response["Location"] == reverse("jobs:detail", args=[Job.objects.get().pk])


def test_new_edit_sent_twice_is_one_job(as_user, alice):
    client, key = as_user(alice), uuid.uuid4().hex
    first = client.post(reverse("jobs:new"), posted(idempotency_key=key))
    second = client.post(reverse("jobs:new"), posted(idempotency_key=key))
    assert (Job.objects.count(), first["Location"]) == (1, second["Location"])


def test_new_edit_that_was_changed_and_sent_again_is_another_job(as_user, alice):
    """What was typed is not lost to the earlier press of the button; nor made twice."""
    client = as_user(alice)
    for text in ("One.", "Two.", "Two."):
        client.post(reverse("jobs:new"), posted(text=text, idempotency_key="key", csrfmiddlewaretoken=uuid.uuid4().hex))
    assert [job.text for job in Job.objects.order_by("pk")] == ["One.", "Two."]


def test_new_edit_with_another_kept_picture_beside_its_file_is_another_job(as_user, alice):
    client = as_user(alice)
    two = [png(color="red"), png(color="blue")]
    for entry in client.post(reverse("jobs:new"), posted(images=two, text="")).context["kept"]:
        client.post(reverse("jobs:new"), posted(images=[entry["ref"], png()], idempotency_key="key"))
    assert [job.inputs.count() for job in Job.objects.all()] == [2, 2]


def test_new_edit_sent_again_after_its_job_was_deleted_is_another_job(as_user, alice):
    client = as_user(alice)
    client.post(reverse("jobs:new"), posted(idempotency_key="key"))
    lifecycle.cancel(Job.objects.get(), alice)
    upkeep.delete(Job.objects.get())
    response = client.post(reverse("jobs:new"), posted(idempotency_key="key"))
    assert response["Location"] == reverse("jobs:detail", args=[Job.objects.get().pk])


def test_new_edit_sent_without_its_key_is_made_each_time(as_user, alice):
    client = as_user(alice)
    for _ in range(2):
        client.post(reverse("jobs:new"), posted(idempotency_key=""))
    assert Job.objects.count() == 2


def test_new_edit_keeps_what_was_typed_and_uploaded_when_it_is_refused(as_user, alice):
    response = as_user(alice).post(reverse("jobs:new"), posted(text="x" * 601, seed="12"))
    page = response.content.decode()
    assert response.status_code == 422
    assert "At most 600 characters; these are 601." in page
    assert 'value="12"' in page
    assert 'value="picture:' in page


def test_new_edit_takes_a_kept_picture_again(as_user, alice):
    client = as_user(alice)
    page = client.post(reverse("jobs:new"), posted(text="")).context["kept"]
    again = {"images[0]": page[0]["ref"], "text": "Now with a prompt.", "idempotency_key": "again"}
    client.post(reverse("jobs:new"), again)
    assert Job.objects.get().inputs.get().picture == Picture.objects.get()


def test_new_edit_leaves_out_a_dropped_picture(as_user, alice):
    client = as_user(alice)
    kept = client.post(reverse("jobs:new"), posted(images=[png(), png(color="red")], text="")).context["kept"]
    refs = {f"images[{at}]": entry["ref"] for at, entry in enumerate(kept)}
    client.post(reverse("jobs:new"), {**refs, "drop": "0", "text": "One is enough.", "idempotency_key": "again"})
    assert [entry.picture.pk for entry in Job.objects.get().inputs.all()] == [
        Picture.objects.exclude(pk=Picture.objects.earliest("id").pk).get().pk
    ]


def test_new_edit_names_the_picture_that_is_wrong(as_user, alice):
    tiny = picture_file("PNG", 10, 10)
    tiny.name = "tiny.png"
    response = as_user(alice).post(reverse("jobs:new"), posted(images=[png(), tiny]))
    assert "tiny.png: The uploaded image width and height must exceed 14 pixels." in response.content.decode()


def test_new_edit_answers_a_script_with_the_address_of_the_job(as_user, alice):
    response = as_user(alice).post(reverse("jobs:new"), posted(), headers={"X-Requested-With": "fetch"})
    assert (response.status_code, response.json()) == (201, {"url": f"/jobs/{Job.objects.get().pk}/"})


def test_new_edit_answers_a_script_with_every_wrong_field(as_user, alice):
    wrong = posted(text="", sequential_image_generation_options="99", images=[])
    response = as_user(alice).post(reverse("jobs:new"), wrong, headers={"X-Requested-With": "fetch"})
    assert response.status_code == 422
    assert set(response.json()["errors"]) == {"text", "sequential_image_generation_options", "images"}


def test_new_edit_starts_from_an_earlier_job(as_user, alice, make_job):
    job = make_job(alice, text="As before.", seed=77)
    response = as_user(alice).get(f"{reverse('jobs:new')}?from={job.pk}")
    page = response.content.decode()
    assert "As before." in page
    assert len(response.context["kept"]) == 1


def test_new_edit_remembers_where_it_came_from(as_user, bob, alice, make_job):
    job = make_job(alice)
    as_user(bob).post(f"{reverse('jobs:new')}?from={job.pk}", posted())
    assert Job.objects.get(owner=bob).parent == job


@pytest.mark.parametrize("origin", ["nonsense", "00000000-0000-0000-0000-000000000000", ""])
def test_new_edit_opens_though_the_earlier_job_is_unknown(as_user, alice, origin):
    assert as_user(alice).get(f"{reverse('jobs:new')}?from={origin}").status_code == 200


def test_script_gets_plain_json(as_user, alice):
    response = as_user(alice).post(reverse("jobs:new"), posted(text=""), headers={"X-Requested-With": "fetch"})
    assert json.loads(response.content)["errors"]["text"] == ["Write a prompt: it says what to make of the pictures."]


def test_new_edit_remembers_where_it_came_from_also_in_the_form(as_user, alice, make_job):
    job = make_job(alice, text="As before.")
    page = as_user(alice).get(f"{reverse('jobs:new')}?from={job.pk}").content.decode()
    assert f'action="/new/?from={job.pk}"' in page
    assert f'Started from <a href="/jobs/{job.pk}/">“As before.”</a>' in page


# Earlier results as pictures


@pytest.fixture
def completed(alice, make_job):
    """Makes a completed job."""

    def make(owner=alice, **given):
        job = make_job(owner, **given)
        ended = {"state": State.COMPLETED, "request_id": str(job.pk), "finished_at": timezone.now()}
        Job.objects.filter(pk=job.pk).update(**ended)
        return job

    return make


@pytest.fixture
def output(completed):
    return stored_output(completed(text="Before."))


def start(client, *outputs, **more):
    """The form's own pictures, as opened with these results."""
    page = client.get(reverse("jobs:new"), {"output": [output.pk for output in outputs], **more})
    return {f"images[{at}]": entry["ref"] for at, entry in enumerate(page.context["kept"])}


def test_new_edit_takes_results_in_the_order_of_the_address(as_user, alice, make_job):
    first, second = stored_output(make_job(alice)), stored_output(make_job(alice), png(color="red"))
    kept = as_user(alice).get(f"{reverse('jobs:new')}?output={second.pk}&output={first.pk}").context["kept"]
    assert [entry["ref"] for entry in kept] == [f"output:{second.pk}", f"output:{first.pk}"]


def test_new_edit_of_a_result_goes_on_from_its_job(as_user, alice, bob, output):
    client = as_user(bob)
    client.post(reverse("jobs:new"), {**start(client, output), "text": "Again.", "idempotency_key": "1"})
    job = Job.objects.get(owner=bob)
    assert (job.parent, job.inputs.get().output) == (output.job, output)


def test_new_edit_of_a_result_says_what_it_started_from(as_user, alice, output):
    page = as_user(alice).get(f"{reverse('jobs:new')}?output={output.pk}").content.decode()
    assert f'Started from <a href="/jobs/{output.job_id}/">“Before.”</a>' in page
    assert "data-changed" not in page


def test_new_edit_adds_results_to_the_pictures_of_an_earlier_job(as_user, alice, output):
    client = as_user(alice)
    images = start(client, output, **{"from": output.job_id})
    client.post(f"{reverse('jobs:new')}?from={output.job_id}", {**images, "text": "Both.", "idempotency_key": "1"})
    assert [entry.output for entry in Job.objects.first().inputs.all()] == [None, output]


def test_result_stays_known_when_the_form_is_refused(as_user, alice, output):
    client = as_user(alice)
    refused = client.post(reverse("jobs:new"), {**start(client, output), "text": ""})
    client.post(reverse("jobs:new"), {"images[0]": refused.context["kept"][0]["ref"], "text": "Now."})
    assert Job.objects.get(text="Now.").inputs.get().output == output


def test_rerun_knows_the_result_that_its_job_was_made_of(as_user, alice, output):
    client = as_user(alice)
    client.post(reverse("jobs:new"), {**start(client, output), "text": "One.", "idempotency_key": "1"})
    images = start(client, **{"from": Job.objects.first().pk})
    client.post(reverse("jobs:new"), {**images, "text": "Two.", "idempotency_key": "2"})
    assert Job.objects.get(text="Two.").inputs.get().output == output


def test_link_of_a_result_needs_no_http(as_user, alice, output):
    links = f"http://testserver/pictures/{output.pk}/"
    as_user(alice).post(reverse("jobs:new"), {"links": links, "text": "Linked.", "idempotency_key": "1"})
    assert Job.objects.get(text="Linked.").inputs.get().output == output


def test_signed_link_of_a_result_needs_no_http(as_user, alice, output):
    links = f"http://testserver/v1/outputs/{output_links.token_of(output, output.job.owner)}/1.png"
    as_user(alice).post(reverse("jobs:new"), {"links": links, "text": "Linked.", "idempotency_key": "1"})
    assert Job.objects.get(text="Linked.").inputs.get().output == output


def test_api_takes_the_address_that_it_gave(api, alice, output):
    client = api(alice)
    given = client.get(reverse("api:job-detail", args=[output.job_id])).data["outputs"][0]["url"]
    made = client.post(reverse("api:job-list"), {"text": "By the API.", "images": [given]})
    job = Job.objects.get(pk=made.data["id"])
    assert (job.inputs.get().output, job.parent) == (output, output.job)


@pytest.mark.parametrize("word", ["nonsense", "00000000-0000-4000-8000-000000000000"])
def test_new_edit_of_no_result_is_not_found(as_user, alice, word):
    assert as_user(alice).get(f"{reverse('jobs:new')}?output={word}").status_code == 404


def test_new_edit_of_a_video_is_not_found(as_user, alice, make_job):
    video = stored_output(make_job(alice), kind="video")
    assert as_user(alice).get(f"{reverse('jobs:new')}?output={video.pk}").status_code == 404


def test_new_edit_of_an_unseen_result_is_not_found(as_user, bob, output, settings):
    settings.TEAM_VISIBILITY = "own"
    assert as_user(bob).get(f"{reverse('jobs:new')}?output={output.pk}").status_code == 404


@pytest.mark.parametrize("count", [1, 10])
def test_form_costs_the_same_for_one_result_and_for_ten(as_user, alice, make_job, django_assert_num_queries, count):
    outputs = [stored_output(make_job(alice)) for _ in range(count)]
    client = as_user(alice)
    figures.usual_table()
    with django_assert_num_queries(7):  # session, user, permissions, results with their jobs, RunComfy, worker
        start(client, *outputs)


# Recent results to pick from


def test_form_does_not_load_the_recent_results_by_itself(as_user, alice, output):
    assert f"output={output.pk}" not in as_user(alice).get(reverse("jobs:new")).content.decode()


def test_recent_results_are_the_newest_twelve(as_user, alice, completed):
    job = completed()
    outputs = [stored_output(job) for _ in range(13)]
    recent = as_user(alice).get(reverse("jobs:recent")).context["recent"]
    assert [entry["output"] for entry in recent] == outputs[:0:-1]


def test_recent_results_leave_out_videos_and_what_is_not_visible(as_user, bob, output, completed, settings):
    settings.TEAM_VISIBILITY = "own"
    stored_output(completed(bob), kind="video")
    assert as_user(bob).get(reverse("jobs:recent")).context["recent"] == []


def test_recent_result_is_added_to_those_in_the_address(as_user, alice, output):
    address = f"{reverse('jobs:new')}?recent=1&from={output.job_id}&output={output.pk}"
    page = as_user(alice).get(address).content.decode()
    assert f'href="/new/?from={output.job_id}&amp;output={output.pk}&amp;output={output.pk}"' in page


@pytest.mark.parametrize("count", [1, 12])
def test_recent_results_cost_the_same_for_one_and_for_twelve(
    as_user, alice, completed, django_assert_num_queries, count
):
    for _ in range(count):
        stored_output(completed())
    client = as_user(alice)
    with django_assert_num_queries(5):  # session, user, jobs, their results, whether RunComfy is down
        client.get(reverse("jobs:recent"))


# Advice and figures


def test_refused_form_shows_both_pieces_of_advice(as_user, alice):
    wrong = posted(images=[png() for _ in range(10)], text="Warmer.", sequential_image_generation_options="6", seed="x")
    page = as_user(alice).post(reverse("jobs:new"), wrong).content.decode()
    assert "The prompt names no number of images: fewer than 6 may come back." in page
    assert "with these, at most 5 images come back." in page


def test_form_says_nothing_where_nothing_surprises(as_user, alice):
    page = as_user(alice).get(reverse("jobs:new")).content.decode()
    assert re.findall(r'class="advice" id="([\w-]+)" hidden', page) == ["text-advice", "count-advice"]


def test_form_tells_how_long_edits_usually_take(as_user, alice):
    figures.cache.set(figures.TABLE_KEY, {"fast": {3: 8.4, 15: 130}, "standard": {}}, 60)
    response = as_user(alice).get(reverse("jobs:new"))
    assert response.context["usual"] == {"fast": {"3": "about 8 s", "15": "about 2 min"}, "standard": {}}
    assert 'data-usual="fast">about 8 s</small>' in response.content.decode()


def test_form_keeps_ten_pictures_when_there_are_too_many(as_user, alice):
    response = as_user(alice).post(reverse("jobs:new"), posted(images=[png() for _ in range(11)]))
    assert "At most 10 pictures; these are 11." in response.content.decode()
    assert len(response.context["kept"]) == 10


def test_form_shows_the_pictures_of_an_earlier_job_in_small_copies(as_user, alice, make_job):
    job = make_job(alice)
    Picture.objects.update(widths=[320, 640])
    kept = as_user(alice).get(f"{reverse('jobs:new')}?from={job.pk}").context["kept"]
    assert kept[0]["url"] == f"/jobs/{job.pk}/inputs/0/640.webp"


def test_new_edit_refuses_a_count_of_thousands_of_digits(as_user, alice):
    response = as_user(alice).post(reverse("jobs:new"), posted(sequential_image_generation_options="1" * 5000))
    assert response.status_code == 422


@pytest.mark.parametrize("origin", ["nonsense", "00000000-0000-7000-8000-000000000000", "{bobs}"])
def test_form_says_that_the_edit_to_start_from_is_not_here(as_user, alice, bob, make_job, settings, origin):
    settings.TEAM_VISIBILITY = "own"
    response = as_user(alice).get("/new/", {"from": origin.format(bobs=make_job(bob).pk)})
    assert response.status_code == 200
    assert "The edit to start from is not here" in response.content.decode()


@pytest.mark.parametrize("origin", ["", "{own}"])
def test_form_misses_no_edit_where_none_is_missing(as_user, alice, make_job, origin):
    response = as_user(alice).get("/new/", {"from": origin.format(own=make_job(alice).pk)})
    assert "is not here" not in response.content.decode()
