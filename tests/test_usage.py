"""What the edits of a month cost: days and months in the site's time zone, unknown charges said, never counted as 0."""

import csv
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.urls import reverse

from jobs import chart, usage
from jobs.models import Job, Output
from jobs.states import Reason, State

pytestmark = pytest.mark.django_db

NOVEMBER = datetime(2025, 11, 10, 12, tzinfo=UTC)
OCTOBER = datetime(2025, 10, 10, 12, tzinfo=UTC)


def run(owner, at=NOVEMBER, *, images=2, state=State.COMPLETED, estimate="0.06", cost="0.06", **more):
    """A job as it ended."""
    job = Job.objects.create(
        owner=owner,
        created_at=at,
        finished_at=at if state in (State.COMPLETED, State.FAILED, State.CANCELLED) else None,
        state=state,
        request_id=f"request-{Job.objects.count()}",
        text="Make 2 images of it.",
        sequential_image_generation_options=2,
        image_size="2048:2048 (1:1)",
        estimate_usd=estimate,
        cost_usd=cost,
        **{"optimize_prompt_options": "fast", **more},
    )
    Output.objects.bulk_create(
        Output(job=job, position=at, kind="image", sha256="0" * 64, content_type="image/png", size=1)
        for at in range(images)
    )
    return job


def shown(client, month="2025-11"):
    return client.get(reverse("jobs:usage"), {"month": month})


def cells(response):
    return list(csv.reader(response.content.decode("utf-8-sig").splitlines()))


def test_usage_adds_up_the_month(as_user, alice, bob):
    run(alice, cost="0.03")
    run(bob, estimate="0.10", cost="0.10", images=3)
    run(alice, at=OCTOBER)
    total = shown(as_user(alice)).context["total"]
    assert (total.jobs, total.images) == (2, 5)
    assert (total.estimated, total.charged) == (Decimal("0.16"), Decimal("0.13"))


def test_usage_counts_images_once_for_each_job(as_user, alice):
    """Joined to its outputs, a job of five pictures would be charged five times."""
    run(alice, images=5, cost="0.15")
    total = shown(as_user(alice)).context["total"]
    assert (total.jobs, total.images, total.charged, total.per_image) == (1, 5, Decimal("0.15"), Decimal("0.03"))


@pytest.mark.parametrize(
    ("state", "reason", "unknown"),
    [
        (State.COMPLETED, "", 1),
        (State.IN_PROGRESS, "", 1),
        (State.UNCONFIRMED, "", 1),
        (State.FAILED, Reason.MODEL_FAILED, 1),
        (State.FAILED, Reason.WRITTEN_OFF, 1),
        (State.FAILED, Reason.REFUSED, 0),
        (State.FAILED, Reason.UNREACHABLE, 0),
        (State.CANCELLED, "", 0),
        (State.PENDING, "", 0),
    ],
)
def test_usage_says_whose_charge_is_not_known(as_user, alice, state, reason, unknown):
    run(alice, state=state, reason=reason, cost=None)
    response = shown(as_user(alice))
    assert response.context["total"].uncharged == unknown
    assert ("What 1 job was charged is not known" in response.content.decode()) == bool(unknown)


def test_usage_shows_no_sum_where_no_charge_is_known(as_user, alice):
    run(alice, cost=None)
    response = shown(as_user(alice))
    assert response.context["total"].is_charge_known is False
    assert response.context["measure"] == "estimated"
    assert "$0.00" not in response.content.decode().split("</dl>", maxsplit=1)[0]


def test_usage_leaves_images_of_unknown_charge_out_of_the_price_of_one(as_user, alice):
    run(alice, images=2, cost="0.06")
    run(alice, images=10, cost=None)
    assert shown(as_user(alice)).context["total"].per_image == Decimal("0.03")


def test_usage_says_the_failed_share(as_user, alice):
    for state in (State.COMPLETED, State.COMPLETED, State.FAILED):
        run(alice, state=state, reason=Reason.MODEL_FAILED if state == State.FAILED else "")
    page = shown(as_user(alice)).content.decode()
    assert "33.3 %" in page
    assert "1 of 3 jobs" in page


def test_usage_takes_days_and_months_in_the_sites_time_zone(as_user, alice, settings):
    settings.TIME_ZONE = "Asia/Tokyo"
    run(alice, at=datetime(2025, 10, 31, 15, 30, tzinfo=UTC))  # half past midnight of 1 November in Tokyo
    assert [day for day, *_ in shown(as_user(alice)).context["days"]] == [date(2025, 11, 1)]
    assert shown(as_user(alice), "2025-10").context["total"].jobs == 0


def test_usage_compares_with_the_month_before(as_user, alice):
    run(alice, cost="0.15")
    run(alice, at=OCTOBER, cost="0.10")
    assert "+50 % against October" in shown(as_user(alice)).content.decode()


@pytest.mark.parametrize(("today", "count"), [(9, 0), (11, 1), (21, 2)])
def test_usage_compares_a_running_month_with_as_much_of_the_one_before(alice, today, count):
    run(alice, at=OCTOBER)
    run(alice, at=OCTOBER.replace(day=20))
    now = NOVEMBER.replace(day=today)
    assert usage.before(alice, date(2025, 11, 1), now).jobs == count


