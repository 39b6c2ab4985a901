"""Colours for a look: what the prompt's words ask for."""

import re
from typing import NamedTuple

from sandbox.dice import Dice

Colour = tuple[int, int, int]


class Palette(NamedTuple):
    """Three colours, from the shadows to the lights of a picture."""

    shadow: Colour
    middle: Colour
    light: Colour


SUNSET = Palette((43, 18, 66), (226, 88, 74), (255, 224, 158))
WARM = Palette((56, 24, 16), (204, 116, 62), (255, 236, 204))
COOL = Palette((12, 26, 48), (84, 132, 172), (226, 240, 250))
BLUE = Palette((8, 20, 64), (52, 112, 204), (208, 232, 255))
TEAL = Palette((6, 40, 48), (24, 140, 140), (214, 246, 232))
GREEN = Palette((14, 38, 24), (84, 144, 84), (236, 246, 206))
PINK = Palette((64, 14, 56), (226, 98, 148), (255, 226, 232))
PURPLE = Palette((32, 12, 72), (132, 84, 204), (236, 222, 255))
GOLD = Palette((44, 28, 8), (198, 148, 52), (255, 244, 206))
RED = Palette((48, 8, 14), (204, 52, 52), (255, 222, 206))
NIGHT = Palette((6, 8, 24), (48, 64, 124), (196, 206, 244))
SEPIA = Palette((40, 26, 16), (150, 116, 84), (244, 230, 206))
MONO = Palette((14, 14, 16), (122, 122, 124), (246, 246, 244))
NEON = Palette((20, 6, 56), (236, 36, 164), (92, 240, 248))

PALETTES = (SUNSET, WARM, COOL, BLUE, TEAL, GREEN, PINK, PURPLE, GOLD, RED, NIGHT, SEPIA, NEON)

_ASKED = (
    (MONO, r"black[ -]and[ -]white|monochrome|gr[ae]yscale|noir"),
    (SUNSET, r"sunset|sunrise|dusk|dawn|orange"),
    (TEAL, r"teal|turquoise|cyan|aqua|tropical"),
    (BLUE, r"blue|ocean|sea|sky|water"),
    (GREEN, r"green|forest|jungle|garden|spring|moss"),
    (PINK, r"pink|rose|magenta|blossom|candy"),
    (PURPLE, r"purple|violet|lavender|lilac"),
    (GOLD, r"gold|golden|yellow|amber|luxury"),
    (RED, r"red|crimson|scarlet|fire"),
    (NIGHT, r"night|midnight|moonlight|moonlit|dark"),
    (SEPIA, r"sepia|vintage|retro|film|antique|brown"),
    (NEON, r"neon|cyberpunk|synthwave"),
    (WARM, r"warm|autumn|cosy|cozy|summer|desert"),
    (COOL, r"cool|cold|winter|snow|ice|icy"),
)


def asked_for(text: str) -> list[Palette]:
    """Return the palettes the prompt's words name, in a fixed order; empty when it names none."""
    return [palette for palette, words in _ASKED if re.search(rf"\b(?:{words})\b", text, flags=re.IGNORECASE)]


def chosen(text: str, dice: Dice) -> list[Palette]:
    """Return the palettes of one request, never empty: those the prompt names, else three by chance."""
    start = int(dice.between(0, len(PALETTES)))
    by_chance = [PALETTES[(start + step * 5) % len(PALETTES)] for step in range(3)]
    return asked_for(text) or by_chance
