"""Status, cancel and model: what each kind of trouble may and may not be taken for."""

import asyncio
import gzip
import sys
from decimal import Decimal

import pytest

from jobs.runcomfy import Gone, Status, Temporary
from tests import servers
from tests.runcomfy.asking import MODEL, ask, closed_port, status
from tests.servers import answer

# What a call costs


class Searched:
    """Stands last among those who find modules: it is asked for what nobody found."""

    def __init__(self):
        self.names = []

    def find_spec(self, name, path=None, target=None):
        self.names.append(name)


def test_a_read_searches_the_disk_for_no_module_that_is_not_there(server, monkeypatch):
    searched = Searched()
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, searched])
    status(server, answer(200, {"status": "in_queue"}))
    searched.names.clear()
    status(server, answer(200, {"status": "in_queue"}))
    assert searched.names == []


# Status


WORDS = {
    "in_queue": "waiting",
    "pending": "waiting",
    "waiting": "waiting",
    "in_progress": "running",
    "starting": "running",
    "processing": "running",
    "completed": "ended",
    "succeeded": "ended",
    "failed": "ended",
    "cancelled": "ended",
    "canceled": "ended",
    "defragmenting": "unknown",
}


@pytest.mark.parametrize(("word", "meaning"), WORDS.items())
def test_status_understands_every_word_on_record(server, word, meaning):
    found = status(server, answer(200, {"status": word}))
    assert found == Status(word)
    flags = {"waiting": found.is_waiting, "running": found.is_running, "ended": found.has_ended}
    assert [name for name, is_so in flags.items() if is_so] == [meaning] * (meaning != "unknown")


@pytest.mark.parametrize(
    ("told", "word"),
    [(" IN_QUEUE ", "in_queue"), (None, "unknown"), ("", "unknown"), (7, "7"), ("x" * 99, "x" * 40)],
)
def test_status_keeps_an_odd_word(server, told, word):
    assert status(server, answer(200, {"status": told})).word == word


@pytest.mark.parametrize(
    ("told", "position"),
    [("3", 3), ("null", None), ('"4"', 4), ("-1", None), ('"next"', None), ("[]", None), ("NaN", None),
     ("1e999", None), ("9999999999", None), ("0", 0)],
)  # fmt: skip
def test_status_survives_an_odd_queue_position(server, told, position):
    body = f'{{"status": "in_queue", "queue_position": {told}}}'.encode()
    assert status(server, answer(200, body)) == Status("in_queue", position)


@pytest.mark.parametrize(
    "behaviour",
    [
        answer(404),
        answer(404, {"error_code": 404001}),
        answer(404, {"error_code": 404002}),
        answer(200, {"error_code": 404001}),
        answer(400, {"error_code": 400001}),
        answer(403, {"error_code": 403001}),
    ],
)
def test_status_of_what_is_not_there_is_gone(server, behaviour):
    with pytest.raises(Gone):
        status(server, behaviour)


TEMPORARY = {
    "400": answer(400),
    "401": answer(401),
    "402": answer(402),
    "403": answer(403),
    "429": answer(429),
    "500": answer(500),
    "502": servers.page(502),
    "error in 200": answer(200, {"error_code": 500001}),
    "error named as status": answer(200, {"error_code": 500001, "status": "error"}),
    "HTML": servers.page(),
    "list": answer(200, []),
    "redirect": answer(302, location="/elsewhere"),
    "truncated JSON": answer(200, b'{"status": "comp'),
    "reset": servers.reset,
    "dropped": servers.drop,
    "hang": servers.hang,
    "hang in body": servers.hang_in_body,
    "too long": servers.chunked(b" " * 1024 * 1024, 5),
    "unfolds too long": answer(200, gzip.compress(b" " * 5 * 1024 * 1024), content_encoding="gzip"),
    "too deep": answer(200, b"[" * 100_000 + b"]" * 100_000),
    "too many digits": answer(200, b'{"status": ' + b"9" * 5000 + b"}"),
}


