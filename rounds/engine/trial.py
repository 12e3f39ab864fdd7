"""One candidate in one case. A case's script gets a `Trial` and calls through it."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from rounds.engine import draws, guard, perform, show, story
from rounds.engine.alike import alike
from rounds.engine.compare import told_apart
from rounds.engine.instance import Instance, NoObject
from rounds.engine.lines import Lines
from rounds.engine.perform import guarded, snapshot
from rounds.engine.step import Failure, Step
from rounds.exercise import Case, Exercise

Announce = Callable[[str], None]


class Trial:
    """The candidate in one case.

    Nothing that the candidate does in a call is raised here: every call ends in a
    `Step`. `announce` is told each call's text before the call is made. A `silent`
    trial only notes what is seen; nothing is compared with what is due. With
    `only_call` the calls before and after that one are left out.
    """

    def __init__(
        self,
        exercise: Exercise,
        case: Case,
        candidate: Any,
        announce: Announce | None = None,
        silent: bool = False,
        only_call: int | None = None,
    ) -> None:
        self.exercise, self.case, self.candidate = exercise, case, candidate
        self.announce, self.silent, self.only_call = announce, silent, only_call
        self.steps: list[Step] = []
        self.failures: list[Failure] = []
        self.remarks: list[str] = []

    def call(self, *args: Any, **kwargs: Any) -> Step:
        """Call the candidate, a function."""
        return self.step(self._text(args, kwargs), self.candidate, args, kwargs)

    async def acall(self, *args: Any, **kwargs: Any) -> Step:
        """Call the candidate, an `async def`, and await it."""
        text = self._text(args, kwargs)
        return await self.astep(text, self.candidate, args, kwargs)

    def traced(self, *args: Any, **kwargs: Any) -> Step:
        """Call the candidate and measure the most memory it held (Step.peak_at_most).

        Memory that is not from Python's or NumPy's allocators is not seen.
        """
        peak = perform.Peak()
        step = self.step(self._text(args, kwargs), self.candidate, args, kwargs, peak)
        step.peak_bytes = peak.bytes
        return step

    def counted(self, *args: Any, **kwargs: Any) -> Step:
        """Call the candidate and count the lines of its own Python that run
        (Step.lines_at_most)."""
        lines = Lines()
        step = self.step(self._text(args, kwargs), self.candidate, args, kwargs, lines)
        step.lines = lines.count
        return step

    def draws(self, times: int, *args: Any, **kwargs: Any) -> Step:
        """Call the candidate so many times, as one step, with the very same arguments:
        a generator among them goes on. The value is a rounds.engine.draws.Draws, or
        the first answer that is no whole number (Step.follows)."""

        def many(*args: Any, **kwargs: Any) -> object:
            perform.fits(self.candidate, args, kwargs)
            return draws.collect(self.candidate, times, args, kwargs)

        text = f"{self._text(args, kwargs)}, {times:,} times"
        return self.step(text, many, args, kwargs)

    def new(self, *args: Any, name: str = "it", **kwargs: Any) -> Instance:
        """Make an object of the candidate, a class; reports call it `name`."""
        text = f"{name} = {self._text(args, kwargs)}"
        made = self.step(text, self.candidate, args, kwargs)
        return self.hold(made, name)

    def hold(self, step: Step, name: str) -> Instance:
        """The object that a step returned, for calls of its methods; reports call
        it `name`."""
        if not step.called.startswith(f"{name} = "):
            step.called = f"{name} = {step.called}"
        step.obeys(lambda value: value is not None, f"an object, {name}")
        if step.failed:
            raise NoObject(name)  # it ends the case: there is nothing to call
        # Not the object itself: two programs may do the same in classes of two names.
        step.held = True
        step.seen = [(tag, name if tag == "returned" else it) for tag, it in step.seen]
        return Instance(self, step.value, name)

    def itself(self) -> Instance:
        """The candidate, a class, for calls of its class methods."""
        return Instance(self, self.candidate, self.exercise.target)

    def look(self, text: str, function: Callable[[], Any]) -> Step:
        """Look at what the calls so far left behind, in a fake say: what `function`
        gives is the step's value, and reports call it `text`."""
        step = self.step(text, function, (), {})
        step.looked = True
        return step

    def step(
        self,
        text: str,
        function: Any,
        args: tuple,
        kwargs: dict[str, Any],
        watch: AbstractContextManager | None = None,
    ) -> Step:
        """Call `function`, within `watch`, and note what happened."""
        step = self._begin(text, function, args, kwargs)
        if not step.left_out:
            with self._performed(step) as (args, kwargs):
                perform.fits(function, args, kwargs)
                with watch or nullcontext():
                    step.value = function(*args, **kwargs)
        return step

    async def astep(
        self, text: str, function: Any, args: tuple, kwargs: dict[str, Any]
    ) -> Step:
        """Call `function`, await what it returns, and note what happened."""
        step = self._begin(text, function, args, kwargs)
        if not step.left_out:
            with self._performed(step) as (args, kwargs):
                perform.fits(function, args, kwargs)
                step.value = function(*args, **kwargs)
                if inspect.isawaitable(step.value):
                    step.value = await guard.bounded(step.value)
        return step

    def fail(
        self, step: Step, kind: str, returned: str, expected: str, note: str = ""
    ) -> None:
        """Note that `step` did not bring what was due."""
        if self.silent:
            return
        place = self.steps.index(step)
        direct = step.function is self.candidate
        if not direct and any(f.kind != "mutated" for f in self.failures):
            return  # once an object has gone wrong, the rest may follow from that
        # What an object does depends on all that was done to it before.
        needed = [step] if direct else self.steps[: place + 1]
        origin = perform.origin(step.error)
        failure = Failure(
            kind=kind,
            called=step.called,
            returned=returned,
            expected=expected,
            note=note,
            about=self.case.about,
            level=self.case.level,
            stage=self.case.stage,
            before=story.led_here(self.steps[:place], step.called),
            line=origin[:2] if origin else None,
            raised_in=origin[2] if origin else "",
            error=type(step.error).__name__ if step.error is not None else "",
            printed=step.printed,
            args=step.args,
            kwargs=step.kwargs,
            size=_entries(needed),
            call=place,
            direct=direct,
            looked=step.looked,
        )
        self.failures.append(failure)

    def size(self) -> int:
        """The entries of all arguments of all calls: how large the case is."""
        return _entries(self.steps)

    def recheck(self) -> None:
        """What a function returned must not change when it is called again."""
        for step in self.steps:
            returned = any(tag == "returned" for tag, _ in step.seen)
            if step.function is not self.candidate or step.held or not returned:
                continue
            kept = next(what for tag, what in step.seen if tag == "returned")
            if not guarded(alike, kept, perform.sight(step.value), otherwise=True):
                step.seen.append(("overwritten", True))
                self.fail(
                    step,
                    "mutated",
                    f"its result is {perform.shown(step.value)} after later calls",
                    f"{perform.shown(kept)}, as it was returned",
                    "Something is kept and written again: a buffer, say.",
                )

    def seen(self) -> list[tuple[str, Any]]:
        """What the candidate did in this case, call by call."""
        return [sight for step in self.steps for sight in step.seen]

    def _text(self, args: tuple, kwargs: Mapping[str, Any]) -> str:
        if self.silent:  # nobody reads it
            return ""
        exercise = self.exercise
        return show.call(exercise.target, args, kwargs, exercise.signature)

    def _begin(
        self, text: str, function: Any, args: tuple, kwargs: dict[str, Any]
    ) -> Step:
        if self.announce is not None:
            self.announce(text)
        step = Step(self, text, function, args, kwargs)
        step.left_out = self.only_call not in (None, len(self.steps))
        self.steps.append(step)
        return step

    @contextmanager
    def _performed(self, step: Step) -> Iterator[tuple[tuple, dict[str, Any]]]:
        """Give arguments of the candidate's own; note what it raises, prints and
        changes. Only guard.Stopped passes through."""
        args, kwargs = snapshot(step.args), snapshot(step.kwargs)
        with perform.quiet() as page:
            try:
                yield args, kwargs
            except guard.Stopped:
                raise
            except BaseException as error:  # sys.exit and its like are answers too
                step.error = error
        step.printed = page.kept
        if step.error is not None:
            step.seen.append(("raised", type(step.error).__name__))
        else:
            step.seen.append(("returned", perform.sight(step.value)))
        for place, (before, after) in enumerate(zip(step.args, args, strict=True)):
            self._unchanged(step, place, before, after)
        for name in kwargs:
            self._unchanged(step, name, step.kwargs[name], kwargs[name])

    def _unchanged(self, step: Step, which: int | str, before: Any, after: Any) -> None:
        if guarded(alike, before, after, True, otherwise=False):
            return
        step.seen.append(("mutated", which))
        if self.silent:
            return
        both = perform.shown(after), show.show(before)
        now, was = guarded(told_apart, after, before, otherwise=both)
        self.fail(
            step,
            "mutated",
            f"{self._named(step, which)} is now {now}",
            f"{self._named(step, which)} left as it was, {was}",
            "The caller's data was changed in place.",
        )

    def _named(self, step: Step, which: int | str) -> str:
        """What an argument is called: of a method, in its own words."""
        if isinstance(which, str):
            return which
        direct = step.function is self.candidate
        signature = self.exercise.signature
        names = show.parameters(signature) if direct else perform.names(step.function)
        return names[which] if which < len(names) else f"argument {which + 1}"


def _entries(steps: list[Step]) -> int:
    given = (value for s in steps for value in (*s.args, *s.kwargs.values()))
    return sum(map(perform.entries, given))
