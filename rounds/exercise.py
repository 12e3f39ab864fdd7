"""What a topic writes: an exercise and its cases.

    softmax = Exercise("attention.softmax", "softmax(x, axis=-1)")

    @softmax.case("the rows of a matrix sum to 1", level=1)
    def _(t):
        t.call(x).equals(expected)

A case is a function of a `rounds.engine.trial.Trial`: it calls the candidate and says
what is due. It may be `async def`. It must be deterministic, and it must not
depend on what the candidate returns except through opaque values that it hands
back (a handle, say), so that two programs can be compared by what they did.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rounds.engine.trial import Trial

Script = Callable[["Trial"], Awaitable[None] | None]

# The order in which failures are told: the general before the particular. What a
# call costs is only measured when all else is right.
EDGE, COST = "edge", "cost"
STAGES = ("values", "property", EDGE, COST)


@dataclass(frozen=True)
class Case:
    """One situation that the candidate is put in.

    `about` says in one sentence what is tried; it is shown when the case fails.
    """

    about: str
    script: Script
    level: int
    stage: str


@dataclass
class Exercise:
    """A name ("topic.target"), the signature the statement gives, and the cases.

    A topic with one exercise may be named without a dot ("kv_store"); `target` is
    then to be given. `results` names the items of a tuple that is returned.
    """

    name: str
    signature: str
    target: str = ""
    results: tuple[str, ...] = ()
    cases: list[Case] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.target = self.target or self.name.partition(".")[2]

    @property
    def topic(self) -> str:
        """The name of the topic that this belongs to."""
        return self.name.partition(".")[0]

    @property
    def levels(self) -> list[int]:
        """The levels that have cases of their own, ascending."""
        return sorted({case.level for case in self.cases})

    def upto(self, level: int | None) -> list[Case]:
        """The cases of levels 1 to `level` (all without one), lowest level first,
        those of cost last."""
        chosen = [c for c in self.cases if level is None or c.level <= level]
        return sorted(chosen, key=lambda case: (case.stage == COST, case.level))

    def case(
        self, about: str, *, level: int = 1, stage: str = "values"
    ) -> Callable[[Script], Script]:
        """Add the decorated script as a case."""
        if stage not in STAGES:
            raise ValueError(f"stage {stage!r} is none of {STAGES}")

        def add(script: Script) -> Script:
            self.cases.append(Case(about, script, level, stage))
            return script

        return add
