"""`manage.py backup FOLDER`: the database and the files, while everything runs."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from jobs import backup


class Command(BaseCommand):
    help = "Write the database into FOLDER and copy the stored files that are not there yet. The service may run on."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            copied = backup.back_up(options["folder"])
        except (backup.Impossible, OSError) as problem:
            raise CommandError(str(problem)) from None
        files = "the files are on S3 and stay there" if settings.S3_BUCKET else f"{copied} new files"
        self.stdout.write(f"Backed up to {options['folder']}: the database, {files}.")
