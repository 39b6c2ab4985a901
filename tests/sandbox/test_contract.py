import hashlib
import time

import httpx
import pytest

from sandbox import schema
from tests.sandbox.caller import MODEL, TOKEN, data_uri, model_input, picture

UNKNOWN = "00000000-0000-4000-8000-000000000000"


def test_submit_answers_with_the_id_and_its_links(caller):
    answer = caller.post()

    request_id = answer.json()["request_id"]
    base = f"{caller.http.base_url}/v1/requests/{request_id}"
    assert answer.status_code == 200
    assert answer.json() == {
        "request_id": request_id,
        "status_url": f"{base}/status",
        "result_url": f"{base}/result",
        "cancel_url": f"{base}/cancel",
    }


def test_submit_to_an_unknown_model_is_404(caller):
    answer = caller.http.post("/v1/models/bytedance/other", json=model_input())

    assert answer.status_code == 404
    assert (caller.ledger()["posts"], caller.ledger()["submits"]) == (1, 0)


def test_submit_of_a_too_large_body_is_413(caller):
    answer = caller.http.post(MODEL, content=b" " * (64 * 1024 * 1024 + 1))

    assert answer.status_code == 413


def test_status_of_a_done_request_is_completed(caller):
    request_id = caller.ended()

    answer = caller.status(request_id).json()

    assert answer["status"] == "completed"
    assert "queue_position" not in answer


def test_result_of_a_done_request_holds_its_output(caller):
    request_id = caller.ended(text="two pictures", sequential_image_generation_options=3)

    result = caller.result(request_id).json()

    assert (result["status"], result["error"]) == ("completed", None)
    assert len(result["output"]["images"]) == 2
    assert result["created_at"] < result["finished_at"]
    assert "cost" not in result


def test_result_tells_the_cost_of_the_pictures_made(caller):
    request_id = caller.ended(text="two pictures", sequential_image_generation_options=3)

    assert caller.result(request_id, include_cost="true").json()["cost"] == 0.06


def test_result_before_the_end_is_400(slow_caller):
    answer = slow_caller.result(slow_caller.submit())

    assert (answer.status_code, answer.json()["error_code"]) == (400, 400005)


@pytest.mark.parametrize("verb", ["status", "result", "cancel"])
def test_requests_nobody_made_are_404(caller, verb):
    method = "POST" if verb == "cancel" else "GET"

    answer = caller.http.request(method, f"/v1/requests/{UNKNOWN}/{verb}")

    assert (answer.status_code, answer.json()["error_code"]) == (404, 404001)


@pytest.mark.parametrize("header", [{}, {"authorization": "Bearer wrong"}, {"authorization": TOKEN}])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", MODEL),
        ("GET", MODEL),
        ("GET", "/v1/models"),
        ("GET", f"/v1/requests/{UNKNOWN}/status"),
        ("GET", f"/v1/requests/{UNKNOWN}/result"),
        ("POST", f"/v1/requests/{UNKNOWN}/cancel"),
        ("GET", "/prod/v2/balance"),
    ],
)
def test_calls_without_the_token_are_401(fast_address, method, path, header):
    answer = httpx.request(method, fast_address + path, headers=header, trust_env=False)

    assert (answer.status_code, answer.json()["error_code"]) == (401, 401001)


def test_model_tells_its_price_and_schema(caller):
    model = caller.http.get(MODEL).json()

    assert (model["model_id"], model["base_price_usd"], model["price_unit"]) == (
        "bytedance/seedream-4-0/edit-sequential",
        0.03,
        "image",
    )
    assert model["input_schema"] == schema.DOCUMENT["input"]


def test_model_nobody_offers_is_404(caller):
    assert caller.http.get("/v1/models/other").status_code == 404


@pytest.mark.parametrize(
    ("query", "found", "total"),
    [
        ({}, 1, 1),
        ({"search": "SEEDREAM"}, 1, 1),
        ({"search": "flux"}, 0, 0),
        ({"offset": "1"}, 0, 1),
        ({"limit": "0"}, 0, 1),
        ({"category": "video"}, 0, 0),
    ],
)
def test_catalogue_searches_and_pages(caller, query, found, total):
    answer = caller.http.get("/v1/models", params=query).json()

    assert (len(answer["models"]), answer["total"]) == (found, total)


