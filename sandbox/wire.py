"""Answers that break on their way: each is a response that misuses the connection it is sent on.

They need the server of `sandbox.server`, which hands every request its transport.
"""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

CHUNK = 64 * 1024
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


async def outlasts(request: Request, seconds: float) -> bool:
    """Wait `seconds` and return True, or False as soon as the client has gone. Read the body before."""
    return await _is_still_there(request.receive, seconds)


class Reset(Response):
    """No answer: the TCP connection is reset (RST)."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        transport = scope["state"]["transport"]
        connection = transport.get_extra_info("socket")
        if not transport.is_closing():  # else the client was quicker, and there is nothing left to reset
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        transport.abort()
        await _until_gone(receive)


class HalfBody(Response):
    """All headers and half of the body of an answer; `seconds` later the connection is reset."""

    def __init__(self, whole: Response, seconds: float) -> None:
        super().__init__(whole.body, whole.status_code)
        self.raw_headers = whole.raw_headers
        self.seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        half = bytes(self.body[: len(self.body) // 2])
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": half, "more_body": True})
        if await _is_still_there(receive, self.seconds):
            await Reset()(scope, receive, send)


class SlowTrickle(StreamingResponse):
    """The whole answer, in small pieces spread over `seconds`."""

    pieces = 50

    def __init__(self, whole: Response, seconds: float) -> None:
        super().__init__(self._drip(bytes(whole.body), seconds), whole.status_code)
        self.raw_headers = whole.raw_headers

    async def _drip(self, body: bytes, seconds: float) -> AsyncIterator[bytes]:
        size = max(1, -(-len(body) // self.pieces))
        for start in range(0, len(body), size):
            yield body[start : start + size]
            await asyncio.sleep(seconds / self.pieces)


class Endless(StreamingResponse):
    """A picture's beginning and then zeros, until the client stops or `declared` bytes are sent.

    With `declared` the answer has a Content-Length, without it is chunked and has no end.
    """

    def __init__(self, beginning: bytes, media_type: str, declared: int | None = None) -> None:
        headers = {} if declared is None else {"content-length": str(declared)}
        super().__init__(self._flow(beginning, declared), headers=headers, media_type=media_type)

    async def _flow(self, beginning: bytes, declared: int | None) -> AsyncIterator[bytes]:
        chunk, sent = beginning.ljust(CHUNK, b"\0"), 0
        while declared is None or sent < declared:
            piece = chunk if declared is None else chunk[: declared - sent]
            yield piece
            sent += len(piece)
            chunk = bytes(CHUNK)
            # Without a pause a fast client would keep the loop from serving anyone else.
            await asyncio.sleep(0)


def truncated(whole: Response) -> Response:
    """Return the answer with half of its body, and the length of that half."""
    headers = {name: value for name, value in whole.headers.items() if name != "content-length"}
    return Response(bytes(whole.body)[: len(whole.body) // 2], whole.status_code, headers)


async def _is_still_there(receive: Receive, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await _until_gone(receive)
    except TimeoutError:
        return True
    return False


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
