"""The desk for unconfirmed jobs: adopt RunComfy's request, send anew knowing the risk, or write off."""

import pytest
from django.urls import reverse

from jobs import lifecycle, seedream
from jobs.models import Job
from jobs.states import Reason, State, Verb

from .servers import answer, serving

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def unconfirmed(sandbox, alice, make_job, drive_all):
    """RunComfy accepted the edit, and its answer was lost."""
    sandbox.misbehave("reset_after_accept")
    job = make_job(alice)
    drive_all()
    job.refresh_from_db()
    assert job.state == State.UNCONFIRMED
    return job


@pytest.fixture
def their_id(sandbox, unconfirmed):
    """What a person would find on RunComfy's Generations page."""
    [request_id] = sandbox.ledger()["requests"]
    return request_id


def test_adopting_completes_the_job_without_another_submit(sandbox, alice, unconfirmed, their_id, drive_all):
    assert lifecycle.settle(unconfirmed, alice, "adopt", their_id) is True
    drive_all()
    unconfirmed.refresh_from_db()
    assert (unconfirmed.state, sandbox.ledger()["posts"]) == (State.COMPLETED, 1)


def test_adopting_is_an_event_with_its_author(alice, unconfirmed, their_id):
    lifecycle.settle(unconfirmed, alice, "adopt", f"  {their_id} ")
    event = unconfirmed.events.get(verb=Verb.ADOPTED)
    assert (event.actor, event.data) == (alice, {"request_id": their_id})


@pytest.mark.parametrize("wrong", ["", "  ", "x" * 201, "a\nb"])
def test_adopting_needs_something_like_an_id(alice, unconfirmed, wrong):
    with pytest.raises(seedream.InvalidInput) as refused:
        lifecycle.settle(unconfirmed, alice, "adopt", wrong)
    assert refused.value.errors == {"request_id": ["Copy the request's id from RunComfy's Generations page."]}


def test_adopting_refuses_what_runcomfy_does_not_know(alice, unconfirmed):
    with pytest.raises(seedream.InvalidInput) as refused:
        lifecycle.settle(unconfirmed, alice, "adopt", "no-such-request")
    assert refused.value.errors == {"request_id": ["RunComfy does not know this request."]}


def test_adopting_refuses_while_runcomfy_cannot_be_asked(sandbox, alice, unconfirmed, their_id):
    sandbox.misbehave("http_503", on="status")
    with pytest.raises(seedream.InvalidInput) as refused:
        lifecycle.settle(unconfirmed, alice, "adopt", their_id)
    assert refused.value.errors == {"request_id": ["RunComfy could not be asked: Service unavailable."]}


def test_adopting_refuses_a_request_of_another_model(alice, unconfirmed, settings):
    told = {"request_id": "r", "status": "completed", "model_id": "bytedance/seedance"}
    with serving(answer(200, told)) as server:
        settings.RUNCOMFY_BASE_URL = server.url
        with pytest.raises(seedream.InvalidInput) as refused:
            lifecycle.settle(unconfirmed, alice, "adopt", "r")
    assert refused.value.errors == {"request_id": ["This request is of another model: bytedance/seedance."]}


def test_adopting_refuses_a_request_that_another_job_has(sandbox, alice, unconfirmed, make_job, drive_all):
    other = make_job(alice)
    drive_all()
    other.refresh_from_db()
    with pytest.raises(seedream.InvalidInput) as refused:
        lifecycle.settle(unconfirmed, alice, "adopt", other.request_id)
    assert refused.value.errors == {"request_id": ["Another job already has this request."]}
    assert Job.objects.get(pk=unconfirmed.pk).state == State.UNCONFIRMED


def test_sending_anew_needs_a_second_yes(alice, unconfirmed):
    with pytest.raises(seedream.InvalidInput) as refused:
        lifecycle.settle(unconfirmed, alice, "send_anew")
    assert refused.value.errors == {"confirm": ["Confirm it: the edit may be charged twice."]}


