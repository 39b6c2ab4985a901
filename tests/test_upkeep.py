"""Looking after the store: damage is found and mended, a deleted job takes its files along, and only its own."""

from io import StringIO

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command

from jobs import sizes, store, upkeep
from jobs.models import Job, JobEvent, Output, Picture

from .conftest import rings, stored_bytes

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def done(sandbox, alice, make_job, drive_all):
    job = make_job(alice, seed=1)
    drive_all()
    job.refresh_from_db()
    return job


def verify(*options):
    out = StringIO()
    try:
        call_command("verify_store", *options, stdout=out)
    except CommandError:
        return 1, out.getvalue()
    return 0, out.getvalue()


def test_verify_finds_a_sound_store_sound(done):
    assert verify() == (0, "0 damaged, 0 files without a row\n")


def test_verify_names_a_missing_file(done):
    output = done.outputs.first()
    store.remove(output.file.name)
    code, out = verify()
    assert code == 1
    assert f"output {output.pk} ({output.file.name}): the file is missing" in out


def test_verify_names_a_file_with_other_bytes(done):
    output = done.outputs.first()
    default_storage.save(output.file.name, ContentFile(b"rotten"))
    assert "the file has other bytes" in verify()[1]


def test_verify_names_a_damaged_input(done):
    store.remove(Picture.objects.get().file.name)
    assert "picture " in verify("--repair")[1]


def test_verify_lists_what_belongs_to_nobody(done):
    default_storage.save("outputs/00/0000.jpg", ContentFile(b"left behind"))
    assert "nobody's: outputs/00/0000.jpg" in verify()[1]


@pytest.mark.parametrize("damage", ["missing", "rotten"])
def test_repair_fetches_the_same_bytes_again(done, damage):
    output = done.outputs.first()
    before = stored_bytes(output.file)
    store.remove(output.file.name)
    if damage == "rotten":
        default_storage.save(output.file.name, ContentFile(b"rotten"))
    code, _out = verify("--repair")
    assert (code, stored_bytes(output.file)) == (0, before)


@pytest.fixture
def sized(done):
    sizes.make_waiting()
    return done


def test_verify_finds_page_size_copies_sound(sized):
    assert verify() == (0, "0 damaged, 0 files without a row\n")


def test_verify_names_a_missing_copy(sized):
    output = sized.outputs.first()
    store.remove(sizes.name(output.sha256, 320))
    code, out = verify()
    assert code == 1
    assert f"output {output.pk} ({output.file.name}): a page-size copy is missing: " in out


def test_repair_has_a_missing_copy_made_anew(sized):
    missing = sizes.name(Picture.objects.get().sha256, 64)
    store.remove(missing)
    assert verify("--repair")[0] == 0
    sizes.make_waiting()
    assert (store.exists(missing), verify()[0]) == (True, 0)


def test_repair_rings_for_copies(sized, orm_queue):
    store.remove(sizes.name(Picture.objects.get().sha256, 64))
    before = rings("make_sizes")
    verify("--repair")
    assert rings("make_sizes") == before + 1


def test_repaired_output_gets_its_copies(done):
    store.remove(done.outputs.first().file.name)
    sizes.make_waiting()
    verify("--repair")
    sizes.make_waiting()
    assert done.outputs.first().widths[0] == 320


def test_verify_lists_copies_that_belong_to_nobody(done):
    left = sizes.name("0" * 64, 320)
    default_storage.save(left, ContentFile(b"left behind"))
    assert f"nobody's: {left}" in verify()[1]


def test_repair_says_that_runcomfy_no_longer_has_it(sandbox, done):
    store.remove(done.outputs.first().file.name)
    sandbox.reset()
    code, out = verify("--repair")
    assert code == 1
    assert "not repaired: RunComfy no longer has it" in out


def test_delete_removes_the_job_with_its_events_and_files(sized):
    upkeep.delete(sized)
    assert [model.objects.count() for model in (Job, JobEvent, Output, Picture)] == [0, 0, 0, 0]
    assert [name for folder in upkeep.FOLDERS for name in store.names(folder)] == []


def test_delete_leaves_files_that_another_job_uses(done, alice, make_job, drive_all):
    twin = make_job(alice, seed=1)
    drive_all()
    sizes.make_waiting()
    upkeep.delete(done)
    rows = [*twin.outputs.all(), twin.inputs.get().picture]
    assert all(store.exists(name) for row in rows for name in (row.file.name, *sizes.names(row)))
    assert verify() == (0, "0 damaged, 0 files without a row\n")


def test_delete_refuses_a_job_that_still_goes_on(alice, make_job):
    with pytest.raises(ValueError, match="has not ended"):
        upkeep.delete(make_job(alice))
    assert Job.objects.count() == 1


def test_delete_command_deletes(done):
    call_command("delete_job", str(done.pk), stdout=StringIO())
    assert not Job.objects.exists()


@pytest.mark.parametrize("unknown", ["nonsense", "00000000-0000-0000-0000-000000000000"])
def test_delete_command_names_an_unknown_job(db, unknown):
    with pytest.raises(CommandError, match=f"There is no job {unknown}."):
        call_command("delete_job", unknown)
