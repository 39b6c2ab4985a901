"""The outbox: who hears of what, exactly once, with the change that it tells; and what an endpoint may be."""

import base64
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import IntegrityError, connections, transaction
from django.utils import timezone

from jobs import lifecycle, review, seedream, webhooks
from jobs.models import Event, Job, Output, WebhookDelivery, WebhookEndpoint
from jobs.states import Reason, State, Verb

from .conftest import rings, stored_output

pytestmark = pytest.mark.django_db


@pytest.fixture
def endpoint(alice):
    return make_endpoint(alice)


def make_endpoint(owner, **given):
    fields = {"name": "hook", "url": "https://hooks.example.com/desk", "events": Event.values, **given}
    return WebhookEndpoint.objects.create(owner=owner, **fields)


def told(endpoint):
    """The events written for it, the oldest first."""
    return list(endpoint.deliveries.order_by("id").values_list("event", flat=True))


def move(job, state, **fields):
    """Put a job where a verb can move it on."""
    Job.objects.filter(pk=job.pk).update(state=state, **fields)
    job.refresh_from_db()
    return job


def complete(job):
    move(job, State.MIRRORING, request_id=f"r-{job.pk}", lease="one")
    return job.mark_completed("one")


# What is told


def test_new_job_is_told(endpoint, alice, make_job):
    make_job(alice)
    assert told(endpoint) == [Event.CREATED]


def test_completed_job_is_told(endpoint, alice, make_job):
    complete(make_job(alice))
    assert told(endpoint) == [Event.CREATED, Event.COMPLETED]


def test_failed_job_is_told(endpoint, alice, make_job):
    make_job(alice).mark_failed(Reason.REFUSED)
    assert told(endpoint)[1:] == [Event.FAILED]


def test_cancelled_job_is_told(endpoint, alice, make_job):
    lifecycle.cancel(make_job(alice), alice)
    assert told(endpoint)[1:] == [Event.CANCELLED]


def test_unconfirmed_job_and_its_end_are_told(endpoint, alice, make_job):
    job = move(make_job(alice), State.SUBMITTING)
    job.mark_unconfirmed()
    job.write_off(alice)
    assert told(endpoint)[1:] == [Event.UNCONFIRMED, Event.FAILED]


def test_job_whose_pictures_were_fetched_again_is_told_as_failed_and_as_completed(endpoint, alice, make_job):
    job = move(make_job(alice), State.MIRRORING, request_id="r")
    job.mark_failed(Reason.LOST_OUTPUT)
    lifecycle.fetch_again(job, alice)
    complete(job)
    assert told(endpoint)[1:] == [Event.FAILED, Event.COMPLETED]


def test_transition_that_is_repeated_is_told_once(endpoint, alice, make_job):
    job = move(make_job(alice), State.MIRRORING, request_id="r", lease="one")
    twin = Job.objects.get(pk=job.pk)
    assert [job.mark_completed("one"), twin.mark_completed("one"), job.mark_completed("one")] == [True, False, False]
    assert told(endpoint).count(Event.COMPLETED) == 1


def test_same_key_is_told_once(endpoint, alice, make_job):
    job = make_job(alice)
    kept = [lifecycle.intake.Kept(job.inputs.get().picture)]
    for _ in range(2):
        lifecycle.create(alice, job.parameters, kept, idempotency_key="k")
    assert told(endpoint) == [Event.CREATED, Event.CREATED]  # the fixture's job and this one


def test_database_refuses_an_event_twice(endpoint, alice, make_job):
    make_job(alice)
    first = endpoint.deliveries.get()
    with pytest.raises(IntegrityError), transaction.atomic():
        WebhookDelivery.objects.create(endpoint=endpoint, event_id=first.event_id, event=first.event, payload="{}")


def test_change_that_is_taken_back_is_not_told(endpoint, alice, make_job):
    job = make_job(alice)
    with transaction.atomic():
        job.mark_cancelled(alice)
        transaction.set_rollback(True)
    assert told(endpoint) == [Event.CREATED]


@pytest.mark.django_db(transaction=True)
def test_two_who_end_a_job_at_once_are_told_once(endpoint, alice, make_job):
    job = make_job(alice)

    def cancel(_number):
        try:
            return Job.objects.get(pk=job.pk).mark_cancelled(alice)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as threads:
        moved = list(threads.map(cancel, range(4)))
    assert (moved.count(True), told(endpoint).count(Event.CANCELLED)) == (1, 1)


def test_event_rings_with_its_rows(endpoint, alice, make_job, orm_queue):
    make_job(alice)
    assert rings("send_webhooks") == 1


def test_event_that_nobody_wants_rings_nobody(alice, make_job, orm_queue):
    make_job(alice)
    assert rings("send_webhooks") == 0


def test_events_of_steps_in_between_are_not_told(endpoint, alice, make_job):
    job = move(make_job(alice), State.IN_QUEUE, request_id="r", lease="one")
    job.mark_in_progress("one", "in_progress")
    job.note(Verb.LATE_ANSWER)
    assert told(endpoint) == [Event.CREATED]


