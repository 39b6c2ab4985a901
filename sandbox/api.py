"""The calls of RunComfy's Model API that make, watch, read and cancel requests."""

import json
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox import answers, content, schema, wire
from sandbox.calls import Handle, Instead, answered, has_token
from sandbox.desk import Desk
from sandbox.faults import Fault, Faults
from sandbox.kinds import CANCEL, KINDS, RESULT, STATUS, SUBMIT, Layer
from sandbox.record import CANCELLED, COMPLETED, FAILED, IN_PROGRESS, IN_QUEUE, ModelRequest

BODY_CAP = 64 * schema.MEGABYTE
ALIASES = {
    IN_QUEUE: "pending",
    IN_PROGRESS: "processing",
    COMPLETED: "succeeded",
    FAILED: "failed",
    CANCELLED: "canceled",
}

Honest = Callable[[ModelRequest], Response]


class RequestApi:
    """Handlers around one desk. Each counts the call first, also when it is then refused or broken."""

    def __init__(self, desk: Desk, faults: Faults) -> None:
        self.desk = desk
        self.faults = faults

    def routes(self) -> list[Route]:
        return [
            Route("/v1/requests/{request_id}/status", self.status),
            Route("/v1/requests/{request_id}/result", self.result),
            Route("/v1/requests/{request_id}/cancel", self.cancel, methods=["POST"]),
            Route("/v1/models/{model_id:path}", self.submit, methods=["POST"]),
        ]

    async def submit(self, request: Request) -> Response:
        self.desk.totals.post()
        body = await _read(request)

        async def accept() -> Response:
            return await self._accept(request, body)

        return await self._answered(request, SUBMIT, None, accept)

    async def status(self, request: Request) -> Response:
        self.desk.totals.poll()
        if found := self._found(request):
            found.tally.polls += 1
        return await self._about(request, STATUS, found, self._status)

    async def result(self, request: Request) -> Response:
        if found := self._found(request):
            found.tally.results += 1
        with_cost = request.query_params.get("include_cost", "").lower() in ("true", "1")
        return await self._about(request, RESULT, found, lambda known: self._result(known, with_cost))

    async def cancel(self, request: Request) -> Response:
        if found := self._found(request):
            found.tally.cancels += 1
        await _read(request)
        return await self._about(request, CANCEL, found, self._cancel)

    def _found(self, request: Request) -> ModelRequest | None:
        return self.desk.find(request.path_params["request_id"])

    async def _about(self, request: Request, point: str, found: ModelRequest | None, honest: Honest) -> Response:
        async def handle() -> Response:
            return answers.unknown_request() if found is None or found.has_vanished else honest(found)

        async def instead(fault: Fault) -> Response:
            return _lied(fault, found)

        return await self._answered(request, point, request.path_params["request_id"], handle, instead)

    async def _answered(
        self,
        request: Request,
        point: str,
        request_id: str | None,
        handle: Handle,
        instead: Instead | None = None,
    ) -> Response:
        if not has_token(request, self.desk.config.token):
            return answers.error(401)
        return await answered(request, self.faults, point, request_id, handle, instead)

    async def _accept(self, request: Request, body: bytes | None) -> Response:
        if request.path_params["model_id"] != schema.MODEL_ID:
            return answers.error(404, "The model does not exist.")
        if body is None:
            return answers.error(413)
        try:
            accepted = self.desk.accept(schema.checked(_parsed(body)))
        except schema.InvalidInputError as error:
            return answers.error(422, str(error))
        return await self._told(request, accepted)

    async def _told(self, request: Request, accepted: ModelRequest) -> Response:
        late = self.faults.take(Layer.LATE, SUBMIT, accepted.id)
        if late and not await wire.outlasts(request, late.options["seconds"]):
            return wire.Reset()
        links = {"request_id": accepted.id, **self._links(accepted)}
        fault = self.faults.take(Layer.ACCEPTED, SUBMIT, accepted.id)
        match fault and fault.kind:
            case "reset_after_accept":
                return wire.Reset()
            case "unreadable_accept":
                return answers.html()
            case "no_request_id":
                del links["request_id"]
        return JSONResponse(links)

    def _status(self, known: ModelRequest) -> Response:
        status = known.status
        kinds = KINDS.keys() - {"status_backwards"} if status == IN_QUEUE else KINDS
        fault = self.faults.take(Layer.STATE, STATUS, known.id, kinds)
        body: dict[str, Any] = {"request_id": known.id, "status": _worded(status, fault)}
        if IN_QUEUE in (status, body["status"]):
            body["queue_position"] = self.desk.position(known)
        links = self._links(known)
        return JSONResponse(body | {"status_url": links["status_url"], "result_url": links["result_url"]})

    def _result(self, known: ModelRequest, include_cost: bool) -> Response:
        if not known.has_ended:
            return answers.not_ready(known.status)
        if known.status == COMPLETED:
            self._catch_up(known)
        body = content.result(self.desk, known, include_cost)
        fault = self.faults.take(Layer.STATE, RESULT, known.id)
        return JSONResponse(body | {"status": _worded(body["status"], fault)})

    def _catch_up(self, known: ModelRequest) -> None:
        fresh = KINDS.keys() - known.content_faults.keys()
        for fault in self.faults.take_all(Layer.CONTENT, RESULT, known.id, fresh):
            known.content_faults[fault.kind] = fault
        if known.is_expired:
            self.desk.renew_folder(known)

    def _cancel(self, known: ModelRequest) -> Response:
        fault = self.faults.take(Layer.STATE, CANCEL, known.id)
        outcome = self._outcome(known, fault)
        return JSONResponse({"request_id": known.id, "status": _worded(known.status, fault), "outcome": outcome})

    def _outcome(self, known: ModelRequest, fault: Fault | None) -> str:
        if fault and fault.kind == "not_cancellable":
            return "not_cancellable"
        if fault and fault.kind == "cancellation_requested":
            self.desk.cancel_later(known, fault.options["seconds"])
            return "cancellation_requested"
        return "cancelled" if self.desk.cancel(known) else "not_cancellable"

    def _links(self, known: ModelRequest) -> dict[str, str]:
        base = f"{self.desk.config.public_url}/v1/requests/{known.id}"
        return {f"{verb}_url": f"{base}/{verb}" for verb in ("status", "result", "cancel")}


def _lied(fault: Fault, found: ModelRequest | None) -> Response:
    if found is None:
        return answers.unknown_request()
    if fault.kind == "vanished":
        found.has_vanished = True
        return answers.unknown_request()
    status = IN_PROGRESS if found.has_ended else found.status
    if fault.kind == "not_ready":
        return answers.not_ready(status)
    return JSONResponse({"request_id": found.id, "status": status, "created_at": found.created_at})


def _worded(status: str, fault: Fault | None) -> str:
    if fault is None:
        return status
    words = {"unknown_status": fault.options.get("word"), "status_backwards": IN_QUEUE}
    words["status_alias"] = ALIASES[status]
    return str(words.get(fault.kind, status))


async def _read(request: Request) -> bytes | None:
    """Return the body, or None when it is larger than the cap (it is read to its end all the same)."""
    body, size = bytearray(), 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= BODY_CAP:
            body += chunk
    return bytes(body) if size <= BODY_CAP else None


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError as error:
        raise schema.InvalidInputError("body: must be JSON") from error
