"""From the image URIs of a request to checked picture files in memory."""

import asyncio
import base64
import binascii
import io
from collections.abc import Callable

import httpx
from PIL import Image

from sandbox import schema

CAP_BYTES = 10 * schema.MEGABYTE
FETCH_SECONDS = 10.0


class UnusableInputError(Exception):
    """An input could not be fetched or breaks a picture rule; the text names the field."""


async def load(client: httpx.AsyncClient, uris: list[str], fetched: Callable[[], None]) -> list[bytes]:
    """Return the bytes of every picture, in order; `fetched` is called once per URL that answered in full.

    Raises UnusableInputError for the first picture that cannot be had, decoded or accepted.
    """
    pictures = []
    for position, uri in enumerate(uris):
        try:
            content = _decoded(uri) if uri.startswith("data:") else await _fetched(client, uri, fetched)
            await asyncio.to_thread(_check, content)
        except UnusableInputError as error:
            raise UnusableInputError(f"images[{position}]: {error}") from error
        pictures.append(content)
    return pictures


def _decoded(uri: str) -> bytes:
    header, _, payload = uri.partition(",")
    if not header.endswith(";base64"):
        raise UnusableInputError("The data URI must be base64.")
    try:
        return base64.b64decode(payload, validate=True)
    except binascii.Error as error:
        raise UnusableInputError("The data URI is not valid base64.") from error


async def _fetched(client: httpx.AsyncClient, url: str, fetched: Callable[[], None]) -> bytes:
    try:
        async with asyncio.timeout(FETCH_SECONDS), client.stream("GET", url) as response:
            response.raise_for_status()
            content = await _capped(response)
    except httpx.HTTPStatusError as error:
        raise UnusableInputError(f"Failed to download: HTTP {error.response.status_code}.") from error
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
        raise UnusableInputError(f"Failed to download: {type(error).__name__}.") from error
    fetched()
    return content


async def _capped(response: httpx.Response) -> bytes:
    content = bytearray()
    async for chunk in response.aiter_bytes():
        content += chunk
        if len(content) >= CAP_BYTES:
            break  # it is too large already: the size rule says so in the vendor's words
    return bytes(content)


def _check(content: bytes) -> None:
    try:
        with Image.open(io.BytesIO(content)) as picture:
            width, height, kind = picture.width, picture.height, picture.format
    except (Image.DecompressionBombError, OSError, ValueError) as error:
        raise UnusableInputError("The file is not a readable image.") from error
    if kind not in ("JPEG", "PNG"):
        raise UnusableInputError("The image must be JPEG or PNG.")
    for message in schema.picture_faults(width, height, len(content)):
        raise UnusableInputError(message)
