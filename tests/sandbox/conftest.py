import http.server
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest

from tests.sandbox.caller import TOKEN, Caller, picture


@contextmanager
def running(*arguments: str) -> Iterator[str]:
    """Run a sandbox of its own process and give its address."""
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--token", TOKEN, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1]
        process.terminate()


@contextmanager
def called(address: str) -> Iterator[Caller]:
    caller = Caller(address)
    with closing(caller.http):
        caller.http.post("/sandbox/reset").raise_for_status()
        yield caller


@pytest.fixture(scope="session")
def fast_address() -> Iterator[str]:
    with running("--queue-seconds", "0.05", "--run-seconds", "0.05") as address:
        yield address


@pytest.fixture(scope="session")
def slow_address() -> Iterator[str]:
    with running("--queue-seconds", "0", "--run-seconds", "60", "--slots", "1") as address:
        yield address


@pytest.fixture
def caller(fast_address: str) -> Iterator[Caller]:
    """A sandbox whose requests end at once, with nothing in it."""
    with called(fast_address) as fresh:
        yield fresh


@pytest.fixture
def slow_caller(slow_address: str) -> Iterator[Caller]:
    """A sandbox with one slot whose requests run for a minute, with nothing in it."""
    with called(slow_address) as fresh:
        yield fresh


class Files(http.server.BaseHTTPRequestHandler):
    """Serves one picture at every path but /missing, and keeps the headers it was asked with."""

    asked: list[dict[str, str]]

    def do_GET(self) -> None:
        self.asked.append({name.lower(): value for name, value in self.headers.items()})
        content = b"" if self.path == "/missing" else picture()
        self.send_response(200 if content else 404)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Keep the tests' output clean."""


@pytest.fixture
def files() -> Iterator[tuple[Callable[[str], str], list[dict[str, str]]]]:
    """A file server: a function from a path to its URL, and the headers of every request so far."""
    handler = type("Handler", (Files,), {"asked": []})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield (lambda path: f"http://127.0.0.1:{server.server_port}{path}"), handler.asked
        server.shutdown()
        thread.join()
