"""What every call of a program has, whichever API it speaks: any Accept header, and a rate that its answer tells."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseBase
from django.utils.translation import gettext as _
from rest_framework import exceptions, status
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request
from rest_framework.views import APIView

from .rates import PerUser


class AnyAnswer(DefaultContentNegotiation):
    """Answers are JSON, files and zips whatever the Accept header says: one that asks for image/* gets its image."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


class Gone(exceptions.APIException):
    status_code, default_code = status.HTTP_410_GONE, "gone"


class Call(APIView):
    """A view whose answers tell how many calls are left; `writes` is the rate that its writes count to."""

    content_negotiation_class = AnyAnswer
    throttle_classes: Any = (PerUser,)
    writes = "writes"
    rate: PerUser | None = None

    def sent(self, file: HttpResponseBase) -> HttpResponseBase:
        """A stored file, or in words of this API that it is gone."""
        if isinstance(file, HttpResponse) and file.status_code == status.HTTP_410_GONE:
            raise Gone(file.text)
        if file.status_code == status.HTTP_404_NOT_FOUND:
            raise exceptions.NotFound(_("The file is missing from the store."))
        return file

    def handle_exception(self, problem: Exception) -> Any:
        if isinstance(problem, PermissionDenied) and problem.args:
            problem = exceptions.PermissionDenied(str(problem))  # or the handler would drop its words
        return super().handle_exception(problem)

    def finalize_response(self, request: Request, response: HttpResponseBase, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)  # type: ignore[arg-type]
        for name, value in (self.rate.headers if self.rate else {}).items():
            response.headers[name] = value
        return response
