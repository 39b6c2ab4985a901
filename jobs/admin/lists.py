"""What the lists of the admin have in common: a page costs the same however long its table is."""

import re
import uuid
from functools import cached_property
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from jobs.models import Job, Output, Picture

from .dates import dates

COUNT_LIMIT = 1000  # rows that a list counts and pages through; older ones are found by date, filter or search
FOUND_JOBS = 500  # the newest jobs that a search of what belongs to jobs looks at
HASH = re.compile(r"[0-9a-f]{8,64}", re.ASCII)
BOX = 96, 72  # of a thumbnail, in CSS pixels


class Bounded(Paginator):
    """Of the first COUNT_LIMIT rows."""

    @cached_property
    def counted(self) -> int:
        rows: Any = self.object_list
        return rows.order_by()[: COUNT_LIMIT + 1].count()

    @cached_property
    def count(self) -> int:
        return min(self.counted, COUNT_LIMIT)

    @property
    def has_more(self) -> bool:
        return self.counted > COUNT_LIMIT


class Changes(ChangeList):
    """With dates that are looked up, not gathered: Django's own hierarchy reads every row of the table."""

    @property
    def date_hierarchy_name(self) -> str:
        field: Any = self.opts.get_field(str(self.date_hierarchy))
        return str(field.verbose_name)

    @cached_property
    def dates(self) -> dict[str, Any]:
        return dates(self)


class Rows(admin.ModelAdmin):
    """A list of whatever length."""

    paginator = Bounded
    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # a count of the table for each choice
    view_on_site = False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return Changes


class ReadOnly:
    """Rows that only their verbs may change."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


# Finding


def found_jobs(typed: str) -> list[uuid.UUID]:
    """The newest jobs that the portal's search finds."""
    return list(Job.objects.matching(typed).values_list("pk", flat=True)[:FOUND_JOBS])


def with_hash(rows: QuerySet[Any], typed: str) -> QuerySet[Any]:
    """Those whose hash begins so; none when that is no beginning of a hash. A LIKE would read every row."""
    typed = typed.strip().lower()
    return rows.filter(sha256__gte=typed, sha256__lt=f"{typed}g") if HASH.fullmatch(typed) else rows.none()


# Showing


def link(address: str, words: Any) -> SafeString:
    return format_html('<a href="{}">{}</a>', address, words)


def job_link(job: Job) -> SafeString:
    return link(reverse("admin:jobs_job_change", args=[job.pk]), short(job.text))


def short(text: str) -> str:
    return Truncator(text).chars(60)


def named(row: Output | Picture, job: Job) -> str:
    """A file of a job, as people would call it."""
    told = {"prompt": short(job.text)}
    if isinstance(row, Output):
        return _("Picture %(number)d of “%(prompt)s”") % (told | {"number": row.position + 1})
    return _("Input %(picture)s of “%(prompt)s”") % (told | {"picture": row})


def thumbnail(row: Output | Picture, source: str, target: str, box: tuple[int, int] = BOX) -> SafeString | str:
    """The smallest copy at `source`, fitted into a box and linked to `target`; nothing until there is one."""
    if not (row.widths and row.width and row.height):
        return "–"
    scale = min(box[0] / row.width, box[1] / row.height, 1)
    return format_html(
        '<a href="{}"><img src="{}" width="{}" height="{}" alt="{}" loading="lazy" decoding="async"></a>',
        target,
        source,
        max(round(row.width * scale), 1),
        max(round(row.height * scale), 1),
        row,
    )
