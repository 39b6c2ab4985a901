"""`python -m bench.lateness [--database postgres] [--quick]`: from "the provider is done" to "the page says completed".

The whole service runs. Each job's page is asked as a browser asks it: by the address and as often as the page itself
says. Its pictures are stored by then. Each job takes its own time, as RunComfy's do.
"""

import argparse
import asyncio
import math
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from bench import home
from bench.lines import Line, show
from tests.processes import family, kill, wait_until

JOBS, RUN_SECONDS, INTERVAL = 60, (8, 40), 2.0
NEXT = re.compile(r'hx-get="([^"]*/live/[^"]*)".*?data-poll="([0-9.]+)"', re.DOTALL)
STATE = re.compile(r'data-state="(\w+)"')


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="bench.lateness", description=__doc__)
    parser.add_argument("--database", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args(arguments)
    jobs, seconds = (10, (3, 8)) if given.quick else (JOBS, RUN_SECONDS)
    settings = {"RUNCOMFY_POLL_SECONDS": str(INTERVAL)}
    with home.home(given.database, "--run-seconds", *seconds, **settings) as provider, _web(), home.worker():
        late = sorted(asyncio.run(_follow(jobs, provider.hello["url"])))
    found = {"p50": statistics.median(late), "p95": late[math.ceil(0.95 * len(late)) - 1]}
    limits = {"p50": INTERVAL + 1, "p95": 2 * INTERVAL + 2}
    what = f"{jobs} jobs of {seconds[0]} to {seconds[1]} s, done to shown"
    return show(
        Line(
            f"{what}, {part}",
            f"{found[part]:.2f} s",
            f"{INTERVAL:g} s between polls",
            f"{found[part] / INTERVAL:.2f}",
            f"≤ {limit:g} s",
            found[part] <= limit,
        )
        for part, limit in limits.items()
    )


@contextmanager
def _web() -> Iterator[None]:
    from jobs.management.commands.up import Command as Up

    begun = subprocess.Popen(Up()._commands()["web"])
    try:
        wait_until(_answers, 60)
        yield
    finally:
        for pid in family(begun.pid):
            kill(pid)
        begun.wait()


def _answers() -> bool:
    from django.conf import settings

    try:
        return httpx.get(f"{settings.PUBLIC_BASE_URL}/healthz", trust_env=False).is_success
    except httpx.TransportError:
        return False


async def _follow(jobs: int, provider: str) -> list[float]:
    from asgiref.sync import sync_to_async
    from django.conf import settings

    from jobs.models import Job

    session = await sync_to_async(_session)()
    await sync_to_async(home.create)(jobs)
    ids = [str(pk) async for pk in Job.objects.values_list("pk", flat=True)]
    address = settings.PUBLIC_BASE_URL
    async with httpx.AsyncClient(base_url=address, cookies=session, trust_env=False, timeout=30) as browser:
        shown = dict(zip(ids, await asyncio.gather(*(_shown(browser, pk) for pk in ids)), strict=True))
        ended = (await browser.get(f"{provider}/bench/books")).json()["ended"]
    return [shown[str(pk)] - ended[request] async for pk, request in Job.objects.values_list("pk", "request_id")]


async def _shown(browser: httpx.AsyncClient, pk: str) -> float:
    """When the page of that job says that it is completed, by the clock on the wall."""
    url, seconds = f"/jobs/{pk}/", 0.0
    while True:
        await asyncio.sleep(seconds)
        answer = await browser.get(url)
        found = STATE.search(answer.text)
        if found and found[1] == "completed":
            return time.time()
        if following := NEXT.search(answer.text):
            url, seconds = following[1].replace("&amp;", "&"), float(following[2])


def _session() -> dict[str, str]:
    from django.conf import settings
    from django.test import Client

    client = Client()
    client.force_login(home.owner())
    return {settings.SESSION_COOKIE_NAME: client.cookies[settings.SESSION_COOKIE_NAME].value}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
