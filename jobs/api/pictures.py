"""Pictures that are uploaded once and used in many jobs, each under an id that is good for one user alone."""

from typing import Any

from django.http import HttpResponseBase
from django.utils.translation import gettext as _
from rest_framework import exceptions, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from jobs import intake, references
from jobs.files import serve_picture
from jobs.models import Picture
from jobs.serializers import PictureSerializer, images_of, misnamed

from . import document
from .base import Api


@document.PICTURES
class PictureViewSet(Api, viewsets.GenericViewSet):
    serializer_class = PictureSerializer
    lookup_value_converter = "str"
    writes = "uploads"

    def create(self, request: Request) -> Response:
        if not isinstance(request.data, dict):
            raise exceptions.ValidationError({"non_field_errors": [_("The body must be a JSON object.")]})
        errors = misnamed(request.data, ["images"])
        kept, problems = intake.take_what_is_good(images_of(request), request.user)
        if problems:
            errors["images"] = problems
        if errors:
            raise exceptions.ValidationError(errors)
        body = self.get_serializer(kept, many=True).data
        return Response({"pictures": body}, status=status.HTTP_201_CREATED)

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(self.get_serializer(self._kept(pk)).data)

    @action(detail=True)
    def file(self, request: Request, pk: str) -> HttpResponseBase:
        return self.sent(serve_picture(request._request, self._kept(pk).picture))

    def _kept(self, word: str) -> intake.Kept:
        if entry := references.opened_one(word, self.request.user):
            return entry
        raise exceptions.NotFound

    def get_queryset(self) -> Any:
        return Picture.objects.none()  # for the documentation: pictures are found by their ids only
