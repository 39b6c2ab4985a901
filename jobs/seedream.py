"""The model `bytedance/seedream-4-0/edit-sequential`: its input rules, its request body, its output.

The rules are the vendor's own schema, kept as data in `edit-sequential.schema.json`. This module
opens no file but that one, no socket and no picture.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

SCHEMA = json.loads(Path(__file__).with_name("edit-sequential.schema.json").read_text())
MODEL_ID: str = SCHEMA["model_id"]
PROPERTIES: dict[str, dict[str, Any]] = SCHEMA["input"]["properties"]

PARAMETERS = [name for name in PROPERTIES if name != "images"]
MAX_IMAGES: int = PROPERTIES["images"]["maxItems"]
MIN_IMAGES: int = PROPERTIES["images"]["minItems"]
MAX_TEXT: int = PROPERTIES["text"]["maxLength"]
IMAGE_SIZES: list[str] = PROPERTIES["image_size"]["enum"]
COUNTS: list[int] = PROPERTIES["sequential_image_generation_options"]["enum"]
MAX_BYTES = (
    1024
    * 1024
    * next(
        rule["validation_value"]
        for rule in PROPERTIES["images"]["validations"]
        if rule["validation_rule"] == "file_size_mb<"
    )
)
SURROGATE = re.compile("[\ud800-\udfff]")  # half of a character; no database stores it
TOGETHER = 15  # pictures in and out that the model takes at most
# "image 2" names one of the pictures, no number of them. The form's script reads these two as well.
REFERRED = (
    r"(?:\b(?:images?|pictures?|photos?|figures?|inputs?)|画像|写真|図)\s*#?\d+(?:\s*(?:,|and|&|to|-|と|、)\s*\d+)*"
)
NUMBER = (
    r"\d|[一二三四五六七八九十]|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen"
    r"|fifteen|single|pair|couple|dozen|several|series)\b"
)
SEED_LIMIT = 2**63  # what the database holds; the vendor names no limit
# The vendor's messages are data, where no translation is looked for.
VENDOR_MESSAGES = (
    gettext_noop("File size must be less than 10 MB."),
    gettext_noop("The aspect ratio range should be 1:3 to 3:1."),
    gettext_noop("The uploaded image width and height must exceed 14 pixels."),
    gettext_noop("The uploaded image width and height must not exceed 6000 pixels."),
)


class InvalidInput(ValueError):
    """What a user asked for breaks the model's rules; `errors` maps each field to its messages."""

    def __init__(self, errors: dict[str, list[str]]):
        self.errors = errors
        super().__init__(errors)


def default(name: str) -> Any:
    """The vendor's default, except for the prompt: their example must never be sent by accident."""
    return None if name == "text" else PROPERTIES[name].get("default")


def clean_parameters(given: Mapping[str, Any]) -> dict[str, Any]:
    """All parameters but `images`, typed, with the vendor's defaults for what is missing.

    Takes what a form (strings) or JSON (typed values) holds; raises InvalidInput naming each wrong field.
    """
    cleaned, errors = {}, {}
    for name in PARAMETERS:
        try:
            cleaned[name] = _clean(name, given.get(name))
        except ValueError as problem:
            errors[name] = [str(problem)]
    if errors:
        raise InvalidInput(errors)
    return cleaned


def _clean(name: str, value: Any) -> Any:
    rule = PROPERTIES[name]
    if value is None or (value == "" and name != "text"):
        value = default(name)
    if value is None:
        if name in SCHEMA["input"]["required"]:
            raise ValueError(_("This field is required."))
        return None
    value = _integer(value) if rule["type"] == "integer" else _text(value)
    if name == "text" and not value.strip():
        raise ValueError(_("Write a prompt: it says what to make of the pictures."))
    if len(str(value)) > rule.get("maxLength", 600):
        raise ValueError(
            _("At most %(limit)d characters; these are %(length)d.")
            % {"limit": rule.get("maxLength", 600), "length": len(value)}
        )
    if value not in rule.get("enum", [value]):
        raise ValueError(_("Must be one of: %(choices)s.") % {"choices": ", ".join(map(str, rule["enum"]))})
    return value


