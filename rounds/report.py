"""The report of a check: at most about eight lines that a tired person understands."""

import html
import linecache
import textwrap
from dataclasses import dataclass, field, replace
from typing import Any

from rounds import catalog
from rounds.engine.diagnose import NOT_ATTEMPTED, PASSED, RAISED, WRONG, Verdict
from rounds.engine.step import Failure
from rounds.exercise import Exercise

WIDTH = 88
LABEL = 10  # columns that the labels take
HANG = LABEL + 2  # and their indent
LONG = 220  # characters of a call or a note: three lines
BEFORE = 220  # characters of all the calls that led to it
COLOURS = {  # which the colour-blind tell apart too
    NOT_ATTEMPTED: "#8a8a8a",
    RAISED: "#d55e00",
    WRONG: "#d55e00",
    PASSED: "#009e73",
}


@dataclass(frozen=True)
class Report:
    """What `check` returns. In a notebook it shows itself as the cell's output.

    `state` is "not attempted", "raised", "wrong" or "passed"; `mistake` the slug of
    the recognised mistake or None. `args` and `kwargs` are those of the failing
    call, to be tried again by hand: `softmax(*report.args, **report.kwargs)`.
    """

    exercise: str
    level: int | None
    state: str
    mistake: str | None = None
    lines: tuple[str, ...] = ()
    args: tuple = field(default=(), repr=False)
    kwargs: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def passed(self) -> bool:
        """True if every case up to the level passed."""
        return self.state == PASSED

    def with_note(self, note: str | None) -> "Report":
        """The report with one more line at its end."""
        return replace(self, lines=(*self.lines, note)) if note else self

    def __str__(self) -> str:
        return "\n".join(self.lines)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        look = f"rounds-report rounds-{self.state.replace(' ', '-')}"
        # The site's style sheet sets the colour; elsewhere, in JupyterLab say, ours.
        colour = f"var(--rounds-state, {COLOURS[self.state]})"
        edge = f"border-left: 0.3rem solid {colour}; padding-left: 0.9rem"
        # Broken anew where the page is narrow, below its words and not below its label.
        hang = f"; padding-left: {HANG}ch; text-indent: -{HANG}ch"
        text = "".join(
            '<span style="display: block; white-space: pre-wrap'
            f'{hang if entry.startswith(" ") else ""}">{html.escape(entry)}\n</span>'
            for entry in self._entries()
        )
        return f'<div class="{look}" style="{edge}"><pre>{text}</pre></div>'

    def _entries(self) -> list[str]:
        """The lines, those of one label joined."""
        entries: list[str] = []
        for line in self.lines:
            if entries and line.startswith(" " * HANG):
                entries[-1] += f" {line.lstrip()}"
            else:
                entries.append(line)
        return entries


def ours(exercise: Exercise, level: int | None) -> Report:
    """For a program that came from `given`: it is right, but not the learner's."""
    line = f"{exercise.name}: passed. This is ours, from given(), and does not count."
    return Report(exercise.name, level, PASSED, None, (line,))


def write(exercise: Exercise, level: int | None, verdict: Verdict) -> Report:
    """Put a verdict into words."""
    failure = verdict.failure
    scope = exercise.name if level is None else f"{exercise.name}, level {level}"
    if verdict.state == PASSED:
        lines = [f"{scope}: passed. {verdict.calls} calls checked."]
        lines += [line for it in verdict.remarks for line in _labelled("remark", it)]
    elif verdict.state == NOT_ATTEMPTED:
        lines = [f"{scope}: not attempted yet.", *_not_written(exercise, failure)]
    else:
        lines = [f"{scope}: {HEADS[verdict.state]}", *_explained(verdict)]
    return Report(
        exercise.name,
        level,
        verdict.state,
        verdict.mistake,
        tuple(lines),
        failure.args if failure else (),
        failure.kwargs if failure else {},
    )


def _not_written(exercise: Exercise, failure: Failure | None) -> list[str]:
    """What to do when it is another function, one that it calls, that is a stub."""
    name = failure.raised_in if failure else ""
    try:
        needed = catalog.find(f"{exercise.topic}.{name}")
    except catalog.UnknownName:
        return []
    if needed.name == exercise.name:
        return []
    text = f"It calls {name}, which is not written. Write it, or take ours: "
    return [f'  {text}{name} = given("{needed.name}")']


HEADS = {RAISED: "it raised an error.", WRONG: "not right yet."}


def _explained(verdict: Verdict) -> list[str]:
    failure = verdict.failure
    assert failure is not None
    lines = []
    if verdict.mistake:
        name = verdict.mistake.replace("-", " ")
        lines = _labelled("mistake", f"{name}: {verdict.says}")
    # What a function did before does not matter to its next call.
    made = failure.before and "=" in failure.before[0].partition("(")[0]
    if made or (failure.before and not failure.direct):
        lines += _labelled("after", "; ".join(_fitted(failure.before)))
    called = _cut(failure.called, LONG)
    lines += _labelled("looked at" if failure.looked else "called", called)
    verb = "raised" if failure.kind == "raised" else "returned"
    verb = "it is" if failure.looked and verb == "returned" else verb
    if failure.kind in ("mutated", "signature"):
        verb = "but"
    if failure.returned != failure.expected:  # else the note says how they differ
        lines += _labelled(verb, failure.returned)
    if failure.line and failure.kind == "raised":
        lines += _labelled("at", _code(failure.line))
    if failure.returned != failure.expected:
        lines += _labelled("expected", failure.expected)
    lines += _labelled("note", _cut(failure.note, LONG))
    if not verdict.mistake and failure.kind not in ("signature", "mutated", "stopped"):
        lines += _labelled("rule", failure.about)
    printed = failure.printed.strip().replace("\n", " / ")[:120]
    lines += _labelled("printed", printed)
    return lines


def _fitted(calls: tuple[str, ...]) -> list[str]:
    """The calls that led here, the longest of them cut."""
    for most in range(LONG, 40, -20):
        if sum(min(len(call), most) for call in calls) <= BEFORE:
            break
    return [_cut(call, most) for call in calls]


def _cut(text: str, most: int) -> str:
    """`text` without its middle where it is longer than `most` characters."""
    if len(text) <= most:
        return text
    end = most // 4
    return f"{text[: most - end - 5]} ... {text[-end:]}"


def _labelled(label: str, text: str) -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=f"  {label:<{LABEL}}",
        subsequent_indent=" " * HANG,
    )


def _code(line: tuple[str, int]) -> str:
    """ "line 3: return x / 0", the line itself where it can be read."""
    file, number = line
    text = linecache.getline(file, number).strip()
    return f"line {number}: {text}" if text else f"line {number}"
