"""The addresses that programs call, and how a refusal there is told before any view is reached."""

import re
from typing import Any

from django.http import HttpRequest, JsonResponse

API, RUNCOMFY = re.compile(r"/api/v1(?:/|$)"), re.compile(r"/(?:v1|prod)(?:/|$)")


def is_called(request: HttpRequest) -> bool:
    return bool(API.match(request.path_info) or RUNCOMFY.match(request.path_info))


def refusal(request: HttpRequest, status: int, code: str, text: str) -> JsonResponse | None:
    """In the shape of the API that was called; None where a page was asked for."""
    if not is_called(request):
        return None
    body = api_error(code, text) if API.match(request.path_info) else runcomfy_error(status, text)
    return JsonResponse(body, status=status)


def api_error(code: str, text: str) -> dict[str, Any]:
    return {"type": "client_error", "errors": [{"code": code, "detail": text, "attr": None}]}


def runcomfy_error(status: int, text: str, code: int = 0) -> dict[str, Any]:
    """The code begins with the HTTP status."""
    return {"error_code": code or status * 1000 + 1, "error_message": text}
