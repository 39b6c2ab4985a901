"""How faults are told, listed, counted and combined."""

import json
from pathlib import Path

import httpx
import pytest

from sandbox.kinds import KINDS
from tests.sandbox.caller import MODEL


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_test(kind):
    tests = "".join(file.read_text() for file in Path(__file__).parent.glob("test_faults_*.py"))

    assert f'"{kind}"' in tests


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_listed_with_its_defaults(caller, kind):
    answer = caller.faults({"kind": kind})

    usual = {"kind": kind, "on": KINDS[kind].points[0], "times": 1, "after": 0, "request_id": None}
    assert answer.json() == {"faults": [{**usual, **KINDS[kind].options}]}


@pytest.mark.parametrize("kind", ["earthquake", None, ["http_500"]])
def test_unknown_kind_is_refused_with_the_known_ones(caller, kind):
    answer = caller.faults({"kind": "http_500"}, {"kind": kind})

    assert answer.status_code == 422
    assert all(kind in answer.json()["error_message"] for kind in KINDS)
    assert caller.http.get("/sandbox/faults").json() == {"faults": []}


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"kind": "zero_bytes", "on": "status"}, "zero_bytes can be on output, not on status"),
        ({"kind": "html", "seconds": 1}, "html takes no ['seconds'], its options are ['status']"),
        ({"kind": "html", "times": 0}, "html: times must be a whole number above 0, or null"),
        ({"kind": "html", "after": -1}, "html: after must be a whole number, 0 or more"),
        ({"kind": "slow_accept", "seconds": "1"}, "slow_accept: seconds must be a number, 0 or more"),
        ({"kind": "unknown_status", "word": 5}, "unknown_status: word must be printable ASCII text"),
        ({"kind": "http_429", "retry_after": -1}, "http_429: retry_after must be seconds, a date, or null"),
        ({"kind": "html", "status": 99}, "html: status must be a whole number from 200 to 599"),
    ],
)
def test_fault_that_makes_no_sense_is_refused(caller, told, message):
    answer = caller.faults(told)

    assert (answer.status_code, answer.json()["error_message"]) == (422, message)


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"faults": 1}'])
def test_faults_that_are_no_list_are_refused(caller, content):
    assert caller.http.post("/sandbox/faults", content=content).status_code == 422


def test_fault_fires_after_and_as_often_as_told(caller):
    caller.fault("http_500", on="model", after=1, times=2)

    assert [caller.http.get(MODEL).status_code for _ in range(4)] == [200, 500, 500, 200]


def test_fault_without_a_number_lasts_until_cleared(caller):
    caller.fault("http_500", on="model", times=None)

    before = [caller.http.get(MODEL).status_code for _ in range(3)]
    cleared = caller.http.delete("/sandbox/faults").json()

    assert (before, cleared) == ([500] * 3, {"faults": []})
    assert caller.http.get(MODEL).status_code == 200


def test_fault_list_shows_what_is_left(caller):
    caller.fault("http_429", on="model", times=3, retry_after=2)
    caller.http.get(MODEL)

    [left] = caller.http.get("/sandbox/faults").json()["faults"]

    assert (left["kind"], left["times"], left["retry_after"]) == ("http_429", 2, 2)


def test_fault_for_one_request_spares_the_others(caller):
    hit, spared = caller.ended(), caller.ended()
    caller.fault("http_500", request_id=hit)

    assert [caller.status(request_id).status_code for request_id in (spared, hit)] == [200, 500]


def test_fault_needs_the_token_to_fire(caller):
    caller.fault("http_500", on="model")

    stranger = httpx.get(caller.http.base_url.join(MODEL), trust_env=False)

    assert (stranger.status_code, caller.http.get(MODEL).status_code) == (401, 500)


def test_faults_of_one_layer_take_turns(caller):
    caller.faults({"kind": "http_500", "on": "model"}, {"kind": "http_429", "on": "model"})

    assert [caller.http.get(MODEL).status_code for _ in range(3)] == [500, 429, 200]


def test_faults_of_different_layers_act_together(caller):
    caller.faults(
        {"kind": "hang_before_headers", "on": "model", "seconds": 0.01},
        {"kind": "http_429", "on": "model", "retry_after": 3},
        {"kind": "truncated_json", "on": "model"},
    )

    answer = caller.http.get(MODEL)

    assert (answer.status_code, answer.headers["retry-after"]) == (429, "3")
    with pytest.raises(json.JSONDecodeError):
        answer.json()


def test_faults_of_the_content_add_up(caller):
    request_id = caller.ended(sequential_image_generation_options=3)
    kinds = ("fewer_images", "duplicate_urls", "foreign_host", "image_and_error_mixed", "video_output")
    caller.faults(*({"kind": kind} for kind in kinds))

    output = caller.result(request_id).json()["output"]

    assert output["images"][0].startswith("https://images.example.com/")
    assert [type(image) for image in output["images"]] == [str, dict]
    assert "video" in output


def test_every_fault_at_once_leaves_the_sandbox_standing(caller):
    told = [{"kind": kind, "times": None} for kind in KINDS if "seconds" not in KINDS[kind].options]
    caller.faults(*told).raise_for_status()
    for _ in range(3):
        with pytest.raises(httpx.HTTPError):
            caller.post().raise_for_status()

    caller.http.delete("/sandbox/faults")

    assert caller.entry(caller.ended())["status"] == "completed"


def test_every_accepted_submit_counts_once(caller):
    caller.faults({"kind": "reset_after_accept"}, {"kind": "unreadable_accept"}, {"kind": "http_500", "on": "submit"})
    for _ in range(4):
        try:
            caller.post()
        except httpx.ReadError:
            continue

    ledger = caller.ledger()
    assert (ledger["posts"], ledger["submits"], ledger["charged_usd"]) == (4, 3, 0.09)
