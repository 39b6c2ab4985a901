"""How a database would carry out a query: which tables it would read as a whole."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.apps import apps
from django.db import connection

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


Query = tuple[str, tuple[Any, ...]]  # its parameters apart: SQLite may plan otherwise for those than for literals


def whole_reads(query: Query) -> list[str]:
    """The steps of a SELECT's plan that read a growing table, or an index of it, from one end to the other.

    A walk along an index that a LIMIT ends is none, unless all of it would be sorted first.
    """
    return list(_of_sqlite(query) if connection.vendor == "sqlite" else _of_postgresql(query))


@contextmanager
def captured() -> Iterator[list[Query]]:
    """The SELECTs of what is done meanwhile."""
    found: list[Query] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("SELECT"):
            found.append((sql, tuple(params or ())))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield found


def indexes(query: Query) -> set[str]:
    """Those that its plan reads."""
    if connection.vendor == "sqlite":
        return set(re.findall(r"INDEX (\w+)", " ".join(_steps(query))))
    return set(re.findall(r'"Index Name": "(\w+)"', json.dumps(_plan(query))))


def _steps(query: Query) -> list[str]:
    """SQLite's words for each step of the plan."""
    sql, params = query
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}", params)
        return [row[3] for row in cursor.fetchall()]


def _plan(query: Query) -> dict[str, Any]:
    """PostgreSQL's, as for large tables: those of a test are small enough to be read, and joined, as a whole."""
    sql, params = query
    with connection.cursor() as cursor:
        for way in ("seqscan", "hashjoin", "mergejoin"):
            cursor.execute(f"SET LOCAL enable_{way} = off")
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", params)
        plan = cursor.fetchone()[0]
    return (json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]


def _of_sqlite(query: Query) -> Iterator[str]:
    sql, names = query[0], _aliases(query[0])
    plan = _steps(query)
    is_ended = "LIMIT" in sql and not any("FOR ORDER BY" in step for step in plan)
    for step in plan:
        scan = SCAN.match(step)
        is_fine = scan and scan[2] and (is_ended or scan[2] in SHORT)
        if scan and names.get(scan[1], scan[1]) in TABLES and not is_fine:
            yield step


def _aliases(sql: str) -> dict[str, str]:
    return {alias: name for name, alias in re.findall(r'(?:FROM|JOIN) "(\w+)" (\w\d+)', sql)}


def _of_postgresql(query: Query) -> Iterator[str]:
    yield from _of_node(_plan(query), is_ended=False)


def _of_node(node: dict[str, Any], is_ended: bool) -> Iterator[str]:
    kind, table = node["Node Type"], node.get("Relation Name")
    is_ended = kind == "Limit" or (is_ended and kind not in ("Sort", "Aggregate", "Hash", "HashAggregate"))
    is_whole = kind == "Seq Scan" or (kind.startswith("Index") and "Index Cond" not in node and not is_ended)
    is_short = node.get("Index Name") in SHORT or (kind == "Index Only Scan" and node["Plan Rows"] < FEW)
    if table in TABLES and is_whole and not is_short:
        yield f"{kind} of {table} {node.get('Index Name', '')}"
    for part in node.get("Plans", []):
        yield from _of_node(part, is_ended)
