"""Makes smollm2_kv.npz: what one layer of the real model keeps in its cache.

    python rounds/data/make_kv_extract.py

Needs `make models`. The KV cache chapter shows what 8 bits cost on it: random numbers
would not do, since a trained model's keys have channels far larger than the others.
"""

from pathlib import Path

import numpy as np

from rounds import models

# The middle one of 30; the others look alike.
LAYER = 15
# Dickens, A Tale of Two Cities, 1859.
TEXT = (
    "It was the best of times, it was the worst of times, it was the age of wisdom, it "
    "was the age of foolishness, it was the epoch of belief, it was the epoch of "
    "incredulity, it was the season of Light, it was the season of Darkness, it was "
    "the spring of hope, it was the winter of despair, we had everything before us, we "
    "had nothing before us"
)


def main() -> None:
    """Run the model on the text and write the layer's keys (rotated) and values.

    Each float16 (n_kv_heads, T, head_dim).
    """
    model = models.load()
    ids = model.tokenizer.encode(TEXT)
    caches = model.new_caches(len(ids))
    model.forward(ids, caches, last_only=True)
    nothing = np.zeros((model.config.n_kv_heads, 0, model.config.d_head), np.float32)
    keys, values = caches[LAYER].append(nothing, nothing)
    np.savez_compressed(
        Path(__file__).parent / "smollm2_kv.npz",
        keys=keys.astype(np.float16),
        values=values.astype(np.float16),
    )
    print(f"{len(ids)} tokens, keys and values {keys.shape} of layer {LAYER}")


if __name__ == "__main__":
    main()
