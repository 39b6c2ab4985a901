"""What chosen jobs made, in one zip."""

import uuid
from typing import Any

from django.http import Http404, HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from jobs import archive as archives
from jobs.models import Job


@require_safe
def archive(request: HttpRequest) -> HttpResponseBase:
    ids = _ids(request)
    if len(ids) > archives.MAX_JOBS:
        problem = _("A zip holds %(count)d jobs at most. Choose fewer.") % {"count": archives.MAX_JOBS}
        return render(request, "jobs/no_archive.html", {"problem": problem}, status=400)
    jobs = _jobs(request.user, ids)
    try:
        content = archives.build(jobs, request.user)
    except OSError:
        problem = _("The place where the pictures are stored does not answer. Try again in a moment.")
        return render(request, "jobs/no_archive.html", {"problem": problem}, status=503)
    name = archives.label(jobs[0]) if len(jobs) == 1 else f"{timezone.localdate():%Y-%m-%d} {len(jobs)}-jobs"
    headers = {
        "Content-Length": str(len(content)),
        "Content-Disposition": content_disposition_header(True, f"{name}.zip") or "attachment",
        "Cache-Control": "private, no-store",
    }
    # Its own generator: closed with the response, it closes the file that it was reading.
    return StreamingHttpResponse(iter(content), content_type="application/zip", headers=headers)


def _ids(request: HttpRequest) -> list[uuid.UUID]:
    try:
        return list(dict.fromkeys(uuid.UUID(word) for word in request.GET.getlist("job")))
    except ValueError:
        raise Http404(_("There is no such job.")) from None


def _jobs(user: Any, ids: list[uuid.UUID]) -> list[Job]:
    visible = Job.objects.visible_to(user).select_related("owner")
    found = visible.prefetch_related("inputs__picture", "outputs").in_bulk(ids)
    if not ids or len(found) < len(ids):
        raise Http404(_("There is no such job."))
    return [found[pk] for pk in ids]
