"""The Django admin: the history to be read, by staff."""

import pytest
from django.urls import reverse

from jobs.models import Job

pytestmark = pytest.mark.django_db

MODELS = ["job", "output", "jobevent", "picture", "apitoken", "webhookendpoint", "webhookdelivery"]


@pytest.mark.parametrize("model", MODELS)
def test_admin_lists(as_user, sam, alice, make_job, model):
    make_job(alice)
    assert as_user(sam).get(reverse(f"admin:jobs_{model}_changelist")).status_code == 200


@pytest.mark.parametrize("model", MODELS)
def test_admin_is_closed_to_members(as_user, alice, model):
    assert as_user(alice).get(reverse(f"admin:jobs_{model}_changelist")).status_code == 302


def test_admin_shows_a_job_with_its_history(as_user, sam, alice, make_job):
    job = make_job(alice)
    page = as_user(sam).get(reverse("admin:jobs_job_change", args=[job.pk])).content.decode()
    assert job.text in page
    assert "Accepted" in page


@pytest.mark.parametrize("model", ["job", "output", "jobevent", "picture", "webhookendpoint", "webhookdelivery"])
def test_admin_adds_nothing(as_user, sam, model):
    assert as_user(sam).get(reverse(f"admin:jobs_{model}_add")).status_code == 403


def test_admin_changes_no_job(as_user, sam, alice, make_job):
    job = make_job(alice)
    response = as_user(sam).post(reverse("admin:jobs_job_change", args=[job.pk]), {"text": "Something else."})
    assert (response.status_code, Job.objects.get().text) == (403, job.text)


def test_admin_deletes_no_job(as_user, sam, alice, make_job):
    job = make_job(alice)
    response = as_user(sam).post(reverse("admin:jobs_job_delete", args=[job.pk]), {"post": "yes"})
    assert (response.status_code, Job.objects.count()) == (403, 1)


def test_admin_finds_a_job_by_its_prompt(as_user, sam, alice, make_job):
    make_job(alice, text="A red barn.")
    make_job(alice, text="A blue barn.")
    page = as_user(sam).get(reverse("admin:jobs_job_changelist"), {"q": "red"}).content.decode()
    assert ("A red barn." in page, "A blue barn." in page) == (True, False)
