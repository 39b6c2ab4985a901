"""Edits that are compared: their pictures by name, which two come first, and what differs, in words."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from . import differences
from .models import Job, JobInput, Output


@dataclass
class Slot:
    """A picture that can be chosen; `word` stands for it in the address."""

    word: str
    title: str
    picture: JobInput | Output
    edit: "Edit"


@dataclass
class Edit:
    """A chosen job; `name` is "Edit A" where there are several."""

    job: Job
    name: str = ""
    inputs: list[Slot] = field(default_factory=list)
    results: list[Slot] = field(default_factory=list)

    @property
    def slots(self) -> list[Slot]:
        return [*self.inputs, *self.results]


def edits_of(jobs: list[Job]) -> list[Edit]:
    """The jobs in their order, the first named A."""
    if len(jobs) == 1:
        return [_edit(jobs[0], "")]
    return [_edit(job, _("Edit %(letter)s") % {"letter": chr(ord("A") + at)}) for at, job in enumerate(jobs)]


def _edit(job: Job, name: str) -> Edit:
    edit = Edit(job, name)
    picture = _("%(edit)s, picture %(number)d") if name else _("Picture %(number)d")
    result = _("%(edit)s, result %(number)d") if name else _("Result %(number)d")
    for entry in job.inputs.all():
        title = picture % {"edit": name, "number": entry.position + 1}
        edit.inputs.append(Slot(f"{job.pk}.{entry.position}", title, entry, edit))
    for output in job.outputs.all():
        if output.kind == Output.Kind.IMAGE:
            title = result % {"edit": name, "number": output.position + 1}
            edit.results.append(Slot(str(output.pk), title, output, edit))
    return edit


def first_pair(edits: list[Edit]) -> tuple[Slot | None, Slot | None]:
    """What went in and what came out; of several edits what came out of the first two, or else went in."""
    if not edits:
        return None, None
    if len(edits) == 1:
        return _first(edits[0].inputs), _first(edits[0].results)
    return _first(edits[0].results + edits[0].inputs), _first(edits[1].results + edits[1].inputs)


def _first(slots: Iterable[Slot]) -> Slot | None:
    return next(iter(slots), None)


def changes(before: Edit, after: Edit) -> dict[str, Any]:
    """What differs between two edits."""
    old, new = _settings(before.job), _settings(after.job)
    changed = differences.settings(old, new)
    words = differences.words(before.job.text, after.job.text)
    pictures = differences.pictures(_hashes(before), _hashes(after))
    return {
        "before": before,
        "after": after,
        "words": words,
        "is_same_prompt": all(stretch.kind == "same" for stretch in words),
        "settings": [(name, old[name], new[name]) for name in changed],
        "equal": [name for name in old if name not in changed],
        "only_before": [before.inputs[place] for place in pictures.only_before],
        "only_after": [after.inputs[place] for place in pictures.only_after],
        "is_reordered": pictures.is_reordered,
    }


def _settings(job: Job) -> dict[str, str]:
    """The settings under the names and in the words of the job page."""
    count = job.sequential_image_generation_options
    return {
        _("Aspect ratio"): job.ratio,
        _("Quality"): _("Standard") if job.optimize_prompt_options == "standard" else _("Fast"),
        _("Images"): ngettext("%(count)s", "up to %(count)s", count) % {"count": count},
        _("Seed"): _("by chance") if job.seed is None else str(job.seed),
        _("Series"): job.sequential_image_generation,
    }


def _hashes(edit: Edit) -> list[str]:
    return [slot.picture.shown.sha256 for slot in edit.inputs]
