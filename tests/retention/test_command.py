"""`manage.py retention`: a dry run says what a run does; --restore brings back."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from jobs import backup, retention, store, upkeep
from jobs.models import Picture
from jobs.states import Verb
from tests.conftest import stored_bytes
from tests.retention.conftest import days_pass, states

pytestmark = pytest.mark.django_db(transaction=True)


def command(name, *options):
    out = StringIO()
    try:
        call_command(name, *options, stdout=out)
    except CommandError as problem:
        return out.getvalue() + f"error: {problem}"
    return out.getvalue()


@pytest.fixture
def old(rules, archive, done):
    rules(unreviewed={"archive": 30}, inputs={"delete": 30})
    days_pass(31)
    return done


@pytest.fixture
def gone(old):
    retention.run()
    days_pass(2)
    retention.remove_leftovers()
    return old


def test_without_rules_it_says_that_everything_is_kept(rules):
    assert command("retention") == "There are no rules: everything is kept. RETENTION_… would set them.\n"


def test_dry_run_says_what_a_run_does_and_does_nothing(old):
    dry = command("retention", "--dry-run").splitlines()
    assert states(old) == "sss s"
    assert states(old) == "sss s"
    sums = [line for line in dry if not line.startswith("would be ")]
    assert command("retention").splitlines() == sums
    assert (len(dry) - len(sums), states(old)) == (4, "aaa d")


def test_dry_run_names_each_file_with_its_job_and_size(old):
    dry = command("retention", "--dry-run")
    first = old.outputs.first()
    assert f"would be archived: output 1 of job {old.pk} ({first.file.name}), {first.size}\xa0bytes" in dry
    assert f"would be deleted: input of jobs {old.pk} ({Picture.objects.get().file.name})" in dry


def test_run_names_what_it_left(old):
    store.remove(old.outputs.first().file.name)
    assert "left: outputs/" in command("retention")


def test_archive_that_is_away_is_an_error_in_words(old, archive):
    archive.write_text("in the way")
    assert "error: " in command("retention")
    assert states(old) == "sss d"


# Bringing back


def test_restore_brings_back_what_is_archived(gone, archive):
    before = [(archive / output.file.name).read_bytes() for output in gone.outputs.all()]
    said = command("retention", "--restore", str(gone.pk))
    assert said.startswith(f"Brought back 3 originals of {gone.pk}")
    assert "The original was deleted by the retention rule" in said
    assert (states(gone), [stored_bytes(output.file) for output in gone.outputs.all()]) == ("sss d", before)
    assert gone.events.last().verb == Verb.RESTORED


def test_what_came_back_begins_its_time_anew_and_leaves_the_archive(gone, archive):
    days_pass(40)
    command("retention", "--restore", str(gone.pk))
    days_pass(20)
    retention.run()
    retention.remove_leftovers()
    assert states(gone) == "sss d"
    assert not any(store.exists(output.file.name, store.ARCHIVE) for output in gone.outputs.all())
    days_pass(11)
    retention.run()
    assert states(gone) == "aaa d"


def test_restore_takes_back_a_deletion_whose_file_is_still_there(old):
    retention.run()
    assert states(old) == "aaa d"
    assert "Brought back 4 originals" in command("retention", "--restore", str(old.pk))
    days_pass(2)
    retention.remove_leftovers()
    assert [store.exists(row.file.name) for row in upkeep.files_of(old)] == [True] * 4


def test_restore_of_a_file_that_is_not_in_the_archive_is_told(gone, archive):
    (archive / gone.outputs.first().file.name).unlink()
    said = command("retention", "--restore", str(gone.pk))
    assert (states(gone), "Brought back 2 originals" in said, "error: " in said) == ("ass d", True, True)


def test_restore_does_not_take_other_bytes_for_the_original(gone, archive):
    (archive / gone.outputs.first().file.name).write_bytes(b"rotten")
    assert "has other bytes" in command("retention", "--restore", str(gone.pk))
    assert (states(gone), store.exists(gone.outputs.first().file.name)) == ("ass d", False)


def test_restore_without_an_archive_says_what_to_set(gone, settings):
    settings.STORAGES = {name: backend for name, backend in settings.STORAGES.items() if name != "archive"}
    assert "ARCHIVE_DIR or ARCHIVE_S3_BUCKET" in command("retention", "--restore", str(gone.pk))


@pytest.mark.parametrize("unknown", ["nonsense", "00000000-0000-0000-0000-000000000000"])
def test_restore_names_an_unknown_job(db, unknown):
    assert command("retention", "--restore", unknown) == f"error: There is no job {unknown}."


def test_admin_brings_back(gone, as_user, sam):
    sent = {"action": "restore", "_selected_action": [str(gone.pk)], "index": 0}
    text = as_user(sam).post(reverse("admin:jobs_job_changelist"), sent, follow=True).content.decode()
    assert "3 originals were brought back." in text
    assert "The original was deleted by the retention rule" in text
    assert (states(gone), gone.events.last().actor) == ("sss d", sam)


# What looks after the store


def test_verify_finds_an_archive_sound(old):
    for _ in range(2):
        assert command("verify_store") == "0 damaged, 0 files without a row\n"
        retention.run()
    days_pass(2)
    retention.remove_leftovers()
    assert command("verify_store") == "0 damaged, 0 files without a row\n"


def test_verify_names_what_is_missing_from_the_archive(gone, archive):
    (archive / gone.outputs.first().file.name).unlink()
    assert "the file is missing from the archive" in command("verify_store")


def test_verify_names_what_lies_in_the_archive_for_nobody(gone, archive):
    (archive / "outputs" / "00").mkdir(parents=True)
    (archive / "outputs" / "00" / "0000.png").write_bytes(b"left")
    assert "nobody's: outputs/00/0000.png in the archive" in command("verify_store")


def test_repair_leaves_the_copies_of_what_is_gone(gone):
    missing = upkeep.sizes.names(Picture.objects.get())[0]
    store.remove(missing)
    said = command("verify_store", "--repair")
    assert "not repaired: The original was deleted by the retention rule" in said
    assert Picture.objects.get().widths


def test_backup_and_restore_know_the_archive(in_folder, gone, archive, tmp_path, settings):
    assert backup._folders() == {"media": settings.MEDIA_ROOT, "archive": archive}
    backup.back_up(tmp_path / "kept")
    copies = [(tmp_path / "kept" / "archive" / output.file.name).read_bytes() for output in gone.outputs.all()]
    assert copies == [(archive / output.file.name).read_bytes() for output in gone.outputs.all()]
