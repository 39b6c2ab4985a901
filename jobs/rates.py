"""How often one user may call in a minute: reads, writes and uploads are counted apart."""

import math
from typing import Any

from django.conf import settings
from rest_framework import permissions
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle


class PerUser(SimpleRateThrottle):
    rate, duration = "by kind of call", 60

    def __init__(self) -> None:
        """The rate follows from the request, which is not known yet."""

    def allow_request(self, request: Request, view: Any) -> bool:
        self.scope = "reads" if request.method in permissions.SAFE_METHODS else view.writes
        self.num_requests = settings.API_RATES[self.scope]
        view.rate = self
        return super().allow_request(request, view)

    def get_cache_key(self, request: Request, view: Any) -> str:
        return self.cache_format % {"scope": self.scope, "ident": request.user.pk}

    @property
    def headers(self) -> dict[str, str]:
        """What is left, and in how many seconds the oldest call no longer counts."""
        reset = self.duration - (self.now - self.history[-1])
        return {
            "RateLimit-Limit": str(self.num_requests),
            "RateLimit-Remaining": str(max(0, self.num_requests - len(self.history))),
            "RateLimit-Reset": str(math.ceil(reset)),
        }
