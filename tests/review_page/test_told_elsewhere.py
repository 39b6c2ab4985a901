"""What other pages tell of verdicts, and how a rejected picture is made anew."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils.html import escape

from jobs import review, upkeep
from jobs.models import Job
from tests.conftest import parameters, png

from .acts import at, outputs, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def rejected(job, rita):
    output = outputs(job)[1]
    review.decide([output], rita, review.wish("rejected", "artefacts", "Six <fingers>."))
    return output


def test_picture_page_shows_its_author_the_verdict(as_user, alice, rejected):
    page = as_user(alice).get(rejected.get_absolute_url())
    for words in ("Rejected by rita", "Artefacts", escape("“Six <fingers>.”"), "Make this one anew"):
        assert words in text(page)
    assert at(rejected) not in page.content.decode()


def test_picture_page_leads_a_reviewer_to_the_review(client, rejected):
    assert at(rejected) in client.get(rejected.get_absolute_url()).content.decode()


def test_job_page_shows_the_verdicts(as_user, alice, job, rejected, rita):
    review.decide([outputs(job)[0]], rita, review.wish("approved"))
    page = text(as_user(alice).get(job.get_absolute_url()))
    assert "Rejected Artefacts" in page
    assert page.count("Approved") >= 1


def tile(client):
    return re.findall(r'class="badge" data-status="(\w+)">.*?</svg>([^<]+)<', client.get("/").content.decode())


def test_history_shows_how_many_results_were_rejected(as_user, alice, rejected):
    assert tile(as_user(alice)) == [("rejected", "1 rejected")]


def test_history_shows_what_is_approved_whole(as_user, alice, job, rita):
    review.decide(outputs(job)[:2], rita, review.wish("approved"))
    assert tile(as_user(alice)) == []
    review.decide(outputs(job)[2:], rita, review.wish("approved"))
    assert tile(as_user(alice)) == [("approved", "Approved")]


def test_form_is_filled_for_making_it_anew(as_user, alice, rejected):
    response = as_user(alice).get(reverse("jobs:new"), {"anew": rejected.pk})
    assert response.context["form"]["text"].value() == rejected.job.text
    assert [preview["ref"] for preview in response.context["kept"]] == [f"output:{rejected.pk}"]
    assert escape("“Six <fingers>.”") in text(response)


def test_form_for_making_it_anew_can_take_the_first_pictures(as_user, alice, rejected):
    response = as_user(alice).get(reverse("jobs:new"), {"anew": rejected.pk, "from": rejected.job_id})
    assert [preview["name"] for preview in response.context["kept"]] == ["teal.png"]
    assert escape("“Six <fingers>.”") in text(response)


def test_form_for_making_it_anew_keeps_note_and_origin_when_it_comes_back(as_user, alice, rejected):
    page = as_user(alice).get(reverse("jobs:new"), {"anew": rejected.pk}).content.decode()
    action = re.search(r'class="compose"[^>]* action="([^"]+)"', page)[1].replace("&amp;", "&")
    response = as_user(alice).post(action, {"text": ""})
    assert response.status_code == 422
    assert escape("“Six <fingers>.”") in text(response)
    sent = {"text": "Make 1 image.", "images[0]": f"output:{rejected.pk}", "sequential_image_generation_options": 1}
    as_user(alice).post(action, sent)
    assert Job.objects.get(text="Make 1 image.").parent == rejected.job


@pytest.mark.parametrize("word", ["x", "00000000-0000-7000-8000-000000000000"])
def test_form_for_making_anew_what_is_not_there_is_a_new_one_and_says_so(as_user, alice, word, job):
    response = as_user(alice).get(reverse("jobs:new"), {"anew": word})
    assert (response.status_code, response.context["kept"]) == (200, [])
    assert "The edit to start from is not here" in text(response)


def test_form_for_making_it_anew_is_sent_though_the_result_was_deleted_meanwhile(as_user, alice, rejected):
    page = as_user(alice).get(reverse("jobs:new"), {"anew": rejected.pk}).content.decode()
    action = re.search(r'action="(/new/[^"]+)"', page)[1]
    upkeep.delete(rejected.job)
    picture = SimpleUploadedFile("teal.png", png().getvalue())
    as_user(alice).post(action, parameters(text="Typed for long.") | {"seed": "", "images": picture})
    assert Job.objects.get().text == "Typed for long."
