"""What the lists are filtered by: only what an index holds, and choices that no scan has to gather."""

import contextlib
import uuid
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from jobs.filters import QUALITIES, name_of
from jobs.models import JobInput, Picture, RejectionReason
from jobs.states import PASSING, Reason, State

USES = 500  # the newest of a picture that the list of jobs is narrowed to


class Chosen(admin.SimpleListFilter):
    """One of `lookups`; anything else that an address may say filters nothing."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in {str(value) for value, _label in self.lookup_choices}:
            return queryset
        return self.chosen(queryset, str(self.value()))

    def chosen(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        return queryset.filter(**{str(self.parameter_name): value})


class Person(Chosen):
    """Of those who have any."""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        theirs = model_admin.model.objects.order_by().filter(**{str(self.parameter_name): OuterRef("pk")})
        people = User.objects.filter(Exists(theirs)).order_by("username")
        return [(str(user.pk), name_of(user)) for user in people]


class Owner(Person):
    title, parameter_name = _("owner"), "owner"


class Reviewer(Person):
    title, parameter_name = _("reviewer"), "reviewer"


class Held(Chosen):
    title, parameter_name = _("files"), "held"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Kept, whatever the retention rules say"))]

    def chosen(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        return queryset.filter(held_at__isnull=False)


class Quality(Chosen):
    title, parameter_name = _("quality"), "optimize_prompt_options"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return QUALITIES


class WhyFailed(Chosen):
    title, parameter_name = _("reason for its failure"), "reason"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(reason.value, reason.label) for reason in Reason if reason not in PASSING]

    def chosen(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        # Among those that failed, which an index holds.
        return queryset.filter(state=State.FAILED, reason=value)


class WhyRejected(Chosen):
    title, parameter_name = _("reason"), "reason"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(reason.pk), reason.label) for reason in RejectionReason.objects.all()]


class OfPicture(Chosen):
    """The jobs that a picture was put into. Offered only where a link asks for it."""

    title, parameter_name = _("picture"), "picture"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        asked = request.GET.get("picture", "")
        with contextlib.suppress(ValueError):
            return [(asked, str(picture)) for picture in Picture.objects.filter(pk=uuid.UUID(asked))]
        return []

    def chosen(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        uses = JobInput.objects.filter(picture=uuid.UUID(value)).order_by("-pk").values_list("job_id", flat=True)
        return queryset.filter(pk__in=list(uses[:USES]))
