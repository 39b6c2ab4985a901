"""Static files as they are served: hashed names everywhere, also inside modules, and nothing that is missing."""

import hashlib
import re

import pytest
from django.conf import settings as configured
from django.core.management import call_command
from django.test import override_settings


@pytest.fixture(scope="module")
def collected(tmp_path_factory):
    """Once for all: compressing every file takes seconds."""
    root = tmp_path_factory.mktemp("static")
    storages = {**configured.STORAGES, "staticfiles": {"BACKEND": "seedream_site.storage.HashedStaticFiles"}}
    with override_settings(STATIC_ROOT=root, STORAGES=storages):
        call_command("collectstatic", verbosity=0, interactive=False)
    return root


def test_modules_import_each_other_under_hashed_names(collected):
    modules = list((collected / "js").glob("*.js"))
    imports = [found for path in modules for found in re.findall(r'from\s*"\./([^"]+)"', path.read_text())]
    assert imports
    assert [name for name in imports if not (collected / "js" / name).exists()] == []


def test_stylesheet_is_one_file(collected):
    (sheet,) = (collected / "css").glob("portal.*.css")
    text = sheet.read_text()
    assert "@import" not in text
    assert text.index("@layer reset, tokens") < text.index("@layer tokens {") < text.index("@layer state {")


def test_vendored_files_are_the_listed_ones():
    folder = configured.BASE_DIR / "static" / "vendor"
    listed = dict(re.findall(r"`?([\w.-]+\.(?:woff2|svg))`?.*?([0-9a-f]{64})", (folder / "VENDOR.md").read_text()))
    real = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if path.suffix in {".woff2", ".svg"}
    }
    assert listed == real
