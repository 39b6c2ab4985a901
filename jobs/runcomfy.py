"""RunComfy's Model API: submit, status, result, cancel, model; typed answers and one tree of errors.

The contract has no idempotency key and no list of requests, so the error of a submit must say whether the paid
request was accepted: NotSent and Refused are certain, Ambiguous is not. Reads raise Temporary or Gone.
"""

import asyncio
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx

from . import counts, network, values

WAITING = {"in_queue", "pending", "waiting", "queued"}
RUNNING = {"in_progress", "starting", "processing", "running"}
DONE = {"completed", "succeeded"}
ENDED_BADLY = {"failed", "error"}
CANCELLED = {"cancelled", "canceled"}
TOLD_ENDS = DONE | CANCELLED | {"failed"}  # "error" may as well be the status of a call

NOT_READY = 400005
MALFORMED_ID, NOT_YOURS = 400001, 403001
BROKEN: dict[type[Exception], str] = {
    httpx.ConnectTimeout: "no connection in time",
    httpx.ConnectError: "no connection",
    httpx.TimeoutException: "no answer in time",
    TimeoutError: "no answer in time",
    httpx.RemoteProtocolError: "the connection was closed without an answer",
    httpx.NetworkError: "the connection broke",
}
LONGEST_ANSWER = 4 * 1024 * 1024


class RunComfyError(Exception):
    """What RunComfy answered instead of what was asked.

    `code` is its error_code, else the HTTP status, else None; `words` its own words; `retry_after` seconds or None.
    """

    def __init__(self, words: str, *, code: int | None = None, raw: Any = None, retry_after: float | None = None):
        self.words, self.code, self.raw, self.retry_after = words, code, raw, retry_after
        super().__init__(f"{code}: {words}" if code else words)


class NotSent(RunComfyError):
    """The submit never left this machine: it may be sent again."""


class Refused(RunComfyError):
    """RunComfy said no before it accepted: nothing runs, nothing is charged."""

    @property
    def is_rate_limit(self) -> bool:
        return _stands_for(self.code, 429)


class Ambiguous(RunComfyError):
    """The submit may have been accepted and charged: only a person can tell."""


class Temporary(RunComfyError):
    """A read that may succeed later."""


class Gone(RunComfyError):
    """The request does not exist, is no longer kept, or is not ours."""


