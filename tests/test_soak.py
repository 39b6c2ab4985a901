"""A short crash soak. `make soak` runs a long one."""

import os
import subprocess
import sys

import pytest
from django.conf import settings
from django.db import connection

JOBS = "25"


@pytest.mark.timeout(180)
def test_nothing_is_lost_nor_paid_twice_when_processes_are_killed():
    command = [
        sys.executable,
        "-m",
        "tests.soak",
        "--database",
        "sqlite" if connection.vendor == "sqlite" else "postgres",
    ]
    environment = {"SOAK_JOBS": JOBS, **os.environ, **_servers()}
    with subprocess.Popen(command, cwd=settings.BASE_DIR, env=environment, stdout=subprocess.PIPE, text=True) as soak:
        try:
            report, _nothing = soak.communicate()
        finally:
            soak.terminate()
    assert soak.returncode == 0, report


def _servers() -> dict[str, str]:
    """Those of the suite: the soak makes databases of its own on them."""
    given = {"MATRIX_DATABASE_URL": "TEST_DATABASE_URL", "MATRIX_REDIS_URL": "TEST_REDIS_URL"}
    return {name: os.environ[own] for name, own in given.items() if own in os.environ}
