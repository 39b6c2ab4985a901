"""What happened to jobs, and by whom."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from jobs.models import JobEvent

from .lists import ReadOnly, Rows, found_jobs, job_link


@admin.register(JobEvent)
class JobEventAdmin(ReadOnly, Rows):
    list_display = ("at", "of_job", "text", "from_state", "to_state", "actor")
    sortable_by = ("at",)
    ordering = ("-at", "-id")
    list_filter = ("verb",)
    list_select_related = ("job", "actor")
    search_fields = ("verb",)
    search_help_text = gettext_lazy(
        "Words of the prompt, the id of a job or of a request. Looks at the newest 500 jobs that are found."
    )
    date_hierarchy = "at"

    def get_queryset(self, request: HttpRequest) -> QuerySet[JobEvent]:
        rows = super().get_queryset(request).select_related(*self.list_select_related)
        return rows.defer("job__result", "job__provider_error")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[JobEvent], search_term: str
    ) -> tuple[QuerySet[JobEvent], bool]:
        return (queryset.filter(job__in=found_jobs(search_term)) if search_term.strip() else queryset), False

    @admin.display(description=gettext_lazy("Job"))
    def of_job(self, event: JobEvent) -> SafeString:
        return job_link(event.job)

    @admin.display(description=gettext_lazy("Event"))
    def text(self, event: JobEvent) -> str:
        return event.text
