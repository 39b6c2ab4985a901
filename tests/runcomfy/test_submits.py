"""A submit against servers that misbehave: accepted, certainly not, or nobody knows."""

import asyncio
import socket
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from jobs.runcomfy import Accepted, Ambiguous, NotSent, Refused, RunComfy, Temporary
from tests import servers
from tests.runcomfy.asking import BODY, MODEL, TOKEN, ask, closed_port, failed_submit, submit
from tests.servers import answer, serving

ACCEPTED = answer(200, {"request_id": "request-1"})


# Submit: accepted


@pytest.mark.parametrize("code", [200, 201, 202])
def test_submit_is_accepted_by_any_2xx_with_a_request_id(server, code):
    assert submit(server, answer(code, {"request_id": "request-1"})) == Accepted(
        "request-1", {"request_id": "request-1"}
    )


def test_submit_sends_the_exact_json(server):
    submit(server, ACCEPTED)
    [request] = server.requests
    assert (request.method, request.path) == ("POST", f"/v1/models/{MODEL}")
    assert request.headers["content-type"] == "application/json"
    assert request.json() == BODY


def test_submit_sends_the_token(server):
    submit(server, ACCEPTED)
    assert server.requests[0].headers["authorization"] == f"Bearer {TOKEN}"


def test_submit_uses_no_connection_twice(server):
    server.behaviour = ACCEPTED

    async def twice(client):
        await client.submit(MODEL, BODY)
        await client.submit(MODEL, BODY)

    ask(server.url, twice)
    assert (len(server.requests), server.connections) == (2, 2)


def test_submit_ignores_a_proxy_of_the_environment(server, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port()}")
    assert submit(server, ACCEPTED).request_id == "request-1"


def test_submit_believes_an_answer_with_a_number_that_is_none(server):
    assert submit(server, answer(200, b'{"request_id": "request-1", "eta": NaN}')).request_id == "request-1"


# Submit: certainly not sent


def test_submit_is_not_sent_when_refused_at_the_door():
    with pytest.raises(NotSent):
        ask(f"http://127.0.0.1:{closed_port()}", lambda client: client.submit(MODEL, BODY))


def test_submit_is_not_sent_to_an_unknown_name():
    with pytest.raises(NotSent):
        ask("https://no-such-host.invalid", lambda client: client.submit(MODEL, BODY))


def test_submit_is_not_sent_where_nobody_speaks_tls(server):
    with pytest.raises(NotSent):
        ask(server.url.replace("http", "https"), lambda client: client.submit(MODEL, BODY))


def test_submit_is_not_sent_to_whoever_shows_an_unknown_certificate(unknown_certificate):
    with serving(ACCEPTED, unknown_certificate) as impostor:
        with pytest.raises(NotSent):
            ask(impostor.url, lambda client: client.submit(MODEL, BODY))
        assert impostor.requests == []


# Submit: certainly refused


@pytest.mark.parametrize("code", [400, 401, 402, 403, 404, 413, 415, 422, 429])
def test_submit_is_refused_by_a_client_error(server, code):
    problem = failed_submit(server, answer(code, {"message": "No."}))
    assert (type(problem), problem.code, problem.words) == (Refused, code, "No.")
    assert len(server.requests) == 1


@pytest.mark.parametrize("code", [400001, 400002, 400004, 401001, 403001, 404001, 422001, "422001"])
def test_submit_is_refused_by_a_client_code_in_200(server, code):
    problem = failed_submit(server, answer(200, {"error_code": code, "error_message": "No."}))
    assert (type(problem), problem.code) == (Refused, int(code))
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "behaviour",
    [
        answer(429, {}),
        answer(429, {"error_code": 400}),
        answer(200, {"error_code": 429001}),
    ],
)
def test_submit_knows_a_rate_limit(server, behaviour):
    assert failed_submit(server, behaviour).is_rate_limit


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7), ("0.5", 0.5), ("-1", 0), ("999999", 3600), ("inf", 3600), ("nan", None), ("soon", None)],
)
def test_submit_reads_retry_after_in_seconds(server, header, seconds):
    assert failed_submit(server, answer(429, {}, retry_after=header)).retry_after == seconds


