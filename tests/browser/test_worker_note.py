"""A page that stays open says that the worker is stuck, and takes it back, without being loaded again."""

import os
import signal

import pytest
from playwright.sync_api import expect

from tests.processes import family

from .desk import desk
from .visits import Visits

STOPPED = "The worker does not run: edits wait. Ask an administrator."


@pytest.fixture
def own(browser):
    """A service of its own: the other tests need their worker. It is late after 15 s."""
    with desk(WORKER_STALE_SECONDS="20") as service:
        yield service


@pytest.fixture
def worker(own):
    """Its processes, which go on at the end whatever happened."""
    command = next(pid for pid in family(own.service.process.pid) if is_worker(pid))
    pids = family(command)
    yield pids
    tell(pids, signal.SIGCONT)


def is_worker(pid):
    with open(f"/proc/{pid}/cmdline", "rb") as file:
        return file.read().endswith(b"\0worker\0") and b"python" in os.readlink(f"/proc/{pid}/exe").encode()


def tell(pids, number):
    for pid in pids:
        os.kill(pid, number)


def test_open_page_tells_of_a_worker_that_is_stuck_and_takes_it_back(browser, own, worker):
    visits = Visits(browser, own)
    page = visits("/new/")
    note = page.locator("#worker-note")
    page.locator("#id_text").fill("Typed while the worker gets stuck.")
    expect(note).to_be_empty()
    tell(worker, signal.SIGSTOP)
    expect(note).to_have_text(STOPPED, timeout=60_000)
    tell(worker, signal.SIGCONT)
    expect(note).to_be_empty(timeout=60_000)
    expect(page.locator("#id_text")).to_have_value("Typed while the worker gets stuck.")
    visits.close()
    assert visits.problems == []
