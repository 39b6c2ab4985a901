"""The page for a new edit."""

import uuid
from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from jobs import figures, idempotency, intake, lifecycle, references, seedream
from jobs.forms import EditForm
from jobs.models import IdempotencyKey, Job, JobInput, Output
from jobs.states import State

RECENT = 12


def new(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        return _submit_edit(request)
    outputs, anew = _asked_outputs(request), _anew(request)
    origin = _origin(request, anew)
    parameters = origin.parameters if origin else {}
    form = EditForm(user=request.user, initial={"idempotency_key": uuid.uuid4().hex} | parameters)
    first = [anew] if anew and _is_of_result(request, anew) else _inputs_of(origin)
    previews = _previews(request, [*first, *outputs])
    return render(request, "jobs/new.html", _new_context(request, form, previews, origin, anew, outputs))


@require_safe
def recent(request: HttpRequest) -> HttpResponse:
    """The newest results, each with a link that adds it to the form of that query."""
    return render(request, "jobs/_recent.html", {"recent": _recent(request)})


def _is_of_result(request: HttpRequest, anew: Output) -> bool:
    """Whether a result that is made anew is the picture; otherwise those are that it was made of."""
    return "from" not in request.GET and not anew.why_not_for(request.user)


def _origin(request: HttpRequest, anew: Output | None) -> Job | None:
    """The job whose settings and pictures are used again (?from=id), or that of a result that is made anew."""
    if anew and "from" not in request.GET:
        return anew.job
    try:
        origin_id = uuid.UUID(request.GET.get("from", ""))
    except ValueError:
        return None
    return Job.objects.visible_to(request.user).filter(pk=origin_id).first()


def _anew(request: HttpRequest) -> Output | None:
    """The result that is to be made anew (?anew=id), with what a reviewer said of it. None also for one that was
    deleted since: what was typed into its form is a new edit."""
    try:
        output_id = uuid.UUID(request.GET.get("anew", ""))
    except ValueError:
        return None
    known = _visible_images(request).select_related("job", "decision__reviewer", "decision__reason")
    found: Output | None = known.filter(pk=output_id).first()
    return found


def _asked_outputs(request: HttpRequest) -> list[Output]:
    """The results to be used as pictures (?output=id, any number of them), in that order."""
    try:
        ids = [uuid.UUID(word) for word in request.GET.getlist("output")]
    except ValueError:
        raise Http404(_("There is no such result.")) from None
    rows = _visible_images(request).filter(pk__in=ids).select_related("job").in_bulk() if ids else {}
    if len(rows) < len(set(ids)):
        raise Http404(_("There is no such result."))
    return [rows[pk] for pk in ids]


def _visible_images(request: HttpRequest) -> Any:
    return Output.objects.filter(kind=Output.Kind.IMAGE, job__in=Job.objects.visible_to(request.user))


def _recent(request: HttpRequest) -> list[dict[str, Any]]:
    # Of the newest jobs: sorted among all outputs, SQLite would read and sort every one that may be seen.
    done = Job.objects.visible_to(request.user).filter(state=State.COMPLETED).order_by("-created_at", "-id")
    images = Output.objects.takeable_by(request.user).filter(kind=Output.Kind.IMAGE)
    newest = images.filter(job__in=list(done.values_list("pk", flat=True)[:RECENT]))
    outputs = newest.select_related("job").order_by("-id")[:RECENT]
    return [_preview_of_output(output) | {"output": output, "add": _with(request.GET, output)} for output in outputs]


def _with(query: QueryDict, output: Output) -> str:
    query = query.copy()
    query.pop("recent", None)
    query.appendlist("output", str(output.pk))
    return f"{reverse('jobs:new')}?{query.urlencode()}"


def _submit_edit(request: HttpRequest) -> HttpResponse:
    form = EditForm(request.POST, user=request.user, pictures=_posted_pictures(request))
    anew = _anew(request)
    origin = _origin(request, anew)
    key = idempotency.key_of_form(request, request.POST.get("idempotency_key", ""))
    try:
        job = idempotency.once(key, lambda: _create(form, request, origin, key))
    except idempotency.JobDeleted:  # whoever presses the button again wants it again
        job = _create(form, request, origin, None)
    if request.headers.get("X-Requested-With") == "fetch":
        return _answer_script(form, job)
    if job is None:
        previews = [_preview_of_kept(entry, request.user) for entry in form.kept]
        return render(request, "jobs/new.html", _new_context(request, form, previews, origin, anew), status=422)
    return redirect("jobs:detail", job.pk)


def _create(form: EditForm, request: HttpRequest, origin: Job | None, key: IdempotencyKey | None) -> Job | None:
    if not form.is_valid():
        return None
    try:
        return lifecycle.create(
            request.user,
            form.parameters,
            form.kept,
            parent=origin,
            key=key,
        )
    except seedream.InvalidInput as problem:
        form.add_error("images", problem.errors["images"])
        return None


def _posted_pictures(request: HttpRequest) -> list[Any]:
    """Kept pictures without the dropped ones, files, and the lines of the box for links."""
    data = request.POST.copy()
    for number in request.POST.getlist("drop"):
        data.pop(f"images[{number}]", None)
    links = [line.strip() for line in data.get("links", "").splitlines() if line.strip()]
    return intake.with_outputs(intake.in_order(data, request.FILES) + links, request.get_host())


def _answer_script(form: EditForm, job: Job | None) -> HttpResponse:
    if job is None:
        return JsonResponse({"errors": {name: list(texts) for name, texts in form.errors.items()}}, status=422)
    return JsonResponse({"url": reverse("jobs:detail", args=[job.pk])}, status=201)


def _new_context(
    request: HttpRequest,
    form: EditForm,
    previews: list[dict[str, Any]],
    origin: Job | None,
    anew: Output | None,
    outputs: Sequence[Output] = (),
) -> dict[str, Any]:
    return {
        "page": "new",
        "form": form,
        "kept": previews,
        "advice": form.advice(len(previews)),
        "unit_price": lifecycle.unit_price(),
        **_usual(form),
        "referred": seedream.REFERRED,
        "number_words": seedream.NUMBER,
        "origin": origin,
        "anew": anew,
        "is_of_result": anew is not None and _is_of_result(request, anew),
        "is_origin_missing": bool((request.GET.get("from") and not origin) or (request.GET.get("anew") and not anew)),
        "origin_parameters": origin.parameters if origin else None,
        "started_from": origin or next((output.job for output in outputs), None),
        "recent": _recent(request) if "recent" in request.GET else None,
    }


def _usual(form: EditForm) -> dict[str, Any]:
    """How long edits usually take, by quality and number of images, and for the number that is chosen now."""
    words = {
        quality: {str(count): _("about %(time)s") % {"time": figures.spoken(seconds)} for count, seconds in row.items()}
        for quality, row in figures.usual_table().items()
    }
    count = str(form["sequential_image_generation_options"].value())
    return {"usual": words, "usual_now": {quality: row.get(count, "") for quality, row in words.items()}}


def _inputs_of(job: Job | None) -> list[JobInput]:
    return list(job.inputs.select_related("picture", "output__job")) if job else []


def _previews(request: HttpRequest, pictures: Sequence[JobInput | Output]) -> list[dict[str, Any]]:
    """Of those that may be used; the page says which may not, and why."""
    previews = []
    for picture in pictures:
        preview = _preview_of(picture, request.user)
        if problem := picture.why_not_for(request.user):
            messages.warning(request, f"{preview['name']}: {problem}")
        else:
            previews.append(preview)
    return previews


def _preview_of(picture: JobInput | Output, user: Any) -> dict[str, Any]:
    return _preview_of_output(picture) if isinstance(picture, Output) else _preview_of_input(picture, user)


def _preview_of_input(entry: JobInput, user: Any) -> dict[str, Any]:
    reference = references.reference(entry.picture, user, entry.name, entry.output_id)
    return _preview(reference, entry.page_url, entry.name, entry.picture)


def _preview_of_kept(entry: intake.Kept, user: Any) -> dict[str, Any]:
    reference = references.reference(entry.picture, user, entry.name, entry.output_id)
    return _preview(reference, reverse("jobs:kept", args=[reference]), entry.name, entry.picture)


def _preview_of_output(output: Output) -> dict[str, Any]:
    return _preview(intake.output_word(output), output.page_url, intake.output_name(output), output)


def _preview(reference: str, url: str, name: str, shown: Any) -> dict[str, Any]:
    return {"ref": reference, "url": url, "name": name, "width": shown.width, "height": shown.height}
