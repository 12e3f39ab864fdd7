"""From what a candidate did to a verdict: the failure to tell, and the mistake."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rounds import bank
from rounds.engine import perform, run
from rounds.engine.known import Known, same
from rounds.engine.run import Outcome
from rounds.engine.step import Failure
from rounds.exercise import COST, EDGE, STAGES, Case, Exercise

LARGE = 1000  # entries of all arguments of a case
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
    remarks: tuple[str, ...] = ()  # on a program that passed


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
    exercise: Exercise,
    candidate: Any,
    level: int | None = None,
    *,
    known: Known | None = None,
    itself: str | None = None,
    **how: Any,
) -> Verdict:
    """The verdict, for code that runs in an event loop; `how` as for run.attempt.

    known: what other candidates brought to light of the exercise's wrong programs.
    itself: the label of the one that the candidate is, which is then not run a second
    time to see that it does the same.
    """
    with perform.kept_generators():
        return await _judged(exercise, candidate, level, known, itself, **how)


async def _judged(
    exercise: Exercise,
    candidate: Any,
    level: int | None,
    known: Known | None,
    itself: str | None,
    **how: Any,
) -> Verdict:
    cases = exercise.upto(level)
    done = await run.attempts(exercise, cases, candidate, **how)
    calls = sum(outcome.calls for outcome in done)
    if calls == 0:
        raise ValueError(f"{exercise.name} has no call to check up to level {level}.")
    failures = [failure for outcome in done for failure in outcome.failures]
    if not failures:
        remarks = dict.fromkeys(text for outcome in done for text in outcome.remarks)
        return Verdict(PASSED, calls, remarks=tuple(remarks))
    if all(outcome.failures for outcome in done) and all(
        failure.error == "NotImplementedError" for failure in failures
    ):
        return Verdict(NOT_ATTEMPTED, calls, failures[0])
    failure = min(failures, key=_telling_order)
    state = RAISED if failure.kind == "raised" else WRONG
    if done[-1].stopped:
        return Verdict(state, calls, failure)
    announce = how.get("announce") or _nobody

    def alive() -> None:  # to look for a name is not the candidate's time
        announce(failure.called)

    known = known or Known(exercise)
    program = await named(known, cases, done, failure.level, alive, itself)
    if program is None:
        return Verdict(state, calls, failure)
    return Verdict(state, calls, failure, program.slug, program.says)


def _nobody(text: str) -> None:
    """Is told of a call and does not care."""


async def named(
    known: Known,
    cases: list[Case],
    done: list[Outcome],
    level: int,
    alive: Callable[[], None],
    itself: str | None = None,
) -> bank.Program | None:
    """The mistake whose program does exactly the same, or None.

    `done` holds the candidate's outcomes of the first of `cases`. The mistake is, in
    this order: the one that does the same in all of them; in those up to `level`, the
    level of the failure that is told; in the ordinary ones of these, where it fails
    too, since a second fault may show on edges only. The last two are named only when
    no other does as much. `alive` is called before each program that is tried.
    itself: see ajudge.
    """

    def tier(place: int) -> int:
        """0 for ordinary cases up to the level, 1 for its edges, 2 for the rest."""
        if cases[place].level > level:
            return 2
        return int(cases[place].stage == EDGE)

    failing = [i for i, outcome in enumerate(done) if outcome.failures]
    telling = min(failing, key=lambda i: (tier(i), done[i].size))
    other = min(range(len(done)), key=lambda i: (i == telling, done[i].size))
    fails_ordinarily = tier(telling) == 0
    # Then nothing that errs elsewhere is its mistake, and need not be run at length.
    only_costs = all(cases[i].stage == COST for i in failing)
    close: dict[int, dict[str, bank.Program]] = {1: {}, 2: {}}

    async def parted(label: str) -> int:
        """The lowest tier in which the two do not do the same, 3 if they always do."""
        if label == itself:
            return 3
        lowest, built = 3, known.build(label)
        # In the candidate's own order: what one object leaves behind in its class,
        # or a call in a default argument, comes to light in later cases.
        for place, case in enumerate(cases[: len(done)]):
            if tier(place) < lowest:
                theirs = await run.attempt(known.exercise, case, built, silent=True)
                if not same(theirs.seen, done[place].seen):
                    if only_costs and case.stage != COST:
                        return 0
                    lowest = tier(place)
        return lowest

    # What is large or costly takes long to look at: in order, most part before it.
    small = cases[telling].stage != COST and done[telling].size < LARGE
    others = []  # which do something else in the telling case when they begin with it
    for label, program in known.told.items():
        alive()
        if small and not same(
            await known.first(label, cases[telling]), done[telling].seen
        ):
            others.append(label)
            continue
        if (lowest := await parted(label)) == 3:
            return program
        close.get(lowest, {})[program.slug] = program
    for label in others:
        alive()
        program = known.told[label]
        if await known.keeps(label, cases[telling], cases[other]):
            if (lowest := await parted(label)) == 3:
                return program
            close.get(lowest, {})[program.slug] = program
    for found in (close[2], close[1] if fails_ordinarily else {}):
        if found:
            return next(iter(found.values())) if len(found) == 1 else None
    return None


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
