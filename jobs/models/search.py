"""The words of each prompt, and the database's own full text index over them."""

from typing import Any

from django.db import models

from jobs import search


class SearchEntry(models.Model):
    """The words of a job's prompt as the search has them. Its numbers grow with time: the order of what is found."""

    id = models.BigAutoField(primary_key=True)
    job = models.OneToOneField("jobs.Job", models.CASCADE, related_name="search_entry")
    words = models.TextField()

    def __str__(self) -> str:
        return self.words[:60]


class SearchIndex(models.Model):
    """What the database keeps over SearchEntry by itself: an FTS5 table of SQLite; a view of a tsvector column of
    PostgreSQL. Read only, and only with `words__matches`."""

    rowid = models.BigIntegerField(primary_key=True)
    job = models.OneToOneField("jobs.Job", models.DO_NOTHING, related_name="found")
    words = models.TextField()

    class Meta:
        managed = False
        db_table = "jobs_searchindex"

    def __str__(self) -> str:
        return str(self.rowid)


class Matches(models.Lookup):
    """`words__matches=` what a person typed."""

    lookup_name = "matches"
    prepare_rhs = False

    def as_sqlite(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        column, params = self.process_lhs(compiler, connection)
        return f"{column} MATCH %s", [*params, search.fts5_query(self.rhs)]

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        column, params = self.process_lhs(compiler, connection)
        return f"{column} @@ to_tsquery('simple', %s)", [*params, search.tsquery(self.rhs)]


SearchIndex._meta.get_field("words").register_lookup(Matches)