@dataclass(frozen=True)
class Accepted:
    request_id: str
    raw: dict[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Status:
    """`word` is RunComfy's own status word, kept also when it is one that we have never seen."""

    word: str
    queue_position: int | None = None
    model_id: str = ""  # not in the contract; empty unless RunComfy tells it

    @property
    def is_waiting(self) -> bool:
        return self.word in WAITING

    @property
    def is_running(self) -> bool:
        return self.word in RUNNING

    @property
    def is_cancelled(self) -> bool:
        return self.word in CANCELLED

    @property
    def has_ended(self) -> bool:
        return self.word in DONE | ENDED_BADLY | CANCELLED


@dataclass(frozen=True)
class Result:
    """`is_ready` is false while the request has not ended; `cost` is in US dollars, None when not told."""

    word: str
    output: Any = None
    error: Any = None
    cost: Decimal | None = None
    raw: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def is_ready(self) -> bool:
        return self.word in DONE | ENDED_BADLY | CANCELLED

    @property
    def is_done(self) -> bool:
        return self.word in DONE

    @property
    def is_cancelled(self) -> bool:
        return self.word in CANCELLED


@dataclass(frozen=True)
class Cancellation:
    """`outcome`: "cancelled", "not_cancellable" or "cancellation_requested", or a word yet unknown."""

    outcome: str
    word: str


@dataclass(frozen=True)
class Model:
    """`base_price_usd` is for one `price_unit`; None when RunComfy does not tell."""

    model_id: str
    base_price_usd: Decimal | None
    price_unit: str


@dataclass(frozen=True)
class _Answer:
    """What came over the wire; `body` is its JSON, None when it is none. Neither holds our token."""

    response: httpx.Response
    text: str
    body: Any


class RunComfy:
    """The client; use as `async with RunComfy(base_url, token) as provider`. Times are in seconds."""

    def __init__(self, base_url: str, token: str, *, submit_timeout: float = 60, read_timeout: float = 20):
        self._submits = network.submit_client(base_url, token, submit_timeout)
        self._reads = network.ReadClients(base_url, token, read_timeout)
        # A server that trickles its answer never trips httpx's time-outs, which are for each byte.
        self._submit_timeout, self._read_timeout = submit_timeout, read_timeout
        self._token = token

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.gather(self._submits.aclose(), self._reads.aclose())

    async def submit(self, model_id: str, body: Mapping[str, Any]) -> Accepted:
        """The paid POST, sent once. Raises NotSent, Refused or Ambiguous."""
        content = json.dumps(body).encode()
        with _counted("submit"):
            try:
                async with asyncio.timeout(self._submit_timeout + network.CONNECT_SECONDS):
                    answer = await self._send(
                        self._submits, "POST", f"/v1/models/{model_id}", content, {"Content-Type": "application/json"}
                    )
            except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as problem:
                raise NotSent(_words_of(problem)) from problem
            except (httpx.HTTPError, TimeoutError) as problem:
                raise Ambiguous(_words_of(problem)) from problem
            return _accepted(answer)

    async def status(self, request_id: str) -> Status:
        """Raises Temporary or Gone."""
        answer = await self._read("status", "GET", f"/v1/requests/{quote(request_id, safe='')}/status")
        model_id = answer.get("model_id")
        position = values.position(answer.get("queue_position"))
        return Status(_status_word(answer), position, model_id if isinstance(model_id, str) else "")

    async def result(self, request_id: str) -> Result:
        """The result with its cost; not `is_ready` while the request goes on. Raises Temporary or Gone."""
        path = f"/v1/requests/{quote(request_id, safe='')}/result?include_cost=true"
        try:
            answer = await self._read("result", "GET", path)
        except Temporary as problem:
            if problem.code == NOT_READY:
                return Result(word="")
            raise
        # A result that holds an output and names no status has ended.
        return Result(
            word=_status_word(answer, default="completed" if answer.get("output") else "unknown"),
            output=answer.get("output"),
            error=answer.get("error"),
            cost=values.money(answer.get("cost")),
            raw=answer,
        )

    async def cancel(self, request_id: str) -> Cancellation:
        """Raises Temporary or Gone. Asking twice does no harm."""
        answer = await self._read("cancel", "POST", f"/v1/requests/{quote(request_id, safe='')}/cancel")
        return Cancellation(str(answer.get("outcome", "")).lower(), _status_word(answer, default=""))

    async def model(self, model_id: str) -> Model:
        """Raises Temporary or Gone."""
        answer = await self._read("model", "GET", f"/v1/models/{model_id}")
        return Model(
            model_id=str(answer.get("model_id", model_id)),
            base_price_usd=values.money(answer.get("base_price_usd")),
            price_unit=str(answer.get("price_unit") or ""),
        )

    async def balance(self) -> Decimal:
        """US dollars left on the account. Raises Temporary or Gone."""
        answer = await self._read("balance", "GET", "/prod/v2/balance")
        if (amount := values.money(answer.get("balance_usd"))) is None:
            raise Temporary("an answer without a balance")
        return amount

    async def _read(self, call: str, method: str, path: str) -> dict[str, Any]:
        with _counted(call):
            try:
                async with asyncio.timeout(self._read_timeout + network.CONNECT_SECONDS), self._reads.one() as client:
                    return _read_answer(await self._send(client, method, path))
            except (httpx.HTTPError, TimeoutError) as problem:
                raise Temporary(_words_of(problem)) from problem

    async def _send(
        self,
        client: httpx.AsyncClient,
        method: str,
        path: str,
        content: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> _Answer:
        received = bytearray()
        async with client.stream(method, path, content=content, headers=headers) as response:
            async for chunk in response.aiter_bytes():
                received += chunk
                if len(received) > LONGEST_ANSWER:
                    return _Answer(response, f"an answer of more than {LONGEST_ANSWER} bytes", None)
        text = received.decode("utf-8-sig", "replace")
        if not response.is_success or "error_code" in text:
            # An error may repeat what it did not like about our headers.
            text = text.replace(self._token, "[token]")
        return _Answer(response, text, values.json_in(text))


@contextmanager
def _counted(call: str) -> Iterator[None]:
    counts.add("runcomfy_calls", call=call)
    try:
        yield
    except RunComfyError as problem:
        # A result that is asked for too early is an answer, not an error.
        if problem.code != NOT_READY:
            code = str(problem.code)[:3] if problem.code else ""
            counts.add("runcomfy_errors", call=call, kind=type(problem).__name__, code=code)
        raise


def _accepted(answer: _Answer) -> Accepted:
    response, body = answer.response, answer.body
    request_id = body.get("request_id") if isinstance(body, dict) else None
    if response.is_success and isinstance(request_id, str) and 0 < len(request_id) <= 200:
        return Accepted(request_id, body)
    details = _details(answer)
    # A redirect or an unreadable 2xx says nothing at all.
    said = details["code"] if response.is_success else response.status_code
    raise (Refused if _is_refusal(said) else Ambiguous)(**details)


def _is_refusal(code: int) -> bool:
    """402… is a refusal, 500… is not; 408, 409 and 499 may stand for a request that was taken."""
    status = int(str(code)[:3])
    return 400 <= status < 499 and status not in {408, 409}


def _stands_for(code: int | None, status: int) -> bool:
    """Numeric codes begin with the HTTP status that they stand for: 429001."""
    return str(code).startswith(str(status))


def _read_answer(answer: _Answer) -> dict[str, Any]:
    body = answer.body
    is_object = answer.response.is_success and isinstance(body, dict)
    # A request that has failed may tell its error_code beside its status: that is no error of the call.
    if is_object and (not body.get("error_code") or _status_word(body) in TOLD_ENDS):
        return body
    details = _details(answer)
    gone = _stands_for(details["code"], 404) or details["code"] in {MALFORMED_ID, NOT_YOURS}
    raise (Gone if gone else Temporary)(**details)


def _details(answer: _Answer) -> dict[str, Any]:
    response, body = answer.response, answer.body
    code = response.status_code
    if isinstance(body, dict):
        code = values.integer(body.get("error_code")) or code
    if response.status_code == 429:
        code = 429
    return {
        "words": values.words_in(body) or f"HTTP {response.status_code} {response.reason_phrase}".strip(),
        "code": code,
        "raw": body if body is not None else answer.text[:2000].replace("\0", ""),
        "retry_after": values.seconds_of(response.headers.get("Retry-After")),
    }


def _words_of(problem: Exception) -> str:
    """What broke, in words: httpx often leaves its exceptions without any."""
    for kind, words_for_it in BROKEN.items():
        if isinstance(problem, kind):
            return f"{words_for_it} ({type(problem).__name__}{f': {problem}' if str(problem) else ''})"
    return f"{type(problem).__name__}: {problem}"


def _status_word(answer: Mapping[str, Any], default: str = "unknown") -> str:
    return str(answer.get("status") or default).strip().lower()[:40]
