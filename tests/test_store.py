"""The store: a file appears whole or not at all, under its hash, once."""

import hashlib
import os
from pathlib import Path

import pytest
from django.core.files.storage import default_storage

from jobs import store

DATA = b"pixels" * 1000
SHA256 = hashlib.sha256(DATA).hexdigest()
NAME = f"pictures/{SHA256[:2]}/{SHA256}.png"


@pytest.fixture
def folder(settings, in_folder):
    return Path(settings.MEDIA_ROOT)


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_kept_bytes_lie_under_their_hash(folder):
    assert store.keep_bytes(DATA, "pictures", ".png") == NAME
    assert (folder / NAME).read_bytes() == DATA


def test_same_content_is_one_file(folder):
    names = {store.keep_bytes(DATA, "pictures", ".png") for _ in range(3)}
    assert (names, files(folder)) == ({NAME}, [NAME])


def test_keeping_again_mends_a_broken_file(folder):
    store.keep_bytes(DATA, "pictures", ".png")
    (folder / NAME).write_bytes(b"half")
    store.keep_bytes(DATA, "pictures", ".png")
    assert (folder / NAME).read_bytes() == DATA


def test_bytes_that_a_sweep_removes_as_they_get_their_place_are_kept_anew(folder, monkeypatch):
    """Django sets the rights of a file after it has moved it."""
    left = [1]

    def set_rights(path, mode, chmod=os.chmod):
        if left and left.pop():
            store.remove(NAME)
        chmod(path, mode)

    monkeypatch.setattr(os, "chmod", set_rights)
    assert store.keep_bytes(DATA, "pictures", ".png") == NAME
    assert (folder / NAME).read_bytes() == DATA


def test_nothing_is_in_the_store_while_a_file_is_written(folder):
    with store.temporary_file() as file:
        file.write(DATA)
        file.flush()
        assert files(folder) == [f"tmp/{Path(file.name).name}"]


def test_kept_file_is_whole_at_once_and_moved_not_copied(folder):
    with store.temporary_file() as file:
        file.write(DATA)
        file.flush()
        inode = Path(file.name).stat().st_ino
        name = store.keep(file, "outputs", SHA256, ".png")
        assert (folder / name).stat().st_ino == inode
        assert (folder / name).read_bytes() == DATA


def test_unwritten_bytes_are_not_forgotten(folder):
    with store.temporary_file() as file:
        file.write(b"few")
        name = store.keep(file, "outputs", SHA256, ".png")
        assert (folder / name).read_bytes() == b"few"


def test_temporary_file_vanishes(folder):
    with store.temporary_file() as file:
        file.write(DATA)
    assert files(folder) == []


def test_temporary_file_vanishes_with_an_error(folder):
    with pytest.raises(FileNotFoundError), store.temporary_file() as file:
        file.write(Path("/nowhere").read_bytes())
    assert files(folder) == []


def test_kept_file_outlives_its_temporary_name(folder):
    store.keep_bytes(DATA, "pictures", ".png")
    assert files(folder) == [NAME]


def test_kept_file_can_be_read_through_the_storage():
    with default_storage.open(store.keep_bytes(DATA, "pictures", ".png"), "rb") as file:
        assert file.read() == DATA


def test_store_that_cannot_be_written_says_so(folder, settings):
    (folder / "pictures").write_bytes(b"in the way")
    with pytest.raises(OSError, match="pictures"):
        store.keep_bytes(DATA, "pictures", ".png")
    assert files(folder) == ["pictures"]


def test_missing_temporary_folder_says_so(settings):
    settings.FILE_UPLOAD_TEMP_DIR = "/nowhere"
    with pytest.raises(FileNotFoundError):
        store.keep_bytes(DATA, "pictures", ".png")
