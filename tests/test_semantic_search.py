"""Semantic search: what its cases rest on, the bank's partition, and the extract."""

import importlib.util
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rounds import bank, catalog, extracts, records, sentences
from rounds.engine.diagnose import judge
from rounds.root import course_root
from rounds.topics.semantic_search import checks
from rounds.topics.semantic_search.right import best_by_argpartition, cosine_top_k

FOLDER = course_root() / "benchmarks"
sys.path.insert(0, str(FOLDER))
APART = 5e-4


def spied(name: str, calls: list[tuple]) -> Callable:
    """The reference, noting what it was called with."""
    program = bank.reference(catalog.find(f"semantic_search.{name}"))

    def spy(*args, **kwargs):
        calls.append(args)
        return program(*args, **kwargs)

    return spy


@pytest.mark.parametrize("name", ["cosine_top_k", "batch_top_k", "chunked_top_k"])
def test_scores_of_a_case_are_equal_or_far_apart(name: str):
    calls: list[tuple] = []
    judge(catalog.find(f"semantic_search.{name}"), spied(name, calls))
    assert len(calls) > 30
    for queries, docs, k, *_ in calls:
        for query in np.atleast_2d(queries):
            if k < 0 or query.shape != docs.shape[1:] or docs.size > 100_000:
                continue
            scores = sorted(checks.cosine(query, doc) for doc in docs)
            gaps = np.diff(scores)
            assert ((gaps == 0) | (gaps > APART)).all(), gaps[gaps > 0].min()


def test_rows_that_tie_score_the_same_in_every_way_of_computing():
    """Also when rows are normalised first, with an epsilon, in either width."""
    rng = np.random.default_rng(0)
    docs = checks.axes(rng.choice([1, 2, 3, -1, 0], size=101).tolist())
    for dtype in (np.float64, np.float32):
        rows, query = docs.astype(dtype), np.array([3.0, 4, 0, 0], dtype)
        norms = np.linalg.norm(rows, axis=1, keepdims=True)
        for units in (rows / (norms + 1e-8), rows / np.maximum(norms, 1e-6)):
            for scores in (
                units @ (query / (np.linalg.norm(query) + 1e-8)),
                (units * (query / 5)).sum(axis=1),
                np.einsum("ij,j->i", units, query) / 5,
                np.vecdot(units, query) / 5,
            ):
                for kind in np.unique(docs, axis=0):
                    same = scores[(docs == kind).all(axis=1)]
                    assert (same == same[0]).all()


def test_oracle_knows_directions_by_heart():
    east = np.array([1.0, 0.0])
    angles = np.linspace(0, np.pi, 7)
    rows = np.stack([np.cos(angles), np.sin(angles)], axis=1) * [[3.0]]
    assert [checks.cosine(east, row) for row in rows] == pytest.approx(np.cos(angles))
    assert checks.cosine(east, 0 * east) == checks.cosine(0 * east, east) == 0.0


@pytest.mark.parametrize("k", [0, 1, 2, 7, 300, 999, 1000, 2000])
@pytest.mark.parametrize("levels", [1, 3, 40, 10**9])
def test_partition_gives_what_a_stable_sort_gives(levels: int, k: int):
    scores = np.random.default_rng(levels).integers(levels, size=1000) / levels
    due = np.argsort(-scores, kind="stable")[:k]
    assert np.array_equal(best_by_argpartition(scores, k), due)


def test_a_loop_over_documents_passes():
    """It is slow, not wrong."""

    def loop(query, docs, k, *, mask=None):
        found = cosine_top_k(query, docs, max(k, len(docs)) if k >= 0 else k, mask=mask)
        scores = {}
        for i, _ in found:
            norm = np.linalg.norm(docs[i]) * np.linalg.norm(query)
            scores[i] = float(docs[i] @ query / norm) if norm else 0.0
        return sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))[:k]

    verdict = judge(checks.cosine_top_k, loop)
    assert verdict.state == "passed"
    assert "goes through all documents, or through their scores" in verdict.remarks[0]
    assert judge(checks.cosine_top_k, cosine_top_k).remarks == ()


# The extract


def test_help_desk_is_whole_and_its_answers_exist():
    desk = sentences.desk()
    assert desk.means.shape == (len(desk.docs), 384) and desk.means.dtype == np.float32
    assert len(desk.n_tokens) == len(desk.docs) == len(set(desk.docs))
    assert len(desk.questions) == 10 and len(desk.strange) == 2
    for question in desk.questions:
        assert set(question.gains) <= set(range(len(desk.docs)))
        assert set(question.gains.values()) <= {1, 3} and 3 in question.gains.values()
    assert not any(question.gains for question in desk.strange)


def test_files_of_the_help_desk_are_small():
    for name in ("sentences_extract.npz", "sentences_extract.json"):
        assert (extracts.DATA / name).stat().st_size < 150_000


@pytest.mark.parametrize("damage", ["missing", "cut", "other"])
def test_damaged_extract_is_one_sentence(
    damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for name in ("sentences_extract.npz", "sentences_extract.json"):
        shutil.copy(extracts.DATA / name, tmp_path)
    arrays, about = (tmp_path / f"sentences_extract.{end}" for end in ("npz", "json"))
    if damage == "missing":
        arrays.unlink()
    elif damage == "cut":
        arrays.write_bytes(arrays.read_bytes()[:1000])
    else:
        found = json.loads(about.read_text(encoding="utf-8"))
        about.write_text(json.dumps(found | {"docs": ["one"]}), encoding="utf-8")
    monkeypatch.setattr(sentences, "DATA", tmp_path)
    with pytest.raises(extracts.NoExtract, match="git restore rounds/data"):
        sentences.desk.__wrapped__()


def test_model_says_what_the_extract_says():
    minilm = pytest.importorskip("rounds.models.minilm")
    from rounds.models import files

    if not files.installed(files.MINILM):
        pytest.skip("needs make models")
    desk = sentences.desk()
    rows = minilm.load()(desk.docs[:20])
    units = desk.means[:20] / np.linalg.norm(desk.means[:20], axis=1, keepdims=True)
    np.testing.assert_allclose(rows, units, atol=1e-3)


# The record


def script():
    """benchmarks/semantic_search.py as a module, not run."""
    path = FOLDER / "semantic_search.py"
    spec = importlib.util.spec_from_file_location("bench_semantic_search", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_targets_are_read_off_the_large_store():
    bench = script()
    rows = [
        {
            "threads": threads,
            "n_docs": n,
            "form": form,
            "times": times + threads,
            "peak_bytes": n,
        }
        for threads in (1, 2)
        for n in (12_500, 100_000)
        for form, times in (("argpartition", -0.5), ("faiss flat", 3), ("chunked", 4))
    ]
    targets = bench.targets(rows)
    assert [target.measured for target in targets] == [0.5, 100_000, 1.5, 100_000]
    assert [target.met for target in targets] == [True, True, False, True]
    without = [row for row in rows if row["form"] != "faiss flat"]
    assert len(bench.targets(without)) == 2


def test_record_has_every_form_and_size_that_the_chapter_shows():
    record = records.load("semantic_search")
    for form in ("argpartition", "faiss flat", "sorted"):
        sizes = records.column(record, "n_docs", form=form, threads=1)
        assert sizes == [12_500, 25_000, 50_000, 100_000]
    for form in ("by BLAS", "norms too", "chunked", "usearch exact", "hnswlib"):
        assert len(records.column(record, "seconds", form=form, threads=1)) >= 1
    (held,) = records.column(record, "peak_bytes", form="chunked", threads=1)
    assert held < script().BUDGET
