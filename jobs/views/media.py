"""Stored pictures, for whom they may be shown to."""

import uuid
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from jobs import delivery, references
from jobs.files import serve_output, serve_picture, serve_preview, serve_size
from jobs.models import Job, JobInput, Output, Picture
from jobs.models.files import SMALL

from .job import visible


@require_safe
def output_file(request: HttpRequest, pk: uuid.UUID) -> HttpResponseBase:
    output = _output(request, pk)
    output.check_for(request.user)
    return serve_output(request, output, download="download" in request.GET)


@require_safe
def output_size(request: HttpRequest, pk: uuid.UUID, width: int) -> HttpResponseBase:
    output = _output(request, pk)
    _check_width(output, request.user, width)
    return serve_size(request, output, width)


@require_safe
def input_file(request: HttpRequest, pk: uuid.UUID, position: int) -> HttpResponseBase:
    entry = _input(request, pk, position)
    entry.check_for(request.user)
    return serve_picture(request, entry.picture)


@require_safe
def input_size(request: HttpRequest, pk: uuid.UUID, position: int, width: int) -> HttpResponseBase:
    entry = _input(request, pk, position)
    _check_width(entry, request.user, width)
    return serve_size(request, entry.picture, width)


def _check_width(picture: Output | JobInput, user: Any, width: int) -> None:
    """What somebody may not take they may see, small."""
    if width > SMALL:
        picture.check_for(user)


def _output(request: HttpRequest, pk: uuid.UUID) -> Output:
    return get_object_or_404(Output, pk=pk, job__in=Job.objects.visible_to(request.user))


def _input(request: HttpRequest, pk: uuid.UUID, position: int) -> JobInput:
    return get_object_or_404(visible(request, pk).inputs.select_related("picture"), position=position)


@require_safe
def kept(request: HttpRequest, reference: str) -> HttpResponseBase:
    """A picture of a form that is not sent yet, small when it can be, for the one who put it there."""
    entry = references.opened_one(reference, request.user)
    return serve_preview(request, entry.picture if entry else _no_picture())


@require_safe
@login_not_required
def input_for_provider(request: HttpRequest, token: str, name: str) -> HttpResponseBase:
    """A clean copy for RunComfy's servers: whoever holds the signed address may read it while it lasts."""
    return serve_picture(request, delivery.picture_of(token) or _no_picture())


def _no_picture() -> Picture:
    raise Http404(_("There is no picture at this address, or it has expired."))
