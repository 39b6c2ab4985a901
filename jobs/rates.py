"""How often one user may call in a minute: reads, writes and uploads are counted apart."""

import math
from typing import Any

from django.conf import settings
from rest_framework import permissions
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from .models import Tally

MINUTE = 60


class PerUser(BaseThrottle):
    """REST framework's own throttles read, count and write in three steps: of calls at once, all would pass."""

    def allow_request(self, request: Request, view: Any) -> bool:
        kind = "reads" if request.method in permissions.SAFE_METHODS else view.writes
        self.limit = settings.API_RATES[kind]
        self.calls = Tally.add(f"{kind}:{request.user.pk}", MINUTE)
        view.rate = self
        return self.calls.number <= self.limit

    def wait(self) -> float:
        return self.calls.left(MINUTE)

    @property
    def headers(self) -> dict[str, str]:
        """What is left, and in how many seconds all of it is there again."""
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(max(0, self.limit - self.calls.number)),
            "RateLimit-Reset": str(math.ceil(self.wait())),
        }