def _integer(value: Any) -> int:
    try:
        number = int(value) if isinstance(value, str) else value
    except ValueError:
        number = None
    if type(number) is float and number.is_integer():
        number = int(number)
    if type(number) is not int:
        raise ValueError(_("Must be a whole number."))
    if not -SEED_LIMIT <= number < SEED_LIMIT:
        raise ValueError(_("This number is too large."))
    return number


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(_("Must be a text."))
    # A browser sends CRLF for what it counted as one character.
    value = value.replace("\r\n", "\n")
    if "\0" in value or SURROGATE.search(value):
        raise ValueError(_("Contains a character that cannot be stored."))
    return value


def check_count(count: int) -> list[str]:
    """Messages for a number of pictures that the model does not take."""
    if count < MIN_IMAGES:
        return [_("Add at least one picture.")]
    if count > MAX_IMAGES:
        return [_("At most %(limit)d pictures; these are %(count)d.") % {"limit": MAX_IMAGES, "count": count}]
    return []


def names_number(text: str) -> bool:
    """Whether a prompt says how many images to make, as far as words tell."""
    return bool(re.search(NUMBER, re.sub(REFERRED, "", text, flags=re.IGNORECASE), re.IGNORECASE))


def advice(text: str, count: int, images: int) -> dict[str, str]:
    """What to say, by field, about settings that are allowed and may yet surprise."""
    said = {}
    if count > 1 and text.strip() and not names_number(text):
        said["text"] = _("The prompt names no number of images: fewer than %(count)d may come back.") % {"count": count}
    if count > TOGETHER - images:
        said["sequential_image_generation_options"] = _(
            "Pictures in and out are 15 together: with these, at most %(count)d images come back."
        ) % {"count": TOGETHER - images}
    return said


def check_picture(width: int, height: int, size: int) -> list[str]:
    """The vendor's messages for a picture of that many pixels and bytes; empty when it may be sent."""
    facts = {
        "file_size_mb": size / 1024 / 1024,
        "width/height": width / height if height else math.inf,
        "width_pixels": width,
        "height_pixels": height,
    }
    broken = [
        _(rule["validation_error"])
        for rule in PROPERTIES["images"]["validations"]
        if not _holds(facts, rule["validation_rule"], rule["validation_value"])
    ]
    return list(dict.fromkeys(broken))


def _holds(facts: Mapping[str, float], rule: str, limit: float) -> bool:
    fact = facts[rule[:-1]]
    return fact < limit if rule.endswith("<") else fact > limit


def request_body(parameters: Mapping[str, Any], images: list[str]) -> dict[str, Any]:
    """The JSON body of a submit: only the model's own fields, without those left to RunComfy's chance."""
    chosen = {name: parameters[name] for name in PARAMETERS if parameters[name] is not None}
    return {"images": images, **chosen}


def pixels(image_size: str) -> tuple[int, int]:
    """(width, height) of a size such as "2560:1440 (16:9)"."""
    width, height = image_size.split(" ")[0].split(":")
    return int(width), int(height)


def ratio(image_size: str) -> str:
    """ "16:9" of "2560:1440 (16:9)"."""
    return image_size.split("(")[1].rstrip(")")


def output_urls(output: Any) -> list[tuple[str, str]]:
    """(kind, URL) of every file in a result's `output`, in order, each URL once; kind is "image" or "video".

    Whatever is not an http(s) address (the model mixes error objects in) is left out; see output_problems().
    """
    found = {entry: (kind, entry) for kind, entry in _entries(output) if isinstance(entry, str) and _is_web(entry)}
    return list(found.values())


def output_problems(output: Any) -> list[Any]:
    """The entries of a result's `output` that are no file: the provider's words on pictures it did not make."""
    return [entry for kind, entry in _entries(output) if entry and not (isinstance(entry, str) and _is_web(entry))]


def _entries(output: Any) -> Iterable[tuple[str, Any]]:
    if not isinstance(output, Mapping):
        return
    for key in SCHEMA["output"]["properties"]:
        value = output.get(key)
        for entry in value if isinstance(value, list) else [value]:
            yield key.removesuffix("s"), entry


def _is_web(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        return False
