"""Who may review by the API."""

import pytest

from jobs.models import ReviewDecision

from .calls import APPROVE, MANY, REJECT, ROOT, WAITING, approved, one, undo, words

pytestmark = pytest.mark.django_db


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
