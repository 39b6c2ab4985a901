"""The settings as a process reads them: a value that cannot work stops the start with a sentence that names it."""

import json
import os
import subprocess
import sys

import pytest

from .conftest import configured

SECRET_KEY = "x2Zl0vq8Rk3Tn6Wp9Yb1Cd4Fg7Hj5Km8Ns3Qu6Vx9Za2Be5Dh8-settings"
SHOWN = """
import json, sys
from seedream_site import settings
print(json.dumps({name: getattr(settings, name) for name in sys.argv[1:]}, default=str))
"""


@pytest.fixture
def run(tmp_path):
    """Run Python in an environment that holds these variables and nothing else of ours."""

    def run_python(*arguments, **variables):
        plain = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TZDIR") if name in os.environ}
        usual = {"READ_DOT_ENV": "false", "SECRET_KEY": SECRET_KEY, "VAR_DIR": str(tmp_path / "var")}
        given = {name: value for name, value in {**plain, **usual, **variables}.items() if value is not None}
        command = [sys.executable, *arguments]
        return subprocess.run(
            command, env=given, cwd=configured.BASE_DIR, capture_output=True, text=True, timeout=50, check=False
        )

    return run_python


@pytest.fixture
def shown(run):
    """Settings by their names, as they come out of these variables."""

    def show(*names, **variables):
        done = run("-c", SHOWN, *names, **variables)
        assert done.returncode == 0, done.stderr
        values = json.loads(done.stdout)
        return values[names[0]] if len(names) == 1 else values

    return show


WRONG = [
    ("SECRET_KEY", None),
    ("SECRET_KEY", ""),
    ("PORT", "abc"),
    ("PORT", "8000.5"),
    ("PORT", "0"),
    ("PORT", "70000"),
    ("DEBUG", "maybe"),
    ("TEAM_VISIBILITY", "x"),
    ("TEAM_VISIBILITY", "Team"),
    ("LOG_LEVEL", "loud"),
    ("LOG_FORMAT", "xml"),
    ("METRICS_TOKEN", "a b"),
    ("SENTRY_DSN", "nonsense"),
    ("TIME_ZONE", "Mars/Olympus"),
    ("EMAIL_URL", "mail.example.com"),
    ("EMAIL_URL", "smtps://mail.example.com"),
    ("EMAIL_URL", "smtp+tls://"),
    ("EMAIL_URL", "smtp://mail.example.com:port"),
    ("DEFAULT_FROM_EMAIL", "Seedream Desk"),
    ("TIME_ZONE", "../etc/passwd"),
    ("WEBHOOK_TIMEOUT", "31"),
    ("WEBHOOK_KEPT_DAYS", "1"),
    ("WEBHOOK_TRUSTED", "http://hooks.internal"),
    ("WEBHOOK_TRUSTED", "user@hooks.internal:8080"),
    ("WEBHOOK_TRUSTED", "hooks.internal:8080/path"),
    ("WEBHOOK_TRUSTED", "*"),
    ("INPUT_DELIVERY", "pigeon"),
    ("INPUT_URL_HOURS", "169"),
    ("OUTPUT_LINK_HOURS", "0"),
    ("RUNCOMFY_ACCOUNT_URL", "api.runcomfy.net"),
    ("PUBLIC_BASE_URL", "foo"),
    ("PUBLIC_BASE_URL", "desk.example.com"),
    ("PUBLIC_BASE_URL", "ftp://desk.example.com"),
    ("PUBLIC_BASE_URL", "https://"),
    ("PUBLIC_BASE_URL", "https://[::1"),
    ("PUBLIC_BASE_URL", "https://desk.example.com:port"),
    ("PUBLIC_BASE_URL", "https://desk.example.com/path"),
    ("PUBLIC_BASE_URL", "https://desk.example.com?a=b"),
    ("PUBLIC_BASE_URL", "https://user@desk.example.com"),
    ("RUNCOMFY_BASE_URL", "model-api.runcomfy.net"),
    ("RUNCOMFY_API_TOKEN", "a b"),
    ("RUNCOMFY_API_TOKEN", "a\nb"),
    ("RUNCOMFY_API_TOKEN", "tökén"),
    ("RUNCOMFY_POLL_SECONDS", "fast"),
    ("RUNCOMFY_POLL_SECONDS", "nan"),
    ("RUNCOMFY_POLL_SECONDS", "0"),
    ("OUTPUT_MAX_MB", "-1"),
    ("DATABASE_URL", "nonsense"),
    ("DATABASE_URL", "mysql://user:pass@host/name"),
    ("DATABASE_URL", "postgres://user:pass@host:port/name"),
    ("REDIS_URL", "nonsense"),
    ("REDIS_URL", "http://queue:6379"),
    ("X_ACCEL_PREFIX", "protected-media"),
    ("X_ACCEL_PREFIX", "//elsewhere/"),
    ("VAR_DIR", "/dev/null/var"),
    ("RETENTION_INPUTS", "30"),
    ("RETENTION_APPROVED", "delete:0"),
    ("RETENTION_REJECTED", "delete:1.5"),
    ("RETENTION_REJECTED", "delete:30,delete:40"),
    ("RETENTION_UNREVIEWED", "shred:30"),
    ("RETENTION_UNREVIEWED", "archive:30,delete:30"),
    ("RETENTION_UNREVIEWED", "archive:30"),
    ("ARCHIVE_DIR", "/dev/null/archive"),
    ("ARCHIVE_S3_CLASS", "DEEP_ARCHIVE"),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_value_that_cannot_work_stops_the_start(run, name, value):
    done = run("manage.py", "check", **{name: value})
    assert done.returncode != 0
    assert done.stderr.startswith(f"Seedream Desk cannot start: {name} ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["S3_ACCESS_KEY", "S3_SECRET_KEY"])
def test_object_store_needs_its_keys(run, name):
    keys = {"S3_BUCKET": "pictures", "S3_ACCESS_KEY": "key", "S3_SECRET_KEY": "secret", name: None}
    done = run("manage.py", "check", **keys)
    assert done.returncode != 0
    assert done.stderr.startswith(f"Seedream Desk cannot start: {name} is not set.")


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("DATABASE_URL", "mysql://user:hunter2@host/name", "hunter2"),
        ("REDIS_URL", "http://:hunter2@queue", "hunter2"),
        ("RUNCOMFY_API_TOKEN", "hunter 2", "hunter"),
    ],
)
def test_message_keeps_a_secret(run, name, value, kept):
    assert kept not in run("manage.py", "check", **{name: value}).stderr


