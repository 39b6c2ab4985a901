"""What the document says of the bodies that are sent: the vendor's own schema, as this API takes it."""

from typing import Any

from drf_spectacular.utils import OpenApiExample

from jobs import lifecycle, seedream
from jobs.models.review import NOTE_MAX

PICTURES_WORDS = (
    "1 to 10 pictures, JPEG or PNG, in the order that the prompt refers to them. Each is the `id` of an uploaded "
    "picture, `output:` and the id of an output, an https link, or a data URI."
)
FILES_WORDS = (
    "Files, in their order; words for pictures as in JSON may stand among them. To mix both in a certain order, name "
    "the fields `images[0]`, `images[1]`, …"
)
KEPT = ("description", "type", "enum", "default", "maxLength")


def _parameter(name: str, is_change: bool) -> dict[str, Any]:
    rule = {key: value for key, value in seedream.PROPERTIES[name].items() if key in KEPT}
    if is_change or name == "text":
        rule.pop("default", None)
    if name == "text":
        rule["minLength"] = 1
    if name == "seed":
        rule |= {"type": ["integer", "null"], "minimum": -seedream.SEED_LIMIT, "maximum": seedream.SEED_LIMIT - 1}
    return rule


def _edit(images: dict[str, Any], is_change: bool) -> dict[str, Any]:
    parameters = {name: _parameter(name, is_change) for name in seedream.PARAMETERS}
    required = {} if is_change else {"required": seedream.SCHEMA["input"]["required"]}
    body = {"type": "object", "properties": {"images": images, **parameters}, **required}
    return body | {"additionalProperties": False}


def _several(items: dict[str, Any], words: str) -> dict[str, Any]:
    counts = {"minItems": seedream.MIN_IMAGES, "maxItems": seedream.MAX_IMAGES}
    return {"description": words, "type": "array", "items": items, **counts}


def _both(make: Any) -> dict[str, Any]:
    """As JSON, and as a form with files; a form may number its pictures."""
    form = make(_several({"type": "string", "format": "binary"}, FILES_WORDS))
    numbered = {"patternProperties": {r"^images\[\d{1,3}\]$": {"type": "string", "format": "binary"}}}
    form["required"] = [name for name in form.pop("required", []) if name != "images"]
    return {
        "application/json": make(_several({"type": "string"}, PICTURES_WORDS)),
        "multipart/form-data": form | numbered,
    }


NEW_JOB = _both(lambda images: _edit(images, is_change=False))
RERUN = _both(lambda images: _edit(images, is_change=True))
UPLOAD = _both(lambda images: {"type": "object", "properties": {"images": images}, "required": ["images"]})
SETTLEMENT = {
    "type": "object",
    "properties": {
        "choice": {"type": "string", "enum": list(lifecycle.CHOICES)},
        "request_id": {
            "type": "string",
            "maxLength": 200,
            "description": "With `adopt`: the request that RunComfy has.",
        },
        "confirm": {"type": "boolean", "description": "With `send_anew`: true, for it may be charged twice."},
    },
    "required": ["choice"],
    "additionalProperties": False,
}
_WISH: dict[str, Any] = {
    "verdict": {"type": "string", "enum": ["approved", "rejected"]},
    "reason": {
        "type": ["string", "null"],
        "description": "With `rejected`: the slug of one of the reasons. Nothing else has one.",
    },
    "note": {"type": ["string", "null"], "maxLength": NOTE_MAX, "description": "For the author."},
}
WISH = {
    "type": "object",
    "properties": {
        **_WISH,
        "seen": {
            "type": ["string", "null"],
            "format": "uuid",
            "description": "The id of the decision that stood when you looked, null when there was none. If another "
            "one stands by now the answer is 409. Without it the present one is replaced.",
        },
    },
    "required": ["verdict"],
    "additionalProperties": False,
}
WISHES = {
    "type": "object",
    "properties": {
        "outputs": {
            "type": ["array", "null"],
            "items": {"type": "string", "format": "uuid"},
            "minItems": 1,
            "maxItems": 100,
            "uniqueItems": True,
            "description": "Their ids.",
        },
        "job": {
            "type": ["string", "null"],
            "format": "uuid",
            "description": "Instead of outputs: all of its set that nobody decided about yet.",
        },
        **_WISH,
        "seen": {
            "type": ["object", "null"],
            "additionalProperties": {"type": ["string", "null"], "format": "uuid"},
            "description": "With outputs: by the id of each, the id of the decision that stood when you looked, null "
            "when there was none. Those of which another one stands by now are left, as `clashes`. For an output that "
            "is not in it the present one is replaced.",
        },
    },
    "required": ["verdict"],
    "additionalProperties": False,
}

# Examples

