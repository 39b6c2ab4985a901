"""The REST API: the model, what was spent, who is asking, and how often."""

import pytest
from django.test import Client
from django.utils import timezone

from jobs import seedream, store
from jobs.models import ApiToken, Job

from .conftest import stored_output

pytestmark = pytest.mark.django_db

ROOT = "/api/v1/"


def test_model_tells_its_schema_and_price(sandbox, api, alice):
    data = api(alice).get(f"{ROOT}models/{seedream.MODEL_ID}/").data
    assert data["price_usd"] == "0.0300"
    assert data["input_schema"] == seedream.SCHEMA["input"]


def test_models_are_this_one(api, alice):
    assert api(alice).get(f"{ROOT}models/").data["results"] == [{"id": seedream.MODEL_ID, "price_usd": None}]


def test_model_of_another_name_is_unknown(api, alice):
    assert api(alice).get(f"{ROOT}models/bytedance/other/").status_code == 404


def test_usage_tells_what_the_csv_tells(api, alice, bob, make_job):
    make_job(alice)
    job = make_job(bob)
    Job.objects.filter(pk=job.pk).update(estimate_usd="0.06")
    data = api(alice).get(f"{ROOT}usage/").data
    assert data["month"] == f"{timezone.localdate():%Y-%m}"
    assert [(row["username"], row["jobs"], row["estimated_usd"]) for row in data["days"]] == [
        ("alice", 1, None),
        ("bob", 1, "0.0600"),
    ]
    assert (data["total"]["jobs"], data["total"]["jobs_without_estimate"]) == (2, 1)


def test_usage_knows_no_other_months(api, alice):
    response = api(alice).get(f"{ROOT}usage/", {"month": "2026-13"})
    assert (response.status_code, response.data["errors"][0]["attr"]) == (400, "month")


def test_me_tells_the_token(api, alice):
    data = api(alice).get(f"{ROOT}me/").data
    token = ApiToken.objects.get()
    assert (data["username"], data["is_staff"], data["is_reviewer"]) == ("alice", False, False)
    assert data["token"] == {"name": "test", "expires_at": token.expiry}


def test_me_has_no_token_in_the_portal(as_user, rita):
    data = as_user(rita).get(f"{ROOT}me/").json()
    assert (data["is_reviewer"], data["token"]) == (True, None)


# Errors


@pytest.mark.parametrize(
    ("method", "path", "code", "word"),
    [
        ("get", "nowhere/", 404, "not_found"),
        ("get", "jobs", 404, "not_found"),
        ("options", "nowhere/", 404, "not_found"),
        ("put", "jobs/", 405, "method_not_allowed"),
        ("delete", "me/", 405, "method_not_allowed"),
    ],
)
def test_error_has_one_shape(api, alice, method, path, code, word):
    response = getattr(api(alice), method)(f"{ROOT}{path}")
    [error] = response.json()["errors"]
    assert (response.status_code, response.json()["type"], error["code"]) == (code, "client_error", word)


def test_error_for_an_unknown_type_of_body(api, alice):
    response = api(alice).post(f"{ROOT}jobs/", "<x/>", content_type="text/xml")
    assert (response.status_code, response.json()["errors"][0]["code"]) == (415, "unsupported_media_type")


def test_error_for_too_large_a_body(api, alice):
    response = api(alice).post(f"{ROOT}jobs/", "{}", content_type="application/json", CONTENT_LENGTH=str(200 * 1024**2))
    assert (response.status_code, response.json()["errors"][0]["code"]) == (413, "too_large")


def test_error_for_nobody(db):
    response = Client().get(f"{ROOT}nowhere/")
    assert (response.status_code, response.json()["errors"][0]["code"]) == (401, "not_authenticated")


def test_error_for_a_host_that_is_not_this_sites(client, db):
    response = client.get(f"{ROOT}me/", headers={"Host": "elsewhere.example.com"})
    [error] = response.json()["errors"]
    assert (response.status_code, error["code"], error["detail"]) == (
        400,
        "bad_request",
        "This request cannot be read.",
    )


def test_error_for_a_file_that_is_gone(api, alice, make_job):
    output = stored_output(make_job(alice))
    store.remove(output.file.name)
    response = api(alice).get(f"{ROOT}outputs/{output.pk}/file/")
    assert (response.status_code, response.json()["errors"][0]["code"]) == (404, "not_found")


@pytest.mark.parametrize("more", [{}, {"CONTENT_LENGTH": str(200 * 1024**2)}])
def test_errors_are_in_english_whatever_language_is_accepted(api, alice, more):
    headers = {"Accept-Language": "ja", "Cookie": "django_language=ja"}
    response = api(alice).post(f"{ROOT}jobs/", {"images": []}, headers=headers, **more)
    assert all(error["detail"].isascii() for error in response.json()["errors"])


def test_words_of_a_job_are_in_english_whatever_language_is_accepted(api, alice, make_job):
    job = make_job(alice)
    address, headers = f"{ROOT}jobs/{job.pk}/?expand=events", {"Accept-Language": "ja"}
    response = api(alice).get(address, headers=headers)
    assert (response.data["events"][0]["text"], response["Content-Language"]) == ("Accepted", "en")


# Rates


@pytest.fixture
def rates(settings):
    settings.API_RATES = {"reads": 2, "writes": 1, "uploads": 1}


def test_rate_is_told_with_every_answer(rates, api, alice):
    response = api(alice).get(f"{ROOT}me/")
    told = [response[f"RateLimit-{name}"] for name in ("Limit", "Remaining", "Reset")]
    assert told == ["2", "1", "60"]


def test_rate_ends_with_429_and_says_when_to_come_back(rates, api, alice):
    client = api(alice)
    codes = [client.get(f"{ROOT}me/").status_code for _ in range(2)]
    response = client.get(f"{ROOT}me/")
    assert (codes, response.status_code, response.data["errors"][0]["code"]) == ([200, 200], 429, "throttled")
    assert 0 < int(response["Retry-After"]) <= 60
    assert response["RateLimit-Remaining"] == "0"


def test_rate_counts_reads_writes_and_uploads_apart(rates, api, alice):
    client = api(alice)
    codes = [client.post(f"{ROOT}{path}", {}).status_code for path in ("jobs/", "pictures/", "jobs/", "pictures/")]
    assert codes == [400, 400, 429, 429]
    assert client.get(f"{ROOT}me/").status_code == 200


def test_rate_is_each_users_own(rates, api, alice, bob):
    for _ in range(3):
        api(alice).get(f"{ROOT}me/")
    assert api(bob).get(f"{ROOT}me/").status_code == 200
