"""The model's rules: what may be sent, in the vendor's own words what may not, and where its pictures are."""

import pytest

from jobs import seedream
from jobs.seedream import check_count, check_picture, clean_parameters, output_problems, output_urls

from .conftest import configured

RATIO = "The aspect ratio range should be 1:3 to 3:1."
SMALL = "The uploaded image width and height must exceed 14 pixels."
LARGE = "The uploaded image width and height must not exceed 6000 pixels."
HEAVY = "File size must be less than 10 MB."
MIB = 1024 * 1024
SIZES = [
    "2048:2048 (1:1)",
    "2304:1728 (4:3)",
    "1728:2304 (3:4)",
    "2560:1440 (16:9)",
    "1440:2560 (9:16)",
    "2496:1664 (3:2)",
    "1664:2496 (2:3)",
    "3024:1296 (21:9)",
]


def errors(**given):
    with pytest.raises(seedream.InvalidInput) as caught:
        clean_parameters({"text": "a quiet lake", **given})
    return caught.value.errors


def cleaned(name, value):
    return clean_parameters({"text": "a quiet lake", name: value})[name]


def test_schema_is_the_one_that_the_sandbox_checks_by():
    here, there = (configured.BASE_DIR / folder / "edit-sequential.schema.json" for folder in ("jobs", "sandbox"))
    assert here.read_bytes() == there.read_bytes()


def test_model_is_edit_sequential():
    assert seedream.MODEL_ID == "bytedance/seedream-4-0/edit-sequential"


def test_limits_are_the_vendors():
    limits = (seedream.MIN_IMAGES, seedream.MAX_IMAGES, seedream.MAX_TEXT, seedream.MAX_BYTES)
    assert limits == (1, 10, 600, 10 * MIB)
    assert list(range(1, 16)) == seedream.COUNTS
    assert seedream.IMAGE_SIZES == SIZES


# Parameters


def test_defaults_are_the_vendors():
    assert clean_parameters({"text": "a quiet lake"}) == {
        "text": "a quiet lake",
        "sequential_image_generation_options": 3,
        "image_size": "2560:1440 (16:9)",
        "seed": None,
        "optimize_prompt_options": "fast",
        "sequential_image_generation": "auto",
    }


def test_empty_fields_of_a_form_stand_for_the_defaults():
    empty = dict.fromkeys(seedream.PARAMETERS, "") | {"text": "a quiet lake"}
    assert clean_parameters(empty) == clean_parameters({"text": "a quiet lake"})


def test_vendors_example_prompt_is_never_sent_by_accident():
    assert errors(text=None) == {"text": ["This field is required."]}


def test_every_wrong_field_is_named():
    found = errors(text=" ", seed="x", image_size="9:9", sequential_image_generation_options=0)
    assert list(found) == ["text", "sequential_image_generation_options", "image_size", "seed"]


def test_unknown_fields_are_left_out():
    assert "prompt" not in clean_parameters({"text": "a", "prompt": "b", "images": ["c"]})


@pytest.mark.parametrize("text", ["a", "x" * 600, "é" * 600, "🌅" * 600, "a\n" * 300, " a ", "a\tb"])
def test_text_is_taken_as_it_is(text):
    assert cleaned("text", text) == text


def test_text_counts_a_line_break_of_a_browser_once():
    assert cleaned("text", "a\r\n" * 300) == "a\n" * 300


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x" * 601, "At most 600 characters; these are 601."),
        ("a\r\n" * 301, "At most 600 characters; these are 602."),
        ("", "Write a prompt: it says what to make of the pictures."),
        (" \r\n\t\u3000", "Write a prompt: it says what to make of the pictures."),
        ("a\0b", "Contains a character that cannot be stored."),
        ("a\ud800b", "Contains a character that cannot be stored."),
        (5, "Must be a text."),
        (["a"], "Must be a text."),
        ({"a": 1}, "Must be a text."),
    ],
)  # fmt: skip
def test_text_is_refused(text, message):
    assert errors(text=text) == {"text": [message]}


@pytest.mark.parametrize("count", range(1, 16))
@pytest.mark.parametrize("spelling", [int, str, float])
def test_count_is_taken(count, spelling):
    given = str(count) if spelling is str else spelling(count)
    found = cleaned("sequential_image_generation_options", given)
    assert (found, type(found)) == (count, int)


