"""How the review goes: what waits, what was decided, in which time, who agrees; on the usage page, too."""

import csv
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from jobs import review, review_figures
from jobs.models import Job, Output, ReviewDecision
from jobs.states import State

pytestmark = pytest.mark.django_db

NOVEMBER = datetime(2025, 11, 10, 12, tzinfo=UTC)
MONTH = datetime(2025, 11, 1, tzinfo=UTC), datetime(2025, 12, 1, tzinfo=UTC)


@pytest.fixture
def finish():
    """An edit that ended then, with so many pictures."""

    def make(owner, count=1, at=NOVEMBER, state=State.COMPLETED):
        ended = {"state": state, "finished_at": None if state == State.MIRRORING else at}
        parameters = {"text": "Make it.", "sequential_image_generation_options": count, "image_size": "2048:2048 (1:1)"}
        request_id = f"request-{Job.objects.count()}"
        job = Job.objects.create(owner=owner, created_at=at, request_id=request_id, **ended, **parameters)
        file = {"kind": "image", "sha256": "0" * 64, "content_type": "image/png", "size": 1}
        Output.objects.bulk_create(
            Output(job=job, position=at, stored_at=job.created_at, **file) for at in range(count)
        )
        return job

    return make


@pytest.fixture
def decide():
    """So many minutes after the edit had ended; returns the act."""

    def make(output, by, verdict="approved", minutes=10):
        output = Output.objects.select_related("job").get(pk=output.pk)
        wish = review.wish(verdict, "crop" if verdict == "rejected" else "")
        outcome = review.decide([output], by, wish)
        at = output.job.finished_at + timedelta(minutes=minutes)
        ReviewDecision.objects.filter(act=outcome.act).update(at=at)
        return outcome.act

    return make


@pytest.fixture
def rob(reviewers):
    """Reviews as well."""
    user = User.objects.create_user("rob", password="rob's secret")
    user.groups.add(reviewers)
    return user


def of_month(user):
    return review_figures.of(review_figures.verdicts(user, *MONTH))


def person(figures, name):
    return dict(figures.people)[name]


# What was decided


def test_verdicts_are_counted_by_reviewer_the_most_active_first(alice, rita, rob, finish, decide):
    first, second, third = finish(alice, 3).outputs.all()
    decide(first, rob, "rejected")
    decide(second, rita)
    decide(third, rita, "rejected")
    figures = of_month(rita)
    assert (figures.decided, figures.approved, figures.rejected, figures.approved_percent) == (3, 1, 2, 33)
    assert [(name, share.decided, share.approved) for name, share in figures.people] == [("rita", 2, 1), ("rob", 1, 0)]


def test_verdicts_that_were_taken_back_count_nowhere(alice, rita, rob, finish, decide):
    output = finish(alice).outputs.get()
    decide(output, rita, minutes=10)
    review.undo(decide(output, rob, "rejected", minutes=20), rob)
    figures = of_month(rita)
    assert (figures.decided, figures.replaced, figures.shared, figures.seconds) == (1, 0, 0, 600)
    assert [name for name, _share in figures.people] == ["rita"]


def test_verdicts_of_other_months_do_not_count(alice, rita, finish, decide):
    decide(finish(alice, at=datetime(2025, 10, 31, 23, 45, tzinfo=UTC)).outputs.get(), rita, minutes=14)
    decide(finish(alice, at=datetime(2025, 10, 31, 23, 45, tzinfo=UTC)).outputs.get(), rita, minutes=15)
    decide(finish(alice, at=datetime(2025, 11, 30, 23, 45, tzinfo=UTC)).outputs.get(), rita, minutes=15)
    assert of_month(rita).decided == 1


def test_replaced_are_the_verdicts_that_another_person_came_after(alice, rita, rob, finish, decide):
    first, second = finish(alice, 2).outputs.all()
    decide(first, rita, minutes=1)
    decide(first, rob, minutes=2)
    decide(second, rita, minutes=1)
    decide(second, rita, "rejected", minutes=2)  # a change of one's own mind
    figures = of_month(rita)
    assert (person(figures, "rita").replaced, person(figures, "rob").replaced, figures.replaced) == (1, 0, 1)


def test_nothing_decided_is_no_share_of_anything(rita):
    figures = of_month(rita)
    assert (figures.decided, figures.approved_percent, figures.agreement_percent, figures.time) == (0, 0, None, "")


# Agreement


