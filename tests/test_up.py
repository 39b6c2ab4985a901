"""`manage.py up` and `manage.py demo` as a user runs them: real processes, a database of their own."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from django.conf import settings

from .processes import Worker, family, kill, wait_until
from .service import Service, free_port

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def service(tmp_path):
    service = Service(tmp_path)
    yield service
    if service.process and service.process.poll() is None:
        service.interrupt()


def test_up_prints_the_address_and_answers_there(service):
    assert f"Seedream Desk is ready: http://127.0.0.1:{service.port}" in service.ready()
    assert httpx.get(f"http://127.0.0.1:{service.port}/healthz", trust_env=False).text == "ok"


def test_up_prints_a_password_at_the_first_start_only(service):
    first = service.ready()
    service.interrupt()
    second = service.ready()
    assert re.search(r"Password \(shown only now\): \S{12,}", first)
    assert "Password" not in second


def test_up_makes_a_first_edit_with_pictures(service):
    service.ready()
    token = service.manage("create_token", "admin", "test")
    headers = {"Authorization": f"Bearer {token}"}
    url = f"http://127.0.0.1:{service.port}/api/v1/jobs/"

    def completed():
        [job] = httpx.get(url, headers=headers, trust_env=False).json()["results"]
        return job["state"] == "completed"

    wait_until(completed, 60)


def test_up_ends_cleanly_on_ctrl_c(service):
    service.ready()
    members = family(service.process.pid)
    assert service.interrupt() == 0
    assert len(members) > 6
    assert [pid for pid in members if os.path.exists(f"/proc/{pid}")] == []


def test_up_says_which_port_is_taken_and_what_to_do(service):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", service.port))
        taken.listen()
        log = service.ready()
    assert service.process.wait() == 1
    assert f"Port {service.port} cannot be used (Address already in use)" in log
    assert f"PORT={service.port + 1} make run" in log


def test_up_takes_the_administrators_password_from_the_environment(tmp_path):
    service = Service(tmp_path, ADMIN_USERNAME="rita", ADMIN_PASSWORD="kept secret")
    log = service.ready()
    service.interrupt()
    assert "First administrator: rita" in log
    assert "kept secret" not in log


def test_demo_stores_what_it_asked_for(tmp_path):
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "seedream_site.settings", "TMPDIR": str(tmp_path)}
    demo = subprocess.run(
        [sys.executable, "manage.py", "demo"],
        cwd=settings.BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert demo.returncode == 0, demo.stderr
    assert demo.stdout.count("2304 × 1728") == 4


def test_create_token_names_an_unknown_user(service):
    service.manage("migrate", "--verbosity", "0")
    with pytest.raises(subprocess.CalledProcessError) as problem:
        service.manage("create_token", "nobody", "x")
    assert "There is no user named nobody." in problem.value.stderr


def test_worker_waits_for_a_database_that_is_away(tmp_path, capfd):
    address = f"postgres://nobody@127.0.0.1:{free_port()}/none"
    worker = Worker(tmp_path, DATABASE_URL=address)
    wait_until(lambda: "Waiting for the database" in capfd.readouterr().err)
    assert worker.stop() == 0


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"DATABASE_URL": "postgres://nobody@127.0.0.1:1/none"}, "set DATABASE_URL right"),
        ({"DATABASE_URL": "sqlite:////nowhere/desk.sqlite3"}, "set DATABASE_URL right"),
        ({"REDIS_URL": "redis://127.0.0.1:1/0"}, "set REDIS_URL right"),
        ({"HOST": "192.0.2.1"}, "HOST=192.0.2.1"),
        ({"HOST": "::1"}, "HOST must be a name or an IPv4 address"),
    ],
)
def test_up_says_what_to_set_right(tmp_path, wrong, sentence):
    service = Service(tmp_path, **wrong)
    log = service.ready()
    assert service.process.wait() == 1
    assert sentence in log
    assert "Traceback" not in log


def test_up_starts_again_what_was_killed(service):
    service.ready()
    [worker] = [pid for pid in family(service.process.pid) if command_of(pid).endswith("manage.py worker")]
    kill(worker)
    wait_until(lambda: "was killed: starting again" in service.log.read_text())
    assert service.process.poll() is None


def command_of(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()


@pytest.mark.parametrize(
    "before", [None, "RUNCOMFY_API_TOKEN=abc\n", "SECRET_KEY=\nDEBUG=false\n", "SECRET_KEY=mine\n"]
)
def test_make_gives_every_env_file_a_key_and_keeps_the_rest(tmp_path, before):
    (tmp_path / "Makefile").write_text((settings.BASE_DIR / "Makefile").read_text())
    venv = Path(sys.executable).parent.parent
    if before is not None:
        (tmp_path / ".env").write_text(before)
    subprocess.run(["make", "-o", f"{venv}/.installed", ".env", f"VENV={venv}"], cwd=tmp_path, check=True)
    lines = (tmp_path / ".env").read_text().splitlines()
    assert len([line for line in lines if re.fullmatch(r"SECRET_KEY=.+", line)]) == 1
    assert [line for line in (before or "").splitlines() if line != "SECRET_KEY=" and line not in lines] == []
