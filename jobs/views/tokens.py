"""One's own API tokens: made, shown once, revoked."""

from datetime import timedelta

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from jobs.models import ApiToken

LIFETIMES = (30, 90, 365)
USUAL_LIFETIME = 90
# In a cookie of the browser that asked, for a moment: the session is kept in the database, where no token may be.
NEW_TOKEN = "new_token"  # noqa: S105 (a cookie's name)
SHOWN_WITHIN = 60


def lifetimes() -> list[tuple[int, str]]:
    return [(days, _in(days)) for days in sorted({min(days, settings.API_TOKEN_DAYS) for days in LIFETIMES})]


def _in(days: int) -> str:
    if days == 365:
        return _("in 1 year")
    return ngettext("in %(count)d day", "in %(count)d days", days) % {"count": days}


def usual_lifetime() -> int:
    return min(USUAL_LIFETIME, settings.API_TOKEN_DAYS)


class TokenForm(forms.Form):
    name = forms.CharField(max_length=100)
    days = forms.TypedChoiceField(choices=lifetimes, initial=usual_lifetime, coerce=int)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def tokens(request: HttpRequest) -> HttpResponse:
    form = TokenForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        return _create(request, **form.cleaned_data)
    context = {
        "page": "tokens",
        "form": form,
        "new_token": request.get_signed_cookie(NEW_TOKEN, None, salt=_salt(request), max_age=SHOWN_WITHIN),
        "tokens": ApiToken.objects.filter(user=request.user).order_by("-created"),
        "api_url": settings.PUBLIC_BASE_URL + reverse("api:job-list"),
    }
    response = render(request, "jobs/tokens.html", context, status=422 if form.errors else 200)
    response.delete_cookie(NEW_TOKEN, path=request.path, samesite="Strict")
    return response


def _create(request: HttpRequest, name: str, days: int) -> HttpResponse:
    _row, token = ApiToken.objects.create(user=request.user, name=name, expiry=timedelta(days=days))
    response = redirect("jobs:tokens")
    response.set_signed_cookie(
        NEW_TOKEN,
        token,
        salt=_salt(request),
        max_age=SHOWN_WITHIN,
        path=request.path,
        secure=settings.IS_HTTPS,
        httponly=True,
        samesite="Strict",
    )
    return response


def _salt(request: HttpRequest) -> str:
    return f"{NEW_TOKEN}:{request.user.pk}"


@require_http_methods(["GET", "HEAD", "POST"])
def revoke(request: HttpRequest, pk: str) -> HttpResponse:
    """Asks first, with the name of the token: a program stops working at once."""
    token = get_object_or_404(ApiToken, user=request.user, pk=pk)
    if request.method == "POST":
        token.delete()
        return redirect("jobs:tokens")
    return render(request, "jobs/revoke_token.html", {"page": "tokens", "token": token})
