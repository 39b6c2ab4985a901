"""The page that shows two pictures against each other."""

import re

import pytest
from django.urls import reverse
from django.utils import timezone

from jobs import intake, lifecycle, pictures
from jobs.models import Job, Output
from jobs.states import State

from .conftest import parameters, png

pytestmark = pytest.mark.django_db
NOBODY = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def make_edit(alice):
    """A job with one input for each colour, and so many results."""

    def make(colors=("teal",), results=1, owner=alice, **given) -> Job:
        kept = [intake.Kept(intake.keep(pictures.clean(png(color=color))), name=f"{color}.png") for color in colors]
        job = lifecycle.create(owner, parameters(**given), kept)
        for position in range(results):
            add_result(job, position)
        return job

    return make


def add_result(job: Job, position: int, kind: str = "image") -> Output:
    file = job.inputs.first().picture.file.name
    known = {"content_type": "image/png", "width": 64, "height": 48, "size": 1, "sha256": "0" * 64}
    return Output.objects.create(job=job, position=position, kind=kind, file=file, **known)


@pytest.fixture
def compare(as_user, alice):
    client = as_user(alice)

    def get(*jobs: Job, **more):
        return client.get(reverse("jobs:compare"), {"job": [job.pk for job in jobs], **more})

    return get


def pair(response) -> tuple[str, str]:
    return response.context["before"].title, response.context["after"].title


def links(response, side: str) -> list[str]:
    """The words of the pictures that can be chosen for that side."""
    return re.findall(rf'id="{side}-([^"]+)" href', response.content.decode())


def test_compare_shows_what_went_in_against_what_came_out(compare, make_edit):
    job = make_edit(["teal", "red"], results=3)
    response = compare(job)
    assert pair(response) == ("Picture 1", "Result 1")
    assert links(response, "a") == [f"{job.pk}.0", f"{job.pk}.1"]
    assert links(response, "b") == [str(output.pk) for output in job.outputs.all()]


def test_compare_shows_the_results_of_two_edits(compare, make_edit):
    assert pair(compare(make_edit(results=2), make_edit(results=2))) == ("Edit A, result 1", "Edit B, result 1")


def test_compare_lets_choose_from_all_pictures_of_several_edits(compare, make_edit):
    jobs = [make_edit() for _ in range(3)]
    words = [word for job in jobs for word in (f"{job.pk}.0", str(job.outputs.get().pk))]
    response = compare(*jobs)
    assert (links(response, "a"), links(response, "b")) == (words, words)


def test_compare_keeps_the_order_of_the_address(compare, make_edit):
    first, second = make_edit(text="First."), make_edit(text="Second.")
    assert [edit.job for edit in compare(second, first, second).context["edits"]] == [second, first]


def test_compare_shows_the_pictures_that_the_address_names(compare, make_edit):
    one, other = make_edit(["teal", "red"]), make_edit(results=2)
    response = compare(one, other, a=other.outputs.last().pk, b=f"{one.pk}.1")
    assert pair(response) == ("Edit B, result 2", "Edit A, picture 2")


def test_compare_shows_two_results_of_one_edit(compare, make_edit):
    job = make_edit(results=2)
    first, second = job.outputs.all()
    response = compare(job, a=first.pk, b=second.pk)
    assert pair(response) == ("Result 1", "Result 2")
    assert links(response, "a") == [f"{job.pk}.0", str(first.pk), str(second.pk)]


def test_compare_has_an_address_for_each_choice(compare, make_edit, as_user, alice):
    job = make_edit(["teal", "red"], results=2)
    response = compare(job, view="flip")
    address = re.search(rf'id="a-{job.pk}\.1" href="([^"]+)"', response.content.decode())[1].replace("&amp;", "&")
    again = as_user(alice).get(reverse("jobs:compare") + address)
    assert pair(again) == ("Picture 2", "Result 1")
    assert again.context["view"] == "flip"
    assert again.context["address"] == address


@pytest.mark.parametrize(("given", "view"), [("side", "side"), ("flip", "flip"), ("", "slider"), ("round", "slider")])
def test_compare_knows_three_views(compare, make_edit, given, view):
    assert f'<figure class="viewer" data-view="{view}"' in compare(make_edit(), view=given).content.decode()


@pytest.mark.parametrize("query", [{"a": "x"}, {"b": NOBODY}, {"a": f"{NOBODY}.0"}, {"job": NOBODY}, {"job": "x"}])
def test_compare_refuses_what_is_not_there(compare, make_edit, query):
    assert compare(make_edit(), **query).status_code == 404


def test_compare_refuses_a_picture_of_an_edit_that_is_not_compared(compare, make_edit):
    other = make_edit()
    assert compare(make_edit(), b=other.outputs.get().pk).status_code == 404


