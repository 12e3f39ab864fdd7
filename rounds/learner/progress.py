"""The record of attempts, read back: what passes, and the best times.

The record is plain text that a person may edit and a crash may cut short, so a line
that makes no sense is reported and skipped.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

STATES = ("not attempted", "raised", "wrong", "passed")


@dataclass(frozen=True)
class Entry:
    """One line of the record; a start has no exercise and no state."""

    at: datetime
    event: str
    topic: str
    exercise: str | None
    level: int | None
    state: str | None
    mistake: str | None


@dataclass(frozen=True)
class Skipped:
    """A line of the record (counted from 1) that makes no sense, and why."""

    line: int
    why: str


@dataclass(frozen=True)
class Standing:
    """Where a learner stands in one topic.

    `passing` are the exercises whose latest result in the present copy is passed at
    the highest level, `attempts` the checks of a written program since ever, `best`
    the shortest time from a start to the moment when every exercise had passed.
    """

    topic: str
    exercises: list[str]
    passing: list[str]
    attempts: int
    best: timedelta | None

    @property
    def done(self) -> bool:
        """True if every exercise of the topic passes."""
        return len(self.passing) == len(self.exercises)


def history(
    file: Path, exercises: Mapping[str, Collection[str]] | None = None
) -> tuple[list[Entry], list[Skipped]]:
    """The record in the order of its lines, and the lines skipped.

    `exercises` gives the names of each topic's exercises; lines that name others
    are skipped. A record that does not exist is empty.
    """
    try:
        lines = file.read_bytes().split(b"\n")
    except FileNotFoundError:
        return [], []
    entries: list[Entry] = []
    skipped: list[Skipped] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            entry = parse(line)
            if exercises is not None:
                _known(entry, exercises)
            entries.append(entry)
        except ValueError as error:
            skipped.append(Skipped(number, str(error)))
    return entries, skipped


def parse(line: bytes) -> Entry:
    """The entry that a line holds. Raises ValueError, which says why it holds none."""
    try:
        fields = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8 text") from None
    except (ValueError, RecursionError):
        raise ValueError("it is not JSON, perhaps cut short") from None
    if not isinstance(fields, dict):
        raise ValueError("it is JSON but not an object")
    event = fields.get("event")
    if event not in ("start", "check"):
        raise ValueError(f"the event is {_cut(event)}, neither start nor check")
    is_check = event == "check"
    entry = Entry(
        at=_time(fields.get("at")),
        event=event,
        topic=_text(fields, "topic", optional=False),
        exercise=_text(fields, "exercise", optional=not is_check),
        level=fields.get("level"),
        state=_text(fields, "state", optional=not is_check),
        mistake=_text(fields, "mistake"),
    )
    if entry.level is not None and type(entry.level) is not int:
        raise ValueError(f"the level is {_cut(entry.level)}, not a whole number")
    if is_check and entry.state not in STATES:
        raise ValueError(f"the state is {_cut(entry.state)}, not one that a check has")
    return entry


def _time(value: Any) -> datetime:
    try:
        at = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError(f"the time is {_cut(value)}, not an ISO time") from None
    if at.tzinfo is None:
        raise ValueError(f"the time is {_cut(value)}, without its zone (+00:00)")
    return at


def _text(fields: dict[str, Any], key: str, optional: bool = True) -> str | None:
    value = fields.get(key)
    if value is None and optional or isinstance(value, str):
        return value
    raise ValueError(f"the {key} is {_cut(value)}, not text")


def _known(entry: Entry, exercises: Mapping[str, Collection[str]]) -> None:
    if entry.topic not in exercises:
        raise ValueError(f"there is no topic {_cut(entry.topic)}")
    if entry.event == "check" and entry.exercise not in exercises[entry.topic]:
        raise ValueError(f"{entry.topic} has no exercise {_cut(entry.exercise)}")


def _cut(value: Any) -> str:
    text = "missing" if value is None else repr(value)
    return text if len(text) <= 40 else text[:37] + "..."


def standing(
    topic: str, levels: Mapping[str, int], entries: Iterable[Entry]
) -> Standing:
    """Where the learner stands; `levels` gives each exercise's highest level.

    A pass counts only at the highest level, a failure at any, since the levels are
    cumulative. A new start begins the topic anew.
    """
    started: datetime | None = None
    passing: set[str] = set()
    passed_once: set[str] = set()
    attempts = 0
    times: list[timedelta] = []
    for entry in entries:
        if entry.topic != topic:
            continue
        if entry.event == "start":
            started = entry.at
            passing, passed_once = set(), set()
            continue
        if entry.exercise not in levels:
            continue
        attempts += entry.state != "not attempted"
        if entry.state != "passed":
            passing.discard(entry.exercise)
        elif entry.level is None or entry.level >= levels[entry.exercise]:
            passing.add(entry.exercise)
            passed_once.add(entry.exercise)
        if started is not None and len(passed_once) == len(levels):
            # An edited record may go back in time; that is no feat.
            if entry.at >= started:
                times.append(entry.at - started)
            started = None
    return Standing(
        topic=topic,
        exercises=list(levels),
        passing=[name for name in levels if name in passing],
        attempts=attempts,
        best=min(times, default=None),
    )


def duration(time: timedelta | None) -> str:
    """A time as a person says it: "45 s", "37 min", "5 h", "3 days"; "-" for none."""
    if time is None:
        return "-"
    seconds = int(time.total_seconds())
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 2 * 3600:
        return f"{round(seconds / 60)} min"
    if seconds < 48 * 3600:
        return f"{round(seconds / 3600)} h"
    return f"{round(seconds / 86400)} days"
