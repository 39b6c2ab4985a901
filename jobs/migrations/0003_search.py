"""The search in prompts, and the indexes of the history's filters.

The index itself is the database's own affair, so it is made here in its own words. A later migration that makes
SQLite build jobs_searchentry anew (altering a field does) must make the three triggers again: they go with the table.
"""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q

from jobs import search

BATCH = 1000

SQLITE = (
    """
    CREATE VIRTUAL TABLE jobs_searchindex USING fts5(
        words, job_id UNINDEXED, content='jobs_searchentry', content_rowid='id',
        tokenize='ascii', prefix='2 3 4 5 6 7 8'
    )
    """,
    """
    CREATE TRIGGER jobs_searchentry_inserted AFTER INSERT ON jobs_searchentry BEGIN
        INSERT INTO jobs_searchindex (rowid, words, job_id) VALUES (new.id, new.words, new.job_id);
    END
    """,
    """
    CREATE TRIGGER jobs_searchentry_deleted AFTER DELETE ON jobs_searchentry BEGIN
        INSERT INTO jobs_searchindex (jobs_searchindex, rowid, words, job_id)
        VALUES ('delete', old.id, old.words, old.job_id);
    END
    """,
    """
    CREATE TRIGGER jobs_searchentry_updated AFTER UPDATE ON jobs_searchentry BEGIN
        INSERT INTO jobs_searchindex (jobs_searchindex, rowid, words, job_id)
        VALUES ('delete', old.id, old.words, old.job_id);
        INSERT INTO jobs_searchindex (rowid, words, job_id) VALUES (new.id, new.words, new.job_id);
    END
    """,
)
POSTGRESQL = (
    """
    ALTER TABLE jobs_searchentry
    ADD COLUMN tokens tsvector GENERATED ALWAYS AS (to_tsvector('simple', words)) STORED
    """,
    "CREATE INDEX jobs_searchentry_tokens ON jobs_searchentry USING gin (tokens) WITH (fastupdate = off)",
    "CREATE VIEW jobs_searchindex AS SELECT id AS rowid, job_id, tokens AS words FROM jobs_searchentry",
)
REMOVE = {
    "sqlite": [
        *(f"DROP TRIGGER jobs_searchentry_{done}" for done in ("inserted", "deleted", "updated")),
        "DROP TABLE jobs_searchindex",
    ],
    "postgresql": ["DROP VIEW jobs_searchindex"],
}


def make_index(apps, schema_editor):
    for statement in {"sqlite": SQLITE, "postgresql": POSTGRESQL}[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


def remove_index(apps, schema_editor):
    for statement in REMOVE[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


def fill(apps, schema_editor):
    """Entries for the jobs that are there, the oldest first."""
    Job, SearchEntry = apps.get_model("jobs", "Job"), apps.get_model("jobs", "SearchEntry")
    jobs = Job.objects.order_by("created_at", "id")
    while batch := list(jobs.values_list("id", "text", "created_at")[:BATCH]):
        SearchEntry.objects.bulk_create(SearchEntry(job_id=pk, words=search.words(text)) for pk, text, _at in batch)
        last, _text, at = batch[-1]
        jobs = jobs.filter(Q(created_at__gte=at) & ~Q(created_at=at, id__lte=last))


class Migration(migrations.Migration):

    dependencies = [
        ('jobs', '0002_pages'),
    ]

    operations = [
        migrations.CreateModel(
            name='SearchEntry',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('words', models.TextField()),
                ('job', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='search_entry', to='jobs.job')),
            ],
        ),
        migrations.CreateModel(
            name='SearchIndex',
            fields=[
                ('rowid', models.BigIntegerField(primary_key=True, serialize=False)),
                ('words', models.TextField()),
                ('job', models.OneToOneField(on_delete=django.db.models.deletion.DO_NOTHING, related_name='found', to='jobs.job')),
            ],
            options={
                'db_table': 'jobs_searchindex',
                'managed': False,
            },
        ),
        migrations.AddIndex(
            model_name='job',
            index=models.Index(fields=['state', '-created_at', '-id'], name='job_newest_of_state'),
        ),
        migrations.AddIndex(
            model_name='job',
            index=models.Index(fields=['optimize_prompt_options', '-created_at', '-id'], name='job_newest_of_quality'),
        ),
        migrations.RunPython(make_index, remove_index),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
