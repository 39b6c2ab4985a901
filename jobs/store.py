"""The one door to stored bytes: a file is named by its hash, appears whole or not at all, and is kept once.

There may be two stores of the same kind, by their names in settings.STORAGES: STORE, and ARCHIVE for originals that the
retention rules moved away.
"""

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import IO, Any
from urllib.parse import parse_qs, urlsplit, urlunsplit

from django.conf import settings
from django.core.files import File
from django.core.files.storage import FileSystemStorage, InvalidStorageError, Storage, default_storage, storages
from django.utils.crypto import constant_time_compare

STORE, ARCHIVE = "default", "archive"
PREFIX, ABANDONED_SECONDS = "part-", 24 * 3600
MARK_NAME, MARK, CHECK_SECONDS = "is-writable", b"Seedream Desk may write here.\n", 1.0


class OtherBytes(Exception):
    """What is stored is not what its hash says."""


@contextmanager
def temporary_file(of: str = STORE) -> Iterator[IO[bytes]]:
    """A file beside the store that vanishes afterwards, unless keep() gave it its place."""
    with tempfile.NamedTemporaryFile(dir=_folder(of), prefix=PREFIX, delete=False) as file:
        try:
            yield file
        finally:
            Path(file.name).unlink(missing_ok=True)


def is_asked_directly() -> bool:
    """Whether browsers and RunComfy are sent to the store's own signed addresses: S3 that no web server of ours stands
    before."""
    return not isinstance(default_storage, FileSystemStorage) and not settings.X_ACCEL_PREFIX


def connect() -> None:
    """Make this thread's client of S3, and load what all clients need, which takes long once: a call that has its
    moment should not wait for that."""
    if not isinstance(default_storage, FileSystemStorage):
        default_storage.connection  # type: ignore[attr-defined]  # noqa: B018


def signed_path(name: str, method: str, seconds: int) -> str:
    """Where S3 gives this file to whoever asks so within that time: path and query, without the first slash."""
    url = default_storage.url(name, expire=seconds, http_method=method)  # type: ignore[call-arg]
    return urlunsplit(("", "", *urlsplit(url)[2:])).lstrip("/")


def is_at(address: str, name: str) -> bool:
    """Whether this is where S3 has the file, signed or not."""
    if not address.isascii() or not is_asked_directly():
        return False
    return address.partition("?")[0] == default_storage.url(name).partition("?")[0]


def signed_until(address: str) -> datetime | None:
    """Until when S3 gives a file to whoever holds this address of it; None when it was not signed with our key."""
    from botocore.auth import SIGV4_TIMESTAMP, S3SigV4QueryAuth  # slow to import, and only needed here
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    told, _, signature = address.partition("&X-Amz-Signature=")
    query = parse_qs(urlsplit(told).query)
    storage: Any = default_storage
    signer = S3SigV4QueryAuth(Credentials(storage.access_key, storage.secret_key), "s3", storage.region_name)
    request = AWSRequest("GET", told)
    request.context["timestamp"] = "".join(query.get("X-Amz-Date", []))
    to_sign = signer.string_to_sign(request, signer.canonical_request(request))
    if not constant_time_compare(signer.signature(to_sign, request), signature):
        return None
    signed_at = datetime.strptime(query["X-Amz-Date"][0], SIGV4_TIMESTAMP).replace(tzinfo=UTC)
    return signed_at + timedelta(seconds=int(query["X-Amz-Expires"][0]))


def keep(file: IO[bytes], folder: str, sha256: str, extension: str) -> str:
    """Give a temporary_file() its place in the store; returns the stored name. Doing it again changes nothing.

    Raises OSError when the store does not take it.
    """
    return _place(file, f"{folder}/{sha256[:2]}/{sha256}{extension}", STORE)


def _place(file: IO[bytes], name: str, of: str) -> str:
    file.flush()
    with _opened(of) as storage:
        if isinstance(storage, FileSystemStorage):
            # The row that points here is committed with FULL: after a power cut the bytes and their name must be there.
            os.fsync(file.fileno())
            storage.save(name, _Movable(file))
            _sync_folder(Path(storage.path(name)).parent)
            return name
        file.seek(0)
        return storage.save(name, File(file))


def copy(name: str, sha256: str, source: str, target: str) -> None:
    """Have a file in another store too, under the same name; doing it again changes nothing. Raises FileNotFoundError
    when it is not there, OtherBytes when it is not what it was, and another OSError when a store is away."""
    digest = hashlib.sha256()
    with temporary_file(target) as file:
        for chunk in chunks(name, source):
            digest.update(chunk)
            file.write(chunk)
        if digest.hexdigest() != sha256:
            raise OtherBytes(f"{name} has other bytes: {digest.hexdigest()}")
        _place(file, name, target)


