"""The text and the labelled questions that the chapter on RAG measures with.

The text is part of Python's reference (rounds/data/python_docs.txt, under the licence
beside it), cut at its headings into documents. The questions are written by hand for
this course, as people ask, not in the words of the text.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

DATA = Path(__file__).parents[2] / "data"
SHORTEST = 300  # characters: a heading with hardly a text is no document
SIZE, OVERLAP = 400, 40  # of the chunks whose vectors are committed, in characters


@dataclass(frozen=True)
class Question:
    """A question, and what answers it.

    kind: "answerable", "partial" (the text says part of it), "multi-hop" (each of two
    spans says half) or "unanswerable". spans: (doc_id, start, end) of the text that
    answers it; none for an unanswerable one.
    """

    text: str
    kind: str
    spans: tuple[tuple[str, int, int], ...]


def documents() -> dict[str, str]:
    """The documents by id, in the order of the text."""
    text = (DATA / "python_docs.txt").read_text(encoding="utf-8")
    heading = re.compile(r"^(?=[^\n]{2,70}\n[*=\-~]{4,}\n)", re.MULTILINE)
    found: dict[str, str] = {}
    for part in heading.split(text):
        title = part.partition("\n")[0]
        words = title.lower().replace('*"', ' star"')  # the "except*" clause
        name = "-".join(re.findall(r"\w+", words))
        if len(part) >= SHORTEST and name not in found:
            found[name] = part.rstrip("\n") + "\n"
    return found


def questions() -> list[Question]:
    """The labelled questions. Raises ValueError if a quote is not in its document."""
    docs, found = documents(), []
    path = DATA / "rag_questions.json"
    for entry in json.loads(path.read_text(encoding="utf-8")):
        spans = []
        for doc_id, quote in entry["quotes"]:
            start = docs[doc_id].find(quote)
            if start < 0:
                raise ValueError(f"not in {doc_id}: {quote!r}")
            spans.append((doc_id, start, start + len(quote)))
        found.append(Question(entry["question"], entry["kind"], tuple(spans)))
    return found


def minilm_vectors() -> tuple[np.ndarray, np.ndarray]:
    """MiniLM's vectors of the chunks and of the questions, float64 (n, 384).

    The chunks are those of SIZE and OVERLAP, in the order of the documents. Made by
    rounds/data/make_rag_extract.py, kept in 8 bits a number, and so not quite of
    length 1.
    """
    with np.load(DATA / "rag_minilm.npz") as stored:
        chunks, asked = stored["chunks"], stored["questions"]
    return chunks / 127, asked / 127


def transcripts() -> dict[str, Any]:
    """What SmolLM2-135M answered, on one machine (make_rag_transcripts.py)."""
    return json.loads((DATA / "rag_transcripts.json").read_text(encoding="utf-8"))
