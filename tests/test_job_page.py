"""The page of one job, as a browser without script gets it, and its part that changes."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape

from jobs import intake, lifecycle
from jobs.models import Job
from jobs.states import Reason, State
from jobs.views import progress

from .conftest import parameters, stored_output

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("state", State)
def test_job_page_shows_every_state(as_user, alice, make_job, state):
    job = make_job(alice)
    put(job, state)
    response = as_user(alice).get(reverse("jobs:detail", args=[job.pk]))
    assert escape(str(state.label)) in response.content.decode()


def put(job, state):
    ended = state in (State.COMPLETED, State.FAILED, State.CANCELLED)
    Job.objects.filter(pk=job.pk).update(
        state=state,
        request_id=None if state in (State.PENDING, State.SUBMITTING, State.UNCONFIRMED) else "request-1",
        finished_at=timezone.now() if ended else None,
        reason=Reason.MODEL_FAILED if state == State.FAILED else "",
        provider_error={"message": "Blocked by the filter."} if state == State.FAILED else None,
    )


def test_job_page_tells_why_it_failed_in_both_our_and_the_providers_words(as_user, alice, make_job):
    job = make_job(alice)
    put(job, State.FAILED)
    page = as_user(alice).get(reverse("jobs:detail", args=[job.pk])).content.decode()
    assert str(Reason.MODEL_FAILED.label) in page
    assert "Blocked by the filter." in page


def test_job_page_warns_before_anybody_pays_twice(as_user, alice, make_job):
    job = make_job(alice)
    put(job, State.UNCONFIRMED)
    page = as_user(alice).get(reverse("jobs:detail", args=[job.pk])).content.decode()
    assert "may or may not have accepted" in page


def test_live_part_is_empty_while_nothing_changed(as_user, alice, make_job):
    job = make_job(alice)
    url = reverse("jobs:live", args=[job.pk])
    assert as_user(alice).get(f"{url}?v={job.version}").status_code == 204


def test_live_part_comes_when_something_changed(as_user, alice, make_job):
    job = make_job(alice)
    url = reverse("jobs:live", args=[job.pk])
    assert as_user(alice).get(f"{url}?v={job.version - 1}").status_code == 200


def test_live_part_of_an_ended_job_asks_no_more(as_user, alice, make_job):
    job = make_job(alice)
    put(job, State.CANCELLED)
    page = as_user(alice).get(reverse("jobs:live", args=[job.pk])).content.decode()
    assert "hx-get" not in page


def test_cancel_button_cancels(as_user, alice, make_job):
    job = make_job(alice)
    as_user(alice).post(reverse("jobs:cancel", args=[job.pk]))
    assert Job.objects.get(pk=job.pk).state == State.CANCELLED


def test_cancel_that_comes_too_late_says_so(as_user, alice, make_job):
    job = make_job(alice)
    put(job, State.COMPLETED)
    response = as_user(alice).post(reverse("jobs:cancel", args=[job.pk]), follow=True)
    assert "It is too late to cancel this job: Completed." in response.content.decode()


@pytest.mark.django_db(transaction=True)
def test_job_page_tells_what_runcomfy_did_not_make(sandbox, as_user, alice, make_job, drive_all):
    sandbox.misbehave("image_and_error_mixed")
    job = make_job(alice)
    drive_all()
    page = as_user(alice).get(reverse("jobs:detail", args=[job.pk])).content.decode()
    assert "RunComfy did not make all pictures:" in page
    assert "This image could not be generated." in page


def test_job_page_of_a_failed_model_shows_where_it_stopped(as_user, alice, make_job):
    job = make_job(alice)
    put(job, State.FAILED)
    Job.objects.filter(pk=job.pk).update(accepted_at=timezone.now(), started_at=timezone.now())
    steps = as_user(alice).get(reverse("jobs:detail", args=[job.pk])).context["steps"]
    assert [step["state"] for step in steps] == ["ok", "ok", "fail", ""]


def test_job_page_offers_to_fetch_lost_pictures_again(as_user, alice, make_job):
    job = make_job(alice)
    put(job, State.FAILED)
    Job.objects.filter(pk=job.pk).update(reason=Reason.LOST_OUTPUT)
    client = as_user(alice)
    page = client.get(reverse("jobs:detail", args=[job.pk])).content.decode()
    client.post(reverse("jobs:fetch_again", args=[job.pk]))
    assert "Fetch the pictures again" in page
    assert Job.objects.get(pk=job.pk).state == State.MIRRORING


def test_job_page_shows_runcomfys_own_status_also_one_never_seen(as_user, api, alice, make_job):
    job = make_job(alice)
    put(job, State.IN_QUEUE)
    Job.objects.filter(pk=job.pk).update(provider_status="defragmenting")
    page = as_user(alice).get(reverse("jobs:detail", args=[job.pk])).content.decode()
    assert "<dd>defragmenting</dd>" in page
    assert api(alice).get(reverse("api:job-detail", args=[job.pk])).data["provider_status"] == "defragmenting"


def shown(client, job):
    response = client.get(reverse("jobs:detail", args=[job.pk]))
    return response, response.content.decode()


def took(job, seconds=40):
    """Three finished jobs like this one that took so long."""
    now = timezone.now()
    for number in range(3):
        Job.objects.create(
            owner=job.owner,
            **job.parameters,
            state=State.COMPLETED,
            request_id=f"like-{number}",
            accepted_at=now - timedelta(seconds=seconds),
            finished_at=now,
        )


# The time


def test_running_job_says_how_long_its_like_usually_take(as_user, alice, make_job):
    job = make_job(alice)
    took(job)
    put(job, State.IN_QUEUE)
    Job.objects.filter(pk=job.pk).update(accepted_at=timezone.now())
    _response, page = shown(as_user(alice), job)
    assert "usually takes about 40 s" in page
    assert 'data-usual="40.0"' in page


@pytest.mark.parametrize(
    "fields",
    [
        {"state": State.COMPLETED, "finished_at": timezone.now()},
        {"state": State.UNCONFIRMED},
        {"trouble": Reason.NOT_REACHED},
        {"cancel_requested_at": timezone.now()},
    ],
    ids=["completed", "unconfirmed", "in trouble", "being cancelled"],
)
def test_job_that_is_not_on_its_way_says_nothing_of_time(as_user, alice, make_job, fields):
    job = make_job(alice)
    took(job)
    Job.objects.filter(pk=job.pk).update(request_id="request-1", **fields)
    assert "usually takes" not in shown(as_user(alice), job)[1]


def test_queued_step_tells_how_long_it_took(as_user, alice, make_job):
    job, now = make_job(alice), timezone.now()
    put(job, State.IN_PROGRESS)
    Job.objects.filter(pk=job.pk).update(accepted_at=now - timedelta(seconds=6), started_at=now)
    steps = shown(as_user(alice), job)[0].context["steps"]
    assert [(step["note"], step["since"]) for step in steps] == [("", None), ("6 s", None), ("", now), ("", None)]


# The results


def test_result_leads_to_its_page_and_offers_what_can_be_done(as_user, alice, make_job):
    job = make_job(alice)
    put(job, State.COMPLETED)
    output = stored_output(job)
    page = shown(as_user(alice), job)[1]
    for address in (f"/pictures/{output.pk}/", f"/new/?output={output.pk}", f"/outputs/{output.pk}/?download=1"):
        assert f'href="{address}"' in page
    assert f'<input type="checkbox" name="output" value="{output.pk}" form="picked"' in page


def test_video_is_shown_and_cannot_be_picked(as_user, alice, make_job):
    job = make_job(alice)
    stored_output(job, kind="video", extension=".mp4")
    page = shown(as_user(alice), job)[1]
    assert "<video controls" in page
    assert 'name="output"' not in page


def test_actions_of_the_results_come_with_the_live_part(as_user, alice, make_job):
    job = make_job(alice)
    before = shown(as_user(alice), job)[1]
    stored_output(job)
    after = as_user(alice).get(reverse("jobs:live", args=[job.pk])).content.decode()
    link = f'href="/compare/?job={job.pk}"'
    assert (link in before, link in after, f'href="/archive.zip?job={job.pk}"' in after) == (False, True, True)


def test_page_waits_for_as_many_results_as_may_come(as_user, alice, make_job):
    job = make_job(alice, sequential_image_generation_options=3)
    stored_output(job)
    assert list(shown(as_user(alice), job)[0].context["waiting"]) == [2, 3]


# What stands around the job


def rerun(job, owner, **given):
    kept = [intake.Kept(entry.picture) for entry in job.inputs.all()]
    return lifecycle.create(owner, parameters(**given), kept, parent=job)


def test_job_page_shows_what_it_is_based_on(as_user, alice, make_job):
    parent = make_job(alice, text="The first version.")
    stored_output(parent)
    page = shown(as_user(alice), rerun(parent, alice))[1]
    assert f'<a href="/jobs/{parent.pk}/">' in page
    assert "<small>Based on</small> The first version." in page


def test_job_page_shows_the_newest_reruns_and_counts_the_others(as_user, alice, make_job):
    job = make_job(alice)
    children = [rerun(job, alice) for _ in range(8)]
    response, page = shown(as_user(alice), job)
    assert response.context["children"] == children[:1:-1]
    assert "and 2 older re-runs" in page


def test_job_page_hides_relatives_that_one_may_not_see(as_user, alice, bob, make_job, settings):
    settings.TEAM_VISIBILITY = "own"
    parent = make_job(alice)
    job = rerun(parent, bob)
    rerun(job, alice)
    context = shown(as_user(bob), job)[0].context
    assert (context["parent"], context["children"]) == (None, [])


def test_picture_that_was_a_result_leads_to_it(as_user, alice, make_job):
    output = stored_output(make_job(alice))
    job = rerun(output.job, alice)
    job.inputs.update(output=output)
    page = shown(as_user(alice), job)[1]
    assert f'<a href="/pictures/{output.pk}/">' in page
    assert "</svg>result 1</p>" in page


def test_picture_that_was_an_unseen_result_leads_to_its_own_file(as_user, alice, bob, make_job, settings):
    settings.TEAM_VISIBILITY = "own"
    output = stored_output(make_job(alice))
    job = rerun(output.job, bob)
    job.inputs.update(output=output)
    assert f'<a href="/jobs/{job.pk}/inputs/0/">' in shown(as_user(bob), job)[1]


def test_job_page_leads_to_the_newer_and_the_older_job(as_user, alice, make_job):
    older, job, newer = (make_job(alice) for _ in range(3))
    context = shown(as_user(alice), job)[0].context
    assert (context["newer"], context["older"]) == (newer, older)


def test_neighbours_of_the_same_moment_are_told_apart(as_user, alice, make_job):
    jobs = [make_job(alice) for _ in range(3)]
    Job.objects.update(created_at=timezone.now())
    context = shown(as_user(alice), jobs[1])[0].context
    assert (context["newer"], context["older"]) == (jobs[2], jobs[0])


def test_last_job_has_no_older_one(as_user, alice, bob, make_job, settings):
    settings.TEAM_VISIBILITY = "own"
    make_job(alice)
    context = shown(as_user(bob), make_job(bob))[0].context
    assert (context["newer"], context["older"]) == (None, None)


@pytest.mark.parametrize("count", [1, 6])
def test_job_page_costs_the_same_for_few_and_for_many(as_user, alice, make_job, django_assert_num_queries, count):
    parent = make_job(alice)
    job = rerun(parent, alice)
    for _ in range(count):
        stored_output(job)
        stored_output(rerun(job, alice))
    client = as_user(alice)
    shown(client, job)
    # session, user, job, outputs, figures, children with covers (3), parent with covers (2), newer,
    # older, inputs, events, RunComfy, worker
    with django_assert_num_queries(18):
        shown(client, job)


# Waiting for its turn


@pytest.fixture
def unsent(make_job):
    """Jobs that wait to be sent, since a minute."""

    def make(owner, number):
        jobs = [make_job(owner) for _ in range(number)]
        Job.objects.update(pending_since=timezone.now() - timedelta(minutes=1))
        return jobs

    return make


@pytest.mark.parametrize(
    ("number", "words"),
    [(2, "Waits for its turn: 1 edit is ahead."), (4, "Waits for its turn: 3 edits are ahead.")],
)
def test_unsent_job_tells_how_many_are_ahead(as_user, alice, unsent, number, words):
    job = unsent(alice, number)[-1]
    assert words in as_user(alice).get(reverse("jobs:detail", args=[job.pk])).content.decode()


def test_unsent_job_does_not_count_forever(as_user, alice, unsent, monkeypatch):
    monkeypatch.setattr(progress, "MANY", 2)
    job = unsent(alice, 4)[-1]
    page = as_user(alice).get(reverse("jobs:detail", args=[job.pk])).content.decode()
    assert "Waits for its turn: more than 2 edits are ahead." in page


@pytest.mark.parametrize(("limit", "says"), [(0, False), (1, True)])
def test_next_job_says_that_it_waits_only_where_that_is_why(as_user, alice, unsent, settings, limit, says):
    settings.RUNCOMFY_MAX_IN_FLIGHT = limit
    [job] = unsent(alice, 1)
    page = as_user(alice).get(reverse("jobs:detail", args=[job.pk])).content.decode()
    assert ("it is the next one" in page) is says


@pytest.mark.parametrize(
    "fields",
    [
        {"pending_since": timezone.now() + timedelta(days=1)},
        {"trouble": Reason.NOT_REACHED},
        {"cancel_requested_at": timezone.now()},
        {"state": State.SUBMITTING},
    ],
)
def test_job_that_waits_for_something_else_says_nothing_of_turns(as_user, alice, unsent, fields):
    job = unsent(alice, 2)[-1]
    Job.objects.filter(pk=job.pk).update(**fields)
    assert "for its turn" not in as_user(alice).get(reverse("jobs:detail", args=[job.pk])).content.decode()


def test_live_part_comes_when_fewer_are_ahead(as_user, alice, unsent):
    first, _second, job = unsent(alice, 3)
    url = reverse("jobs:live", args=[job.pk])
    assert as_user(alice).get(f"{url}?v={job.version}-2").status_code == 204
    lifecycle.cancel(first, alice)
    assert "1 edit is ahead" in as_user(alice).get(f"{url}?v={job.version}-2").content.decode()
