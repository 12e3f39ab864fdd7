"""What is tried on a learner's RAG, against slow and obvious oracles.

Conventions are those of the statement. How a text is cut, how a block or a prompt is
worded and what is said when abstaining are the learner's own: a case looks only at
what the statement fixes. Not tried, since it leaves them open: ids twice in one call,
where a replaced chunk stands among ties, k1 = 0, a text that holds a fence, b = 1 with
an empty text, brackets in a reply that are nested, empty or hold a line break, a query
of another width when nothing can be found, whether documents are fenced, vectors that
are nearly zero, an add of nothing, an embedder that gives too few vectors, whether a
text that was embedded before is embedded again.
"""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rounds.engine.instance import Instance
from rounds.engine.perform import guarded, quiet
from rounds.engine.step import Step
from rounds.engine.trial import Trial
from rounds.exercise import Exercise
from rounds.fakes import CountingEmbed, ScriptedLLM
from rounds.topics.rag.records import Chunk, Hit

chunk = Exercise("rag.chunk", 'chunk(text, size, overlap, *, doc_id="")')
vector_store = Exercise("rag.VectorStore", "VectorStore()")
build_context = Exercise(
    "rag.build_context",
    "build_context(hits, budget, count_tokens)",
    results=("the block", "the ids"),
)
rag = Exercise(
    "rag.RAG", "RAG(embed, llm, count_tokens, *, k=5, budget=800, min_score=None)"
)
bm25 = Exercise("rag.bm25", "bm25(query, docs, *, k1=1.5, b=0.75)")
fusion = Exercise(
    "rag.reciprocal_rank_fusion", "reciprocal_rank_fusion(rankings, k=60)"
)
EXERCISES = [chunk, vector_store, build_context, rag, bm25, fusion]

FINE = "as it should be"


def judged(step: Step, fault: Callable[[Any], str], due: str) -> Step:
    """The value has no fault, of which `fault` gives a sentence that says what is due.

    All values without a fault look the same, however they were come by.
    """
    strange = "what the statement says, which cannot be read out of this"
    found = guarded(fault, step.value, otherwise=strange)
    if not found:
        step.seen_as(lambda value: FINE)
    return step.obeys(lambda value: not found, found or due)


def done(step: Step) -> Step:
    """It raised nothing; what it gave back is not looked at."""
    step.seen_as(lambda value: None)
    return step.obeys(lambda value: True, "no error")


# chunk


def chunk_fault(found: Any, text: str, size: int, overlap: int, doc_id: str) -> str:
    """What is due, for the first clause of the statement that is broken."""
    if not isinstance(found, list):
        return "a list of chunks"
    if not found:
        return "" if text == "" else "chunks that cover the whole text"
    end = 0
    for n, one in enumerate(found):
        if one.id != f"{doc_id}#{n}" or one.doc_id != doc_id:
            return f"chunk {n} with the id {f'{doc_id}#{n}'!r} and doc_id {doc_id!r}"
        start = end - overlap if n else 0
        if start < 0:
            return f"chunk 0 of at least {overlap} characters, since another follows"
        if one.start != start:
            shared = f", {overlap} before the end of chunk {n - 1}" if n else ""
            return f"chunk {n} with start {start}{shared}"
        if one.end <= end:
            after = f"with an end after that of chunk {n - 1}, {end}"
            return f"chunk {n} {after if n else 'that is not empty'}"
        if one.text != text[one.start : one.end]:
            return f"chunk {n} with the text from its start to its end"
        if len(one.text) > size:
            return f"chunk {n} of at most {size} characters"
        end = one.end
    return "" if end == len(text) else f"a last chunk with end {len(text)}"


def cut(t: Trial, text: str, size: int, overlap: int, **doc: str) -> Step:
    step = t.call(text, size, overlap, **doc)
    return judged(
        step,
        lambda found: chunk_fault(found, text, size, overlap, doc.get("doc_id", "")),
        "chunks as the statement says",
    )


LETTERS = "abcdefghijklmnopqrstuvwxyz"
PROSE = (
    "The cache holds keys and values. It grows by one row for each token.\n\n"
    "A block has room for sixteen rows; the last one is filled in part. Who writes "
    "first copies it."
)


@chunk.case("Neighbours share `overlap` characters; all of the text is covered.")
def _(t):
    cut(t, "abcdefg", 4, 1)
    cut(t, "abcdefghij", 4, 2)
    cut(t, LETTERS, 10, 3, doc_id="abc")


@chunk.case("Without an overlap each character is in one chunk.")
def _(t):
    cut(t, "abcdef", 4, 0)
    cut(t, "abcdefgh", 4, 0)
    cut(t, LETTERS, 5, 0)


@chunk.case("Ids are the document's, # and a number from 0, in every call.")
def _(t):
    cut(t, "abcdefgh", 3, 1, doc_id="notes.md")
    cut(t, "abcdefgh", 3, 1, doc_id="a b")
    cut(t, "abc", 3, 1)
    cut(t, "abcdefgh", 3, 1, doc_id="über#2")


@chunk.case("No chunk lies inside the one before it.")
def _(t):
    for length in (5, 6, 7, 8, 9):
        cut(t, LETTERS[:length], 4, 2)
    cut(t, LETTERS[:12], 6, 5)
    cut(t, LETTERS[:11], 5, 4)


@chunk.case("Prose, by every size and overlap.")
def _(t):
    for size, overlap in ((20, 5), (40, 10), (33, 0), (7, 6), (160, 40), (50, 49)):
        cut(t, PROSE, size, overlap, doc_id="cache")


@chunk.case("White space belongs to the text, at its ends and alone too.", stage="edge")
def _(t):
    cut(t, "  ab \n", 4, 1)
    cut(t, "ab      cd", 3, 1)
    cut(t, "   ", 2, 0)
    cut(t, "\n\nAb cd\n\nef\n", 5, 2)
    cut(t, "a\r\nbc\rd\x0ce\xa0f\r\n", 4, 1)


@chunk.case("Sizes count characters, not bytes and not words.", stage="edge")
def _(t):
    cut(t, "größer als übrig", 6, 2)
    cut(t, "日本語のテキスト", 3, 1)
    cut(t, "a🙂b🙂c🙂", 2, 1)


@chunk.case("A short text has a chunk; an empty one has none.", stage="edge")
def _(t):
    cut(t, "", 4, 1)
    cut(t, "a", 4, 3)
    cut(t, "a", 1, 0)
    cut(t, "abcd", 4, 3)
    cut(t, "abc", 1, 0)
    cut(t, "abcdef", 100, 99)


@chunk.case("An overlap of `size` or more: ValueError.", stage="edge")
def _(t):
    t.call("abcdefgh", 3, 3).raises(ValueError)
    t.call("abcdefgh", 3, 4).raises(ValueError)
    t.call("abcdefgh", 1, 1).raises(ValueError)
    t.call("ab", 3, 3).raises(ValueError)
    t.call("", 3, 4).raises(ValueError)


@chunk.case("A negative overlap, or a size below 1: ValueError.", stage="edge")
def _(t):
    t.call("abcdefgh", 3, -1).raises(ValueError)
    t.call("abcdefgh", 0, 0).raises(ValueError)
    t.call("abcdefgh", -2, 0).raises(ValueError)
    t.call("abcdefgh", 0, -1).raises(ValueError)


# VectorStore


def piece(name: str, text: str = "") -> Chunk:
    """A chunk "doc#n" of a document that is of no concern here."""
    text = text or f"text of {name}"
    return Chunk(name, name.rpartition("#")[0], text, 0, len(text))


def cosine(one: Sequence[float], other: Sequence[float]) -> float:
    """Slow and obvious; 0 for a vector of zeros."""
    dot = math.fsum(float(a) * float(b) for a, b in zip(one, other, strict=True))
    norms = math.hypot(*map(float, one)) * math.hypot(*map(float, other))
    return dot / norms if norms else 0.0


class Shelf:
    """A store of the candidate's, and the rows that it is to hold."""

    def __init__(self, t: Trial, name: str = "store") -> None:
        self.store = t.new(name=name)
        self.rows: list[tuple[Chunk, list[float]]] = []

    def add(self, chunks: list[Chunk], vectors: np.ndarray) -> None:
        done(self.store.call("add", chunks, vectors))
        new = {one.id for one in chunks}
        self.rows = [row for row in self.rows if row[0].id not in new]
        self.rows += zip(chunks, vectors.tolist(), strict=True)

    def delete(self, doc_id: str) -> None:
        done(self.store.call("delete", doc_id))
        self.rows = [row for row in self.rows if row[0].doc_id != doc_id]

    def search(self, vector: np.ndarray, k: int, where: Any = None) -> Step:
        rows = [row for row in self.rows if where is None or where(row[0])]
        hits = [Hit(one, cosine(row, vector.tolist())) for one, row in rows]
        best = sorted(hits, key=lambda hit: -round(hit.score, 12))[:k]
        args = (vector, k) if where is None else (vector, k, where)
        return self.store.call("search", *args).equals(best)


def signs(*rows: str) -> np.ndarray:
    """ "++-+" to [1, 1, -1, 1]: cosines of such rows are exact, ties included."""
    return np.array([[1.0 if sign == "+" else -1.0 for sign in row] for row in rows])


def of_c(chunk: Chunk) -> bool:
    return chunk.doc_id == "c"


