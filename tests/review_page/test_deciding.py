"""Deciding about one output or a set, and going on to the next."""

import pytest
from django.urls import reverse
from django.utils.html import escape

from jobs import review
from jobs.models import ReviewDecision

from .acts import START, approve, at, outputs, path, send, text

pytestmark = pytest.mark.django_db


# Deciding, and going on


def test_approval_goes_on_in_the_set_to_its_end_then_to_its_beginning_then_to_the_next_edit(client, finish, alice, job):
    later = finish(alice)
    ways = [path(approve(client, outputs(job)[number])) for number in (1, 2, 0)]
    assert ways == [at(outputs(job)[2]), at(outputs(job)[0]), at(outputs(later)[0])]


def test_approval_of_the_last_goes_back_to_what_was_passed_over(client, finish, alice, job):
    later = finish(alice, outputs=1)
    assert path(approve(client, outputs(later)[0])) == at(outputs(job)[0])


def test_approval_of_all_ends_where_nothing_waits(client, finish, alice):
    answer = approve(client, outputs(finish(alice, outputs=1))[0])
    assert path(answer) == START
    assert "Nothing waits" in text(client.get(answer["Location"]))


def test_what_was_decided_is_told_with_a_way_back(client, job):
    answer = client.get(send(client, outputs(job)[0], verdict="rejected", reason="crop", note="Too tight.")["Location"])
    decision = ReviewDecision.objects.get()
    assert (decision.reason.slug, decision.note) == ("crop", "Too tight.")
    assert "Rejected result 1 of “Make 2 images of it.”: Wrong crop or size." in text(answer)
    assert reverse("jobs:undo_review", args=[decision.act]) in answer.content.decode()
    assert f'href="/new/?anew={outputs(job)[0].pk}"' in answer.content.decode()


def test_rejection_without_a_reason_keeps_the_note_and_names_the_field(client, job):
    response = send(client, outputs(job)[0], verdict="rejected", note="Look at <the roof>.")
    page = response.content.decode()
    assert response.status_code == 422
    assert '<div class="errors" id="reason-errors"><p>Choose why it is rejected.</p></div>' in page
    assert escape("Look at <the roof>.") in page
    assert not ReviewDecision.objects.exists()


def test_note_that_is_too_long_keeps_the_reason(client, job):
    response = send(client, outputs(job)[0], verdict="rejected", reason="crop", note="x" * 301)
    assert response.status_code == 422
    assert 'value="crop" checked' in response.content.decode()
    assert "At most 300 characters." in text(response)


def test_note_counts_a_new_line_once(client, job):
    send(client, outputs(job)[0], verdict="approved", note="x\r\n" * 149 + "xx")
    assert len(ReviewDecision.objects.get().note) == 300


def test_approval_forgets_a_reason_that_was_chosen_before(client, job):
    send(client, outputs(job)[0], verdict="approved", reason="crop")
    assert ReviewDecision.objects.get().reason is None


def test_form_that_is_sent_twice_decides_once_and_goes_on_both_times(client, job):
    first = outputs(job)[0]
    ways = [path(approve(client, first)) for _ in range(2)]
    assert ways == [at(outputs(job)[1])] * 2
    assert ReviewDecision.objects.count() == 1


@pytest.mark.parametrize("field", ["seen", "waiting"])
@pytest.mark.parametrize("value", ["x", "00000000-0000-4000-8000-000000000000"])
def test_forged_form_decides_nothing(client, job, field, value):
    how = {"set": "approved"} if field == "waiting" else {"verdict": "approved"}
    client.raise_request_exception = False
    send(client, outputs(job)[0], **{field: value}, **how)
    assert not ReviewDecision.objects.exists()


def test_own_edit_is_not_decided_by_a_forged_form(as_user, finish, rita):
    response = approve(as_user(rita), outputs(finish(rita))[0])
    assert response.status_code == 403
    assert "Nobody reviews their own edits." in text(response)


def test_htmx_gets_the_next_page_at_once(client, job):
    first, second, _third = outputs(job)
    client.defaults["HTTP_HX_REQUEST"] = "true"
    response = approve(client, first, "?q=images")
    assert (response.status_code, response["HX-Push-Url"]) == (200, at(second, "?q=images"))
    assert response.context["output"] == second
    assert "Approved result 1 of" in text(response)