@pytest.mark.parametrize("count", [0, 16, -1, "0", "16"])
def test_count_is_refused_outside_its_range(count):
    [message] = errors(sequential_image_generation_options=count)["sequential_image_generation_options"]
    assert message == "Must be one of: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15."


@pytest.mark.parametrize("size", SIZES)
def test_image_size_is_taken(size):
    assert cleaned("image_size", size) == size


@pytest.mark.parametrize("size", ["2048:2048", "1:1", "2048:2048 (1:1) ", "x" * 700])
def test_image_size_is_refused(size):
    assert list(errors(image_size=size)) == ["image_size"]


@pytest.mark.parametrize(
    ("given", "seed"),
    [(0, 0), (-5, -5), ("42", 42), (" 42 ", 42), ("-1", -1), (7.0, 7), (2**63 - 1, 2**63 - 1), (-(2**63), -(2**63))],
)
def test_seed_is_taken(given, seed):
    found = cleaned("seed", given)
    assert (found, type(found)) == (seed, int)


@pytest.mark.parametrize("seed", [2**63, -(2**63) - 1, str(2**63), 1e300])
def test_seed_is_refused_beyond_what_can_be_stored(seed):
    assert errors(seed=seed) == {"seed": ["This number is too large."]}


@pytest.mark.parametrize(
    "seed", ["x", "1.5", 1.5, True, False, [1], {}, "9" * 5000, float("nan"), float("inf"), "0x10", "\0"]
)
def test_seed_is_refused_when_it_is_no_whole_number(seed):
    assert errors(seed=seed) == {"seed": ["Must be a whole number."]}


@pytest.mark.parametrize("word", ["fast", "standard"])
def test_quality_is_taken(word):
    assert cleaned("optimize_prompt_options", word) == word


@pytest.mark.parametrize("word", ["Fast", "slow", 1, True])
def test_quality_is_refused(word):
    assert list(errors(optimize_prompt_options=word)) == ["optimize_prompt_options"]


@pytest.mark.parametrize("word", ["auto", "disabled", "x" * 600])
def test_series_is_any_text(word):
    assert cleaned("sequential_image_generation", word) == word


@pytest.mark.parametrize("word", ["x" * 601, 1, "a\0"])
def test_series_is_refused(word):
    assert list(errors(sequential_image_generation=word)) == ["sequential_image_generation"]


# Pictures


@pytest.mark.parametrize(
    ("count", "messages"),
    [
        (0, ["Add at least one picture."]),
        (1, []),
        (10, []),
        (11, ["At most 10 pictures; these are 11."]),
    ],
)
def test_number_of_pictures(count, messages):
    assert check_count(count) == messages


@pytest.mark.parametrize(
    ("width", "height", "size"),
    [
        (15, 15, 1),
        (5999, 5999, 10 * MIB - 1),
        (15, 44, 1),
        (44, 15, 1),
        (1000, 3030, 1),
        (331, 1000, 1),
        (2999, 1000, 1),
        (5999, 2000, 1),
    ],
)
def test_picture_may_be_sent(width, height, size):
    assert check_picture(width, height, size) == []


@pytest.mark.parametrize(
    ("width", "height", "size", "messages"),
    [
        (14, 15, 1, [SMALL]),
        (15, 14, 1, [SMALL]),
        (14, 14, 1, [SMALL]),
        (6000, 5999, 1, [LARGE]),
        (5999, 6000, 1, [LARGE]),
        (6000, 6000, 1, [LARGE]),
        (3000, 1000, 1, [RATIO]),
        (330, 1000, 1, [RATIO]),
        (329, 1000, 1, [RATIO]),
        (100, 100, 10 * MIB, [HEAVY]),
        (100, 100, 10 * MIB + 1, [HEAVY]),
        (10, 7000, 11 * MIB, [HEAVY, RATIO, SMALL, LARGE]),
        (0, 0, 0, [RATIO, SMALL]),
    ],
)
def test_picture_is_refused_in_the_vendors_words(width, height, size, messages):
    assert check_picture(width, height, size) == messages


# The request


