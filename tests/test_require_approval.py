"""REQUIRE_APPROVAL: until an output is approved, only its author and reviewers take its file, at whichever door."""

import io
import json
import zipfile

import httpx
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from jobs import intake, lifecycle, output_links, references, review, sizes
from jobs.files import BRIEF_SECONDS, LINK_SECONDS
from jobs.models import Job, Output
from jobs.states import State
from tests.conftest import parameters, picture_file, stored_bytes, stored_output
from tests.test_permissions import VERDICTS, address

APPROVE = review.Wish(review.Verdict.APPROVED)
WAITS = "It is not approved yet: until then only its author and reviewers may download or use it."
REJECTED = "It was rejected: only its author and reviewers may download or use it."
CAST = ("alice", "bob", "rita", "sam")  # owner, teammate, reviewer, staff
OTHERS = ("alice", "rita", "sam")
TAKERS = {"unreviewed": OTHERS, "approved": CAST, "rejected": OTHERS, "undone": OTHERS}

# From a folder, but for those that ask for the bucket.
pytestmark = pytest.mark.usefixtures("in_folder")


@pytest.fixture(autouse=True)
def required(settings):
    settings.REQUIRE_APPROVAL = True


@pytest.fixture
def output(alice, make_job):
    """The one result of a completed job, with copies of three widths."""
    job = make_job(alice)
    Job.objects.filter(pk=job.pk).update(state=State.COMPLETED, request_id="r-1", finished_at=job.created_at)
    job.refresh_from_db()
    found = stored_output(job, picture_file("PNG", 1700, 900, "red"), width=1700, height=900)
    return copied(found)


@pytest.fixture
def later(alice, output):
    """An edit of the author's that the result went into."""
    job = lifecycle.create(alice, parameters(), intake.take([intake.output_word(output)], alice))
    sizes.make_waiting()
    return job


@pytest.fixture
def cast(alice, bob, rita, sam):
    return {"alice": alice, "bob": bob, "rita": rita, "sam": sam}


def copied(found):
    sizes.make_waiting()
    found.refresh_from_db()
    assert found.widths == [320, 640, 1600]
    return found


def become(output, state, by):
    """Have it decided about, so that it stands as that word says."""
    if state in ("approved", "undone"):
        act = review.decide([Output.objects.get(pk=output.pk)], by, APPROVE).act
    if state == "undone":
        review.undo(act, by)
    if state == "rejected":
        review.decide([Output.objects.get(pk=output.pk)], by, review.wish("rejected", "crop"))
    return Output.objects.get(pk=output.pk)


def result(client, output):
    return client.get(reverse("runcomfy:result", args=[output.job_id])).json()["output"]["images"]


def code(response):
    body(response)
    return response.status_code


def body(response):
    return b"".join(response) if response.streaming else response.content


# The rule


@pytest.mark.parametrize("state", TAKERS)
@pytest.mark.parametrize("who", CAST)
def test_rule_for_one_is_the_rule_for_many(cast, rita, output, who, state):
    found, user = become(output, state, rita), cast[who]
    assert found.may_be_taken_by(user) is (who in TAKERS[state])
    assert Output.objects.takeable_by(user).exists() is (who in TAKERS[state])


@pytest.mark.parametrize("who", CAST)
def test_rule_is_visibility_alone_without_the_setting(cast, output, settings, who):
    settings.REQUIRE_APPROVAL = False
    assert output.may_be_taken_by(cast[who])
    assert Output.objects.takeable_by(cast[who]).get() == output


def test_rule_gives_nothing_to_who_does_not_see_the_job(bob, rita, output, settings):
    settings.TEAM_VISIBILITY = "own"
    found = become(output, "approved", rita)
    assert (found.may_be_taken_by(bob), Output.objects.takeable_by(bob).count()) == (False, 0)


# Files


