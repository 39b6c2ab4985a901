"""The choice of a language, for everybody, without script; and pages that hold no other."""

import re
from html.parser import HTMLParser

import polib
import pytest
from django.shortcuts import render
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from jobs import review, tasks
from jobs.models import ApiToken, Event, Job, WebhookDelivery, WebhookEndpoint
from jobs.states import ENDED, Reason, State, Verb

from .conftest import configured, png, stored_output

pytestmark = pytest.mark.django_db


def choose(client, language="ja", next="/"):
    return client.post(reverse("set_language"), {"language": language, "next": next})


def test_choice_is_kept_for_a_year():
    client = Client()
    choose(client)
    cookie = client.cookies["django_language"]
    assert (cookie.value, int(cookie["max-age"]), cookie["samesite"]) == ("ja", 365 * 24 * 3600, "Lax")


def test_choice_is_open_on_the_sign_in_page(client):
    response = choose(client, next=reverse("login"))
    assert response["Location"] == reverse("login")
    assert '<html lang="ja">' in client.get(reverse("login")).content.decode()


def test_choice_holds_on_the_pages(as_user, alice):
    client = as_user(alice)
    choose(client)
    assert '<html lang="ja">' in client.get(reverse("jobs:usage")).content.decode()


def test_choice_can_be_taken_back(as_user, alice):
    client = as_user(alice)
    choose(client)
    choose(client, "en")
    assert '<html lang="en">' in client.get(reverse("jobs:usage")).content.decode()


def test_browsers_language_is_taken_until_one_is_chosen(db):
    page = Client().get(reverse("login"), headers={"Accept-Language": "ja,en;q=0.5"})
    assert '<html lang="ja">' in page.content.decode()


