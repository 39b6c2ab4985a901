"""Millions of rows into the tables of models, past the ORM: indexes and foreign keys come back when all rows are there.

All of it in one transaction: whoever is killed meanwhile leaves the database as it was.
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, models, transaction

Row = tuple[Any, ...]
# What is dropped, told by name, and the statements that make it again
DETAILS = {
    "sqlite": """
        SELECT 'DROP INDEX "' || name || '"', sql FROM sqlite_master
        WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN ({tables})
    """,
    "postgresql": """
        SELECT format('ALTER TABLE %%I DROP CONSTRAINT %%I', conrelid::regclass, conname),
               format('ALTER TABLE %%I ADD CONSTRAINT %%I %%s', conrelid::regclass, conname, pg_get_constraintdef(oid))
        FROM pg_constraint WHERE contype = 'f' AND conrelid::regclass::text IN ({tables})
        UNION ALL
        SELECT format('DROP INDEX %%I', indexname), indexdef FROM pg_indexes
        WHERE tablename IN ({tables})
        AND indexname NOT IN (SELECT conindid::regclass::text FROM pg_constraint WHERE conindid <> 0)
    """,
}
FAST = {"sqlite": "PRAGMA cache_size = -500000", "postgresql": "SET LOCAL maintenance_work_mem = '512MB'"}


class Table:
    """Rows of the columns that are named; all others get their model's defaults."""

    def __init__(self, model: type[models.Model], *columns: str):
        fields = [field for field in model._meta.concrete_fields if field.column not in columns]
        others = {field.column: _default(field) for field in fields if not isinstance(field, models.AutoField)}
        self.name, self.columns, self.constants = model._meta.db_table, [*columns, *others], tuple(others.values())

    def write(self, rows: Iterable[Row]) -> None:
        names = ", ".join(map(connection.ops.quote_name, self.columns))
        whole = (row + self.constants for row in rows)
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                with cursor.copy(f"COPY {self.name} ({names}) FROM STDIN") as copy:
                    for row in whole:
                        copy.write_row(row)
            else:
                marks = ", ".join("?" * len(self.columns))
                cursor.cursor.connection.executemany(f"INSERT INTO {self.name} ({names}) VALUES ({marks})", whole)  # noqa: S608


def _default(field: Any) -> Any:
    value = field.get_default()
    return json.dumps(value) if isinstance(field, models.JSONField) and value is not None else value


@contextmanager
def loading(tables: Iterable[Table]) -> Iterator[None]:
    """Around the writing of many rows into these tables."""
    with connection.constraint_checks_disabled(), transaction.atomic():
        _run(FAST[connection.vendor])
        details = _details([table.name for table in tables])
        for drop, _make in details:
            _run(drop)
        yield
        for _drop, make in reversed(details):
            _run(make)


def _details(tables: list[str]) -> list[tuple[str, str]]:
    names = ", ".join(f"'{name}'" for name in tables)
    with connection.cursor() as cursor:
        cursor.execute(DETAILS[connection.vendor].format(tables=names).replace("%%", "%"))
        return list(cursor.fetchall())


def _run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
