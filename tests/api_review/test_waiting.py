"""What waits for reviewers, by the API."""

import pytest

from jobs.models import Job

from .calls import WAITING, approved, attrs, ids

pytestmark = pytest.mark.django_db


def test_waiting_lists_the_oldest_job_first(api, alice, bob, rita, wait):
    first, second = wait(alice, 2), wait(bob, 1)
    found = api(rita).get(WAITING).data["results"]
    assert ids(found) == [str(output.pk) for output in (*first, *second)]


def test_waiting_leaves_out_what_is_decided_and_what_is_ones_own(api, alice, rita, wait):
    [left, decided], _own = wait(alice, 2), wait(rita)
    approved([decided], rita)
    assert ids(api(rita).get(WAITING).data["results"]) == [str(left.pk)]


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ({"owner": "bob"}, 1),
        ({"owner": "me"}, 0),
        ({"quality": "standard"}, 1),
        ({"since": "2026-01-02"}, 1),
        ({"until": "2026-01-01"}, 2),
        ({"q": "roof"}, 1),
        ({"q": "roof", "owner": "bob"}, 0),
        ({"owner": "", "q": ""}, 3),
    ],
)
def test_waiting_takes_the_filters_of_the_list_of_jobs(api, alice, bob, rita, wait, filters, count):
    wait(alice, text="Make 2 images of a green roof.")
    wait(alice, optimize_prompt_options="standard")
    Job.objects.update(created_at="2026-01-01T12:00:00Z")
    wait(bob)
    assert len(api(rita).get(WAITING, filters).data["results"]) == count


def test_waiting_takes_a_job(api, alice, rita, wait):
    wait(alice)
    outputs = wait(alice, 2)
    found = api(rita).get(WAITING, {"job": str(outputs[0].job_id)}).data["results"]
    assert ids(found) == [str(output.pk) for output in outputs]


@pytest.mark.parametrize("name", ["owner", "quality", "since", "until", "job", "state", "review", "sort", "stat"])
def test_waiting_refuses_a_bad_filter(api, rita, name):
    response = api(rita).get(WAITING, {name: "x"})
    assert (response.status_code, attrs(response)) == (400, [name])


def test_waiting_pages_there_and_back(api, alice, rita, wait):
    outputs = [str(output.pk) for _ in range(2) for output in wait(alice, 3)]
    client, pages, url = api(rita), [], f"{WAITING}?page_size=2"
    while url:
        pages.append(client.get(url).data)
        url = pages[-1]["next"]
    back = client.get(pages[2]["previous"]).data
    assert [ids(page["results"]) for page in pages] == [outputs[:2], outputs[2:4], outputs[4:]]
    assert (ids(back["results"]), client.get(back["previous"]).data["previous"]) == (outputs[2:4], None)


def test_waiting_skips_nothing_when_a_page_is_decided_before_the_next_is_asked_for(api, alice, rita, wait):
    outputs, client = wait(alice, 6), api(rita)
    first = client.get(WAITING, {"page_size": 2}).data
    approved(outputs[:2], rita)
    assert ids(client.get(first["next"]).data["results"]) == [str(output.pk) for output in outputs[2:4]]


def test_waiting_ends_when_all_that_was_left_is_decided(api, alice, rita, wait):
    outputs, client = wait(alice, 4), api(rita)
    url = client.get(WAITING, {"page_size": 2}).data["next"]
    approved(outputs, rita)
    assert client.get(url).data == {"next": None, "previous": None, "results": []}


# Not base64, no output, no id, the first page written in another way
@pytest.mark.parametrize("cursor", ["nonsense", "cD1ub25zZW5zZQ==", "cD0xLjE=", "bz0w"])
def test_waiting_knows_no_cursor_that_it_did_not_make(api, rita, cursor):
    response = api(rita).get(WAITING, {"cursor": cursor})
    assert (response.status_code, attrs(response)) == (400, ["cursor"])
