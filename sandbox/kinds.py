"""The kinds of faults a sandbox knows, the calls they can be on, and their options."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

SUBMIT, STATUS, RESULT, CANCEL, MODEL, OUTPUT = CALLS = (
    "submit",
    "status",
    "result",
    "cancel",
    "model",
    "output",
)
RUN = "run"  # no call: the moment at which a request would leave the queue


class Layer(Enum):
    """Where in a call a fault acts.

    Faults of different layers act together on one call; those of one layer take turns, the oldest first.
    CONTENT is the exception: all of them act at once, and stay with the request they have hit.
    """

    DELAY = "before the call is handled"
    ANSWER = "instead of handling the call"
    STATE = "on the words of a handled status, result or cancel"
    CONTENT = "on the content of an ended request's result, for good"
    LIFE = "on how a request runs"
    ACCEPTED = "on the answer to an accepted submit"
    LATE = "before the answer to an accepted submit"
    WIRE = "on the bytes of an answer"


@dataclass(frozen=True)
class Kind:
    """A kind of fault: the calls it can be on (the first is the default), and its options' defaults."""

    layer: Layer
    points: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)


def _anywhere(layer: Layer, default: str, **options: Any) -> Kind:
    return Kind(layer, (default, *(point for point in CALLS if point != default)), options)


def _json(layer: Layer, default: str, **options: Any) -> Kind:
    points = tuple(point for point in CALLS if point not in (default, OUTPUT))
    return Kind(layer, (default, *points), options)


def _picture(**options: Any) -> Kind:
    return Kind(Layer.ANSWER, (OUTPUT,), options)


def _content(**options: Any) -> Kind:
    return Kind(Layer.CONTENT, (RESULT,), options)


KINDS: dict[str, Kind] = {
    "http_401": _anywhere(Layer.ANSWER, STATUS),
    "http_402": _anywhere(Layer.ANSWER, SUBMIT),
    "http_403": _anywhere(Layer.ANSWER, STATUS),
    "http_404": _anywhere(Layer.ANSWER, STATUS),
    "http_422": _anywhere(Layer.ANSWER, SUBMIT),
    "http_429": _anywhere(Layer.ANSWER, STATUS, retry_after=None),
    "http_500": _anywhere(Layer.ANSWER, STATUS),
    "http_502": _anywhere(Layer.ANSWER, STATUS),
    "http_503": _anywhere(Layer.ANSWER, STATUS, retry_after=None),
    "http_504": _anywhere(Layer.ANSWER, STATUS),
    "html": _anywhere(Layer.ANSWER, STATUS, status=200),
    "error_in_200": _json(Layer.ANSWER, STATUS, code=400004),
    "reset": _anywhere(Layer.ANSWER, STATUS),
    "hang_before_headers": _anywhere(Layer.DELAY, STATUS, seconds=30),
    "truncated_json": _json(Layer.WIRE, STATUS),
    "hang_in_body": _anywhere(Layer.WIRE, STATUS, seconds=30),
    "slow_trickle": _anywhere(Layer.WIRE, OUTPUT, seconds=30),
    "reset_after_accept": Kind(Layer.ACCEPTED, (SUBMIT,)),
    "unreadable_accept": Kind(Layer.ACCEPTED, (SUBMIT,)),
    "no_request_id": Kind(Layer.ACCEPTED, (SUBMIT,)),
    "slow_accept": Kind(Layer.LATE, (SUBMIT,), {"seconds": 30}),
    "vanished": Kind(Layer.ANSWER, (STATUS, RESULT, CANCEL)),
    "not_ready": Kind(Layer.ANSWER, (RESULT,)),
    "not_ready_200": Kind(Layer.ANSWER, (RESULT,)),
    "unknown_status": Kind(Layer.STATE, (STATUS, RESULT), {"word": "defragmenting"}),
    "status_backwards": Kind(Layer.STATE, (STATUS,)),
    "status_alias": Kind(Layer.STATE, (STATUS, RESULT, CANCEL)),
    "not_cancellable": Kind(Layer.STATE, (CANCEL,)),
    "cancellation_requested": Kind(Layer.STATE, (CANCEL,), {"seconds": 1}),
    "queue_forever": Kind(Layer.LIFE, (RUN,)),
    "run_forever": Kind(Layer.LIFE, (RUN,)),
    "failed": Kind(
        Layer.LIFE,
        (RUN,),
        {"error": {"code": "content_policy", "message": "The output was blocked by the content filter."}},
    ),
    "completed_then_failed": _content(error="The model ended without an output."),
    "fewer_images": _content(keep=1),
    "no_images": _content(),
    "image_and_error_mixed": _content(),
    "duplicate_urls": _content(),
    "foreign_host": _content(host="images.example.com"),
    "video_output": _content(),
    "single_image": _content(),
    "cost_missing": _content(),
    "cost_string": _content(),
    "redirect_private": _picture(location="http://169.254.169.254/latest/meta-data/"),
    "wrong_content_type": _picture(content_type="application/octet-stream"),
    "zero_bytes": _picture(),
    "too_large": _picture(bytes=5 * 1024**3),
    "too_large_chunked": _picture(),
    "truncated_image": _picture(),
    "picture_bomb": _picture(),
    "svg_as_png": _picture(),
    "html_as_png": _picture(),
    "expired_url": _picture(),
}
