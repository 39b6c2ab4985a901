"""The one door to stored bytes: a file is named by its hash, appears whole or not at all, and is kept once."""

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from django.core.files import File
from django.core.files.storage import FileSystemStorage, default_storage, storages

PREFIX, ABANDONED_SECONDS = "part-", 24 * 3600
MARK_NAME, MARK, CHECK_SECONDS = "is-writable", b"Seedream Desk may write here.\n", 1.0


@contextmanager
def temporary_file() -> Iterator[IO[bytes]]:
    """A file beside the store that vanishes afterwards, unless keep() gave it its place."""
    with tempfile.NamedTemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR, prefix=PREFIX, delete=False) as file:
        try:
            yield file
        finally:
            Path(file.name).unlink(missing_ok=True)


def is_asked_directly() -> bool:
    """Whether browsers and RunComfy are sent to the store's own signed addresses: S3 that no web server of ours stands
    before."""
    return not isinstance(default_storage, FileSystemStorage) and not settings.X_ACCEL_PREFIX


def signed_path(name: str, method: str, seconds: int) -> str:
    """Where S3 gives this file to whoever asks so within that time: path and query, without the first slash."""
    url = default_storage.url(name, expire=seconds, http_method=method)  # type: ignore[call-arg]
    return urlunsplit(("", "", *urlsplit(url)[2:])).lstrip("/")


def keep(file: IO[bytes], folder: str, sha256: str, extension: str) -> str:
    """Give a temporary_file() its place in the store; returns the stored name. Doing it again changes nothing.

    Raises OSError when the store does not take it.
    """
    name = f"{folder}/{sha256[:2]}/{sha256}{extension}"
    file.flush()
    if isinstance(default_storage, FileSystemStorage):
        # The row that points here is committed with FULL: after a power cut the bytes and their name must be there.
        os.fsync(file.fileno())
        default_storage.save(name, _Movable(file))
        _sync_folder(Path(default_storage.path(name)).parent)
        return name
    file.seek(0)
    with _as_os_errors():
        return default_storage.save(name, File(file))


def keep_bytes(data: bytes, folder: str, extension: str) -> str:
    with temporary_file() as file:
        file.write(data)
        return keep(file, folder, hashlib.sha256(data).hexdigest(), extension)


def exists(name: str) -> bool:
    with _as_os_errors():
        return default_storage.exists(name)


def read(name: str) -> bytes:
    """Raises FileNotFoundError when it is not there, another OSError when that cannot be told."""
    with _as_os_errors(), default_storage.open(name) as file:
        return file.read()


@contextmanager
def opened(name: str) -> Iterator[IO[bytes]]:
    """A stored file, to be read here; raises as read() does."""
    with _as_os_errors(), default_storage.open(name) as file:
        # S3 sends it all for the first byte: what fails from here on is not the store.
        file.read(1)
        file.seek(0)
        yield file


def chunks(name: str) -> Iterator[bytes]:
    """What is stored, bit by bit; raises as read() does."""
    with _as_os_errors(), default_storage.open(name) as file:
        yield from file.chunks()


def size(name: str) -> int | None:
    """In bytes; None when it is not there. Raises OSError when that cannot be told."""
    try:
        with _as_os_errors():
            return default_storage.size(name)
    except FileNotFoundError:
        return None


def sha256_of(name: str) -> str:
    """The hash of what is really stored; raises as read() does."""
    digest = hashlib.sha256()
    for chunk in chunks(name):
        digest.update(chunk)
    return digest.hexdigest()


def remove(name: str) -> None:
    with _as_os_errors():
        default_storage.delete(name)


def names(folder: str) -> Iterator[str]:
    """Every file under a folder of the store."""
    try:
        with _as_os_errors():
            folders, files = default_storage.listdir(folder)
    except FileNotFoundError:
        return
    yield from (f"{folder}/{name}" for name in files)
    for inner in folders:
        yield from names(f"{folder}/{inner}")


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def check() -> None:
    """Raise OSError, within seconds, unless the store takes a file now. Nothing is left behind; on S3 one small file,
    once."""
    if isinstance(default_storage, FileSystemStorage):
        with temporary_file() as file:
            file.write(MARK)
            file.flush()
        return
    with _as_os_errors():
        _check_bucket(default_storage.bucket_name)  # type: ignore[attr-defined]


def _check_bucket(bucket: str) -> None:
    from botocore.exceptions import ClientError

    client = _impatient_client(json.dumps(settings.STORAGES["default"]))
    try:
        client.head_object(Bucket=bucket, Key=MARK_NAME)
    except ClientError as problem:
        # Who may not list a bucket is told 403 of a file that is not there.
        if problem.response["ResponseMetadata"]["HTTPStatusCode"] not in {403, 404}:
            raise
        client.put_object(Bucket=bucket, Key=MARK_NAME, Body=MARK)


def make_bucket() -> bool:
    """Whether the bucket had to be made. Raises OSError when it cannot be told, or made."""
    from botocore.exceptions import ClientError

    client, name = default_storage.connection.meta.client, default_storage.bucket_name  # type: ignore[attr-defined]
    with _as_os_errors():
        try:
            client.head_bucket(Bucket=name)
        except ClientError as problem:
            if problem.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
                raise
            client.create_bucket(Bucket=name)
            return True
    return False


@cache
def _impatient_client(backend: str) -> Any:
    """The store's own client, but one that neither waits nor tries again. Made once: that takes long."""
    from botocore.config import Config

    given = json.loads(backend)
    given["OPTIONS"]["client_config"] = Config(
        connect_timeout=CHECK_SECONDS,
        read_timeout=CHECK_SECONDS,
        retries={"total_max_attempts": 1},
        signature_version=given["OPTIONS"]["signature_version"],
    )
    return storages.create_storage(given).connection.meta.client  # type: ignore[attr-defined]


@contextmanager
def _as_os_errors() -> Iterator[None]:
    """S3's own errors as what they mean here: the store is away."""
    if isinstance(default_storage, FileSystemStorage):
        yield
        return
    from boto3.exceptions import Boto3Error  # slow to import, and only needed here
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (Boto3Error, BotoCoreError, ClientError) as problem:
        raise OSError(f"The file store does not answer: {problem}") from problem


def forget_abandoned() -> None:
    """Remove the temporary files of processes that were killed: no download takes a day."""
    for path in Path(settings.FILE_UPLOAD_TEMP_DIR).glob(f"{PREFIX}*"):
        try:
            if time.time() - path.stat().st_mtime > ABANDONED_SECONDS:
                path.unlink()
        except FileNotFoundError:
            continue  # its owner was quicker


class _Movable(File):
    """Tells Django's file storage to rename the file into its place, which is atomic, rather than to copy it."""

    def temporary_file_path(self) -> str:
        return str(self.name)