@pytest.mark.parametrize("state", TAKERS)
@pytest.mark.parametrize("who", CAST)
def test_file_is_for_takers_at_every_address(as_user, api, cast, rita, output, later, who, state):
    become(output, state, rita)
    browser, program = as_user(cast[who]), api(cast[who])
    codes = {
        code(browser.get(output.file_url)),
        code(browser.get(output.download_url)),
        code(browser.get(output.size_url(1600))),
        code(browser.get(later.inputs.get().file_url)),
        code(browser.get(later.inputs.get().size_url(1600))),
        code(program.get(reverse("api:output-file", args=[output.pk]))),
        code(browser.get(f"/v1/outputs/{output_links.token_of(output, cast[who])}/1.png")),
    }
    assert codes == {200 if who in TAKERS[state] else 403}


def test_file_is_for_everybody_without_the_setting(as_user, bob, output, settings):
    settings.REQUIRE_APPROVAL = False
    assert code(as_user(bob).get(output.file_url)) == 200


@pytest.mark.parametrize("width", [320, 640])
def test_small_copies_are_for_everybody(as_user, bob, output, later, width):
    browser = as_user(bob)
    codes = [code(browser.get(picture.size_url(width))) for picture in (output, later.inputs.get())]
    assert codes == [200, 200]


def test_known_file_is_not_confirmed_while_it_is_withheld(as_user, bob, output):
    known = {"If-None-Match": f'"{output.sha256}"'}
    assert code(as_user(bob).get(output.file_url, headers=known)) == 403


def test_portal_says_why_a_file_is_withheld(as_user, bob, rita, output):
    assert WAITS in as_user(bob).get(output.file_url).content.decode()
    become(output, "rejected", rita)
    assert REJECTED in as_user(bob).get(output.file_url).content.decode()


def test_api_says_why_a_file_is_withheld(api, bob, output):
    response = api(bob).get(reverse("api:output-file", args=[output.pk]))
    assert (response.status_code, response.json()["errors"][0]["detail"]) == (403, WAITS)


# S3


@pytest.fixture
def stored_in_s3(bucket, alice, rita, make_job):
    job = make_job(alice)
    Job.objects.filter(pk=job.pk).update(state=State.COMPLETED, request_id="r-1", finished_at=job.created_at)
    job.refresh_from_db()
    return copied(stored_output(job, picture_file("PNG", 1700, 900, "red")))


def test_s3_is_not_where_a_withheld_file_leads(as_user, bob, stored_in_s3):
    browser = as_user(bob)
    assert [code(browser.get(url)) for url in (stored_in_s3.file_url, stored_in_s3.size_url(1600))] == [403, 403]


def test_s3_links_are_brief_for_what_can_be_withdrawn(as_user, bob, rita, stored_in_s3):
    become(stored_in_s3, "approved", rita)
    browser, found = as_user(bob), []
    for url in (stored_in_s3.file_url, stored_in_s3.size_url(320)):
        response = browser.get(url)
        found.append((httpx.URL(response["Location"]).params["X-Amz-Expires"], response["Cache-Control"]))
    assert found == [(str(BRIEF_SECONDS), "private, no-store"), (str(LINK_SECONDS), "private, max-age=3000")]


def test_s3_gives_the_drop_in_no_address_that_outlives_a_verdict(api, bob, rita, client, stored_in_s3):
    become(stored_in_s3, "approved", rita)
    [url] = result(api(bob), stored_in_s3)
    answer = client.get(url.removeprefix("http://testserver"))
    assert (answer.status_code, body(answer)) == (200, stored_bytes(stored_in_s3.file))
    review.decide([Output.objects.get()], rita, review.wish("rejected", "crop"))
    assert code(client.get(url.removeprefix("http://testserver"))) == 403


# The drop-in


@pytest.mark.parametrize("state", TAKERS)
@pytest.mark.parametrize("who", CAST)
def test_result_of_the_drop_in_tells_takers_only(api, cast, rita, output, who, state):
    become(output, state, rita)
    assert len(result(api(cast[who]), output)) == (who in TAKERS[state])


