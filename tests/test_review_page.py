"""The page on which reviewers decide: the queue, deciding and going on, clashes, undo, who else is there."""

import re
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.db.models import F
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape

from jobs import looking, review, review_queue, search, upkeep
from jobs.models import Job, Looking, Output, RejectionReason, ReviewDecision, SearchEntry
from jobs.states import State
from jobs.views import review_page

from .conftest import parameters, png, stored_output

pytestmark = pytest.mark.django_db
START = reverse("jobs:review")


@pytest.fixture
def finish(make_job):
    """A completed job of somebody's with so many outputs."""

    def make(owner, outputs=3, **given) -> Job:
        job = make_job(owner, **given)
        known = {"state": State.COMPLETED, "request_id": job.pk.hex, "finished_at": job.created_at}
        Job.objects.filter(pk=job.pk).update(**known)
        for number in range(outputs):
            stored_output(job, png(color=(number, 80, 80)))
        job.refresh_from_db()
        return job

    return make


@pytest.fixture
def job(finish, alice):
    return finish(alice)


@pytest.fixture
def client(as_user, rita):
    """Rita's browser."""
    return as_user(rita)


def outputs(job):
    return list(job.outputs.select_related("decision__reason", "job__owner"))


def at(output, query=""):
    return reverse("jobs:review_output", args=[output.pk]) + query


def send(client, output, query="", **fields):
    """What the form of that page sends."""
    seen = output.decision_id or ""
    waiting = [str(one.pk) for one in outputs(output.job) if one.review == "unreviewed"]
    return client.post(at(output, query), {"seen": seen, "waiting": waiting, **fields})


def approve(client, output, query=""):
    return send(client, output, query, verdict="approved")


def text(response):
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def path(response):
    return response["Location"].partition("?")[0]


# Where it begins, and what is shown


def test_review_leads_to_the_first_undecided_output_of_the_oldest_edit(client, finish, alice, rita, job):
    finish(alice)
    review.decide([outputs(job)[0]], rita, review.wish("approved"))
    assert client.get(START)["Location"] == at(outputs(job)[1])


def test_page_shows_the_edit_its_set_and_the_reasons_with_their_keys(client, finish, alice):
    job = finish(alice, text="Only the <best>.", seed=4711)
    page = client.get(at(outputs(job)[1])).content.decode()
    for shown in (escape("Only the <best>."), "4711", "Result 2 of 3", "Result 3: Not reviewed"):
        assert shown in page
    assert re.findall(r'id="reason-(\d)" name="reason" value="(\w+)"', page)[:2] == [
        ("1", "off_brief"),
        ("2", "artefacts"),
    ]


def test_page_offers_only_reasons_in_use(client, job):
    RejectionReason.objects.filter(slug="crop").update(is_active=False)
    assert 'value="crop"' not in client.get(at(outputs(job)[0])).content.decode()


def test_page_puts_the_chosen_picture_beside_the_result(client, job):
    second = job.inputs.get()
    second.pk, second.position, second._state.adding = None, 1, True
    second.save()
    assert client.get(at(outputs(job)[0])).context["before"].position == 0
    assert client.get(at(outputs(job)[0], "?before=2")).context["before"] == second
    assert client.get(at(outputs(job)[0], "?before=9999999")).context["before"].position == 0


def test_page_of_a_video_plays_it(client, job):
    video = stored_output(job, kind="video", extension=".mp4")
    page = client.get(at(video)).content.decode()
    assert f'<video controls preload="metadata" src="{video.file_url}"' in page
    assert 'type="range"' not in page


def test_page_names_what_comes_next_for_loading_it_before(client, job):
    first, second, _third = outputs(job)
    ahead = client.get(at(first)).context["ahead"]
    assert ahead == [second, job.inputs.get()]


def test_own_edit_is_shown_without_the_buttons(as_user, finish, rita):
    page = as_user(rita).get(at(outputs(finish(rita))[0])).content.decode()
    assert "Nobody reviews their own edits." in page
    assert 'name="verdict"' not in page


# The queue


def test_queue_holds_the_oldest_edits_with_their_owners_and_what_waits(client, finish, alice, bob, rita, job):
    finish(bob, outputs=1)
    review.decide([outputs(job)[0]], rita, review.wish("approved"))
    entries = client.get(START, follow=True).context["entries"]
    assert [(entry.job.owner, entry.count) for entry in entries] == [(alice, 2), (bob, 1)]


