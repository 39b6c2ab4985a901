"""Having files kept: who may, where it is seen, and who takes it back."""

import pytest
from django.urls import reverse

from jobs import lifecycle
from jobs.models import Job
from jobs.states import Verb

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast(alice, bob, rita, sam):
    return {"alice": alice, "bob": bob, "rita": rita, "sam": sam}


def verbs(job):
    return [(event.verb, event.actor.username) for event in job.events.exclude(verb=Verb.CREATED)]


def post(client, job, act, api=""):
    return client.post(reverse(f"{'api:job-' if api else 'jobs:'}{act}", args=[job.pk]))


@pytest.mark.parametrize(("who", "code"), [("alice", 200), ("bob", 403), ("rita", 200), ("sam", 200)])
def test_owner_and_reviewers_have_files_kept(api, cast, make_job, alice, who, code):
    job = make_job(alice)
    response = post(api(cast[who]), job, "hold", "api")
    job.refresh_from_db()
    assert (response.status_code, job.held_at is not None) == (code, code == 200)
    if code == 200:
        assert (response.json()["held_by"], response.json()["held_at"] is None) == (who, False)
        assert verbs(job) == [(Verb.FILES_HELD, who)]


def test_refusal_says_who_may(api, bob, alice, make_job):
    told = post(api(bob), make_job(alice), "hold", "api").json()["errors"][0]["detail"]
    assert told == "Only the owner and reviewers may have its files kept."


@pytest.mark.parametrize(
    ("holder", "who", "code"),
    [
        ("alice", "alice", 200),
        ("alice", "rita", 200),
        ("rita", "alice", 403),
        ("rita", "sam", 200),
        ("alice", "bob", 403),
    ],
)
def test_reviewers_wish_is_not_the_owners_to_take_back(api, cast, alice, make_job, holder, who, code):
    job = make_job(alice)
    lifecycle.hold(job, cast[holder])
    response = post(api(cast[who]), job, "release", "api")
    job.refresh_from_db()
    assert (response.status_code, job.held_at is None) == (code, code == 200)


def test_second_hold_changes_nothing(api, alice, rita, make_job):
    job = make_job(alice)
    post(api(alice), job, "hold", "api")
    assert post(api(rita), job, "hold", "api").json()["held_by"] == "alice"
    assert verbs(job) == [(Verb.FILES_HELD, "alice")]


def test_release_of_what_is_not_kept_changes_nothing(api, alice, make_job):
    job = make_job(alice)
    assert post(api(alice), job, "release", "api").status_code == 200
    assert verbs(job) == []


def test_stale_job_in_hand_is_kept_once(alice, make_job):
    job = make_job(alice)
    twin = Job.objects.get(pk=job.pk)
    assert [job.hold(alice), twin.hold(alice), twin.release(alice)] == [True, False, True]


def test_job_page_offers_it_and_says_who_and_when(as_user, alice, make_job, rules):
    rules(inputs={"delete": 30})
    job, client = make_job(alice), as_user(alice)
    assert "Keep the files" in client.get(job.get_absolute_url()).content.decode()
    assert post(client, job, "hold").url == job.get_absolute_url()
    text = client.get(job.get_absolute_url()).content.decode()
    assert ("Files kept" in text, "by alice" in text, 'id="release"' in text, 'id="hold"' in text) == (
        True, True, True, False,
    )  # fmt: skip
    assert "Had its files kept" in text


def test_job_page_does_not_offer_it_where_no_rule_threatens(as_user, alice, make_job, rules):
    assert 'id="hold"' not in as_user(alice).get(make_job(alice).get_absolute_url()).content.decode()


def test_job_page_offers_it_to_nobody_else(as_user, alice, bob, make_job, rules):
    rules(inputs={"delete": 30})
    assert 'id="hold"' not in as_user(bob).get(make_job(alice).get_absolute_url()).content.decode()


def test_hold_stays_when_its_user_is_gone(alice, rita, make_job, as_user):
    job = make_job(alice)
    lifecycle.hold(job, rita)
    rita.delete()
    job.refresh_from_db()
    assert (job.held_by, job.held_at is None, job.may_be_released_by(alice)) == (None, False, False)
    assert "Files kept" in as_user(alice).get(job.get_absolute_url()).content.decode()


def test_hold_costs_the_page_no_query(
    as_user, alice, make_job, django_assert_num_queries, django_assert_max_num_queries
):
    job, client = make_job(alice), as_user(alice)
    with django_assert_max_num_queries(100) as before:
        client.get(job.get_absolute_url())
    job.hold(alice)
    with django_assert_num_queries(len(before)):
        client.get(job.get_absolute_url())


# In the admin


def admin(client, action, *jobs):
    sent = {"action": action, "_selected_action": [str(job.pk) for job in jobs], "index": 0}
    response = client.post(reverse("admin:jobs_job_changelist"), sent, follow=True)
    return response.content.decode()


def test_admin_keeps_and_lets_go_of_many(as_user, sam, alice, make_job):
    jobs, client = [make_job(alice, seed=seed) for seed in (1, 2)], as_user(sam)
    assert "The files of 2 jobs are kept from now on." in admin(client, "hold", *jobs)
    assert Job.objects.filter(held_by=sam).count() == 2
    assert "The retention rules hold for 2 jobs again." in admin(client, "release", *jobs)
    assert not Job.objects.filter(held_at__isnull=False).exists()


def test_admin_lists_what_is_kept(as_user, sam, alice, make_job):
    kept, other = make_job(alice, seed=1, text="A kept barn."), make_job(alice, seed=2, text="Another barn.")
    lifecycle.hold(kept, sam)
    text = as_user(sam).get(reverse("admin:jobs_job_changelist"), {"held": "yes"}).content.decode()
    assert (str(kept.pk) in text, str(other.pk) in text) == (True, False)
