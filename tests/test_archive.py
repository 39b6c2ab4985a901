"""A zip of what jobs made: whole, named so that people find their way, and with a manifest of how it was made."""

import io
import json
import zipfile
from datetime import UTC, datetime

import pytest
from botocore.config import Config
from django.urls import reverse

from jobs import archive, store
from jobs.models import Job, Output

from .conftest import BUCKET, stored_bytes

pytestmark = pytest.mark.django_db

CREATED = datetime(2026, 11, 22, 17, tzinfo=UTC)


@pytest.fixture
def done(alice, make_job):
    """A job with outputs, as a driver leaves it."""

    def make(text="Make the roof green!", count=2, **given):
        job = make_job(alice, text=text, sequential_image_generation_options=count, **given)
        for at in range(count):
            add_output(job, at, f"picture {at} of {job.pk}".encode())
        Job.objects.filter(pk=job.pk).update(created_at=CREATED)
        job.refresh_from_db()
        return job

    return make


def add_output(job, position, data, **given):
    told = {"kind": "image", "content_type": "image/jpeg", "width": 64, "height": 48, "size": len(data)} | given
    name = store.keep_bytes(data, "outputs", ".jpg")
    return Output.objects.create(job=job, position=position, file=name, sha256=name[-68:-4], **told)


@pytest.fixture
def download(as_user, alice):
    client = as_user(alice)

    def get(*jobs):
        return client.get(reverse("jobs:archive"), {"job": [str(job.pk) for job in jobs]})

    return get


def opened(response):
    """The zip, when it is one of the promised size."""
    content = b"".join(response)
    assert (response["Content-Type"], response["Content-Length"]) == ("application/zip", str(len(content)))
    found = zipfile.ZipFile(io.BytesIO(content))
    assert found.testzip() is None
    return found


def manifest_of(found):
    return json.loads(found.read("manifest.json"))


def test_zip_of_one_job_is_flat(done, download):
    job = done()
    found = opened(download(job))
    assert found.namelist() == ["manifest.json", "1.jpg", "2.jpg"]
    assert [found.read(f"{at}.jpg") for at in (1, 2)] == [stored_bytes(output.file) for output in job.outputs.all()]


def test_zip_of_many_jobs_has_a_folder_for_each(done, download):
    jobs = [done(count=1), done("屋根を緑にして", count=1)]
    first, second = (job.pk.hex[-6:] for job in jobs)
    assert opened(download(*jobs)).namelist() == [
        "manifest.json",
        f"2026-11-22 make-the-roof-green {first}/1.jpg",
        f"2026-11-22 屋根を緑にして {second}/1.jpg",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Turn 😀 / ..\\.. into <b>CON</b>", "turn-into-bconb"),
        ("😀", None),
        ("a sentence that is longer than forty letters are", "a-sentence-that-is-longer-than-forty"),
        ("x" * 50, "x" * 40),
    ],
)
def test_folder_is_named_for_the_prompt(text, words):
    job = Job(text=text, created_at=CREATED)
    assert archive.label(job).split() == [part for part in ("2026-11-22", words, job.pk.hex[-6:]) if part]


def test_files_of_a_large_job_sort_as_they_were_made(done, download):
    names = opened(download(done(count=10))).namelist()
    assert (names[1], names[10], names[1:]) == ("01.jpg", "10.jpg", sorted(names[1:]))


def test_files_are_stored_not_deflated(done, download):
    assert {info.compress_type for info in opened(download(done())).infolist()} == {zipfile.ZIP_STORED}


def test_download_is_named_for_its_job(done, download):
    job = done()
    name = f"2026-11-22 make-the-roof-green {job.pk.hex[-6:]}.zip"
    response = download(job)
    assert (response["Content-Disposition"], response["Cache-Control"]) == (
        f'attachment; filename="{name}"',
        "private, no-store",
    )
    opened(response)


def test_manifest_tells_how_it_was_made(done, download):
    job = done(count=1, seed=7)
    Job.objects.update(request_id="r-1", estimate_usd="0.03", cost_usd="0.025")
    [told] = manifest_of(opened(download(job)))["jobs"]
    assert {name: told[name] for name in job.parameters} == job.parameters
    assert (told["id"], told["owner"], told["request_id"]) == (str(job.pk), "alice", "r-1")
    assert (told["estimate_usd"], told["cost_usd"]) == ("0.0300", "0.0250")
    assert (told["state"], told["created_at"]) == ("pending", "2026-11-22T17:00:00Z")


