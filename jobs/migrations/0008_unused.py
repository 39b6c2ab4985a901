from django.db import migrations, models
from django.db.models import Q
from django.utils import timezone


def mark_unused(apps, schema_editor):
    apps.get_model("jobs", "Picture").objects.filter(uses=None).update(unused_since=timezone.now())


class Migration(migrations.Migration):

    dependencies = [
        ('jobs', '0007_tally'),
    ]

    operations = [
        migrations.AddField(
            model_name='picture',
            name='unused_since',
            field=models.DateTimeField(blank=True, help_text='When it was last uploaded, until it is used', null=True),
        ),
        migrations.AddIndex(
            model_name='picture',
            index=models.Index(condition=Q(('unused_since__isnull', False)), fields=['unused_since'], name='picture_unused'),
        ),
        migrations.RunPython(mark_unused, migrations.RunPython.noop, elidable=True),
    ]
