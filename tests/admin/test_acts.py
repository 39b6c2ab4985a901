"""What staff do to many rows at once: asked first where it matters, done as in the portal, refused in words."""

import pytest
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.urls import reverse

from jobs import review, store, upkeep
from jobs.admin import acts, verifying
from jobs.models import Job, Output, ReviewDecision
from jobs.states import State, Verb
from tests.conftest import rings

from .conftest import staff

pytestmark = pytest.mark.django_db

APPROVE = review.Wish(review.Verdict.APPROVED)
REJECT = {"reason": "crop", "note": "Too tight."}


def act(client, action, *rows, **sent):
    """What the list sends; with `confirmed`, what the page that asks first sends."""
    sent = {"action": action, "_selected_action": [str(row.pk) for row in rows], **sent}
    address = reverse(f"admin:jobs_{rows[0]._meta.model_name}_changelist")
    return client.post(address, sent if "confirmed" in sent else sent | {"index": 0})


def confirmed(client, action, *rows, **sent):
    """With the decisions that stood when the rows were read."""
    seen = {f"seen-{row.pk}": str(row.decision_id) for row in rows if getattr(row, "decision_id", None)}
    return act(client, action, *rows, confirmed="yes", **seen, **sent)


def said(response):
    return [str(message) for message in get_messages(response.wsgi_request)]


def told(job):
    return [(event.verb, event.actor.username) for event in job.events.exclude(actor=job.owner)]


def actions(client, model):
    form = client.get(reverse(f"admin:jobs_{model}_changelist")).context["action_form"]
    return [name for name, _label in form.fields["action"].choices if name] if form else []


# Deciding


@pytest.mark.parametrize(("action", "sent"), [("approve", {}), ("reject", REJECT)])
def test_deciding_asks_first(as_user, sam, finish, action, sent):
    job = finish(2)
    response = act(as_user(sam), action, *job.outputs.all(), **sent)
    assert "Picture 2 of “Make 2 images of it.”" in response.content.decode()
    assert ReviewDecision.objects.count() == 0


def test_many_are_approved_in_one_act_with_events(as_user, sam, finish):
    job = finish(2)
    response = confirmed(as_user(sam), "approve", *job.outputs.all())
    assert said(response) == ["2 pictures are approved."]
    assert list(job.outputs.values_list("review", flat=True)) == ["approved"] * 2
    assert ReviewDecision.objects.values("act").distinct().count() == 1
    assert told(job) == [("approved", "sam")] * 2


def test_many_are_rejected_with_reason_and_note(as_user, sam, finish):
    output = finish().outputs.get()
    response = confirmed(as_user(sam), "reject", output, **REJECT)
    decision = ReviewDecision.objects.get()
    assert (decision.verdict, decision.reason.slug, decision.note) == ("rejected", "crop", "Too tight.")
    assert said(response) == ["1 picture is rejected."]


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({}, "Choose why it is rejected."),
        ({"reason": "boring"}, "Select a valid choice."),
        ({"reason": "crop", "note": "x" * 301}, "at most 300 characters"),
    ],
)
def test_rejecting_without_what_it_needs_asks_again(as_user, sam, finish, reviewers, sent, words):
    response = confirmed(as_user(sam), "reject", finish().outputs.get(), **sent)
    assert words in response.content.decode()
    assert ReviewDecision.objects.count() == 0


def test_what_may_not_be_decided_is_said_and_the_rest_is_done(as_user, sam, finish, make_job):
    theirs, own = finish().outputs.get(), finish().outputs.get()
    Job.objects.filter(pk=own.job_id).update(owner=sam, text="My own roof.")
    response = confirmed(as_user(sam), "approve", theirs, own)
    assert said(response) == [
        "1 picture is approved.",
        "Picture 1 of “My own roof.”: Nobody reviews their own edits. Somebody else decides about this one.",
    ]
    assert list(Output.objects.filter(review="approved")) == [theirs]


def test_page_says_before_what_may_not_be_decided(as_user, sam, finish):
    output = finish().outputs.get()
    Job.objects.update(owner=sam)
    page = act(as_user(sam), "approve", output).content.decode()
    assert "Nobody reviews their own edits." in page
    assert "Nothing can be done about any of them." in page


def test_verdict_of_somebody_else_meanwhile_is_not_overwritten(as_user, sam, finish, rita):
    output = finish().outputs.get()
    review.decide([Output.objects.get()], rita, review.wish("rejected", "crop"))
    response = confirmed(as_user(sam), "approve", output)
    assert said(response) == [
        "Picture 1 of “Make 2 images of it.”: decided meanwhile: Rejected, rita, Wrong crop or size"
    ]
    assert Output.objects.get().review == "rejected"


