"""The clients of examples/ and `manage.py edit`, run against the whole service with the sandbox."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from PIL import Image

from .conftest import png
from .servers import answer, page, serving
from .service import Service

pytestmark = pytest.mark.timeout(180)

EXAMPLES = Path(settings.BASE_DIR) / "examples"
COMMANDS = {"edit.sh": ["sh"], "edit.py": [sys.executable], "edit.mjs": ["node"]}


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    service = Service(tmp_path_factory.mktemp("service"))
    service.ready()
    yield service
    service.interrupt()


@pytest.fixture
def pictures(tmp_path):
    for name, color in {"roof.png": "red", "sky.png": "blue"}.items():
        (tmp_path / name).write_bytes(png(color=color).read())
    return ["roof.png", "sky.png"]


@pytest.fixture
def run(service, tmp_path):
    """Run an example in a folder of its own; returns what it printed."""

    def start(name, *arguments, end=""):
        token = service.manage("create_token", "admin", name)
        return run_example(tmp_path, name, *arguments, url=f"http://127.0.0.1:{service.port}{end}", DESK_TOKEN=token)

    return start


def run_example(folder, name, *arguments, url="", **more):
    environment = os.environ | {"DESK_URL": url, "DESK_TOKEN": "x", **more}
    command = [shutil.which(COMMANDS[name][0]), *COMMANDS[name][1:], str(EXAMPLES / name), *arguments]
    return subprocess.run(command, check=False, cwd=folder, env=environment, capture_output=True, text=True)


def sizes(folder, names):
    found = []
    for name in names:
        with Image.open(folder / name) as picture:
            found.append(picture.size)
    return found


@pytest.mark.parametrize("name", COMMANDS)
def test_example_saves_what_was_made(run, tmp_path, pictures, name):
    done = run(name, "Make 2 images: the roof of image 1 under the sky of image 2.", *pictures)
    assert (done.returncode, done.stderr) == (0, "")
    assert sizes(tmp_path, done.stdout.split()) == [(2560, 1440)] * 2


@pytest.mark.parametrize("end", ["", "/", "//"])
@pytest.mark.parametrize("name", COMMANDS)
def test_example_tells_what_is_wrong(run, pictures, name, end):
    done = run(name, "", *pictures, end=end)
    assert done.returncode != 0
    assert done.stderr == "text: Write a prompt: it says what to make of the pictures.\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_example_saves_what_was_made_whatever_the_address_ends_with(run, tmp_path, pictures, name):
    done = run(name, "Make 1 image of both.", *pictures, end="/")
    assert (done.returncode, done.stderr) == (0, "")
    assert sizes(tmp_path, done.stdout.split()) == [(2560, 1440)]


NOT_OURS = {
    "a proxy": (page(502), 502),
    "another site": (page(200), 200),
    "a redirect": (answer(301, b"", location="https://desk.example.com/"), 301),
    "other JSON": (answer(403, {"error": "no"}), 403),
}


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("kind", NOT_OURS)
def test_example_says_that_another_server_answers(tmp_path, pictures, name, kind):
    behaviour, code = NOT_OURS[kind]
    with serving(behaviour) as server:
        done = run_example(tmp_path, name, "Make 2 images.", *pictures, url=server.url)
    assert done.returncode == 1
    assert re.fullmatch(
        rf"{server.url}\S* answers HTTP {code}(, which leads to \S+)?, not as Seedream Desk does. Check DESK_URL.\n",
        done.stderr,
    )


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://desk.invalid", "nonsense"])
def test_example_says_that_nobody_answers(tmp_path, pictures, name, url):
    done = run_example(tmp_path, name, "Make 2 images.", *pictures, url=url)
    assert done.returncode == 1
    *before, words = done.stderr.splitlines()
    assert words.startswith(f"{url} cannot be asked")
    assert all(line.startswith("curl: ") for line in before)


@pytest.mark.parametrize("name", COMMANDS)
def test_example_says_that_a_picture_is_missing(tmp_path, name):
    with serving(answer(500)) as server:
        done = run_example(tmp_path, name, "Make 2 images.", "nowhere.png", url=server.url)
    assert (done.returncode, server.requests) == (1, [])
    assert ("nowhere.png" in done.stderr) or ("a picture cannot be read" in done.stderr)


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("missing", [{"url": ""}, {"url": "http://127.0.0.1:1", "DESK_TOKEN": ""}])
def test_example_says_how_it_is_called(tmp_path, pictures, name, missing):
    done = run_example(tmp_path, name, "Make 2 images.", *pictures, **missing)
    assert done.returncode == 1
    assert f'{name} "Make 2 images: …" roof.jpg sky.png' in done.stderr
    assert "Traceback" not in done.stderr


def test_example_for_curl_says_that_jq_is_missing(tmp_path, pictures):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "curl").symlink_to(shutil.which("curl"))
    done = run_example(tmp_path, "edit.sh", "x", *pictures, url="http://127.0.0.1:1", PATH=str(tmp_path / "bin"))
    assert (done.returncode, done.stderr) == (
        1,
        "This needs jq, which is not here. Install it: apt-get install jq\n",
    )


def test_edit_command_saves_what_was_made(service, tmp_path, pictures):
    images = [str(tmp_path / name) for name in pictures]
    told = service.manage(
        "edit",
        *images,
        "--prompt",
        "Make 2 images.",
        "--count",
        "2",
        "--size",
        "1:1",
        "--output",
        str(tmp_path / "out"),
    )
    assert sizes(tmp_path, told.split()) == [(2048, 2048)] * 2
