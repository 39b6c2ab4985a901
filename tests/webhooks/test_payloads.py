"""What an event says."""

import pytest

from jobs import seedream
from jobs.models import Event, Job, Output
from jobs.states import Reason
from tests.webhooks.endpoints import complete, payload

pytestmark = pytest.mark.django_db


def test_payload_is_of_the_standard_form(endpoint, alice, make_job):
    entry = make_job(alice).events.get()
    found = payload(endpoint)
    assert list(found) == ["type", "timestamp", "data"]
    assert (found["type"], found["timestamp"]) == ("job.created", entry.at.isoformat().replace("+00:00", "Z"))


def test_payload_tells_the_job_as_it_is_after_the_change(endpoint, alice, make_job):
    job = make_job(alice, text="Make 2 images of “it”.", seed=7)
    job.mark_failed(Reason.REFUSED, {"words": "no"})
    data = payload(endpoint)["data"]
    assert {name: data[name] for name in seedream.PARAMETERS} == job.parameters
    assert (data["id"], data["state"], data["reason"], data["owner"]) == (str(job.pk), "failed", "refused", "alice")
    assert data["finished_at"] == Job.objects.get().finished_at.isoformat().replace("+00:00", "Z")


def test_payload_leads_to_the_outputs(in_folder, endpoint, alice, make_job, api, settings):
    settings.PUBLIC_BASE_URL = "https://desk.example.com"
    job = make_job(alice)
    picture = job.inputs.get().picture
    copied = {name: getattr(picture, name) for name in ("file", "sha256", "content_type", "width", "height", "size")}
    output = Output.objects.create(job=job, position=0, kind="image", **copied)
    complete(job)
    data = payload(endpoint)["data"]
    assert [found["id"] for found in data["outputs"]] == [str(output.pk)]
    client, urls = api(alice), [data["url"], data["outputs"][0]["url"]]
    responses = [client.get(url.removeprefix("https://desk.example.com")) for url in urls]
    assert [response.status_code for response in responses] == [200, 200]
    responses[1].close()


def test_payload_with_all_outputs_is_small(endpoint, alice, make_job):
    job = make_job(alice, text="x" * seedream.MAX_TEXT)
    for at in range(15):
        Output.objects.create(
            job=job, position=at, kind="image", file="f", sha256="0" * 64, content_type="image/png", size=8_000_000
        )
    complete(job)
    assert len(endpoint.deliveries.get(event=Event.COMPLETED).payload) < 16_000


def test_payload_stays_as_it_was_when_the_job_changes(endpoint, alice, make_job):
    job = make_job(alice)
    before = endpoint.deliveries.get().payload
    job.mark_cancelled(alice)
    assert endpoint.deliveries.get(event=Event.CREATED).payload == before
