"""The four primitives that the model runs on unless others are passed in.

Their signatures are those of the topics attention, kv_cache and sampling, so that a
learner's own can take their place (the tokenizer's is in `tokenizer.py`). They are
written for speed: each works in place on an array that it has just made.
"""

from collections.abc import Iterable

import numpy as np


def attention(
    q: np.ndarray, k: np.ndarray, v: np.ndarray, mask: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Scaled dot-product attention: (output, weights).

    q (..., Tq, d), k (..., Tk, d), v (..., Tk, dv), mask bool, True = may attend,
    broadcastable to (..., Tq, Tk). A query that may attend to nothing gets zeros.
    Vaswani et al. 2017, section 3.2.1.
    """
    scale = q.shape[-1] ** -0.5
    scores = q.astype(np.result_type(q, np.float32)) * scale @ np.swapaxes(k, -1, -2)
    if mask is not None:
        np.copyto(scores, -np.inf, where=~mask)
    peak = scores.max(axis=-1, keepdims=True)
    if mask is not None:  # else every query attends to something
        peak[np.isneginf(peak)] = 0
    scores -= peak
    weights = np.exp(scores, out=scores)
    total = weights.sum(axis=-1, keepdims=True)
    if mask is not None:
        total[total == 0] = 1
    weights /= total
    return weights @ v, weights


class KVCache:
    """The keys and values of one layer, in arrays of full length from the start."""

    def __init__(
        self, n_kv_heads: int, head_dim: int, max_len: int, dtype: type = np.float32
    ) -> None:
        self.keys = np.empty((n_kv_heads, max_len, head_dim), dtype)
        self.values = np.empty_like(self.keys)
        self.length = 0

    def __len__(self) -> int:
        return self.length

    def append(self, k: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Add (n_kv_heads, T_new, head_dim); give all so far (n_kv_heads, T, head_dim).

        What comes back are views. Raises ValueError past `max_len`.
        """
        end = self.length + k.shape[1]
        if end > self.keys.shape[1]:
            raise ValueError(f"{end} positions, but the cache holds {self.max_len}")
        self.keys[:, self.length : end] = k
        self.values[:, self.length : end] = v
        self.length = end
        return self.keys[:, :end], self.values[:, :end]

    @property
    def max_len(self) -> int:
        """How many positions there is room for."""
        return self.keys.shape[1]

    def truncate(self, n: int) -> None:
        """Forget all positions but the first n, 0 <= n <= len."""
        if not 0 <= n <= self.length:
            raise ValueError(f"cannot keep {n} of {self.length} positions")
        self.length = n

    def reset(self) -> None:
        """Forget everything."""
        self.length = 0


def sample(
    logits: np.ndarray,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    min_p: float | None = None,
    repetition_penalty: float = 1.0,
    previous: Iterable[int] = (),
    rng: np.random.Generator,
) -> int:
    """Draw one id from logits (V,): penalty, temperature, top-k, top-p, min-p, draw.

    Temperature 0 takes the largest logit, the lowest id on ties, and draws nothing.
    top_k, top_p, min_p: Holtzman et al. 2020, arXiv:1904.09751 (top_p), Nguyen et al.
    2024, arXiv:2407.01082 (min_p). repetition_penalty: Keskar et al. 2019,
    arXiv:1909.05858. Raises ValueError for a parameter outside its range, for NaN or
    +inf among the logits, and if nothing is left to draw.
    """
    if not temperature >= 0:
        raise ValueError(f"temperature must be at least 0, not {temperature}")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k must be at least 1, not {top_k}")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p must lie in (0, 1], not be {top_p}")
    if min_p is not None and not 0 <= min_p <= 1:
        raise ValueError(f"min_p must lie in [0, 1], not be {min_p}")
    logits = np.array(logits, dtype=np.float64)
    if not logits.max(initial=-np.inf) < np.inf or np.isneginf(logits).all():
        raise ValueError("logits hold NaN or +inf, or no finite number at all")

    seen = np.unique(np.array(list(previous), dtype=np.int64))
    at = logits[seen]
    logits[seen] = np.where(at > 0, at / repetition_penalty, at * repetition_penalty)
    if temperature == 0:
        return int(logits.argmax())

    # Most probable first, the lowest id first on ties.
    ids = np.argsort(-logits, kind="stable")[:top_k]
    with np.errstate(over="ignore"):
        weights = np.exp((logits[ids] - logits[ids[0]]) / temperature)
    if top_p is not None and top_p < 1:
        mass = weights.cumsum()
        kept = np.searchsorted(mass, top_p * mass[-1]) + 1
        ids, weights = ids[:kept], weights[:kept]
    if min_p is not None:
        # The first weight is 1: each weight is its own ratio to the largest.
        ids, weights = ids[weights >= min_p], weights[weights >= min_p]
    mass = weights.cumsum()
    return int(ids[np.searchsorted(mass / mass[-1], rng.random(), side="right")])
