"""What all views of the API share."""

from typing import Any

from django.utils.translation import gettext as _
from rest_framework import exceptions, status

from jobs.calls import Call


class Conflict(exceptions.APIException):
    status_code, default_code = status.HTTP_409_CONFLICT, "conflict"


class Away(exceptions.APIException):
    status_code, default_code = status.HTTP_503_SERVICE_UNAVAILABLE, "unavailable"


class Api(Call):
    """One of the REST API, whose errors have the shape that REST_FRAMEWORK names."""


class Nothing(Api):
    schema = None
    http_method_names: list[str] = []

    def http_method_not_allowed(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        raise exceptions.NotFound(_("There is nothing at this address. Addresses of the API end with a slash."))
