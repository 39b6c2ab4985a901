"""`manage.py web`: the web server, as the settings say; this process becomes it."""

import os
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

JSON_LOG = settings.BASE_DIR / "deploy" / "granian-log.json"


def web_command(port: int, *more: str) -> list[str]:
    """What starts the web server on that port."""
    command = [sys.executable, "-u", "-m", "granian", "--interface", "wsgi", "--no-ws", "--respawn-failed-workers"]
    command += ["--host", settings.HOST, "--port", str(port), "--workers", str(settings.WEB_WORKERS)]
    command += ["--blocking-threads", str(settings.WEB_THREADS), *more]
    if settings.LOG_FORMAT == "json":
        command += ["--log-config", str(JSON_LOG)]
    return [*command, "seedream_site.wsgi:application"]


class Command(BaseCommand):
    help = "Serve the pages and the API at HOST and PORT, with WEB_WORKERS processes of WEB_THREADS threads."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=settings.PORT, help="instead of PORT, beside another release")

    def handle(self, *args: Any, **options: Any) -> None:
        command = web_command(options["port"])
        os.execv(command[0], command)  # noqa: S606 (signals reach the server itself)
