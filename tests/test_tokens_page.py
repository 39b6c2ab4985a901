"""One's own API tokens: shown once, kept as a hash, revoked after a question."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from jobs.models import ApiToken

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(as_user, alice):
    """Alice's page of tokens."""
    client = as_user(alice)

    def send(name="CI pipeline", days=90):
        return client.post(reverse("jobs:tokens"), {"name": name, "days": days})

    client.create = send
    client.read = lambda: client.get(reverse("jobs:tokens"))
    return client


def use(token):
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client.get(reverse("api:job-list"))


def revoke_address(row):
    return reverse("jobs:revoke_token", args=[row.pk])


def test_new_token_works(page, alice):
    page.create()
    token = page.read().context["new_token"]
    assert use(token).status_code == 200
    assert ApiToken.objects.get().user == alice


def test_new_token_is_shown_once(page):
    assert page.create()["Location"] == reverse("jobs:tokens")
    token = page.read().context["new_token"]
    assert token not in page.read().content.decode()


def test_new_token_is_in_no_table_and_no_cache(page):
    page.create()
    token = page.cookies["new_token"].value.split(":")[0]
    with connection.cursor() as cursor:
        cursor.execute("SELECT session_data FROM django_session")
        sessions = str(cursor.fetchall())
    assert len(token) == 64
    assert token not in sessions + str(ApiToken.objects.values_list())
    assert "no-store" in page.read()["Cache-Control"]


def test_new_token_is_kept_from_scripts_and_other_pages(page):
    page.create()
    cookie = page.cookies["new_token"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Strict", "/tokens/")
    assert int(cookie["max-age"]) <= 60


def test_new_token_is_shown_to_nobody_else_in_the_same_browser(page, as_user, bob):
    page.create()
    client = as_user(bob)
    client.cookies["new_token"] = page.cookies["new_token"].value
    assert client.get(reverse("jobs:tokens")).context["new_token"] is None


@pytest.mark.parametrize("days", [30, 90, 365])
def test_token_expires_when_it_was_told_to(page, days):
    page.create(days=days)
    left = ApiToken.objects.get().expiry - timezone.now()
    assert timedelta(days=days, minutes=-1) < left <= timedelta(days=days)


@pytest.mark.parametrize(
    ("longest", "offered"), [(365, [30, 90, 365]), (60, [30, 60]), (7, [7]), (3650, [30, 90, 365])]
)
def test_token_lasts_no_longer_than_the_site_allows(page, settings, longest, offered):
    settings.API_TOKEN_DAYS = longest
    assert [days for days, _label in page.read().context["form"].fields["days"].choices] == offered


@pytest.mark.parametrize("given", [{"days": 3650}, {"name": ""}, {"name": "x" * 101}])
def test_token_is_refused_with_a_reason_and_what_was_typed(page, given):
    response = page.create(**given)
    assert response.status_code == 422
    assert 'aria-invalid="true"' in response.content.decode()
    assert ApiToken.objects.count() == 0


def test_list_shows_ones_own_tokens_only(page, alice, sam):
    ApiToken.objects.create(user=sam, name="Staff's own")
    ApiToken.objects.create(user=alice, name="Notebook")
    assert [token.name for token in page.read().context["tokens"]] == ["Notebook"]


def test_list_shows_staff_their_own_tokens_only(as_user, alice, sam):
    ApiToken.objects.create(user=alice, name="Notebook")
    assert "Notebook" not in as_user(sam).get(reverse("jobs:tokens")).content.decode()


def test_list_says_when_a_token_was_used(page, alice):
    _row, token = ApiToken.objects.create(user=alice, name="Notebook")
    assert "never" in page.read().content.decode()
    use(token)
    ApiToken.objects.update(last_used_at=timezone.now() - timedelta(minutes=2, seconds=1))
    assert "2\xa0minutes ago" in page.read().content.decode()


def test_expired_token_is_refused_and_stays_in_the_list(page, alice):
    _row, token = ApiToken.objects.create(user=alice, name="Old one", expiry=timedelta(seconds=-1))
    assert use(token).status_code == 401
    assert "expired" in page.read().content.decode()


def test_use_is_noted_once_a_minute(alice):
    _row, token = ApiToken.objects.create(user=alice, name="Notebook")
    with CaptureQueriesContext(connection) as queries:
        use(token)
        use(token)
    assert [query["sql"][:22] for query in queries if query["sql"].startswith("UPDATE")] == ['UPDATE "jobs_apitoken"']


def test_use_is_noted_again_after_a_minute(alice):
    _row, token = ApiToken.objects.create(user=alice, name="Notebook")
    before = timezone.now() - timedelta(seconds=61)
    ApiToken.objects.update(last_used_at=before)
    use(token)
    assert ApiToken.objects.get().last_used_at > before


def test_revoke_asks_first(page, alice):
    row, _token = ApiToken.objects.create(user=alice, name="Notebook")
    assert "Revoke “Notebook”?" in page.get(revoke_address(row)).content.decode()
    assert ApiToken.objects.count() == 1


def test_revoked_token_works_no_more(page, alice):
    row, token = ApiToken.objects.create(user=alice, name="Notebook")
    assert page.post(revoke_address(row))["Location"] == reverse("jobs:tokens")
    assert use(token).status_code == 401


@pytest.mark.parametrize("method", ["get", "post"])
def test_token_of_another_is_unknown_also_to_staff(as_user, alice, sam, method):
    row, _token = ApiToken.objects.create(user=alice, name="Notebook")
    assert getattr(as_user(sam), method)(revoke_address(row)).status_code == 404
    assert ApiToken.objects.count() == 1


def test_revoke_by_another_site_is_refused(alice):
    row, _token = ApiToken.objects.create(user=alice, name="Notebook")
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    assert client.post(revoke_address(row)).status_code == 403


def test_page_tells_how_to_use_a_token_at_this_site(page, settings):
    settings.PUBLIC_BASE_URL = "https://desk.example.com"
    assert "https://desk.example.com/api/v1/jobs/" in page.read().content.decode()
