import pytest

from jobs.models import Job
from jobs.states import State
from tests.conftest import png, stored_output


@pytest.fixture
def finish(make_job):
    """A completed job of somebody's with so many outputs."""

    def make(owner, outputs=3, **given) -> Job:
        job = make_job(owner, **given)
        known = {"state": State.COMPLETED, "request_id": job.pk.hex, "finished_at": job.created_at}
        Job.objects.filter(pk=job.pk).update(**known)
        for number in range(outputs):
            stored_output(job, png(color=(number, 80, 80)))
        job.refresh_from_db()
        return job

    return make


@pytest.fixture
def job(finish, alice):
    return finish(alice)


@pytest.fixture
def client(as_user, rita):
    """Rita's browser."""
    return as_user(rita)