def test_manifest_tells_the_inputs(done, download):
    job = done()
    job.inputs.update(source_url="https://example.com/roof.png")
    [told] = manifest_of(opened(download(job)))["jobs"][0]["images"]
    assert (told["name"], told["source_url"]) == ("teal.png", "https://example.com/roof.png")
    assert told["sha256"] == job.inputs.get().picture.sha256


def test_manifest_tells_the_outputs(done, download):
    job = done(count=1, seed=7)
    output = job.outputs.get()
    [told] = manifest_of(opened(download(job)))["jobs"][0]["outputs"]
    assert (told["file"], told["sha256"], told["size"]) == ("1.jpg", output.sha256, output.size)
    assert (told["width"], told["height"], told["seed"]) == (64, 48, 7)


def test_unknown_seed_is_not_told(done, download):
    assert "seed" not in manifest_of(opened(download(done(count=1))))["jobs"][0]["outputs"][0]


def test_job_without_outputs_is_told(alice, make_job, download):
    found = opened(download(make_job(alice)))
    [told] = manifest_of(found)["jobs"]
    assert (found.namelist(), told["outputs"], told["note"]) == (["manifest.json"], [], "This job has no outputs.")


def test_missing_file_is_told_and_breaks_nothing(done, download):
    job = done()
    store.remove(job.outputs.first().file.name)
    found = opened(download(job))
    missing, here = manifest_of(found)["jobs"][0]["outputs"]
    assert (missing["file"], missing["note"]) == (None, "The file is missing from the store.")
    assert (found.namelist(), here["file"]) == (["manifest.json", "2.jpg"], "2.jpg")


def test_job_named_twice_is_there_once(done, download):
    job = done()
    assert len(manifest_of(opened(download(job, job)))["jobs"]) == 1


def test_head_tells_the_size(done, as_user, alice, download):
    job = done()
    response = as_user(alice).head(f"{reverse('jobs:archive')}?job={job.pk}")
    assert (response.status_code, int(response["Content-Length"]) > 0, b"".join(response)) == (200, True, b"")


def test_number_of_queries_does_not_grow_with_the_jobs(done, download, django_assert_max_num_queries):
    one, many = [done()], [done() for _ in range(5)]
    with django_assert_max_num_queries(7) as of_one:
        opened(download(*one))
    with django_assert_max_num_queries(len(of_one)):
        opened(download(*many))


# Refused


@pytest.mark.parametrize("query", ["", "?job=", "?job=nonsense", "?job=00000000-0000-0000-0000-000000000000"])
def test_zip_of_no_job_is_unknown(as_user, alice, query):
    assert as_user(alice).get(reverse("jobs:archive") + query).status_code == 404


def test_one_job_that_may_not_be_seen_hides_them_all(done, as_user, bob, make_job, settings):
    settings.TEAM_VISIBILITY = "own"
    query = {"job": [make_job(bob).pk, done().pk]}
    assert as_user(bob).get(reverse("jobs:archive"), query).status_code == 404


def test_too_many_jobs_are_refused_in_words(as_user, alice):
    ids = [f"00000000-0000-0000-0000-{number:012}" for number in range(archive.MAX_JOBS + 1)]
    response = as_user(alice).get(reverse("jobs:archive"), {"job": ids})
    assert response.status_code == 400
    assert "A zip holds 100 jobs at most. Choose fewer." in response.content.decode()


# From S3


def test_zip_from_s3_holds_the_same(bucket, done, download):
    job = done()
    found = opened(download(job))
    assert [found.read(f"{at}.jpg") for at in (1, 2)] == [stored_bytes(output.file) for output in job.outputs.all()]


def test_file_missing_from_s3_is_told(bucket, done, download):
    job = done(count=1)
    bucket.delete_object(Bucket=BUCKET, Key=job.outputs.get().file.name)
    [told] = manifest_of(opened(download(job)))["jobs"][0]["outputs"]
    assert told["file"] is None


def test_store_that_is_away_is_told_in_words(bucket, done, download, settings):
    job = done()
    away = {"endpoint_url": "http://127.0.0.1:1", "client_config": Config(retries={"total_max_attempts": 1})}
    stored = settings.STORAGES["default"]
    settings.STORAGES = settings.STORAGES | {"default": stored | {"OPTIONS": stored["OPTIONS"] | away}}
    response = download(job)
    assert (response.status_code, "does not answer" in response.content.decode()) == (503, True)