def test_queue_shows_24_and_leads_to_the_rest(client, finish, alice):
    jobs = [finish(alice, outputs=1) for _ in range(30)]
    first = client.get(START, follow=True)
    rest = client.get(at(outputs(jobs[0])[0], first.context["more_url"]))
    shown = [entry.job.pk for response in (first, rest) for entry in response.context["entries"]]
    assert shown == [job.pk for job in jobs]
    assert (len(first.context["entries"]), rest.context["more_url"]) == (24, "")


def test_queue_begins_with_an_edit_that_lies_further_behind(client, finish, alice):
    jobs = [finish(alice, outputs=1) for _ in range(28)]
    context = client.get(at(outputs(jobs[26])[0])).context
    assert [entry.job.pk for entry in context["entries"]] == [jobs[26].pk, jobs[27].pk]
    assert (context["has_older"], context["place"]) == (True, 27)


def test_queue_refuses_a_place_that_is_none(client, job):
    assert client.get(at(outputs(job)[0], "?after=x")).status_code == 404


def test_heading_counts_the_edits_and_says_since_when_the_oldest_waits(client, finish, alice, job):
    finish(alice)
    Output.objects.filter(job=job).update(stored_at=timezone.now() - timedelta(minutes=38))
    assert "1 of 2 waiting · oldest 38 min" in text(client.get(START, follow=True))


def test_heading_counts_no_further_than_its_limit(client, finish, alice, monkeypatch):
    monkeypatch.setattr(review_queue, "COUNT_LIMIT", 2)
    for _ in range(3):
        finish(alice, outputs=1)
    assert "1 of 2+ waiting" in text(client.get(START, follow=True))


def test_ways_lead_to_the_edits_around(client, finish, alice):
    one, two, three = (finish(alice) for _ in range(3))
    context = client.get(at(outputs(two)[1])).context
    assert (context["edit_before"], context["edit_beyond"]) == (outputs(one)[0], outputs(three)[0])
    assert client.get(at(outputs(three)[0])).context["edit_beyond"] is None


# Filters


@pytest.fixture
def two(finish, alice, bob):
    """An old edit of Alice's, and a new one of Bob's."""
    old = finish(alice, text="A red car", optimize_prompt_options="fast")
    Job.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=40))
    return old, finish(bob, text="A blue bus in the rain", optimize_prompt_options="standard")


DAY = (timezone.now() - timedelta(days=20)).date()


@pytest.mark.parametrize(
    ("query", "which"),
    [
        ("quality=fast", 0),
        ("quality=standard", 1),
        (f"until={DAY}", 0),
        (f"since={DAY}", 1),
        ("q=RED", 0),
        ("q=rain+blu", 1),
        ("quality=standard&q=bus", 1),
    ],
)
def test_filter_leaves_what_fits(client, two, query, which):
    response = client.get(f"{START}?{query}", follow=True)
    assert [entry.job for entry in response.context["entries"]] == [two[which]]
    assert response.redirect_chain[0][0] == at(outputs(two[which])[0], f"?{query}")


def test_filter_of_a_person(client, two, bob):
    assert path(client.get(f"{START}?owner={bob.pk}")) == at(outputs(two[1])[0])


@pytest.mark.parametrize(("allowed", "offered"), [(False, False), (True, True)])
def test_filter_for_ones_own_is_offered_where_these_are_reviewed(client, job, settings, allowed, offered):
    settings.NO_REVIEW_OF_OWN = not allowed
    assert ("Only me" in client.get(at(outputs(job)[0])).content.decode()) is offered


def test_filter_with_a_bad_value_is_told_and_left_out(client, job):
    response = client.get(f"{START}?since=yesterday", follow=True)
    assert "From: Enter a valid date." in text(response)
    assert len(response.context["entries"]) == 1


def test_filters_stay_in_the_links_and_while_deciding(client, two):
    query = "?quality=standard&q=bus"
    _car, bus = two
    links = re.findall(r'href="(/review/[^"]+)"', client.get(at(outputs(bus)[0], query)).content.decode())
    assert links
    assert all("quality=standard&amp;q=bus" in link for link in links if link != START)
    answer = approve(client, outputs(bus)[2], query)
    assert answer["Location"].startswith(at(outputs(bus)[0], query))


