import pytest

from tests.conftest import complete


@pytest.fixture
def output(finished):
    return finished.outputs.first()


@pytest.fixture
def wait(make_job):
    """One more completed job with outputs that wait."""

    def make(owner, count=1, **given):
        return list(complete(make_job(owner, **given), count).outputs.select_related("job"))

    return make
