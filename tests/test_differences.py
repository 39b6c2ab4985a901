"""What differs between two edits, exactly."""

import pytest

from jobs import differences


def marked(before: str, after: str) -> str:
    marks = {"same": "{}", "removed": "[-{}-]", "added": "{{+{}+}}"}
    return "".join(marks[kind].format(text) for kind, text in differences.words(before, after))


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ("Make it red.", "Make it red.", "Make it red."),
        ("Make it red.", "Make it blue.", "Make it [-red-]{+blue+}."),
        ("A red old car", "A blue new car", "A [-red old-] {+blue new+} car"),
        ("make it red", "make it red and bold", "make it red {+and bold+}"),
        ("make it red and bold", "make it red", "make it red [-and bold-]"),
        ("Keep the roof", "Please keep the roof", "[-Keep-] {+Please keep+} the roof"),
        ("the lines and the haze", "the lines, and the haze", "the lines{+,+} and the haze"),
        ("Clear the haze above the hills.", "Clear the haze.", "Clear the haze [-above the hills-]."),
        ("a state-of-the-art don’t", "a state-of-the-art do", "a state-of-the-art [-don’t-]{+do+}"),
        ("", "New", "{+New+}"),
    ],
)
def test_words_mark_what_was_added_and_removed(before, after, shown):
    assert marked(before, after) == shown


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ("空を青くしてください。", "空を赤くしてください。", "空を[-青-]{+赤+}くしてください。"),
        (
            "空を青く。人物はそのまま。",
            "空を夕焼けに。建物はそのまま。",
            "空を[-青く-]{+夕焼けに+}。[-人-]{+建+}物はそのまま。",
        ),
        ("ロゴ logo を消す", "ロゴ text を消す", "ロゴ [-logo-] {+text+} を消す"),
        ("2枚作る", "3枚作る", "[-2-]{+3+}枚作る"),
    ],
)
def test_words_of_japanese_are_its_characters(before, after, shown):
    assert marked(before, after) == shown


def test_words_of_another_prompt_are_shown_one_prompt_after_the_other():
    assert (
        marked("Turn the sky red", "Put a dragon over the lake") == "[-Turn the sky red-]{+Put a dragon over the lake+}"
    )


def test_words_take_other_spaces_and_lines_for_the_same():
    assert differences.words("One\n\ntwo  three ", "One two three") == [("same", "One two three")]


def test_words_keep_the_lines_of_the_newer_prompt():
    assert marked("One\ntwo", "One\n\ntwo\nthree") == "One\n\ntwo\n{+three+}"


def test_words_are_complete():
    before, after = "Keep 👩‍🚀, the roof; (2) tiles", "Keep the roof: 3 new tiles, 👩‍🚀"
    stretches = differences.words(before, after)
    assert "".join("".join(text for kind, text in stretches if kind != "added").split()) == before.replace(" ", "")
    assert "".join("".join(text for kind, text in stretches if kind != "removed").split()) == after.replace(" ", "")


def test_settings_are_named_where_they_differ():
    assert differences.settings({"Seed": "1", "Quality": "Fast"}, {"Seed": "2", "Quality": "Fast"}) == ["Seed"]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (["a", "b"], ["a", "b"], ([], [], False)),
        (["a", "b"], ["b", "a"], ([], [], True)),
        (["a", "b"], ["b", "c"], ([0], [1], False)),
        (["a", "b", "c"], ["c", "d", "a"], ([1], [1], True)),
        (["a", "a"], ["a"], ([1], [], False)),
        ([], ["a"], ([], [0], False)),
    ],
)
def test_pictures_are_told_apart_by_their_hashes(before, after, expected):
    assert differences.pictures(before, after) == expected
