"""The bar above a topic's pages: chapter, exercise, solution, run, and the notebook.

It is made while the site is built (templates/rounds-bar.html draws it), so that it is
the same on every page and no notebook has to hold it.
"""

from collections.abc import Callable
from dataclasses import dataclass

from rounds.site.contents import ROOMS


@dataclass(frozen=True)
class Place:
    """One page of the topic; `present` is the page that the bar stands on."""

    title: str
    page: str
    present: bool


@dataclass(frozen=True)
class Bar:
    """The pages of one topic, the name under which a reader saves this one, and where
    its exercise runs in the browser, from the root of the site; None for nowhere."""

    topic: str
    places: tuple[Place, ...]
    saved_as: str
    run: str | None = None


def bar(
    page: str,
    in_book: list[str],
    titles: dict[str, str],
    runs: Callable[[str], str | None] = lambda _: None,
) -> Bar | None:
    """The bar of `page`; None where it belongs to no topic.

    `in_book` names the pages of the book, `titles` gives a topic's title by its name,
    `runs` where its exercise runs, if it does.
    """
    room, _, name = page.partition("/")
    if room not in ROOMS or page not in in_book:
        return None
    places = tuple(
        Place(title, f"{folder}/{name}", folder == room)
        for folder, title in ROOMS.items()
        if f"{folder}/{name}" in in_book
    )
    saved_as = f"{name}-{ROOMS[room].lower()}.ipynb"
    run = runs(name) if f"exercises/{name}" in in_book else None
    return Bar(titles.get(name, name), places, saved_as, run)
