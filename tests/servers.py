"""A provider that misbehaves on the wire: a real server on a real socket, told what to do with each request."""

import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

DEADLINE = 10.0
TLS_HELLO = b"\x16"


@dataclass(frozen=True)
class Request:
    """What a client sent; header names are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes = field(repr=False)

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Exchange:
    """One request and the connection that it came on. `is_over` once the connection takes no other."""

    request: Request
    socket: socket.socket
    closing: threading.Event
    is_over: bool = False

    def send(self, data: bytes) -> None:
        # The short time-out is for reading; on a busy machine ten megabytes take longer.
        reading = self.socket.gettimeout()
        self.socket.settimeout(DEADLINE)
        self.socket.sendall(data)
        self.socket.settimeout(reading)

    def wait(self, seconds: float | None = None) -> None:
        """Do nothing for that long, or until the server ends."""
        self.closing.wait(seconds)


Behaviour = Callable[[Exchange], None]


def head(status: int, headers: dict[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} Reason", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def answer(status: int = 200, body: Any = b"", **headers: str) -> Behaviour:
    """An HTTP answer; what is no bytes becomes JSON. `retry_after="5"` is the header Retry-After."""
    is_json = not isinstance(body, bytes)
    content = json.dumps(body).encode() if is_json else body
    named = {"Content-Type": "application/json" if is_json else "application/octet-stream"}
    named |= {name.replace("_", "-").title(): value for name, value in headers.items()}
    named.setdefault("Content-Length", str(len(content)))
    return lambda exchange: exchange.send(head(status, named) + content)


def page(status: int = 200) -> Behaviour:
    return answer(status, b"<html><body>Bad gateway</body></html>", content_type="text/html")


def reset(exchange: Exchange) -> None:
    """RST instead of an answer."""
    exchange.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    exchange.is_over = True


def drop(exchange: Exchange) -> None:
    """A clean end instead of an answer."""
    exchange.is_over = True


def hang(exchange: Exchange) -> None:
    exchange.wait()
    exchange.is_over = True


def hang_in_body(exchange: Exchange) -> None:
    exchange.send(head(200, {"Content-Type": "application/json", "Content-Length": "100"}) + b'{"request_id": ')
    hang(exchange)


def cut(body: bytes, announced: int | None = None) -> Behaviour:
    """Announce more than comes, then end the connection."""

    def behave(exchange: Exchange) -> None:
        exchange.send(head(200, {"Content-Length": str(announced or len(body) + 100)}) + body)
        exchange.is_over = True

    return behave


def chunked(chunk: bytes, times: int) -> Behaviour:
    """A body whose length is not announced; the reader may leave at any time."""

    def behave(exchange: Exchange) -> None:
        exchange.send(head(200, {"Transfer-Encoding": "chunked"}))
        for _ in range(times):
            exchange.send(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
        exchange.send(b"0\r\n\r\n")

    return behave


def trickle(exchange: Exchange) -> None:
    """A byte now and then, for ever: no time-out that is for each byte ever strikes."""
    exchange.send(head(200, {"Content-Length": "100000"}))
    while not exchange.closing.is_set():
        exchange.send(b" ")
        exchange.wait(0.1)


def raw(data: bytes) -> Behaviour:
    def behave(exchange: Exchange) -> None:
        exchange.send(data)
        exchange.is_over = True

    return behave


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """One after the other; the last one stays."""
    left = list(behaviours)

    def behave(exchange: Exchange) -> None:
        behaviour = left.pop(0) if len(left) > 1 else left[0]
        behaviour(exchange)

    return behave


def by_path(**behaviours: Behaviour) -> Behaviour:
    """`by_path(a=…)` answers at /a; 404 elsewhere."""

    def behave(exchange: Exchange) -> None:
        name = exchange.request.path.partition("?")[0].removeprefix("/")
        behaviours.get(name, answer(404))(exchange)

    return behave


class Server:
    """Behaves as told on a port of its own, each connection in its own thread, and remembers every request."""

    def __init__(self, behaviour: Behaviour, tls: ssl.SSLContext | None = None):
        self.behaviour, self.requests, self.connections = behaviour, list[Request](), 0
        self._tls, self._closing = tls, threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=200)
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.url = f"{'https' if tls else 'http'}://{self.address}"
        self._threads[0].start()

    def close(self) -> None:
        self._closing.set()
        # Closing alone does not wake a thread that waits in accept().
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(DEADLINE)

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                connection, _address = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=[connection], daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(0.05)
        try:
            if self._tls:
                connection = self._tls.wrap_socket(connection, server_side=True)
            with connection:
                while self._exchange(connection):
                    pass
        except OSError:
            connection.close()  # the client went away, or did not like our certificate

    def _exchange(self, connection: socket.socket) -> bool:
        request = self._read(connection)
        if request is None:
            return False
        self.requests.append(request)
        exchange = Exchange(request, connection, self._closing)
        self.behaviour(exchange)
        return not exchange.is_over

    def _read(self, connection: socket.socket) -> Request | None:
        received = self._read_until(connection, b"", lambda data: b"\r\n\r\n" in data or data[:1] == TLS_HELLO)
        top, _, rest = received.partition(b"\r\n\r\n")
        if not top or top[:1] == TLS_HELLO:
            return None
        first, *lines = top.decode("latin-1").split("\r\n")
        method, path, _version = first.split(" ")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        length = int(headers.get("content-length", 0))
        return Request(method, path, headers, self._read_until(connection, rest, lambda data: len(data) >= length))

    def _read_until(self, connection: socket.socket, data: bytes, is_whole: Callable[[bytes], bool]) -> bytes:
        while not is_whole(data) and not self._closing.is_set():
            try:
                more = connection.recv(65536)
            except TimeoutError:
                continue
            if not more:
                return b""
            data += more
        return b"" if self._closing.is_set() else data


@contextmanager
def serving(behaviour: Behaviour = drop, tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    server = Server(behaviour, tls)
    try:
        yield server
    finally:
        server.close()
