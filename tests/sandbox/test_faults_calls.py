"""Faults of single calls: refusals, broken answers, broken connections."""

import time

import httpx
import pytest

from tests.sandbox.caller import MODEL

HTTP_ERRORS = {
    "http_401": (401, 401001),
    "http_402": (402, 400002),
    "http_403": (403, 403001),
    "http_404": (404, 404000),
    "http_422": (422, 422001),
    "http_429": (429, 429001),
    "http_500": (500, 500001),
    "http_502": (502, 502001),
    "http_503": (503, 503001),
    "http_504": (504, 504001),
}


@pytest.mark.parametrize("kind", HTTP_ERRORS)
def test_http_fault_refuses_one_call(caller, kind):
    request_id = caller.ended()
    caller.fault(kind, on="status")

    refused, honest = caller.status(request_id), caller.status(request_id)

    assert (refused.status_code, refused.json()["error_code"]) == HTTP_ERRORS[kind]
    assert honest.status_code == 200


@pytest.mark.parametrize("kind", ["http_429", "http_503"])
def test_http_fault_tells_when_to_come_back(caller, kind):
    caller.faults({"kind": kind, "on": "model", "retry_after": 7}, {"kind": kind, "on": "model"})

    answers = [caller.http.get(MODEL) for _ in range(2)]

    assert [answer.headers.get("retry-after") for answer in answers] == ["7", None]


@pytest.mark.parametrize("kind", ["http_500", "html", "reset", "error_in_200"])
def test_submit_that_is_refused_is_not_accepted(caller, kind):
    caller.fault(kind, on="submit")
    try:
        caller.post()
    except httpx.ReadError:
        assert kind == "reset"

    ledger = caller.ledger()
    assert (ledger["posts"], ledger["submits"], ledger["charged_usd"]) == (1, 0, 0)


@pytest.mark.parametrize("on", ["submit", "status", "result", "cancel", "model", "output"])
def test_faults_can_be_on_every_call(caller, on):
    request_id = caller.ended()
    url = caller.images(request_id)[0]
    calls = {
        "submit": caller.post,
        "status": lambda: caller.status(request_id),
        "result": lambda: caller.result(request_id),
        "cancel": lambda: caller.cancel(request_id),
        "model": lambda: caller.http.get(MODEL),
        "output": lambda: caller.http.get(url),
    }
    caller.fault("http_500", on=on)

    broken = [point for point, call in calls.items() if call().status_code == 500]

    assert broken == [on]


def test_html_comes_where_json_was_due(caller):
    caller.fault("html", on="model")

    answer = caller.http.get(MODEL)

    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert answer.text.startswith("<!doctype html>")


def test_error_in_200_has_a_code_of_choice(caller):
    caller.fault("error_in_200", on="model", code=400002)

    answer = caller.http.get(MODEL)

    assert (answer.status_code, answer.json()["error_code"]) == (200, 400002)


def test_truncated_json_is_half_an_answer(caller):
    whole = caller.http.get(MODEL).text
    caller.fault("truncated_json", on="model")

    assert caller.http.get(MODEL).text == whole[: len(whole) // 2]


def test_truncated_json_of_a_submit_is_an_accepted_one(caller):
    caller.fault("truncated_json", on="submit")

    answer = caller.post()

    assert answer.status_code == 200
    assert caller.ledger()["submits"] == 1


@pytest.mark.parametrize("on", ["status", "submit"])
def test_reset_drops_the_connection(caller, on):
    caller.fault("reset", on=on)

    with pytest.raises(httpx.ReadError, match="Connection reset by peer"):
        caller.post() if on == "submit" else caller.status("any")


def test_hang_before_headers_outlasts_the_clients_patience(caller):
    caller.fault("hang_before_headers", on="submit", seconds=30)

    with pytest.raises(httpx.ReadTimeout):
        caller.post(timeout=0.2)

    assert (caller.ledger()["posts"], caller.ledger()["submits"]) == (1, 0)


def test_hang_before_headers_ends_in_the_honest_answer(caller):
    request_id = caller.ended()
    caller.fault("hang_before_headers", seconds=0.2)
    begun = time.monotonic()

    assert caller.status(request_id).json()["status"] == "completed"
    assert time.monotonic() - begun >= 0.2


def test_hang_in_body_stops_half_way(caller):
    request_id = caller.ended()
    caller.fault("hang_in_body", seconds=30)

    with (
        caller.http.stream("GET", f"/v1/requests/{request_id}/status", timeout=0.2) as answer,
        pytest.raises(httpx.ReadTimeout),
    ):
        answer.read()

    assert answer.status_code == 200


def test_hang_in_body_ends_in_a_reset(caller):
    request_id = caller.ended()
    caller.fault("hang_in_body", seconds=0.05)

    with pytest.raises(httpx.ReadError, match="Connection reset by peer"):
        caller.status(request_id)


def test_slow_trickle_spreads_the_whole_answer(caller):
    request_id = caller.ended()
    url = caller.images(request_id)[0]
    caller.fault("slow_trickle", seconds=0.3)
    begun = time.monotonic()

    content = caller.http.get(url).content

    assert len(content) == caller.entry(request_id)["outputs"][0]["bytes"]
    assert time.monotonic() - begun >= 0.3


def test_reset_after_accept_charges_all_the_same(caller):
    caller.fault("reset_after_accept")

    with pytest.raises(httpx.ReadError, match="Connection reset by peer"):
        caller.post()

    ledger = caller.ledger()
    assert (ledger["posts"], ledger["submits"], len(ledger["requests"])) == (1, 1, 1)


def test_slow_accept_charges_before_it_answers(caller):
    caller.fault("slow_accept", seconds=30)

    with pytest.raises(httpx.ReadTimeout):
        caller.post(timeout=0.3)

    assert caller.ledger()["submits"] == 1


def test_slow_accept_ends_in_the_honest_answer(caller):
    caller.fault("slow_accept", seconds=0.05)

    assert caller.post().json()["request_id"] in caller.ledger()["requests"]


def test_unreadable_accept_charges_and_answers_html(caller):
    caller.fault("unreadable_accept")

    answer = caller.post()

    assert (answer.status_code, answer.text[:15]) == (200, "<!doctype html>")
    assert caller.ledger()["submits"] == 1


def test_no_request_id_leaves_only_the_id_out(caller):
    caller.fault("no_request_id")

    assert caller.post().json().keys() == {"status_url", "result_url", "cancel_url"}
    assert caller.ledger()["submits"] == 1


def test_accept_fault_waits_for_an_accepted_submit(caller):
    caller.fault("no_request_id")

    refused, accepted = caller.post(text=5), caller.post()

    assert refused.status_code == 422
    assert "request_id" not in accepted.json()
