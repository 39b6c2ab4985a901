"""The rows that are the truth: jobs with their pictures, outputs and events, and who is moving them.

A state changes only through a verb of Job: one conditional UPDATE and one JobEvent in one transaction. A verb returns
whether it moved the job; False means that somebody else got there first.
"""

from .count import Count
from .events import JobEvent
from .files import JobInput, Output, Picture
from .job import Job
from .keys import IdempotencyKey
from .pace import Pace
from .review import Looking, RejectionReason, ReviewDecision
from .running import Heartbeat, Provider
from .search import SearchEntry, SearchIndex
from .tally import Tally
from .tokens import ApiToken
from .usage import LateChange, UsageDay
from .webhooks import Attempt, Event, Problem, WebhookDelivery, WebhookEndpoint

__all__ = [
    "ApiToken",
    "Attempt",
    "Count",
    "Event",
    "Heartbeat",
    "IdempotencyKey",
    "Job",
    "JobEvent",
    "JobInput",
    "LateChange",
    "Looking",
    "Output",
    "Pace",
    "Picture",
    "Problem",
    "Provider",
    "RejectionReason",
    "ReviewDecision",
    "SearchEntry",
    "SearchIndex",
    "Tally",
    "UsageDay",
    "WebhookDelivery",
    "WebhookEndpoint",
]
