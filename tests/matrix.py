"""Run the suite on SQLite with a folder, and on PostgreSQL and Redis with an S3 server of our own (moto's, over HTTP).

What is not here is named, and is a failure when CI=true.

`python -m tests.matrix --only-sqlite` leaves the others out. What fails among thousands of tests on a busy machine is
run once more by itself: it is named either way, and only what fails again fails the suite.
"""

import os
import shutil
import subprocess
import sys

import psycopg
import pytest
import redis

from tests import s3
from tests.browser import chromium

POSTGRES = os.environ.get("MATRIX_DATABASE_URL", "postgres://postgres@127.0.0.1:5432/seedream")
REDIS = os.environ.get("MATRIX_REDIS_URL", "redis://127.0.0.1:6379/15")


def missing_parts() -> list[str]:
    missing = []
    try:
        psycopg.connect(POSTGRES.rsplit("/", 1)[0] + "/postgres", connect_timeout=3).close()
    except psycopg.OperationalError:
        missing.append(f"PostgreSQL ({POSTGRES})")
    try:
        with redis.Redis.from_url(REDIS, socket_connect_timeout=3) as client:
            client.ping()
    except redis.RedisError:
        missing.append(f"Redis ({REDIS})")
    return missing


FEW = 3  # that fail again: then the rest is not tried any more
# These bring a database of their own, or need none: once is enough.
EVERYWHERE_THE_SAME = [
    *("--ignore=tests/browser", "--ignore=tests/sandbox"),
    *("--ignore=tests/test_containers.py", "--ignore=tests/test_migrations.py"),
    *("--ignore=tests/test_nginx.py", "--ignore=tests/test_nginx_compose.py"),
    *("--ignore=tests/test_static.py", "--ignore=tests/test_up.py", "--ignore=tests/test_web.py"),
]


def run(name: str, *more: str, **environment: str) -> int:
    print(f"\n== The tests on {name}", flush=True)
    failed = _pytest("-n", "2", *more, **environment)
    if failed != pytest.ExitCode.TESTS_FAILED:
        return failed
    print(f"\n== What failed on {name}, by itself", flush=True)
    return _pytest("-v", "--last-failed", "--last-failed-no-failures=none", "--maxfail", str(FEW), *more, **environment)


def run_on_servers(*more: str) -> int:
    with s3.serving() as address:
        servers = {"TEST_DATABASE_URL": POSTGRES, "TEST_REDIS_URL": REDIS, "TEST_S3_URL": address}
        return run("PostgreSQL, Redis and S3", *more, **servers)


def _pytest(*more: str, **environment: str) -> int:
    command = [sys.executable, "-m", "pytest", "-q", *more]
    return subprocess.run(command, check=False, env={**os.environ, **environment}).returncode


def main(given: list[str]) -> int:
    only_sqlite = "--only-sqlite" in given
    more = [word for word in given if word != "--only-sqlite"]
    if only_sqlite:
        return run("SQLite", *more)
    missing = missing_parts()
    failed = run("SQLite", *more)
    if not missing:
        failed |= run_on_servers(*EVERYWHERE_THE_SAME, *more)
    if not chromium.path():
        missing.append("Chromium (set CHROMIUM, or: apt-get install chromium)")
    if not shutil.which("nginx"):
        missing.append("nginx (apt-get install nginx-light)")
    for part in missing:
        print(f"Left out: {part} is not here.")
    return 1 if failed or (missing and os.environ.get("CI") == "true") else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
