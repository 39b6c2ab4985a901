"""Each answer of this service beside RunComfy's stand-in's, to the same client: keys, types, words and codes.

Left out are the stand-in's faults that make traps of the contract (docs/drop-in.md names them), and what differs on
purpose, which has its tests in test_differences.
"""

import base64
import io
import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.conftest import png
from tests.dropin.client import ENDED, MODEL, Answer, download
from tests.dropin.conftest import Desk

pytestmark = pytest.mark.django_db(transaction=True)

Scene = Callable[[Desk], Iterator[Any]]
SCENES: dict[str, Scene] = {}
UNKNOWN = str(uuid.UUID(int=0, version=4))
IS_PLAIN = (
    (re.compile(r"^http\S+/outputs/[^/]+/"), "<outputs>/"),
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "<id>"),
    (re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$"), "<time>"),
)


def scene(function: Scene) -> Scene:
    SCENES[function.__name__] = function
    return function


def edit(**more: Any) -> dict[str, Any]:
    words = {"text": "Make 2 images of it.", "sequential_image_generation_options": 2, "seed": 7}
    return {"images": [data_uri(png())], **words, **more}


def data_uri(file: io.BytesIO) -> str:
    return f"data:image/png;base64,{base64.b64encode(file.read()).decode()}"


def submitted(desk: Desk, fault: str = "", **options: Any) -> str:
    if fault:
        desk.sandbox.misbehave(fault, **options)
    return desk.client.submit(edit()).body["request_id"]


@scene
def submit(desk: Desk) -> Iterator[Any]:
    yield desk.client.submit(edit())


@scene
def only_what_is_required(desk: Desk) -> Iterator[Any]:
    yield desk.client.submit({"images": [data_uri(png())], "text": "Two."})


@scene
def unknown_fields(desk: Desk) -> Iterator[Any]:
    yield desk.client.submit(edit(prompt="x", mask=[1]))


@scene
def json_under_another_type(desk: Desk) -> Iterator[Any]:
    body = b'{"images": [], "text": "x"}'
    yield desk.client.send("POST", f"/v1/models/{MODEL}", content=body, headers={"Content-Type": "text/plain"})
    yield desk.client.send("POST", f"/v1/models/{MODEL}", content=body)


@scene
def waiting(desk: Desk) -> Iterator[Any]:
    first, second = submitted(desk, "queue_forever", times=2), submitted(desk)
    for request_id in (first, second):
        yield desk.client.status(request_id)
        yield desk.client.result(request_id)


@scene
def waiting_at_runcomfy(desk: Desk) -> Iterator[Any]:
    request_id = submitted(desk, "queue_forever")
    desk.go_on()
    yield desk.client.status(request_id)
    yield desk.client.result(request_id, include_cost="true")


@scene
def running(desk: Desk) -> Iterator[Any]:
    request_id = submitted(desk, "run_forever")
    desk.go_on()
    desk.until(request_id, "in_progress")
    yield desk.client.status(request_id)
    yield desk.client.result(request_id)


@scene
def completed(desk: Desk) -> Iterator[Any]:
    request_id = submitted(desk)
    desk.go_on()
    desk.until(request_id, *ENDED)
    yield desk.client.status(request_id)
    yield desk.client.result(request_id)
    for wanted in ("true", "false"):
        yield desk.client.result(request_id, include_cost=wanted)


@scene
def output_files(desk: Desk) -> Iterator[Any]:
    request_id = submitted(desk)
    desk.go_on()
    desk.until(request_id, *ENDED)
    for url in desk.client.result(request_id).body["output"]["images"]:
        response = download(url)
        yield response.status_code, response.headers["Content-Type"], response.content[:3]


@scene
def told_addresses(desk: Desk) -> Iterator[Any]:
    told = desk.client.submit(edit()).body
    desk.go_on()
    desk.until(told["request_id"], *ENDED)
    yield desk.client.send("GET", told["status_url"])
    yield desk.client.send("GET", told["result_url"])
    yield desk.client.send("POST", told["cancel_url"])


@scene
def failed(desk: Desk) -> Iterator[Any]:
    request_id = submitted(desk, "failed", error="The output was blocked.")
    desk.go_on()
    desk.until(request_id, *ENDED)
    yield desk.client.status(request_id)
    yield desk.client.result(request_id, include_cost="true")


@scene
def cancel_waiting(desk: Desk) -> Iterator[Any]:
    request_id = submitted(desk, "queue_forever")
    yield desk.client.cancel(request_id)
    yield desk.client.status(request_id)
    yield desk.client.result(request_id, include_cost="true")
    yield desk.client.cancel(request_id)


@scene
def cancel_running(desk: Desk) -> Iterator[Any]:
    request_id = submitted(desk, "run_forever")
    desk.go_on()
    desk.until(request_id, "in_progress")
    told = desk.client.cancel(request_id)
    while told.body["outcome"] == "cancellation_requested":
        told = desk.client.cancel(request_id)
    yield told
    yield desk.client.status(request_id)


@scene
def cancel_completed(desk: Desk) -> Iterator[Any]:
    request_id = submitted(desk)
    desk.go_on()
    desk.until(request_id, *ENDED)
    yield desk.client.cancel(request_id)


@scene
def unknown_request(desk: Desk) -> Iterator[Any]:
    yield desk.client.status(UNKNOWN)
    yield desk.client.result(UNKNOWN)
    yield desk.client.cancel(UNKNOWN)


