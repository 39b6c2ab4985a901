"""Results, as whole or as broken as they come."""

import json
from decimal import Decimal

import pytest

from jobs.runcomfy import Result
from tests.runcomfy.asking import result
from tests.servers import answer


def test_result_asks_for_the_cost(server):
    result(server, answer(200, {"status": "completed"}))
    assert server.requests[0].path == "/v1/requests/request-1/result?include_cost=true"


def test_result_of_a_completed_request(server):
    body = {"status": "completed", "output": {"image": "https://a.runcomfy.net/1.png"}, "cost": 0.09}
    found = result(server, answer(200, body))
    assert found == Result("completed", body["output"], None, Decimal("0.09"), body)
    assert (found.is_ready, found.is_done, found.is_cancelled) == (True, True, False)


@pytest.mark.parametrize("word", ["cancelled", "canceled"])
def test_result_of_a_cancelled_request(server, word):
    found = result(server, answer(200, {"status": word}))
    assert (found.is_ready, found.is_done, found.is_cancelled) == (True, False, True)


@pytest.mark.parametrize("error", ["No.", {"code": 7, "why": ["a"]}, ["No."], 7, None])
def test_result_of_a_failed_request_keeps_its_error_raw(server, error):
    found = result(server, answer(200, {"status": "failed", "error": error}))
    assert (found.is_ready, found.is_done, found.error) == (True, False, error)


def test_result_that_failed_with_a_code_is_a_result(server):
    body = {"status": "failed", "error_code": 500001, "error_message": "The model ended."}
    found = result(server, answer(200, body))
    assert (found.is_ready, found.is_done, found.raw) == (True, False, body)


@pytest.mark.parametrize(
    "behaviour",
    [
        answer(400, {"error_code": 400005, "message": "not ready"}),
        answer(200, {"error_code": 400005}),
        answer(200, {"status": "in_queue", "queue_position": 2}),
        answer(200, {"status": "in_progress", "output": None}),
        answer(200, {"status": "defragmenting", "output": {"image": "https://a.runcomfy.net/1.png"}}),
        answer(200, {}),
    ],
)
def test_result_is_not_ready_before_the_end(server, behaviour):
    assert not result(server, behaviour).is_ready


def test_result_with_an_output_and_no_status_has_ended(server):
    assert result(server, answer(200, {"output": {"image": "https://a.runcomfy.net/1.png"}})).is_done


@pytest.mark.parametrize(
    ("told", "cost"),
    [("0.09", "0.09"), ('"0.09"', "0.09"), ('"$0.09"', "0.09"), ("3", "3"), ("0", "0"), ("null", None),
     ("NaN", None), ("Infinity", None), ("1e999", None), ('"NaN"', None), ('"free"', None), ("true", None),
     ("-1", None), ("[]", None), ("1000000", None)],
)  # fmt: skip
def test_result_reads_the_cost(server, told, cost):
    found = result(server, answer(200, f'{{"status": "completed", "cost": {told}}}'.encode()))
    assert (found.is_done, found.cost) == (True, None if cost is None else Decimal(cost))


def test_result_without_a_cost(server):
    assert result(server, answer(200, {"status": "completed"})).cost is None


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        (r'"a\u0000b"', "a�b"),
        (r'"a\ud800b"', "a?b"),
        (r'"a\\u0000b"', r"a\u0000b"),
        (r'"\ud83c\udf05"', "🌅"),
        (r'{"a\u0000": ["\udfff"]}', {"a�": ["?"]}),
        ("1e999", None),
        ('"\xff"', "�"),
    ],
)
def test_result_holds_nothing_that_a_database_refuses(server, told, kept):
    body = f'{{"status": "completed", "echo": {told}}}'.encode("latin-1" if "\xff" in told else "utf-8")
    assert result(server, answer(200, body)).raw["echo"] == kept


def test_result_may_begin_with_a_byte_order_mark(server):
    assert result(server, answer(200, b'\xef\xbb\xbf{"status": "completed"}')).is_done


@pytest.mark.django_db
@pytest.mark.parametrize("told", [r'"a\u0000\ud800\\u0000"', "1e999", "-Infinity", "9" * 4000, r'{"\u0000": 1}'])
def test_result_can_be_stored(server, alice, make_job, told):
    job = make_job(alice)
    job.result = result(server, answer(200, f'{{"status": "completed", "echo": {told}}}'.encode())).raw
    type(job).objects.filter(pk=job.pk).update(result=job.result)
    assert type(job).objects.get(pk=job.pk).result == json.loads(json.dumps(job.result))
