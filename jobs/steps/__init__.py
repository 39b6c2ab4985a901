"""What a leased job needs next: submit, poll, mirror.

A step makes the job's next remote calls, outside any transaction, and returns in how many seconds the job wants the
next step, or None when the driver is done with it. A step may die at any line and be begun again by another process:
the row says where to go on.
"""

from jobs.models import Job
from jobs.states import State

from .mirroring import mirror_outputs
from .polling import poll
from .shared import Drive
from .submitting import submit


async def step(job: Job, drive: Drive) -> float | None:
    """Make the job's next remote call; returns seconds until the one after it, or None when the driver is done with
    the job."""
    if job.state == State.PENDING:
        return await submit(job, drive)
    if job.state in (State.IN_QUEUE, State.IN_PROGRESS):
        return await poll(job, drive)
    if job.state == State.MIRRORING:
        return await mirror_outputs(job, drive)
    return None