def test_catalogue_refuses_a_limit_that_is_no_number(caller):
    assert caller.http.get("/v1/models", params={"limit": "many"}).status_code == 422


def test_catalogue_holds_the_schema_only_when_asked(caller):
    plain = caller.http.get("/v1/models").json()["models"][0]
    full = caller.http.get("/v1/models", params={"include_schema": "true"}).json()["models"][0]

    assert ("input_schema" in plain, "input_schema" in full) == (False, True)


def test_balance_is_in_dollars(caller):
    assert caller.http.get("/prod/v2/balance").json() == {"balance_usd": 100.0, "currency": "USD"}


def test_paths_nobody_serves_are_a_json_404(caller):
    answer = caller.http.get("/v1/nothing")

    assert (answer.status_code, answer.json()) == (
        404,
        {"error_code": 404000, "error_message": "Not Found"},
    )


def test_outputs_need_no_token(caller):
    request_id = caller.ended()

    answer = httpx.get(caller.images(request_id)[0], trust_env=False)

    told = caller.entry(request_id)["outputs"][0]
    assert answer.headers["content-type"] == "image/jpeg"
    assert int(answer.headers["content-length"]) == len(answer.content) == told["bytes"]
    assert hashlib.sha256(answer.content).hexdigest() == told["sha256"]


@pytest.mark.parametrize("path", ["/outputs/guessed/1.jpg", "/outputs/{folder}/9.jpg"])
def test_outputs_nobody_made_are_404(caller, path):
    folder = caller.images(caller.ended())[0].split("/")[-2]

    assert caller.http.get(path.format(folder=folder)).status_code == 404


def test_ledger_counts_every_call_of_a_request(caller):
    request_id = caller.ended(text="one picture")
    caller.status(request_id)
    caller.status(request_id)
    caller.http.get(caller.images(request_id)[0])
    caller.cancel(request_id)

    entry = caller.entry(request_id)

    outputs = entry.pop("outputs")
    assert len(outputs) == 1
    assert entry == {
        "submits": 1,
        "polls": 2,
        "results": 1,
        "cancels": 1,
        "downloads": 1,
        "inputs_fetched": 0,
        "status": "completed",
        "text": "one picture",
    }


def test_ledger_counts_refused_posts_apart(caller):
    caller.post(text="x" * 601)
    caller.ended()

    ledger = caller.ledger()

    assert (ledger["posts"], ledger["submits"], ledger["charged_usd"]) == (2, 1, 0.03)


def test_ledger_tells_when_it_was_called(caller):
    begun = time.time()
    caller.status(caller.ended())

    ledger = caller.ledger()

    moments = [*ledger["posted_at"], *ledger["polled_at"]]
    assert len(moments) == 1 + ledger["polls"]
    assert begun <= min(moments) == ledger["posted_at"][0] < max(moments) <= time.time()


def test_reset_forgets_everything(caller):
    url = caller.images(caller.ended())[0]
    caller.fault("http_500", times=None)

    caller.http.post("/sandbox/reset")

    counts = {"posts": 0, "submits": 0, "polls": 0, "downloads": 0, "charged_usd": 0}
    empty = {"requests": {}, "posted_at": [], "polled_at": [], **counts}
    assert caller.ledger() == empty
    assert caller.http.get(url).status_code == 404
    assert caller.http.get("/sandbox/faults").json() == {"faults": []}


def test_inputs_are_fetched_without_the_token(caller, files):
    url, asked = files

    request_id = caller.ended(images=[url("/a.jpg"), url("/b.jpg"), data_uri(picture())])

    assert (caller.entry(request_id)["status"], caller.entry(request_id)["inputs_fetched"]) == ("completed", 2)
    assert [headers.get("authorization") for headers in asked] == [None, None]


def test_inputs_that_are_missing_fail_the_request(caller, files):
    url, _ = files

    request_id = caller.ended(images=[url("/a.jpg"), url("/missing")])

    result = caller.result(request_id).json()
    assert (result["status"], result["output"]) == ("failed", None)
    assert result["error"] == "images[1]: Failed to download: HTTP 404."


def test_inputs_on_a_host_that_is_not_there_fail_the_request(caller):
    request_id = caller.ended(images=["http://127.0.0.1:1/a.jpg"])

    assert caller.result(request_id).json()["error"] == "images[0]: Failed to download: ConnectError."
