"""A back-up that was never restored is none: each is, into a database of its own."""

import os
import sqlite3
import subprocess
import sys

import psycopg
import pytest
from django.conf import settings as configured

from jobs import backup
from jobs.models import Job
from jobs.states import State
from tests.conftest import stored_output
from tests.processes import database_url, fresh_database

# Of a bucket there is no copy.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("in_folder")]


class Place:
    """A folder and an empty database for a service of its own, driven by its commands."""

    def __init__(self, folder, database):
        self.database = database
        own = {"VAR_DIR": str(folder), "DATABASE_URL": database, "REDIS_URL": "", "S3_BUCKET": ""}
        self.environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "seedream_site.settings", **own}

    def manage(self, *arguments):
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(
            command, cwd=configured.BASE_DIR, env=self.environment, check=False, capture_output=True, text=True
        )

    def rows(self, sql):
        if self.database.startswith("sqlite"):
            known = sqlite3.connect(self.database.removeprefix("sqlite:///"))
            found = known.execute(sql).fetchall()
            known.close()
            return found
        with psycopg.connect(self.database) as known:
            return known.execute(sql).fetchall()


@pytest.fixture
def here(tmp_path):
    """The test's own database, as a command of another process sees it."""
    return Place(configured.MEDIA_ROOT.parent, database_url())


@pytest.fixture
def there(tmp_path):
    """Another machine."""
    folder = tmp_path / "there"
    folder.mkdir()
    with fresh_database(folder) as database:
        yield Place(folder, database)


@pytest.fixture
def finished(alice, make_job):
    job = make_job(alice)
    Job.objects.filter(pk=job.pk).update(state=State.COMPLETED, request_id="r-1", finished_at=job.created_at)
    stored_output(job)
    return job


def test_restored_desk_has_every_row_and_every_file(finished, there, tmp_path):
    backup.back_up(tmp_path / "kept")
    told = there.manage("restore", str(tmp_path / "kept"))
    assert told.stdout.startswith("Restored the database and 2 files."), told.stderr
    assert there.manage("verify_store").stdout.splitlines()[-1].startswith("0 damaged, 0 files")
    assert there.rows("SELECT text, state FROM jobs_job") == [(finished.text, "completed")]


def test_restored_edit_that_was_not_sent_waits_for_a_person(alice, make_job, there, tmp_path):
    make_job(alice)
    backup.back_up(tmp_path / "kept")
    told = there.manage("restore", str(tmp_path / "kept"))
    assert "1 edits that had not been sent" in told.stdout
    assert there.rows("SELECT state, attempt FROM jobs_job") == [("unconfirmed", 1)]


def test_restore_refuses_a_database_that_is_not_empty(finished, there, tmp_path):
    backup.back_up(tmp_path / "kept")
    there.manage("migrate")
    told = there.manage("restore", str(tmp_path / "kept"))
    assert (told.returncode, there.rows("SELECT count(*) FROM jobs_job")) == (1, [(0,)])
    assert "The database is not empty" in told.stderr


def test_restore_says_what_is_missing(there, tmp_path):
    told = there.manage("restore", str(tmp_path / "nothing"))
    assert (told.returncode, "There is no database." in told.stderr) == (1, True)


def test_second_back_up_copies_only_what_is_new(finished, tmp_path):
    first = backup.back_up(tmp_path / "kept")
    stored_output(finished, width=1)
    Job.objects.filter(pk=finished.pk).update(text="Changed since.")
    assert (first, backup.back_up(tmp_path / "kept")) == (2, 0)


def test_back_up_onto_a_full_disk_leaves_the_last_one_whole(finished, tmp_path):
    backup.back_up(tmp_path / "kept")
    [kept] = (tmp_path / "kept").glob("database.*")
    before = kept.read_bytes()
    kept.with_name(f"part-{kept.name}").symlink_to("/dev/full")
    with pytest.raises(backup.Impossible):
        backup.back_up(tmp_path / "kept")
    assert kept.read_bytes() == before


def test_command_says_what_it_kept(finished, here, tmp_path):
    told = here.manage("backup", str(tmp_path / "kept"))
    assert told.stdout == f"Backed up to {tmp_path / 'kept'}: the database, 2 new files.\n", told.stderr
