"""Sampling: from next-token logits to one drawn token."""

from rounds.catalog import Topic

TOPIC = Topic(
    name="sampling",
    title="Sampling",
    summary=(
        "Temperature, top-k, top-p, min-p and repetition penalty: from next-token "
        "logits to one drawn token."
    ),
    minutes=(30, 45),
    difficulty="medium",
)
