import hashlib
from pathlib import Path

import pytest

from sandbox import schema
from tests.sandbox.caller import MODEL, data_uri, picture

RATIO = "The aspect ratio range should be 1:3 to 3:1."
SMALL = "The uploaded image width and height must exceed 14 pixels."
LARGE = "The uploaded image width and height must not exceed 6000 pixels."
HEAVY = "File size must be less than 10 MB."


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"images": []}, "images: must have 1 to 10 items"),
        ({"images": [data_uri(b"x")] * 11}, "images: must have 1 to 10 items"),
        ({"images": "https://example.com/a.jpg"}, "images: must be of type array"),
        ({"images": ["ftp://example.com/a.jpg"]}, "images[0]: must be an image URI"),
        ({"images": [data_uri(b"x"), 5]}, "images[1]: must be an image URI"),
        ({"text": "x" * 601}, "text: must have at most 600 characters"),
        ({"text": None}, "text: must be of type string"),
        ({"seed": 1.5}, "seed: must be of type integer"),
        ({"seed": True}, "seed: must be of type integer"),
        ({"optimize_prompt_options": "slow"}, "optimize_prompt_options: must be one of fast, standard"),
        ({"sequential_image_generation": 1}, "sequential_image_generation: must be of type string"),
    ],
)
def test_submit_refuses_a_bad_field_by_its_name(caller, fields, message):
    answer = caller.post(**fields)

    assert (answer.status_code, answer.json()) == (422, {"error_code": 422001, "error_message": message})


@pytest.mark.parametrize("field", ["image_size", "sequential_image_generation_options"])
def test_submit_refuses_a_value_out_of_the_list(caller, field):
    answer = caller.post(**{field: 16 if field.endswith("options") else "10:10 (1:1)"})

    assert answer.json()["error_message"].startswith(f"{field}: must be one of ")


@pytest.mark.parametrize("missing", ["images", "text"])
def test_submit_refuses_a_missing_field(caller, missing):
    body = {"images": [data_uri(b"x")], "text": "a"}
    del body[missing]

    answer = caller.http.post(MODEL, json=body)

    assert answer.json() == {"error_code": 422001, "error_message": f"{missing}: field required"}


@pytest.mark.parametrize(("content", "message"), [(b"{", "body: must be JSON"), (b"[]", "body: must be a JSON object")])
def test_submit_refuses_a_body_that_is_no_input(caller, content, message):
    answer = caller.http.post(MODEL, content=content)

    assert (answer.status_code, answer.json()["error_message"]) == (422, message)


def test_schema_is_the_published_one():
    published = Path(schema.__file__).parent / "edit-sequential.schema.json"

    digest = hashlib.sha256(published.read_bytes()).hexdigest()
    assert digest == "e4aba68b1c489efae394eb6dbe032c8d18be11b046967dee158a0206de60be22"


def test_schema_fills_in_the_defaults():
    assert schema.checked({"images": [data_uri(b"x")], "text": "a"}) == {
        "images": [data_uri(b"x")],
        "text": "a",
        "sequential_image_generation_options": 3,
        "image_size": "2560:1440 (16:9)",
        "optimize_prompt_options": "fast",
        "sequential_image_generation": "auto",
    }


@pytest.mark.parametrize(
    ("width", "height", "byte_count", "messages"),
    [
        (15, 15, 1, []),
        (5999, 5999, 10 * 2**20 - 1, []),
        (14, 15, 1, [SMALL]),
        (15, 14, 1, [SMALL]),
        (6000, 5999, 1, [LARGE]),
        (5999, 6000, 1, [LARGE]),
        (300, 100, 1, [RATIO]),
        (33, 100, 1, [RATIO]),
        (100, 100, 10 * 2**20, [HEAVY]),
    ],
)
def test_picture_rules_are_the_vendors(width, height, byte_count, messages):
    assert list(schema.picture_faults(width, height, byte_count)) == messages


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        (data_uri(picture(400, 100)), RATIO),
        (data_uri(picture(10, 10)), SMALL),
        (data_uri(picture(6000, 3000)), LARGE),
        (data_uri(picture() + bytes(10 * 2**20)), HEAVY),
        (data_uri(picture(kind="GIF"), "gif"), "The image must be JPEG or PNG."),
        (data_uri(b"no picture"), "The file is not a readable image."),
        (data_uri(picture(kind="PNG")[:200], "png"), "The image data is damaged."),
        ("data:image/png;base64,%%%", "The data URI is not valid base64."),
        ("data:image/png,abc", "The data URI must be base64."),
    ],
)
def test_run_fails_for_a_picture_the_model_does_not_take(caller, uri, message):
    request_id = caller.ended(images=[uri])

    assert caller.result(request_id).json()["error"].endswith(message)