def test_sending_anew_is_a_second_submit_that_completes(sandbox, alice, unconfirmed, drive_all):
    lifecycle.settle(unconfirmed, alice, "send_anew", is_confirmed=True)
    drive_all()
    unconfirmed.refresh_from_db()
    assert (unconfirmed.state, sandbox.ledger()["submits"]) == (State.COMPLETED, 2)


def test_sending_anew_keeps_both_attempts_in_the_timeline(alice, unconfirmed, drive_all):
    lifecycle.settle(unconfirmed, alice, "send_anew", is_confirmed=True)
    drive_all()
    told = [(event.verb, event.data) for event in unconfirmed.events.filter(verb=Verb.CLAIMED)]
    assert told == [(Verb.CLAIMED, {"attempt": 1}), (Verb.CLAIMED, {"attempt": 2})]
    assert unconfirmed.events.get(verb=Verb.SENT_ANEW).actor == alice


def test_sending_anew_gives_an_old_job_its_time_again(alice, unconfirmed, drive_all, settings):
    Job.objects.update(created_at=unconfirmed.created_at - 2 * settings.SUBMIT_DEADLINE)
    lifecycle.settle(unconfirmed, alice, "send_anew", is_confirmed=True)
    settings.RUNCOMFY_BASE_URL, settings.DRIVE_SECONDS = "http://127.0.0.1:1", 0.3
    drive_all()
    assert Job.objects.get(pk=unconfirmed.pk).state == State.PENDING


def test_writing_off_ends_the_job(alice, unconfirmed):
    lifecycle.settle(unconfirmed, alice, "write_off")
    unconfirmed.refresh_from_db()
    assert (unconfirmed.state, unconfirmed.reason) == (State.FAILED, Reason.WRITTEN_OFF)


@pytest.mark.parametrize(("choice", "more"), [("send_anew", {"is_confirmed": True}), ("write_off", {})])
def test_settling_twice_is_settling_once(alice, sam, unconfirmed, choice, more):
    stale = Job.objects.get(pk=unconfirmed.pk)
    lifecycle.settle(unconfirmed, alice, "write_off")
    assert lifecycle.settle(stale, sam, choice, **more) is False


def test_settling_takes_no_other_choice(alice, unconfirmed):
    with pytest.raises(seedream.InvalidInput) as refused:
        lifecycle.settle(unconfirmed, alice, "forget")
    assert list(refused.value.errors) == ["choice"]


def test_desk_shows_when_it_was_sent_and_what_came_back(as_user, alice, unconfirmed):
    page = as_user(alice).get(reverse("jobs:detail", args=[unconfirmed.pk])).content.decode()
    assert "Sent at" in page
    assert "What came back:" in page
    assert reverse("jobs:settle", args=[unconfirmed.pk]) in page


def test_desk_is_not_shown_to_a_teammate(as_user, bob, unconfirmed):
    page = as_user(bob).get(reverse("jobs:detail", args=[unconfirmed.pk])).content.decode()
    assert reverse("jobs:settle", args=[unconfirmed.pk]) not in page


def test_desk_takes_a_request(as_user, alice, unconfirmed, their_id):
    url = reverse("jobs:settle", args=[unconfirmed.pk])
    as_user(alice).post(url, {"choice": "adopt", "request_id": their_id})
    assert Job.objects.get(pk=unconfirmed.pk).request_id == their_id


def test_desk_keeps_what_was_typed_beside_what_is_wrong(as_user, alice, unconfirmed):
    url = reverse("jobs:settle", args=[unconfirmed.pk])
    response = as_user(alice).post(url, {"choice": "adopt", "request_id": "no-such-request"})
    page = response.content.decode()
    assert response.status_code == 422
    assert 'value="no-such-request"' in page
    assert "RunComfy does not know this request." in page


