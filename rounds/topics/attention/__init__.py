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
)
