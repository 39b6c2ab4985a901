"""A PNG is read to its end without being put together, and what Pillow would refuse is refused."""

import io
import struct
import tracemalloc
import zlib

import pytest
from PIL import Image

from jobs import png


def saved(mode="RGB", size=(700, 500)):
    """A PNG with more bytes than are read at once."""
    file = io.BytesIO()
    Image.effect_noise(size, 90).convert(mode).save(file, "PNG")
    return file.getvalue()


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def made(height, pixels, interlace=0):
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 2, height, 8, 0, 0, 0, interlace))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")


def check(data):
    png.check(io.BytesIO(data))


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1"])
def test_png_of_any_colour_is_whole(mode):
    check(saved(mode))


def test_png_with_bytes_behind_its_end_is_whole():
    check(saved() + b"more")


def test_interlaced_png_has_at_least_the_bytes_of_a_plain_one():
    check(made(2, b"\0a" + b"\0b" + b"\0cd", interlace=1))


@pytest.mark.parametrize("length", [20, 40, 1000, -30, -6])
def test_png_that_ends_too_early_is_damaged(length):
    with pytest.raises(OSError, match="PNG"):
        check(saved()[:length])


@pytest.mark.parametrize("at", [20, 5000, -20])
def test_png_with_a_flipped_byte_is_damaged(at):
    data = bytearray(saved())
    data[at] ^= 1
    with pytest.raises(OSError, match=r"sum|damaged"):
        check(bytes(data))


def test_png_with_too_few_lines_lacks_pixels():
    check(made(2, b"\0ab\0cd"))
    with pytest.raises(OSError, match="lacks pixels"):
        check(made(3, b"\0ab\0cd"))


def test_png_whose_pixels_unfold_to_gigabytes_is_read_in_pieces():
    bomb = zlib.compress(bytes(50 * 1024 * 1024))
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 2, 8, 0, 0, 0, 0))
    data = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", bomb) + chunk(b"IEND", b"")
    tracemalloc.start()
    check(data)
    _now, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 1024 * 1024
