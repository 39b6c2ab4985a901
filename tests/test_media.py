"""Stored files over HTTP: cached for ever, in parts, by the web server in front, or by S3."""

import io

import httpx
import pytest
from django.urls import reverse
from PIL import Image

from jobs import references, sizes, store
from jobs.files import LINK_SECONDS
from jobs.models import Output

from .conftest import BUCKET, stored_bytes

# In a folder, but for those that ask for the bucket: there another server sends the files.
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_folder")]

FOREVER = "private, max-age=31536000, immutable"


@pytest.fixture
def output(alice, make_job):
    job = make_job(alice)
    picture = job.inputs.get().picture
    return Output.objects.create(
        job=job, position=0, kind="image", file=picture.file.name, sha256=picture.sha256, content_type="image/png",
        size=picture.size, width=picture.width, height=picture.height,
    )  # fmt: skip


@pytest.fixture
def content(output):
    return stored_bytes(output.file)


@pytest.fixture
def get(as_user, alice, output):
    """Ask for the output's file, with such headers."""

    def get(url=None, method="get", **headers):
        return getattr(as_user(alice), method)(url or output.file_url, headers=headers)

    return get


def body(response):
    return b"".join(response)


# Whole, and cached


def test_file_is_cached_for_ever_under_its_hash(get, output, content):
    response = get()
    assert (response["ETag"], response["Cache-Control"]) == (f'"{output.sha256}"', FOREVER)
    assert (response["Content-Type"], response["Content-Length"]) == ("image/png", str(len(content)))
    assert (response["X-Content-Type-Options"], body(response)) == ("nosniff", content)


@pytest.mark.parametrize("known", ['"{}"', 'W/"{}"', '"other", "{}"', "*"])
def test_known_file_is_not_sent_again(get, output, known):
    response = get(if_none_match=known.format(output.sha256))
    assert (response.status_code, response.content) == (304, b"")
    assert (response["ETag"], response["Cache-Control"]) == (f'"{output.sha256}"', FOREVER)


def test_other_file_is_sent(get, content):
    assert body(get(if_none_match='"other"')) == content


def test_known_file_is_not_confirmed_to_who_may_not_see_it(as_user, bob, output, settings):
    settings.TEAM_VISIBILITY = "own"
    response = as_user(bob).get(output.file_url, headers={"If-None-Match": f'"{output.sha256}"'})
    assert response.status_code == 404


def test_head_tells_the_same_without_a_body(get, content):
    response = get(method="head", range="bytes=0-1")
    assert (response.status_code, response["Content-Length"]) == (200, str(len(content)))
    assert (response["Accept-Ranges"], body(response)) == ("bytes", b"")


def test_download_has_a_name_that_we_chose(get, output):
    response = get(output.download_url)
    response.close()
    assert response["Content-Disposition"] == f'attachment; filename="seedream-{output.job_id}-1.png"'


def test_shown_file_is_inline(get, output):
    response = get()
    response.close()
    assert response["Content-Disposition"].startswith("inline; ")


def test_file_missing_from_the_store_is_told_in_words(get, output):
    store.remove(output.file.name)
    response = get()
    assert (response.status_code, response.content) == (404, b"The file is missing from the store.")
    assert "Cache-Control" not in response


def test_api_gives_the_same_file(api, alice, output, content):
    address = reverse("api:output-file", args=[output.pk])
    response = api(alice).get(address, headers={"Range": "bytes=0-3"})
    assert (response.status_code, body(response)) == (206, content[:4])
    assert (response["ETag"], response["Content-Disposition"][:10]) == (f'"{output.sha256}"', "attachment")


# In parts


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("bytes=0-0", slice(0, 1)),
        ("bytes=4-7", slice(4, 8)),
        ("bytes=10-", slice(10, None)),
        ("bytes=-5", slice(-5, None)),
        ("Bytes=5-999999999999999999", slice(5, None)),
    ],
)
def test_one_range_is_sent(get, content, asked, part):
    response = get(range=asked)
    start, stop, _step = part.indices(len(content))
    assert (response.status_code, body(response)) == (206, content[part])
    assert response["Content-Range"] == f"bytes {start}-{stop - 1}/{len(content)}"
    assert response["Content-Length"] == str(stop - start)


@pytest.mark.parametrize("asked", ["bytes=1000000-", "bytes=1000000-1000001", "bytes=-0"])
def test_range_beyond_the_end_is_refused_with_the_size(get, content, asked):
    response = get(range=asked)
    assert (response.status_code, response["Content-Range"]) == (416, f"bytes */{len(content)}")
    assert "Cache-Control" not in response


@pytest.mark.parametrize(
    "asked", ["bytes=0-1,3-4", "bytes=9-3", "bytes=", "bytes=-", "items=0-1", "bytes=a-b", "bytes=0-" + "9" * 5000]
)
def test_what_is_not_one_range_gets_the_whole_file(get, content, asked):
    response = get(range=asked)
    assert (response.status_code, body(response)) == (200, content)


def test_whole_file_as_a_range_is_the_whole_file(get, content):
    assert body(get(range="bytes=0-")) == body(get(range=f"bytes=-{10 * len(content)}")) == content


def test_range_of_the_same_bytes_goes_on(get, output, content):
    assert body(get(range="bytes=4-", if_range=f'"{output.sha256}"')) == content[4:]


@pytest.mark.parametrize("known", ['"other"', 'W/"{}"', "Sun, 22 Nov 2026 17:00:00 GMT"])
def test_range_of_other_bytes_begins_anew(get, output, content, known):
    response = get(range="bytes=4-", if_range=known.format(output.sha256))
    assert (response.status_code, body(response)) == (200, content)