def test_deciding_the_last_that_fits_ends_at_the_page_that_says_so(client, finish, two, alice):
    car = two[0]
    review.decide(outputs(car)[1:], client_user(client), review.wish("approved"))
    answer = client.get(approve(client, outputs(car)[0], "?quality=fast")["Location"])
    assert "Nothing that fits waits" in text(answer)
    assert "Approved result 1 of “A red car”." in text(answer)


def client_user(client):
    from django.contrib.auth.models import User

    return User.objects.get(pk=client.session["_auth_user_id"])


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


# Nothing to do


def test_nothing_waits(client):
    assert "Everything that was made is decided." in text(client.get(START))


def test_only_ones_own_edits_wait(client, finish, rita):
    finish(rita)
    assert "Only your own edits wait" in text(client.get(START))


def test_nothing_fits_the_filters(client, job):
    response = client.get(f"{START}?q=zebra")
    assert "Nothing that fits waits" in text(response)
    assert f'href="{START}"' in response.content.decode()


def test_member_is_told_who_reviews(as_user, bob, job):
    response = as_user(bob).get(at(outputs(job)[0]))
    assert response.status_code == 403
    assert "Only reviewers decide about pictures." in text(response)


# The tab


def tab(client):
    found = re.search(r'id="review-tab".*?</a>', client.get(reverse("jobs:usage")).content.decode())
    return found and re.sub(r"<[^>]+>", "", found[0]).partition(">")[2].strip()


def test_tab_shows_how_many_edits_wait(client, finish, alice, job):
    finish(alice)
    assert tab(client) == "Review 2 waiting"


def test_tab_shows_no_nought(client):
    assert tab(client) == "Review"


def test_tab_is_for_reviewers_only(as_user, bob, job):
    assert tab(as_user(bob)) is None


def test_tab_counts_no_further_than_its_limit(client, finish, alice, monkeypatch):
    monkeypatch.setattr(review_queue, "COUNT_LIMIT", 1)
    finish(alice), finish(alice)
    assert tab(client) == "Review 1+ waiting"


def test_tab_looks_through_the_oldest_only(finish, alice, rita, monkeypatch):
    monkeypatch.setattr(review_queue, "LOOKED_THROUGH", 4)
    for owner in (alice, rita, alice):
        finish(owner)
    assert review_queue.number(rita) == "1+"


# What others see of it


@pytest.fixture
def rejected(job, rita):
    output = outputs(job)[1]
    review.decide([output], rita, review.wish("rejected", "artefacts", "Six <fingers>."))
    return output


def test_picture_page_shows_its_author_the_verdict(as_user, alice, rejected):
    page = as_user(alice).get(rejected.get_absolute_url())
    for words in ("Rejected by rita", "Artefacts", escape("“Six <fingers>.”"), "Make this one anew"):
        assert words in text(page)
    assert at(rejected) not in page.content.decode()


def test_picture_page_leads_a_reviewer_to_the_review(client, rejected):
    assert at(rejected) in client.get(rejected.get_absolute_url()).content.decode()


def test_job_page_shows_the_verdicts(as_user, alice, job, rejected, rita):
    review.decide([outputs(job)[0]], rita, review.wish("approved"))
    page = text(as_user(alice).get(job.get_absolute_url()))
    assert "Rejected Artefacts" in page
    assert page.count("Approved") >= 1


def tile(client):
    return re.findall(r'class="badge" data-status="(\w+)">.*?</svg>([^<]+)<', client.get("/").content.decode())


def test_history_shows_how_many_results_were_rejected(as_user, alice, rejected):
    assert tile(as_user(alice)) == [("rejected", "1 rejected")]


def test_history_shows_what_is_approved_whole(as_user, alice, job, rita):
    review.decide(outputs(job)[:2], rita, review.wish("approved"))
    assert tile(as_user(alice)) == []
    review.decide(outputs(job)[2:], rita, review.wish("approved"))
    assert tile(as_user(alice)) == [("approved", "Approved")]


