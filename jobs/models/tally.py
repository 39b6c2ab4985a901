"""How often something was done lately, counted by the database: right however many processes count at once."""

import time
from typing import Self

from django.db import connection, models

# One statement, so nobody counts between the look and the write. What lies in the future was written by a clock that
# went wrong, and must not hold anybody for as long.
ADD = """
INSERT INTO jobs_tally AS tally ("key", since, number) VALUES (%(key)s, %(now)s, 1)
ON CONFLICT ("key") DO UPDATE SET
    number = CASE WHEN tally.since BETWEEN %(oldest)s AND %(newest)s THEN tally.number + 1 ELSE 1 END,
    since = CASE WHEN tally.since BETWEEN %(oldest)s AND %(newest)s THEN tally.since ELSE excluded.since END
RETURNING since, number
"""


class Tally(models.Model):
    """A number that begins anew when its time is over; `since` is the moment of the first, as seconds of Unix time."""

    key = models.CharField(max_length=100, primary_key=True)
    since = models.FloatField()
    number = models.PositiveBigIntegerField()

    class Meta:
        verbose_name_plural = "tallies"

    def __str__(self) -> str:
        return f"{self.key}: {self.number}"

    @classmethod
    def add(cls, key: str, seconds: float) -> Self:
        """Count one more under `key`; the count begins anew `seconds` after its first."""
        now = time.time()
        given: dict[str, str | float] = {"key": key, "now": now, "oldest": now - seconds, "newest": now + seconds}
        with connection.cursor() as cursor:
            cursor.execute(ADD, given)
            [(since, number)] = cursor.fetchall()
        return cls(key=key, since=since, number=number)

    @classmethod
    def forget_old(cls, seconds: float) -> None:
        cls.objects.filter(since__lt=time.time() - seconds).delete()

    def left(self, seconds: float) -> float:
        """In how many seconds the count begins anew."""
        return max(0.0, self.since + seconds - time.time())
