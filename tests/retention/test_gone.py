"""An original that is gone is told in words at every door, with the right status; the rest stays to be seen."""

import io
import json
import zipfile

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from jobs import intake, output_links, references, retention, sizes
from jobs.models import Output, Picture
from jobs.models.outbox import job_data
from tests.conftest import parameters, stored_bytes
from tests.retention.conftest import STATES, days_pass

pytestmark = pytest.mark.django_db
PAGES = ("detail", "live", "picture", "compare", "history", "new", "review_output")


@pytest.fixture(params=STATES)
def state(request):
    return request.param


@pytest.fixture
def gone(rules, archive, done, state):
    """A job whose originals went by the rules, and whose files are removed by now."""
    act = {STATES[state]: 30}
    rules(unreviewed=act, inputs=act)
    days_pass(31)
    retention.run()
    days_pass(2)
    retention.remove_leftovers()
    done.refresh_from_db()
    return done


@pytest.fixture
def words(gone, state):
    """What is said of its originals."""
    said = gone.outputs.first().why_gone
    assert said.startswith(f"The original was {state} by the retention rule on ")
    return said


def page(client, name, job):
    first = job.outputs.first().pk
    addresses = {"compare": f"/compare/?job={job.pk}", "history": "/", "new": f"/new/?from={job.pk}"}
    other = (
        reverse(f"jobs:{name}", args=[first if name in ("picture", "review_output") else job.pk])
        if name not in addresses
        else ""
    )
    return client.get(addresses.get(name, other))


def detail(response):
    return [(error["attr"], error["detail"]) for error in response.json()["errors"]]


# Files


def test_files_are_410_in_words(as_user, alice, gone, words):
    client = as_user(alice)
    for address in (gone.outputs.first().file_url, gone.outputs.first().download_url, gone.inputs.get().file_url):
        response = client.get(address)
        assert (response.status_code, response.content.decode()) == (410, words)
        assert "Cache-Control" not in response


def test_files_are_410_in_the_api(api, alice, gone, words):
    response = api(alice).get(reverse("api:output-file", args=[gone.outputs.first().pk]))
    assert (response.status_code, detail(response)) == (410, [(None, words)])
    word = references.reference(gone.inputs.get().picture, alice)
    assert api(alice).get(reverse("api:picture-file", args=[word])).status_code == 410


def test_signed_addresses_are_410(client, alice, gone, words):
    token = output_links.token_of(gone.outputs.first(), alice)
    response = client.get(reverse("runcomfy:output", args=[token, "1.png"]))
    assert (response.status_code, words in json.dumps(response.json())) == (410, True)


def test_copies_for_pages_are_still_there(in_folder, as_user, alice, gone):
    client = as_user(alice)
    for entry in (gone.outputs.first(), gone.inputs.get()):
        response = client.get(entry.size_url(64))
        assert (response.status_code, response["Content-Type"], b"".join(response)[:4]) == (200, "image/webp", b"RIFF")


def test_original_is_for_who_may_take_it_before_it_is_gone(as_user, alice, bob, gone, settings):
    settings.REQUIRE_APPROVAL = True
    codes = [as_user(user).get(gone.outputs.first().file_url).status_code for user in (alice, bob)]
    assert codes == [410, 403]


# Pages


@pytest.mark.parametrize("name", PAGES)
def test_pages_show_what_is_left_and_lead_nowhere(as_user, rita, gone, name):
    response = page(as_user(rita), name, gone)
    text = response.content.decode()
    assert response.status_code == 200
    assert gone.outputs.first().download_url not in text
    assert f'"{gone.outputs.first().file_url}"' not in text
    assert f'"{gone.inputs.get().file_url}"' not in text


@pytest.mark.parametrize("name", ["detail", "live", "picture", "new"])
def test_pages_say_it_in_words(as_user, alice, gone, words, name):
    assert words in page(as_user(alice), name, gone).content.decode()


@pytest.mark.parametrize("name", ["detail", "picture", "compare", "history"])
def test_pages_show_the_copies(as_user, alice, gone, name):
    assert gone.outputs.first().size_url(64) in page(as_user(alice), name, gone).content.decode()


def test_job_page_offers_no_empty_zip(as_user, alice, gone):
    text = page(as_user(alice), "detail", gone).content.decode()
    assert ('id="archive"' in text, 'id="rerun"' in text) == (False, True)


def test_page_of_a_job_without_copies_shows_a_blank(as_user, alice, gone):
    Output.objects.update(widths=[])
    Picture.objects.update(widths=[])
    assert page(as_user(alice), "detail", gone).status_code == 200


