"""The fixed cast, the provider (the sandbox as a real server), and the files of one test."""

import hashlib
import io
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.apps import apps
from django.conf import settings as configured
from django.contrib.auth.models import Group, User
from django.core.cache import cache
from django.core.files.storage import default_storage
from django.db.models.fields.files import FieldFile
from django.test import Client
from django.utils import translation
from django_q.models import OrmQ
from PIL import Image
from rest_framework.test import APIClient

from jobs import drive, intake, lifecycle, pictures, seedream, store
from jobs.models import ApiToken, Job, Output
from jobs.states import State

from . import s3

IS_ON_S3 = bool(configured.S3_BUCKET)
BUCKET = configured.S3_BUCKET or "pictures"


@pytest.fixture
def alice(db: None) -> User:
    """Owns the jobs."""
    return User.objects.create_user("alice", "alice@example.com", "alice's secret")


@pytest.fixture
def bob(db: None) -> User:
    """A teammate."""
    return User.objects.create_user("bob", "bob@example.com", "bob's secret")


@pytest.fixture
def reviewers(db: None) -> Group:
    """The group and the reasons of the migration, also after a test that emptied the database behind it."""
    migration = import_module("jobs.migrations.0006_review")
    migration.add_reasons(apps)
    migration.add_group(apps)
    return Group.objects.get(name="Reviewers")


@pytest.fixture
def rita(reviewers: Group) -> User:
    """Reviews."""
    user = User.objects.create_user("rita", "rita@example.com", "rita's secret")
    user.groups.add(reviewers)
    return user


@pytest.fixture
def sam(db: None) -> User:
    """Staff."""
    return User.objects.create_superuser("sam", "sam@example.com", "sam's secret")


