"""From what a candidate did to a verdict: the failure to tell, and the mistake."""

from dataclasses import dataclass
from typing import Any

from rounds import bank
from rounds.engine import run
from rounds.engine.compare import alike
from rounds.engine.run import Outcome
from rounds.engine.step import Failure
from rounds.exercise import EDGE, STAGES, Case, Exercise

NOT_ATTEMPTED, RAISED, WRONG, PASSED = "not attempted", "raised", "wrong", "passed"


@dataclass(frozen=True)
class Verdict:
    """What a check found. `mistake` and `says` are of the bank's program that the
    candidate behaves as, or None and ""."""

    state: str
    calls: int = 0
    failure: Failure | None = None
    mistake: str | None = None
    says: str = ""


def judge(
    exercise: Exercise, candidate: Any, level: int | None = None, **how: Any
) -> Verdict:
    """The verdict on a candidate, run in this process; `how` as for `ajudge`."""
    work = ajudge(exercise, candidate, level, **how)
    return run.finish(work, run.is_async(exercise))


def judge_one_call(
    exercise: Exercise, candidate: Any, about: str, call: int
) -> Verdict:
    """Whether one call of one case is right when it is the first that is made."""
    case = next(case for case in exercise.cases if case.about == about)
    work = run.attempt(exercise, case, candidate, only_call=call)
    outcome = run.finish(work, run.is_async(exercise))
    return Verdict(WRONG if outcome.failures else PASSED, 1)


async def ajudge(
    exercise: Exercise, candidate: Any, level: int | None = None, **how: Any
) -> Verdict:
    """The verdict, for code that runs in an event loop; `how` as for run.attempt."""
    cases = exercise.upto(level)
    done = await run.attempts(exercise, cases, candidate, **how)
    calls = sum(outcome.calls for outcome in done)
    if calls == 0:
        raise ValueError(f"{exercise.name} has no call to check up to level {level}.")
    failures = [failure for outcome in done for failure in outcome.failures]
    if not failures:
        return Verdict(PASSED, calls)
    if all(outcome.failures for outcome in done) and all(
        failure.error == "NotImplementedError" for failure in failures
    ):
        return Verdict(NOT_ATTEMPTED, calls, failures[0])
    failure = min(failures, key=_telling_order)
    state = RAISED if failure.kind == "raised" else WRONG
    if done[-1].stopped:
        return Verdict(state, calls, failure)
    program = await named(exercise, cases, done, failure.level)
    if program is None:
        return Verdict(state, calls, failure)
    return Verdict(state, calls, failure, program.slug, program.says)


async def named(
    exercise: Exercise, cases: list[Case], done: list[Outcome], level: int
) -> bank.Program | None:
    """The mistake whose program does exactly the same, or None.

    `done` holds the candidate's outcomes of the first of `cases`. The mistake is, in
    this order: the one that does the same in all of them; in those up to `level`, the
    level of the failure that is told; in the ordinary ones of these, where it fails
    too, since a second fault may show on edges only. The last two are named only when
    no other does as much.
    """

    def tier(place: int) -> int:
        """0 for ordinary cases up to the level, 1 for its edges, 2 for the rest."""
        if cases[place].level > level:
            return 2
        return int(cases[place].stage == EDGE)

    # The small cases first: most programs part there already.
    places = sorted(range(len(done)), key=lambda i: (tier(i), done[i].size))
    fails_ordinarily = any(done[i].failures for i in places if tier(i) == 0)
    close: dict[int, dict[str, bank.Program]] = {1: {}, 2: {}}
    for program, built in bank.wrong(exercise).values():
        for place in places:
            theirs = await run.attempt(exercise, cases[place], built, silent=True)
            if not _same(theirs.seen, done[place].seen):
                close.get(tier(place), {})[program.slug] = program
                break
        else:
            return program
    for found in (close[2], close[1] if fails_ordinarily else {}):
        if found:
            return next(iter(found.values())) if len(found) == 1 else None
    return None


def _same(one: list[tuple[str, Any]], other: list[tuple[str, Any]]) -> bool:
    return len(one) == len(other) and all(
        a[0] == b[0] and alike(a[1], b[1]) for a, b in zip(one, other, strict=True)
    )


def _telling_order(failure: Failure) -> tuple:
    """Which failure is told first: of the lowest level, the most general, the
    smallest; and only when all else is right, that an argument was changed."""
    return (
        failure.kind == "mutated",
        failure.level,
        failure.kind != "signature",
        STAGES.index(failure.stage),
        failure.size,
    )
