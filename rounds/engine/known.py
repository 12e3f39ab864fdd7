"""What the wrong programs of an exercise do: each is run when someone has to know."""

from typing import Any

from rounds import bank
from rounds.engine import run
from rounds.engine.alike import alike
from rounds.exercise import Case, Exercise

Seen = list[tuple[str, Any]]


class Known:
    """The wrong programs of an exercise, by label, and what was found out about them.

    A wrong program that is built anew does the same each time. Who judges many
    candidates keeps one of these, so that each program is looked at once a case.
    """

    def __init__(self, exercise: Exercise):
        self.exercise = exercise
        programs = bank.mistakes(exercise)
        self.told = {label: told for label, (told, _) in programs.items()}
        self._programs = {label: program for label, (_, program) in programs.items()}
        self._first: dict[tuple[str, Case], Seen] = {}
        self._keeps: dict[tuple[str, Case, Case], bool] = {}

    def build(self, label: str) -> Any:
        """What to call, built anew: nothing that it keeps is left from before."""
        return bank.build(self.exercise, self._programs[label])

    async def first(self, label: str, case: Case) -> Seen:
        """What the program does in a case when it begins with it."""
        key = label, case
        if key not in self._first:
            self._first[key] = await self._in(case, self.build(label))
        return self._first[key]

    async def keeps(self, label: str, case: Case, other: Case) -> bool:
        """Does it do something else in a case once another one came between?"""
        key = label, case, other
        if key not in self._keeps:
            built = self.build(label)
            before, _, after = [
                await self._in(each, built) for each in (case, other, case)
            ]
            self._keeps[key] = not same(before, after)
        return self._keeps[key]

    async def _in(self, case: Case, built: Any) -> Seen:
        return (await run.attempt(self.exercise, case, built, silent=True)).seen


def same(one: Seen, other: Seen) -> bool:
    """Did two programs do the same in a case?"""
    return len(one) == len(other) and all(
        a[0] == b[0] and alike(a[1], b[1]) for a, b in zip(one, other, strict=True)
    )
