"""Every setting of Seedream Desk, read from the environment and from `.env`.

The embedded defaults (SQLite, a folder for files, the sandbox instead of RunComfy) need only
SECRET_KEY; `.env.example` explains each variable. A value that cannot work stops the start.
"""

import logging
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _
from whitenoise.compress import Compressor

from jobs.logs import is_news

from .environment import (
    addresses,
    ages,
    choice,
    database,
    flag,
    folder,
    hosts,
    mail,
    number,
    prefix,
    redis_address,
    required,
    secret,
    text,
    web_address,
    words,
)
from .sentry import report_errors_to

BASE_DIR = Path(__file__).resolve().parent.parent

# The site

SECRET_KEY = required("SECRET_KEY", "Put a long random string into .env; `make run` does it for you.")
DEBUG = flag("DEBUG", False)
HOST = text("HOST", "127.0.0.1")
PORT = number("PORT", 8000, 1, 65535)
PUBLIC_BASE_URL = web_address("PUBLIC_BASE_URL", f"http://127.0.0.1:{PORT}")
if urlsplit(PUBLIC_BASE_URL).path:
    raise ImproperlyConfigured("PUBLIC_BASE_URL must have no path: the site stands at the root of its host.")
IS_HTTPS = PUBLIC_BASE_URL.startswith("https://")
ALLOWED_HOSTS = [urlsplit(PUBLIC_BASE_URL).hostname, "127.0.0.1", "localhost", *words("ALLOWED_HOSTS", [])]
CSRF_TRUSTED_ORIGINS = [PUBLIC_BASE_URL]
WEB_WORKERS = number("WEB_WORKERS", 2, 1, 64)
# More than one: an upload over a slow line holds a thread for as long as it takes.
WEB_THREADS = number("WEB_THREADS", 8, 1, 64)
TEAM_VISIBILITY = choice("TEAM_VISIBILITY", "team", {"team", "own"})
NO_REVIEW_OF_OWN = flag("NO_REVIEW_OF_OWN", True)
REQUIRE_APPROVAL = flag("REQUIRE_APPROVAL", False)

# For the first start: who administrates; a password is made up and printed once when none is given.
ADMIN_USERNAME = text("ADMIN_USERNAME", "admin")
ADMIN_PASSWORD = text("ADMIN_PASSWORD", "")

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_HTTPS
SECURE_SSL_REDIRECT = IS_HTTPS
SECURE_HSTS_SECONDS = number("SECURE_HSTS_SECONDS", 31_536_000 if IS_HTTPS else 0, 0, 63_072_000)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = IS_HTTPS
BEHIND_PROXY = flag("BEHIND_PROXY", False)
if BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]  # who watches asks over plain http
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"

ROOT_URLCONF = "seedream_site.urls"
WSGI_APPLICATION = "seedream_site.wsgi.application"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "seedream_site.apps.CollectedFiles",
    "axes",
    "csp",
    "django_htmx",
    "django_q",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "knox",
    "rest_framework",
    "jobs",
]
MIDDLEWARE = [
    "seedream_site.middleware.number_requests",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "seedream_site.middleware.limit_body",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "seedream_site.middleware.Language",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    # Before the check of the form's token, which would read all of a stranger's upload.
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "jobs.views.site.provider_notes",
                "jobs.views.health.waiting",
            ]
        },
    }
]
# Ten wrong passwords for one name from one address close that door for a quarter of an hour; others stay open.
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AXES_HANDLER = "jobs.sign_in.Attempts"
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_DISABLE_ACCESS_LOG = True
AXES_HTTP_RESPONSE_CODE = 429
AXES_LOCKOUT_TEMPLATE = "registration/locked.html"
AXES_CLIENT_IP_CALLABLE = "seedream_site.proxies.client_address"
AXES_VERBOSE = False
# Until the browser closes, and 14 days at most; whoever asks to stay signed in stays for longer.
SESSION_COOKIE_AGE = 14 * 24 * 3600
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
REMEMBERED_SECONDS = 30 * 24 * 3600
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "jobs:history"
LOGOUT_REDIRECT_URL = "login"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("ja", _("Japanese"))]
LOCALE_PATHS = [BASE_DIR / "jobs" / "locale"]
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_SECURE = IS_HTTPS
LANGUAGE_COOKIE_HTTPONLY = True
TIME_ZONE = text("TIME_ZONE", "UTC")
try:
    ZoneInfo(TIME_ZONE)
