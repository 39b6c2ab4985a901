"""The REST API: pictures that are uploaded once, and outputs."""

import base64

import pytest

from jobs import references
from jobs.models import Picture

from .conftest import picture_file, png, stored_output

pytestmark = pytest.mark.django_db

PICTURES, OUTPUTS = "/api/v1/pictures/", "/api/v1/outputs/"


@pytest.fixture
def upload(api):
    """What the upload of one picture answers to a user."""
    return lambda user: api(user).post(PICTURES, {"images": png()}, format="multipart").data["pictures"][0]


def test_upload_tells_each_picture_in_order(api, alice):
    files = {"images[1]": png(width=30), "images[0]": picture_file("JPEG", width=40)}
    response = api(alice).post(PICTURES, files, format="multipart")
    told = [(picture["width"], picture["content_type"]) for picture in response.data["pictures"]]
    assert (response.status_code, told) == (201, [(40, "image/jpeg"), (30, "image/png")])


def test_upload_takes_data_uris(api, alice):
    uri = f"data:image/png;base64,{base64.b64encode(png().read()).decode()}"
    [picture] = api(alice).post(PICTURES, {"images": [uri]}).data["pictures"]
    assert picture["sha256"] == Picture.objects.get().sha256


def test_upload_of_the_same_bytes_is_kept_once(upload, alice, bob):
    assert upload(alice)["sha256"] == upload(bob)["sha256"]
    assert Picture.objects.count() == 1


def test_uploaded_picture_is_used_by_its_id(api, upload, alice):
    picture = upload(alice)
    body = {"images": [picture["id"]], "text": "Make 2 images."}
    assert api(alice).post("/api/v1/jobs/", body).data["inputs"][0]["picture"] == picture


@pytest.mark.usefixtures("in_folder")
def test_uploaded_picture_is_read_by_its_owner(api, upload, alice):
    picture, client = upload(alice), api(alice)
    assert client.get(picture["url"]).data == picture
    response = client.get(picture["file_url"])
    assert len(b"".join(response.streaming_content)) == picture["size"]
    response.close()


def test_uploaded_picture_keeps_its_name(api, upload, alice):
    body = {"images": [upload(alice)["id"]], "text": "Make 2 images."}
    assert api(alice).post("/api/v1/jobs/", body).data["inputs"][0]["name"] == "picture.png"


@pytest.mark.parametrize("address", ["url", "file_url"])
def test_uploaded_picture_is_unknown_to_everybody_else(api, upload, alice, sam, address):
    assert api(sam).get(upload(alice)[address]).status_code == 404


def test_uploaded_picture_cannot_be_used_by_another_member(api, upload, alice, bob):
    response = api(bob).post("/api/v1/jobs/", {"images": [upload(alice)["id"]], "text": "Make 2 images."})
    assert (response.status_code, response.data["errors"][0]["attr"]) == (400, "images")


@pytest.mark.parametrize("form", ["{}", "picture:{}"])
def test_picture_is_not_found_by_guessing(api, upload, alice, form):
    upload(alice)
    assert api(alice).get(f"{PICTURES}{form.format(Picture.objects.get().pk)}/").status_code == 404


def test_upload_names_each_bad_picture(api, alice):
    response = api(alice).post(PICTURES, {"images": ["data:image/png;base64,eA==", "data:,x"], "names": []})
    assert response.status_code == 400
    assert [error["attr"] for error in response.data["errors"]] == ["names", "images", "images"]


def test_upload_tells_the_vendors_own_words(api, alice):
    response = api(alice).post(PICTURES, {"images": png(width=64, height=10)}, format="multipart")
    assert "The uploaded image width and height must exceed 14 pixels." in str(response.data)


def test_reference_stays_the_same(alice, make_job):
    picture = make_job(alice).inputs.get().picture
    assert references.reference(picture, alice) == references.reference(picture, alice)


# Outputs


def test_outputs_come_newest_first_and_are_filtered(api, alice, make_job):
    job, other = make_job(alice), make_job(alice)
    good, bad = stored_output(job, review="approved"), stored_output(job, review="rejected")
    stored_output(other)
    listed = api(alice).get(OUTPUTS, {"job": str(job.pk)}).data["results"]
    assert [output["id"] for output in listed] == [str(bad.pk), str(good.pk)]
    [only] = api(alice).get(OUTPUTS, {"review": "approved"}).data["results"]
    assert only["id"] == str(good.pk)


@pytest.mark.parametrize(("name", "value"), [("job", "x"), ("review", "x")])
def test_outputs_refuse_a_filter_that_they_do_not_know(api, alice, name, value):
    response = api(alice).get(OUTPUTS, {name: value})
    assert (response.status_code, response.data["errors"][0]["attr"]) == (400, name)


@pytest.mark.parametrize("count", [1, 24])
def test_outputs_cost_the_same_for_few_and_for_many(api, alice, make_job, django_assert_num_queries, count):
    job = make_job(alice)
    for _ in range(count):
        stored_output(job)
    client = api(alice)
    with django_assert_num_queries(4):  # the token, that it was used, the rate, the page
        client.get(OUTPUTS)


def test_outputs_of_others_are_unknown_where_each_has_their_own(api, alice, bob, make_job, settings):
    settings.TEAM_VISIBILITY = "own"
    output, client = stored_output(make_job(alice)), api(bob)
    assert client.get(OUTPUTS).data["results"] == []
    assert client.get(f"{OUTPUTS}{output.pk}/").status_code == 404
