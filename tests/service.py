"""`manage.py up` as a user runs it: real processes, a folder and ports of their own. Knows nothing of Django."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from .processes import wait_until

ROOT = Path(__file__).resolve().parent.parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Service:
    """The service in `folder`, as the leader of its process group, as a shell would start it."""

    def __init__(self, folder: Path, **more: str):
        self.port, self.log = free_port(), folder / "log.txt"
        own = {"VAR_DIR": str(folder), "PORT": str(self.port), "SANDBOX_PORT": str(free_port())}
        own |= {"DATABASE_URL": "", "REDIS_URL": "", "S3_BUCKET": ""}
        self.environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "seedream_site.settings", **own, **more}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("wb") as sink:
            command = [sys.executable, "manage.py", "up"]
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=self.environment, stdout=sink, stderr=sink, start_new_session=True
            )

    def ready(self) -> str:
        self.start()
        wait_until(lambda: "is ready" in self.log.read_text() or self.process.poll() is not None, 60)
        return self.log.read_text()

    def interrupt(self) -> int:
        """Ctrl-C: the terminal sends it to the whole group."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(timeout=60)

    def manage(self, *arguments: str) -> str:
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(
            command, cwd=ROOT, env=self.environment, check=True, capture_output=True, text=True
        ).stdout.strip()
