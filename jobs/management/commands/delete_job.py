"""`manage.py delete_job ID`: a job with its files, for good."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from jobs import upkeep
from jobs.models import Job


class Command(BaseCommand):
    help = "Delete a job that has ended, with its events and every file that no other job uses."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            job = Job.objects.filter(pk=options["id"]).first()
        except ValidationError:
            job = None
        if job is None:
            raise CommandError(f"There is no job {options['id']}.")
        try:
            upkeep.delete(job)
        except ValueError as problem:
            raise CommandError(str(problem)) from None
        self.stdout.write(f"Deleted {job.pk}: {job.text[:80]}")
