"""A database that goes away, and comes back."""

import sqlite3
from contextlib import closing, contextmanager

import psycopg
import pytest
from django.db import connection

from jobs.states import State
from tests.crashes.scene import SAYS_STARTED, assert_stored_once, look, resume
from tests.processes import Worker, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(120)]


@contextmanager
def database_away():
    """All connections to PostgreSQL break, and there is no new one; SQLite is locked by another program."""
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        with closing(sqlite3.connect(name, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
        return
    parts = connection.settings_dict
    connection.close()
    with psycopg.connect(
        host=parts["HOST"], port=parts["PORT"], user=parts["USER"], dbname="postgres", autocommit=True
    ) as other:
        other.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        try:
            yield
        finally:
            other.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')


def test_answer_to_a_submit_is_written_when_the_database_is_back(sandbox, start_job, child):
    sandbox.misbehave("slow_accept", seconds=1)
    job = start_job()
    driver = child("drive_impatiently")
    wait_until(lambda: sandbox.ledger()["submits"] == 1)
    with database_away():
        wait_until(lambda: "Cannot write mark_accepted" in driver.log.read_text())
    driver.end()
    assert look(job) == State.IN_QUEUE
    resume()
    assert_stored_once(sandbox, job)


@pytest.mark.skipif(connection.vendor == "sqlite", reason="a database of its own is restarted, a file is not")
def test_worker_goes_on_after_a_restart_of_the_database(sandbox, start_job, tmp_path):
    sandbox.misbehave(**SAYS_STARTED, times=None)
    job = start_job()
    worker = Worker(tmp_path)
    try:
        wait_until(lambda: look(job) == State.IN_PROGRESS)
        with database_away():
            sandbox.behave()
        wait_until(lambda: look(job) == State.COMPLETED)
    finally:
        worker.kill()
    assert_stored_once(sandbox, job)
