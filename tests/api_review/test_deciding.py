"""Deciding by the API, about one output."""

import uuid

import pytest

from jobs import review
from jobs.models import RejectionReason, ReviewDecision

from .calls import APPROVE, MANY, REJECT, ROOT, approved, attrs, now, one

pytestmark = pytest.mark.django_db


def test_approval_is_answered_with_the_output_as_it_stands(api, rita, output):
    response = api(rita).post(one(output), APPROVE)
    decision = now(output).decision
    assert (response.status_code, response.data["id"], response.data["review"]) == (200, str(output.pk), "approved")
    assert response.data["decision"] == {
        "id": str(decision.pk),
        "act": str(decision.act),
        "verdict": "approved",
        "reviewer": "rita",
        "at": response.data["decision"]["at"],
        "reason": "",
        "reason_text": "",
        "note": "",
    }


def test_rejection_tells_its_reason_and_its_note(api, rita, output):
    told = api(rita).post(one(output), REJECT).data["decision"]
    assert (told["reason"], told["reason_text"], told["note"]) == ("crop", "Wrong crop or size", "Too tight.")


def test_form_is_as_good_as_json(api, rita, output):
    response = api(rita).post(one(output), {**REJECT, "seen": ""}, format="multipart")
    assert (response.status_code, now(output).review) == (200, "rejected")


def test_same_decision_sent_twice_is_one(api, rita, output):
    answers = [api(rita).post(one(output), REJECT).data["decision"]["id"] for _ in range(2)]
    assert (len(set(answers)), ReviewDecision.objects.count()) == (1, 1)


def test_decision_without_seen_replaces_the_one_that_stands(api, rita, sam, output):
    approved([output], sam)
    assert api(rita).post(one(output), REJECT).status_code == 200
    assert [decision.verdict for decision in ReviewDecision.objects.all()] == ["rejected", "approved"]


def test_decision_about_what_was_decided_meanwhile_shows_what_stands(api, rita, sam, output):
    approved([output], sam)
    response = api(rita).post(one(output), {**REJECT, "seen": None})
    assert (response.status_code, response.data["errors"][0]["code"]) == (409, "conflict")
    [clash] = response.data["clashes"]
    assert (clash["id"], clash["decision"]["reviewer"]) == (str(output.pk), "sam")
    assert now(output).review == "approved"


def test_decision_about_what_was_taken_back_meanwhile_shows_that_nothing_stands(api, rita, sam, output):
    outcome = approved([output], sam)
    review.undo(outcome.act, sam)
    response = api(rita).post(one(output), {**REJECT, "seen": str(outcome.decided[0].pk)})
    assert (response.status_code, response.data["clashes"][0]["decision"]) == (409, None)


def test_decision_that_was_seen_is_replaced(api, rita, sam, output):
    [seen] = approved([output], sam).decided
    assert api(rita).post(one(output), {**REJECT, "seen": str(seen.pk)}).status_code == 200


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["verdict"]),
        ({"verdict": "undone"}, ["verdict"]),
        ({"verdict": []}, ["verdict"]),
        ({"verdict": "rejected"}, ["reason"]),
        ({"verdict": "rejected", "reason": "boring"}, ["reason"]),
        ({"verdict": "rejected", "reason": "a\0b"}, ["reason"]),
        ({"verdict": "approved", "reason": "crop"}, ["reason"]),
        ({"verdict": "approved", "note": "x" * 301}, ["note"]),
        ({"verdict": "approved", "seen": "first"}, ["seen"]),
        ({"verdict": "approved", "seen": str(uuid.uuid4())}, ["seen"]),
        ({"verdict": "maybe", "note": [], "seen": "?", "why": "x"}, ["note", "seen", "verdict", "why"]),
    ],
)
def test_every_wrong_field_is_named(api, rita, output, body, fields):
    response = api(rita).post(one(output), body)
    assert (response.status_code, sorted(attrs(response))) == (400, fields)
    assert now(output).decision is None


@pytest.mark.parametrize("body", ["[]", "null", '"approved"', "{"])
@pytest.mark.parametrize("many", [False, True])
def test_body_is_an_object(api, rita, output, body, many):
    response = api(rita).post(MANY if many else one(output), body, content_type="application/json")
    assert response.status_code == 400


def test_retired_reason_is_neither_listed_nor_taken(api, rita, output):
    RejectionReason.objects.filter(slug="crop").update(is_active=False)
    listed = [reason["slug"] for reason in api(rita).get(f"{ROOT}reviews/reasons/").data["results"]]
    assert listed == ["off_brief", "artefacts", "rights", "unsafe", "other"]
    assert attrs(api(rita).post(one(output), REJECT)) == ["reason"]


def test_reasons_are_told_in_the_teams_own_words_and_order(api, alice, reviewers):
    RejectionReason.objects.create(slug="logo", name="Old logo")
    told = api(alice).get(f"{ROOT}reviews/reasons/").data["results"]
    assert told[:2] == [{"slug": "logo", "name": "Old logo"}, {"slug": "off_brief", "name": "Off brief"}]