@pytest.mark.parametrize("next", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_choice_leads_to_no_other_site(client, next):
    assert choose(client, next=next)["Location"] == "/"


def test_choice_of_another_site_is_refused():
    assert choose(Client(enforce_csrf_checks=True)).status_code == 403


@pytest.mark.parametrize("page", ["login", "jobs:usage"])
def test_languages_name_themselves_in_their_own_words(as_user, alice, page):
    client = Client() if page == "login" else as_user(alice)
    content = client.get(reverse(page)).content.decode()
    assert 'value="ja" lang="ja">日本語</button>' in content
    assert 'value="en" lang="en" aria-current="true">English</button>' in content


# Japanese pages


class Texts(HTMLParser):
    """What a page shows and says, without its code and what is in another language."""

    def __init__(self, content):
        super().__init__()
        self.found, self.is_silent = set(), []
        self.feed(content)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.found |= {given[name] for name in ("aria-label", "alt", "title", "placeholder") if given.get(name)}
        if tag not in VOID:
            self.is_silent.append(tag in {"script", "code", "kbd", "textarea"} or given.get("lang", "ja") != "ja")

    def handle_endtag(self, tag):
        if tag not in VOID:
            self.is_silent.pop()

    def handle_data(self, data):
        if not any(self.is_silent):
            self.found |= {" ".join(data.split())}


VOID = {"input", "img", "meta", "link", "br", "use", "rect", "line", "circle", "path"}
ENGLISH = re.compile(r"[A-Za-z]{2,}[,.]? [a-z]{2,}")
CATALOGUE = configured.BASE_DIR / "jobs/locale/ja/LC_MESSAGES/django.po"
UNTRANSLATED = {entry.msgid for entry in polib.pofile(str(CATALOGUE)) if entry.msgid != entry.msgstr}


def english(response):
    return {text for text in Texts(response.content.decode()).found if text in UNTRANSLATED or ENGLISH.search(text)}


@pytest.fixture
def japanese(as_user, alice):
    client = as_user(alice)
    client.cookies["django_language"] = "ja"
    return client


@pytest.fixture
def job(alice, make_job):
    job = make_job(alice, text="夕焼けの写真を2枚", seed=7)
    stored_output(job)
    stored_output(job)
    return job


def put(job, state, **fields):
    fields |= {"request_id": "1", "finished_at": timezone.now() if state in ENDED else None}
    Job.objects.filter(pk=job.pk).update(state=state, **fields)


@pytest.fixture
def webhook(alice, job):
    hook = WebhookEndpoint.objects.create(owner=alice, name="夜間", url="https://a.example/", events=Event.values)
    past = {"at": "2026-11-22T10:00:00+00:00", "seconds": 1.5, "code": None, "problem": "timeout", "said": ""}
    for state, next_at in (("pending", timezone.now()), ("delivered", None), ("failed", None)):
        WebhookDelivery.objects.create(
            endpoint=hook, event_id=state, event="ping", payload="{}", state=state, next_at=next_at,
            problem="" if state == "delivered" else "timeout", log=[past],
        )  # fmt: skip
    return hook


@pytest.mark.parametrize(
    "address",
    [
        "/",
        "/?state=completed&quality=fast&review=pending&since=2026-01-01&until=2026-02-01&q=海",
        "/?since=2026-02-01&until=2026-01-01&state=unknown&owner=nobody",
        "/new/",
        "/new/?recent=1",
        "/new/recent/",
        "/compare/",
        "/usage/",
        "/usage/?month=2020-01",
        "/usage/?month=unknown",
        "/tokens/",
        "/webhooks/",
        "/password/",
        "/password/changed/",
        "/sign-in/forgotten/",
        "/sign-in/forgotten/sent/",
        "/sign-in/new-password/x/y/",
        "/sign-in/new-password/done/",
        "/jobs/00000000-0000-7000-8000-000000000000/",
    ],
)
def test_page_in_japanese_holds_no_english(japanese, job, address):
    assert english(japanese.get(address)) == set()


@pytest.mark.parametrize("query", ["", "?since=2026-02-01&until=2026-01-01&owner=nobody", "?q=海"])
def test_review_in_japanese_holds_no_english(as_user, rita, sam, job, query):
    put(job, State.COMPLETED)
    job.refresh_from_db()
    first, second = job.outputs.all()
    client = as_user(rita)
    client.cookies["django_language"] = "ja"
    as_user(sam).get(reverse("jobs:review_output", args=[first.pk]))
    address = reverse("jobs:review_output", args=[first.pk]) + query
    pages = [client.get(address), client.get(reverse("jobs:review") + query, follow=True)]
    pages.append(client.post(address, {"verdict": "rejected"}))
    pages.append(client.post(address, {"verdict": "rejected", "reason": "crop"}, follow=True))
    pages.append(client.post(address, {"verdict": "approved"}))
    review.decide([second], rita, review.wish("approved"))
    pages.append(client.get(reverse("jobs:review") + query))
    pages.append(client.post(reverse("jobs:undo_review", args=[first.decisions.get().act]), follow=True))
    assert [english(page) for page in pages] == [set()] * len(pages)


@pytest.mark.parametrize("state", State.values)
def test_job_in_japanese_holds_no_english(japanese, job, state):
    put(job, state)
    assert english(japanese.get(job.get_absolute_url())) == set()


@pytest.mark.parametrize("reason", Reason.values)
def test_reasons_in_japanese_hold_no_english(japanese, job, reason):
    put(job, State.FAILED, reason=reason)
    for verb in Verb.values:
        job.note(verb, {"reason": reason})
    assert english(japanese.get(job.get_absolute_url())) == set()


def test_pages_of_a_result_in_japanese_hold_no_english(japanese, alice, job, make_job):
    other = make_job(alice, text="雪の写真を3枚")
    picture = job.outputs.first()
    pages = [
        picture.get_absolute_url(),
        f"/new/?from={job.pk}",
        f"/new/?output={picture.pk}",
        f"/compare/?job={other.pk}",
        *(f"/compare/?job={job.pk}&job={other.pk}&view={view}" for view in ("slider", "side", "flip")),
    ]
    assert {page: english(japanese.get(page)) for page in pages} == {page: set() for page in pages}


def test_pages_of_programs_in_japanese_hold_no_english(japanese, alice, webhook):
    token, _secret = ApiToken.objects.create(user=alice, name="夜間")
    address = reverse("jobs:webhook", args=[webhook.pk])
    pages = ["/tokens/", reverse("jobs:revoke_token", args=[token.pk]), "/webhooks/", address, f"{address}delete/"]
    assert {page: english(japanese.get(page)) for page in pages} == {page: set() for page in pages}


@pytest.mark.parametrize(
    ("address", "typed"),
    [
        ("/new/", {"text": "", "seed": "x", "image_size": "x", "sequential_image_generation_options": "0"}),
        (
            "/new/",
            {
                "text": "海" * 601,
                "sequential_image_generation_options": "2",
                "links": "https://127.0.0.1/a.png\nhttp://a.example/\nfile",
            },
        ),
        (
            "/new/",
            {
                "sequential_image_generation_options": "2",
                "images[0]": "picture:x",
                "images[1]": "output:x",
                "images[2]": "data:x",
                "images": png(9, 9),
            },
        ),
        ("/tokens/", {"name": "", "days": "9999"}),
        ("/webhooks/", {"name": "", "url": "http://a.example/"}),
        ("/password/", {"old_password": "x", "new_password1": "alice", "new_password2": "alice"}),
        ("/sign-in/forgotten/", {"email": "x"}),
    ],
)
def test_refusals_in_japanese_hold_no_english(japanese, settings, address, typed):
    settings.HAS_MAIL = True
    response = japanese.post(address, typed)
    assert "errors" in response.content.decode()
    assert english(response) == set()


def test_sign_in_in_japanese_holds_no_english(japanese, alice):
    japanese.logout()
    japanese.cookies["django_language"] = "ja"
    pages = [japanese.get("/sign-in/")]
    pages += [japanese.post("/sign-in/", {"username": "alice", "password": "x"}) for _time in range(11)]
    assert [page.status_code for page in pages[-2:]] == [429, 429]
    assert [english(page) for page in pages] == [set()] * len(pages)


def test_refusal_of_a_large_body_is_in_the_browsers_language():
    """It is given before a language is chosen; the thread still has that of its last request."""
    answers = [
        Client().post("/new/", CONTENT_LENGTH="999999999", headers={"Accept-Language": language}).content.decode()
        for language in ("ja", "en")
    ]
    assert answers == [
        "送信できる上限の150MBを超えています。",
        "This is more than 150 MB, the most that can be sent here.",
    ]


@pytest.mark.parametrize(
    "template", ["403.html", "403_csrf.html", "404.html", "500.html", "registration/password_reset_limited.html"]
)
def test_error_in_japanese_holds_no_english(template):
    with translation.override("ja"):
        page = render(None, template)
    assert english(page) == set()


def test_mail_in_japanese_holds_no_english(alice, mailoutbox):
    tasks.send_password_mail(alice.email, "ja")
    (mail,) = mailoutbox
    lines = {mail.subject, *mail.body.splitlines()}
    assert not any(line in UNTRANSLATED or ENGLISH.search(line) for line in lines)
    assert mail.subject == "Seedream Deskのパスワード再設定"
