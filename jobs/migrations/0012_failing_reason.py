from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('jobs', '0011_counts'),
    ]

    operations = [
        migrations.AddField(
            model_name='provider',
            name='failing_reason',
            field=models.CharField(blank=True, db_default='', default='', max_length=30),
        ),
    ]
