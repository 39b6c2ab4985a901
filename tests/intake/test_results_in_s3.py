"""S3's own addresses of earlier results, as pictures of a new edit."""

import pytest
from django.core.files.storage import default_storage

from jobs import intake, pictures, runcomfy_answers, sizes
from jobs.models import Output
from tests.conftest import png, stored_output
from tests.intake.brought import color_of, problems

pytestmark = pytest.mark.django_db

NO_RESULT = "Picture 1: There is no such result, or you may not see it."
EXPIRED = "Picture 1: This address has expired. Ask for the result again, it tells a new one."


@pytest.fixture
def output(bucket, alice, make_job):
    return stored_output(make_job(alice), png(color="red"))


@pytest.fixture
def private(settings):
    settings.TEAM_VISIBILITY = "own"


def words(address):
    return intake.with_outputs([address], "desk")


def address_of(output, seconds=60):
    return default_storage.url(output.file.name, expire=seconds)


def test_address_that_a_page_leads_to_stands_for_its_result(as_user, alice, output):
    address = as_user(alice).get(output.file_url)["Location"]
    assert [kept.output for kept in intake.take(words(address), alice)] == [output]


def test_address_of_a_copy_stands_for_its_result(as_user, alice, output):
    Output.objects.update(widths=[320])
    address = as_user(alice).get(output.size_url(320))["Location"]
    assert [kept.output for kept in intake.take(words(address), alice)] == [output]


def test_address_that_the_dropin_tells_stands_for_its_result(rf, alice, output):
    address = runcomfy_answers.output_url(output, rf.get("/"))
    assert [kept.output for kept in intake.take(words(address), alice)] == [output]


def test_address_stands_for_the_one_of_equal_results_that_may_be_taken(alice, bob, make_job, output, private):
    stored_output(make_job(bob), png(color="red"))
    assert [kept.output for kept in intake.take(words(address_of(output)), alice)] == [output]


def test_address_in_s3_gives_its_holder_the_picture_and_nothing_of_its_job(bob, output, private):
    [kept] = intake.take(words(address_of(output)), bob)
    assert (kept.name, kept.output, color_of(kept)) == ("result-1.png", None, (255, 0, 0))


def test_address_in_s3_that_has_expired_is_told(bob, output, private):
    assert problems(words(address_of(output, seconds=-1)), bob) == [EXPIRED]


def test_address_in_s3_that_has_expired_still_names_what_one_sees(alice, output):
    assert [kept.output for kept in intake.take(words(address_of(output, seconds=-1)), alice)] == [output]


@pytest.mark.parametrize(
    ("part", "other"),
    [("X-Amz-Expires=60", "X-Amz-Expires=600"), ("X-Amz-Signature=", "X-Amz-Signature=0"), ("?", "?\ud800&")],
)
def test_address_in_s3_that_was_altered_gives_its_holder_nothing(bob, output, private, part, other):
    assert problems([f"output:{address_of(output)}".replace(part, other)], bob) == [NO_RESULT]


def test_address_in_s3_without_a_signature_gives_nothing(bob, output, private):
    assert problems(words(address_of(output).partition("?")[0]), bob) == [NO_RESULT]


def test_address_of_a_copy_gives_its_holder_nothing_larger(bob, output, private):
    address = default_storage.url(sizes.name(output.sha256, 320))
    assert problems(words(address), bob) == [NO_RESULT]


@pytest.mark.parametrize("visibility", ["own", "team"])
def test_address_in_s3_does_not_go_round_an_approval(bob, output, settings, visibility):
    settings.REQUIRE_APPROVAL, settings.TEAM_VISIBILITY = True, visibility
    [problem] = problems(words(address_of(output)), bob)
    assert "It is not approved yet" in problem


@pytest.mark.parametrize("image", ["output:http://[", "output:https://s3.example.com/pictures/x"])
def test_word_for_an_address_elsewhere_is_told(bob, output, image):
    assert problems([image], bob) == [NO_RESULT]


def test_files_that_are_no_results_stay_links(alice, output):
    address = default_storage.url(intake.keep(pictures.clean(png())).file.name)
    assert words(address) == [address]


def test_address_in_another_bucket_stays_a_link(output):
    address = address_of(output).replace(default_storage.bucket_name, "elsewhere")
    assert words(address) == [address]


def test_address_in_s3_stays_a_link_where_files_are_in_a_folder(output, in_folder):
    address = "http://127.0.0.1:9000/pictures/" + output.file.name
    assert words(address) == [address]
