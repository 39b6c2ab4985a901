"""Makes the pictures of a run off the event loop, and keeps them as files until told to forget them."""

import asyncio
import secrets
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx

from sandbox import inputs, render

PAINTERS = 2
SUFFIXES = {"jpeg": "jpg", "png": "png"}


@dataclass(frozen=True)
class Picture:
    """One stored picture: `name` is its file's name in the output URL, `size` its bytes."""

    name: str
    path: Path
    sha256: str
    size: int


class Studio:
    """Turns an input into stored pictures. Use as a context manager: the files are gone at its end."""

    def __init__(self, file_format: str) -> None:
        self.file_format = file_format
        self._folder = tempfile.TemporaryDirectory(prefix="sandbox-outputs-", ignore_cleanup_errors=True)
        self._painters = asyncio.Semaphore(PAINTERS)
        self._client = httpx.AsyncClient(
            follow_redirects=True, max_redirects=3, timeout=inputs.FETCH_SECONDS, trust_env=False
        )
        self._known: dict[tuple[str, int], Picture] = {}

    async def make(self, input_: dict[str, Any], count: int, fetched: Callable[[], None]) -> list[Picture]:
        """Fetch the inputs and return `count` new pictures of them; see `inputs.load` for `fetched`.

        Raises UnusableInputError when an input cannot be used.
        """
        contents = await inputs.load(self._client, input_["images"], fetched)
        brief = render.Brief(
            text=input_["text"],
            seed=input_.get("seed", secrets.randbits(63)),
            size=render.parse_size(input_["image_size"]),
            inputs=tuple(contents),
            file_format=self.file_format,
        )
        return await self._painted(brief, count)

    async def close(self) -> None:
        """Release the files and the connections."""
        await self._client.aclose()
        self._folder.cleanup()

    def clear(self) -> None:
        """Forget every picture and delete its file."""
        self._known.clear()
        for file in Path(self._folder.name).iterdir():
            file.unlink()

    async def _painted(self, brief: render.Brief, count: int) -> list[Picture]:
        # The same brief makes the same pictures, so those painted before need no second painting.
        missing = [index for index in range(count) if (brief.key, index) not in self._known]
        if missing:
            async with self._painters:
                sources = await asyncio.to_thread(_sources, brief)
            for index in missing:
                async with self._painters:
                    content = await asyncio.to_thread(render.picture, brief, sources, index)
                self._known[brief.key, index] = await asyncio.to_thread(self._stored, content, index)
        return [self._known[brief.key, index] for index in range(count)]

    def _stored(self, content: bytes, index: int) -> Picture:
        digest = sha256(content).hexdigest()
        path = Path(self._folder.name) / digest
        path.write_bytes(content)
        return Picture(f"{index + 1}.{SUFFIXES[self.file_format]}", path, digest, len(content))


def _sources(brief: render.Brief) -> list[Any]:
    try:
        return render.sources(brief)
    except (OSError, SyntaxError, ValueError) as error:  # Pillow's words for a broken file
        raise inputs.UnusableInputError("The image data is damaged.") from error
