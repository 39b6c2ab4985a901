"""Days that are over are counted once; whatever changes one of their edits has that day counted again, and no other."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from jobs import lifecycle, usage, usage_days
from jobs.models import Job, LateChange, Output, UsageDay
from jobs.states import Reason, State

from .test_usage import NOVEMBER, run

pytestmark = pytest.mark.django_db
MONTH = date(2025, 11, 1)


def figures(user, month=MONTH):
    return usage.Figures.of(usage.grouped(user, month))


def counted_days(user):
    """How many days are counted for a look at the month."""
    with CaptureQueriesContext(connection) as queries:
        usage.grouped(user, MONTH)
    return sum("COUNT(" in query["sql"] for query in queries)


def test_usage_counts_days_that_are_over_once(alice):
    run(alice)
    assert [counted_days(alice), counted_days(alice)] == [30, 0]


def test_usage_counts_only_the_day_again_that_changed(alice):
    run(alice)
    figures(alice)
    run(alice, at=NOVEMBER + timedelta(days=2))
    assert [counted_days(alice), counted_days(alice)] == [1, 0]


def store_another(job):
    file = {"kind": "image", "sha256": "0" * 64, "content_type": "image/png", "size": 1}
    Output.objects.create(job=job, position=2, **file)


def change_past_the_program(job):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE jobs_job SET cost_usd = 1.5")


CHANGES = {
    "a late charge": (lambda job: Job.objects.update(cost_usd="0.09"), (1, 2, Decimal("0.09"), 0)),
    "no charge after all": (lambda job: Job.objects.update(cost_usd=None), (1, 2, Decimal(0), 1)),
    "failed": (lambda job: Job.objects.update(state=State.FAILED, reason=Reason.REFUSED), (1, 2, Decimal("0.06"), 0)),
    "a picture stored later": (store_another, (1, 3, Decimal("0.06"), 0)),
    "a picture forgotten": (lambda job: job.forget_output(0), (1, 1, Decimal("0.06"), 0)),
    "deleted": (lambda job: job.delete(), (0, 0, Decimal(0), 0)),
    "restored": (lambda job: run(job.owner), (2, 4, Decimal("0.12"), 0)),
    "to another month": (lambda job: Job.objects.update(created_at=timezone.now()), (0, 0, Decimal(0), 0)),
    "an older release": (change_past_the_program, (1, 2, Decimal("1.5"), 0)),
}


@pytest.mark.parametrize("name", CHANGES)
def test_usage_is_right_after_each_change(alice, name):
    change, expected = CHANGES[name]
    job = run(alice)
    figures(alice)
    change(job)
    now = figures(alice)
    assert (now.jobs, now.images, now.charged, now.uncharged) == expected


def test_usage_tells_both_days_of_an_edit_that_moves(alice):
    run(alice)
    figures(alice)
    Job.objects.update(created_at=NOVEMBER + timedelta(days=2))
    assert [row["day"] for row in usage.grouped(alice, MONTH)] == [date(2025, 11, 12)]


def test_usage_does_not_believe_what_was_counted_before_a_change(alice):
    """Who looked at the same time kept it after the change, and counted before."""
    run(alice)
    begin = usage_days.begin_of(NOVEMBER.date())
    UsageDay.objects.create(begin=begin, end=begin + timedelta(days=1), changes=0, rows=[])
    assert figures(alice).jobs == 1


def test_usage_keeps_nothing_of_a_day_that_goes_on(alice):
    run(alice, at=timezone.now())
    today = timezone.localdate()
    assert figures(alice, today.replace(day=1)).jobs == 1
    assert not UsageDay.objects.filter(begin__gte=usage_days.begin_of(today)).exists()


def test_usage_keeps_nothing_of_a_day_that_the_comparison_cuts(alice):
    run(alice)
    usage.before(alice, date(2025, 12, 1), datetime(2025, 12, 10, 10, tzinfo=UTC))
    assert UsageDay.objects.order_by("-begin")[0].end == usage_days.begin_of(NOVEMBER.date())


def test_edits_that_are_under_way_write_nothing_for_the_usage(alice):
    job = run(alice, at=timezone.now(), state=State.IN_PROGRESS)
    Job.objects.filter(pk=job.pk).update(cost_usd="0.09")
    assert not LateChange.objects.exists()


def test_usage_follows_the_sites_time_zone(alice, settings):
    run(alice, at=datetime(2025, 11, 10, 20, tzinfo=UTC))
    days = []
    for settings.TIME_ZONE in ("UTC", "Asia/Kolkata", "America/St_Johns"):
        days += [row["day"].day for row in usage.grouped(alice, MONTH)]
    assert days == [10, 11, 10]


@pytest.mark.parametrize(("first", "hours"), [(date(2025, 10, 26), 25), (date(2025, 3, 30), 23)])
def test_usage_has_every_hour_of_days_whose_clocks_change(alice, settings, first, hours):
    settings.TIME_ZONE = "Europe/Berlin"
    begin = usage_days.begin_of(first)
    for hour in range(hours + 1):
        run(alice, at=begin.astimezone(UTC) + timedelta(hours=hour), images=0)
    for _look in range(2):
        rows = usage_days.rows(first, usage_days.begin_of(first + timedelta(days=2)))
        assert [(row["day"], row["jobs"]) for row in rows] == [(first, hours), (first + timedelta(days=1), 1)]


def test_usage_that_a_teammate_had_counted_shows_only_what_one_may_see(alice, bob, settings):
    run(alice)
    run(bob, cost="0.03")
    assert figures(alice).jobs == 2
    settings.TEAM_VISIBILITY = "own"
    assert (figures(bob).jobs, figures(bob).charged) == (1, Decimal("0.03"))


def test_usage_adds_up_exactly(alice):
    for _edit in range(30):
        run(alice, cost="0.1000", images=0)
    for _look in range(2):
        assert figures(alice).charged == Decimal("3.0000")


def test_usage_day_that_was_kept_by_a_clock_ahead_is_counted_again():
    begin = usage_days.begin_of(timezone.localdate())
    UsageDay.objects.create(begin=begin, end=begin + timedelta(days=2), changes=0, rows=[])
    lifecycle.mend_times()
    assert not UsageDay.objects.exists()
