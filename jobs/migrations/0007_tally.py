from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('jobs', '0006_idempotency'),
    ]

    operations = [
        migrations.CreateModel(
            name='Tally',
            fields=[
                ('key', models.CharField(max_length=100, primary_key=True, serialize=False)),
                ('since', models.FloatField()),
                ('number', models.PositiveBigIntegerField()),
            ],
            options={
                'verbose_name_plural': 'tallies',
            },
        ),
    ]
