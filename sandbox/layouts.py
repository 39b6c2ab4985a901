"""Compositions: each lays source pictures out on one canvas of the asked size."""

from collections.abc import Callable, Sequence

from PIL import Image, ImageFilter

from sandbox.dice import Dice
from sandbox.palettes import Colour

Size = tuple[int, int]
Box = tuple[float, float, float, float]
Layout = Callable[[Sequence[Image.Image], Size, Dice, Colour], Image.Image]

GUTTER = 0.008  # of the canvas' longer side


def cover(picture: Image.Image, size: Size, dice: Dice, zoom: float = 1.25) -> Image.Image:
    """Return the picture cropped to fill `size`, up to `zoom` times closer, around a point by chance."""
    scale = min(picture.width / size[0], picture.height / size[1]) / dice.between(1.0, zoom)
    width, height = size[0] * scale, size[1] * scale
    left = (picture.width - width) * dice.between(0.3, 0.7)
    top = (picture.height - height) * dice.between(0.3, 0.7)
    box = (left, top, left + width, top + height)
    filled = picture.resize(size, Image.Resampling.BICUBIC, box=box, reducing_gap=2.0)
    mirrored = dice.between(0, 1) < 0.35
    return filled.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if mirrored else filled


def full(pictures: Sequence[Image.Image], size: Size, dice: Dice, ground: Colour) -> Image.Image:
    """One picture fills the canvas."""
    return cover(pictures[0], size, dice)


def framed(pictures: Sequence[Image.Image], size: Size, dice: Dice, ground: Colour) -> Image.Image:
    """One picture in a passe-partout over its own blurred colours."""
    small = cover(pictures[0], (size[0] // 16, size[1] // 16), dice, 1.6)
    canvas = small.filter(ImageFilter.GaussianBlur(6)).resize(size, Image.Resampling.BICUBIC)
    edge = round(min(size) * 0.1)
    border = round(max(size) * GUTTER)
    canvas.paste(ground, (edge - border, edge - border, size[0] - edge + border, size[1] - edge + border))
    canvas.paste(cover(pictures[0], (size[0] - 2 * edge, size[1] - 2 * edge), dice), (edge, edge))
    return canvas


def columns(pictures: Sequence[Image.Image], size: Size, dice: Dice, ground: Colour) -> Image.Image:
    """Two to four stripes side by side (one above the other on an upright canvas)."""
    count = min(max(len(pictures), 3), 4)
    boxes = [(part / count, 0.0, (part + 1) / count, 1.0) for part in range(count)]
    if size[0] < size[1]:
        boxes = [(top, left, bottom, right) for left, top, right, bottom in boxes]
    return _tiled(pictures, boxes, size, dice, ground)


def hero(pictures: Sequence[Image.Image], size: Size, dice: Dice, ground: Colour) -> Image.Image:
    """One large picture and a strip of small ones beside it."""
    count = min(max(len(pictures) - 1, 2), 4)
    strip = [(0.68, part / count, 1.0, (part + 1) / count) for part in range(count)]
    return _tiled(pictures, [(0.0, 0.0, 0.68, 1.0), *strip], size, dice, ground)


def grid(pictures: Sequence[Image.Image], size: Size, dice: Dice, ground: Colour) -> Image.Image:
    """Four or nine equal tiles."""
    side = 2 if len(pictures) <= 4 else 3
    cells = [(column / side, row / side) for row in range(side) for column in range(side)]
    boxes = [(left, top, left + 1 / side, top + 1 / side) for left, top in cells]
    return _tiled(pictures, boxes, size, dice, ground)


FOR_ONE: tuple[Layout, ...] = (full, full, framed, full, columns)
FOR_SEVERAL: tuple[Layout, ...] = (hero, columns, grid, framed)


def _tiled(
    pictures: Sequence[Image.Image], boxes: Sequence[Box], size: Size, dice: Dice, ground: Colour
) -> Image.Image:
    canvas = Image.new("RGB", size, ground)
    gap = round(max(size) * GUTTER / 2)
    for position, box in enumerate(boxes):
        left, top = round(box[0] * size[0]) + gap, round(box[1] * size[1]) + gap
        right, bottom = round(box[2] * size[0]) - gap, round(box[3] * size[1]) - gap
        picture = pictures[position % len(pictures)]
        canvas.paste(cover(picture, (right - left, bottom - top), dice, 1.6), (left, top))
    return canvas
