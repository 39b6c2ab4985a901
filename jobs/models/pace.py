"""How many calls all drivers together make in a second."""

import math
from datetime import timedelta

from django.db import models, transaction
from django.db.models.functions import Now


class Pace(models.Model):
    """One kind of calls, and up to when its moments are given out: each to one driver, whichever asked."""

    kind = models.CharField(max_length=20, primary_key=True)
    given_until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.kind} {self.given_until:%H:%M:%S}"

    @classmethod
    def reserve(cls, kind: str, per_second: float, wanted: int, ahead: float) -> list[float]:
        """Up to `wanted` moments within the next `ahead` seconds, as seconds from now, evenly apart; nobody else gets
        them. One write, however many. The clock is the database's, for those of the machines may differ."""
        with transaction.atomic():
            cls.objects.get_or_create(kind=kind, defaults={"given_until": Now()})
            line = cls.objects.select_for_update().filter(kind=kind).annotate(now=Now())
            [(given_until, now)] = line.values_list("given_until", "now")
            begin = max(0.0, (given_until - now).total_seconds())
            if begin > ahead + 1 / per_second:
                begin = 0.0  # given out by a clock that went wrong, or under a limit that was lower
            number = max(0, min(wanted, math.ceil((ahead - begin) * per_second)))
            if number:
                line.update(given_until=now + timedelta(seconds=begin + number / per_second))
        return [begin + at / per_second for at in range(number)]
