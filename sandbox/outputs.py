"""The files behind the output URLs: no token, an unguessable folder for each request."""

import asyncio

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from sandbox import answers, content, forgeries, wire
from sandbox.calls import answered
from sandbox.desk import Desk
from sandbox.faults import Fault, Faults
from sandbox.kinds import OUTPUT
from sandbox.record import ModelRequest

MEDIA_TYPES = {"jpg": "image/jpeg", "png": "image/png", "mp4": "video/mp4"}


class OutputFiles:
    """The handler for output URLs."""

    def __init__(self, desk: Desk, faults: Faults) -> None:
        self.desk = desk
        self.faults = faults

    def routes(self) -> list[Route]:
        return [Route("/outputs/{folder}/{name}", self.file)]

    async def file(self, request: Request) -> Response:
        folder, name = request.path_params["folder"], request.path_params["name"]
        known = self.desk.find_folder(folder)
        if known is None:
            return answers.error(404)
        known.tally.downloads += 1
        self.desk.totals.downloads += 1
        if known.folder != folder or known.is_expired:
            return answers.error(403, "The URL has expired.")
        stored = await _stored(known, name)
        if stored is None:
            return answers.error(404)
        return await self._answered(request, known, stored, MEDIA_TYPES[name.rpartition(".")[2]])

    async def _answered(self, request: Request, known: ModelRequest, stored: bytes, media_type: str) -> Response:
        async def handle() -> Response:
            return Response(stored, media_type=media_type)

        async def instead(fault: Fault) -> Response:
            if fault.kind == "expired_url":
                known.is_expired = True
                return answers.error(403, "The URL has expired.")
            return await _forged(fault, stored, media_type)

        return await answered(request, self.faults, OUTPUT, known.id, handle, instead)


async def _stored(known: ModelRequest, name: str) -> bytes | None:
    if name == content.VIDEO_NAME:
        return forgeries.video() if "video_output" in known.content_faults else None
    for picture in known.pictures:
        if picture.name == name:
            return await asyncio.to_thread(picture.path.read_bytes)
    return None


async def _forged(fault: Fault, stored: bytes, media_type: str) -> Response:
    match fault.kind:
        case "redirect_private":
            return RedirectResponse(fault.options["location"], 302)
        case "wrong_content_type":
            return Response(stored, media_type=fault.options["content_type"])
        case "too_large":
            return wire.Endless(stored, media_type, declared=fault.options["bytes"])
        case "too_large_chunked":
            return wire.Endless(stored, media_type)
        case "picture_bomb":
            return Response(await asyncio.to_thread(forgeries.picture_bomb), media_type="image/png")
    body, kind = {
        "zero_bytes": (b"", media_type),
        "truncated_image": (stored[: len(stored) // 2], media_type),
        "svg_as_png": (forgeries.SVG, "image/png"),
        "html_as_png": (forgeries.HTML, "image/png"),
    }[fault.kind]
    return Response(body, media_type=kind)
