"""What pages ask of tables that grow is found by an index: the database's own plan says so, after ANALYZE."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db.models import F
from django.test import Client
from django.utils import timezone

from bench import fill
from bench.cases import all_cases
from jobs import health, querysets, sizes
from jobs.models import Job, Output, WebhookDelivery
from jobs.states import FOLLOWED, RUNNING
from jobs.views import history

from .plans import captured, indexes, whole_reads

pytestmark = pytest.mark.django_db
JOBS = 3500


@pytest.fixture
def filled(reviewers, settings, monkeypatch):
    """As a team fills it in two years; the cases find their people in it."""
    monkeypatch.setattr(querysets, "FEW", JOBS // 7)  # or the few that are counted would be more than there are
    settings.METRICS_TOKEN = "metrics"
    settings.API_RATES = settings.API_RATES | {"reads": 100_000}
    fill.fill(JOBS)


def problems(selects):
    return [f"{step}: {select}" for select in dict.fromkeys(selects) for step in whole_reads(select)]


def is_of_its_own(case):
    """The API has the history's filters, and further pages have the query of one: each again would ask the same."""
    return case.name.startswith("all") or (case.part != "API" and ", page" not in case.name)


def test_pages_read_no_growing_table_as_a_whole(filled):
    clients, selects = {}, []
    for user in ("person01", "person05", "staff"):
        clients[user] = Client()
        clients[user].force_login(User.objects.get(username=user))
    for case in filter(is_of_its_own, all_cases()):
        with captured() as asked:
            assert clients[case.user].get(case.url, follow=True).status_code in (200, 503)
        selects += asked
    assert len(selects) > 500
    assert problems(selects) == []


def test_drivers_and_sweeps_read_no_growing_table_as_a_whole(filled, settings):
    settings.RUNCOMFY_MAX_IN_FLIGHT = 10
    now, owner = timezone.now(), User.objects.get(username="person05")
    with captured() as selects:
        assert Job.objects.takeable(now).exists()
        assert Job.objects.idle(now).count() == 60
        assert Job.objects.lease("driver", 15, 100)
        assert Job.objects.renew_lease("driver", 15)
        assert not Job.objects.abandoned(now).exists()
        assert not Job.objects.undriven(now, 0).exists()
        assert Job.objects.next_turn(owner, now) in (0, 1)
        health.trouble()
        sizes.is_late()
        WebhookDelivery.objects.take(15, 10)
    assert len(selects) > 10
    assert problems(selects) == []


def test_few_jobs_of_many_are_not_looked_for_among_all(filled):
    """In the order of an index of all jobs, until enough of them are found."""
    newest, now = Job.objects.order_by("-created_at", "-id"), timezone.now()
    running = newest.filter(state__among=RUNNING)
    after = history.place(running.annotate(place=F("id"))[20])
    with captured() as asked:
        list(history.page_of(running, after))
        list(Job.objects.idle(now).order_by("created_at", "id")[:100])
        list(Job.objects.idle(now).filter(state__among=FOLLOWED).order_by("created_at", "id")[:100])
    assert [indexes(select) & {"job_newest", "job_newest_of_owner"} for select in asked] == [set(), set(), set()]


def test_plan_names_what_it_reads_as_a_whole(filled):
    with captured() as asked:
        list(Output.objects.filter(size=7))
        list(Output.objects.filter(stored_at__gt=timezone.now() - timedelta(days=1)).order_by("size")[:5])
        list(Job.objects.order_by("-created_at", "-id")[:24])
    assert [bool(whole_reads(select)) for select in asked] == [True, False, False]
