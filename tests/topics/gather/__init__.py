"""Async code under a fake clock."""

from rounds.catalog import Topic

TOPIC = Topic("gather", "Gather", "Async code.", (5, 10), "easy")
