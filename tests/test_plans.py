"""What pages ask of tables that grow is found by an index: the database's own plan says so, after ANALYZE."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from bench import fill
from bench.cases import all_cases
from jobs import health, querysets, sizes
from jobs.models import Job, Output, WebhookDelivery

from .plans import captured, whole_reads

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
    return [f"{step}: {sql}" for sql in dict.fromkeys(selects) for step in whole_reads(sql)]


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


def test_plan_names_what_it_reads_as_a_whole(filled):
    with captured() as asked:
        list(Output.objects.filter(size=7))
        list(Output.objects.filter(stored_at__gt=timezone.now() - timedelta(days=1)).order_by("size")[:5])
        list(Job.objects.order_by("-created_at", "-id")[:24])
    assert [bool(whole_reads(sql)) for sql in asked] == [True, False, False]
