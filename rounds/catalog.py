"""Which topics and exercises there are, found by their folders.

A topic is a folder of `rounds/topics/`: its `__init__.py` holds `TOPIC`, its
`checks.py` the exercises. Nothing here is to be edited when a topic is added.
"""

import difflib
import importlib
import pkgutil
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import rounds.topics

if TYPE_CHECKING:
    from rounds.exercise import Exercise


class UnknownName(LookupError):
    """A topic or exercise that does not exist: the sentence names the nearest."""

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(frozen=True)
class Topic:
    """A topic's card, for tables and pages. `minutes` is (from, to).

    `asked_by` says who is reported to ask it: a company and the address of the public
    source, which the exercise links to as well.
    """

    name: str
    title: str
    summary: str
    minutes: tuple[int, int]
    difficulty: str
    asked_by: tuple[tuple[str, str], ...] = ()

    def exercises(self) -> list["Exercise"]:
        """The topic's exercises in the order in which they are worked."""
        checks = importlib.import_module(f"rounds.topics.{self.name}.checks")
        return list(checks.EXERCISES)


def topics() -> list[Topic]:
    """All topics, by name."""
    names = [found.name for found in pkgutil.iter_modules(rounds.topics.__path__)]
    return [_card(name) for name in sorted(names)]


def topic(name: str) -> Topic:
    """The topic called `name`. Raises UnknownName."""
    names = [card.name for card in topics()]
    if name not in names:
        raise UnknownName(f"There is no topic {name!r}. {_nearest(name, names)}")
    return _card(name)


def find(name: str) -> "Exercise":
    """The exercise called `name`, as in "attention.softmax". Raises UnknownName."""
    cards = {card.name: card for card in topics()}
    owner = cards.get(name.partition(".")[0])
    for exercise in owner.exercises() if owner else ():
        if exercise.name == name:
            return exercise
    names = [exercise.name for card in cards.values() for exercise in card.exercises()]
    raise UnknownName(f"There is no exercise {name!r}. {_nearest(name, names)}")


def _card(name: str) -> Topic:
    return importlib.import_module(f"rounds.topics.{name}").TOPIC


def _nearest(name: str, names: Iterable[str]) -> str:
    """A sentence with the closest of `names`, the topic's prefix left out or not."""
    by_text: dict[str, str] = {}
    for full in names:
        by_text.setdefault(full.partition(".")[2].lower() or full.lower(), full)
        by_text[full.lower()] = full
    close = difflib.get_close_matches(name.lower(), by_text, n=1, cutoff=0.5)
    if close:
        return f"Did you mean {by_text[close[0]]!r}?"
    return f"There are: {', '.join(sorted(set(by_text.values())))}."