THREE = [piece("a#0"), piece("a#1"), piece("b#0")]
EAST, NORTH = np.array([1.0, 0.0]), np.array([0.0, 1.0])


@vector_store.case("The best k come, by cosine, the best first.")
def _(t):
    it = Shelf(t)
    it.add(THREE, np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]))
    it.search(EAST, 2)
    it.search(NORTH, 3)
    it.search(np.array([3.0, 1.0]), 1)


@vector_store.case("The cosine, not the dot product: length does not count.")
def _(t):
    it = Shelf(t)
    it.add(THREE, np.array([[1.0, 1.0], [0.5, 0.0], [8.0, 6.0]]))
    it.search(EAST, 3)
    it.search(np.array([10.0, 0.0]), 3)
    it.search(np.array([0.3, 0.4]), 3)


@vector_store.case("What points away has a negative score and comes last.")
def _(t):
    it = Shelf(t)
    names = [piece("x#0"), piece("y#0"), piece("x#1")]
    it.add(names, np.array([[-1.0, 0.2], [0.1, 1.0], [-0.2, -1.0]]))
    it.search(EAST, 3)
    it.search(np.array([-1.0, -1.0]), 2)


@vector_store.case("Several calls of add gather in one store.")
def _(t):
    it = Shelf(t)
    it.add(THREE[:2], np.array([[1.0, 2.0], [2.0, 1.0]]))
    it.add([piece("c#0")], np.array([[1.0, 0.1]]))
    it.search(EAST, 3)
    it.add(THREE[2:], np.array([[-1.0, 3.0]]))
    it.search(EAST, 4)


@vector_store.case("Any numbers: vectors of width 5, integers, float32.")
def _(t):
    rng = np.random.default_rng(3)
    names = [piece(f"d{i}#0") for i in range(9)]
    for dtype in (np.float64, np.float32):
        it = Shelf(t)
        it.add(names, rng.standard_normal((9, 5)).astype(dtype))
        for k in (1, 4, 9):
            it.search(rng.standard_normal(5).astype(dtype), k)
    it = Shelf(t)
    it.add(names, rng.integers(-9, 10, (9, 5)))
    it.search(rng.integers(-9, 10, 5), 6)
    it = Shelf(t)  # int8, as embedders give to save room: products do not fit into it
    it.add(THREE, np.array([[100, 90], [-128, 7], [127, -60]], np.int8))
    it.search(np.array([120, -3], np.int8), 3)
    it.search(np.array([0.9, -0.4]), 3)
    it = Shelf(t)
    it.add(THREE, np.array([[0.5, 0.1], [-0.3, 0.8], [0.2, -0.6]]))
    it.search(np.array([100, 90], np.int8), 3)


@vector_store.case("Ties stand in the order in which they were added.", stage="edge")
def _(t):
    it = Shelf(t)
    names = [piece(f"{letter}#0") for letter in "qcxamz"]
    it.add(names[:3], signs("++++", "+---", "++++"))
    it.add(names[3:], signs("+---", "++++", "++--"))
    it.search(signs("++++")[0], 2)
    it.search(signs("++++")[0], 6)
    it.search(signs("+---")[0], 4)
    it.search(signs("++++")[0], 1)


@vector_store.case("A vector of zeros scores 0, never NaN.", stage="edge")
def _(t):
    it = Shelf(t)
    it.add(THREE, np.array([[-1.0, 1.0], [0.0, 0.0], [1.0, 1.0]]))
    it.search(EAST, 3)
    it.search(EAST, 1)
    it.search(np.zeros(2), 3)


@vector_store.case(
    "k beyond what there is, 0, and an empty store are no trouble; k < 0 is a "
    "ValueError.",
    stage="edge",
)
def _(t):
    it = Shelf(t)
    it.search(EAST, 3)
    it.store.call("search", EAST, -1).raises(ValueError)
    it.add(THREE, np.array([[1.0, 2.0], [2.0, 1.0], [1.0, 0.0]]))
    it.search(EAST, 50)
    it.search(EAST, 0)
    it.store.call("search", EAST, -1).raises(ValueError)


@vector_store.case("An id that is added again replaces what it was.", level=2)
def _(t):
    it = Shelf(t)
    it.add(THREE, np.array([[1.0, 0.0], [1.0, 0.5], [1.0, 1.0]]))
    it.add([piece("a#1", "new text")], np.array([[-1.0, 0.2]]))
    it.search(EAST, 5)
    it.add([piece("a#0", "another"), piece("c#0")], np.array([[0.1, 1.0], [0.5, 1.0]]))
    it.search(NORTH, 9)
    it.search(NORTH, 2)


@vector_store.case(
    "A search finds what is there now: nothing stays of a search before.", level=2
)
def _(t):
    it = Shelf(t)
    it.add(THREE, np.array([[1.0, 0.0], [1.0, 0.5], [1.0, 1.0]]))
    it.search(EAST, 5)
    it.add([piece("a#1", "new text")], np.array([[-2.0, 0.3]]))  # as many as before
    it.search(EAST, 5)
    it.search(NORTH, 1)
    it.delete("b")
    it.add([piece("c#0")], np.array([[0.5, -3.0]]))  # and again
    it.search(EAST, 5)
    it.search(EAST, 5, of_c)
    it.add([piece("c#0", "other")], np.array([[3.0, 0.5]]))
    it.search(EAST, 5, of_c)
    it.search(EAST, 5)


@vector_store.case("delete forgets all of one document, and only that.", level=2)
def _(t):
    it = Shelf(t)
    names = ["a#0", "ab#0", "a#1", "b#0", "a#2", "ab#1", "a#1#0"]
    vectors = np.array([[1.0, 0], [5, 1], [3, 1], [2, 1], [3, 2], [1, 1], [1, 3]])
    it.add([piece(name) for name in names], vectors)
    it.delete("a")
    it.search(EAST, 9)
    it.delete("ab")  # two that are neighbours now
    it.search(EAST, 9)
    it.delete("b")
    it.search(np.array([1.0, 2.0]), 9)
    it.add([piece("a#0", "back again")], np.array([[2.0, 0.5]]))
    it.search(EAST, 2)


@vector_store.case("An unknown document has nothing to delete.", level=2, stage="edge")
def _(t):
    it = Shelf(t)
    it.delete("a")
    it.add(THREE, np.array([[1.0, 0.0], [1.0, 0.5], [1.0, 1.0]]))
    it.delete("zoo")
    it.search(EAST, 3)
    it.delete("a")
    it.delete("a")
    it.delete("b")
    it.search(EAST, 3)
    it.add([piece("b#0")], np.array([[3.0, 4.0]]))
    it.search(EAST, 3)


@vector_store.case(
    "More or fewer vectors than chunks: ValueError, and nothing is stored.",
    level=2,
    stage="edge",
)
def _(t):
    it = Shelf(t)
    it.add(THREE[:1], np.array([[1.0, 0.0]]))
    it.store.call("add", THREE[1:], np.array([[1.0, 0.0]])).raises(ValueError)
    it.search(EAST, 5)
    three = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    it.store.call("add", THREE[1:], three).raises(ValueError)
    it.search(EAST, 5)
    it.store.call("add", [], np.array([[1.0, 0.0]])).raises(ValueError)
    it.store.call("add", THREE[1:2], np.zeros((0, 2))).raises(ValueError)
    it.search(EAST, 5)


@vector_store.case(
    "Vectors of another width: ValueError, in add and in search.",
    level=2,
    stage="edge",
)
def _(t):
    it = Shelf(t)
    it.add(THREE[:1], np.array([[1.0, 0.0]]))
    wide = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    it.store.call("add", THREE[1:], wide).raises(ValueError)
    it.search(EAST, 5)
    it.store.call("search", np.array([1.0, 0.0, 1.0]), 1).raises(ValueError)
    it.store.call("search", np.array([1.0]), 1).raises(ValueError)


@vector_store.case("What was refused replaces nothing either.", level=2, stage="edge")
def _(t):
    it = Shelf(t)
    it.add(THREE[:2], np.array([[1.0, 0.0], [1.0, 1.0]]))
    wide = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    new = [piece("a#0", "another"), piece("b#0")]
    it.store.call("add", new, wide).raises(ValueError)
    it.search(EAST, 5)
    it.store.call("add", new, np.array([[0.0, 1.0]])).raises(ValueError)
    it.search(EAST, 5)
    it.store.call("add", new[:1], wide[:1]).raises(ValueError)
    it.search(EAST, 5)


@vector_store.case(
    "An empty store takes any width, also one that was emptied.",
    level=2,
    stage="edge",
)
def _(t):
    it = Shelf(t)
    it.add(THREE[:2], np.array([[1.0, 0.0], [1.0, 1.0]]))
    it.delete("a")
    it.search(EAST, 5)
    it.add(THREE[1:], np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]))
    it.search(np.array([1.0, 0.0, 0.0]), 5)


@vector_store.case(
    "Vectors are copied: the caller may use its array again.",
    level=2,
    stage="property",
)
def _(t):
    for dtype in (np.float64, np.float32):
        it = Shelf(t)
        vectors = np.array([[3.0, 0.0], [0.0, 1.0], [1.0, 1.0]], dtype)

        def add(it=it, vectors=vectors) -> None:
            it.store.value.add(THREE, vectors)

        def overwrite(vectors=vectors) -> None:
            vectors[:] = [[0.0, 1.0], [1.0, 0.0], [1.0, -1.0]]

        done(t.step("store.add(chunks, vectors)", add, (), {}))
        it.rows = list(zip(THREE, vectors.tolist(), strict=True))
        t.step("vectors[:] = other rows", overwrite, (), {})
        it.search(EAST, 3)