def test_signed_address_stops_when_the_verdict_is_taken_back(api, bob, rita, client, output):
    act = review.decide([Output.objects.get()], rita, APPROVE).act
    [url] = result(api(bob), output)
    assert code(client.get(url)) == 200
    review.undo(act, rita)
    response = client.get(url)
    assert (response.status_code, response.json()) == (403, {"error_code": 403001, "error_message": WAITS})


def test_signed_address_stops_when_its_user_leaves(alice, client, output, settings):
    settings.REQUIRE_APPROVAL = False
    url = f"/v1/outputs/{output_links.token_of(output, alice)}/1.png"
    assert code(client.get(url)) == 200
    alice.is_active = False
    alice.save()
    assert code(client.get(url)) == 404


# As a picture of another edit


@pytest.mark.parametrize("state", TAKERS)
@pytest.mark.parametrize("who", CAST)
def test_output_is_a_picture_for_takers_only(cast, rita, output, who, state):
    become(output, state, rita)
    words = [intake.output_word(output), f"output:{output_links.token_of(output, cast['alice'])}"]
    found = [intake.take_what_is_good([word], cast[who])[1] for word in words]
    said = REJECTED if state == "rejected" else WAITS
    assert found == ([[], []] if who in TAKERS[state] else [[f"result-1.png: {said}"]] * 2)


@pytest.mark.parametrize("link", ["/outputs/{}/", "/outputs/{}/640.webp", "/pictures/{}/", "/api/v1/outputs/{}/file/"])
def test_link_to_a_withheld_output_is_refused(api, bob, output, link):
    body = {"images": [f"http://testserver{link.format(output.pk)}"], "text": "Make 2 images."}
    response = api(bob).post("/api/v1/jobs/", body, format="json")
    assert (response.status_code, response.json()["errors"][0]["detail"]) == (400, f"result-1.png: {WAITS}")


def test_drop_in_takes_no_withheld_output(api, bob, output):
    body = {"images": [f"http://testserver/outputs/{output.pk}/"], "text": "Make 2 images."}
    response = api(bob).post(reverse("runcomfy:model", args=["bytedance/seedream-4-0/edit-sequential"]), body, "json")
    assert (response.status_code, response.json()["error_message"]) == (422, f"images: result-1.png: {WAITS}")


def test_rerun_of_a_job_with_a_withheld_picture_is_refused(api, bob, later):
    response = api(bob).post(reverse("api:job-rerun", args=[later.pk]), {}, format="json")
    assert (response.status_code, response.json()["errors"][0]["detail"]) == (400, f"result-1.png: {WAITS}")


def test_rerun_is_the_authors_as_ever(api, alice, later):
    assert api(alice).post(reverse("api:job-rerun", args=[later.pk]), {}, format="json").status_code == 201


@pytest.mark.parametrize("door", ["portal", "api"])
def test_kept_picture_is_withheld_once_the_verdict_is_taken_back(as_user, api, bob, rita, output, later, door):
    act = review.decide([Output.objects.get()], rita, APPROVE).act
    told = api(bob).get(reverse("api:job-detail", args=[later.pk])).json()["inputs"][0]["picture"]
    url = told["file_url"] if door == "api" else reverse("jobs:kept", args=[told["id"]])
    client = api(bob) if door == "api" else as_user(bob)
    assert code(client.get(url)) == 200
    review.undo(act, rita)
    assert code(client.get(url)) == 403
    assert intake.take_what_is_good([told["id"]], bob)[1] == [f"result-1.png: {WAITS}"]


# What the API tells