except (KeyError, ValueError, OSError):
    raise ImproperlyConfigured(f"TIME_ZONE must be a name such as Asia/Tokyo, not {TIME_ZONE!r}.") from None
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Mail, for forgotten passwords alone
HAS_MAIL = bool(text("EMAIL_URL"))
globals().update(mail("EMAIL_URL"))
SILENCED_SYSTEM_CHECKS = [] if HAS_MAIL else ["mail.W001"]  # without mail the pages say so, and send none
DEFAULT_FROM_EMAIL = text("DEFAULT_FROM_EMAIL", f"Seedream Desk <seedream-desk@{urlsplit(PUBLIC_BASE_URL).hostname}>")
if "@" not in DEFAULT_FROM_EMAIL:
    raise ImproperlyConfigured("DEFAULT_FROM_EMAIL must be an address such as desk@example.com.")

# Data: SQLite and a folder until DATABASE_URL, REDIS_URL or S3_BUCKET say otherwise

VAR_DIR = folder(Path(text("VAR_DIR", "") or BASE_DIR / "var").resolve())

DATABASES = {"default": database("DATABASE_URL", f"sqlite:///{VAR_DIR / 'desk.sqlite3'}")}
# Workers keep their connections: reconnecting for each task makes the queue 3 to 6 times slower.
DATABASES["default"] |= {"CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": True}
IS_SQLITE = DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3"
if IS_SQLITE:
    # FULL, because a power cut under NORMAL may forget a committed intent, and the edit would be paid twice.
    # IMMEDIATE, because a deferred transaction that turns to writing fails at once instead of waiting.
    DATABASES["default"]["OPTIONS"] = {
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
    }
    DATABASES["default"]["TEST"] = {"NAME": str(VAR_DIR / "test.sqlite3")}
else:
    # psycopg would wait for two minutes, and a page with it.
    DATABASES["default"].setdefault("OPTIONS", {}).setdefault("connect_timeout", 5)

REDIS_URL = redis_address("REDIS_URL")
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
    }
    if REDIS_URL
    # A folder, not local memory: the web processes and the workers read one price and one set of statistics.
    else {
        "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
        "LOCATION": VAR_DIR / "cache",
    }
}

MEDIA_ROOT = VAR_DIR / "media"
# On the same file system as MEDIA_ROOT, so that a finished file gets its name in one atomic step.
FILE_UPLOAD_TEMP_DIR = folder(MEDIA_ROOT / "tmp")
# Where the web server in front finds MEDIA_ROOT, or hands a signed path on to S3; empty when there is none that does.
X_ACCEL_PREFIX = prefix("X_ACCEL_PREFIX")
DATA_UPLOAD_MAX_MEMORY_SIZE = 150 * 1024 * 1024  # ten pictures as data URIs in one JSON body
DATA_UPLOAD_MAX_NUMBER_FILES = 20
# The largest body of a request, in bytes: where pictures are sent, and everywhere else.
UPLOAD_PATHS = ("/new/", "/api/v1/jobs/", "/api/v1/pictures/", "/v1/models/")
BODY_MAX_BYTES, UPLOAD_MAX_BYTES = 1024 * 1024, DATA_UPLOAD_MAX_MEMORY_SIZE

S3_BUCKET = text("S3_BUCKET", "")
S3_ENDPOINT_URL = web_address("S3_ENDPOINT_URL", "") if text("S3_ENDPOINT_URL") else ""


def _bucket(setting: str, name: str, **more: Any) -> dict[str, Any]:
    options = {
        "bucket_name": name,
        "endpoint_url": S3_ENDPOINT_URL or None,
        "region_name": text("S3_REGION", "us-east-1"),
        "access_key": required("S3_ACCESS_KEY", f"{setting} is set, so the store needs its key."),
        "secret_key": required("S3_SECRET_KEY", f"{setting} is set, so the store needs its secret."),
        "default_acl": None,
        "querystring_auth": True,
        "signature_version": "s3v4",
        "max_memory_size": 4 * 1024 * 1024,  # of a file that is read here; the rest waits on the disk
    }
    return {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options | more}


