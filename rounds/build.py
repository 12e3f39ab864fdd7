"""Write what is derived: `python -m rounds.build [TOPIC ...] [--check]`.

Each solutions/X.ipynb is cut into exercises/X.ipynb; chapters, solutions and
exercises are executed and brought to normal form. Files that do not change are not
written. With --check nothing is written at all, and a file that differs from what
would be written is a fault. With --check --unrun what nbval compares to the letter is
left to it: notebooks without pictures and widgets are not executed.
"""

import argparse
import difflib
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from nbformat import NotebookNode, ValidationError

from rounds.notebooks.execute import execute
from rounds.notebooks.form import (
    REBUILD,
    Refused,
    as_text,
    difference,
    normalise,
    parse,
    problems,
    settle,
    shows_pictures,
    with_outputs,
)
from rounds.notebooks.twins import cut
from rounds.root import NoCourse, course_root

ROOMS = ("chapters", "solutions", "exercises")
WORKERS = 2


@dataclass(frozen=True)
class Job:
    """One notebook to write, and the one it is made from (often itself).

    Both texts are read before anything is written: a solution is executed and cut
    at the same time. `text` and `source_text` are None where there is no file.
    """

    path: Path
    source: Path
    text: str | None
    source_text: str | None

    @property
    def where(self) -> str:
        return _where(self.path)

    @property
    def origin(self) -> str:
        return _where(self.source)


@dataclass(frozen=True)
class Outcome:
    """What became of a job; `text` is what to write, if anything."""

    state: str
    faults: list[str] = field(default_factory=list)
    text: str | None = None


def _where(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def jobs(root: Path, topics: list[str]) -> list[Job]:
    """The notebooks of the named topics, or of all: chapter, solution, exercise.

    Raises Refused for an unknown topic and where there is nothing to build.
    """
    found = {room: {p.stem for p in (root / room).glob("*.ipynb")} for room in ROOMS}
    names = sorted(set().union(*found.values()))
    if not names:
        raise Refused(f"{root}: no notebook in {', '.join(ROOMS)}; nothing to build.")
    for topic in topics:
        if topic not in names:
            near = difflib.get_close_matches(topic, names, n=1, cutoff=0.0)[0]
            raise Refused(f"{topic}: no notebook of that name; did you mean {near}?")
    chosen = []
    for topic in dict.fromkeys(topics or names):
        for room in ROOMS:
            path = root / room / f"{topic}.ipynb"
            source = root / "solutions" / path.name if room == "exercises" else path
            if path.exists() or source.exists():
                chosen.append(Job(path, source, _read(path), _read(source)))
    return chosen


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        raise Refused(f"{_where(path)}: not a notebook: it is not UTF-8.") from None


def make(job: Job, stored: NotebookNode | None = None) -> NotebookNode:
    """The job's notebook as it should be: cut, executed, in normal form.

    stored: a notebook whose outputs are taken for those of a run.
    """
    if job.source_text is None:
        raise Refused(
            f"{job.where}: {job.origin}, which it is cut from, does not exist; delete"
            " the exercise or write the solution."
        )
    nb = parse(job.source_text, job.origin)
    if job.source != job.path:
        nb = normalise(cut(nb, job.origin))
    if stored is not None:
        return normalise(with_outputs(nb, stored))
    # All rooms are neighbours, and --check makes no folder for a first exercise.
    folder = job.path.parent if job.path.parent.is_dir() else job.source.parent
    return normalise(execute(nb, folder, job.where))


def build(job: Job, check: bool, unrun: bool = False) -> Outcome:
    """Make one notebook and say what is to be written; with `check`, what differs.

    unrun: without executing it where nbval compares all of its outputs.
    """
    try:
        committed = _committed(job)
        words_only = committed is not None and not shows_pictures(committed)
        new = make(job, committed if unrun and words_only else None)
        if committed is not None:
            new = settle(new, committed)
        text = as_text(new)
    except Refused as refused:
        return Outcome("refused", [str(refused)])
    except ValidationError as error:
        what = str(error).splitlines()[0]
        return Outcome("refused", [f"{job.origin}: not a valid notebook: {what}"])
    faults = problems(new, job.where)
    if not check or text == job.text:
        if faults:
            return Outcome("refused", faults)
        unchanged = text == job.text
        return Outcome("unchanged") if unchanged else Outcome("written", text=text)
    if committed is None:
        what = "missing" if job.text is None else "not a notebook"
    else:
        what = difference(committed, new)
        if job.source != job.path:
            what = f"differs from what {job.origin} gives ({what})"
        # What is wrong with the committed one explains why it differs.
        faults = problems(committed, job.where) or faults
    return Outcome("differs", [f"{job.where}: {what}; {REBUILD}", *faults])


def _committed(job: Job) -> NotebookNode | None:
    """The notebook that the file holds; an exercise torn by a merge counts as none."""
    try:
        return None if job.text is None else parse(job.text, job.where)
    except Refused:
        return None


def main(arguments: list[str] | None = None, root: Path | None = None) -> int:
    """The command. Returns its exit status: 0, or 1 if anything was refused."""
    parser = argparse.ArgumentParser(
        prog="python -m rounds.build",
        description="Cut solutions into exercises, execute every notebook, and write"
        " those that change.",
    )
    parser.add_argument("topic", nargs="*", help="such as attention; default: all")
    parser.add_argument(
        "--check",
        action="store_true",
        help="write nothing; fail if a file would change",
    )
    parser.add_argument(
        "--unrun",
        action="store_true",
        help="with --check: leave the outputs to nbval where they are words only",
    )
    options = parser.parse_args(arguments)
    if options.unrun and not options.check:
        parser.error("--unrun goes with --check")
    try:
        work = jobs(root or course_root(), options.topic)
    except (Refused, NoCourse) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"Notebooks to make, {WORKERS} at a time: {len(work)}", flush=True)
    faults: list[str] = []
    try:
        with ThreadPoolExecutor(WORKERS) as pool:
            one = partial(build, check=options.check, unrun=options.unrun)
            outcomes = pool.map(one, work)
            for job, outcome in zip(work, outcomes, strict=True):
                if outcome.text is not None:
                    job.path.parent.mkdir(exist_ok=True)
                    job.path.write_text(outcome.text, encoding="utf-8", newline="\n")
                print(f"  {job.where}: {outcome.state}", flush=True)
                faults += outcome.faults
    except KeyboardInterrupt:
        print("Stopped; the notebooks not named above are as before.", file=sys.stderr)
        return 130
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
