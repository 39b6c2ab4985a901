"""The translations: complete, nothing doubtful, no placeholder lost, and compiled from what is checked in."""

import os
import re
import shutil

import polib
import pytest
from django.core.management import call_command
from django.utils import translation

from jobs import seedream

from .conftest import configured

PO = configured.BASE_DIR / "jobs/locale/ja/LC_MESSAGES/django.po"
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%%|%[a-z]|\{\w*\}|</?a[^>]*>")
SOURCES = ("jobs", "seedream_site", "templates")


def entries(path=PO):
    return polib.pofile(str(path))


def placeholders(text):
    return set(PLACEHOLDER.findall(text))


def texts(path=PO):
    return {(entry.msgid, entry.msgid_plural) for entry in entries(path)}


@pytest.fixture
def extracted(tmp_path, settings, monkeypatch):
    """What xgettext finds now, in a copy: it writes beside the templates that it reads."""
    if shutil.which("xgettext") is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("xgettext is not here: install gettext.")
    for name in SOURCES:
        ignored = shutil.ignore_patterns("__pycache__", "locale")
        shutil.copytree(configured.BASE_DIR / name, tmp_path / name, ignore=ignored)
    settings.LOCALE_PATHS = [tmp_path / "found"]
    monkeypatch.chdir(tmp_path)
    call_command("makemessages", locale=["ja"], verbosity=0)
    return tmp_path / "found/ja/LC_MESSAGES/django.po"


def test_translations_hold_every_text_of_the_site_and_no_other(extracted):
    assert texts() ^ texts(extracted) == set()


def test_translations_are_complete():
    assert [entry.msgid for entry in entries() if not entry.translated()] == []


def test_translations_keep_the_placeholders():
    """Of a plural the form for many: Japanese has no other."""
    pairs = [
        (entry.msgid_plural or entry.msgid, text)
        for entry in entries()
        for text in (entry.msgstr, *entry.msgstr_plural.values())
        if text
    ]
    assert [pair for pair in pairs if placeholders(pair[0]) != placeholders(pair[1])] == []


def test_translations_have_the_one_plural_of_japanese():
    plurals = [entry for entry in entries() if entry.msgid_plural]
    assert [entry.msgid for entry in plurals if list(entry.msgstr_plural) != [0]] == []


def test_translations_are_neither_doubtful_nor_left_over():
    assert [entry.msgid for entry in entries() if entry.fuzzy or entry.obsolete] == []


def test_translations_are_compiled():
    assert PO.with_suffix(".mo").read_bytes() == entries().to_binary()


def test_translations_hold_the_messages_of_the_vendors_schema():
    """They are data, which no extraction reads; without a wish for another language they stay word for word."""
    rules = seedream.PROPERTIES["images"]["validations"]
    assert {rule["validation_error"] for rule in rules} == set(seedream.VENDOR_MESSAGES)
    assert seedream.check_picture(100, 100, 11 * 1024**2) == ["File size must be less than 10 MB."]
    with translation.override("ja"):
        assert seedream.check_picture(100, 100, 11 * 1024**2) == ["ファイルサイズは10MB未満にしてください。"]
