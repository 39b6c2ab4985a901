"""`python -m bench.mirroring [--quick]`: the memory of a driver that stores 15 pictures of 8 MB of one job, beside that
of one that has just stored small ones; 1 when over the budget.

The driver is the real one, in a process of its own, on a database and a store of its own; the pictures come over HTTP
from this process. Each picture is as large as the model's largest, 2048 × 2048.
"""

import argparse
import io
import os
import subprocess
import sys
import tempfile
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from PIL import Image

from bench import memory
from bench.fill import start_django
from bench.lines import Line, measured, show

PICTURES, BYTES, SIDE = 15, 8 * memory.MB, 2048
BUDGET = 20.0
SMALL = 64, 64


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="bench.mirroring", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="JPEG only")
    parser.add_argument("--drive", default="", metavar="FORMAT", help="be the driver, and print what it held")
    given = parser.parse_args(arguments)
    if given.drive:
        start_django()
        sys.stdout.write(_drive(given.drive))
        return 0
    return show([_line(format) for format in (["JPEG"] if given.quick else ["JPEG", "PNG"])])


def _line(format: str) -> Line:
    with _serving(format) as address, tempfile.TemporaryDirectory() as folder:
        own = {"VAR_DIR": folder, "DATABASE_URL": "", "REDIS_URL": "", "RUNCOMFY_BASE_URL": address}
        command = [sys.executable, "-m", "bench.mirroring", "--drive", format]
        child = subprocess.run(command, check=True, stdout=subprocess.PIPE, env={**os.environ, **own})
    idle, most = map(float, child.stdout.split())
    what = f"memory of a worker that mirrors {PICTURES} × {BYTES // memory.MB} MB, {format}"
    return measured(what, most, idle, "MB", most - idle, BUDGET, of="MB")


# The pictures


def _large(format: str) -> bytes:
    """Grain as far as it takes to be of BYTES, and plain after it."""
    if format == "PNG":
        rows = BYTES // (3 * SIDE)
        picture = Image.new("RGB", (SIDE, SIDE), "teal")
        picture.paste(Image.frombytes("RGB", (SIDE, rows), os.urandom(3 * SIDE * rows)))
        return _saved(picture, format)
    grain = Image.frombytes("RGB", (SIDE, SIDE), os.urandom(3 * SIDE * SIDE))
    return min((_saved(grain, format, quality=q) for q in range(75, 100, 3)), key=lambda data: abs(len(data) - BYTES))


def _saved(picture: Image.Image, format: str, **options: int) -> bytes:
    file = io.BytesIO()
    picture.save(file, format, **options)
    return file.getvalue()


@contextmanager
def _serving(format: str) -> Iterator[str]:
    """/large/3 and /small/3: each number's file has other bytes."""
    files = {"large": _large(format), "small": _saved(Image.new("RGB", SMALL), format)}

    class Files(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            _root, kind, number = self.path.split("/")
            body = files[kind] + number.encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_told: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Files) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


# The driver


def _drive(format: str) -> str:
    """Megabytes after a job of small pictures, and at the most during one of large ones."""
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    _store("small")
    idle = memory.resident()
    memory.forget_peak()
    _store("large")
    return f"{idle} {memory.peak()}"


def _store(kind: str) -> None:
    from django.conf import settings
    from django.contrib.auth.models import User

    from jobs import drive
    from jobs.models import Job
    from jobs.states import State

    urls = [f"{settings.RUNCOMFY_BASE_URL}/{kind}/{number}" for number in range(PICTURES)]
    job = Job.objects.create(
        owner=User.objects.get_or_create(username="bench")[0],
        text="Make 15 images.",
        sequential_image_generation_options=PICTURES,
        image_size="2048:2048 (1:1)",
        optimize_prompt_options="standard",
        sequential_image_generation="auto",
        state=State.MIRRORING,
        request_id=str(uuid.uuid4()),
        result={"output": {"images": urls}},
    )
    drive.drive()
    if job.outputs.count() != PICTURES:
        raise RuntimeError(f"Only {job.outputs.count()} of {PICTURES} pictures were stored.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
