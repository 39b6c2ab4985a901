"""The two who answer the same client: RunComfy's stand-in, and this service with a driver behind it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pytest
from django.db import connections

from jobs.models import ApiToken
from tests.conftest import Sandbox
from tests.dropin.client import Client
from tests.processes import wait_until


@dataclass
class Desk:
    """`go_on` lets requests that were taken move; until then they wait."""

    base: str
    token: str = field(repr=False)
    sandbox: Sandbox
    go_on: Callable[[], None]
    opened: ExitStack

    @cached_property
    def client(self) -> Client:
        return self.client_with(self.token)

    def client_with(self, token: str) -> Client:
        client = Client(self.base, token)
        self.opened.enter_context(client.http)
        return client

    def until(self, request_id: str, *words: str) -> None:
        wait_until(lambda: self.client.status(request_id).body["status"] in words)


@pytest.fixture
def theirs(sandbox: Sandbox) -> Iterator[Desk]:
    with ExitStack() as opened:
        yield Desk(sandbox.url, "sandbox-token", sandbox, lambda: None, opened)


@pytest.fixture
def ours(sandbox: Sandbox, live_server: Any, alice: Any, driver: threading.Thread, settings: Any) -> Iterator[Desk]:
    settings.RUNCOMFY_ACCOUNT_URL = sandbox.url
    _row, token = ApiToken.objects.create(user=alice, name="drop-in")
    with ExitStack() as opened:
        yield Desk(live_server.url, token, sandbox, driver.start, opened)


@pytest.fixture
def driver(drive_all: Callable[[], None], settings: Any) -> Iterator[threading.Thread]:
    """Drivers one after the other in the background, once it is started."""
    settings.DRIVE_SECONDS = 0.5
    over = threading.Event()

    def work() -> None:
        while not over.wait(0.05):
            drive_all()
        connections.close_all()

    thread = threading.Thread(target=work)
    yield thread
    over.set()
    if thread.ident:
        thread.join()
