"""A real receiver, an endpoint there, and an event on its way to it."""

import pytest

from tests.servers import answer, serving
from tests.webhooks.endpoints import make_endpoint


@pytest.fixture
def receiver(settings):
    """A receiver beside us, which an administrator named."""
    with serving(answer(204)) as server:
        settings.WEBHOOK_TRUSTED = [server.address]
        yield server


@pytest.fixture
def endpoint(receiver, alice):
    return make_endpoint(alice, url=f"{receiver.url}/desk")


@pytest.fixture
def delivery(endpoint, alice, make_job):
    make_job(alice)
    return endpoint.deliveries.get()
