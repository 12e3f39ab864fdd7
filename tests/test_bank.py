"""Claims about the bank: it is large enough, and the checks judge all of it rightly."""

import functools
import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from rounds import audit, bank, catalog
from rounds.engine.diagnose import Verdict, judge
from rounds.engine.known import Known
from rounds.exercise import Exercise
from rounds.report import write

TOPICS = catalog.topics()
EXERCISES = [exercise for topic in TOPICS for exercise in topic.exercises()]


def together(topic: str, *values: Any, name: str) -> Any:
    """A test's parameters. Those of one topic go to one process: they take minutes in
    all, and share what they found."""
    return pytest.param(*values, id=name, marks=pytest.mark.xdist_group(topic))


PER_TOPIC = [together(topic.name, topic, name=topic.name) for topic in TOPICS]
PER_EXERCISE = [together(e.topic, e, name=e.name) for e in EXERCISES]
RIGHT, WRONG = (
    [
        together(e.topic, e, label, name=f"{e.name}-{label}")
        for e in EXERCISES
        for label in programs(e)
    ]
    for programs in (bank.right, bank.mistakes)
)


@functools.cache
def accepted(name: str, label: str) -> Verdict:
    """The verdict on a right program, asked for by more than one test."""
    exercise = catalog.find(name)
    return judge(exercise, bank.right(exercise)[label])


@functools.cache
def known(name: str) -> Known:
    """What was found out about the wrong programs of an exercise."""
    return Known(catalog.find(name))


@functools.cache
def refused(name: str, label: str) -> Verdict:
    """The verdict on a wrong program. That it does the same when it is run again is
    seen in one case here, in all by rounds.audit, which writes the score."""
    programs = known(name)
    built = programs.build(label)
    return judge(programs.exercise, built, known=programs, itself=label)


@pytest.mark.parametrize(("exercise", "label"), RIGHT)
def test_right_program_is_accepted(exercise: Exercise, label: str):
    verdict = accepted(exercise.name, label)
    assert verdict.failure is None
    assert verdict.state == "passed"


@pytest.mark.parametrize(("exercise", "label"), WRONG)
def test_wrong_program_is_named_as_itself(exercise: Exercise, label: str):
    due = known(exercise.name).told[label]
    verdict = refused(exercise.name, label)
    assert (verdict.mistake, verdict.says) == (due.slug, due.says)
    assert verdict.state in ("wrong", "raised")


@pytest.mark.parametrize("exercise", PER_EXERCISE)
def test_verdict_does_not_rest_on_knowing_which_program_it_is(exercise: Exercise):
    programs = known(exercise.name)
    for label in list(programs.told)[::20]:
        verdict = judge(exercise, programs.build(label), known=programs)
        assert str(write(exercise, None, verdict)) == str(
            write(exercise, None, refused(exercise.name, label))
        )


@pytest.mark.parametrize("exercise", PER_EXERCISE)
def test_reports_are_short_narrow_and_never_hold_the_solution(exercise: Exercise):
    lines = bank.source(bank.reference(exercise)).splitlines()
    code = {line.strip() for line in lines if len(line.strip()) > 25 and "=" in line}
    for label in known(exercise.name).told:
        report = write(exercise, None, refused(exercise.name, label))
        assert 4 <= len(report.lines) <= 14, str(report)  # most: seven to nine
        assert max(map(len, report.lines)) <= 88
        assert not any(line in str(report) for line in code)


@pytest.mark.parametrize("topic", PER_TOPIC)
def test_score_on_the_landing_page_is_that_of_the_bank(topic: catalog.Topic):
    right, wrong = [], {}
    for exercise in topic.exercises():
        right += [accepted(exercise.name, label) for label in bank.right(exercise)]
        for label, program in known(exercise.name).told.items():
            wrong[exercise.name, label] = (program, refused(exercise.name, label))
    assert audit.recorded().get(topic.name) == audit.Score(
        right=sum(verdict.state == "passed" for verdict in right),
        wrong=sum(verdict.state != "passed" for _, verdict in wrong.values()),
        named=sum(verdict.mistake == it.slug for it, verdict in wrong.values()),
    ), f"python -m rounds.audit {topic.name} writes the score anew"