@scene
def wrong_tokens(desk: Desk) -> Iterator[Any]:
    for token in ("", "wrong", "wrong" * 20):
        stranger = desk.client_with(token)
        for method, path in (
            ("POST", f"/v1/models/{MODEL}"),
            ("GET", f"/v1/requests/{UNKNOWN}/status"),
            ("GET", f"/v1/requests/{UNKNOWN}/result"),
            ("POST", f"/v1/requests/{UNKNOWN}/cancel"),
            ("GET", "/v1/models"),
            ("GET", f"/v1/models/{MODEL}"),
            ("GET", "/v1/models/unknown"),
            ("GET", "/prod/v2/balance"),
        ):
            yield stranger.send(method, path)


@scene
def models(desk: Desk) -> Iterator[Any]:
    yield desk.client.models()
    yield desk.client.models(include_schema="true")
    for search in ("seedream", "EDIT", "flux"):
        yield desk.client.models(search=search)
    yield desk.client.models(category="image-to-image", kind="model")
    yield desk.client.models(category="text-to-video")
    yield desk.client.models(kind="workflow")
    for page in ({"limit": 1}, {"limit": 0}, {"limit": 1000}, {"offset": 1}, {"limit": 5, "offset": 3}):
        yield desk.client.models(**page)


@scene
def models_asked_wrongly(desk: Desk) -> Iterator[Any]:
    for query in ({"limit": "x"}, {"limit": -1}, {"offset": "1.5"}, {"offset": ""}, {"limit": 10**12}):
        yield desk.client.models(**query)


@scene
def model(desk: Desk) -> Iterator[Any]:
    yield desk.client.model()


@scene
def unknown_model(desk: Desk) -> Iterator[Any]:
    for model_id in ("bytedance/seedream-4-0", f"{MODEL}/x", "x"):
        yield desk.client.model(model_id)
        yield desk.client.submit(edit(), model_id)


@scene
def balance(desk: Desk) -> Iterator[Any]:
    yield desk.client.balance()


@scene
def wrong_method(desk: Desk) -> Iterator[Any]:
    yield desk.client.send("POST", f"/v1/requests/{UNKNOWN}/status").code
    yield desk.client.send("GET", f"/v1/requests/{UNKNOWN}/cancel").code
    yield desk.client.send("DELETE", f"/v1/models/{MODEL}").code


@scene
def unknown_address(desk: Desk) -> Iterator[Any]:
    for method in ("GET", "POST", "DELETE"):
        yield desk.client.send(method, "/v1/nothing")
        yield desk.client.send(method, f"/v1/requests/{UNKNOWN}")
        yield desk.client.send(method, "/prod/v2/nothing")


def plain(value: Any, base: str) -> Any:
    """Without what must differ: ids, addresses, times, and the wording of errors (but for the field that it names)."""
    if isinstance(value, Answer):
        return value.code, value.kind, plain(value.body, base)
    if isinstance(value, dict):
        return {key: _named(key, entry, base) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry, base) for entry in value]
    if isinstance(value, str):
        for pattern, word in IS_PLAIN:
            value = pattern.sub(word, value)
        return value.replace(base, "<base>")
    return value


def _named(key: str, value: Any, base: str) -> Any:
    if key != "error_message":
        return plain(value, base)
    field = re.match(r"\w+(?=[\[:])", value)
    return field[0] if field else "<words>"


@pytest.mark.parametrize("name", SCENES)
def test_same_answers(in_folder, name, theirs, ours):  # S3 has addresses of its own
    expected = plain(list(SCENES[name](theirs)), theirs.base)
    theirs.sandbox.reset()
    assert plain(list(SCENES[name](ours)), ours.base) == expected


WRONG = {
    "no text": {"text": None},
    "a number as text": {"text": 5},
    "text too long": {"text": "x" * 601},
    "no images": {"images": None},
    "no image": {"images": []},
    "eleven images": {"images": [data_uri(png())] * 11},
    "images in no list": {"images": "https://example.com/1.png"},
    "an image that is no text": {"images": [5]},
    "an image that is no link": {"images": ["roof.png"]},
    "an image under ftp": {"images": ["ftp://example.com/1.png"]},
    "none to make": {"sequential_image_generation_options": 0},
    "sixteen to make": {"sequential_image_generation_options": 16},
    "half an image": {"sequential_image_generation_options": 2.5},
    "true images": {"sequential_image_generation_options": True},
    "many images": {"sequential_image_generation_options": "many"},
    "no size on the list": {"image_size": "1:1"},
    "a number as size": {"image_size": 2048},
    "a text as seed": {"seed": "x"},
    "half a seed": {"seed": 0.5},
    "no quality on the list": {"optimize_prompt_options": "slow"},
    "a number as mode": {"sequential_image_generation": 5},
}


@pytest.mark.parametrize("name", WRONG)
def test_same_refusal(name, theirs, ours):
    body = {field: value for field, value in edit(**WRONG[name]).items() if value is not None}
    expected = plain(theirs.client.submit(body), theirs.base)
    assert expected[0] == 422
    assert plain(ours.client.submit(body), ours.base) == expected


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"5", b"null", b'"x"', b"\xff"])
def test_same_refusal_of_what_is_no_input(content, theirs, ours):
    path, headers = f"/v1/models/{MODEL}", {"Content-Type": "application/json"}
    answers = [desk.client.send("POST", path, content=content, headers=headers) for desk in (theirs, ours)]
    assert plain(answers[1], ours.base) == plain(answers[0], theirs.base)
    assert answers[1].code == 422
