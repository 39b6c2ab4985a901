"""Webhooks in the portal: made, tried out, watched and deleted by whoever they belong to."""

import re
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.urls import reverse
from django.utils import timezone

from jobs import dispatch
from jobs.models import WebhookDelivery, WebhookEndpoint

from .conftest import rings
from .servers import answer, serving
from .webhooks.endpoints import GOOD, make_endpoint

pytestmark = pytest.mark.django_db

LIST = "/webhooks/"


@pytest.fixture
def endpoint(alice):
    return make_endpoint(alice)


@pytest.fixture
def add_deliveries():
    def add(endpoint, count, **given):
        fields = {"event": "ping", "payload": '{"type": "ping", "data": {}}', **given}
        return [
            WebhookDelivery.objects.create(endpoint=endpoint, event_id=f"evt_{number:04}", **fields)
            for number in range(count)
        ]

    return add


def page_of(endpoint):
    return reverse("jobs:webhook", args=[endpoint.pk])


def act(client, endpoint, act, **fields):
    return client.post(page_of(endpoint), {"act": act, **fields})


def text_of(response):
    return response.content.decode()


# Making one


def test_webhook_is_made_and_its_secret_shown_once(as_user, alice):
    client = as_user(alice)
    response = client.post(LIST, GOOD)
    endpoint = WebhookEndpoint.objects.get()
    assert (response.status_code, response.url, endpoint.owner) == (302, page_of(endpoint), alice)
    assert [endpoint.secret in text_of(client.get(page_of(endpoint))) for _ in range(2)] == [True, False]


def test_secret_is_in_no_session(as_user, alice):
    as_user(alice).post(LIST, GOOD)
    secret = WebhookEndpoint.objects.get().secret
    assert not [session for session in Session.objects.all() if secret in str(session.get_decoded())]


def test_page_with_a_secret_is_kept_by_no_browser(as_user, alice):
    client = as_user(alice)
    client.post(LIST, GOOD)
    assert "no-store" in client.get(page_of(WebhookEndpoint.objects.get())).headers["Cache-Control"]


def test_secret_of_another_webhook_is_not_shown(as_user, alice, endpoint):
    client = as_user(alice)
    client.post(LIST, GOOD)
    assert "whsec_" not in text_of(client.get(page_of(endpoint)))


def test_mistakes_are_said_and_what_was_typed_is_kept(as_user, alice):
    response = as_user(alice).post(LIST, {"name": "Shop", "url": "http://shop.example.com/"})
    page = text_of(response)
    assert response.status_code == 422
    assert 'value="http://shop.example.com/"' in page
    assert "begins with https://" in page
    assert "Choose at least one event." in page
    assert not WebhookEndpoint.objects.exists()


@pytest.mark.parametrize(("who", "is_teams"), [("sam", True), ("alice", False)])
def test_webhook_of_the_team_is_made_by_staff_only(as_user, request, who, is_teams):
    as_user(request.getfixturevalue(who)).post(LIST, {**GOOD, "is_team": "on"})
    assert (WebhookEndpoint.objects.get().owner is None) == is_teams


def test_list_shows_ones_own(as_user, alice, bob, endpoint):
    make_endpoint(bob, name="of bob")
    make_endpoint(None, name="of the team")
    page = text_of(as_user(alice).get(LIST))
    assert [name in page for name in ("hook", "of bob", "of the team")] == [True, False, False]


@pytest.mark.parametrize("count", [1, 20])
def test_list_costs_the_same_for_few_and_for_many(as_user, alice, add_deliveries, django_assert_num_queries, count):
    for number in range(count):
        add_deliveries(make_endpoint(alice, name=str(number)), 2)
    client = as_user(alice)
    with django_assert_num_queries(7):  # session, user, permissions, webhooks, RunComfy, worker
        client.get(LIST)


def test_form_offers_the_events_of_reviews_and_keeps_what_was_chosen(as_user, alice):
    endpoint = make_endpoint(alice, events=["job.failed", "output.rejected"])
    page = text_of(as_user(alice).get(page_of(endpoint)))
    assert "A picture was approved <code>output.approved</code>" in page
    assert re.findall(r'name="events" value="([\w.]+)" checked', page) == ["job.failed", "output.rejected"]


# Acts