@vector_store.case("Two stores share nothing.", level=2, stage="property")
def _(t):
    one, other = Shelf(t, "one"), Shelf(t, "other")
    one.add(THREE[:1], np.array([[1.0, 0.0]]))
    other.add(THREE[1:], np.array([[0.0, 1.0], [1.0, 1.0]]))
    one.search(EAST, 5)
    other.delete("b")
    one.search(NORTH, 5)
    other.search(EAST, 5)


def of_b(chunk: Chunk) -> bool:
    return chunk.doc_id == "b"


def even(chunk: Chunk) -> bool:
    return chunk.id.endswith(("0", "2", "4"))


def nobody(chunk: Chunk) -> bool:
    return False


@vector_store.case("where decides before the best k are taken.", level=3)
def _(t):
    it = Shelf(t)
    names = ["a#0", "a#1", "b#0", "a#2", "b#1"]
    vectors = np.array([[9.0, 1], [8, 1], [1, 2], [7, 1], [-1, 1]])
    it.add([piece(name) for name in names], vectors)
    it.search(EAST, 2, of_b)
    it.search(EAST, 1, of_b)
    it.search(EAST, 3, even)
    it.search(EAST, 9, even)
    it.search(EAST, 2)


def as_numpy(chunk: Chunk) -> np.bool_:
    return np.array([chunk.id == "a#0", chunk.id == "b#0"]).any()


def as_match(chunk: Chunk) -> Any:
    return re.match("b", chunk.id)


def as_number(chunk: Chunk) -> int:
    return 3 * chunk.id.count("a")


def broken(chunk: Chunk) -> bool:
    raise PermissionError("who may read this is not known")


@vector_store.case(
    "What where gives counts as true or false as in an if.", level=3, stage="edge"
)
def _(t):
    it = Shelf(t)
    it.add(THREE, np.array([[1.0, 0.0], [1.0, 0.5], [1.0, 1.0]]))
    it.search(EAST, 3, as_match)
    it.search(EAST, 3, as_number)
    it.search(EAST, 3, as_numpy)


@vector_store.case("An error in where comes through.", level=3, stage="edge")
def _(t):
    it = Shelf(t)
    it.add(THREE, np.array([[1.0, 0.0], [1.0, 0.5], [1.0, 1.0]]))
    it.store.call("search", EAST, 3, broken).raises(PermissionError)


@vector_store.case("where may let nothing through.", level=3, stage="edge")
def _(t):
    it = Shelf(t)
    it.add(THREE, np.array([[1.0, 0.0], [1.0, 0.5], [-1.0, 1.0]]))
    it.search(EAST, 2, nobody)
    it.search(EAST, 5, of_b)
    it.search(EAST, 0, even)


# build_context


def words(text: str) -> int:
    """A counter of words."""
    return len(text.split())


def characters(text: str) -> int:
    """A counter of characters."""
    return len(text)


