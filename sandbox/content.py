"""What the result of an ended request says, with the faults that have hit it."""

from typing import Any
from urllib.parse import urlsplit, urlunsplit

from sandbox.desk import Desk
from sandbox.record import COMPLETED, FAILED, ModelRequest

VIDEO_NAME = "video.mp4"


def result(desk: Desk, request: ModelRequest, include_cost: bool) -> dict[str, Any]:
    """Return the result as plain JSON. `cost`, in US dollars, is in it when asked for."""
    faults = request.content_faults
    body: dict[str, Any] = {
        "request_id": request.id,
        "status": request.status,
        "output": output(desk, request) if request.status == COMPLETED else None,
        "error": request.error,
        "created_at": request.created_at,
        "finished_at": request.finished_at,
    }
    if "completed_then_failed" in faults:
        body |= {"status": FAILED, "output": None, "error": faults["completed_then_failed"].options["error"]}
    if include_cost and "cost_missing" not in faults:
        cost = request.charged_usd
        body["cost"] = f"{cost:.2f}" if "cost_string" in faults else cost
    return body


def output(desk: Desk, request: ModelRequest) -> dict[str, Any]:
    """Return the `output` of a completed request: `images`, or what its faults make of them."""
    faults = request.content_faults
    images = _images(desk, request)
    found: dict[str, Any] = {"images": images}
    if "single_image" in faults:
        found = {"image": images[0]} if images else {}
    if "video_output" in faults:
        video = desk.output_url(request, VIDEO_NAME)
        found |= {"video": video, "videos": [video]}
    return found


def _images(desk: Desk, request: ModelRequest) -> list[Any]:
    faults = request.content_faults
    images: list[Any] = [desk.output_url(request, picture.name) for picture in request.pictures]
    if "foreign_host" in faults:
        images = [_elsewhere(url, faults["foreign_host"].options["host"]) for url in images]
    if "fewer_images" in faults:
        images = images[: faults["fewer_images"].options["keep"]]
    if "no_images" in faults:
        images = []
    if "duplicate_urls" in faults:
        images = [url for url in images for _ in range(2)]
    if "image_and_error_mixed" in faults:
        refusal = {"error_code": 500001, "error_message": "This image could not be generated."}
        images = [*images[: max(1, len(images) - 1)], refusal]
    return images


def _elsewhere(url: str, host: str) -> str:
    return urlunsplit(urlsplit(url)._replace(scheme="https", netloc=host))