@pytest.mark.parametrize("behaviour", TEMPORARY.values(), ids=TEMPORARY)
def test_status_may_be_asked_again_after_other_trouble(server, behaviour):
    with pytest.raises(Temporary):
        status(server, behaviour, timeout=0.3 if "hang" in behaviour.__name__ else 10)


def test_read_tells_when_to_come_back(server):
    with pytest.raises(Temporary) as caught:
        status(server, answer(429, {}, retry_after="9"))
    assert (caught.value.code, caught.value.retry_after) == (429, 9)


def test_read_reaches_nobody():
    with pytest.raises(Temporary):
        ask(f"http://127.0.0.1:{closed_port()}", lambda client: client.status("a"))


@pytest.mark.parametrize("call", ["status", "result", "cancel"])
def test_request_id_cannot_leave_its_place_in_the_path(server, call):
    server.behaviour = answer(200, {"status": "in_queue"})
    ask(server.url, lambda client: getattr(client, call)("a/b?c#d e"))
    path = server.requests[0].path
    assert path.partition("?include_cost")[0] == f"/v1/requests/a%2Fb%3Fc%23d%20e/{call}"


def test_reads_share_connections(server):
    server.behaviour = answer(200, {"status": "in_queue"})

    async def many(client):
        for _ in range(3):
            await asyncio.gather(*(client.status(f"request-{number}") for number in range(10)))

    ask(server.url, many, timeout=10)
    assert len(server.requests) == 30
    assert server.connections <= 10


def test_read_goes_on_after_a_connection_died(server):
    server.behaviour = servers.in_turn(servers.drop, servers.reset, answer(200, {"status": "in_queue"}))

    async def thrice(client):
        for _ in range(2):
            with pytest.raises(Temporary):
                await client.status("request-1")
        return await client.status("request-1")

    assert ask(server.url, thrice) == Status("in_queue")


def test_read_goes_on_after_a_time_out(server):
    server.behaviour = servers.in_turn(servers.hang, answer(200, {"status": "in_queue"}))

    async def twice(client):
        with pytest.raises(Temporary):
            await client.status("request-1")
        return await client.status("request-1")

    assert ask(server.url, twice, timeout=0.3) == Status("in_queue")


# Cancel and model


@pytest.mark.parametrize("outcome", ["cancelled", "not_cancellable", "cancellation_requested", "postponed"])
def test_cancel_tells_its_outcome(server, outcome):
    server.behaviour = answer(200, {"outcome": outcome.upper(), "status": "in_queue"})
    found = ask(server.url, lambda client: client.cancel("request-1"))
    assert (found.outcome, found.word) == (outcome, "in_queue")
    assert [(one.method, one.path) for one in server.requests] == [("POST", "/v1/requests/request-1/cancel")]


@pytest.mark.parametrize(
    ("behaviour", "kind"), [(answer(404), Gone), (answer(500), Temporary), (servers.drop, Temporary)]
)
def test_cancel_raises_as_a_read_does(server, behaviour, kind):
    server.behaviour = behaviour
    with pytest.raises(kind):
        ask(server.url, lambda client: client.cancel("request-1"))


def test_model_tells_its_price(server):
    server.behaviour = answer(200, {"model_id": MODEL, "base_price_usd": 0.03, "price_unit": "per image"})
    found = ask(server.url, lambda client: client.model(MODEL))
    assert (found.model_id, found.base_price_usd, found.price_unit) == (MODEL, Decimal("0.03"), "per image")
    assert server.requests[0].path == f"/v1/models/{MODEL}"


def test_model_may_keep_its_price_to_itself(server):
    server.behaviour = answer(200, {})
    found = ask(server.url, lambda client: client.model(MODEL))
    assert (found.model_id, found.base_price_usd, found.price_unit) == (MODEL, None, "")