def test_desk_asks_again_before_it_sends_anew(as_user, alice, unconfirmed):
    url = reverse("jobs:settle", args=[unconfirmed.pk])
    page = as_user(alice).post(url, {"choice": "send_anew"}).content.decode()
    assert "the edit is charged twice" in page
    assert Job.objects.get(pk=unconfirmed.pk).state == State.UNCONFIRMED


def test_desk_sends_anew_after_the_second_yes(as_user, alice, unconfirmed):
    url = reverse("jobs:settle", args=[unconfirmed.pk])
    as_user(alice).post(url, {"choice": "send_anew", "confirm": "true"})
    assert Job.objects.get(pk=unconfirmed.pk).state == State.PENDING


def test_desk_says_that_somebody_was_quicker(as_user, alice, sam, unconfirmed):
    lifecycle.settle(Job.objects.get(pk=unconfirmed.pk), sam, "write_off")
    url = reverse("jobs:settle", args=[unconfirmed.pk])
    page = as_user(alice).post(url, {"choice": "write_off"}, follow=True).content.decode()
    assert "This job is not unconfirmed any more: Failed." in page


def test_api_settles(api, alice, unconfirmed, their_id):
    url = reverse("api:job-settle", args=[unconfirmed.pk])
    response = api(alice).post(url, {"choice": "adopt", "request_id": their_id})
    assert (response.status_code, response.data["state"]) == (200, State.IN_QUEUE)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "choice"),
        ({"choice": "x"}, "choice"),
        ({"choice": "adopt"}, "request_id"),
        ({"choice": "send_anew"}, "confirm"),
        ({"choice": "write_off", "confrim": True}, "confrim"),
        (5, "non_field_errors"),
    ],
)
def test_api_names_what_is_wrong_with_a_settlement(api, alice, unconfirmed, body, field):
    response = api(alice).post(reverse("api:job-settle", args=[unconfirmed.pk]), body)
    assert (response.status_code, [error["attr"] for error in response.data["errors"]]) == (400, [field])


def test_api_takes_one_decision_about_a_settlement(api, alice, unconfirmed):
    body = "choice=write_off&choice=send_anew&confirm=true"
    address = reverse("api:job-settle", args=[unconfirmed.pk])
    response = api(alice).post(address, body, content_type="application/x-www-form-urlencoded")
    assert (response.status_code, [error["attr"] for error in response.data["errors"]]) == (400, ["choice"])


def test_api_settles_only_an_unconfirmed_job(api, alice, make_job):
    response = api(alice).post(reverse("api:job-settle", args=[make_job(alice).pk]), {"choice": "write_off"})
    assert response.status_code == 409


def test_admin_settles(as_user, sam, unconfirmed):
    as_user(sam).post(reverse("admin:jobs_job_settle", args=[unconfirmed.pk]), {"choice": "write_off"})
    assert Job.objects.get(pk=unconfirmed.pk).state == State.FAILED
    assert unconfirmed.events.last().actor == sam


def test_admin_asks_for_a_yes_before_it_sends_anew(as_user, sam, unconfirmed):
    response = as_user(sam).post(reverse("admin:jobs_job_settle", args=[unconfirmed.pk]), {"choice": "send_anew"})
    assert "Confirm it: the edit may be charged twice." in response.content.decode()


def test_admin_links_from_an_unconfirmed_job_to_its_desk(as_user, sam, unconfirmed):
    page = as_user(sam).get(reverse("admin:jobs_job_change", args=[unconfirmed.pk])).content.decode()
    assert reverse("admin:jobs_job_settle", args=[unconfirmed.pk]) in page


def test_admins_desk_is_closed_to_members(as_user, alice, unconfirmed):
    as_user(alice).post(reverse("admin:jobs_job_settle", args=[unconfirmed.pk]), {"choice": "write_off"})
    assert Job.objects.get(pk=unconfirmed.pk).state == State.UNCONFIRMED
