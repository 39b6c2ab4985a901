"""`manage.py edit IMAGE… --prompt …`: one edit of this installation, followed to its end, its outputs in a folder."""

import os
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from jobs import intake, lifecycle, seedream, store
from jobs.models import Heartbeat, Job
from jobs.states import State

STEPS = [State.PENDING, State.SUBMITTING, State.IN_QUEUE, State.IN_PROGRESS, State.MIRRORING, State.COMPLETED]
LOOK_SECONDS, PATIENT_SECONDS = 0.5, 5.0
INTERRUPTED = 130  # what shells say of a program that Ctrl-C ended
NO_WORKER = "No worker seems to be running, so the edit waits. Start one: `manage.py up` or `manage.py worker`."


class Command(BaseCommand):
    help = (
        "Edit pictures, wait, and save what was made into a folder. The worker of this installation does the work: "
        "`manage.py up` or `manage.py worker` must be running. Ctrl-C ends the waiting, not the edit."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        ratios = ", ".join(map(seedream.ratio, seedream.IMAGE_SIZES))
        parser.add_argument("images", nargs="+", metavar="IMAGE", help="a file, an https link, or output: and its id")
        parser.add_argument("--prompt", required=True)
        parser.add_argument("--count", dest="sequential_image_generation_options", help="images to make at most")
        parser.add_argument("--size", dest="image_size", type=_size, help=f"a size of the model, or {ratios}")
        parser.add_argument("--seed")
        parser.add_argument("--quality", dest="optimize_prompt_options", help="fast or standard")
        parser.add_argument("--user", default=settings.ADMIN_USERNAME, help="whose edit it is (%(default)s)")
        parser.add_argument("--output", type=Path, default=Path(), help="the folder for the outputs (the present one)")

    def handle(self, *args: Any, **options: Any) -> None:
        _check_folder(options["output"])
        job = None
        try:
            job = self._start(options)
            self._finish(job, options["output"])
        except KeyboardInterrupt:
            raise CommandError(_left(job), returncode=INTERRUPTED) from None

    def _finish(self, job: Job, folder: Path) -> None:
        self._follow(job)
        if job.state != State.COMPLETED:
            said = [job.get_state_display(), job.get_reason_display(), lifecycle.provider_words(job), f"(job {job.pk})"]
            raise CommandError(" ".join(filter(None, said)))
        for path in _saved(job, folder):
            self.stdout.write(str(path))

    def _start(self, options: dict[str, Any]) -> Job:
        user = get_user_model().objects.filter(username=options["user"]).first()
        if user is None:
            raise CommandError(f"There is no user named {options['user']}.")
        try:
            parameters = seedream.clean_parameters({**options, "text": options["prompt"]})
            return lifecycle.create(user, parameters, intake.take([_image(word) for word in options["images"]], user))
        except seedream.InvalidInput as problem:
            told = [f"{field}: {message}" for field, messages in problem.errors.items() for message in messages]
            raise CommandError("\n".join(told)) from None

    def _follow(self, job: Job) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        with Progress(*columns, console=Console(stderr=True)) as progress:
            bar, begun, is_told = progress.add_task("", total=len(STEPS) - 1), time.monotonic(), False
            while True:
                at = STEPS.index(State(job.state)) if job.state in STEPS else None
                progress.update(
                    bar, completed=at, description=str(job.get_trouble_display() or job.get_state_display())
                )
                if not job.is_active or job.state == State.UNCONFIRMED:
                    return
                if not is_told and time.monotonic() - begun > PATIENT_SECONDS and not Heartbeat.of_a_worker():
                    is_told = True
                    progress.console.print(NO_WORKER, markup=False, highlight=False, soft_wrap=True)
                time.sleep(LOOK_SECONDS)
                job.refresh_from_db()


def _left(job: Job | None) -> str:
    """What becomes of the edit when nobody waits for it here."""
    if job is None:
        return "Interrupted before the edit was accepted."
    page = settings.PUBLIC_BASE_URL + job.get_absolute_url()
    return f"Not waiting any more. Job {job.pk} was not cancelled: {page}"


def _check_folder(folder: Path) -> None:
    """Before the edit is paid for."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise CommandError(f"The outputs cannot be saved in {folder}: {problem.strerror}.") from None
    if not os.access(folder, os.W_OK):
        raise CommandError(f"The outputs cannot be saved in {folder}: it cannot be written to.")


def _size(word: str) -> str:
    return next((size for size in seedream.IMAGE_SIZES if seedream.ratio(size) == word), word)


def _image(word: str) -> Any:
    if word.lower().startswith(("https://", "http://", intake.OUTPUT)):
        return word
    path = Path(word)
    if not path.is_file():
        raise CommandError(f"There is no file {path}.")
    return SimpleUploadedFile(path.name, path.read_bytes())


def _saved(job: Job, folder: Path) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    outputs = {folder / f"seedream-{job.pk}-{row.position + 1}.{row.extension}": row for row in job.outputs.all()}
    for path, output in outputs.items():
        path.write_bytes(store.read(str(output.file.name)))
    return list(outputs)
