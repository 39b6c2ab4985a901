"""Errors to Sentry, for those who set SENTRY_DSN: what broke and where, and nothing that people wrote.

What an exception says may hold a prompt, and a line of the log the words of RunComfy. So an event is made anew of what
is known to be harmless: types, places in the code, our own messages before their values are filled in, and ids. The
rest is in the log, under the same ids.
"""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from jobs import logs

KEPT = ("event_id", "timestamp", "platform", "level", "logger", "environment", "server_name", "sdk")
PLACE = (
    "abs_path",
    "filename",
    "function",
    "module",
    "lineno",
    "pre_context",
    "context_line",
    "post_context",
    "in_app",
)
OURS = ("jobs.", "seedream_site.")
# They tell of what strangers send, or of what our own lines tell better.
IGNORED = ("django.security.DisallowedHost", "django-q")


def report_errors_to(dsn: str, environment: str) -> None:
    try:
        import sentry_sdk
        from sentry_sdk.integrations.logging import ignore_logger
    except ImportError:
        raise ImproperlyConfigured(
            "SENTRY_DSN is set, but sentry-sdk is not installed: .venv/bin/pip install sentry-sdk"
        ) from None
    try:
        sentry_sdk.init(
            dsn=dsn,
            environment=environment,
            before_send=harmless,
            send_default_pii=False,
            include_local_variables=False,
            max_request_body_size="never",
            max_breadcrumbs=0,
            auto_session_tracking=False,
        )
    except ValueError:
        # Without the value: its first part is a key.
        raise ImproperlyConfigured("SENTRY_DSN must be an address such as https://key@sentry.example.com/7.") from None
    for name in IGNORED:
        ignore_logger(name)


def harmless(event: Any, hint: Any) -> Any:
    """The event without anything that somebody wrote, sent or received."""
    told = {name: event[name] for name in KEPT if name in event}
    # An address that no route leads to is told as it was asked for.
    if event.get("transaction_info", {}).get("source") == "route":
        told["transaction"] = event["transaction"]
    told["tags"] = logs.ids(hint.get("log_record"))
    if values := event.get("exception", {}).get("values"):
        told["exception"] = {"values": [_raised(value) for value in values]}
    message = event.get("logentry", {}).get("message")
    if message and str(event.get("logger", "")).startswith(OURS):
        told["logentry"] = {"message": message}
    return told


def _raised(value: Mapping[str, Any]) -> dict[str, Any]:
    frames = (value.get("stacktrace") or {}).get("frames", [])
    places = [{name: frame[name] for name in PLACE if name in frame} for frame in frames]
    return {
        "type": value.get("type"),
        "module": value.get("module"),
        "mechanism": {"type": (value.get("mechanism") or {}).get("type", "generic"), "handled": False},
        "stacktrace": {"frames": places},
    }
