"""Pictures that look like real work, drawn: landscapes, products, rooms."""

import io
import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from PIL import Image, ImageChops, ImageDraw, ImageFilter

Color = tuple[int, int, int]
SIZE = (1600, 1200)
BLUR = ImageFilter.GaussianBlur


@lru_cache
def scene(name: str) -> bytes:
    """A JPEG of that scene, one of SCENES."""
    picture = SCENES[name]()
    grain = Image.effect_noise(SIZE, 14).convert("RGB")
    file = io.BytesIO()
    ImageChops.soft_light(picture, grain).save(file, "JPEG", quality=88)
    return file.getvalue()


def photo(name: str) -> dict[str, Any]:
    """The scene as a file to choose."""
    return {"name": f"{name}.jpg", "mimeType": "image/jpeg", "buffer": scene(name)}


def _blend(top: Color, bottom: Color, size: tuple[int, int] = SIZE) -> Image.Image:
    ramp = Image.linear_gradient("L").resize(size)
    return Image.composite(Image.new("RGB", size, bottom), Image.new("RGB", size, top), ramp)


def _lit(picture: Image.Image, shape: Callable[[ImageDraw.ImageDraw], None], light: Color, dark: Color) -> None:
    """Fill a shape with light that comes from the left, and let it throw a soft shadow."""
    mask = Image.new("L", SIZE)
    shape(ImageDraw.Draw(mask))
    shadow = ImageChops.offset(mask, 40, 24).filter(BLUR(28)).point(lambda level: level * 0.45)
    picture.paste((26, 22, 24), mask=shadow)
    left, _top, right, _bottom = mask.getbbox() or (0, 0, *SIZE)
    side = _blend(light, dark, (SIZE[1], right - left)).rotate(90, expand=True)
    painted = Image.new("RGB", SIZE)
    painted.paste(side, (left, 0))
    picture.paste(painted, mask=mask.filter(BLUR(1)))


def _ridge(picture: Image.Image, height: int, swing: int, phase: float, color: Color) -> None:
    crest = [
        (x, height + swing * (math.sin(x / 230 + phase) + 0.45 * math.sin(x / 61 + 2 * phase)))
        for x in range(0, 1601, 4)
    ]
    mask = Image.new("L", SIZE)
    ImageDraw.Draw(mask).polygon([(0, 1200), *crest, (1600, 1200)], fill=255)
    mist = _blend(color, tuple(min(255, level + 58) for level in color))
    picture.paste(mist, mask=mask.filter(BLUR(1)))


def _glow(picture: Image.Image, at: tuple[int, int], radius: int, color: Color) -> None:
    mask = Image.new("L", SIZE)
    x, y = at
    ImageDraw.Draw(mask).ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    picture.paste(color, mask=mask.filter(BLUR(radius)).point(lambda level: level * 0.8))
    picture.paste((255, 246, 222), mask=mask.resize(SIZE).filter(BLUR(2)).point(lambda level: level * 0.9))


def valley() -> Image.Image:
    picture = _blend((88, 142, 196), (247, 224, 190))
    _glow(picture, (1150, 480), 74, (255, 216, 150))
    for depth, color in enumerate([(150, 172, 190), (104, 138, 150), (66, 106, 104), (34, 70, 62)]):
        _ridge(picture, 560 + 130 * depth, 46 + 14 * depth, 1.7 * depth, color)
    return picture


