"""`python -m bench.recovery [--database postgres] [--quick]`: how long nobody asks after kill -9 of the only driver.

The times are of the provider: from the kill until every job was asked for again. The settings are those of a fresh
service.
"""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import httpx

from bench import home
from bench.lines import Line, show, spread
from tests.processes import family, kill, wait_until

JOBS, KILLS, BUDGET, LONGEST = 100, 3, 30.0, 120.0


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="bench.recovery", description=__doc__)
    parser.add_argument("--database", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args(arguments)
    with home.home(given.database) as provider, home.worker() as worker:
        home.fill_with_endless(JOBS)
        found = [_killed(worker, provider.hello["url"]) for _ in range(1 if given.quick else KILLS)]
    what = f"kill -9 of the only driver: seconds until each of {JOBS} jobs is polled again"
    return show([Line(what, spread(found, 1), "", "", f"≤ {BUDGET:g}, each time", max(found) <= BUDGET)])


def _killed(worker: int, url: str) -> float:
    begun = time.time()
    wait_until(lambda: _all_asked(url, begun), LONGEST)
    kill(_driver(worker))
    killed = time.time()
    time.sleep(1)
    if max(_asked(url).values()) > killed + 0.5:
        raise RuntimeError("What was killed was not the driver.")
    wait_until(lambda: _all_asked(url, killed), LONGEST)
    return max(_asked(url).values()) - killed


def _driver(worker: int) -> int:
    """Of the worker's processes the one with the most connections."""
    return max(family(worker), key=_sockets)


def _sockets(pid: int) -> int:
    return sum(str(path.readlink()).startswith("socket:") for path in Path(f"/proc/{pid}/fd").iterdir())


def _all_asked(url: str, since: float) -> bool:
    asked = _asked(url)
    return len(asked) == JOBS and min(asked.values()) > since


def _asked(url: str) -> dict[str, Any]:
    return httpx.get(f"{url}/bench/books", trust_env=False).json()["asked"]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
