"""A process that is killed while it archives, deletes, removes or brings back originals: the next one ends it right."""

import pytest
from django.core.management import call_command

from jobs import retention, store, tasks
from jobs.models import Heartbeat, Picture
from jobs.states import Verb
from tests.retention.conftest import archive, days_pass, done, rules, states  # noqa: F401 (fixtures)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(120)]

DAYS = {"unreviewed": {"archive": 30}, "inputs": {"delete": 30}}


@pytest.fixture
def old(rules, archive, done):  # noqa: F811
    rules(**DAYS)
    days_pass(31)
    return done


@pytest.fixture
def kill_there(kill, archive):  # noqa: F811
    def kill_at(point, work):
        settings = {"RETENTION_UNREVIEWED": "archive:30", "RETENTION_INPUTS": "delete:30", "ARCHIVE_DIR": str(archive)}
        kill(point, work, **settings)
        Heartbeat.objects.all().delete()

    return kill_at


def end(job):
    """What the schedule does, and a day later the sweep; nothing is damaged, doubled or left."""
    tasks.retention()
    days_pass(2)
    tasks.sweep()
    assert states(job) == "aaa d"
    in_store = [name for folder in ("outputs", "pictures") for name in store.names(folder)]
    assert (in_store, len(list(store.names("outputs", store.ARCHIVE)))) == ([], 3)
    told = job.events.filter(verb__in=(Verb.ARCHIVED, Verb.DELETED))
    assert sum(event.data["files"] for event in told) == 4
    call_command("verify_store")


@pytest.mark.parametrize(
    "point",
    [
        "before jobs.store:copy",
        "after jobs.store:copy",
        "after jobs.store:copy 2",
        "inside jobs.retention:_mark",
        "after jobs.retention:_mark",
        "after jobs.retention:_mark 2",
    ],
)
def test_run_killed_anywhere_is_ended_by_the_next(old, kill_there, point):
    kill_there(point, "retention")
    end(old)


@pytest.mark.parametrize(
    "point", ["after jobs.leftovers:_remove", "after jobs.leftovers:_remove 4", "after jobs.leftovers:sweep"]
)
def test_removal_killed_anywhere_is_ended_by_the_next(old, kill_there, point):
    retention.run()
    days_pass(2)
    kill_there(point, "remove_leftovers")
    end(old)


@pytest.mark.parametrize(
    "point", ["before jobs.store:copy", "after jobs.store:copy", "after jobs.retention:_why_not_restored"]
)
def test_restore_killed_anywhere_is_ended_by_the_next(old, kill_there, point):
    retention.run()
    days_pass(2)
    tasks.sweep()
    kill_there(point, "bring_back")
    retention.restore(old)
    days_pass(2)
    tasks.sweep()
    assert (states(old), len(list(store.names("outputs")))) == ("sss d", 3)
    assert list(store.names("outputs", store.ARCHIVE)) == []
    assert Picture.objects.get().widths
    call_command("verify_store")
