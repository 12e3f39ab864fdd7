"""BPE: from counting pairs of bytes to a tokenizer that agrees with tiktoken."""

from rounds.catalog import Topic

TOPIC = Topic(
    name="bpe",
    title="Byte-pair encoding",
    summary=(
        "Train a byte-level BPE tokenizer, encode by rank, decode across character "
        "borders, keep special tokens apart, and make a slow encoder fast."
    ),
    minutes=(45, 60),
    difficulty="medium",
    asked_by=(
        (
            "Glean",
            "https://prachub.com/coding-questions/"
            "implement-a-byte-pair-encoding-bpe-tokenizer",
        ),
        (
            "Perplexity",
            "https://arjunrnair.com/intervues/perplexity/"
            "05a0a14b-054d-4136-9f11-7edd0c45e25e",
        ),
    ),
)
