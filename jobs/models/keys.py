"""What programs and forms have asked for under a key of their own."""

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone

KEPT = timedelta(days=7)


class IdempotencyKey(models.Model):
    """A key, the fingerprint of the request that came with it, and the job that it made, until that is deleted."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    # Empty: the request is not known. Whatever is asked under the key is taken for the same.
    fingerprint = models.CharField(max_length=64, blank=True)
    job = models.ForeignKey("jobs.Job", models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner", "key"], name="idempotency_key_unique")]
        indexes = [models.Index(fields=["created_at"], condition=models.Q(job=None), name="idempotency_key_of_no_job")]

    def __str__(self) -> str:
        return self.key

    @classmethod
    def forget_old(cls) -> None:
        """Those of deleted jobs, in the end. The others last as long as their jobs."""
        cls.objects.filter(job=None, created_at__lt=timezone.now() - KEPT).delete()
