"""Faults of the files behind the output URLs."""

import io

import httpx
import pytest
from PIL import Image, UnidentifiedImageError

from sandbox.forgeries import BOMB_SIDE

MEGABYTE = 1024 * 1024


@pytest.fixture
def url(caller):
    return caller.images(caller.ended())[0]


def opened(answer):
    return Image.open(io.BytesIO(answer.content))


def test_redirect_private_points_at_the_metadata_address(caller, url):
    caller.fault("redirect_private")

    answer = caller.http.get(url)

    assert answer.status_code == 302
    assert answer.headers["location"] == "http://169.254.169.254/latest/meta-data/"


def test_wrong_content_type_is_on_the_right_picture(caller, url):
    caller.fault("wrong_content_type", content_type="text/plain")

    answer = caller.http.get(url)

    assert answer.headers["content-type"].startswith("text/plain")
    assert opened(answer).format == "JPEG"


def test_zero_bytes_is_an_empty_picture(caller, url):
    caller.fault("zero_bytes")

    answer = caller.http.get(url)

    assert (answer.status_code, answer.headers["content-length"], answer.content) == (200, "0", b"")


def test_too_large_declares_it(caller, url):
    caller.fault("too_large")

    with caller.http.stream("GET", url) as answer:
        assert answer.headers["content-length"] == str(5 * 1024**3)
        assert next(answer.iter_bytes(MEGABYTE))[:2] == b"\xff\xd8"


def test_too_large_sends_what_it_declares(caller, url):
    caller.fault("too_large", bytes=3 * MEGABYTE + 5)

    assert len(caller.http.get(url).content) == 3 * MEGABYTE + 5


def test_too_large_chunked_does_not_end(caller, url):
    caller.fault("too_large_chunked")

    with caller.http.stream("GET", url) as answer:
        pieces = answer.iter_bytes(MEGABYTE)
        assert "content-length" not in answer.headers
        assert [len(next(pieces)) for _ in range(20)] == [MEGABYTE] * 20


def test_too_large_does_not_keep_others_waiting(caller, url):
    request_id = caller.ended()
    caller.fault("too_large_chunked")

    with caller.http.stream("GET", url) as answer:
        next(answer.iter_bytes(MEGABYTE))
        assert caller.status(request_id, timeout=2).status_code == 200


def test_truncated_image_does_not_decode(caller, url):
    caller.fault("truncated_image")

    picture = opened(caller.http.get(url))

    with pytest.raises(OSError, match="truncated"):
        picture.load()


def test_picture_bomb_is_small_and_huge(caller, url):
    caller.fault("picture_bomb")

    answer = caller.http.get(url)

    assert (answer.headers["content-type"], len(answer.content) < 100_000) == ("image/png", True)
    assert answer.content[16:24] == BOMB_SIDE.to_bytes(4, "big") * 2
    with pytest.raises(Image.DecompressionBombError):
        opened(answer)


@pytest.mark.parametrize(("kind", "beginning"), [("svg_as_png", b"<svg"), ("html_as_png", b"<!doctype html>")])
def test_text_is_called_png(caller, url, kind, beginning):
    caller.fault(kind)

    answer = caller.http.get(url)

    assert answer.headers["content-type"] == "image/png"
    assert answer.content.startswith(beginning)
    with pytest.raises(UnidentifiedImageError):
        opened(answer)


def test_expired_url_works_after_reading_the_result_again(caller):
    request_id = caller.ended(sequential_image_generation_options=2)
    old = caller.images(request_id)
    caller.fault("expired_url")

    refused = [caller.http.get(url).status_code for url in old]
    new = caller.images(request_id)

    assert refused == [403, 403]
    assert [caller.http.get(url).status_code for url in new] == [200, 200]
    assert caller.http.get(old[0]).status_code == 403
    assert [told["url"] for told in caller.entry(request_id)["outputs"]] == new


@pytest.mark.parametrize("kind", ["reset", "hang_in_body"])
def test_download_breaks_off(caller, url, kind):
    caller.faults({"kind": kind, "on": "output", **({"seconds": 0} if kind == "hang_in_body" else {})})

    with pytest.raises(httpx.ReadError, match="Connection reset by peer"):
        caller.http.get(url)


def test_downloads_are_counted_when_they_break_too(caller, url):
    caller.fault("http_503", on="output")

    caller.http.get(url)
    caller.http.get(url)

    assert caller.ledger()["downloads"] == 2
