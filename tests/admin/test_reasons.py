"""The reasons for rejections in the admin: worded by the team, retired rather than deleted."""

import pytest
from django.contrib.messages import get_messages
from django.urls import reverse

from jobs import review
from jobs.models import RejectionReason

from .conftest import listed, staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def crop(reviewers):
    return RejectionReason.objects.get(slug="crop")


def send(client, what, reason=None, **sent):
    args = [reason.pk] if reason else []
    return client.post(reverse(f"admin:jobs_rejectionreason_{what}", args=args), sent)


def said(response):
    return [str(message) for message in get_messages(response.wsgi_request)]


def test_reason_is_added(as_user, sam, reviewers):
    send(as_user(sam), "add", name="Too dark", slug="dark", position=7, is_active="on")
    assert review.wish("rejected", "dark").reason == RejectionReason.objects.get(name="Too dark")


def test_reason_is_reworded_and_keeps_its_slug(as_user, sam, crop):
    send(as_user(sam), "change", crop, name="Cut badly", slug="cut", position=5, is_active="on")
    crop.refresh_from_db()
    assert (crop.name, crop.slug) == ("Cut badly", "crop")


def test_reason_that_was_given_is_not_deleted(as_user, sam, rita, finish, crop):
    review.decide(finish().outputs.all(), rita, review.wish("rejected", "crop"))
    response = send(as_user(sam), "delete", crop, post="yes")
    assert said(response) == ["“Wrong crop or size” was given for a rejection and stays on record. Retire it instead."]
    assert RejectionReason.objects.filter(pk=crop.pk).exists()


def test_reason_that_was_never_given_is_deleted(as_user, sam, crop):
    send(as_user(sam), "delete", crop, post="yes")
    assert not RejectionReason.objects.filter(pk=crop.pk).exists()


def test_reasons_are_not_deleted_many_at_once(as_user, sam, reviewers):
    offered = listed(as_user(sam), "rejectionreason").context["action_form"].fields["action"].choices
    assert [name for name, _label in offered if name] == ["retire"]


def test_reasons_are_retired(as_user, sam, crop):
    chosen = {"action": "retire", "_selected_action": [crop.pk], "index": 0}
    response = as_user(sam).post(reverse("admin:jobs_rejectionreason_changelist"), chosen)
    assert said(response) == ["1 reason is retired."]
    assert list(RejectionReason.objects.filter(is_active=False)) == [crop]


@pytest.mark.parametrize("what", ["add", "change", "delete"])
def test_staff_who_may_only_see_reasons_change_none(as_user, crop, what):
    before = list(RejectionReason.objects.values())
    client = as_user(staff("view_rejectionreason"))
    response = send(client, what, None if what == "add" else crop, name="Other", slug="x", position=1, post="yes")
    assert (response.status_code, list(RejectionReason.objects.values())) == (403, before)


def test_staff_who_may_only_see_reasons_retire_none(as_user, crop):
    client = as_user(staff("view_rejectionreason"))
    chosen = {"action": "retire", "_selected_action": [crop.pk], "index": 0}
    client.post(reverse("admin:jobs_rejectionreason_changelist"), chosen)
    crop.refresh_from_db()
    assert crop.is_active
