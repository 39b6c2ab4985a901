"""`manage.py demo`: the whole way of one edit through the REST API, in a throw-away database, against the sandbox."""

import contextlib
import hashlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import httpx
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from jobs import pictures, seedream

PROMPT = "Make 4 images: put the sun of image 2 over the hills of image 1, from dawn to dusk."
SIZE, COUNT = "2304:1728 (4:3)", 4
DEADLINE_SECONDS = 90
STATES = ["pending", "submitting", "in_queue", "in_progress", "mirroring", "completed"]


class Command(BaseCommand):
    help = "Start the service in a throw-away folder, edit two pictures through the API, and check what was stored."

    def handle(self, *args: Any, **options: Any) -> None:
        folder = Path(tempfile.mkdtemp(prefix="seedream-demo-"))
        port, sandbox_port = _free_ports(2)
        address = f"http://127.0.0.1:{port}"
        environment = _environment(folder, port, sandbox_port)
        with _service(environment, folder / "log.txt"):
            token = _manage(environment, "create_token", "admin", "demo")
            with httpx.Client(
                base_url=f"{address}/api/v1/", headers={"Authorization": f"Bearer {token}"}, trust_env=False, timeout=30
            ) as api:
                job = _follow(api, _submit(api))
                self._show(api, job, folder)
        self.stdout.write(f"Everything is in {folder}; delete it when you like.")

    def _show(self, api: httpx.Client, job: dict[str, Any], folder: Path) -> None:
        """Print what was stored, and fail unless each file is there, whole, and of the size that was asked for."""
        table = Table("file", "size", "bytes", "sha256")
        for output in job["outputs"]:
            path = _stored_path(folder, output)
            if hashlib.sha256(api.get(output["url"]).content).hexdigest() != output["sha256"]:
                raise CommandError(f"The API delivers other bytes than {path} holds.")
            if (output["width"], output["height"]) != seedream.pixels(SIZE):
                raise CommandError(f"{path} is {output['width']} × {output['height']}, not {SIZE}.")
            table.add_row(str(path), f"{output['width']} × {output['height']}", str(output["size"]), output["sha256"])
        if len(job["outputs"]) != COUNT:
            raise CommandError(f"{len(job['outputs'])} pictures were stored instead of {COUNT}.")
        console = Console(width=None if sys.stdout.isatty() else 220)
        console.print(table)
        console.print(f"Estimated ${job['estimate_usd']}, charged ${job['cost_usd']}: {job['request_id']}")


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def _environment(folder: Path, port: int, sandbox_port: int) -> dict[str, str]:
    """The embedded defaults in `folder`, whatever the real service here is set to."""
    mine = dict.fromkeys(("DATABASE_URL", "REDIS_URL", "S3_BUCKET", "RUNCOMFY_API_TOKEN", "RUNCOMFY_TOKEN"), "")
    mine |= {"RUNCOMFY_BASE_URL": f"http://127.0.0.1:{sandbox_port}", "PUBLIC_BASE_URL": f"http://127.0.0.1:{port}"}
    mine |= {"VAR_DIR": str(folder), "DATABASE_URL": f"sqlite:///{folder / 'desk.sqlite3'}", "HOST": "127.0.0.1"}
    mine |= {"PORT": str(port), "SANDBOX_PORT": str(sandbox_port), "ADMIN_USERNAME": "admin", "ADMIN_PASSWORD": ""}
    return {**os.environ, **mine}


@contextlib.contextmanager
def _service(environment: dict[str, str], log: Path) -> Iterator[None]:
    with log.open("wb") as sink:
        process = _start(environment, sink)
        try:
            _wait_until_ready(process, log)
            yield
        finally:
            process.terminate()
            process.wait(timeout=60)


def _start(environment: dict[str, str], sink: BinaryIO) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, sys.argv[0], "up"], env=environment, stdout=sink, stderr=sink)


def _wait_until_ready(process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if "Seedream Desk is ready" in log.read_text():
            return
        time.sleep(0.2)
    raise CommandError(f"The service did not start:\n{log.read_text()}")


def _manage(environment: dict[str, str], *arguments: str) -> str:
    command = [sys.executable, sys.argv[0], *arguments]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.strip()


def _submit(api: httpx.Client) -> dict[str, Any]:
    files = {
        "images[0]": ("hills.png", pictures.draw_landscape(), "image/png"),
        "images[1]": ("sun.png", pictures.draw_landscape(is_evening=True), "image/png"),
    }
    fields = {"text": PROMPT, "image_size": SIZE, "sequential_image_generation_options": str(COUNT), "seed": "7"}
    response = api.post("jobs/", data=fields, files=files)
    if response.status_code != 201:
        raise CommandError(f"The API refused the edit: {response.text}")
    return response.json()


def _follow(api: httpx.Client, job: dict[str, Any]) -> dict[str, Any]:
    columns = (TextColumn("{task.description:12}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns) as progress:
        bar = progress.add_task("pending", total=len(STATES) - 1)
        deadline = time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() < deadline and job["finished_at"] is None:
            time.sleep(0.3)
            job = api.get(job["url"]).raise_for_status().json()
            at = STATES.index(job["state"]) if job["state"] in STATES else 0
            progress.update(bar, completed=at, description=job["state"])
    if job["state"] != "completed":
        raise CommandError(f"The job ended as {job['state']}: {job['reason_text']} {job['provider_words']}")
    return job


def _stored_path(folder: Path, output: dict[str, Any]) -> Path:
    """Where the file lies, after reading it there and comparing its hash."""
    for path in (folder / "media" / "outputs").rglob(f"{output['sha256']}.*"):
        if hashlib.sha256(path.read_bytes()).hexdigest() == output["sha256"]:
            return path
    raise CommandError(f"The file of output {output['position'] + 1} is not in the store.")
