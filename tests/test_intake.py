"""Pictures that people bring: files, links, data URIs and kept ones, in their order, each with its own message."""

import base64
import io
import json

import brotli
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict
from PIL import Image

from jobs import intake, seedream, store
from jobs.models import Picture

from . import servers
from .conftest import picture_file, png, stored_bytes, stored_output
from .servers import answer, by_path, serving

pytestmark = pytest.mark.django_db

NO_PICTURE = "This is not a readable JPEG/PNG picture."
NEITHER = "Must be a file, an https link or a data URI."
GONE = "This picture is no longer here. Add it again."
NO_RESULT = "There is no such result, or you may not see it."


@pytest.fixture
def server(settings):
    """Stands at the one address that links may name though it is private and http."""
    with serving() as running:
        settings.TRUSTED_ADDRESS = running.address
        settings.LINK_TIMEOUT = 10
        yield running


def upload(color="teal", name="teal.png"):
    return SimpleUploadedFile(name, png(color=color).getvalue(), "image/png")


def data_uri(color="teal"):
    return "data:image/png;base64," + base64.b64encode(png(color=color).getvalue()).decode()


def color_of(kept):
    return Image.open(io.BytesIO(stored_bytes(kept.picture.file))).getpixel((0, 0))


def problems(images, user):
    with pytest.raises(seedream.InvalidInput) as caught:
        intake.take(images, user)
    return caught.value.errors["images"]


# Taken


def test_upload_is_kept_with_its_name(alice):
    [kept] = intake.take([upload()], alice)
    picture = kept.picture
    assert (kept.name, kept.source_url) == ("teal.png", "")
    assert (picture.width, picture.height, picture.content_type) == (64, 48, "image/png")
    assert picture.size == len(stored_bytes(picture.file))


def test_link_is_kept_with_its_address(alice, server):
    server.behaviour = answer(200, png().getvalue())
    link = f"{server.url}/a%20lake.png?sign=1"
    [kept] = intake.take([link], alice)
    assert (kept.name, kept.source_url, kept.picture.width) == ("a lake.png", link, 64)


def test_data_uri_is_kept(alice):
    [kept] = intake.take([data_uri()], alice)
    assert (kept.name, kept.source_url, kept.picture.width) == ("", "", 64)


def test_reference_is_kept_with_its_name(alice):
    [first] = intake.take([upload()], alice)
    assert intake.take([intake.reference(first.picture, alice, "lake.png")], alice) == [
        intake.Kept(first.picture, "lake.png")
    ]


def test_mixed_pictures_stay_in_their_order(alice, server):
    server.behaviour = by_path(lime=answer(200, png(color="lime").getvalue()))
    [red] = intake.take([upload("red")], alice)
    images = [f"{server.url}/lime", upload("blue"), intake.reference(red.picture, alice), data_uri("yellow")]
    found = [color_of(kept) for kept in intake.take(images, alice)]
    assert found == [(0, 255, 0), (0, 0, 255), (255, 0, 0), (255, 255, 0)]


def test_same_picture_twice_is_stored_once(alice):
    first, second = intake.take([upload(name="a.png"), data_uri()], alice)
    assert first.picture == second.picture
    assert Picture.objects.count() == 1


def test_same_link_twice_is_fetched_once(alice, server):
    server.behaviour = answer(200, png().getvalue())
    first, second = intake.take([server.url, server.url], alice)
    assert (first, len(server.requests)) == (second, 1)


def test_ten_pictures_are_taken(alice):
    assert len(intake.take([upload()] * 10, alice)) == 10


def test_capitals_make_no_other_link(alice, server):
    server.behaviour = answer(200, png().getvalue())
    [kept] = intake.take([server.url.replace("http", "HTTP")], alice)
    assert kept.picture.width == 64


def test_redirect_of_a_link_is_followed(alice, server):
    server.behaviour = by_path(old=answer(302, location="/new"), new=answer(200, png().getvalue()))
    [kept] = intake.take([f"{server.url}/old"], alice)
    assert kept.source_url == f"{server.url}/old"


def test_link_is_asked_for_without_any_secret(alice, server):
    server.behaviour = answer(200, png().getvalue())
    intake.take([server.url], alice)
    assert server.requests[0].headers.keys().isdisjoint({"authorization", "cookie"})


# Refused


@pytest.mark.parametrize("count", [0, 11])
def test_number_of_pictures_is_checked(alice, count):
    assert problems([upload()] * count, alice) == seedream.check_count(count)


def test_first_ten_of_too_many_pictures_are_kept(alice):
    kept, found = intake.take_what_is_good([upload()] * 11, alice)
    assert (len(kept), found) == (10, seedream.check_count(11))