def test_request_holds_the_models_fields_and_nothing_else():
    parameters = clean_parameters({"text": "a quiet lake", "seed": 0, "prompt": "no field of this model"})
    assert seedream.request_body(parameters, ["https://a/1.png", "https://a/2.png"]) == {
        "images": ["https://a/1.png", "https://a/2.png"],
        "text": "a quiet lake",
        "sequential_image_generation_options": 3,
        "image_size": "2560:1440 (16:9)",
        "seed": 0,
        "optimize_prompt_options": "fast",
        "sequential_image_generation": "auto",
    }


def test_request_leaves_an_open_seed_to_runcomfy():
    assert "seed" not in seedream.request_body(clean_parameters({"text": "a"}), [])


@pytest.mark.parametrize("size", SIZES)
def test_size_tells_its_pixels_and_its_ratio(size):
    width, height = seedream.pixels(size)
    across, up = map(int, seedream.ratio(size).split(":"))
    assert f"{width}:{height} ({across}:{up})" == size
    assert width / height == pytest.approx(across / up, rel=0.01)


# The output

ONE, TWO = "https://cdn.runcomfy.net/1.png", "https://cdn.runcomfy.net/2.png"


@pytest.mark.parametrize(
    ("output", "found"),
    [
        ({"image": ONE}, [("image", ONE)]),
        ({"images": [ONE, TWO]}, [("image", ONE), ("image", TWO)]),
        ({"images": ONE}, [("image", ONE)]),
        ({"image": [ONE, TWO]}, [("image", ONE), ("image", TWO)]),
        ({"video": ONE}, [("video", ONE)]),
        ({"videos": [ONE]}, [("video", ONE)]),
        ({"image": ONE, "images": [ONE, TWO]}, [("image", ONE), ("image", TWO)]),
        ({"images": [TWO, ONE, TWO]}, [("image", TWO), ("image", ONE)]),
        ({"images": [ONE], "videos": [TWO]}, [("image", ONE), ("video", TWO)]),
        ({"images": [ONE, {"error": "blocked"}, TWO]}, [("image", ONE), ("image", TWO)]),
        ({"images": []}, []),
        ({"images": None, "image": ""}, []),
        ({"images": ["", None, 7, True, ["https://a/b"], "no address", "ftp://a/b", "https://", "https://[a"]}, []),
        ({"inputs": [ONE], "url": TWO}, []),
        ({}, []),
        (None, []),
        ([ONE], []),
        (ONE, []),
        (7, []),
    ],
)  # fmt: skip
def test_output_tells_its_files(output, found):
    assert output_urls(output) == found


@pytest.mark.parametrize(
    ("output", "problems"),
    [
        ({"images": [ONE, {"error": "blocked"}, "", None]}, [{"error": "blocked"}]),
        ({"images": ["blocked"], "image": ONE}, ["blocked"]),
        ({"images": [ONE]}, []),
        (None, []),
    ],
)
def test_output_tells_what_is_no_file(output, problems):
    assert output_problems(output) == problems


# Advice


@pytest.mark.parametrize(
    "text",
    [
        "Make 3 images.",
        "four warm pictures of it",
        "A SERIES of posters",
        "画像1を3枚にする",
        "五枚の写真",
        "2",
        "Image 1 in 3 styles",
    ],
)
def test_prompt_names_a_number(text):
    assert seedream.names_number(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Make it warmer.",
        "Put image 1 on picture 2.",
        "Blend images 1, 2 and 3.",
        "画像1と2を重ねる",
        "Someone often sits there",
    ],
)
def test_prompt_names_no_number(text):
    assert not seedream.names_number(text)


def test_advice_is_given_where_a_number_is_missing_in_the_prompt():
    assert seedream.advice("Make it warmer.", 4, 1) == {
        "text": "The prompt names no number of images: fewer than 4 may come back."
    }


def test_advice_is_given_where_pictures_in_and_out_are_too_many():
    assert seedream.advice("Make 6 images.", 6, 10) == {
        "sequential_image_generation_options": (
            "Pictures in and out are 15 together: with these, at most 5 images come back."
        )
    }


@pytest.mark.parametrize(
    ("text", "count", "images"), [("Make it warmer.", 1, 1), ("", 3, 1), ("Make 5 images.", 5, 10)]
)
def test_advice_is_spared_where_nothing_surprises(text, count, images):
    assert seedream.advice(text, count, images) == {}
