"""Outputs, and deciding about many of them: asked first, with what stood when it was asked."""

import uuid
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from jobs import review, seedream
from jobs.models import Output, RejectionReason, ReviewDecision
from jobs.models.review import NOTE_MAX

from .acts import Acts, Line, is_confirmed
from .lists import ReadOnly, Rows, found_jobs, job_link, link, named, thumbnail, with_hash
from .verifying import verify

LARGE = 480, 360


class VerdictForm(forms.Form):
    """Valid, it holds the `wish`."""

    reason = forms.ChoiceField(required=False, widget=forms.RadioSelect, label=gettext_lazy("Reason"))
    note = forms.CharField(
        required=False,
        max_length=NOTE_MAX,
        widget=forms.Textarea(attrs={"rows": 3, "class": "vLargeTextField"}),
        label=gettext_lazy("Note to the author"),
    )
    wish: review.Wish

    def __init__(self, verdict: str, data: Any = None):
        super().__init__(data)
        self.verdict = verdict
        if verdict == review.Verdict.REJECTED:
            reasons: Any = self.fields["reason"]
            reasons.choices = [(reason.slug, reason.label) for reason in RejectionReason.objects.filter(is_active=True)]
        else:
            del self.fields["reason"]

    def clean(self) -> dict[str, Any]:
        if not self.errors:
            try:
                given = self.cleaned_data
                self.wish = review.wish(self.verdict, given.get("reason", ""), given["note"])
            except seedream.InvalidInput as problem:
                for name, words in problem.errors.items():
                    self.add_error(name, words)
        return self.cleaned_data


class DecisionInline(ReadOnly, admin.TabularInline):
    model = ReviewDecision
    fk_name = "output"
    fields = ("at", "verdict", "reason", "reviewer", "note")
    show_change_link = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReviewDecision]:
        return super().get_queryset(request).select_related("reason", "reviewer")


