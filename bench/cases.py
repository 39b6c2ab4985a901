"""The pages that are as quick among a million jobs as among a thousand: their addresses, and who asks for them."""

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from bench import prompts

PAGE = 1000
MEMBER, REVIEWER, STAFF = "person05", "person01", "staff"


@dataclass(frozen=True)
class Case:
    """`rows` is the text that each row of the answer has once."""

    part: str
    name: str
    user: str
    url: str
    rows: bytes


def all_cases() -> Iterator[Case]:
    yield from _history()
    yield from _api()
    yield from _lists()
    yield from _figures()


def queries() -> dict[str, str]:
    """What people ask the history for, as the query of its address."""
    from django.contrib.auth.models import User

    teammate = User.objects.get(username="person06").pk
    rare, common, month = prompts.RARE, prompts.COMMON, _oldest_month()
    states = ("running", "completed", "failed", "cancelled", "unconfirmed")
    return {
        "all": "",
        "oldest first": "sort=oldest",
        **{f"state: {state}": f"state={state}" for state in states},
        "only me": "owner=me",
        "a teammate": f"owner={teammate}",
        "quality: fast": "quality=fast",
        **{f"review: {review}": f"review={review}" for review in ("unreviewed", "approved", "rejected")},
        "dates": "since=2000-01-01&until=2199-12-31",
        "a month two years ago": month,
        "failed, fast, of a teammate": f"state=failed&quality=fast&owner={teammate}",
        "rejected, completed, of a teammate": f"state=completed&review=rejected&owner={teammate}",
        "cancelled and approved: nothing": "state=cancelled&review=approved",
        "a common word": f"q={common}",
        "a common word, oldest first": f"q={common}&sort=oldest",
        "a common long word": "q=background",
        "two common words": f"q={common}+keep",
        "two letters": "q=im",
        "Japanese": "q=背景",
        "a rare word": f"q={rare}",
        "an absent word": "q=xylophone",
        "a common word that failed": f"q={common}&state=failed",
        "a common word of a teammate": f"q={common}&owner={teammate}",
        "a common word two years ago": f"q={common}&{month}",
        "a common word, rejected": f"q={common}&review=rejected",
        "a rare word of a teammate": f"q={rare}&owner={teammate}",
        "a common word, unconfirmed": f"q={common}&state=unconfirmed",
    }


def _oldest_month() -> str:
    from jobs.models import Job

    first = Job.objects.order_by("created_at")[0].created_at
    return f"since={first:%Y-%m-%d}&until={first + timedelta(days=30):%Y-%m-%d}"


def _history() -> Iterator[Case]:
    from jobs.views import history

    for name, query in queries().items():
        yield Case("history", name, MEMBER, f"/?{query}", b'class="tile"')
        for page, job in _last_of_pages(query):
            yield Case("history", f"{name}, {page}", MEMBER, f"/?{query}&after={history.place(job)}", b'class="tile"')


def _api() -> Iterator[Case]:
    for name, query in queries().items():
        yield Case("API", name, MEMBER, f"/api/v1/jobs/?{query}", b'"text"')
        for page, job in _last_of_pages(query):
            is_by_time = job.place == job.pk
            cursor = b64encode(urlencode({"p": str(job.created_at if is_by_time else job.place)}).encode()).decode()
            yield Case("API", f"{name}, {page}", MEMBER, f"/api/v1/jobs/?{query}&cursor={cursor}", b'"text"')


def _last_of_pages(query: str) -> Iterator[tuple[str, Any]]:
    """The job at the end of page 999, or of the last page but one where there are not so many."""
    jobs, size = _found(query), 24
    pages = (jobs.order_by()[: PAGE * size].count() - 1) // size  # that are full, and have one behind them
    if pages > 0:
        yield f"page {PAGE:,} or the last", jobs[pages * size - 1]


def _found(query: str) -> Any:
    from django.contrib.auth.models import User
    from django.db.models import F
    from django.http import HttpRequest, QueryDict

    from jobs.filters import JobFilter
    from jobs.models import Job

    request = HttpRequest()
    request.user = User.objects.get(username=MEMBER)
    jobs = JobFilter(QueryDict(query), Job.objects.order_by("-created_at", "-id"), request=request).qs
    return jobs.annotate(place=F(str(jobs.query.order_by[-1]).lstrip("-")))


def _lists() -> Iterator[Case]:
    """The lists of the admin, which page through the newest thousand rows."""
    for model, queries in _LISTS.items():
        for name, query in queries.items():
            yield Case("admin", f"{model}: {name}", STAFF, f"/admin/jobs/{model}/?{query}", b"<tr")


_WORDS = {"a common word": f"q={prompts.COMMON}", "a rare word": f"q={prompts.RARE}", "an absent word": "q=xylophone"}
_LISTS: dict[str, dict[str, str]] = {
    "job": {
        "all": "", "the last page": "p=20", "oldest first": "o=1",
        "completed": "state__exact=completed", "unconfirmed": "state__exact=unconfirmed",
        "why it failed": "reason=lost_output", "fast": "optimize_prompt_options=fast", **_WORDS,
    },
    "output": {
        "all": "", "the last page": "p=20", "approved": "review__exact=approved", "rejected": "review__exact=rejected",
        "a hash": "q=0123456789", **_WORDS,
    },
    "reviewdecision": {"all": "", "the last page": "p=20", "rejected": "verdict__exact=rejected", **_WORDS},
    "jobevent": {"all": "", "the last page": "p=20", "failed": "verb__exact=failed", **_WORDS},
    "picture": {"all": "", "a deep page": "p=10", "a hash": "q=0123456789"},
    "webhookdelivery": {"all": "", "delivered": "state__exact=delivered"},
}  # fmt: skip


def _figures() -> Iterator[Case]:
    yield Case("figures", "readiness", MEMBER, "/readyz?all", b'"words"')
    yield Case("figures", "for Prometheus", STAFF, "/metrics", b"\nseedream_jobs{")
    yield Case("review", "the queue", REVIEWER, "/review/", b'class="tile"')
    yield Case("review", "all that waits, by the API", REVIEWER, "/api/v1/reviews/waiting/", b'"text"')
    for name, query in {"a common word": f"q={prompts.COMMON}", "of a month": _oldest_month()}.items():
        yield Case("review", f"the queue, {name}", REVIEWER, f"/review/?{query}", b'class="tile"')
    yield Case("usage", "this month", MEMBER, "/usage/", b"<tr")
    yield Case("usage", "the month before", MEMBER, f"/usage/?month={_month_before():%Y-%m}", b"<tr")


def _month_before() -> Any:
    from jobs import usage
    from jobs.models import Job

    newest = Job.objects.order_by("-created_at")[0].created_at
    return usage.month_before(newest.date().replace(day=1))
