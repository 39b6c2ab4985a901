"""The Django admin: the history, to be searched and read, not changed."""

import uuid
from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils.translation import gettext_lazy as _
from django_q.models import Failure, OrmQ, Schedule, Success

from .forms import SettleForm
from .models import ApiToken, Job, JobEvent, JobInput, Output, Picture, WebhookDelivery, WebhookEndpoint

# A schedule runs any function by name: whoever can write one runs code here.
for model in (Schedule, Success, Failure, OrmQ):
    if admin.site.is_registered(model):  # OrmQ is not, when the queue is in Redis
        admin.site.unregister(model)


class ReadOnly:
    """Rows that only their verbs may change."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class InputInline(ReadOnly, admin.TabularInline):
    model = JobInput
    fields = ("position", "name", "source_url", "picture")


class OutputInline(ReadOnly, admin.TabularInline):
    model = Output
    fields = ("position", "kind", "width", "height", "size", "sha256", "review", "stored_at")
    show_change_link = True


class EventInline(ReadOnly, admin.TabularInline):
    model = JobEvent
    fields = ("at", "verb", "from_state", "to_state", "actor", "data")


@admin.register(Job)
class JobAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ("created_at", "owner", "prompt", "state", "request_id", "estimate_usd", "cost_usd", "finished_at")
    list_filter = ("state", "reason", "optimize_prompt_options", "image_size")
    list_select_related = ("owner",)
    search_fields = ("text", "request_id", "owner__username")
    date_hierarchy = "created_at"
    show_full_result_count = False
    inlines = (InputInline, OutputInline, EventInline)

    change_form_template = "admin/jobs/job/change_form.html"

    def get_urls(self) -> list[Any]:
        settle = self.admin_site.admin_view(self.settle)
        return [path("<uuid:pk>/settle/", settle, name="jobs_job_settle"), *super().get_urls()]

    def settle(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        """The desk for an unconfirmed job, the same as on its page in the portal."""
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

    @admin.display(description=_("Prompt"), ordering="text")
    def prompt(self, job: Job) -> str:
        return job.text if len(job.text) <= 80 else f"{job.text[:79]}…"


@admin.register(Output)
class OutputAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ("stored_at", "job", "position", "kind", "width", "height", "size", "review")
    list_filter = ("kind", "review", "content_type")
    list_select_related = ("job",)
    search_fields = ("sha256", "job__text", "job__request_id")
    date_hierarchy = "stored_at"
    show_full_result_count = False


@admin.register(JobEvent)
class JobEventAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ("at", "job", "verb", "from_state", "to_state", "actor")
    list_filter = ("verb", "to_state")
    list_select_related = ("job", "actor")
    search_fields = ("job__text", "job__request_id")
    date_hierarchy = "at"
    show_full_result_count = False


@admin.register(Picture)
class PictureAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ("created_at", "sha256", "content_type", "width", "height", "size")
    search_fields = ("sha256",)
    show_full_result_count = False


@admin.register(ApiToken)
class ApiTokenAdmin(admin.ModelAdmin):
    """Tokens are made by their owners, who see them once; here anybody's can be revoked."""

    list_display = ("name", "user", "created", "last_used_at", "expiry")
    list_select_related = ("user",)
    fields = readonly_fields = ("name", "user", "created", "last_used_at", "expiry")
    search_fields = ("name", "user__username")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(ReadOnly, admin.ModelAdmin):
    """Without the whole address: it may hold a receiver's own token."""

    list_display = ("name", "owner", "host", "is_active", "disabled", "failures", "created_at")
    list_filter = ("is_active", "disabled")
    list_select_related = ("owner",)
    fields = ("name", "owner", "host", "events", "is_active", "disabled", "failures", "previous_until", "created_at")
    search_fields = ("name", "owner__username")


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ("created_at", "endpoint", "event", "state", "attempts", "code", "problem", "next_at")
    list_filter = ("state", "event", "problem")
    list_select_related = ("endpoint",)
    exclude = ("lease",)
    search_fields = ("event_id",)
    date_hierarchy = "created_at"
    show_full_result_count = False
