"""The browser of this machine; none is downloaded."""

import os
import shutil
from typing import Any

from playwright.sync_api import Browser, Playwright

ARGUMENTS = [
    "--no-sandbox",  # CI runs as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DEVICES: dict[str, dict[str, Any]] = {
    "phone": {
        "viewport": {"width": 390, "height": 844},
        "device_scale_factor": 2,
        "is_mobile": True,
        "has_touch": True,
    },
    "desktop": {"viewport": {"width": 1280, "height": 800}},
}


def path() -> str | None:
    """Where Chromium is, if it is here."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium")


def launch(playwright: Playwright) -> Browser:
    """As people have it: Playwright would turn off the cache that Back comes from."""
    cache = "--disable-back-forward-cache"
    return playwright.chromium.launch(executable_path=path(), args=ARGUMENTS, ignore_default_args=[cache])
