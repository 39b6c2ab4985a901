"""The pages of the Django admin: who sees them, that history is read-only, what they show and link."""

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from jobs.admin import lists
from jobs.models import ApiToken, Job, JobEvent, Output, Picture, ReviewDecision, WebhookDelivery, WebhookEndpoint

from .conftest import MODELS, READ_ONLY, listed, page_of, staff

pytestmark = pytest.mark.django_db


# Who sees what


@pytest.mark.parametrize("model", MODELS)
def test_admin_lists(as_user, sam, everything, model):
    everything()
    assert listed(as_user(sam), model).status_code == 200


@pytest.mark.parametrize("who", ["alice", "rita"])
@pytest.mark.parametrize("model", MODELS)
def test_admin_is_closed_to_who_is_not_staff(as_user, request, who, model):
    assert listed(as_user(request.getfixturevalue(who)), model).status_code == 302


@pytest.mark.parametrize("model", MODELS)
def test_admin_shows_staff_what_their_group_may_see(as_user, rita, reviewers, model):
    User.objects.filter(pk=rita.pk).update(is_staff=True)
    may = reviewers.permissions.filter(codename=f"view_{model}").exists()
    assert listed(as_user(rita), model).status_code == (200 if may else 403)
    assert may == (model in ("job", "output", "reviewdecision", "jobevent", "picture", "rejectionreason"))


@pytest.mark.parametrize("model", MODELS)
def test_admin_shows_staff_without_permissions_nothing(as_user, model):
    assert listed(as_user(staff()), model).status_code == 403


# History is read-only


@pytest.mark.parametrize("model", [*READ_ONLY, "apitoken"])
def test_admin_adds_nothing(as_user, sam, model):
    assert as_user(sam).get(reverse(f"admin:jobs_{model}_add")).status_code == 403


@pytest.mark.parametrize("model", READ_ONLY)
@pytest.mark.parametrize("what", ["change", "delete"])
def test_admin_changes_and_deletes_no_history(as_user, sam, everything, model, what):
    everything()
    kind = {row._meta.model_name: row for row in (Job, Output, ReviewDecision, JobEvent, Picture)}
    kind |= {"webhookendpoint": WebhookEndpoint, "webhookdelivery": WebhookDelivery}
    before = list(kind[model].objects.order_by("pk").values())
    address = reverse(f"admin:jobs_{model}_{what}", args=[kind[model].objects.first().pk])
    assert as_user(sam).post(address, {"post": "yes", "text": "Other.", "note": "Other."}).status_code == 403
    assert list(kind[model].objects.order_by("pk").values()) == before


def test_admin_revokes_a_token(as_user, sam, alice):
    token, _secret = ApiToken.objects.create(user=alice, name="old")
    as_user(sam).post(reverse("admin:jobs_apitoken_delete", args=[token.pk]), {"post": "yes"})
    assert ApiToken.objects.count() == 0


# What a page shows


def test_admin_shows_a_job_with_its_history(as_user, sam, everything):
    job = everything()
    page = page_of(as_user(sam), job)
    assert job.text in page
    assert all(words in page for words in ("Accepted", "Rejected", f"/pictures/{job.outputs.get().pk}/"))


@pytest.mark.parametrize("model", ["output", "reviewdecision"])
def test_admin_shows_outputs_as_thumbnails(as_user, sam, everything, model):
    output = everything().outputs.get()
    page = listed(as_user(sam), model).content.decode()
    assert f'<img src="/outputs/{output.pk}/64.webp" width="64" height="48"' in page


def test_thumbnail_fits_into_its_box(finish):
    output = finish().outputs.get()
    output.widths, output.width, output.height = [320, 640], 1000, 4000
    assert 'width="18" height="72"' in lists.thumbnail(output, "/320.webp", "/")


def test_thumbnail_of_what_has_no_copies_yet_is_none(finish):
    assert lists.thumbnail(finish().outputs.get(), "", "/") == "–"


def test_admin_serves_the_copies_of_pictures(in_folder, as_user, sam, everything):
    picture = everything().inputs.get().picture
    response = as_user(sam).get(reverse("admin:jobs_picture_copy", args=[picture.pk, 64]))
    assert (response.status_code, response["Content-Type"]) == (200, "image/webp")
    response.close()


def test_admin_serves_no_copy_to_staff_who_may_not_see_pictures(as_user, everything):
    picture = everything().inputs.get().picture
    client = as_user(staff("view_job"))
    assert client.get(reverse("admin:jobs_picture_copy", args=[picture.pk, 64])).status_code == 403


def test_output_links_to_its_job_its_page_and_its_decisions(as_user, sam, everything):
    job = everything()
    output, page = job.outputs.get(), listed(as_user(sam), "output").content.decode()
    for address in (
        reverse("admin:jobs_job_change", args=[job.pk]),
        reverse("jobs:picture", args=[output.pk]),
        f"{reverse('admin:jobs_reviewdecision_changelist')}?output__id__exact={output.pk}",
    ):
        assert f'href="{address}"' in page


def test_decision_links_to_its_output_and_its_job(as_user, sam, everything):
    job = everything()
    page = listed(as_user(sam), "reviewdecision").content.decode()
    assert f'href="{reverse("admin:jobs_output_change", args=[job.outputs.get().pk])}"' in page
    assert f'href="{reverse("admin:jobs_job_change", args=[job.pk])}"' in page


def test_picture_links_to_the_jobs_that_use_it(as_user, sam, everything, finish):
    job = everything()
    client, picture = as_user(sam), job.inputs.get().picture
    assert f'href="{reverse("admin:jobs_job_change", args=[job.pk])}"' in page_of(client, picture)
    assert f'href="{reverse("admin:jobs_job_changelist")}?picture={picture.pk}"' in page_of(client, picture)


def test_webhook_says_no_more_of_its_address_than_the_host(as_user, sam, alice):
    hook = WebhookEndpoint.objects.create(owner=alice, name="hook", url="https://hooks.example.com/their-token")
    page = page_of(as_user(sam), hook)
    assert ("hooks.example.com" in page, "their-token" in page) == (True, False)
