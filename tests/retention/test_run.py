"""What a run does to rows and files, also when it runs twice, or beside somebody who needs the files."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier

import pytest
from django.conf import settings as configured
from django.core.exceptions import PermissionDenied
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.utils import timezone
from django_q.models import Schedule

from jobs import counts, intake, leftovers, lifecycle, pictures, retention, seedream, store, tasks, upkeep
from jobs.management.commands import worker
from jobs.models import Count, Heartbeat, Job, Output, Picture
from jobs.states import Verb
from tests.conftest import parameters, png, rings, stored_bytes, stored_output
from tests.retention.conftest import days_pass, finish, states

pytestmark = pytest.mark.django_db(transaction=True)
DELETE = {"unreviewed": {"delete": 30}, "inputs": {"delete": 30}}
ARCHIVE = {"unreviewed": {"archive": 30}, "inputs": {"archive": 30}}


def lies(row):
    """In which of the two stores its file is: "s", "a", "sa" or nothing."""
    return "".join(letter for letter, of in (("s", "default"), ("a", "archive")) if _is_there(str(row.file.name), of))


def _is_there(name, of):
    return (of == "default" or store.has_archive()) and store.exists(name, of)


def rows(job):
    return [*job.outputs.all(), *Picture.objects.filter(jobs=job)]


def has_copies(row):
    return bool(row.widths) and all(store.exists(name) for name in upkeep.sizes.names(row))


@pytest.fixture
def old(done):
    days_pass(31)
    return done


# What becomes of rows and files


def test_archived_files_move_after_a_while(rules, archive, old):
    rules(**ARCHIVE)
    before = [stored_bytes(row.file) for row in rows(old)]
    retention.run()
    assert (states(old), {lies(row) for row in rows(old)}) == ("aaa a", {"sa"})
    days_pass(1.01)
    retention.remove_leftovers()
    assert {lies(row) for row in rows(old)} == {"a"}
    assert [(archive / row.file.name).read_bytes() for row in rows(old)] == before


def test_deleted_files_go_after_a_while_and_copies_stay(rules, old):
    rules(**DELETE)
    retention.run()
    retention.remove_leftovers()
    assert (states(old), {lies(row) for row in rows(old)}) == ("ddd d", {"s"})
    days_pass(1.01)
    retention.remove_leftovers()
    assert {lies(row) for row in rows(old)} == {""}
    assert all(has_copies(row) for row in rows(old))
    assert not Output.objects.filter(leftover_at__isnull=False).exists()


def test_what_was_archived_goes_from_the_archive_when_it_is_deleted(rules, archive, old):
    rules(unreviewed={"archive": 30, "delete": 60})
    retention.run()
    days_pass(40)
    retention.run()
    days_pass(2)
    retention.remove_leftovers()
    assert {lies(row) for row in old.outputs.all()} == {""}


def test_history_row_stays_as_it_was(rules, old):
    rules(**DELETE)
    before = Output.objects.order_by("pk").values("sha256", "size", "width", "review", "file", "widths")
    known = list(before)
    retention.run()
    old.refresh_from_db()
    assert (list(before.all()), old.text, old.state) == (known, "Make 2 images of it.", "completed")


def test_timeline_tells_of_it_once_for_each_rule(rules, old):
    rules(**DELETE)
    retention.run()
    retention.run()
    told = [event.text for event in old.events.filter(verb=Verb.DELETED)]
    assert told == [
        "The retention rule deleted originals after 30 days; inputs: 1",
        "The retention rule deleted originals after 30 days; results: 3",
    ]


def test_file_that_another_row_has_stays(rules, old, make_job, alice):
    young = finish(make_job(alice, seed=2))
    twin = stored_output(young, png(color="red"))
    rules(unreviewed={"delete": 30})
    retention.run()
    days_pass(2)
    retention.remove_leftovers()
    assert (states(old), lies(twin)) == ("ddd s", "s")


def test_many_are_taken_a_few_at_a_time(rules, old, monkeypatch):
    monkeypatch.setattr(retention, "AT_ONCE", 1)
    monkeypatch.setattr(retention, "MOST", 2)
    rules(**DELETE)
    told = []
    [of_inputs, of_outputs], is_all = retention.run(tell=lambda: told.append(1))
    assert (of_inputs.files, of_outputs.files, len(told), is_all) == (1, 3, 4, True)


def test_damaged_original_is_left_and_named(rules, archive, old):
    rules(**ARCHIVE)
    default_storage.save(old.outputs.first().file.name, ContentFile(b"rotten"))
    reports, _is_all = retention.run()
    assert states(old) == "saa a"
    assert ["has other bytes" in problem for report in reports for problem in report.skipped] == [True]
    assert not store.exists(old.outputs.first().file.name, store.ARCHIVE)


def test_missing_original_is_left_and_named(rules, archive, old):
    rules(**ARCHIVE)
    store.remove(old.outputs.first().file.name)
    reports, _is_all = retention.run()
    assert states(old) == "saa a"
    assert ["is missing from the store" in problem for report in reports for problem in report.skipped] == [True]


def test_archive_that_is_away_stops_the_run_and_takes_nothing(rules, archive, old):
    rules(**ARCHIVE)
    archive.write_text("in the way")
    with pytest.raises(OSError, match="archive"):
        retention.run()
    assert states(old) == "sss s"


def test_figures_tell_what_was_taken_and_freed(rules, old):
    counts.take()
    Count.objects.all().delete()  # a process that another test killed may have left some
    rules(unreviewed={"delete": 30})
    size = sum(output.size for output in old.outputs.all())
    retention.run()
    days_pass(2)
    retention.remove_leftovers()
    Count.write()
    found = dict(Count.objects.values_list("key", "value"))
    assert found["originals_retired_bytes|act=deleted|of=unreviewed"] == size
    assert (found["originals_freed_files|place=default"], found["originals_freed_bytes|place=default"]) == (3, size)


# What is needed again


def test_upload_of_the_same_picture_brings_it_back(rules, old):
    rules(**DELETE)
    retention.run()
    days_pass(2)
    retention.remove_leftovers()
    picture = intake.keep(pictures.clean(png()))
    assert (states(old), lies(picture), picture.why_gone) == ("ddd s", "s", "")
    days_pass(2)
    retention.remove_leftovers()
    assert lies(picture) == "s"


def test_upload_of_an_archived_picture_frees_the_archive(rules, archive, old):
    rules(**ARCHIVE)
    retention.run()
    picture = intake.keep(pictures.clean(png()))
    days_pass(2)
    retention.remove_leftovers()
    assert lies(picture) == "s"


def test_same_output_that_is_made_anew_is_not_removed_with_the_old_one(rules, sandbox, alice, make_job, drive_all):
    first = make_job(alice, seed=1)
    drive_all()
    upkeep.sizes.make_waiting()
    days_pass(31)
    rules(unreviewed={"delete": 30})
    retention.run()
    days_pass(2)
    again = make_job(alice, seed=1)
    drive_all()
    retention.remove_leftovers()
    assert (states(first), states(again)) == ("dd s", "ss s")
    assert [lies(output) for output in again.outputs.all()] == ["s", "s"]


def test_deleting_the_job_takes_the_archive_along(rules, archive, old):
    rules(**ARCHIVE)
    retention.run()
    upkeep.delete(old)
    assert [path for path in archive.rglob("*") if path.is_file()] == []
    assert [name for folder in upkeep.FOLDERS for name in store.names(folder)] == []


# By the schedule


def test_worker_has_it_done_once_a_day_and_a_restart_changes_nothing():
    worker.schedule()
    later = timezone.now() + timedelta(hours=7)
    Schedule.objects.filter(name="retention").update(next_run=later)
    worker.schedule()
    found = Schedule.objects.get(name="retention")
    assert (found.func, found.schedule_type, found.next_run) == ("jobs.tasks.retention", Schedule.DAILY, later)


def test_time_that_is_over_while_files_are_copied_ends_the_batch(rules, archive, old):
    rules(**ARCHIVE)
    [of_inputs, _of_outputs] = retention.rules()
    ids = [picture.pk for picture in Picture.objects.all()]
    retention._take(of_inputs, ids, retention.Report(of_inputs), until=time.monotonic())
    assert (states(old), list(store.names("pictures", store.ARCHIVE))) == ("sss s", [])


def test_schedule_takes_what_is_due_and_tells_the_log(rules, old, caplog):
    rules(**DELETE)
    with caplog.at_level("INFO"):
        tasks.retention()
    assert states(old) == "ddd d"
    assert "unreviewed outputs: deleted after 30 days: 3 originals" in caplog.text
    assert not Heartbeat.objects.filter(name=retention.NAME).exists()


def test_schedule_goes_on_in_another_task_when_its_time_is_over(rules, old, monkeypatch, orm_queue):
    rules(**DELETE)
    monkeypatch.setattr(tasks, "RETENTION_SECONDS", -1)
    tasks.retention()
    assert (states(old), rings("retention")) == ("sss s", 1)


def test_one_process_of_all_works_by_the_schedule(rules, old):
    rules(**DELETE)
    with Heartbeat.alone(retention.NAME):
        tasks.retention()
    assert states(old) == "sss s"


def test_sweep_removes_the_files(rules, old):
    rules(**DELETE)
    retention.run()
    days_pass(1.01)
    tasks.sweep()
    assert {lies(row) for row in rows(old)} == {""}


def test_abandoned_copies_vanish_from_the_archive(rules, archive, old):
    rules(**ARCHIVE)
    retention.run()
    left = Path(archive / "tmp" / "part-x")
    left.write_bytes(b"half")
    os.utime(left, (time.time() - 2 * store.ABANDONED_SECONDS,) * 2)
    tasks.retention()
    assert not left.exists()


# Between the look and the mark


@pytest.fixture
def looked(rules, old):
    """The rules, each with the ids of what was due a moment ago."""
    rules(**DELETE)
    now = timezone.now()
    return [(rule, list(retention.chosen(rule, now).values_list("pk", flat=True))) for rule in retention.rules()]


def test_what_is_held_after_the_look_is_left(looked, old, alice):
    lifecycle.hold(old, alice)
    for rule, ids in looked:
        retention._take(rule, ids, retention.Report(rule))
    assert (len(looked), states(old)) == (2, "sss s")


def test_picture_that_is_used_after_the_look_is_left(looked, old, alice):
    lifecycle.create(alice, parameters(), intake.again(old.inputs.all(), alice)[0])
    for rule, ids in looked:
        retention._take(rule, ids, retention.Report(rule))
    assert states(old) == "ddd s"


def test_picture_that_was_taken_after_its_form_was_checked_is_refused(rules, old, alice):
    kept = intake.again(old.inputs.all(), alice)[0]
    rules(**DELETE)
    retention.run()
    with pytest.raises(seedream.InvalidInput, match="is no longer here"):
        lifecycle.create(alice, parameters(), kept)


# At the same moment


def at_once(*calls):
    """What each call gives or raises, in threads that begin together, each with its own connection."""
    start = Barrier(len(calls))

    def one(call):
        start.wait()
        try:
            return call()
        except (seedream.InvalidInput, PermissionDenied) as refusal:
            return refusal
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(one, calls))


@pytest.mark.parametrize("round_", range(3))
def test_two_machines_take_each_original_once(rules, archive, old, round_):
    rules(**ARCHIVE)
    found = at_once(retention.run, retention.run)
    assert sum(report.files for reports, _is_all in found for report in reports) == 4
    assert sum(event.data["files"] for event in old.events.filter(verb=Verb.ARCHIVED)) == 4
    assert (states(old), {lies(row) for row in rows(old)}) == ("aaa a", {"sa"})


@pytest.mark.parametrize("round_", range(3))
def test_job_that_is_held_meanwhile_was_taken_before_or_not_at_all(rules, old, alice, round_):
    rules(**DELETE)
    at_once(lambda: lifecycle.hold(old, alice), retention.run)
    verbs = list(old.events.filter(verb__in=(Verb.DELETED, Verb.FILES_HELD)).values_list("verb", flat=True))
    assert verbs[-1] == Verb.FILES_HELD
    assert verbs.count(Verb.DELETED) == len({state for state in states(old).split() if "d" in state})


@pytest.mark.parametrize("round_", range(3))
def test_job_of_a_picture_has_it_whole_or_is_refused(rules, old, alice, round_):
    rules(inputs={"delete": 30})
    kept = intake.again(old.inputs.select_related("picture"), alice)[0]
    made, _run = at_once(lambda: lifecycle.create(alice, parameters(), kept), retention.run)
    days_pass(2)
    retention.remove_leftovers()
    picture = old.inputs.get().picture
    if isinstance(made, Job):
        assert (states(old), lies(picture)) == ("sss s", "s")
    else:
        assert (states(old), lies(picture)) == ("sss d", "")
    assert Job.objects.count() == 1 + isinstance(made, Job)


@pytest.mark.parametrize("round_", range(3))
def test_upload_is_whole_while_leftovers_are_removed(rules, old, round_):
    rules(**DELETE)
    retention.run()
    days_pass(2)
    picture, _removed = at_once(lambda: intake.keep(pictures.clean(png())), retention.remove_leftovers)
    assert (states(old), lies(picture)) == ("ddd s", "s")


def test_reader_of_a_file_that_is_removed_reads_it_to_its_end(in_folder, rules, old, as_user, alice):
    rules(**DELETE)
    output = old.outputs.first()
    content = stored_bytes(output.file)
    response = as_user(alice).get(output.file_url)
    retention.run()
    days_pass(2)
    retention.remove_leftovers()
    assert (lies(output), b"".join(response)) == ("", content)


def test_mark_that_somebody_postponed_is_left(rules, old):
    rules(**DELETE)
    retention.run()
    days_pass(2)
    output = old.outputs.first()
    before = timezone.now()
    leftovers.postpone(Output, [output.sha256], before)
    leftovers.sweep(Output, output.pk, before)  # whoever looked a moment ago
    retention.remove_leftovers()
    assert [lies(row) for row in old.outputs.all()] == ["s", "", ""]


def test_store_of_the_tests_is_their_own(in_folder):
    assert str(configured.MEDIA_ROOT) == default_storage.path("")