def keep_bytes(data: bytes, folder: str, extension: str) -> str:
    try:
        return _keep_bytes(data, folder, extension)
    except FileNotFoundError:
        # Removed the moment it had its place, for the last row of these bytes went just then: they are wanted anew.
        return _keep_bytes(data, folder, extension)


def _keep_bytes(data: bytes, folder: str, extension: str) -> str:
    with temporary_file() as file:
        file.write(data)
        return keep(file, folder, hashlib.sha256(data).hexdigest(), extension)


def exists(name: str, of: str = STORE) -> bool:
    with _opened(of) as storage:
        return storage.exists(name)


def read(name: str) -> bytes:
    """Raises FileNotFoundError when it is not there, another OSError when that cannot be told."""
    with _opened(STORE) as storage, storage.open(name) as file:
        return file.read()


@contextmanager
def opened(name: str) -> Iterator[IO[bytes]]:
    """A stored file, to be read here; raises as read() does."""
    with _opened(STORE) as storage, storage.open(name) as file:
        # S3 sends it all for the first byte: what fails from here on is not the store.
        file.read(1)
        file.seek(0)
        yield file


def chunks(name: str, of: str = STORE) -> Iterator[bytes]:
    """What is stored, bit by bit; raises as read() does."""
    with _opened(of) as storage, storage.open(name) as file:
        yield from file.chunks()


def size(name: str) -> int | None:
    """In bytes; None when it is not there. Raises OSError when that cannot be told."""
    try:
        with _opened(STORE) as storage:
            return storage.size(name)
    except FileNotFoundError:
        return None


def sha256_of(name: str, of: str = STORE) -> str:
    """The hash of what is really stored; raises as read() does."""
    digest = hashlib.sha256()
    for chunk in chunks(name, of):
        digest.update(chunk)
    return digest.hexdigest()


def remove(name: str, of: str = STORE) -> None:
    """Doing it again changes nothing."""
    with _opened(of) as storage:
        storage.delete(name)


def names(folder: str, of: str = STORE) -> Iterator[str]:
    """Every file under a folder of the store."""
    try:
        with _opened(of) as storage:
            folders, files = storage.listdir(folder)
    except FileNotFoundError:
        return
    yield from (f"{folder}/{name}" for name in files)
    for inner in folders:
        yield from names(f"{folder}/{inner}", of)


def has_archive() -> bool:
    return ARCHIVE in storages.backends


def _folder(of: str) -> Path:
    """Where temporary files lie: in the store itself if it is a folder, so that they get their names in one step."""
    if of == ARCHIVE and has_archive() and isinstance(archive := storages[ARCHIVE], FileSystemStorage):
        folder = Path(archive.path("tmp"))
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder
    return Path(settings.FILE_UPLOAD_TEMP_DIR)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def check() -> None:
    """Raise OSError, within seconds, unless the store takes a file now. Nothing is left behind; on S3 one small file,
    once."""
    # Whatever is stored is whole on this machine first, wherever it goes then.
    with temporary_file() as file:
        file.write(MARK)
        file.flush()
    if not isinstance(default_storage, FileSystemStorage):
        with _opened(STORE) as bucket:
            _check_bucket(bucket.bucket_name)  # type: ignore[attr-defined]


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
    with _as_os_errors(default_storage):
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
def _opened(of: str) -> Iterator[Storage]:
    """That store, whose own errors become what they mean here: it is away."""
    try:
        storage = storages[of]
    except InvalidStorageError:
        raise OSError("No archive is set up: ARCHIVE_DIR or ARCHIVE_S3_BUCKET says where it is.") from None
    with _as_os_errors(storage):
        yield storage


@contextmanager
def _as_os_errors(storage: Storage) -> Iterator[None]:
    if isinstance(storage, FileSystemStorage):
        yield
        return
    from boto3.exceptions import Boto3Error  # slow to import, and only needed here
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (Boto3Error, BotoCoreError, ClientError) as problem:
        raise OSError(f"The file store does not answer: {problem}") from problem


def forget_abandoned(of: str = STORE) -> None:
    """Remove the temporary files of processes that were killed, ours and Django's of an upload: none takes a day."""
    for path in _folder(of).glob("*"):
        try:
            if time.time() - path.stat().st_mtime > ABANDONED_SECONDS:
                path.unlink()
        except FileNotFoundError:
            continue  # its owner was quicker


class _Movable(File):
    """Tells Django's file storage to rename the file into its place, which is atomic, rather than to copy it."""

    def temporary_file_path(self) -> str:
        return str(self.name)
