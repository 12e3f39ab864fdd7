"""What the pages and the README say about the course, taken from the course."""

from pathlib import Path

from sphinx_external_toc.parsing import parse_toc_yaml

from rounds import catalog
from rounds.audit import Score, total

ROOMS = {"chapters": "Chapter", "exercises": "Exercise", "solutions": "Solution"}


def pages(root: Path) -> list[str]:
    """The names of all pages of the book at `root`, in the order of _toc.yml."""
    return list(parse_toc_yaml(root / "_toc.yml"))


def score_sentence(scores: dict[str, Score]) -> str:
    """The bank's score in words, all topics together."""
    score = total(scores)
    return (
        f"{score.right} right programs accepted, {score.wrong} wrong programs "
        f"caught, {score.named} by name."
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
