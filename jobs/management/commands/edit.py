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
from jobs.models import Job
from jobs.states import State

STEPS = [State.PENDING, State.SUBMITTING, State.IN_QUEUE, State.IN_PROGRESS, State.MIRRORING, State.COMPLETED]
LOOK_SECONDS = 0.5


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
        job = self._start(options)
        self._follow(job)
        if job.state != State.COMPLETED:
            why = f"{job.get_reason_display()} {lifecycle.provider_words(job)}".strip()
            raise CommandError(f"{job.get_state_display()}: {why} (job {job.pk})")
        for path in _saved(job, options["output"]):
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
            bar = progress.add_task("", total=len(STEPS) - 1)
            while True:
                at = STEPS.index(State(job.state)) if job.state in STEPS else None
                progress.update(
                    bar, completed=at, description=str(job.get_trouble_display() or job.get_state_display())
                )
                if not job.is_active or job.state == State.UNCONFIRMED:
                    return
                time.sleep(LOOK_SECONDS)
                job.refresh_from_db()


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
