import pytest
from django.utils import timezone

from jobs.models import Job
from jobs.states import State
from tests.conftest import stored_output


@pytest.fixture
def output(finished):
    return finished.outputs.first()


@pytest.fixture
def wait(make_job):
    """One more completed job with outputs that wait."""

    def make(owner, count=1, **given):
        job = make_job(owner, **given)
        done = {"state": State.COMPLETED, "request_id": f"r-{job.pk}", "finished_at": timezone.now()}
        Job.objects.filter(pk=job.pk).update(**done)
        job.refresh_from_db()
        return [stored_output(job) for _ in range(count)]

    return make
