"""Pages that are found by the place where the last one ended, not by counting."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import F
from rest_framework import exceptions
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request


class Pages(CursorPagination):
    page_size = 24
    page_size_query_param = "page_size"
    max_page_size = 100
    ordering: Any = "-id"

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> Any:
        try:
            return super().paginate_queryset(queryset, request, view)
        except (ValueError, ValidationError, OverflowError):  # a cursor that we did not make
            raise exceptions.NotFound(self.invalid_cursor_message) from None


class OldestFirst(Pages):
    ordering = "id"


class JobPages(Pages):
    """In the order that the filters and the search left the jobs in: another one would make the search read it all."""

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> Any:
        *_first, last = (str(name).lstrip("-") for name in queryset.query.order_by)
        fields = ("created_at", "id") if last == "id" else ("place",)
        is_newest = queryset.query.standard_ordering
        self.ordering = tuple(f"-{field}" if is_newest else field for field in fields)
        queryset = queryset if is_newest else queryset.reverse()
        return super().paginate_queryset(queryset.annotate(place=F(last)), request, view)