def quarters(text: str) -> int:
    """Four characters a token, rounded up."""
    return -(-len(text) // 4)


def lines(text: str) -> int:
    """A counter of lines."""
    return text.count("\n") + 1


def squares(text: str) -> int:
    """A counter by which a long text costs more than its parts, since a model looks
    from each token at each other."""
    return (len(text) // 10) ** 2


def stones(text: str) -> int:
    """A counter to which only the word "stone" is a token."""
    return len(re.findall("stone", text))


def hundreds(text: str) -> int:
    """A counter to which each word "stone" is a hundred tokens."""
    return 100 * stones(text)


def labels(text: str) -> int:
    """A counter to which only the sign # is a token, one for each label."""
    return text.count("#")


def heap(name: str, n: int) -> str:
    """A text of n words "stone", unlike that of any other name."""
    return f"Heap {name}:" + " stone" * n + "."


def heaps(*sizes: int) -> list[Hit]:
    """Hits of so many stones each, the best first."""
    names = [f"{letter}.md#{i % 3}" for i, letter in enumerate("pcxam")]
    return [
        Hit(piece(name, heap(name, n)), 0.9 - 0.1 * i)
        for i, (name, n) in enumerate(zip(names, sizes, strict=False))
    ]


def ranked(texts: dict[str, str]) -> list[Hit]:
    """Hits of these texts by id, the best first."""
    return [
        Hit(piece(name, text), 0.9 - 0.1 * i)
        for i, (name, text) in enumerate(texts.items())
    ]


def labelled(chunks: list[tuple[str, str]], text: str) -> list[bool]:
    """Of chunks, (id, text), that stand in a text one after the other: has each its
    id in brackets before it, and after the chunk before it?"""
    found, end = [], 0
    for name, words in chunks:
        start = text.find(words, end)
        found.append(start >= 0 and f"[{name}]" in text[end:start])
        end = max(end, start + len(words)) if start >= 0 else end
    return found


def context_fault(
    found: Any, hits: list[Hit], budget: int, count: Any, *due: list[str]
) -> str:
    """What is due and is not so; `due` are the lists of ids that will do, if fixed."""
    block, ids = found
    if not isinstance(block, str) or not isinstance(ids, list):
        return "a block of text and a list of ids"
    if count(block) > budget:
        return f"a block of at most {budget}, counted by {count.__name__}"
    known = [hit.chunk.id for hit in hits]
    if ids != [name for name in known if name in ids]:
        return "ids of the hits, the best first, each once"
    if due and ids not in due:
        return f"the ids {due[0]}"
    if not ids:
        return "" if block == "" else 'an empty block, "", since nothing fits'
    taken = [hit.chunk for hit in hits if hit.chunk.id in ids]
    if any(one.text not in block for one in taken):
        return "the whole text, as it is, of each chunk among the ids"
    if any(hit.chunk.text[:9] in block for hit in hits if hit.chunk.id not in ids):
        return "no part of a chunk that is not among the ids"
    where = [block.index(one.text) for one in taken]
    if where != sorted(where):
        return "the best chunk first in the block"
    for one, well in zip(
        taken, labelled([(one.id, one.text) for one in taken], block), strict=True
    ):
        if not well:
            return f"a label with [{one.id}] directly before the text of that chunk"
    return ""


def pack(t: Trial, hits: list[Hit], budget: int, count: Any, *due: list[str]) -> Step:
    step = t.call(hits, budget, count)
    fault = guarded(
        context_fault,
        *(step.value, hits, budget, count, *due),
        otherwise="a block and its ids",
    )
    step.obeys(lambda value: not fault, fault or "a block and its ids")
    if len(due) == 1:
        return step.seen_as(
            lambda found: FINE if not fault else facts_of(found, hits, budget, count)
        )
    # What fits then depends on the wording: only the budget tells two programs apart.
    step.seen = [sight for sight in step.seen if sight[0] != "obeys"]
    return step.seen_as(lambda found: count(found[0]) > budget)


def facts_of(found: Any, hits: list[Hit], budget: int, count: Any) -> Any:
    """What two programs are compared by, whatever their wording."""
    block, ids = found
    whole = [hit.chunk.text in block for hit in hits]
    begun = [hit.chunk.text[:9] in block for hit in hits]
    shown = [f"[{hit.chunk.id}]" in block for hit in hits]
    ahead = [label_of(hit.chunk, block) for hit in hits]
    return [ids, whole, begun, shown, ahead, count(block) > budget, block == ""]


def label_of(one: Chunk, block: str) -> str:
    """What stands in brackets before the text of a chunk."""
    head = block.partition(one.text)[0]
    if f"[{one.id}]" in head:
        return "id"
    if f"[{one.doc_id}]" in head:
        return "document"
    if re.search(r"\[\d+\]", head):
        return "number"
    return "id without brackets" if one.id in head else "none"


def ids_of(hits: list[Hit], *places: int) -> list[str]:
    return [hits[i].chunk.id for i in places]


@build_context.case("All chunks that fit, the best first, whole and labelled.")
def _(t):
    hits = heaps(3, 1, 2)
    pack(t, hits[:1], 10_000, words, ids_of(hits, 0))
    pack(t, hits, 10_000, characters, ids_of(hits, 0, 1, 2))
    one = piece("notes (v2).md#11", "Line one.\n\n  Line {two}, 100 %.\n")
    pack(t, [Hit(one, 0.95), *hits], 10_000, words, [one.id, *ids_of(hits, 0, 1, 2)])
    code = piece("f.py#0", "    def f(x):\n\treturn  x \t ")
    hits.insert(1, Hit(code, 0.85))
    pack(t, hits, 10_000, words, ids_of(hits, 0, 1, 2, 3))
    hits = heaps(2, 2, 2, 2, 2)
    pack(t, hits, 10_000, words, ids_of(hits, 0, 1, 2, 3, 4))


@build_context.case("Each chunk has its own label, also beside one of its document.")
def _(t):
    hits = ranked({"a.md#0": "The first part.", "a.md#1": "The second part."})
    pack(t, hits, 10_000, words, ids_of(hits, 0, 1))
    hits = ranked(
        {
            "a.md#3": "The last part.",
            "b.md#0": "Of another.",
            "a.md#2": "The third part.",
            "a.md#0": "The first part.",
        }
    )
    pack(t, hits, 10_000, words, ids_of(hits, 0, 1, 2, 3))


SIGNS = {
    "angle.html#0": '<b>1 < 2 && 3 > 2</b> "so" it\'s &amp;',
    "names.md#3": "ID: TEXT, CONTEXT, {id}, {text}, {context}, $text, %s, <<TEXT>>",
    "path#1": "C:\\new\\table and \\1",
    "forms.txt#0": "Cafe\u0301 \u00a0x\ufb01\u200b.\r\nNext\x0cpage",
}


@build_context.case("A text stands to the letter, whatever signs it holds.")
def _(t):
    hits = ranked(SIGNS)
    for hit in hits:
        pack(t, [hit], 10_000, words, [hit.chunk.id])
    pack(t, hits, 10_000, words, ids_of(hits, 0, 1, 2, 3))


@build_context.case(
    "White space at the end of a text belongs to it, at the end of the block too.",
    stage="edge",
)
def _(t):
    for end in (" \n\n\n", "\n", "\t"):
        one = Hit(piece("end.md#0", f"The end.{end}"), 0.4)
        pack(t, [one], 10_000, words, ["end.md#0"])
        hits = [*heaps(2), one]
        pack(t, hits, 10_000, words, ids_of(hits, 0, 1))


@build_context.case(
    "What fits is taken, whatever its score, and if its text is blank or comes twice.",
    stage="edge",
)
def _(t):
    hits = [
        Hit(piece("a.md#0", "The same words."), 0.5),
        Hit(piece("b.md#4", "The same words."), 0.0),
        Hit(piece("c.md#1", "same words"), -0.25),
    ]
    pack(t, hits[:2], 10_000, words, ids_of(hits, 0, 1))
    pack(t, hits, 10_000, words, ids_of(hits, 0, 1, 2))
    pack(t, hits[2:], 10_000, words, ids_of(hits, 2))
    blank = Hit(piece("blank.md#2", " \n\t \n  "), -0.5)
    pack(t, [*hits, blank], 10_000, words, [*ids_of(hits, 0, 1, 2), "blank.md#2"])


@build_context.case("What does not fit is left out, in the block and in the ids.")
def _(t):
    hits = heaps(3, 4, 5)
    pack(t, hits, 8, stones, ids_of(hits, 0, 1))
    pack(t, hits, 4, stones, ids_of(hits, 0))
    hits = heaps(2, 2, 2, 2, 2)
    pack(t, hits, 5, stones, ids_of(hits, 0, 1))


@build_context.case("A chunk that fits exactly is taken.", stage="edge")
def _(t):
    hits = heaps(3, 4, 5)
    pack(t, hits, 3, stones, ids_of(hits, 0))
    pack(t, hits, 7, stones, ids_of(hits, 0, 1))
    pack(t, hits, 12, stones, ids_of(hits, 0, 1, 2))


@build_context.case(
    "The block is counted, not its parts: what fits exactly is taken.",
    stage="edge",
    level=2,
)
def _(t):
    hits = heaps(2, 1, 3)

    def refused() -> list[str]:
        return [
            count.__name__
            for count in (words, characters, quarters, lines)
            for n in (1, 2, 3)
            if not fits_exactly(count, n)
        ]

    def fits_exactly(count: Any, n: int) -> bool:
        block, _ = t.candidate(hits[:n], 10**6, count)
        _, ids = t.candidate(hits, count(block), count)
        return ids[:n] == ids_of(hits, *range(n))

    text = "the counters by which a block that fits exactly is refused"
    t.look(text, lambda: list(dict.fromkeys(refused()))).equals([])


@build_context.case("Nothing fits, or there is nothing: an empty block.", stage="edge")
def _(t):
    hits = heaps(3, 4)
    pack(t, hits, 2, stones, [])
    pack(t, hits, 0, words, [])
    pack(t, [], 100, words, [])
    pack(t, hits, 1, characters, [])


@build_context.case(
    "After one that does not fit: stop there, or go on.", stage="edge", level=2
)
def _(t):
    hits = heaps(2, 9, 1)
    pack(t, hits, 4, stones, ids_of(hits, 0), ids_of(hits, 0, 2))
    hits = heaps(9, 1, 2)
    pack(t, hits, 4, stones, [], ids_of(hits, 1, 2))


@build_context.case("The labels count as well.", level=2, stage="property")
def _(t):
    hits = heaps(1, 1, 1, 1, 1)
    for budget in range(7):
        pack(t, hits, budget, labels)


@build_context.case(
    "However it is counted, the block is within the budget.",
    level=2,
    stage="property",
)
def _(t):
    hits = heaps(2, 1, 3, 1)
    for count, most in ((words, 40), (characters, 260), (quarters, 66), (squares, 600)):
        for budget in range(0, most, 1 if most < 100 else 7):
            pack(t, hits, budget, count)


# RAG

KEYS = ("cat", "dog", "tea", "sun")


class KeyEmbed:
    """Embeds a text as how often it says cat, dog, tea and sun; "never" turns it
    round. So cosines are known by hand."""

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        if isinstance(texts, str):
            raise TypeError("embed takes a list of texts, not one text")
        rows = [[text.lower().count(key) for key in KEYS] for text in texts]
        turn = [[-1.0 if "never" in text.lower() else 1.0] for text in texts]
        return np.array(rows, float).reshape(-1, 4) * np.array(turn).reshape(-1, 1)


DOCS = {
    "cats.md": "A cat sleeps for thirteen hours; no cat is in a hurry.",
    "dogs.md": "A dog barks at a cat. Another dog looks on.",
    "tea (v2).md": "Tea draws for four minutes in a pot.",
    "süd/sun": "The sun is a star, and a dog likes the sun.",
}
SUN_ONLY = {"sun.md": "The sun rises early."}


def echo(*names: str) -> str:
    """A reply that cites these ids."""
    return "It is so " + ", ".join(f"[{name}]" for name in names) + "."


class FlakyEmbed(KeyEmbed):
    """KeyEmbed, but while it is `down` it raises."""

    down = False

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        if self.down:
            raise ConnectionError("the embedder cannot be reached")
        return super().__call__(texts)


class Desk:
    """A pipeline of the candidate's, its fakes, and the texts that it was given.

    Every document here is one chunk, so that a text tells which chunk it is.
    """

    def __init__(
        self,
        t: Trial,
        replies: Sequence[Any] = (),
        count: Any = words,
        name: str = "rag",
        **settings: Any,
    ) -> None:
        self.t, self.count = t, count
        self.embed = CountingEmbed(FlakyEmbed())
        self.llm = ScriptedLLM(replies)
        settings = {"budget": 10_000, **settings}
        if settings["budget"] is None:  # left to the candidate's default
            del settings["budget"]
        self.rag: Instance = t.new(self.embed, self.llm, count, name=name, **settings)
        self.texts: dict[str, str] = {}

    def ingest(self, docs: dict[str, str]) -> Step:
        self.texts.update(docs)
        return done(self.rag.call("ingest", docs))

    def answer(self, question: str) -> Step:
        return self.rag.call("answer", question).seen_as(plain)

    def replies(self) -> None:
        """Tell, in reports, what the model replies to the question that comes next."""
        reply = self.llm.replies[len(self.llm.sent)]
        self.t.step(f"the model will reply {reply!r}", lambda: None, (), {})

    def embedder_is(self, down: bool) -> None:
        """Turn the embedder off, or on again."""

        def turn() -> None:
            self.embed.embed.down = down

        self.t.step(f"the embedder is {'down' if down else 'up'}", turn, (), {})

    def sent(self) -> list[str]:
        """The documents whose whole text the last call sent, in the order sent."""
        text = self._contents()
        found = [name for name in self.texts if self.texts[name] in text]
        return sorted(found, key=lambda name: text.index(self.texts[name]))

    def _contents(self, *roles: str) -> str:
        messages = self.llm.sent[-1] if self.llm.sent else []
        kept = [m for m in messages if not roles or m["role"] in roles]
        return "\n".join(message["content"] for message in kept)

    def has_sent(self, *docs: str) -> None:
        text = "the documents that the model was sent"
        self.t.look(text, self.sent).equals(list(docs))

    def has_labelled(self) -> None:
        """Each document that was sent has its label, the id of its one chunk."""

        def bare() -> list[str]:
            text, names = self._contents("user"), self.sent()
            chunks = [(f"{name}#0", self.texts[name]) for name in names]
            found = zip(names, labelled(chunks, text), strict=True)
            return [name for name, well in found if not well]

        text = "the documents sent without a label [id] directly before the text"
        self.t.look(text, bare).equals([])

    def has_asked(self, question: str) -> None:
        def where() -> str:
            if question in self._contents("user"):
                return "in a user's message"
            if question in self._contents():
                return "in other messages only"
            return "in none"

        text = "where the question stands, to the letter"
        self.t.look(text, where).equals("in a user's message")

    def has_roles(self) -> None:
        def others() -> list[str]:
            roles = [message["role"] for message in self.llm.sent[-1]]
            return [role for role in roles if role not in ("system", "user")]

        self.t.look("roles other than system and user", others).equals([])

    def has_embedded(self, question: str) -> None:
        def what() -> str:
            fine = self.embed.calls[-1] == [question]
            return "the question, to the letter" if fine else "something else"

        text = "what was embedded for the question"
        self.t.look(text, what).equals("the question, to the letter")

    def asked(self, times: int) -> None:
        text = "how often the model was asked"
        self.t.look(text, lambda: len(self.llm.sent)).equals(times)

    def abstains(self, question: str) -> None:
        before = len(self.llm.sent)
        self.answer(question).equals(answered("", [], [], True, []))
        self.asked(before)


@dataclass(frozen=True)
class Seen:
    """An answer, in the order in which its fields are compared: abstained first."""

    abstained: bool
    context_ids: list[str]
    citations: list[str]
    unsupported: list[str]
    text: str


def answered(
    text: str,
    citations: list[str],
    context_ids: list[str],
    abstained: bool,
    unsupported: list[str],
) -> Seen:
    return Seen(abstained, context_ids, citations, unsupported, text)


def plain(answer: Any) -> Any:
    """An answer without the words that are the learner's own."""
    own = answer.abstained is True and isinstance(answer.text, str)
    text = "" if own else answer.text
    kept = [
        list(it) if isinstance(it, list | tuple) else it
        for it in (answer.citations, answer.context_ids, answer.unsupported)
    ]
    if isinstance(kept[2], list):  # whether empty brackets cite is left open
        kept[2] = [name for name in kept[2] if name != ""]
    return answered(text, kept[0], kept[1], answer.abstained, kept[2])


CAT, DOG = "How long does a cat sleep?", "What does a dog do?"
QUESTIONS = [
    CAT,
    'Is a "cat" a dog?\nAnd {tea}, at 100 % \\ 5?',
    "  Schläft die Katze (cat) länger als 日本?  ",
    "Cafe\u0301, a\u00a0cat\r\n& <dog>?",
]


@rag.case("The best chunks go to the model, and its reply comes back.")
def _(t):
    it = Desk(t, [echo("cats.md#0"), echo("dogs.md#0")], k=2)
    it.ingest(DOCS)
    it.answer(CAT).equals(
        answered(
            echo("cats.md#0"), ["cats.md#0"], ["cats.md#0", "dogs.md#0"], False, []
        )
    )
    it.has_sent("cats.md", "dogs.md")
    it.answer(DOG).equals(
        answered(
            echo("dogs.md#0"), ["dogs.md#0"], ["dogs.md#0", "süd/sun#0"], False, []
        )
    )
    it.has_sent("dogs.md", "süd/sun")


@rag.case("The question goes along to the letter.")
def _(t):
    it = Desk(t, [echo("cats.md#0")] * len(QUESTIONS), k=1)
    it.ingest(DOCS)
    for question in QUESTIONS:
        done(it.answer(question))
        it.has_asked(question)


@rag.case("The question is embedded to the letter too.", stage="edge")
def _(t):
    it = Desk(t, [echo("cats.md#0")] * len(QUESTIONS), k=1)
    it.ingest(DOCS)
    for question in QUESTIONS:
        done(it.answer(question))
        it.has_embedded(question)


@rag.case("The messages have the roles system and user, and no other.")
def _(t):
    it = Desk(t, [echo("cats.md#0")] * 2, k=2)
    it.ingest(DOCS)
    done(it.answer(CAT))
    it.has_roles()
    done(it.answer(DOG))
    it.has_roles()


@rag.case("One embed call for all documents, and one for a question.")
def _(t):
    it = Desk(t, [echo("cats.md#0")] * 2)

    def sizes() -> list[int]:
        return [len(call) for call in it.embed.calls]

    text = "how many texts each call of embed got"
    it.ingest(DOCS)
    t.look(text, sizes).equals([4])
    done(it.answer(CAT))
    t.look(text, sizes).equals([4, 1])
    it.ingest({"new.md": "A cat and a sun."})
    t.look(text, sizes).equals([4, 1, 1])
    done(it.answer(DOG))
    t.look(text, sizes).equals([4, 1, 1, 1])
    it.asked(2)


@rag.case("No document text is in the system message.")
def _(t):
    it = Desk(t, [echo("cats.md#0")])
    it.ingest(DOCS)
    done(it.answer(CAT))

    def told() -> list[str]:
        text = it._contents("system", "developer")
        return [name for name in it.texts if it.texts[name] in text]

    t.look("the documents in the system message", told).equals([])
    text = "the documents that the model was sent, in any order"
    t.look(text, lambda: sorted(it.sent())).equals(sorted(DOCS))


@rag.case("Each chunk is sent under its own label, its id in brackets.")
def _(t):
    it = Desk(t, [echo("cats.md#0"), echo("süd/sun#0")], k=3)
    it.ingest(DOCS)
    done(it.answer(CAT))
    it.has_labelled()
    done(it.answer("The sun?"))
    it.has_labelled()


@rag.case("Where there is nothing to embed, embed is not called.", stage="edge")
def _(t):
    it = Desk(t)
    it.ingest({})
    it.ingest({"empty.md": "", "none.md": ""})
    t.look("how often embed was called", lambda: len(it.embed.calls)).equals(0)


@rag.case("At most k chunks, the best first; 5 unless said otherwise.")
def _(t):
    docs = {f"d{i}": "tea " * i + "cat " * (9 - i) + "." for i in range(1, 9)}
    order = [f"d{i}" for i in range(8, 0, -1)]
    for settings, k in (({"k": 1}, 1), ({"k": 3}, 3), ({}, 5), ({"k": 50}, 8)):
        it = Desk(t, [echo("d8#0")], **settings)
        it.ingest(docs)
        due = [f"{name}#0" for name in order[:k]]
        it.answer("tea?").equals(answered(echo("d8#0"), ["d8#0"], due, False, []))
        it.has_sent(*order[:k])


LONG = " ".join(f"Line {i} is about tea and dog {i}." for i in range(60))


@rag.case("Long documents are cut: no text of more than 400 characters is embedded.")
def _(t):
    it = Desk(t, [echo("long#0")])
    it.ingest({"short": "A cat.", "long": LONG})

    def longest() -> str:
        most = max(len(text) for call in it.embed.calls for text in call)
        whole = f"all {len(LONG)} characters of the document"
        more = whole if most >= len(LONG) else "more than 400 characters"
        return "at most 400 characters" if most <= 400 else more

    def lost() -> list[str]:
        seen = "\n".join(text for call in it.embed.calls for text in call)
        return [s for s in ("Line 0 ", "Line 31 ", "dog 59.") if s not in seen]

    def covered() -> bool:
        missing = list(LONG)
        for one in {text for call in it.embed.calls for text in call}:
            for found in re.finditer(re.escape(one), LONG):
                missing[found.start() : found.end()] = [""] * len(one)
        return "".join(missing) == ""

    text = "the longest text that was embedded"
    t.look(text, longest).equals("at most 400 characters")
    t.look("parts of the document that were not embedded", lost).equals([])
    t.look("is all of the document embedded?", covered).equals(True)


@rag.case(
    "Chunks of a long document are sent whole, each under its own label.",
    stage="property",
)
def _(t):
    it = Desk(t, [echo("long#0")], k=3)
    it.ingest({"long": LONG, "cat": "A cat."})
    answer = it.answer("tea?")

    def place(text: str) -> int:  # the last chunk may be short, and occur before
        return len(LONG) if LONG.endswith(text) else LONG.find(text)

    def fault() -> str:
        texts = [text for text in it.embed.calls[0] if text != "A cat."]
        if len(set(texts)) < len(texts):
            return FINE  # which is which cannot be told of pieces so small
        chunks = {f"long#{n}": one for n, one in enumerate(sorted(texts, key=place))}
        sent = [(name, chunks.get(name, "")) for name in answer.value.context_ids]
        prompt = it._contents("user")
        if not all(text and text in prompt for _, text in sent):
            return "not whole, or other chunks than those of context_ids"
        return FINE if all(labelled(sent, prompt)) else "not under its own label each"

    t.look("the three chunks in the prompt", fault).equals(FINE)


@rag.case("A chunk has the vector of its own text, in whatever order texts come.")
def _(t):
    docs = {
        "z": "The sun, the sun and a cat.",
        "a": "Tea.",
        "m": "A dog and another dog.",
        "b": "Tea.",
    }
    it = Desk(t, [echo("a#0"), echo("m#0"), echo("z#0")], k=2)
    it.ingest(docs)
    for question, due in (("tea?", "ab"), ("dog?", "mz"), ("sun?", "za")):
        ids = [f"{name}#0" for name in due]
        answer = it.answer(question)
        answer.seen_as(lambda answer: answer.context_ids).equals(ids)


@rag.case("The text of a chunk is embedded, and nothing else.")
def _(t):
    it = Desk(t)
    it.ingest({"a": "A cat.", "b": "A dog."})

    def other() -> bool:
        texts = [text for call in it.embed.calls for text in call]
        return sorted(texts) != ["A cat.", "A dog."]

    t.look("is anything but 'A cat.' and 'A dog.' embedded?", other).equals(False)


@rag.case(
    "A document of 400 characters is one chunk, and so is one of white space; one of "
    "401 is more.",
    stage="edge",
)
def _(t):
    it = Desk(t)

    seen = [0]

    def new() -> int:
        before, seen[0] = seen[0], sum(map(len, it.embed.calls))
        return seen[0] - before

    it.ingest({"whole": LONG[:399] + "."})
    t.look("how many chunks 400 characters are", new).equals(1)
    it.ingest({"blank": " \n "})
    t.look("how many chunks three blanks are", new).equals(1)
    it.ingest({"more": LONG[:400] + "."})
    text = "are 401 characters more than one chunk?"
    t.look(text, lambda: new() > 1).equals(True)


@rag.case("Every question stands alone.", stage="property")
def _(t):
    it = Desk(t, [echo("cats.md#0"), echo("tea (v2).md#0")], k=1)
    it.ingest(DOCS)
    done(it.answer(CAT))
    done(it.answer("And tea?"))
    it.has_sent("tea (v2).md")

    def old() -> bool:
        text = it._contents()
        return CAT in text or echo("cats.md#0") in text

    t.look("is the first question or its answer sent again?", old).equals(False)


@rag.case("Two pipelines share nothing.", stage="property")
def _(t):
    one = Desk(t, [echo("cats.md#0")], name="one")
    one.ingest(DOCS)
    other = Desk(t, [echo("sun.md#0")], name="other")
    other.ingest(SUN_ONLY)
    due = answered(echo("sun.md#0"), ["sun.md#0"], ["sun.md#0"], False, [])
    other.answer("The sun?").equals(due)
    one.answer("The sun?")
    one.has_sent("süd/sun", "cats.md", "dogs.md", "tea (v2).md")


@rag.case("Documents are sent to the letter, whatever signs they hold.", stage="edge")
def _(t):
    docs = {
        "quotes": "\"A cat's 'dog'\" & 日本 dog dog.",
        "braces": "A cat {0} is {question} or {context}; 100 %s of it, $question.",
        "slashes": "A cat in C:\\new\\table.",
        "angles": "A <b>cat</b> & a dog: 1 < 2 &lt; 3.",
        "lines": "  cat:\n\tdog\n\n\nand   dog \n",
        "returns": "A cat,\r\na dog\rand tea.\r\n",
        "forms": "A cat in a cafe\u0301,\u00a0a dog \ufb01rst.\x0c",
        "names": "QUESTION, CONTEXT, DOCUMENTS and TEXT of a cat.",
    }
    it = Desk(t, [echo("braces#0")], k=len(docs))
    it.ingest(docs)
    question = "What of the cat in {context}, CONTEXT or $context?"
    done(it.answer(question))
    text = "the documents that the model was not sent whole"
    t.look(text, lambda: sorted(docs.keys() - set(it.sent()))).equals([])
    it.has_asked(question)


def cited(t: Trial, reply: str, citations: list[str], unsupported: list[str]) -> None:
    """Ask with cats.md, dogs.md in the context; the model replies so."""
    it = Desk(t, [reply], k=2)
    it.ingest(DOCS)
    it.replies()
    context = ["cats.md#0", "dogs.md#0"]
    due = answered(reply, citations, context, False, unsupported)
    it.answer(CAT).equals(due)


@rag.case("Citations are what the reply cites, not what was found.", level=2)
def _(t):
    cited(t, "Thirteen hours [cats.md#0].", ["cats.md#0"], [])
    cited(t, "It barks [dogs.md#0].", ["dogs.md#0"], [])
    cited(t, "Thirteen [cats.md#0]. Barks [dogs.md#0].", ["cats.md#0", "dogs.md#0"], [])


@rag.case("What is cited but was not sent is listed as unsupported.", level=2)
def _(t):
    cited(t, "So [cats.md#0], and so [birds.md#7].", ["cats.md#0"], ["birds.md#7"])
    cited(t, "All [cats.md#1].", [], ["cats.md#1"])
    # In the store, but not among the k that were sent.
    cited(t, "Four minutes [tea (v2).md#0].", [], ["tea (v2).md#0"])
    cited(t, "[x#1] [dogs.md#0] [a b#2]", ["dogs.md#0"], ["x#1", "a b#2"])


@rag.case("Each id is listed once, as first cited.", level=2)
def _(t):
    reply = "A [dogs.md#0], b [z#0] [cats.md#0][dogs.md#0], c [z#0] [y#1]."
    cited(t, reply, ["dogs.md#0", "cats.md#0"], ["z#0", "y#1"])
    cited(t, "[cats.md#0] [cats.md#0]", ["cats.md#0"], [])


@rag.case("Without a valid citation the reply keeps its text.", level=2)
def _(t):
    cited(t, "Thirteen hours.", [], [])
    cited(t, "  Thirteen\nhours, cats.md#0 says (cats.md#0).\n", [], [])
    cited(t, "", [], [])
    cited(t, "Made up [moon#3].", [], ["moon#3"])


@rag.case("The model is asked once, whatever it replies.", level=2)
def _(t):
    it = Desk(t, ["Thirteen hours.", "So [moon#3]."], k=2)
    it.ingest(DOCS)
    done(it.answer(CAT))
    it.asked(1)
    done(it.answer(CAT))
    it.asked(2)


@rag.case(
    "Ids may hold blanks, dots, round brackets and umlauts.", level=2, stage="edge"
)
def _(t):
    docs = {
        "my notes (v2).md": "Tea, tea and tea.",
        "süd/日本": "Tea of the sun.",
        "a+b|c*": "Tea for a dog.",
        "x#1": "Tea for a cat.",
        "x, y": "Tea for no cat.",
    }
    ids = [f"{name}#0" for name in docs]
    it = Desk(t, [echo(*ids, "x#1")])
    it.ingest(docs)
    it.replies()
    it.answer("tea?").equals(answered(echo(*ids, "x#1"), ids, ids, False, ["x#1"]))


@rag.case(
    "What stands between two brackets is one id, to the letter.",
    level=2,
    stage="edge",
)
def _(t):
    cited(t, "Both [cats.md#0, dogs.md#0].", [], ["cats.md#0, dogs.md#0"])
    cited(t, "[ cats.md#0 ] [dogs.md#0]", ["dogs.md#0"], [" cats.md#0 "])
    cited(t, "[CATS.md#0] [Dogs.md#0]", [], ["CATS.md#0", "Dogs.md#0"])
    cited(t, "[cats.md] [cats.md#00] [#0]", [], ["cats.md", "cats.md#00", "#0"])
    cited(t, "[from cats.md#0] [cats.md]", [], ["from cats.md#0", "cats.md"])
    cited(t, "A list [] of cats [cats.md#0].", ["cats.md#0"], [])


@rag.case(
    "In brackets in a document or in the question is not in the context.",
    level=2,
    stage="edge",
)
def _(t):
    reply = "[ghost#7] [cats#0] [moon#1]"
    it = Desk(t, [reply])
    it.ingest({"cats": "A cat, as [ghost#7] says."})
    it.replies()
    due = answered(reply, ["cats#0"], ["cats#0"], False, ["ghost#7", "moon#1"])
    it.answer("What of the cat in [moon#1]?").equals(due)


@rag.case("Nothing was ingested: it abstains, and asks nobody.", level=2)
def _(t):
    it = Desk(t, [echo("cats.md#0")] * 3)
    it.abstains(CAT)
    it.ingest({})
    it.abstains(CAT)
    it.ingest({"empty.md": ""})
    it.abstains(CAT)


@rag.case("Chunks below min_score do not count.", level=2)
def _(t):
    # Cosines with CAT: cats 1, dogs 0.447, tea and sun 0.
    it = Desk(t, [echo("cats.md#0")], min_score=0.4)
    it.ingest(DOCS)
    due = ["cats.md#0", "dogs.md#0"]
    it.answer(CAT).equals(answered(echo("cats.md#0"), due[:1], due, False, []))
    it.has_sent("cats.md", "dogs.md")
    it = Desk(t, [echo("cats.md#0")], min_score=0.5)
    it.ingest(DOCS)
    it.answer(CAT).equals(answered(echo("cats.md#0"), due[:1], due[:1], False, []))
    it.has_sent("cats.md")


@rag.case("A score is compared with min_score as it is, not rounded.", level=2)
def _(t):
    for low, n in ((0.4473, 1), (0.4471, 2), (0.4499, 1), (0.46, 1)):  # dogs: 0.44721
        it = Desk(t, [echo("cats.md#0")], min_score=low)
        it.ingest(DOCS)
        ids = ["cats.md#0", "dogs.md#0"]
        it.answer(CAT).equals(answered(echo("cats.md#0"), ids[:1], ids[:n], False, []))


@rag.case("No chunk reaches min_score: it abstains, and asks nobody.", level=2)
def _(t):
    it = Desk(t, [echo("cats.md#0")] * 4, min_score=0.9)
    it.ingest(DOCS)
    it.abstains("Does the cat drink tea in the sun with a dog?")
    due = answered(echo("cats.md#0"), ["cats.md#0"], ["cats.md#0"], False, [])
    it.answer(CAT).equals(due)
    it.abstains("Who won in 1954?")
    it.answer(CAT).equals(due)
    it = Desk(t, [echo("dogs.md#0")], min_score=0.3, k=1)
    it.ingest({"dogs.md": DOCS["dogs.md"]})
    it.abstains("tea")


@rag.case("A score of min_score is enough, 0 too; None asks nothing.", level=2)
def _(t):
    docs = {"no": "Never a cat.", "cat": "A cat.", "tea": "A tea."}
    ids = ["cat#0", "tea#0", "no#0"]  # 1, 0 and -1
    for low, n in ((0.0, 2), (None, 3), (-0.5, 2), (-2.0, 3), (0.5, 1)):
        it = Desk(t, [echo("cat#0")], min_score=low)
        it.ingest(docs)
        due = answered(echo("cat#0"), ["cat#0"], ids[:n], False, [])
        it.answer("cat?").equals(due)


STONES = {"one": 3, "two": 5, "six": 6}  # stones, and of cats enough to be in order


def piles() -> dict[str, str]:
    return {
        name: f"{'cat ' * (3 - i)}tea: {heap(name, n)}"
        for i, (name, n) in enumerate(STONES.items())
    }


def repeats(t: Trial, question: str) -> int:
    """How often the candidate's prompt says the question: before the documents and
    after them, say, which is its own affair; 1 where that cannot be found out."""

    def said() -> int:
        llm = ScriptedLLM([echo("one#0")])
        made = t.candidate(KeyEmbed(), llm, stones, budget=10**6)
        made.ingest(piles())
        made.answer(question)
        return sum(m["content"].count(question) for m in llm.sent[0])

    with quiet():
        return max(guarded(said, otherwise=1), 1)


def budgeted(t: Trial, budget: int, stones_asked: int) -> None:
    """The piles that fit beside a question of so many stones are sent and listed."""
    it = Desk(t, [echo("one#0")], count=stones, budget=budget)
    it.ingest(piles())
    question = "What of the cat" + " stone" * stones_asked + "?"
    room = budget - stones_asked * (repeats(t, question) if stones_asked else 1)
    n = sum(sum(list(STONES.values())[: i + 1]) <= room for i in range(len(STONES)))
    if n == 0:
        it.abstains(question)
        return
    names = list(STONES)[:n]
    due = [f"{name}#0" for name in names]
    it.answer(question).equals(answered(echo("one#0"), ["one#0"], due, False, []))
    it.has_sent(*names)


@rag.case("Only what fits in the budget is sent, and listed.", level=2)
def _(t):
    budgeted(t, 4, 0)
    budgeted(t, 9, 0)
    budgeted(t, 30, 0)


@rag.case("The budget is 800 unless said otherwise.", level=2)
def _(t):
    it = Desk(t, [echo("one#0")], count=hundreds, budget=None)
    it.ingest(piles())
    due = ["one#0", "two#0"]  # 300 and 500
    answer = it.answer("What of the cat?")
    answer.equals(answered(echo("one#0"), due[:1], due, False, []))


@rag.case("What was found but did not fit cannot be cited.", level=2)
def _(t):
    it = Desk(t, [echo("two#0", "one#0", "six#0")], count=stones, budget=4)
    it.ingest(piles())
    it.replies()
    reply = echo("two#0", "one#0", "six#0")
    due = answered(reply, ["one#0"], ["one#0"], False, ["two#0", "six#0"])
    it.answer("What of the cat?").equals(due)


@rag.case("The question counts in the budget too.", level=2)
def _(t):
    budgeted(t, 10, 4)
    budgeted(t, 13, 4)
    budgeted(t, 20, 7)


@rag.case("What fills the budget exactly, fits.", level=2, stage="edge")
def _(t):
    budgeted(t, 3, 0)
    budgeted(t, 8, 0)
    budgeted(t, 12, 4)
    budgeted(t, 14, 0)


@rag.case("Nothing fits: it abstains, and asks nobody.", level=2, stage="edge")
def _(t):
    budgeted(t, 2, 0)
    budgeted(t, 6, 4)
    budgeted(t, 4, 5)
    it = Desk(t, [echo("cats.md#0")] * 2, budget=1)
    it.ingest(DOCS)
    it.abstains(CAT)


@rag.case("A budget of 0 is one: nothing fits.", level=2, stage="edge")
def _(t):
    it = Desk(t, [echo("cats.md#0")], budget=0)
    it.ingest(DOCS)
    it.abstains(CAT)


@rag.case("With k = 0 nothing is found: it abstains.", level=2, stage="edge")
def _(t):
    it = Desk(t, [echo("cats.md#0")], k=0)
    it.ingest(DOCS)
    it.abstains(CAT)


@rag.case("Only the best k count, though one of them does not fit.", level=2)
def _(t):
    docs = {
        "large": "cat cat: " + heap("l", 9),
        "small": "cat tea: " + heap("s", 1),
        "huge": "cat cat cat tea: " + heap("h", 30),
        "other": "cat tea tea: " + heap("o", 1),
    }  # in this order: large, huge, small, other
    for k in (1, 2):
        it = Desk(t, [echo("small#0")], count=stones, budget=4, k=k)
        it.ingest(docs)
        it.abstains("cat?")
    it = Desk(t, [echo("large#0")], count=stones, budget=11, k=1)
    it.ingest(docs)
    due = ["large#0"]
    it.answer("cat?").equals(answered(echo("large#0"), due, due, False, []))


KEPT = "never more than b"


def keeps(
    t: Trial, count: Any, budgets: Callable[[int], Sequence[int]], asked: str, text: str
) -> None:
    """A candidate oversteps none of the budgets, which depend on what its prompt with
    all documents counts; its wording is its own, and so are the numbers."""
    step = t.look(text, lambda: over_budget(t, count, budgets, asked))
    if step.error is None:
        step.seen = [("returned", step.value == KEPT)]
    step.equals(KEPT)


def over_budget(
    t: Trial, count: Any, budgets: Callable[[int], Sequence[int]], asked: str
) -> str:
    """KEPT, or the first budget that was not."""

    def spent(budget: int) -> tuple[int, bool]:
        embed, llm = KeyEmbed(), ScriptedLLM([echo("cats.md#0")])
        made = t.candidate(embed, llm, count, k=4, budget=budget)
        made.ingest(dict(DOCS))
        answer = made.answer(asked)
        total = sum(count(m["content"]) for sent in llm.sent for m in sent)
        sound = bool(llm.sent) == (not answer.abstained) == bool(answer.context_ids)
        return total, sound

    most, _ = spent(10**6)
    for budget in budgets(most):
        total, sound = spent(budget)
        if total > budget:
            return f"{total} for b = {budget}"
        if not sound:
            return f"for b = {budget} the answer does not agree with what was sent"
    return KEPT


def ladder(most: int) -> list[int]:
    """Budgets from none to all: the last few one by one."""
    coarse = [most * i // 12 for i in range(12)]
    return [*coarse, *range(max(most - 6, 0), most + 1)]


@rag.case(
    "All that is sent counts: rules, labels, question. It is never over the budget.",
    level=2,
    stage="property",
)
def _(t):
    for count in (words, characters, quarters):
        text = f"all that RAG(..., budget=b) sends, counted by {count.__name__}"
        keeps(t, count, ladder, CAT, text)


@rag.case(
    "What is counted is what is sent, since a text may cost more than its parts.",
    level=2,
    stage="property",
)
def _(t):
    text = "what RAG(..., budget=b) sends, where a text costs the square of its length"
    keeps(t, squares, lambda most: [most * i // 40 for i in range(41)], CAT, text)


@rag.case(
    "What is counted is what is sent, since a text may cost less than its parts: what "
    "fits exactly is sent.",
    level=2,
    stage="edge",
)
def _(t):
    def answered(count: Any, k: int, budget: int) -> tuple[int, list[str]]:
        llm = ScriptedLLM([echo("cats.md#0")])
        made = t.candidate(KeyEmbed(), llm, count, k=k, budget=budget)
        made.ingest(dict(DOCS))
        ids = made.answer(CAT).context_ids
        return sum(count(m["content"]) for m in llm.sent[-1]), list(ids)

    def refused(count: Any) -> bool:
        for n in (1, 2, 4):
            cost, best = answered(count, n, 10**6)
            if answered(count, 4, cost)[1][:n] != best:
                return True
        return False

    def counters() -> list[str]:
        counts = (words, characters, quarters, lines)
        return [count.__name__ for count in counts if refused(count)]

    text = "the counters by which what fits the budget exactly is refused"
    t.look(text, counters).equals([])


def frame(text: str) -> int:
    """A counter to which the words of the question and of the documents are free."""
    free = {*CAT.split(), *(word for doc in DOCS.values() for word in doc.split())}
    return sum(1 for word in text.split() if word not in free)


@rag.case(
    "Rules and labels count, though question and documents cost nothing.",
    level=2,
    stage="property",
)
def _(t):
    text = "what RAG(..., budget=b) sends, only rules and labels counted"
    keeps(t, frame, ladder, CAT, text)


@rag.case("With room for all, all is sent.", level=2, stage="property")
def _(t):
    for count in (words, characters):
        it = Desk(t, [echo("cats.md#0")], count=count, budget=10**6)
        it.ingest(DOCS)
        done(it.answer(CAT))
        it.has_sent("cats.md", "dogs.md", "tea (v2).md", "süd/sun")


@rag.case("A document that comes again is replaced, and the others stay.", level=2)
def _(t):
    it = Desk(t, [echo("cats.md#0")] * 3, k=9)
    it.ingest(DOCS)
    it.ingest({"dogs.md": "A dog and a cat and a cat."})
    due = ["cats.md#0", "dogs.md#0", "tea (v2).md#0", "süd/sun#0"]
    reply = echo("cats.md#0")
    it.answer(CAT).equals(answered(reply, due[:1], due, False, []))
    it.has_sent("cats.md", "dogs.md", "tea (v2).md", "süd/sun")

    def old() -> bool:
        return DOCS["dogs.md"] in it._contents()

    t.look("is the old version sent too?", old).equals(False)
    it.ingest({"more.md": "A cat, a cat, a cat and tea."})
    due.insert(1, "more.md#0")
    it.answer(CAT).equals(answered(reply, due[:1], due, False, []))


@rag.case("The same documents twice are there once.", level=2)
def _(t):
    it = Desk(t, [echo("cats.md#0")] * 2, k=9)
    it.ingest(DOCS)
    it.ingest(DOCS)
    step = it.answer(CAT)
    step.seen_as(lambda answer: sorted(answer.context_ids))
    step.equals(sorted(f"{name}#0" for name in DOCS))


@rag.case("Of a longer version nothing is left behind.", level=2)
def _(t):
    it = Desk(t, [echo("note#0")] * 3, k=99)
    it.ingest({"note": LONG, "note2": "Tea for a dog."})
    it.ingest({"note": "A dog."})
    step = it.answer(DOG)
    step.seen_as(lambda answer: sorted(answer.context_ids))
    step.equals(["note#0", "note2#0"])
    it.ingest({"note": ""})
    step = it.answer(DOG)
    step.seen_as(lambda answer: sorted(answer.context_ids)).equals(["note2#0"])


@rag.case("An embedder that fails: its error comes through, nothing changes.", level=2)
def _(t):
    it = Desk(t, [echo("dogs.md#0")] * 2, k=9)
    it.ingest(DOCS)
    it.embedder_is(down=True)
    new = {"dogs.md": "A cat.", "new.md": "A dog and a dog."}
    it.rag.call("ingest", new).raises(ConnectionError)
    it.answer(DOG).raises(ConnectionError)
    it.asked(0)
    it.embedder_is(down=False)
    due = ["dogs.md#0", "süd/sun#0", "cats.md#0", "tea (v2).md#0"]
    it.answer(DOG).equals(answered(echo("dogs.md#0"), due[:1], due, False, []))
    it.has_sent("dogs.md", "süd/sun", "cats.md", "tea (v2).md")
    it.ingest(new)
    due = ["new.md#0", *due[1:3], "dogs.md#0", due[3]]
    step = it.answer(DOG)
    step.seen_as(lambda answer: sorted(answer.context_ids)).equals(sorted(due))


@rag.case("A model that fails: its error comes through, nothing changes.", level=2)
def _(t):
    it = Desk(t, [TimeoutError("the model is silent"), echo("dogs.md#0")], k=1)
    it.ingest(DOCS)
    it.answer(CAT).raises(TimeoutError)
    it.asked(1)
    due = ["dogs.md#0"]
    it.answer(DOG).equals(answered(echo("dogs.md#0"), due, due, False, []))

    def old() -> bool:
        return CAT in it._contents()

    t.look("is the question that failed sent again?", old).equals(False)


# bm25


def bm25_due(query: str, docs: list[str], k1: float = 1.5, b: float = 0.75):
    """The formula, term by term and text by text."""
    bags = [re.findall(r"\w+", doc.lower()) for doc in docs]
    total = sum(len(bag) for bag in bags)
    scores = []
    for bag in bags:
        score = 0.0
        for word in re.findall(r"\w+", query.lower()):
            tf = sum(1 for other in bag if other == word)
            if tf == 0:
                continue
            df = sum(1 for other in bags if word in other)
            idf = math.log(1 + (len(docs) - df + 0.5) / (df + 0.5))
            length = len(bag) / (total / len(docs))
            score += idf * tf * (k1 + 1) / (tf + k1 * (1 - b + b * length))
        scores.append(score)
    return np.array(scores, dtype=float)


def matched(t: Trial, query: str, docs: list[str], **settings: float) -> Step:
    return t.call(query, docs, **settings).equals(bm25_due(query, docs, **settings))


PETS = [
    "The cat sat on the mat.",
    "A dog, a dog and another dog chased the cat up a tree, and stayed.",
    "Dogs bark.",
    "The mat is red; the mat is old.",
]


@bm25.case("One word: rare in few, often in one, in a short text.", level=3)
def _(t):
    matched(t, "cat", PETS)
    matched(t, "dog", PETS)
    matched(t, "mat", PETS)
    matched(t, "the", PETS)


@bm25.case("Several words add up; one that nobody has adds nothing.", level=3)
def _(t):
    matched(t, "red mat", PETS)
    matched(t, "the cat on the tree", PETS)
    matched(t, "zebra", PETS)
    matched(t, "old zebra cat", PETS)


@bm25.case("A word counts as often as the query says it.", level=3)
def _(t):
    matched(t, "mat mat cat", PETS)
    matched(t, "cat cat cat", PETS)


@bm25.case("A word in more than half of the texts still adds.", level=3)
def _(t):
    matched(t, "a", ["a b", "a c", "a", "d"])
    matched(t, "a", ["a", "a a"])


@bm25.case("Words are words: letters of any kind, in lower case, whole.", level=3)
def _(t):
    matched(t, "CAT", PETS)
    matched(t, "cat", ["concatenate it", "Cat!", "a cat-flap", "the cat's"])
    matched(t, "größe é", ["Die GRÖSSE, die Größe.", "É", "groesse"])
    matched(t, "x_1 v2.0", ["x_1 and v2.0", "x 1", "v2 0"])
    matched(t, "dog,mat;", PETS)


@bm25.case("k1 and b do what the formula says.", level=3)
def _(t):
    for settings in ({"k1": 0.5}, {"k1": 3.0}, {"b": 0.0}, {"b": 1.0}, {"b": 0.3}):
        matched(t, "mat dog the", PETS, **settings)
    matched(t, "mat dog the", PETS, k1=2.0, b=0.1)


@bm25.case("Real text, in paragraphs.", level=3, stage="property")
def _(t):
    texts = [part for part in re.split(r"(?<=[.;])\s", PROSE * 2) if part]
    for query in ("the last block", "rows of keys", "copies a token, by row"):
        matched(t, query, texts)


@bm25.case("No texts, empty texts, empty queries.", level=3, stage="edge")
def _(t):
    t.call("cat", []).equals(np.zeros(0))
    t.call("cat", ["", "...", ""]).equals(np.zeros(3))
    t.call("", PETS).equals(np.zeros(4))
    t.call("?!", PETS).equals(np.zeros(4))
    matched(t, "cat", ["", "a cat", "--", "cat cat dog"])
    matched(t, "cat", ["cat"])


# reciprocal_rank_fusion


def fused_due(rankings: list[list], k: int = 60) -> list[tuple]:
    """Sums of fractions would be exact; floats of two are, whatever their order."""
    names = []
    for ranking in rankings:
        names += [name for name in ranking if name not in names]
    scored = [
        (name, sum(1 / (k + r.index(name) + 1) for r in rankings if name in r))
        for name in names
    ]
    return sorted(scored, key=lambda pair: -pair[1])


def close(t: Trial, rankings: list[list], **settings: int) -> Step:
    step = t.call(rankings, **settings)
    return step.equals(fused_due(rankings, **settings), rtol=1e-9, atol=1e-12)


@fusion.case("The sum of 1 / (k + rank), rank from 1, best first.", level=3)
def _(t):
    close(t, [["a"]])
    close(t, [["a", "b", "c"]])
    close(t, [["a", "b", "c"], ["c", "a", "d"]])
    close(t, [["b", "a"], ["c", "a"]])


@fusion.case("Who is absent from a ranking gets nothing from it.", level=3)
def _(t):
    close(t, [["a", "b", "c", "d"], ["e"]])
    close(t, [["x", "a", "b", "c"], ["y"]], k=1)
    close(t, [["a", "b"], ["c", "d", "e", "f"]], k=2)


@fusion.case("Second in both beats first in one.", level=3)
def _(t):
    close(t, [["a", "m", "b"], ["c", "m", "d"]])
    close(t, [["a", "b", "m"], ["c", "d", "m"]])
    close(t, [["a", "m"], ["b", "m"], ["c", "m"]])


@fusion.case("k says how much the first ranks count.", level=3)
def _(t):
    for k in (0, 1, 10, 1000):
        close(t, [["a", "b", "m"], ["c", "m", "b"]], k=k)


@fusion.case(
    "Ties by first appearance, the lists read one after the other.",
    level=3,
    stage="edge",
)
def _(t):
    close(t, [["z", "m", "b"], ["y", "c", "a"]])
    close(t, [["b", "a"], ["a", "b"]])
    close(t, [["q", "b", "x"], ["x", "b", "q"]])
    close(t, [["c", "b"], ["a"]])
    close(t, [["m"], ["z"], ["b"]])
    close(t, [["x", "y", "p"], ["q"], ["p", "z", "q"]])  # p and q: 1/61 + 1/63


@fusion.case("Ids of any kind; empty lists.", level=3, stage="edge")
def _(t):
    close(t, [[7, 3, 5], [5, 9, 3]])
    close(t, [[0, 3], [5, 0]])
    close(t, [["doc#1", "ü#0"], ["ü#0"]])
    close(t, [[], ["a", "b"]])
    close(t, [["a", "b"], []])
    t.call([[], []]).equals([])
    t.call([]).equals([])


@fusion.case("Many rankings.", level=3, stage="property")
def _(t):
    rng = np.random.default_rng(11)
    weights = rng.random(12)
    rankings = []
    for length in (12, 7, 9, 4):
        order = np.argsort(rng.random(12) * weights)[::-1][:length]
        rankings.append([f"d{i}" for i in order.tolist()])
    close(t, rankings[:3])
    close(t, rankings)
