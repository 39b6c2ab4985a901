"""What the sandbox understands of a prompt: how many pictures it names."""

import re

_WORDS = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
_NUMBERS = {word: number for number, word in enumerate(_WORDS.split(), start=1)}
_COUNT = re.compile(
    # "these two pictures" speaks of the inputs, not of what to make
    r"(?<!these )(?<!those )(?<!the )(?<!my )(?<!both )"
    rf"\b(\d{{1,2}}|{'|'.join(_NUMBERS)})\s+(?:[\w-]+\s+){{0,3}}?"
    r"(?:images?|pictures?|photos?|variations?|variants?|versions?|frames?|scenes?|shots?|posters?)\b",
    re.IGNORECASE,
)


def named_count(text: str) -> int | None:
    """Return the number of pictures the prompt asks for ("3 images", "four warm pictures"), or None."""
    found = _COUNT.search(text)
    if found is None:
        return None
    number = found[1].lower()
    return _NUMBERS.get(number) or int(number)


def picture_count(text: str, at_most: int, inputs: int) -> int:
    """Return how many pictures a run makes: what the prompt names, else `at_most`; with inputs at most 15."""
    wanted = named_count(text) or at_most
    return max(1, min(wanted, at_most, 15 - inputs))
