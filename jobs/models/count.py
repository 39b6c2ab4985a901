"""What all processes together have done, ever."""

import logging

from django.db import DatabaseError, connection, models

from jobs import counts

logger = logging.getLogger(__name__)

ADD = """
INSERT INTO jobs_count AS count ("key", value) VALUES {rows}
ON CONFLICT ("key") DO UPDATE SET value = count.value + excluded.value
"""


class Count(models.Model):
    """A number that only grows. Its key is a name with its labels: `runcomfy_calls|call=status`."""

    key = models.CharField(max_length=200, primary_key=True)
    value = models.FloatField()

    def __str__(self) -> str:
        return f"{self.key}: {self.value:g}"

    @classmethod
    def write(cls) -> None:
        """Add what this process has counted, in one statement, however much it is.

        A database that is away changes nothing for who counts: the numbers are kept for the next time.
        """
        taken = counts.take()
        if not taken:
            return
        rows = ", ".join(["(%s, %s)"] * len(taken))
        # In order: of two that write the same keys at once, none may wait for the other's second one.
        pairs = [part for pair in sorted(taken.items()) for part in pair]
        try:
            with connection.cursor() as cursor:
                cursor.execute(ADD.format(rows=rows), pairs)
        except DatabaseError as problem:
            counts.give_back(taken)
            logger.warning("Counts wait to be written: %s", problem)