def test_combination_that_cannot_work_is_told_by_a_check(run):
    done = run("manage.py", "check", RUNCOMFY_API_TOKEN="token", RUNCOMFY_BASE_URL="http://model-api.runcomfy.net")
    assert done.returncode != 0
    assert "jobs.E002" in done.stderr


# Defaults


def test_secret_key_is_enough(run):
    done = run("manage.py", "check", "--fail-level", "WARNING")
    assert (done.returncode, done.stderr) == (0, "")


def test_without_a_token_the_sandbox_stands_in(shown):
    assert shown("USE_SANDBOX", "RUNCOMFY_BASE_URL", "TRUSTED_ADDRESS", SANDBOX_PORT="9500") == {
        "USE_SANDBOX": True,
        "RUNCOMFY_BASE_URL": "http://127.0.0.1:9500",
        "TRUSTED_ADDRESS": "127.0.0.1:9500",
    }


def test_balance_is_asked_where_runcomfy_tells_it(shown):
    assert shown("RUNCOMFY_ACCOUNT_URL", RUNCOMFY_API_TOKEN="token") == "https://api.runcomfy.net"
    assert shown("RUNCOMFY_ACCOUNT_URL", SANDBOX_PORT="9500") == "http://127.0.0.1:9500"


def test_with_a_token_runcomfy_is_asked_and_nothing_private_is_trusted(shown):
    assert shown("USE_SANDBOX", "RUNCOMFY_BASE_URL", "TRUSTED_ADDRESS", RUNCOMFY_API_TOKEN="token") == {
        "USE_SANDBOX": False,
        "RUNCOMFY_BASE_URL": "https://model-api.runcomfy.net",
        "TRUSTED_ADDRESS": "",
    }


