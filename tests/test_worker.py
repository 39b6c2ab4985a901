"""The watched worker as real processes: killed anywhere, it loses no job and pays none twice."""

import os
import signal
import socket
import subprocess
import uuid
from contextlib import contextmanager
from pathlib import Path

import pytest
from django_q.models import Schedule

from jobs.management.commands.worker import end_unwatched, schedule
from jobs.models import Heartbeat, Job
from jobs.states import ENDED, State
from jobs.tasks import WORKER_ENVIRONMENT

from .processes import Worker, kill, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(120)]


@pytest.fixture
def start_worker(sandbox, tmp_path):
    started = []

    def start(**more):
        started.append(Worker(tmp_path, **more))
        return started[-1]

    yield start
    for worker in started:
        worker.kill()


def reached(job, *states):
    def look():
        job.refresh_from_db()
        return job.state in states

    return look


def test_worker_completes_a_job(start_worker, alice, make_job):
    start_worker()
    job = make_job(alice)
    wait_until(reached(job, *ENDED))
    assert job.state == State.COMPLETED


def test_worker_killed_while_in_progress_completes_the_job_after_a_restart(sandbox, start_worker, alice, make_job):
    sandbox.misbehave("unknown_status", on="status", times=None, word="in_progress")
    job = make_job(alice)
    worker = start_worker()
    wait_until(reached(job, State.IN_PROGRESS))
    worker.kill()
    sandbox.behave()
    start_worker()
    wait_until(reached(job, *ENDED))
    assert (job.state, sandbox.ledger()["submits"]) == (State.COMPLETED, 1)


def test_worker_killed_while_mirroring_completes_the_job_after_a_restart(sandbox, start_worker, alice, make_job):
    sandbox.misbehave("slow_trickle", on="output", seconds=60)
    job = make_job(alice)
    worker = start_worker()
    wait_until(lambda: reached(job, State.MIRRORING)() and job.outputs.count() == 1)
    worker.kill()
    start_worker()
    wait_until(reached(job, *ENDED))
    assert (job.state, job.outputs.count(), sandbox.ledger()["submits"]) == (State.COMPLETED, 2, 1)


def test_worker_killed_while_sending_leaves_an_unconfirmed_job(sandbox, start_worker, alice, make_job):
    sandbox.misbehave("slow_accept", seconds=60)
    job = make_job(alice)
    worker = start_worker()
    wait_until(lambda: sandbox.ledger()["submits"] == 1)
    worker.kill()
    start_worker()
    wait_until(reached(job, State.UNCONFIRMED))
    assert sandbox.ledger()["posts"] == 1


@pytest.mark.parametrize("victims", ["the sentinel and its workers", "the workers alone"])
def test_worker_replaces_a_cluster_that_was_killed(start_worker, alice, make_job, victims):
    worker = start_worker(WORKER_STALE_SECONDS="5")
    wait_until(lambda: len(worker.family()) >= 5)  # itself, main, sentinel, two workers and their helpers
    for pid in worker.family()[2 if "sentinel" in victims else 3 :]:
        kill(pid)
    job = make_job(alice)
    wait_until(reached(job, *ENDED), seconds=60)
    assert job.state == State.COMPLETED


def test_worker_has_one_sweep_also_when_an_earlier_start_left_two():
    for _ in range(2):
        Schedule.objects.create(name="sweep", func="jobs.tasks.sweep")
    schedule()
    assert list(Schedule.objects.filter(name="sweep").values_list("name", "minutes")) == [("sweep", 1)]


def test_worker_stops_cleanly(start_worker):
    worker = start_worker()
    wait_until(lambda: len(worker.family()) >= 5)
    family = worker.family()
    assert worker.stop() == 0
    assert [pid for pid in family if os.path.exists(f"/proc/{pid}")] == []


def test_worker_stopped_while_sending_hears_the_answer_first(sandbox, start_worker, alice, make_job):
    sandbox.misbehave("slow_accept", seconds=3)
    job = make_job(alice)
    worker = start_worker()
    wait_until(reached(job, State.SUBMITTING))
    worker.stop()
    job.refresh_from_db()
    assert job.state == State.IN_QUEUE


def test_worker_hands_its_jobs_back_when_it_stops(sandbox, start_worker, alice, make_job):
    sandbox.misbehave("queue_forever")
    job = make_job(alice)
    worker = start_worker()
    wait_until(reached(job, State.IN_QUEUE))
    worker.stop()
    assert not Job.objects.exclude(lease="").exists()
    assert list(Heartbeat.objects.values_list("is_stopping", flat=True)) == [True]  # its own, whose age tells the rest


def test_worker_takes_its_cluster_along_when_it_is_killed(start_worker):
    worker = start_worker()
    wait_until(lambda: len(worker.family()) >= 5)
    cluster = worker.family()[1]
    os.kill(worker.process.pid, signal.SIGKILL)
    worker.process.wait()
    wait_until(lambda: not os.path.exists(f"/proc/{cluster}"))


def test_worker_clears_away_a_cluster_that_nobody_watches(start_worker):
    worker = start_worker()
    wait_until(lambda: len(worker.family()) >= 5)
    command, main, *rest = worker.family()
    for pid in (main, command):
        kill(pid)
    worker.process.wait()
    start_worker()
    wait_until(lambda: not [pid for pid in rest if is_alive(pid)])


def test_worker_leaves_the_clusters_of_other_hosts_alone(monkeypatch):
    """A host sees the processes of its containers, whose numbers are not those in their names."""
    here = f"host-{uuid.uuid4().hex}"  # a name that no other worker on this machine has, nor ends anything of
    monkeypatch.setattr(socket, "gethostname", lambda: here)
    with unwatched(f"container-of-{here}") as of_another, unwatched(here) as ours:
        end_unwatched()
        wait_until(lambda: not is_alive(ours.pid))
        assert is_alive(of_another.pid)


@contextmanager
def unwatched(host):
    """What is left of a cluster whose worker command is dead."""
    of_a_dead_worker = os.environ | {WORKER_ENVIRONMENT: f"worker:{host}-0123abcd:{2**22 + 1}"}
    with subprocess.Popen(["sleep", "60"], env=of_a_dead_worker) as cluster:
        yield cluster
        cluster.kill()


def is_alive(pid):
    """A zombie that nobody has fetched yet is not."""
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
