"""Lines of the log: what stands in them, what they are about, and what never does."""

import io
import json
import logging
import os
import subprocess
import sys

import pytest
from django.test import Client

from jobs import logs
from jobs.models import Job

from .conftest import configured

SECRET = "hunter2-hunter2"
WHOLE = {"time", "level", "logger", "message"}


@pytest.fixture
def written():
    """A logger, and what it wrote: objects, or lines for `written(logs.Lines)`."""
    stream, logger = io.StringIO(), logging.getLogger("jobs.tests")
    handler = logging.StreamHandler(stream)
    logger.addHandler(handler)
    logger.propagate = False

    def read(form=logs.Json):
        handler.setFormatter(form(["", "short", SECRET]))
        return (
            logger,
            lambda: stream.getvalue() if form is logs.Lines else [*map(json.loads, stream.getvalue().splitlines())],
        )

    yield read
    logger.removeHandler(handler)
    logger.propagate = True


@pytest.fixture
def site_lines():
    """What the site itself logs while a test runs, as objects."""
    stream, root = io.StringIO(), logging.getLogger()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.Json())
    root.addHandler(handler)
    yield lambda: [*map(json.loads, stream.getvalue().splitlines())]
    root.removeHandler(handler)


def test_line_is_one_object_whatever_it_says(written):
    logger, read = written()
    logger.warning("Two\nlines of %s", 'a "prompt" で')
    [line] = read()
    assert line | {"time": ""} == {
        "time": "", "level": "WARNING", "logger": "jobs.tests", "message": 'Two\nlines of a "prompt" で'
    }  # fmt: skip
    assert line["time"].endswith("+00:00")


def test_line_of_an_exception_holds_it(written):
    logger, read = written()
    try:
        raise ValueError("what went wrong")
    except ValueError:
        logger.exception("It failed")
    [line] = read()
    assert set(line) == WHOLE | {"exception"}
    assert line["exception"].endswith("ValueError: what went wrong")


def test_line_takes_nothing_along_that_a_library_attached(written):
    logger, read = written()
    logger.warning("Something", extra={"request": object(), "body": "a prompt", "status_code": 500})
    assert set(read()[0]) == WHOLE


def test_line_about_a_job_names_it_and_its_request_from_the_moment_it_is_known(written):
    logger, read = written()
    job = Job()
    with logs.about(job):
        logger.warning("before")
        job.request_id = "req-1"
        logger.warning("after")
    logger.warning("elsewhere")
    ids = [{name: value for name, value in line.items() if name.endswith("_id")} for line in read()]
    assert ids == [{"job_id": str(job.pk)}, {"job_id": str(job.pk), "request_id": "req-1"}, {}]


def test_line_may_name_its_job_itself(written):
    logger, read = written()
    job = Job(request_id="req-1")
    logger.warning("Deleted", extra={"job": job})
    assert (read()[0]["job_id"], read()[0]["request_id"]) == (str(job.pk), "req-1")


def test_line_for_people_ends_with_the_ids_that_it_does_not_say_itself(written):
    logger, read = written(logs.Lines)
    job = Job(request_id="req-1")
    with logs.about(job):
        logger.warning("Job %s waits", job.pk)
    assert read().endswith(f"WARNING jobs.tests: Job {job.pk} waits request_id=req-1\n")


def test_line_for_people_is_one_line_whatever_it_says(written):
    logger, read = written(logs.Lines)
    logger.warning("A prompt:\n2026-01-01 00:00:00,000 ERROR jobs: forged\r\x1b[2J\u2028\x85")
    [line] = read().splitlines()
    assert line.endswith(r"A prompt:\n2026-01-01 00:00:00,000 ERROR jobs: forged\r\x1b[2J\u2028\x85")


def test_line_for_people_with_an_exception_begins_no_other_line(written):
    logger, read = written(logs.Lines)
    try:
        raise ValueError("words\n2026-01-01 00:00:00,000 ERROR jobs: forged")
    except ValueError:
        logger.exception("It failed")
    first, *more = read().splitlines()
    assert first.endswith("ERROR jobs.tests: It failed")
    assert (len(more), {line[:2] for line in more}) == (5, {"  "})


# What never stands in them


@pytest.mark.parametrize("form", [logs.Json, logs.Lines])
def test_no_line_holds_a_secret(written, form):
    logger, read = written(form)
    logger.warning("Token %s", SECRET)
    try:
        raise ValueError(f"refused {SECRET}")
    except ValueError:
        logger.exception("It failed", extra={"job": Job(request_id=SECRET)})
    assert SECRET not in str(read())
    assert str(read()).count(logs.HIDDEN) == 3