@pytest.mark.parametrize(
    ("verdicts", "shared", "agreed"),
    [
        ([("rita", "approved")], 0, 0),
        ([("rita", "approved"), ("rita", "rejected")], 0, 0),
        ([("rita", "approved"), ("rob", "approved")], 1, 1),
        ([("rita", "approved"), ("rob", "rejected")], 1, 0),
        ([("rita", "approved"), ("rob", "rejected"), ("rita", "rejected")], 1, 1),
        ([("rita", "rejected"), ("rob", "rejected"), ("rita", "approved")], 1, 0),
        ([("rita", "approved"), ("rob", "approved"), ("sam", "rejected")], 1, 0),
    ],
)
def test_agreement_is_of_the_latest_verdicts_of_all(alice, sam, finish, decide, request, verdicts, shared, agreed):
    output = finish(alice).outputs.get()
    for minutes, (name, verdict) in enumerate(verdicts):
        request.getfixturevalue("rita")
        by = request.getfixturevalue(name)
        decide(output, by, verdict, minutes)
    figures = of_month(sam)
    assert (figures.shared, figures.agreed) == (shared, agreed)


def test_agreement_is_a_share_of_pictures(alice, rita, rob, finish, decide):
    for number, output in enumerate(finish(alice, 3).outputs.all()):
        decide(output, rita, minutes=1)
        decide(output, rob, "rejected" if number else "approved", minutes=2)
    assert of_month(rita).agreement_percent == 33


def test_agreement_of_a_month_leaves_out_what_was_decided_later(alice, rita, rob, finish, decide):
    output = finish(alice).outputs.get()
    decide(output, rita, minutes=1)
    decide(output, rob, minutes=2)
    decide(output, rita, "rejected", minutes=60 * 24 * 30)
    assert of_month(rita).agreement_percent == 100


# Times


def test_time_is_the_median_from_the_end_to_the_first_verdict(alice, rita, rob, finish, decide):
    outputs = list(finish(alice, 4).outputs.all())
    for output, minutes in zip(outputs, (1, 2, 4, 60), strict=True):
        decide(output, rita, minutes=minutes)
        decide(output, rob, minutes=minutes + 500)  # not the first
    figures = of_month(rita)
    assert (figures.seconds, person(figures, "rita").seconds, person(figures, "rob").seconds) == (180, 180, None)
    assert (figures.time, person(figures, "rob").time) == ("3 min", "")


def test_first_verdict_after_one_was_taken_back_is_the_new_first(alice, rita, finish, decide):
    output = finish(alice).outputs.get()
    review.undo(decide(output, rita, minutes=1), rita)
    decide(output, rita, minutes=5)
    assert of_month(rita).seconds == 300


def test_times_are_of_the_newest_verdicts(alice, rita, finish, decide, monkeypatch):
    monkeypatch.setattr(review_figures, "TIMED", 2)
    for minutes, output in zip((100, 101, 1), finish(alice, 3).outputs.all(), strict=True):
        decide(output, rita, minutes=minutes)
    figures = of_month(rita)
    assert (figures.seconds, figures.is_of_newest) == (6030, True)


@pytest.mark.parametrize(("seconds", "words"), [(40, "40 s"), (2280, "38 min"), (5400, "1 hour"), (180_000, "2 days")])
def test_times_are_told_as_people_do(seconds, words):
    assert review_figures.in_words(seconds).replace("\xa0", " ") == words


# What waits


def test_waiting_is_what_nobody_decided_about(alice, rita, finish, decide):
    first, _second = finish(alice, 2).outputs.all()
    finish(alice, at=NOVEMBER + timedelta(days=1))
    finish(alice, state=State.MIRRORING)
    decide(first, rita)
    waiting = review_figures.waiting(rita)
    assert (waiting.number, waiting.has_more, waiting.since) == (2, False, NOVEMBER)


def test_waiting_is_counted_to_a_limit(alice, rita, finish, monkeypatch):
    monkeypatch.setattr(review_figures, "WAITING_LIMIT", 2)
    finish(alice, 5)
    waiting = review_figures.waiting(rita)
    assert (waiting.number, waiting.has_more) == (2, True)


def test_nothing_waits_where_all_is_decided(rita):
    assert review_figures.waiting(rita) == review_figures.Waiting(0, None)


def test_today_counts_from_midnight_on(alice, rita, finish):
    outputs = finish(alice, 2).outputs.all()
    review.decide(outputs, rita, review.wish("approved"))
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    earlier = ReviewDecision.objects.first()
    ReviewDecision.objects.filter(pk=earlier.pk).update(at=midnight - timedelta(seconds=1))
    assert review_figures.today(rita) == 1


def test_lately_is_the_last_thirty_days(alice, rita, finish):
    outputs = finish(alice, 2).outputs.all()
    review.decide(outputs, rita, review.wish("approved"))
    ReviewDecision.objects.filter(output=outputs[0]).update(at=timezone.now() - timedelta(days=30, minutes=1))
    assert review_figures.lately(rita).decided == 1


# On the review page


