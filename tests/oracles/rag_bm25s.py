"""Writes rag_bm25s.json: what bm25s scores for the RAG chapter's text.

    python tests/oracles/rag_bm25s.py

Needs requirements-bench.txt. bm25s's "lucene" leaves out the factor k1 + 1, which is
the same for all texts; it is put in here.
"""

import json
import re
from pathlib import Path

import bm25s

from rounds.topics.rag import corpus

HERE = Path(__file__).parent
QUERIES = (
    "the order of keys in a dictionary",
    "What does __missing__ do for a dict subclass?",
    "except except finally",
    "zebra",
)


def split(text: str) -> list[str]:
    """The words of a text, as the exercise says."""
    return re.findall(r"\w+", text.lower())


def scores(texts: list[str], query: str, k1: float, b: float) -> list[float]:
    """bm25s's scores of all texts."""
    index = bm25s.BM25(method="lucene", k1=k1, b=b, dtype="float64")
    index.index([split(text) for text in texts], show_progress=False)
    known = [word for word in split(query) if word in index.vocab_dict]
    found = index.get_scores(known) if known else [0.0] * len(texts)
    return [round(float(score) * (k1 + 1), 9) for score in found]


def main() -> None:
    """Score every document for every query, with two settings, and write."""
    texts = list(corpus.documents().values())
    rows = [
        {"query": query, "k1": k1, "b": b, "scores": scores(texts, query, k1, b)}
        for query in QUERIES
        for k1, b in ((1.5, 0.75), (0.9, 0.4))
    ]
    record = {"bm25s": bm25s.__version__, "rows": rows}
    text = json.dumps(record, indent=None) + "\n"
    (HERE / "rag_bm25s.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
