"""The calls that steer the sandbox itself: its ledger, its faults, a fresh start. They need no token."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox import answers, faults
from sandbox.desk import Desk
from sandbox.faults import Faults


class Control:
    """Handlers under /sandbox."""

    def __init__(self, desk: Desk, active: Faults) -> None:
        self.desk = desk
        self.active = active

    def routes(self) -> list[Route]:
        return [
            Route("/sandbox/ledger", self.ledger),
            Route("/sandbox/reset", self.reset, methods=["POST"]),
            Route("/sandbox/faults", self.listed),
            Route("/sandbox/faults", self.add, methods=["POST"]),
            Route("/sandbox/faults", self.clear, methods=["DELETE"]),
        ]

    async def ledger(self, request: Request) -> Response:
        return JSONResponse(self.desk.ledger())

    async def reset(self, request: Request) -> Response:
        self.active.clear()
        await self.desk.clear()
        return JSONResponse({"reset": True})

    async def listed(self, request: Request) -> Response:
        return JSONResponse({"faults": self.active.described()})

    async def add(self, request: Request) -> Response:
        """Add all faults of the body, or none of them when one makes no sense."""
        try:
            told = await request.json()
            if not isinstance(told, dict) or not isinstance(told.get("faults"), list):
                raise faults.UnknownFaultError('the body must be {"faults": [{"kind": ...}, ...]}')
            self.active.add([faults.parse(one) for one in told["faults"]])
        except ValueError as error:
            return answers.error(422, str(error))
        return await self.listed(request)

    async def clear(self, request: Request) -> Response:
        self.active.clear()
        return await self.listed(request)
