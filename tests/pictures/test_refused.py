"""What is no picture, or breaks the model's rules, is refused."""

import io

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from jobs.pictures import BadPicture, clean
from tests.conftest import png
from tests.pictures.samples import bomb, encoded, exif_of, photo

DAMAGED = "The picture is damaged: it cannot be read to its end."
NO_PICTURE = "This is not a readable JPEG/PNG picture."
LARGE = "The uploaded image width and height must not exceed 6000 pixels."


def refused(data):
    with pytest.raises(BadPicture) as caught:
        clean(io.BytesIO(data))
    return caught.value.messages


NO_PICTURES = {
    "GIF": lambda: encoded(photo(), "GIF"),
    "WebP": lambda: encoded(photo(), "WEBP"),
    "BMP": lambda: encoded(photo(), "BMP"),
    "TIFF": lambda: encoded(photo(), "TIFF"),
    "SVG": lambda: b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "HTML": lambda: b"<!doctype html><title>404</title>",
    "EPS": lambda: encoded(photo(), "EPS"),
    "PDF": lambda: encoded(photo(), "PDF"),
    "text": lambda: b"a quiet lake",
    "nothing": lambda: b"",
    "one byte": lambda: b"\xff",
    "zeros": lambda: bytes(1000),
    "JPEG's first bytes": lambda: b"\xff\xd8\xff\xe0",
    "PNG's first bytes": lambda: b"\x89PNG\r\n\x1a\n",
}


@pytest.mark.parametrize("make", NO_PICTURES.values(), ids=NO_PICTURES)
def test_what_is_no_picture_is_refused_with_a_sentence(make):
    assert refused(make()) == [NO_PICTURE]


@pytest.mark.parametrize("format", ["JPEG", "PNG"])
@pytest.mark.parametrize("part", [0.3, 0.5, 0.9])
def test_truncated_picture_is_refused(format, part):
    data = encoded(photo(), format)
    assert refused(data[: int(len(data) * part)]) == [DAMAGED]


def test_picture_with_a_broken_check_sum_is_refused():
    data = bytearray(encoded(photo(), "PNG"))
    data[len(data) // 2] ^= 0xFF
    assert refused(bytes(data)) == [DAMAGED]


@pytest.mark.parametrize(
    ("width", "height"), [(6001, 6001), (12_000, 12_000), (20_000, 20_000), (2**31 - 1, 2**31 - 1)]
)
def test_bomb_is_refused_before_it_is_decoded(width, height):
    assert refused(bomb(width, height)) == [LARGE]


def test_bomb_that_is_decoded_would_be_damaged():
    assert refused(bomb(400, 300)) == [DAMAGED]


def test_bomb_of_text_is_refused():
    info = PngInfo()
    info.add_text("Comment", "x" * 2_000_000, zip=True)
    assert refused(encoded(photo(), "PNG", pnginfo=info)) == [DAMAGED]


@pytest.mark.parametrize(
    ("width", "height", "messages"),
    [
        (14, 14, ["The uploaded image width and height must exceed 14 pixels."]),
        (300, 100, ["The aspect ratio range should be 1:3 to 3:1."]),
        (6000, 2001, [LARGE]),
    ],
)
def test_vendors_rules_are_told_in_its_words(width, height, messages):
    assert refused(png(width, height).getvalue()) == messages


def test_rules_are_for_the_upright_picture():
    # 331 x 1000 is within the ratio; the 1000 x 331 that it is stored as is not.
    upright = encoded(photo(1000, 331), "JPEG", exif=exif_of(6))
    assert (clean(io.BytesIO(upright)).width, refused(encoded(photo(1000, 331), "JPEG"))) == (
        331,
        ["The aspect ratio range should be 1:3 to 3:1."],
    )


def test_heavy_file_is_refused():
    data = encoded(photo(), "JPEG")
    padded = data + bytes(10 * 1024 * 1024 - len(data))
    assert refused(padded) == ["File size must be less than 10 MB."]
    assert clean(io.BytesIO(padded[:-1])).width == 400


def test_copy_that_grows_too_heavy_is_refused():
    # A pixel of a palette takes one byte, its colour three.
    noise = Image.effect_noise((2260, 2260), 100).convert("P")
    noise.putpalette([(number * step) % 256 for number in range(256) for step in (1, 7, 91)])
    data = encoded(noise, "PNG", compress_level=1)
    assert len(data) < 10 * 1024 * 1024
    assert refused(data) == ["File size must be less than 10 MB."]
