"""When a request is looked at next: told by how long its like took, the same for whoever asks."""

import itertools

import pytest

from jobs.poll_times import LONGEST, NEARLY_ALL, Span, Usual, next_look

BASE, PHASE = 2.0, 0.5
SPAN = Span(soonest=30, latest=60)
KNOWN = Usual(whole=SPAN, run=SPAN)


def looks(usual, begin, end, base=BASE, phase=PHASE, **how):
    """The ages at which a job is looked at between two ages, when each look asks for the next."""
    ages = [begin]
    while ages[-1] < end:
        given = {"age": ages[-1], "ran": None, "ahead": 0} | {name: say(ages[-1]) for name, say in how.items()}
        ages.append(ages[-1] + next_look(usual, base, phase, **given))
    return ages[1:-1]


def test_spread_of_times_says_when_nearly_all_end():
    span = Span.of([36.0, 38, 40, 42, 44] * 10)
    assert span.soonest < 36 < 44 < span.latest
    assert span.latest == pytest.approx(40 * (40 / span.soonest))


def test_one_that_took_very_long_does_not_make_all_others_late():
    usual, with_one = Span.of([36.0, 38, 40, 42, 44] * 10), Span.of([36.0, 38, 40, 42, 44] * 10 + [4000.0])
    assert with_one.latest == pytest.approx(usual.latest, rel=0.05)


def test_four_are_too_few_to_tell():
    assert Span.of([30.0] * 4) is None


def test_equal_times_still_leave_a_margin():
    span = Span.of([100.0] * 50)
    assert span.soonest < 100 * (1 - NEARLY_ALL * 0.07)


@pytest.mark.parametrize("usual", [None, Usual()])
def test_unknown_kind_is_looked_at_as_its_age_says(usual):
    moments = looks(usual, 100, 36_000)  # of its own, whenever one begins to look
    assert [moments[0], *moments[-2:]] == [102, 35_976, 35_992]
    assert moments[-1] - moments[-2] == LONGEST * BASE
    assert looks(usual, 101, 36_000) == moments


def test_job_that_can_hardly_be_done_is_left_alone():
    early = looks(KNOWN, 0, 30, ran=lambda age: age)
    assert len(early) <= 4


def test_job_that_is_due_is_looked_at_more_often_than_usual():
    due = looks(KNOWN, 30, 60, ran=lambda age: age)
    assert len(due) == pytest.approx(30 / (0.75 * BASE), abs=1)


def test_job_that_is_late_is_looked_at_less_and_less():
    late = looks(KNOWN, 61, 2000, ran=lambda age: age)
    pauses = [after - before for before, after in itertools.pairwise(late)]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (BASE, LONGEST * BASE)


def test_waiting_job_is_looked_at_before_it_can_be_done():
    assert all(next_look(KNOWN, BASE, PHASE, age, None, ahead=1) <= SPAN.soonest / 3 for age in range(60))


def test_waiting_job_is_left_alone_the_longer_the_more_are_ahead():
    first, third = (len(looks(Usual(SPAN, Span(9, 20)), 0, 60, ahead=lambda _age, at=at: at)) for at in (1, 3))
    assert first > 2 * third


def test_without_word_of_running_the_whole_time_counts():
    unseen = Usual(whole=SPAN, run=None)
    assert len(looks(unseen, 0, 30)) <= 4 < len(looks(unseen, 30, 60))


@pytest.mark.parametrize("asked_at", [31.1, 31.4, 31.7])
def test_next_look_is_the_same_whoever_asks_meanwhile(asked_at):
    """A driver that takes over goes on where the last one was."""
    following = 31 + next_look(KNOWN, BASE, PHASE, 31, 31, 0)
    assert asked_at + next_look(KNOWN, BASE, PHASE, asked_at, asked_at, 0) == pytest.approx(following)


def test_jobs_that_began_together_are_not_looked_at_together():
    moments = {round(next_look(KNOWN, BASE, phase / 10, 29.9, 29.9, 0), 3) for phase in range(10)}
    assert len(moments) >= 8


@pytest.mark.parametrize("age", [0.0, 0.01, 29.99, 30.0, 59.99, 60.0, 60.01])
def test_two_looks_are_never_close_together(age):
    assert next_look(KNOWN, BASE, PHASE, age, age, 0) >= BASE / 4