def test_compare_refuses_an_edit_that_is_not_to_be_seen(compare, make_edit, bob, settings):
    settings.TEAM_VISIBILITY = "own"
    assert compare(make_edit(), make_edit(owner=bob)).status_code == 404


def test_compare_takes_four_edits_and_says_so(compare, make_edit):
    response = compare(*[make_edit() for _ in range(5)])
    assert [edit.name for edit in response.context["edits"]] == ["Edit A", "Edit B", "Edit C", "Edit D"]
    assert "At most 4 edits are compared at once" in response.content.decode()


def test_compare_without_an_edit_says_where_to_choose(compare):
    assert "choose several edits in the history" in compare().content.decode()


def test_compare_waits_for_the_results_of_an_edit(compare, make_edit):
    page = compare(make_edit(results=0)).content.decode()
    assert "can be compared as soon as they are there" in page
    assert 'alt="Picture 1"' in page


def test_compare_says_that_an_edit_made_nothing(compare, make_edit):
    job = make_edit(results=0)
    Job.objects.filter(pk=job.pk).update(state=State.CANCELLED, finished_at=timezone.now())
    assert "This edit ended without a picture." in compare(job).content.decode()


def test_compare_says_that_there_is_only_one_picture(compare, make_edit):
    job = make_edit()
    job.inputs.all().delete()
    assert "There is only one picture" in compare(job).content.decode()


def test_compare_leaves_videos_out(compare, make_edit):
    job = make_edit(results=0)
    add_result(job, 0, "video")
    assert compare(job).context["after"] is None


def test_compare_of_edits_without_results_shows_what_went_in(compare, make_edit):
    assert pair(compare(make_edit(results=0), make_edit())) == ("Edit A, picture 1", "Edit B, result 1")


def test_compare_downloads_and_runs_again_what_is_after(compare, make_edit):
    one, other = make_edit(), make_edit()
    page = compare(one, other).content.decode()
    assert f'href="/outputs/{other.outputs.get().pk}/?download=1"' in page
    assert f'href="/new/?from={other.pk}"' in page


# What changed


def changes(response):
    return response.context["changes"]


def test_changes_are_not_told_of_one_edit(compare, make_edit):
    assert changes(compare(make_edit())) is None


def test_changes_of_the_prompt_are_marked_for_eyes_and_ears(compare, make_edit):
    page = compare(make_edit(text="Make 2 red images."), make_edit(text="Make 2 blue images.")).content.decode()
    assert '<del><span class="vh">removed: </span>red</del>' in page
    assert '<ins><span class="vh">added: </span>blue</ins>' in page


def test_changes_say_that_the_prompt_is_the_same(compare, make_edit):
    page = compare(make_edit(), make_edit()).content.decode()
    assert "The same, word for word:" in page
    assert "The same pictures in the same order." in page


def test_changes_tell_which_settings_differ_and_which_do_not(compare, make_edit):
    shown = changes(compare(make_edit(seed=7), make_edit(sequential_image_generation_options=1)))
    assert shown["settings"] == [("Images", "up to 2", "1"), ("Seed", "7", "by chance")]
    assert shown["equal"] == ["Aspect ratio", "Quality", "Series"]


def test_changes_tell_which_pictures_differ(compare, make_edit):
    shown = changes(compare(make_edit(["teal", "red"]), make_edit(["blue", "teal"])))
    assert [slot.title for slot in shown["only_before"]] == ["Edit A, picture 2"]
    assert [slot.title for slot in shown["only_after"]] == ["Edit B, picture 1"]
    assert shown["is_reordered"] is False


def test_changes_tell_that_the_pictures_come_in_another_order(compare, make_edit):
    page = compare(make_edit(["teal", "red"]), make_edit(["red", "teal"])).content.decode()
    assert "The same pictures in another order." in page


def test_changes_tell_what_each_edit_cost(compare, make_edit):
    one, other = make_edit(), make_edit()
    Job.objects.filter(pk=one.pk).update(cost_usd="0.056")
    Job.objects.filter(pk=other.pk).update(estimate_usd="0.07")
    page = compare(one, other).content.decode()
    assert "<td>$0.056</td>" in page
    assert "<td>$0.07 <small>estimated</small></td>" in page


def test_changes_are_those_of_the_edits_that_are_shown(compare, make_edit):
    first, second, third = make_edit(), make_edit(), make_edit()
    shown = changes(compare(first, second, third, a=f"{third.pk}.0"))
    assert (shown["before"].job, shown["after"].job) == (third, second)


@pytest.mark.parametrize(("edits", "results"), [(1, 1), (4, 12)])
def test_compare_costs_the_same_for_few_and_for_many(compare, make_edit, django_assert_num_queries, edits, results):
    jobs = [make_edit(results=results) for _ in range(edits)]
    compare(*jobs)
    with django_assert_num_queries(10):  # session, user, permissions, jobs, inputs, pictures, outputs, RunComfy, worker
        compare(*jobs)
