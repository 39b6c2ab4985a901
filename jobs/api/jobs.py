"""Jobs: created, waited for, moved, run again, deleted."""

import hashlib
from typing import Any

from django.db.models import QuerySet, prefetch_related_objects
from django.http import HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from rest_framework import exceptions, permissions, status, viewsets
from rest_framework.decorators import action
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from jobs import archive, idempotency, lifecycle, seedream, upkeep
from jobs.filters import NamedFilter
from jobs.models import IdempotencyKey, Job
from jobs.serializers import EXPANDED, EventSerializer, JobSerializer, NewJobSerializer, SettleSerializer
from jobs.states import State

from . import document
from .base import Api, Away, Conflict
from .pages import PAGING, JobPages, OldestFirst, check_parameters

OF_ONE_JOB = ("inputs", "outputs")  # told with a single job when nothing else is asked for
HOLDS = ("hold", "release")
QUICK, SLOW, UNTIL_SOMEBODY_DECIDES = 10, 30, 60


class OwnerOrStaffMoves(permissions.BasePermission):
    """Whoever sees a job may read it and run it again; only its owner and staff change it."""

    message = "Only the owner and staff may change this job."

    def has_object_permission(self, request: Request, view: Any, job: Job) -> bool:
        if view.action in HOLDS:
            return True  # the view says in words who may
        leaves_it = request.method in permissions.SAFE_METHODS or view.action == "rerun"
        return leaves_it or job.may_be_moved_by(request.user)


