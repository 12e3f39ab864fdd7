"""A model's sizes, weights and vocabulary out of its GGUF file.

The `gguf` package parses the file and knows the arithmetic of its quantised blocks.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from rounds.models import files, primitives
from rounds.models.tokenizer import PATTERN, Tokenizer
from rounds.models.transformer import Config, Layer, Model, Weights


def load(
    *,
    attention: Callable[..., Any] = primitives.attention,
    new_cache: Callable[..., Any] = primitives.KVCache,
    sample: Callable[..., int] = primitives.sample,
    new_tokenizer: Callable[..., Any] = Tokenizer,
) -> Model:
    """SmolLM2-135M-Instruct as `make models` installed it, running on these primitives.

    new_tokenizer(merges, special_tokens, pattern=..., ids=...) makes its tokenizer.
    Raises ModelFileError, in one sentence, if the file is missing or damaged.
    """
    reader = open_gguf(files.whole(files.SMOLLM2))
    config = read_config(reader)
    return Model(
        config,
        read_weights(reader, config),
        read_tokenizer(reader, new_tokenizer),
        attention=attention,
        new_cache=new_cache,
        sample=sample,
    )


def open_gguf(path: Path) -> Any:
    """The parsed file, its tensors still on disk (gguf.GGUFReader)."""
    try:
        import gguf
    except ImportError as error:
        raise files.ModelFileError(
            f"The package gguf cannot be imported ({error}): run make models."
        ) from None

    class Reader(gguf.GGUFReader):
        # A tokenizer is 100,000 strings, and a slice of a memmap is slow to make:
        # this reads them in a fifth of the time. Little-endian files only.
        def _get(self, offset, dtype, count=1, override_order=None):
            return np.frombuffer(self.data, dtype, int(count), int(offset))

    return Reader(path)


def value(reader: Any, key: str) -> Any:
    """One metadata value, as Python has it."""
    return reader.fields[key].contents()


def read_config(reader: Any) -> Config:
    """The sizes, under the keys of the architecture `llama`."""

    def get(key: str) -> Any:
        return value(reader, f"llama.{key}")

    n_heads, d_model = get("attention.head_count"), get("embedding_length")
    return Config(
        n_layers=get("block_count"),
        d_model=d_model,
        n_heads=n_heads,
        n_kv_heads=get("attention.head_count_kv"),
        d_head=d_model // n_heads,
        d_ff=get("feed_forward_length"),
        vocab_size=get("vocab_size"),
        max_len=get("context_length"),
        rope_base=get("rope.freq_base"),
        norm_eps=get("attention.layer_norm_rms_epsilon"),
    )


def read_weights(reader: Any, config: Config) -> Weights:
    """All weights as float32, (in, out), those that meet the same input in one matrix.

    The file has them (out, in). A product with one row, which is what decoding consists
    of, is half as fast again when a wide matrix is read along its rows; `down`, which
    is narrow, is a quarter faster as the file has it. All matrices lie in one block of
    memory: the system gives a large one large pages, a tenth faster again.
    """
    import gguf

    tensors = {tensor.name: tensor for tensor in reader.tensors}
    block = np.empty(sum(int(t.n_elements) for t in reader.tensors), np.float32)
    used = 0

    def vector(name: str) -> np.ndarray:
        return tensors[f"{name}.weight"].data.copy()

    def matrix(*names: str, as_stored: bool = False) -> np.ndarray:
        nonlocal used
        parts = [tensors[f"{name}.weight"] for name in names]
        n_in, n_out = int(parts[0].shape[0]), sum(len(part.data) for part in parts)
        start, used = used, used + n_in * n_out
        weights = block[start:used].reshape((n_out, n_in) if as_stored else (n_in, -1))
        weights = weights.T if as_stored else weights
        at = 0
        for part in parts:
            end = at + len(part.data)
            weights[:, at:end] = gguf.dequantize(part.data, part.tensor_type).T
            at = end
        return weights

    def layers() -> Iterator[Layer]:
        for n in range(config.n_layers):
            at = f"blk.{n}"
            yield Layer(
                attn_norm=vector(f"{at}.attn_norm"),
                qkv=matrix(f"{at}.attn_q", f"{at}.attn_k", f"{at}.attn_v"),
                out=matrix(f"{at}.attn_output"),
                ffn_norm=vector(f"{at}.ffn_norm"),
                gate_up=matrix(f"{at}.ffn_gate", f"{at}.ffn_up"),
                down=matrix(f"{at}.ffn_down", as_stored=True),
            )

    return Weights(matrix("token_embd"), list(layers()), vector("output_norm"))


def read_tokenizer(reader: Any, new_tokenizer: Callable[..., Any] = Tokenizer) -> Any:
    """The tokenizer of the file: new_tokenizer(merges, special_tokens, pattern=, ids=).

    GGUF stores each byte of a token as one printable character, as GPT-2 does. Raises
    ValueError for a file that cuts its text otherwise than SmolLM's do.
    """
    pre = value(reader, "tokenizer.ggml.pre")
    if pre != "smollm":
        raise ValueError(f"the file's text is to be cut as {pre!r}, not as 'smollm'")
    names, kinds, merges = (
        value(reader, f"tokenizer.ggml.{key}")
        for key in ("tokens", "token_type", "merges")
    )
    ids, special = {}, []
    for i, (name, kind) in enumerate(zip(names, kinds, strict=True)):
        if kind == CONTROL:
            special.append(name)
            ids[name.encode()] = i
        else:
            ids[as_bytes(name)] = i
    pairs = [tuple(map(as_bytes, merge.split(" "))) for merge in merges]
    return new_tokenizer(pairs, tuple(special), pattern=PATTERN, ids=ids)


def as_bytes(printable: str) -> bytes:
    """The bytes that GPT-2's alphabet writes as these characters."""
    return printable.translate(BYTE_OF).encode("latin-1")


def _byte_alphabet() -> dict[int, int]:
    """From each character of GPT-2's alphabet to its byte.

    A byte that is a visible Latin-1 character stands for itself, the others take the
    characters from U+0100 on, in order.
    """
    visible = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in visible]
    return {b: b for b in visible} | {0x100 + n: b for n, b in enumerate(others)}


CONTROL = 3  # gguf.TokenType.CONTROL
BYTE_OF = _byte_alphabet()
