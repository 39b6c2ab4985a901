"""A provider that cannot be reached: the job waits, and goes on."""

import pytest

from jobs.models import Job
from jobs.states import Reason, State
from sandbox.kinds import STATUS
from tests.processes import wait_until
from tests.servers import answer, serving

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(60)]


@pytest.fixture(params=["a name that is not known", "no TLS where TLS should be", "a certificate that nobody knows"])
def unreachable(request, sandbox, unknown_certificate):
    """The address of a provider that cannot be reached, and gets no request."""
    if "name" in request.param:
        yield "http://provider.invalid"
    elif "TLS" in request.param:
        yield sandbox.url.replace("http", "https")
    else:
        with serving(answer(), unknown_certificate) as impostor:
            yield impostor.url
            assert impostor.requests == []


def test_job_that_cannot_be_sent_waits_and_goes_on(
    unreachable, sandbox, start_job, driving, drive_all, shows, settings
):
    job = start_job()
    settings.RUNCOMFY_BASE_URL = unreachable
    driving.start()
    wait_until(lambda: shows(job, State.PENDING, Reason.NOT_REACHED.label))
    driving.stop()
    settings.RUNCOMFY_BASE_URL = sandbox.url
    Job.objects.update(not_before=None)
    drive_all()
    assert (shows(job, State.COMPLETED, "1 result"), sandbox.ledger()["posts"]) == (True, 1)


def test_job_that_cannot_be_polled_waits_and_goes_on(
    unreachable, sandbox, start_job, driving, drive_all, shows, settings
):
    sandbox.misbehave("unknown_status", on=STATUS, times=None)
    job = start_job()
    driving.start()
    wait_until(lambda: shows(job, State.IN_QUEUE, "In RunComfy's queue"))
    driving.stop()
    settings.RUNCOMFY_BASE_URL = unreachable
    driving.start()
    wait_until(lambda: shows(job, State.IN_QUEUE, Reason.NOT_REACHED.label))
    driving.stop()
    sandbox.behave()
    settings.RUNCOMFY_BASE_URL = sandbox.url
    drive_all()
    assert (shows(job, State.COMPLETED, "1 result"), sandbox.ledger()["posts"]) == (True, 1)
