"""Which originals are due: by age, by verdict, and by who still needs them."""

from datetime import timedelta

import pytest
from django.utils import timezone

from jobs import intake, lifecycle, pictures, retention, review, sizes
from jobs.models import Job, Output, Picture
from tests.conftest import parameters, png
from tests.retention.conftest import days_pass, decide, finish, states

pytestmark = pytest.mark.django_db
EACH = {"approved": {"delete": 10}, "rejected": {"delete": 20}, "unreviewed": {"delete": 30}}


def due():
    """What every rule would take now, named as "rejected 1" or "inputs"."""
    now = timezone.now()
    found = {rule: retention.chosen(rule, now) for rule in retention.rules()}
    return [
        f"{rule.kind} {row.position + 1}" if rule.kind != "inputs" else "inputs"
        for rule in found
        for row in found[rule]
    ]


def test_nothing_is_due_without_rules(rules, done):
    days_pass(10_000)
    assert (retention.rules(), due()) == ([], [])


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (9, []),
        (11, ["approved 1"]),
        (21, ["approved 1", "rejected 2"]),
        (31, ["approved 1", "rejected 2", "unreviewed 3"]),
    ],
)
def test_outputs_are_due_by_verdict_and_age(rules, done, rita, days, expected):
    decide(done, rita, "approved", "rejected", "")
    rules(**EACH)
    days_pass(days)
    assert due() == expected


def test_age_counts_from_the_last_verdict(rules, done, rita):
    rules(**EACH)
    days_pass(40)
    decide(done, rita, "approved", "rejected", "")
    days_pass(15)
    assert due() == ["approved 1", "unreviewed 3"]


def test_verdict_that_was_taken_back_gives_time_anew(rules, done, rita):
    rules(unreviewed={"delete": 30})
    days_pass(40)
    act = review.decide([done.outputs.first()], rita, review.wish("approved")).act
    review.undo(act, rita)
    assert due() == ["unreviewed 2", "unreviewed 3"]


def test_inputs_are_due_after_their_own_days(rules, done):
    rules(inputs={"delete": 5})
    days_pass(8)
    assert due() == ["inputs"]


@pytest.mark.parametrize("state", ["pending", "unconfirmed", "mirroring"])
def test_live_job_keeps_everything(rules, done, state):
    rules(inputs={"delete": 5}, **EACH)
    days_pass(100)
    Job.objects.update(state=state, finished_at=None)
    assert due() == []


def test_held_job_keeps_everything(rules, done, alice):
    rules(inputs={"delete": 5}, **EACH)
    days_pass(100)
    lifecycle.hold(done, alice)
    assert due() == []
    lifecycle.release(done, alice)
    assert len(due()) == 4


@pytest.mark.parametrize("other", ["live", "younger", "held"])
def test_picture_that_another_job_needs_is_not_due(rules, done, alice, other):
    rules(inputs={"delete": 30})
    kept = intake.again(done.inputs.all(), alice)[0]
    days_pass(20)
    job = lifecycle.create(alice, parameters(), kept)
    if other != "live":
        finish(job)
    days_pass(15 if other != "held" else 100)
    if other == "held":
        lifecycle.hold(job, alice)
    assert due() == []


def test_picture_is_due_when_all_its_jobs_are_old(rules, done, another, alice):
    rules(inputs={"delete": 30})
    another(intake.again(done.inputs.all(), alice)[0])
    days_pass(31)
    assert due() == ["inputs"]


def test_upload_that_no_job_used_is_not_for_these_rules(rules):
    rules(inputs={"delete": 1})
    intake.keep(pictures.clean(png()))
    sizes.make_waiting()
    days_pass(100)
    assert due() == []


def test_picture_that_was_uploaded_again_waits_for_its_edit(rules, done):
    rules(inputs={"delete": 1})
    days_pass(100)
    intake.keep(pictures.clean(png()))
    days_pass(2)
    assert due() == []
    days_pass(6)
    assert due() == ["inputs"]


def test_original_without_copies_for_pages_is_not_due(rules, done):
    rules(inputs={"delete": 5}, **EACH)
    Output.objects.filter(position=0).update(sized_at=None)
    Picture.objects.update(sized_at=None)
    days_pass(100)
    assert due() == ["unreviewed 2", "unreviewed 3"]


def test_what_is_due_for_both_is_deleted_and_not_archived_before(rules, archive, done):
    rules(unreviewed={"archive": 10, "delete": 20})
    days_pass(15)
    assert [rule.act for rule in retention.rules() if retention.chosen(rule, timezone.now())] == ["archived"]
    days_pass(15)
    assert [rule.act for rule in retention.rules() if retention.chosen(rule, timezone.now())] == ["deleted"]


def test_archived_is_deleted_by_the_age_of_its_output(rules, archive, done):
    rules(unreviewed={"archive": 10, "delete": 20})
    days_pass(15)
    retention.run()
    assert states(done) == "aaa s"
    days_pass(6)
    retention.run()
    assert states(done) == "ddd s"


def test_oldest_come_first(rules, done):
    rules(unreviewed={"delete": 1})
    for at, days in enumerate((5, 9, 7)):
        Output.objects.filter(position=at).update(stored_at=timezone.now() - timedelta(days=days))
    assert due() == ["unreviewed 2", "unreviewed 3", "unreviewed 1"]
