"""Reading the environment for `settings`: each function says in words what to set when a value cannot work."""

import os
import re
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import django
import environ
from django.core.exceptions import ImproperlyConfigured

env = environ.Env()
if env.bool("READ_DOT_ENV", True):
    env.read_env(Path(__file__).resolve().parent.parent / ".env")


def text(name: str, default: str = "") -> str:
    """As it stands: django-environ would take a password such as "$ecret" for the name of another variable. Set to
    nothing is not set."""
    return os.environ.get(name, "") or default


def words(name: str, default: list[str]) -> list[str]:
    """What stands between commas."""
    return [word.strip() for word in text(name).split(",") if word.strip()] or default


def required(name: str, how: str) -> str:
    value = text(name, "")
    if not value:
        raise ImproperlyConfigured(f"{name} is not set. {how}")
    return value


Number = TypeVar("Number", int, float)
MAIL_PORTS = {"smtp": 25, "smtp+tls": 587, "smtp+ssl": 465}


def number(name: str, default: Number, least: float = 0, most: float = float("inf")) -> Number:
    """A number from the environment, between `least` and `most`; a whole default asks for a whole number."""
    kind = type(default)
    try:
        value = kind(text(name, str(default)))
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a {'whole ' * (kind is int)}number.") from None
    if not least <= value <= most:
        raise ImproperlyConfigured(f"{name} must be between {least} and {most}, not {value}.")
    return value


def flag(name: str, default: bool) -> bool:
    value = text(name, str(default)).strip().lower()
    if value not in {"true", "1", "yes", "on", "false", "0", "no", "off"}:
        raise ImproperlyConfigured(f"{name} must be true or false, not {value!r}.")
    return value in {"true", "1", "yes", "on"}


def choice(name: str, default: str, allowed: set[str]) -> str:
    value = text(name, default)
    if value not in allowed:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(sorted(allowed))}, not {value!r}.")
    return value


def web_address(name: str, default: str) -> str:
    value = (text(name, "") or default).strip().rstrip("/")
    try:
        parts = urlsplit(value)
        is_good = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:  # half a bracket, a port that is none
        is_good = False
    if not is_good or parts.username or parts.query or parts.fragment:
        raise ImproperlyConfigured(f"{name} must be an address such as https://desk.example.com, not {value!r}.")
    return parts.geturl()


def secret(name: str) -> str:
    """A word for an HTTP header, where a line break or a space would break each call, and show it in the error."""
    value = text(name).strip()
    if not all("!" <= letter <= "~" for letter in value):
        raise ImproperlyConfigured(f"{name} contains a character that no token has: copy it again.")
    return value


def database(name: str, default: str) -> dict[str, Any]:
    value = text(name) or default
    try:
        if value.startswith(("sqlite:", "postgres:", "postgresql:")):
            return env.db_url_config(value)
    except ValueError:
        pass
    # Without the value: it holds a password.
    raise ImproperlyConfigured(f"{name} must be an address such as postgres://user:password@host:5432/name.")


def hosts(name: str, default: list[str]) -> list[str]:
    values = [host.lower() for host in words(name, default)]
    for host in values:
        if not re.fullmatch(r"\.?[a-z0-9-]+(\.[a-z0-9-]+)*", host):
            raise ImproperlyConfigured(f"{name} must hold names such as .runcomfy.net, not {host!r}.")
    return values


def addresses(name: str) -> list[str]:
    values = [address.lower() for address in words(name, [])]
    for address in values:
        if not re.fullmatch(r"(\[[0-9a-f:.]+\]|[a-z0-9-]+(\.[a-z0-9-]+)*)(:\d{1,5})?", address):
            raise ImproperlyConfigured(f"{name} must hold addresses such as hooks.internal:8080, not {address!r}.")
    return values


def redis_address(name: str) -> str:
    value = text(name)
    if value and not value.startswith(("redis://", "rediss://", "unix://")):
        raise ImproperlyConfigured(f"{name} must be an address such as redis://host:6379/0.")
    return value


def mail(name: str) -> dict[str, Any]:
    """Django's settings for mail, of which 6.1 wants another form; empty when nobody is to be written to."""
    value = text(name)
    scheme, _sep, rest = value.partition("://")
    try:
        found = env.email_url_config(value) if value else {}
    except (ImproperlyConfigured, ValueError):
        found = {}
    found = {key: setting for key, setting in found.items() if setting and key not in {"EMAIL_FILE_PATH", "OPTIONS"}}
    if scheme in MAIL_PORTS and "EMAIL_HOST" in found:
        found = {"EMAIL_PORT": MAIL_PORTS[scheme], "EMAIL_TIMEOUT": 10} | found
    elif scheme == "filemail":
        found["EMAIL_FILE_PATH"] = rest  # django-environ would drop its first slash
    elif value and scheme != "consolemail":
        # Without the value: it holds a password.
        raise ImproperlyConfigured(f"{name} must be an address such as smtp+tls://user:password@host:587.")
    return found if django.VERSION < (6, 1) else {"MAILERS": _mailers(found)}


def _mailers(found: dict[str, Any]) -> dict[str, Any]:
    backend = {"BACKEND": found.pop("EMAIL_BACKEND", "")}
    names = {"EMAIL_HOST_USER": "username", "EMAIL_HOST_PASSWORD": "password"}
    options = {names.get(key, key.removeprefix("EMAIL_").lower()): setting for key, setting in found.items()}
    return {"default": {**backend, "OPTIONS": options}} if backend["BACKEND"] else {}


def ages(name: str) -> dict[str, timedelta]:
    """What becomes of originals after so many days, such as "archive:90,delete:730"; empty: they are kept for ever."""
    found = {}
    for step in words(name, []):
        act, _colon, days = step.partition(":")
        if act in found or act not in {"archive", "delete"} or not re.fullmatch(r"[1-9]\d{0,4}", days, re.ASCII):
            raise ImproperlyConfigured(f"{name} must be such as delete:30 or archive:90,delete:730, not {step!r}.")
        found[act] = timedelta(days=int(days))
    if len(found) == 2 and found["delete"] <= found["archive"]:
        raise ImproperlyConfigured(f"{name} must delete later than it archives.")
    return found


def prefix(name: str) -> str:
    value = text(name)
    if value and not re.fullmatch(r"/([\w.~-]+/)+", value, re.ASCII):
        raise ImproperlyConfigured(f"{name} must be a path such as /protected-media/, not {value!r}.")
    return value


def folder(path: Path, name: str = "VAR_DIR") -> Path:
    try:
        # Prompts, pictures and password hashes are nobody else's on this machine.
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as problem:
        raise ImproperlyConfigured(f"{name} cannot be used: {problem}") from None
    return path