@pytest.mark.parametrize(
    ("variables", "token"),
    [
        ({"RUNCOMFY_API_TOKEN": "one", "RUNCOMFY_TOKEN": "two"}, "one"),
        ({"RUNCOMFY_TOKEN": "two"}, "two"),
        ({"RUNCOMFY_API_TOKEN": " one\n"}, "one"),
        ({"RUNCOMFY_API_TOKEN": "$one"}, "$one"),
    ],
)
def test_token_is_found_under_either_name(shown, variables, token):
    assert shown("RUNCOMFY_API_TOKEN", **variables) == token


@pytest.mark.parametrize("name", ["SECRET_KEY", "ADMIN_PASSWORD"])
def test_secret_may_begin_with_a_dollar(shown, name):
    assert shown(name, **{name: f"${SECRET_KEY}"}) == f"${SECRET_KEY}"


def test_plain_site_sends_cookies_without_tls_and_an_https_site_does_not(shown):
    names = ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_SSL_REDIRECT", "SECURE_HSTS_SECONDS")
    assert set(shown(*names).values()) == {False}
    assert all(shown(*names, PUBLIC_BASE_URL="https://desk.example.com").values())


@pytest.mark.parametrize(
    "address", ["https://desk.example.com/", "HTTPS://desk.example.com", " https://desk.example.com"]
)
def test_public_address_may_be_written_loosely(shown, address):
    assert shown("PUBLIC_BASE_URL", "IS_HTTPS", PUBLIC_BASE_URL=address) == {
        "PUBLIC_BASE_URL": "https://desk.example.com",
        "IS_HTTPS": True,
    }


def test_hosts_are_ours_and_what_is_added(shown):
    variables = {"PUBLIC_BASE_URL": "https://desk.example.com", "ALLOWED_HOSTS": "a.example.com, b.example.com"}
    found = shown("ALLOWED_HOSTS", **variables)
    assert found == ["desk.example.com", "127.0.0.1", "localhost", "a.example.com", "b.example.com"]


@pytest.mark.parametrize(
    ("value", "hosts"),
    [
        (None, [".runcomfy.net", ".runcomfy.com"]),
        ("", [".runcomfy.net", ".runcomfy.com"]),
        ("a.com,.b.com", ["a.com", ".b.com"]),
    ],
)
def test_output_hosts_are_never_all(shown, value, hosts):
    assert shown("RUNCOMFY_OUTPUT_HOSTS", RUNCOMFY_OUTPUT_HOSTS=value) == hosts


@pytest.mark.parametrize(
    ("value", "addresses"),
    [(None, []), ("Hooks.internal:8080, 10.0.0.7,[fd00::1]:80", ["hooks.internal:8080", "10.0.0.7", "[fd00::1]:80"])],
)
def test_no_receiver_is_trusted_unless_it_is_named(shown, value, addresses):
    assert shown("WEBHOOK_TRUSTED", WEBHOOK_TRUSTED=value) == addresses


@pytest.mark.parametrize(("value", "is_on"), [("true", True), ("1", True), ("Yes", True), ("off", False), ("0", False)])
def test_flag_is_read_in_its_usual_spellings(shown, value, is_on):
    assert shown("DEBUG", DEBUG=value) is is_on


def test_database_and_queue_grow_by_the_environment(shown):
    variables = {"DATABASE_URL": "postgres://user:p%40ss@db:5433/desk", "REDIS_URL": "redis://queue:6379/1"}
    found = shown("DATABASES", "Q_CLUSTER", "IS_SQLITE", **variables)
    database = found["DATABASES"]["default"]
    assert (database["HOST"], database["PORT"], database["NAME"], database["PASSWORD"]) == ("db", 5433, "desk", "p@ss")
    assert (found["Q_CLUSTER"]["redis"], found["IS_SQLITE"]) == ("redis://queue:6379/1", False)


