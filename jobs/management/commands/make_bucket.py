"""`manage.py make_bucket`: for a store that begins empty, such as the one of compose.yaml."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from jobs import store


class Command(BaseCommand):
    help = "Make the bucket that S3_BUCKET names, unless it is there."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.S3_BUCKET:
            raise CommandError("S3_BUCKET is not set: files are in a folder.")
        try:
            is_new = store.make_bucket()
        except OSError as problem:
            raise CommandError(str(problem)) from None
        self.stdout.write(f"The bucket {settings.S3_BUCKET} {'was made' if is_new else 'is there'}.")