def _folder(location: Path) -> dict[str, Any]:
    # Files are named by their hash: writing one again writes the same bytes.
    options = {"location": location, "allow_overwrite": True}
    return {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": options}


STORAGES = {
    "default": _bucket("S3_BUCKET", S3_BUCKET) if S3_BUCKET else _folder(MEDIA_ROOT),
    "staticfiles": {"BACKEND": "seedream_site.storage.HashedStaticFiles"},
}

# Retention: nothing is archived or deleted unless a rule says so. Days count from the last of: stored, decided about,
# brought back; of an input, from when the last edit that uses it ended.
RETENTION = {kind: ages(f"RETENTION_{kind.upper()}") for kind in ("inputs", "approved", "rejected", "unreviewed")}
ARCHIVE_S3_BUCKET = text("ARCHIVE_S3_BUCKET")
ARCHIVE_DIR = folder(Path(text("ARCHIVE_DIR")).resolve(), "ARCHIVE_DIR") if text("ARCHIVE_DIR") else None
# What can be read at once: from the others a file comes back after hours, and on request.
ARCHIVE_S3_CLASS = choice(
    "ARCHIVE_S3_CLASS",
    "STANDARD",
    {"STANDARD", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR"},
)
if ARCHIVE_DIR and ARCHIVE_S3_BUCKET:
    raise ImproperlyConfigured("ARCHIVE_DIR and ARCHIVE_S3_BUCKET are both set: there is one archive.")
if ARCHIVE_DIR and (ARCHIVE_DIR == MEDIA_ROOT or MEDIA_ROOT in ARCHIVE_DIR.parents):
    raise ImproperlyConfigured("ARCHIVE_DIR must be another folder than VAR_DIR/media, and none within it.")
if ARCHIVE_DIR:
    STORAGES["archive"] = _folder(ARCHIVE_DIR)
elif ARCHIVE_S3_BUCKET:
    # Under a name of its own: in the bucket of the store the two would be one file.
    _more: dict[str, Any] = {"location": "archive", "object_parameters": {"StorageClass": ARCHIVE_S3_CLASS}}
    STORAGES["archive"] = _bucket("ARCHIVE_S3_BUCKET", ARCHIVE_S3_BUCKET, **_more)
for _kind, _ages in RETENTION.items():
    if "archive" in _ages and "archive" not in STORAGES:
        _name = f"RETENTION_{_kind.upper()}"
        raise ImproperlyConfigured(f"{_name} archives, so ARCHIVE_DIR or ARCHIVE_S3_BUCKET must say where to.")

# Pages take scripts, styles and pictures from this site alone; with S3, pictures from the store's own address too,
# unless the web server in front fetches them.
_OWN, _NONE = "'self'", "'none'"
_STORE = [f"{urlsplit(S3_ENDPOINT_URL).scheme}://{urlsplit(S3_ENDPOINT_URL).netloc}"] if S3_ENDPOINT_URL else []
_STORE = [] if X_ACCEL_PREFIX else _STORE or (["https://*.amazonaws.com"] if S3_BUCKET else [])
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [_NONE],
        "script-src": [_OWN],
        "style-src": [_OWN],
        "img-src": [_OWN, "blob:", *_STORE],
        "media-src": [_OWN, *_STORE],
        "font-src": [_OWN],
        "connect-src": [_OWN],
        "form-action": [_OWN],
        "base-uri": [_NONE],
        "frame-ancestors": [_NONE],
    }
}

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
# Source maps are megabytes that only a developer's tools ask for.
WHITENOISE_SKIP_COMPRESS_EXTENSIONS = [*Compressor.SKIP_COMPRESS_EXTENSIONS, "map"]

# RunComfy, or the sandbox beside us when there is no token

SANDBOX_PORT = number("SANDBOX_PORT", 9400, 1, 65535)
RUNCOMFY_API_TOKEN = secret("RUNCOMFY_API_TOKEN") or secret("RUNCOMFY_TOKEN")
USE_SANDBOX = not RUNCOMFY_API_TOKEN
if USE_SANDBOX:
    RUNCOMFY_API_TOKEN = "sandbox-token"  # noqa: S105 (the sandbox is open to whoever runs it)