@pytest.fixture
def as_user() -> Callable[[User], Client]:
    """A browser in which that user is signed in."""

    def sign_in(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return sign_in


@pytest.fixture
def api() -> Callable[[User], APIClient]:
    """A program that holds that user's token."""

    def with_token(user: User) -> APIClient:
        _row, token = ApiToken.objects.create(user=user, name="test")
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
        return client

    return with_token


class Sandbox:
    """The provider's stand-in in a process of its own, with its controls."""

    def __init__(self, url: str, client: httpx.Client):
        self.url, self._http = url, client

    def misbehave(self, kind: str, **options: Any) -> None:
        fault = {"kind": kind, **options}
        self._http.post("/sandbox/faults", json={"faults": [fault]}).raise_for_status()

    def ledger(self) -> dict[str, Any]:
        return self._http.get("/sandbox/ledger").raise_for_status().json()

    def behave(self) -> None:
        self._http.delete("/sandbox/faults").raise_for_status()

    def reset(self) -> None:
        self._http.post("/sandbox/reset").raise_for_status()


@pytest.fixture(scope="session")
def sandbox_server() -> Iterator[Sandbox]:
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--queue-seconds", "0.1", "--run-seconds", "0.1"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=configured.BASE_DIR)
    assert process.stdout is not None
    address = process.stdout.readline().strip().rsplit(" ", 1)[-1]
    with httpx.Client(base_url=address, trust_env=False, timeout=30) as client:
        yield Sandbox(address, client)
    process.terminate()
    process.wait(timeout=10)
    process.stdout.close()


@pytest.fixture
def sandbox(sandbox_server: Sandbox, settings: Any) -> Sandbox:
    """Configured as the provider, behaving well and with an empty ledger; pictures travel inside the request."""
    sandbox_server.reset()
    settings.RUNCOMFY_BASE_URL = sandbox_server.url
    settings.TRUSTED_ADDRESS = sandbox_server.url.removeprefix("http://")
    settings.INPUT_DELIVERY = "data"
    return sandbox_server


@pytest.fixture(autouse=True)
def english() -> None:
    """A page that an earlier test asked for in Japanese leaves its thread in Japanese."""
    translation.deactivate()


@pytest.fixture(scope="session")
def own_bucket() -> Iterator[Any]:
    """This process's own, in the suite's S3 server or in one that is started for it."""
    with ExitStack() as stack:
        address = configured.S3_ENDPOINT_URL or stack.enter_context(s3.serving())
        bucket = s3.new_bucket(address, BUCKET)
        yield bucket
        bucket.meta.client.close()


@pytest.fixture(autouse=True)
def own_files(tmp_path: Any, settings: Any, request: pytest.FixtureRequest) -> Iterator[None]:
    """Each test has an empty store and an empty cache, and no provider unless it asks for one."""
    media = tmp_path / "media"
    (media / "tmp").mkdir(parents=True)
    settings.FILE_UPLOAD_TEMP_DIR = media / "tmp"
    settings.MEDIA_ROOT = media
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    settings.RUNCOMFY_BASE_URL = "http://127.0.0.1:1"
    cache.clear()
    filled = request.getfixturevalue("own_bucket") if IS_ON_S3 else store_in_folder(settings)
    yield
    cache.clear()
    if filled:
        filled.objects.delete()


def store_in_folder(settings: Any) -> None:
    options = {"location": settings.MEDIA_ROOT, "allow_overwrite": True}
    folder = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": options}
    settings.STORAGES = settings.STORAGES | {"default": folder}
    settings.S3_BUCKET = settings.S3_ENDPOINT_URL = ""
    assert default_storage.path("") == str(settings.MEDIA_ROOT)


@pytest.fixture
def in_folder(own_files: None, settings: Any) -> None:
    """For what is about files in a folder, whatever the suite stores its files in."""
    store_in_folder(settings)


@pytest.fixture
def bucket(own_files: None, own_bucket: Any, settings: Any) -> Iterator[Any]:
    """The store is an S3 bucket, of which this is boto's client."""
    client = own_bucket.meta.client
    place = {"bucket_name": BUCKET, "endpoint_url": client.meta.endpoint_url, "region_name": s3.REGION}
    options = place | {"access_key": s3.KEY, "secret_key": s3.SECRET, "signature_version": "s3v4"}
    settings.STORAGES = settings.STORAGES | {
        "default": {
            "BACKEND": "storages.backends.s3.S3Storage",
            "OPTIONS": {**options, "default_acl": None, "querystring_auth": True, "max_memory_size": 1024},
        }
    }
    yield client
    own_bucket.objects.delete()


def png(width: int = 64, height: int = 48, color: Any = "teal") -> io.BytesIO:
    return picture_file("PNG", width, height, color)


def picture_file(
    format: str, width: int = 64, height: int = 48, color: Any = "teal", mode: str = "RGB", **options: Any
) -> io.BytesIO:
    file = io.BytesIO()
    Image.new(mode, (width, height), color).save(file, format, **options)
    file.seek(0)
    file.name = f"picture.{format.lower()}"
    return file


def stored_output(job: Job, file: io.BytesIO | None = None, extension: str = ".png", **given: Any) -> Output:
    """One more result of a job, with its file."""
    data = (file or png()).getvalue()
    name = store.keep_bytes(data, "outputs", extension)
    known = {"kind": "image", "content_type": "image/png", "width": 64, "height": 48, "size": len(data)}
    return Output.objects.create(
        job=job, position=job.outputs.count(), file=name, sha256=hashlib.sha256(data).hexdigest(), **known | given
    )


def complete(job: Job, outputs: int = 1) -> Job:
    """It ended well, with so many results, each of a colour of its own."""
    ended = {"state": State.COMPLETED, "request_id": f"request-{job.pk}", "finished_at": job.created_at}
    Job.objects.filter(pk=job.pk).update(**ended)
    for number in range(outputs):
        stored_output(job, png(color=(number, 80, 80)))
    job.refresh_from_db()
    return job


def stored_bytes(field: FieldFile) -> bytes:
    with field.open("rb") as file:
        return file.read()


def parameters(**given: Any) -> dict[str, Any]:
    return seedream.clean_parameters(
        {"text": "Make 2 images of it.", "sequential_image_generation_options": 2, **given}
    )


def rings(task: str) -> int:
    """How often that task waits in our own queue."""
    return [entry.task["func"] for entry in OrmQ.objects.all()].count(f"jobs.tasks.{task}")


@pytest.fixture
def orm_queue(settings: Any) -> None:
    """A ring is a row in our own database, as in the embedded default."""
    if "orm" not in settings.Q_CLUSTER:
        pytest.skip("the broker is Redis here; its rings are proved by the worker's tests")


@pytest.fixture
def unknown_certificate(tmp_path: Path) -> ssl.SSLContext:
    """Of a server whose certificate nobody signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
    file = tmp_path / "certificate.pem"
    file.write_bytes(
        builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


@pytest.fixture
def make_job(settings: Any) -> Callable[..., Job]:
    """A pending job of one small picture."""

    def make(owner: User, **given: Any) -> Job:
        kept = [intake.Kept(intake.keep(pictures.clean(png())), name="teal.png")]
        return lifecycle.create(owner, parameters(**given), kept)

    return make


@pytest.fixture
def finished(alice: User, make_job: Callable[..., Job]) -> Job:
    """A completed job of alice's with three outputs."""
    job = make_job(alice)
    ended = {"state": State.COMPLETED, "request_id": "r-1", "finished_at": job.created_at}
    Job.objects.filter(pk=job.pk).update(**ended, version=1)
    for color in ("red", "green", "blue"):
        stored_output(job, png(color=color))
    job.refresh_from_db()
    return job


@pytest.fixture
def drive_all() -> Callable[[], None]:
    """Do what the queue would do, once: run a driver until it has nothing left or its time is over."""
    return drive.drive
