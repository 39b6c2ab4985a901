"""What programs use: tokens, and the webhooks with their deliveries."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from jobs.models import ApiToken, WebhookDelivery, WebhookEndpoint

from .filters import Owner
from .lists import ReadOnly, Rows, link


@admin.register(ApiToken)
class ApiTokenAdmin(Rows):
    """Tokens are made by their owners, who see them once; here anybody's can be revoked."""

    list_display = ("name", "user", "created", "last_used_at", "expiry")
    ordering = ("-created",)
    list_select_related = ("user",)
    fields = readonly_fields = ("name", "user", "created", "last_used_at", "expiry")
    search_fields = ("name", "user__username")
    date_hierarchy = "created"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(ReadOnly, Rows):
    """Without the whole address: it may hold a receiver's own token."""

    list_display = ("name", "owner", "host", "is_active", "disabled", "failures", "created_at", "deliveries")
    list_filter = ("is_active", "disabled", Owner)
    list_select_related = ("owner",)
    fields = (
        "name", "owner", "host", "events", "is_active", "disabled", "failures", "previous_until", "created_at",
        "deliveries",
    )  # fmt: skip
    readonly_fields = ("deliveries",)
    search_fields = ("name", "owner__username")

    @admin.display(description=gettext_lazy("Deliveries"))
    def deliveries(self, endpoint: WebhookEndpoint) -> SafeString:
        return link(f"{reverse('admin:jobs_webhookdelivery_changelist')}?endpoint__id__exact={endpoint.pk}", _("Show"))


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ReadOnly, Rows):
    list_display = ("created_at", "endpoint", "event", "of_job", "state", "attempts", "code", "problem", "next_at")
    sortable_by = ("created_at",)
    ordering = ("-created_at", "-id")
    list_filter = ("state",)
    list_select_related = ("endpoint",)
    exclude = ("lease",)
    readonly_fields = ("of_job",)
    search_fields = ("event_id",)
    search_help_text = gettext_lazy("The whole id of an event.")
    date_hierarchy = "created_at"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[WebhookDelivery], search_term: str
    ) -> tuple[QuerySet[WebhookDelivery], bool]:
        if search_term.strip():
            # By each endpoint: that is how the index has them.
            endpoints = list(WebhookEndpoint.objects.values_list("pk", flat=True))
            queryset = queryset.filter(endpoint__in=endpoints, event_id=search_term.strip())
        return queryset, False

    @admin.display(description=gettext_lazy("Job"))
    def of_job(self, delivery: WebhookDelivery) -> SafeString | str:
        """Which may be deleted by now."""
        return link(reverse("admin:jobs_job_change", args=[delivery.job_id]), _("Show")) if delivery.job_id else "–"
