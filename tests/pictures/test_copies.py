"""Smaller copies for pages."""

import io
import math
import struct

import pytest
from PIL import Image

from jobs import pictures
from jobs.pictures import BadPicture
from tests.pictures.samples import SRGB, encoded, exif_of, photo, psnr


def copies(data):
    found = pictures.page_copies(io.BytesIO(data))
    return found.color, {width: Image.open(io.BytesIO(file)) for width, file in found.files.items()}


@pytest.mark.parametrize(
    ("width", "widths"),
    [
        (100, [100]),
        (320, [320]),
        (500, [320, 500]),
        (640, [320, 640]),
        (1000, [320, 640, 1000]),
        (2000, [320, 640, 1600]),
    ],
)
def test_copies_are_never_wider_than_their_original(width, widths):
    _color, found = copies(encoded(photo(width, width // 2), "JPEG"))
    assert list(found) == widths
    assert [picture.size for picture in found.values()] == [(width, width // 2) for width in widths]


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_copies_look_like_their_original(format):
    original = photo(2000, 1500)
    _color, found = copies(encoded(original, format))
    assert {picture.format for picture in found.values()} == {"WEBP"}
    assert all(psnr(original.resize(picture.size), picture) > 38 for picture in found.values())


@pytest.mark.parametrize("color", ["#ff0000", "#00ff00", "#123456", "#ffffff"])
def test_dominant_color_is_that_of_most_pixels(color):
    picture = Image.new("RGB", (400, 300), color)
    picture.paste("black", (0, 0, 150, 300))
    assert distance(copies(encoded(picture, "PNG"))[0], color) < 12


def distance(one, other):
    return math.dist(bytes.fromhex(one[1:]), bytes.fromhex(other[1:]))


def test_copies_keep_their_alpha_and_shine_through_to_the_page():
    color, found = copies(encoded(Image.new("RGBA", (400, 300), (200, 100, 50, 128)), "PNG"))
    assert (color, found[320].mode) == ("", "RGBA")
    assert abs(found[320].getpixel((9, 9))[3] - 128) < 3


def test_opaque_alpha_is_no_alpha():
    color, found = copies(encoded(Image.new("RGBA", (400, 300), (200, 100, 50, 255)), "PNG"))
    assert (color, found[320].mode) == ("#c86432", "RGB")


def test_copies_show_the_colours_that_the_profile_means():
    blue_if_plain = Image.new("RGB", (400, 300), (0, 0, 255))
    _color, found = copies(encoded(blue_if_plain, "PNG", icc_profile=swapped_profile()))
    red, _green, blue = found[320].getpixel((9, 9))
    assert (red > 200, blue < 60) == (True, True)


def swapped_profile():
    """sRGB with the places of red and blue changed."""
    tags = {b"rXYZ": b"bXYZ", b"bXYZ": b"rXYZ"}
    head, table = SRGB[:132], SRGB[132:]
    count = struct.unpack(">I", SRGB[128:132])[0]
    entries = [table[at * 12 : at * 12 + 12] for at in range(count)]
    renamed = [tags.get(entry[:4], entry[:4]) + entry[4:] for entry in entries]
    return head + b"".join(renamed) + table[12 * count :]


@pytest.mark.parametrize("profile", [b"no profile", SRGB])
def test_profile_costs_no_copy_its_colours(profile):
    original = photo(400, 300)
    _color, found = copies(encoded(original, "PNG", icc_profile=profile))
    assert psnr(original.resize((320, 240)), found[320]) > 38


def test_copies_hold_no_metadata():
    _color, found = copies(encoded(photo(), "JPEG", exif=exif_of(), comment=b"SECRET", icc_profile=SRGB))
    assert all(picture.info.keys() <= {"loop", "background", "timestamp", "duration"} for picture in found.values())


def test_copies_of_the_same_bytes_are_the_same():
    data = encoded(photo(800, 600), "JPEG")
    assert pictures.page_copies(io.BytesIO(data)) == pictures.page_copies(io.BytesIO(data))


def test_copies_too_tall_for_webp_are_left_out():
    _color, found = copies(encoded(Image.new("RGB", (400, 20_000)), "PNG"))
    assert list(found) == [320]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "I;16", "CMYK"])
def test_every_mode_has_copies(mode):
    data = encoded(Image.new(mode, (400, 300)), "JPEG" if mode == "CMYK" else "PNG")
    assert list(copies(data)[1]) == [320, 400]


@pytest.mark.parametrize("data", [b"", b"no picture", encoded(photo(), "JPEG")[:2000]])
def test_no_picture_has_no_copies(data):
    with pytest.raises(BadPicture):
        pictures.page_copies(io.BytesIO(data))
