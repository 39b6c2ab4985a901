"""References to pictures that are kept already."""

import pytest

from jobs import intake, references
from tests.intake.brought import GONE, problems, upload

pytestmark = pytest.mark.django_db


def test_reference_stands_for_its_picture(alice):
    [kept] = intake.take([upload()], alice)
    assert references.opened_one(references.reference(kept.picture, alice), alice).picture == kept.picture


def test_reference_is_of_no_use_to_another(alice, bob):
    [kept] = intake.take([upload()], alice)
    word = references.reference(kept.picture, alice)
    assert references.opened_one(word, bob) is None
    assert problems([word], bob) == [f"Picture 1: {GONE}"]


@pytest.mark.parametrize("change", [lambda word: word[:-1], lambda word: word + "A", lambda word: word.swapcase()])
def test_altered_reference_is_refused(alice, change):
    [kept] = intake.take([upload()], alice)
    word = references.reference(kept.picture, alice).removeprefix("picture:")
    assert references.opened_one("picture:" + change(word), alice) is None


def test_reference_to_a_deleted_picture_is_refused(alice):
    [kept] = intake.take([upload()], alice)
    word = references.reference(kept.picture, alice)
    kept.picture.delete()
    assert problems([word], alice) == [f"Picture 1: {GONE}"]


def test_reference_remembers_the_result_that_it_was(alice, output):
    [kept] = intake.take([intake.output_word(output)], alice)
    again = references.reference(kept.picture, alice, kept.name, output.pk)
    assert intake.take([again], alice) == [kept]
