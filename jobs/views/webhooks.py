"""Webhooks: one's own, the team's for staff; what was sent to each, and what came of it."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.db.models import OuterRef, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from jobs import webhooks as verbs
from jobs.models import WebhookDelivery, WebhookEndpoint
from jobs.webhook_forms import WebhookForm

PAGE_SIZE = 24
# The id of the endpoint whose secret the next page shows. The secret itself is in no session.
SHOW_SECRET = "webhook_secret_of"  # noqa: S105
SOON = timedelta(seconds=15)


@require_http_methods(["GET", "HEAD", "POST"])
def webhooks(request: HttpRequest) -> HttpResponse:
    form = WebhookForm(request.POST if request.method == "POST" else None, user=request.user)
    if request.method == "POST" and (endpoint := form.save()):
        return _to_secret(request, endpoint)
    last = WebhookDelivery.objects.filter(endpoint=OuterRef("pk")).order_by("-id")
    endpoints = WebhookEndpoint.objects.visible_to(request.user).annotate(
        last_at=Subquery(last.values("created_at")[:1])
    )
    context = {"page": "webhooks", "form": form, "endpoints": endpoints}
    return render(request, "jobs/webhooks.html", context, status=422 if form.errors else 200)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def webhook(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """The log of one endpoint; a POST does the `act` that its button names."""
    endpoint = visible(request, pk)
    if request.method != "POST":
        return _page(request, endpoint, WebhookForm(user=request.user, endpoint=endpoint))
    act = ACTS.get(request.POST.get("act", ""))
    if act is None:
        raise Http404(_("There is no such act."))
    return act(request, endpoint)


@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Asks first, with the name of the webhook: a program goes deaf at once."""
    endpoint = visible(request, pk)
    if request.method == "POST":
        endpoint.delete()
        return redirect("jobs:webhooks")
    return render(request, "jobs/delete_webhook.html", {"page": "webhooks", "endpoint": endpoint})


@require_POST
def send_again(request: HttpRequest, pk: uuid.UUID, delivery: uuid.UUID) -> HttpResponse:
    endpoint = visible(request, pk)
    found = get_object_or_404(endpoint.deliveries, pk=delivery)
    if not found.send_again():
        messages.warning(request, _("This event is being sent at the moment."))
    return redirect("jobs:webhook", pk)


def visible(request: HttpRequest, pk: uuid.UUID) -> WebhookEndpoint:
    return get_object_or_404(WebhookEndpoint.objects.visible_to(request.user), pk=pk)


# The acts


def _change(request: HttpRequest, endpoint: WebhookEndpoint) -> HttpResponse:
    form = WebhookForm(request.POST, user=request.user, endpoint=endpoint)
    if form.save():
        return redirect("jobs:webhook", endpoint.pk)
    # Above the form stands what is stored, not what was typed.
    return _page(request, visible(request, endpoint.pk), form, status=422)


def _rotate(request: HttpRequest, endpoint: WebhookEndpoint) -> HttpResponse:
    endpoint.rotate()
    return _to_secret(request, endpoint)


def _test(request: HttpRequest, endpoint: WebhookEndpoint) -> HttpResponse:
    if not verbs.send_test(endpoint):
        messages.warning(request, _("The webhook is paused: resume it first."))
    return redirect("jobs:webhook", endpoint.pk)


def _pause(request: HttpRequest, endpoint: WebhookEndpoint) -> HttpResponse:
    endpoint.pause()
    return redirect("jobs:webhook", endpoint.pk)


def _resume(request: HttpRequest, endpoint: WebhookEndpoint) -> HttpResponse:
    endpoint.resume()
    return redirect("jobs:webhook", endpoint.pk)


ACTS: dict[str, Callable[[HttpRequest, WebhookEndpoint], HttpResponse]] = {
    "change": _change,
    "rotate": _rotate,
    "test": _test,
    "pause": _pause,
    "resume": _resume,
}


# The page


def _to_secret(request: HttpRequest, endpoint: WebhookEndpoint) -> HttpResponse:
    request.session[SHOW_SECRET] = str(endpoint.pk)
    return redirect("jobs:webhook", endpoint.pk)


def _page(request: HttpRequest, endpoint: WebhookEndpoint, form: WebhookForm, status: int = 200) -> HttpResponse:
    is_new = request.session.get(SHOW_SECRET) == str(endpoint.pk)
    if is_new:
        del request.session[SHOW_SECRET]
    after = request.GET.get("after", "")
    found = list(_log(endpoint, after))
    shown, has_more = found[:PAGE_SIZE], len(found) > PAGE_SIZE
    context = {
        "page": "webhooks",
        "endpoint": endpoint,
        "form": form,
        "secret": endpoint.secret if is_new else "",
        "deliveries": shown,
        "next": shown[-1].pk if has_more else "",
        "is_first": not after,
        "is_busy": endpoint.is_active and not after and any(map(_is_due, shown)),
    }
    return render(request, "jobs/webhook.html", context, status=status)


def _log(endpoint: WebhookEndpoint, after: str) -> Any:
    """One delivery more than a page holds. Ids are ordered by time."""
    deliveries = endpoint.deliveries.order_by("-id")
    try:
        older = deliveries.filter(pk__lt=uuid.UUID(after)) if after else deliveries
    except ValueError:
        raise Http404(_("There is no such place in the log.")) from None
    return older[: PAGE_SIZE + 1]


def _is_due(delivery: WebhookDelivery) -> bool:
    """Whether something will be heard of it soon."""
    return delivery.next_at is not None and delivery.next_at < timezone.now() + SOON
