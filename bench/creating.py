"""`python -m bench.creating [--database postgres] [--quick]`: jobs a second by POST /api/v1/jobs/, each with three
pictures that are stored already, against a Django view that inserts one row; 1 when under the budget. Beside it, how
many a view of REST framework makes that asks for the token and the rate, and inserts the rows of such a job.

Each is served by one process of granian on the same database, and they are asked in turn by a few clients at once.
"""

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

import httpx
import psycopg
from PIL import Image

from bench.lines import Line, measured, show
from tests import matrix
from tests.processes import wait_until
from tests.service import free_port

CLIENTS, ROUNDS, SECONDS = 4, 7, 2.0
BUDGET = 0.3
USER = "from django.contrib.auth.models import User; User.objects.create_user('bench')"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="bench.creating", description=__doc__)
    parser.add_argument("--database", default="sqlite", choices=["sqlite", "postgres"])
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args(arguments)
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        address = stack.enter_context(_database(given.database, Path(folder)))
        environment = {**os.environ, **_settings(folder, address)}
        manage("migrate", "--verbosity=0", environment=environment)
        ours = stack.enter_context(_served("seedream_site.wsgi:application", environment))
        bare = stack.enter_context(_served("bench.one_row:application", environment))
        call = _body(ours, environment)
        asked = [(f"{ours}/api/v1/jobs/", *call), (f"{bare}/", {}, b""), (f"{bare}/rows/", *call)]
        mine, one_row, rows = _compare(asked, 1 if given.quick else ROUNDS)
    what = f"POST /api/v1/jobs/ with 3 stored pictures, {given.database}"
    return show(
        [
            measured(what, mine, one_row, "a second", mine / one_row, BUDGET, is_floor=True),
            Line(
                "the same, against a view that only writes such rows",
                *(f"{rate:.4g} a second" for rate in (mine, rows)),
                f"{mine / rows:.3g}",
            ),
        ]
    )


def _settings(folder: str, address: str) -> dict[str, str]:
    redis = {"REDIS_URL": matrix.REDIS if address.startswith("postgres") else ""}
    often = {"API_WRITES_PER_MINUTE": "1000000", "DJANGO_SETTINGS_MODULE": "seedream_site.settings"}
    return {"VAR_DIR": folder, "DATABASE_URL": address, "LOG_LEVEL": "ERROR", **redis, **often}


@contextmanager
def _database(kind: str, folder: Path) -> Iterator[str]:
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'desk.sqlite3'}"
        return
    server, name = matrix.POSTGRES.rsplit("/", 1)[0], f"bench_creating_{os.getpid()}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")  # type: ignore[call-overload]
        try:
            yield f"{server}/{name}"
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[call-overload]


def manage(*command: str, environment: dict[str, str]) -> str:
    run = [sys.executable, "manage.py", *command]
    return subprocess.run(run, check=True, env=environment, stdout=subprocess.PIPE, text=True).stdout.strip()


@contextmanager
def _served(application: str, environment: dict[str, str]) -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--no-ws", "--log-level", "error"]
    command += ["--port", str(port), "--workers", "1", "--blocking-threads", str(CLIENTS), application]
    with subprocess.Popen(command, env=environment) as process:
        try:
            address = f"http://127.0.0.1:{port}"
            wait_until(lambda: _answers(address), 30)
            yield address
        finally:
            process.terminate()


def _answers(address: str) -> bool:
    try:
        return bool(httpx.get(f"{address}/healthz").status_code)
    except httpx.TransportError:
        return False


def _body(address: str, environment: dict[str, str]) -> tuple[dict[str, str], bytes]:
    """The headers and the body of a call that makes a job of three pictures, which are uploaded here."""
    manage("shell", "--no-imports", "-c", USER, environment=environment)
    token = manage("create_token", "bench", "bench", environment=environment)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    files = [("images", (f"{color}.png", _png(color))) for color in ("teal", "navy", "plum")]
    only_token = {"Authorization": headers["Authorization"]}
    answer = httpx.post(f"{address}/api/v1/pictures/", files=files, headers=only_token).raise_for_status()
    images = [picture["id"] for picture in answer.json()["pictures"]]
    return headers, json.dumps({"text": "Make 3 images of these in autumn.", "images": images}).encode()


def _png(color: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (1024, 768), color).save(file, "PNG")
    return file.getvalue()


def _compare(asked: list[tuple[str, dict[str, str], bytes]], rounds: int) -> list[float]:
    """How often a second each is answered: the median of rounds taken in turn."""
    found = [[_rate(*call) for call in asked] for _round in range(rounds)]
    return [median(rates) for rates in zip(*found, strict=True)]


def _rate(url: str, headers: dict[str, str], body: bytes) -> float:
    begun = time.monotonic()
    with ThreadPoolExecutor(CLIENTS) as clients:
        numbers = [clients.submit(_call, url, headers, body, begun + SECONDS) for _client in range(CLIENTS)]
        return sum(number.result() for number in numbers) / (time.monotonic() - begun)


def _call(url: str, headers: dict[str, str], body: bytes, until: float) -> int:
    number = 0
    with httpx.Client(headers=headers) as client:
        while time.monotonic() < until:
            answer = client.post(url, content=body)
            if answer.status_code != 201:
                raise RuntimeError(f"{url} answers {answer.status_code}: {answer.text[:500]}")
            number += 1
    return number


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