def test_output_that_is_deleted_at_this_moment_is_said(as_user, sam, finish, monkeypatch):
    job, lock = finish(), review._lock
    monkeypatch.setattr(review, "_lock", lambda outputs: [upkeep.delete(job), lock(outputs)])
    assert said(confirmed(as_user(sam), "approve", job.outputs.get())) == ["There is no such result."]


def test_verdict_that_was_shown_is_replaced(as_user, sam, finish, rita):
    finish()
    review.decide(Output.objects.all(), rita, review.wish("rejected", "crop"))
    shown = act(as_user(sam), "approve", Output.objects.get()).content.decode()
    assert "Rejected, rita, Wrong crop or size" in shown
    confirmed(as_user(sam), "approve", Output.objects.get())
    assert (Output.objects.get().review, ReviewDecision.objects.count()) == ("approved", 2)


@pytest.mark.parametrize("seen", ["nonsense", "01a20533-6e62-746d-9ec9-666dc2b04587"])
def test_verdict_that_nobody_gave_counts_as_none_seen(as_user, sam, finish, rita, seen):
    output = finish().outputs.get()
    review.decide([Output.objects.get()], rita, APPROVE)
    response = confirmed(as_user(sam), "reject", output, **REJECT, **{f"seen-{output.pk}": seen})
    assert "decided meanwhile: Approved, rita" in said(response)[0]


def test_verdict_that_was_taken_back_meanwhile_is_said(as_user, sam, finish, rita):
    finish()
    undone = review.decide(Output.objects.all(), rita, APPROVE).act
    output = Output.objects.get()
    review.undo(undone, rita)
    response = confirmed(as_user(sam), "reject", output, **REJECT)
    assert "decided meanwhile: Not reviewed" in said(response)[0]


# Cancelling


def test_cancelling_asks_first(as_user, sam, alice, make_job):
    job = make_job(alice)
    assert "Cancel these jobs?" in act(as_user(sam), "cancel", job).content.decode()
    assert Job.objects.get().state == State.PENDING


def test_many_are_cancelled_and_the_others_are_named(as_user, sam, alice, make_job, finish):
    waiting, ended = make_job(alice), finish(text="A red barn.")
    response = confirmed(as_user(sam), "cancel", waiting, ended)
    assert said(response) == [
        "1 job is cancelled, or RunComfy is asked to.",
        "A red barn.: It is too late to cancel this job: Completed.",
    ]
    assert (Job.objects.get(pk=waiting.pk).state, told(waiting)) == (State.CANCELLED, [("cancelled", "sam")])


def test_what_runs_is_asked_to_be_cancelled_once(as_user, sam, alice, make_job):
    job = make_job(alice)
    Job.objects.update(state=State.IN_PROGRESS, request_id="r-1")
    client = as_user(sam)
    confirmed(client, "cancel", job)
    response = confirmed(client, "cancel", job)
    assert said(response)[-1] == "Make 2 images of it.: RunComfy is being asked already."
    assert told(job) == [("cancel_asked", "sam")]


# Having it looked at again


def test_ringing_again_wakes_what_waits(as_user, sam, alice, make_job, orm_queue):
    from django.utils import timezone

    jobs = [make_job(alice), make_job(alice)]
    Job.objects.update(not_before=timezone.now())
    before = rings("drive")
    response = act(as_user(sam), "ring_again", *jobs)
    assert said(response) == ["A worker was rung for 2 jobs."]
    assert (rings("drive") - before, list(Job.objects.values_list("not_before"))) == (1, [(None,), (None,)])
    assert told(jobs[0]) == [("rung", "sam")]


def test_ringing_for_what_no_worker_moves_is_said(as_user, sam, finish, orm_queue):
    job = finish()
    before = rings("drive")
    response = act(as_user(sam), "ring_again", job)
    assert said(response) == ["Make 2 images of it.: no worker moves it: Completed"]
    assert (rings("drive"), told(job)) == (before, [])


# Verifying


def test_verifying_reads_every_file_of_a_job(as_user, sam, finish):
    job = finish(2)
    response = act(as_user(sam), "verify", job)
    assert said(response) == ["3 files are whole."]
    event = job.events.get(verb=Verb.VERIFIED)
    assert (event.actor, event.data) == (sam, {"files": 3, "damaged": []})
    assert event.text == "Compared 3 stored files with their hashes; damaged: 0"


def test_verifying_names_what_is_damaged(as_user, sam, finish):
    job = finish(2)
    first, second = job.outputs.all()
    store.remove(first.file.name)
    Output.objects.filter(pk=second.pk).update(sha256="0" * 64)
    response = act(as_user(sam), "verify", *job.outputs.all())
    assert sorted(said(response)) == [
        "Picture 1 of “Make 2 images of it.”: the file is missing",
        f"Picture 2 of “Make 2 images of it.”: the file has other bytes: {second.sha256}",
    ]
    assert sorted(job.events.get(verb=Verb.VERIFIED).data["damaged"]) == sorted([first.file.name, second.file.name])


