import io

import pytest
from PIL import Image, ImageChops

from sandbox import dice, palettes, prompt, render, schema
from tests.sandbox.caller import data_uri, picture

SIZES = schema.FIELDS["image_size"]["enum"]


def brief(text="a quiet lake", seed=7, inputs=1, size=(320, 180), file_format="jpeg"):
    pictures = tuple(picture(120 + number, 80) for number in range(inputs))
    return render.Brief(text, seed, size, pictures, file_format)


def painted(told, index=0):
    return render.picture(told, render.sources(told), index)


def opened(content):
    return Image.open(io.BytesIO(content))


@pytest.mark.parametrize("image_size", SIZES)
def test_picture_has_the_asked_size(image_size):
    size = render.parse_size(image_size)

    made = opened(painted(brief(size=size)))

    assert (made.format, made.size) == ("JPEG", size)
    assert f"{made.width}:{made.height}" == image_size.split()[0]


def test_picture_can_be_a_png():
    assert opened(painted(brief(file_format="png"))).format == "PNG"


@pytest.mark.parametrize("inputs", [1, 2, 5, 10])
def test_pictures_of_a_run_all_differ(inputs):
    told = brief(inputs=inputs)
    sources = render.sources(told)

    assert len({render.picture(told, sources, index) for index in range(15)}) == 15


def test_picture_is_the_same_for_the_same_brief():
    assert painted(brief(inputs=3), 4) == painted(brief(inputs=3), 4)


@pytest.mark.parametrize("change", [{"seed": 8}, {"text": "a loud sea"}, {"inputs": 2}])
def test_picture_changes_with_each_part_of_the_brief(change):
    assert painted(brief()) != painted(brief(**change))


@pytest.mark.parametrize("index", range(5))
def test_picture_in_black_and_white_has_no_colour(index):
    red, green, blue = opened(painted(brief("black and white"), index)).split()

    furthest = [ImageChops.difference(red, other).getextrema()[1] for other in (green, blue)]
    assert max(furthest) < 24


def test_picture_of_a_transparent_input_is_opaque():
    buffer = io.BytesIO()
    Image.new("RGBA", (60, 60), (255, 0, 0, 0)).save(buffer, "PNG")

    made = opened(painted(render.Brief("x", 1, (64, 64), (buffer.getvalue(),), "png")))

    assert made.mode == "RGB"
    assert made.getpixel((32, 32)) > (100, 100, 100)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("3 images of a lake", 3),
        ("Make four warm pictures", 4),
        ("a series of 12 highly detailed photos", 12),
        ("Turn these two pictures into five posters", 5),
        ("a quiet lake", None),
        ("a room from 1920", None),
    ],
)
def test_prompt_names_how_many(text, count):
    assert prompt.named_count(text) == count


@pytest.mark.parametrize(
    ("text", "at_most", "inputs", "count"),
    [
        ("a lake", 3, 1, 3),
        ("2 images", 3, 1, 2),
        ("9 images", 3, 1, 3),
        ("a lake", 15, 10, 5),
        ("0 images", 2, 1, 2),
    ],
)
def test_run_makes_what_is_asked_within_its_limits(text, at_most, inputs, count):
    assert prompt.picture_count(text, at_most, inputs) == count


@pytest.mark.parametrize(
    ("text", "palette"),
    [("a teal room", palettes.TEAL), ("Black and white", palettes.MONO), ("at SUNSET", palettes.SUNSET)],
)
def test_palette_follows_the_prompts_words(text, palette):
    assert palettes.chosen(text, dice.Dice(1)) == [palette]


def test_palettes_by_chance_are_three_different_ones():
    assert len(set(palettes.chosen("a room", dice.Dice(1)))) == 3


def test_runs_with_one_seed_are_byte_identical(caller):
    first, second = (caller.entry(caller.ended(seed=5))["outputs"][0]["sha256"] for _ in range(2))

    assert first == second


def test_runs_without_a_seed_differ(caller):
    body = {"images": [data_uri(picture())], "text": "a lake", "sequential_image_generation_options": 1}

    hashes = []
    for _ in range(2):
        request_id = caller.http.post("/v1/models/" + schema.MODEL_ID, json=body).json()["request_id"]
        caller.wait(request_id, "completed")
        hashes.append(caller.entry(request_id)["outputs"][0]["sha256"])

    assert hashes[0] != hashes[1]
