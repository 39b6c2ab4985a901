import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('jobs', '0012_failing_reason'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='job',
            name='held_at',
            field=models.DateTimeField(blank=True, help_text='Since when its files are kept', null=True),
        ),
        migrations.AddField(
            model_name='job',
            name='held_by',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='output',
            name='leftover_at',
            field=models.DateTimeField(blank=True, help_text='Since when a file waits to be removed from where it was', null=True),
        ),
        migrations.AddField(
            model_name='output',
            name='original',
            field=models.CharField(choices=[('stored', 'Stored'), ('archived', 'Archived'), ('deleted', 'Deleted')], db_default='stored', default='stored', max_length=10),
        ),
        migrations.AddField(
            model_name='output',
            name='original_at',
            field=models.DateTimeField(blank=True, help_text='Since when the original is there; empty from the beginning', null=True),
        ),
        migrations.AddField(
            model_name='picture',
            name='leftover_at',
            field=models.DateTimeField(blank=True, help_text='Since when a file waits to be removed from where it was', null=True),
        ),
        migrations.AddField(
            model_name='picture',
            name='original',
            field=models.CharField(choices=[('stored', 'Stored'), ('archived', 'Archived'), ('deleted', 'Deleted')], db_default='stored', default='stored', max_length=10),
        ),
        migrations.AddField(
            model_name='picture',
            name='original_at',
            field=models.DateTimeField(blank=True, help_text='Since when the original is there; empty from the beginning', null=True),
        ),
        migrations.AddField(
            model_name='picture',
            name='uploaded_at',
            field=models.DateTimeField(blank=True, help_text='When it was last uploaded again', null=True),
        ),
        migrations.AlterField(
            model_name='jobevent',
            name='verb',
            field=models.CharField(choices=[('created', 'Accepted'), ('claimed', 'Sending to RunComfy'), ('accepted', 'RunComfy accepted the edit'), ('held', 'Not sent; will be tried again'), ('unconfirmed', 'RunComfy may or may not have accepted the edit'), ('started', 'RunComfy began to edit'), ('requeued', 'RunComfy put the edit back into its queue'), ('delivered', 'RunComfy finished; storing the pictures'), ('stored', 'Stored a picture'), ('renewed', 'Read the result again for fresh links'), ('completed', 'All pictures are stored'), ('failed', 'Failed'), ('cancel_asked', 'Asked to cancel'), ('cancel_refused', 'RunComfy did not cancel'), ('cancelled', 'Cancelled'), ('troubled', 'Waiting'), ('recovered', 'Going on'), ('adopted', 'Took a request that RunComfy has'), ('sent_anew', 'Chose to send it anew, though it may be charged twice'), ('fetch_again', 'Asked to fetch the pictures again'), ('late_answer', "RunComfy's answer to an earlier attempt arrived"), ('approved', 'Approved'), ('rejected', 'Rejected'), ('review_undone', 'Took a verdict back'), ('verified', 'Compared the stored files with their hashes'), ('rung', 'Had the job looked at again'), ('files_held', 'Had its files kept'), ('files_released', 'No longer has its files kept'), ('archived', 'Originals archived by the retention rule'), ('deleted', 'Originals deleted by the retention rule'), ('restored', 'Originals brought back')], max_length=20),
        ),
        migrations.AddIndex(
            model_name='job',
            index=models.Index(condition=models.Q(('held_at__isnull', False)), fields=['-created_at', '-id'], name='job_held'),
        ),
        migrations.AddIndex(
            model_name='output',
            index=models.Index(fields=['original', 'review', 'stored_at', 'id'], name='output_aging'),
        ),
        migrations.AddIndex(
            model_name='output',
            index=models.Index(condition=models.Q(('leftover_at__isnull', False)), fields=['leftover_at'], name='output_leftover'),
        ),
        migrations.AddIndex(
            model_name='picture',
            index=models.Index(fields=['original', 'created_at', 'id'], name='picture_aging'),
        ),
        migrations.AddIndex(
            model_name='picture',
            index=models.Index(condition=models.Q(('leftover_at__isnull', False)), fields=['leftover_at'], name='picture_leftover'),
        ),
    ]
