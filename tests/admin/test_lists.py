"""The lists of the Django admin: what is found, filtered and dated, and that a page costs the same in any table."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobs import querysets
from jobs.admin import lists
from jobs.models import Job, JobEvent, Output, Picture, ReviewDecision, WebhookDelivery, WebhookEndpoint
from jobs.states import State, Verb

from .conftest import MODELS, listed, page_of

pytestmark = pytest.mark.django_db

LONG = ["job", "output", "reviewdecision", "jobevent", "picture", "webhookdelivery"]
LIMIT = lists.COUNT_LIMIT + 1


# Finding


def found(response):
    return [str(row) for row in response.context["cl"].result_list]


@pytest.mark.parametrize("typed", ["red barn", "id", "request"])
def test_jobs_are_found_by_words_and_ids(as_user, sam, finish, typed):
    job = finish(text="A red barn.")
    finish(text="A blue barn.")
    typed = {"id": str(job.pk), "request": job.request_id}.get(typed, typed)
    assert list(listed(as_user(sam), "job", q=typed).context["cl"].result_list) == [job]


@pytest.mark.parametrize("model", ["output", "reviewdecision", "jobevent"])
def test_what_belongs_to_jobs_is_found_by_their_prompts(as_user, sam, everything, model):
    everything(2)
    client = as_user(sam)
    every, some = listed(client, model), listed(client, model, q="barn 1")
    assert len(found(every)) == 2 * len(found(some)) > 0
    assert listed(client, model, q="nothing like it").context["cl"].result_count == 0


@pytest.mark.parametrize("model", ["output", "picture"])
def test_files_are_found_by_how_their_hash_begins(as_user, sam, finish, model):
    output = finish(2).outputs.first()
    Output.objects.filter(pk=output.pk).update(sha256="abcdef12" * 8)
    Picture.objects.update(sha256="abcdef12" * 8)
    client = as_user(sam)
    assert listed(client, model, q="ABCDEF1212").status_code == 200
    assert listed(client, model, q="abcdef12ab").context["cl"].result_count == 1
    assert listed(client, model, q="abcdef12ff").context["cl"].result_count == 0


def test_delivery_is_found_by_its_events_id(as_user, sam, everything):
    job = everything(2)
    assert found(listed(as_user(sam), "webhookdelivery", q=f"evt_{job.pk}")) == [f"job.created evt_{job.pk}"]


@pytest.mark.parametrize(
    ("model", "query", "count"),
    [
        ("job", {"state": "completed"}, 2),
        ("job", {"state": "failed"}, 1),
        ("job", {"reason": "model_failed"}, 1),
        ("job", {"reason": "gone"}, 0),
        ("job", {"optimize_prompt_options": "standard"}, 0),
        ("job", {"owner": "nobody"}, 3),
        ("job", {"picture": "no-id"}, 3),
        ("output", {"review": "rejected"}, 2),
        ("output", {"review": "approved"}, 0),
        ("reviewdecision", {"verdict": "rejected"}, 2),
        ("reviewdecision", {"verdict": "undone"}, 0),
        ("jobevent", {"verb": "rejected"}, 2),
        ("webhookdelivery", {"state": "pending"}, 2),
    ],
)
def test_lists_are_filtered(as_user, sam, everything, finish, model, query, count):
    everything(2)
    failed = finish(0)
    Job.objects.filter(pk=failed.pk).update(state=State.FAILED, reason="model_failed")
    query = {
        f"{name}__exact" if name in ("state", "review", "verdict", "verb") else name: query[name] for name in query
    }
    assert listed(as_user(sam), model, **query).context["cl"].result_count == count


def test_lists_are_filtered_by_person_reason_and_picture(as_user, sam, everything, alice, bob, rita):
    job = everything()
    client, picture, reason = as_user(sam), job.inputs.get().picture, ReviewDecision.objects.get().reason
    assert found(listed(client, "job", owner=alice.pk)) == [str(job)]
    assert found(listed(client, "job", picture=picture.pk)) == [str(job)]
    assert len(found(listed(client, "reviewdecision", reviewer=rita.pk, reason=reason.pk))) == 1
    offered = listed(client, "job").context["cl"].filter_specs
    assert [choice for spec in offered if spec.title == "owner" for choice in spec.lookup_choices] == [
        (str(alice.pk), "alice")
    ]


# Dates


@pytest.fixture
def dated(alice, make_job):
    for at in ("2024-12-31 23:59", "2025-03-01 00:00", "2025-03-09 12:00", "2025-11-30 12:00"):
        job = make_job(alice, text=at)
        Job.objects.filter(pk=job.pk).update(created_at=datetime.fromisoformat(f"{at}+00:00"))


@pytest.mark.parametrize(
    ("query", "titles", "count"),
    [
        ({}, ["2024", "2025"], 4),
        ({"year": 2025}, ["March 2025", "November 2025"], 3),
        ({"year": 2025, "month": 3}, ["March 1", "March 9"], 2),
        ({"year": 2025, "month": 3, "day": 9}, ["March 9"], 1),
        ({"year": 2023}, [], 0),
    ],
)
def test_dates_lead_to_their_rows(as_user, sam, dated, query, titles, count):
    response = listed(as_user(sam), "job", **{f"created_at__{part}": query[part] for part in query})
    changes = response.context["cl"]
    assert ([choice["title"] for choice in changes.dates["choices"]], changes.result_count) == (titles, count)
    assert all(str(title) in response.content.decode() for title in titles)


def test_dates_of_one_month_begin_with_its_days(as_user, sam, alice, make_job):
    make_job(alice)
    Job.objects.update(created_at=datetime(2025, 3, 9, tzinfo=UTC))
    dates = listed(as_user(sam), "job").context["cl"].dates
    assert ([choice["title"] for choice in dates["choices"]], dates["back"]["title"]) == (["March 9"], "2025")


def test_dates_are_those_of_the_sites_time_zone(as_user, sam, dated, settings):
    settings.TIME_ZONE = "Asia/Tokyo"
    changes = listed(as_user(sam), "job").context["cl"]
    assert [choice["title"] for choice in changes.dates["choices"]] == ["January 2025", "March 2025", "November 2025"]


def test_dates_keep_the_filters(as_user, sam, dated):
    dates = listed(as_user(sam), "job", state__exact="pending", created_at__year=2025).context["cl"].dates
    assert dates["choices"][0]["link"] == "?created_at__month=3&created_at__year=2025&state__exact=pending"
    assert dates["back"]["link"] == "?state__exact=pending"


# What a page costs


def queries(client, model, **query):
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert listed(client, model, **query).status_code == 200
    return [entry["sql"] for entry in captured.captured_queries]


@pytest.mark.parametrize("model", MODELS)
def test_list_asks_the_database_equally_often_for_more(as_user, sam, everything, model):
    client = as_user(sam)
    everything()
    few = queries(client, model)
    everything(30)
    assert len(queries(client, model)) == len(few)


@pytest.mark.parametrize("kind", [Job, Output, ReviewDecision, JobEvent, Picture, WebhookDelivery, WebhookEndpoint])
def test_page_asks_the_database_equally_often_for_more(as_user, sam, everything, finish, kind):
    client, rows = as_user(sam), []
    for count in (1, 9):
        everything()
        job = finish(count)
        for number in range(count):
            job.note(Verb.STORED, {"position": number}, by=sam)
        rows.append(kind.objects.order_by("pk").last() if kind is not Job else job)
    page_of(client, rows[0])  # what Django remembers of its own tables from then on
    with CaptureQueriesContext(connection) as first:
        page_of(client, rows[0])
    with CaptureQueriesContext(connection) as second:
        page_of(client, rows[1])
    assert len(first) == len(second)


@pytest.mark.parametrize("model", LONG)
def test_list_neither_counts_nor_gathers_a_table(as_user, sam, everything, model, monkeypatch):
    monkeypatch.setattr(lists.Rows, "list_per_page", 2)
    everything(3)
    table = f'"jobs_{model}"'
    asked = [sql for sql in queries(as_user(sam), model) if table in sql]
    whole = [sql for sql in asked if re.search(r"COUNT\(|DISTINCT|MIN\(|MAX\(", sql) and f"LIMIT {LIMIT}" not in sql]
    assert (whole, all("LIMIT" in sql or "EXISTS" in sql for sql in asked)) == ([], True)
    assert any("COUNT(" in sql for sql in asked)


def test_list_says_that_there_are_more_than_it_counts(as_user, sam, everything, monkeypatch):
    everything(3)
    monkeypatch.setattr(lists, "COUNT_LIMIT", 2)
    response = listed(as_user(sam), "job")
    assert (response.context["cl"].result_count, "There are more" in response.content.decode()) == (2, True)


def test_list_that_counts_all_says_nothing(as_user, sam, everything):
    everything(3)
    response = listed(as_user(sam), "job")
    assert (response.context["cl"].result_count, "There are more" in response.content.decode()) == (3, False)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="how SQLite plans is what this reads")
@pytest.mark.parametrize("model", LONG)
def test_list_is_read_in_the_order_of_an_index(as_user, sam, everything, model, monkeypatch):
    monkeypatch.setattr(lists.Rows, "list_per_page", 2)
    everything(3)
    for sql in queries(as_user(sam), model):
        if f'FROM "jobs_{model}"' in sql and "ORDER BY" in sql:
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
                plan = [row[-1] for row in cursor.fetchall()]
            assert not [step for step in plan if "TEMP B-TREE" in step or step == f"SCAN jobs_{model}"], sql


def test_jobs_of_a_common_word_come_in_the_order_of_the_index(as_user, sam, everything, monkeypatch):
    everything(3)
    monkeypatch.setattr(querysets, "RARE", 1)
    changes = listed(as_user(sam), "job", q="barn").context["cl"]
    assert changes.queryset.query.order_by == ("-found__rowid",)
    assert found(listed(as_user(sam), "job", q="barn"))[0].startswith("A barn 2.")


def test_hash_that_is_none_finds_nothing(finish):
    finish()
    assert not lists.with_hash(Output.objects.all(), "%").exists()


def test_day_is_found_in_which_something_was_stored(as_user, sam, finish):
    output = finish().outputs.get()
    Output.objects.update(stored_at=output.stored_at - timedelta(days=400))
    day = output.stored_at - timedelta(days=400)
    assert str(day.day) in listed(as_user(sam), "output").context["cl"].dates["choices"][0]["title"]
