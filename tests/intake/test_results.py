"""Earlier results as pictures of a new edit."""

import io
from datetime import timedelta
from urllib.parse import quote

import pytest
from PIL import Image

from jobs import intake, output_links, store
from tests.conftest import picture_file, png, stored_output
from tests.intake.brought import color_of, problems

pytestmark = pytest.mark.django_db


NO_RESULT = "There is no such result, or you may not see it."


def refusal(output, user):
    [message] = problems([intake.output_word(output)], user)
    return message


def test_result_is_kept_as_a_picture(alice, output):
    [kept] = intake.take([f"output:{output.pk}"], alice)
    assert (kept.name, kept.output, color_of(kept)) == ("result-1.png", output, (255, 0, 0))


def test_results_are_looked_up_together(alice, output, django_assert_max_num_queries):
    with django_assert_max_num_queries(50) as queries:
        intake.take([intake.output_word(output)] * 3, alice)
    assert sum('FROM "jobs_output"' in query["sql"] for query in queries) == 1


def test_result_of_an_unseen_job_is_no_picture(bob, output, settings):
    settings.TEAM_VISIBILITY = "own"
    assert refusal(output, bob) == f"Picture 1: {NO_RESULT}"


@pytest.mark.parametrize(
    "word", ["output:", "output:nonsense", "output:01900000-0000-7000-8000-000000000000", "output:\ud800"]
)
def test_word_for_no_result_is_told(alice, word):
    assert problems([word], alice) == [f"Picture 1: {NO_RESULT}"]


def test_video_cannot_be_a_picture(alice, make_job):
    video = stored_output(make_job(alice), kind="video", extension=".mp4")
    assert refusal(video, alice) == "result-1.mp4: A video cannot be used as a picture."


def test_missing_file_of_a_result_is_told(alice, output):
    store.remove(output.file.name)
    assert refusal(output, alice) == "result-1.png: The file of this result is missing."


def test_result_that_breaks_the_models_rules_is_told_by_its_name(alice, make_job):
    flat = stored_output(make_job(alice), png(400, 100))
    assert refusal(flat, alice) == "result-1.png: The aspect ratio range should be 1:3 to 3:1."


@pytest.mark.parametrize(
    ("file", "content_type"),
    [
        (picture_file("JPEG"), "image/jpeg"),
        (picture_file("PNG"), "image/png"),
        (picture_file("WEBP"), "image/jpeg"),
        (picture_file("WEBP", mode="RGBA", color=(0, 0, 0, 9)), "image/png"),
    ],
    ids=["JPEG", "PNG", "WEBP", "transparent WEBP"],
)
def test_result_comes_in_a_format_that_the_model_takes(alice, make_job, file, content_type):
    [kept] = intake.take([intake.output_word(stored_output(make_job(alice), file))], alice)
    assert kept.picture.content_type == content_type


def test_result_that_is_too_large_becomes_a_jpeg(alice, make_job):
    noise = Image.effect_noise((2400, 2000), 90).convert("RGB")
    file = io.BytesIO()
    noise.save(file, "PNG", compress_level=0)
    [kept] = intake.take([intake.output_word(stored_output(make_job(alice), file))], alice)
    assert (kept.picture.content_type, kept.picture.size < 10 * 1024 * 1024) == ("image/jpeg", True)


@pytest.mark.parametrize(
    "link",
    [
        "https://desk.example.com/outputs/{}/",
        "https://desk.example.com/outputs/{}/640.webp",
        "https://DESK.example.com/pictures/{}/",
        "https://desk.example.com/api/v1/outputs/{}/file/",
        "http://10.0.0.7:8000/pictures/{}/?from=elsewhere",
        "https://desk.example.com/v1/outputs/{token}/1.png",
        "https://desk.example.com/v1/outputs/{quoted}/1.png?x",
    ],
)
def test_link_of_this_site_stands_for_its_result(alice, output, settings, link):
    settings.PUBLIC_BASE_URL = "https://desk.example.com"
    token = output_links.token_of(output, alice)
    link = link.format(output.pk, token=token, quoted=quote(token))
    words = intake.with_outputs([link], "10.0.0.7:8000")
    assert [kept.output for kept in intake.take(words, alice)] == [output]


def signed(output, change=""):
    token = output_links.token_of(output, output.job.owner)
    return intake.with_outputs([f"http://desk/v1/outputs/{token}{change}/1.png"], "desk")


def test_signed_link_gives_its_holder_the_picture_and_nothing_of_its_job(bob, output, settings):
    settings.TEAM_VISIBILITY = "own"
    [kept] = intake.take(signed(output), bob)
    assert (kept.name, kept.output, color_of(kept)) == ("result-1.png", None, (255, 0, 0))


def test_signed_link_that_was_altered_stands_for_nothing(alice, output):
    assert problems(signed(output, change="x"), alice) == [f"Picture 1: {NO_RESULT}"]


def test_signed_link_that_has_expired_is_told(alice, output, settings):
    settings.OUTPUT_LINK_LIFETIME = timedelta(0)
    said = "This address has expired. Ask for the result again, it tells a new one."
    assert problems(signed(output), alice) == [f"Picture 1: {said}"]


@pytest.mark.parametrize(
    "image",
    [
        "https://elsewhere.example.com/outputs/0196f0a0-0000-7000-8000-000000000000/",
        "https://desk.example.com/jobs/0196f0a0-0000-7000-8000-000000000000/",
        "https://desk.example.com/outputs/",
        "https://desk.example.com.evil.example/outputs/0196f0a0-0000-7000-8000-000000000000/",
        "https://[",
        "picture:x",
        7,
    ],
)
def test_other_pictures_stay_what_they_are(settings, image):
    settings.PUBLIC_BASE_URL = "https://desk.example.com"
    assert intake.with_outputs([image], "desk.example.com") == [image]
