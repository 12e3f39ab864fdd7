"""What the real model said: committed extracts, read by the pages.

A page runs no model, so that it comes out the same on every machine. The files in
rounds/data are made by rounds/data/make_smollm2.py, which needs `make models`.
"""

import json
import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

DATA = Path(__file__).parent / "data"
SEPARATOR = b"\xff"


class NoExtract(LookupError):
    """An extract is missing or damaged; the sentence says what to do."""


@dataclass(frozen=True)
class NextToken:
    """What a model makes of a prompt.

    ids: the prompt's. logits: float64 (vocab_size,) of the token that comes next, each
    a whole multiple of 1/256.
    """

    name: str
    prompt: str
    ids: list[int]
    logits: np.ndarray


@dataclass(frozen=True)
class Head:
    """One attention head on the sentence, and how well it does what it is said to do.

    weights: float64 (T, T), query by key. score: the weight that it gives to the keys
    that `does` names, averaged over the queries that have such keys. random_score: the
    same on random tokens said twice. typical_score: the median of all heads on the
    sentence.
    """

    does: str
    layer: int
    head: int
    weights: np.ndarray
    score: float
    random_score: float
    typical_score: float


def next_token_logits() -> dict[str, NextToken]:
    """Logits over the whole vocabulary after four prompts, by name.

    sure: one token takes nearly all. torn: a few share it. open: hundreds could come.
    loop: a prompt that repeats itself, for the penalty.
    """
    about, arrays = _read()
    numbers = np.stack(list(arrays["logit_bytes"]), axis=-1).view("<i2")[..., 0]
    return {
        prompt["name"]: NextToken(logits=row / about["steps"], **prompt)
        for prompt, row in zip(about["prompts"], numbers, strict=True)
    }


def vocabulary() -> list[bytes]:
    """The bytes of every token; the index is its id. Some are no whole characters."""
    return _read()[1]["tokens"].tobytes().split(SEPARATOR)


def sentence() -> list[str]:
    """The tokens of the sentence that the heads read, without their spaces."""
    tokens = vocabulary()
    return [tokens[i].decode().strip() for i in _read()[0]["sentence_ids"]]


def heads() -> dict[str, Head]:
    """Four heads of the model on the sentence, by what they do."""
    about, arrays = _read()
    return {
        head["does"]: Head(weights=weights.astype(np.float64), **head)
        for head, weights in zip(about["heads"], arrays["attention"], strict=True)
    }


def config() -> dict[str, Any]:
    """The sizes of the model: n_layers, n_heads, vocab_size and so on."""
    return dict(_read()[0]["config"])


def source() -> str:
    """One line that says where the extracts come from."""
    about, _ = _read()
    return f"{about['model']}, run by {about['made_by']}"


@cache
def _read() -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    try:
        about = json.loads((DATA / "smollm2.json").read_text(encoding="utf-8"))
        with np.load(DATA / "smollm2.npz") as stored:
            arrays = dict(stored)
        _demand_whole(about, arrays)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise NoExtract(
            f"The extracts rounds/data/smollm2.npz and .json cannot be read ({error}): "
            "git restore rounds/data, or run rounds/data/make_smollm2.py."
        ) from None
    return about, arrays


def _demand_whole(about: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    vocab_size, length = about["config"]["vocab_size"], len(about["sentence_ids"])
    due = {
        "logit_bytes": (2, len(about["prompts"]), vocab_size),
        "attention": (len(about["heads"]), length, length),
    }
    for name, shape in due.items():
        if arrays[name].shape != shape:
            raise ValueError(f"{name} has the shape {arrays[name].shape}, not {shape}")
    n_tokens = arrays["tokens"].tobytes().count(SEPARATOR) + 1
    if n_tokens != vocab_size:
        raise ValueError(f"{n_tokens} tokens, not {vocab_size}")
