"""The one place where pixels are opened: what comes in is checked and cleaned, what comes back is verified."""

import hashlib
import io
import math
import struct
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from django.utils.translation import gettext as _
from PIL import Image, ImageCms, ImageDraw, UnidentifiedImageError
from PIL.JpegImagePlugin import get_sampling

from . import png, seedream

INPUT_FORMATS = {"JPEG": ("image/jpeg", ".jpg"), "PNG": ("image/png", ".png")}
OUTPUT_FORMATS = {**INPUT_FORMATS, "WEBP": ("image/webp", ".webp")}
# The model's largest picture has 4.2 megapixels and the largest input 36; more is a bomb, not a picture.
MAX_PIXELS = 6000 * 6000
PAGE_WIDTHS = 320, 640, 1600
WEBP_MAX_SIDE = 16383
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# One downloaded picture at a time: a job brings fifteen at once, and each is 16 MB when it is decoded.
_decoding = threading.Lock()


class BadPicture(ValueError):
    """The file is no picture that we take; `messages` say why, for its user."""

    def __init__(self, messages: list[str]):
        self.messages = messages
        super().__init__(" ".join(messages))


@dataclass(frozen=True)
class Kind:
    """What a file really is, by its content. Videos have no width and height."""

    content_type: str
    extension: str
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True)
class CleanPicture:
    """A checked copy without metadata, turned upright. `sha256` is of `data`."""

    data: bytes = field(repr=False)
    sha256: str
    content_type: str
    extension: str
    width: int
    height: int


@dataclass(frozen=True)
class PageCopies:
    """WebP files by width, ascending. `color` is the dominant one, "#rrggbb"; empty where the page shines through."""

    color: str = ""
    files: dict[int, bytes] = field(default_factory=dict, repr=False)


def clean(file: IO[bytes]) -> CleanPicture:
    """The clean copy of an upload. Raises BadPicture with the vendor's messages where it has them."""
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    with _opened(file, INPUT_FORMATS) as picture:
        # Before a pixel is decoded: what is wrong whichever way it is turned need not be read at all.
        if seedream.check_picture(picture.height, picture.width, size):
            _refuse(seedream.check_picture(picture.width, picture.height, size))
        picture.load()
        upright = _upright(picture)
        width, height = upright.size
        _refuse(seedream.check_picture(width, height, size))
        data = _encoded(upright, picture)
        content_type, extension = INPUT_FORMATS[_format(picture)]
    if len(data) >= seedream.MAX_BYTES:
        raise BadPicture(seedream.check_picture(width, height, len(data)))
    return CleanPicture(data, hashlib.sha256(data).hexdigest(), content_type, extension, width, height)


def _refuse(problems: list[str]) -> None:
    if problems:
        raise BadPicture(problems)


def as_input(file: IO[bytes]) -> IO[bytes]:
    """An output in a format and of a size that clean() takes: a WEBP, and a PNG that is too large, becomes a JPEG, or
    a PNG where it is transparent."""
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    with _opened(file, OUTPUT_FORMATS) as picture:
        if _format(picture) in INPUT_FORMATS and size < seedream.MAX_BYTES:
            return file
        plain, profile = _displayable(_upright(picture), picture.info.get("icc_profile"))
        format = "PNG" if plain.mode == "RGBA" else "JPEG"
        return io.BytesIO(_saved(plain, format, icc_profile=profile, quality=95, subsampling=0))


def verify(path: Path) -> Kind:
    """What a downloaded file is. Reads a picture to its end; raises BadPicture for anything unusable."""
    with path.open("rb") as file:
        if video := _video_kind(file.read(16)):
            return video
        file.seek(0)
        with _decoding, _opened(file, OUTPUT_FORMATS) as picture:
            content_type, extension = OUTPUT_FORMATS[_format(picture)]
            kind = Kind(content_type, extension, picture.width, picture.height)
            if picture.format == "PNG":
                png.check(file)
            else:
                # A JPEG is read all the same, and put together at an eighth of its size.
                picture.draft(None, (1, 1))
                picture.load()
            return kind


def page_copies(file: IO[bytes]) -> PageCopies:
    """Smaller copies of a stored picture for pages, none wider than itself. Raises BadPicture."""
    copy, files = _widest_copy(file), {}
    for width in sorted({min(width, copy.width) for width in PAGE_WIDTHS}, reverse=True):
        # Each from the one before: three times through millions of pixels would take three times as long.
        copy = copy.resize((width, _height_at(width, copy)), Image.Resampling.LANCZOS)
        if copy.height <= WEBP_MAX_SIDE:
            # Fine screens show the narrow ones at half their size, where less is seen of what was lost.
            files[width] = _saved(copy, "WEBP", quality=80 if width > 640 else 72)
    return PageCopies(_dominant_color(copy), dict(sorted(files.items())))


def _widest_copy(file: IO[bytes]) -> Image.Image:
    with _opened(file, OUTPUT_FORMATS) as picture:
        width = min(picture.width, PAGE_WIDTHS[-1])
        size = width, _height_at(width, picture)
        picture.draft(None, size)  # a JPEG is decoded at a half, a quarter or an eighth of its size
        plain, profile = _displayable(picture, picture.info.get("icc_profile"))
        copy = plain.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
    return _in_srgb(copy, profile) or copy


def _height_at(width: int, picture: Image.Image) -> int:
    return max(round(picture.height * width / picture.width), 1)


def _dominant_color(picture: Image.Image) -> str:
    if picture.mode == "RGBA" and picture.getchannel("A").getextrema() != (255, 255):
        return ""
    few = picture.convert("RGB").resize((64, 64)).quantize(8, Image.Quantize.FASTOCTREE)
    colors = iter(few.getpalette("RGB") or [])
    counted = zip(few.histogram(), zip(colors, colors, colors, strict=False), strict=False)
    return "#" + bytes(max(counted)[1]).hex()


