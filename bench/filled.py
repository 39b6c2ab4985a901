"""Databases with a team's two years of jobs, made once and kept under VAR_DIR/bench, or on the PostgreSQL of the tests.

They carry the week and what the rows are made by in their names: others are made anew, and the old ones removed.
"""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from psycopg import sql

from bench import rows
from tests import matrix

FULL = "from jobs.models import Job; raise SystemExit(not Job.objects.exists())"


def database(jobs: int, kind: str) -> str:
    """The address of one with so many jobs; `kind` is "sqlite" or "postgres"."""
    name = f"_{jobs}_{datetime.now(UTC):%Gw%V}_{rows.fingerprint()}"
    address = _postgres(f"bench{name}") if kind == "postgres" else _sqlite(f"jobs{name}.sqlite3")
    environment = {**os.environ, "DATABASE_URL": address}
    # Also a full one may be behind this code's migrations.
    _run(environment, "manage.py", "migrate", "--verbosity=0")
    if _run(environment, "manage.py", "shell", "--no-imports", "-c", FULL):
        _run(environment, "-m", "bench.fill", f"--jobs={jobs}")
    return address


def _sqlite(name: str) -> str:
    from django.conf import settings

    folder = Path(settings.VAR_DIR) / "bench"
    folder.mkdir(exist_ok=True)
    for old in folder.glob(f"{_kind(name)}_*"):
        if not old.name.startswith(name):
            old.unlink()
    return f"sqlite:///{folder / name}"


def _postgres(name: str) -> str:
    server = matrix.POSTGRES.rsplit("/", 1)[0]
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        found = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", [f"{_kind(name)}\\_%"])
        names = [row[0] for row in found]
        for old in set(names) - {name}:
            connection.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(old)))
        if name not in names:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return f"{server}/{name}"


def _kind(name: str) -> str:
    return "_".join(name.split("_")[:2])


def _run(environment: dict[str, str], *command: str) -> int:
    return subprocess.run([sys.executable, *command], check=False, env=environment, stdout=sys.stderr).returncode