@pytest.mark.parametrize("state", TAKERS)
@pytest.mark.parametrize("who", CAST)
def test_api_tells_the_address_to_takers_only(api, cast, rita, output, who, state):
    become(output, state, rita)
    client, taken = api(cast[who]), who in TAKERS[state]
    addresses = (reverse("api:output-detail", args=[output.pk]), reverse("api:job-detail", args=[output.job_id]))
    one, job = (client.get(url).json() for url in addresses)
    [listed] = client.get(reverse("api:output-list")).json()["results"]
    for told in (one, listed, *job["outputs"]):
        assert (told["url"] is not None, told["is_withheld"]) == (taken, not taken)


def test_api_tells_of_a_withheld_input_what_it_is_and_not_where(api, bob, later):
    [entry] = api(bob).get(reverse("api:job-detail", args=[later.pk])).json()["inputs"]
    picture = entry["picture"]
    assert (entry["is_withheld"], picture["id"], picture["url"], picture["file_url"]) == (True, None, None, None)
    assert (picture["width"], picture["height"]) == (1700, 900)


@pytest.mark.parametrize("who", CAST)
def test_words_of_runcomfy_lead_past_nobody(api, cast, output, who):
    Job.objects.update(result={"output": {"images": ["https://cdn.example.com/1.png"]}})
    told = api(cast[who]).get(reverse("api:job-detail", args=[output.job_id]), {"expand": "result"}).json()
    assert (told["result"] is None) is (who == "bob")


@pytest.mark.parametrize("count", [1, 6])
def test_list_of_outputs_costs_the_same_for_few_and_for_many(api, bob, output, django_assert_num_queries, count):
    for _ in range(count):
        stored_output(output.job)
    client = api(bob)
    client.get(reverse("api:output-list"))
    with django_assert_num_queries(5):  # token, rate, outputs with all that is told, the user's rights, their groups'
        client.get(reverse("api:output-list"))


# Archives


@pytest.mark.parametrize("door", ["jobs:archive", "api:job-archive"])
@pytest.mark.parametrize("who", CAST)
def test_archive_leaves_out_what_is_withheld_and_says_why(as_user, api, cast, rita, output, who, door):
    stored_output(output.job, picture_file("PNG", color="blue"))
    review.decide(output.job.outputs.filter(position=1), rita, APPROVE)
    url = f"{reverse(door)}?job={output.job_id}" if door == "jobs:archive" else reverse(door, args=[output.job_id])
    client = (as_user if door == "jobs:archive" else api)(cast[who])
    archive = zipfile.ZipFile(io.BytesIO(body(client.get(url))))
    told = json.loads(archive.read("manifest.json"))["jobs"][0]["outputs"]
    is_whole = who != "bob"
    assert archive.namelist() == ["manifest.json", *(["1.png"] if is_whole else []), "2.png"]
    assert [(entry["file"], entry.get("note")) for entry in told] == [
        ("1.png", None) if is_whole else (None, WAITS),
        ("2.png", None),
    ]


# Pages

PAGES = ["jobs:detail", "jobs:picture", "jobs:compare", "jobs:live", "jobs:history", "jobs:recent"]


@pytest.mark.parametrize("name", PAGES)
def test_page_of_a_teammate_leads_to_small_copies_only(as_user, bob, output, later, name):
    page = as_user(bob).get(address(name, output.job)).content.decode()
    assert f"/outputs/{output.pk}/1600.webp" not in page
    assert f'/outputs/{output.pk}/"' not in page
    assert "?download" not in page
    assert f"?output={output.pk}" not in page
    assert f'value="{output.pk}"' not in page
    assert (f"/outputs/{output.pk}/640.webp" in page) is (name != "jobs:recent")


@pytest.mark.parametrize("name", ["jobs:detail", "jobs:picture", "jobs:compare"])
def test_page_says_that_a_result_waits(as_user, bob, rita, output, name):
    shown = as_user(bob).get(address(name, output.job)).content.decode()
    assert ("Waits for approval" in shown, "download" in shown.partition("<main")[2]) == (True, False)
    become(output, "approved", rita)
    shown = as_user(bob).get(address(name, output.job)).content.decode()
    assert ("Waits for approval" in shown, output.download_url in shown) == (False, True)


