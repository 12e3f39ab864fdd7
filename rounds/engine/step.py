"""One call to the candidate, what is expected of it, and what failed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rounds.engine.arrays import BOOL, np
from rounds.engine.compare import Difference, difference
from rounds.engine.draws import Draws
from rounds.engine.perform import WrongCall, error_text, guarded, shown, sight
from rounds.engine.show import show

if TYPE_CHECKING:
    from rounds.engine.trial import Trial

STRANGE = Difference("type", "a value that cannot be compared", "")


@dataclass
class Failure:
    """What was called, what came back, what was due, and why.

    kind: signature, none, type, shape, finite, values, property, raised,
    stopped or mutated.
    """

    kind: str
    called: str
    returned: str
    expected: str
    note: str = ""
    about: str = ""
    level: int = 1
    stage: str = "values"
    before: tuple[str, ...] = ()  # the calls that led here, the last ones
    line: tuple[str, int] | None = None  # file and line of the candidate's code
    error: str = ""  # the name of what was raised
    raised_in: str = ""  # the candidate's own function that raised it
    printed: str = ""
    args: tuple = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    size: int = 0  # entries in the arguments: the smallest call is told first
    call: int = 0  # its place among the calls of the case
    direct: bool = False  # of the candidate itself, not of a method
    looked: bool = False  # nothing was called: what was left behind is wrong


@dataclass(eq=False)
class Step:
    """A call that was made. The methods say what was due; each returns self.

    `args` and `kwargs` are copies from before the call. `seen` is what the
    candidate did, in a form that two programs can be compared by.
    """

    trial: "Trial"
    called: str
    function: Any
    args: tuple
    kwargs: dict[str, Any]
    value: Any = None
    error: BaseException | None = None
    printed: str = ""
    peak_bytes: int = 0
    lines: int = 0
    seen: list[tuple[str, Any]] = field(default_factory=list)
    failed: bool = False
    left_out: bool = False  # not made, so that nothing is expected of it
    looked: bool = False  # nothing was called: something was read
    held: bool = False  # its value is an object whose methods are called

    def seen_as(self, view: Callable[[Any], Any]) -> "Step":
        """From here on the value is `view(value)`, for results with words of the
        learner's own: the view alone is compared, told and used to name a mistake.

        Where the view cannot be taken the value stays as it is.
        """
        if self.error is None:
            self.value = guarded(view, self.value, otherwise=self.value)
            seen = sight(self.value)
            self.seen = [(t, seen if t == "returned" else it) for t, it in self.seen]
        return self

    def equals(
        self, due: Any, *, rtol: float = 1e-5, atol: float = 1e-5, note: str = ""
    ) -> "Step":
        """The call returns `due`: see rounds.engine.compare.difference. `note` is said
        of a difference that says nothing more itself."""
        if self.trial.silent:
            return self
        # To show what is due takes longer than to compare with it.
        if self.error is None or self._came_back(show(due)):
            found = guarded(
                lambda value: difference(
                    value, due, rtol=rtol, atol=atol, names=self.trial.exercise.results
                ),
                self.value,
                otherwise=STRANGE,
            )
            if found is STRANGE:
                found = Difference("type", shown(self.value), show(due))
            if found is not None:
                said = found.note or note
                self._fail(found.kind, found.returned, found.expected, said)
        return self

    def raises(self, due: type[Exception], naming: str = "") -> "Step":
        """The call raises `due` or a subclass of it, with `naming` in its message."""
        expected = f"raises {due.__name__}"
        if naming:
            expected += f" that names {naming}"
        if self.error is None:
            self._fail("property", shown(self.value), expected)
        elif not isinstance(self.error, due) or isinstance(self.error, WrongCall):
            self._came_back(expected)
        elif naming:
            named = naming in guarded(str, self.error, otherwise="")
            self.seen.append(("named", named))
            if not named:
                self._came_back(expected)
        return self

    def obeys(
        self,
        holds: Callable[[Any], bool],
        expected: str,
        note: str = "",
        told: Callable[[Any], Any] | None = None,
    ) -> "Step":
        """`holds(value)` is true; `expected` says in words what that means.

        The report shows `told(value)`, where there is one: what is wrong with it, the
        types say, which the value itself does not show.
        """
        if self._came_back(expected):
            answer = guarded(holds, self.value, otherwise=False)
            fine = isinstance(answer, BOOL) and bool(answer)
            self.seen.append(("obeys", fine))
            if not fine:
                told = guarded(told or _itself, self.value, otherwise=self.value)
                self._fail("property", shown(told), expected, note)
        return self

    def has_dtype(self, due: type) -> "Step":
        """The array that came back has this dtype."""
        expected = f"dtype {np.dtype(due)}"
        if self._came_back(expected):
            dtype = guarded(lambda value: value.dtype, self.value, otherwise=None)
            fine = dtype == due
            self.seen.append(("dtype", fine))  # else widths differ unseen
            if not fine:
                self._fail("type", f"dtype {dtype}", expected)
        return self

    def peak_at_most(self, limit: int, expected: str) -> "Step":
        """The call, a traced one, held at most `limit` bytes at once."""
        if self._came_back(expected):
            fine = self.peak_bytes <= limit
            self.seen.append(("peak", fine))
            if not fine:
                entries = self.peak_bytes // 8 // 1000 * 1000
                held = f"its result, but held {entries:,} or so"
                self._fail("property", held, expected)
        return self

    def lines_at_most(self, limit: int, expected: str) -> "Step":
        """The call, a counted one, ran at most `limit` lines of its own Python."""
        if self._came_back(expected):
            fine = self.lines <= limit
            self.seen.append(("lines", fine))
            if not fine:
                ran = f"its result, after more than {_rounded(limit)} lines of Python"
                self._fail("property", ran, expected)
        return self

    def remark_beyond(self, limit: int, text: str) -> "Step":
        """Say `text`, a remark, of a right program whose call, a counted one, ran more
        than `limit` lines of its own Python. It passes all the same."""
        if self.error is None and self.lines > limit:
            self.trial.remarks.append(text)
        return self

    def follows(self, probs: Sequence[float]) -> "Step":
        """The draws have this distribution: outcome i comes with probs[i].

        To name a mistake, only the outcomes that come too often or too seldom count,
        not the draws themselves: there is more than one right way to draw.
        """
        expected = "whole numbers, drawn as the probabilities say"
        if self._came_back(expected):
            if not isinstance(self.value, Draws):
                kind = "none" if self.value is None else "type"
                note = "Is a return missing?" if self.value is None else ""
                self._fail(kind, shown(self.value), "an int", note)
                return self
            if any(tag == "mutated" for tag, _ in self.seen):
                return self  # told as such: later draws were from other arguments
            signs = self.value.signs(probs)
            self.seen.append(("drew", tuple(signs.items())))
            if signs:
                self._fail("property", *_unlikely(self.value, signs, probs))
        return self

    def _came_back(self, expected: str) -> bool:
        if self.error is None:
            return True
        if isinstance(self.error, WrongCall):
            wanted = self.trial.exercise.signature
            self._fail("signature", error_text(self.error), f"it takes {wanted}")
        else:
            self._fail("raised", error_text(self.error), expected)
        return False

    def _fail(self, kind: str, returned: str, expected: str, note: str = "") -> None:
        if not (
            self.failed or self.left_out
        ):  # one call, one failure: the first in the order
            self.failed = True
            self.trial.fail(self, kind, returned, expected, note)


def _itself(value: Any) -> Any:
    return value


def _unlikely(
    draws: Draws, signs: dict[int, int], probs: Sequence[float]
) -> tuple[str, str]:
    """What was drawn and what was due, for the outcome that tells most: one that is
    impossible, or else the one that is farthest off."""

    def due(outcome: int) -> float:
        return float(probs[outcome]) if 0 <= outcome < len(probs) else 0.0

    counts, n = draws.counts(), len(draws.values)
    worst = max(signs, key=lambda o: (due(o) == 0, abs(counts[o] - n * due(o)), -o))
    expected = f"{worst} in about {100 * due(worst):.1f} %"
    return draws.share(worst), expected if due(worst) else f"{worst} never"


def _rounded(limit: int) -> str:
    """A limit in two digits, since the count differs a little between Pythons."""
    size = 10 ** max(len(str(limit)) - 2, 0)
    return f"{limit // size * size:,}"
