"""Pictures in, clean copies out: nothing of its user's but the pixels, and nothing that is no picture."""

import io
import math
import struct
import zlib

import pytest
from PIL import Image, ImageChops, ImageCms, ImageStat
from PIL.PngImagePlugin import PngInfo

from jobs import pictures
from jobs.pictures import BadPicture, clean, verify

from .conftest import picture_file, png

DAMAGED = "The picture is damaged: it cannot be read to its end."
NO_PICTURE = "This is not a readable JPEG/PNG picture."
LARGE = "The uploaded image width and height must not exceed 6000 pixels."
ORIENTATION, GPS = 0x0112, 0x8825
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def photo(width=400, height=300):
    """Something with gradients and edges, so that quality can be measured."""
    ramp = Image.linear_gradient("L").resize((width, height))
    disc = Image.radial_gradient("L").resize((width, height))
    return Image.merge("RGB", (ramp, disc, ramp.transpose(Image.Transpose.ROTATE_180)))


def encoded(picture, format, **options):
    file = io.BytesIO()
    picture.save(file, format, **options)
    return file.getvalue()


def exif_of(orientation=1):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    exif[0x010F] = "SECRET camera"
    exif.get_ifd(GPS).update({1: "N", 2: (35.0, 40.0, 30.0), 3: "E", 4: (139.0, 45.0, 12.0)})
    return exif


def cleaned(data):
    copy = clean(io.BytesIO(data))
    return copy, Image.open(io.BytesIO(copy.data))


def refused(data):
    with pytest.raises(BadPicture) as caught:
        clean(io.BytesIO(data))
    return caught.value.messages


def psnr(one, other):
    squares = ImageStat.Stat(ImageChops.difference(one.convert("RGB"), other.convert("RGB"))).sum2
    mean = sum(squares) / (3 * one.width * one.height)
    return math.inf if mean == 0 else 10 * math.log10(255**2 / mean)


# Without metadata

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


# Without loss


@pytest.mark.parametrize("quality", [60, 85, 95])
@pytest.mark.parametrize("subsampling", [0, 1, 2])
def test_jpeg_keeps_its_quality_and_its_size(quality, subsampling):
    data = encoded(photo(800, 600), "JPEG", quality=quality, subsampling=subsampling)
    copy, picture = cleaned(data)
    original = Image.open(io.BytesIO(data))
    assert picture.quantization == original.quantization
    assert psnr(original, picture) > 45
    assert len(copy.data) < 1.05 * len(data)


def test_progressive_jpeg_is_no_reason_to_refuse():
    noise = Image.effect_noise((2950, 2950), 100).convert("RGB")
    data = encoded(noise, "JPEG", quality=97, subsampling=0, progressive=True, optimize=True)
    assert len(data) < 10 * 1024 * 1024 <= len(encoded(noise, "JPEG", quality=97, subsampling=0))
    copy, _picture = cleaned(data)
    assert len(copy.data) < 10 * 1024 * 1024


def test_grey_jpeg_keeps_its_quality_and_its_size():
    data = encoded(photo().convert("L"), "JPEG", quality=60)
    copy, picture = cleaned(data)
    assert picture.mode == "L"
    assert len(copy.data) < 1.05 * len(data)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
def test_png_keeps_every_pixel(mode):
    original = photo().convert(mode)
    _copy, picture = cleaned(encoded(original, "PNG"))
    assert (picture.mode, picture.tobytes()) == (mode, original.tobytes())


def test_cmyk_jpeg_becomes_rgb():
    original = photo()
    copy, picture = cleaned(encoded(original.convert("CMYK"), "JPEG", quality=95))
    assert (picture.mode, copy.content_type) == ("RGB", "image/jpeg")
    assert psnr(original, picture) > 30


def test_cmyk_jpeg_with_a_broken_profile_becomes_rgb():
    original = photo()
    _copy, picture = cleaned(encoded(original.convert("CMYK"), "JPEG", quality=95, icc_profile=b"no profile"))
    assert psnr(original, picture) > 30


def test_sixteen_bits_of_grey_are_scaled_not_clipped():
    deep = Image.new("I;16", (64, 48), 0x8080)
    _copy, picture = cleaned(encoded(deep, "PNG"))
    assert (picture.mode, picture.getextrema()) == ("L", (128, 128))


def test_one_bit_becomes_rgb():
    _copy, picture = cleaned(encoded(Image.new("1", (64, 48), 1), "PNG"))
    assert (picture.mode, picture.getpixel((0, 0))) == ("RGB", (255, 255, 255))


def test_palette_becomes_its_colours():
    original = Image.new("P", (64, 48), 3)
    original.putpalette([0, 0, 0, 1, 1, 1, 2, 2, 2, 200, 100, 50])
    _copy, picture = cleaned(encoded(original, "PNG"))
    assert (picture.mode, picture.getpixel((0, 0))) == ("RGB", (200, 100, 50))


