"""The requests a sandbox has accepted, how they move, and the ledger of what was asked of it."""

import asyncio
import math
import secrets
from bisect import bisect_left
from collections.abc import Coroutine
from typing import Any
from uuid import uuid4

from sandbox.config import Config
from sandbox.faults import Fault, Faults
from sandbox.inputs import UnusableInputError
from sandbox.kinds import RUN, Layer
from sandbox.prompt import picture_count
from sandbox.record import CANCELLED, COMPLETED, FAILED, IN_PROGRESS, IN_QUEUE, ModelRequest, Totals, now, price
from sandbox.studio import Picture, Studio


class Desk:
    """Takes requests in, runs `config.slots` of them at once, and remembers everything until `clear`."""

    def __init__(self, config: Config, faults: Faults, studio: Studio) -> None:
        self.config = config
        self._faults = faults
        self._studio = studio
        self._tasks: set[asyncio.Task[None]] = set()
        self._forget()

    def accept(self, input_: dict[str, Any]) -> ModelRequest:
        """Take one checked input in, charge it, and start its life."""
        self.totals.submits += 1
        request = ModelRequest(
            id=str(uuid4()),
            number=self.totals.submits,
            input=input_,
            charged_usd=price(input_["sequential_image_generation_options"]),
        )
        self._requests[request.id] = request
        self._folders[request.folder] = request
        self._waiting.append(request.number)
        request.task = self._start(self._live(request))
        return request

    def find(self, request_id: str) -> ModelRequest | None:
        """Return the request of this id, also one that has vanished for clients."""
        return self._requests.get(request_id)

    def find_folder(self, folder: str) -> ModelRequest | None:
        """Return the request whose output URLs have, or had, this folder."""
        return self._folders.get(folder)

    def position(self, request: ModelRequest) -> int:
        """Return the place in the queue, counted from 1; only for a request that is in the queue."""
        return bisect_left(self._waiting, request.number) + 1

    def cancel(self, request: ModelRequest) -> bool:
        """Cancel a queued request and charge nothing for it; return whether it was still in the queue."""
        if request.status != IN_QUEUE:
            return False
        self._stop(request)
        return True

    def cancel_later(self, request: ModelRequest, seconds: float) -> None:
        """Cancel the request in some seconds, queued or running, unless it ends before."""
        self._start(self._stop_after(request, seconds))

    def renew_folder(self, request: ModelRequest) -> None:
        """Give the outputs of an expired request new URLs; the old ones stay refused."""
        request.folder = secrets.token_urlsafe(16)
        request.is_expired = False
        self._folders[request.folder] = request

    def output_url(self, request: ModelRequest, name: str) -> str:
        """Return the public URL of one of the request's files."""
        return f"{self.config.public_url}/outputs/{request.folder}/{name}"

    def ledger(self) -> dict[str, Any]:
        """Return everything counted so far, as plain JSON."""
        requests = self._requests.values()
        return {
            "requests": {request.id: self._entry(request) for request in requests},
            **self.totals.told(),
            "charged_usd": round(sum(request.charged_usd for request in requests), 2),
        }

    async def clear(self) -> None:
        """Stop every request and forget all, the stored pictures included."""
        lives = list(self._tasks)
        for life in lives:
            life.cancel()
        # Before the wait: a submit that arrives during it belongs to the new books.
        self._forget()
        self._studio.clear()
        if lives:
            await asyncio.wait(lives)

    def _forget(self) -> None:
        self.totals = Totals()
        self._requests: dict[str, ModelRequest] = {}
        self._folders: dict[str, ModelRequest] = {}
        self._waiting: list[int] = []  # the numbers of the queued requests, always ascending
        self._slots = asyncio.Semaphore(self.config.slots)

    def _start(self, life: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(life)
        self._tasks.add(task)
        task.add_done_callback(self._retire)
        return task

    def _retire(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.result()  # raises what the life did not expect, for the loop to log

    async def _live(self, request: ModelRequest) -> None:
        await asyncio.sleep(self.config.queue_seconds)
        fault = self._faults.take(Layer.LIFE, RUN, request.id)
        match fault and fault.kind:
            case "queue_forever":
                await asyncio.sleep(math.inf)
            case "run_forever":
                # It takes no slot: the requests behind it are not the ones the fault is for.
                self._begin(request)
                await asyncio.sleep(math.inf)
        async with self._slots:
            self._begin(request)
            await self._run(request, fault)

    async def _run(self, request: ModelRequest, fault: Fault | None) -> None:
        loop = asyncio.get_running_loop()
        done_at = loop.time() + self.config.run_seconds
        try:
            pictures = [] if fault else await self._pictures(request)
        except UnusableInputError as error:
            self._end(request, FAILED, error=str(error))
            return
        await asyncio.sleep(done_at - loop.time())
        if fault:
            self._end(request, FAILED, error=fault.options["error"])
            return
        request.pictures = pictures
        request.charged_usd = price(len(pictures))
        self._end(request, COMPLETED)

    async def _pictures(self, request: ModelRequest) -> list[Picture]:
        def fetched() -> None:
            request.tally.inputs_fetched += 1

        asked = request.input["sequential_image_generation_options"]
        count = picture_count(request.input["text"], asked, len(request.input["images"]))
        return await self._studio.make(request.input, count, fetched)

    async def _stop_after(self, request: ModelRequest, seconds: float) -> None:
        await asyncio.sleep(seconds)
        if not request.has_ended:
            self._stop(request)

    def _stop(self, request: ModelRequest) -> None:
        if request.task:
            request.task.cancel()
        if request.status == IN_QUEUE:
            request.charged_usd = 0.0
            self._leave_queue(request)
        self._end(request, CANCELLED)

    def _begin(self, request: ModelRequest) -> None:
        self._leave_queue(request)
        request.status = IN_PROGRESS

    def _leave_queue(self, request: ModelRequest) -> None:
        del self._waiting[bisect_left(self._waiting, request.number)]

    def _end(self, request: ModelRequest, status: str, error: Any = None) -> None:
        request.status, request.error = status, error
        request.finished_at = now()
        # Inline pictures are large, and no one reads them again.
        request.input = request.input | {"images": []}

    def _entry(self, request: ModelRequest) -> dict[str, Any]:
        return {
            **vars(request.tally),
            "status": request.status,
            "outputs": [
                {
                    "url": self.output_url(request, picture.name),
                    "sha256": picture.sha256,
                    "bytes": picture.size,
                }
                for picture in request.pictures
            ],
            "text": request.input["text"],
        }
