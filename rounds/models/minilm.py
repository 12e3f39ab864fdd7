"""all-MiniLM-L6-v2, a real sentence embedder, in plain NumPy.

    from rounds.models import minilm
    embed = minilm.load()                       # needs `make models`
    embed(["A cat sat.", "Le chat"])            # (2, 384) float32, rows of length 1

An encoder of BERT's architecture (Devlin et al. 2019, arXiv:1810.04805): learned
positions, attention in both directions, LayerNorm after each block. A text's vector is
the mean over its tokens (Reimers and Gurevych 2019, arXiv:1908.10084), divided by its
length. A weight is (in, out), as everywhere in the course.
"""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rounds.models import files, primitives
from rounds.models.wordpiece import WordPiece

# Texts that go through the layers at once, of about the same length: it bounds the
# scores, which take BATCH * n_heads * length**2 numbers.
BATCH = 16
Affine = tuple[np.ndarray, np.ndarray]  # weight and bias


@dataclass(frozen=True)
class Layer:
    """The weights and biases of one layer, float32.

    qkv (d, 3d), out (d, d), up (d, d_ff), down (d_ff, d), each with a bias of its
    width; the norms have a scale (d,) and a shift (d,).
    """

    qkv: Affine
    out: Affine
    attn_norm: Affine
    up: Affine
    down: Affine
    ffn_norm: Affine


def linear(x: np.ndarray, affine: Affine) -> np.ndarray:
    """x (n, d_in) times the weight, plus the bias: (n, d_out)."""
    weight, bias = affine
    y = x @ weight
    y += bias
    return y


def layer_norm(x: np.ndarray, affine: Affine, eps: float) -> np.ndarray:
    """x (n, d), each row with mean 0 and variance 1, times scale, plus shift.

    Ba et al. 2016, arXiv:1607.06450.
    """
    scale, shift = affine
    x = x - x.mean(axis=-1, keepdims=True)
    variance = np.vecdot(x, x) / x.shape[-1]
    x *= (1 / np.sqrt(variance + eps))[:, None]
    x *= scale
    x += shift
    return x


def gelu(x: np.ndarray) -> np.ndarray:
    """x * Phi(x), Phi the normal distribution (Hendrycks and Gimpel, arXiv:1606.08415).

    NumPy has no erf: that of Abramowitz and Stegun 1964, 7.1.26, is off by at most
    1.5e-7, which is about what float32 itself is off.
    """
    size = np.abs(x)
    t = size * (0.3275911 * math.sqrt(0.5))
    t += 1
    np.divide(1, t, out=t)
    tail = t * 1.061405429
    for a in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
        tail += a
        tail *= t
    np.multiply(size, size, out=t)
    t *= -0.5
    tail *= np.exp(t, out=t)  # erfc(size / sqrt(2))
    # Phi is 1 - tail / 2 to the right of 0 and tail / 2 to the left.
    tail *= size
    tail *= 0.5
    np.maximum(x, 0, out=t)
    t -= tail
    return t


