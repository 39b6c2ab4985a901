"""An endpoint's secrets, and what an endpoint may be."""

import base64

import pytest
from django.utils import timezone

from jobs import seedream, webhooks
from jobs.models import WebhookEndpoint
from tests.webhooks.endpoints import GOOD, make_endpoint

pytestmark = pytest.mark.django_db


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
