"""`python -m bench [history] [pages] [polling]`: run benchmarks; all together write bench/RESULTS.md.

1 when over a budget.
"""

import importlib.metadata
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from tests.browser import chromium

PARTS = {
    "history": "The history among many jobs",
    "pages": "Pages on a slow phone",
    "polling": "Status calls, and how late an end is seen",
}
RESULTS = Path(__file__).with_name("RESULTS.md")
SETTINGS = {"READ_DOT_ENV": "false", "SECRET_KEY": "bench-0123456789-abcdefghijklmnopqrstuvwxyz-0123456789"}


def main(names: list[str]) -> int:
    sections, failed = [f"# Results\n\n{_circumstances()}\n"], 0
    for name in names or PARTS:
        command = [sys.executable, "-m", f"bench.{name}"]
        run = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True, env={**os.environ, **SETTINGS})
        failed |= run.returncode
        sections.append(f"## {PARTS[name]}\n\n{run.stdout}")
        sys.stdout.write(f"{sections[-1]}\n")
        sys.stdout.flush()
    if not names:
        RESULTS.write_text("\n".join(sections))
    return failed


def _circumstances() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = [f"{name} {importlib.metadata.version(name)}" for name in ("Django", "granian", "Pillow")]
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, {memory:.0f} GB, {platform.system()} "
        f"{platform.machine()}, Python {platform.python_version()}, {', '.join(versions)}, {_browser()}."
    )


def _browser() -> str:
    if not chromium.path():
        return "no Chromium"
    command = [chromium.path(), "--version"]
    run = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return " ".join(run.stdout.split()[:2])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