@admin.register(Output)
class OutputAdmin(Acts, ReadOnly, Rows):
    list_display = ("stored_at", "shown", "review", "of_job", "number", "links", "width", "height", "size")
    sortable_by = ("stored_at",)
    ordering = ("-stored_at", "-id")
    list_filter = ("review",)
    list_select_related = ("job__owner", "decision__reviewer", "decision__reason")
    search_fields = ("sha256",)
    search_help_text = gettext_lazy(
        "Words of the prompt, the id of a job or of a request; or how the hash of a file begins. Looks at the newest "
        "500 jobs that are found."
    )
    date_hierarchy = "stored_at"
    actions = ("approve", "reject", "verify")
    inlines = (DecisionInline,)
    fields = (
        "large", "job", "position", "kind", "content_type", ("width", "height"), "size", "sha256", "stored_as",
        "source_url", "review", "decision", "stored_at", "color", "widths", "sized_at", ("original", "original_at"),
    )  # fmt: skip
    readonly_fields = ("large", "stored_as")
    change_form_template = "admin/jobs/output/change_form.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Output]:
        rows = super().get_queryset(request).select_related(*self.list_select_related)
        return rows.defer("job__result", "job__provider_error")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Output], search_term: str
    ) -> tuple[QuerySet[Output], bool]:
        if not search_term.strip():
            return queryset, False
        with_that_hash = with_hash(queryset, search_term)
        found = with_that_hash if with_that_hash.exists() else queryset.filter(job__in=found_jobs(search_term))
        return found, False

    @admin.display(description=gettext_lazy("Picture"))
    def shown(self, output: Output) -> Any:
        return thumbnail(output, _smallest(output), reverse("admin:jobs_output_change", args=[output.pk]))

    @admin.display(description=gettext_lazy("Picture"))
    def large(self, output: Output) -> Any:
        return thumbnail(output, output.page_url, output.file_url, LARGE)

    @admin.display(description=gettext_lazy("Job"))
    def of_job(self, output: Output) -> SafeString:
        return job_link(output.job)

    @admin.display(description=gettext_lazy("Number"))
    def number(self, output: Output) -> int:
        return output.position + 1

    @admin.display(description=gettext_lazy("Stored as"))
    def stored_as(self, output: Output) -> str:
        return str(output.file.name)

    @admin.display(description=gettext_lazy("Links"))
    def links(self, output: Output) -> SafeString:
        decisions = reverse("admin:jobs_reviewdecision_changelist")
        return format_html(
            "{} · {}",
            link(output.get_absolute_url(), _("In the portal")),
            link(f"{decisions}?output__id__exact={output.pk}", _("Decisions")),
        )

    # What is done to many

    @admin.action(permissions=["review"], description=gettext_lazy("Approve …"))
    def approve(self, request: HttpRequest, queryset: QuerySet[Output]) -> HttpResponse | None:
        return self._decide(request, self.rows(request, queryset), review.Verdict.APPROVED)

    @admin.action(permissions=["review"], description=gettext_lazy("Reject …"))
    def reject(self, request: HttpRequest, queryset: QuerySet[Output]) -> HttpResponse | None:
        return self._decide(request, self.rows(request, queryset), review.Verdict.REJECTED)

    @admin.action(permissions=["move"], description=gettext_lazy("Verify the stored files"))
    def verify(self, request: HttpRequest, queryset: QuerySet[Output]) -> None:
        of_jobs: dict[Any, list[Any]] = {}
        for output in self.rows(request, queryset):
            of_jobs.setdefault(output.job, []).append(output)
        found = verify(of_jobs.items(), request.user)
        self.report(request, found.words, found.problems)

    def _decide(self, request: HttpRequest, outputs: list[Output], verdict: review.Verdict) -> HttpResponse | None:
        if not outputs:
            return None
        form = VerdictForm(verdict, request.POST if is_confirmed(request) else None)
        if not form.is_valid():
            return self._ask(request, outputs, form)
        refused = {output: why for output in outputs if (why := review.why_not(request.user, output.job))}
        seen = [_as_seen(request, output) for output in outputs if output not in refused]
        try:
            outcome = review.decide(seen, request.user, form.wish)
        except review.NotAllowed as problem:  # what they may do, or the job, changed in this moment
            self.message_user(request, str(problem), messages.WARNING)
            return None
        except Output.DoesNotExist:  # deleted with its job in this moment
            self.message_user(request, _("There is no such result."), messages.WARNING)
            return None
        self._tell(request, outcome, form.wish, refused)
        return None

    def _ask(self, request: HttpRequest, outputs: list[Output], form: VerdictForm) -> HttpResponse:
        is_approval = form.verdict == review.Verdict.APPROVED
        words = _("Your verdict takes the place of the one that stands; both stay on record.")
        lines = [
            Line(
                output.pk,
                named(output, output.job),
                _standing(output),
                review.why_not(request.user, output.job),
                thumbnail(output, _smallest(output), output.get_absolute_url()),
                str(output.decision_id or ""),
            )
            for output in outputs
        ]
        title = _("Approve these pictures?") if is_approval else _("Reject these pictures?")
        return self.ask(request, title, words, lines, form)

    def _tell(
        self, request: HttpRequest, outcome: review.Outcome, wish: review.Wish, refused: dict[Output, str]
    ) -> None:
        count = len(outcome.decided)
        if wish.verdict == review.Verdict.APPROVED:
            words = ngettext("%(count)d picture is approved.", "%(count)d pictures are approved.", count)
        else:
            words = ngettext("%(count)d picture is rejected.", "%(count)d pictures are rejected.", count)
        meanwhile = _("decided meanwhile: %(standing)s")
        problems = [(named(output, output.job), why) for output, why in refused.items()]
        problems += [
            (named(output, output.job), meanwhile % {"standing": _standing(output)}) for output in outcome.clashes
        ]
        self.report(request, words % {"count": count} if count else "", problems)


def _smallest(output: Output) -> str:
    return output.size_url(output.widths[0]) if output.widths else ""


def _standing(output: Output) -> str:
    """The verdict in words, with who gave it and why."""
    decision = output.decision
    if decision is None:
        return output.get_review_display()
    why = [decision.reason.label] if decision.reason else []
    return ", ".join([output.get_review_display(), decision.reviewer.get_username(), *why])


def _as_seen(request: HttpRequest, output: Output) -> Output:
    """With the decision that stood when the page asked: another one that stands by now is not overwritten."""
    given = request.POST.get(f"seen-{output.pk}", "")
    if given != str(output.decision_id or ""):
        output.decision = output.decisions.filter(pk=given).first() if _is_uuid(given) else None
    return output


def _is_uuid(word: str) -> bool:
    try:
        uuid.UUID(word)
    except ValueError:
        return False
    return True
