"""Pages that are found by the place where the last one ended, not by counting."""

import uuid
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.core.exceptions import ValidationError
from django.db.models import F
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.pagination import Cursor, CursorPagination
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

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """REST framework says what may be null in the words of OpenAPI 3.0, which mean nothing in 3.1."""
        links = {name: {"type": ["string", "null"], "format": "uri"} for name in ("next", "previous")}
        return {"type": "object", "required": [*links, "results"], "properties": {**links, "results": schema}}


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


class SetPages(Pages):
    """Outputs by job and position, each page from the very place on where the last one ended. REST framework counts
    within a job, and would skip outputs when those before them were decided meanwhile and are gone."""

    ordering = ("job_id", "position")

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> Any:
        self.request, self.base_url = request, request.build_absolute_uri()
        self.page_size = self.get_page_size(request)
        self.cursor: Any = self.decode_cursor(request)
        is_back = self.cursor is not None and self.cursor.reverse
        found = list(self._beyond(queryset.order_by(*self.ordering))[: self.page_size + 1])
        self.page, has_more = found[: self.page_size], len(found) > self.page_size
        if is_back:
            self.page.reverse()
        self.has_next, self.has_previous = (True, has_more) if is_back else (has_more, self.cursor is not None)
        return self.page

    def _beyond(self, outputs: Any) -> Any:
        if self.cursor is None:
            return outputs
        job, position = self._place(self.cursor)
        if self.cursor.reverse:
            return outputs.reverse().filter(job_id__lte=job).exclude(job_id=job, position__gte=position)
        return outputs.filter(job_id__gte=job).exclude(job_id=job, position__lte=position)

    def _place(self, cursor: Any) -> tuple[uuid.UUID, int]:
        job, _dot, position = str(cursor.position).partition(".")
        try:
            return uuid.UUID(job), int(position[:4])
        except ValueError:
            raise _not_ours() from None

    def get_next_link(self) -> str | None:
        return self._link(self.page[-1], is_back=False) if self.page and self.has_next else None

    def get_previous_link(self) -> str | None:
        return self._link(self.page[0], is_back=True) if self.page and self.has_previous else None

    def _link(self, edge: Any, is_back: bool) -> str:
        position: Any = f"{edge.job_id}.{edge.position}"
        return self.encode_cursor(Cursor(0, is_back, position))


PAGING = (Pages.cursor_query_param, Pages.page_size_query_param)
