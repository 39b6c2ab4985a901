"""The client against servers that misbehave: what each kind of trouble may and may not be taken for."""

import asyncio
import gzip
import json
import socket
import ssl
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from jobs.runcomfy import Accepted, Ambiguous, Gone, NotSent, Refused, Result, RunComfy, Status, Temporary, words

from . import servers
from .servers import answer, serving

TOKEN = "token-that-nobody-may-see"
MODEL = "bytedance/seedream-4-0/edit-sequential"
BODY = {"text": "Zwei Bilder, 二つ", "images": ["data:image/png;base64,AA=="]}
ACCEPTED = answer(200, {"request_id": "request-1"})


@pytest.fixture
def server():
    with serving() as running:
        yield running


def ask(url, question, timeout=10):
    """The answer to `question(client)`."""

    async def asked():
        async with RunComfy(url, TOKEN, submit_timeout=timeout, read_timeout=timeout) as client:
            return await question(client)

    return asyncio.run(asked())


def submit(server, behaviour, timeout=10):
    server.behaviour = behaviour
    return ask(server.url, lambda client: client.submit(MODEL, BODY), timeout)


def failed_submit(server, behaviour, timeout=10):
    with pytest.raises((NotSent, Refused, Ambiguous)) as caught:
        submit(server, behaviour, timeout)
    return caught.value


def status(server, behaviour, timeout=10):
    server.behaviour = behaviour
    return ask(server.url, lambda client: client.status("request-1"), timeout)


def result(server, behaviour):
    server.behaviour = behaviour
    return ask(server.url, lambda client: client.result("request-1"))


def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


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


@pytest.fixture
def unknown_certificate(tmp_path):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
    file = tmp_path / "certificate.pem"
    file.write_bytes(
        builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


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


# The provider's words


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"error_message": "No.", "message": "other"}, "No."),
        ({"message": "No."}, "No."),
        ({"error": "No."}, "No."),
        ({"detail": "No."}, "No."),
        ({"error": {"message": "No."}}, "No."),
        ({"detail": [{"loc": ["text"], "msg": "No."}]}, '[{"loc": ["text"], "msg": "No."}]'),
        ("No.", "No."),
        ({}, "HTTP 400 Reason"),
        ([], "HTTP 400 Reason"),
        ({"message": "x" * 5000}, "x" * 2000),
    ],
)
def test_error_keeps_the_providers_words(server, body, expected):
    problem = failed_submit(server, answer(400, body))
    assert (problem.words, problem.raw) == (expected, body)


def test_error_keeps_what_is_no_json_as_text(server):
    problem = failed_submit(server, answer(400, b"<h1>N\0o</h1>\xff", content_type="text/html; charset=base64"))
    assert problem.raw == "<h1>No</h1>�"


@pytest.mark.parametrize(("value", "text"), [("No.", "No."), ({"code": 7}, '{"code": 7}'), (["é"], '["é"]')])
def test_words_are_readable_whatever_the_error_is(value, text):
    assert words(value) == text


@pytest.mark.parametrize("code", [401, 500, 200])
def test_error_never_shows_the_token(server, code):
    echo = {"error_code": 401001, "message": f"'Bearer {TOKEN}' is not known", "headers": [TOKEN]}
    problem = failed_submit(server, answer(code, echo))
    assert TOKEN not in f"{problem} {problem!r} {problem.words} {problem.raw}"


@pytest.mark.parametrize("behaviour", [servers.reset, servers.raw(b"SSH-2.0\r\n"), servers.page(502)])
def test_error_of_the_wire_never_shows_the_token(server, behaviour):
    problem = failed_submit(server, behaviour)
    assert TOKEN not in f"{problem} {problem!r} {problem.__cause__} {problem.__cause__!r}"


def test_error_names_its_code():
    assert str(Refused("No.", code=402)) == "402: No."


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


# Result


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
