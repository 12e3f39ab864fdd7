"""The ten nearest of 100,000 vectors: NumPy beside faiss, usearch and hnswlib.

    python benchmarks/semantic_search.py

writes benchmarks/results/semantic_search.json. Needs requirements-bench.txt; a library
that is not installed is left out and named.
"""

import importlib.util
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import harness
import numpy as np
from harness import Column, Record, Target
from report import write

from rounds import bank, catalog, given
from rounds.topics.semantic_search.right import best_by_argpartition

N_DOCS, DIM, K = 100_000, 384, 10
N_CENTRES, SPREAD = 1_000, 0.8
CHUNK_ROWS = 8_192
BUDGET = 64_000_000  # bytes that the chunked form may hold
SIZES = (12_500, 25_000, 50_000, 100_000)
THREADS = (1, 2)
LIBRARIES = {"faiss": "faiss-cpu", "usearch": "usearch", "hnswlib": "hnswlib"}
PEER, OURS = "faiss flat", "argpartition"
# hnswlib's graph: links a node, and how wide it is searched.
LINKS, WIDTH_BUILT, WIDTH_SEARCHED = 16, 100, 64

COLUMNS = [
    Column("threads", "threads", "count"),
    Column("n_docs", "N", "count"),
    Column("form", "form", "text"),
    Column("recall", "recall@10", "text"),
    Column("seconds", "time", "ms"),
    Column("times", "against faiss flat", "times"),
    Column("peak_bytes", "held", "MiB"),
]
ABOUT = (
    f"The {K} nearest by cosine to one query among N rows of {DIM} float32, drawn "
    f"around {N_CENTRES:,} centres and normalised beforehand for all but the two forms "
    "that say norms. argpartition: each row's product with the query by np.vecdot, "
    "then the bank's `best_by_argpartition`; by BLAS: the same with `docs @ query`; "
    "sorted: np.vecdot, then a full stable argsort. norms too: the "
    "exercise's `cosine_top_k`, and the bank's form of it by argpartition, which "
    "compute the lengths of all rows at each call. faiss flat is IndexFlatIP, usearch "
    "its exact search, both exact; hnswlib is approximate "
    f"(M {LINKS}, ef {WIDTH_SEARCHED}), its graph built beforehand, its recall the "
    "mean over 100 queries. chunked: the exercise's `chunked_top_k` over a np.memmap, "
    f"{CHUNK_ROWS:,} rows at a time. All exact forms had the same input in one process "
    "and gave the same scores to 1e-5. Held is the most that Python and NumPy held "
    "during a call (tracemalloc; the libraries' own memory is not seen). Times are "
    "medians of five turns while nothing else ran."
)
Calls = dict[str, Callable[[], np.ndarray]]


def main() -> None:
    """Measure in one process per number of threads, and write the record."""
    rows: list[dict[str, Any]] = []
    blas: set[str] = set()
    for threads in THREADS:
        done = subprocess.run(
            [sys.executable, __file__, str(threads)],
            env=harness.environment(threads),
            stdout=subprocess.PIPE,
            text=True,
        )
        if done.returncode:
            sys.exit(done.returncode)
        measured = json.loads(done.stdout)
        rows += measured["rows"]
        blas.add(measured["blas"])
    found = [package for name, package in LIBRARIES.items() if installed(name)]
    packages = harness.versions("numpy", *found)
    write(
        Record(
            name="semantic_search",
            title="Semantic search",
            about=ABOUT,
            columns=COLUMNS,
            rows=rows,
            targets=targets(rows),
            versions=packages | {"blas": ", ".join(sorted(blas))},
        )
    )


def installed(name: str) -> bool:
    """Can this library be imported? Says so if not."""
    if importlib.util.find_spec(name) is not None:
        return True
    print(f"{name} is not installed: left out", file=sys.stderr)
    return False


def targets(rows: list[dict[str, Any]]) -> list[Target]:
    """What the course promises, with what was measured."""
    found = []
    for threads in THREADS:
        large = {
            row["form"]: row
            for row in rows
            if row["threads"] == threads and row["n_docs"] == N_DOCS
        }
        if PEER in large:
            what = f"argpartition form against faiss flat, one query, threads {threads}"
            found.append(Target(what, "times", large[OURS]["times"], at_most=1.0))
        what = f"memory held by the chunked form, threads {threads}"
        held = large["chunked"]["peak_bytes"]
        found.append(Target(what, "MiB", held, at_most=BUDGET))
    return found


def measure(threads: int) -> dict[str, Any]:
    """All rows for this number of threads, and which BLAS NumPy ran on."""
    from threadpoolctl import threadpool_info

    docs, queries = vectors()
    rows = []
    for n in SIZES:
        rows += table(docs[:n], queries, threads)
    kernels = {
        f"{pool['internal_api']} {pool['version']} ({pool['architecture']})"
        for pool in threadpool_info()
        if "numpy" in pool["filepath"]
    }
    return {"rows": rows, "blas": ", ".join(sorted(kernels))}


