"""Pictures that are refused, each with its own message."""

import json

import brotli
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from jobs import intake, seedream
from tests import servers
from tests.conftest import picture_file, png
from tests.intake.brought import GONE, problems, upload
from tests.servers import answer

pytestmark = pytest.mark.django_db


NO_PICTURE = "This is not a readable JPEG/PNG picture."
NEITHER = "Must be a file, an https link or a data URI."


@pytest.mark.parametrize("count", [0, 11])
def test_number_of_pictures_is_checked(alice, count):
    assert problems([upload()] * count, alice) == seedream.check_count(count)


def test_first_ten_of_too_many_pictures_are_kept(alice):
    kept, found = intake.take_what_is_good([upload()] * 11, alice)
    assert (len(kept), found) == (10, seedream.check_count(11))


def test_every_bad_picture_has_its_own_message(alice):
    images = [upload(), SimpleUploadedFile("notes.txt", b"text"), "data:image/png;base64,AAAA", 7]
    assert problems(images, alice) == [
        f"notes.txt: {NO_PICTURE}",
        f"Picture 3: {NO_PICTURE}",
        f"Picture 4: {NEITHER}",
    ]


def test_good_pictures_are_kept_beside_bad_ones(alice):
    kept, found = intake.take_what_is_good([upload(), SimpleUploadedFile("notes.txt", b"text")], alice)
    assert ([one.name for one in kept], found) == (["teal.png"], [f"notes.txt: {NO_PICTURE}"])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", NO_PICTURE),
        (b"<svg/>", NO_PICTURE),
        (picture_file("GIF").getvalue(), NO_PICTURE),
        (png(10, 10).getvalue(), "The uploaded image width and height must exceed 14 pixels."),
        (png(300, 50).getvalue(), "The aspect ratio range should be 1:3 to 3:1."),
        (png().getvalue()[:-40], "The picture is damaged: it cannot be read to its end."),
    ],
)
def test_bad_upload_is_told_by_its_name(alice, data, message):
    assert problems([SimpleUploadedFile("lake.png", data)], alice) == [f"lake.png: {message}"]


@pytest.mark.parametrize(
    ("image", "message"),
    [
        ("", NEITHER),
        ("lake.png", NEITHER),
        ("/etc/passwd", NEITHER),
        ("file:///etc/passwd", NEITHER),
        ("ftp://example.com/a.png", NEITHER),
        (None, NEITHER),
        ({"url": "https://a"}, NEITHER),
        (b"bytes", NEITHER),
        ("data:text/html;base64,AAAA", "A data URI must begin with data:image/…;base64."),
        ("data:image/png,AAAA", "A data URI must begin with data:image/…;base64."),
        ("data:image/png;base64,A*A", "The data URI is not valid base64."),
        ("data:image/png;base64,AAA", "The data URI is not valid base64."),
        ("data:image/png;base64,é", "The data URI is not valid base64."),
        ("data:image/png;base64,\ud800", "The data URI is not valid base64."),
        ("data:image/png;base64,", NO_PICTURE),
        ("picture:", GONE),
        ("picture:nonsense", GONE),
        ("picture:\ud800", GONE),
    ],
)
def test_word_that_is_no_picture_is_told_by_its_number(alice, image, message):
    assert problems([image], alice) == [f"Picture 1: {message}"]


LINK_FAULTS = {
    "404": (answer(404), "The link answers with HTTP 404."),
    "401": (answer(401), "The link answers with HTTP 401."),
    "HTML": (servers.page(), NO_PICTURE),
    "empty": (answer(200), NO_PICTURE),
    "reset": (servers.reset, "The link cannot be fetched."),
    "cut short": (servers.cut(png().getvalue()), "The link cannot be fetched."),
    "no HTTP": (servers.raw(b"SSH-2.0\r\n"), "The link cannot be fetched."),
    "too large": (answer(200, bytes(10 * 1024 * 1024 + 1)), "File size must be less than 10 MB."),
    "too large in chunks": (servers.chunked(bytes(2**20), 100), "File size must be less than 10 MB."),
    "endless redirects": (answer(302, location="/"), "The link cannot be fetched."),
    "redirect to http": (
        answer(302, location="http://8.8.8.8/"),
        "Only https addresses without a password are fetched.",
    ),
    "redirect to a private address": (
        answer(302, location="https://169.254.169.254/latest"),
        "169.254.169.254 is not a public address.",
    ),
    "broken redirect": (answer(302, location="https://[/"), "The link cannot be fetched."),
}


@pytest.mark.parametrize(("behaviour", "message"), LINK_FAULTS.values(), ids=LINK_FAULTS)
def test_trouble_with_a_link_is_a_sentence_that_names_it(alice, server, behaviour, message):
    server.behaviour = behaviour
    assert problems([f"{server.url}/lake.png"], alice) == [f"{server.url}/lake.png: {message}"]


@pytest.mark.parametrize("behaviour", [servers.hang, servers.hang_in_body, servers.trickle])
def test_slow_link_is_given_up(alice, server, settings, behaviour):
    settings.LINK_TIMEOUT, server.behaviour = 0.3, behaviour
    [message] = problems([server.url], alice)
    assert message == f"{server.url}: The link did not deliver within 0 seconds."


def test_link_that_unfolds_to_gigabytes_is_not_unfolded(alice, server):
    bomb = brotli.compress(bytes(500_000_000), quality=5)
    server.behaviour = answer(200, bomb, content_encoding="br")
    assert problems([server.url], alice) == [f"{server.url}: {NO_PICTURE}"]
    assert server.requests[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    ("link", "message"),
    [
        ("http://example.com/a.png", "Only https addresses without a password are fetched."),
        ("https://user:password@example.com/a.png", "Only https addresses without a password are fetched."),
        ("https://8.8.8.8:99999/a.png", "Only https addresses without a password are fetched."),
        ("https://localhost/a.png", "localhost is not a public address."),
        ("https://169.254.169.254/latest/", "169.254.169.254 is not a public address."),
        ("https://[::1]/a.png", "::1 is not a public address."),
        ("https://2130706433/a.png", "2130706433 is not a public address."),
        ("https://no-such-host.invalid/a.png", "The link cannot be fetched."),
        ("https://[", "The link cannot be fetched."),
        ("https://", "Only https addresses without a password are fetched."),
        ("https://xn--a/", "The link cannot be fetched."),
        ("https://example.com/\x01", "The link cannot be fetched."),
    ],
)
def test_link_that_is_not_fetched_is_told(alice, link, message):
    [found] = problems([link], alice)
    assert found == f"{link}: {message}"


def test_private_link_is_never_touched(alice, server, settings):
    settings.TRUSTED_ADDRESS = ""
    problems([server.url.replace("http", "https"), server.url], alice)
    assert server.connections == 0


def test_long_link_is_shortened_in_its_message(alice):
    [message] = problems(["https://localhost/" + "a" * 500], alice)
    assert message == f"https://localhost/{'a' * 81}…: localhost is not a public address."


def test_message_can_be_sent_whatever_the_link_holds(alice):
    [message] = problems(["https://localhost/\ud800"], alice)
    assert json.dumps(message, ensure_ascii=False).encode()
