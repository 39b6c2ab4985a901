from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('jobs', '0009_admin_lists'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Pace',
            fields=[
                ('kind', models.CharField(max_length=20, primary_key=True, serialize=False)),
                ('given_until', models.DateTimeField()),
            ],
        ),
        migrations.AddField(
            model_name='job',
            name='delivered_at',
            field=models.DateTimeField(blank=True, help_text='RunComfy was seen to be done', null=True),
        ),
        migrations.AddField(
            model_name='job',
            name='turn',
            field=models.PositiveIntegerField(db_default=0, default=0, help_text='Its place among the unsent jobs, in which users take turns'),
        ),
        migrations.AddIndex(
            model_name='job',
            index=models.Index(condition=models.Q(('state__in', ('in_queue', 'in_progress', 'mirroring'))), fields=['created_at', 'id'], name='job_followed'),
        ),
        migrations.AddIndex(
            model_name='job',
            index=models.Index(condition=models.Q(('state', 'pending')), fields=['turn', 'created_at', 'id'], name='job_turn'),
        ),
        migrations.AddIndex(
            model_name='job',
            index=models.Index(condition=models.Q(('state', 'pending')), fields=['state', 'turn', 'created_at', 'id'], name='job_turn_of_state'),
        ),
        migrations.AddIndex(
            model_name='job',
            index=models.Index(condition=models.Q(('state', 'pending')), fields=['owner', '-turn'], name='job_turn_of_owner'),
        ),
    ]
