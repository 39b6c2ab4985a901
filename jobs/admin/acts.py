"""Carrying out what was chosen in a list: who may, the page that asks first, and what could not be done, in words."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from jobs.models.review import may_review

MOST = 100  # rows at a time
CONFIRMED = "confirmed"


@dataclass(frozen=True)
class Line:
    """A row on the page that asks first. `why_not`: why nothing will be done about it; `seen` comes back as it is."""

    pk: Any
    name: str
    state: str
    why_not: str = ""
    thumbnail: Any = ""
    seen: str = ""


class Acts:
    """For a ModelAdmin: the same functions as in the portal, and Django's permissions besides."""

    def has_review_permission(self, request: HttpRequest) -> bool:
        return may_review(request.user)

    def has_move_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("jobs.change_job")

    def rows(self: Any, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        """What was chosen; nothing, said in words, when it is too much for one request."""
        rows = list(queryset[: MOST + 1])
        if len(rows) > MOST:
            self.message_user(request, _("Choose at most %(limit)d at a time.") % {"limit": MOST}, messages.ERROR)
            return []
        return rows

    def ask(
        self: Any,
        request: HttpRequest,
        title: str,
        words: str,
        lines: Sequence[Line],
        form: forms.Form | None = None,
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": title,
            "words": words,
            "lines": lines,
            "is_empty": all(line.why_not for line in lines),
            "form": form,
            "action": request.POST["action"],
            "checkbox": ACTION_CHECKBOX_NAME,
            "confirmed": CONFIRMED,
        }
        return render(request, "admin/jobs/confirm.html", context)

    def report(self: Any, request: HttpRequest, done: str, refused: Iterable[tuple[str, str]]) -> None:
        """`done` is a sentence, or empty; `refused` are the names of rows, each with the reason."""
        if done:
            self.message_user(request, done, messages.SUCCESS)
        for name, why in refused:
            self.message_user(request, _("%(row)s: %(why)s") % {"row": name, "why": why}, messages.WARNING)


def is_confirmed(request: HttpRequest) -> bool:
    return CONFIRMED in request.POST
