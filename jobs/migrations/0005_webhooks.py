
import django.db.models.deletion
import django.utils.timezone
import jobs.models.webhooks
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('jobs', '0004_reason'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='WebhookEndpoint',
            fields=[
                ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=100)),
                ('url', models.CharField(max_length=2000)),
                ('events', models.JSONField(default=list)),
                ('is_active', models.BooleanField(default=True)),
                ('disabled', models.CharField(blank=True, choices=[('gone', 'The receiver answered 410 Gone: it wants no more events.'), ('failing', 'Too many events in a row could not be delivered.')], max_length=10)),
                ('failures', models.PositiveSmallIntegerField(default=0, help_text='Events in a row that were not delivered')),
                ('seed', models.CharField(default=jobs.models.webhooks.new_seed, editable=False, max_length=32)),
                ('previous_seed', models.CharField(blank=True, editable=False, max_length=32)),
                ('previous_until', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('owner', models.ForeignKey(blank=True, help_text="Empty: the team's", null=True, on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ('-id',),
            },
        ),
        migrations.CreateModel(
            name='WebhookDelivery',
            fields=[
                ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('event_id', models.CharField(max_length=40)),
                ('event', models.CharField(max_length=40)),
                ('payload', models.TextField(help_text='The JSON that is signed and sent')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('state', models.CharField(choices=[('pending', 'Waiting'), ('delivered', 'Delivered'), ('failed', 'Failed')], default='pending', max_length=10)),
                ('attempts', models.PositiveSmallIntegerField(default=0, help_text='That were begun since it was last sent anew')),
                ('next_at', models.DateTimeField(blank=True, default=django.utils.timezone.now, null=True)),
                ('code', models.PositiveSmallIntegerField(blank=True, help_text="The last answer's status", null=True)),
                ('problem', models.CharField(blank=True, choices=[('answer', 'The receiver did not accept it.'), ('redirect', 'The receiver answered with a redirect, and those are not followed.'), ('timeout', 'The receiver did not answer in time.'), ('unreachable', 'The receiver could not be reached.'), ('broken', 'The connection broke.'), ('forbidden', 'The address is not a public https address.')], max_length=12)),
                ('delivered_at', models.DateTimeField(blank=True, null=True)),
                ('log', models.JSONField(blank=True, default=list, help_text='The last attempts')),
                ('lease', models.CharField(blank=True, max_length=32)),
                ('leased_until', models.DateTimeField(blank=True, null=True)),
                ('endpoint', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='jobs.webhookendpoint')),
            ],
            options={
                'verbose_name_plural': 'webhook deliveries',
                'ordering': ('-id',),
                'indexes': [models.Index(fields=['endpoint', '-id'], name='webhook_log'), models.Index(condition=models.Q(('next_at__isnull', False)), fields=['endpoint', 'next_at', 'id'], name='webhook_waiting'), models.Index(fields=['created_at'], name='webhook_oldest')],
                'constraints': [models.UniqueConstraint(fields=('endpoint', 'event_id'), name='webhook_event_once'), models.CheckConstraint(condition=models.Q(models.Q(('next_at__isnull', False), ('state', 'pending')), models.Q(models.Q(('state', 'pending'), _negated=True), ('next_at__isnull', True)), _connector='OR'), name='webhook_next_at_exactly_when_pending')],
            },
        ),
    ]
