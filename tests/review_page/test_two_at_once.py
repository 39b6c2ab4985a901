"""Two reviewers at the same output, and outputs that are deleted at that very moment."""

import re

import pytest
from django.db.models import F
from django.urls import reverse
from django.utils.html import escape

from jobs import looking, review, upkeep
from jobs.models import Job, Looking
from jobs.views import review_page

from .acts import approve, at, outputs, path, send, text

pytestmark = pytest.mark.django_db


# Two at once


def test_clash_shows_the_verdict_of_the_other_and_keeps_what_was_typed(client, job, sam):
    on_screen = outputs(job)[0]
    review.decide([outputs(job)[0]], sam, review.wish("approved", note="Fine with me."))
    response = send(client, on_screen, verdict="rejected", reason="crop", note="Too <tight>.")
    page = response.content.decode()
    assert response.status_code == 409
    for words in ("Somebody was faster. Your verdict was not kept.", "Approved by sam", "“Fine with me.”"):
        assert words in text(response)
    assert escape("Too <tight>.") in page
    assert 'value="crop" checked' in page
    assert outputs(job)[0].review == "approved"


def test_clash_can_be_decided_anew_knowing_the_other(client, job, rita, sam):
    on_screen = outputs(job)[0]
    review.decide([outputs(job)[0]], sam, review.wish("approved"))
    page = approve_or(send(client, on_screen, verdict="rejected", reason="crop"))
    client.post(at(on_screen), {"seen": page, "verdict": "rejected", "reason": "crop"})
    standing = outputs(job)[0].decision
    assert (standing.reviewer, standing.verdict, standing.replaces.reviewer) == (rita, "rejected", sam)


def approve_or(response):
    """The decision that its form says was seen."""
    return re.search(r'name="seen" value="([^"]*)"', response.content.decode())[1]


def test_clash_with_an_undo_says_so(client, job, rita, sam):
    act = review.decide([outputs(job)[0]], sam, review.wish("approved")).act
    on_screen = outputs(job)[0]
    review.undo(act, sam)
    response = send(client, on_screen, verdict="rejected", reason="crop")
    assert response.status_code == 409
    assert "The verdict that you saw was taken back meanwhile." in text(response)


def test_decided_output_shows_its_verdict_and_lets_decide_anew(client, job, sam):
    review.decide([outputs(job)[0]], sam, review.wish("rejected", "artefacts", "Six fingers."))
    response = client.get(at(outputs(job)[0]))
    for words in ("Rejected by sam", "Artefacts", "“Six fingers.”", "Make this one anew"):
        assert words in text(response)
    assert approve_or(response) == str(outputs(job)[0].decision_id)


# Who else is there


def ask(client, output, **query):
    return client.get(reverse("jobs:review_others", args=[output.pk]), query)


def test_page_says_who_else_looks_at_the_edit(client, as_user, job, sam):
    as_user(sam).get(at(outputs(job)[2]))
    assert "sam is looking at this edit too." in text(client.get(at(outputs(job)[0])))
    assert set(Looking.objects.values_list("user__username", "job")) == {("sam", job.pk), ("rita", job.pk)}


def test_who_looks_at_another_edit_is_not_named(client, as_user, finish, alice, job, sam):
    as_user(sam).get(at(outputs(job)[2]))
    as_user(sam).get(at(outputs(finish(alice))[0]))
    assert "is looking" not in text(client.get(at(outputs(job)[0])))


def test_who_went_away_is_not_named_for_long(client, as_user, job, sam):
    as_user(sam).get(at(outputs(job)[2]))
    Looking.objects.update(seen_at=F("seen_at") - looking.SEEN_FOR)
    assert "is looking" not in text(client.get(at(outputs(job)[0])))


def test_poll_answers_only_what_is_new(client, as_user, job, sam):
    output = outputs(job)[0]
    version = client.get(at(output)).context["others"]["version"]
    assert ask(client, output, seen="", v=version).status_code == 204
    as_user(sam).get(at(output))
    assert "sam is looking at this edit too." in text(ask(client, output, seen="", v=version))


def test_poll_tells_what_somebody_decided_meanwhile(client, job, sam):
    output = outputs(job)[0]
    version = client.get(at(output)).context["others"]["version"]
    review.decide([output], sam, review.wish("rejected", "crop", "Too tight."))
    answer = text(ask(client, output, seen="", v=version))
    for words in ("Somebody has decided about this result meanwhile:", "Rejected by sam", "“Too tight.”"):
        assert words in answer


# Deleted at this very moment


@pytest.fixture
def deleted_at(monkeypatch, job):
    """Have the job deleted just before a function runs."""

    def at(module, name):
        function = getattr(module, name)

        def after_deletion(*arguments, **named):
            if Job.objects.filter(pk=job.pk).exists():
                upkeep.delete(job)
            return function(*arguments, **named)

        monkeypatch.setattr(module, name, after_deletion)

    return at


def test_output_deleted_while_it_is_decided_about_is_not_there(client, job, deleted_at):
    deleted_at(review, "_lock")
    assert approve(client, outputs(job)[0]).status_code == 404


def test_output_deleted_after_it_was_decided_about_keeps_nobody_from_the_next(client, job, finish, alice, deleted_at):
    [following] = outputs(finish(alice, 1))
    deleted_at(review_page, "next_to_decide")
    assert path(approve(client, outputs(job)[0])) == at(following)


def test_output_deleted_while_its_verdict_is_taken_back_is_not_there(client, job, rita, deleted_at):
    act = review.decide(outputs(job), rita, review.wish("approved")).act
    deleted_at(review, "_lock")
    assert client.post(reverse("jobs:undo_review", args=[act])).status_code == 404


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("module", "name"), [(looking, "look"), (review_page, "_filtered"), (review_page, "_against")])
def test_output_deleted_while_its_page_is_made_is_not_there(client, job, deleted_at, module, name):
    address = at(outputs(job)[0])
    deleted_at(module, name)
    assert client.get(address).status_code == (200 if name == "_against" else 404)