def test_review_page_tells_todays_verdicts_and_those_of_the_last_days(as_user, alice, rita, rob, finish):
    first, second = finish(alice, 2, at=timezone.now() - timedelta(hours=2)).outputs.all()
    review.decide([first], rob, review.wish("approved"))
    page = as_user(rita).get(reverse("jobs:review_output", args=[second.pk])).content.decode()
    told = page.split('class="review-figures"')[1]
    assert all(words in told for words in ("1 verdict today", "100 % approved", "rob", "2\xa0hours"))


# On the usage page


def shown(client, month="2025-11"):
    return client.get(reverse("jobs:usage"), {"month": month})


def cells(client, month="2025-11"):
    response = client.get(reverse("jobs:usage_review_csv"), {"month": month})
    assert response["Content-Disposition"] == f'attachment; filename="review-{month}.csv"'
    return list(csv.reader(response.content.decode("utf-8-sig").splitlines()))


def test_usage_tells_how_the_review_of_the_month_went(as_user, alice, rita, rob, finish, decide):
    first, second = finish(alice, 2).outputs.all()
    decide(first, rita, minutes=10)
    decide(first, rob, "rejected", minutes=20)
    decide(second, rita, minutes=30)
    page = shown(as_user(alice)).content.decode().split('id="review"')[1]
    rows = re.findall(r"<tr>(.*?)</tr>", page, re.DOTALL)[1:]
    assert "67 % approved" in page
    assert [" ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in rows] == [
        "rita 2 100 % 20 min 1",
        "rob 1 0 % – 0",
    ]


def test_usage_keeps_how_the_review_went_for_a_while(as_user, alice, rita, finish, decide):
    client, (first, second) = as_user(alice), finish(alice, 2).outputs.all()
    for output in (first, second):
        decide(output, rita)
        assert shown(client).context["review"].decided == 1
    assert cells(client)[1][3] == "2"


def test_usage_without_verdicts_says_nothing_of_review(as_user, alice, finish):
    finish(alice)
    assert 'id="review"' not in shown(as_user(alice)).content.decode()


def test_usage_of_the_running_month_says_what_waits(as_user, alice, finish):
    finish(alice, 2, at=timezone.now() - timedelta(days=3))
    page = shown(as_user(alice), "").content.decode().split('id="review"')[1]
    assert "Waiting now" in page
    assert "the oldest for 3\xa0days" in page


def test_usage_shows_the_verdicts_of_a_month_without_edits(as_user, alice, rita, finish, decide):
    decide(finish(alice).outputs.get(), rita, minutes=60 * 24 * 30)
    page = shown(as_user(alice), "2025-12").content.decode()
    assert "No edits in this month" in page
    assert "rita" in page.split('id="review"')[1]


def test_usage_shows_members_the_review_of_what_they_may_see(as_user, alice, bob, rita, finish, decide, settings):
    settings.TEAM_VISIBILITY = "own"
    decide(finish(alice).outputs.get(), rita)
    decide(finish(bob, 2).outputs.first(), rita, "rejected")
    assert [shown(as_user(user)).context["review"].decided for user in (alice, bob, rita)] == [1, 1, 2]
    assert [row[4:6] for row in cells(as_user(bob))[1:]] == [["0", "1"]]
    assert [review_figures.waiting(user).count for user in (alice, bob, rita)] == [0, 1, 1]


def test_csv_has_a_row_for_each_day_and_reviewer(as_user, alice, rita, rob, finish, decide):
    first, second = finish(alice, 2).outputs.all()
    later = finish(alice, at=NOVEMBER + timedelta(days=1)).outputs.get()
    decide(first, rita, minutes=10)
    decide(first, rob, "rejected", minutes=20)
    decide(second, rob, minutes=30)
    decide(later, rob, minutes=1)
    assert [",".join(row) for row in cells(as_user(alice))] == [
        "day,reviewer,username,decided,approved,rejected,replaced_by_others,median_seconds_to_first_verdict",
        "2025-11-10,rita,rita,1,1,0,1,600",
        "2025-11-10,rob,rob,2,1,1,0,1800",
        "2025-11-11,rob,rob,1,1,0,0,60",
    ]


def test_csv_lets_no_reviewers_name_be_a_formula(as_user, alice, rita, finish, decide):
    User.objects.filter(pk=rita.pk).update(first_name="=1+1", last_name="")
    decide(finish(alice).outputs.get(), rita)
    assert cells(as_user(alice))[1][1] == "'=1+1"


def test_figures_ask_the_database_equally_often_for_more(alice, rita, rob, finish, decide, django_assert_num_queries):
    decide(finish(alice).outputs.get(), rita)
    with django_assert_num_queries(3):
        of_month(alice)
    for output in finish(alice, 20).outputs.all():
        decide(output, rita, minutes=1)
        decide(output, rob, minutes=2)
    with django_assert_num_queries(3):
        of_month(alice)
