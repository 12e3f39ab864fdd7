"""Real embeddings of a small help desk: a committed extract, read by the pages.

A page runs no model, so that it comes out the same on every machine. The files in
rounds/data are made by rounds/data/make_sentences_extract.py; it needs `make models`.
"""

import json
import zipfile
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from rounds.extracts import DATA, NoExtract


@dataclass(frozen=True)
class Question:
    """A question and what each document is worth for it, by its index: 3 if it
    answers, 1 if it touches the matter. A document that is not there is worth nothing.

    mean and n_tokens: as in Desk.
    """

    text: str
    gains: dict[int, int]
    mean: np.ndarray
    n_tokens: int


@dataclass(frozen=True)
class Desk:
    """The documents, and questions with their answers.

    means: float32 (N, dim), for each document the mean of the model's last rows over
    its tokens, as it comes: not divided by its length. n_tokens: (N,) how many they
    are; means times n_tokens is their sum. strange: questions that nothing answers.
    """

    docs: list[str]
    means: np.ndarray
    n_tokens: np.ndarray
    questions: list[Question]
    strange: list[Question]
    source: str


@cache
def desk() -> Desk:
    """The help desk. Raises NoExtract if its files are missing or damaged."""
    try:
        about = json.loads(
            (DATA / "sentences_extract.json").read_text(encoding="utf-8")
        )
        with np.load(DATA / "sentences_extract.npz") as stored:
            means = stored["means"].astype(np.float32)
        return _desk(about, means)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise NoExtract(
            f"The extract rounds/data/sentences_extract.npz and .json cannot be read "
            f"({error}): git restore rounds/data, or make it anew with "
            "rounds/data/make_sentences_extract.py."
        ) from None


def _desk(about: dict[str, Any], means: np.ndarray) -> Desk:
    docs, n_tokens = about["docs"], np.array(about["n_tokens"])
    asked = about["questions"] + [
        {"text": text, "gains": {}} for text in about["strange"]
    ]
    n_texts = len(docs) + len(asked)
    if not len(means) == len(n_tokens) == n_texts:
        raise ValueError(f"{len(means)} vectors for {n_texts} texts")
    questions = [
        Question(
            text=question["text"],
            gains={int(doc): gain for doc, gain in question["gains"].items()},
            mean=mean,
            n_tokens=int(count),
        )
        for question, mean, count in zip(
            asked, means[len(docs) :], n_tokens[len(docs) :], strict=True
        )
    ]
    n_known = len(about["questions"])
    return Desk(
        docs=docs,
        means=means[: len(docs)],
        n_tokens=n_tokens[: len(docs)],
        questions=questions[:n_known],
        strange=questions[n_known:],
        source=f"{about['model']}, run by {about['made_by']}",
    )
