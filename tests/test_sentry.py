"""What leaves for Sentry: errors with their places and ids, and nothing that people wrote or sent.

Each test runs a process of its own, as a site does, against a server that plays Sentry's ingest.
"""

import gzip
import json
import os
import subprocess
import sys

import brotli
import pytest

from .conftest import configured
from .servers import answer, serving

PLANTED = {
    name: f"planted-{name}-7c1f"
    for name in ("prompt", "cookie", "bearer", "query", "token", "local", "words", "filename", "username")
}
START = f"""
import logging, os, sys, types
import django
django.setup()
import sentry_sdk
planted = {PLANTED!r}
"""
# Nothing is migrated, so that signing in is an error of the database.
REQUEST = f"""{START}
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
client = Client(raise_request_exception=False, headers={{"Host": "127.0.0.1"}})
client.cookies["sessionid"] = planted["cookie"]
picture = SimpleUploadedFile(planted["filename"], planted["prompt"].encode())
response = client.post("/sign-in/?next=" + planted["query"], {{
    "username": planted["username"], "password": planted["prompt"], "images": picture,
}}, headers={{"Authorization": "Bearer " + planted["bearer"], "X-Request-ID": "one"}})
print(response.status_code)
sentry_sdk.flush(10)
"""
# The address is asked for by nobody but a stranger, and the session in the cookie is an error of the database.
UNKNOWN = f"""{START}
from django.test import Client
client = Client(raise_request_exception=False, headers={{"Host": "127.0.0.1"}})
client.cookies["sessionid"] = planted["cookie"]
print(client.get("/" + planted["query"]).status_code)
sentry_sdk.flush(10)
"""
WORK = f"""{START}
from jobs import logs
from jobs.models import Job
job = Job(text=planted["prompt"], request_id="req-7")
def step(words):
    local = planted["local"]
    raise ValueError(words + os.environ["RUNCOMFY_API_TOKEN"] + local)
with logs.about(job):
    try:
        step(planted["words"])
    except ValueError:
        logging.getLogger("jobs.drive").exception("A step of job %s failed: %s", job.pk, planted["words"])
    logging.getLogger("elsewhere").error("A library says " + planted["words"])
print(job.pk)
sentry_sdk.flush(10)
"""


@pytest.fixture
def ingest():
    with serving(answer(200, {"id": "1"})) as server:
        yield server


def run(program, **variables):
    own = {"DJANGO_SETTINGS_MODULE": "seedream_site.settings", "DATABASE_URL": "", "REDIS_URL": ""}
    environment = os.environ | own | variables
    command = [sys.executable, "-W", "ignore", "-c", program]
    return subprocess.run(
        command, cwd=configured.BASE_DIR, env=environment, capture_output=True, text=True, check=False, timeout=50
    )


def reported(ingest, program, tmp_path):
    """What the program printed, the events that arrived, and all that arrived as one text."""
    dsn = ingest.url.replace("http://", "http://key@") + "/7"
    done = run(program, SENTRY_DSN=dsn, VAR_DIR=str(tmp_path), RUNCOMFY_API_TOKEN=PLANTED["token"])
    assert done.returncode == 0, done.stderr
    unpack = {"br": brotli.decompress, "gzip": gzip.decompress}
    bodies = [unpack[request.headers["content-encoding"]](request.body).decode() for request in ingest.requests]
    items = [json.loads(line) for body in bodies for line in body.splitlines()]
    return done.stdout.strip(), [item for item in items if "level" in item], "\n".join(bodies)


def test_error_of_a_request_arrives_with_its_place_and_number(ingest, tmp_path):
    printed, [event], _text = reported(ingest, REQUEST, tmp_path)
    assert printed == "500"
    raised = event["exception"]["values"][-1]
    assert (raised["type"], raised["module"]) == ("OperationalError", "django.db.utils")
    assert raised["stacktrace"]["frames"][-1]["function"] == "execute"
    assert (event["tags"], event["transaction"]) == ({"http_request_id": "one"}, "/sign-in/")


def test_error_of_a_job_arrives_with_its_ids(ingest, tmp_path):
    printed, [event, other], _text = reported(ingest, WORK, tmp_path)
    assert event["tags"] == {"job_id": printed, "request_id": "req-7"}
    assert event["logentry"] == {"message": "A step of job %s failed: %s"}
    assert [frame["function"] for frame in event["exception"]["values"][0]["stacktrace"]["frames"]] == [
        "<module>",
        "step",
    ]
    assert (other["logger"], "logentry" in other) == ("elsewhere", False)


@pytest.mark.parametrize("program", [REQUEST, UNKNOWN, WORK], ids=["request", "unknown", "work"])
def test_nothing_that_was_written_or_sent_leaves(ingest, tmp_path, program):
    _printed, events, text = reported(ingest, program, tmp_path)
    assert events
    assert [name for name, word in PLANTED.items() if word in text] == []


def test_sentry_is_not_even_loaded_without_its_address():
    done = run(f"{START.replace('import sentry_sdk', '')}\nprint('sentry_sdk' in sys.modules)", SENTRY_DSN="")
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("dsn", "before", "words"),
    [
        ("https://key@sentry.example.com/7", "sys.modules['sentry_sdk'] = None", "sentry-sdk is not installed: "),
        ("hunter2", "", "SENTRY_DSN must be an address such as "),
    ],
)
def test_address_that_cannot_work_stops_the_start_in_words(dsn, before, words):
    done = run(f"import sys\n{before}\nimport seedream_site.settings", SENTRY_DSN=dsn)
    assert (done.returncode, words in done.stderr, "hunter2" in done.stderr) == (1, True, False)