def test_every_bad_picture_has_its_own_message(alice):
    images = [upload(), SimpleUploadedFile("notes.txt", b"text"), "data:image/png;base64,AAAA", 7]
    assert problems(images, alice) == [
        f"notes.txt: {NO_PICTURE}",
        f"Picture 3: {NO_PICTURE}",
        f"Picture 4: {NEITHER}",
    ]


def test_good_pictures_are_kept_beside_bad_ones(alice):
    kept, found = intake.take_what_is_good([upload(), SimpleUploadedFile("notes.txt", b"text")], alice)
    assert ([one.name for one in kept], found) == (["teal.png"], [f"notes.txt: {NO_PICTURE}"])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", NO_PICTURE),
        (b"<svg/>", NO_PICTURE),
        (picture_file("GIF").getvalue(), NO_PICTURE),
        (png(10, 10).getvalue(), "The uploaded image width and height must exceed 14 pixels."),
        (png(300, 50).getvalue(), "The aspect ratio range should be 1:3 to 3:1."),
        (png().getvalue()[:-40], "The picture is damaged: it cannot be read to its end."),
    ],
)
def test_bad_upload_is_told_by_its_name(alice, data, message):
    assert problems([SimpleUploadedFile("lake.png", data)], alice) == [f"lake.png: {message}"]


@pytest.mark.parametrize(
    ("image", "message"),
    [
        ("", NEITHER),
        ("lake.png", NEITHER),
        ("/etc/passwd", NEITHER),
        ("file:///etc/passwd", NEITHER),
        ("ftp://example.com/a.png", NEITHER),
        (None, NEITHER),
        ({"url": "https://a"}, NEITHER),
        (b"bytes", NEITHER),
        ("data:text/html;base64,AAAA", "A data URI must begin with data:image/…;base64."),
        ("data:image/png,AAAA", "A data URI must begin with data:image/…;base64."),
        ("data:image/png;base64,A*A", "The data URI is not valid base64."),
        ("data:image/png;base64,AAA", "The data URI is not valid base64."),
        ("data:image/png;base64,é", "The data URI is not valid base64."),
        ("data:image/png;base64,\ud800", "The data URI is not valid base64."),
        ("data:image/png;base64,", NO_PICTURE),
        ("picture:", GONE),
        ("picture:nonsense", GONE),
        ("picture:\ud800", GONE),
    ],
)
def test_word_that_is_no_picture_is_told_by_its_number(alice, image, message):
    assert problems([image], alice) == [f"Picture 1: {message}"]


LINK_FAULTS = {
    "404": (answer(404), "The link answers with HTTP 404."),
    "401": (answer(401), "The link answers with HTTP 401."),
    "HTML": (servers.page(), NO_PICTURE),
    "empty": (answer(200), NO_PICTURE),
    "reset": (servers.reset, "The link cannot be fetched."),
    "cut short": (servers.cut(png().getvalue()), "The link cannot be fetched."),
    "no HTTP": (servers.raw(b"SSH-2.0\r\n"), "The link cannot be fetched."),
    "too large": (answer(200, bytes(10 * 1024 * 1024 + 1)), "File size must be less than 10 MB."),
    "too large in chunks": (servers.chunked(bytes(2**20), 100), "File size must be less than 10 MB."),
    "endless redirects": (answer(302, location="/"), "The link cannot be fetched."),
    "redirect to http": (
        answer(302, location="http://8.8.8.8/"),
        "Only https addresses without a password are fetched.",
    ),
    "redirect to a private address": (
        answer(302, location="https://169.254.169.254/latest"),
        "169.254.169.254 is not a public address.",
    ),
    "broken redirect": (answer(302, location="https://[/"), "The link cannot be fetched."),
}


@pytest.mark.parametrize(("behaviour", "message"), LINK_FAULTS.values(), ids=LINK_FAULTS)
def test_trouble_with_a_link_is_a_sentence_that_names_it(alice, server, behaviour, message):
    server.behaviour = behaviour
    assert problems([f"{server.url}/lake.png"], alice) == [f"{server.url}/lake.png: {message}"]


@pytest.mark.parametrize("behaviour", [servers.hang, servers.hang_in_body, servers.trickle])
def test_slow_link_is_given_up(alice, server, settings, behaviour):
    settings.LINK_TIMEOUT, server.behaviour = 0.3, behaviour
    [message] = problems([server.url], alice)
    assert message == f"{server.url}: The link did not deliver within 0 seconds."


