"""What differs between two edits: the words of their prompts, their settings, their pictures."""

import re
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from itertools import groupby, zip_longest
from typing import Any, NamedTuple

# Scripts without spaces between words: kana, and the Chinese characters with their extensions
CJK = "\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
MARKS = r"!-/:-@\[-`{-~\u2010-\u2027\u2030-\u205e\u3000-\u303f\uff01-\uff0f\uff1a-\uff20"
WORD = rf"[^\s{CJK}{MARKS}]+"
# A word, a character of those scripts or a mark, with the space that follows it
TOKEN = re.compile(rf"(?:{WORD}(?:['’-]{WORD})*|\S)\s*")
# With less in common, word by word would be a riddle: the texts are shown one after the other.
LEAST_ALIKE = 1 / 3

Opcode = tuple[str, int, int, int, int]


class Stretch(NamedTuple):
    """A part of a prompt that is "same", "removed" or "added"."""

    kind: str
    text: str


def words(before: str, after: str) -> list[Stretch]:
    """Both prompts as one text, read from left to right."""
    old, new = TOKEN.findall(before.strip()), TOKEN.findall(after.strip())
    stretches = (Stretch(kind, text) for kind, tokens in _changes(old, new) for text in _apart("".join(tokens)))
    named = [Stretch("same" if stretch.text.isspace() else stretch.kind, stretch.text) for stretch in stretches]
    return [
        Stretch(kind, "".join(stretch.text for stretch in run))
        for kind, run in groupby(named, key=lambda stretch: stretch.kind)
    ]


def _changes(old: list[str], new: list[str]) -> list[tuple[str, list[str]]]:
    matcher = SequenceMatcher(None, [token.strip() for token in old], [token.strip() for token in new], autojunk=False)
    if matcher.ratio() < LEAST_ALIKE:
        return [("removed", old), ("added", new)]
    steps = matcher.get_opcodes()
    return [change for pair in zip_longest(steps, steps[1:]) for change in _change(*pair, old, new)]


def _change(step: Opcode, following: Opcode | None, old: list[str], new: list[str]) -> list[tuple[str, list[str]]]:
    kind, from_old, to_old, from_new, to_new = step
    if kind != "equal":
        return [("removed", old[from_old:to_old]), ("added", new[from_new:to_new])]
    # The last common word has the space of the text that goes on after it.
    goes_on_old = following is not None and following[0] != "insert"
    last = old[to_old - 1] if goes_on_old else new[to_new - 1]
    return [("same", [*new[from_new : to_new - 1], last])]


def _apart(text: str) -> list[str]:
    """The text and the space after it, which is neither removed nor added."""
    body = text.rstrip()
    return [part for part in (body, text[len(body) :]) if part]


def settings(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The names of the settings that differ."""
    return [name for name in before if before[name] != after[name]]


class Pictures(NamedTuple):
    """Places of the pictures that only one edit has, and whether the common ones come in another order."""

    only_before: list[int]
    only_after: list[int]
    is_reordered: bool


def pictures(before: Sequence[str], after: Sequence[str]) -> Pictures:
    """Compare the hashes of the pictures of two edits, in their order."""
    only_before, only_after = _unmatched(before, after), _unmatched(after, before)
    common = [sha for place, sha in enumerate(before) if place not in only_before]
    is_reordered = common != [sha for place, sha in enumerate(after) if place not in only_after]
    return Pictures(only_before, only_after, is_reordered)


def _unmatched(these: Sequence[str], those: Sequence[str]) -> list[int]:
    left, places = list(those), []
    for place, sha in enumerate(these):
        if sha in left:
            left.remove(sha)
        else:
            places.append(place)
    return places
