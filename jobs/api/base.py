"""What all views of the API share."""

from typing import Any

from django.http import HttpResponseBase
from django.utils.translation import gettext as _
from rest_framework import exceptions, status
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request
from rest_framework.views import APIView

from jobs.rates import PerUser


class Conflict(exceptions.APIException):
    status_code, default_code = status.HTTP_409_CONFLICT, "conflict"


class Away(exceptions.APIException):
    status_code, default_code = status.HTTP_503_SERVICE_UNAVAILABLE, "unavailable"


class AnyAnswer(DefaultContentNegotiation):
    """Answers are JSON, files and zips whatever the Accept header says: one that asks for image/* gets its image."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


class Api(APIView):
    """A view whose answers tell how many calls are left; `writes` is the rate that its writes count to."""

    content_negotiation_class = AnyAnswer
    throttle_classes = (PerUser,)
    writes = "writes"
    rate: PerUser | None = None

    def finalize_response(self, request: Request, response: HttpResponseBase, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)  # type: ignore[arg-type]
        for name, value in (self.rate.headers if self.rate else {}).items():
            response.headers[name] = value
        return response


class Nothing(Api):
    schema = None
    http_method_names: list[str] = []

    def http_method_not_allowed(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        raise exceptions.NotFound(_("There is nothing at this address. Addresses of the API end with a slash."))