# What reviewers decide


@pytest.fixture
def finished(alice, make_job):
    """A completed job of alice's with three outputs."""
    job = make_job(alice)
    for _ in range(3):
        stored_output(job)
    complete(job)
    return job


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


# Who hears of it


def test_endpoint_hears_only_of_its_owners_jobs(bob, alice, make_job):
    endpoint = make_endpoint(bob)
    make_job(alice)
    assert told(endpoint) == []


def test_endpoint_of_the_team_hears_of_all_jobs(alice, bob, make_job):
    endpoint = make_endpoint(None)
    make_job(alice)
    make_job(bob)
    assert told(endpoint) == [Event.CREATED] * 2


def test_endpoint_hears_only_what_it_chose(alice, make_job):
    endpoint = make_endpoint(alice, events=[Event.CANCELLED])
    lifecycle.cancel(make_job(alice), alice)
    assert told(endpoint) == [Event.CANCELLED]


def test_paused_endpoint_hears_nothing(endpoint, alice, make_job):
    endpoint.pause()
    make_job(alice)
    assert told(endpoint) == []


def test_endpoint_of_who_may_no_longer_sign_in_hears_nothing(endpoint, alice, make_job):
    job = make_job(alice)
    alice.is_active = False
    alice.save()
    job.mark_cancelled()
    assert told(endpoint) == [Event.CREATED]


def test_event_has_one_id_at_all_endpoints(endpoint, alice, make_job):
    team = make_endpoint(None)
    make_job(alice)
    assert endpoint.deliveries.get().event_id == team.deliveries.get().event_id


# What it says


def payload(endpoint):
    return json.loads(endpoint.deliveries.order_by("id").last().payload)


def test_payload_is_of_the_standard_form(endpoint, alice, make_job):
    entry = make_job(alice).events.get()
    found = payload(endpoint)
    assert list(found) == ["type", "timestamp", "data"]
    assert (found["type"], found["timestamp"]) == ("job.created", entry.at.isoformat().replace("+00:00", "Z"))


def test_payload_tells_the_job_as_it_is_after_the_change(endpoint, alice, make_job):
    job = make_job(alice, text="Make 2 images of “it”.", seed=7)
    job.mark_failed(Reason.REFUSED, {"words": "no"})
    data = payload(endpoint)["data"]
    assert {name: data[name] for name in seedream.PARAMETERS} == job.parameters
    assert (data["id"], data["state"], data["reason"], data["owner"]) == (str(job.pk), "failed", "refused", "alice")
    assert data["finished_at"] == Job.objects.get().finished_at.isoformat().replace("+00:00", "Z")


def test_payload_leads_to_the_outputs(endpoint, alice, make_job, api, settings):
    settings.PUBLIC_BASE_URL = "https://desk.example.com"
    job = make_job(alice)
    picture = job.inputs.get().picture
    copied = {name: getattr(picture, name) for name in ("file", "sha256", "content_type", "width", "height", "size")}
    output = Output.objects.create(job=job, position=0, kind="image", **copied)
    complete(job)
    data = payload(endpoint)["data"]
    assert [found["id"] for found in data["outputs"]] == [str(output.pk)]
    client, urls = api(alice), [data["url"], data["outputs"][0]["url"]]
    responses = [client.get(url.removeprefix("https://desk.example.com")) for url in urls]
    assert [response.status_code for response in responses] == [200, 200]
    responses[1].close()


def test_payload_with_all_outputs_is_small(endpoint, alice, make_job):
    job = make_job(alice, text="x" * seedream.MAX_TEXT)
    for at in range(15):
        Output.objects.create(
            job=job, position=at, kind="image", file="f", sha256="0" * 64, content_type="image/png", size=8_000_000
        )
    complete(job)
    assert len(endpoint.deliveries.get(event=Event.COMPLETED).payload) < 16_000


def test_payload_stays_as_it_was_when_the_job_changes(endpoint, alice, make_job):
    job = make_job(alice)
    before = endpoint.deliveries.get().payload
    job.mark_cancelled(alice)
    assert endpoint.deliveries.get(event=Event.CREATED).payload == before


# Secrets


def test_secret_has_the_standard_form_and_stays(endpoint):
    assert endpoint.secret == WebhookEndpoint.objects.get().secret
    prefix, key = endpoint.secret.split("_")
    assert (prefix, len(base64.b64decode(key, validate=True))) == ("whsec", 32)


def test_each_endpoint_has_its_own_secret(endpoint, alice):
    assert make_endpoint(alice).secret != endpoint.secret


def test_secret_cannot_be_made_from_the_database_alone(endpoint, settings):
    before = endpoint.secret
    settings.SECRET_KEY = "another"
    assert WebhookEndpoint.objects.get().secret != before


def test_no_column_holds_the_secret(endpoint):
    row = WebhookEndpoint.objects.values().get()
    assert endpoint.secret.removeprefix("whsec_") not in str(row)


