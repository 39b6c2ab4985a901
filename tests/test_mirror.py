"""One output URL: a stored file, or words on why not, and never half of one."""

import asyncio
import gzip
import hashlib
import io
from pathlib import Path

import pytest
from PIL import Image

from jobs import network, pictures
from jobs.mirror import NotFetched, Stored, mirror

from . import servers
from .conftest import picture_file, png
from .servers import answer, serving

CAP = 100_000
PNG = png().getvalue()


@pytest.fixture
def server():
    with serving() as running:
        yield running


@pytest.fixture
def folder(settings, in_folder):
    return Path(settings.MEDIA_ROOT)


def files(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def fetch(server, behaviour, url="", seconds=5.0):
    server.behaviour = behaviour

    async def fetched():
        async with network.fetch_client(2, hosts=[".runcomfy.net"], trusted=server.address) as client:
            return await mirror(url or f"{server.url}/1.png?sign=a", client, max_bytes=CAP, seconds=seconds)

    return asyncio.run(fetched())


def failed(server, behaviour, **options):
    with pytest.raises(NotFetched) as caught:
        fetch(server, behaviour, **options)
    return caught.value


def noise():
    file = io.BytesIO()
    Image.effect_noise((200, 200), 90).save(file, "PNG")
    return file.getvalue()


# Stored


def test_output_is_stored_byte_for_byte(server, folder):
    stored = fetch(server, answer(200, PNG))
    sha256 = hashlib.sha256(PNG).hexdigest()
    name = f"outputs/{sha256[:2]}/{sha256}.png"
    assert stored == Stored(name, sha256, len(PNG), pictures.Kind("image/png", ".png", 64, 48))
    assert [(path, path.read_bytes()) for path in files(folder)] == [(folder / name, PNG)]


def test_output_in_chunks_is_stored_byte_for_byte(server, folder):
    data = noise()
    stored = fetch(server, answer(200, b"%x\r\n%b\r\n0\r\n\r\n" % (len(data), data), **CHUNKED))
    assert (folder / stored.name).read_bytes() == data


CHUNKED = {"transfer_encoding": "chunked"}


def test_storing_again_changes_nothing(server, folder):
    assert fetch(server, answer(200, PNG)) == fetch(server, answer(200, PNG))
    assert len(files(folder)) == 1


@pytest.mark.parametrize("content_type", ["application/octet-stream", "text/html", "image/jpeg", "nonsense"])
def test_content_type_header_means_nothing(server, content_type):
    assert fetch(server, answer(200, PNG, content_type=content_type)).kind.content_type == "image/png"


@pytest.mark.parametrize(("format", "extension"), [("JPEG", ".jpg"), ("PNG", ".png"), ("WEBP", ".webp")])
def test_name_follows_the_content(server, format, extension):
    assert fetch(server, answer(200, picture_file(format).getvalue())).name.endswith(extension)


def test_video_is_stored(server):
    kind = fetch(server, answer(200, b"\0\0\0\x18ftypisom\0\0\x02\0isommp42")).kind
    assert kind == pictures.Kind("video/mp4", ".mp4")


def test_file_as_large_as_the_cap_is_stored(server):
    video = b"\0\0\0\x18ftypisom".ljust(CAP, b"\0")
    assert fetch(server, answer(200, video)).size == CAP


def test_request_carries_no_token_and_asks_for_plain_bytes(server):
    fetch(server, answer(200, PNG))
    [request] = server.requests
    assert (request.method, request.path) == ("GET", "/1.png?sign=a")
    assert "authorization" not in request.headers
    assert request.headers["accept-encoding"] == "identity"


# Not fetched

LARGE = b"\x89PNG" + bytes(CAP)
FAULTS = {
    # what comes: (is_final, is_expired)
    "401": (answer(401), False, True),
    "403": (answer(403), False, True),
    "404": (answer(404), False, True),
    "410": (answer(410), False, True),
    "429": (answer(429), False, False),
    "500": (answer(500), False, False),
    "503": (servers.page(503), False, False),
    "204": (servers.raw(b"HTTP/1.1 204 No Content\r\n\r\n"), False, False),
    "206": (answer(206, PNG), False, False),
    "redirect": (answer(302, location="/2.png"), True, False),
    "redirect to a private address": (answer(307, location="http://169.254.169.254/latest/meta-data/"), True, False),
    "too large, announced": (answer(200, LARGE), True, False),
    "too large, announced only": (answer(200, PNG, content_length=str(5 * 1024**3)), True, False),
    "too large, in chunks": (servers.chunked(bytes(8192), 100), True, False),
    "zero bytes": (answer(200), False, False),
    "zero bytes in chunks": (servers.chunked(b"", 1), False, False),
    "truncated": (answer(200, noise()[:9000]), False, False),
    "cut short": (servers.cut(PNG), False, False),
    "HTML": (servers.page(), False, False),
    "SVG": (answer(200, b"<svg xmlns='http://www.w3.org/2000/svg'/>", content_type="image/png"), False, False),
    "GIF": (answer(200, picture_file("GIF").getvalue()), False, False),
    "compressed unasked": (answer(200, gzip.compress(PNG), content_encoding="gzip"), False, False),
    "reset": (servers.reset, False, False),
    "dropped": (servers.drop, False, False),
    "no HTTP": (servers.raw(b"SSH-2.0\r\n"), False, False),
}


@pytest.mark.parametrize(("behaviour", "is_final", "is_expired"), FAULTS.values(), ids=FAULTS)
def test_fault_is_told_and_leaves_nothing(server, folder, behaviour, is_final, is_expired):
    problem = failed(server, behaviour)
    assert (problem.is_final, problem.is_expired) == (is_final, is_expired)
    assert problem.words
    assert (files(folder), len(server.requests)) == ([], 1)


@pytest.mark.parametrize("behaviour", [servers.hang, servers.hang_in_body, servers.trickle])
def test_slow_file_ends_with_its_time(server, folder, behaviour):
    problem = failed(server, behaviour, seconds=0.3)
    assert (problem.is_final, problem.is_expired, files(folder)) == (False, False, [])


@pytest.mark.parametrize(
    "url",
    [
        "https://images.example.com/1.png",
        "https://evilruncomfy.net/1.png",
        "http://cdn.runcomfy.net/1.png",
        "http://127.0.0.1:1/1.png",
        "https://cdn.runcomfy.net:99999/1.png",
        "https://user:password@cdn.runcomfy.net/1.png",
        "https://cdn.runcomfy.net/\x01.png",
        "https://cdn.runcomfy.net/\ud800.png",
        "https://xn--a.runcomfy.net/1.png",
    ],
)
def test_url_that_is_not_fetched_is_final(server, folder, url):
    problem = failed(server, answer(200, PNG), url=url)
    assert (problem.is_final, problem.is_expired) == (True, False)
    assert (files(folder), server.connections) == ([], 0)


def test_unreachable_host_may_come_back(server):
    assert not failed(server, servers.drop, url="https://no-such-host.runcomfy.net/1.png").is_final


def test_full_disk_is_no_fault_of_the_file(server, folder):
    (folder / "outputs").write_bytes(b"in the way")
    with pytest.raises(OSError, match="outputs"):
        fetch(server, answer(200, PNG))
    assert files(folder) == [folder / "outputs"]


def test_words_name_what_happened(server):
    assert failed(server, answer(403)).words == "HTTP 403"
    assert failed(server, servers.chunked(bytes(8192), 100)).words == f"larger than {CAP} bytes"
    assert failed(server, answer(200, LARGE)).words == f"announced {CAP + 4} bytes, more than {CAP}"
    assert failed(server, servers.hang, seconds=0.1).words.startswith("TimeoutError")
