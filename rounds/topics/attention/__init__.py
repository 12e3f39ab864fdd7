"""Attention: from softmax to the tiled form that never holds the matrix."""

from rounds.catalog import Topic

TOPIC = Topic(
    name="attention",
    title="Attention",
    summary=(
        "Softmax, scaled dot-product attention, masks, several heads, "
        "and the tiled form that never holds the score matrix."
    ),
    minutes=(30, 45),
    difficulty="medium",
    asked_by=(
        (
            "Uber",
            "https://prachub.com/interview-questions/"
            "implement-multi-head-self-attention",
        ),
        (
            "Scale AI",
            "https://prachub.com/coding-questions/"
            "implement-multi-head-attention-and-llm-sampling",
        ),
        (
            "Amazon",
            "https://prachub.com/coding-questions/"
            "implement-multi-head-attention-from-scratch-in-numpy",
        ),
    ),
)
