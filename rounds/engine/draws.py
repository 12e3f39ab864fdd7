"""Many random draws of one program, compared with a distribution."""

import math
import operator
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

# Standard deviations that a count may be off. A right program is farther off once in
# 10**9 outcomes, and every draw is seeded, so that it is so always or never.
FAR = 6.0


@dataclass(frozen=True, eq=False)
class Draws:
    """What a program drew, in order. `rounds.engine.show` shows the counts."""

    values: list[int]

    def counts(self) -> Counter[int]:
        """How often each outcome came."""
        return Counter(self.values)

    def signs(self, probs: Sequence[float]) -> dict[int, int]:
        """The outcomes that come too often (1) or too seldom (-1) to be chance.

        probs: the probability of outcome 0, 1, ... An outcome of probability 0, or
        beyond them, is too often if it comes at all.
        """
        n, counts = len(self.values), self.counts()
        found = {}
        for outcome in sorted(set(range(len(probs))) | set(counts)):
            due = probs[outcome] if 0 <= outcome < len(probs) else 0.0
            off = counts[outcome] - n * due
            if abs(off) > FAR * math.sqrt(n * due * (1 - due)) + 1e-9 * n:
                found[outcome] = 1 if off > 0 else -1
        return found

    def share(self, outcome: int) -> str:
        """How often an outcome came, in words."""
        percent = 100 * self.counts()[outcome] / len(self.values)
        return f"{outcome} in {percent:.1f} % of {len(self.values):,} draws"


def collect(function, times: int, args: tuple, kwargs: dict) -> object:
    """Draws from so many calls, or the first answer that is no whole number."""
    values = []
    for _ in range(times):
        value = function(*args, **kwargs)
        try:
            if isinstance(value, bool):
                return value
            values.append(operator.index(value))
        except TypeError:
            return value
    return Draws(values)
