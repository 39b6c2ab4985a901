"""A throw-away home for one soak: its folder, its database, its Redis database, its bucket, its ports."""

import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import redis

from tests import s3
from tests.matrix import POSTGRES, REDIS

DATABASES, FILES = ("sqlite", "postgres"), ("folder", "s3")
REDIS_NUMBER, BUCKET = 8, "soak"
QUICK = {
    "LEASE_SECONDS": "3",
    "DRIVE_SECONDS": "5",
    "WORKER_STALE_SECONDS": "8",
    "QUEUE_WORKERS": "2",
    "WEB_WORKERS": "2",
    "RUNCOMFY_POLL_SECONDS": "0.3",
    "RUNCOMFY_SUBMIT_TIMEOUT": "5",
    "RUNCOMFY_READ_TIMEOUT": "5",
    "OUTPUT_TIMEOUT": "10",
    # By URL, RunComfy would fetch the pictures from the web process that is killed, and edits would fail for that.
    "INPUT_DELIVERY": "data",
}
UNSET = ("RUNCOMFY_API_TOKEN", "RUNCOMFY_TOKEN", "RUNCOMFY_BASE_URL", "S3_BUCKET", "REDIS_URL", "DEBUG", "TIME_ZONE")


@dataclass
class Place:
    """`has_own_disks` says that its machines share no disk."""

    folder: Path
    environment: dict[str, str]
    has_own_disks: bool = False
    is_kept: bool = False

    def disk(self, machine: str) -> Path:
        return self.folder / machine if self.has_own_disks else self.folder

    @property
    def log(self) -> Path:
        return self.folder / "log.txt"


@contextmanager
def place(database: str, settings: Mapping[str, str] = QUICK, files: str = "folder") -> Iterator[Place]:
    with ExitStack() as stack:
        here = Place(Path(tempfile.mkdtemp(prefix="seedream-soak-")), {}, has_own_disks=files == "s3")
        stack.callback(_leave, here)
        here.environment = _environment(here.folder, settings)
        if database == "postgres":
            here.environment["DATABASE_URL"] = stack.enter_context(_postgres())
            here.environment["REDIS_URL"] = stack.enter_context(_redis())
        if files == "s3":
            address = stack.enter_context(s3.serving())
            s3.new_bucket(address, BUCKET)
            here.environment |= s3.environment(address, BUCKET)
        yield here


def _leave(here: Place) -> None:
    if here.is_kept:
        sys.stdout.write(f"The files and the log of this soak are kept in {here.folder}\n")
    else:
        shutil.rmtree(here.folder)


def _environment(folder: Path, settings: Mapping[str, str]) -> dict[str, str]:
    port, sandbox_port = _free_ports(2)
    return {
        **dict.fromkeys(UNSET, ""),
        **settings,
        "DEBUG": "false",
        "TIME_ZONE": "UTC",
        "DJANGO_SETTINGS_MODULE": "seedream_site.settings",
        "READ_DOT_ENV": "false",
        "SECRET_KEY": "soak-0123456789-abcdefghijklmnopqrstuvwxyz-0123456789",
        "VAR_DIR": str(folder),
        "DATABASE_URL": f"sqlite:///{folder / 'desk.sqlite3'}",
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "PUBLIC_BASE_URL": f"http://127.0.0.1:{port}",
        "SANDBOX_PORT": str(sandbox_port),
    }


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [probe.getsockname()[1] for probe in probes]


@contextmanager
def _postgres() -> Iterator[str]:
    server, name = POSTGRES.rsplit("/", 1)[0], f"seedream_soak_{os.getpid()}"
    _on_server(server, f"CREATE DATABASE {name}")
    try:
        yield f"{server}/{name}"
    finally:
        _on_server(server, f"DROP DATABASE {name} WITH (FORCE)")


def _on_server(server: str, statement: str) -> None:
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(statement)


@contextmanager
def _redis() -> Iterator[str]:
    address = f"{REDIS.rsplit('/', 1)[0]}/{REDIS_NUMBER}"
    with redis.Redis.from_url(address) as client:
        if client.dbsize():
            raise SystemExit(f"{address} is in use. If it is only left over: redis-cli -n {REDIS_NUMBER} flushdb")
        try:
            yield address
        finally:
            client.flushdb()