def test_rotation_keeps_the_last_secret_for_a_day(endpoint):
    old = endpoint.secret
    endpoint.rotate()
    assert endpoint.signing_secrets == [endpoint.secret, old]
    WebhookEndpoint.objects.update(previous_until=timezone.now())
    assert WebhookEndpoint.objects.get().signing_secrets == [endpoint.secret]


def test_second_rotation_ends_the_first_secret(endpoint):
    old = endpoint.secret
    endpoint.rotate()
    endpoint.rotate()
    assert old not in WebhookEndpoint.objects.get().signing_secrets


# What an endpoint may be

GOOD = {"name": "hook", "url": "https://hooks.example.com/desk", "events": ["job.failed", "job.completed"]}


def test_create_makes_an_endpoint_of_ones_own(alice):
    endpoint = webhooks.create(alice, **GOOD)
    assert (endpoint.owner, endpoint.name, endpoint.url) == (alice, "hook", GOOD["url"])
    assert endpoint.events == ["job.completed", "job.failed"]


def test_create_for_the_team_is_staffs(sam):
    assert webhooks.create(sam, **GOOD, is_team=True).owner is None


def test_create_for_the_team_by_a_member_is_a_private_one(alice):
    assert webhooks.create(alice, **GOOD, is_team=True).owner == alice


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 101),
        ("name", "a\0b"),
        ("events", []),
        ("events", ["job.completed", "job.exploded"]),
        ("events", ["ping"]),
        ("url", ""),
        ("url", "http://hooks.example.com/"),
        ("url", "ftp://hooks.example.com/"),
        ("url", "https://user:password@hooks.example.com/"),
        ("url", "https://hooks.example.com:99999/"),
        ("url", "https://hooks.example.com/a b"),
        ("url", "https://hooks.example.com/a\nb"),
        ("url", "https://[::1/"),
        ("url", "https://127.0.0.1/"),
        ("url", "https://10.0.0.1/"),
        ("url", "https://[::1]/"),
        ("url", "https://169.254.169.254/latest/"),
        ("url", "https://localhost/"),
        ("url", "https://LocalHost:8443/"),
        ("url", "https://127.1/"),
        ("url", "https://2130706433/"),
        ("url", "https://0177.0.0.1/"),
        ("url", "https://[::ffff:127.0.0.1]/"),
        ("url", "https://①②⑦.0.0.1/"),
        ("url", f"https://hooks.example.com/{'x' * 2000}"),
    ],
)
def test_create_refuses(alice, field, value):
    with pytest.raises(seedream.InvalidInput) as refused:
        webhooks.create(alice, **{**GOOD, field: value})
    assert list(refused.value.errors) == [field]


def test_create_names_every_mistake(alice):
    with pytest.raises(seedream.InvalidInput) as refused:
        webhooks.create(alice, "", "nowhere", [])
    assert list(refused.value.errors) == ["name", "url", "events"]


def test_create_ends_at_a_limit(alice, monkeypatch):
    monkeypatch.setattr(webhooks, "ENDPOINTS_MAX", 1)
    webhooks.create(alice, **GOOD)
    with pytest.raises(seedream.InvalidInput, match="1 endpoints already"):
        webhooks.create(alice, **GOOD)


def test_create_takes_a_name_that_leads_nowhere_yet(alice):
    assert webhooks.create(alice, **{**GOOD, "url": "https://hooks.invalid/desk"})


def test_change_refuses_a_name_that_leads_here(endpoint):
    with pytest.raises(seedream.InvalidInput, match="This address is not public"):
        webhooks.change(endpoint, **{**GOOD, "url": "https://localhost/"})
    assert WebhookEndpoint.objects.get().url == endpoint.url


def test_create_takes_an_address_that_an_administrator_named(alice, settings):
    settings.WEBHOOK_TRUSTED = ["hooks.internal:8080"]
    assert webhooks.create(alice, **{**GOOD, "url": "http://HOOKS.internal:8080/desk"})


@pytest.mark.parametrize(
    "url", ["http://hooks.internal/", "http://u@hooks.internal:8080/", "ftp://hooks.internal:8080/"]
)
def test_trust_is_for_that_address_only(alice, settings, url):
    settings.WEBHOOK_TRUSTED = ["hooks.internal:8080"]
    with pytest.raises(seedream.InvalidInput):
        webhooks.create(alice, **{**GOOD, "url": url})


def test_change_keeps_the_secret(endpoint):
    before = endpoint.secret
    webhooks.change(endpoint, "other", "https://other.example.com/", ["job.failed"])
    changed = WebhookEndpoint.objects.get()
    assert (changed.name, changed.url, changed.events) == ("other", "https://other.example.com/", ["job.failed"])
    assert changed.secret == before


def test_endpoints_are_their_owners_and_the_teams_are_staffs(alice, bob, sam):
    mine, team = make_endpoint(alice), make_endpoint(None)
    seen = [set(WebhookEndpoint.objects.visible_to(user)) for user in (alice, bob, sam)]
    assert seen == [{mine}, set(), {team}]
