"""Jobs, and what staff do to them: cancel, have them looked at, verify, settle."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from jobs import lifecycle, seedream, upkeep
from jobs.forms import SettleForm
from jobs.models import Job, JobEvent, JobInput, Output

from .acts import Acts, Line, is_confirmed
from .filters import Held, OfPicture, Owner, Quality, WhyFailed
from .lists import ReadOnly, Rows, link, short, thumbnail
from .restoring import restore
from .verifying import verify


class InputInline(ReadOnly, admin.TabularInline):
    model = JobInput
    fields = readonly_fields = ("position", "shown", "name", "source_url", "picture")

    def get_queryset(self, request: HttpRequest) -> QuerySet[JobInput]:
        return super().get_queryset(request).select_related("picture")

    @admin.display(description=gettext_lazy("Picture"))
    def shown(self, entry: JobInput) -> Any:
        target = reverse("admin:jobs_picture_change", args=[entry.picture_id])
        return thumbnail(entry.picture, entry.size_url(entry.picture.widths[0]) if entry.picture.widths else "", target)


class OutputInline(ReadOnly, admin.TabularInline):
    model = Output
    fields = readonly_fields = (
        "position",
        "shown",
        "kind",
        "width",
        "height",
        "size",
        "sha256",
        "review",
        "stored_at",
        "original",
    )
    show_change_link = True

    @admin.display(description=gettext_lazy("Picture"))
    def shown(self, output: Output) -> Any:
        return thumbnail(output, output.size_url(output.widths[0]) if output.widths else "", output.get_absolute_url())


class EventInline(ReadOnly, admin.TabularInline):
    model = JobEvent
    fields = ("at", "verb", "from_state", "to_state", "actor", "data")

    def get_queryset(self, request: HttpRequest) -> QuerySet[JobEvent]:
        return super().get_queryset(request).select_related("actor")


@admin.register(Job)
class JobAdmin(Acts, ReadOnly, Rows):
    list_display = (
        "created_at", "prompt", "state", "owner", "portal", "estimate_usd", "cost_usd", "finished_at", "request_id",
    )  # fmt: skip
    sortable_by = ("created_at",)
    list_filter = ("state", WhyFailed, Quality, Owner, Held, OfPicture)
    list_select_related = ("owner",)
    search_fields = ("text",)
    search_help_text = gettext_lazy("Words of the prompt, as in the portal; or the id of a job or of a request.")
    date_hierarchy = "created_at"
    actions = ("cancel", "ring_again", "verify", "hold", "release", "restore")
    inlines = (InputInline, OutputInline, EventInline)
    fieldsets = (
        (None, {"fields": ("owner", "created_at", "parent")}),
        (gettext_lazy("What was asked for"), {"fields": tuple(seedream.PARAMETERS)}),
        (
            gettext_lazy("Where it stands"),
            {
                "fields": (
                    ("state", "reason"), ("trouble", "trouble_at"), "version", "attempt", "pending_since",
                    "submitted_at", "accepted_at", "started_at", "finished_at", "cancel_requested_at",
                    "cancel_refused_at",
                )
            },
        ),
        (
            gettext_lazy("What RunComfy said"),
            {
                "fields": (
                    "request_id", "provider_status", "queue_position", ("estimate_usd", "cost_usd"), "provider_error",
                    "result",
                )
            },
        ),
        (gettext_lazy("Who moves it"), {"fields": ("lease", "leased_until", "not_before")}),
        (gettext_lazy("Whether its files are kept"), {"fields": (("held_at", "held_by"),)}),
    )  # fmt: skip
    change_form_template = "admin/jobs/job/change_form.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Job]:
        # What RunComfy said is long, and no list shows it.
        return super().get_queryset(request).defer("result", "provider_error")

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[QuerySet[Job], bool]:
        return (queryset.matching(search_term) if search_term.strip() else queryset), False

    @admin.display(description=gettext_lazy("Prompt"))
    def prompt(self, job: Job) -> str:
        return short(job.text)

    @admin.display(description=gettext_lazy("In the portal"))
    def portal(self, job: Job) -> SafeString:
        return link(job.get_absolute_url(), _("Show"))

    # What is done to many

    @admin.action(permissions=["move"], description=gettext_lazy("Cancel …"))
    def cancel(self, request: HttpRequest, queryset: QuerySet[Job]) -> HttpResponse | None:
        jobs = self.rows(request, queryset)
        if jobs and not is_confirmed(request):
            return self._ask_to_cancel(request, jobs)
        refused = [
            (short(job.text), _why_not_cancelled(job)) for job in jobs if not lifecycle.cancel(job, request.user)
        ]
        count = len(jobs) - len(refused)
        words = ngettext("%(count)d job is cancelled, or RunComfy is asked to.",
                         "%(count)d jobs are cancelled, or RunComfy is asked to.", count)  # fmt: skip
        self.report(request, words % {"count": count} if count else "", refused)
        return None

    def _ask_to_cancel(self, request: HttpRequest, jobs: list[Job]) -> HttpResponse:
        words = _(
            "What was not sent yet is cancelled at once. RunComfy is asked about the rest; an edit that it has begun "
            "goes on and is charged."
        )
        lines = [
            Line(job.pk, short(job.text), job.get_state_display(), "" if job.can_cancel else _why_not_cancelled(job))
            for job in jobs
        ]
        return self.ask(request, _("Cancel these jobs?"), words, lines)

    @admin.action(permissions=["move"], description=gettext_lazy("Have them looked at again"))
    def ring_again(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        jobs = self.rows(request, queryset)
        others = lifecycle.ring_again(jobs, request.user)
        count = len(jobs) - len(others)
        words = ngettext("A worker was rung for %(count)d job.", "A worker was rung for %(count)d jobs.", count)
        why = _("no worker moves it: %(state)s")
        refused = [(short(job.text), why % {"state": job.get_state_display()}) for job in others]
        self.report(request, words % {"count": count} if count else "", refused)

    @admin.action(permissions=["move"], description=gettext_lazy("Verify the stored files"))
    def verify(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        found = verify(((job, upkeep.files_of(job)) for job in self.rows(request, queryset)), request.user)
        self.report(request, found.words, found.problems)

    @admin.action(permissions=["move"], description=gettext_lazy("Keep their files"))
    def hold(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        count = sum(lifecycle.hold(job, request.user) for job in self._may(request, queryset, Job.may_be_held_by))
        words = ngettext("The files of %(count)d job are kept from now on.",
                         "The files of %(count)d jobs are kept from now on.", count)  # fmt: skip
        self.report(request, words % {"count": count} if count else "", [])

    @admin.action(permissions=["move"], description=gettext_lazy("Keep their files no longer"))
    def release(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        jobs = self._may(request, queryset, Job.may_be_released_by)
        count = sum(lifecycle.release(job, request.user) for job in jobs)
        words = ngettext("The retention rules hold for %(count)d job again.",
                         "The retention rules hold for %(count)d jobs again.", count)  # fmt: skip
        self.report(request, words % {"count": count} if count else "", [])

    def _may(self, request: HttpRequest, queryset: QuerySet[Job], may: Callable[[Job, Any], bool]) -> Iterator[Job]:
        """Those that this person may keep, or let go of; the others are named."""
        for job in self.rows(request, queryset):
            if may(job, request.user):
                yield job
            else:
                self.report(request, "", [(short(job.text), _("this is for its owner and reviewers."))])

    @admin.action(permissions=["move"], description=gettext_lazy("Bring archived originals back"))
    def restore(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        count, problems = restore(self.rows(request, queryset), request.user)
        words = ngettext("%(count)d original was brought back.", "%(count)d originals were brought back.", count)
        self.report(request, words % {"count": count} if count else "", problems)

    # What is decided about one

    def get_urls(self) -> list[Any]:
        settle = self.admin_site.admin_view(self.settle)
        return [path("<uuid:pk>/settle/", settle, name="jobs_job_settle"), *super().get_urls()]

    def settle(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        """The desk for an unconfirmed job, the same as on its page in the portal."""
        if not self.has_move_permission(request):
            raise PermissionDenied
        job = get_object_or_404(Job, pk=pk)
        form = SettleForm(request.POST or None)
        settled = form.settle(job, request.user) if request.method == "POST" else None
        if settled is not None:
            job.refresh_from_db()
            text = job.get_state_display() if settled else job.why_not_settled
            self.message_user(request, text, messages.SUCCESS if settled else messages.WARNING)
            return redirect("admin:jobs_job_change", pk)
        context = {**self.admin_site.each_context(request), "opts": self.opts, "job": job, "form": form}
        return render(request, "admin/jobs/job/settle.html", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        told = (extra_context or {}) | {"can_settle": self.has_move_permission(request)}
        return super().change_view(request, object_id, form_url, told)


def _why_not_cancelled(job: Job) -> str:
    job.refresh_from_db()
    if job.cancel_requested_at and job.is_active:
        return _("RunComfy is being asked already.")
    return job.why_not_cancelled
