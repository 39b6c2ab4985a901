"""Values in RunComfy's answers, read with distrust: what is not what it should be is None, or shown as text."""

import json
import math
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from email.utils import parsedate_to_datetime
from typing import Any


def json_in(text: str) -> Any:
    """What the text stands for, or None when it is no JSON; without what PostgreSQL cannot store."""
    try:
        body = json.loads(text, parse_constant=lambda _name: None, parse_float=_finite)
        return _storable(body) if "\\u" in text else body
    except (ValueError, RecursionError):
        return None


def _finite(digits: str) -> float | None:
    return number if math.isfinite(number := float(digits)) else None


def _storable(value: Any) -> Any:
    """Without NUL and half surrogate pairs."""
    if isinstance(value, str):
        return value.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_storable(entry) for entry in value]
    if isinstance(value, dict):
        return {_storable(key): _storable(entry) for key, entry in value.items()}
    return value


def words_in(body: Any) -> str:
    """The provider's words in any of the shapes on record; a non-text is shown as JSON rather than lost."""
    if isinstance(body, str):
        return body[:2000]
    if not isinstance(body, dict):
        return ""
    for key in ("error_message", "message", "error", "detail"):
        if body.get(key):
            return words(body[key])
    return ""


def words(value: Any) -> str:
    """A readable text of RunComfy's `error`, which may be a string or any JSON."""
    if isinstance(value, dict) and (inner := words_in(value)):
        return inner
    return (value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))[:2000]


def integer(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return None


def position(value: Any) -> int | None:
    number = integer(value)
    return number if number is not None and 0 <= number < 2**31 else None


def money(value: Any) -> Decimal | None:
    """A sum in dollars of what may be a number, a numeric text, or nothing."""
    if value is None or isinstance(value, bool):
        return None
    try:
        amount = Decimal(str(value).strip().lstrip("$"))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and 0 <= amount < 100_000 else None


def seconds_of(value: str | None) -> float | None:
    """Seconds of a Retry-After header, in either of its forms; at most an hour."""
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError):
            return None
    return min(max(seconds, 0.0), 3600.0) if seconds == seconds else None
