"""The account: staying signed in, changing the password, and the way back for who forgot it."""

import re

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django_q.models import OrmQ

from jobs import tasks

pytestmark = pytest.mark.django_db


def sign_in(**more):
    client = Client()
    client.post(reverse("login"), {"username": "alice", "password": "alice's secret", **more})
    return client


def ask(email="alice@example.com", **headers):
    return Client().post(reverse("password_reset"), {"email": email}, **headers)


def mailed_link(email="alice@example.com", language="en"):
    tasks.send_password_mail(email, language)
    return re.search(r"https?://\S+", mail.outbox[-1].body)[0]


# Staying signed in


def test_sign_in_lasts_until_the_browser_closes(alice):
    assert sign_in().cookies["sessionid"]["max-age"] == ""


def test_sign_in_lasts_thirty_days_when_asked_for(alice):
    assert sign_in(remember="on").cookies["sessionid"]["max-age"] == 30 * 24 * 3600


def test_sign_in_keeps_the_wish_when_the_password_is_wrong(alice):
    response = Client().post(reverse("login"), {"username": "alice", "password": "wrong", "remember": "on"})
    assert 'name="remember" checked' in response.content.decode()


# Changing the password


def change(client, old="alice's secret", new="a quite new secret"):
    names = ("old_password", "new_password1", "new_password2")
    return client.post(reverse("password_change"), dict(zip(names, (old, new, new), strict=True)))


def test_password_is_changed(as_user, alice):
    assert change(as_user(alice))["Location"] == reverse("password_change_done")
    alice.refresh_from_db()
    assert alice.check_password("a quite new secret")


def test_changed_password_ends_the_other_sessions_and_keeps_this_one(as_user, alice):
    here, elsewhere = as_user(alice), as_user(alice)
    change(here)
    pages = [client.get(reverse("jobs:history")).status_code for client in (here, elsewhere)]
    assert pages == [200, 302]


def test_changed_password_keeps_the_thirty_days(alice):
    client = sign_in(remember="on")
    change(client)
    assert client.cookies["sessionid"]["max-age"] == 30 * 24 * 3600


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"old": "wrong"}, "Your old password was entered incorrectly"),
        ({"new": "short"}, "This password is too short"),
        ({"new": "12345678901"}, "This password is entirely numeric"),
    ],
)
def test_password_is_not_changed_without_a_reason_said(as_user, alice, given, said):
    assert said in change(as_user(alice), **given).content.decode()
    alice.refresh_from_db()
    assert alice.check_password("alice's secret")


# A forgotten password


def test_mail_leads_to_a_new_password(alice):
    client = Client()
    form = client.get(mailed_link().removeprefix("http://127.0.0.1:8000"), follow=True)
    client.post(
        form.request["PATH_INFO"], {"new_password1": "a quite new secret", "new_password2": "a quite new secret"}
    )
    alice.refresh_from_db()
    assert alice.check_password("a quite new secret")


def test_mail_works_once(alice):
    path = mailed_link().removeprefix("http://127.0.0.1:8000")
    alice.set_password("changed meanwhile")
    alice.save()
    assert "This link is no longer good" in Client().get(path, follow=True).content.decode()


def test_mail_leads_to_the_public_address_whatever_host_was_named(alice, settings):
    settings.PUBLIC_BASE_URL, settings.IS_HTTPS = "https://desk.example.com", True
    ask(headers={"Host": "localhost"})
    assert mailed_link().startswith("https://desk.example.com/sign-in/new-password/")


def test_mail_is_plain_and_says_whose_account(alice):
    alice.username = "o'neill"
    alice.save()
    mailed_link()
    (message,) = mail.outbox
    assert message.subject == "A new password for Seedream Desk"
    assert "the account o'neill." in message.body
    assert (message.to, message.content_subtype, message.alternatives) == (["alice@example.com"], "plain", [])


def test_request_gives_the_worker_the_address_and_sends_nothing_itself(alice, settings):
    assert ask()["Location"] == reverse("password_reset_done")
    assert mail.outbox == []
    if "orm" in settings.Q_CLUSTER:
        (task,) = OrmQ.objects.all()
        assert (task.task["func"], task.task["args"][0]) == ("jobs.tasks.send_password_mail", "alice@example.com")


def test_answer_is_the_same_for_an_unknown_address(alice):
    answers = [ask(email) for email in ("alice@example.com", "nobody@example.com")]
    assert len({(answer.status_code, answer["Location"], answer.content) for answer in answers}) == 1


def test_unknown_address_gets_no_mail(alice):
    tasks.send_password_mail("nobody@example.com", "en")
    assert mail.outbox == []


def test_requests_from_one_address_are_limited(db):
    codes = [ask(f"person{number}@example.com").status_code for number in range(6)]
    assert codes == [302] * 5 + [429]


def test_requests_for_one_person_are_limited(db):
    codes = [ask(REMOTE_ADDR=f"192.0.2.{number}").status_code for number in range(6)]
    assert codes == [302] * 5 + [429]


@pytest.mark.parametrize("method", ["get", "post"])
def test_site_without_mail_sends_people_to_an_administrator(settings, db, method):
    settings.HAS_MAIL = False
    response = getattr(Client(), method)(reverse("password_reset"), {"email": "alice@example.com"})
    assert "Ask an administrator" in response.content.decode()
    assert OrmQ.objects.count() == 0


def test_sign_in_leads_to_the_forgotten_password(db):
    assert reverse("password_reset") in Client().get(reverse("login")).content.decode()
