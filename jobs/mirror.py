"""One output URL becomes one stored, hashed file."""

import asyncio
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import httpx

from . import network, pictures, store


@dataclass(frozen=True)
class Stored:
    """A file in the store; `sha256` and `size` (bytes) are of exactly what came over the wire."""

    name: str
    sha256: str
    size: int
    kind: pictures.Kind


class NotFetched(Exception):
    """The file did not come. `is_final` says that asking the same URL again cannot help; `is_expired` that a fresh
    URL may."""

    def __init__(self, words: str, *, is_final: bool = False, is_expired: bool = False):
        self.words, self.is_final, self.is_expired = words, is_final, is_expired
        super().__init__(words)


async def mirror(url: str, client: httpx.AsyncClient, *, max_bytes: int, seconds: float) -> Stored:
    """Stream `url` into the store. Raises NotFetched, or OSError when the store cannot take it.

    Dying anywhere leaves at most a nameless temporary file; doing it again stores the same file.
    """
    with store.temporary_file() as file:
        try:
            async with asyncio.timeout(seconds):
                sha256, size = await _download(url, client, file, max_bytes)
        except (network.Forbidden, httpx.InvalidURL, ValueError) as problem:
            raise NotFetched(str(problem), is_final=True) from problem
        except (httpx.HTTPError, TimeoutError) as problem:
            raise NotFetched(f"{type(problem).__name__}: {problem}") from problem
        return await asyncio.to_thread(_keep, file, sha256, size)


async def _download(url: str, client: httpx.AsyncClient, file: IO[bytes], max_bytes: int) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    # Compression would make the byte cap a promise about something else than what is stored.
    async with client.stream("GET", url, headers={"Accept-Encoding": "identity"}) as response:
        _check_answer(response, max_bytes)
        async for chunk in response.aiter_raw():
            size += len(chunk)
            if size > max_bytes:
                raise NotFetched(f"larger than {max_bytes} bytes", is_final=True)
            digest.update(chunk)
            file.write(chunk)
    if size == 0:
        raise NotFetched("the file is empty")
    return digest.hexdigest(), size


def _check_answer(response: httpx.Response, max_bytes: int) -> None:
    code = response.status_code
    if code != 200:
        is_final = 300 <= code < 400
        raise NotFetched(f"HTTP {code}", is_final=is_final, is_expired=code in {401, 403, 404, 410})
    announced = response.headers.get("Content-Length", "")
    if announced.isdigit() and int(announced) > max_bytes:
        raise NotFetched(f"announced {announced} bytes, more than {max_bytes}", is_final=True)


def _keep(file: IO[bytes], sha256: str, size: int) -> Stored:
    file.flush()
    try:
        kind = pictures.verify(Path(file.name))
    except pictures.BadPicture as problem:
        # Not final: a picture cut short in transit decodes at the second try.
        raise NotFetched(str(problem)) from problem
    return Stored(store.keep(file, "outputs", sha256, kind.extension), sha256, size, kind)