@pytest.mark.parametrize("what", ["test", "pause", "resume", "rotate", "change"])
@pytest.mark.parametrize("who", ["bob", "rita", "sam"])
def test_acts_are_the_owners(as_user, endpoint, request, what, who):
    before = WebhookEndpoint.objects.values().get()
    assert act(as_user(request.getfixturevalue(who)), endpoint, what, **GOOD).status_code == 404
    assert WebhookEndpoint.objects.values().get() == before
    assert not WebhookDelivery.objects.exists()


def test_acts_on_the_teams_are_staffs(as_user, sam):
    team = make_endpoint(None)
    assert act(as_user(sam), team, "pause").status_code == 302
    assert not WebhookEndpoint.objects.get().is_active


@pytest.mark.parametrize("what", ["", "explode"])
def test_unknown_act_is_not_found(as_user, alice, endpoint, what):
    assert act(as_user(alice), endpoint, what).status_code == 404


def test_test_is_written_and_rung_for(as_user, alice, endpoint, orm_queue):
    act(as_user(alice), endpoint, "test")
    assert (WebhookDelivery.objects.get().event, rings("send_webhooks")) == ("ping", 1)


def test_test_of_a_paused_webhook_says_so(as_user, alice, endpoint):
    endpoint.pause()
    client = as_user(alice)
    act(client, endpoint, "test")
    assert "resume it first" in text_of(client.get(page_of(endpoint)))


def test_rotation_shows_the_new_secret_and_how_long_the_old_one_signs(as_user, alice, endpoint):
    client, old = as_user(alice), endpoint.secret
    act(client, endpoint, "rotate")
    page = text_of(client.get(page_of(endpoint)))
    assert WebhookEndpoint.objects.get().secret in page
    assert old not in page
    assert "signs too until" in page


def test_pause_and_resume(as_user, alice, endpoint):
    client, seen = as_user(alice), []
    for what in ("pause", "resume"):
        act(client, endpoint, what)
        seen.append(WebhookEndpoint.objects.get().is_active)
    assert seen == [False, True]


def test_change_is_stored(as_user, alice, endpoint):
    given = {"name": "other", "url": "https://other.example.com/", "events": ["job.failed"]}
    assert act(as_user(alice), endpoint, "change", **given).status_code == 302
    assert WebhookEndpoint.objects.values("name", "url", "events").get() == given


def test_change_that_is_refused_keeps_what_was_typed(as_user, alice, endpoint):
    response = act(as_user(alice), endpoint, "change", name="other", url="https://localhost/", events=["job.failed"])
    page = text_of(response)
    assert (response.status_code, WebhookEndpoint.objects.get().name) == (422, "hook")
    assert ("This address is not public." in page, 'value="other"' in page) == (True, True)


def test_delete_asks_first(as_user, alice, endpoint, add_deliveries):
    client, url = as_user(alice), reverse("jobs:delete_webhook", args=[endpoint.pk])
    add_deliveries(endpoint, 1)
    assert "cannot be undone" in text_of(client.get(url))
    assert WebhookEndpoint.objects.exists()
    assert client.post(url).url == LIST
    assert not WebhookEndpoint.objects.exists()


def test_delete_is_the_owners(as_user, bob, endpoint):
    assert as_user(bob).post(reverse("jobs:delete_webhook", args=[endpoint.pk])).status_code == 404
    assert WebhookEndpoint.objects.exists()


# The log


def test_log_says_what_came_of_it(as_user, alice, endpoint, settings):
    with serving(answer(500, b"Out of order", content_type="text/plain")) as receiver:
        settings.WEBHOOK_TRUSTED = [receiver.address]
        WebhookEndpoint.objects.update(url=receiver.url)
        make = as_user(alice)
        act(make, endpoint, "test")
        dispatch.send_waiting()
    page = text_of(make.get(page_of(endpoint)))
    assert [words in page for words in ("Failed", "HTTP 500", "did not accept it", "Out of order")] == [True] * 4


def test_log_says_when_the_next_try_is(as_user, alice, endpoint, add_deliveries):
    add_deliveries(endpoint, 1, problem="timeout", next_at=timezone.now() + timedelta(minutes=10, seconds=30))
    page = text_of(as_user(alice).get(page_of(endpoint)))
    assert re.search(r"did not answer in time\.\s+Next try: 10\sminutes from now", page)


def test_log_leads_to_the_job(as_user, alice, endpoint, make_job):
    job = make_job(alice)
    assert job.get_absolute_url() in text_of(as_user(alice).get(page_of(endpoint)))


