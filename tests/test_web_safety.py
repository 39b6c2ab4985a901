"""What a browser and a stranger may not do: headers, forgery, guessing passwords, secrets that leak."""

import logging

import pytest
from django.conf import settings as configured
from django.db import connection
from django.test import Client
from django.urls import reverse

from jobs.models import Job

from .conftest import stored_bytes

pytestmark = pytest.mark.django_db

S3 = f" {configured.S3_ENDPOINT_URL}" if configured.S3_BUCKET else ""
POLICY = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    f"img-src 'self' blob:{S3}",
    f"media-src 'self'{S3}",
    "font-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
}


@pytest.mark.parametrize("page", ["login", "jobs:history", "jobs:new", "admin:index", "api:job-list"])
def test_page_sends_the_strict_policy_and_the_other_headers(as_user, sam, page):
    response = as_user(sam).get(reverse(page))
    assert set(response["Content-Security-Policy"].split("; ")) == POLICY
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["X-Frame-Options"] == "DENY"
    assert response["Referrer-Policy"] == "same-origin"
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"


@pytest.mark.parametrize("page", ["jobs:history", "jobs:new", "jobs:usage", "jobs:tokens"])
def test_page_has_no_inline_script_or_style(as_user, alice, make_job, page):
    make_job(alice)
    content = as_user(alice).get(reverse(page)).content.decode()
    assert "<style" not in content
    assert " style=" not in content
    assert "<script>" not in content
    assert " onclick=" not in content


@pytest.mark.parametrize("address", ["login", "logout", "jobs:new", "jobs:tokens", "password_change"])
def test_form_of_another_site_is_refused(alice, address):
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    assert client.post(reverse(address), {}).status_code == 403


@pytest.mark.parametrize("action", ["jobs:cancel", "jobs:settle"])
def test_action_of_another_site_is_refused(alice, make_job, action):
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    assert client.post(reverse(action, args=[make_job(alice).pk]), {}).status_code == 403


def test_api_takes_a_session_only_with_its_csrf_token(alice):
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    assert client.post(reverse("api:job-list"), {}).status_code == 403


def sign_in(password, name="alice", address="192.0.2.1"):
    return Client().post(reverse("login"), {"username": name, "password": password}, REMOTE_ADDR=address)


def test_sign_in_is_closed_after_ten_wrong_passwords(alice):
    for _ in range(10):
        sign_in("wrong")
    response = sign_in("alice's secret")
    assert response.status_code == 429
    assert "Too many attempts" in response.content.decode()


def test_sign_in_stays_open_from_another_address(alice):
    for _ in range(10):
        sign_in("wrong")
    assert sign_in("alice's secret", address="192.0.2.2").status_code == 302


def test_sign_in_counts_from_nought_after_a_right_password(alice):
    for _ in range(9):
        sign_in("wrong")
    sign_in("alice's secret")
    assert sign_in("wrong").status_code == 200


def test_sign_in_behind_a_proxy_counts_by_the_clients_address(alice, settings):
    settings.BEHIND_PROXY = True
    for _ in range(10):
        Client().post(
            reverse("login"),
            {"username": "alice", "password": "wrong"},
            headers={"X-Forwarded-For": "203.0.113.9, 192.0.2.7"},
        )
    assert sign_in("alice's secret").status_code == 302


def test_sign_in_makes_a_new_session(alice):
    client = Client()
    client.get(reverse("login"))
    client.session["planted"] = True
    before = client.session.session_key
    client.post(reverse("login"), {"username": "alice", "password": "alice's secret"})
    assert client.session.session_key != before


def test_sign_in_leads_to_no_other_site(alice):
    url = f"{reverse('login')}?next=https://evil.example/"
    response = Client().post(url, {"username": "alice", "password": "alice's secret", "next": "https://evil.example/"})
    assert response["Location"] == reverse("jobs:history")


def test_cookies_are_kept_from_scripts_and_other_sites():
    assert configured.SESSION_COOKIE_HTTPONLY is True
    assert configured.SESSION_COOKIE_SAMESITE == configured.CSRF_COOKIE_SAMESITE == "Lax"


@pytest.mark.django_db(transaction=True)
def test_token_of_the_account_is_nowhere_after_a_full_run(
    sandbox, as_user, api, alice, sam, make_job, drive_all, settings, caplog
):
    """Refused, echoed by the provider, completed: the planted token is in no table, page, answer, file or log line."""
    caplog.set_level(logging.DEBUG)
    for fault in ({"kind": "http_401", "on": "submit"}, {"kind": "reset_after_accept"}, {"kind": "failed"}):
        sandbox.misbehave(fault.pop("kind"), **fault)
        make_job(alice)
        drive_all()
    make_job(alice)
    drive_all()
    seen = everything_in_the_database() + caplog.text
    for job in Job.objects.all():
        seen += as_user(alice).get(reverse("jobs:detail", args=[job.pk])).content.decode()
        seen += as_user(sam).get(reverse("admin:jobs_job_change", args=[job.pk])).content.decode()
        seen += str(api(alice).get(reverse("api:job-detail", args=[job.pk])).data)
        seen += "".join(stored_bytes(output.file).decode("latin-1") for output in job.outputs.all())
    assert settings.RUNCOMFY_API_TOKEN not in seen


def everything_in_the_database() -> str:
    with connection.cursor() as cursor:
        rows = []
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608 (the names are the database's own)
            rows += cursor.fetchall()
    return str(rows)


@pytest.mark.parametrize(
    ("address", "megabytes", "code"),
    [("/sign-in/", 2, 413), ("/admin/", 2, 413), ("/new/", 160, 413), ("/api/v1/jobs/", 160, 413), ("/new/", 100, 302)],
)
def test_body_larger_than_its_address_takes_is_refused_unread(db, address, megabytes, code):
    """By what it announces: a stranger must not fill the disk. (One that may be large is not read either.)"""
    response = Client().post(address, CONTENT_LENGTH=str(megabytes * 1024**2))
    assert response.status_code == code


@pytest.mark.parametrize("model", ["schedule", "success", "failure", "ormq"])
def test_admin_offers_no_way_to_run_code(as_user, sam, model):
    assert as_user(sam).get(f"/admin/django_q/{model}/").status_code == 404


@pytest.mark.parametrize("name", ["login", "set_language"])
def test_body_in_an_odd_charset_is_a_bad_request_in_words(name):
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    client.cookies["csrftoken"] = "a" * 32
    kind = "application/x-www-form-urlencoded; charset=utf-16"
    response = client.post(reverse(name), b"a=b", content_type=kind, headers={"X-CSRFToken": "a" * 32})
    assert (response.status_code, "This request cannot be read" in response.content.decode()) == (400, True)
