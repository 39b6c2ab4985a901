
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('jobs', '0013_retention'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name='job',
            index=models.Index(fields=['owner', 'state', '-created_at', '-id'], name='job_newest_of_owner_state'),
        ),
        migrations.AddIndex(
            model_name='job',
            index=models.Index(condition=models.Q(('state__in', ('pending', 'submitting', 'in_queue', 'in_progress', 'mirroring'))), fields=['-created_at', '-id'], name='job_newest_running'),
        ),
        migrations.AddIndex(
            model_name='output',
            index=models.Index(condition=models.Q(('review', 'approved')), fields=['job', 'position'], name='output_approved'),
        ),
        migrations.AddIndex(
            model_name='output',
            index=models.Index(condition=models.Q(('review', 'rejected')), fields=['job', 'position'], name='output_rejected'),
        ),
        migrations.AddIndex(
            model_name='reviewdecision',
            index=models.Index(condition=models.Q(('undoes__isnull', False)), fields=['undoes'], name='decision_undoing'),
        ),
    ]
