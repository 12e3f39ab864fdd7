"""Broken on purpose: what the audit of a topic must refuse."""

from rounds.catalog import Topic

TOPIC = Topic("broken", "Broken", "Broken on purpose.", (5, 10), "easy")
