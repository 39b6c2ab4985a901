"""`python -m bench [--quick] [history pages polling …]`: run benchmarks; all together write bench/RESULTS.md.

Each part is a module that prints Markdown and ends with 1 when over a budget. With `--quick` all of it is short, and
two parts run at a time, to see that it works; nothing is written.
"""

import argparse
import importlib.metadata
import os
import platform
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from tests import matrix
from tests.browser import chromium

PARTS = {
    "creating": "Creating jobs by the API",
    "mirroring": "Memory while pictures are stored",
    "sizes": "Page sizes of a photo",
    "pages": "Pages on a slow phone",
    "polling": "Status calls, and how late an end is seen",
    "driver": "One driver against a bare loop",
    "throughput": "From submit to stored",
    "lateness": "From done to the page that says so",
    "recovery": "After a killed driver",
    "history": "Pages among a million jobs",
}
ON_BOTH = {
    "history",
    "creating",
    "driver",
    "throughput",
    "lateness",
    "recovery",
}  # these run again with `--database postgres`, where PostgreSQL and Redis are
RESULTS = Path(__file__).with_name("RESULTS.md")
SETTINGS = {"READ_DOT_ENV": "false", "SECRET_KEY": "bench-0123456789-abcdefghijklmnopqrstuvwxyz-0123456789"}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("parts", nargs="*", metavar="part", help=", ".join(PARTS))
    given = parser.parse_args(arguments)
    asked = [(name, more) for name in given.parts or PARTS for more in ([[]] if given.quick else _databases(name))]
    sections, failed = [f"# Results\n\n{_circumstances()}\n"], 0
    # By itself each is exact; the short ones are not, and wait for most of their time.
    with ThreadPoolExecutor(2 if given.quick else 1) as lanes:
        runs = lanes.map(lambda part: _run(part[0], ["--quick"] * given.quick + part[1]), asked)
        for (name, more), (told, code) in zip(asked, runs, strict=True):
            failed |= code
            sections.append(f"## {PARTS[name]}{', on PostgreSQL and Redis' if more else ''}\n\n{told}")
            sys.stdout.write(f"{sections[-1]}\n")
            sys.stdout.flush()
            if not given.parts and not given.quick:
                RESULTS.write_text("\n".join(sections))  # of a run that is stopped, what it found is there
    return failed


def _databases(name: str) -> list[list[str]]:
    """What to run a part with, one after the other."""
    has_both = name in ON_BOTH and not matrix.missing_parts()
    return [[], ["--database", "postgres"]] if has_both else [[]]


def _run(name: str, arguments: list[str]) -> tuple[str, int]:
    command = [sys.executable, "-m", f"bench.{name}", *arguments]
    run = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True, env={**os.environ, **SETTINGS})
    return run.stdout, run.returncode


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
