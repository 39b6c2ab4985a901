"""Pictures that people bring: files, links, data URIs and kept ones, in their order."""

import base64

import pytest
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict

from jobs import intake, references
from jobs.models import Picture
from tests.conftest import png, stored_bytes
from tests.intake.brought import color_of, upload
from tests.servers import answer, by_path

pytestmark = pytest.mark.django_db


def data_uri(color="teal"):
    return "data:image/png;base64," + base64.b64encode(png(color=color).getvalue()).decode()


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
    assert intake.take([references.reference(first.picture, alice, "lake.png")], alice) == [
        intake.Kept(first.picture, "lake.png")
    ]


def test_mixed_pictures_stay_in_their_order(alice, server):
    server.behaviour = by_path(lime=answer(200, png(color="lime").getvalue()))
    [red] = intake.take([upload("red")], alice)
    images = [f"{server.url}/lime", upload("blue"), references.reference(red.picture, alice), data_uri("yellow")]
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
