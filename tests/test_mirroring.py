"""Outputs become stored files, whatever their host does; a job is completed only when all are stored."""

import hashlib
import os

import pytest

from jobs.models import Output
from jobs.states import Verb

from .conftest import stored_bytes

pytestmark = pytest.mark.django_db(transaction=True)


def test_mirror_keeps_videos_too(sandbox, alice, make_job, drive_all):
    sandbox.misbehave("video_output")
    job = make_job(alice)
    drive_all()
    kinds = set(job.outputs.values_list("kind", flat=True))
    assert kinds == {Output.Kind.IMAGE, Output.Kind.VIDEO}


def test_mirror_takes_the_type_from_the_content(sandbox, alice, make_job, drive_all):
    sandbox.misbehave("wrong_content_type", times=None)
    job = make_job(alice)
    drive_all()
    assert set(job.outputs.values_list("content_type", flat=True)) == {"image/jpeg"}


def test_mirror_keeps_the_hash_of_each_file(sandbox, alice, make_job, drive_all):
    job = make_job(alice)
    drive_all()
    hashes = [hashlib.sha256(stored_bytes(output.file)).hexdigest() for output in job.outputs.all()]
    assert hashes == list(job.outputs.values_list("sha256", flat=True))


def test_mirror_of_the_same_bytes_keeps_one_file(sandbox, alice, make_job, drive_all):
    jobs = [make_job(alice, seed=1), make_job(alice, seed=1)]
    drive_all()
    files = {output.file.name for job in jobs for output in job.outputs.all()}
    assert (Output.objects.count(), len(files)) == (4, 2)


def test_mirror_leaves_no_temporary_file(sandbox, alice, make_job, drive_all, settings):
    sandbox.misbehave("truncated_image", times=2)
    make_job(alice)
    drive_all()
    assert os.listdir(settings.FILE_UPLOAD_TEMP_DIR) == []


def make_job_before_the_store_breaks(alice, make_job, settings):
    broken = settings.FILE_UPLOAD_TEMP_DIR
    settings.FILE_UPLOAD_TEMP_DIR = settings.MEDIA_ROOT / "tmp"
    job = make_job(alice)
    settings.FILE_UPLOAD_TEMP_DIR = broken
    return job


def test_mirror_reads_the_result_again_for_fresh_links(sandbox, alice, make_job, drive_all):
    sandbox.misbehave("expired_url", on="output")
    job = make_job(alice)
    drive_all()
    assert job.events.filter(verb=Verb.RENEWED).exists()
