"""The files of a job: pictures in, outputs out."""

from pathlib import Path
from typing import Any, Final, NamedTuple, Self

from django.apps import apps
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from .review import may_review

SMALL = 640  # the widest copy, in pixels, that is shown of an output to who may not take it


class Original(models.TextChoices):
    """Where the file of a picture or an output is; its copies for pages stay where they are."""

    STORED = "stored", _("Stored")
    ARCHIVED = "archived", _("Archived")
    DELETED = "deleted", _("Deleted")


NOT_HERE: Final = {
    Original.ARCHIVED: _("The original was archived by the retention rule on %(day)s. Staff can bring it back."),
    Original.DELETED: _("The original was deleted by the retention rule on %(day)s."),
}


class Shown(models.Model):
    """A stored picture with smaller copies for pages: WebP files at some `widths`, made by the worker afterwards.

    Its `original` may be archived or deleted by `retention`, which removes the file some time after the row says so.
    """

    color = models.CharField(max_length=7, blank=True, help_text=_("Its dominant colour, #rrggbb"))
    widths = models.JSONField(default=list, blank=True, help_text=_("Of the copies for pages, ascending"))
    sized_at = models.DateTimeField(null=True, blank=True)
    original = models.CharField(
        max_length=10, choices=Original.choices, default=Original.STORED, db_default=Original.STORED
    )
    original_at = models.DateTimeField(
        null=True, blank=True, help_text=_("Since when the original is there; empty from the beginning")
    )
    leftover_at = models.DateTimeField(
        null=True, blank=True, help_text=_("Since when a file waits to be removed from where it was")
    )

    class Meta:
        abstract = True

    @property
    def why_gone(self) -> str:
        """Why nobody can have the original, in words; empty while it is stored."""
        if self.original == Original.STORED or not self.original_at:
            return ""
        day = date_format(timezone.localtime(self.original_at), "DATE_FORMAT")
        return str(NOT_HERE[Original(self.original)]) % {"day": day}


class Sources(NamedTuple):
    """The addresses of a picture for one reader's page; `srcset` is empty until copies were made."""

    url: str
    srcset: str


