"""deploy/nginx.conf, in a real nginx in front of the real service."""

import re
import shutil
import subprocess
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from .processes import wait_until
from .service import ROOT, Service, free_port

CONFIGURATION = ROOT / "deploy" / "nginx.conf"
AROUND = """
user root; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{}}
http {{ {temporary} {site} }}
"""
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def certificate(folder):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
    (folder / "fullchain.pem").write_bytes(made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "privkey.pem").write_bytes(key.private_bytes(*plain))


def adapted(configuration, folder, changes):
    """The file with these changes, which an administrator makes, or Docker."""
    text = configuration.read_text()
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    temporary = " ".join(f"{name}_temp_path {folder}/{name}; " for name in TEMPORARY)
    return AROUND.format(folder=folder, temporary=f"access_log off; {temporary}", site=text)


@contextmanager
def nginx(folder, configuration, changes):
    if not (program := shutil.which("nginx")):
        pytest.skip("nginx is not here: apt-get install nginx-light")
    certificate(folder)
    (folder / "nginx.conf").write_text(adapted(configuration, folder, changes))
    server = subprocess.Popen([program, "-c", folder / "nginx.conf", "-p", folder])
    try:
        yield
    finally:
        server.terminate()
        server.wait(timeout=10)


def _changes(folder, service_port, http, https):
    """Ports, name, certificate, folder."""
    return {
        "include /etc/nginx/seedream-releases;": f"server 127.0.0.1:{service_port};",
        "listen 80;": f"listen 127.0.0.1:{http};",
        "listen 443 ssl": f"listen 127.0.0.1:{https} ssl",
        "desk.example.com": "localhost",
        "/etc/letsencrypt/live/localhost": str(folder),
        "/srv/seedream/var/media/": f"{folder}/media/",
    }


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A client of the site behind nginx, with a token; the service and its folder."""
    folder = tmp_path_factory.mktemp("desk")
    http, https = free_port(), free_port()
    address = f"https://localhost:{https}"
    service = Service(
        folder, PUBLIC_BASE_URL=address, BEHIND_PROXY="true", X_ACCEL_PREFIX="/protected-media/", INPUT_DELIVERY="data"
    )
    with nginx(folder, CONFIGURATION, _changes(folder, service.port, http, https)), running(service):
        headers = {"Authorization": f"Bearer {service.manage('create_token', 'admin', 'test')}"}
        with httpx.Client(base_url=address, verify=False, headers=headers, trust_env=False, timeout=30) as client:  # noqa: S501
            client.plain_address, client.folder = f"http://localhost:{http}", folder
            yield client


@contextmanager
def running(service):
    try:
        assert "is ready" in service.ready()
        yield
    finally:
        service.interrupt()


@pytest.fixture(scope="module")
def output(desk):
    """An output of the edit that the first start makes, and its bytes."""

    def first():
        found = desk.get("/api/v1/outputs/").json()["results"]
        return found and found[0]

    known = wait_until(first, 60)
    [file] = desk.folder.glob(f"media/outputs/*/{known['sha256']}*")
    return known, file


def test_picture_is_sent_by_nginx_from_the_folder(desk, output):
    known, file = output
    answer = desk.get(f"/api/v1/outputs/{known['id']}/file/")
    assert answer.content == file.read_bytes()
    assert re.fullmatch('"[0-9a-f]+-[0-9a-f]+"', answer.headers["ETag"])  # nginx's own, of time and size
    assert (answer.headers["Content-Type"], answer.headers["X-Content-Type-Options"]) == (
        known["content_type"],
        "nosniff",
    )


def test_part_of_a_picture_is_sent(desk, output):
    known, file = output
    answer = desk.get(f"/api/v1/outputs/{known['id']}/file/", headers={"Range": "bytes=10-19"})
    assert (answer.status_code, answer.content) == (206, file.read_bytes()[10:20])


def test_folder_is_not_open(desk, output):
    _known, file = output
    assert desk.get(f"/protected-media/{file.relative_to(desk.folder / 'media')}").status_code == 404


def test_picture_needs_a_token(desk, output):
    known, _file = output
    assert desk.get(f"/api/v1/outputs/{known['id']}/file/", headers={"Authorization": ""}).status_code == 401


def test_plain_http_leads_to_https(desk):
    answer = httpx.get(f"{desk.plain_address}/new/", trust_env=False)
    assert (answer.status_code, answer.headers["Location"]) == (301, "https://localhost/new/")


def test_cookies_are_for_https_only(desk):
    answer = desk.get("/sign-in/", headers={"Authorization": ""})
    assert "Secure" in answer.headers["Set-Cookie"]
    assert "max-age" in answer.headers["Strict-Transport-Security"]


def test_upload_of_ten_large_pictures_is_let_through(desk):
    answer = desk.post("/api/v1/jobs/", content=b"x" * (149 * 1024 * 1024))
    assert answer.status_code == 415  # the site's own word: nothing says what these bytes are