@dataclass(frozen=True)
class MiniLM:
    """An embedder: `embed(texts) -> (n, dim)`, float32, rows of length 1.

    words (vocab_size, d) and positions (max_positions, d) are the tables of the
    embedding; every text is of the first type, and its row is added to `positions`.
    attention(q, k, v, mask) -> (output, weights), mask True = may attend.
    A text is cut after max_len tokens, as sentence-transformers does for this model.
    """

    words: np.ndarray
    positions: np.ndarray
    norm: Affine
    layers: list[Layer]
    tokenizer: WordPiece
    n_heads: int = 12
    max_len: int = 256
    norm_eps: float = 1e-12
    attention: Callable[..., tuple[np.ndarray, np.ndarray]] = primitives.attention

    @property
    def dim(self) -> int:
        """How long a vector is."""
        return self.words.shape[1]

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """One row per text, (n, dim). Raises TypeError for one text, not a list."""
        if isinstance(texts, str):
            raise TypeError("embed takes a list of texts, not one text")
        ids = [self.tokenizer.encode(text, self.max_len) for text in texts]
        rows = np.empty((len(ids), self.dim), np.float32)
        order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
        for at in range(0, len(ids), BATCH):
            batch = order[at : at + BATCH]
            rows[batch] = self._embed([ids[i] for i in batch])
        return rows

    def _embed(self, ids: list[list[int]]) -> np.ndarray:
        """One row per text, of which the last is the longest."""
        lengths = np.array([len(row) for row in ids])
        mask = np.arange(lengths.max()) < lengths[:, None]
        padded = np.zeros(mask.shape, np.int64)
        padded[mask] = [i for row in ids for i in row]
        hidden = self.forward(padded, mask)
        hidden *= mask[..., None]
        sums = hidden.sum(axis=1)  # the mean would have the same direction
        return sums / np.linalg.norm(sums, axis=1, keepdims=True)

    def forward(self, ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """The last layer's rows (n, T, d) of ids (n, T), where mask (n, T) is True.

        A row where the mask is False means nothing, and no other row sees it.
        """
        n, length = ids.shape
        x = self.words[ids] + self.positions[:length]
        x = layer_norm(x.reshape(n * length, -1), self.norm, self.norm_eps)
        for layer in self.layers:
            x += self._attend(layer, x, mask)
            x = layer_norm(x, layer.attn_norm, self.norm_eps)
            x += linear(gelu(linear(x, layer.up)), layer.down)
            x = layer_norm(x, layer.ffn_norm, self.norm_eps)
        return x.reshape(n, length, -1)

    def _attend(self, layer: Layer, x: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Self-attention of x (n * T, d) among the T rows of each text."""
        n, length = mask.shape
        qkv = linear(x, layer.qkv).reshape(n, length, 3, self.n_heads, -1)
        q, k, v = qkv.transpose(2, 0, 3, 1, 4)  # each (n, n_heads, T, d_head)
        output, _ = self.attention(q, k, v, mask[:, None, None, :])
        return linear(output.swapaxes(1, 2).reshape(n * length, -1), layer.out)


def load(
    *, attention: Callable[..., tuple[np.ndarray, np.ndarray]] = primitives.attention
) -> MiniLM:
    """all-MiniLM-L6-v2 as `make models` installed it.

    Raises ModelFileError, in one sentence, if a file is missing or damaged.
    """
    weights = read_safetensors(files.whole(files.MINILM))
    tokenizer = read_tokenizer(files.whole(files.MINILM_TOKENIZER))
    return from_tensors(weights, tokenizer, attention=attention)


def from_tensors(
    tensors: dict[str, np.ndarray], tokenizer: WordPiece, **settings: Any
) -> MiniLM:
    """The model of BERT's tensors, (out, in) as PyTorch has them, by their names."""

    def pair(name: str, *names: str) -> Affine:
        parts = [
            (tensors[f"{part}.weight"], tensors[f"{part}.bias"])
            for part in (name, *names)
        ]
        weight, bias = (np.concatenate(each) for each in zip(*parts, strict=True))
        # A product with few rows, such as one question's, is twice as fast with this.
        return np.ascontiguousarray(weight.T), bias

    layers, at = [], "encoder.layer.0"
    while f"{at}.output.dense.weight" in tensors:
        own = f"{at}.attention.self"
        layers.append(
            Layer(
                qkv=pair(f"{own}.query", f"{own}.key", f"{own}.value"),
                out=pair(f"{at}.attention.output.dense"),
                attn_norm=pair(f"{at}.attention.output.LayerNorm"),
                up=pair(f"{at}.intermediate.dense"),
                down=pair(f"{at}.output.dense"),
                ffn_norm=pair(f"{at}.output.LayerNorm"),
            )
        )
        at = f"encoder.layer.{len(layers)}"
    words, positions, types = (
        tensors[f"embeddings.{name}_embeddings.weight"]
        for name in ("word", "position", "token_type")
    )
    norm = pair("embeddings.LayerNorm")
    return MiniLM(words, positions + types[0], norm, layers, tokenizer, **settings)


def read_safetensors(path: Path) -> dict[str, np.ndarray]:
    """All float32 tensors of a file, by name.

    The format: the header's length in 8 bytes, little-endian, the header as JSON, then
    the numbers (github.com/huggingface/safetensors, "Format").
    """
    with path.open("rb") as stream:
        size = int.from_bytes(stream.read(8), "little")
        header = json.loads(stream.read(size))
    numbers = np.fromfile(path, "<f4", offset=8 + size)
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__" and entry["dtype"] == "F32":
            start, end = (offset // 4 for offset in entry["data_offsets"])
            tensors[name] = numbers[start:end].reshape(entry["shape"])
    return tensors


def read_tokenizer(path: Path) -> WordPiece:
    """The tokenizer of a `tokenizer.json`."""
    found = json.loads(path.read_text("utf-8"))
    special = [token["content"] for token in found["added_tokens"]]
    return WordPiece(found["model"]["vocab"], special)