@document.JOBS
class JobViewSet(Api, viewsets.GenericViewSet):
    permission_classes = (permissions.IsAuthenticated, OwnerOrStaffMoves)
    pagination_class = JobPages
    serializer_class = JobSerializer
    lookup_value_converter = "uuid"

    def get_queryset(self) -> QuerySet[Job]:
        jobs = Job.objects.visible_to(self.request.user).select_related("owner", "held_by")
        jobs = jobs.prefetch_related(*self._paths())
        return jobs if "result" in self._expanded() else jobs.defer("result")

    def _paths(self) -> list[str]:
        return [path for word in sorted(self._expanded()) for path in EXPANDED[word]]

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "expand": self._expanded()}

    def _expanded(self) -> set[str]:
        usual = "" if self.action == "list" else ",".join(OF_ONE_JOB)
        words = set(filter(None, self.request.query_params.get("expand", usual).split(",")))
        if unknown := sorted(words - EXPANDED.keys()):
            problem = _("There is no %(words)s to expand, only %(known)s.")
            told = {"words": ", ".join(unknown), "known": ", ".join(EXPANDED)}
            raise exceptions.ValidationError({"expand": [problem % told]})
        return words

    def list(self, request: Request) -> Response:
        jobs = self.get_queryset().order_by("-created_at", "-id")
        found = NamedFilter(request.query_params, jobs, request=request)
        check_parameters(request, [*found.filters, *PAGING, "expand"], found.errors)
        page = self.paginate_queryset(found.qs)
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    def retrieve(self, request: Request, pk: Any) -> HttpResponseBase:
        job = self.get_object()
        body = self.get_serializer(job).data
        tag = f'W/"{hashlib.sha256(JSONRenderer().render(body)).hexdigest()[:32]}"'
        response: Any = get_conditional_response(request._request, etag=tag, response=Response(body))
        for name, value in {"ETag": tag, "Cache-Control": "private, no-cache", **_patience(job)}.items():
            response.headers[name] = value
        return response

    def create(self, request: Request) -> Response:
        return self._start(request)

    @action(detail=True, methods=["post"])
    def rerun(self, request: Request, pk: Any) -> Response:
        return self._start(request, pk)

    def _start(self, request: Request, source_id: Any = None) -> Response:
        paths = self._paths()  # refuses what cannot be expanded before anything is made
        kind = "rerun" if source_id else "create"
        key = idempotency.key_of_call(request, kind, request.data, source_id or "")
        job = idempotency.once(key, lambda: self._made(request, key, source_id))
        # Not read again: what was just written is known, and whoever starts many jobs waits for each answer.
        prefetch_related_objects([job], *paths)
        response = self._told(job, status.HTTP_201_CREATED)
        response["Location"] = response.data["url"]
        return response

    def _made(self, request: Request, key: IdempotencyKey | None, source_id: Any) -> Job:
        source = self.get_object() if source_id else None
        order = NewJobSerializer(data=request.data, context={"request": request, "source": source})
        order.is_valid(raise_exception=True)
        return order.save(parent=source, key=key)

    def destroy(self, request: Request, pk: Any) -> Response:
        try:
            upkeep.delete(self.get_object(), by=request.user)
        except ValueError:
            raise Conflict(_("Only a job that has ended can be deleted. Cancel it, or wait.")) from None
        return Response(status=status.HTTP_204_NO_CONTENT)

    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: Any) -> Response:
        job = self.get_object()
        if not lifecycle.cancel(job, by=request.user):
            job.refresh_from_db()
            if job.cancel_requested_at is None:
                raise Conflict(job.why_not_cancelled)
        return self._answer(job, status.HTTP_202_ACCEPTED if job.is_active else status.HTTP_200_OK)

    @action(detail=True, methods=["post"])
    def settle(self, request: Request, pk: Any) -> Response:
        job = self.get_object()
        decision = SettleSerializer(data=request.data)
        decision.is_valid(raise_exception=True)
        try:
            settled = lifecycle.settle(job, request.user, **decision.validated_data)
        except seedream.InvalidInput as problem:
            raise exceptions.ValidationError(problem.errors) from None
        if not settled:
            raise Conflict(job.why_not_settled)
        return self._answer(job)

    @action(detail=True, methods=["post"])
    def fetch_again(self, request: Request, pk: Any) -> Response:
        job = self.get_object()
        if not lifecycle.fetch_again(job, request.user):
            raise Conflict(_("There is nothing to fetch again."))
        return self._answer(job)

    @action(detail=True, methods=["post"])
    def hold(self, request: Request, pk: Any) -> Response:
        job = self.get_object()
        lifecycle.hold(job, request.user)
        return self._answer(job)

    @action(detail=True, methods=["post"])
    def release(self, request: Request, pk: Any) -> Response:
        job = self.get_object()
        lifecycle.release(job, request.user)
        return self._answer(job)

    @action(detail=True, pagination_class=OldestFirst, serializer_class=EventSerializer)
    def events(self, request: Request, pk: Any) -> Response:
        check_parameters(request, PAGING)
        page = self.paginate_queryset(self.get_object().events.select_related("actor"))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @document.ARCHIVE
    def archive(self, request: Request, pk: Any) -> HttpResponseBase:
        job = self.get_object()
        try:
            content = archive.build([job], request.user)
        except OSError:
            raise Away(_("The place where the pictures are stored does not answer. Try again in a moment.")) from None
        headers = {
            "Content-Length": str(len(content)),
            "Content-Disposition": content_disposition_header(True, f"{archive.label(job)}.zip") or "attachment",
            "Cache-Control": "private, no-store",
        }
        return StreamingHttpResponse(iter(content), content_type="application/zip", headers=headers)

    def _answer(self, job: Job, code: int = status.HTTP_200_OK) -> Response:
        return self._told(get_object_or_404(self.get_queryset(), pk=job.pk), code)

    def _told(self, job: Job, code: int) -> Response:
        return Response(self.get_serializer(job).data, status=code, headers=_patience(job))


def _patience(job: Job) -> dict[str, str]:
    """After how many seconds it is worth asking again: soon while it is young, and never for what has ended."""
    if not job.is_active:
        return {}
    if job.state == State.UNCONFIRMED:
        return {"Retry-After": str(UNTIL_SOMEBODY_DECIDES)}
    age = (timezone.now() - (job.started_at or job.created_at)).total_seconds()
    longest = QUICK if job.state in (State.IN_PROGRESS, State.MIRRORING) else SLOW
    return {"Retry-After": str(min(longest, max(1, round(age / 10))))}
