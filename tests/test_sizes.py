"""Page-size copies: made once for the same bytes, by one process at a time, and again whenever that was cut short."""

import io
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone
from django_q.models import OrmQ
from PIL import Image

from jobs import intake, lifecycle, pictures, sizes, store
from jobs.models import Heartbeat, Output, Picture

from .conftest import png, rings

pytestmark = pytest.mark.django_db


@pytest.fixture
def picture(db):
    return keep(png(1000, 500))


def keep(file):
    return intake.keep(pictures.clean(file))


@pytest.fixture
def make_output(alice, make_job):
    """An output with the bytes of a picture."""

    def make(picture, **given):
        told = {"sha256": picture.sha256, "file": picture.file.name, "content_type": "image/png", "kind": "image"}
        return Output.objects.create(job=make_job(alice), position=0, size=1, **{**told, **given})

    return make


def sized(row):
    row.refresh_from_db()
    return row.widths, row.color, row.sized_at is not None


def copy_of(row, width):
    return Image.open(io.BytesIO(store.read(sizes.name(row.sha256, width))))


def test_picture_gets_its_copies(picture):
    sizes.make_waiting()
    assert sized(picture) == ([320, 640, 1000], "#008080", True)
    assert [copy_of(picture, width).size for width in picture.widths] == [(320, 160), (640, 320), (1000, 500)]


def test_copies_lie_under_the_hash_of_their_original(picture):
    sizes.make_waiting()
    start = f"pages/{picture.sha256[:2]}/{picture.sha256}"
    assert sorted(store.names("pages")) == sorted(f"{start}-{width}.webp" for width in (320, 640, 1000))


def test_copies_are_shared_by_all_rows_of_the_same_bytes(picture, make_output):
    output = make_output(picture)
    sizes.make_waiting()
    assert sized(output) == sized(picture) == ([320, 640, 1000], "#008080", True)
    assert set(sizes.names(picture)) < set(store.names("pages"))


def test_making_copies_again_changes_nothing(picture):
    sizes.make_waiting()
    before = {name: store.read(name) for name in store.names("pages")}
    sizes.forget(picture)
    sizes.make_waiting()
    assert {name: store.read(name) for name in store.names("pages")} == before


def test_video_has_no_copies(picture, make_output):
    video = make_output(picture, kind="video", content_type="video/mp4", sha256="0" * 64)
    sizes.make_waiting()
    assert sized(video) == ([], "", True)


@pytest.mark.parametrize("content", [b"", b"no picture", None])
def test_file_that_is_no_picture_is_not_tried_for_ever(picture, content):
    store.remove(picture.file.name)
    if content is not None:
        default_storage.save(picture.file.name, ContentFile(content))
    sizes.make_waiting()
    assert sized(picture) == ([], "", True)


def test_picture_that_kills_its_process_is_not_tried_for_ever(picture):
    cache.set(f"sizing:{picture.sha256}", sizes.TRIES)
    sizes.make_waiting()
    assert sized(picture) == ([], "", True)


def test_copies_wait_for_a_store_that_is_away(picture, settings):
    settings.FILE_UPLOAD_TEMP_DIR = "/nowhere"
    for _ in range(sizes.TRIES + 1):
        sizes.make_waiting()
    assert sized(picture) == ([], "", False)
    settings.FILE_UPLOAD_TEMP_DIR = settings.MEDIA_ROOT / "tmp"
    sizes.make_waiting()
    assert sized(picture) == ([320, 640, 1000], "#008080", True)


def test_copies_of_a_row_that_was_deleted_meanwhile_are_removed(picture):
    with ThreadPoolExecutor(1) as gently:
        Picture.objects.filter(pk=picture.pk).delete()
        sizes.make(picture, gently)
    assert list(store.names("pages")) == []


def test_newest_picture_is_first(picture, make_output):
    output = make_output(picture, sha256="1" * 64)
    assert sizes._newest() == max(output, *Picture.objects.all(), key=lambda row: row.pk)


def test_another_process_at_work_is_left_alone(picture):
    Heartbeat.objects.create(name=sizes.SIZER, seen_at=timezone.now())
    sizes.make_waiting()
    assert sized(picture) == ([], "", False)


def test_dead_process_is_succeeded(picture):
    Heartbeat.objects.create(name=sizes.SIZER, seen_at=timezone.now() - timedelta(minutes=1))
    sizes.make_waiting()
    assert sized(picture)[0] == [320, 640, 1000]
    assert not Heartbeat.objects.exists()


def test_stopping_worker_leaves_the_rest_to_the_next(picture, orm_queue):
    Heartbeat.objects.create(name="worker:a", seen_at=timezone.now(), is_stopping=True)
    before = rings("make_sizes")
    sizes.make_waiting("worker:a")
    assert (sized(picture), rings("make_sizes")) == (([], "", False), before + 1)


def test_run_ends_after_its_time_and_rings_for_the_next(picture, monkeypatch, orm_queue):
    monkeypatch.setattr(sizes, "SECONDS", 0)
    before = rings("make_sizes")
    sizes.make_waiting()
    assert (sized(picture), rings("make_sizes")) == (([], "", False), before + 1)


def test_nothing_to_do_is_no_reason_to_ring(picture, orm_queue):
    sizes.make_waiting()
    before = rings("make_sizes")
    sizes.make_waiting()
    assert rings("make_sizes") == before


def test_new_picture_rings_once(picture, orm_queue):
    assert rings("make_sizes") == 1
    keep(png(1000, 500))
    assert rings("make_sizes") == 1


def test_sweep_rings_for_copies_that_are_late(picture, orm_queue):
    OrmQ.objects.all().delete()
    lifecycle.sweep()
    assert rings("make_sizes") == 0
    Picture.objects.update(created_at=timezone.now() - 2 * sizes.LATE)
    lifecycle.sweep()
    assert rings("make_sizes") == 1