class OnPages:
    """A picture at an address of its own: `shown` is the row of its file, `file_url` ends with a slash."""

    shown: Any
    file_url: Any

    def size_url(self, width: int) -> str:
        return f"{self.file_url}{width}.webp"

    @property
    def srcset(self) -> str:
        return self._srcset(self.shown.widths)

    @property
    def page_url(self) -> str:
        """A copy of middling size; the file itself until copies were made."""
        widths = self.shown.widths
        return self.size_url(widths[len(widths) // 2]) if widths else self.file_url

    def _srcset(self, widths: list[int]) -> str:
        return ", ".join(f"{self.size_url(width)} {width}w" for width in widths)

    def is_withheld_from(self, user: Any) -> bool:
        """Whether somebody who may see it small may not have it large, nor its file."""
        return bool(self.why_withheld_from(user))

    def why_withheld_from(self, user: Any) -> str:
        """In words; empty when it is not."""
        raise NotImplementedError

    def why_not_for(self, user: Any) -> str:
        """Why this person cannot have the file: it is withheld from them, or the original is gone for everybody."""
        return self.why_withheld_from(user) or self.shown.why_gone

    @property
    def waits(self) -> str:
        """What stands instead of its buttons for whom it is not to be had."""
        return self.shown.get_original_display() if self.shown.why_gone else ""

    @property
    def waits_icon(self) -> str:
        return {Original.ARCHIVED: "file-archive", Original.DELETED: "trash-2"}.get(self.shown.original, "lock")

    def check_for(self, user: Any) -> None:
        """Raises PermissionDenied, in words, when it is withheld."""
        if problem := self.why_withheld_from(user):
            raise PermissionDenied(problem)

    def sources_for(self, user: Any) -> Sources | None:
        """What `user` may be shown; None when that is nothing yet, or nothing any more."""
        if self.shown.why_gone and not self.shown.widths:
            return None
        if not self.is_withheld_from(user):
            return Sources(self.page_url, self.srcset)
        small = [width for width in self.shown.widths if width <= SMALL]
        return Sources(self.size_url(small[-1]), self._srcset(small)) if small else None


class Picture(Shown):
    """A checked input picture without metadata, stored once under its hash."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    sha256 = models.CharField(max_length=64, unique=True)
    file = models.FileField(max_length=200)
    content_type = models.CharField(max_length=40)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    size = models.PositiveBigIntegerField(help_text=_("Bytes"))
    created_at = models.DateTimeField(default=timezone.now)
    unused_since = models.DateTimeField(
        null=True, blank=True, help_text=_("When it was last uploaded, until it is used")
    )
    uploaded_at = models.DateTimeField(null=True, blank=True, help_text=_("When it was last uploaded again"))

    class Meta:
        ordering = ("-id",)
        indexes = [
            models.Index(fields=["id"], condition=Q(sized_at=None), name="picture_not_sized"),
            models.Index(fields=["unused_since"], condition=Q(unused_since__isnull=False), name="picture_unused"),
            models.Index(fields=["original", "created_at", "id"], name="picture_aging"),
            models.Index(fields=["leftover_at"], condition=Q(leftover_at__isnull=False), name="picture_leftover"),
        ]

    def __str__(self) -> str:
        return f"{self.width} × {self.height}, {self.sha256[:12]}"


class JobInput(OnPages, models.Model):
    """A picture at its place in a job: `position` counts from 0 in the order that the prompt refers to."""

    job = models.ForeignKey("jobs.Job", models.CASCADE, related_name="inputs")
    picture = models.ForeignKey(Picture, models.PROTECT, related_name="uses")
    position = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=200, blank=True)
    source_url = models.TextField(blank=True, help_text=_("The link that it was fetched from"))
    output = models.ForeignKey("jobs.Output", models.SET_NULL, null=True, blank=True, related_name="uses")

    class Meta:
        ordering = ("position",)
        constraints = [models.UniqueConstraint(fields=["job", "position"], name="job_input_position_unique")]

    def __str__(self) -> str:
        return f"{self.position + 1}: {self.name}"

    @property
    def shown(self) -> Picture:
        return self.picture

    @property
    def file_url(self) -> str:
        return reverse("jobs:input_file", args=[self.job_id, self.position])

    def why_withheld_from(self, user: Any) -> str:
        """An output that was used again is no less an output."""
        if not settings.REQUIRE_APPROVAL or may_review(user) or not self.output:
            return ""
        return self.output.why_withheld_from(user)


class OutputQuerySet(models.QuerySet["Output"]):
    def takeable_by(self, user: Any) -> Self:
        """Those for which `Output.may_be_taken_by` holds."""
        visible = apps.get_model("jobs.Job").objects.visible_to(user)
        found = self.filter(job__in=visible, original=Original.STORED)
        if not settings.REQUIRE_APPROVAL or may_review(user):
            return found
        return found.filter(Q(review=Output.Review.APPROVED) | Q(job__owner=user))


class Output(OnPages, Shown):
    """A stored file that RunComfy made. The row exists only when the file is stored whole."""

    class Kind(models.TextChoices):
        IMAGE = "image", _("Picture")
        VIDEO = "video", _("Video")

    class Review(models.TextChoices):
        UNREVIEWED = "unreviewed", _("Not reviewed")
        APPROVED = "approved", _("Approved")
        REJECTED = "rejected", _("Rejected")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    job = models.ForeignKey("jobs.Job", models.CASCADE, related_name="outputs")
    position = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=10, choices=Kind.choices)
    file = models.FileField(max_length=200)
    sha256 = models.CharField(max_length=64, db_index=True)
    content_type = models.CharField(max_length=40)
    width = models.PositiveIntegerField(null=True, blank=True)
    height = models.PositiveIntegerField(null=True, blank=True)
    size = models.PositiveBigIntegerField(help_text=_("Bytes"))
    source_url = models.TextField()
    review = models.CharField(max_length=12, choices=Review.choices, default=Review.UNREVIEWED)
    decision = models.ForeignKey(
        "jobs.ReviewDecision",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text=_("The one that stands"),
    )
    stored_at = models.DateTimeField(default=timezone.now)

    objects = OutputQuerySet.as_manager()

    class Meta:
        ordering = ("position",)
        constraints = [models.UniqueConstraint(fields=["job", "position"], name="output_position_unique")]
        indexes = [
            models.Index(fields=["id"], condition=Q(sized_at=None), name="output_not_sized"),
            # The ids of jobs are in the order of time: the review page's queue is read from here, oldest first.
            models.Index(fields=["job", "position"], condition=Q(review="unreviewed"), name="output_unreviewed"),
            # The history asks of one job after the other whether it has any.
            models.Index(fields=["job", "position"], condition=Q(review="approved"), name="output_approved"),
            models.Index(fields=["job", "position"], condition=Q(review="rejected"), name="output_rejected"),
            models.Index(fields=["-stored_at", "-id"], name="output_newest"),
            # One for each review: SQLite would take one for all of them, and sort the review page's whole queue.
            models.Index(fields=["-stored_at", "-id"], condition=Q(review="unreviewed"), name="output_newest_waiting"),
            models.Index(fields=["-stored_at", "-id"], condition=Q(review="approved"), name="output_newest_approved"),
            models.Index(fields=["-stored_at", "-id"], condition=Q(review="rejected"), name="output_newest_rejected"),
            models.Index(fields=["original", "review", "stored_at", "id"], name="output_aging"),
            models.Index(fields=["leftover_at"], condition=Q(leftover_at__isnull=False), name="output_leftover"),
        ]
        permissions = (("review_output", "Can review outputs"),)

    def __str__(self) -> str:
        return f"{self.position + 1}: {self.kind}, {self.sha256[:12]}"

    def get_absolute_url(self) -> str:
        return reverse("jobs:picture", args=[self.pk])

    def may_be_taken_by(self, user: Any) -> bool:
        """Whether `user` may have the file, while there is one: everybody who sees the job; with REQUIRE_APPROVAL,
        until it is approved, only the job's owner and whoever may review."""
        return self.job.may_be_seen_by(user) and not self.why_not_for(user)

    def why_withheld_from(self, user: Any) -> str:
        if not settings.REQUIRE_APPROVAL or self.review == self.Review.APPROVED or may_review(user):
            return ""
        if self.job.owner_id == user.pk:
            return ""
        if self.review == self.Review.REJECTED:
            return gettext("It was rejected: only its author and reviewers may download or use it.")
        return gettext("It is not approved yet: until then only its author and reviewers may download or use it.")

    @property
    def shown(self) -> "Output":
        return self

    @property
    def file_url(self) -> str:
        return reverse("jobs:output_file", args=[self.pk])

    @property
    def download_url(self) -> str:
        return f"{self.file_url}?download=1"

    @property
    def waits(self) -> str:
        if self.why_gone:
            return super().waits
        return gettext("Not approved") if self.review == self.Review.REJECTED else gettext("Waits for approval")

    @property
    def extension(self) -> str:
        """Of the stored file, by its content: "jpg", "png", …"""
        return Path(self.file.name or "").suffix.removeprefix(".")