def test_log_shows_words_of_a_receiver_as_words(as_user, alice, endpoint, add_deliveries):
    told = {"at": timezone.now().isoformat(), "seconds": 0.1, "code": 500, "problem": "answer", "said": "<b>no</b>"}
    add_deliveries(endpoint, 1, log=[told])
    assert "&lt;b&gt;no&lt;/b&gt;" in text_of(as_user(alice).get(page_of(endpoint)))


def test_disabled_webhook_says_why(as_user, alice, endpoint):
    WebhookEndpoint.objects.update(is_active=False, disabled="gone")
    assert "answered 410 Gone" in text_of(as_user(alice).get(page_of(endpoint)))


@pytest.mark.parametrize("count", [1, 24])
def test_log_costs_the_same_for_few_and_for_many(
    as_user, alice, endpoint, add_deliveries, django_assert_num_queries, count
):
    add_deliveries(endpoint, count)
    client = as_user(alice)
    with django_assert_num_queries(8):  # session, user, permissions, webhook, log, RunComfy, worker
        client.get(page_of(endpoint))


def test_log_comes_in_pages(as_user, alice, endpoint, add_deliveries):
    rows = add_deliveries(endpoint, 30)
    client, url, seen = as_user(alice), page_of(endpoint), []
    while url:
        page = text_of(client.get(url))
        seen.append(re.findall(r"<code>(evt_\d+)</code>", page))
        more = re.search(r'rel="next" href="(\?after=[^"]+)"', page)
        url = more and page_of(endpoint) + more[1]
    assert [len(part) for part in seen] == [24, 6]
    assert [*seen[0], *seen[1]] == [row.event_id for row in reversed(rows)]


@pytest.mark.parametrize("after", ["x", "1; drop", "00000000-0000-0000-0000-00000000000g"])
def test_place_that_is_none_is_not_found(as_user, alice, endpoint, after):
    assert as_user(alice).get(page_of(endpoint), {"after": after}).status_code == 404


def test_page_looks_again_only_while_something_is_about_to_happen(as_user, alice, endpoint, add_deliveries):
    client = as_user(alice)
    add_deliveries(endpoint, 1)
    seen = ["hx-trigger" in text_of(client.get(page_of(endpoint)))]
    WebhookDelivery.objects.update(next_at=timezone.now() + timedelta(hours=1))
    seen.append("hx-trigger" in text_of(client.get(page_of(endpoint))))
    assert seen == [True, False]


# Sending again


def again(client, delivery):
    return client.post(reverse("jobs:send_webhook_again", args=[delivery.endpoint_id, delivery.pk]))


def test_failed_event_is_sent_again(as_user, alice, endpoint, add_deliveries, orm_queue):
    [delivery] = add_deliveries(endpoint, 1, state="failed", next_at=None, attempts=10)
    assert again(as_user(alice), delivery).url == page_of(endpoint)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts, rings("send_webhooks")) == ("pending", 0, 1)


def test_event_under_way_is_not_sent_twice(as_user, alice, endpoint, add_deliveries):
    [delivery] = add_deliveries(endpoint, 1)
    WebhookDelivery.objects.take(60, 1)
    client = as_user(alice)
    again(client, delivery)
    assert "being sent at the moment" in text_of(client.get(page_of(endpoint)))


def test_event_of_another_webhook_is_not_found(as_user, alice, bob, endpoint, add_deliveries):
    [delivery] = add_deliveries(make_endpoint(bob), 1, state="failed", next_at=None)
    url = reverse("jobs:send_webhook_again", args=[endpoint.pk, delivery.pk])
    assert as_user(alice).post(url).status_code == 404


# The admin


def test_admin_shows_neither_secrets_nor_whole_addresses(as_user, sam, alice):
    endpoint = make_endpoint(alice, url="https://hooks.example.com/token-of-the-receiver")
    endpoint.rotate()
    client = as_user(sam)
    pages = [
        text_of(client.get(reverse("admin:jobs_webhookendpoint_changelist"))),
        text_of(client.get(reverse("admin:jobs_webhookendpoint_change", args=[endpoint.pk]))),
    ]
    hidden = (endpoint.seed, endpoint.previous_seed, endpoint.secret, "token-of-the-receiver")
    assert [word for word in hidden for page in pages if word in page] == []
    assert all("hooks.example.com" in page for page in pages)
