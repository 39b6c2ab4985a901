"""A job's key gets a row of its own: it outlives the job, and holds a fingerprint of what was asked under it.

Of the keys so far nothing is known but their jobs: whatever is asked under one of them gets that job, as nothing may be
made, and paid, twice.
"""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


def move_keys(apps, schema_editor):
    jobs = apps.get_model("jobs", "Job").objects.exclude(idempotency_key=None)
    Key = apps.get_model("jobs", "IdempotencyKey")
    rows = jobs.values_list("owner_id", "idempotency_key", "pk", "created_at").iterator(chunk_size=500)
    Key.objects.bulk_create(
        (Key(owner_id=owner, key=key, job_id=job, created_at=at) for owner, key, job, at in rows), batch_size=500
    )


def move_back(apps, schema_editor):
    jobs = apps.get_model("jobs", "Job").objects
    for row in apps.get_model("jobs", "IdempotencyKey").objects.exclude(job=None).iterator(chunk_size=500):
        jobs.filter(pk=row.job_id).update(idempotency_key=row.key)


class Migration(migrations.Migration):

    dependencies = [
        ('jobs', '0006_review'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='IdempotencyKey',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=200)),
                ('fingerprint', models.CharField(blank=True, max_length=64)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('job', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='jobs.job')),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('job', None)), fields=['created_at'], name='idempotency_key_of_no_job')],
                'constraints': [models.UniqueConstraint(fields=('owner', 'key'), name='idempotency_key_unique')],
            },
        ),
        migrations.RunPython(move_keys, move_back),
        migrations.RemoveConstraint(
            model_name='job',
            name='job_idempotency_key_unique',
        ),
        migrations.RemoveField(
            model_name='job',
            name='idempotency_key',
        ),
    ]
