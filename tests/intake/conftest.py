"""Where links lead to, and a result that may be a picture again."""

import pytest

from tests.conftest import png, stored_output
from tests.servers import serving


@pytest.fixture
def server(settings):
    """Stands at the one address that links may name though it is private and http."""
    with serving() as running:
        settings.TRUSTED_ADDRESS = running.address
        settings.LINK_TIMEOUT = 10
        yield running


@pytest.fixture
def output(alice, make_job):
    return stored_output(make_job(alice), png(color="red"))
