"""`manage.py up`: the whole service under one process manager; what `make run` calls."""

import errno
import secrets
import shlex
import socket
import sys
import threading
import time
from contextlib import suppress
from typing import Any

import honcho.manager
import httpx
import redis
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection

from jobs import idempotency, intake, lifecycle, pictures, seedream
from jobs.models import IdempotencyKey, Job

from .web import web_command

FIRST_PROMPT = "Make 3 images of this landscape: one at dawn, one at sunset, one under the stars."


class Command(BaseCommand):
    help = "Prepare the database, then run web, worker and, without a RunComfy token, the sandbox until Ctrl-C."
    requires_system_checks: list[str] = []  # some ask the database, which is looked at first

    def handle(self, *args: Any, **options: Any) -> None:
        self._check_ports()
        self._check_parts()
        self.check(display_num_errors=True)
        call_command("migrate", verbosity=0)
        if not (settings.STATIC_ROOT / "staticfiles.json").exists():
            call_command("collectstatic", verbosity=0, interactive=False)
        self.administrator = self._first_administrator()
        connection.close()  # the processes to come must not inherit it
        sys.exit(self._run())

    def _check_ports(self) -> None:
        if ":" in settings.HOST or not settings.HOST:
            raise CommandError(f"HOST must be a name or an IPv4 address of this machine, not {settings.HOST!r}.")
        ports = {"PORT": settings.PORT} | ({"SANDBOX_PORT": settings.SANDBOX_PORT} if settings.USE_SANDBOX else {})
        for name, port in ports.items():
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((settings.HOST, port))
                except OSError as problem:
                    if problem.errno != errno.EADDRINUSE:
                        raise CommandError(f"HOST={settings.HOST} PORT={port} cannot be used: {problem}") from None
                    raise CommandError(
                        f"Port {port} cannot be used ({problem.strerror}). Stop what listens there, or set {name} "
                        f"to a free port: {name}={port + 1} make run"
                    ) from None

    def _check_parts(self) -> None:
        try:
            connection.ensure_connection()
        except OperationalError as problem:
            raise CommandError(f"The database cannot be reached, set DATABASE_URL right: {problem}") from None
        if settings.REDIS_URL:
            try:
                with redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=5) as broker:
                    broker.ping()
            except (redis.RedisError, ValueError) as problem:
                raise CommandError(f"Redis cannot be reached, set REDIS_URL right: {problem}") from None

    def _first_administrator(self) -> Any:
        users = get_user_model().objects
        existing = users.filter(is_superuser=True).order_by("pk").first()
        if existing:
            return existing
        password = settings.ADMIN_PASSWORD or secrets.token_urlsafe(12)
        user = users.create_superuser(settings.ADMIN_USERNAME, password=password)
        shown = "the one in ADMIN_PASSWORD" if settings.ADMIN_PASSWORD else password
        self.stdout.write(f"\n  First administrator: {user.get_username()}\n  Password (shown only now): {shown}\n")
        return user

    def _first_edit(self) -> None:
        """Something to look at in a new history. Only in the sandbox: at RunComfy it would cost money."""
        if not settings.USE_SANDBOX or Job.objects.exists():
            return
        picture = intake.keep(pictures.clean(pictures.draw_landscape()))
        parameters = seedream.clean_parameters({"text": FIRST_PROMPT})
        kept = [intake.Kept(picture, name="landscape.png")]
        key = IdempotencyKey(owner=self.administrator, key="first-edit")
        with suppress(idempotency.JobDeleted):  # whoever deleted it does not want it again
            idempotency.once(key, lambda: lifecycle.create(self.administrator, parameters, kept, key=key))

    def _run(self) -> int:
        # A submit that is on its way when Ctrl-C comes must hear its answer; see the worker.
        honcho.manager.KILL_WAIT = settings.RUNCOMFY_SUBMIT_TIMEOUT + 20
        manager = honcho.manager.Manager()
        for name, command in self._commands().items():
            manager.add_process(name, _kept_alive(shlex.join(command)))
        threading.Thread(target=self._announce, daemon=True).start()
        manager.loop()
        # 130 is Ctrl-C, 143 a plain kill: the ways in which this service is meant to end.
        return 0 if manager.returncode in (130, 143) else manager.returncode

    def _commands(self) -> dict[str, list[str]]:
        python = [sys.executable, "-u"]
        commands = {
            "web": web_command(settings.PORT, "--log-level", "error"),
            "worker": [*python, sys.argv[0], "worker"],
        }
        if settings.USE_SANDBOX:
            commands["sandbox"] = [*python, "-m", "sandbox", "--port", str(settings.SANDBOX_PORT)]
        return commands

    def _announce(self) -> None:
        """Print the address once the pages and the provider really answer."""
        address = f"http://{settings.HOST}:{settings.PORT}"
        asked = [f"{address}/healthz"] + ([settings.RUNCOMFY_BASE_URL] if settings.USE_SANDBOX else [])
        if not all(map(_answers, asked)):
            return
        self._first_edit()
        connection.close()
        self.stdout.write(f"\n  Seedream Desk is ready: {settings.PUBLIC_BASE_URL}\n  Ctrl-C stops it.\n")
        self.stdout.flush()


def _kept_alive(command: str) -> str:
    """A shell line that starts a command again when it was killed (by the kernel, for want of memory); any other end
    of it ends the service. The trap keeps the shell alive until its command has ended."""
    again = '[ $code -eq 137 ] || exit $code; echo "was killed: starting again"'
    return f"trap : TERM; while :; do {command}; code=$?; {again}; done"


def _answers(address: str) -> bool:
    """Whether something answers there, with whatever it is, within half a minute."""
    for _attempt in range(300):
        try:
            httpx.get(address, trust_env=False, timeout=1)
            return True
        except httpx.HTTPError:
            time.sleep(0.1)
    return False
