"""Clean copies hold nothing of their user's but the pixels."""

import struct

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.pictures.samples import ORIENTATION, SRGB, cleaned, encoded, exif_of, photo

SECRETS = {
    "EXIF in JPEG": lambda: encoded(photo(), "JPEG", exif=exif_of()),
    "EXIF in PNG": lambda: encoded(photo(), "PNG", exif=exif_of()),
    "comment": lambda: encoded(photo(), "JPEG", comment=b"SECRET"),
    "XMP in JPEG": lambda: encoded(photo(), "JPEG", xmp=b"<x:xmpmeta>SECRET</x:xmpmeta>"),
    "text": lambda: encoded(photo(), "PNG", pnginfo=notes("add_text")),
    "compressed text": lambda: encoded(photo(), "PNG", pnginfo=notes("add_text", zip=True)),
    "international text": lambda: encoded(photo(), "PNG", pnginfo=notes("add_itxt")),
    "HTML behind a JPEG": lambda: encoded(photo(), "JPEG") + b"<script>SECRET</script>",
    "HTML behind a PNG": lambda: encoded(photo(), "PNG") + b"<script>SECRET</script>",
    "second picture": lambda: encoded(photo(), "MPO", save_all=True, append_images=[photo()], comment=b"SECRET"),
}


def notes(add, **options):
    info = PngInfo()
    getattr(info, add)("XML:com.adobe.xmp", "SECRET", **options)
    return info


@pytest.mark.parametrize("make", SECRETS.values(), ids=SECRETS)
def test_clean_copy_holds_no_metadata(make):
    copy, picture = cleaned(make())
    picture.load()
    assert b"SECRET" not in copy.data
    assert dict(picture.getexif()) == {}
    assert picture.info.keys() <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def test_clean_copy_keeps_the_colour_profile():
    for format in ("JPEG", "PNG"):
        _copy, picture = cleaned(encoded(photo(), format, icc_profile=SRGB))
        assert picture.info["icc_profile"] == SRGB


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "PNG"])
def test_clean_copy_is_upright(format, orientation):
    turn = {5: 3, 6: 4, 7: 4, 8: 3}  # dimensions only: which sides change places
    width, height = (48, 64) if orientation in turn else (64, 48)
    copy, picture = cleaned(encoded(photo(64, 48), format, exif=exif_of(orientation)))
    assert (copy.width, copy.height) == picture.size == (width, height)


CORNERS = {1: 0, 2: 1, 3: 2, 4: 3, 5: 0, 6: 1, 7: 2, 8: 3}  # where the stored top left belongs, clockwise


@pytest.mark.parametrize(("orientation", "corner"), CORNERS.items())
def test_clean_copy_shows_every_corner_where_it_belongs(orientation, corner):
    picture = Image.new("RGB", (64, 48), "black")
    picture.paste("white", (0, 0, 16, 16))
    _copy, upright = cleaned(encoded(picture, "PNG", exif=exif_of(orientation)))
    right, bottom = upright.width - 1, upright.height - 1
    corners = [upright.getpixel(at) for at in ((0, 0), (right, 0), (right, bottom), (0, bottom))]
    assert corners.index((255, 255, 255)) == corner


@pytest.mark.parametrize(
    "exif",
    [b"Exif\0\0", b"Exif\0\0nonsense", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0MM\0*\0\0\0\x08\0\x02\x01", b"no"],
)
@pytest.mark.parametrize("format", ["JPEG", "PNG"])
def test_broken_exif_costs_nobody_a_picture(format, exif):
    _copy, picture = cleaned(encoded(photo(), format, exif=exif))
    assert picture.size == (400, 300)


@pytest.mark.parametrize("key", ["Raw profile type exif", "XML:com.adobe.xmp"])
def test_broken_notes_cost_nobody_a_picture(key):
    info = PngInfo()
    info.add_text(key, "\n\n\nno hexadecimal digits tiff:Orientation>9")
    assert cleaned(encoded(photo(), "PNG", pnginfo=info))[1].size == (400, 300)


def test_exif_that_cannot_be_written_again_costs_nobody_a_picture():
    # A resolution that is a text: Pillow reads it, and cannot write it.
    entries = struct.pack("<HHII", ORIENTATION, 3, 1, 6) + struct.pack("<HHI4s", 0x011A, 2, 4, b"300\0")
    exif = b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", 2) + entries + b"\0\0\0\0"
    copy, _picture = cleaned(encoded(photo(), "JPEG", exif=exif))
    assert (copy.width, copy.height) == (300, 400)
