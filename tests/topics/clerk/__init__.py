"""Records with words of the learner's own, and what a fake was sent."""

from rounds.catalog import Topic

TOPIC = Topic("clerk", "Clerk", "Asks a model and keeps a record.", (5, 10), "easy")
