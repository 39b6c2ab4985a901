"""What each day of edits came to, and how one knows that it is still true."""

from django.db import models


class UsageDay(models.Model):
    """The figures of one day of the site's time zone, counted when it was over: see jobs/usage_days.py.

    True while `end` is that day's, and `changes` is what LateChange says of it.
    """

    begin = models.DateTimeField(primary_key=True)
    end = models.DateTimeField()
    changes = models.PositiveBigIntegerField()
    rows = models.JSONField()

    def __str__(self) -> str:
        return f"{self.begin:%Y-%m-%d %H:%M}"


class LateChange(models.Model):
    """How often edits that were begun on that day of UTC changed when they were more than an hour old, so that their
    figures did. The database's own triggers count, in the same transaction, whoever changes them: an older release,
    too."""

    day = models.DateField(primary_key=True)
    number = models.PositiveBigIntegerField()

    def __str__(self) -> str:
        return f"{self.day}: {self.number}"
