"""A decoder-only transformer of the Llama family, in NumPy.

What SmolLM2 is made of: RMSNorm, rotary positions, grouped-query attention, SwiGLU, and
one table that both embeds the tokens and scores the next one. A weight is (in, out), as
everywhere in the course, and those that meet the same input are one matrix.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rounds.models import primitives

# The most positions that go through the layers at once: it bounds the scores, which
# take n_heads * chunk * length numbers, and those that the mask throws away.
CHUNK = 128
Watch = Callable[[int, np.ndarray], None]


@dataclass(frozen=True)
class Config:
    """The sizes of a model; `max_len` is the context that it was trained for."""

    n_layers: int
    d_model: int
    n_heads: int
    n_kv_heads: int
    d_head: int
    d_ff: int
    vocab_size: int
    max_len: int
    rope_base: float
    norm_eps: float


@dataclass(frozen=True)
class Layer:
    """The weights of one layer, float32.

    attn_norm and ffn_norm (d_model,), qkv (d_model, (n_heads + 2 n_kv_heads) d_head),
    out (n_heads d_head, d_model), gate_up (d_model, 2 d_ff), down (d_ff, d_model).
    """

    attn_norm: np.ndarray
    qkv: np.ndarray
    out: np.ndarray
    ffn_norm: np.ndarray
    gate_up: np.ndarray
    down: np.ndarray


@dataclass(frozen=True)
class Weights:
    """embedding (d_model, vocab_size), the layers, and the last norm (d_model,).

    Column i of the embedding is token i: so it is the last product's matrix as it is.
    """

    embedding: np.ndarray
    layers: list[Layer]
    norm: np.ndarray


def rms_norm(x: np.ndarray, weight: np.ndarray, eps: float) -> np.ndarray:
    """x (..., d) divided by the root of its mean square, times weight (d,).

    Zhang and Sennrich 2019, arXiv:1910.07467.
    """
    mean_square = np.vecdot(x, x) / x.shape[-1]
    return x * (1 / np.sqrt(mean_square + eps))[..., None] * weight


def rotations(positions: np.ndarray, d_head: int, base: float) -> np.ndarray:
    """e^(i * position * frequency), complex64 (T, d_head / 2), of positions (T,).

    Pair c of a head turns by base^(-2c / d_head) a position. Su et al. 2021, section
    3.4.2, arXiv:2104.09864.
    """
    frequencies = base ** (-np.arange(0, d_head, 2) / d_head)
    return np.exp(1j * np.outer(positions, frequencies)).astype(np.complex64)


def rotate(x: np.ndarray, turns: np.ndarray) -> np.ndarray:
    """Rotary positions: x float32 (T, n, d_head), turns complex64 (T, d_head / 2).

    Neighbouring entries are a pair, the layout of the paper and of GGUF files: seen as
    the real and the imaginary part of one number, a rotation is one product.
    """
    pairs = np.ascontiguousarray(x).view(np.complex64)
    return (pairs * turns[:, None]).view(np.float32)


def swiglu(x: np.ndarray, gate_up: np.ndarray, down: np.ndarray) -> np.ndarray:
    """The feed-forward block: down(silu(gate x) * up x) of x (T, d_model).

    Shazeer 2020, arXiv:2002.05202. gate_up holds the gate's columns, then those of up.
    """
    both = x @ gate_up
    gate, up = both[:, : len(down)], both[:, len(down) :]
    # silu(z) = z / (1 + e^-z); far below zero e^-z is inf, and the result -0 is right.
    with np.errstate(over="ignore"):
        hidden = np.exp(-gate)
    hidden += 1
    np.divide(gate, hidden, out=hidden)
    hidden *= up
    return hidden @ down


@dataclass(frozen=True)
class Model:
    """A model with the primitives that it runs on.

    attention(q, k, v, mask) -> (output, weights)
    new_cache(n_kv_heads, head_dim, max_len, dtype): one cache per layer
    sample(logits, *, temperature, ..., rng) -> id
    tokenizer: with encode(text, allowed_special), decode(ids) and vocab
    """

    config: Config
    weights: Weights
    tokenizer: Any = None
    attention: Callable[..., tuple[np.ndarray, np.ndarray]] = primitives.attention
    new_cache: Callable[..., Any] = primitives.KVCache
    sample: Callable[..., int] = primitives.sample

    def new_caches(self, max_len: int) -> list[Any]:
        """Empty caches for up to max_len positions, one per layer."""
        c = self.config
        return [
            self.new_cache(c.n_kv_heads, c.d_head, max_len, np.float32)
            for _ in range(c.n_layers)
        ]

    def forward(
        self,
        ids: Sequence[int],
        caches: list[Any] | None = None,
        *,
        last_only: bool = False,
        watch: Watch | None = None,
    ) -> np.ndarray:
        """The logits of what follows each id, float32 (T, vocab_size).

        With caches the ids continue what those hold, and are added to them. With
        `last_only` only the last row is computed, (1, vocab_size). `watch(layer,
        weights)` is shown each layer's attention weights (n_heads, T_chunk, T_so_far).
        Raises ValueError for no ids, an id outside the vocabulary, or too many ids.
        """
        ids = self._checked(ids)
        caches = self.new_caches(len(ids)) if caches is None else caches
        start, rows = len(caches[0]), []
        for cut in range(0, len(ids), CHUNK):
            x = self.weights.embedding[:, ids[cut : cut + CHUNK]].T.copy()
            positions = np.arange(len(x)) + start + cut
            turns = rotations(positions, self.config.d_head, self.config.rope_base)
            for index, (layer, cache) in enumerate(
                zip(self.weights.layers, caches, strict=True)
            ):
                x += self._attend(index, layer, x, turns, cache, watch)
                normed = rms_norm(x, layer.ffn_norm, self.config.norm_eps)
                x += swiglu(normed, layer.gate_up, layer.down)
            rows.append(x[-1:] if last_only else x)
        x = rows[-1] if last_only else np.concatenate(rows)
        x = rms_norm(x, self.weights.norm, self.config.norm_eps)
        return x @ self.weights.embedding

    def _checked(self, ids: Sequence[int]) -> np.ndarray:
        found = np.asarray(ids, dtype=np.int64)
        if found.ndim != 1 or not found.size:
            raise ValueError("the model needs one row of ids, at least one of them")
        if found.min() < 0 or found.max() >= self.config.vocab_size:
            raise ValueError(
                f"ids lie in 0..{self.config.vocab_size - 1}, not in "
                f"{found.min()}..{found.max()}"
            )
        return found

    def _attend(
        self,
        index: int,
        layer: Layer,
        x: np.ndarray,
        turns: np.ndarray,
        cache: Any,
        watch: Watch | None,
    ) -> np.ndarray:
        """Grouped-query self-attention of new rows x (T, d_model), causal."""
        c = self.config
        n, heads = len(x), c.n_heads + c.n_kv_heads
        qkv = rms_norm(x, layer.attn_norm, c.norm_eps) @ layer.qkv
        qkv = qkv.reshape(n, heads + c.n_kv_heads, c.d_head)
        qk = rotate(qkv[:, :heads], turns).swapaxes(0, 1)
        k, v = cache.append(qk[c.n_heads :], qkv[:, heads:].swapaxes(0, 1))
        # The query heads of a group see the same keys and values: they are stacked as
        # further queries of that KV head, so that nothing is repeated.
        group = c.n_heads // c.n_kv_heads
        q = qk[: c.n_heads].reshape(c.n_kv_heads, group * n, c.d_head)
        mask = None
        if n > 1:  # a single new row sees all there is
            length = k.shape[1]
            mask = np.tri(n, length, length - n, dtype=bool)
            mask = np.tile(mask, (group, 1))
        output, weights = self.attention(q, k, v, mask)
        if watch is not None:
            watch(index, weights.reshape(c.n_heads, n, -1))
        output = output.reshape(c.n_heads, n, c.d_head).swapaxes(0, 1)
        return output.reshape(n, -1) @ layer.out
