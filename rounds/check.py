"""The public face: `check`, `check_async`, `given`."""

import sys
from types import FrameType
from typing import Any

from rounds import bank, catalog, report
from rounds.engine import isolate
from rounds.engine.diagnose import NOT_ATTEMPTED, Verdict, ajudge, judge
from rounds.exercise import Exercise
from rounds.practice import record
from rounds.report import Report

_BY_NAME = object()  # "look the candidate up in the caller's namespace"


def check(name: str, candidate: Any = _BY_NAME, level: int | None = None) -> Report:
    """Try a program on the cases of an exercise and report what is wrong with it.

    name: the exercise, as in "attention.softmax"; an unknown one raises
        rounds.catalog.UnknownName with the nearest name.
    candidate: the function or class. Without one, the name after the dot is looked
        up where `check` was called.
    level: check levels 1 to `level`; without it all levels.

    Never raises for what the candidate does, and ends it where it does not end by
    itself. Where a child process is possible the candidate runs in one.
    """
    exercise = _exercise(name, level)
    if candidate is _BY_NAME:
        candidate = _meant(exercise.target, sys._getframe(1))
    known = _known(exercise, candidate, level)
    if known is not None:
        return known
    verdict = isolate.judge(exercise, candidate, level)
    if verdict is None:
        verdict = judge(exercise, candidate, level, guarded=True)
    return _finished(exercise, level, verdict)


async def check_async(
    name: str, candidate: Any = _BY_NAME, level: int | None = None
) -> Report:
    """`check` for `async` candidates where no thread or process can be started, as
    in the browser's Python: `await check_async("crawler.crawl", crawl)`."""
    exercise = _exercise(name, level)
    if candidate is _BY_NAME:
        candidate = _meant(exercise.target, sys._getframe(1))
    known = _known(exercise, candidate, level)
    if known is not None:
        return known
    verdict = await ajudge(exercise, candidate, level, guarded=True)
    return _finished(exercise, level, verdict)


def given(name: str) -> Any:
    """A working program for an exercise, for who skipped it and goes on."""
    return bank.reference(_exercise(name, None))


def _exercise(name: str, level: int | None) -> Exercise:
    if not isinstance(name, str):
        raise TypeError(
            'The exercise comes first, as a string: check("attention.softmax", softmax)'
        )
    exercise = catalog.find(name)
    levels = exercise.levels
    if level is not None and not (levels[0] <= level <= levels[-1]):
        raise ValueError(f"{name} has no level {level}, only {levels}.")
    return exercise


def _known(exercise: Exercise, candidate: Any, level: int | None) -> Report | None:
    """The report on what need not be run: no program at all, or one of ours."""
    if candidate is _BY_NAME:
        return _finished(exercise, level, Verdict(NOT_ATTEMPTED))
    if candidate is bank.reference(exercise):
        return report.ours(exercise, level)
    return None


def _meant(target: str, frame: FrameType) -> Any:
    """What `target` means to the code in `frame`, or _BY_NAME."""
    return frame.f_locals.get(target, frame.f_globals.get(target, _BY_NAME))


def _finished(exercise: Exercise, level: int | None, verdict: Verdict) -> Report:
    made = report.write(exercise, level, verdict)
    return made.with_note(record(made))