def test_link_that_unfolds_to_gigabytes_is_not_unfolded(alice, server):
    bomb = brotli.compress(bytes(500_000_000), quality=5)
    server.behaviour = answer(200, bomb, content_encoding="br")
    assert problems([server.url], alice) == [f"{server.url}: {NO_PICTURE}"]
    assert server.requests[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    ("link", "message"),
    [
        ("http://example.com/a.png", "Only https addresses without a password are fetched."),
        ("https://user:password@example.com/a.png", "Only https addresses without a password are fetched."),
        ("https://8.8.8.8:99999/a.png", "Only https addresses without a password are fetched."),
        ("https://localhost/a.png", "localhost is not a public address."),
        ("https://169.254.169.254/latest/", "169.254.169.254 is not a public address."),
        ("https://[::1]/a.png", "::1 is not a public address."),
        ("https://2130706433/a.png", "2130706433 is not a public address."),
        ("https://no-such-host.invalid/a.png", "The link cannot be fetched."),
        ("https://[", "The link cannot be fetched."),
        ("https://", "Only https addresses without a password are fetched."),
        ("https://xn--a/", "The link cannot be fetched."),
        ("https://example.com/\x01", "The link cannot be fetched."),
    ],
)
def test_link_that_is_not_fetched_is_told(alice, link, message):
    [found] = problems([link], alice)
    assert found == f"{link}: {message}"


def test_private_link_is_never_touched(alice, server, settings):
    settings.TRUSTED_ADDRESS = ""
    problems([server.url.replace("http", "https"), server.url], alice)
    assert server.connections == 0


def test_long_link_is_shortened_in_its_message(alice):
    [message] = problems(["https://localhost/" + "a" * 500], alice)
    assert message == f"https://localhost/{'a' * 81}…: localhost is not a public address."


def test_message_can_be_sent_whatever_the_link_holds(alice):
    [message] = problems(["https://localhost/\ud800"], alice)
    assert json.dumps(message, ensure_ascii=False).encode()


# References


def test_reference_stands_for_its_picture(alice):
    [kept] = intake.take([upload()], alice)
    assert intake.referenced(intake.reference(kept.picture, alice), alice) == kept.picture


def test_reference_is_of_no_use_to_another(alice, bob):
    [kept] = intake.take([upload()], alice)
    word = intake.reference(kept.picture, alice)
    assert intake.referenced(word, bob) is None
    assert problems([word], bob) == [f"Picture 1: {GONE}"]


@pytest.mark.parametrize("change", [lambda word: word[:-1], lambda word: word + "A", lambda word: word.swapcase()])
def test_altered_reference_is_refused(alice, change):
    [kept] = intake.take([upload()], alice)
    word = intake.reference(kept.picture, alice).removeprefix("picture:")
    assert intake.referenced("picture:" + change(word), alice) is None


def test_reference_to_a_deleted_picture_is_refused(alice):
    [kept] = intake.take([upload()], alice)
    word = intake.reference(kept.picture, alice)
    kept.picture.delete()
    assert problems([word], alice) == [f"Picture 1: {GONE}"]


def test_reference_remembers_the_result_that_it_was(alice, output):
    [kept] = intake.take([intake.output_word(output)], alice)
    again = intake.reference(kept.picture, alice, kept.name, kept.output)
    assert intake.take([again], alice) == [kept]


# Earlier results


@pytest.fixture
def output(alice, make_job):
    return stored_output(make_job(alice), png(color="red"))


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
    ],
)
def test_link_of_this_site_stands_for_its_result(alice, output, settings, link):
    settings.PUBLIC_BASE_URL = "https://desk.example.com"
    words = intake.with_outputs([link.format(output.pk)], "10.0.0.7:8000")
    assert [kept.output for kept in intake.take(words, alice)] == [output]


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


# The order of a posted form


def posted(words="", **files):
    data = QueryDict(words)
    return intake.in_order(
        data, MultiValueDict({name.replace("_", "[") + "]" * ("_" in name): one for name, one in files.items()})
    )


@pytest.mark.parametrize(
    ("words", "files", "order"),
    [
        ("", {}, []),
        ("images=a&images=b", {}, ["a", "b"]),
        ("images=+a+&images=++", {}, ["a"]),
        ("images[2]=c&images[0]=a", {}, ["a", "c"]),
        ("images[10]=k&images[9]=j", {}, ["j", "k"]),
        ("images[0]=a&images[0]=b&images[00]=c", {"images_0": ["D"]}, ["a", "b", "c", "D"]),
        ("images[1]=b", {"images_0": ["A"], "images_2": ["C"]}, ["A", "b", "C"]),
        ("images=b", {"images": ["C", "D"]}, ["b", "C", "D"]),
        ("images=b&images[5]=a", {"images": ["C"]}, ["a", "b", "C"]),
        ("images[x]=a&images[]=b&images[-1]=c&images[1000]=d&xmages[1]=e&images[1]x=f", {}, []),
        ("text=images", {"other": ["A"]}, []),
    ],
)
def test_posted_pictures_come_in_order(words, files, order):
    assert posted(words, **files) == order
