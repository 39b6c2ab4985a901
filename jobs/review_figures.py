"""How the review goes: what waits, what was decided, how long that took, and whether reviewers agree.

A verdict that was taken back counts nowhere. Everything is counted by the database; only times are worked out here, of
the newest TIMED verdicts.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from statistics import median
from typing import Any

from django.core.cache import cache
from django.db.models import Count, Exists, F, Max, Min, OuterRef, Q
from django.db.models.functions import TruncDate
from django.utils import timezone
from django.utils.timesince import timesince

from .figures import spoken
from .models import Job, Output, ReviewDecision
from .models.review import DecisionQuerySet
from .states import ENDED
from .usage_days import begin_of

TIMED = 5000
WAITING_LIMIT = 1000  # counting further would read everything
SOON = 5400  # seconds that are told exactly
LATELY, LATELY_KEY, KEPT_SECONDS = timedelta(days=30), "review-figures:lately", 300
Verdict = ReviewDecision.Verdict


@dataclass(frozen=True)
class Waiting:
    """The pictures of ended edits that nobody decided about; `since` is when the first of them was stored."""

    count: int
    since: datetime | None

    @property
    def has_more(self) -> bool:
        return self.count > WAITING_LIMIT

    @property
    def number(self) -> int:
        return min(self.count, WAITING_LIMIT)


@dataclass
class Share:
    """`approved` of `decided` verdicts, and `replaced`: those in whose place another person's verdict came later.

    `seconds` is the median from the end of an edit to the first verdict on one of its pictures; None where there is no
    such verdict among those that are timed.
    """

    decided: int = 0
    approved: int = 0
    replaced: int = 0
    seconds: float | None = None

    @property
    def rejected(self) -> int:
        return self.decided - self.approved

    @property
    def approved_percent(self) -> int:
        return round(100 * self.approved / self.decided) if self.decided else 0

    @property
    def time(self) -> str:
        return "" if self.seconds is None else in_words(self.seconds)


@dataclass
class Figures(Share):
    """Of a period. `shared` are the pictures that two or more people decided about in it, `agreed` those of them on
    which the latest verdicts of all these people are the same. `is_of_newest`: not all first verdicts are timed."""

    shared: int = 0
    agreed: int = 0
    is_of_newest: bool = False
    people: list[tuple[str, Share]] = field(default_factory=list)

    @property
    def agreement_percent(self) -> int | None:
        return round(100 * self.agreed / self.shared) if self.shared else None


# What waits


def waiting(user: Any) -> Waiting:
    """Of the jobs that this person may see, whoever decides about them."""
    jobs = Job.objects.visible_to(user).order_by()
    ended = jobs.filter(state__in=ENDED)
    undecided = Output.objects.filter(review=Output.Review.UNREVIEWED)
    if jobs.query.where:
        undecided = undecided.filter(job__in=ended)
    else:
        # Each one's job is looked up: joined, SQLite would begin with all jobs that ever ended.
        undecided = undecided.filter(Exists(ended.filter(pk=OuterRef("job_id"))))
    since = undecided.order_by("job_id", "position").values_list("stored_at", flat=True).first()
    return Waiting(undecided.order_by()[: WAITING_LIMIT + 1].count(), since)


# What was decided


def verdicts(user: Any, begin: datetime, end: datetime | None = None) -> DecisionQuerySet:
    """Those given in this time about the jobs that this person may see."""
    found = ReviewDecision.objects.verdicts().filter(at__gte=begin, **{"at__lt": end} if end else {})
    jobs = Job.objects.visible_to(user).order_by()
    return found.filter(output__job__in=jobs) if jobs.query.where else found


def today(user: Any) -> int:
    return verdicts(user, begin_of(timezone.localdate())).count()


def lately(user: Any) -> Figures:
    """Of the last 30 days, for a reviewer's page: kept for a while, as that page is drawn after each verdict."""
    figures: Any = cache.get_or_set(LATELY_KEY, lambda: of(verdicts(user, timezone.now() - LATELY)), KEPT_SECONDS)
    return figures


def of_time(user: Any, begin: datetime, end: datetime) -> Figures:
    """As this person may see them, for the usage page: kept for a while, too, for a month may have many verdicts."""
    whose = "all" if Job.objects.shows_all_to(user) else user.pk
    key = f"review-figures:{begin:%Y%m%d%H}:{end:%Y%m%d%H}:{whose}"
    figures: Any = cache.get_or_set(key, lambda: of(verdicts(user, begin, end)), KEPT_SECONDS)
    return figures


