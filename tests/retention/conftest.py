"""What the tests of retention share: rules, an archive, and days that pass."""

from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from jobs import review, sizes
from jobs.models import Job, Output, Picture, ReviewDecision
from tests.conftest import parameters, stored_output

TIMES = {
    Job: ("created_at", "finished_at", "held_at"),
    Output: ("stored_at", "original_at", "leftover_at"),
    Picture: ("created_at", "uploaded_at", "unused_since", "original_at", "leftover_at"),
    ReviewDecision: ("at",),
}
STATES = {"archived": "archive", "deleted": "delete"}


def days_pass(days):
    """All that happened, happened so long ago."""
    for model, names in TIMES.items():
        model.objects.update(**{name: F(name) - timedelta(days=days) for name in names})


def states(job):
    """Where the originals of its outputs, and then of its inputs are, by their first letters: "ssd a"."""
    outputs = job.outputs.order_by("position").values_list("original", flat=True)
    inputs = job.inputs.order_by("position").values_list("picture__original", flat=True)
    return " ".join("".join(word[0] for word in words) for words in (outputs, inputs))


def decide(job, by, *verdicts):
    """About its outputs, in their order."""
    for output, verdict in zip(job.outputs.all(), verdicts, strict=True):
        reason = "crop" if verdict == "rejected" else ""
        if verdict:
            review.decide([output], by, review.wish(verdict, reason))


def finish(job):
    """As if it had been completed a moment ago."""
    now = timezone.now()
    Job.objects.filter(pk=job.pk).update(state="completed", request_id=f"r-{job.pk}", finished_at=now)
    job.refresh_from_db()
    return job


@pytest.fixture
def rules(settings):
    """rules(rejected={"delete": 30}): days, by kind and act."""

    def give(**given):
        empty = {kind: {} for kind in ("inputs", "approved", "rejected", "unreviewed")}
        ages = {kind: {act: timedelta(days=days) for act, days in found.items()} for kind, found in given.items()}
        settings.RETENTION = empty | ages

    give()
    return give


@pytest.fixture
def archive(settings, tmp_path):
    """A folder that is the archive."""
    folder = tmp_path / "archive"
    options = {"location": folder, "allow_overwrite": True}
    backend = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": options}
    settings.STORAGES = settings.STORAGES | {"archive": backend}
    settings.ARCHIVE_DIR = folder
    return folder


@pytest.fixture
def done(finished):
    """alice's completed job with three outputs and one input, all with their copies for pages."""
    finish(finished)
    sizes.make_waiting()
    return finished


@pytest.fixture
def another(alice):
    """A completed job of one more picture, or of given ones, with one output."""

    def make(kept, outputs=()):
        from jobs import lifecycle

        job = finish(lifecycle.create(alice, parameters(), kept))
        for file in outputs:
            stored_output(job, file)
        sizes.make_waiting()
        return job

    return make