@contextmanager
def _opened(file: IO[bytes], formats: dict[str, tuple[str, str]]) -> Iterator[Image.Image]:
    names = list(formats)
    try:
        with warnings.catch_warnings():
            # Pillow warns of bombs; our own limit below is the lower one, and it refuses.
            warnings.simplefilter("ignore")
            with Image.open(file, formats=names) as picture:
                if picture.width * picture.height > MAX_PIXELS:
                    raise BadPicture(seedream.check_picture(picture.width, picture.height, 0))
                yield picture
    except UnidentifiedImageError:
        raise BadPicture([_("This is not a readable %(formats)s picture.") % {"formats": "/".join(names)}]) from None
    except Image.DecompressionBombError:
        raise BadPicture(seedream.check_picture(MAX_PIXELS, MAX_PIXELS, 0)) from None
    except (OSError, SyntaxError, ValueError, EOFError) as problem:
        if isinstance(problem, BadPicture):
            raise
        raise BadPicture([_("The picture is damaged: it cannot be read to its end.")]) from problem


def _format(picture: Image.Image) -> str:
    # A phone's JPEG with another picture behind the first (depth, a second lens) calls itself MPO.
    return "JPEG" if picture.format == "MPO" else str(picture.format)


def _upright(picture: Image.Image) -> Image.Image:
    try:
        turn = TURNS.get(picture.getexif().get(0x0112, 1))
    except (SyntaxError, ValueError, TypeError, struct.error):
        # Cameras and editors write broken EXIF; the pixels are good all the same.
        turn = None
    return picture.copy() if turn is None else picture.transpose(turn)


def _encoded(upright: Image.Image, picture: Image.Image) -> bytes:
    """The same format again: JPEG with its own tables, so that it keeps its quality and its size; no metadata."""
    format = _format(picture)
    options = _jpeg_options(picture) if format == "JPEG" else {"compress_level": 6}
    plain, profile = _displayable(upright, picture.info.get("icc_profile"))
    plain.info = {}  # or Pillow writes some of it (comments, EXIF, DPI) into the copy
    data = _saved(plain, format, icc_profile=profile, **options)
    if len(data) >= seedream.MAX_BYTES:
        # Slower, and as small as a progressive JPEG or a patient PNG was when it came.
        data = _saved(plain, format, icc_profile=profile, optimize=True, progressive=True, **options)
    return data


def _jpeg_options(picture: Image.Image) -> dict[str, object]:
    tables = getattr(picture, "quantization", None)
    if not tables or picture.mode == "CMYK":
        return {"quality": 95}
    # -1 is a sampling that Pillow cannot write, or grey, which has none: 4:4:4 loses nothing.
    return {"qtables": tables, "subsampling": max(get_sampling(picture), 0)}


def _saved(picture: Image.Image, format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format, **options)
    return buffer.getvalue()


def _displayable(picture: Image.Image, profile: bytes | None) -> tuple[Image.Image, bytes | None]:
    """The picture in a mode that every model reads, with the profile that now describes its colours."""
    has_alpha = "A" in picture.mode or "transparency" in picture.info
    if picture.mode in {"RGB", "L"} and not has_alpha:
        return picture, profile
    if picture.mode == "CMYK":
        return _in_srgb(picture, profile) or picture.convert("RGB"), None
    if picture.mode.startswith("I"):  # 16 bits of grey: convert() would clip, not scale
        return picture.convert("I").point(lambda value: value / 257).convert("L"), None
    return picture.convert("RGBA" if has_alpha else "RGB"), profile


def _in_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image | None:
    if not profile:
        return None
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        mode = "RGBA" if picture.mode == "RGBA" else "RGB"
        return ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), outputMode=mode)
    except (ImageCms.PyCMSError, OSError):
        # A broken profile must not cost the user the picture: without it the colours are close.
        return None


def _video_kind(head: bytes) -> Kind | None:
    # AVIF and HEIC pictures come in the same box.
    if head[4:8] == b"ftyp" and head[8:12] not in {b"avif", b"avis", b"heic", b"heix", b"mif1", b"msf1"}:
        return Kind("video/mp4", ".mp4")
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return Kind("video/webm", ".webm")
    return None


def draw_landscape(*, is_evening: bool = False) -> IO[bytes]:
    """A PNG of hills under a sky, 1600 × 1200, for a first edit before anybody has brought a picture."""
    top, bottom = ((41, 37, 84), (250, 150, 90)) if is_evening else ((94, 160, 214), (236, 226, 205))
    sky = Image.merge(
        "RGB", [Image.linear_gradient("L").point(_between(*ends)) for ends in zip(top, bottom, strict=True)]
    )
    picture = sky.resize((1600, 1200), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(picture)
    draw.ellipse((1080, 420, 1300, 640), fill=(255, 222, 150))
    for depth, height in enumerate((560, 700, 860)):
        shade = 150 - 45 * depth
        draw.polygon(
            _hill(height, depth), fill=(shade // 2 + 20 * is_evening, shade - 30 * is_evening, shade // 2 + 25)
        )
    file = io.BytesIO()
    picture.save(file, "PNG")
    file.seek(0)
    return file


def _between(first: int, last: int) -> list[int]:
    return [first + (last - first) * step // 255 for step in range(256)]


def _hill(height: int, depth: int) -> list[tuple[float, float]]:
    crest = [(x, height + 90 * math.sin(x / (170 + 60 * depth) + 2 * depth)) for x in range(0, 1601, 10)]
    return [(0, 1200), *crest, (1600, 1200)]
