"""A byte stream cut at every position."""

from rounds.catalog import Topic

TOPIC = Topic("lines", "Lines", "A byte stream.", (5, 10), "easy")
