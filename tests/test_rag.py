"""Claims about the topic RAG: records, oracles, the labelled set, reports."""

import importlib.util
import json
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest

from rounds import check, given
from rounds.catalog import find
from rounds.engine.diagnose import judge
from rounds.topics.rag import checks, corpus, records, right

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("room", ["exercises", "solutions"])
def test_records_that_the_exercise_gives_are_the_checks_own(room: str):
    cells = nbformat.read(ROOT / room / "rag.ipynb", as_version=4).cells
    source = Path(records.__file__).read_text(encoding="utf-8")
    (given_cell,) = (c.source for c in cells if "class Chunk" in c.source)
    assert given_cell == source[source.index("@dataclass") :].rstrip()


# The oracles of the checks


def test_bm25_of_the_checks_is_as_worked_by_hand():
    # All lengths are the mean; two of three texts have the word: idf = ln 1.6.
    due = np.log(1.6) * np.array([1.0, 2 * 2.5 / 3.5, 0.0])
    assert np.allclose(checks.bm25_due("cat", ["cat dog", "cat cat", "sun dog"]), due)


@pytest.mark.parametrize("name", ["reference", "oracle"])
def test_bm25_agrees_with_what_bm25s_scored(name: str):
    score = right.bm25 if name == "reference" else checks.bm25_due
    record = json.loads((ROOT / "tests/oracles/rag_bm25s.json").read_text("utf-8"))
    texts = list(corpus.documents().values())
    rows = record["rows"] if name == "reference" else record["rows"][2:4]
    for row in rows:
        found = score(row["query"], texts, k1=row["k1"], b=row["b"])
        assert np.allclose(found, row["scores"], rtol=1e-6, atol=1e-8), row["query"]


def test_fusion_of_the_checks_is_as_worked_by_hand():
    assert checks.fused_due([["x", "m"], ["y", "m"]]) == [
        ("m", 2 / 62),
        ("x", 1 / 61),
        ("y", 1 / 61),
    ]


@pytest.mark.parametrize(
    ("spans", "due"),
    [
        ([(0, 4), (3, 7)], ""),
        ([(0, 4), (4, 7)], "chunk 1 with start 3"),
        ([(0, 4), (3, 6)], "a last chunk with end 7"),
        ([(0, 7)], "chunk 0 of at most 4"),
        ([(0, 4), (3, 7), (6, 7)], "chunk 2 with an end after"),
        ([(1, 4), (3, 7)], "chunk 0 with start 0"),
    ],
)
def test_first_broken_clause_of_the_span_contract_is_told(spans: list, due: str):
    text = "abcdefg"
    found = [
        records.Chunk(f"d#{n}", "d", text[start:end], start, end)
        for n, (start, end) in enumerate(spans)
    ]
    fault = checks.chunk_fault(found, text, 4, 1, "d")
    assert fault.startswith(due) and bool(fault) == bool(due)


def test_cosines_that_are_known_by_hand():
    embed = checks.KeyEmbed()
    asked = embed([checks.CAT])[0]
    rows = embed(list(checks.DOCS.values()))
    found = [checks.cosine(asked, row) for row in rows]
    assert np.allclose(found, [1, 1 / 5**0.5, 0, 0])


# The labelled set


def test_labelled_set_has_every_kind_and_its_quotes_occur():
    questions = corpus.questions()  # it raises for a quote that does not occur
    kinds = [question.kind for question in questions]
    assert len(questions) >= 40
    for kind in ("answerable", "partial", "multi-hop", "unanswerable"):
        assert kinds.count(kind) >= 4
    for question in questions:
        n = {"unanswerable": 0, "multi-hop": 2}.get(question.kind, 1)
        assert len(question.spans) >= n if n else not question.spans
    assert len({question.text for question in questions}) == len(questions)


