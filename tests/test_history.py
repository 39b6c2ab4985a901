"""The history page: found, filtered, in days, a page at a time, and quick."""

from datetime import timedelta

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape

from jobs.models import Job, Output
from jobs.states import State
from jobs.views import history

pytestmark = pytest.mark.django_db


@pytest.fixture
def look(as_user, alice):
    """Open the history as Alice, with a query or at an address of one of its links."""
    client = as_user(alice)

    def get(query="", status=200):
        path = query if query.startswith("/") else f"{reverse('jobs:history')}?{query}"
        response = client.get(path)
        assert response.status_code == status
        return response

    return get


def shown(response):
    return [job.pk for _day, jobs in response.context["days"] for job in jobs]


def add_output(job, position, kind="image", **fields):
    fields = {"file": "x.png", "sha256": "0" * 64, "content_type": "image/png", "size": 1, **fields}
    return Output.objects.create(job=job, position=position, kind=kind, **fields)


def test_history_is_friendly_when_there_is_nothing_yet(look):
    page = look().content.decode()
    assert "No edits yet" in page
    assert reverse("jobs:new") in page


def test_history_says_what_was_not_found_and_offers_a_way_out(look, make_job, alice):
    make_job(alice)
    page = look("q=zeppelin&state=failed").content.decode()
    assert "Nothing found" in page
    assert "Failed · “zeppelin”" in page
    assert f'<a class="btn primary" href="{reverse("jobs:history")}">Show all edits</a>' in page


@pytest.mark.parametrize("query", ["", "q=images", "sort=oldest", "q=images&sort=oldest", "q=images&owner=me"])
@pytest.mark.parametrize("rare", [500, 0])
def test_pages_hold_24_and_lead_to_the_rest(look, alice, make_job, query, rare, monkeypatch):
    monkeypatch.setattr("jobs.querysets.RARE", rare)
    jobs = [make_job(alice).pk for _ in range(50)]
    first = look(query)
    second = look(first.context["next_url"])
    third = look(second.context["next_url"])
    assert [len(shown(response)) for response in (first, second, third)] == [24, 24, 2]
    assert [*shown(first), *shown(second), *shown(third)] == (jobs if "oldest" in query else jobs[::-1])
    assert third.context["next_url"] == ""


def test_paging_keeps_apart_jobs_of_one_moment(look, alice, make_job):
    for _ in range(30):
        make_job(alice)
    Job.objects.update(created_at=timezone.now())
    first = look()
    assert len({*shown(first), *shown(look(first.context["next_url"]))}) == 30


def test_paging_goes_on_though_the_last_job_was_deleted(look, alice, make_job):
    jobs = [make_job(alice) for _ in range(26)]
    first = look()
    Job.objects.filter(pk=shown(first)[-1]).delete()
    assert shown(look(first.context["next_url"])) == [jobs[1].pk, jobs[0].pk]


def test_paging_misses_and_repeats_nothing_while_jobs_come(look, alice, make_job):
    jobs = [make_job(alice).pk for _ in range(26)]
    first = look()
    make_job(alice)
    assert shown(look(first.context["next_url"])) == [jobs[1], jobs[0]]


@pytest.mark.parametrize("after", ["x", "1_x", "x_1", "99999999999999999999999_1", "_", "1", "%00"])
@pytest.mark.parametrize("query", ["", "q=images&"])
def test_history_refuses_a_place_that_is_none(look, alice, make_job, after, query, monkeypatch):
    monkeypatch.setattr("jobs.querysets.RARE", 0)
    make_job(alice)
    assert "There is no such place in the history." in str(look(f"{query}after={after}", status=404).context)


def test_filters_survive_paging(look, alice, make_job):
    for _ in range(25):
        make_job(alice, text="A car & a bus")
    url = look("q=car+%26&owner=me&state=&sort=oldest").context["next_url"]
    assert url.startswith("/?owner=me&q=car+%26&sort=oldest&after=")


def test_each_filter_that_is_on_can_be_taken_off(look, alice, make_job):
    make_job(alice)
    active = look("q=red+car&state=failed&since=2026-03-01&sort=oldest").context["active"]
    assert [(filter["label"], filter["url"]) for filter in active] == [
        ("Failed", "/?since=2026-03-01&q=red+car&sort=oldest"),
        ("From March 1, 2026", "/?state=failed&q=red+car&sort=oldest"),
        ("“red car”", "/?state=failed&since=2026-03-01&sort=oldest"),
    ]


def test_bad_filter_is_told_on_the_page(look, alice, make_job):
    job = make_job(alice)
    response = look("since=yesterday&state=sideways")
    page = response.content.decode()
    assert "<strong>From:</strong> Enter a valid date." in page
    assert "sideways is not one of the available choices." in page
    assert shown(response) == [job.pk]


