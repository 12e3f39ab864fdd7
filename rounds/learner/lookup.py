"""What several commands look up: a topic's notebook, its levels, the standings."""

from pathlib import Path
from typing import TYPE_CHECKING

from rounds import catalog, practice
from rounds.learner import progress
from rounds.learner.trouble import Trouble

if TYPE_CHECKING:
    from nbformat import NotebookNode


def levels(card: catalog.Topic) -> dict[str, int]:
    """The highest level of each exercise, in the order in which they are worked."""
    return {each.name: max(each.levels) for each in card.exercises()}


def notebook(folder: Path, room: str, name: str) -> "NotebookNode":
    """The notebook of the topic `name` in a room of the course, such as "work".

    Raises Trouble where there is none.
    """
    from rounds.learner.attempt import read_notebook

    label = f"{room}/{name}.ipynb"
    try:
        return read_notebook(folder / label, label)
    except FileNotFoundError:
        remedy = (
            f"begin with rounds start {name}"
            if room == "work"
            else f"git checkout {label}"
        )
        raise Trouble(f"{label} does not exist: {remedy}") from None


def standings(
    folder: Path,
) -> tuple[dict[str, progress.Standing], list[progress.Skipped]]:
    """Where the learner stands by topic, and the lines of the record skipped."""
    highest = {card.name: levels(card) for card in catalog.topics()}
    entries, skipped = progress.history(practice.record_path(folder), highest)
    return {
        name: progress.standing(name, highest[name], entries) for name in highest
    }, skipped