def test_gone_originals_cost_no_query(as_user, alice, done, rules):
    client = as_user(alice)
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            for name in ("detail", "picture", "compare", "history"):
                page(client, name, done)
        counts.append(len(queries))
        rules(unreviewed={"delete": 1}, inputs={"delete": 1})
        days_pass(2)
        retention.run()
    # One event more is read with the others, in one query.
    assert counts[1] == counts[0]


def test_form_does_not_offer_it_among_the_newest(as_user, alice, gone):
    assert gone.outputs.first().size_url(64) not in as_user(alice).get("/new/?recent").content.decode()


# Used again


def test_rerun_is_refused_and_names_the_field(api, alice, gone, words):
    response = api(alice).post(reverse("api:job-rerun", args=[gone.pk]), {"seed": 5}, format="json")
    assert (response.status_code, detail(response)) == (400, [("images", f"teal.png: {words}")])


def test_rerun_with_other_pictures_is_made(api, alice, gone):
    body = {"images": ["data:image/png;base64," + _png64()]}
    assert api(alice).post(reverse("api:job-rerun", args=[gone.pk]), body, format="json").status_code == 201


def _png64():
    import base64

    from tests.conftest import png

    return base64.b64encode(png(color="gold").getvalue()).decode()


@pytest.mark.parametrize("word", ["output", "picture"])
def test_it_is_no_picture_for_an_edit(api, alice, gone, words, word):
    picture = gone.inputs.get().picture
    given = (
        intake.output_word(gone.outputs.first())
        if word == "output"
        else references.reference(picture, alice, "teal.png")
    )
    body = {**parameters(), "images": [given]}
    response = api(alice).post(reverse("api:job-list"), body, format="json")
    [(attr, told)] = detail(response)
    assert (response.status_code, attr, told.endswith(words)) == (400, "images", True)


def test_form_that_was_open_says_so(as_user, alice, gone, words):
    given = {"images[0]": references.reference(gone.inputs.get().picture, alice, "teal.png"), "text": "Make 2."}
    response = as_user(alice).post("/new/", given | {"idempotency_key": "k"})
    assert (response.status_code, f"teal.png: {words}" in response.content.decode()) == (422, True)


# Told to programs


def test_api_tells_where_the_original_is(api, alice, gone, state):
    told = api(alice).get(reverse("api:job-detail", args=[gone.pk])).json()
    [output, *_], [entry] = told["outputs"], told["inputs"]
    assert (output["url"], output["original"], output["original_at"] is None) == (None, state, False)
    assert (output["is_withheld"], entry["is_withheld"]) == (False, False)
    assert (entry["picture"]["id"], entry["picture"]["file_url"], entry["picture"]["original"]) == (None, None, state)


def test_zip_names_what_is_missing(as_user, alice, gone, words, state):
    response = as_user(alice).get(f"{reverse('jobs:archive')}?job={gone.pk}")
    found = zipfile.ZipFile(io.BytesIO(b"".join(response)))
    [told] = json.loads(found.read("manifest.json"))["jobs"]
    assert (response.status_code, found.namelist()) == (200, ["manifest.json"])
    assert {(output["file"], output["note"], output["original"]) for output in told["outputs"]} == {
        (None, words, state)
    }
    assert told["images"][0]["original"] == state


def test_drop_in_tells_an_address_for_each_that_says_what_became_of_it(api, alice, client, gone, words):
    told = api(alice).get(reverse("runcomfy:result", args=[gone.pk])).json()
    assert (told["status"], len(told["output"]["images"])) == ("completed", 3)
    assert {client.get(address).status_code for address in told["output"]["images"]} == {410}


def test_webhooks_lead_to_no_file_that_is_gone(gone):
    assert {output["url"] for output in job_data(gone)["outputs"]} == {None}


def test_others_of_the_same_job_are_there(in_folder, rules, as_user, alice, rita, done):
    from tests.retention.conftest import decide

    decide(done, rita, "rejected", "", "")
    rules(rejected={"delete": 1})
    days_pass(2)
    retention.run()
    client = as_user(alice)
    response = client.get(f"{reverse('jobs:archive')}?job={done.pk}")
    assert zipfile.ZipFile(io.BytesIO(b"".join(response))).namelist() == ["manifest.json", "2.png", "3.png"]
    last = done.outputs.last()
    assert b"".join(client.get(last.file_url)) == stored_bytes(last.file)
    assert sizes.names(last)
