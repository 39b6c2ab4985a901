"""deploy/nginx-compose.conf in a real nginx: before the real service with its files on S3, and before told answers."""

import httpx
import pytest

from . import s3
from .processes import wait_until
from .servers import answer, by_path, serving
from .service import ROOT, Service, free_port
from .test_nginx import nginx, running

CONFIGURATION = ROOT / "deploy" / "nginx-compose.conf"
SIGNED = "pictures/outputs/ab/cd.png?X-Amz-Credential=key%2F20261123%2Fus-east-1&X-Amz-Signature=12ab"


def changes(folder, store, http, https, *webs):
    """What Docker's names stand for; and what only a newer nginx than Debian's knows."""
    return {
        "resolver 127.0.0.11 valid=2s;": "",
        "server web:8000 resolve;": " ".join(f"server {web};" for web in webs),
        "server s3:7070 resolve;": f"server {store};",
        "Host s3:7070": f"Host {store}",
        "listen 80 default_server;": f"listen 127.0.0.1:{http};",
        "listen 443 ssl default_server;": f"listen 127.0.0.1:{https} ssl;",
        "http2 on;": "",
        "/etc/nginx/certificates": str(folder),
        "/var/www/acme": str(folder / "acme"),
    }


def browser(https, **more):
    return httpx.Client(base_url=f"https://localhost:{https}", verify=False, trust_env=False, timeout=30, **more)  # noqa: S501


@pytest.fixture(scope="module")
def bucket_server():
    with s3.serving() as address:
        yield address


@pytest.fixture(scope="module")
def desk(tmp_path_factory, bucket_server):
    """A client of the real site with its files on S3, with a token."""
    folder, https = tmp_path_factory.mktemp("desk"), free_port()
    address = {"PUBLIC_BASE_URL": f"https://localhost:{https}", "BEHIND_PROXY": "true", "INPUT_DELIVERY": "data"}
    store = {
        "S3_BUCKET": "behind-nginx",
        "S3_ENDPOINT_URL": bucket_server,
        "S3_ACCESS_KEY": "key",
        "S3_SECRET_KEY": "secret",
    }
    service = Service(folder, X_ACCEL_PREFIX="/protected-media/", **address, **store)
    assert service.manage("make_bucket") == "The bucket behind-nginx was made."
    told = changes(folder, bucket_server.removeprefix("http://"), free_port(), https, f"127.0.0.1:{service.port}")
    with nginx(folder, CONFIGURATION, told), running(service):
        token = service.manage("create_token", "admin", "test")
        with browser(https, headers={"Authorization": f"Bearer {token}"}) as client:
            client.service = service
            yield client


@pytest.fixture(scope="module")
def output(desk):
    """An output of the edit that the first start makes."""

    def first():
        found = desk.get("/api/v1/outputs/").json()["results"]
        return found and found[0]

    return wait_until(first, 60)


def test_picture_comes_from_s3_by_our_address(desk, output):
    response = desk.get(f"/api/v1/outputs/{output['id']}/file/")
    assert (response.status_code, len(response.content)) == (200, output["size"])
    assert response.headers.get_list("Content-Type") == [output["content_type"]]
    assert response.headers.get_list("Cache-Control") == ["private, max-age=31536000, immutable"]
    assert len(response.headers.get_list("Content-Disposition")) == 1
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_part_of_a_picture_comes_from_s3(desk, output):
    url = f"/api/v1/outputs/{output['id']}/file/"
    part = desk.get(url, headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, desk.get(url).content[10:20])


def test_head_of_a_picture_on_s3(desk, output):
    response = desk.head(f"/api/v1/outputs/{output['id']}/file/")
    assert (response.status_code, response.headers["Content-Length"]) == (200, str(output["size"]))


def test_page_takes_pictures_from_our_address_alone(desk):
    policy = desk.get("/sign-in/", headers={"Authorization": ""}).headers["Content-Security-Policy"]
    assert "img-src 'self' blob:;" in f"{policy};"


def test_figures_are_not_for_the_world(desk):
    assert desk.get("/metrics").status_code == 404


def test_bucket_that_is_there_is_left_alone(desk):
    assert desk.service.manage("make_bucket") == "The bucket behind-nginx is there."


@pytest.fixture
def told(tmp_path):
    """nginx before servers that answer as told: two webs, and S3."""
    https = free_port()
    with (
        serving(answer(404)) as web,
        serving(answer(404)) as other,
        serving(answer(200, b"picture", etag='"1"')) as store,
    ):
        addresses = changes(tmp_path, store.address, free_port(), https, web.address, other.address)
        with nginx(tmp_path, CONFIGURATION, addresses), browser(https) as client:
            wait_until(lambda: answers(client))
            client.web, client.other, client.s3 = web, other, store
            yield client


def answers(client):
    try:
        return client.get("/").status_code
    except httpx.ConnectError:
        return None


def test_s3_hears_what_was_signed_and_nothing_of_the_browser(told):
    told.web.behaviour = told.other.behaviour = answer(200, b"", x_accel_redirect=f"/protected-media/{SIGNED}")
    response = told.get("/file/", headers={"Authorization": "Bearer secret", "Cookie": "sessionid=secret"})
    [request] = told.s3.requests
    assert (response.content, request.path, request.headers["host"]) == (b"picture", f"/{SIGNED}", told.s3.address)
    assert request.headers.keys().isdisjoint({"authorization", "cookie"})


def test_s3_is_not_open(told):
    assert told.get(f"/protected-media/{SIGNED}").status_code == 404
    assert told.s3.requests == []


def test_style_of_either_release_is_found(told):
    told.web.behaviour = answer(404)
    told.other.behaviour = by_path(**{"static/older.css": answer(200, b"older")})
    assert [told.get("/static/older.css").content for _again in range(4)] == [b"older"] * 4
