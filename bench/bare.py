"""The yardsticks: what a script does with asyncio and httpx alone, without a database and without a second thought.

`python -m bench.bare URL --jobs N --interval SECONDS` asks for the status of N requests for ever;
`python -m bench.bare URL --jobs N --interval SECONDS --image FILE` submits N edits, polls them, saves their files,
and says how many seconds it took.
"""

import argparse
import asyncio
import base64
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from bench import meter
from bench.provider import ENDLESS

AT_ONCE = 100  # as many calls as one of our drivers makes
MODEL = "/v1/models/bytedance/seedream-4-0/edit-sequential"
BODY = {"prompt": "A warmer light, please.", "sequential_image_generation_options": 3}


class Clients:
    """One connection a client, as ours: in one pool of a hundred httpx would spend its time searching it."""

    def __init__(self, url: str):
        context, limits = httpx.create_ssl_context(), httpx.Limits(max_connections=1)
        arguments: dict[str, Any] = {"base_url": url, "verify": context, "limits": limits, "trust_env": False}
        headers = {"Authorization": "Bearer sandbox-token"}
        self._idle = [httpx.AsyncClient(headers=headers, timeout=20, **arguments) for _ in range(AT_ONCE)]
        self._places = asyncio.Semaphore(AT_ONCE)

    @asynccontextmanager
    async def one(self) -> AsyncIterator[httpx.AsyncClient]:
        async with self._places:
            client = self._idle.pop()
            try:
                yield client
            finally:
                self._idle.append(client)

    async def get(self, path: str) -> httpx.Response:
        async with self.one() as client:
            return (await client.get(path)).raise_for_status()


async def poll(url: str, jobs: int, interval: float) -> None:
    clients = Clients(url)
    meter.tell()

    async def follow(number: int) -> None:
        await asyncio.sleep(interval * number / jobs)
        path = f"/v1/requests/{ENDLESS}-{number}/status"
        while (await clients.get(path)).json()["status"] == "in_progress":  # noqa: ASYNC110 (nothing tells us)
            await asyncio.sleep(interval)

    await asyncio.gather(*map(follow, range(jobs)))


async def edit(url: str, jobs: int, interval: float, image: bytes) -> None:
    body = BODY | {"images": [f"data:image/png;base64,{base64.b64encode(image).decode()}"]}
    clients, begun = Clients(url), time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        await asyncio.gather(*(_one_edit(clients, body, Path(folder), interval) for _ in range(jobs)))
        sys.stdout.write(f"{time.monotonic() - begun}\n")


async def _one_edit(clients: Clients, body: dict[str, Any], folder: Path, interval: float) -> None:
    async with clients.one() as client:
        request_id = (await client.post(MODEL, json=body)).raise_for_status().json()["request_id"]
    path = f"/v1/requests/{request_id}/status"
    while (await clients.get(path)).json()["status"] != "completed":  # noqa: ASYNC110 (nothing tells us)
        await asyncio.sleep(interval)
    result = (await clients.get(f"/v1/requests/{request_id}/result")).json()
    for url in result["output"]["images"]:
        async with clients.one() as client, client.stream("GET", url) as response:
            with (folder / Path(url).name).open("wb") as file:
                async for chunk in response.aiter_bytes():
                    file.write(chunk)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="bench.bare", description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--jobs", type=int, required=True)
    parser.add_argument("--interval", type=float, default=2)
    parser.add_argument("--image", type=Path)
    given = parser.parse_args(arguments)
    about = given.url, given.jobs, given.interval
    todo = edit(*about, given.image.read_bytes()) if given.image else poll(*about)
    asyncio.run(todo)


if __name__ == "__main__":
    main(sys.argv[1:])
