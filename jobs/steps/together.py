"""Writes of many jobs in one transaction: those that came while the one before was under way.

A commit waits for the disk and, on SQLite, for the writes of all other processes; many at once wait once. Nobody is
told that something was written before it was committed. What is paid is written down by itself: see `shared.settle`.
"""

import asyncio
from collections.abc import Callable
from contextvars import copy_context
from functools import partial
from typing import Any, NamedTuple

from asgiref.sync import sync_to_async
from django.db import DatabaseError, transaction

AT_ONCE = 25  # on SQLite, nobody else can write meanwhile


def in_database(function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """Run ORM work in the one thread that asgiref keeps for it, off the event loop."""
    return sync_to_async(function, thread_sensitive=True)(*arguments, **named)


class Wish(NamedTuple):
    """A write that waits, and who waits for it."""

    job_id: Any
    call: Callable[[], Any]
    outcome: asyncio.Future[Any]


class Together:
    """The writes of one driver."""

    def __init__(self) -> None:
        self._waiting: list[Wish] = []
        self._writer: asyncio.Task[None] | None = None

    async def do(self, job_id: Any, function: Callable[..., Any], *arguments: Any) -> Any:
        call = partial(copy_context().run, function, *arguments)  # what it logs is about its own job
        wish = Wish(job_id, call, asyncio.get_running_loop().create_future())
        self._waiting.append(wish)
        if self._writer is None:
            self._writer = asyncio.create_task(self._write_all())
        return await wish.outcome

    async def _write_all(self) -> None:
        # Who was told to stop meanwhile left a wish behind that nobody has any more.
        while waiting := [wish for wish in self._waiting if not wish.outcome.cancelled()]:
            # In one order for all drivers: what is written of two jobs, or of their days, must not wait for each other.
            wishes, self._waiting = sorted(waiting[:AT_ONCE], key=lambda wish: wish.job_id), waiting[AT_ONCE:]
            outcomes = await in_database(_outcomes, [wish.call for wish in wishes])
            for wish, outcome in zip(wishes, outcomes, strict=True):
                _tell(wish, outcome)
        self._writer = None


def _tell(wish: Wish, outcome: Any) -> None:
    if wish.outcome.cancelled():  # too late: it is written
        return
    if isinstance(outcome, Exception):
        wish.outcome.set_exception(outcome)
    else:
        wish.outcome.set_result(outcome)


def _outcomes(calls: list[Callable[[], Any]]) -> list[Any]:
    """What each call returned or raised; when they cannot be committed, that for all."""
    if len(calls) == 1:
        return [_outcome(calls[0])]
    try:
        with transaction.atomic():
            outcomes = [_outcome(partial(_apart, call)) for call in calls]
            if transaction.get_rollback():
                raise DatabaseError("The connection broke.")
    except Exception as problem:
        return [problem] * len(calls)
    return outcomes


def _outcome(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except Exception as problem:
        return problem


def _apart(call: Callable[[], Any]) -> Any:
    """With a savepoint: one that fails takes nothing of the others along."""
    with transaction.atomic():
        return call()
