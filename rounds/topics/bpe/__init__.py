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
)
