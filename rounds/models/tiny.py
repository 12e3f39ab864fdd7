"""A model of the same architecture that is small and means nothing.

It stands in where the real one is not installed: tests, and pages that run a model.
"""

from typing import Any

import numpy as np

from rounds.models.tokenizer import Tokenizer
from rounds.models.transformer import Config, Layer, Model, Weights

SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
CONFIG = Config(
    n_layers=3,
    d_model=48,
    n_heads=6,
    n_kv_heads=2,
    d_head=8,
    d_ff=50,
    vocab_size=256 + len(SPECIAL),
    max_len=96,
    rope_base=10_000.0,
    norm_eps=1e-5,
)


def tiny(seed: int = 0, **primitives: Any) -> Model:
    """A model with random weights whose tokens are bytes, and three special ones.

    primitives: attention, new_cache and sample, as `Model` takes them, and tokenizer.
    """
    rng = np.random.default_rng(seed)
    c = CONFIG
    width = c.n_heads * c.d_head

    def matrix(n_in: int, n_out: int) -> np.ndarray:
        return rng.normal(scale=n_in**-0.5, size=(n_in, n_out)).astype(np.float32)

    def norm() -> np.ndarray:
        return rng.uniform(0.5, 1.5, c.d_model).astype(np.float32)

    layers = [
        Layer(
            attn_norm=norm(),
            qkv=matrix(c.d_model, width + 2 * c.n_kv_heads * c.d_head),
            out=matrix(width, c.d_model),
            ffn_norm=norm(),
            gate_up=matrix(c.d_model, 2 * c.d_ff),
            down=matrix(c.d_ff, c.d_model),
        )
        for _ in range(c.n_layers)
    ]
    embedding = matrix(c.d_model, c.vocab_size)
    primitives.setdefault("tokenizer", Tokenizer([], SPECIAL))
    return Model(c, Weights(embedding, layers, norm()), **primitives)
