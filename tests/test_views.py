"""The portal's pages, as a browser without script gets them."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs import delivery
from jobs.models import Provider
from jobs.states import Reason

pytestmark = pytest.mark.django_db


def test_sign_in_opens_the_history(alice):
    response = Client().post(reverse("login"), {"username": "alice", "password": "alice's secret"})
    assert response["Location"] == reverse("jobs:history")


def test_sign_in_says_what_is_wrong(alice):
    response = Client().post(reverse("login"), {"username": "alice", "password": "wrong"})
    assert "Please enter a correct username and password" in response.content.decode()


def test_sign_out_ends_the_session(as_user, alice):
    client = as_user(alice)
    client.post(reverse("logout"))
    assert client.get(reverse("jobs:history")).status_code == 302


def test_pages_say_that_the_provider_is_down(as_user, alice):
    Provider.report_failure()
    assert "RunComfy does not answer at the moment" in as_user(alice).get(reverse("jobs:history")).content.decode()


def test_pages_say_that_the_provider_refuses_the_token(as_user, alice):
    Provider.report_failure(Reason.NO_ACCESS)
    assert "RunComfy refuses this site's API token" in as_user(alice).get(reverse("jobs:history")).content.decode()


@pytest.mark.usefixtures("in_folder")
def test_input_link_needs_no_sign_in(alice, make_job):
    entry = make_job(alice).inputs.get()
    response = Client().get(delivery.input_url(entry).removeprefix("http://127.0.0.1:8000"))
    assert (response.status_code, response["Content-Type"]) == (200, "image/png")
    assert b"".join(response.streaming_content)[:4] == b"\x89PNG"


@pytest.mark.usefixtures("in_folder")
def test_input_link_cannot_be_altered(alice, make_job):
    entry = make_job(alice).inputs.get()
    url = delivery.input_url(entry).removeprefix("http://127.0.0.1:8000").replace("/inputs/", "/inputs/0")
    assert Client().get(url).status_code == 404


@pytest.mark.usefixtures("in_folder")
def test_input_link_expires(alice, make_job, settings):
    entry = make_job(alice).inputs.get()
    url = delivery.input_url(entry).removeprefix("http://127.0.0.1:8000")
    settings.INPUT_URL_LIFETIME *= -1
    assert Client().get(url).status_code == 404


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("in_folder")
def test_output_is_served_with_its_type_and_for_ever(sandbox, as_user, alice, make_job, drive_all):
    job = make_job(alice)
    drive_all()
    response = as_user(alice).get(reverse("jobs:output_file", args=[job.outputs.first().pk]))
    b"".join(response.streaming_content)
    assert response["Content-Type"] == "image/jpeg"
    assert response["Cache-Control"] == "private, max-age=31536000, immutable"
    assert response["X-Content-Type-Options"] == "nosniff"


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("in_folder")
def test_output_download_has_a_name_of_ours(sandbox, as_user, alice, make_job, drive_all):
    job = make_job(alice)
    drive_all()
    url = reverse("jobs:output_file", args=[job.outputs.first().pk])
    response = as_user(alice).get(f"{url}?download=1")
    b"".join(response.streaming_content)
    assert response["Content-Disposition"] == f'attachment; filename="seedream-{job.pk}-1.jpg"'


def test_pages_say_that_runcomfy_asks_for_patience(as_user, alice):
    Provider.hold(timezone.now() + timedelta(minutes=1))
    assert "asks for fewer calls" in as_user(alice).get(reverse("jobs:history")).content.decode()
