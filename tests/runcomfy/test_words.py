"""RunComfy's own words in errors, and never our token."""

import pytest

from jobs.runcomfy import Refused
from jobs.values import words
from tests import servers
from tests.runcomfy.asking import TOKEN, failed_submit
from tests.servers import answer


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"error_message": "No.", "message": "other"}, "No."),
        ({"message": "No."}, "No."),
        ({"error": "No."}, "No."),
        ({"detail": "No."}, "No."),
        ({"error": {"message": "No."}}, "No."),
        ({"detail": [{"loc": ["text"], "msg": "No."}]}, '[{"loc": ["text"], "msg": "No."}]'),
        ("No.", "No."),
        ({}, "HTTP 400 Reason"),
        ([], "HTTP 400 Reason"),
        ({"message": "x" * 5000}, "x" * 2000),
    ],
)
def test_error_keeps_the_providers_words(server, body, expected):
    problem = failed_submit(server, answer(400, body))
    assert (problem.words, problem.raw) == (expected, body)


def test_error_keeps_what_is_no_json_as_text(server):
    problem = failed_submit(server, answer(400, b"<h1>N\0o</h1>\xff", content_type="text/html; charset=base64"))
    assert problem.raw == "<h1>No</h1>�"


@pytest.mark.parametrize(("value", "text"), [("No.", "No."), ({"code": 7}, '{"code": 7}'), (["é"], '["é"]')])
def test_words_are_readable_whatever_the_error_is(value, text):
    assert words(value) == text


@pytest.mark.parametrize("code", [401, 500, 200])
def test_error_never_shows_the_token(server, code):
    echo = {"error_code": 401001, "message": f"'Bearer {TOKEN}' is not known", "headers": [TOKEN]}
    problem = failed_submit(server, answer(code, echo))
    assert TOKEN not in f"{problem} {problem!r} {problem.words} {problem.raw}"


@pytest.mark.parametrize("behaviour", [servers.reset, servers.raw(b"SSH-2.0\r\n"), servers.page(502)])
def test_error_of_the_wire_never_shows_the_token(server, behaviour):
    problem = failed_submit(server, behaviour)
    assert TOKEN not in f"{problem} {problem!r} {problem.__cause__} {problem.__cause__!r}"


def test_error_names_its_code():
    assert str(Refused("No.", code=402)) == "402: No."