def test_submit_reads_retry_after_as_a_date(server):
    then = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    problem = failed_submit(server, answer(429, {}, retry_after=then))
    assert problem.retry_after == pytest.approx(100, abs=10)


def test_submit_without_retry_after_names_none(server):
    assert failed_submit(server, answer(429, {})).retry_after is None


# Submit: nobody knows


AMBIGUOUS = {
    "500": answer(500, {"message": "No."}),
    "502": servers.page(502),
    "503": answer(503, {}, retry_after="5"),
    "504": answer(504),
    "408": answer(408),
    "409": answer(409, {"message": "No."}),
    "5xx code in 200": answer(200, {"error_code": 500001}),
    "408 code in 200": answer(200, {"error_code": 408001}),
    "text code in 200": answer(200, {"error_code": "BUSY"}),
    "hang before headers": servers.hang,
    "hang in body": servers.hang_in_body,
    "reset": servers.reset,
    "dropped": servers.drop,
    "half a status line": servers.raw(b"HTTP/1.1 20"),
    "no HTTP": servers.raw(b"SSH-2.0-OpenSSH\r\n"),
    "HTML in 200": servers.page(),
    "truncated JSON": answer(200, b'{"request_id": "request-'),
    "body cut short": servers.cut(b'{"request_id": "request-1"}'),
    "empty 200": answer(200),
    "204": servers.raw(b"HTTP/1.1 204 No Content\r\n\r\n"),
    "no request id": answer(200, {"status_url": "https://example.com"}),
    "null request id": answer(200, {"request_id": None}),
    "empty request id": answer(200, {"request_id": ""}),
    "numeric request id": answer(200, {"request_id": 5}),
    "endless request id": answer(200, {"request_id": "x" * 201}),
    "list": answer(200, ["request-1"]),
    "broken gzip": answer(200, b"no gzip", content_encoding="gzip"),
    "too long": answer(200, b" " * (4 * 1024 * 1024) + b'{"request_id": "request-1"}'),
    "redirect without a target": answer(302),
}


@pytest.mark.parametrize("behaviour", AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_submit_is_ambiguous_and_sent_once(server, behaviour):
    problem = failed_submit(server, behaviour, timeout=0.3 if "hang" in behaviour.__name__ else 10)
    assert type(problem) is Ambiguous
    assert len(server.requests) == 1


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_submit_follows_no_redirect(server, code):
    with serving(ACCEPTED) as elsewhere:
        problem = failed_submit(server, answer(code, location=f"{elsewhere.url}/v1/models/{MODEL}"))
        assert type(problem) is Ambiguous
        assert elsewhere.requests == []


@pytest.fixture(scope="module")
def slow_answers():
    """What becomes of calls whose answer never ends: they take the whole time-out, so they take it together."""

    async def asked(url, silent_url):
        async with (
            RunComfy(url, TOKEN, submit_timeout=0.2, read_timeout=0.2) as client,
            RunComfy(silent_url, TOKEN) as unheard,
        ):
            calls = (client.submit(MODEL, BODY), client.status("a"), unheard.submit(MODEL, BODY))
            return await asyncio.gather(*calls, return_exceptions=True)

    with serving(servers.trickle) as server, socket.create_server(("127.0.0.1", 0)) as silent:
        answers = asyncio.run(asked(server.url, f"https://127.0.0.1:{silent.getsockname()[1]}"))
        return dict(zip(("submit", "read", "connect"), answers, strict=True))


@pytest.mark.parametrize(("call", "kind"), [("submit", Ambiguous), ("read", Temporary)])
def test_trickle_ends_with_the_whole_time(slow_answers, call, kind):
    assert type(slow_answers[call]) is kind


def test_submit_is_not_sent_to_whoever_does_not_shake_hands(slow_answers):
    assert type(slow_answers["connect"]) is NotSent
