"""Clean copies lose nothing that can be seen."""

import io

import pytest
from PIL import Image

from jobs import pictures
from jobs.pictures import clean
from tests.conftest import picture_file, png
from tests.pictures.samples import cleaned, encoded, photo, psnr


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