def of(found: DecisionQuerySet) -> Figures:
    """The figures of these verdicts, the most active reviewer first."""
    people = list(_counted(found, *NAMES))
    if not people:
        return Figures()
    times, is_of_newest = _times(found)
    by_person = _medians(times, lambda time: time[0])
    shared, agreed = _agreement(found)
    figures = Figures(shared=shared, agreed=agreed, is_of_newest=is_of_newest)
    figures.seconds = median(seconds for *_, seconds in times) if times else None
    for row in sorted(people, key=lambda row: (-row["decided"], row["reviewer__username"])):
        share = _share(row, by_person.get(row["reviewer_id"]))
        figures.people.append((_name(row), share))
        figures.decided += share.decided
        figures.approved += share.approved
        figures.replaced += share.replaced
    return figures


def by_day(found: DecisionQuerySet) -> list[tuple[date, str, str, Share]]:
    """Day, name, username and figures of each day and reviewer, in this order."""
    times, _is_of_newest = _times(found)
    medians = _medians(times, lambda time: (timezone.localdate(time[1]), time[0]))
    rows = _counted(found.annotate(day=TruncDate("at")), "day", *NAMES)
    return [
        (row["day"], _name(row), row["reviewer__username"], _share(row, medians.get((row["day"], row["reviewer_id"]))))
        for row in sorted(rows, key=lambda row: (row["day"], row["reviewer__username"]))
    ]


NAMES = ("reviewer_id", "reviewer__username", "reviewer__first_name", "reviewer__last_name")


def _counted(found: DecisionQuerySet, *keys: str) -> Iterable[dict[str, Any]]:
    later = ReviewDecision.objects.verdicts().filter(replaces=OuterRef("pk")).exclude(reviewer=OuterRef("reviewer"))
    return (
        found.order_by()
        .values(*keys)
        .annotate(
            decided=Count("pk"),
            approved=Count("pk", filter=Q(verdict=Verdict.APPROVED)),
            replaced=Count("pk", filter=Exists(later)),
        )
    )


def _agreement(found: DecisionQuerySet) -> tuple[int, int]:
    """On how many pictures two or more people decided, and on how many of these they agree in the end."""
    # Where there are two verdicts, one has replaced another.
    twice = found.order_by().filter(output__in=found.order_by().exclude(replaces=None).values("output"))
    later = found.order_by().filter(output=OuterRef("output"), reviewer=OuterRef("reviewer"), pk__gt=OuterRef("pk"))
    latest = twice.filter(~Exists(later)).values("output")
    shared = latest.annotate(people=Count("pk"), one=Min("verdict"), other=Max("verdict")).filter(people__gte=2)
    counted = shared.aggregate(shared=Count("output"), agreed=Count("output", filter=Q(one=F("other"))))
    return counted["shared"], counted["agreed"]


def _times(found: DecisionQuerySet) -> tuple[list[tuple[int, datetime, float]], bool]:
    """Reviewer, moment and seconds since the edit had ended of the newest first verdicts; whether there are more.

    A verdict that replaces none is the first on its picture: what was taken back stands no more.
    """
    # Not "replaces=None": SQLite would look up all that ever replaced none, and sort them.
    firsts = found.exclude(replaces__isnull=False).filter(output__job__finished_at__lte=F("at")).order_by("-at", "-id")
    rows = list(firsts.values_list("reviewer_id", "at", "output__job__finished_at")[: TIMED + 1])
    times = [(reviewer, at, (at - finished).total_seconds()) for reviewer, at, finished in rows[:TIMED] if finished]
    return times, len(rows) > TIMED


def _medians(times: Iterable[tuple[int, datetime, float]], key: Callable[[Any], Any]) -> dict[Any, float]:
    groups = defaultdict(list)
    for time in times:
        groups[key(time)].append(time[2])
    return {name: median(seconds) for name, seconds in groups.items()}


def _share(row: dict[str, Any], seconds: float | None) -> Share:
    return Share(row["decided"], row["approved"], row["replaced"], seconds)


def _name(row: dict[str, Any]) -> str:
    return f"{row['reviewer__first_name']} {row['reviewer__last_name']}".strip() or row["reviewer__username"]


def in_words(seconds: float) -> str:
    """ "40 s", "38 min", "5 hours", "2 days"."""
    if seconds < SOON:
        return spoken(seconds)
    now = timezone.now()
    return timesince(now - timedelta(seconds=seconds), now, depth=1)
