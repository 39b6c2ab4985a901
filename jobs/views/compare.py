"""The page that shows two pictures against each other, and what differs between their edits."""

import uuid
from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from jobs.comparison import Edit, Slot, changes, edits_of, first_pair
from jobs.models import Job, JobInput, Output

AT_MOST = 4
VIEWS = ("slider", "side", "flip")


@require_safe
def compare(request: HttpRequest) -> HttpResponse:
    """?job=… once or more, and of their pictures ?a=… against ?b=…: an output's id, or a job's id.position."""
    ids = _ids(request)
    edits = edits_of(_jobs(request, ids[:AT_MOST]))
    before, after = _chosen(edits, request.GET.get("a"), request.GET.get("b"))
    context = {"page": "compare", "edits": edits, "before": before, "after": after}
    if before and after:
        view = request.GET.get("view", "")
        context |= _viewer(edits, before, after, view if view in VIEWS else VIEWS[0])
    return render(request, "jobs/compare.html", context | {"most": AT_MOST, "is_too_many": len(ids) > AT_MOST})


def _ids(request: HttpRequest) -> list[uuid.UUID]:
    try:
        return list(dict.fromkeys(map(uuid.UUID, request.GET.getlist("job"))))
    except ValueError:
        raise Http404(_("There is no such edit.")) from None


def _jobs(request: HttpRequest, ids: list[uuid.UUID]) -> list[Job]:
    jobs = Job.objects.visible_to(request.user).select_related("owner")
    jobs = jobs.prefetch_related("inputs__picture", "inputs__output__job", "outputs")
    found = jobs.in_bulk(ids)
    if len(found) < len(ids):
        raise Http404(_("There is no such edit."))
    return [found[pk] for pk in ids]


def _chosen(edits: list[Edit], a: str | None, b: str | None) -> tuple[Slot | None, Slot | None]:
    slots = {slot.word: slot for edit in edits for slot in edit.slots}
    before, after = first_pair(edits)
    try:
        return slots[a] if a else before, slots[b] if b else after
    except KeyError:
        raise Http404(_("There is no such picture in these edits.")) from None


def _viewer(edits: list[Edit], before: Slot, after: Slot, view: str) -> dict[str, Any]:
    def address(**other: str) -> str:
        query = QueryDict(mutable=True)
        query.setlist("job", [str(edit.job.pk) for edit in edits])
        query.update({"a": before.word, "b": after.word, "view": view, **other})
        return f"?{query.urlencode()}"

    names = {"slider": _("Slider"), "side": _("Side by side"), "flip": _("Flip")}
    return {
        "view": view,
        "address": address(),
        "modes": [(mode, names[mode], address(view=mode)) for mode in VIEWS],
        "strips": [_strip(edits, "a", before, address), _strip(edits, "b", after, address)],
        "changes": None if before.edit is after.edit else changes(before.edit, after.edit),
    }


def _strip(edits: list[Edit], side: str, chosen: Slot, address: Callable[..., str]) -> dict[str, Any]:
    groups = [
        (name, [{"slot": slot, "url": address(**{side: slot.word}), "is_shown": slot is chosen} for slot in slots])
        for name, slots in _groups(edits, side, chosen)
    ]
    return {"side": side, "title": _("Before") if side == "a" else _("After"), "groups": groups}


def _groups(edits: list[Edit], side: str, chosen: Slot) -> list[tuple[str, list[Slot]]]:
    """One edit's pictures before and its results after; everything where that is not how they were chosen."""
    usual = JobInput if side == "a" else Output
    if len(edits) == 1 and isinstance(chosen.picture, usual):
        return [("", edits[0].inputs if side == "a" else edits[0].results)]
    return [
        group
        for edit in edits
        for group in [
            (_("%(edit)s: pictures") % {"edit": edit.name} if edit.name else _("Pictures"), edit.inputs),
            (_("%(edit)s: results") % {"edit": edit.name} if edit.name else _("Results"), edit.results),
        ]
    ]
