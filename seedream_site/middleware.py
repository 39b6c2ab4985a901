"""Middleware of our own."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.utils.translation import get_language_from_request, override
from django.utils.translation import gettext as _


def limit_body(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Refuse a body that is larger than anything its address takes, before a byte of it is written to disk."""

    def check(request: HttpRequest) -> HttpResponseBase:
        takes_pictures = request.path.startswith(settings.UPLOAD_PATHS)
        limit = settings.UPLOAD_MAX_BYTES if takes_pictures else settings.BODY_MAX_BYTES
        announced = request.META.get("CONTENT_LENGTH") or "0"
        if not announced.isdigit() or int(announced) > limit:
            megabytes = {"limit": limit // 1024**2}
            with override(get_language_from_request(request)):  # no middleware has chosen one yet
                text = _("This is more than %(limit)d MB, the most that can be sent here.") % megabytes
            if request.path.startswith("/v1/"):  # in the shape of RunComfy's errors
                return JsonResponse({"error_code": 413001, "error_message": text}, status=413)
            if request.path.startswith("/api/"):
                problem = {"code": "too_large", "detail": text, "attr": None}
                return JsonResponse({"type": "client_error", "errors": [problem]}, status=413)
            return HttpResponse(text, status=413, content_type="text/plain; charset=utf-8")
        return get_response(request)

    return check
