"""Polling a provider that misbehaves: the job goes on by itself, or ends with a reason."""

import pytest

from jobs.states import State

pytestmark = pytest.mark.django_db(transaction=True)


def test_poll_keeps_the_models_error_as_it_came(sandbox, alice, make_job, drive_all):
    sandbox.misbehave("failed", error={"code": "content_policy", "message": "Blocked."})
    job = make_job(alice)
    drive_all()
    job.refresh_from_db()
    assert job.provider_error == {"code": "content_policy", "message": "Blocked."}


@pytest.mark.parametrize(("kind", "cost"), [("cost_missing", None), ("cost_string", "0.0600")])
def test_poll_keeps_the_charged_cost_if_it_is_told(sandbox, alice, make_job, drive_all, kind, cost):
    sandbox.misbehave(kind)
    job = make_job(alice)
    drive_all()
    job.refresh_from_db()
    assert (job.state, job.cost_usd and str(job.cost_usd)) == (State.COMPLETED, cost)


def test_poll_writes_nothing_while_nothing_changes(sandbox, alice, make_job, drive_all, settings):
    settings.DRIVE_SECONDS = 1
    sandbox.misbehave("run_forever")
    job = make_job(alice)
    drive_all()
    job.refresh_from_db()
    [entry] = sandbox.ledger()["requests"].values()
    assert entry["polls"] > 5
    # created, submitting, accepted, in_progress, and at most two queue positions
    assert job.version <= 6
