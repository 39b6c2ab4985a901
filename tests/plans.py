"""How a database would carry out a query: which tables it would read as a whole."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext

# These grow with the work of a team; of all others a page may read what it likes.
GROWING = ("job", "output", "jobinput", "jobevent", "searchentry", "picture", "reviewdecision", "webhookdelivery")


def _is_short(index: Any) -> bool:
    return (
        index.condition is not None and "review" not in str(index.condition) and "completed" not in str(index.condition)
    )


TABLES = {f"jobs_{name}" for name in GROWING}
# Of these indexes only the few rows that wait for something are part: they are read as a whole, and should be.
SHORT = {index.name for name in GROWING for index in apps.get_model("jobs", name)._meta.indexes if _is_short(index)}
FEW = 1000  # rows that a part of an index may hold to be read as a whole
SCAN = re.compile(r"SCAN (\w+)(?: USING (?:COVERING )?INDEX (\w+))?")


def whole_reads(sql: str) -> list[str]:
    """The steps of a SELECT's plan that read a growing table, or an index of it, from one end to the other.

    A walk along an index that a LIMIT ends is none, unless all of it would be sorted first.
    """
    return list(_of_sqlite(sql) if connection.vendor == "sqlite" else _of_postgresql(sql))


@contextmanager
def captured() -> Iterator[list[str]]:
    """The SELECTs of what is done meanwhile."""
    found: list[str] = []
    with CaptureQueriesContext(connection) as queries:
        yield found
    found += [query["sql"] for query in queries if query["sql"].startswith("SELECT")]


def _of_sqlite(sql: str) -> Iterator[str]:
    with connection.cursor() as cursor:
        # Past Django's cursor, which would take each % for a parameter.
        rows = cursor.cursor.connection.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall()
    steps, names = [row[3] for row in rows], _aliases(sql)
    is_ended = "LIMIT" in sql and not any("FOR ORDER BY" in step for step in steps)
    for step in steps:
        scan = SCAN.match(step)
        is_fine = scan and scan[2] and (is_ended or scan[2] in SHORT)
        if scan and names.get(scan[1], scan[1]) in TABLES and not is_fine:
            yield step


def _aliases(sql: str) -> dict[str, str]:
    return {alias: name for name, alias in re.findall(r'(?:FROM|JOIN) "(\w+)" (\w\d+)', sql)}


def _of_postgresql(sql: str) -> Iterator[str]:
    with connection.cursor() as cursor:
        # As it plans for large tables: those of a test are small enough to be read, and joined, as a whole.
        for way in ("seqscan", "hashjoin", "mergejoin"):
            cursor.execute(f"SET LOCAL enable_{way} = off")
        plan = cursor.connection.execute(f"EXPLAIN (FORMAT JSON) {sql}").fetchone()[0]
    plan = json.loads(plan) if isinstance(plan, str) else plan
    yield from _of_node(plan[0]["Plan"], is_ended=False)


def _of_node(node: dict[str, Any], is_ended: bool) -> Iterator[str]:
    kind, table = node["Node Type"], node.get("Relation Name")
    is_ended = kind == "Limit" or (is_ended and kind not in ("Sort", "Aggregate", "Hash", "HashAggregate"))
    is_whole = kind == "Seq Scan" or (kind.startswith("Index") and "Index Cond" not in node and not is_ended)
    is_short = node.get("Index Name") in SHORT or (kind == "Index Only Scan" and node["Plan Rows"] < FEW)
    if table in TABLES and is_whole and not is_short:
        yield f"{kind} of {table} {node.get('Index Name', '')}"
    for part in node.get("Plans", []):
        yield from _of_node(part, is_ended)
