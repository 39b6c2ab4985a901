"""One soak from the first process to the last figure."""

import time
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from jobs import store
from jobs.models import Job
from jobs.states import DRIVEN, State

from .audit import audit
from .kills import Trouble
from .load import Customer, Sent, customers, together
from .places import Place
from .processes import House
from .report import show

MORE_TROUBLE_SECONDS = 4  # for the jobs that were sent last
LOAD_SECONDS, SETTLE_SECONDS, SECONDS_A_JOB = 30, 60, 1
LOOK_SECONDS, QUIET_LOOKS = 0.5, 4


def soak(place: Place, jobs: int, seed: int, clusters: int) -> bool:
    """Whether every promise was kept."""
    begun = time.monotonic()
    call_command("migrate", verbosity=0)
    people = customers(jobs, seed)
    with House(place, clusters) as house:
        trouble = Trouble(house, seed)
        _send(people, trouble, LOAD_SECONDS + SECONDS_A_JOB * jobs)
        sent_after = time.monotonic() - begun
        house.behave()
        _settle(house, SETTLE_SECONDS + SECONDS_A_JOB * jobs)
        sent = together(people)
        found = audit(sent.jobs, house.ledger())
        strays = len(house.strays())
    found.check("answers of the API that no user should see", iter(sent.complaints))
    found.figures["temporary files (swept after a day)"] = len(list(place.folder.rglob(f"{store.PREFIX}*")))
    seconds = {"seconds until all was sent": sent_after, "seconds": time.monotonic() - begun}
    found.figures |= _troubles(trouble, sent, strays) | {name: f"{value:.0f}" for name, value in seconds.items()}
    files = "S3" if settings.S3_BUCKET else "a folder"
    show(f"Soak {seed}: {jobs} jobs, {clusters} clusters on {connection.vendor} and {files}", found)
    return not found.broken


def _send(people: list[Customer], trouble: Trouble, seconds: float) -> None:
    """Let the users send everything, and make trouble until a little after."""
    deadline = time.monotonic() + seconds
    for customer in people:
        customer.start()
    trouble.make(lambda: time.monotonic() > deadline or not any(customer.is_alive() for customer in people))
    deadline = time.monotonic() + MORE_TROUBLE_SECONDS
    trouble.make(lambda: time.monotonic() > deadline)


def _settle(house: House, seconds: float) -> None:
    """Wait until nothing moves, or until it is clear that something never ends."""
    deadline, quiet = time.monotonic() + seconds, 0
    while quiet < QUIET_LOOKS and time.monotonic() < deadline:
        time.sleep(LOOK_SECONDS)
        house.revive()
        quiet = 0 if _moves() else quiet + 1


def _moves() -> bool:
    moving = Job.objects.filter(state__in=(*DRIVEN, State.SUBMITTING))
    return moving.exists() or Job.objects.filter(leased_until__gt=timezone.now()).exists()


def _troubles(trouble: Trouble, sent: Sent, strays: int) -> dict[str, Any]:
    return {
        **{f"killed: {kind}": trouble.kills[kind] for kind in sorted(trouble.kills)},
        "faults of the provider": ", ".join(f"{kind} {count}" for kind, count in sorted(trouble.faults.items())),
        "answers of the API lost": sent.lost_answers,
        "of these found in its list": sent.found_again,
        "processes that nobody watched at the end": strays,
    }
