"""The page of one output."""

import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from jobs.models import Job, Output

LATER_EDITS = 10


@require_safe
def picture(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    jobs = Job.objects.visible_to(request.user)
    outputs = Output.objects.select_related("job__owner", "decision__reviewer", "decision__reason")
    output = get_object_or_404(outputs, pk=pk, job__in=jobs)
    later = list(jobs.filter(inputs__output=output).select_related("owner").distinct()[: LATER_EDITS + 1])
    context = {
        "page": "picture",
        "output": output,
        "job": output.job,
        "is_withheld": bool(output.why_not_for(request.user)),
        "address": request.build_absolute_uri(output.get_absolute_url()),
        "later": later[:LATER_EDITS],
        "has_more_later": len(later) > LATER_EDITS,
    }
    return render(request, "jobs/picture.html", context | _place(output))


def _place(output: Output) -> dict[str, Any]:
    """Which of the job's outputs it is, and its neighbours."""
    outputs = list(output.job.outputs.all())
    at = outputs.index(output)
    return {
        "number": at + 1,
        "total": len(outputs),
        "previous": outputs[at - 1] if at else None,
        "next": outputs[at + 1] if at + 1 < len(outputs) else None,
    }