TEXT = "Make 3 images: the roof of image 1 under the sky of image 2."
ROOF = "01a2048e-baed-7384-add0-3ad82918447d"
SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
PICTURE = {
    "id": "picture:WyIwMWEyMDQ4ZSIsMV0:9zT0yb",
    "url": "https://desk.example.com/api/v1/pictures/picture:WyIwMWEyMDQ4ZSIsMV0:9zT0yb/",
    "file_url": "https://desk.example.com/api/v1/pictures/picture:WyIwMWEyMDQ4ZSIsMV0:9zT0yb/file/",
    "sha256": SHA256,
    "content_type": "image/jpeg",
    "width": 1600,
    "height": 1200,
    "size": 348122,
    "original": "stored",
    "original_at": None,
}
OUTPUT = {
    "id": "01a2048f-0c11-7d10-a3f4-6c1f0f6f7a01",
    "job": ROOF,
    "position": 0,
    "kind": "image",
    "url": "https://desk.example.com/api/v1/outputs/01a2048f-0c11-7d10-a3f4-6c1f0f6f7a01/file/",
    "is_withheld": False,
    "content_type": "image/png",
    "width": 2496,
    "height": 1664,
    "size": 5120331,
    "sha256": SHA256,
    "review": "unreviewed",
    "decision": None,
    "stored_at": "2026-11-22T18:31:12Z",
    "original": "stored",
    "original_at": None,
}
STANDING = {
    "id": "01a2049d-5b7e-7c10-8f33-2a9d4c1f7b02",
    "act": "01a2049d-5b7d-7e21-9b1c-f1d2c3b4a501",
    "verdict": "rejected",
    "reviewer": "rita",
    "at": "2026-11-22T18:40:02Z",
    "reason": "crop",
    "reason_text": "Wrong crop or size",
    "note": "Too tight on the left.",
}
REJECTED = OUTPUT | {"review": "rejected", "decision": STANDING}
DECISION = {"output": OUTPUT["id"], **STANDING, "replaces": None, "undoes": None, "undone": None}
OUTCOME = {"act": STANDING["act"], "decided": [DECISION], "clashes": []}
UNDO = DECISION | {
    "id": "01a2049d-9c02-7a00-b1d4-66f0a1b2c303",
    "act": "01a2049d-9c01-7b10-a0c3-55e0f1a2b302",
    "verdict": "undone",
    "reason": "",
    "reason_text": "",
    "note": "",
    "replaces": DECISION["id"],
    "undoes": DECISION["id"],
}
UNDONE = {"act": UNDO["act"], "decided": [UNDO], "clashes": []}
CLASH = {
    "type": "client_error",
    "errors": [
        {
            "code": "conflict",
            "detail": "This was decided about meanwhile. Look at what stands now, and decide again.",
            "attr": None,
        }
    ],
    "clashes": [REJECTED],
}
JOB = {
    "id": ROOF,
    "url": f"https://desk.example.com/api/v1/jobs/{ROOF}/",
    "state": "completed",
    "owner": "alice",
    "parent": None,
    "text": TEXT,
    "sequential_image_generation_options": 3,
    "image_size": "2496:1664 (3:2)",
    "seed": None,
    "optimize_prompt_options": "fast",
    "sequential_image_generation": "auto",
    "provider_status": "completed",
    "queue_position": None,
    "trouble": "",
    "trouble_text": "",
    "reason": "",
    "reason_text": "",
    "provider_words": "",
    "estimate_usd": "0.0900",
    "cost_usd": "0.0900",
    "request_id": "5d0f9a3c-8a11-4c4d-8a53-2b1f6a7d7a10",
    "created_at": "2026-11-22T18:30:40Z",
    "submitted_at": "2026-11-22T18:30:41Z",
    "accepted_at": "2026-11-22T18:30:42Z",
    "finished_at": "2026-11-22T18:31:13Z",
    "cancel_requested_at": None,
    "held_at": None,
    "held_by": None,
    "inputs": [
        {"position": 0, "name": "roof.jpg", "source_url": "", "output": None, "is_withheld": False, "picture": PICTURE}
    ],
    "outputs": [OUTPUT],
}
WRONG = {
    "type": "validation_error",
    "errors": [{"code": "invalid", "detail": "Write a prompt: it says what to make of the pictures.", "attr": "text"}],
}
LATE = {
    "type": "client_error",
    "errors": [{"code": "conflict", "detail": "It is too late to cancel this job: Completed.", "attr": None}],
}


def sent(name: str, value: dict[str, Any]) -> OpenApiExample:
    return OpenApiExample(name, value=value, request_only=True, media_type="application/json")


def answered(name: str, value: dict[str, Any], *codes: str) -> OpenApiExample:
    return OpenApiExample(name, value=value, response_only=True, status_codes=codes or ("200",))