def test_htmx_gets_the_page_that_says_that_nothing_waits_at_once(client, finish, alice):
    client.defaults["HTTP_HX_REQUEST"] = "true"
    response = approve(client, outputs(finish(alice, outputs=1))[0])
    assert (response.status_code, response["HX-Push-Url"]) == (200, START)
    assert "Nothing waits" in text(response)


def test_htmx_keeps_the_address_when_the_form_comes_back(client, job):
    client.defaults["HTTP_HX_REQUEST"] = "true"
    assert send(client, outputs(job)[0], verdict="rejected")["HX-Push-Url"] == "false"


# A whole set


def test_set_is_decided_at_once(client, finish, alice, job):
    later = finish(alice)
    answer = send(client, outputs(job)[1], set="rejected", reason="unsafe")
    assert path(answer) == at(outputs(later)[0])
    assert list(job.outputs.values_list("review", flat=True)) == ["rejected"] * 3
    assert "Rejected 3 results of “Make 2 images of it.”: Unsafe content." in text(client.get(answer["Location"]))


def test_set_leaves_what_was_decided_before(client, job, sam):
    review.decide([outputs(job)[0]], sam, review.wish("rejected", "crop"))
    page = client.get(at(outputs(job)[1]))
    assert "Approve the 2 that wait" in text(page)
    send(client, outputs(job)[1], set="approved")
    assert list(job.outputs.values_list("review", flat=True)) == ["rejected", "approved", "approved"]


def test_set_shows_the_verdict_that_came_between_and_decides_the_others(client, job, sam):
    on_screen = {"waiting": [str(output.pk) for output in outputs(job)], "set": "approved"}
    review.decide([outputs(job)[1]], sam, review.wish("rejected", "crop", "No."))
    answer = client.post(at(outputs(job)[0]), on_screen, follow=True)
    assert list(job.outputs.values_list("review", flat=True)) == ["approved", "rejected", "approved"]
    assert answer.redirect_chain[0][0].startswith(at(outputs(job)[1]))
    for words in ("about 1 of these results: that verdict stands.", "by sam", "Wrong crop or size", "“No.”"):
        assert words in text(answer)


def test_set_of_one_has_no_buttons_of_its_own(client, finish, alice):
    assert 'name="set"' not in client.get(at(outputs(finish(alice, outputs=1))[0])).content.decode()


# Undo


def test_undo_leads_back_to_the_output_that_waits_again(client, job):
    approve(client, outputs(job)[0])
    act = ReviewDecision.objects.get().act
    answer = client.post(reverse("jobs:undo_review", args=[act]), follow=True)
    assert answer.redirect_chain[0][0] == at(outputs(job)[0])
    assert "Took 1 verdict back." in text(answer)
    assert outputs(job)[0].review == "unreviewed"


def test_undo_keeps_the_filters(client, job):
    approve(client, outputs(job)[0])
    address = reverse("jobs:undo_review", args=[ReviewDecision.objects.get().act])
    assert client.post(f"{address}?q=images")["Location"] == at(outputs(job)[0], "?q=images")


def test_undo_twice_says_that_it_was_undone(client, job):
    approve(client, outputs(job)[0])
    address = reverse("jobs:undo_review", args=[ReviewDecision.objects.get().act])
    client.post(address, follow=True)
    assert "This was taken back before." in text(client.post(address, follow=True))


def test_undo_of_what_was_decided_anew_leaves_the_newer_verdict(client, job, sam):
    approve(client, outputs(job)[0])
    act = outputs(job)[0].decision.act
    review.decide([outputs(job)[0]], sam, review.wish("rejected", "crop"))
    answer = client.post(reverse("jobs:undo_review", args=[act]), follow=True)
    assert "Somebody has decided anew since: the newer verdict stands." in text(answer)
    assert outputs(job)[0].review == "rejected"


def test_undo_of_somebody_elses_verdict_is_refused_in_words(client, job, sam):
    act = review.decide([outputs(job)[0]], sam, review.wish("approved")).act
    response = client.post(reverse("jobs:undo_review", args=[act]))
    assert response.status_code == 403
    assert "Only who decided it, and staff, can take a verdict back." in text(response)


def test_notice_tells_nobody_of_anothers_act(client, job, sam):
    act = review.decide([outputs(job)[0]], sam, review.wish("approved")).act
    for word in (act, "x"):
        assert client.get(at(outputs(job)[1], f"?done={word}")).context["decided"] == {}