def test_questions_are_not_in_the_words_of_the_text():
    docs = corpus.documents()
    for question in corpus.questions():
        asked = re.findall(r"\w+", question.text.lower())
        for name, start, end in question.spans:
            quote = re.findall(r"\w+", docs[name][start:end].lower())
            runs = {tuple(quote[i : i + 5]) for i in range(len(quote) - 4)}
            assert not any(tuple(asked[i : i + 5]) in runs for i in range(len(asked)))


def test_committed_vectors_are_of_the_chunks_and_questions_of_today():
    chunks = [
        one
        for name, text in corpus.documents().items()
        for one in right.chunk(text, corpus.SIZE, corpus.OVERLAP, doc_id=name)
    ]
    of_chunks, of_questions = corpus.minilm_vectors()
    assert of_chunks.shape == (len(chunks), 384)
    assert of_questions.shape == (len(corpus.questions()), 384)
    for rows in (of_chunks, of_questions):
        assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=0.05)


def test_transcripts_are_of_the_questions_and_chunks_of_today():
    said, questions = corpus.transcripts(), corpus.questions()
    ids = {
        one.id
        for name, text in corpus.documents().items()
        for one in right.chunk(text, corpus.SIZE, corpus.OVERLAP, doc_id=name)
    }
    kinds = {questions[entry["place"]].kind for entry in said["replies"]}
    assert kinds >= {"answerable", "multi-hop", "unanswerable"}
    for entry in said["replies"]:
        assert set(entry["context_ids"]) <= ids and entry["text"]


# What a learner gets to read


def test_cutting_without_end_is_stopped_and_told(short_patience: None):
    def chunk(text, size, overlap, *, doc_id=""):
        found, start = [], 0
        while start < len(text):
            end = min(start + size, len(text))
            name = f"{doc_id}#{len(found) % 9}"
            found = [
                *found[-8:],
                records.Chunk(name, doc_id, text[start:end], start, end),
            ]
            start = end - overlap
        return found

    verdict = judge(find("rag.chunk"), chunk, guarded=True)
    assert verdict.state == "wrong" and verdict.failure.kind == "stopped"


def test_a_mistake_is_named_in_a_pipeline_of_other_words():
    ours = given("rag.RAG")

    class RAG(ours):
        def answer(self, question):
            answer = super().answer(question)
            ids = answer.context_ids
            text = "Sorry." if answer.abstained else answer.text
            return records.Answer(text, ids, ids, answer.abstained, answer.unsupported)

    assert check("rag.RAG", RAG).mistake == "cites-all-that-was-sent"


def test_records_of_the_learners_own_are_accepted():
    class Answer:
        def __init__(self, *fields):
            self.text, self.citations, self.context_ids, *rest = fields
            self.abstained, self.unsupported = rest

    ours = given("rag.RAG")

    class RAG(ours):
        def answer(self, question):
            return Answer(*vars(super().answer(question)).values())

    assert check("rag.RAG", RAG).passed


def test_report_says_which_clause_is_broken_when_no_mistake_is_known():
    def chunk(text, size, overlap, *, doc_id=""):
        found = given("rag.chunk")(text, size, overlap, doc_id=doc_id)
        if len(found) < 3:
            return found
        return [*found[:1], *found[2:]]

    text = str(check("rag.chunk", chunk))
    assert "chunk 1 with" in text and len(text.splitlines()) <= 9


def test_benchmark_reads_its_target_off_the_largest_corpus(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    spec = importlib.util.spec_from_file_location(
        "bench_rag", ROOT / "benchmarks" / "rag.py"
    )
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    rows = [
        {"part": part, "texts": texts, "form": form, "seconds": seconds}
        for part, texts, form, seconds in (
            ("bm25", 400, "formula", 9.0),
            ("bm25", 400, "index", 1.0),
            ("bm25", 3000, "formula", 50.0),
            ("bm25", 3000, "index", 2.0),
            ("search", 9000, "store", 7.0),
        )
    ]
    (target,) = script.targets(rows)
    assert target.measured == 25 and target.met