def test_form_is_filled_for_making_it_anew(as_user, alice, rejected):
    response = as_user(alice).get(reverse("jobs:new"), {"anew": rejected.pk})
    assert response.context["form"]["text"].value() == rejected.job.text
    assert [preview["ref"] for preview in response.context["kept"]] == [f"output:{rejected.pk}"]
    assert escape("“Six <fingers>.”") in text(response)


def test_form_for_making_it_anew_can_take_the_first_pictures(as_user, alice, rejected):
    response = as_user(alice).get(reverse("jobs:new"), {"anew": rejected.pk, "from": rejected.job_id})
    assert [preview["name"] for preview in response.context["kept"]] == ["teal.png"]
    assert escape("“Six <fingers>.”") in text(response)


def test_form_for_making_it_anew_keeps_note_and_origin_when_it_comes_back(as_user, alice, rejected):
    page = as_user(alice).get(reverse("jobs:new"), {"anew": rejected.pk}).content.decode()
    action = re.search(r'class="compose"[^>]* action="([^"]+)"', page)[1].replace("&amp;", "&")
    response = as_user(alice).post(action, {"text": ""})
    assert response.status_code == 422
    assert escape("“Six <fingers>.”") in text(response)
    sent = {"text": "Make 1 image.", "images[0]": f"output:{rejected.pk}", "sequential_image_generation_options": 1}
    as_user(alice).post(action, sent)
    assert Job.objects.get(text="Make 1 image.").parent == rejected.job


@pytest.mark.parametrize("word", ["x", "00000000-0000-7000-8000-000000000000"])
def test_form_for_making_anew_what_is_not_there_is_a_new_one_and_says_so(as_user, alice, word, job):
    response = as_user(alice).get(reverse("jobs:new"), {"anew": word})
    assert (response.status_code, response.context["kept"]) == (200, [])
    assert "The edit to start from is not here" in text(response)


def test_form_for_making_it_anew_is_sent_though_the_result_was_deleted_meanwhile(as_user, alice, rejected):
    page = as_user(alice).get(reverse("jobs:new"), {"anew": rejected.pk}).content.decode()
    action = re.search(r'action="(/new/[^"]+)"', page)[1]
    upkeep.delete(rejected.job)
    picture = SimpleUploadedFile("teal.png", png().getvalue())
    as_user(alice).post(action, parameters(text="Typed for long.") | {"seed": "", "images": picture})
    assert Job.objects.get().text == "Typed for long."


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


# Many

MANY = 10_000


@pytest.fixture
def fill(alice, make_job):
    """So many edits of one output each, all undecided."""

    def make(count):
        like = make_job(alice)
        own = {"id", "state", "finished_at", "owner"}
        known = {field.name: getattr(like, field.name) for field in Job._meta.concrete_fields if field.name not in own}
        ended = {"state": State.FAILED, "finished_at": timezone.now(), "owner": alice}
        jobs = [Job(**known, **ended) for _ in range(count)]
        file = {"kind": "image", "file": "x.png", "sha256": "0" * 64, "content_type": "image/png", "size": 1}
        Job.objects.bulk_create(jobs, batch_size=500)
        Output.objects.bulk_create((Output(job=job, position=0, **file) for job in jobs), batch_size=500)
        words = search.words(like.text)
        SearchEntry.objects.bulk_create((SearchEntry(job=job, words=words) for job in jobs), batch_size=500)
        return jobs

    return make


@pytest.mark.parametrize("query", ["", "?quality=fast&q=images"])
@pytest.mark.parametrize("count", [3, MANY])
def test_page_costs_the_same_for_few_and_for_many(client, fill, django_assert_num_queries, count, query):
    output = fill(count)[1].outputs.get()
    with django_assert_num_queries(23):
        assert len(client.get(at(output, query)).context["entries"]) == min(count, 24)


def explain(queryset):
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            # A table of few rows is read whole; these say what is chosen for a large one.
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
    return queryset.explain()


def test_queue_is_read_from_the_index_of_what_waits(rita, fill):
    job = fill(3)[1]
    queue = review_queue.Queue(rita)
    lists = [queue.outputs[:1], queue.outputs.filter(job_id__gt=job.pk)[:1], queue._ids(queue.outputs)[:100]]
    for plan in map(explain, lists):
        assert "output_unreviewed" in plan
        assert "TEMP B-TREE" not in plan
        assert "Sort" not in plan