def vectors() -> tuple[np.ndarray, np.ndarray]:
    """Unit rows: (N_DOCS, DIM) documents and (100, DIM) queries, float32."""
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((N_CENTRES, DIM), dtype=np.float32)
    own = rng.integers(N_CENTRES, size=N_DOCS + 100)
    rows = SPREAD * rng.standard_normal((N_DOCS + 100, DIM), dtype=np.float32)
    rows += centres[own]
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows[:N_DOCS], rows[N_DOCS:]


def table(docs: np.ndarray, queries: np.ndarray, threads: int) -> list[dict[str, Any]]:
    """The rows for these documents; small stores only compare the main forms."""
    whole = len(docs) == N_DOCS
    print("threads", threads, "N", len(docs), file=sys.stderr, flush=True)
    query = queries[0]
    with stored(docs) as on_disk:
        calls = exact(docs, query, threads)
        if whole:
            calls |= more(docs, on_disk, query, threads)
        harness.require_one_answer({form: call() for form, call in calls.items()})
        recall: dict[str, float] = {}
        if whole and installed("hnswlib"):
            calls["hnswlib"], recall["hnswlib"] = graph(docs, queries, threads)
        seconds = harness.median_seconds(calls)
        peaks = {form: harness.peak_bytes(call) for form, call in calls.items()}
    peer = seconds.get(PEER)
    return [
        {
            "threads": threads,
            "n_docs": len(docs),
            "form": form,
            "recall": f"{recall.get(form, 1.0):.3f}",
            "seconds": round(seconds[form], 7),
            "times": None if peer is None else round(seconds[form] / peer, 2),
            "peak_bytes": peaks[form],
        }
        for form in calls
    ]


@contextmanager
def stored(docs: np.ndarray) -> Iterator[np.memmap]:
    """The documents in a file, read as they are asked for."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "docs.f4"
        docs.tofile(path)
        on_disk = np.memmap(path, np.float32, mode="r", shape=docs.shape)
        yield on_disk
        del on_disk


def exact(docs: np.ndarray, query: np.ndarray, threads: int) -> Calls:
    """The K best scores, best first, four ways."""

    def by_partition() -> np.ndarray:
        scores = np.vecdot(docs, query)
        return scores[best_by_argpartition(scores, K)]

    def by_blas() -> np.ndarray:
        scores = docs @ query
        return scores[best_by_argpartition(scores, K)]

    def by_sort() -> np.ndarray:
        scores = np.vecdot(docs, query)
        return scores[np.argsort(-scores, kind="stable")[:K]]

    calls: Calls = {OURS: by_partition, "by BLAS": by_blas, "sorted": by_sort}
    if installed("faiss"):
        import faiss

        faiss.omp_set_num_threads(threads)
        index = faiss.IndexFlatIP(DIM)
        index.add(docs)
        calls[PEER] = lambda: index.search(query[None], K)[0][0]
    return calls


def more(
    docs: np.ndarray, on_disk: np.memmap, query: np.ndarray, threads: int
) -> Calls:
    """The K best scores by what takes longer: lengths at each call, or a file."""
    exercise = catalog.find("semantic_search.cosine_top_k")
    by_partition = bank.right(exercise)["cosine_top_k_by_argpartition"]
    cosine_top_k = given("semantic_search.cosine_top_k")
    chunked_top_k = given("semantic_search.chunked_top_k")

    def scores(pairs: list[tuple[int, float]]) -> np.ndarray:
        return np.array([score for _, score in pairs])

    calls: Calls = {
        "norms too": lambda: scores(cosine_top_k(query, docs, K)),
        "norms too, argpartition": lambda: scores(by_partition(query, docs, K)),
        "chunked": lambda: scores(chunked_top_k(query, on_disk, K, CHUNK_ROWS)),
    }
    if installed("usearch"):
        from usearch.index import MetricKind, search

        def usearch() -> np.ndarray:
            found = search(docs, query, K, MetricKind.IP, exact=True, threads=threads)
            return 1 - found.distances

        calls["usearch exact"] = usearch
    return calls


def graph(
    docs: np.ndarray, queries: np.ndarray, threads: int
) -> tuple[Callable[[], np.ndarray], float]:
    """A search in hnswlib's graph, and its recall over all queries."""
    import hnswlib

    index = hnswlib.Index(space="ip", dim=DIM)
    index.init_index(
        max_elements=len(docs), ef_construction=WIDTH_BUILT, M=LINKS, random_seed=0
    )
    index.add_items(docs, num_threads=threads)
    index.set_ef(WIDTH_SEARCHED)
    found, _ = index.knn_query(queries, K, num_threads=threads)
    due = np.argsort(-(queries @ docs.T), axis=1, kind="stable")[:, :K]
    hits = sum(len({*a} & {*b}) for a, b in zip(found, due, strict=True))

    def search() -> np.ndarray:
        return 1 - index.knn_query(queries[:1], K, num_threads=threads)[1][0]

    return search, hits / due.size


if __name__ == "__main__":
    if len(sys.argv) == 1:
        main()
    else:
        try:
            print(json.dumps(measure(int(sys.argv[1]))))
        except harness.Busy as trouble:
            sys.exit(str(trouble))
