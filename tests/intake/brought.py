"""Pictures as people bring them."""

import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from jobs import intake, seedream
from tests.conftest import png, stored_bytes

GONE = "This picture is no longer here. Add it again."


def upload(color="teal", name="teal.png"):
    return SimpleUploadedFile(name, png(color=color).getvalue(), "image/png")


def color_of(kept):
    return Image.open(io.BytesIO(stored_bytes(kept.picture.file))).getpixel((0, 0))


def problems(images, user):
    with pytest.raises(seedream.InvalidInput) as caught:
        intake.take(images, user)
    return caught.value.errors["images"]
