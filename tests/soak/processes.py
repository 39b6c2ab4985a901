"""The service's processes: started, watched as a process manager would, killed."""

import os
import subprocess
import sys
from pathlib import Path

import httpx
from django.conf import settings

from jobs.management.commands.up import Command as Up
from tests.processes import family, kill, wait_until

from .places import Place

START_SECONDS, WORKERS = 60, 2
SANDBOX = ["--queue-seconds", "0.2", "--run-seconds", "0.3", "--slots", "8"]


class Part:
    """One process and all that it started."""

    def __init__(self, command: list[str], place: Place):
        self.command, self.place = command, place
        self.start()

    def start(self) -> None:
        with self.place.log.open("ab") as sink:
            self.process = subprocess.Popen(
                self.command,
                cwd=settings.BASE_DIR,
                env={**os.environ, **self.place.environment},
                stdout=sink,
                stderr=sink,
                start_new_session=True,  # Ctrl-C is for the soak alone, which then ends the rest
            )

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    def family(self) -> list[int]:
        """Itself first, then its children, then theirs."""
        return family(self.process.pid) if self.is_alive else []


class House:
    """The sandbox (never killed: its books are the truth), the web process and the workers."""

    def __init__(self, place: Place):
        self.place = place
        self.provider = httpx.Client(base_url=settings.RUNCOMFY_BASE_URL, trust_env=False, timeout=30)

    def __enter__(self) -> "House":
        try:
            self.sandbox = Part([sys.executable, "-m", "sandbox", *SANDBOX], self.place)
            wait_until(self._has_sandbox, START_SECONDS)
            self.web = Part(Up()._commands()["web"], self.place)
            self.workers = [Part([sys.executable, "manage.py", "worker"], self.place) for _ in range(WORKERS)]
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *problem: object) -> None:
        self.provider.close()
        wait_until(lambda: not [kill(pid) for pid in everyone(self.place.folder)], START_SECONDS)

    def revive(self) -> None:
        """Start what has ended, as a process manager does."""
        for part in [self.web, *self.workers]:
            if not part.is_alive:
                part.start()

    def strays(self) -> list[int]:
        """Processes that nobody of us watches any more."""
        watched = {pid for part in [self.sandbox, self.web, *self.workers] for pid in part.family()}
        return [pid for pid in everyone(self.place.folder) if pid not in watched]

    def misbehave(self, fault: dict[str, object]) -> None:
        self.provider.post("/sandbox/faults", json={"faults": [fault]}).raise_for_status()

    def behave(self) -> None:
        self.provider.delete("/sandbox/faults").raise_for_status()

    def ledger(self) -> dict[str, dict[str, object]]:
        return self.provider.get("/sandbox/ledger").raise_for_status().json()

    def _has_sandbox(self) -> bool:
        try:
            return self.provider.get("/sandbox/ledger").is_success
        except httpx.TransportError:
            return False


def everyone(folder: Path) -> list[int]:
    """All that was started for this folder, also what lost its parent: the environment tells."""
    mark, found = f"VAR_DIR={folder}".encode(), []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            if mark in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
        except OSError:
            continue  # another user's, or just ended
    return found
