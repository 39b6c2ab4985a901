"""The model's own schema: what a submit may hold, and which pictures the model takes."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

DOCUMENT: dict[str, Any] = json.loads(
    (Path(__file__).parent / "edit-sequential.schema.json").read_text(encoding="utf-8")
)
MODEL_ID: str = DOCUMENT["model_id"]
FIELDS: dict[str, dict[str, Any]] = DOCUMENT["input"]["properties"]
IMAGE_URI_PREFIXES = ("https://", "http://", "data:image/")
MEGABYTE = 1024 * 1024


class InvalidInputError(ValueError):
    """The input breaks the schema; the text names the field."""


def checked(body: object) -> dict[str, Any]:
    """Return the input with the schema's defaults filled in.

    Raises InvalidInputError, which names the first bad field.
    """
    if not isinstance(body, dict):
        raise InvalidInputError("body: must be a JSON object")
    for name in DOCUMENT["input"]["required"]:
        if name not in body:
            raise InvalidInputError(f"{name}: field required")
    for name, field in FIELDS.items():
        if name in body:
            _check(name, field, body[name])
    defaults = {name: field["default"] for name, field in FIELDS.items() if "default" in field}
    return defaults | body


def picture_faults(width: int, height: int, byte_count: int) -> Iterator[str]:
    """Yield the vendor's message for each rule that a picture of this size in pixels and bytes breaks."""
    measures = {
        "file_size_mb": byte_count / MEGABYTE,
        "width/height": width / height,
        "width_pixels": width,
        "height_pixels": height,
    }
    for rule in FIELDS["images"]["validations"]:
        measure, operator = rule["validation_rule"][:-1], rule["validation_rule"][-1]
        value, limit = measures[measure], rule["validation_value"]
        if not (value < limit if operator == "<" else value > limit):
            yield rule["validation_error"]


def _check(name: str, field: dict[str, Any], value: Any) -> None:
    if not _TYPES[field["type"]](value):
        raise InvalidInputError(f"{name}: must be of type {field['type']}")
    if "enum" in field and value not in field["enum"]:
        raise InvalidInputError(f"{name}: must be one of {', '.join(map(str, field['enum']))}")
    if len(str(value)) > field.get("maxLength", len(str(value))):
        raise InvalidInputError(f"{name}: must have at most {field['maxLength']} characters")
    if field["type"] == "array":
        _check_images(name, field, value)


def _check_images(name: str, field: dict[str, Any], values: list[Any]) -> None:
    if not field["minItems"] <= len(values) <= field["maxItems"]:
        raise InvalidInputError(f"{name}: must have {field['minItems']} to {field['maxItems']} items")
    for position, value in enumerate(values):
        if not (isinstance(value, str) and value.startswith(IMAGE_URI_PREFIXES)):
            raise InvalidInputError(f"{name}[{position}]: must be an image URI")


_TYPES: dict[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "array": lambda value: isinstance(value, list),
}
