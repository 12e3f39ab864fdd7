"""Draws from a distribution, an object that a function returns, lines that are
counted."""

from rounds.catalog import Topic

TOPIC = Topic("dice", "Dice", "Loaded dice.", (5, 10), "easy")