def test_no_score_is_kept_of_a_topic_that_is_gone():
    assert set(audit.recorded()) == {topic.name for topic in catalog.topics()}


@pytest.mark.parametrize("topic", PER_TOPIC)
def test_topic_has_twenty_wrong_programs_and_two_alternatives(topic: catalog.Topic):
    exercises = topic.exercises()
    assert sum(len(bank.mistakes(exercise)) for exercise in exercises) >= 20
    for exercise in exercises:
        assert len(bank.right(exercise)) >= 3, exercise.name


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.name)
def test_sentence_of_a_mistake_reads_as_a_sentence_and_holds_no_code(
    exercise: Exercise,
):
    for program in known(exercise.name).told.values():
        assert re.fullmatch(r"[A-Za-z('].{25,}[.)?]", program.says), program.slug
        for code in ("np.", "keepdims", "return ", "swapaxes", "lambda"):
            assert code not in program.says, program.slug
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", program.slug)


def test_topic_without_faults_draws_no_complaint(small_topics: None):
    for name in ("running_mean", "gather", "lines"):
        assert list(audit.complaints(catalog.topic(name))) == []


def test_exercise_without_cases_or_calls_is_refused(small_topics: None):
    found = list(audit.complaints(catalog.topic("broken")))
    assert "broken.no_cases has no case: it would accept everything." in found
    assert any(text.startswith("broken.no_calls has no call") for text in found)


def test_lenient_check_and_two_mistakes_in_one_coat_are_refused(small_topics: None):
    found = "\n".join(audit.complaints(catalog.topic("broken")))
    assert "rejects the right program lenient_rejected" in found
    assert "accepts the wrong program lenient_square" in found
    assert "takes lenient_plus_half for adds-one, not adds-half-of-two" in found


def test_every_level_of_an_exercise_calls_more_than_the_one_before():
    assert EXERCISES
    for exercise in EXERCISES:
        program = bank.reference(exercise)
        calls = [judge(exercise, program, level).calls for level in exercise.levels]
        assert calls and calls == sorted(set(calls)) and calls[0] > 0, exercise.name


@pytest.mark.parametrize(
    ("old", "count"), [("sum(self.values) * 2", 0), ("self.values", 5)]
)
def test_edit_that_does_not_apply_once_is_an_error(
    small_topics: None, old: str, count: int
):
    exercise = catalog.find("running_mean")
    program = bank.edit("RunningMean", "slip", "It slips.", old, "x")
    with pytest.raises(bank.BankError, match=f"'slip' must apply once.*{count} times"):
        bank.build(exercise, program)


def test_score_counts_programs_accepted_caught_and_named(small_topics: None):
    assert audit.score(catalog.topic("lines")) == audit.Score(3, 3, 3)


def test_score_does_not_count_what_is_judged_wrongly(
    small_topics: None, monkeypatch: pytest.MonkeyPatch
):
    broken = catalog.topic("broken")
    lenient = [e for e in broken.exercises() if e.name == "broken.lenient"]
    monkeypatch.setattr(catalog.Topic, "exercises", lambda self: lenient)
    # Of two right programs one is rejected; of three wrong ones one passes and two
    # cannot be told apart.
    assert audit.score(broken) == audit.Score(right=1, wrong=2, named=1)


def test_score_of_one_topic_is_written_beside_the_others(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    kept = tmp_path / "score.json"
    others = {"attention": {"right": 1, "wrong": 1, "named": 1}, "gone": {}}
    others["gone"] = others["attention"]
    kept.write_text(json.dumps(others), encoding="utf-8")
    monkeypatch.setattr(audit, "SCORE", kept)
    monkeypatch.setattr(audit, "ProcessPoolExecutor", ThreadPoolExecutor)
    monkeypatch.setattr(audit, "score", lambda topic: audit.Score(5, 6, 7))
    assert audit.main(["bpe"]) == 0
    assert audit.recorded() == {
        "attention": audit.Score(1, 1, 1),
        "bpe": audit.Score(5, 6, 7),
    }
    assert audit.main(["bep"]) == 1
