import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('jobs', '0010_pacing'),
    ]

    operations = [
        migrations.CreateModel(
            name='Count',
            fields=[
                ('key', models.CharField(max_length=200, primary_key=True, serialize=False)),
                ('value', models.FloatField()),
            ],
        ),
        # Since when existing jobs are in their states is not known; a default would say "since this moment".
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.AddField('job', 'moved_at', models.DateTimeField(null=True)),
            ],
            state_operations=[
                migrations.AddField(
                    'job',
                    'moved_at',
                    models.DateTimeField(
                        default=django.utils.timezone.now, help_text='Since when it is in this state', null=True
                    ),
                ),
            ],
        ),
    ]
