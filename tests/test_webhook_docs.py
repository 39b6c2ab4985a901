"""The receivers in docs/webhooks.md are run: they take what we send, once, and refuse what is not ours."""

import re
import shutil
import subprocess
import sys

import httpx
import pytest
from django.conf import settings as configured

from jobs import dispatch, webhooks
from jobs.models import Event, WebhookDelivery
from jobs.models.webhooks import PING

from .processes import wait_until
from .service import free_port
from .webhooks.endpoints import make_endpoint

pytestmark = pytest.mark.django_db

DOCUMENT = configured.BASE_DIR / "docs" / "webhooks.md"
RUN = {"python": [sys.executable, "receiver.py"], "javascript": [shutil.which("node") or "", "receiver.mjs"]}


def example(language):
    return re.search(rf"```{language}\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)[1]


@pytest.fixture
def receiver(alice, settings, tmp_path):
    """Starts one with the secret of a new endpoint, and stops it."""
    port, started = free_port(), []
    settings.WEBHOOK_TRUSTED = [f"127.0.0.1:{port}"]
    endpoint = make_endpoint(alice, url=f"http://127.0.0.1:{port}/")

    def start(language):
        program, name = RUN[language]
        if not program:
            pytest.skip(f"nothing here runs {language}")
        (tmp_path / name).write_text(example(language))
        environment = {"WEBHOOK_SECRET": endpoint.secret, "PORT": str(port)}
        with (tmp_path / "log").open("wb") as log:
            started.append(subprocess.Popen([program, name], cwd=tmp_path, env=environment, stdout=log, stderr=log))
        wait_until(lambda: answers(endpoint.url))
        return endpoint, tmp_path / "log"

    yield start
    for process in started:
        process.kill()
        process.wait()


def answers(url):
    try:
        return httpx.post(url, content=b"{}", trust_env=False).status_code
    except httpx.TransportError:
        return None


def test_table_explains_every_event():
    rows = re.findall(r"^\| (`.*?) \|", DOCUMENT.read_text(), re.MULTILINE)
    assert re.findall(r"`([\w.]+)`", " ".join(rows)) == [*Event.values, PING]


@pytest.mark.parametrize("language", RUN)
def test_example_takes_an_event_once(receiver, language, make_job, alice):
    endpoint, log = receiver(language)
    job = make_job(alice)
    dispatch.send_waiting()
    endpoint.deliveries.get().send_again()
    dispatch.send_waiting()
    delivery = endpoint.deliveries.get()
    assert [told["code"] for told in delivery.log] == [204, 204]
    assert log.read_text().count(f"job.created {job.pk}") == 1


@pytest.mark.parametrize("language", RUN)
def test_example_takes_events_during_a_rotation(receiver, language):
    endpoint, _log = receiver(language)
    endpoint.rotate()
    webhooks.send_test(endpoint)
    dispatch.send_waiting()
    assert endpoint.deliveries.get().code == 204


@pytest.mark.parametrize("language", RUN)
def test_example_refuses_what_is_not_ours(receiver, language, alice):
    endpoint, _log = receiver(language)
    stranger = make_endpoint(alice, url=endpoint.url)
    webhooks.send_test(stranger)
    dispatch.send_waiting()
    assert (answers(endpoint.url), WebhookDelivery.objects.get().code) == (400, 400)
