"""What happens around a death, and what must be there after it."""

from datetime import timedelta
from pathlib import Path

from django.db.models import F

from jobs import drive, store, tasks
from jobs.models import Heartbeat, Job, Output, Provider
from jobs.states import State

HOUR = timedelta(hours=1)
SAYS_QUEUED = {"kind": "unknown_status", "on": "status", "word": "in_queue", "times": None}
SAYS_STARTED = {"kind": "unknown_status", "on": "status", "word": "in_progress"}
LIMITED = {"kind": "http_429", "on": "submit"}
REFUSED = {"kind": "http_422", "on": "submit"}
BROKEN = {"kind": "http_503", "on": "submit"}
DOWN = {"kind": "http_503", "on": "status", "times": 2}
EXPIRED = {"kind": "expired_url", "on": "output"}


def misbehave(sandbox, fault):
    if fault:
        sandbox.misbehave(**fault)


def time_passes():
    """Leases run out, waits are over, and nobody takes the dead driver for a living one."""
    Job.objects.update(leased_until=F("leased_until") - HOUR, not_before=F("not_before") - HOUR)
    Heartbeat.objects.update(seen_at=F("seen_at") - HOUR)
    Provider.objects.update(held_until=F("held_until") - HOUR)


def resume():
    """What the schedule and the next driver do."""
    time_passes()
    tasks.sweep()
    drive.drive()


def look(job):
    job.refresh_from_db()
    return job.state


def stored_files():
    """The hashes of the visible outputs; each is whole, for its name is its hash."""
    hashes = {name: store.sha256_of(name) for name in store.names("outputs")}
    assert list(hashes.values()) == [Path(name).stem for name in hashes]
    return sorted(hashes.values())


def made(sandbox):
    """The hashes of what the provider made."""
    return [output["sha256"] for entry in sandbox.ledger()["requests"].values() for output in entry["outputs"]]


def assert_stored_once(sandbox, job, posts=1):
    ledger, hashes = sandbox.ledger(), made(sandbox)
    assert (look(job), job.trouble, ledger["posts"], ledger["submits"]) == (State.COMPLETED, "", posts, 1)
    assert list(job.outputs.values_list("sha256", flat=True)) == hashes
    assert (stored_files(), Output.objects.count()) == (sorted(hashes), job.sequential_image_generation_options)
