"""Signing in, and the way back for who forgot the password."""

import hashlib
from typing import Any

from django.conf import settings
from django.contrib.auth import views as auth
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.views.generic import FormView
from django_q.tasks import async_task

from seedream_site.proxies import client_address

REQUESTS_AN_HOUR = 5


class SignIn(auth.LoginView):
    redirect_authenticated_user = True

    def form_valid(self, form: Any) -> HttpResponse:
        response = super().form_valid(form)
        remembered = "remember" in self.request.POST
        self.request.session.set_expiry(settings.REMEMBERED_SECONDS if remembered else 0)
        return response


class AskForNewPassword(auth.PasswordResetView):
    """The worker looks the address up and writes the mail, so that the answer takes as long for an unknown one."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return super().post(request, *args, **kwargs) if settings.HAS_MAIL else self.get(request, *args, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        email = form.cleaned_data["email"]
        if not all(map(_may_ask, (client_address(self.request), email.lower()))):
            return render(self.request, "registration/password_reset_limited.html", status=429)
        async_task("jobs.tasks.send_password_mail", email, get_language())
        return FormView.form_valid(self, form)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {"has_mail": settings.HAS_MAIL}


def _may_ask(who: str) -> bool:
    """Count a request of this address, of the network or of mail; false when it has made enough in this hour."""
    key = f"password-reset:{hashlib.sha256(who.encode()).hexdigest()}"
    count = cache.get(key, 0)
    if count < REQUESTS_AN_HOUR:
        cache.set(key, count + 1, timeout=3600)
    return count < REQUESTS_AN_HOUR