def test_verifying_names_a_damaged_input(as_user, sam, finish):
    job = finish()
    store.remove(job.inputs.get().picture.file.name)
    words = said(act(as_user(sam), "verify", job))
    assert words[0] == "1 file is whole."
    assert words[1].startswith("Input 64 × 48, ")
    assert words[1].endswith("of “Make 2 images of it.”: the file is missing")


def test_verifying_ends_when_its_time_is_over(as_user, sam, finish, monkeypatch):
    monkeypatch.setattr(verifying, "SECONDS", -1)
    job = finish()
    assert said(act(as_user(sam), "verify", job)) == [
        "Make 2 images of it.: There was no time left to read its files. Choose fewer."
    ]
    assert told(job) == []


# Who may, and how much


@pytest.mark.parametrize(
    ("permissions", "of_jobs", "of_outputs"),
    [
        (("view_job", "view_output"), [], ["approve", "reject"]),  # staff may review
        (
            ("view_job", "view_output", "change_job"),
            ["cancel", "ring_again", "verify", "hold", "release", "restore"],
            ["approve", "reject", "verify"],
        ),
    ],
)
def test_staff_are_offered_what_they_may(as_user, finish, permissions, of_jobs, of_outputs):
    finish()
    client = as_user(staff(*permissions))
    assert (actions(client, "job"), actions(client, "output")) == (of_jobs, of_outputs)


@pytest.mark.parametrize("action", ["cancel", "ring_again", "verify"])
def test_staff_without_the_permission_are_refused(as_user, alice, make_job, action):
    job = make_job(alice)
    confirmed(as_user(staff("view_job", "view_output")), action, job)
    assert (Job.objects.get().state, told(job)) == (State.PENDING, [])


def test_reviewers_among_the_staff_verify_nothing(as_user, finish, rita):
    User.objects.filter(pk=rita.pk).update(is_staff=True)
    job = finish()
    response = act(as_user(rita), "verify", job.outputs.get())
    assert (said(response), told(job)) == (["No action selected."], [])


def test_reviewers_among_the_staff_decide(as_user, finish, rita):
    User.objects.filter(pk=rita.pk).update(is_staff=True)
    job = finish()
    confirmed(as_user(rita), "approve", job.outputs.get())
    assert told(job) == [("approved", "rita")]


@pytest.mark.parametrize("model", ["job", "output"])
def test_staff_who_may_not_see_rows_do_nothing_to_them(as_user, finish, model):
    job = finish()
    row = job if model == "job" else job.outputs.get()
    assert confirmed(as_user(staff()), "verify", row).status_code == 403


@pytest.mark.parametrize("who", ["alice", "rita"])
def test_who_is_not_staff_does_nothing_here(as_user, request, finish, who):
    output = finish().outputs.get()
    client = as_user(request.getfixturevalue(who))
    assert confirmed(client, "approve", output).status_code == 302
    assert ReviewDecision.objects.count() == 0


@pytest.mark.parametrize("model", ["reviewdecision", "jobevent", "picture", "webhookendpoint", "webhookdelivery"])
def test_history_offers_no_actions(as_user, sam, everything, model):
    everything()
    assert actions(as_user(sam), model) == []


def test_too_many_at_once_are_refused(as_user, sam, finish, monkeypatch):
    monkeypatch.setattr(acts, "MOST", 1)
    job = finish(2)
    response = confirmed(as_user(sam), "approve", *job.outputs.all())
    assert (said(response), ReviewDecision.objects.count()) == (["Choose at most 1 at a time."], 0)


def test_settling_needs_the_permission(as_user, alice, make_job):
    job = make_job(alice)
    Job.objects.update(state=State.UNCONFIRMED)
    client, address = as_user(staff("view_job")), reverse("admin:jobs_job_settle", args=[job.pk])
    assert client.post(address, {"choice": "write_off"}).status_code == 403
    assert "Settle …" not in client.get(reverse("admin:jobs_job_change", args=[job.pk])).content.decode()


def test_staff_settle_an_unconfirmed_job(as_user, alice, make_job):
    job = make_job(alice)
    Job.objects.update(state=State.UNCONFIRMED)
    client, address = as_user(staff("view_job", "change_job")), reverse("admin:jobs_job_settle", args=[job.pk])
    assert "Settle …" in client.get(reverse("admin:jobs_job_change", args=[job.pk])).content.decode()
    client.post(address, {"choice": "write_off"})
    assert (Job.objects.get().state, told(job)) == (State.FAILED, [("failed", "stella")])
