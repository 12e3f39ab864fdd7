"""How long a learner waits: the import, a topic's checks, the site.

python benchmarks/course.py           writes benchmarks/results/course.json
"""

import os
import statistics
import subprocess
import sys
from pathlib import Path
from types import FunctionType
from typing import Any

import harness
from harness import Column, Record, Target
from report import write

from rounds import check, given
from rounds.catalog import Topic, topics

ROOT = Path(__file__).parent.parent
COLUMNS = [
    Column("what", "what", "text"),
    Column("seconds", "time", "s"),
    Column("runs", "runs", "count"),
]
ABOUT = (
    "What a reader waits for, median of several runs. The checks are all exercises of "
    "a topic, each given a copy of the course's own program; the site is built by "
    "`make site` after the install."
)
IMPORT = """
import time
start = time.perf_counter()
import rounds
{more}
print(time.perf_counter() - start)
"""


def main() -> None:
    """Measure and write the record."""
    rows = [
        row("import rounds", import_seconds("")),
        row("import rounds, then check", import_seconds("rounds.check")),
        *(row(f"checks of {card.name}", check_seconds(card)) for card in topics()),
        row("make site", site_seconds()),
    ]
    targets = [
        Target(row["what"], "s", row["seconds"], at_most=limit)
        for row in rows
        if (limit := limit_of(row["what"])) is not None
    ]
    write(
        Record(
            name="course",
            title="The course itself",
            about=ABOUT,
            columns=COLUMNS,
            rows=rows,
            targets=targets,
            versions=harness.versions("numpy"),
        )
    )


def row(what: str, seconds: list[float]) -> dict[str, Any]:
    """A row with the median of the measured seconds."""
    print(what, *(f"{s:.3f}" for s in seconds), file=sys.stderr, flush=True)
    middle = round(statistics.median(seconds), 3)
    return {"what": what, "seconds": middle, "runs": len(seconds)}


def limit_of(what: str) -> float | None:
    """The seconds that the course promises, or None."""
    if what.startswith("checks of "):
        return 2
    return {"import rounds": 0.3, "make site": 60}.get(what)


def import_seconds(more: str, runs: int = 9) -> list[float]:
    """Times of `import rounds` and `more`, each in a Python of its own."""
    command = [sys.executable, "-c", IMPORT.format(more=more)]
    return [
        float(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
        for _ in range(runs)
    ]


def check_seconds(card: Topic, runs: int = 5) -> list[float]:
    """Times of all checks of a topic together, each on the course's own program."""
    names = [exercise.name for exercise in card.exercises()]
    programs = {name: as_a_learners(given(name)) for name in names}

    def check_all() -> None:
        for name, program in programs.items():
            if not check(name, program).passed:
                raise RuntimeError(f"the check of {name} refused the reference")

    check_all()
    return [harness.seconds(check_all) for _ in range(runs)]


def as_a_learners(program: Any) -> Any:
    """A copy of a program, since `check` knows its own and does not run it."""
    if isinstance(program, type):
        return type(program.__name__, (program,), {})
    code, scope = program.__code__, program.__globals__
    copy = FunctionType(code, scope, program.__name__, program.__defaults__)
    copy.__kwdefaults__ = program.__kwdefaults__
    return copy


def site_seconds(runs: int = 3) -> list[float]:
    """Times of `make site`, which builds every page anew."""
    # Without what the outer make passes down, or this one would ask it for a slot.
    clean = {
        k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))
    }

    def build() -> None:
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run(["make", "site"], cwd=ROOT, env=clean, check=True, **quiet)

    return [harness.seconds(build) for _ in range(runs)]


if __name__ == "__main__":
    main()
