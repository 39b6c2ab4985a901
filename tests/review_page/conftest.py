import pytest

from jobs.models import Job
from tests.conftest import complete


@pytest.fixture
def finish(make_job):
    """A completed job of somebody's with so many outputs."""

    def make(owner, outputs=3, **given) -> Job:
        return complete(make_job(owner, **given), outputs)

    return make


@pytest.fixture
def job(finish, alice):
    return finish(alice)


@pytest.fixture
def client(as_user, rita):
    """Rita's browser."""
    return as_user(rita)
