"""The service's own settings for the tests: nothing from `.env`, a folder of their own, small numbers for waiting."""

import os
import tempfile

from tests import s3

# Each process of the suite has a broker of its own: a ring must not wake another one's workers.
_redis, _, _database = os.environ.get("TEST_REDIS_URL", "").rpartition("/")
_number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_s3 = os.environ.get("TEST_S3_URL", "")

os.environ |= {
    "READ_DOT_ENV": "false",
    "SECRET_KEY": "tests-0123456789-abcdefghijklmnopqrstuvwxyz-0123456789",
    "VAR_DIR": tempfile.mkdtemp(prefix="seedream-tests-"),
    "DATABASE_URL": os.environ.get("TEST_DATABASE_URL", ""),
    "REDIS_URL": f"{_redis}/{int(_database) - _number}" if _redis else "",
    "RUNCOMFY_API_TOKEN": "",
    "RUNCOMFY_TOKEN": "",
    **(s3.environment(_s3, f"tests-{os.getpid()}") if _s3 else {"S3_BUCKET": ""}),
    "PUBLIC_BASE_URL": "",
    "EMAIL_URL": "consolemail://",
    "RUNCOMFY_BASE_URL": "",
    "RUNCOMFY_POLL_SECONDS": "0.05",
    "GONE_PATIENCE_SECONDS": "1",
    "OUTPUT_PATIENCE_SECONDS": "2",
}

from seedream_site.settings import *  # noqa: E402, F403

# Hashing a password slowly on purpose would take most of the suite's time.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = STORAGES | {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}  # noqa: F405
# Each client of a test would list all static files when it begins: half of the time of a test that asks for one page.
WHITENOISE_AUTOREFRESH = True
