"""Django system checks for what is valid alone and wrong together, or wrong on this machine."""

import tempfile
from collections.abc import Sequence
from typing import Any
from urllib.parse import SplitResult, urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register


@register(Tags.security, deploy=True)
def check_sandbox(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    if not settings.USE_SANDBOX:
        return []
    return [
        Warning(
            "No RunComfy token is set, so edits go to the sandbox.",
            hint="Set RUNCOMFY_API_TOKEN to make real pictures.",
            id="jobs.W001",
        )
    ]


@register()
def check_delivery(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    by_url = settings.INPUT_DELIVERY == "url"
    is_from_s3 = settings.S3_BUCKET and not settings.X_ACCEL_PREFIX
    if not by_url or settings.USE_SANDBOX or settings.IS_HTTPS or is_from_s3:
        return []
    return [
        Error(
            "INPUT_DELIVERY is url, but RunComfy fetches pictures only from a public https address.",
            hint="Set PUBLIC_BASE_URL to one, or INPUT_DELIVERY to auto or data.",
            id="jobs.E001",
        )
    ]


@register()
def check_provider_address(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    if settings.USE_SANDBOX:
        return []
    return [
        Error(
            f"{name} is not https: the API token would travel in the open.",
            hint="Use https, or an address of this machine.",
            id="jobs.E002",
        )
        for name in ("RUNCOMFY_BASE_URL", "RUNCOMFY_ACCOUNT_URL")
        if not _keeps_secrets(urlsplit(getattr(settings, name)))
    ]


def _keeps_secrets(address: SplitResult) -> bool:
    return address.scheme == "https" or address.hostname in {"127.0.0.1", "localhost", "::1"}


@register()
def check_store(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Also with S3: what goes there is whole on this machine first."""
    try:
        with tempfile.TemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR):
            return []
    except OSError as problem:
        return [
            Error(
                f"Pictures cannot be stored: {problem}",
                hint="Make VAR_DIR writable for the user that runs the service.",
                id="jobs.E003",
            )
        ]


@register()
def check_queue_times(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    longest = settings.DRIVE_SECONDS + settings.OUTPUT_TIMEOUT + settings.RUNCOMFY_SUBMIT_TIMEOUT
    if longest < settings.QUEUE_TIMEOUT:
        return []
    return [
        Error(
            f"A driver may take {longest:.0f} s, but the queue ends a task after {settings.QUEUE_TIMEOUT} s.",
            hint="Lower DRIVE_SECONDS, OUTPUT_TIMEOUT or RUNCOMFY_SUBMIT_TIMEOUT.",
            id="jobs.E004",
        )
    ]


@register()
def check_shared_parts(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    if not settings.IS_SQLITE or not settings.REDIS_URL:
        return []
    return [
        Warning(
            "REDIS_URL is set, but the database is SQLite: only this machine can read it.",
            hint="Set DATABASE_URL to PostgreSQL before adding machines.",
            id="jobs.W002",
        )
    ]
