"""Input pictures, with the jobs that use them. They have no address in the portal, so their copies are served here."""

import uuid
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from jobs.files import serve_size
from jobs.models import JobInput, Picture

from .lists import ReadOnly, Rows, job_link, link, thumbnail, with_hash

NEWEST = 20
LARGE = 480, 360


@admin.register(Picture)
class PictureAdmin(ReadOnly, Rows):
    list_display = ("created_at", "shown", "used_by", "content_type", "width", "height", "size", "sha256")
    sortable_by = ()
    search_fields = ("sha256",)
    search_help_text = gettext_lazy("How the hash of a file begins, at least eight characters.")
    fields = (
        "large", "newest_jobs", "used_by", "content_type", ("width", "height"), "size", "sha256", "stored_as",
        "created_at", "uploaded_at", "color", "widths", "sized_at", ("original", "original_at"),
    )  # fmt: skip
    readonly_fields = ("large", "stored_as", "newest_jobs", "used_by")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Picture], search_term: str
    ) -> tuple[QuerySet[Picture], bool]:
        return (with_hash(queryset, search_term) if search_term.strip() else queryset), False

    def get_urls(self) -> list[Any]:
        copy = self.admin_site.admin_view(self.copy)
        return [path("<uuid:pk>/<int:width>.webp", copy, name="jobs_picture_copy"), *super().get_urls()]

    def copy(self, request: HttpRequest, pk: uuid.UUID, width: int) -> HttpResponseBase:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return serve_size(request, get_object_or_404(Picture, pk=pk), width)

    @admin.display(description=gettext_lazy("Picture"))
    def shown(self, picture: Picture) -> Any:
        return thumbnail(picture, _copy(picture, 0), reverse("admin:jobs_picture_change", args=[picture.pk]))

    @admin.display(description=gettext_lazy("Picture"))
    def large(self, picture: Picture) -> Any:
        middle, largest = _copy(picture, len(picture.widths) // 2), _copy(picture, -1)
        return thumbnail(picture, middle, largest, LARGE)

    @admin.display(description=gettext_lazy("Stored as"))
    def stored_as(self, picture: Picture) -> str:
        return str(picture.file.name)

    @admin.display(description=gettext_lazy("Newest jobs that use it"))
    def newest_jobs(self, picture: Picture) -> SafeString | str:
        uses = JobInput.objects.filter(picture=picture).order_by("-pk").select_related("job")
        jobs = {use.job_id: use.job for use in uses.defer("job__result", "job__provider_error")[:NEWEST]}
        return format_html_join("", "<div>{}</div>", ((job_link(job),) for job in jobs.values())) or "–"

    @admin.display(description=gettext_lazy("Used by"))
    def used_by(self, picture: Picture) -> SafeString:
        return link(f"{reverse('admin:jobs_job_changelist')}?picture={picture.pk}", _("Jobs"))


def _copy(picture: Picture, at: int) -> str:
    return reverse("admin:jobs_picture_copy", args=[picture.pk, picture.widths[at]]) if picture.widths else ""
