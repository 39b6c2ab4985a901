"""`manage.py restore FOLDER`: a back-up into an empty database."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from jobs import backup


class Command(BaseCommand):
    help = "Restore a back-up into an empty database, and the stored files. Stop the service first."
    requires_system_checks: list[str] = []  # some ask the database, which is empty

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            copied, unconfirmed = backup.restore(options["folder"])
        except (backup.Impossible, OSError) as problem:
            raise CommandError(str(problem)) from None
        self.stdout.write(f"Restored the database and {copied} files.")
        if unconfirmed:
            self.stdout.write(
                f"{unconfirmed} edits that had not been sent when the back-up was made may have been sent since. They "
                "are unconfirmed: decide about each on its page, with RunComfy's list of generations beside you."
            )
        self.stdout.write("`manage.py verify_store` compares every file with its row.")
