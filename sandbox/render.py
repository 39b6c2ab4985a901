"""Pictures out of pictures: fast, pleasant, and the same for the same seed, prompt and inputs."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

from PIL import Image, ImageOps

from sandbox import palettes
from sandbox.dice import Dice
from sandbox.grades import GRADES, vignetted
from sandbox.layouts import FOR_ONE, FOR_SEVERAL, Size

JPEG_QUALITY = 88


@dataclass(frozen=True)
class Brief:
    """All that decides the look of a run's pictures."""

    text: str
    seed: int
    size: Size
    inputs: tuple[bytes, ...]
    file_format: str

    @cached_property
    def key(self) -> str:
        """A digest that is the same for two briefs exactly when their pictures are."""
        digests = [sha256(content).hexdigest() for content in self.inputs]
        known = (self.text, self.seed, self.size, digests, self.file_format)
        return sha256(repr(known).encode()).hexdigest()


def parse_size(image_size: str) -> Size:
    """Return (width, height) in pixels of an `image_size` like "2560:1440 (16:9)"."""
    width, _, height = image_size.partition(" ")[0].partition(":")
    return int(width), int(height)


def sources(brief: Brief) -> list[Image.Image]:
    """Decode the inputs, upright, in RGB, and not much larger than the canvas needs.

    Raises OSError when an input's pixels are damaged.
    """
    return [_opened(content, brief.size) for content in brief.inputs]


def picture(brief: Brief, pictures: Sequence[Image.Image], index: int) -> bytes:
    """Return the encoded picture number `index` (from 0) of a run."""
    whole, own = Dice(brief.key), Dice(brief.key, index)
    chosen = palettes.chosen(brief.text, whole)
    palette = chosen[index % len(chosen)]
    offset = int(whole.between(0, 60)) + index
    layouts = FOR_ONE if len(pictures) == 1 else FOR_SEVERAL
    turned = [*pictures[index % len(pictures) :], *pictures[: index % len(pictures)]]
    composed = layouts[offset % len(layouts)](turned, brief.size, own, palette.light)
    # Layouts and grades step together; one more step a round keeps up to fifteen pictures different.
    grade = GRADES[(offset + index // len(GRADES)) % len(GRADES)]
    if palette is palettes.MONO:
        composed = composed.convert("L").convert("RGB")
    return _encoded(vignetted(grade(composed, palette)), brief.file_format)


def _opened(content: bytes, size: Size) -> Image.Image:
    image: Image.Image = Image.open(io.BytesIO(content))
    image.draft("RGB", size)
    image = ImageOps.exif_transpose(image)
    if image.has_transparency_data:
        ground = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(ground, image.convert("RGBA"))
    image.thumbnail((max(size), max(size)), reducing_gap=2.0)
    return image.convert("RGB")


def _encoded(image: Image.Image, file_format: str) -> bytes:
    buffer = io.BytesIO()
    options = {"quality": JPEG_QUALITY} if file_format == "jpeg" else {"compress_level": 1}
    image.save(buffer, file_format, **options)
    return buffer.getvalue()
