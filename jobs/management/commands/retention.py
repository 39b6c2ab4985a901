"""`manage.py retention`: archive and delete originals by the rules of the settings; `--dry-run` only says which."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.template.defaultfilters import filesizeformat
from django.utils import timezone

from jobs import retention
from jobs.models import Count, Job, Output


class Command(BaseCommand):
    help = "Archive and delete the originals that are due by RETENTION_…, as the worker does once a day."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
        parser.add_argument("--restore", metavar="JOB", help="bring the originals of this job back, inputs included")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["restore"]:
                self._restore(options["restore"])
            elif not retention.rules():
                self.stdout.write("There are no rules: everything is kept. RETENTION_… would set them.")
            elif options["dry_run"]:
                self._show()
            else:
                self._run()
        except OSError as problem:
            raise CommandError(str(problem)) from None
        finally:
            Count.write()

    def _show(self) -> None:
        now = timezone.now()
        for rule in retention.rules():
            files = size = 0
            for row in retention.chosen(rule, now).iterator(chunk_size=500):
                files, size = files + 1, size + row.size
                self.stdout.write(f"would be {rule.act.value}: {_named(row)}, {filesizeformat(row.size)}")
            self.stdout.write(f"{rule}: {files} originals, {filesizeformat(size)}")

    def _run(self) -> None:
        reports, _is_all = retention.run()
        for report in reports:
            for problem in report.skipped:
                self.stdout.write(f"left: {problem}")
            self.stdout.write(f"{report.rule}: {report.files} originals, {filesizeformat(report.size)}")
        retention.remove_leftovers()

    def _restore(self, word: str) -> None:
        try:
            job = Job.objects.filter(pk=word).first()
        except ValidationError:
            job = None
        if job is None:
            raise CommandError(f"There is no job {word}.")
        count, problems = retention.restore(job)
        self.stdout.write(f"Brought back {count} originals of {job.pk}: {job.text[:80]}")
        if problems:
            raise CommandError("\n".join(problems))


def _named(row: retention.Row) -> str:
    """With the jobs that it belongs to: an output's, or all that a picture went into."""
    if isinstance(row, Output):
        return f"output {row.position + 1} of job {row.job_id} ({row.file.name})"
    jobs = row.uses.order_by("job").values_list("job", flat=True).distinct()
    return f"input of jobs {', '.join(map(str, jobs))} ({row.file.name})"
