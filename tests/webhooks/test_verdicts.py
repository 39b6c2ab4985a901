"""What reviewers decide is told for each output."""

import json

import pytest

from jobs import review
from jobs.models import Event, WebhookEndpoint
from tests.webhooks.endpoints import make_endpoint, payload, told

pytestmark = pytest.mark.django_db


def decide(job, by, *wish):
    return review.decide(review.rest_of(job), by, review.wish(*wish))


def test_verdict_about_a_set_is_told_for_each_of_its_outputs(endpoint, finished, rita):
    decide(finished, rita, "approved")
    deliveries = endpoint.deliveries.filter(event=Event.APPROVED)
    told_of = {json.loads(delivery.payload)["data"]["output"]["id"] for delivery in deliveries}
    assert (len(deliveries), told_of) == (3, {str(output.pk) for output in finished.outputs.all()})


def test_verdict_is_told_with_its_output_its_job_and_who_said_why(endpoint, finished, rita):
    [*_others, decision] = decide(finished, rita, "rejected", "crop", "Too tight.").decided
    found = payload(endpoint)
    told = {name: found["data"]["decision"][name] for name in ("id", "verdict", "reason", "note", "reviewer", "undoes")}
    assert found["type"] == "output.rejected"
    assert list(told.values()) == [str(decision.pk), "rejected", "crop", "Too tight.", "rita", None]
    assert found["data"]["output"]["id"] == str(decision.output_id)
    assert found["data"]["output"]["review"] == "rejected"
    assert (found["data"]["job"]["id"], "outputs" in found["data"]["job"]) == (str(finished.pk), False)


def test_verdict_that_is_taken_back_is_told_with_what_stands_then(endpoint, finished, rita, sam):
    decide(finished, rita, "approved")
    output = finished.outputs.first()
    [later] = review.decide([output], sam, review.wish("rejected", "other")).decided
    review.undo(later.act, sam)
    data = payload(endpoint)["data"]
    assert told(endpoint)[-2:] == [Event.REJECTED, Event.REVIEW_UNDONE]
    assert (data["decision"]["verdict"], data["decision"]["undoes"]) == ("undone", str(later.pk))
    assert (data["output"]["review"], data["decision"]["reviewer"]) == ("approved", "sam")


def test_verdict_that_clashes_or_is_repeated_is_not_told(endpoint, finished, rita, sam):
    mine, theirs = (review.rest_of(finished) for _ in range(2))
    for outputs, by in ((mine, rita), (theirs, sam), (list(finished.outputs.all()), rita)):
        review.decide(outputs, by, review.wish("approved"))
    assert told(endpoint).count(Event.APPROVED) == 3


def test_verdict_is_told_to_the_owner_and_the_team(finished, alice, bob, rita):
    hooks = [make_endpoint(owner) for owner in (alice, None, bob, rita)]
    decide(finished, rita, "approved")
    assert [told(hook).count(Event.APPROVED) for hook in hooks] == [3, 3, 0, 0]


def test_endpoint_that_chose_its_events_before_there_were_reviews_hears_none(finished, alice, rita):
    endpoint = make_endpoint(alice, events=["job.created", "job.completed", "job.failed"])
    decide(finished, rita, "approved")
    assert (told(endpoint), len(WebhookEndpoint.objects.get().events)) == ([], 3)


def test_delivery_of_a_verdict_leads_to_its_job(endpoint, finished, rita):
    decide(finished, rita, "approved")
    assert {delivery.job_id for delivery in endpoint.deliveries.all()} == {str(finished.pk)}
