"""What reviewers decided, to be read; and the reasons that they may choose from, to be edited."""

from contextlib import suppress
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.db.models.deletion import ProtectedError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from jobs.models import RejectionReason, ReviewDecision

from .filters import Reviewer, WhyRejected
from .lists import ReadOnly, Rows, found_jobs, job_link, link, thumbnail


@admin.register(ReviewDecision)
class ReviewDecisionAdmin(ReadOnly, Rows):
    list_display = ("at", "shown", "verdict", "reviewer", "reason", "of_job", "of_output", "stands", "note")
    sortable_by = ("at",)
    list_filter = ("verdict", WhyRejected, Reviewer)
    list_select_related = ("output__job", "reason", "reviewer")
    search_fields = ("note",)
    search_help_text = gettext_lazy(
        "Words of the prompt, the id of a job or of a request. Looks at the newest 500 jobs that are found."
    )
    date_hierarchy = "at"
    fields = ("at", "output", "of_job", "verdict", "reason", "note", "reviewer", "replaces", "undoes", "stands", "act")
    readonly_fields = ("of_job", "stands")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReviewDecision]:
        rows = super().get_queryset(request).select_related(*self.list_select_related)
        return rows.defer("output__job__result", "output__job__provider_error")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[ReviewDecision], search_term: str
    ) -> tuple[QuerySet[ReviewDecision], bool]:
        if search_term.strip():
            queryset = queryset.filter(output__job__in=found_jobs(search_term))
        return queryset, False

    @admin.display(description=gettext_lazy("Picture"))
    def shown(self, decision: ReviewDecision) -> Any:
        output = decision.output
        source = output.size_url(output.widths[0]) if output.widths else ""
        return thumbnail(output, source, output.get_absolute_url())

    @admin.display(description=gettext_lazy("Output"))
    def of_output(self, decision: ReviewDecision) -> SafeString:
        address = reverse("admin:jobs_output_change", args=[decision.output_id])
        return link(address, decision.output.position + 1)

    @admin.display(description=gettext_lazy("Job"))
    def of_job(self, decision: ReviewDecision) -> SafeString:
        return job_link(decision.output.job)

    @admin.display(description=gettext_lazy("Stands"), boolean=True)
    def stands(self, decision: ReviewDecision) -> bool:
        return decision.output.decision_id == decision.pk


@admin.register(RejectionReason)
class RejectionReasonAdmin(admin.ModelAdmin):
    """One that was ever given can be retired, not deleted. Programs know each by its slug, which never changes."""

    list_display = ("position", "label", "slug", "is_active")
    list_display_links = ("label",)
    list_editable = ("position", "is_active")
    list_filter = ("is_active",)
    fields = ("name", "slug", "position", "is_active")
    ordering = ("position", "id")
    actions = ("retire",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # One by one: to say of many that they were given, Django would gather a row for each decision.
        return obj is not None and super().has_delete_permission(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("slug",) if obj else ()

    @admin.display(description=gettext_lazy("Name"), ordering="name")
    def label(self, reason: RejectionReason) -> str:
        return reason.label

    @admin.action(permissions=["change"], description=gettext_lazy("Retire"))
    def retire(self, request: HttpRequest, queryset: QuerySet[RejectionReason]) -> None:
        retired = list(queryset.filter(is_active=True))
        queryset.update(is_active=False)
        for reason in retired:
            self.log_change(request, reason, [{"changed": {"fields": ["is_active"]}}])
        words = ngettext("%(count)d reason is retired.", "%(count)d reasons are retired.", len(retired))
        self.message_user(request, words % {"count": len(retired)}, messages.SUCCESS)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        reason = self.get_object(request, object_id)
        if reason is None or not self.has_delete_permission(request, reason):
            return super().delete_view(request, object_id, extra_context)
        with suppress(ProtectedError):  # when it is given in this very moment
            if not reason.decisions.exists():
                return super().delete_view(request, object_id, extra_context)
        words = _("“%(reason)s” was given for a rejection and stays on record. Retire it instead.")
        self.message_user(request, words % {"reason": reason}, messages.ERROR)
        return redirect("admin:jobs_rejectionreason_change", reason.pk)
