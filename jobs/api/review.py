"""Review: what waits, deciding about one output or several, taking back, and what is on record."""

import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import django_filters
from django.db.models import QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import exceptions, permissions, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from jobs import programs, review
from jobs.filters import NamedFilter
from jobs.models import Job, Output, RejectionReason, ReviewDecision
from jobs.models.review import may_review
from jobs.review_queue import QueueFilter
from jobs.serializers import DecisionSerializer, OutputSerializer, RejectionReasonSerializer

from . import document
from .base import Api
from .pages import PAGING, Pages, SetPages, check_parameters
from .wishes import ManyWishesSerializer, OneWishSerializer


class Reviewers(permissions.BasePermission):
    message = gettext_lazy("Only reviewers decide about pictures.")

    def has_permission(self, request: Request, view: Any) -> bool:
        return may_review(request.user)


class WaitingFilter(NamedFilter):
    """The filters of the portal's queue, and of one job."""

    state = review = sort = None
    job = django_filters.UUIDFilter("pk")
    search = QueueFilter.search


class Deciding(Api, viewsets.GenericViewSet):
    permission_classes = (permissions.IsAuthenticated, Reviewers)
    serializer_class = OutputSerializer

    def jobs(self) -> QuerySet[Job]:
        return Job.objects.visible_to(self.request.user)

    def get_queryset(self) -> QuerySet[Output]:
        visible = Output.objects.filter(job__in=self.jobs())
        return visible.select_related("job__owner", "decision__reviewer", "decision__reason")

    def act(self, done: Callable[[], review.Outcome]) -> review.Outcome:
        try:
            return done()
        except review.NotAllowed as problem:
            raise exceptions.PermissionDenied(str(problem)) from None
        except Output.DoesNotExist:  # deleted with its job at this very moment
            raise Http404 from None

    def see(self, outputs: Iterable[Output], seen: Mapping[uuid.UUID, uuid.UUID | None]) -> None:
        """Give outputs the decisions that stood when the caller looked."""
        named = {(output, decision) for output, decision in seen.items() if decision}
        decisions = ReviewDecision.objects.filter(pk__in=[decision for _output, decision in named])
        if named - set(decisions.values_list("output", "pk")):
            raise exceptions.ValidationError({"seen": [_("There is no such decision about this output.")]})
        for output in outputs:
            output.decision_id = seen.get(output.pk, output.decision_id)

    def clashes(self, outcome: review.Outcome) -> list[Any]:
        """The outputs of which others decided meanwhile, as they stand now."""
        if not outcome.clashes:
            return []
        found = self.get_queryset().filter(pk__in=[output.pk for output in outcome.clashes])
        return self.get_serializer(found.order_by("job_id", "position"), many=True).data

    def conflict(self, outcome: review.Outcome) -> Response:
        detail = _("This was decided about meanwhile. Look at what stands now, and decide again.")
        told = programs.api_error("conflict", detail) | {"clashes": self.clashes(outcome)}
        return Response(told, status=status.HTTP_409_CONFLICT)

    def answer(self, outcome: review.Outcome, decided: QuerySet[ReviewDecision]) -> Response:
        """`decided` may have been so before: then its act is the one to take back."""
        if outcome.clashes and not decided:
            return self.conflict(outcome)
        acts = {decision.act for decision in decided}
        told = {
            "act": acts.pop() if len(acts) == 1 else outcome.act if acts else None,
            "decided": DecisionSerializer(decided, many=True).data,
            "clashes": self.clashes(outcome),
        }
        return Response(told)


@document.DECIDE
class OutputDecision(Deciding):
    """About one output."""

    def create(self, request: Request, pk: Any) -> Response:
        output = self.get_object()
        wish = OneWishSerializer(data=request.data)
        wish.is_valid(raise_exception=True)
        given = wish.validated_data
        if "seen" in given:
            self.see([output], {output.pk: given["seen"]})
        outcome = self.act(lambda: review.decide([output], request.user, given["wished"]))
        if outcome.clashes:
            return self.conflict(outcome)
        return Response(self.get_serializer(self.get_object()).data)


@document.REVIEWS
class ReviewViewSet(Deciding):
    pagination_class = SetPages
    lookup_url_kwarg = "act"
    lookup_value_converter = "uuid"

    @action(detail=False)
    def waiting(self, request: Request) -> Response:
        found = WaitingFilter(request.query_params, self.jobs(), request=request)
        check_parameters(request, [*found.filters, *PAGING], found.errors)
        page = self.paginate_queryset(review.waiting(request.user, found.qs))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @action(detail=False, methods=["post"])
    def decide(self, request: Request) -> Response:
        wishes = ManyWishesSerializer(data=request.data)
        wishes.is_valid(raise_exception=True)
        given = wishes.validated_data
        outputs = (
            self._rest_of(given["job"]) if given.get("job") else self._named(given["outputs"], given.get("seen") or {})
        )
        outcome = self.act(lambda: review.decide(outputs, request.user, given["wished"]))
        return self.answer(outcome, _on_record().filter(pk__in=[decision.pk for decision in outcome.decided]))

    def _rest_of(self, pk: uuid.UUID) -> list[Output]:
        job = self.jobs().filter(pk=pk).first()
        if job is None:
            raise exceptions.ValidationError({"job": [_("There is no such job.")]})
        if problem := review.why_not(self.request.user, job):
            raise exceptions.PermissionDenied(problem)
        return review.rest_of(job)

    def _named(self, ids: list[uuid.UUID], seen: Mapping[uuid.UUID, uuid.UUID | None]) -> list[Output]:
        found = self.get_queryset().in_bulk(ids)
        if unknown := [str(pk) for pk in ids if pk not in found]:
            raise exceptions.ValidationError(
                {"outputs": [_("There is no such output: %(ids)s") % {"ids": ", ".join(unknown)}]}
            )
        outputs = [found[pk] for pk in ids]
        self.see(outputs, seen)
        return outputs

    @action(detail=True, methods=["post"])
    def undo(self, request: Request, act: uuid.UUID) -> Response:
        if not ReviewDecision.objects.filter(act=act, undoes=None).exists():
            raise exceptions.NotFound
        outcome = self.act(lambda: review.undo(act, request.user))
        return self.answer(outcome, _on_record().filter(undoes__act=act))

    @action(detail=False, permission_classes=[permissions.IsAuthenticated], pagination_class=None)
    def reasons(self, request: Request) -> Response:
        check_parameters(request, [])
        found = RejectionReason.objects.filter(is_active=True)
        return Response({"results": RejectionReasonSerializer(found, many=True).data})


@document.DECISIONS
class JobDecisions(Api, viewsets.GenericViewSet):
    """All that was decided about the outputs of a job, for whoever sees it."""

    serializer_class = DecisionSerializer
    pagination_class = Pages

    def list(self, request: Request, pk: Any) -> Response:
        check_parameters(request, PAGING)
        job = get_object_or_404(Job.objects.visible_to(request.user), pk=pk)
        page = self.paginate_queryset(_on_record().filter(output__job=job))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)


def _on_record() -> QuerySet[ReviewDecision]:
    decisions = ReviewDecision.objects.select_related("reviewer", "reason", "undone")
    return decisions.order_by("output__job_id", "output__position", "id")
