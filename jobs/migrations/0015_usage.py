"""Figures of days that are kept for the usage page, and the triggers that tell when those of a day are true no more.

A later migration that makes SQLite build jobs_job or jobs_output anew (altering a field does) must make their triggers
again: they go with the table.
"""

from django.db import migrations, models

# What figures are counted from
COLUMNS = "owner_id, created_at, optimize_prompt_options, state, reason, estimate_usd, cost_usd"
OF_JOB = "SELECT created_at AS at FROM jobs_job WHERE id ="

SQLITE_TRIGGER = """
    CREATE TRIGGER {table}_late_{done} AFTER {event} ON {table} BEGIN
        INSERT INTO jobs_latechange (day, number)
        SELECT DISTINCT date(at), 1 FROM ({moments})
        WHERE at < strftime('%Y-%m-%d %H:%M:%f', 'now', '-1 hour')
        ON CONFLICT (day) DO UPDATE SET number = number + 1;
    END
"""
SQLITE = [
    SQLITE_TRIGGER.format(table=table, done=done, event=event, moments=moments)
    for table, done, event, moments in (
        ("jobs_job", "inserted", "INSERT", "SELECT new.created_at AS at"),
        ("jobs_job", "deleted", "DELETE", "SELECT old.created_at AS at"),
        ("jobs_job", "updated", f"UPDATE OF {COLUMNS}", "SELECT old.created_at AS at UNION SELECT new.created_at"),
        ("jobs_output", "inserted", "INSERT", f"{OF_JOB} new.job_id"),
        ("jobs_output", "deleted", "DELETE", f"{OF_JOB} old.job_id"),
    )
]

FUNCTION = """
    CREATE FUNCTION {table}_late() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO jobs_latechange AS late (day, number)
        SELECT DISTINCT (at AT TIME ZONE 'UTC')::date, 1 FROM ({moments}) AS moments (at)
        WHERE at < now() - interval '1 hour'
        ON CONFLICT (day) DO UPDATE SET number = late.number + 1;
        RETURN NULL;
    END
    $$
"""
POSTGRESQL_TRIGGER = """
    CREATE TRIGGER {table}_late_{done} AFTER {event} ON {table}
    FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION {table}_late()
"""
# Most jobs change when they are minutes old: then the function is not even called.
IS_LATE = "created_at < now() - interval '1 hour'"
POSTGRESQL = [
    FUNCTION.format(table="jobs_job", moments="VALUES (old.created_at), (new.created_at)"),
    FUNCTION.format(table="jobs_output", moments=f"{OF_JOB} coalesce(new.job_id, old.job_id)"),
    *(
        POSTGRESQL_TRIGGER.format(table=table, done=done, event=event, when=when)
        for table, done, event, when in (
            ("jobs_job", "inserted", "INSERT", f"new.{IS_LATE}"),
            ("jobs_job", "deleted", "DELETE", f"old.{IS_LATE}"),
            ("jobs_job", "updated", f"UPDATE OF {COLUMNS}", f"old.{IS_LATE} OR new.{IS_LATE}"),
            ("jobs_output", "inserted", "INSERT", "true"),
            ("jobs_output", "deleted", "DELETE", "true"),
        )
    ),
]
DONE = {"jobs_job": ("inserted", "deleted", "updated"), "jobs_output": ("inserted", "deleted")}


def make_triggers(apps, schema_editor):
    for statement in {"sqlite": SQLITE, "postgresql": POSTGRESQL}[schema_editor.connection.vendor]:
        # Without parameters: a % is one.
        schema_editor.execute(statement, params=None)


def remove_triggers(apps, schema_editor):
    is_postgresql = schema_editor.connection.vendor == "postgresql"
    for table, names in DONE.items():
        for done in names:
            schema_editor.execute(f"DROP TRIGGER {table}_late_{done}{f' ON {table}' if is_postgresql else ''}")
        if is_postgresql:
            schema_editor.execute(f"DROP FUNCTION {table}_late()")


class Migration(migrations.Migration):

    dependencies = [
        ('jobs', '0014_million'),
    ]

    operations = [
        migrations.CreateModel(
            name='LateChange',
            fields=[
                ('day', models.DateField(primary_key=True, serialize=False)),
                ('number', models.PositiveBigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name='UsageDay',
            fields=[
                ('begin', models.DateTimeField(primary_key=True, serialize=False)),
                ('end', models.DateTimeField()),
                ('changes', models.PositiveBigIntegerField()),
                ('rows', models.JSONField()),
            ],
        ),
        migrations.RunPython(make_triggers, remove_triggers),
    ]
