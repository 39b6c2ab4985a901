"""Uploads that no job used go after a while; a job that is made of one at that moment has it whole or is refused."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection
from django.utils import timezone

from jobs import intake, lifecycle, pictures, references, seedream, sizes, store, tasks, upkeep
from jobs.models import Job, Picture

from .conftest import parameters, png, stored_output

pytestmark = pytest.mark.django_db(transaction=True)

OLD = timedelta(days=7, minutes=1)


def upload(color="teal", age=timedelta()):
    picture = intake.keep(pictures.clean(png(color=color)))
    Picture.objects.filter(pk=picture.pk).update(unused_since=timezone.now() - age)
    return intake.Kept(picture)


def files():
    return [name for folder in upkeep.FOLDERS for name in store.names(folder)]


def test_sweep_removes_an_old_upload_with_its_files():
    upload(age=OLD)
    sizes.make_waiting()
    tasks.sweep()
    assert (Picture.objects.count(), files()) == (0, [])


def test_sweep_leaves_an_upload_its_time(settings):
    upload(age=timedelta(days=6))
    tasks.sweep()
    assert Picture.objects.count() == len(files()) == 1
    settings.UPLOAD_KEPT = timedelta(days=5)
    tasks.sweep()
    assert Picture.objects.count() == len(files()) == 0


def test_sweep_leaves_what_was_uploaded_again():
    upload(age=OLD)
    picture = intake.keep(pictures.clean(png()))
    tasks.sweep()
    assert Picture.objects.get() == picture


def test_sweep_leaves_what_a_job_uses_however_old(alice):
    job = lifecycle.create(alice, parameters(), [upload(age=OLD)])
    tasks.sweep()
    assert job.inputs.get().picture.unused_since is None
    assert len(files()) == 1


def test_upload_of_a_used_picture_does_not_make_it_wait(alice, make_job):
    make_job(alice)
    assert intake.keep(pictures.clean(png())).unused_since is None


def test_sweep_leaves_files_that_another_row_has(alice, make_job):
    kept = upload(age=OLD)
    sizes.make_waiting()
    stored_output(make_job(alice, seed=1), png())
    sizes.make_waiting()
    Job.objects.get().inputs.all().delete()
    Picture.objects.update(unused_since=timezone.now() - OLD)
    copies = sizes.names(Picture.objects.get())
    tasks.sweep()
    assert not store.exists(kept.picture.file.name)
    assert all(store.exists(name) for name in copies)


def test_sweep_removes_many_a_few_at_a_time(monkeypatch):
    monkeypatch.setattr(upkeep, "AT_ONCE", 2)
    for color in ("red", "green", "blue"):
        upload(color, age=OLD)
    tasks.sweep()
    assert Picture.objects.count() == 1
    tasks.sweep()
    assert Picture.objects.count() == 0


def test_job_of_a_picture_that_is_gone_is_refused_in_words(alice):
    kept = upload(age=OLD)
    tasks.sweep()
    with pytest.raises(seedream.InvalidInput, match="is no longer here"):
        lifecycle.create(alice, parameters(), [kept])
    assert not Job.objects.exists()


def test_form_with_a_picture_that_is_gone_says_so(as_user, alice):
    word = references.reference(upload(age=OLD).picture, alice)
    tasks.sweep()
    given = {"images[0]": word, "text": "Make 2.", "idempotency_key": uuid.uuid4().hex}
    response = as_user(alice).post("/new/", given)
    assert response.status_code == 422
    assert "This picture is no longer here. Add it again." in response.content.decode()


# At the same moment


def at_once(*calls):
    """What each call gives or raises, in threads that begin together, each with its own connection."""
    start = Barrier(len(calls))

    def one(call):
        start.wait()
        try:
            return call()
        except seedream.InvalidInput as refusal:
            return refusal
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(one, calls))


def is_whole(job):
    return all(store.exists(entry.picture.file.name) for entry in job.inputs.select_related("picture"))


@pytest.mark.parametrize("round_", range(5))
def test_job_has_its_pictures_whole_or_is_refused_while_the_sweep_runs(alice, round_):
    kept = [upload(color, age=OLD) for color in ("red", "green")]
    create = [
        lambda: lifecycle.create(alice, parameters(), kept),
        lambda: lifecycle.create(alice, parameters(), kept[::-1]),
    ]
    *made, _swept = at_once(*create, upkeep.forget_unused)
    assert all(isinstance(job, seedream.InvalidInput) or is_whole(job) for job in made)
    assert Job.objects.count() == sum(isinstance(job, Job) for job in made)


@pytest.mark.parametrize("round_", range(5))
def test_job_has_its_pictures_whole_or_is_refused_while_another_is_deleted(alice, make_job, round_):
    other = make_job(alice)
    lifecycle.cancel(other, alice)
    kept = [intake.Kept(other.inputs.get().picture)]
    made, _deleted = at_once(lambda: lifecycle.create(alice, parameters(), kept), lambda: upkeep.delete(other))
    assert isinstance(made, seedream.InvalidInput) or is_whole(made)


@pytest.mark.parametrize("round_", range(5))
def test_upload_is_kept_while_the_sweep_runs(round_):
    upload(age=OLD)
    picture, _swept = at_once(lambda: intake.keep(pictures.clean(png())), upkeep.forget_unused)
    assert Picture.objects.get() == picture
    assert store.exists(picture.file.name)
