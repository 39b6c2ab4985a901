"""What people do with webhooks, in the portal and through the API: endpoints are made, changed and tried out."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from . import network, seedream
from .models import Event, WebhookEndpoint, outbox

ENDPOINTS_MAX = 20  # of one owner: each costs a row for every event
NAME_MAX, URL_MAX = 100, 2000


def create(by: Any, name: str, url: str, events: list[str], *, is_team: bool = False) -> WebhookEndpoint:
    """An endpoint of one's own or, by staff, of the team. Raises seedream.InvalidInput."""
    fields = _checked(name, url, events)
    owner = None if is_team and by.is_staff else by
    if WebhookEndpoint.objects.filter(owner=owner).count() >= ENDPOINTS_MAX:
        problem = _("There are %(limit)d endpoints already: delete one first.") % {"limit": ENDPOINTS_MAX}
        raise seedream.InvalidInput({"non_field_errors": [problem]})
    return WebhookEndpoint.objects.create(owner=owner, **fields)


def change(endpoint: WebhookEndpoint, name: str, url: str, events: list[str]) -> None:
    """Events that wait go to the new address. Raises seedream.InvalidInput."""
    fields = _checked(name, url, events)
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(**fields)
    for field, value in fields.items():
        setattr(endpoint, field, value)


def send_test(endpoint: WebhookEndpoint) -> bool:
    """Have a `ping` sent, once; False for an endpoint that is paused."""
    if endpoint.is_active:
        outbox.ping(endpoint, timezone.now())
    return endpoint.is_active


def trusted_address(url: str) -> str:
    """The host:port of an address that may be private and http, because an administrator named it; else nothing."""
    netloc = urlsplit(url).netloc.lower()
    return netloc if netloc in settings.WEBHOOK_TRUSTED else ""


def _checked(name: str, url: str, events: list[str]) -> dict[str, Any]:
    """All fields are looked at before anything is said."""
    name, url = name.strip(), url.strip()
    problems = {"name": _name_problem(name), "url": _url_problem(url), "events": _events_problem(events)}
    if any(problems.values()):
        raise seedream.InvalidInput({field: [problem] for field, problem in problems.items() if problem})
    return {"name": name, "url": url, "events": [event for event in Event.values if event in events]}


def _name_problem(name: str) -> str:
    if 0 < len(name) <= NAME_MAX and name.isprintable():
        return ""
    return _("Give it a name of at most %(limit)d characters.") % {"limit": NAME_MAX}


def _url_problem(url: str) -> str:
    """What every delivery would be refused for. A name may lead elsewhere later, so each delivery looks again."""
    if len(url) > URL_MAX or not url.isprintable() or " " in url:
        return _("This is no address.")
    try:
        if trusted_address(url) and url.startswith(("http://", "https://")):
            return ""
        network.check_address(url)
    except (ValueError, network.Forbidden):
        return _("Give an address that begins with https:// and holds no password.")
    try:
        network.check_public(url)
    except network.Forbidden:
        return _("This address is not public.")
    return ""


def _events_problem(events: list[str]) -> str:
    if unknown := [event for event in events if event not in Event.values]:
        return _("Not an event: %(names)s") % {"names": ", ".join(unknown)}
    return "" if events else _("Choose at least one event.")
