"""Deciding by the API about many outputs in one act, and two reviewers at once."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from jobs import review, upkeep
from jobs.api import wishes
from jobs.models import Output, ReviewDecision
from tests.conftest import stored_output

from .calls import APPROVE, MANY, REJECT, approved, attrs, ids, now, one, undo, words

pytestmark = pytest.mark.django_db


# Deciding about many


def test_outputs_are_decided_in_one_act(api, rita, finished):
    outputs = list(finished.outputs.all())
    data = api(rita).post(MANY, {**REJECT, "outputs": [str(output.pk) for output in outputs[::-1]]}).data
    assert [decision["output"] for decision in data["decided"]] == [output.pk for output in outputs]
    assert ({decision["act"] for decision in data["decided"]}, data["clashes"]) == ({str(data["act"])}, [])
    assert [now(output).review for output in outputs] == ["rejected"] * 3


def test_form_names_outputs_one_by_one(api, rita, finished):
    named = [str(output.pk) for output in finished.outputs.all()]
    response = api(rita).post(MANY, {**APPROVE, "outputs": named}, format="multipart")
    assert (response.status_code, len(response.data["decided"])) == (200, 3)


def test_rest_of_a_set_is_decided(api, rita, sam, finished, output):
    approved([output], sam)
    data = api(rita).post(MANY, {**REJECT, "job": str(finished.pk)}).data
    assert len(data["decided"]) == 2
    assert list(finished.outputs.values_list("review", flat=True)) == ["approved", "rejected", "rejected"]


def test_set_of_which_nothing_is_left_is_decided_by_nobody_again(api, rita, sam, finished):
    approved(review.rest_of(finished), sam)
    response = api(rita).post(MANY, {**REJECT, "job": str(finished.pk)})
    assert (response.status_code, response.data) == (200, {"act": None, "decided": [], "clashes": []})


def test_same_act_sent_twice_is_one_and_keeps_its_name(api, rita, finished):
    body = {**APPROVE, "outputs": [str(output.pk) for output in finished.outputs.all()]}
    first, second = (api(rita).post(MANY, body).data for _ in range(2))
    assert (second, ReviewDecision.objects.count()) == (first, 3)


@pytest.mark.parametrize("form", ["json", "multipart"])
def test_outputs_of_which_another_verdict_stands_than_was_seen_are_left(api, rita, sam, finished, form):
    first, second, third = finished.outputs.all()
    [known] = approved([second], sam).decided
    approved([first], sam)
    seen = {str(first.pk): None, str(second.pk): str(known.pk)}
    named = [str(output.pk) for output in (first, second, third)]
    body = {**REJECT, "outputs": named, "seen": seen if form == "json" else json.dumps(seen)}
    response = api(rita).post(MANY, body, format=form)
    assert (response.status_code, ids(response.data["clashes"])) == (200, [str(first.pk)])
    assert [now(output).review for output in (first, second, third)] == ["approved", "rejected", "rejected"]


@pytest.mark.parametrize("seen", [[], "x", {"x": None}, {"{0}": "x"}, {"{0}": str(uuid.uuid4())}, {"{1}": None}])
def test_what_was_seen_must_be_named_well(api, rita, output, seen):
    if isinstance(seen, dict):
        seen = {name.format(output.pk, uuid.uuid4()): value for name, value in seen.items()}
    response = api(rita).post(MANY, {**APPROVE, "outputs": [str(output.pk)], "seen": seen})
    assert (response.status_code, {attr.partition(".")[0] for attr in attrs(response)}) == (400, {"seen"})
    assert not ReviewDecision.objects.exists()


def test_act_on_what_is_deleted_at_this_moment_is_not_there(api, rita, output, monkeypatch):
    act, lock = approved([output], rita).act, review._lock
    monkeypatch.setattr(review, "_lock", lambda outputs: [upkeep.delete(output.job), lock(outputs)])
    assert api(rita).post(undo(act)).status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "outputs"),
        ({"outputs": None, "job": None}, "outputs"),
        ({"outputs": []}, "outputs"),
        ({"outputs": "all"}, "outputs"),
        ({"outputs": ["one"]}, "outputs.0"),
        ({"outputs": ["{0}", "{0}"]}, "outputs"),
        ({"outputs": ["{0}"], "job": "{1}"}, "outputs"),
        ({"outputs": ["{0}", "{2}"]}, "outputs"),
        ({"outputs": [str(uuid.uuid4()) for _ in range(wishes.OUTPUTS_MAX + 1)]}, "outputs"),
        ({"job": "{2}"}, "job"),
        ({"job": "first"}, "job"),
        ({"job": "{1}", "seen": {"00000000-0000-7000-8000-000000000000": None}}, "seen"),
    ],
)
def test_what_is_decided_about_must_be_named_well(api, rita, finished, output, body, field):
    def filled(value):
        known = (output.pk, finished.pk, uuid.uuid4())
        if isinstance(value, list):
            return [filled(entry) for entry in value]
        return value.format(*known) if isinstance(value, str) else value

    response = api(rita).post(MANY, {**APPROVE, **{name: filled(value) for name, value in body.items()}})
    assert (response.status_code, attrs(response)) == (400, [field])
    assert not ReviewDecision.objects.exists()


def test_one_output_of_ones_own_stops_the_whole_act(api, rita, finished, wait):
    outputs = [*finished.outputs.all(), *wait(rita)]
    response = api(rita).post(MANY, {**APPROVE, "outputs": [str(output.pk) for output in outputs]})
    assert (response.status_code, words(response)[:14]) == (403, "Nobody reviews")
    assert not ReviewDecision.objects.exists()


# Two at once


@pytest.mark.django_db(transaction=True)
def test_two_reviewers_at_once_decide_once_and_one_is_shown_the_others_verdict(api, rita, sam, output):
    together = Barrier(2)
    clients = [(api(rita), APPROVE), (api(sam), REJECT)]

    def decide(who):
        client, body = who
        together.wait()
        try:
            return client.post(one(output), {**body, "seen": None})
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        first, second = sorted(threads.map(decide, clients), key=lambda response: response.status_code)
    assert (first.status_code, second.status_code) == (200, 409)
    assert second.data["clashes"][0]["decision"] == first.data["decision"]
    assert ReviewDecision.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_reviewers_at_once_share_a_set(api, rita, sam, finished):
    for _ in range(12):
        stored_output(finished)
    named = [str(output.pk) for output in finished.outputs.all()]
    together = Barrier(2)

    def decide(who):
        client, outputs = who
        together.wait()
        try:
            return client.post(MANY, {**APPROVE, "outputs": outputs})
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        answers = list(threads.map(decide, [(api(rita), named), (api(sam), named[::-1])]))
    assert {answer.status_code for answer in answers} <= {200, 409}
    # Who comes quite after the other replaces; nobody overwrites what they did not see.
    standing = set(Output.objects.values_list("decision__reviewer__username", flat=True))
    assert (len(standing), set(finished.outputs.values_list("review", flat=True))) == (1, {"approved"})
