"""An endpoint."""

import pytest

from tests.webhooks.endpoints import make_endpoint


@pytest.fixture
def endpoint(alice):
    return make_endpoint(alice)