def test_sqlite_forgets_nothing_in_a_power_cut(shown):
    options = shown("DATABASES")["default"]["OPTIONS"]
    assert "synchronous=FULL" in options["init_command"]
    assert options["transaction_mode"] == "IMMEDIATE"


def test_dot_env_is_not_read_when_told_so(run):
    done = run("manage.py", "check", SECRET_KEY=None, READ_DOT_ENV="false")
    assert "SECRET_KEY is not set" in done.stderr


@pytest.mark.parametrize(
    ("scheme", "port", "option"), [("smtp", 25, None), ("smtp+tls", 587, "use_tls"), ("smtp+ssl", 465, "use_ssl")]
)
def test_mail_takes_the_usual_port_of_its_scheme(run, scheme, port, option):
    """Asked of the backend itself: Django 6.1 has other settings for it."""
    shown = "mail.get_connection() if django.VERSION < (6, 1) else mail.mailers.default"
    program = (
        f"import django, json; django.setup(); from django.core import mail; found = {shown}; print(json.dumps("
        "[found.host, found.port, found.username, found.password, found.use_tls, found.use_ssl, found.timeout]))"
    )
    done = run(
        "-c",
        program,
        DJANGO_SETTINGS_MODULE="seedream_site.settings",
        EMAIL_URL=f"{scheme}://me:p%40ss@mail.example.com",
    )
    expected = ["mail.example.com", port, "me", "p@ss", option == "use_tls", option == "use_ssl", 10]
    assert json.loads(done.stdout) == expected, done.stderr


def test_mail_is_off_until_it_is_configured(shown):
    assert shown("HAS_MAIL") is False


# Retention


def test_nothing_is_archived_or_deleted_unless_a_rule_says_so(shown):
    assert set(map(str, shown("RETENTION").values())) == {"{}"}


def test_rule_has_days_for_each_act(shown, tmp_path):
    found = shown("RETENTION", RETENTION_REJECTED="archive:30, delete:365", ARCHIVE_DIR=str(tmp_path / "cold"))
    assert found["rejected"] == {"archive": "30 days, 0:00:00", "delete": "365 days, 0:00:00"}


def test_archive_is_another_place_than_the_store(run, tmp_path):
    for place in ("media", "media/old"):
        done = run("manage.py", "check", ARCHIVE_DIR=str(tmp_path / "var" / place))
        assert done.stderr.startswith("Seedream Desk cannot start: ARCHIVE_DIR must be another folder")


def test_there_is_one_archive(run, tmp_path):
    keys = {"S3_ACCESS_KEY": "key", "S3_SECRET_KEY": "secret", "ARCHIVE_S3_BUCKET": "old"}
    done = run("manage.py", "check", ARCHIVE_DIR=str(tmp_path / "cold"), **keys)
    assert "ARCHIVE_DIR and ARCHIVE_S3_BUCKET are both set" in done.stderr


def test_archive_in_the_bucket_of_the_store_has_names_of_its_own(shown):
    keys = {"S3_BUCKET": "pictures", "S3_ACCESS_KEY": "key", "S3_SECRET_KEY": "secret"}
    found = shown("STORAGES", ARCHIVE_S3_BUCKET="pictures", ARCHIVE_S3_CLASS="GLACIER_IR", **keys)
    archive = found["archive"]["OPTIONS"]
    assert (archive["bucket_name"], archive["location"]) == ("pictures", "archive")
    assert archive["object_parameters"] == {"StorageClass": "GLACIER_IR"}
    assert "location" not in found["default"]["OPTIONS"]


# In public


def test_public_site_passes_djangos_deployment_checks(run):
    variables = {"PUBLIC_BASE_URL": "https://desk.example.com", "RUNCOMFY_API_TOKEN": "x"}
    done = run("manage.py", "check", "--deploy", "--fail-level", "WARNING", **variables)
    assert (done.returncode, done.stderr) == (0, "")


def test_public_site_with_the_sandbox_is_warned(run):
    done = run("manage.py", "check", "--deploy", "--fail-level", "WARNING", PUBLIC_BASE_URL="https://desk.example.com")
    assert done.returncode != 0
    assert "jobs.W001" in done.stderr
