"""What the commands draw with rich; plain text where nobody watches."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from rounds.learner.progress import Standing, duration


def console(**options: Any) -> Console:
    """A console that shows every text as it is written, brackets included."""
    return Console(highlight=False, markup=False, emoji=False, **options)


@contextmanager
def progress(label: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on the error stream, moved by calling (done, of); none in a pipe."""
    screen = console(stderr=True)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TextColumn("cell {task.completed} of {task.total}", markup=False),
        TimeElapsedColumn(),
    )
    with Progress(
        *columns, console=screen, transient=True, disable=not screen.is_terminal
    ) as bar:
        task = bar.add_task(label, total=None, visible=False)
        yield lambda done, of: bar.update(task, completed=done, total=of, visible=True)


def status(standings: list[Standing]) -> Table:
    """The table of topics: what passes, how often it was tried, the best time."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("Topic", no_wrap=True)
    table.add_column("Pass", no_wrap=True)
    table.add_column("Passing exercises", overflow="fold")
    table.add_column("Attempts", justify="right", no_wrap=True)
    table.add_column("Best time", justify="right", no_wrap=True)
    for each in standings:
        table.add_row(
            each.topic,
            f"{len(each.passing)} of {len(each.exercises)}",
            ", ".join(map(short, each.passing)) or "-",
            str(each.attempts),
            duration(each.best),
            style="green" if each.done else None,
        )
    return table


def short(exercise: str) -> str:
    """An exercise's name without its topic: "softmax" of "attention.softmax"."""
    return exercise.partition(".")[2] or exercise
