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
    asked_by=(
        (
            "Amazon",
            "https://prachub.com/coding-questions/"
            "implement-top-p-nucleus-sampling-in-numpy",
        ),
        (
            "Scale AI",
            "https://prachub.com/coding-questions/"
            "implement-multi-head-attention-and-llm-sampling",
        ),
    ),
)
