"""Schemathesis: whatever is sent, no operation breaks, and each answers as the document says."""

from pathlib import Path

import pytest
import schemathesis
from django.conf import settings
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from jobs import review
from jobs.models import ApiToken
from seedream_site.wsgi import application


def whole(environ, start_response):
    """The site, each answer read to its end and closed, which schemathesis leaves to chance."""
    response = application(environ, start_response)
    try:
        return [b"".join(response)]
    finally:
        response.close()


document = schemathesis.openapi.from_path(Path(settings.BASE_DIR) / "docs" / "openapi.yaml")
document.app = whole
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.fixture
def one_connection():
    """The requests see what the test has not committed."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def known(one_connection, alice, rita, make_job, finished, settings):
    """What is put into half of the addresses: a job, an output and what was decided about it; and two tokens."""
    settings.LINK_TIMEOUT = 0.2
    settings.API_RATES = dict.fromkeys(("reads", "writes", "uploads"), 10_000)
    [output, *_others] = finished.outputs.all()
    act = review.decide([output], rita, review.wish("approved")).act
    tokens = [ApiToken.objects.create(user=user, name="test")[1] for user in (alice, rita)]
    member, reviewer = ({"Authorization": f"Bearer {token}"} for token in tokens)
    return {"job": make_job(alice).pk, "output": output.pk, "act": act, "member": member, "reviewer": reviewer}


@pytest.mark.django_db
@document.parametrize()
@hypothesis(
    max_examples=5,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_operation_answers_as_documented(case, known):
    if "id" in case.path_parameters:
        case.path_parameters["id"] = known["output" if "outputs" in case.path else "job"]
    if "act" in case.path_parameters:
        case.path_parameters["act"] = known["act"]
    who = "reviewer" if "reviews" in case.operation.tags else "member"
    case.call_and_validate(headers=known[who], checks=CHECKS)
