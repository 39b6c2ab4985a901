"""The release before this one and this one, side by side on one database: an upgrade, and the way back."""

import io
import os
import subprocess
import sys
import tarfile
from contextlib import contextmanager

import httpx
import pytest

from .conftest import Sandbox, png
from .processes import family, fresh_database, kill, wait_until
from .service import ROOT, free_port
from .soak.audit import Books

# At each release, set this to the commit of the one that went out before it.
BEFORE = "e59d0731a5cc0563a4cc25c8245772f92ec102bc"
WEB = ["-m", "granian", "--interface", "wsgi", "--no-ws", "--log-level", "error", "--blocking-threads", "2"]
BEGIN = """
from django.core.management import call_command
call_command("migrate", verbosity=0)
from django.contrib.auth.models import User
from jobs.models import ApiToken
print(ApiToken.objects.create(user=User.objects.create_superuser("sam"), name="test")[1])
"""

pytestmark = pytest.mark.django_db(transaction=True)


class Release:
    """A release's program in `program`, and its web and worker."""

    def __init__(self, program, environment):
        self.program, self.environment = program, environment
        self.port, self.parts = free_port(), []

    def manage(self, *arguments):
        command = [sys.executable, "manage.py", *arguments]
        given = {"cwd": self.program, "env": self.environment, "stdout": subprocess.PIPE, "text": True}
        return subprocess.run(command, check=True, **given).stdout.strip()

    def start(self):
        web = [*WEB, "--port", str(self.port), "seedream_site.wsgi:application"]
        environment = {**self.environment, "PORT": str(self.port)}
        for command in (["manage.py", "worker"], web):
            self.parts.append(subprocess.Popen([sys.executable, *command], cwd=self.program, env=environment))

    def stop(self):
        """As systemd and Docker do; both parts at once, and they end well."""
        for part in self.parts:
            part.terminate()
        codes = [part.wait(timeout=40) for part in self.parts]
        self.parts = []
        assert codes == [0, 0]

    def kill(self):
        for part in self.parts:
            for pid in family(part.pid):
                kill(pid)
            part.wait()


class Desk:
    """What a user's program does, and all that it was told of."""

    def __init__(self, http):
        self.http, self.jobs = http, []

    def edit(self, release):
        """Start one through that release's web, as soon as it answers."""
        url = f"http://127.0.0.1:{release.port}"
        wait_until(lambda: self._answers(f"{url}/healthz"))
        fields = {"text": f"Make an image of it, number {len(self.jobs)}.", "sequential_image_generation_options": "1"}
        answer = self.http.post(f"{url}/api/v1/jobs/", data=fields, files={"images[0]": ("teal.png", png())})
        assert answer.status_code == 201, answer.text
        self.jobs.append(answer.json()["id"])

    def states(self, release):
        listed = self.http.get(f"http://127.0.0.1:{release.port}/api/v1/jobs/").raise_for_status().json()
        known = {job["id"]: job["state"] for job in listed["results"]}
        return [known[job_id] for job_id in self.jobs]

    def has_ended(self, release):
        return set(self.states(release)) == {"completed"}

    def _answers(self, url):
        try:
            return self.http.get(url).is_success
        except httpx.TransportError:
            return False


@pytest.fixture
def sandbox():
    """It takes long enough for an edit to be under way while releases change."""
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--queue-seconds", "1", "--run-seconds", "2"]
    with subprocess.Popen([*command, "--slots", "9"], stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        address = process.stdout.readline().strip().rsplit(" ", 1)[-1]
        with httpx.Client(base_url=address, trust_env=False, timeout=30) as client:
            yield Sandbox(address, client)
        process.terminate()


@contextmanager
def program_before(folder):
    """The program of that release, out of the history."""
    packed = subprocess.run(["git", "archive", BEFORE], cwd=ROOT, check=False, capture_output=True)
    if packed.returncode:
        pytest.skip(f"The history with the release before ({BEFORE[:7]}) is not here.")
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        archive.extractall(folder, filter="data")
    yield folder


@pytest.fixture
def releases(tmp_path, sandbox):
    """The one before and this one, on one empty database."""
    with program_before(tmp_path / "before") as before, fresh_database(tmp_path) as database:
        own = {"DJANGO_SETTINGS_MODULE": "seedream_site.settings", "VAR_DIR": str(tmp_path), "DATABASE_URL": database}
        own |= {"RUNCOMFY_BASE_URL": sandbox.url, "INPUT_DELIVERY": "data", "RUNCOMFY_POLL_SECONDS": "0.3"}
        own |= {"LEASE_SECONDS": "3", "QUEUE_WORKERS": "2"}
        both = [Release(program, {**os.environ, **own}) for program in (before, ROOT)]
        try:
            yield both
        finally:
            for release in both:
                release.kill()


@pytest.fixture
def desk(releases):
    token = releases[0].manage("shell", "--no-imports", "-c", BEGIN)
    with httpx.Client(headers={"Authorization": f"Bearer {token}"}, trust_env=False, timeout=30) as http:
        yield Desk(http)


@pytest.mark.timeout(150)
def test_upgrade_and_rollback_lose_and_repeat_no_edit(desk, releases, sandbox):
    old, new = releases
    old.start()
    desk.edit(old)
    new.manage("migrate", "--verbosity", "0")
    desk.edit(old)  # the older release writes rows of the newer tables
    new.start()
    desk.edit(new)
    old.stop()
    desk.edit(new)
    wait_until(lambda: desk.has_ended(new))
    desk.edit(new)
    old.start()  # back
    desk.edit(old)
    new.stop()
    desk.edit(old)
    wait_until(lambda: desk.has_ended(old))
    books = Books(sandbox.ledger())
    assert (books.posts, [len(posts) for posts in books.entries.values()]) == (len(desk.jobs), [1] * len(desk.jobs))
