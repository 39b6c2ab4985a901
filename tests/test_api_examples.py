"""The clients of examples/ and `manage.py edit`, run against the whole service with the sandbox."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from PIL import Image

from .conftest import png
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

    def start(name, *arguments):
        token = service.manage("create_token", "admin", name)
        environment = os.environ | {"DESK_URL": f"http://127.0.0.1:{service.port}", "DESK_TOKEN": token}
        command = [*COMMANDS[name], str(EXAMPLES / name), *arguments]
        return subprocess.run(command, check=False, cwd=tmp_path, env=environment, capture_output=True, text=True)

    return start


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


@pytest.mark.parametrize("name", COMMANDS)
def test_example_tells_what_is_wrong(run, pictures, name):
    done = run(name, "", *pictures)
    assert done.returncode != 0
    assert "Write a prompt" in done.stdout + done.stderr


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