RUNCOMFY_BASE_URL = web_address(
    "RUNCOMFY_BASE_URL",
    f"http://127.0.0.1:{SANDBOX_PORT}" if USE_SANDBOX else "https://model-api.runcomfy.net",
)
# Where the account's balance is told; the sandbox tells it itself.
RUNCOMFY_ACCOUNT_URL = web_address(
    "RUNCOMFY_ACCOUNT_URL", RUNCOMFY_BASE_URL if USE_SANDBOX else "https://api.runcomfy.net"
)
RUNCOMFY_OUTPUT_HOSTS = hosts("RUNCOMFY_OUTPUT_HOSTS", [".runcomfy.net", ".runcomfy.com"])
# The one exception from "no private addresses": host:port of a provider that stands beside us.
TRUSTED_ADDRESS = urlsplit(RUNCOMFY_BASE_URL).netloc if not RUNCOMFY_BASE_URL.startswith("https://") else ""
RUNCOMFY_POLL_SECONDS = number("RUNCOMFY_POLL_SECONDS", 2.0, 0.05, 60)
# Of all machines together; 0 for no limit: RunComfy publishes none, and says by itself when it wants fewer calls.
RUNCOMFY_SUBMITS_PER_SECOND = number("RUNCOMFY_SUBMITS_PER_SECOND", 0.0, 0, 1000)
RUNCOMFY_POLLS_PER_SECOND = number("RUNCOMFY_POLLS_PER_SECOND", 0.0, 0, 10_000)
RUNCOMFY_MAX_IN_FLIGHT = number("RUNCOMFY_MAX_IN_FLIGHT", 0, 0, 100_000)
RUNCOMFY_SUBMIT_TIMEOUT = number("RUNCOMFY_SUBMIT_TIMEOUT", 60.0, 1, 90)
RUNCOMFY_READ_TIMEOUT = number("RUNCOMFY_READ_TIMEOUT", 20.0, 1, 60)

INPUT_DELIVERY = choice("INPUT_DELIVERY", "auto", {"auto", "url", "data"})
INPUT_URL_LIFETIME = timedelta(hours=number("INPUT_URL_HOURS", 48, 1, 168))
OUTPUT_LINK_LIFETIME = timedelta(hours=number("OUTPUT_LINK_HOURS", 24, 1, 168))
LINK_TIMEOUT = number("LINK_TIMEOUT", 15.0, 1, 60)
# How long an uploaded picture waits for an edit that uses it.
UPLOAD_KEPT = timedelta(days=number("UPLOAD_KEPT_DAYS", 7, 1, 3650))
OUTPUT_MAX_BYTES = number("OUTPUT_MAX_MB", 200, 1, 10_000) * 1024 * 1024
OUTPUT_TIMEOUT = number("OUTPUT_TIMEOUT", 180.0, 1, 240)

# The work behind the pages

JOB_DEADLINE = timedelta(hours=number("JOB_DEADLINE_HOURS", 24, 1, 720))
# How long RunComfy may not find a request, and an output may not come as it should, before the job fails.
GONE_PATIENCE = number("GONE_PATIENCE_SECONDS", 60.0, 0, 86_400)
OUTPUT_PATIENCE = number("OUTPUT_PATIENCE_SECONDS", 1800.0, 0, 864_000)
SUBMIT_DEADLINE = timedelta(minutes=number("SUBMIT_DEADLINE_MINUTES", 60, 1, 10_080))
DRIVE_SECONDS = number("DRIVE_SECONDS", 20.0, 0.1, 100)
DRIVE_CAPACITY = number("DRIVE_CAPACITY", 1000, 1, 10_000)
LEASE_SECONDS = number("LEASE_SECONDS", 15.0, 1, 120)
WORKER_STALE_SECONDS = number("WORKER_STALE_SECONDS", 60.0, 5, 3600)
# From when on a missing sign of life, or a job that nobody moves, is told: before the queue is restarted, and so early
# that it is on every open page within a minute.
LATE_SECONDS = max(15.0, WORKER_STALE_SECONDS * 2 / 3)

# Webhooks: how long a receiver may take, and how long the log of deliveries goes back.
WEBHOOK_TIMEOUT = number("WEBHOOK_TIMEOUT", 15.0, 1, 30)
WEBHOOK_KEPT = timedelta(days=number("WEBHOOK_KEPT_DAYS", 30, 2, 3650))
# Receivers beside us, as host:port: the exception from "https and public addresses only".
WEBHOOK_TRUSTED = addresses("WEBHOOK_TRUSTED")

