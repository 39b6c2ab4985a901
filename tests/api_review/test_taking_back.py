"""Taking a verdict back by the API, and what is on record of it."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import jsonschema
import pytest
from django.db import connection

from jobs import review
from jobs.models import ReviewDecision
from tests.test_api_document import DOCUMENT

from .calls import APPROVE, MANY, REJECT, ROOT, WAITING, approved, ids, now, one, undo

pytestmark = pytest.mark.django_db


# Taking back


def test_undo_takes_the_whole_act_back(api, rita, finished):
    client = api(rita)
    act = client.post(MANY, {**APPROVE, "job": str(finished.pk)}).data["act"]
    data = client.post(undo(act)).data
    assert [decision["verdict"] for decision in data["decided"]] == ["undone"] * 3
    assert set(finished.outputs.values_list("review", flat=True)) == {"unreviewed"}


def test_undo_sent_twice_is_one_and_is_answered_the_same(api, rita, finished):
    act = approved(review.rest_of(finished), rita).act
    first, second = (api(rita).post(undo(act)).data for _ in range(2))
    assert (second, ReviewDecision.objects.count()) == (first, 6)


def test_undo_against_a_later_decision_changes_nothing_and_shows_it(api, rita, sam, output):
    act = approved([output], rita).act
    api(sam).post(one(output), REJECT)
    response = api(rita).post(undo(act))
    assert (response.status_code, response.data["clashes"][0]["decision"]["reviewer"]) == (409, "sam")
    assert now(output).review == "rejected"


def test_undo_takes_back_what_still_stands_of_its_act(api, rita, sam, finished, output):
    act = approved(review.rest_of(finished), rita).act
    api(sam).post(one(output), REJECT)
    response = api(rita).post(undo(act))
    assert (response.status_code, len(response.data["decided"])) == (200, 2)
    assert ids(response.data["clashes"]) == [str(output.pk)]


@pytest.mark.django_db(transaction=True)
def test_undo_and_a_later_decision_at_once_leave_one_of_them(api, rita, sam, output):
    outcome = approved([output], rita)
    together = Barrier(2)
    calls = [(api(rita), undo(outcome.act), {}), (api(sam), one(output), {**REJECT, "seen": outcome.decided[0].pk})]

    def call(given):
        client, address, body = given
        together.wait()
        try:
            return client.post(address, body).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        codes = list(threads.map(call, calls))
    assert (sorted(codes), now(output).review) == ([200, 409], "unreviewed" if codes[0] == 200 else "rejected")


def test_undo_of_an_undo_is_not_there(api, rita, output):
    act = review.undo(approved([output], rita).act, rita).act
    assert [api(rita).post(undo(number)).status_code for number in (act, uuid.uuid4())] == [404, 404]


def test_answers_are_as_the_document_says(api, rita, sam, finished, output):
    client = api(rita)
    act = client.post(MANY, {**REJECT, "job": str(finished.pk)}).data["act"]
    approved([now(output)], sam)
    answers = {
        "Output": client.post(one(output), REJECT),
        "Outcome": client.post(undo(act)),
        "Clash": client.post(one(output), {**APPROVE, "seen": None}),
        "PaginatedOutputList": client.get(WAITING),
        "PaginatedDecisionList": client.get(f"{ROOT}jobs/{finished.pk}/decisions/"),
    }
    for name, response in answers.items():
        whole = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
        jsonschema.Draft202012Validator(whole).validate(response.json())


# What is on record


def test_decisions_of_a_job_are_told_the_newest_first(api, alice, rita, sam, finished, output):
    [first] = approved([output], rita).decided
    [later] = review.decide([now(output)], sam, review.wish("rejected", "crop", "Too tight.")).decided
    [undone] = review.undo(later.act, sam).decided
    found = api(alice).get(f"{ROOT}jobs/{finished.pk}/decisions/").data["results"]
    told = [(row["id"], row["reviewer"], row["reason"], row["note"], row["replaces"], row["undone"]) for row in found]
    assert told == [
        (str(undone.pk), "sam", "", "", later.pk, None),
        (str(later.pk), "sam", "crop", "Too tight.", first.pk, str(undone.pk)),
        (str(first.pk), "rita", "", "", None, None),
    ]
    assert [row["undoes"] for row in found] == [later.pk, None, None]


def test_decisions_are_hidden_with_their_job(api, bob, rita, finished, output, settings):
    settings.TEAM_VISIBILITY = "own"
    approved([output], rita)
    assert api(bob).get(f"{ROOT}jobs/{finished.pk}/decisions/").status_code == 404


def test_members_see_the_verdicts_on_what_they_see(api, bob, rita, finished, output):
    approved([output], rita)
    job = api(bob).get(f"{ROOT}jobs/{finished.pk}/").data
    assert [told["decision"] and told["decision"]["reviewer"] for told in job["outputs"]] == ["rita", None, None]


@pytest.mark.parametrize("count", [1, 24])
@pytest.mark.parametrize(
    ("path", "queries"),
    [
        ("reviews/waiting/", 6),  # the token, that it was used, the rate, the groups' permissions twice, the page
        ("outputs/", 4),
        ("jobs/{job}/decisions/", 5),
        ("jobs/{job}/?expand=outputs", 8),
    ],
)
def test_lists_cost_the_same_for_few_and_for_many(
    api, alice, rita, wait, django_assert_num_queries, count, path, queries
):
    outputs = wait(alice, count)
    if "waiting" not in path:
        review.decide(outputs, rita, review.wish("rejected", "crop"))
    client = api(rita)
    with django_assert_num_queries(queries):
        response = client.get(ROOT + path.format(job=outputs[0].job_id))
    assert len(response.data["outputs"] if "expand" in path else response.data["results"]) == count