def test_what_was_typed_is_shown_and_does_no_harm(look, alice, make_job):
    make_job(alice)
    typed = '"><script>alert(1)</script>'
    page = look(f"q={typed}").content.decode()
    assert escape(typed) in page
    assert typed not in page


def test_many_edits_are_counted_up_to_a_limit(look, alice, make_job, monkeypatch):
    monkeypatch.setattr(history, "COUNT_LIMIT", 24)
    for _ in range(25):
        make_job(alice)
    assert "More than 24 edits" in look().content.decode()


def test_tile_shows_the_first_picture_and_the_number_of_results(look, alice, make_job):
    job = make_job(alice)
    add_output(job, 0, "video")
    cover = add_output(job, 1, color="#123456", widths=[320, 640], width=64, height=48)
    add_output(job, 2)
    page = look().content.decode()
    assert f'srcset="{cover.srcset}"' in page
    assert 'fill="#123456"' in page
    assert '<span class="count">3<span class="vh"> results</span></span>' in page


def test_only_the_first_row_is_loaded_at_once(look, alice, make_job):
    for _ in range(8):
        add_output(make_job(alice), 0, width=64, height=48)
    page = look().content.decode()
    assert (page.count('fetchpriority="high"'), page.count('loading="lazy"')) == (1, 2)


def test_days_are_named_and_counted_by_the_local_clock(look, alice, make_job):
    now = timezone.now()
    for age in (0, 1, 400):
        Job.objects.filter(pk=make_job(alice).pk).update(created_at=now - timedelta(days=age))
    labels = [label for label, _jobs in look().context["days"]]
    assert labels[:2] == ["Today", "Yesterday"]
    assert len(labels) == 3


def test_day_is_named_once_over_two_pages(look, alice, make_job):
    for _ in range(25):
        make_job(alice)
    assert look(look().context["next_url"]).context["goes_on"] is True


def test_select_works_as_a_plain_form(look, alice, make_job):
    job = make_job(alice)
    page = look().content.decode()
    assert f'<input type="checkbox" name="job" value="{job.pk}">' in page
    assert f'<form id="bulk" method="get" action="{reverse("jobs:archive")}">' in page
    assert f'formaction="{reverse("jobs:compare")}"' in page


def test_nobody_finds_what_they_may_not_see(look, bob, make_job, settings):
    settings.TEAM_VISIBILITY = "own"
    job = make_job(bob, text="A car")
    assert [shown(look(query)) for query in ("", "q=car", f"q={job.pk}")] == [[], [], []]


@pytest.mark.parametrize("count", [1, 24])
@pytest.mark.parametrize(
    ("query", "queries"),
    [
        ("", 9),  # session, user, two of permissions, page, first outputs, owners, RunComfy, worker
        ("state=running&quality=fast&owner=me", 9),
        # and whether the word is rare, which makes no difference to SQLite
        ("q=images", 9 + (connection.vendor == "postgresql")),
        ("q=images+2", 9 + (connection.vendor == "postgresql")),
        ("q=images&owner=me", 11),  # and whether it is rare, and whether the filter leaves few
    ],
)
def test_history_costs_the_same_for_few_and_for_many(
    look, alice, make_job, django_assert_num_queries, count, query, queries, monkeypatch
):
    monkeypatch.setattr("jobs.querysets.RARE", 0)
    for _ in range(count):
        job = make_job(alice)
        add_output(job, 0)
        add_output(job, 1)
    look(query)
    with django_assert_num_queries(queries):
        look(query)


MAIN_LISTS = {
    "": "job_newest",
    "owner=me": "job_newest_of_owner",
    "state=failed": "job_newest_of_state",
    "quality=fast": "job_newest_of_quality",
    "since=2026-01-01&until=2026-02-01": "job_newest",
}


@pytest.mark.parametrize("sort", ["newest", "oldest"])
@pytest.mark.parametrize("query", MAIN_LISTS)
def test_list_is_read_from_an_index_without_sorting(rf, alice, make_job, query, sort):
    from jobs.filters import JobFilter

    place = f"{int(timezone.now().timestamp() * 1e6)}_{make_job(alice).pk}"
    request = rf.get(f"/?{query}&sort={sort}")
    request.user = alice
    jobs = JobFilter(request.GET, Job.objects.order_by("-created_at", "-id"), request=request).qs
    plan = explain(history.page_of(jobs, place))
    assert MAIN_LISTS[query] in plan
    assert "TEMP B-TREE" not in plan
    assert "Sort" not in plan


def explain(jobs):
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            # A table of one row is read whole; these say what is chosen for a large one.
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
    return jobs.explain()


def test_running_jobs_are_found_without_reading_the_others(rf, alice, make_job):
    make_job(alice)
    states = [State.PENDING, State.IN_QUEUE]
    plan = explain(Job.objects.filter(state__in=states).order_by("-created_at", "-id")[:24])
    assert "job_newest_of_state" in plan or connection.vendor == "postgresql"
