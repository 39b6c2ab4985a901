"""`python -m bench.one_driver`: a worker's process that does nothing but drive, and counts its statements.

It begins once it was asked for its figures: those are of an idle worker.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

from bench import meter
from bench.fill import start_django

WRITES = ("INSERT", "UPDATE", "DELETE")


def main() -> None:
    start_django()
    from django.db.backends.signals import connection_created

    from jobs import tasks
    from jobs.models import Job

    counted: Counter[str] = Counter(statements=0, writes=0)

    def count(execute: Callable[..., Any], sql: str, *more: Any) -> Any:
        counted["statements"] += 1
        counted["writes"] += sql.lstrip().startswith(WRITES)
        return execute(sql, *more)

    def watch(connection: Any, **_named: Any) -> None:
        connection.execute_wrappers.append(count)

    connection_created.connect(watch)
    Job.objects.exists()
    meter.tell(lambda: dict(counted)).wait()
    while True:
        tasks.drive()


if __name__ == "__main__":
    main()
