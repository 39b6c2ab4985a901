"""Lines of the log: for people or, with LOG_FORMAT=json, one JSON object each; with ids, and without secrets."""

import json
import logging
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

HIDDEN = "[secret]"
SHORTEST_SECRET = 8  # a shorter one would be found in the middle of words
# Words that open a door by themselves: tokens in headers, and in addresses that need no sign-in.
KEYS = re.compile(
    r"(?i)(\bbearer\s+|/inputs/|/v1/outputs/|/kept/|/new-password/\w+/|\bX-Amz-(?:Signature|Credential)=)[^\s/&\"'<>]+"
)

# What would end a line, or lead a terminal: people write it, and a line must not look like two.
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")

request_number: ContextVar[str] = ContextVar("request_number", default="")
_job: ContextVar[Any] = ContextVar("job", default=None)


@contextmanager
def about(job: Any) -> Iterator[None]:
    """Lines that are logged inside are about that job; its request's id is told from the moment that it is known."""
    token = _job.set(job)
    try:
        yield
    finally:
        _job.reset(token)


def ids(record: logging.LogRecord | None = None) -> dict[str, str]:
    """What a line is about, as far as it is known: our job, RunComfy's request, and the HTTP request."""
    job = getattr(record, "job", None) or _job.get()
    # Django tells of an answer after the middleware, and names the request itself.
    number = request_number.get() or getattr(getattr(record, "request", None), "number", "")
    known = {
        "job_id": str(getattr(job, "pk", "")),
        "request_id": getattr(job, "request_id", None) or "",
        "http_request_id": number,
    }
    return {name: value for name, value in known.items() if value}


def is_news(record: logging.LogRecord) -> bool:
    """Probes come every few seconds, and Django would tell of each 503 as of an error: jobs.health tells the change."""
    return getattr(getattr(record, "request", None), "path", "") != "/readyz"


def _escaped(control: re.Match[str]) -> str:
    return control[0].encode("unicode_escape").decode()


class Lines(logging.Formatter):
    """For people: the ids come at the end of the line."""

    def __init__(self, secrets: Iterable[str] = ()):
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self.secrets = sorted({word for word in secrets if len(word) >= SHORTEST_SECRET}, key=len, reverse=True)

    def format(self, record: logging.LogRecord) -> str:
        """Further lines, such as those of a traceback, are indented: none of them can look like the next of the log."""
        text = CONTROLS.sub(_escaped, super().format(record))
        return self.hide(text.replace("\n", "\n  "))

    def formatMessage(self, record: logging.LogRecord) -> str:
        line = super().formatMessage(record).replace("\n", "\\n")
        unsaid = [f"{name}={value}" for name, value in ids(record).items() if value not in line]
        return " ".join([line, *unsaid])

    def hide(self, text: str) -> str:
        for secret in self.secrets:
            text = text.replace(secret, HIDDEN)
        return KEYS.sub(rf"\1{HIDDEN}", text)


class Json(Lines):
    """For programs. Only these fields: libraries attach whole requests to their records."""

    def format(self, record: logging.LogRecord) -> str:
        told = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **ids(record),
        }
        if record.exc_info:
            told["exception"] = self.formatException(record.exc_info)
        return json.dumps({name: self.hide(text) for name, text in told.items()}, ensure_ascii=False)
