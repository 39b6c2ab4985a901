import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('jobs', '0008_unused'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name='jobevent',
            name='verb',
            field=models.CharField(choices=[('created', 'Accepted'), ('claimed', 'Sending to RunComfy'), ('accepted', 'RunComfy accepted the edit'), ('held', 'Not sent; will be tried again'), ('unconfirmed', 'RunComfy may or may not have accepted the edit'), ('started', 'RunComfy began to edit'), ('requeued', 'RunComfy put the edit back into its queue'), ('delivered', 'RunComfy finished; storing the pictures'), ('stored', 'Stored a picture'), ('renewed', 'Read the result again for fresh links'), ('completed', 'All pictures are stored'), ('failed', 'Failed'), ('cancel_asked', 'Asked to cancel'), ('cancel_refused', 'RunComfy did not cancel'), ('cancelled', 'Cancelled'), ('troubled', 'Waiting'), ('recovered', 'Going on'), ('adopted', 'Took a request that RunComfy has'), ('sent_anew', 'Chose to send it anew, though it may be charged twice'), ('fetch_again', 'Asked to fetch the pictures again'), ('late_answer', "RunComfy's answer to an earlier attempt arrived"), ('approved', 'Approved'), ('rejected', 'Rejected'), ('review_undone', 'Took a verdict back'), ('verified', 'Compared the stored files with their hashes'), ('rung', 'Had the job looked at again')], max_length=20),
        ),
        migrations.AlterField(
            model_name='reviewdecision',
            name='output',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='decisions', to='jobs.output'),
        ),
        migrations.AddIndex(
            model_name='reviewdecision',
            index=models.Index(fields=['output', 'reviewer', '-at'], name='decision_of_output'),
        ),
        migrations.AlterField(
            model_name='reviewdecision',
            name='reason',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='decisions', to='jobs.rejectionreason'),
        ),
        migrations.AddIndex(
            model_name='jobevent',
            index=models.Index(fields=['-at', '-id'], name='event_newest'),
        ),
        migrations.AddIndex(
            model_name='jobevent',
            index=models.Index(fields=['verb', '-at', '-id'], name='event_newest_of_verb'),
        ),
        migrations.AddIndex(
            model_name='output',
            index=models.Index(fields=['-stored_at', '-id'], name='output_newest'),
        ),
        migrations.AddIndex(
            model_name='output',
            index=models.Index(condition=models.Q(('review', 'unreviewed')), fields=['-stored_at', '-id'], name='output_newest_waiting'),
        ),
        migrations.AddIndex(
            model_name='output',
            index=models.Index(condition=models.Q(('review', 'approved')), fields=['-stored_at', '-id'], name='output_newest_approved'),
        ),
        migrations.AddIndex(
            model_name='output',
            index=models.Index(condition=models.Q(('review', 'rejected')), fields=['-stored_at', '-id'], name='output_newest_rejected'),
        ),
        migrations.AddIndex(
            model_name='reviewdecision',
            index=models.Index(fields=['verdict', '-at', '-id'], name='decision_newest_of_verdict'),
        ),
        migrations.AddIndex(
            model_name='reviewdecision',
            index=models.Index(fields=['reason', '-at', '-id'], name='decision_newest_of_reason'),
        ),
        migrations.RemoveIndex(
            model_name='webhookdelivery',
            name='webhook_oldest',
        ),
        migrations.AddIndex(
            model_name='webhookdelivery',
            index=models.Index(fields=['-created_at', '-id'], name='webhook_newest'),
        ),
        migrations.AddIndex(
            model_name='webhookdelivery',
            index=models.Index(fields=['state', '-created_at', '-id'], name='webhook_newest_of_state'),
        ),
    ]
