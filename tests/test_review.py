"""Deciding about outputs: who may, what is on record, two at once, taking back."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from django.db import IntegrityError, connection, transaction

from jobs import review, seedream
from jobs.models import Job, Output, RejectionReason, ReviewDecision
from jobs.states import State, Verb
from tests.conftest import stored_output
from tests.test_history import explain

APPROVE = review.Wish(review.Verdict.APPROVED)
DECIDED = (Verb.APPROVED, Verb.REJECTED, Verb.REVIEW_UNDONE)


@pytest.fixture
def output(finished):
    return finished.outputs.first()


def rejected(reason="artefacts", note=""):
    return review.wish("rejected", reason, note)


def seen(output):
    """As one more reviewer has it on the screen."""
    return Output.objects.get(pk=output.pk)


def told(job):
    return [(event.verb, event.actor.username) for event in job.events.filter(verb__in=DECIDED)]


def test_approval_stands_with_its_author_and_its_event(output, rita):
    [decision] = review.decide([output], rita, APPROVE).decided
    output.refresh_from_db()
    assert (output.review, output.decision, decision.reviewer) == ("approved", decision, rita)
    assert told(output.job) == [("approved", "rita")]


def test_rejection_keeps_reason_and_note(output, rita):
    review.decide([output], rita, rejected("crop", " Too tight. "))
    decision = seen(output).decision
    assert (decision.verdict, decision.reason.slug, decision.note) == ("rejected", "crop", "Too tight.")


def test_decision_grows_the_version_of_its_job(output, finished, rita):
    review.decide([output], rita, APPROVE)
    assert Job.objects.get(pk=finished.pk).version == 2


def test_later_decision_replaces_the_earlier_one_and_both_stay(output, rita, sam):
    review.decide([output], rita, APPROVE)
    review.decide([seen(output)], sam, rejected())
    newest, first = ReviewDecision.objects.all()
    assert (seen(output).decision, newest.replaces, first.verdict) == (newest, first, "approved")
    assert told(output.job) == [("approved", "rita"), ("rejected", "sam")]


def test_second_of_two_reviewers_is_shown_the_verdict_of_the_first(output, rita, sam):
    on_sams_screen = seen(output)
    review.decide([output], rita, APPROVE)
    outcome = review.decide([on_sams_screen], sam, rejected())
    assert (outcome.decided, [clash.decision.reviewer for clash in outcome.clashes]) == ([], [rita])
    assert seen(output).review == "approved"


def test_decision_that_is_sent_twice_is_made_once(output, rita):
    twice = seen(output)
    [first] = review.decide([output], rita, rejected(note="Blurred")).decided
    outcome = review.decide([twice], rita, rejected(note="Blurred"))
    assert (outcome.decided, outcome.clashes, ReviewDecision.objects.count()) == ([first], [], 1)


def test_decision_that_is_repeated_later_is_the_one_that_stands(output, rita):
    [first] = review.decide([output], rita, rejected()).decided
    outcome = review.decide([seen(output)], rita, rejected())
    assert (outcome.decided, outcome.clashes, ReviewDecision.objects.count()) == ([first], [], 1)


def test_decision_that_is_repeated_after_anothers_is_a_clash(output, rita, sam):
    review.decide([output], rita, APPROVE)
    on_ritas_screen = seen(output)
    review.decide([seen(output)], sam, rejected())
    outcome = review.decide([on_ritas_screen], rita, APPROVE)
    assert (outcome.decided, [clash.decision.reviewer for clash in outcome.clashes]) == ([], [sam])


def test_set_is_decided_in_one_act(finished, rita):
    outcome = review.decide(review.rest_of(finished), rita, APPROVE)
    assert {decision.act for decision in outcome.decided} == {outcome.act}
    assert list(finished.outputs.values_list("review", flat=True)) == ["approved"] * 3


def test_set_leaves_what_was_decided_before(finished, output, rita, sam):
    review.decide([output], rita, rejected())
    review.decide(review.rest_of(finished), sam, APPROVE)
    assert list(finished.outputs.values_list("review", flat=True)) == ["rejected", "approved", "approved"]


def test_set_names_the_clashes_and_decides_the_others(finished, rita, sam):
    whole = review.rest_of(finished)
    review.decide([seen(whole[1])], sam, rejected())
    outcome = review.decide(whole, rita, APPROVE)
    assert (len(outcome.decided), [clash.position for clash in outcome.clashes]) == (2, [1])


@pytest.mark.django_db(transaction=True)
def test_two_acts_at_once_about_one_set_share_it(finished, rita, sam):
    for _ in range(12):
        stored_output(finished)
    together = Barrier(2)

    def decide(by, backwards):
        outputs = sorted(review.rest_of(finished), key=lambda output: output.position, reverse=backwards)
        together.wait()
        try:
            return review.decide(outputs, by, APPROVE)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        outcomes = list(threads.map(decide, (rita, sam), (False, True)))
    assert sum(len(outcome.decided) for outcome in outcomes) == ReviewDecision.objects.count() == 15
    assert sum(len(outcome.clashes) for outcome in outcomes) == 15


# Taking back


def test_undo_makes_an_output_undecided_again(output, rita):
    act = review.decide([output], rita, APPROVE).act
    review.undo(act, rita)
    assert (seen(output).review, seen(output).decision) == ("unreviewed", None)
    assert told(output.job) == [("approved", "rita"), ("review_undone", "rita")]


def test_undo_brings_the_earlier_verdict_back(output, rita, sam):
    [first] = review.decide([output], rita, APPROVE).decided
    review.undo(review.decide([seen(output)], sam, rejected()).act, sam)
    assert (seen(output).review, seen(output).decision) == ("approved", first)


def test_undo_takes_a_whole_set_back(finished, rita):
    act = review.decide(review.rest_of(finished), rita, APPROVE).act
    outcome = review.undo(act, rita)
    assert (len(outcome.decided), len(review.rest_of(finished))) == (3, 3)


def test_undo_of_a_verdict_that_was_replaced_changes_nothing(output, rita, sam):
    act = review.decide([output], rita, APPROVE).act
    review.decide([seen(output)], sam, rejected())
    outcome = review.undo(act, rita)
    assert (outcome.decided, len(outcome.clashes), seen(output).review) == ([], 1, "rejected")


def test_undo_twice_is_one_undo(output, rita):
    act = review.decide([output], rita, APPROVE).act
    review.undo(act, rita)
    outcome = review.undo(act, rita)
    assert (outcome.decided, outcome.clashes, ReviewDecision.objects.count()) == ([], [], 2)


def test_undo_of_somebody_elses_verdict_is_refused(output, rita, bob, reviewers):
    bob.groups.add(reviewers)
    act = review.decide([output], rita, APPROVE).act
    with pytest.raises(review.NotAllowed, match="Only who decided it, and staff"):
        review.undo(act, bob)


def test_undo_by_staff_names_the_staff(output, rita, sam):
    act = review.decide([output], rita, APPROVE).act
    [undone] = review.undo(act, sam).decided
    assert (undone.reviewer, undone.undoes.reviewer) == (sam, rita)


def test_decision_can_be_undone_once_only(output, rita):
    [decision] = review.decide([output], rita, APPROVE).decided
    undone = {"output": output, "reviewer": rita, "verdict": "undone", "undoes": decision}
    ReviewDecision.objects.create(**undone)
    with pytest.raises(IntegrityError), transaction.atomic():
        ReviewDecision.objects.create(**undone)


# Who may


@pytest.mark.parametrize(("name", "words"), [("alice", "Only reviewers"), ("bob", "Only reviewers")])
def test_member_decides_nothing(output, name, words, request):
    with pytest.raises(review.NotAllowed, match=words):
        review.decide([output], request.getfixturevalue(name), APPROVE)


def test_nobody_reviews_their_own(output, alice, reviewers):
    alice.groups.add(reviewers)
    with pytest.raises(review.NotAllowed, match="Nobody reviews their own"):
        review.decide([output], alice, APPROVE)


def test_own_edits_are_reviewed_where_the_team_allows_it(output, alice, reviewers, settings):
    settings.NO_REVIEW_OF_OWN = False
    alice.groups.add(reviewers)
    assert len(review.decide([output], alice, APPROVE).decided) == 1


def test_outputs_of_a_job_that_goes_on_are_not_decided(alice, rita, make_job):
    output = stored_output(make_job(alice))
    with pytest.raises(review.NotAllowed, match="not ended"):
        review.decide([output], rita, APPROVE)


def test_one_forbidden_output_stops_the_whole_act(finished, rita, make_job):
    own = stored_output(make_job(rita))
    with pytest.raises(review.NotAllowed):
        review.decide([*review.rest_of(finished), own], rita, APPROVE)
    assert ReviewDecision.objects.count() == 0


# What is asked for


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        (("maybe",), "verdict"),
        (("undone",), "verdict"),
        (("rejected",), "reason"),
        (("rejected", "boring"), "reason"),
        (("approved", "crop"), "reason"),
        (("approved", "", "x" * 301), "note"),
    ],
)
def test_wish_names_the_field_that_is_wrong(asked, field, reviewers):
    with pytest.raises(seedream.InvalidInput) as caught:
        review.wish(*asked)
    assert list(caught.value.errors) == [field]


def test_retired_reason_cannot_be_given(reviewers):
    RejectionReason.objects.filter(slug="crop").update(is_active=False)
    with pytest.raises(seedream.InvalidInput):
        review.wish("rejected", "crop")


# What waits


def test_waiting_holds_the_oldest_job_first(finished, alice, rita, make_job):
    newer = make_job(alice)
    Job.objects.filter(pk=newer.pk).update(state=State.COMPLETED, request_id="r-2", finished_at=newer.created_at)
    stored_output(newer)
    assert [output.job_id for output in review.waiting(rita)] == [finished.pk] * 3 + [newer.pk]


def test_waiting_leaves_out_ones_own(finished, alice, reviewers):
    alice.groups.add(reviewers)
    assert list(review.waiting(alice)) == []


def test_nothing_waits_for_a_member(finished, bob):
    assert list(review.waiting(bob)) == []


def test_waiting_is_read_from_the_index_of_what_is_undecided(finished, rita):
    plan = explain(review.waiting(rita)[:24])
    assert "output_unreviewed" in plan
    assert "TEMP B-TREE" not in plan
    assert "Sort" not in plan


def test_group_of_the_migration_may_review(reviewers):
    assert reviewers.permissions.filter(codename="review_output").exists()


def test_migration_can_be_run_over_a_group_that_is_there(reviewers):
    from importlib import import_module

    import_module("jobs.migrations.0006_review").add_group(apps)
    assert Group.objects.filter(name="Reviewers").count() == 1
