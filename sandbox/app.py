"""The app: its parts put together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.api import RequestApi
from sandbox.catalogue import CatalogueApi
from sandbox.config import Config
from sandbox.control import Control
from sandbox.desk import Desk
from sandbox.faults import Faults
from sandbox.outputs import OutputFiles
from sandbox.studio import Studio


def create_app(config: Config) -> Starlette:
    """Return the whole sandbox as one ASGI app; `config.public_url` must be set.

    Faults that break a connection need it served by `sandbox.server`.
    """
    faults = Faults()
    studio = Studio(config.output_format)
    desk = Desk(config, faults, studio)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        await desk.clear()
        await studio.close()

    parts = (
        RequestApi(desk, faults),
        CatalogueApi(config, faults),
        OutputFiles(desk, faults),
        Control(desk, faults),
    )
    return Starlette(
        routes=[route for part in parts for route in part.routes()],
        lifespan=lifespan,
        exception_handlers={HTTPException: _refused},
    )


async def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    body = {"error_code": error.status_code * 1000, "error_message": error.detail}
    return JSONResponse(body, error.status_code, headers=error.headers)
