"""A zip of what jobs made, with a manifest of how they made it; streamed, and of a size that is known before."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone
from django.utils.text import slugify
from zipstream import ZipStream

from . import seedream, store
from .models import Job, JobInput, Output

MAX_JOBS = 100
SLUG_LENGTH = 40


@dataclass(frozen=True)
class Entry:
    """An output under its name in the zip; `size` is None when its file is left out, and `note` says why."""

    output: Output
    name: str
    size: int | None
    note: str


def build(jobs: Sequence[Job], user: Any) -> ZipStream:
    """For `user`, of jobs with their owner, inputs, pictures and outputs. Raises OSError when the store is away.

    Every file is looked for now: in the middle of the stream it would be too late to say that one is missing.
    """
    archive = ZipStream(sized=True)
    entries = {job: _entries(job, f"{label(job)}/" if len(jobs) > 1 else "", user) for job in jobs}
    archive.add(_manifest(entries), "manifest.json")
    for entry in (entry for found in entries.values() for entry in found if entry.size is not None):
        archive.add(store.chunks(str(entry.output.file.name)), entry.name, size=entry.size)
    return archive


def label(job: Job) -> str:
    """Sorts by day, says what it is, and is no other job's: "2026-11-22 make-the-roof-green a1b2c3"."""
    slug = slugify(job.text, allow_unicode=True)
    if len(slug) > SLUG_LENGTH:
        slug = slug[: SLUG_LENGTH + 1].rpartition("-")[0] or slug[:SLUG_LENGTH]
    day = f"{timezone.localtime(job.created_at):%Y-%m-%d}"
    return " ".join(filter(None, [day, slug, job.pk.hex[-6:]]))


def _entries(job: Job, folder: str, user: Any) -> list[Entry]:
    outputs = list(job.outputs.all())
    digits = len(str(len(outputs)))
    return [
        _entry(output, f"{folder}{output.position + 1:0{digits}}.{output.extension}", output.why_not_for(user))
        for output in outputs
    ]


def _entry(output: Output, name: str, problem: str) -> Entry:
    size = None if problem else store.size(str(output.file.name))
    return Entry(output, name, size, problem or ("The file is missing from the store." if size is None else ""))


def _manifest(entries: dict[Job, list[Entry]]) -> str:
    told = {
        "model": seedream.MODEL_ID,
        "made_at": timezone.now(),
        "jobs": [_told(job, found) for job, found in entries.items()],
    }
    return json.dumps(told, cls=DjangoJSONEncoder, ensure_ascii=False, indent=2)


def _told(job: Job, found: list[Entry]) -> dict[str, Any]:
    """Under the same names as in the API, which are the model's."""
    return {
        "id": job.pk,
        "parent": job.parent_id,
        "owner": job.owner.get_username(),
        "created_at": job.created_at,
        "finished_at": job.finished_at,
        "state": job.state,
        "reason": job.reason,
        "request_id": job.request_id,
        "estimate_usd": job.estimate_usd,
        "cost_usd": job.cost_usd,
        **job.parameters,
        "images": [_told_input(entry) for entry in job.inputs.all()],
        "outputs": [_told_output(entry, job.seed) for entry in found],
        **({} if found else {"note": "This job has no outputs."}),
    }


def _told_input(entry: JobInput) -> dict[str, Any]:
    picture = entry.picture
    return {
        "name": entry.name,
        "source_url": entry.source_url,
        "output": entry.output_id,
        "sha256": picture.sha256,
        "original": picture.original,
        "width": picture.width,
        "height": picture.height,
    }


def _told_output(entry: Entry, seed: int | None) -> dict[str, Any]:
    output = entry.output
    return {
        "id": output.pk,
        "file": None if entry.size is None else entry.name,
        **({"note": entry.note} if entry.note else {}),
        "content_type": output.content_type,
        "sha256": output.sha256,
        "original": output.original,
        "size": output.size,
        "width": output.width,
        "height": output.height,
        **({} if seed is None else {"seed": seed}),
        "review": output.review,
    }
