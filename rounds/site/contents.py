"""What the pages and the README say about the course, taken from the course."""

import re
from pathlib import Path

import nbformat
from sphinx_external_toc.parsing import parse_toc_yaml

from rounds import catalog
from rounds.audit import Score, total

ROOMS = {"chapters": "Chapter", "exercises": "Exercise", "solutions": "Solution"}


def pages(root: Path) -> list[str]:
    """The names of all pages of the book at `root`, in the order of _toc.yml."""
    return list(parse_toc_yaml(root / "_toc.yml"))


def parts(root: Path) -> list[tuple[str, list[catalog.Topic]]]:
    """The parts of the book that have topics: a caption, and the topics' cards.

    A topic belongs where _toc.yml lists its chapter.
    """
    cards = {card.name: card for card in catalog.topics()}
    found = []
    for part in parse_toc_yaml(root / "_toc.yml").root.subtrees:
        rooms = (str(item).removesuffix(".ipynb").split("/") for item in part.items)
        names = [room[1] for room in rooms if room[0] == "chapters"]
        in_part = [cards[name] for name in names if name in cards]
        if in_part:
            found.append((part.caption or "Topics", in_part))
    return found


def question(root: Path, topic: str) -> str | None:
    """The question as it is asked: what the topic's chapter quotes at its head."""
    notebook = nbformat.read(root / "chapters" / f"{topic}.ipynb", as_version=4)
    quoted = re.search(r"(?:^>.*\n?)+", notebook.cells[0].source, re.MULTILINE)
    if quoted is None:
        return None
    return " ".join(line.lstrip("> ") for line in quoted[0].splitlines()).strip()


def score_sentence(scores: dict[str, Score]) -> str:
    """The bank's score in words, all topics together."""
    score = total(scores)
    return (
        f"{score.right:,} right programs accepted, {score.wrong:,} wrong programs "
        f"caught, {score.named:,} by name."
    )


def topic_table(root: Path) -> str:
    """A Markdown table of the topics that have pages, in the order of the book."""
    in_book = pages(root)
    cards = {card.name: card for card in catalog.topics()}
    rows = ["| Topic | Minutes | Difficulty |", "| --- | --- | --- |"]
    for name in _topics_in_order(in_book, cards):
        card = cards[name]
        links = [
            f"[{title}]({room}/{name}.ipynb)"
            for room, title in ROOMS.items()
            if f"{room}/{name}" in in_book
        ]
        shortest, longest = card.minutes
        rows.append(
            f"| **{card.title}**: {card.summary}<br>{' · '.join(links)} "
            f"| {shortest} to {longest} | {card.difficulty} |"
        )
    return "\n".join(rows) + "\n"


def _topics_in_order(in_book: list[str], cards: dict[str, catalog.Topic]) -> list[str]:
    names = [page.partition("/")[2] for page in in_book]
    return [name for name in dict.fromkeys(names) if name in cards]
