"""BM25 of the exercise beside bm25s, and the exercise's store beside one product.

    python benchmarks/rag.py             writes benchmarks/results/rag.json

Needs requirements-bench.txt.
"""

import re
import sys
from collections.abc import Callable
from typing import Any

import harness
import numpy as np
from harness import Column, Record, Target
from report import write

from rounds import given
from rounds.topics.rag import corpus

SIZES = (100, 400)  # characters of a chunk: as many texts as the reference then gives
TIMES = (1, 8)  # how often the text is taken, for a corpus of more than one size
N_QUERIES = 20
COLUMNS = [
    Column("part", "part", "text"),
    Column("texts", "texts", "count"),
    Column("form", "form", "text"),
    Column("seconds", "time of a query", "ms"),
    Column("times", "against the part's first form", "times"),
]
ABOUT = (
    "BM25 over chunks of Python's reference, the first queries of the RAG chapter's "
    "labelled set, one thread, float64. Formula is the exercise's reference, which "
    "counts words anew for each query; index counts once, as the chapter's does, its "
    "construction not included; bm25s is its lucene method on the same words, times "
    "k1 + 1, construction not included. Search: the exercise's VectorStore beside one "
    "product with a matrix that is kept, 384 random numbers a text. All forms gave the "
    "same scores to 1e-5. Times are medians of five turns while nothing else ran."
)
Calls = dict[str, Callable[[], np.ndarray]]


def main() -> None:
    """Measure in this process and write the record."""
    rows: list[dict[str, Any]] = []
    for size in SIZES:
        for times in TIMES:
            texts = cut(size) * times
            rows += table("bm25", scorers(texts), len(texts))
    for n in (1_000, 10_000):
        rows += table("search", searches(n), n)
    write(
        Record(
            name="rag",
            title="Retrieval-augmented generation",
            about=ABOUT,
            columns=COLUMNS,
            rows=rows,
            targets=targets(rows),
            versions=harness.versions("numpy", "bm25s"),
        )
    )


def targets(rows: list[dict[str, Any]]) -> list[Target]:
    """What the course promises: to count the words once is worth it."""
    bm25 = [row for row in rows if row["part"] == "bm25"]
    most = max(row["texts"] for row in bm25)
    seconds = {row["form"]: row["seconds"] for row in bm25 if row["texts"] == most}
    gain = seconds["formula"] / seconds["index"]
    return [
        Target(f"formula against index, {most} texts", "times", gain, at_least=10),
    ]


def table(part: str, calls: Calls, texts: int) -> list[dict[str, Any]]:
    """The rows of one part; times are multiples of the first form's."""
    print(part, texts, file=sys.stderr, flush=True)
    harness.require_one_answer({form: call() for form, call in calls.items()})
    seconds = harness.median_seconds(calls)
    ratios = harness.ratios(seconds, next(iter(calls)))
    count = N_QUERIES if part == "bm25" else 1
    return [
        {
            "part": part,
            "texts": texts,
            "form": form,
            "seconds": round(seconds[form] / count, 8),
            "times": round(ratios[form], 3),
        }
        for form in calls
    ]


def cut(size: int) -> list[str]:
    """The chapter's text in chunks without overlap."""
    chunk = given("rag.chunk")
    docs = corpus.documents().values()
    return [one.text for text in docs for one in chunk(text, size, 0)]


def split(text: str) -> list[str]:
    """The words of a text, as the exercise says."""
    return re.findall(r"\w+", text.lower())


def scorers(texts: list[str]) -> Calls:
    """All scores of the first queries, three ways: (N_QUERIES, n)."""
    import bm25s

    formula, k1, b = given("rag.bm25"), 1.5, 0.75
    queries = [question.text for question in corpus.questions()[:N_QUERIES]]
    counted = Index(texts, k1, b)
    library = bm25s.BM25(method="lucene", k1=k1, b=b, dtype="float64")
    library.index([split(text) for text in texts], show_progress=False)

    def by_library(query: str) -> np.ndarray:
        known = [word for word in split(query) if word in library.vocab_dict]
        return library.get_scores(known) * (k1 + 1)

    return {
        "formula": lambda: np.array([formula(query, texts) for query in queries]),
        "index": lambda: np.array([counted.scores(query) for query in queries]),
        "bm25s": lambda: np.array([by_library(query) for query in queries]),
    }


class Index:
    """BM25 with every word's texts and counts kept."""

    def __init__(self, texts: list[str], k1: float, b: float) -> None:
        words = [split(text) for text in texts]
        lengths = np.array([len(each) for each in words], dtype=float)
        norms = k1 * (1 - b + b * lengths / lengths.mean())
        postings: dict[str, dict[int, int]] = {}
        for i, each in enumerate(words):
            for word in each:
                counts = postings.setdefault(word, {})
                counts[i] = counts.get(i, 0) + 1
        self.n, self.parts = len(texts), {}
        for word, counts in postings.items():
            i, tf = np.array(list(counts)), np.array(list(counts.values()))
            idf = np.log(1 + (self.n - len(i) + 0.5) / (len(i) + 0.5))
            self.parts[word] = i, idf * tf * (k1 + 1) / (tf + norms[i])

    def scores(self, query: str) -> np.ndarray:
        """The scores of all texts, (n,)."""
        scores = np.zeros(self.n)
        for word in split(query):
            if word in self.parts:
                i, part = self.parts[word]
                scores[i] += part
        return scores


def searches(n: int) -> Calls:
    """The scores of the best ten of n random vectors, two ways."""
    from rounds.topics.rag.records import Chunk

    rng = np.random.default_rng(n)
    matrix, query = rng.standard_normal((n, 384)), rng.standard_normal(384)
    store = given("rag.VectorStore")()
    store.add([Chunk(f"d#{i}", "d", "", 0, 0) for i in range(n)], matrix)
    norms = np.linalg.norm(matrix, axis=1)

    def one_product() -> np.ndarray:
        scores = matrix @ query / (norms * np.linalg.norm(query))
        best = np.argpartition(-scores, 10)[:10]
        return np.sort(scores[best])[::-1]

    return {
        "store": lambda: np.array([hit.score for hit in store.search(query, 10)]),
        "matrix kept": one_product,
    }


if __name__ == "__main__":
    try:
        main()
    except harness.Busy as trouble:
        sys.exit(str(trouble))
