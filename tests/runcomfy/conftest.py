"""The server that the client asks."""

import pytest

from tests.servers import serving


@pytest.fixture
def server():
    with serving() as running:
        yield running
