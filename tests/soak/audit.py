"""Counts what became of a soak: the rows and the files against the provider's own books.

`audit(...)` needs nothing but the database and the store that Django is set up for, and the sandbox's ledger.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.core.files.storage import default_storage
from django.utils import timezone

from jobs import sizes, store
from jobs.models import Heartbeat, Job, Output, Picture
from jobs.states import State

ENDS = (State.COMPLETED, State.FAILED, State.UNCONFIRMED)
DRIVER, TEMPORARY = "driver:", "tmp"


@dataclass
class Audit:
    """`broken` names each promise that was not kept, with its job."""

    figures: dict[str, Any] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)

    def check(self, name: str, findings: Iterator[str]) -> None:
        """Count one promise's findings as a figure of its own."""
        found = list(findings)
        self.figures[name] = len(found)
        self.broken += [f"{name}: {finding}" for finding in found]


class Books:
    """The sandbox's ledger by prompt: each prompt is one edit, each of its entries one paid submit."""

    def __init__(self, ledger: dict[str, Any]):
        self.posts, self.accepted = ledger["posts"], ledger["submits"]
        self.entries: dict[str, dict[str, Any]] = defaultdict(dict)
        for request_id, entry in ledger["requests"].items():
            self.entries[entry["text"]][request_id] = entry

    def of(self, job: Job) -> dict[str, Any]:
        return self.entries.get(job.text, {})


def audit(asked: dict[str, str | None], ledger: dict[str, Any]) -> Audit:
    """`asked` is each prompt that was sent, with the id that the API gave it."""
    books, jobs = Books(ledger), list(Job.objects.order_by("created_at").prefetch_related("outputs"))
    found = Audit(_states(jobs, books) | {"POSTs": books.posts, "POSTs accepted": books.accepted})
    found.check("jobs lost", _lost(asked, jobs))
    found.check("jobs made twice", _made_twice(jobs))
    found.check("double POSTs", _paid_twice(books))
    found.check("POSTs of no job", _paid_for_nobody(books, jobs))
    found.check("stuck", _stuck(jobs))
    found.check("ends that cannot be", _impossible(jobs, books))
    found.check("wrong outputs", _wrong_outputs(jobs, books))
    found.figures["files checked"] = Output.objects.count() + Picture.objects.count()
    found.check("rows without a whole file", _rows_without_file())
    found.check("files without a row", _files_without_row())
    # A driver that ends by itself takes its heartbeat along.
    found.figures["drivers killed at work"] = Heartbeat.objects.filter(name__startswith=DRIVER).count()
    return found


def _states(jobs: list[Job], books: Books) -> dict[str, Any]:
    counted = Counter(job.state for job in jobs)
    paid = Counter(len(books.of(job)) for job in jobs if job.state == State.UNCONFIRMED)
    reasons = Counter(job.reason for job in jobs if job.state == State.FAILED)
    return {
        "jobs": len(jobs),
        "completed": counted[State.COMPLETED],
        "unconfirmed, with no POST in the ledger": paid[0],
        "unconfirmed, with one POST in the ledger": paid[1],
        **{f"failed: {reason or 'without a reason'}": count for reason, count in reasons.items()},
    }


def _lost(asked: dict[str, str | None], jobs: list[Job]) -> Iterator[str]:
    here = {job.text: str(job.pk) for job in jobs}
    for text, told_id in asked.items():
        if told_id is None:
            yield f"{text} The API never took it."
        elif told_id not in here.values():
            yield f"{text} The API called it {told_id}; there is no such row."


def _made_twice(jobs: list[Job]) -> Iterator[str]:
    return (f"{text} {count} rows" for text, count in Counter(job.text for job in jobs).items() if count > 1)


def _paid_twice(books: Books) -> Iterator[str]:
    return (f"{text} {', '.join(entries)}" for text, entries in books.entries.items() if len(entries) > 1)


def _paid_for_nobody(books: Books, jobs: list[Job]) -> Iterator[str]:
    return iter(books.entries.keys() - {job.text for job in jobs})


def _stuck(jobs: list[Job]) -> Iterator[str]:
    for job in jobs:
        if job.state not in ENDS:
            yield f"{job.text} {job.state}, {job.trouble or 'no trouble'}"
        if job.leased_until is not None and job.leased_until > timezone.now():
            yield f"{job.text} still under the lease {job.lease}"


def _impossible(jobs: list[Job], books: Books) -> Iterator[str]:
    for job in jobs:
        entries = books.of(job)
        if job.state == State.FAILED and not job.reason:
            yield f"{job.text} failed without a reason"
        if job.request_id and job.request_id not in entries:
            yield f"{job.text} has the request id {job.request_id}, which is not in the ledger for it"
        if job.state == State.UNCONFIRMED and (job.request_id or job.outputs.exists()):
            yield f"{job.text} unconfirmed, though it was accepted"


def _wrong_outputs(jobs: list[Job], books: Books) -> Iterator[str]:
    """Count, order and bytes of what a completed job stored."""
    for job in jobs:
        if job.state != State.COMPLETED:
            continue
        made = [output["sha256"] for output in books.of(job).get(job.request_id, {"outputs": []})["outputs"]]
        rows = [output.sha256 for output in job.outputs.all()]
        stored = [_hash_of(output.file.name) for output in job.outputs.all()]
        if not made or not made == rows == stored:
            yield f"{job.text} made {made}, noted {rows}, stored {stored}"


def _rows_without_file() -> Iterator[str]:
    for row in [*Output.objects.all(), *Picture.objects.all()]:
        if _hash_of(row.file.name) != row.sha256:
            yield f"{row.file.name} of {row!r}"


def _files_without_row() -> Iterator[str]:
    rows = [*Output.objects.all(), *Picture.objects.all()]
    named, hashes = {row.file.name for row in rows}, {row.sha256 for row in rows}
    for name in _stored():
        is_copy = name.startswith(f"{sizes.FOLDER}/") and sizes.original(name) in hashes
        if not is_copy and name not in named:
            yield name


def _stored() -> Iterator[str]:
    folders, names = default_storage.listdir("")
    yield from names
    for folder in folders:
        if folder != TEMPORARY:
            yield from store.names(folder)


def _hash_of(name: str | None) -> str:
    try:
        return store.sha256_of(name or "")
    except FileNotFoundError:
        return "no file"
