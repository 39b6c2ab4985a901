"""`python -m bench.provider [--run-seconds 3 3] [--pixels 256]`: RunComfy's Model API, so cheap that its
client is what is measured.

It says what the sandbox says, checks nothing, and does not draw: each output is the same picture with another comment.
A request whose id begins with "endless" always runs. `/bench/books` tells what was asked.
"""

import argparse
import asyncio
import io
import json
import random
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any

from bench import meter

ENDLESS = "endless"
HEAD = "HTTP/1.1 {} OK\r\ndate: {}\r\nserver: bench\r\ncontent-length: {}\r\ncontent-type: {}\r\n\r\n"
PRICE = {"model_id": "bytedance/seedream-4-0/edit-sequential", "base_price_usd": 0.03, "price_unit": "image"}


@dataclass
class Request:
    started: float
    ended: float
    count: int


class Books:
    """What was asked, in seconds of the wall clock."""

    def __init__(self, run_seconds: list[float], picture: bytes):
        self.run_seconds, self.picture = run_seconds, picture
        self.requests: dict[str, Request] = {}
        self.asked: dict[str, float] = {}  # when each request's status was last asked for
        self.polls, self.dice = 0, random.Random(1)  # noqa: S311 (no secret)
        self.base = ""

    def answer(self, method: str, path: str, body: bytes) -> bytes:
        match path.partition("?")[0].split("/"):
            case ["", "v1", "requests", request_id, "status"]:
                return self._status(request_id)
            case ["", "v1", "requests", request_id, "result"]:
                return self._result(request_id)
            case ["", "v1", "models", *_] if method == "POST":
                return self._accept(json.loads(body))
            case ["", "v1", "models", *_]:
                return _json(PRICE)
            case ["", "files", name]:
                return _whole(self._file(name), "image/jpeg")
            case ["", "bench", "books"]:
                ended = {request_id: request.ended for request_id, request in self.requests.items()}
                return _json({"asked": self.asked, "ended": ended})
        return _json({"error_code": 404001, "error_message": "The request does not exist or has expired."}, 404)

    def _accept(self, asked: dict[str, Any]) -> bytes:
        request_id, now = str(uuid.UUID(int=self.dice.getrandbits(128), version=4)), time.time()
        started = now + min(1.0, self.run_seconds[0] / 3)
        ended = started + self.dice.uniform(*self.run_seconds)
        self.requests[request_id] = Request(started, ended, int(asked.get("sequential_image_generation_options", 1)))
        links = {
            f"{verb}_url": f"{self.base}/v1/requests/{request_id}/{verb}" for verb in ("status", "result", "cancel")
        }
        return _json({"request_id": request_id, **links})

    def _status(self, request_id: str) -> bytes:
        self.polls += 1
        now = self.asked[request_id] = time.time()
        told: dict[str, Any] = {"request_id": request_id, "status": self._word(request_id, now)}
        if told["status"] == "in_queue":
            told["queue_position"] = 1
        links = {f"{verb}_url": f"{self.base}/v1/requests/{request_id}/{verb}" for verb in ("status", "result")}
        return _json(told | links)

    def _word(self, request_id: str, now: float) -> str:
        if request_id.startswith(ENDLESS):
            return "in_progress"
        request = self.requests[request_id]
        return "completed" if now >= request.ended else "in_progress" if now >= request.started else "in_queue"

    def _result(self, request_id: str) -> bytes:
        images = [f"{self.base}/files/{request_id}-{at}.jpg" for at in range(self.requests[request_id].count)]
        return _json({"request_id": request_id, "status": "completed", "output": {"images": images}, "cost": 0.09})

    def _file(self, name: str) -> bytes:
        """The picture with a comment of its own, so that no two are the same file."""
        comment = name.encode()
        return self.picture[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + self.picture[2:]


class Connection(asyncio.Protocol):
    def __init__(self, answer: Callable[[str, str, bytes], bytes]):
        self.answer, self.received = answer, bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport

    def data_received(self, data: bytes) -> None:
        self.received += data
        while (end := self.received.find(b"\r\n\r\n")) >= 0:
            head = self.received[:end].decode("latin-1").lower()
            length = int(head.partition("content-length: ")[2].partition("\r\n")[0] or 0)
            if len(self.received) < end + 4 + length:
                return
            method, path, _rest = self.received[:end].decode("latin-1").split(" ", 2)
            body = bytes(self.received[end + 4 : end + 4 + length])
            del self.received[: end + 4 + length]
            self.transport.write(self.answer(method, path, body))


def _json(body: Any, status: int = 200) -> bytes:
    return _whole(json.dumps(body, separators=(",", ":")).encode(), "application/json", status)


def _whole(content: bytes, kind: str, status: int = 200) -> bytes:
    return HEAD.format(status, formatdate(usegmt=True), len(content), kind).encode() + content


def draw(pixels: int) -> bytes:
    """A JPEG of that width and height, as hard to decode as a photograph."""
    from PIL import Image, ImageFilter

    noise = Image.effect_noise((pixels, pixels), 60).filter(ImageFilter.GaussianBlur(1.5))
    picture = Image.merge(
        "RGB", (noise, Image.linear_gradient("L").resize(noise.size), noise.transpose(Image.Transpose.ROTATE_90))
    )
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=90)
    return file.getvalue()


async def serve(books: Books) -> None:
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(books.answer), "127.0.0.1", 0, backlog=1000
    )
    books.base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    meter.tell(lambda: {"polls": books.polls}, url=books.base)
    await server.serve_forever()


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="bench.provider", description=__doc__)
    parser.add_argument("--run-seconds", type=float, nargs=2, default=[3, 3], metavar=("FROM", "TO"))
    parser.add_argument("--pixels", type=int, default=256)
    given = parser.parse_args(arguments)
    asyncio.run(serve(Books(given.run_seconds, draw(given.pixels))))


if __name__ == "__main__":
    main(sys.argv[1:])
