"""The learner's own copies in work/: starting one, recording a check.

The standard library only, since `check` calls `record` wherever the package runs.
Nothing here ever overwrites a file of the learner. `rounds.learner.progress` reads the
record back.
"""

import errno
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from rounds.learner.trouble import Trouble
from rounds.root import is_course

RECORD_VARIABLE = "ROUNDS_RECORD"


class Report(Protocol):
    """The part of a check's report that is recorded."""

    exercise: str
    level: int | None
    state: str
    mistake: str | None


@dataclass(frozen=True)
class Started:
    """What `start` did.

    `created` is False where a copy was there already and was left alone. `kept` is
    where `again` put the copy before it. `unrecorded` says why the start is not in
    the record, if it is not.
    """

    copy: Path
    created: bool
    kept: Path | None = None
    unrecorded: str | None = None


def copy_path(root: Path, topic: str) -> Path:
    """The learner's notebook of `topic`."""
    return root / "work" / f"{topic}.ipynb"


def record_path(root: Path) -> Path:
    """The record of attempts, one JSON line each."""
    return root / "work" / "progress.jsonl"


def start(root: Path, topic: str, again: bool = False) -> Started:
    """Copy the exercise to work/, unless a copy is there.

    With `again` the old copy is kept under the next free name (attention-1.ipynb)
    and a new one made. Raises Trouble without an exercise to copy.
    """
    source = root / "exercises" / f"{topic}.ipynb"
    try:
        content = source.read_bytes()
    except FileNotFoundError:
        raise Trouble(
            f"exercises/{topic}.ipynb is missing: make it with "
            f"`python -m rounds.build {topic}`."
        ) from None
    copy = copy_path(root, topic)
    copy.parent.mkdir(exist_ok=True)
    # Written whole under another name first: a full disk then moves nothing.
    draft = _draft(copy, content)
    try:
        kept = _set_aside(copy) if again and os.path.lexists(copy) else None
        created = _name_exclusively(draft, copy)
    finally:
        draft.unlink(missing_ok=True)
    if again and not created:
        raise Trouble(
            f"work/{topic}.ipynb was written anew by another program meanwhile and "
            f"was left alone; the copy before it is {kept.name if kept else 'gone'}."
        )
    unrecorded = None
    if created:
        try:
            append(record_path(root), [_line("start", topic)])
        except OSError as error:
            unrecorded = _why(error)
    return Started(copy, created, kept, unrecorded)


def _draft(target: Path, content: bytes) -> Path:
    """A file beside `target` that holds `content` for certain."""
    draft = target.with_name(f".{target.name}.{os.urandom(8).hex()}")
    try:
        with open(draft, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    return draft


def _name_exclusively(draft: Path, target: Path) -> bool:
    """Give `draft` the name `target` in one step, unless that name is taken."""
    try:
        os.link(draft, target)
        return True
    except FileExistsError:
        return False
    except OSError:
        # A file system without links, such as FAT. On Windows a rename refuses
        # a taken name; elsewhere it would overwrite, so reserve the name first.
        if os.name != "nt":
            try:
                open(target, "xb").close()
            except FileExistsError:
                return False
            os.replace(draft, target)
            return True
    try:
        os.rename(draft, target)
        return True
    except FileExistsError:
        return False


def _set_aside(copy: Path) -> Path:
    """Rename `copy` to the first of copy-1, copy-2 ... that no file has."""
    number = 0
    while True:
        number += 1
        kept = copy.with_name(f"{copy.stem}-{number}{copy.suffix}")
        try:
            # Reserve the name, so that two runs at once cannot choose the same.
            open(kept, "xb").close()
        except FileExistsError:
            continue
        try:
            os.replace(copy, kept)
        except OSError:
            kept.unlink()
            raise
        return kept


def record(report: Report) -> str | None:
    """Record a check that ran in a work/ copy; a line for the learner, or None.

    Never raises: a full disk must not cost the learner the report.
    """
    try:
        return _record(report)
    except OSError as error:
        return f"This attempt was not recorded in work/progress.jsonl: {_why(error)}."
    except Exception:
        return None


def _record(report: Report) -> str | None:
    topic = report.exercise.split(".")[0]
    line = _line(
        "check", topic, report.exercise, report.level, report.state, report.mistake
    )
    named = os.environ.get(RECORD_VARIABLE)
    if named:
        append(Path(named), [line])
        return None
    here = Path.cwd()
    if not is_course(here.parent):
        return None
    if here.name == "work":
        append(here / "progress.jsonl", [line])
    elif here.name == "exercises" and report.state != "not attempted":
        return (
            f"This is the tracked copy. Work in work/{topic}.ipynb: "
            f"rounds start {topic}"
        )
    return None


def _why(error: OSError) -> str:
    return error.strerror or type(error).__name__


def _now() -> datetime:
    return datetime.now(UTC)


def _line(
    event: str,
    topic: str,
    exercise: str | None = None,
    level: int | None = None,
    state: str | None = None,
    mistake: str | None = None,
) -> str:
    fields = {
        "at": _now().isoformat(timespec="seconds"),
        "event": event,
        "topic": topic,
        "exercise": exercise,
        "level": level,
        "state": state,
        "mistake": mistake,
    }
    return json.dumps(fields)


def append(file: Path, lines: Iterable[str]) -> None:
    """Append lines in a single write, after closing a line cut short before.

    A single write in append mode keeps the lines of two notebooks apart.
    """
    text = "".join(f"{line}\n" for line in lines)
    if not text:
        return
    if _ends_torn(file):
        text = "\n" + text
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
    descriptor = os.open(file, flags, 0o666)
    try:
        data = text.encode()
        if os.write(descriptor, data) < len(data):
            raise OSError(errno.ENOSPC, "the line was cut short")
    finally:
        os.close(descriptor)


def _ends_torn(file: Path) -> bool:
    try:
        with open(file, "rb") as lines:
            if lines.seek(0, os.SEEK_END) == 0:
                return False
            lines.seek(-1, os.SEEK_END)
            return lines.read(1) != b"\n"
    except FileNotFoundError:
        return False
