"""`manage.py edit` where there is nothing to wait for."""

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from jobs.models import Job

from .conftest import png

pytestmark = pytest.mark.django_db


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "teal.png"
    path.write_bytes(png().read())
    return str(path)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"prompt": ""}, "text: Write a prompt"),
        (
            {"prompt": "Make 2.", "sequential_image_generation_options": "16"},
            "sequential_image_generation_options: Must",
        ),
        ({"prompt": "Make 2.", "user": "nobody"}, "There is no user named nobody."),
    ],
)
def test_edit_command_says_what_is_wrong(alice, image, options, words):
    with pytest.raises(CommandError, match=words):
        call_command("edit", image, **{"user": "alice", **options})
    assert not Job.objects.exists()


def test_edit_command_knows_no_file_that_there_is_not(alice):
    with pytest.raises(CommandError, match="There is no file nowhere"):
        call_command("edit", "nowhere.png", prompt="Make 2.", user="alice")


def test_edit_command_asks_for_nothing_that_it_cannot_save(alice, image):
    with pytest.raises(CommandError, match="The outputs cannot be saved"):
        call_command("edit", image, prompt="Make 2.", user="alice", output=Path(image))
    assert not Job.objects.exists()
