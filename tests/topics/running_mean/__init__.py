"""A class checked by scripts of calls, in two levels."""

from rounds.catalog import Topic

TOPIC = Topic("running_mean", "Running mean", "A class.", (5, 10), "easy")
