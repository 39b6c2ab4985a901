"""Middleware of our own."""

import logging
import re
import uuid
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django.utils.translation import activate, get_language, get_language_from_request, override
from django.utils.translation import gettext as _

from jobs import logs, programs

logger = logging.getLogger(__name__)
NUMBER = re.compile(r"[\w.:-]{1,100}", re.ASCII)


def number_requests(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Lines of the log tell which request they belong to, and so does the answer. A proxy's own number is kept."""

    def number(request: HttpRequest) -> HttpResponseBase:
        given = request.headers.get("X-Request-ID", "")
        request.number = given if NUMBER.fullmatch(given) else uuid.uuid4().hex  # type: ignore[attr-defined]
        token = logs.request_number.set(request.number)  # type: ignore[attr-defined]
        try:
            response = get_response(request)
            # The route, not the address: that may open a door by itself.
            route = request.resolver_match.route if request.resolver_match else "?"
            logger.debug("%s %s %d", request.method, route, response.status_code)
        finally:
            logs.request_number.reset(token)
        response["X-Request-ID"] = request.number  # type: ignore[attr-defined]
        return response

    return number


def limit_body(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Refuse a body that is larger than anything its address takes, before a byte of it is written to disk."""

    def check(request: HttpRequest) -> HttpResponseBase:
        takes_pictures = request.path.startswith(settings.UPLOAD_PATHS)
        limit = settings.UPLOAD_MAX_BYTES if takes_pictures else settings.BODY_MAX_BYTES
        announced = request.META.get("CONTENT_LENGTH") or "0"
        if not announced.isdigit() or int(announced) > limit:
            megabytes = {"limit": limit // 1024**2}
            with override(_language(request)):
                text = _("This is more than %(limit)d MB, the most that can be sent here.") % megabytes
            plain = HttpResponse(text, status=413, content_type="text/plain; charset=utf-8")
            return programs.refusal(request, 413, "too_large", text) or plain
        return get_response(request)

    return check


class Language(LocaleMiddleware):
    """Django's own asks the browser, whoever it is that calls."""

    def process_request(self, request: HttpRequest) -> None:
        activate(_language(request))
        request.LANGUAGE_CODE = get_language()


def _language(request: HttpRequest) -> str:
    """The one that its user chose. Programs compare words: theirs do not follow what a library happens to ask for."""
    return settings.LANGUAGE_CODE if programs.is_called(request) else get_language_from_request(request)