@pytest.mark.parametrize(("mode", "color", "key"), [("P", 0, 0), ("RGB", (9, 8, 7), (9, 8, 7)), ("L", 9, 9)])
def test_transparent_colour_stays_transparent(mode, color, key):
    _copy, picture = cleaned(encoded(Image.new(mode, (64, 48), color), "PNG", transparency=key))
    assert (picture.mode, picture.getpixel((0, 0))[-1]) == ("RGBA", 0)


def test_grey_with_alpha_keeps_its_alpha():
    _copy, picture = cleaned(encoded(Image.new("LA", (64, 48), (200, 70)), "PNG"))
    assert picture.getpixel((0, 0)) == (200, 200, 200, 70)


def test_animation_becomes_its_first_picture():
    frames = [Image.new("RGB", (64, 48), color) for color in ("red", "green", "blue")]
    copy, picture = cleaned(encoded(frames[0], "PNG", save_all=True, append_images=frames[1:]))
    assert (picture.n_frames, picture.getpixel((0, 0))) == (1, (255, 0, 0))
    assert b"acTL" not in copy.data


def test_phones_double_picture_is_a_jpeg():
    copy, picture = cleaned(encoded(photo(), "MPO", save_all=True, append_images=[photo(64, 48)]))
    assert (copy.content_type, copy.extension, picture.format) == ("image/jpeg", ".jpg", "JPEG")
    assert psnr(photo(), picture) > 30


@pytest.mark.parametrize("format", ["JPEG", "PNG"])
def test_clean_copy_is_the_same_each_time(format):
    data = encoded(photo(), format)
    assert clean(io.BytesIO(data)) == clean(io.BytesIO(data))


def test_clean_copy_of_a_clean_png_is_itself():
    once = clean(png())
    assert clean(io.BytesIO(once.data)).sha256 == once.sha256


@pytest.mark.parametrize(
    ("format", "content_type", "extension"), [("JPEG", "image/jpeg", ".jpg"), ("PNG", "image/png", ".png")]
)
def test_kind_is_told_by_the_content_not_by_the_name(format, content_type, extension):
    file = picture_file(format, 64, 48)
    file.name = "picture.gif"
    copy = clean(file)
    assert (copy.content_type, copy.extension, copy.width, copy.height) == (content_type, extension, 64, 48)


@pytest.mark.parametrize("evening", [True, False])
def test_landscape_is_a_picture_that_we_take(evening):
    copy = clean(pictures.draw_landscape(is_evening=evening))
    assert (copy.width, copy.height, copy.content_type) == (1600, 1200, "image/png")


# Refused

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


def bomb(width, height):
    """A PNG of a few bytes that claims to be that large; whoever decodes it finds it damaged."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"no pixels") + chunk(b"IEND", b"")


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


# What comes back from RunComfy


def verified(tmp_path, data):
    (tmp_path / "output").write_bytes(data)
    return verify(tmp_path / "output")


@pytest.mark.parametrize(
    ("format", "content_type", "extension"),
    [("JPEG", "image/jpeg", ".jpg"), ("PNG", "image/png", ".png"), ("WEBP", "image/webp", ".webp"),
     ("MPO", "image/jpeg", ".jpg")],
)  # fmt: skip
def test_output_is_what_its_content_says(tmp_path, format, content_type, extension):
    options = {"save_all": True, "append_images": [photo()]} if format == "MPO" else {}
    found = verified(tmp_path, encoded(photo(), format, **options))
    assert found == pictures.Kind(content_type, extension, 400, 300)


@pytest.mark.parametrize(
    ("data", "content_type", "extension"),
    [
        (b"\0\0\0\x18ftypisom\0\0\x02\0isommp42", "video/mp4", ".mp4"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0", "video/mp4", ".mp4"),
        (b"\x1a\x45\xdf\xa3\x01\0\0\0\0\0\0\x1f\x42\x86\x81\x01", "video/webm", ".webm"),
    ],
)
def test_video_has_no_size(tmp_path, data, content_type, extension):
    assert verified(tmp_path, data) == pictures.Kind(content_type, extension)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"<html></html>",
        b"\0\0\0\x1cftypavif\0\0\0\0avifmif1",
        b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
        b"GIF89a",
    ],
)
def test_output_of_another_kind_is_refused(tmp_path, data):
    with pytest.raises(BadPicture, match="This is not a readable JPEG/PNG/WEBP picture"):
        verified(tmp_path, data)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_truncated_output_is_refused(tmp_path, format):
    data = encoded(photo(), format)
    with pytest.raises(BadPicture):
        verified(tmp_path, data[: len(data) // 2])


def test_bomb_as_output_is_refused(tmp_path):
    with pytest.raises(BadPicture, match="6000 pixels"):
        verified(tmp_path, bomb(20_000, 20_000))


# Smaller copies for pages


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
