"""What comes back from RunComfy is what its content says."""

import pytest

from jobs import pictures
from jobs.pictures import BadPicture, verify
from tests.pictures.samples import bomb, encoded, photo


def verified(tmp_path, data):
    (tmp_path / "output").write_bytes(data)
    return verify(tmp_path / "output")


@pytest.mark.parametrize(
    ("format", "content_type", "extension"),
    [("JPEG", "image/jpeg", ".jpg"), ("PNG", "image/png", ".png"), ("WEBP", "image/webp", ".webp"),
     ("MPO", "image/jpeg", ".jpg")],
)  # fmt: skip
def test_output_is_what_its_content_says(tmp_path, format, content_type, extension):
    options = {"save_all": True, "append_images": [photo()]} if format == "MPO" else {}
    found = verified(tmp_path, encoded(photo(), format, **options))
    assert found == pictures.Kind(content_type, extension, 400, 300)


@pytest.mark.parametrize(
    ("data", "content_type", "extension"),
    [
        (b"\0\0\0\x18ftypisom\0\0\x02\0isommp42", "video/mp4", ".mp4"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0", "video/mp4", ".mp4"),
        (b"\x1a\x45\xdf\xa3\x01\0\0\0\0\0\0\x1f\x42\x86\x81\x01", "video/webm", ".webm"),
    ],
)
def test_video_has_no_size(tmp_path, data, content_type, extension):
    assert verified(tmp_path, data) == pictures.Kind(content_type, extension)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"<html></html>",
        b"\0\0\0\x1cftypavif\0\0\0\0avifmif1",
        b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
        b"GIF89a",
    ],
)
def test_output_of_another_kind_is_refused(tmp_path, data):
    with pytest.raises(BadPicture, match="This is not a readable JPEG/PNG/WEBP picture"):
        verified(tmp_path, data)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_truncated_output_is_refused(tmp_path, format):
    data = encoded(photo(), format)
    with pytest.raises(BadPicture):
        verified(tmp_path, data[: len(data) // 2])


def test_bomb_as_output_is_refused(tmp_path):
    with pytest.raises(BadPicture, match="6000 pixels"):
        verified(tmp_path, bomb(20_000, 20_000))
