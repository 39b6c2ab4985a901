"""How often somebody may try a password: django-axes keeps the wrong ones, and here they are counted as they begin."""

import hashlib
from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from axes.helpers import get_client_username
from django.conf import settings

from .models import Tally


class Attempts(AxesDatabaseHandler):
    """axes looks before a password is tried and counts afterwards: of attempts at once, all would pass."""

    def is_allowed(self, request: Any, credentials: dict[str, Any] | None = None) -> bool:
        if not super().is_allowed(request, credentials):
            return False
        begun = Tally.add(_key(request, credentials), settings.AXES_COOLOFF_TIME.total_seconds())
        return begun.number <= settings.AXES_FAILURE_LIMIT

    def user_logged_in(self, sender: Any, request: Any, user: Any, **kwargs: Any) -> None:
        super().user_logged_in(sender, request, user, **kwargs)
        Tally.objects.filter(key=_key(request, {"username": user.get_username()})).delete()


def _key(request: Any, credentials: dict[str, Any] | None) -> str:
    """Of one name from one address; a name may be longer than any key."""
    who = f"{get_client_username(request, credentials)}\n{request.axes_ip_address}"
    return f"sign-in:{hashlib.sha256(who.encode('utf-8', 'replace')).hexdigest()}"
