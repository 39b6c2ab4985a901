"""Who an API token stands for."""

from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone
from knox.auth import TokenAuthentication
from rest_framework import exceptions

from .models import ApiToken

NOTED_EVERY = timedelta(minutes=1)


class BearerAuthentication(TokenAuthentication):
    """`Authorization: Bearer …` with one of our hashed tokens."""

    def authenticate_credentials(self, token: bytes) -> Any:
        if not token.isascii():
            raise exceptions.AuthenticationFailed("Invalid token.")
        user, row = super().authenticate_credentials(token)
        note_use(row)
        return user, row

    def _cleanup_token(self, auth_token: ApiToken) -> bool:
        """Whether it has expired. It stays in its owner's list, which says why a program no longer gets in; knox would
        delete it, and read all the others of its owner at each call."""
        return auth_token.is_expired


def note_use(token: ApiToken) -> None:
    now = timezone.now()
    if token.last_used_at is None or token.last_used_at < now - NOTED_EVERY:
        unnoted = Q(last_used_at=None) | Q(last_used_at__lt=now - NOTED_EVERY)
        ApiToken.objects.filter(unnoted, pk=token.pk).update(last_used_at=now)