@pytest.mark.parametrize("name", PAGES)
def test_page_of_the_author_is_as_ever(as_user, alice, output, name):
    page = as_user(alice).get(address(name, output.job)).content.decode()
    assert f"/outputs/{output.pk}/1600.webp" in page
    assert "Waits for approval" not in page


@pytest.mark.parametrize("name", ["jobs:detail", "jobs:compare"])
def test_page_shows_a_withheld_picture_small(as_user, bob, later, name):
    stored_output(later)
    page = as_user(bob).get(address(name, later)).content.decode()
    assert later.inputs.get().size_url(640) in page
    assert later.inputs.get().size_url(1600) not in page
    assert f'{later.inputs.get().file_url}"' not in page


def test_page_without_copies_yet_shows_no_broken_picture(as_user, bob, output):
    Output.objects.update(widths=[], sized_at=None)
    assert f"/outputs/{output.pk}/" not in as_user(bob).get(address("jobs:detail", output.job)).content.decode()


@pytest.mark.parametrize("query", ["output={output}", "from={later}"])
def test_form_names_what_it_leaves_out(as_user, bob, output, later, query):
    page = as_user(bob).get(reverse("jobs:new") + "?" + query.format(output=output.pk, later=later.pk))
    assert f"result-1.png: {WAITS}" in page.content.decode()
    assert page.context["kept"] == []


def test_form_refuses_a_withheld_result(as_user, bob, output):
    data = {**parameters(), "seed": "", "images[0]": intake.output_word(output)}
    page = as_user(bob).post(reverse("jobs:new"), data)
    assert (page.status_code, f"result-1.png: {WAITS}" in page.content.decode()) == (422, True)


# Everything at once


@pytest.mark.parametrize("state", ["unreviewed", "rejected", "undone"])
@pytest.mark.parametrize("name", sorted(name for name in VERDICTS if name not in ("jobs:input", "runcomfy:balance")))
def test_no_address_gives_a_teammate_the_originals(as_user, api, bob, rita, output, later, name, state):
    """But `jobs:input`, which only RunComfy is told; the balance asks RunComfy, and is a number."""
    stored_output(later, picture_file("PNG", 1700, 900, "blue"))
    become(output, state, rita)
    secrets = [
        stored_bytes(output.file), stored_bytes(later.outputs.get().file), stored_bytes(later.inputs.get().picture.file)
    ]  # fmt: skip
    for url in (_of_bob(name, job, bob) for job in (output.job, later)):
        for client in (as_user(bob), api(bob)):
            found = body(getattr(client, VERDICTS[name][0])(url))
            assert not any(secret in _unpacked(found) for secret in secrets)


def _of_bob(name, job, bob):
    """The address, with the words that are good for bob where it takes such."""
    entry = job.inputs.get()
    words = {
        "runcomfy:output": lambda: [output_links.token_of(job.outputs.get(), bob), "1.png"],
        "jobs:kept": lambda: [references.reference(entry.picture, bob, "", entry.output_id)],
    }
    words["api:picture-file"] = words["api:picture-detail"] = words["jobs:kept"]
    return reverse(name, args=words[name]()) if name in words else address(name, job)


def _unpacked(found):
    if not found.startswith(b"PK"):
        return found
    archive = zipfile.ZipFile(io.BytesIO(found))
    return b"".join(archive.read(entry) for entry in archive.namelist())


@pytest.mark.parametrize("name", ["jobs:history", "jobs:detail", "jobs:compare"])
def test_page_costs_a_teammate_the_same_for_few_and_for_many(
    as_user, alice, bob, make_job, output, django_assert_max_num_queries, name
):
    browser, url = as_user(bob), address(name, output.job)
    with CaptureQueriesContext(connection) as few:
        browser.get(url)
    for _ in range(5):
        stored_output(output.job)
        stored_output(make_job(alice))
    with django_assert_max_num_queries(len(few)):
        browser.get(url)