def test_short_word_is_not_taken_for_a_secret(written):
    logger, read = written()
    logger.warning("In short")
    assert read()[0]["message"] == "In short"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("GET /inputs/abc:1x:Zz-9_/a.png broke", "GET /inputs/[secret]/a.png broke"),
        ("/v1/outputs/abc:1x:Zz/1.png", "/v1/outputs/[secret]/1.png"),
        ("/kept/abc:1x:Zz/", "/kept/[secret]/"),
        ("/sign-in/new-password/MQ/c8-abc/", "/sign-in/new-password/MQ/[secret]/"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer [secret]"),
        ("https://s3/x.png?X-Amz-Credential=k%2F1&X-Amz-Signature=ab1", "https://s3/x.png?X-Amz-Credential=[secret]&X-Amz-Signature=[secret]"),
    ],
)  # fmt: skip
def test_no_line_holds_a_key_that_opens_a_door(text, shown):
    assert logs.Lines().hide(text) == shown


# Requests


def test_answer_names_its_request():
    first, second = (Client().get("/healthz")["X-Request-ID"] for _ in range(2))
    assert (len(first), first != second) == (32, True)


def test_answer_keeps_the_number_that_the_proxy_gave():
    assert Client().get("/healthz", headers={"X-Request-ID": "edge-7:a.b_c"})["X-Request-ID"] == "edge-7:a.b_c"


@pytest.mark.parametrize("given", ["a b", "a\nb", "x" * 101, 'a"b', "é", "<b>"])
def test_number_that_could_be_anything_is_replaced(given):
    assert len(Client().get("/healthz", headers={"X-Request-ID": given})["X-Request-ID"]) == 32


def test_lines_of_a_request_name_it_also_after_it_was_answered(db, site_lines):
    Client().get("/inputs/no-such-token/a.png", headers={"X-Request-ID": "one"})
    told = [line for line in site_lines() if line["logger"] == "django.request"]
    assert [(line["message"], line["http_request_id"]) for line in told] == [
        ("Not Found: /inputs/[secret]/a.png", "one")
    ]


def test_lines_of_a_driver_name_the_job(sandbox, transactional_db, alice, make_job, drive_all, site_lines):
    sandbox.misbehave("reset_after_accept")
    job = make_job(alice)
    drive_all()
    told = [line["job_id"] for line in site_lines() if "is unconfirmed" in line["message"]]
    assert told == [str(job.pk)]


# Processes


def lines_of(*arguments, **variables):
    given = os.environ | {"DJANGO_SETTINGS_MODULE": "seedream_site.settings", **variables}
    command = [sys.executable, "manage.py", "shell", "--verbosity", "0", "-c", *arguments]
    run = subprocess.run(command, cwd=configured.BASE_DIR, env=given, capture_output=True, text=True, check=True)
    return run.stderr.splitlines()


@pytest.mark.parametrize(
    "variables",
    [
        {"RUNCOMFY_API_TOKEN": SECRET},
        {"METRICS_TOKEN": SECRET},
        {"ADMIN_PASSWORD": SECRET},
        {"S3_BUCKET": "pictures", "S3_ACCESS_KEY": "key", "S3_SECRET_KEY": SECRET},
    ],
)
def test_process_writes_json_without_its_secrets(variables):
    name = list(variables)[-1]
    say = f'import logging, os; logging.getLogger("jobs").warning("It is %s", os.environ["{name}"])'
    [line] = lines_of(say, LOG_FORMAT="json", **variables)
    assert json.loads(line)["message"] == "It is [secret]"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", f"postgres://user:{SECRET}@127.0.0.1:1/desk"),
        ("REDIS_URL", f"redis://:{SECRET}@127.0.0.1:1/0"),
        ("EMAIL_URL", f"smtp://user:{SECRET}@127.0.0.1:1"),
    ],
)
def test_process_hides_the_passwords_in_its_addresses(name, value):
    say = f'import logging; logging.getLogger("jobs").warning("It is %s", "{SECRET}")'
    [line] = lines_of(say, **{name: value})
    assert line.endswith("WARNING jobs: It is [secret]")


GRANIAN = """
import json, logging, sys
from granian.log import LogLevels, configure_logging
configure_logging(LogLevels.info, json.load(open("deploy/granian-log.json")))
logging.getLogger("_granian").info("Listening")
"""


def test_web_servers_own_lines_are_json_with_our_configuration():
    command = [sys.executable, "-c", GRANIAN]
    run = subprocess.run(command, cwd=configured.BASE_DIR, capture_output=True, text=True, check=True)
    assert json.loads(run.stdout)["message"] == "Listening"
