"""Pages that are found by the place where the last one ended, not by counting."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.core.exceptions import ValidationError
from django.db.models import F
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request


def check_parameters(request: Request, known: Iterable[str], errors: Mapping[str, Any] | None = None) -> None:
    """Raise for what stands in the address and is not `known`, together with the `errors` of what is."""
    problem = [_("There is no such parameter.")]
    unknown = {name[:100]: problem for name in request.query_params if name not in known}
    if unknown or errors:
        raise exceptions.ValidationError({**(errors or {}), **unknown})


class Pages(CursorPagination):
    page_size = 24
    page_size_query_param = "page_size"
    max_page_size = 100
    ordering: Any = "-id"

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> Any:
        try:
            return super().paginate_queryset(queryset, request, view)
        except (ValueError, ValidationError, OverflowError):  # a place where nothing can be
            raise _not_ours() from None

    def get_page_size(self, request: Request) -> int:
        """REST framework would take what is no number for the usual one, and a larger one for the largest."""
        given = request.query_params.get(self.page_size_query_param)
        if given is None:
            return self.page_size
        number = int(given) if given.isascii() and given.isdecimal() and len(given) < 10 else 0
        if 1 <= number <= self.max_page_size:
            return number
        problem = _("Must be a number from 1 to %(most)d.") % {"most": self.max_page_size}
        raise exceptions.ValidationError({self.page_size_query_param: [problem]})

    def decode_cursor(self, request: Request) -> Any:
        """REST framework would take some words that we did not make for the first page."""
        try:
            cursor = super().decode_cursor(request)
        except exceptions.NotFound:
            raise _not_ours() from None
        given = request.query_params.get(self.cursor_query_param)
        if cursor is not None and given != self._word(cursor):
            raise _not_ours()
        return cursor

    def _word(self, cursor: Any) -> str:
        query = urlsplit(str(self.encode_cursor(cursor))).query
        return parse_qs(query, keep_blank_values=True)[self.cursor_query_param][0]

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        cursor, size = super().get_schema_operation_parameters(view)
        size["schema"] |= {"minimum": 1, "maximum": self.max_page_size, "default": self.page_size}
        return [cursor, size]


def _not_ours() -> exceptions.ValidationError:
    return exceptions.ValidationError({"cursor": [_("This is no cursor of this list: follow `next` and `previous`.")]})


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


PAGING = (Pages.cursor_query_param, Pages.page_size_query_param)