def test_usage_compares_a_month_that_is_over_with_the_whole_one_before(alice):
    run(alice, at=OCTOBER.replace(day=31))
    now = datetime(2025, 12, 1, tzinfo=UTC)
    assert usage.before(alice, date(2025, 11, 1), now).jobs == 1


def test_usage_shows_only_what_one_may_see(as_user, alice, bob, settings):
    settings.TEAM_VISIBILITY = "own"
    run(alice)
    run(bob)
    response = shown(as_user(bob))
    assert [name for name, _figures in response.context["people"]] == ["bob"]
    assert "alice" not in as_user(bob).get(reverse("jobs:usage_csv"), {"month": "2025-11"}).content.decode()


def test_usage_offers_the_months_that_have_jobs(as_user, alice):
    for month in (3, 7, 11):
        run(alice, at=NOVEMBER.replace(month=month))
    context = shown(as_user(alice), "2025-07").context
    assert context["months"] == [date(2025, 11, 1), date(2025, 7, 1), date(2025, 3, 1)]
    assert (context["previous"], context["next"]) == (date(2025, 3, 1), date(2025, 11, 1))


def test_usage_of_an_empty_month_says_so(as_user, alice):
    page = shown(as_user(alice)).content.decode()
    assert "No edits in this month" in page
    assert "<svg viewBox" not in page.split("<main", maxsplit=1)[1]


@pytest.mark.parametrize("month", ["x", "2025-13", "2025-1", "1999-12", "2025-11-01", "９９９９-01"])
@pytest.mark.parametrize("page", ["jobs:usage", "jobs:usage_csv"])
def test_usage_of_a_month_that_is_none_is_unknown(as_user, alice, page, month):
    assert as_user(alice).get(reverse(page), {"month": month}).status_code == 404


def test_usage_asks_the_database_equally_often_for_more(as_user, alice, bob, django_assert_num_queries):
    client = as_user(alice)
    run(alice)
    shown(client)  # which counts the days: see test_usage_days.py
    # session, user, permissions, provider, worker, first and last, months, names; of the month and the one before what
    # changed, and what is kept
    with django_assert_num_queries(13):
        shown(client)
    for day in range(1, 25):
        run(bob if day % 2 else alice, at=NOVEMBER.replace(day=day, month=day % 11 + 1))
    shown(client)
    with django_assert_num_queries(13):
        shown(client)


def test_usage_says_that_the_sandboxs_money_is_none(as_user, alice):
    run(alice)
    assert "No real money was charged" in shown(as_user(alice)).content.decode()


def test_csv_has_a_row_for_each_day_and_person(as_user, alice, bob):
    run(alice, optimize_prompt_options="standard")
    run(alice)
    run(bob, cost=None)
    run(alice, at=NOVEMBER.replace(day=11), state=State.FAILED, reason=Reason.REFUSED, cost=None, images=0)
    response = as_user(alice).get(reverse("jobs:usage_csv"), {"month": "2025-11"})
    assert response["Content-Disposition"] == 'attachment; filename="usage-2025-11.csv"'
    assert [",".join(row) for row in cells(response)] == [
        "day,person,username,jobs,failed_jobs,images,"
        "estimated_usd,jobs_without_estimate,charged_usd,jobs_without_known_charge",
        "2025-11-10,alice,alice,2,0,4,0.1200,0,0.1200,0",
        "2025-11-10,bob,bob,1,0,2,0.0600,0,,1",
        "2025-11-11,alice,alice,1,1,0,0.0600,0,0.0000,0",
    ]


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)"])
def test_csv_lets_no_name_be_a_formula(as_user, alice, name):
    alice.first_name, alice.last_name = name, ""
    alice.save()
    run(alice)
    response = as_user(alice).get(reverse("jobs:usage_csv"), {"month": "2025-11"})
    assert cells(response)[1][1] == f"'{name}"


def test_csv_has_points_in_every_language(as_user, alice, settings):
    settings.LANGUAGE_CODE = "ja"
    run(alice, cost="1234.5000", estimate="1234.5000")
    row = cells(as_user(alice).get(reverse("jobs:usage_csv"), {"month": "2025-11"}))[1]
    assert (row[0], row[6], row[8]) == ("2025-11-10", "1234.5000", "1234.5000")


@pytest.mark.parametrize(
    ("highest", "step"),
    [("0", "1"), ("0.03", "0.01"), ("0.9", "0.25"), ("3.1", "1"), ("4", "1"), ("4.01", "2"), ("187", "50")],
)
def test_axis_has_round_steps(highest, step):
    assert chart.round_step(Decimal(highest)) == Decimal(step)


def test_bars_are_stacked_to_their_sum():
    (bar,) = chart.stacked([(Decimal(1), Decimal(3))]).bars
    (_standard, y1, height1), (_fast, y2, height2) = bar.parts
    assert (y1, height1, y2, height2) == ("138.00", "42.00", "12.00", "126.00")