# Longer than a driver's run with its last downloads, and well before the queue hands a task out again.
QUEUE_TIMEOUT = 400
Q_CLUSTER: dict[str, Any] = {
    "name": "seedream-desk",
    "workers": number("QUEUE_WORKERS", 4, 2, 64),
    "timeout": QUEUE_TIMEOUT,
    "retry": 600,
    "queue_limit": 1,
    "bulk": 1,
    "ack_failures": True,
    "max_attempts": 1,
    "recycle": 500,
    "save_limit": -1,
    "catch_up": False,
    "poll": 0.2,
    "guard_cycle": 0.5,
    **({"redis": REDIS_URL} if REDIS_URL else {"orm": "default"}),
}

# The API

API_TOKEN_DAYS = number("API_TOKEN_DAYS", 365, 1, 3650)
# Calls of one user in a minute
API_RATES = {
    "reads": number("API_READS_PER_MINUTE", 600, 1, 1_000_000),
    "writes": number("API_WRITES_PER_MINUTE", 120, 1, 1_000_000),
    "uploads": number("API_UPLOADS_PER_MINUTE", 60, 1, 1_000_000),
}
KNOX_TOKEN_MODEL = "jobs.ApiToken"  # noqa: S105 (a model's name)
# Its own token table stays away: ours replaces it, and an unused table that points to users cannot be flushed.
MIGRATION_MODULES = {"knox": None}
REST_KNOX = {
    "AUTH_HEADER_PREFIX": "Bearer",
    "TOKEN_TTL": timedelta(days=API_TOKEN_DAYS),
    "TOKEN_MODEL": KNOX_TOKEN_MODEL,
}
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "jobs.tokens.BearerAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PARSER_CLASSES": [
        "jobs.parsers.Json",
        "jobs.parsers.MultiPart",
        "rest_framework.parsers.FormParser",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "drf_standardized_errors.handler.exception_handler",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Seedream Desk",
    "DESCRIPTION": "Edits of pictures with bytedance/seedream-4-0/edit-sequential: started, waited for, found again.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "DISABLE_DOCSTRING_DESCRIPTIONS": True,  # they are for who reads the code
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "jobs.api.answers.complete"],
    "ENUM_NAME_OVERRIDES": {
        "State": "jobs.states.State.choices",
        "Reason": "jobs.states.Reason.choices",
        "Verb": "jobs.states.Verb.choices",
    },
}

# Watching it

# Who may read /metrics, besides staff; without it there is none.
METRICS_TOKEN = secret("METRICS_TOKEN")

LOG_LEVEL = choice("LOG_LEVEL", "INFO", {*logging.getLevelNamesMapping()})
LOG_FORMAT = choice("LOG_FORMAT", "text", {"text", "json"})
_MAIL = globals().get("MAILERS", {}).get("default", {}).get("OPTIONS", {}).get("password")
_SECRETS = [
    SECRET_KEY,
    RUNCOMFY_API_TOKEN,
    METRICS_TOKEN,
    ADMIN_PASSWORD,
    text("S3_SECRET_KEY"),
    str(DATABASES["default"].get("PASSWORD") or ""),
    urlsplit(REDIS_URL).password or "",
    globals().get("EMAIL_HOST_PASSWORD") or _MAIL or "",
]
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "text": {"()": "jobs.logs.Lines", "secrets": _SECRETS},
        "json": {"()": "jobs.logs.Json", "secrets": _SECRETS},
    },
    "filters": {"news": {"()": "django.utils.log.CallbackFilter", "callback": is_news}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        "jobs": {"level": LOG_LEVEL},
        "seedream_site": {"level": LOG_LEVEL},
        "django.request": {"filters": ["news"]},
        "django-q": {"level": "WARNING"},
        # Its INFO line holds each URL asked for, signed ones included.
        "httpx": {"level": "WARNING"},
        # The web server brings handlers of its own.
        "_granian": {"handlers": ["console"], "propagate": False},
    },
}

SENTRY_DSN = text("SENTRY_DSN")
if SENTRY_DSN:
    report_errors_to(SENTRY_DSN, text("SENTRY_ENVIRONMENT", "production"))
