"""The REST API for reviewers: what waits, deciding about one and about many, taking back, what is on record."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import jsonschema
import pytest
from django.db import connection
from django.utils import timezone

from jobs import review, upkeep
from jobs.api import wishes
from jobs.models import Job, Output, RejectionReason, ReviewDecision
from jobs.states import State

from .conftest import stored_output
from .test_api_document import DOCUMENT

pytestmark = pytest.mark.django_db

ROOT = "/api/v1/"
WAITING, MANY = f"{ROOT}reviews/waiting/", f"{ROOT}reviews/decide/"
APPROVE = {"verdict": "approved"}
REJECT = {"verdict": "rejected", "reason": "crop", "note": "Too tight."}


@pytest.fixture
def output(finished):
    return finished.outputs.first()


@pytest.fixture
def wait(make_job):
    """One more completed job with outputs that wait."""

    def make(owner, count=1, **given):
        job = make_job(owner, **given)
        done = {"state": State.COMPLETED, "request_id": f"r-{job.pk}", "finished_at": timezone.now()}
        Job.objects.filter(pk=job.pk).update(**done)
        job.refresh_from_db()
        return [stored_output(job) for _ in range(count)]

    return make


def one(output):
    return f"{ROOT}outputs/{output.pk}/decide/"


def undo(act):
    return f"{ROOT}reviews/{act}/undo/"


def ids(found):
    return [row["id"] for row in found]


def attrs(response):
    return [error["attr"] for error in response.data["errors"]]


def words(response):
    return response.data["errors"][0]["detail"]


def approved(outputs, by):
    return review.decide(outputs, by, review.wish("approved"))


def now(output):
    return Output.objects.get(pk=output.pk)


# What waits


def test_waiting_lists_the_oldest_job_first(api, alice, bob, rita, wait):
    first, second = wait(alice, 2), wait(bob, 1)
    found = api(rita).get(WAITING).data["results"]
    assert ids(found) == [str(output.pk) for output in (*first, *second)]


def test_waiting_leaves_out_what_is_decided_and_what_is_ones_own(api, alice, rita, wait):
    [left, decided], _own = wait(alice, 2), wait(rita)
    approved([decided], rita)
    assert ids(api(rita).get(WAITING).data["results"]) == [str(left.pk)]


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ({"owner": "bob"}, 1),
        ({"owner": "me"}, 0),
        ({"quality": "standard"}, 1),
        ({"since": "2026-01-02"}, 1),
        ({"until": "2026-01-01"}, 2),
        ({"q": "roof"}, 1),
        ({"q": "roof", "owner": "bob"}, 0),
        ({"owner": "", "q": ""}, 3),
    ],
)
def test_waiting_takes_the_filters_of_the_list_of_jobs(api, alice, bob, rita, wait, filters, count):
    wait(alice, text="Make 2 images of a green roof.")
    wait(alice, optimize_prompt_options="standard")
    Job.objects.update(created_at="2026-01-01T12:00:00Z")
    wait(bob)
    assert len(api(rita).get(WAITING, filters).data["results"]) == count


def test_waiting_takes_a_job(api, alice, rita, wait):
    wait(alice)
    outputs = wait(alice, 2)
    found = api(rita).get(WAITING, {"job": str(outputs[0].job_id)}).data["results"]
    assert ids(found) == [str(output.pk) for output in outputs]


@pytest.mark.parametrize("name", ["owner", "quality", "since", "until", "job", "state", "review", "sort", "stat"])
def test_waiting_refuses_a_bad_filter(api, rita, name):
    response = api(rita).get(WAITING, {name: "x"})
    assert (response.status_code, attrs(response)) == (400, [name])


def test_waiting_pages_there_and_back(api, alice, rita, wait):
    outputs = [str(output.pk) for _ in range(2) for output in wait(alice, 3)]
    client, pages, url = api(rita), [], f"{WAITING}?page_size=2"
    while url:
        pages.append(client.get(url).data)
        url = pages[-1]["next"]
    back = client.get(pages[2]["previous"]).data
    assert [ids(page["results"]) for page in pages] == [outputs[:2], outputs[2:4], outputs[4:]]
    assert (ids(back["results"]), client.get(back["previous"]).data["previous"]) == (outputs[2:4], None)


def test_waiting_skips_nothing_when_a_page_is_decided_before_the_next_is_asked_for(api, alice, rita, wait):
    outputs, client = wait(alice, 6), api(rita)
    first = client.get(WAITING, {"page_size": 2}).data
    approved(outputs[:2], rita)
    assert ids(client.get(first["next"]).data["results"]) == [str(output.pk) for output in outputs[2:4]]


def test_waiting_ends_when_all_that_was_left_is_decided(api, alice, rita, wait):
    outputs, client = wait(alice, 4), api(rita)
    url = client.get(WAITING, {"page_size": 2}).data["next"]
    approved(outputs, rita)
    assert client.get(url).data == {"next": None, "previous": None, "results": []}


# Not base64, no output, no id, the first page written in another way
@pytest.mark.parametrize("cursor", ["nonsense", "cD1ub25zZW5zZQ==", "cD0xLjE=", "bz0w"])
def test_waiting_knows_no_cursor_that_it_did_not_make(api, rita, cursor):
    response = api(rita).get(WAITING, {"cursor": cursor})
    assert (response.status_code, attrs(response)) == (400, ["cursor"])


# Deciding about one


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


# Who may


@pytest.mark.parametrize("who", ["alice", "bob"])
@pytest.mark.parametrize("what", ["waiting", "one", "many", "undo"])
def test_members_are_told_that_reviewers_decide(api, request, rita, finished, output, who, what):
    client = api(request.getfixturevalue(who))
    act = approved([output], rita).act
    calls = {
        "waiting": lambda: client.get(WAITING),
        "one": lambda: client.post(one(output), REJECT),
        "many": lambda: client.post(MANY, {**REJECT, "job": str(finished.pk)}),
        "undo": lambda: client.post(undo(act)),
    }
    response = calls[what]()
    assert (response.status_code, words(response)) == (403, "Only reviewers decide about pictures.")
    assert ReviewDecision.objects.count() == 1


def test_reviewer_is_told_that_nobody_reviews_their_own(api, rita, wait):
    [own] = wait(rita)
    for address, body in ((one(own), {}), (MANY, {"outputs": [str(own.pk)]}), (MANY, {"job": str(own.job_id)})):
        response = api(rita).post(address, {**APPROVE, **body})
        assert (response.status_code, words(response)[:14]) == (403, "Nobody reviews")


def test_verdict_of_another_reviewer_is_taken_back_by_staff_only(api, rita, bob, sam, reviewers, output):
    bob.groups.add(reviewers)
    act = approved([output], rita).act
    refused = api(bob).post(undo(act))
    assert (refused.status_code, words(refused)[:19]) == (403, "Only who decided it")
    assert api(sam).post(undo(act)).status_code == 200


def test_staff_without_the_permission_are_reviewers_too(api, bob, output):
    bob.is_staff = True
    bob.save()
    assert api(bob).get(f"{ROOT}me/").data["is_reviewer"] is True
    assert api(bob).post(one(output), APPROVE).status_code == 200


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
