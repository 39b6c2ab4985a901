"""The figures for Prometheus, read from the database when they are asked for: every web process tells the same."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

from django.core.cache import cache
from django.db.models import Count as Number
from django.db.models import Min
from django.db.models.functions import Coalesce
from django.utils import timezone
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from . import counts, doorbell, drive, health
from .models import Count, Heartbeat, Job
from .states import ENDED, State

PREFIX = "seedream"
SECONDS = 5.0  # with the look at the parts less than the ten after which Prometheus gives up
# What processes count: what it is, and its labels
COUNTERS: Final[dict[str, tuple[str, list[str]]]] = {
    "runcomfy_calls": ('Calls to RunComfy; call="status" are the polls', ["call"]),
    "runcomfy_errors": ("Calls to RunComfy that did not succeed", ["call", "kind", "code"]),
    "mirrored_files": ("Outputs stored", []),
    "mirrored_bytes": ("Bytes of the outputs stored", []),
    "mirror_errors": ("Downloads of outputs that did not succeed", ["kind"]),
    "originals_retired_files": ("Originals that the retention rules took, by rule", ["act", "of"]),
    "originals_retired_bytes": ("Bytes of those", ["act", "of"]),
    "originals_freed_files": ("Files that were removed after that", ["place"]),
    "originals_freed_bytes": ("Bytes that became free by it", ["place"]),
    "jobs_ended": ("Jobs that ended, and why those failed that did", ["state", "reason"]),
    "step_errors": ("Steps of jobs that broke off with an error of ours", []),
    "webhook_posts": ("Webhooks sent, and what came of them", ["outcome"]),
}
TIMES = "job_state_seconds"
ACTIVE = tuple(state for state in State if state not in ENDED)
# They are nearly all that there are: counting them reads an index to its end.
ENDED_KEY, ENDED_SECONDS = "metrics:ended", 300


def text(accept: str) -> tuple[bytes, str]:
    """All figures in the format that was asked for, and its content type."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Figures())
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type


class Figures(Collector):
    """What hangs is left out, and `seedream_part_ok` says so."""

    def collect(self) -> Iterator[Metric]:
        parts = health.look()
        yield _gauge(
            "part_ok",
            "Whether a part is well, as /readyz tells",
            "part",
            {name: float(part.is_well) for name, part in parts.items()},
        )
        if parts["queue"].is_well:
            yield from health.read("length of the queue", _queue, SECONDS) or []
        if parts["database"].is_well:
            read = partial(_read, parts["queue"].is_well)
            yield from health.read("reading of the figures", read, SECONDS) or []


def _queue() -> list[Metric]:
    return [_one("queue_length", "Tasks that wait in the queue", doorbell.length())]


def _read(has_cache: bool) -> list[Metric]:
    """At once, so that a table which somebody holds locked keeps no scrape waiting."""
    return [*_jobs(has_cache), *_drivers(), *_counted()]


def _jobs(has_cache: bool) -> Iterator[Metric]:
    """`has_cache` is False while the queue, which may stand in the same Redis, is away."""
    now = timezone.now()
    numbers = dict.fromkeys(ACTIVE, 0.0) | _numbers(ACTIVE)
    if has_cache:
        ended = cache.get_or_set(ENDED_KEY, lambda: _numbers(ENDED), ENDED_SECONDS)
        numbers |= dict.fromkeys(ENDED, 0.0) | (ended or {})
    yield _gauge("jobs", "Jobs by state; those that ended are counted every five minutes", "state", numbers)
    active = Job.objects.filter(state__in=ACTIVE).order_by().values_list("state")
    oldest = dict(active.annotate(since=Min(Coalesce("moved_at", "created_at"))))
    seconds = {state: (now - since).total_seconds() for state, since in oldest.items()}
    words = "For how long the job that is in this state longest has been in it"
    yield _gauge("job_state_oldest_seconds", words, "state", seconds)
    yield _one("jobs_idle", "Jobs that somebody should move and nobody does", Job.objects.idle(now).count())
    yield _one("jobs_idle_oldest_seconds", "For how long the longest of them has waited", health.idle_seconds(now))
    yield _one("leases", "Jobs that a driver holds", Job.objects.leased(now).count())


def _numbers(states: Sequence[State]) -> dict[str, float]:
    """By state, those alone that are there."""
    jobs = Job.objects.filter(state__in=states).order_by().values_list("state")
    return dict(jobs.annotate(number=Number("id")))


def _drivers() -> Iterator[Metric]:
    seen_at = Heartbeat.last()
    if seen_at:
        age = (timezone.now() - seen_at).total_seconds()
        yield _one("heartbeat_age_seconds", "Since the worker's last sign of life", age)
    yield _one("drivers", "Drivers that are alive", drive.alive().count())


def _counted() -> Iterator[Metric]:
    found: dict[str, list[tuple[dict[str, str], float]]] = defaultdict(list)
    for key, value in Count.objects.order_by("key").values_list("key", "value"):
        name, *pairs = key.split("|")
        found[name].append((dict(pair.split("=", 1) for pair in pairs), value))
    for name, (words, labels) in COUNTERS.items():
        family = CounterMetricFamily(f"{PREFIX}_{name}", words, labels=labels)
        for given, value in found[name] or ([] if labels else [({}, 0.0)]):
            family.add_metric([given.get(label, "") for label in labels], value)
        yield family
    yield _times(found)


def _times(found: dict[str, list[tuple[dict[str, str], float]]]) -> Metric:
    """How long jobs were in the states that they have left."""
    family = HistogramMetricFamily(f"{PREFIX}_{TIMES}", "Seconds that jobs spent in a state", labels=["state"])
    sums = {given["state"]: value for given, value in found[f"{TIMES}_sum"]}
    within = {(given["state"], given["le"]): value for given, value in found[TIMES]}
    for state, total in sums.items():
        number, buckets = 0.0, []
        for bound in [*map(str, counts.BOUNDS), "inf"]:
            number += within.get((state, bound), 0.0)
            buckets.append(("+Inf" if bound == "inf" else f"{float(bound)}", number))
        family.add_metric([state], buckets, total)
    return family


def _gauge(name: str, words: str, label: str, values: dict[str, float]) -> Metric:
    family = GaugeMetricFamily(f"{PREFIX}_{name}", words, labels=[label])
    for given, value in values.items():
        family.add_metric([given], value)
    return family


def _one(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(f"{PREFIX}_{name}", words, value)
