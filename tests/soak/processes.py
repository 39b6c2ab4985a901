"""The service's processes: started, watched as a process manager would, killed."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
from django.conf import settings

from jobs.management.commands.up import Command as Up
from tests.processes import family, kill, wait_until

from .places import Place

START_SECONDS = 60
SANDBOX = ["--queue-seconds", "0.2", "--run-seconds", "0.3", "--slots", "8"]


class Part:
    """One process and all that it started, on a machine of that name."""

    def __init__(self, command: list[str], place: Place, machine: str):
        self.command, self.place, self.disk = command, place, place.disk(machine)
        self.start()

    def start(self) -> None:
        with self.place.log.open("ab") as sink:
            self.process = subprocess.Popen(
                self.command,
                cwd=settings.BASE_DIR,
                env={**os.environ, **self.place.environment, "VAR_DIR": str(self.disk)},
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

    def __init__(self, place: Place, clusters: int):
        self.place, self.clusters = place, clusters
        self.provider = httpx.Client(base_url=settings.RUNCOMFY_BASE_URL, trust_env=False, timeout=30)

    def __enter__(self) -> "House":
        try:
            self.sandbox = Part([sys.executable, "-m", "sandbox", *SANDBOX], self.place, "provider")
            wait_until(self._has_sandbox, START_SECONDS)
            self.web = Part(Up()._commands()["web"], self.place, "web")
            self.workers = [self._worker(f"worker-{number}") for number in range(1, self.clusters + 1)]
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *problem: object) -> None:
        self.provider.close()
        wait_until(lambda: not [kill(pid) for pid in everyone(self.place.folder)], START_SECONDS)

    def _worker(self, machine: str) -> Part:
        return Part([sys.executable, "manage.py", "worker"], self.place, machine)

    def lose(self, part: Part) -> list[int]:
        """The machine of `part` burns down: all that ran there ends at once, and its disk is gone."""
        lost = everyone(part.disk)
        wait_until(lambda: not [kill(pid) for pid in everyone(part.disk)], START_SECONDS)
        shutil.rmtree(part.disk, ignore_errors=True)  # it may have been lost before it was there
        return lost

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
    """All that was started for this folder or one in it, also what lost its parent: the environment tells."""
    mark, found = re.compile(rf"(^|\0)VAR_DIR={re.escape(str(folder))}[/\0]".encode()), []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            if mark.search((entry / "environ").read_bytes()):
                found.append(int(entry.name))
        except OSError:
            continue  # another user's, or just ended
    return found
