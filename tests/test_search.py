"""The search in prompts: what people type, and what the database's own index makes of it."""

import importlib

import pytest
from django.apps import apps
from django.db import connection

from jobs import search, upkeep
from jobs.models import Job, SearchEntry, SearchIndex
from jobs.states import State

pytestmark = pytest.mark.django_db


def found(typed):
    return [job.text for job in Job.objects.matching(typed)]


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("A red car on wet asphalt", "car"),
        ("A red car on wet asphalt", "CAR red"),
        ("A red car on wet asphalt", "asph"),
        ("Soft shadows", "shadow soft"),
        ("背景を夕焼けの海に変えて", "夕焼け"),
        ("背景を夕焼けの海に変えて", "焼けの"),
        ("背景を夕焼けの海に変えて", "海 背景"),
        ("ﾊｲｷﾞｮｳ風のﾎﾟｽﾀｰ", "ポスター"),
        ("東京タワーの写真", "タワー"),
        ("배경을 바다로 바꿔 주세요", "바다"),
        ("猫catを2匹", "猫cat"),
        ("Un café crème, lumière douce", "café"),
        ("Un café crème, lumière douce", "cafe creme"),
        ("Un cafe\u0301", "café"),
        ("Über den Dächern", "uber"),
        ("Uber den Dachern", "Dächern"),
        ("Eine Straßenlaterne", "STRASSENLATERNE"),
        ("Снежные горы", "горы"),
        ("Make it 100% brighter", "100%"),
        ('The sign says "Open"', '"open"'),
        ("Jean-Luc's hat", "jean luc's"),
        ("A car", '"car'),
        ("A near car, or a bus", "car) OR NEAR("),
        ("A near miss", "NEAR("),
        ("A car", "*car*"),
        ("In other words: a car", "words:car"),
        ("A car", "car\x00"),
        ("A car", "-car"),
        ("A car", "^car"),
        ("A car", "!car & (car"),
        ("A car", "'car' <-> \\"),
    ],
)
def test_search_finds(alice, make_job, text, typed):
    make_job(alice, text=text)
    make_job(alice, text="Something else entirely 別")
    assert found(typed) == [text]


@pytest.mark.parametrize("typed", ["cart", "car bus", "変背", "焼海", "100 101", "NOT car", "car OR bus", "words:car"])
def test_search_does_not_find(alice, make_job, typed):
    make_job(alice, text="A red car, 100. 背景を夕焼けの海に変えて")
    assert found(typed) == []


@pytest.mark.parametrize("typed", ["", "  ", "\x00", '"', "***", "%", "()", ":", "…—", "\ud800"])
def test_search_for_no_word_filters_nothing(alice, make_job, typed):
    make_job(alice, text="A car")
    assert found(typed) == ["A car"]


@pytest.mark.parametrize("typed", ["x" * 5000, "car " * 2000, " ".join(f"w{n}" for n in range(3000)), "夕" * 3000])
def test_search_takes_very_long_input(alice, make_job, typed):
    make_job(alice, text="A car")
    assert found(typed) in ([], ["A car"])


def test_search_takes_a_prompt_of_one_endless_word(alice, make_job):
    job = make_job(alice, text="𠮷" * 300 + "ü" * 300)
    assert list(Job.objects.matching("ü" * 300)) == [job]


def test_search_finds_a_job_by_its_id(alice, make_job):
    job, _other = make_job(alice), make_job(alice)
    assert list(Job.objects.matching(f" {job.pk} ")) == [job]


@pytest.mark.parametrize("request_id", ["0f3c5a3e-5d7c-4f43-9d0e-0a7a3b1f2c4d", "req_8842-A", "12345678"])
def test_search_finds_a_job_by_runcomfys_request(alice, make_job, request_id):
    job, _other = make_job(alice), make_job(alice)
    Job.objects.filter(pk=job.pk).update(request_id=request_id, state=State.IN_QUEUE)
    assert list(Job.objects.matching(request_id)) == [job]


def test_search_by_id_shows_nothing_that_is_hidden(alice, bob, make_job, settings):
    settings.TEAM_VISIBILITY = "own"
    job = make_job(alice)
    assert list(Job.objects.visible_to(bob).matching(str(job.pk))) == []


@pytest.mark.parametrize("rare", [500, 0])
def test_search_comes_newest_first_and_can_be_turned_around(alice, make_job, rare, monkeypatch):
    monkeypatch.setattr("jobs.querysets.RARE", rare)
    jobs = [make_job(alice, text="A car") for _ in range(3)]
    assert list(Job.objects.matching("car")) == jobs[::-1]
    assert list(Job.objects.matching("car").reverse()) == jobs


@pytest.mark.parametrize(("rare", "few"), [(500, 0), (-1, 0), (-1, 100)])
@pytest.mark.parametrize("typed", ["car", "re ca", "夕焼け", "100%", "absent", "red bus"])
def test_search_is_the_same_by_look_up_by_index_and_by_looking_through(
    alice, bob, make_job, typed, rare, few, monkeypatch
):
    monkeypatch.setattr("jobs.querysets.RARE", rare)
    monkeypatch.setattr("jobs.querysets.FEW", few)
    jobs = [make_job(owner, text="A red car, 100%: 夕焼け") for owner in (alice, bob, alice)]
    expected = [] if typed in ("absent", "red bus") else [jobs[2], jobs[0]]
    assert list(Job.objects.order_by("-created_at", "-id").filter(owner=alice).matching(typed)) == expected


def test_deleted_job_leaves_nothing_in_the_index(alice, make_job):
    job = make_job(alice, text="A car")
    job.mark_cancelled()
    upkeep.delete(job)
    assert (found("car"), SearchEntry.objects.count()) == ([], 0)
    assert not SearchIndex.objects.filter(words__matches="car").exists()


def test_changed_entry_is_found_by_its_new_words_only(alice, make_job):
    job = make_job(alice, text="A car")
    SearchEntry.objects.update(words=search.words("A bus"))
    assert (list(Job.objects.matching("bus")), found("car")) == ([job], [])


def test_migration_enters_the_jobs_that_are_there_already(alice, make_job, monkeypatch):
    migration = importlib.import_module("jobs.migrations.0003_search")
    monkeypatch.setattr(migration, "BATCH", 2)
    jobs = [make_job(alice, text="A car") for _ in range(5)]
    SearchEntry.objects.all().delete()
    migration.fill(apps, None)
    assert list(Job.objects.matching("car")) == jobs[::-1]


def test_search_reads_the_index_in_its_own_order(alice, make_job, monkeypatch):
    """No sorting: what a page does not show is not read."""
    monkeypatch.setattr("jobs.querysets.RARE", 0)
    make_job(alice, text="A car")
    plan = Job.objects.matching("car")[:24].explain()
    if connection.vendor == "sqlite":
        assert "VIRTUAL TABLE INDEX" in plan
        assert "TEMP B-TREE" not in plan
    else:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
        assert "jobs_searchentry_tokens" in SearchIndex.objects.filter(words__matches="car").explain()
