"""What the provider may throw: what becomes of the job, and what its user reads on its page.

FAULTS holds one promise for every kind of fault that the sandbox knows, on every call it can be on.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from jobs import lifecycle, network
from jobs.states import Reason, State, Verb
from sandbox.kinds import CANCEL, KINDS, MODEL, OUTPUT, RESULT, RUN, STATUS, SUBMIT
from tests.processes import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(60)]


@dataclass(frozen=True)
class Promise:
    """Where the job stands after the fault, what its page says, how many pictures it has, how often it was sent."""

    state: State
    says: str
    pictures: int = 0
    posts: int = 1


def completed(says: str = "1 result", pictures: int = 1, posts: int = 1) -> Promise:
    return Promise(State.COMPLETED, says, pictures, posts)


def failed(reason: Reason) -> Promise:
    return Promise(State.FAILED, str(reason.label))


def waits(state: State, trouble: Reason) -> Promise:
    return Promise(state, str(trouble.label))


GOES_ON = completed()
ONE_OF_TWO, TWO = completed("1 result of up to 2"), completed("2 results", pictures=2)
SENT_AGAIN = completed(posts=2)
UNCONFIRMED = Promise(State.UNCONFIRMED, "RunComfy may or may not have accepted this edit")
UNPRICED = Promise(State.PENDING, "<dt>Estimated</dt><dd>not known</dd>", posts=0)
IS_CANCELLED = Promise(State.CANCELLED, "Cancelled")
TOKEN, BALANCE, REFUSED = failed(Reason.TOKEN), failed(Reason.BALANCE), failed(Reason.REFUSED)
GONE, LOST = failed(Reason.GONE), failed(Reason.LOST_OUTPUT)
NO_OUTPUT, MODEL_FAILED = failed(Reason.NO_OUTPUT), failed(Reason.MODEL_FAILED)
# A call that only reads may be made again, and so may a wish to cancel.
READS = {STATUS: GOES_ON, RESULT: GOES_ON, CANCEL: IS_CANCELLED, MODEL: UNPRICED}
ALL_READS = {**READS, OUTPUT: GOES_ON}
FAULTS: dict[str, dict[str, Promise]] = {
    "http_401": {SUBMIT: TOKEN, **ALL_READS},
    "http_402": {SUBMIT: BALANCE, **ALL_READS},
    "http_403": {SUBMIT: TOKEN, **ALL_READS},
    "http_404": {SUBMIT: REFUSED, **ALL_READS},
    "http_422": {SUBMIT: REFUSED, **ALL_READS},
    "http_429": {SUBMIT: SENT_AGAIN, **ALL_READS},
    "http_500": {SUBMIT: UNCONFIRMED, **ALL_READS},
    "http_502": {SUBMIT: UNCONFIRMED, **ALL_READS},
    "http_503": {SUBMIT: UNCONFIRMED, **ALL_READS},
    "http_504": {SUBMIT: UNCONFIRMED, **ALL_READS},
    "html": {SUBMIT: UNCONFIRMED, **ALL_READS},
    "error_in_200": {SUBMIT: TOKEN, **READS},
    "reset": {SUBMIT: UNCONFIRMED, **ALL_READS},
    "hang_before_headers": {SUBMIT: UNCONFIRMED, **ALL_READS},
    "truncated_json": {SUBMIT: UNCONFIRMED, **READS},
    "hang_in_body": {SUBMIT: UNCONFIRMED, **ALL_READS},
    "slow_trickle": {SUBMIT: UNCONFIRMED, **ALL_READS},
    "reset_after_accept": {SUBMIT: UNCONFIRMED},
    "unreadable_accept": {SUBMIT: UNCONFIRMED},
    "no_request_id": {SUBMIT: UNCONFIRMED},
    "slow_accept": {SUBMIT: UNCONFIRMED},
    "vanished": {STATUS: GONE, RESULT: GONE, CANCEL: GONE},
    "not_ready": {RESULT: GOES_ON},
    "not_ready_200": {RESULT: GOES_ON},
    "unknown_status": {STATUS: GOES_ON, RESULT: GOES_ON},
    "status_backwards": {STATUS: GOES_ON},
    "status_alias": {STATUS: GOES_ON, RESULT: GOES_ON, CANCEL: IS_CANCELLED},
    "not_cancellable": {CANCEL: Promise(State.IN_QUEUE, "RunComfy is already editing: it goes on and is charged.")},
    "cancellation_requested": {CANCEL: IS_CANCELLED},
    "queue_forever": {RUN: Promise(State.IN_QUEUE, "position 1")},
    "run_forever": {RUN: Promise(State.IN_PROGRESS, "Editing")},
    "failed": {RUN: MODEL_FAILED},
    "completed_then_failed": {RESULT: MODEL_FAILED},
    "fewer_images": {RESULT: ONE_OF_TWO},
    "no_images": {RESULT: NO_OUTPUT},
    "image_and_error_mixed": {RESULT: ONE_OF_TWO},
    "duplicate_urls": {RESULT: TWO},
    "foreign_host": {RESULT: LOST},
    "video_output": {RESULT: completed("3 results", pictures=3)},
    "single_image": {RESULT: ONE_OF_TWO},
    "cost_missing": {RESULT: TWO},
    "cost_string": {RESULT: TWO},
    "redirect_private": {OUTPUT: GOES_ON},
    "wrong_content_type": {OUTPUT: GOES_ON},
    "zero_bytes": {OUTPUT: GOES_ON},
    "too_large": {OUTPUT: GOES_ON},
    "too_large_chunked": {OUTPUT: GOES_ON},
    "truncated_image": {OUTPUT: GOES_ON},
    "picture_bomb": {OUTPUT: GOES_ON},
    "svg_as_png": {OUTPUT: GOES_ON},
    "html_as_png": {OUTPUT: GOES_ON},
    "expired_url": {OUTPUT: GOES_ON},
}
BAD_FILES = (
    "redirect_private",
    "zero_bytes",
    "too_large",
    "too_large_chunked",
    "truncated_image",
    "picture_bomb",
    "svg_as_png",
    "html_as_png",
    "expired_url",
)
# The same fault each time: the job waits and says why, or ends with its reason.
LASTING: dict[tuple[str, str], Promise] = {
    ("http_429", SUBMIT): waits(State.PENDING, Reason.RATE_LIMITED),
    **{(kind, STATUS): waits(State.IN_QUEUE, Reason.NOT_REACHED) for kind in ("http_500", "http_503", "html", "reset")},
    ("error_in_200", STATUS): waits(State.IN_QUEUE, Reason.NOT_REACHED),
    ("http_401", STATUS): waits(State.IN_QUEUE, Reason.NO_ACCESS),
    ("truncated_json", RESULT): waits(State.IN_PROGRESS, Reason.NOT_REACHED),
    ("http_429", STATUS): waits(State.IN_QUEUE, Reason.RATE_LIMITED),
    ("http_403", STATUS): GONE,
    ("http_404", STATUS): GONE,
    ("not_ready", RESULT): Promise(State.IN_PROGRESS, "Editing"),
    ("status_alias", STATUS): GOES_ON,
    ("wrong_content_type", OUTPUT): GOES_ON,
    **{(kind, OUTPUT): LOST for kind in ("http_404", "http_503", "reset", "html", *BAD_FILES)},
}
SLOW = {"hang_before_headers", "hang_in_body", "slow_trickle", "slow_accept"}
FOREVER = {"queue_forever", "run_forever"}


def promised(*calls: str, slow: bool = False) -> list[Any]:
    """(kind, call, promise) of every fault on these calls that ends by itself."""
    return [
        pytest.param(kind, on, promise, id=f"{kind}-{on}")
        for kind, promises in FAULTS.items()
        for on, promise in promises.items()
        if on in calls and kind not in FOREVER and (kind in SLOW) == slow
    ]


@pytest.fixture
def keeps(sandbox, page):
    def check(job, promise):
        job.refresh_from_db()
        says = promise.says if promise.says in page(job) else page(job)
        assert Promise(job.state, says, job.outputs.count(), sandbox.ledger()["posts"]) == promise

    return check


# The sandbox's faults


def test_every_fault_of_the_sandbox_has_a_promise_on_every_call():
    assert {kind: set(calls) for kind, calls in FAULTS.items()} == {
        name: set(kind.points) for name, kind in KINDS.items()
    }


@pytest.mark.parametrize(("kind", "on", "promise"), promised(SUBMIT, STATUS, RESULT, RUN, OUTPUT))
def test_fault_ends_as_promised(sandbox, start_job, drive_all, keeps, kind, on, promise):
    sandbox.misbehave(kind, on=on)
    job = start_job(kind)
    drive_all()
    keeps(job, promise)


@pytest.mark.parametrize(("kind", "on", "promise"), promised(SUBMIT, STATUS, RESULT, OUTPUT, slow=True))
def test_answer_that_takes_too_long_is_not_waited_for(
    sandbox, start_job, drive_all, keeps, settings, monkeypatch, kind, on, promise
):
    timeout = {SUBMIT: "RUNCOMFY_SUBMIT_TIMEOUT", OUTPUT: "OUTPUT_TIMEOUT"}.get(on, "RUNCOMFY_READ_TIMEOUT")
    job = start_job(kind)
    setattr(settings, timeout, 0.3)
    monkeypatch.setattr(network, "CONNECT_SECONDS", 0.3)
    sandbox.misbehave(kind, on=on, seconds=10)
    drive_all()
    keeps(job, promise)


@pytest.mark.parametrize(("kind", "on", "promise"), promised(MODEL) + promised(MODEL, slow=True))
def test_fault_on_the_price_costs_only_the_estimate(sandbox, start_job, keeps, kind, on, promise):
    sandbox.misbehave(kind, on=on)
    keeps(start_job(), promise)


@pytest.mark.parametrize(("kind", "on", "promise"), promised(CANCEL) + promised(CANCEL, slow=True))
def test_fault_on_a_wish_to_cancel_ends_as_promised(
    sandbox, start_job, driving, shows, keeps, settings, monkeypatch, kind, on, promise
):
    settings.RUNCOMFY_READ_TIMEOUT = 0.5
    monkeypatch.setattr(network, "CONNECT_SECONDS", 0.5)
    sandbox.misbehave("queue_forever")
    sandbox.misbehave(kind, on=on)
    job = start_job(kind)
    driving.start()
    wait_until(lambda: shows(job, State.IN_QUEUE, "queue"))
    lifecycle.cancel(job, job.owner)
    wait_until(lambda: shows(job, promise.state, promise.says))
    keeps(job, promise)


@pytest.mark.parametrize("kind", sorted(FOREVER))
def test_request_that_never_ends_is_shown_as_it_stands(sandbox, start_job, driving, shows, keeps, kind):
    promise = FAULTS[kind][RUN]
    sandbox.misbehave(kind)
    job = start_job(kind)
    driving.start()
    wait_until(lambda: shows(job, promise.state, promise.says))
    keeps(job, promise)


@pytest.mark.parametrize(("kind", "on"), LASTING)
def test_fault_that_lasts_is_told_on_the_page(sandbox, start_job, driving, shows, kind, on):
    promise = LASTING[kind, on]
    sandbox.misbehave("unknown_status", word="in_queue" if on == STATUS else "in_progress")
    sandbox.misbehave(kind, on=on, times=None)
    job = start_job(kind)
    driving.start()
    wait_until(lambda: shows(job, promise.state, promise.says))
    assert (job.outputs.count(), sandbox.ledger()["submits"]) == (promise.pictures, 0 if on == SUBMIT else 1)


# What the user reads besides


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("http_402", "Insufficient balance."),
        ("http_422", "The input is invalid."),
        ("http_503", "Service unavailable."),
        ("failed", "The output was blocked by the content filter."),
        ("completed_then_failed", "The model ended without an output."),
        ("image_and_error_mixed", "This image could not be generated."),
        ("redirect_private", "HTTP 302"),
        ("foreign_host", "images.example.com is not a host that files are fetched from."),
    ],
)
def test_page_repeats_the_words_of_the_fault(sandbox, start_job, drive_all, page, kind, words):
    sandbox.misbehave(kind, **({"on": SUBMIT} if kind.startswith("http") else {}))
    job = start_job(kind)
    drive_all()
    assert words in page(job)


def test_unknown_status_is_kept_and_polled_on(sandbox, start_job, driving, shows):
    sandbox.misbehave("unknown_status", on=STATUS, times=None, word="defragmenting")
    job = start_job()
    driving.start()
    wait_until(lambda: shows(job, State.IN_QUEUE, "In RunComfy's queue") and job.provider_status == "defragmenting")
    sandbox.behave()
    wait_until(lambda: shows(job, State.COMPLETED, "1 result"))


def test_status_that_goes_backwards_is_followed(sandbox, start_job, driving, shows):
    sandbox.misbehave("run_forever")
    sandbox.misbehave("unknown_status", on=STATUS, word="in_progress")
    sandbox.misbehave("status_backwards", times=None)
    job = start_job()
    driving.start()
    wait_until(lambda: shows(job, State.IN_QUEUE, Verb.REQUEUED.label))


@pytest.mark.parametrize(
    ("fault", "deadline", "reason"),
    [
        ({"kind": "run_forever"}, "JOB_DEADLINE", Reason.DEADLINE),
        ({"kind": "http_429", "on": SUBMIT, "times": None}, "SUBMIT_DEADLINE", Reason.UNREACHABLE),
    ],
)
def test_job_ends_at_its_deadline(sandbox, start_job, drive_all, keeps, settings, fault, deadline, reason):
    setattr(settings, deadline, timedelta(0))
    sandbox.misbehave(**fault)
    job = start_job()
    drive_all()
    keeps(job, failed(reason))
