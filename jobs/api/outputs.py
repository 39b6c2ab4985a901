"""What jobs made."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.http import HttpResponseBase
from rest_framework import viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from jobs.files import serve_output
from jobs.models import Job, Output
from jobs.serializers import OutputSerializer

from . import document
from .base import Api
from .pages import PAGING, Pages, check_parameters


class OutputFilter(django_filters.FilterSet):
    job = django_filters.UUIDFilter(field_name="job_id")
    review = django_filters.ChoiceFilter(choices=Output.Review.choices)

    class Meta:
        model = Output
        fields: list[str] = []


@document.OUTPUTS
class OutputViewSet(Api, viewsets.GenericViewSet):
    serializer_class = OutputSerializer
    pagination_class = Pages
    lookup_value_converter = "uuid"

    def get_queryset(self) -> QuerySet[Output]:
        visible = Output.objects.filter(job__in=Job.objects.visible_to(self.request.user))
        told = visible.select_related("job", "decision__reviewer", "decision__reason")
        return told.defer("job__result", "job__provider_error")  # whose job it is matters, and those are long

    def list(self, request: Request) -> Response:
        found = OutputFilter(request.query_params, self.get_queryset(), request=request)
        check_parameters(request, [*found.filters, *PAGING], found.errors)
        page = self.paginate_queryset(found.qs)
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    def retrieve(self, request: Request, pk: Any) -> Response:
        return Response(self.get_serializer(self.get_object()).data)

    @action(detail=True)
    def file(self, request: Request, pk: Any) -> HttpResponseBase:
        output = self.get_object()
        output.check_for(request.user)
        return self.sent(serve_output(request._request, output, download=True))
