"""How RunComfy gets our pictures: by address, or inside the request."""

import base64
from datetime import timedelta

import httpx
import pytest
from django.core.files.storage import default_storage

from jobs import delivery, intake, pictures, references, seedream
from jobs.models import JobInput, Picture

from . import s3
from .conftest import BUCKET, picture_file, png, stored_bytes

# From a folder, but for those that ask for the bucket: it has addresses of its own.
pytestmark = pytest.mark.usefixtures("in_folder")

MIB = 1024 * 1024
SITE = "https://desk.example.com"


@pytest.fixture
def by_url(settings):
    settings.INPUT_DELIVERY, settings.PUBLIC_BASE_URL = "url", SITE


@pytest.fixture
def entry(db):
    """The second picture of a job; no job is needed to deliver it."""
    return JobInput(picture=intake.keep(pictures.clean(png())), position=1, name="my private holiday.png")


# By address or inside


@pytest.mark.parametrize(
    ("wish", "address", "is_sandbox", "is_by_url"),
    [
        ("url", "http://127.0.0.1:8000", False, True),
        ("url", SITE, True, True),
        ("data", SITE, False, False),
        ("data", "http://127.0.0.1:8000", True, False),
        ("auto", SITE, False, True),
        ("auto", SITE, True, True),
        ("auto", "http://127.0.0.1:8000", False, False),
        ("auto", "http://desk.example.com", False, False),
        ("auto", "http://127.0.0.1:8000", True, True),
    ],
)
def test_delivery_follows_the_wish_or_what_can_be_reached(settings, wish, address, is_sandbox, is_by_url):
    settings.INPUT_DELIVERY, settings.PUBLIC_BASE_URL, settings.USE_SANDBOX = wish, address, is_sandbox
    assert delivery.is_by_url() is is_by_url


@pytest.mark.parametrize(
    "sizes",
    [[1], [6 * MIB], [6 * MIB] * 8, [48 * MIB // 10] * 10],
)
def test_pictures_fit_inside_a_request(settings, sizes):
    settings.INPUT_DELIVERY = "data"
    assert delivery.check([Picture(size=size) for size in sizes]) is None


@pytest.mark.parametrize("sizes", [[6 * MIB + 1], [1, 7 * MIB], [6 * MIB] * 9, [6 * MIB] * 8 + [1]])
def test_pictures_do_not_fit_inside_a_request(settings, sizes):
    settings.INPUT_DELIVERY = "data"
    with pytest.raises(seedream.InvalidInput) as caught:
        delivery.check([Picture(size=size) for size in sizes])
    [message] = caught.value.errors["images"]
    assert "at most 6 MB each and 48 MB together" in message


def test_pictures_behind_an_address_may_be_of_any_size(by_url):
    assert delivery.check([Picture(size=10 * MIB)] * 10) is None


# Inside


@pytest.mark.parametrize(("format", "content_type"), [("PNG", "image/png"), ("JPEG", "image/jpeg")])
def test_data_uri_holds_exactly_the_stored_bytes(settings, db, format, content_type):
    settings.INPUT_DELIVERY = "data"
    picture = intake.keep(pictures.clean(picture_file(format)))
    [uri] = delivery.image_uris([JobInput(picture=picture, position=0)])
    head, _, body = uri.partition(",")
    assert head == f"data:{content_type};base64"
    assert base64.b64decode(body, validate=True) == stored_bytes(picture.file)


def test_missing_file_is_an_error_that_the_caller_knows(settings, entry):
    settings.INPUT_DELIVERY = "data"
    default_storage.delete(entry.picture.file.name)
    with pytest.raises(OSError, match=entry.picture.sha256):
        delivery.image_uris([entry])


def test_pictures_stay_in_their_order(settings, db):
    settings.INPUT_DELIVERY = "data"
    colors = ("red", "green", "blue")
    inputs = [
        JobInput(picture=intake.keep(pictures.clean(png(color=color))), position=at) for at, color in enumerate(colors)
    ]
    uris = delivery.image_uris(inputs)
    assert [base64.b64decode(uri.partition(",")[2]) for uri in uris] == [
        stored_bytes(one.picture.file) for one in inputs
    ]


# By our own address


def token_of(url):
    return url.rsplit("/", 2)[1]


def test_address_is_absolute_and_tells_nothing(by_url, entry):
    [url] = delivery.image_uris([entry])
    assert url.startswith(f"{SITE}/")
    assert url.endswith("/2.png")
    assert "holiday" not in url


def test_address_of_a_jpeg_ends_in_its_kind(by_url, db):
    picture = intake.keep(pictures.clean(picture_file("JPEG")))
    assert delivery.input_url(JobInput(picture=picture, position=0)).endswith("/1.jpg")


def test_token_stands_for_its_picture(by_url, entry):
    assert delivery.picture_of(token_of(delivery.input_url(entry))) == entry.picture


@pytest.mark.parametrize(
    "change", [lambda token: token[:-1], lambda token: "f" + token[1:], lambda _token: "", str.upper]
)
def test_altered_token_stands_for_nothing(by_url, entry, change):
    assert delivery.picture_of(change(token_of(delivery.input_url(entry)))) is None


def test_token_runs_out(by_url, entry, settings):
    token = token_of(delivery.input_url(entry))
    settings.INPUT_URL_LIFETIME = timedelta(seconds=-1)
    assert delivery.picture_of(token) is None


def test_token_of_another_purpose_stands_for_nothing(by_url, entry, alice):
    reference = references.reference(entry.picture, alice).removeprefix(references.WORD)
    assert delivery.picture_of(reference) is None


def test_token_of_a_deleted_picture_stands_for_nothing(by_url, entry):
    token = token_of(delivery.input_url(entry))
    entry.picture.delete()
    assert delivery.picture_of(token) is None


# By the address of an object store


def test_object_store_holds_the_picture_under_its_hash(bucket, entry):
    sha256 = entry.picture.sha256
    content = bucket.get_object(Bucket=BUCKET, Key=f"pictures/{sha256[:2]}/{sha256}.png")["Body"].read()
    assert content == stored_bytes(entry.picture.file)


def test_object_store_gives_an_address_that_anybody_may_fetch(bucket, by_url, entry):
    url = delivery.input_url(entry)
    fetched = httpx.get(url, trust_env=False)
    assert (fetched.status_code, fetched.content) == (200, stored_bytes(entry.picture.file))


def test_object_store_behind_our_web_server_is_asked_at_our_address(bucket, by_url, entry, settings):
    settings.X_ACCEL_PREFIX = "/protected-media/"
    assert delivery.input_url(entry).startswith(f"{SITE}/inputs/")


def test_object_stores_address_is_signed_for_its_lifetime(bucket, by_url, entry, settings):
    settings.INPUT_URL_LIFETIME = timedelta(hours=5)
    query = httpx.URL(delivery.input_url(entry)).params
    assert (query["X-Amz-Expires"], query["X-Amz-Algorithm"]) == ("18000", "AWS4-HMAC-SHA256")
    assert s3.SECRET not in str(query)


def test_object_store_keeps_the_same_picture_once(bucket, entry):
    intake.keep(pictures.clean(png()))
    found = bucket.list_objects_v2(Bucket=BUCKET, Prefix=f"pictures/{entry.picture.sha256[:2]}/{entry.picture.sha256}")
    assert found["KeyCount"] == 1


def test_data_uri_can_be_read_from_an_object_store(bucket, entry, settings):
    settings.INPUT_DELIVERY = "data"
    [uri] = delivery.image_uris([entry])
    assert base64.b64decode(uri.partition(",")[2]) == stored_bytes(entry.picture.file)
