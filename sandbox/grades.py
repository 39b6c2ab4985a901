"""Colour treatments: from an RGB picture and a palette to a new RGB picture of the same size."""

from collections.abc import Callable
from functools import lru_cache

from PIL import Image, ImageChops, ImageOps

from sandbox.palettes import Palette

Size = tuple[int, int]
Grade = Callable[[Image.Image, Palette], Image.Image]


def duotone(picture: Image.Image, palette: Palette) -> Image.Image:
    """Paint the lights and shadows in the palette's colours only."""
    grey = ImageOps.autocontrast(picture.convert("L"), cutoff=1)
    return ImageOps.colorize(grey, palette.shadow, palette.light, palette.middle)


def split_tone(picture: Image.Image, palette: Palette) -> Image.Image:
    """Keep the picture's colours, lean its shadows and lights to the palette."""
    return picture.point([level for channel in range(3) for level in _leaning(palette, channel, 0.42)])


def faded(picture: Image.Image, palette: Palette) -> Image.Image:
    """Wash most of the colour out and lift the blacks, like an old print."""
    grey = picture.convert("L").convert("RGB")
    return Image.blend(grey, picture, 0.4).point(
        [int(28 + level * 0.86) for channel in range(3) for level in _leaning(palette, channel, 0.3)]
    )


def washed(picture: Image.Image, palette: Palette) -> Image.Image:
    """Lay light that runs from the middle colour to the light one over the picture."""
    return Image.blend(picture, ImageChops.screen(picture, _gradient(picture.size, palette)), 0.62)


def inked(picture: Image.Image, palette: Palette) -> Image.Image:
    """Let the picture's own colours shine through its duotone."""
    return Image.blend(duotone(picture, palette), picture, 0.35)


GRADES: tuple[Grade, ...] = (split_tone, duotone, washed, inked, faded)


def vignetted(picture: Image.Image) -> Image.Image:
    """Darken the corners."""
    return ImageChops.multiply(picture, _vignette(picture.size))


def _leaning(palette: Palette, channel: int, strength: float) -> list[int]:
    low, middle, high = (colour[channel] for colour in palette)
    curve = [low + (middle - low) * level / 128 for level in range(128)]
    curve += [middle + (high - middle) * level / 127 for level in range(128)]
    return [round(level + (target - level) * strength) for level, target in enumerate(curve)]


# The two masks below depend on little and cost a resize each, so the last few are kept.
@lru_cache(maxsize=4)
def _gradient(size: Size, palette: Palette) -> Image.Image:
    ramp = Image.linear_gradient("L").rotate(20).crop((45, 45, 211, 211))  # without the empty corners
    tinted = ImageOps.colorize(ramp, palette.light, palette.shadow, palette.middle)
    return tinted.resize(size, Image.Resampling.BILINEAR)


@lru_cache(maxsize=2)
def _vignette(size: Size) -> Image.Image:
    corners = Image.radial_gradient("L").point([255 - max(0, level - 120) * 3 // 4 for level in range(256)])
    return corners.resize(size, Image.Resampling.BICUBIC).convert("RGB")