def coast() -> Image.Image:
    picture = _blend((40, 44, 92), (246, 152, 104))
    _glow(picture, (520, 640), 60, (255, 190, 120))
    sea = _blend((232, 140, 110), (24, 46, 84), (1600, 500))
    picture.paste(sea, (0, 700))
    draw = ImageDraw.Draw(picture)
    for step in range(60):
        y = 706 + step * step // 8
        draw.line((520 - 40 - step * 3, y, 520 + 40 + step * 2, y), fill=(255, 214, 160), width=1 + step // 16)
    _ridge(picture, 1010, 70, 4.2, (28, 30, 48))
    return picture


def _table(wall: Color, far: Color, wood: Color, near: Color) -> Image.Image:
    picture = _blend(wall, far)
    picture.paste(_blend(wood, near, (1600, 360)), (0, 840))
    return picture


def vase() -> Image.Image:
    picture = _table((224, 216, 204), (196, 184, 168), (150, 110, 78), (104, 72, 50))
    draw = ImageDraw.Draw(picture)
    for at, (x, y) in enumerate([(600, 240), (720, 150), (830, 190), (950, 270), (660, 340), (890, 360)]):
        draw.line([(780, 620), ((780 + x) // 2 + 20, 420), (x, y)], fill=(74, 104, 66), width=9, joint="curve")
        for petal in range(7):
            turn = petal * math.tau / 7 + at
            px, py, half = x + 44 * math.cos(turn), y + 44 * math.sin(turn), 34
            draw.ellipse((px - half, py - half, px + half, py + half), fill=(222 - 6 * at, 106 + 9 * at, 96 + 4 * at))
        draw.ellipse((x - 26, y - 26, x + 26, y + 26), fill=(246, 202, 98))
    body = [
        (700, 560),
        (860, 560),
        (850, 640),
        (950, 780),
        (930, 960),
        (850, 1020),
        (710, 1020),
        (630, 960),
        (610, 780),
        (710, 640),
    ]
    _lit(picture, lambda mask: mask.polygon(body, fill=255), (240, 244, 244), (112, 136, 148))
    return picture


def mug() -> Image.Image:
    picture = _table((52, 78, 82), (82, 112, 112), (206, 190, 168), (168, 148, 124))
    _lit(
        picture, lambda mask: mask.arc((930, 560, 1200, 860), 0, 360, fill=255, width=46), (226, 120, 84), (150, 62, 40)
    )
    _lit(
        picture,
        lambda mask: mask.rounded_rectangle((560, 480, 1040, 980), 74, fill=255),
        (244, 146, 104),
        (166, 70, 46),
    )
    draw = ImageDraw.Draw(picture)
    draw.ellipse((560, 440, 1040, 540), fill=(250, 178, 140))
    draw.ellipse((586, 454, 1014, 530), fill=(62, 36, 24))
    steam = Image.new("L", SIZE)
    for x in (700, 800, 900):
        curve = [(x + 34 * math.sin(y / 52), y) for y in range(120, 440, 6)]
        ImageDraw.Draw(steam).line(curve, fill=150, width=20)
    picture.paste((255, 250, 240), mask=steam.filter(BLUR(18)))
    return picture


def room() -> Image.Image:
    picture = _table((214, 200, 178), (232, 220, 200), (138, 98, 68), (96, 64, 44))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((150, 130, 560, 640), fill=(250, 248, 240))
    window = valley().resize((370, 470))
    picture.paste(window, (170, 150))
    draw.rectangle((348, 150, 360, 620), fill=(250, 248, 240))
    draw.line((1310, 470, 1310, 1010), fill=(58, 50, 46), width=12)
    _lit(
        picture,
        lambda mask: mask.polygon([(1230, 300), (1390, 300), (1450, 480), (1170, 480)], fill=255),
        (255, 232, 176),
        (228, 178, 108),
    )
    _lit(
        picture, lambda mask: mask.rounded_rectangle((640, 520, 1120, 900), 80, fill=255), (64, 116, 112), (28, 66, 68)
    )
    _lit(
        picture, lambda mask: mask.rounded_rectangle((590, 760, 1170, 1000), 60, fill=255), (84, 142, 134), (36, 80, 80)
    )
    for x in (650, 1090):
        draw.line((x, 1000, x - 10, 1080), fill=(70, 46, 32), width=18)
    return picture


def fruit() -> Image.Image:
    picture = _table((62, 52, 60), (104, 84, 84), (118, 82, 58), (72, 46, 34))
    fruits = [(560, 640, 128, (250, 206, 84), (184, 120, 28)), (800, 600, 146, (238, 120, 70), (150, 46, 30)),
              (1030, 650, 126, (190, 206, 96), (92, 112, 40)), (680, 520, 104, (226, 74, 74), (120, 26, 40)),
              (920, 500, 98, (250, 178, 90), (190, 96, 36))]  # fmt: skip
    for x, y, radius, light, dark in fruits:
        _lit(
            picture, lambda mask, x=x, y=y, r=radius: mask.ellipse((x - r, y - r, x + r, y + r), fill=255), light, dark
        )
        shine = Image.new("L", SIZE)
        ImageDraw.Draw(shine).ellipse((x - radius // 2, y - radius // 2, x - radius // 8, y - radius // 6), fill=190)
        picture.paste((255, 255, 250), mask=shine.filter(BLUR(14)))
    _lit(picture, lambda mask: mask.chord((420, 320, 1180, 1040), 8, 172, fill=255), (226, 228, 232), (110, 122, 140))
    return picture


SCENES = {"valley": valley, "coast": coast, "vase": vase, "mug": mug, "room": room, "fruit": fruit}
