"""Several clusters on one database share its jobs."""

import pytest
from django_q.models import Schedule

from jobs import drive
from jobs.models import Heartbeat, Job
from jobs.models.running import WORKER
from jobs.states import State
from tests.processes import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(120)]

CLUSTERS, PROCESSES, ROOM = 3, 2, 2


def held():
    """How many jobs each driver has in hand."""
    return sorted(drive.alive().values_list("jobs", flat=True))


def test_clusters_share_the_jobs_and_send_each_once(machine, sandbox, alice, make_job):
    """So many jobs that every process of every cluster must drive, each with all that it has room for."""
    sandbox.misbehave("unknown_status", on="status", times=None, word="in_progress")
    jobs = [make_job(alice) for _ in range(CLUSTERS * PROCESSES * ROOM)]
    for number in range(CLUSTERS):
        machine(f"number-{number}", DRIVE_CAPACITY=str(ROOM), QUEUE_WORKERS=str(PROCESSES), LEASE_SECONDS="5")
    wait_until(lambda: held() == [ROOM] * CLUSTERS * PROCESSES, 60)
    sandbox.behave()
    wait_until(lambda: Job.objects.filter(state=State.COMPLETED).count() == len(jobs), 60)
    ledger = sandbox.ledger()
    assert (ledger["posts"], ledger["submits"]) == (len(jobs), len(jobs))


def test_clusters_that_begin_at_once_have_one_sweep_and_each_its_own_sign_of_life(machine):
    for number in range(CLUSTERS):
        machine(f"number-{number}")
    wait_until(lambda: Schedule.objects.filter(name="sweep").count() == 1)
    beats = Heartbeat.objects.filter(name__startswith=WORKER)
    first = wait_until(lambda: len(found := dict(beats.values_list("name", "seen_at"))) == CLUSTERS and found)
    wait_until(lambda: all(seen_at > first[name] for name, seen_at in beats.values_list("name", "seen_at")), 60)