# Page-size copies


def test_copy_is_served_under_its_width(get, output):
    sizes.make_waiting()
    response = get(output.size_url(64))
    assert Image.open(io.BytesIO(body(response))).size == (64, 48)
    assert (response["Content-Type"], response["ETag"]) == ("image/webp", f'"{output.sha256}-64"')
    assert response["Cache-Control"] == FOREVER


def test_copy_of_an_input_is_served(get, output):
    sizes.make_waiting()
    response = get(output.job.inputs.get().size_url(64))
    response.close()
    assert (response.status_code, response["Content-Type"]) == (200, "image/webp")


@pytest.mark.parametrize("width", [320, 63, 0])
def test_width_that_was_not_made_is_unknown(get, output, width):
    sizes.make_waiting()
    assert get(output.size_url(width)).status_code == 404


def test_width_is_unknown_before_the_copies_are_made(get, output):
    assert get(output.size_url(64)).status_code == 404


def test_preview_is_small_as_soon_as_it_can_be(get, output, alice):
    url = reverse("jobs:kept", args=[references.reference(output.job.inputs.get().picture, alice)])
    types = []
    for _ in range(2):
        response = get(url)
        types.append((response["Content-Type"], Image.open(io.BytesIO(body(response))).size))
        sizes.make_waiting()
    assert types == [("image/png", (64, 48)), ("image/webp", (64, 48))]


# By the web server in front


def test_web_server_is_told_which_file_to_send(get, output, settings):
    settings.X_ACCEL_PREFIX = "/protected-media/"
    response = get(output.download_url)
    assert (response["X-Accel-Redirect"], response.content) == (f"/protected-media/{output.file.name}", b"")
    assert (response["Content-Type"], response["Cache-Control"]) == ("image/png", FOREVER)
    assert response["Content-Disposition"] == f'attachment; filename="seedream-{output.job_id}-1.png"'


def test_web_server_is_told_a_quoted_name(get, output, settings):
    settings.X_ACCEL_PREFIX = "/protected-media/"
    with store.temporary_file() as file:
        output.file = store.keep(file, "outputs", "50% of ö?", ".png")
    output.save()
    assert get()["X-Accel-Redirect"] == "/protected-media/outputs/50/50%25%20of%20%C3%B6%3F.png"


def test_web_server_is_not_told_of_a_missing_file(get, output, settings):
    settings.X_ACCEL_PREFIX = "/protected-media/"
    store.remove(output.file.name)
    response = get()
    assert (response.status_code, response.has_header("X-Accel-Redirect")) == (404, False)


def test_web_server_is_told_where_s3_has_the_file(bucket, get, output, settings):
    settings.X_ACCEL_PREFIX = "/protected-media/"
    response = get(output.download_url)
    path = response["X-Accel-Redirect"].removeprefix("/protected-media/")
    assert httpx.get(f"{bucket.meta.endpoint_url}/{path}", trust_env=False).content == stored_bytes(output.file)
    assert (response["Cache-Control"], response["Content-Type"]) == (FOREVER, "image/png")
    assert response["Content-Disposition"] == f'attachment; filename="seedream-{output.job_id}-1.png"'


def test_web_server_asks_s3_as_it_was_asked(bucket, get, settings):
    settings.X_ACCEL_PREFIX = "/protected-media/"
    told = [httpx.URL(get(method=method)["X-Accel-Redirect"]).params for method in ("get", "head")]
    assert told[0]["X-Amz-Signature"] != told[1]["X-Amz-Signature"]
    assert {params["X-Amz-SignedHeaders"] for params in told} == {"host"}


def test_web_server_is_not_told_of_a_download_missing_from_s3(bucket, get, output, settings):
    settings.X_ACCEL_PREFIX = "/protected-media/"
    bucket.delete_object(Bucket=BUCKET, Key=output.file.name)
    assert get(output.download_url).status_code == 404


# By S3


def test_s3_is_where_the_browser_is_sent(bucket, get, output):
    response = get()
    fetched = httpx.get(response["Location"], trust_env=False)
    assert (response.status_code, fetched.content) == (302, stored_bytes(output.file))
    assert (fetched.headers["Content-Type"], fetched.headers["Cache-Control"]) == ("image/png", FOREVER)


def test_s3_is_told_the_name_of_a_download(bucket, get, output):
    fetched = httpx.get(get(output.download_url)["Location"], trust_env=False)
    assert fetched.headers["Content-Disposition"] == f'attachment; filename="seedream-{output.job_id}-1.png"'


def test_link_to_s3_is_forgotten_before_it_ends(bucket, get):
    response = get()
    kind, _, seconds = response["Cache-Control"].partition(", max-age=")
    assert httpx.URL(response["Location"]).params["X-Amz-Expires"] == str(LINK_SECONDS)
    assert (kind, int(seconds) < LINK_SECONDS) == ("private", True)


def test_s3_serves_copies_too(bucket, get, output):
    sizes.make_waiting()
    fetched = httpx.get(get(output.size_url(64))["Location"], trust_env=False)
    assert Image.open(io.BytesIO(fetched.content)).size == (64, 48)
    assert fetched.headers["Content-Type"] == "image/webp"


def test_download_missing_from_s3_is_told_in_words(bucket, get, output):
    bucket.delete_object(Bucket=BUCKET, Key=output.file.name)
    response = get(output.download_url)
    assert (response.status_code, response.content) == (404, b"The file is missing from the store.")
