"""What every call has in common: the token, and the faults around its handling."""

import secrets
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from sandbox import answers, wire
from sandbox.faults import Fault, Faults
from sandbox.kinds import Layer

Handle = Callable[[], Awaitable[Response]]
Instead = Callable[[Fault], Awaitable[Response]]


def has_token(request: Request, token: str) -> bool:
    """Return whether the call carries this bearer token."""
    given = request.headers.get("authorization", "")
    return secrets.compare_digest(given.encode(), f"Bearer {token}".encode())


async def answered(
    request: Request,
    faults: Faults,
    point: str,
    request_id: str | None,
    handle: Handle,
    instead: Instead | None = None,
) -> Response:
    """Return the answer to one call, as the faults at this point leave it.

    `handle` gives the honest answer; `instead` gives those of the faults only this call knows.
    """
    delay = faults.take(Layer.DELAY, point, request_id)
    if delay and not await wire.outlasts(request, delay.options["seconds"]):
        return wire.Reset()
    fault = faults.take(Layer.ANSWER, point, request_id)
    response = await _replaced(fault, instead) if fault else await handle()
    damage = faults.take(Layer.WIRE, point, request_id)
    return _damaged(response, damage) if damage else response


async def _replaced(fault: Fault, instead: Instead | None) -> Response:
    if fault.kind == "reset":
        return wire.Reset()
    if instead is None or answers.fits_any_call(fault):
        return answers.instead(fault)
    return await instead(fault)


def _damaged(response: Response, damage: Fault) -> Response:
    if isinstance(response, wire.Reset | wire.Endless):
        return response  # nothing of it arrives whole anyway
    match damage.kind:
        case "truncated_json":
            return wire.truncated(response)
        case "hang_in_body":
            return wire.HalfBody(response, damage.options["seconds"])
        case _:
            return wire.SlowTrickle(response, damage.options["seconds"])
