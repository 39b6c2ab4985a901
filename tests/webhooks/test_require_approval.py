"""With REQUIRE_APPROVAL the team's endpoints are told the address of an output once it is approved."""

import pytest

from jobs import review
from jobs.models import Event
from tests.conftest import stored_output
from tests.webhooks.endpoints import complete, make_endpoint, payload

pytestmark = pytest.mark.django_db


@pytest.fixture
def teams(db):
    return make_endpoint(None)


@pytest.fixture(autouse=True)
def required(settings):
    settings.REQUIRE_APPROVAL = True


def has_address(endpoint):
    return payload(endpoint)["data"]["output"]["url"] is not None


def test_completed_job_tells_addresses_to_its_owner_alone(endpoint, teams, alice, make_job):
    job = make_job(alice)
    stored_output(job)
    complete(job)
    own, shared = (payload(hook)["data"]["outputs"][0] for hook in (endpoint, teams))
    assert own["url"].endswith(f"/api/v1/outputs/{own['id']}/file/")
    assert shared == {**own, "url": None}


def test_event_has_one_id_for_all_its_receivers(endpoint, teams, alice, make_job):
    make_job(alice)
    assert endpoint.deliveries.get().event_id == teams.deliveries.get().event_id


def test_approval_tells_the_team_the_address(teams, finished, rita):
    review.decide(finished.outputs.all()[:1], rita, review.wish("approved"))
    assert (payload(teams)["type"], has_address(teams)) == (Event.APPROVED, True)


def test_rejection_and_undo_tell_the_team_none(endpoint, teams, finished, rita):
    act = review.decide(finished.outputs.all()[:1], rita, review.wish("approved")).act
    review.undo(act, rita)
    assert (has_address(teams), has_address(endpoint)) == (False, True)
    review.decide(finished.outputs.all()[:1], rita, review.wish("rejected", "crop"))
    assert (has_address(teams), has_address(endpoint)) == (False, True)


def test_team_is_told_every_address_without_the_setting(teams, alice, make_job, settings):
    settings.REQUIRE_APPROVAL = False
    job = make_job(alice)
    stored_output(job)
    complete(job)
    assert payload(teams)["data"]["outputs"][0]["url"]
