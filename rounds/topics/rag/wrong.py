"""Wrong programs for RAG: the mistakes that people really make.

The sentence of each is what the learner reads: what is seen, why, an input where it
shows; never the code.
"""

import math
import re
from collections import Counter

import numpy as np

from rounds.bank import edit, mistake
from rounds.topics.rag.records import Chunk, Hit
from rounds.topics.rag.right import RAG, VectorStore, build_context
from rounds.topics.rag.right import bm25 as match
from rounds.topics.rag.right import chunk as cut

# chunk

overlap_ignored = edit(
    "chunk",
    "overlap-ignored",
    "Neighbours share nothing: the overlap has no effect. With 'abcdefg', size 4 and "
    "overlap 1 the second chunk starts with the 'd' that ends the first.",
    "start = max(end - overlap, 0)",
    "start = end",
)


@mistake(
    "chunk",
    "duplicate-tail",
    "There is a last chunk that lies wholly inside the one before it: the end of the "
    "text had been reached, and the loop took one more step. It is found twice by "
    "every search.",
    seen_in="agno-agi/agno #9001",
)
def chunk_with_a_tail(text, size, overlap, *, doc_id=""):
    if size < 1 or not 0 <= overlap < size:
        raise ValueError("bad size or overlap")
    return [
        Chunk(f"{doc_id}#{n}", doc_id, text[i : i + size], i, min(i + size, len(text)))
        for n, i in enumerate(range(0, len(text), size - overlap))
    ]


tail_lost = edit(
    "chunk",
    "tail-lost",
    "The end of the text is in no chunk: only full windows are taken. What stands there "
    "can never be found.",
    "while end < len(text):",
    "while len(text) - end >= (size - overlap if chunks else size):",
)


@mistake(
    "chunk",
    "stripped",
    "The text of a chunk is not what stands between its start and its end: white space "
    "was stripped after the offsets were taken. Whoever marks the source in the document "
    "by them marks the wrong place.",
)
def chunk_stripped(text, size, overlap, *, doc_id=""):
    return [
        Chunk(c.id, c.doc_id, c.text.strip(), c.start, c.end)
        for c in cut(text, size, overlap, doc_id=doc_id)
    ]


@mistake(
    "chunk",
    "text-stripped-first",
    "White space at the ends of the text is in no chunk, and all offsets are moved by "
    "it: the text was stripped before it was cut. The spans are to cover the text as "
    "it came.",
)
def chunk_of_stripped_text(text, size, overlap, *, doc_id=""):
    return cut(text.strip(), size, overlap, doc_id=doc_id)


@mistake(
    "chunk",
    "white-space-joined",
    "Runs of white space were made one blank before the text was cut, so that the "
    "offsets are those of another text.",
)
def chunk_of_joined_words(text, size, overlap, *, doc_id=""):
    return cut(" ".join(text.split()), size, overlap, doc_id=doc_id)


@mistake(
    "chunk",
    "blank-chunks-dropped",
    "Chunks of white space alone are left out, so that the spans have a hole. They are "
    "to cover the text, whatever it holds.",
)
def chunk_without_blanks(text, size, overlap, *, doc_id=""):
    found = cut(text, size, overlap, doc_id=doc_id)
    return [c for c in found if c.text.strip()]


@mistake(
    "chunk",
    "runs-for-ever",
    "With an overlap as large as the size no chunk brings anything new, and the cutting "
    "has no end: it recurses, or loops, until memory or patience runs out. Refuse it "
    "with a ValueError before you start.",
    seen_in="unclecode/crawl4ai #2012",
)
def chunk_by_recursion(text, size, overlap, *, doc_id="", start=0, n=0):
    if size < 1 or overlap < 0:
        raise ValueError("bad size or overlap")
    if text == "":
        return []
    end = min(start + size, len(text))
    first = Chunk(f"{doc_id}#{n}", doc_id, text[start:end], start, end)
    if end == len(text):
        return [first]
    rest = {"doc_id": doc_id, "start": end - overlap, "n": n + 1}
    return [first, *chunk_by_recursion(text, size, overlap, **rest)]


overlap_cut_back = edit(
    "chunk",
    "overlap-too-large-accepted",
    "An overlap of the size or more gives chunks, or none, and no error. Whoever set it "
    "made a mistake, and is to hear of it: a ValueError.",
    """    if size < 1 or not 0 <= overlap < size:
        raise ValueError(f"0 <= overlap < size is due, not {overlap} and {size}")
""",
    """    if size < 1 or overlap < 0:
        raise ValueError("bad size or overlap")
    overlap = min(overlap, size - 1)
""",
)

no_overlap_then = edit(
    "chunk",
    "overlap-too-large-accepted",
    "",
    """    if size < 1 or not 0 <= overlap < size:
        raise ValueError(f"0 <= overlap < size is due, not {overlap} and {size}")
""",
    """    if size < 1 or overlap < 0:
        raise ValueError("bad size or overlap")
    if overlap >= size:
        overlap = 0
""",
)

nothing_then = edit(
    "chunk",
    "overlap-too-large-accepted",
    "",
    """    if size < 1 or not 0 <= overlap < size:
        raise ValueError(f"0 <= overlap < size is due, not {overlap} and {size}")
""",
    """    if size < 1 or overlap < 0:
        raise ValueError("bad size or overlap")
    if overlap >= size:
        return []
""",
)

equal_overlap = edit(
    "chunk",
    "overlap-equal-to-size-accepted",
    "An overlap above the size is refused, but not one that is equal to it. With size 3 "
    "and overlap 3 no chunk would bring anything new: a ValueError too.",
    """    if size < 1 or not 0 <= overlap < size:
        raise ValueError(f"0 <= overlap < size is due, not {overlap} and {size}")
""",
    """    if size < 1 or not 0 <= overlap <= size:
        raise ValueError("bad size or overlap")
    overlap = min(overlap, size - 1)
""",
)

negative_overlap = edit(
    "chunk",
    "negative-overlap-accepted",
    "A negative overlap is accepted. It would leave text out between two chunks: a "
    "ValueError.",
    "not 0 <= overlap < size",
    "overlap >= size",
)

other_error = edit(
    "chunk",
    "another-error",
    "A size or an overlap that makes no sense is an error here, but not the one that "
    "was promised: a ValueError.",
    "raise ValueError(",
    "raise AssertionError(",
)

unchecked_size = edit(
    "chunk",
    "size-not-checked",
    "A size below 1 is accepted. There are no chunks of no characters: a ValueError.",
    """    if size < 1 or not 0 <= overlap < size:
        raise ValueError(f"0 <= overlap < size is due, not {overlap} and {size}")
""",
    """    if size < 1:
        return []
    if not 0 <= overlap < size:
        raise ValueError("bad overlap")
""",
)

too_long = edit(
    "chunk",
    "too-long",
    "Chunks are longer than size: the overlap is added to it. The limit is what the "
    "embedder can read; the overlap is inside.",
    "end = min(start + size, len(text))",
    "end = min(start + size + overlap, len(text))",
)

moves_by_overlap = edit(
    "chunk",
    "moves-by-the-overlap",
    "Each chunk starts `overlap` characters after the one before. It is to start so "
    "many before the end of it: they move on by size less overlap.",
    "start = max(end - overlap, 0)",
    "start = max(end - size + (overlap or size), 0)",
)


@mistake(
    "chunk",
    "bytes-counted",
    "Size and overlap count bytes of UTF-8 here. They count characters: 'größer' has "
    "six, and a cut within one of them spoils it.",
)
def chunk_of_bytes(text, size, overlap, *, doc_id=""):
    if size < 1 or not 0 <= overlap < size:
        raise ValueError("bad size or overlap")
    data, found, end = text.encode(), [], 0
    while end < len(data):
        start = max(end - overlap, 0)
        end = min(start + size, len(data))
        part = data[start:end].decode(errors="replace")
        found.append(Chunk(f"{doc_id}#{len(found)}", doc_id, part, start, end))
    return found


@mistake(
    "chunk",
    "words-counted",
    "Size and overlap count words here. They count characters: with size 4 no chunk is "
    "longer than four letters.",
)
def chunk_of_words(text, size, overlap, *, doc_id=""):
    if size < 1 or not 0 <= overlap < size:
        raise ValueError("bad size or overlap")
    spans = [(m.start(), m.end()) for m in re.finditer(r"\S+\s*", text)]
    found, last = [], 0
    while last < len(spans):
        first = max(last - overlap, 0)
        last = min(first + size, len(spans))
        start, end = spans[first][0], spans[last - 1][1]
        name = f"{doc_id}#{len(found)}"
        found.append(Chunk(name, doc_id, text[start:end], start, end))
    return found


ids_from_one = edit(
    "chunk",
    "ids-from-1",
    "The first chunk has the number 1. Numbers start at 0: 'doc#0'.",
    "{doc_id}#{len(chunks)}",
    "{doc_id}#{len(chunks) + 1}",
)

ids_without_document = edit(
    "chunk",
    "ids-without-the-document",
    "The ids are only numbers, so that two documents have the same ones, and one "
    "replaces the other in a store. An id is the document's, # and a number.",
    'name = f"{doc_id}#{len(chunks)}"',
    'name = f"{len(chunks)}"',
)

ids_of_places = edit(
    "chunk",
    "ids-of-places",
    "The number in the id is the place where the chunk starts. It is to count the "
    "chunks: 0, 1, 2.",
    "{doc_id}#{len(chunks)}",
    "{doc_id}#{start}",
)


@mistake(
    "chunk",
    "numbers-go-on",
    "The numbers go on from the call before: what counts them, or gathers the chunks, "
    "outlives the call, as a default argument does. Each document starts at 0.",
)
def chunk_counting_on(text, size, overlap, *, doc_id="", _count=[0]):  # noqa: B006
    found = []
    for c in cut(text, size, overlap, doc_id=doc_id):
        found.append(Chunk(f"{doc_id}#{_count[0]}", doc_id, c.text, c.start, c.end))
        _count[0] += 1
    return found


document_missing = edit(
    "chunk",
    "document-missing",
    "The field doc_id is not the document's. Without it a store cannot delete what "
    "belongs to a document.",
    "Chunk(name, doc_id, text",
    'Chunk(name, "", text',
)

last_included = edit(
    "chunk",
    "end-inside",
    "The end of a span is its last character here. Spans are half-open, as slices are: "
    "the text from start to end, without the one at end.",
    "text[start:end], start, end))",
    "text[start:end], start, end - 1))",
)

past_the_end = edit(
    "chunk",
    "end-past-the-text",
    "The end of the last chunk lies past the end of the text: it is the start plus size, "
    "though less was left. A span ends where its text ends.",
    "text[start:end], start, end))",
    "text[start:end], start, start + size))",
)

empty_chunk = edit(
    "chunk",
    "empty-text-gives-a-chunk",
    "An empty text gives a chunk without any text. There is nothing to find in it: the "
    "list is empty.",
    "    chunks, end = [], 0\n",
    "    if not text:\n"
    '        return [Chunk(f"{doc_id}#0", doc_id, "", 0, 0)]\n'
    "    chunks, end = [], 0\n",
)


@mistake(
    "chunk",
    "last-moved-back",
    "The last chunk was moved back to make it full, so that it shares more than "
    "`overlap` with the one before. A short last chunk is as it should be.",
)
def chunk_with_a_full_end(text, size, overlap, *, doc_id=""):
    found = cut(text, size, overlap, doc_id=doc_id)
    if len(found) > 1:
        start = max(len(text) - size, 0)
        found[-1] = Chunk(found[-1].id, doc_id, text[start:], start, len(text))
    return found


@mistake(
    "chunk",
    "last-joined",
    "A short rest was joined to the chunk before it, which is then longer than size.",
)
def chunk_with_a_long_end(text, size, overlap, *, doc_id=""):
    found = cut(text, size, overlap, doc_id=doc_id)
    if len(found) > 1 and len(found[-1].text) < size:
        start = found[-2].start
        found[-2:] = [Chunk(found[-2].id, doc_id, text[start:], start, len(text))]
    return found


lowered = edit(
    "chunk",
    "lower-case",
    "The text comes back in lower case. A chunk is what the document says, to the "
    "letter; folding is the search's affair.",
    "text[start:end], start, end))",
    "text[start:end].lower(), start, end))",
)


@mistake(
    "chunk",
    "texts-only",
    "What comes back are texts, not chunks. Without id and span nothing can be cited.",
)
def chunk_as_texts(text, size, overlap, *, doc_id=""):
    return [c.text for c in cut(text, size, overlap, doc_id=doc_id)]


@mistake(
    "chunk",
    "no-overlap-in-spans",
    "The text of a chunk has the overlap, but its start is that of the part without it: "
    "text and span do not agree.",
)
def chunk_with_spans_apart(text, size, overlap, *, doc_id=""):
    return [
        Chunk(c.id, doc_id, c.text, c.start + (overlap if n else 0), c.end)
        for n, c in enumerate(cut(text, size, overlap, doc_id=doc_id))
    ]


@mistake(
    "chunk",
    "short-text-not-checked",
    "With a text that fits into one chunk, or an empty one, a size and an overlap that "
    "make no sense are accepted: they were looked at too late. They are wrong whatever "
    "the text: a ValueError.",
)
def chunk_checked_late(text, size, overlap, *, doc_id=""):
    if size < 1 or overlap < 0:
        raise ValueError("bad size or overlap")
    if len(text) <= size:
        return [Chunk(f"{doc_id}#0", doc_id, text, 0, len(text))] if text else []
    return cut(text, size, overlap, doc_id=doc_id)


@mistake("chunk", "too-long")
def chunk_with_overlap_on_top(text, size, overlap, *, doc_id=""):
    if size < 1 or not 0 <= overlap < size:
        raise ValueError("bad size or overlap")
    found = []
    for n, place in enumerate(range(0, len(text), size)):
        start, end = max(0, place - overlap), min(place + size, len(text))
        found.append(Chunk(f"{doc_id}#{n}", doc_id, text[start:end], start, end))
    return found


@mistake(
    "chunk",
    "line-ends-changed",
    "The line ends of the text are made alike before it is cut, so that what is cut is "
    "another text: start and end no longer say where a chunk stands in the document.",
)
def chunk_with_line_ends_made_alike(text, size, overlap, *, doc_id=""):
    return cut(text.replace("\r\n", "\n"), size, overlap, doc_id=doc_id)


# VectorStore

raw_dot = edit(
    "VectorStore",
    "dot-product",
    "The score is the dot product, so that a long vector wins whatever it points at. "
    "The cosine does not ask how long it is: (2, 0) and (1, 0) score the same.",
    "scores = matrix @ vector / np.where(norms == 0, 1, norms)",
    "scores = matrix @ vector",
)

query_unscaled = edit(
    "VectorStore",
    "query-not-scaled",
    "The order is right but the scores are not cosines: the query's length was not "
    "divided out. No threshold could then be set for all questions.",
    "norms = np.linalg.norm(matrix, axis=1) * np.linalg.norm(vector)",
    "norms = np.linalg.norm(matrix, axis=1)",
)


query_in_whole_numbers = edit(
    "VectorStore",
    "query-cut-to-whole-numbers",
    "In a store of whole numbers the query is made whole too: 0.9 becomes 0, and its "
    "direction is lost. The cosine is taken in floats.",
    "rows = [row for row in self._rows.values() if where is None or where(row[0])]",
    "rows = [row for row in self._rows.values() if where is None or where(row[0])]\n"
    "        if all((row == np.rint(row)).all() for _, row in rows):\n"
    "            vector = np.trunc(vector)",
)

width_of_new_ids_only = edit(
    "VectorStore",
    "known-id-not-checked",
    "A vector of another width is stored if it replaces one: only what is new is "
    "looked at, and the next search finds rows of two widths.",
    "for vector in (*stored, *vectors)}) > 1:",
    "for vector in (*stored, *vectors)}) > 1 and not all(\n"
    "            one.id in self._rows for one in chunks\n"
    "        ):",
)

zero_is_nan = edit(
    "VectorStore",
    "zero-vector-is-nan",
    "A vector of zeros has the score NaN, and where it is sorted to is chance. It has "
    "no direction: its score is 0.",
    "np.where(norms == 0, 1, norms)",
    "norms",
)

ascending = edit(
    "VectorStore",
    "worst-first",
    "The worst chunks come first: the scores are sorted ascending.",
    "np.argsort(-scores",
    "np.argsort(scores",
)

ties_reversed = edit(
    "VectorStore",
    "ties-reversed",
    "Among equal scores the last one added comes first: an ascending order was "
    "reversed, and the ties with it. Ties stand in the order of insertion.",
    'np.argsort(-scores, kind="stable")[:k]',
    'np.argsort(scores, kind="stable")[::-1][:k]',
)

absolute = edit(
    "VectorStore",
    "sign-lost",
    "A chunk that points the other way scores as if it pointed the same way, or as if "
    "it had nothing to do with it. The opposite of a vector has the cosine -1.",
    "np.where(norms == 0, 1, norms)\n",
    "np.where(norms == 0, 1, norms)\n        scores = np.abs(scores)\n",
)

clipped = edit(
    "VectorStore",
    "sign-lost",
    "",
    "np.where(norms == 0, 1, norms)\n",
    "np.where(norms == 0, 1, norms)\n        scores = np.maximum(scores, 0)\n",
)

distances = edit(
    "VectorStore",
    "distance-as-score",
    "The score is a distance, 1 less the cosine. What is asked for is the cosine: the "
    "more alike the higher.",
    "float(scores[i])) for i",
    "1 - float(scores[i])) for i",
)


nearest = edit(
    "VectorStore",
    "nearest-by-distance",
    "The chunks are ranked by the distance between the points, not by the angle, so "
    "that a long vector in the right direction is far off.",
    "best = np.argsort(-scores,",
    "best = np.argsort(np.linalg.norm(matrix - vector, axis=1),",
)

filtered_late = edit(
    "VectorStore",
    "filtered-after-top-k",
    "The filter is asked after the best k were taken, so that fewer than k come back, "
    "or none, though more were allowed. Who may read little would find nothing.",
    """if where is None or where(row[0])]
        if not rows:
            return []
        matrix = np.stack([row for _, row in rows])
        norms = np.linalg.norm(matrix, axis=1) * np.linalg.norm(vector)
        scores = matrix @ vector / np.where(norms == 0, 1, norms)
        best = np.argsort(-scores, kind="stable")[:k]
""",
    """if True]
        if not rows:
            return []
        matrix = np.stack([row for _, row in rows])
        norms = np.linalg.norm(matrix, axis=1) * np.linalg.norm(vector)
        scores = matrix @ vector / np.where(norms == 0, 1, norms)
        best = np.argsort(-scores, kind="stable")[:k]
        best = [i for i in best if where is None or where(rows[i][0])]
""",
)

filter_ignored = edit(
    "VectorStore",
    "filter-ignored",
    "The filter has no effect: chunks come back that it forbids.",
    "if where is None or where(row[0])]",
    "if where is None or where]",
)

filter_reversed = edit(
    "VectorStore",
    "filter-reversed",
    "The filter works the wrong way round: what it allows is left out.",
    "or where(row[0])]",
    "or not where(row[0])]",
)


@mistake(
    "VectorStore",
    "added-again-doubles",
    "An id that was added again is there twice, and the old text is still found. It "
    "replaces what it was.",
)
class VectorStoreOfLists:
    def __init__(self):
        self.chunks, self.rows = [], []

    def add(self, chunks, vectors):
        if len(chunks) != len(vectors):
            raise ValueError("unequal lengths")
        rows = [np.array(row, float) for row in vectors]
        for row in rows:
            if self.rows and len(row) != len(self.rows[0]):
                raise ValueError("another width")
        self.chunks += chunks
        self.rows += rows

    def delete(self, doc_id):
        keep = [c.doc_id != doc_id for c in self.chunks]
        self.rows = [r for r, k in zip(self.rows, keep, strict=True) if k]
        self.chunks = [c for c, k in zip(self.chunks, keep, strict=True) if k]

    def search(self, vector, k, where=None):
        if k < 0:
            raise ValueError(k)
        found = []
        for c, row in zip(self.chunks, self.rows, strict=True):
            if len(row) != len(vector):
                raise ValueError("another width")
            if where is None or where(c):
                norms = np.linalg.norm(row) * np.linalg.norm(vector)
                found.append(Hit(c, float(row @ vector / (norms or 1.0))))
        return sorted(found, key=lambda hit: -hit.score)[:k]


added_again_kept = edit(
    "VectorStore",
    "added-again-ignored",
    "An id that was added again keeps its old text and vector: the new ones are "
    "ignored. A document that was corrected would never be found as corrected.",
    "self._rows[one.id] = one, vector",
    "self._rows.setdefault(one.id, (one, vector))",
)

chunk_kept = edit(
    "VectorStore",
    "vector-replaced-alone",
    "An id that was added again has its new vector, but its old text. Both are replaced.",
    "self._rows[one.id] = one, vector",
    "self._rows[one.id] = self._rows.get(one.id, (one,))[0], vector",
)

delete_by_beginning = edit(
    "VectorStore",
    "deletes-by-beginning",
    "Deleting 'a' deletes 'ab' as well: ids were compared by how they begin. Compare "
    "the document, as a whole.",
    "if row[0].doc_id != doc_id}",
    "if not key.startswith(doc_id)}",
)

delete_by_part = edit(
    "VectorStore",
    "deletes-by-part-of-the-id",
    "Deleting 'a' deletes the document 'a#1' as well: the document was guessed from the "
    "id of the chunk. A chunk knows its document; ids may hold the sign # twice.",
    "if row[0].doc_id != doc_id}",
    'if key.split("#")[0] != doc_id}',
)

delete_by_prefix = edit(
    "VectorStore",
    "deletes-by-part-of-the-id",
    "",
    "if row[0].doc_id != doc_id}",
    'if not key.startswith(f"{doc_id}#")}',
)

delete_one = edit(
    "VectorStore",
    "deletes-one-chunk",
    "Only the first chunk of the document was deleted; its others are still found.",
    "if row[0].doc_id != doc_id}",
    'if key != f"{doc_id}#0"}',
)

delete_nothing = edit(
    "VectorStore",
    "deletes-nothing",
    "Nothing was deleted: what was to be forgotten is still found.",
    "if row[0].doc_id != doc_id}",
    "if row[0].id != doc_id}",
)

delete_others = edit(
    "VectorStore",
    "deletes-the-others",
    "The wrong ones were deleted: the document is still there, and the others are gone.",
    "if row[0].doc_id != doc_id}",
    "if row[0].doc_id == doc_id}",
)

unknown_fails = edit(
    "VectorStore",
    "unknown-document-fails",
    "To delete a document that is not there is an error here. There is nothing to do, "
    "and nothing to complain of: who ingests a new document deletes it first.",
    "        kept = self._rows.items()\n",
    "        if all(row[0].doc_id != doc_id for row in self._rows.values()):\n"
    "            raise KeyError(doc_id)\n"
    "        kept = self._rows.items()\n",
)


@mistake(
    "VectorStore",
    "vectors-left-behind",
    "After a delete, chunks are found by the vectors of others: the chunks were taken "
    "out of one list, and their vectors stayed in the other.",
)
class VectorStoreOutOfStep(VectorStoreOfLists.whole):
    def add(self, chunks, vectors):
        VectorStoreOfLists.whole.add(self, chunks, vectors)
        last = {c.id: (c, r) for c, r in zip(self.chunks, self.rows, strict=False)}
        self.chunks = [c for c, _ in last.values()]
        self.rows = [r for _, r in last.values()] + self.rows[len(self.chunks) :]

    def delete(self, doc_id):
        self.chunks = [c for c in self.chunks if c.doc_id != doc_id]

    def search(self, vector, k, where=None):
        rows = self.rows
        self.rows = rows[: len(self.chunks)]
        found = VectorStoreOfLists.whole.search(self, vector, k, where)
        self.rows = rows
        return found


truncated = edit(
    "VectorStore",
    "unequal-lengths-cut",
    "Other numbers of chunks and of vectors were accepted, and what one had too many was "
    "lost in silence, as a zip does. They belong together one by one: a ValueError.",
    """        if len(vectors) != len(chunks):
            raise ValueError(f"{len(chunks)} chunks, but {len(vectors)} vectors")
""",
    """        n = min(len(chunks), len(vectors))
        chunks, vectors = chunks[:n], vectors[:n]
""",
)

half_stored = edit(
    "VectorStore",
    "half-stored",
    "An add that failed left something behind: part of it had been stored when the "
    "mistake was noticed. Look before you store.",
    """        if len(vectors) != len(chunks):
            raise ValueError(f"{len(chunks)} chunks, but {len(vectors)} vectors")
""",
    "",
)

width_unchecked = edit(
    "VectorStore",
    "width-not-checked-in-add",
    "Vectors of another width were stored beside the old ones. Only the next search "
    "fails, for everybody, when the embedder has been changed: refuse them in add, with "
    "a ValueError.",
    "for vector in (*stored, *vectors)}",
    "for vector in stored[:1]}",
)


@mistake(
    "VectorStore",
    "width-not-checked-in-search",
    "A query of another width was compared with what fits of it, and scores came out. It "
    "comes from another embedder: a ValueError.",
)
class VectorStoreOfAnyQuery(VectorStore):
    def search(self, vector, k, where=None):
        for _, row in self._rows.values():
            width = len(row)
            padded = np.zeros(width)
            padded[: len(vector)] = np.asarray(vector, float)[:width]
            return VectorStore.search(self, padded, k, where)
        return VectorStore.search(self, vector, k, where)


negative_k = edit(
    "VectorStore",
    "negative-k-accepted",
    "A negative k was accepted: as a slice it means all but the last ones. It is a "
    "ValueError.",
    """        if k < 0:
            raise ValueError(f"k is {k}; it must be 0 or more")
""",
    "",
)

large_k = edit(
    "VectorStore",
    "large-k-fails",
    "With a k beyond what there is the search fails. It gives what there is.",
    "        if not rows:\n",
    "        if k > len(rows) > 0:\n"
    "            raise IndexError(k)\n"
    "        if not rows:\n",
)

zero_k = edit(
    "VectorStore",
    "k-of-0-gives-all",
    "k = 0 gives everything: it was taken for no limit, as what is false. It gives "
    "nothing.",
    "[:k]\n",
    "[: k or None]\n",
)

empty_store = edit(
    "VectorStore",
    "empty-store-fails",
    "A search in an empty store, or when the filter lets nothing through, is an error. "
    "Nothing is found: an empty list.",
    """        if not rows:
            return []
""",
    "",
)


@mistake(
    "VectorStore",
    "shared-between-stores",
    "Two stores share their chunks: they belong to the class, or to a default argument, "
    "and not to the object.",
)
class VectorStoreOfTheClass(VectorStore):
    rows = None

    def __init__(self):
        kind = type(self)
        if kind.rows is None:
            kind.rows = {}
        self._rows = kind.rows

    def delete(self, doc_id):
        for key in [k for k, row in self._rows.items() if row[0].doc_id == doc_id]:
            del self._rows[key]


@mistake(
    "VectorStore",
    "last-add-only",
    "Only what the last add brought is found: it took the place of what was there.",
)
class VectorStoreOfTheLast(VectorStore):
    def add(self, chunks, vectors):
        before = self._rows
        self._rows = {}
        try:
            VectorStore.add(self, chunks, vectors)
            if before and vectors.shape[1] != len(next(iter(before.values()))[1]):
                raise ValueError("another width")
        except ValueError:
            self._rows = before
            raise


@mistake(
    "VectorStore",
    "not-copied",
    "The store keeps the caller's own array. When the caller uses it again, for the next "
    "batch say, what is stored changes too. Copy it.",
)
class VectorStoreOfViews(VectorStoreOfLists.whole):
    def add(self, chunks, vectors):
        if len(chunks) != len(vectors):
            raise ValueError("unequal lengths")
        if len(self.rows) and len(vectors[0]) != len(self.rows[0]):
            raise ValueError("another width")
        new = {c.id for c in chunks}
        keep = [c.id not in new for c in self.chunks]
        self.rows = [r for r, k in zip(self.rows, keep, strict=True) if k]
        self.chunks = [c for c, k in zip(self.chunks, keep, strict=True) if k]
        self.chunks += chunks
        self.rows += list(vectors)

    def search(self, vector, k, where=None):
        query = np.asarray(vector, dtype=float)
        return VectorStoreOfLists.whole.search(self, query, k, where)


not_always_copied = edit(
    "VectorStore",
    "not-copied",
    "",
    "vectors = np.array(vectors, dtype=float)",
    "vectors = np.asarray(vectors, dtype=float)",
)


@mistake(
    "VectorStore",
    "changes-the-callers-vectors",
    "The caller's vectors were normalised in place: its own array has other numbers "
    "after the call. Divide into a new array.",
)
class VectorStoreInPlace(VectorStore):
    def add(self, chunks, vectors):
        if len(chunks) == len(vectors) and vectors.dtype.kind == "f":
            norms = np.linalg.norm(vectors, axis=1, keepdims=True)
            vectors /= np.where(norms == 0, 1, norms)
        VectorStore.add(self, chunks, vectors)


integers_kept = edit(
    "VectorStore",
    "cut-to-integers",
    "Numbers after the point are lost: vectors were stored as integers.",
    "vectors = np.array(vectors, dtype=float)",
    "vectors = np.array(vectors).astype(int)",
)

tuples_for_hits = edit(
    "VectorStore",
    "tuples-for-hits",
    "What comes back are not hits. A Hit has the fields chunk and score.",
    "[Hit(rows[i][0], float(scores[i])) for i in best]",
    "[(rows[i][0], float(scores[i])) for i in best]",
)

ids_for_chunks = edit(
    "VectorStore",
    "ids-for-chunks",
    "A hit holds the id where the chunk is due: whoever wants the text must look it up.",
    "[Hit(rows[i][0], float",
    "[Hit(rows[i][0].id, float",
)


@mistake(
    "VectorStore",
    "width-for-ever",
    "A store whose last chunk was deleted still insists on the old width. An empty "
    "store takes any: whoever changes the embedder empties it first.",
)
class VectorStoreOfOneWidth(VectorStore):
    width = None

    def add(self, chunks, vectors):
        rows = np.array(vectors, dtype=float)
        if self.width is not None and any(len(row) != self.width for row in rows):
            raise ValueError("another width")
        VectorStore.add(self, chunks, vectors)
        for row in rows:
            self.width = len(row)


@mistake(
    "VectorStore",
    "stale-vectors",
    "A search after a change still uses vectors of before it: what was made of them for "
    "an earlier search, a matrix say, is built anew only when the number of chunks "
    "differs. Forget it at every change.",
)
class VectorStoreWithAStaleMatrix(VectorStore):
    kept = None

    def search(self, vector, k, where=None):
        if where is None and self._rows:
            if self.kept is None or len(self.kept) != len(self._rows):
                self.kept = np.stack([row for _, row in self._rows.values()])
            rows = self._rows.items()
            old = {
                key: (row[0], kept)
                for (key, row), kept in zip(rows, self.kept, strict=True)
            }
            now, self._rows = self._rows, old
            try:
                return VectorStore.search(self, vector, k)
            finally:
                self._rows = now
        return VectorStore.search(self, vector, k, where)


@mistake("VectorStore", "stale-vectors")
class VectorStoreStaleWhereReplaced(VectorStoreWithAStaleMatrix.whole):
    """Its matrix is forgotten when a new id comes, and where their number differs."""

    def add(self, chunks, vectors):
        before = set(self._rows)
        VectorStore.add(self, chunks, vectors)
        if set(self._rows) != before:
            self.kept = None


@mistake("VectorStore", "stale-vectors")
class VectorStoreStaleUntilNew(VectorStore):
    """Its matrix is forgotten where a new id comes or one goes, not where one is
    replaced."""

    kept = None

    def add(self, chunks, vectors):
        before = set(self._rows)
        VectorStore.add(self, chunks, vectors)
        if set(self._rows) != before:
            self.kept = None

    def delete(self, doc_id):
        VectorStore.delete(self, doc_id)
        self.kept = None

    def search(self, vector, k, where=None):
        if self.kept is None:
            self.kept = {key: row for key, (_, row) in self._rows.items()}
        now = self._rows
        self._rows = {key: (row[0], self.kept[key]) for key, row in now.items()}
        try:
            return VectorStore.search(self, vector, k, where)
        finally:
            self._rows = now


delete_in_a_loop = edit(
    "VectorStore",
    "deletes-every-other",
    "Of chunks of the document that stand one after the other, only every other one was "
    "deleted: the loop took out of the very list that it ran over, and so stepped over "
    "the next.",
    """        self._rows = {key: row for key, row in kept if row[0].doc_id != doc_id}
""",
    """        left = list(kept)
        for entry in left:
            if entry[1][0].doc_id == doc_id:
                left.remove(entry)
        self._rows = dict(left)
""",
)

only_true = edit(
    "VectorStore",
    "true-alone-let-through",
    "A chunk is let through only if the filter gives True itself. NumPy's True, a number "
    "or a match count as true too, as in an if.",
    "or where(row[0])]",
    "or where(row[0]) is True]",
)

filter_error_swallowed = edit(
    "VectorStore",
    "error-in-the-filter-swallowed",
    "An error in the filter was swallowed: chunks are missing, or there, and nobody "
    "hears of it. It is to come through.",
    """        rows = [row for row in self._rows.values() if where is None or where(row[0])]
""",
    """        rows = []
        for row in self._rows.values():
            try:
                if where is None or where(row[0]):
                    rows.append(row)
            except Exception:
                pass
""",
)

filter_error_lets_through = edit(
    "VectorStore",
    "error-in-the-filter-swallowed",
    "",
    """        rows = [row for row in self._rows.values() if where is None or where(row[0])]
""",
    """        rows = []
        for row in self._rows.values():
            try:
                if where is None or where(row[0]):
                    rows.append(row)
            except Exception:
                rows.append(row)
""",
)

narrow_integers = edit(
    "VectorStore",
    "integers-overflow",
    "Vectors of small integers have scores that are no cosines: their products were "
    "computed in 8 bits, where they do not fit. Turn them into floats first.",
    """        matrix = np.stack([row for _, row in rows])
        norms = np.linalg.norm(matrix, axis=1) * np.linalg.norm(vector)
        scores = matrix @ vector / np.where(norms == 0, 1, norms)
""",
    """        matrix = np.stack([row for _, row in rows])
        vector = np.asarray(vector)
        norms = np.linalg.norm(matrix, axis=1) * np.linalg.norm(vector)
        whole = vector.dtype.kind == "i"
        matrix = matrix.astype(vector.dtype) if whole else matrix
        scores = matrix @ vector / np.where(norms == 0, 1, norms)
""",
)

no_chunks_unchecked = edit(
    "VectorStore",
    "vectors-without-chunks-accepted",
    "Vectors without any chunk were accepted: that there was no chunk was seen before "
    "the numbers were compared. Another number of vectors is a ValueError, also then.",
    """        vectors = np.array(vectors, dtype=float)
        if len(vectors)""",
    """        if not chunks:
            return
        vectors = np.array(vectors, dtype=float)
        if len(vectors)""",
)


@mistake(
    "VectorStore",
    "removed-before-refused",
    "An add that was refused lost chunks: those that were to be replaced had been taken "
    "out before the mistake was noticed. Look at everything before anything is changed.",
)
class VectorStoreThatRemovesFirst(VectorStore):
    def add(self, chunks, vectors):
        for one in chunks:
            self._rows.pop(one.id, None)
        VectorStore.add(self, chunks, vectors)


@mistake(
    "VectorStore",
    "negative-k-in-an-empty-store",
    "In an empty store a negative k is accepted: that it is empty was seen first. It is "
    "a ValueError in any store.",
)
class VectorStoreEmptyFirst(VectorStore):
    def search(self, vector, k, where=None):
        return VectorStore.search(self, vector, k, where) if self._rows else []


# build_context

text_only_counted = edit(
    "build_context",
    "labels-not-counted",
    "The block is over the budget: only the texts were counted, and the labels came on "
    "top. Count the block as it will be sent.",
    "if count_tokens(longer) <= budget:",
    "if sum(count_tokens(h.chunk.text) for h in hits if h.chunk.id in [*ids, "
    "hit.chunk.id]) <= budget:",
)


texts_counted = edit(
    "build_context",
    "labels-not-counted",
    "",
    "if count_tokens(longer) <= budget:",
    'if count_tokens("\\n".join(h.chunk.text for h in hits if h.chunk.id in [*ids, '
    "hit.chunk.id])) <= budget:",
)


@mistake(
    "build_context",
    "joints-not-counted",
    "The block is a little over the budget: each piece was counted by itself, and what "
    "joins them, a blank line say, was not.",
)
def build_context_of_pieces(hits, budget, count_tokens):
    pieces, ids, used = [], [], 0
    for hit in hits:
        text = f"[{hit.chunk.id}]\n{hit.chunk.text}"
        if used + count_tokens(text) > budget:
            break
        used += count_tokens(text)
        pieces.append(text)
        ids.append(hit.chunk.id)
    return "\n\n".join(pieces), ids


@mistake(
    "build_context",
    "all-ids-returned",
    "The ids are those of all hits, though not all of them are in the block. Citations "
    "checked against them would pass for chunks that the model never saw.",
)
def build_context_with_all_ids(hits, budget, count_tokens):
    block, _ = build_context(hits, budget, count_tokens)
    return block, [hit.chunk.id for hit in hits]


@mistake(
    "build_context",
    "chunk-cut-to-fit",
    "A chunk was cut to make it fit. Half a sentence can say the opposite of the whole "
    "one: chunks are taken whole or not at all.",
)
def build_context_that_cuts(hits, budget, count_tokens):
    block, ids = "", []
    for hit in hits:
        head = f"[{hit.chunk.id}]\n"
        longer = f"{block}\n\n{head}" if ids else head
        pieces = re.findall(r"\S+\s*", hit.chunk.text)
        taken = ""
        for word in pieces:
            if count_tokens(longer + taken + word) > budget:
                break
            taken += word
        if not taken:
            break
        block, ids = longer + taken, [*ids, hit.chunk.id]
        if taken != hit.chunk.text:
            break
    return block, ids


@mistake(
    "build_context",
    "block-cut-to-fit",
    "The finished block was cut at the budget, so that its last chunk breaks off, and "
    "the ids name chunks that are not, or not wholly, in it.",
)
def build_context_cut_at_the_end(hits, budget, count_tokens):
    block, ids = build_context(hits, 10**9, count_tokens)
    while block and count_tokens(block) > budget:
        block = block[:-1]
    return block, ids if block else []


exact_refused = edit(
    "build_context",
    "exact-fit-refused",
    "A block that counts exactly the budget is refused. It fits: at most is not less "
    "than.",
    "<= budget",
    "< budget",
)

one_too_many = edit(
    "build_context",
    "one-too-many",
    "The budget was looked at before a chunk was added, not after: the last one goes "
    "over it.",
    "count_tokens(longer) <= budget",
    "count_tokens(block) < budget",
)

budget_ignored = edit(
    "build_context",
    "budget-ignored",
    "Everything is packed, whatever the budget. A model would refuse the prompt, or "
    "forget its beginning.",
    "if count_tokens(longer) <= budget:",
    "if longer:",
)

budget_each = edit(
    "build_context",
    "budget-for-each-chunk",
    "Each chunk alone was compared with the budget. It is for the whole block.",
    "count_tokens(longer) <= budget",
    "count_tokens(piece) <= budget",
)

worst_first = edit(
    "build_context",
    "worst-first",
    "The chunks are packed from the worst hit on, so that the best ones fall out when "
    "room is short. Hits come best first.",
    "for hit in hits:",
    "for hit in reversed(hits):",
)


@mistake(
    "build_context",
    "order-turned",
    "The chunks that fit are the right ones, but they stand in the block from the worst "
    "to the best, or the ids do. Both are best first.",
)
def build_context_turned(hits, budget, count_tokens):
    _, ids = build_context(hits, budget, count_tokens)
    chosen = [hit.chunk for hit in hits if hit.chunk.id in ids][::-1]
    block = "\n\n".join(f"[{c.id}]\n{c.text}" for c in chosen)
    return block, [c.id for c in chosen]


shortest_first = edit(
    "build_context",
    "shortest-first",
    "The shortest chunks are packed first, so that more of them fit, and not the best. "
    "Hits come best first, and so they are taken.",
    "for hit in hits:",
    "for hit in sorted(hits, key=lambda hit: len(hit.chunk.text)):",
)

characters_counted = edit(
    "build_context",
    "characters-counted",
    "The budget was compared with a number of characters, or of words, of your own. "
    "What counts is what count_tokens gives.",
    "count_tokens(longer) <= budget",
    "len(longer) <= budget",
)

guessed = edit(
    "build_context",
    "tokens-guessed",
    "The tokens were guessed from the length of the text. What counts is what "
    "count_tokens gives; a guess is too small for code, or for Japanese.",
    "count_tokens(longer) <= budget",
    "len(longer) // 4 <= budget",
)


@mistake(
    "build_context",
    "header-when-empty",
    "Nothing fits, but the block is not empty: a heading stands there alone. Whoever "
    "asks whether there is a context gets the wrong answer.",
)
def build_context_with_a_heading(hits, budget, count_tokens):
    block, ids = build_context(hits, budget - count_tokens("Context:\n"), count_tokens)
    return f"Context:\n{block}", ids


no_labels = edit(
    "build_context",
    "no-labels",
    "The chunks have no labels. Without an id in brackets before a text the model has "
    "nothing to cite it by.",
    'piece = f"[{hit.chunk.id}]\\n{hit.chunk.text}"',
    "piece = hit.chunk.text",
)

bare_ids = edit(
    "build_context",
    "label-without-brackets",
    "The ids stand before the texts, but not in square brackets. A citation is an id in "
    "brackets, and the model repeats what it is shown.",
    'piece = f"[{hit.chunk.id}]\\n{hit.chunk.text}"',
    'piece = f"{hit.chunk.id}:\\n{hit.chunk.text}"',
)

one_label_for_neighbours = edit(
    "build_context",
    "one-label-per-document",
    "A chunk that follows one of its own document has no label: they were put under one. "
    "Each has its own id, by which it is cited.",
    'piece = f"[{hit.chunk.id}]\\n{hit.chunk.text}"',
    'piece = f"[{hit.chunk.id}]\\n{hit.chunk.text}"\n'
    '        if ids and ids[-1].rpartition("#")[0] == hit.chunk.doc_id:\n'
    "            piece = hit.chunk.text",
)

block_stripped = edit(
    "build_context",
    "block-stripped",
    "White space at the end of the block was stripped, and with it the end of the last "
    "chunk. A chunk stands there as it is.",
    "    return block, ids\n",
    "    return block.strip(), ids\n",
)

lines_joined = edit(
    "build_context",
    "line-ends-changed",
    "The text of a chunk was cut into lines and joined again: the line end after the last "
    "one is lost, and other kinds of line end became a plain one. Leave it as it is.",
    "{hit.chunk.text}",
    "{chr(10).join(hit.chunk.text.splitlines())}",
)

ends_stripped = edit(
    "build_context",
    "text-changed",
    "",
    "{hit.chunk.text}",
    "{hit.chunk.text.rstrip()}",
)

escaped = edit(
    "build_context",
    "text-escaped",
    "Signs such as < and & were escaped, as for a web page. The model reads the text as "
    "it is, and so it is to stand there.",
    "{hit.chunk.text}",
    "{hit.chunk.text.replace('&', '&amp;').replace('<', '&lt;').replace('>', '&gt;')}",
)

escaped_partly = edit(
    "build_context",
    "text-escaped",
    "",
    "{hit.chunk.text}",
    "{hit.chunk.text.replace('<', '&lt;')}",
)

filled_in = edit(
    "build_context",
    "placeholder-in-a-chunk",
    "A text that holds the name of a placeholder was filled in: it was put into a "
    "template, which was then searched for the next place. Put texts together without "
    "reading them as templates.",
    'piece = f"[{hit.chunk.id}]\\n{hit.chunk.text}"',
    'piece = "[{id}]\\n{text}".replace("{text}", hit.chunk.text)\n'
    '        piece = piece.replace("{id}", hit.chunk.id)',
)

filled_in_by_words = edit(
    "build_context",
    "placeholder-in-a-chunk",
    "",
    'piece = f"[{hit.chunk.id}]\\n{hit.chunk.text}"',
    'piece = "[ID]\\nTEXT".replace("TEXT", hit.chunk.text)\n'
    '        piece = piece.replace("ID", hit.chunk.id)',
)

blank_left_out = edit(
    "build_context",
    "blank-chunk-left-out",
    "A chunk of white space alone was left out. What fits is taken, whatever its text: "
    "to choose is the search's affair.",
    "        if count_tokens(longer) <= budget:",
    "        if hit.chunk.text.strip() and count_tokens(longer) <= budget:",
)

same_text_once = edit(
    "build_context",
    "same-text-once",
    "A chunk whose text stood in the block already was left out. It has an id of its "
    "own, and its document may be the one to cite: what fits is taken.",
    "        if count_tokens(longer) <= budget:",
    "        if hit.chunk.text not in block and count_tokens(longer) <= budget:",
)

same_text_set = edit(
    "build_context",
    "same-text-once",
    "",
    "        if count_tokens(longer) <= budget:",
    "        texts = [h.chunk.text for h in hits if h.chunk.id in ids]\n"
    "        if hit.chunk.text not in texts and count_tokens(longer) <= budget:",
)

low_scores_left_out = edit(
    "build_context",
    "low-score-left-out",
    "A chunk whose score is 0, or below, was left out. What fits is taken, whatever its "
    "score: min_score is another's affair.",
    "        if count_tokens(longer) <= budget:",
    "        if hit.score > 0 and count_tokens(longer) <= budget:",
)

negative_left_out = edit(
    "build_context",
    "low-score-left-out",
    "",
    "        if count_tokens(longer) <= budget:",
    "        if hit.score >= 0 and count_tokens(longer) <= budget:",
)


@mistake(
    "build_context",
    "parts-counted",
    "A block that fits exactly is refused: its pieces, and what joins them, were counted "
    "one by one and added up. The count of a text need not be the sum over its parts: "
    "count the block.",
)
def build_context_by_parts(hits, budget, count_tokens):
    pieces, ids, used = [], [], 0
    for hit in hits:
        text = f"[{hit.chunk.id}]\n{hit.chunk.text}"
        cost = count_tokens(text) + (count_tokens("\n\n") if ids else 0)
        if used + cost > budget or count_tokens("\n\n".join([*pieces, text])) > budget:
            break
        used += cost
        pieces.append(text)
        ids.append(hit.chunk.id)
    return "\n\n".join(pieces), ids


numbers_for_ids = edit(
    "build_context",
    "numbers-for-labels",
    "The labels are numbers, not the ids of the chunks. A citation is an id in "
    "brackets, and the model can only repeat what it is shown.",
    'piece = f"[{hit.chunk.id}]\\n{hit.chunk.text}"',
    'piece = f"[{len(ids) + 1}]\\n{hit.chunk.text}"',
)

documents_for_labels = edit(
    "build_context",
    "documents-for-labels",
    "The labels name the document, not the chunk. Two chunks of one document could not "
    "be told apart.",
    "[{hit.chunk.id}]",
    "[{hit.chunk.doc_id}]",
)

first_only = edit(
    "build_context",
    "first-only",
    "Only the best chunk is taken, though more would fit.",
    "        if count_tokens(longer) <= budget:",
    "        if not ids and count_tokens(longer) <= budget:",
)

stripped_texts = edit(
    "build_context",
    "text-changed",
    "The text of a chunk was changed: its white space was stripped or joined. In code "
    "and in tables it has a meaning; send the text as it is.",
    "{hit.chunk.text}",
    "{' '.join(hit.chunk.text.split())}",
)

edges_stripped = edit(
    "build_context",
    "text-changed",
    "",
    "{hit.chunk.text}",
    "{hit.chunk.text.strip()}",
)

texts_for_ids = edit(
    "build_context",
    "places-for-ids",
    "The second part of what comes back is to be the ids of the chunks, in their order.",
    "[*ids, hit.chunk.id]",
    "[*ids, len(ids)]",
)

documents_for_ids = edit(
    "build_context",
    "documents-for-ids",
    "The ids that come back are those of the documents. A citation names a chunk.",
    "[*ids, hit.chunk.id]",
    "[*ids, hit.chunk.doc_id]",
)

none_for_nothing = edit(
    "build_context",
    "none-for-nothing",
    "When nothing fits it gives None. An empty block and an empty list are due, so that "
    "the caller can unpack them.",
    "    return block, ids\n",
    "    return (block, ids) if ids else None\n",
)

fails_for_nothing = edit(
    "build_context",
    "error-for-nothing",
    "When nothing fits it is an error. It happens every day, and is an answer: an empty "
    "block and an empty list.",
    "    return block, ids\n",
    "    if not ids:\n"
    '        raise ValueError("nothing fits")\n'
    "    return block, ids\n",
)


@mistake(
    "build_context",
    "labels-below",
    "The ids come after the texts, below each or in a list at the end. A label belongs "
    "directly before its text: read from above, each text would seem to have the label "
    "of the one before it.",
)
def build_context_with_labels_below(hits, budget, count_tokens):
    block, ids = "", []
    for hit in hits:
        longer = f"{block}{hit.chunk.text}\n[{hit.chunk.id}]\n"
        if count_tokens(longer) <= budget:
            block, ids = longer, [*ids, hit.chunk.id]
    return block, ids


@mistake("build_context", "chunk-cut-to-fit")
def build_context_that_fills_up(hits, budget, count_tokens):
    block, ids = build_context(hits, budget, count_tokens)
    for hit in hits:
        if hit.chunk.id not in ids:
            for n in range(len(hit.chunk.text) - 1, 10, -1):
                head = f"{block}\n\n" if block else ""
                longer = f"{head}[{hit.chunk.id}]\n{hit.chunk.text[:n]}"
                if count_tokens(longer) <= budget:
                    return longer, [*ids, hit.chunk.id]
            break
    return block, ids


# RAG

embeds_one_by_one = edit(
    "RAG",
    "embed-for-each-chunk",
    "The embedder is called once for each chunk, or each document. A service charges "
    "and waits for each call: all texts of an ingest go into one.",
    "self.embed([one.text for one in chunks]) if chunks else []",
    "[self.embed([one.text])[0] for one in chunks]",
)

embeds_by_document = edit(
    "RAG",
    "embed-for-each-chunk",
    "",
    """        chunks = []
        for doc_id, text in docs.items():
            chunks += chunk(text, self.size, self.overlap, doc_id=doc_id)
        vectors = self.embed([one.text for one in chunks]) if chunks else []
        for doc_id in docs:
            self.store.delete(doc_id)
        self.store.add(chunks, vectors)
""",
    """        for doc_id, text in docs.items():
            chunks = chunk(text, self.size, self.overlap, doc_id=doc_id)
            self.store.delete(doc_id)
            if chunks:
                vectors = self.embed([one.text for one in chunks])
                self.store.add(chunks, vectors)
""",
)

embeds_twice = edit(
    "RAG",
    "question-embedded-twice",
    "The question is embedded more than once. One call for a question is enough.",
    "hits = self.store.search(self.embed([question])[0], self.k)",
    "self.embed([question]); hits = self.store.search(self.embed([question])[0], self.k)",
)

embeds_all_again = edit(
    "RAG",
    "documents-embedded-again",
    "The documents are embedded again for a question. Their vectors were made when they "
    "came, and are kept.",
    "hits = self.store.search(self.embed([question])[0], self.k)",
    "known = [row[0].text for row in self.store._rows.values()]\n"
    "        hits = self.store.search(self.embed([*known, question])[-1], self.k)",
)

not_cut = edit(
    "RAG",
    "documents-not-cut",
    "A long document is embedded whole. One vector for all that it says is near to "
    "nothing, and an embedder cuts what is too long in silence: cut it into chunks of "
    "at most 400 characters first.",
    "chunk(text, self.size, self.overlap, doc_id=doc_id)",
    "chunk(text, max(len(text), 41), self.overlap, doc_id=doc_id)",
)

first_chunk = edit(
    "RAG",
    "beginning-only",
    "Only the beginning of a document can be found: what follows its first chunk was "
    "never embedded.",
    "chunk(text, self.size, self.overlap, doc_id=doc_id)",
    "chunk(text[:400], self.size, self.overlap, doc_id=doc_id)",
)

in_system = edit(
    "RAG",
    "documents-in-the-system-message",
    "Text of a document stands in the system message, where the model takes it for your "
    "own rules. Whoever can write a document could give it orders: put it into a "
    "user's message, fenced and named as data.",
    """            asked = f"<documents>\\n{block}\\n</documents>\\n\\nQuestion: {question}"
            return [
                {"role": "system", "content": rules},
""",
    """            asked = f"Question: {question}"
            told = f"{rules}\\n<documents>\\n{block}\\n</documents>"
            return [
                {"role": "system", "content": told},
""",
)

all_in_system = edit(
    "RAG",
    "all-in-the-system-message",
    "Everything is in the system message, the question too. The question is the "
    "user's, and documents are data.",
    """                {"role": "system", "content": rules},
                {"role": "user", "content": asked},
""",
    """                {"role": "system", "content": rules + asked},
""",
)

question_lowered = edit(
    "RAG",
    "question-changed",
    "The question did not reach the model as it was asked: its letters, quotes or blanks "
    "were changed on the way. Send it to the letter.",
    "Question: {question}",
    "Question: {question.lower()}",
)

question_stripped = edit(
    "RAG",
    "question-changed",
    "",
    "Question: {question}",
    "Question: {' '.join(question.split())}",
)

question_as_repr = edit(
    "RAG",
    "question-changed",
    "",
    "Question: {question}",
    "Question: {question!r}",
)

question_edges = edit(
    "RAG",
    "question-changed",
    "",
    "Question: {question}",
    "Question: {question.strip()}",
)

question_missing = edit(
    "RAG",
    "question-missing",
    "The model was sent documents, but not the question.",
    "\\n\\nQuestion: {question}",
    "",
)

context_missing = edit(
    "RAG",
    "documents-not-sent",
    "The documents were looked up but not sent: the model answers from memory, and the "
    "citations are invented.",
    "\\n{block}\\n</documents>",
    "\\n</documents>",
)

formatted = edit(
    "RAG",
    "signs-in-documents-fail",
    "Braces or a percent sign in a document, or in a question, are taken for a place to "
    "fill: what is sent is changed, or it fails. Put texts together without reading "
    "them as templates.",
    """            asked = f"<documents>\\n{block}\\n</documents>\\n\\nQuestion: {question}"
""",
    """            asked = f"<documents>\\n{block}\\n</documents>\\n\\nQuestion: "
            asked = (asked + "{question}").format(question=question)
""",
)

replaced = edit(
    "RAG",
    "placeholder-in-a-document",
    "A document, or a question, that holds the name of a placeholder was filled in, "
    "because one text was put into the template and then searched for the next place.",
    """            asked = f"<documents>\\n{block}\\n</documents>\\n\\nQuestion: {question}"
""",
    """            asked = "<documents>\\n{context}\\n</documents>\\n\\nQuestion: {question}"
            asked = asked.replace("{context}", block).replace("{question}", question)
""",
)

replaced_question_first = edit(
    "RAG",
    "placeholder-in-a-document",
    "",
    """            asked = f"<documents>\\n{block}\\n</documents>\\n\\nQuestion: {question}"
""",
    """            asked = "<documents>\\n{context}\\n</documents>\\n\\nQuestion: {question}"
            asked = asked.replace("{question}", question).replace("{context}", block)
""",
)

k_ignored = edit(
    "RAG",
    "k-ignored",
    "k has no effect: another number of chunks is sent.",
    "self.embed([question])[0], self.k)",
    "self.embed([question])[0], 5)",
)

k_wrong_default = edit(
    "RAG",
    "another-default-k",
    "Without a k, five chunks are looked for. Here the default is another one.",
    "k=5, budget",
    "k=3, budget",
)

no_top_k = edit(
    "RAG",
    "all-chunks-sent",
    "All chunks that fit are sent, however many: k has no effect.",
    "self.embed([question])[0], self.k)",
    "self.embed([question])[0], 10**6)",
)

history_kept = edit(
    "RAG",
    "history-sent",
    "The question before, or its answer, is sent along with the next one. It was not "
    "asked for, costs tokens, and colours the answer: every question stands alone.",
    """        reply = self.llm(messages(block))
""",
    """        self.past = [*getattr(self, "past", []), *messages(block)]
        reply = self.llm(self.past)
""",
)


@mistake(
    "RAG",
    "shared-between-pipelines",
    "Two pipelines share their documents: the store belongs to the class, or to a "
    "default argument, and not to the object. One customer's question would be answered "
    "from another's files.",
)
class RAGOfTheClass(RAG):
    kept = None

    @property
    def store(self):
        return type(self).kept

    @store.setter
    def store(self, new):
        type(self).kept = new


cites_all = edit(
    "RAG",
    "cites-all-that-was-sent",
    "The citations are all chunks that were sent, not those that the reply cites. Then "
    "they prove nothing: a reply without a source would have five.",
    "supported = [name for name in cited if name in ids]",
    "supported = ids",
)

trusts_the_model = edit(
    "RAG",
    "made-up-citation-kept",
    "An id that the model made up is among the citations. Compare each with what was "
    "sent; the others are unsupported.",
    "supported = [name for name in cited if name in ids]",
    "supported = cited",
)

cites_the_store = edit(
    "RAG",
    "cites-what-was-not-sent",
    "A citation of a chunk that exists, but was not sent, passed: it was looked up among "
    "all that is stored, or all that was found. The model has not read it.",
    """        supported = [name for name in cited if name in ids]
        unsupported = [name for name in cited if name not in ids]
""",
    """        supported = [name for name in cited if name in self.store._rows]
        unsupported = [name for name in cited if name not in self.store._rows]
""",
)

cites_the_found = edit(
    "RAG",
    "found-for-sent",
    "Chunks that were found but did not fit are among the context, or can be cited. The "
    "context is what was really sent.",
    "        if not ids:\n",
    "        ids = [hit.chunk.id for hit in hits] if ids else []\n        if not ids:\n",
)

unsupported_lost = edit(
    "RAG",
    "unsupported-not-listed",
    "What the reply cites without having been sent it is dropped in silence. It is the "
    "best sign of an invented answer: list it as unsupported.",
    "unsupported = [name for name in cited if name not in ids]",
    "unsupported = []",
)

unused_as_unsupported = edit(
    "RAG",
    "uncited-as-unsupported",
    "Unsupported are not the chunks that were sent and not cited, but the ids that were "
    "cited and not sent.",
    "unsupported = [name for name in cited if name not in ids]",
    "unsupported = [name for name in ids if name not in cited]",
)

cited_twice = edit(
    "RAG",
    "cited-twice-listed-twice",
    "An id that the reply cites twice is listed twice. Each stands once in its list.",
    're.findall(r"\\[([^\\[\\]]+)\\]", reply)))',
    're.findall(r"\\[([^\\[\\]]+)\\]", reply)))\n'
    '        cited = re.findall(r"\\[([^\\[\\]]+)\\]", reply)',
)

cited_in_context_order = edit(
    "RAG",
    "citations-in-another-order",
    "The citations, or the unsupported ids, stand in the order of the context, or of the "
    "alphabet. They stand as they were first cited.",
    "supported = [name for name in cited if name in ids]",
    "supported = [name for name in ids if name in cited]",
)

cited_sorted = edit(
    "RAG",
    "citations-in-another-order",
    "",
    "supported = [name for name in cited if name in ids]",
    "supported = sorted(name for name in cited if name in ids)",
)

cited_without_brackets = edit(
    "RAG",
    "mentioned-for-cited",
    "An id that merely occurs in the reply was taken for a citation. A citation is an "
    "id in square brackets.",
    "supported = [name for name in cited if name in ids]",
    "supported = [name for name in ids if name in reply]",
)

worst_first_in_the_block = edit(
    "RAG",
    "worst-chunk-first",
    "The chunks go to the model with the worst of those found first, and when room is "
    "short it is the best that are left out. The best come first.",
    "block, ids = build_context(hits, self.budget, cost)",
    "block, ids = build_context(hits[::-1], self.budget, cost)",
)

cost_of_a_role = edit(
    "RAG",
    "tokens-added-per-message",
    "Some tokens were added for each message, as servers do. Here the budget is for what "
    "count_tokens gives for the contents, and for nothing else.",
    "sum(self.count_tokens(one[",
    "sum(3 + self.count_tokens(one[",
)

found_in_the_block = edit(
    "RAG",
    "part-of-a-label-accepted",
    "A citation counts as valid if its letters stand anywhere in what was sent, inside a "
    "longer id for instance: x#1 because x#1#0 was sent. It must be the whole id.",
    "supported = [name for name in cited if name in ids]",
    "supported = [name for name in cited if name in block]",
)

plain_ids_only = edit(
    "RAG",
    "plain-ids-only",
    "Ids with certain signs, blanks or round brackets for instance, are not recognised "
    "in the reply. Whatever stands between square brackets may be an id.",
    're.findall(r"\\[([^\\[\\]]+)\\]", reply)',
    're.findall(r"\\[([a-zA-Z0-9_.-]+#\\d+)\\]", reply)',
)

no_blanks_in_ids = edit(
    "RAG",
    "plain-ids-only",
    "",
    're.findall(r"\\[([^\\[\\]]+)\\]", reply)',
    're.findall(r"\\[(\\S+?#\\d+)\\]", reply)',
)

greedy_citation = edit(
    "RAG",
    "greedy-citation",
    "From the first bracket to the last one everything was taken for one id, so that "
    "two citations in a reply are none.",
    're.findall(r"\\[([^\\[\\]]+)\\]", reply)',
    're.findall(r"\\[(.+)\\]", reply)',
)

by_document = edit(
    "RAG",
    "cited-by-document",
    "An id was accepted because its document was sent, though that chunk of it was not. "
    "Compare the whole id.",
    """        supported = [name for name in cited if name in ids]
        unsupported = [name for name in cited if name not in ids]
""",
    """        sent = {name.rpartition("#")[0] for name in ids}
        supported = [name for name in cited if name.rpartition("#")[0] in sent]
        unsupported = [name for name in cited if name.rpartition("#")[0] not in sent]
""",
)

documents_cited = edit(
    "RAG",
    "documents-for-chunks",
    "The citations, or the context, name documents. They are to name chunks, by their "
    "ids.",
    "supported = [name for name in cited if name in ids]",
    'supported = [name.rpartition("#")[0] for name in cited if name in ids]',
)

blanked = edit(
    "RAG",
    "uncited-reply-lost",
    "A reply without a valid citation was thrown away, or taken for an abstention. It "
    "keeps its text; that it cites nothing is for the caller to judge.",
    "        return Answer(reply, supported, ids, False, unsupported)\n",
    "        if not supported:\n"
    '            return Answer("No answer.", [], [], True, unsupported)\n'
    "        return Answer(reply, supported, ids, False, unsupported)\n",
)

blanked_text = edit(
    "RAG",
    "uncited-reply-lost",
    "",
    "        return Answer(reply, supported, ids, False, unsupported)\n",
    "        if not supported:\n"
    '            return Answer("", [], ids, False, unsupported)\n'
    "        return Answer(reply, supported, ids, False, unsupported)\n",
)

cleaned = edit(
    "RAG",
    "reply-changed",
    "The text of the answer is not the reply as it came: it was stripped, or its "
    "citations were taken out. Leave it as it is.",
    "return Answer(reply, supported",
    "return Answer(reply.strip(), supported",
)

without_citations = edit(
    "RAG",
    "reply-changed",
    "",
    "return Answer(reply, supported",
    'return Answer(re.sub(r"\\s*\\[[^\\]]*\\]", "", reply), supported',
)

bad_ones_cut = edit(
    "RAG",
    "reply-changed",
    "",
    "        return Answer(reply, supported",
    "        for name in unsupported:\n"
    '            reply = reply.replace(f"[{name}]", "")\n'
    "        return Answer(reply, supported",
)

always_answers = edit(
    "RAG",
    "always-answers",
    "The model was asked though there was nothing to answer from. It will answer all "
    "the same, from memory: abstain before asking.",
    "        if not ids:\n"
    '            return Answer("The documents do not say.", [], [], True, [])\n',
    "",
)

asked_in_vain = edit(
    "RAG",
    "asked-before-abstaining",
    "It abstains, but the model was asked first: the tokens are paid for, and the answer "
    "is thrown away.",
    "        if not ids:\n"
    '            return Answer("The documents do not say.", [], [], True, [])\n'
    "        reply = self.llm(messages(block))\n",
    "        reply = self.llm(messages(block))\n"
    "        if not ids:\n"
    '            return Answer("The documents do not say.", [], [], True, [])\n',
)

not_said = edit(
    "RAG",
    "abstention-not-said",
    "It abstains, but the field abstained is not True: the caller would show the "
    "apology as an answer.",
    '"The documents do not say.", [], [], True, [])',
    '"The documents do not say.", [], [], False, [])',
)

none_when_abstaining = edit(
    "RAG",
    "none-for-an-abstention",
    "When it abstains it gives None, or fails. An Answer is due, with abstained True and "
    "empty lists.",
    'return Answer("The documents do not say.", [], [], True, [])',
    "return None",
)

error_when_abstaining = edit(
    "RAG",
    "error-for-an-abstention",
    "When there is nothing to answer from it raises. That is no error but an answer: one "
    "with abstained True.",
    'return Answer("The documents do not say.", [], [], True, [])',
    'raise LookupError("nothing found")',
)

abstains_with_context = edit(
    "RAG",
    "abstains-with-a-context",
    "An abstention lists chunks in its context. Nothing was sent: the list is empty.",
    '"The documents do not say.", [], [], True, [])',
    '"The documents do not say.", [], [hit.chunk.id for hit in hits], True, [])',
)

min_score_ignored = edit(
    "RAG",
    "min-score-ignored",
    "Chunks below min_score were sent. The best of five bad ones is still bad.",
    "hits = [hit for hit in hits if hit.score >= self.min_score]",
    "pass",
)

best_alone_compared = edit(
    "RAG",
    "best-alone-compared",
    "If the best chunk reaches min_score all are sent, those below it too. Each has to "
    "reach it.",
    "hits = [hit for hit in hits if hit.score >= self.min_score]",
    "hits = hits if hits and hits[0].score >= self.min_score else []",
)

exclusive = edit(
    "RAG",
    "min-score-refused",
    "A chunk whose score is min_score exactly was left out. It qualifies: at least, not "
    "more than.",
    "hit.score >= self.min_score",
    "hit.score > self.min_score",
)

zero_is_none = edit(
    "RAG",
    "zero-taken-for-none",
    "min_score = 0.0 has no effect: it was taken for none, as what is false. With 0.0 a "
    "chunk that points away is left out.",
    "if self.min_score is not None:",
    "if self.min_score:",
)

zero_by_default = edit(
    "RAG",
    "threshold-by-default",
    "Without a min_score, chunks with a low score were left out all the same. None lets "
    "all pass.",
    "if self.min_score is not None:",
    "if self.min_score is None:\n"
    "            hits = [hit for hit in hits if hit.score >= 0]\n"
    "        else:",
)

distance_compared = edit(
    "RAG",
    "min-score-the-wrong-way",
    "min_score was compared the wrong way round: good chunks were left out, and bad ones "
    "sent.",
    "hit.score >= self.min_score",
    "hit.score <= self.min_score",
)

block_alone = edit(
    "RAG",
    "only-the-block-counted",
    "What is sent is over the budget: only the block of documents was counted. Rules and "
    "question are sent too, and count.",
    "build_context(hits, self.budget, cost)",
    "build_context(hits, self.budget, self.count_tokens)",
)

question_free = edit(
    "RAG",
    "question-not-counted",
    "What is sent is over the budget: the question was not counted. It may be as long as "
    "a page.",
    'one["content"]) for one in messages(block))',
    'one["content"].replace(question, "")) for one in messages(block))',
)

rules_free = edit(
    "RAG",
    "rules-not-counted",
    "What is sent is over the budget: the system message, or what stands round the "
    "documents, was not counted.",
    'return sum(self.count_tokens(one["content"]) for one in messages(block))',
    'return self.count_tokens(messages(block)[-1]["content"])',
)

frame_free = edit(
    "RAG",
    "rules-not-counted",
    "",
    'return sum(self.count_tokens(one["content"]) for one in messages(block))',
    "return self.count_tokens(block) + self.count_tokens(question)",
)

budget_fixed = edit(
    "RAG",
    "budget-ignored",
    "The budget has no effect: everything that was found is sent.",
    "build_context(hits, self.budget, cost)",
    "build_context(hits, 10**9, cost)",
)

budget_exclusive = edit(
    "RAG",
    "exact-fit-refused",
    "What counts exactly the budget was refused. It fits: at most is not less than.",
    "build_context(hits, self.budget, cost)",
    "build_context(hits, self.budget - 1, cost)",
)

all_or_nothing = edit(
    "RAG",
    "all-or-nothing",
    "If not all that was found fits, nothing is sent. The best chunks that fit are.",
    "        if not ids:\n",
    "        if len(ids) < len(hits):\n            ids = []\n        if not ids:\n",
)

characters_for_tokens = edit(
    "RAG",
    "characters-counted",
    "The budget was compared with a count of your own. What counts is what count_tokens "
    "gives.",
    "sum(self.count_tokens(one",
    "sum(len(one",
)

ingest_doubles = edit(
    "RAG",
    "ingest-doubles",
    "A document that came again is there twice, the old version beside the new one. It "
    "is replaced.",
    """        for doc_id in docs:
            self.store.delete(doc_id)
        self.store.add(chunks, vectors)
""",
    """        for one, vector in zip(chunks, vectors, strict=True):
            key = one.id, len(self.store._rows)
            self.store._rows[key] = one, np.array(vector, float)
""",
)

tail_stays = edit(
    "RAG",
    "old-tail-stays",
    "Of a longer version that was replaced, chunks are left behind: only those whose ids "
    "came again were overwritten. Delete the document before you add it.",
    """        for doc_id in docs:
            self.store.delete(doc_id)
        self.store.add""",
    "        self.store.add",
)

emptied_stays = edit(
    "RAG",
    "emptied-document-stays",
    "A document that came again without any text is still found. It was replaced, by "
    "nothing.",
    """        for doc_id in docs:
            self.store.delete(doc_id)
""",
    """        for doc_id in {one.doc_id for one in chunks}:
            self.store.delete(doc_id)
""",
)

known_skipped = edit(
    "RAG",
    "known-document-skipped",
    "A document that is known was not read again, so that a correction never arrives.",
    "        for doc_id, text in docs.items():\n",
    "        self.known = getattr(self, 'known', set())\n"
    "        docs = {name: docs[name] for name in docs if name not in self.known}\n"
    "        self.known |= set(docs)\n"
    "        for doc_id, text in docs.items():\n",
)

ingest_starts_anew = edit(
    "RAG",
    "ingest-forgets-the-others",
    "A second ingest forgets what the first one brought. Documents gather; only one that "
    "comes again is replaced.",
    "        chunks = []\n",
    "        chunks, self.store = [], VectorStore()\n",
)

store_made_anew = edit(
    "RAG",
    "ingest-forgets-the-others",
    "",
    """        for doc_id in docs:
            self.store.delete(doc_id)
        self.store.add""",
    """        self.store = VectorStore()
        self.store.add""",
)

cleared_by_beginning = edit(
    "RAG",
    "replaces-by-beginning",
    "When 'note' came again 'note2' went with it: documents were compared by how their "
    "ids begin.",
    "            self.store.delete(doc_id)\n",
    "            for row in list(self.store._rows.values()):\n"
    "                if row[0].id.startswith(doc_id):\n"
    "                    self.store.delete(row[0].doc_id)\n",
)

asks_twice = edit(
    "RAG",
    "asked-twice",
    "The model was asked more than once for one question.",
    "        reply = self.llm(messages(block))\n",
    "        self.llm(messages(block))\n        reply = self.llm(messages(block))\n",
)

text_for_answer = edit(
    "RAG",
    "text-for-answer",
    "What comes back is the reply alone. An Answer also says what was cited, what was "
    "sent, and whether it abstained.",
    "return Answer(reply, supported, ids, False, unsupported)",
    "return reply",
)


@mistake(
    "RAG",
    "last-answer-again",
    "Where it should abstain the answer to an earlier question came back: something is "
    "kept from call to call.",
)
class RAGThatRemembers(RAG):
    last = None

    def answer(self, question):
        found = RAG.answer(self, question)
        if found.abstained and self.last is not None:
            return self.last
        self.last = found
        return found


@mistake(
    "RAG",
    "answers-kept",
    "The answer to a question that was asked before came back as it was, though the "
    "documents have changed since. A cache of answers has to forget at every ingest.",
)
class RAGWithACache(RAG):
    def answer(self, question):
        self.kept = getattr(self, "kept", {})
        if question not in self.kept:
            self.kept[question] = RAG.answer(self, question)
        return self.kept[question]


first_citation = edit(
    "RAG",
    "first-citation-only",
    "Only the first citation of a reply is listed. A reply may cite several chunks.",
    "return Answer(reply, supported, ids",
    "return Answer(reply, supported[:1], ids",
)

empty_ingest_fails = edit(
    "RAG",
    "empty-ingest-fails",
    "To ingest nothing, or a document without text, is an error here. There is just "
    "nothing to store.",
    "vectors = self.embed([one.text for one in chunks]) if chunks else []",
    "vectors = np.stack(list(self.embed([one.text for one in chunks])))",
)

sent_bare = edit(
    "RAG",
    "label-missing",
    "A chunk was sent without its id in brackets directly before its text: there is no label, or it holds something else, or it comes after the text. The model can only cite what it is shown.",
    "        block, ids = build_context(hits, self.budget, cost)\n",
    '        block, ids = "", []\n        for hit in hits:\n            longer = block + f"{hit.chunk.text}\\n\\n"\n            if cost(longer) <= self.budget:\n                block, ids = longer, [*ids, hit.chunk.id]\n',
)

sent_with_numbers = edit(
    "RAG",
    "label-missing",
    "",
    "        block, ids = build_context(hits, self.budget, cost)\n",
    '        block, ids = "", []\n        for hit in hits:\n            longer = block + f"[{len(ids) + 1}] {hit.chunk.text}\\n\\n"\n            if cost(longer) <= self.budget:\n                block, ids = longer, [*ids, hit.chunk.id]\n',
)

sent_with_documents = edit(
    "RAG",
    "label-missing",
    "",
    "        block, ids = build_context(hits, self.budget, cost)\n",
    '        block, ids = "", []\n        for hit in hits:\n            longer = block + f"[{hit.chunk.doc_id}] {hit.chunk.text}\\n\\n"\n            if cost(longer) <= self.budget:\n                block, ids = longer, [*ids, hit.chunk.id]\n',
)

sent_with_labels_below = edit(
    "RAG",
    "label-missing",
    "",
    "        block, ids = build_context(hits, self.budget, cost)\n",
    '        block, ids = "", []\n        for hit in hits:\n            longer = block + f"{hit.chunk.text}\\n[{hit.chunk.id}]\\n"\n            if cost(longer) <= self.budget:\n                block, ids = longer, [*ids, hit.chunk.id]\n',
)

embeds_nothing = edit(
    "RAG",
    "embeds-nothing",
    "The embedder was called though there was nothing to embed: an ingest of nothing, or of empty documents, makes no call. Many services refuse an empty list.",
    " if chunks else []",
    "",
)

smaller_chunks = edit(
    "RAG",
    "short-document-cut",
    "A document of at most 400 characters was cut into several chunks. It is one chunk, whole.",
    "size, overlap = 400, 40",
    "size, overlap = 200, 20",
)

blank_dropped = edit(
    "RAG",
    "blank-document-dropped",
    "A document of white space alone was dropped. Only an empty text gives no chunk.",
    "        for doc_id, text in docs.items():\n",
    '        for doc_id, text in docs.items():\n            text = text if text.strip() else ""\n',
)

budget_wrong_default = edit(
    "RAG",
    "another-default-budget",
    "Without a budget it is 800. Here the default is another one.",
    "budget=800",
    "budget=500",
)

cited_with_commas = edit(
    "RAG",
    "citations-split-at-commas",
    "What stands between two brackets was split at commas. It is one id, to the letter, and ids may hold commas.",
    're.findall(r"\\[([^\\[\\]]+)\\]", reply)))',
    're.findall(r"\\[([^\\[\\]]+)\\]", reply)))\n        cited = list(dict.fromkeys(p.strip() for name in cited for p in name.split(",")))',
)

cited_stripped = edit(
    "RAG",
    "citation-stripped",
    "Blanks at the ends of what stands between two brackets were stripped. It is taken to the letter: with a blank it is another id.",
    're.findall(r"\\[([^\\[\\]]+)\\]", reply)))',
    're.findall(r"\\[([^\\[\\]]+)\\]", reply)))\n        cited = list(dict.fromkeys(name.strip() for name in cited))',
)

over_empty_brackets = edit(
    "RAG",
    "citation-after-empty-brackets",
    "After empty brackets in the reply the next citation is lost: the bracket that closes them was taken for a part of an id. No id holds a bracket.",
    're.findall(r"\\[([^\\[\\]]+)\\]", reply)',
    're.findall(r"\\[(.+?)\\]", reply)',
)


embeds_titles = edit(
    "RAG",
    "more-than-the-text-embedded",
    "What was embedded is not the text of the chunks alone: the name of the document, or a heading, was put before it. Here a text is embedded as it is.",
    "self.embed([one.text for one in chunks])",
    'self.embed([f"{one.doc_id}: {one.text}" for one in chunks])',
)


@mistake("RAG", "more-than-the-text-embedded")
class RAGOfShortTitledChunks(RAG):
    def ingest(self, docs):
        chunks = []
        for doc_id, text in docs.items():
            size = 400 if len(text) <= 400 else 350
            chunks += cut(text, size, 40, doc_id=doc_id)
        named = [f"{one.doc_id}: {one.text}" for one in chunks]
        vectors = self.embed(named) if chunks else []
        for doc_id in docs:
            self.store.delete(doc_id)
        self.store.add(chunks, vectors)


asks_again = edit(
    "RAG",
    "asked-twice",
    "",
    "        cited = list(",
    '        if not re.search(r"\\[[^\\[\\]]+\\]", reply) or not any(\n            f"[{name}]" in reply for name in ids\n        ):\n            try:\n                self.llm(messages(block))\n            except Exception:\n                pass\n        cited = list(',
)

compares_the_found = edit(
    "RAG",
    "found-for-sent",
    "",
    "        supported = [name for name in cited if name in ids]\n        unsupported = [name for name in cited if name not in ids]\n",
    "        found = [hit.chunk.id for hit in hits]\n        supported = [name for name in cited if name in found]\n        unsupported = [name for name in cited if name not in found]\n",
)

lists_the_found = edit(
    "RAG",
    "found-for-sent",
    "",
    "return Answer(reply, supported, ids,",
    "return Answer(reply, supported, [hit.chunk.id for hit in hits],",
)

replies_kept = edit(
    "RAG",
    "history-sent",
    "",
    "        reply = self.llm(messages(block))\n",
    '        self.past = getattr(self, "past", [])\n        reply = self.llm([*self.past, *messages(block)])\n        self.past.append({"role": "user", "content": f"You said: {reply}"})\n',
)

question_in_system = edit(
    "RAG",
    "question-in-the-system-message",
    "The question stands in the system message, with your own rules. Whoever asks could "
    "give orders there: it belongs in a user's message.",
    """\\n\\nQuestion: {question}"
            return [
                {"role": "system", "content": rules},
""",
    """"
            return [
                {"role": "system", "content": f"{rules}\\n{question}"},
""",
)

prefilled = edit(
    "RAG",
    "another-role",
    "A message has another role than system or user: an assistant's, say, which was "
    "never said. Not every model takes it, and documents are to be in a user's message.",
    """                {"role": "user", "content": asked},
""",
    """                {"role": "user", "content": asked},
                {"role": "assistant", "content": "Answer:"},
""",
)

as_developer = edit(
    "RAG",
    "another-role",
    "",
    """{"role": "system", "content": rules},
""",
    """{"role": "developer", "content": rules},
""",
)

as_assistant = edit(
    "RAG",
    "another-role",
    "",
    """            asked = f"<documents>\\n{block}\\n</documents>\\n\\nQuestion: {question}"
            return [
                {"role": "system", "content": rules},
                {"role": "user", "content": asked},
""",
    """            told = f"<documents>\\n{block}\\n</documents>"
            return [
                {"role": "system", "content": rules},
                {"role": "assistant", "content": told},
                {"role": "user", "content": question},
""",
)

as_tool = edit(
    "RAG",
    "another-role",
    "",
    """            asked = f"<documents>\\n{block}\\n</documents>\\n\\nQuestion: {question}"
            return [
                {"role": "system", "content": rules},
                {"role": "user", "content": asked},
""",
    """            told = f"<documents>\\n{block}\\n</documents>"
            return [
                {"role": "system", "content": rules},
                {"role": "user", "content": question},
                {"role": "tool", "content": told},
""",
)

searched_lowered = edit(
    "RAG",
    "question-changed-for-the-search",
    "What was embedded for the question is not the question as it was asked: its letters "
    "or blanks were changed, or words were added. Here it is embedded to the letter.",
    "self.embed([question])",
    "self.embed([question.lower()])",
)

searched_stripped = edit(
    "RAG",
    "question-changed-for-the-search",
    "",
    "self.embed([question])",
    "self.embed([question.strip()])",
)

searched_with_prefix = edit(
    "RAG",
    "question-changed-for-the-search",
    "",
    "self.embed([question])",
    'self.embed([f"query: {question}"])',
)

too_long_chunks = edit(
    "RAG",
    "chunks-too-long",
    "A long document is cut, but into chunks of more than 400 characters. That is the "
    "limit, the overlap included.",
    "size, overlap = 400, 40",
    "size, overlap = 500, 40",
)

overlap_on_top = edit(
    "RAG",
    "chunks-too-long",
    "",
    "            chunks += chunk(text, self.size, self.overlap, doc_id=doc_id)\n",
    """            for one in chunk(text, self.size, 0, doc_id=doc_id):
                start = max(one.start - self.overlap, 0)
                whole = text[start : one.end]
                chunks.append(Chunk(one.id, doc_id, whole, start, one.end))
""",
)

backslashes_eaten = edit(
    "RAG",
    "backslashes-eaten",
    "A backslash in a document, with the letter after it, became another sign: the text "
    "was handed over where escapes are read, as the replacement of a pattern is. Put "
    "texts together as they are.",
    """            asked = f"<documents>\\n{block}\\n</documents>\\n\\nQuestion: {question}"
""",
    """            asked = "<documents>\\nCTXT\\n</documents>\\n\\nQuestion: "
            asked = re.sub("CTXT", block, asked) + question
""",
)

escaped_documents = edit(
    "RAG",
    "documents-escaped",
    "Signs such as < and & in a document were escaped, as for a web page. The model "
    "reads the text as it is, and so it is to be sent.",
    "\\n{block}\\n</documents>",
    "\\n{block.replace('&', '&amp;').replace('<', '&lt;')}\\n</documents>",
)

returns_changed = edit(
    "RAG",
    "line-ends-changed",
    "Line ends of other kinds were made plain ones, in the document itself or on the way. "
    "A document is sent to the letter.",
    "        for doc_id, text in docs.items():\n",
    "        for doc_id, text in docs.items():\n"
    '            text = text.replace("\\r\\n", "\\n").replace("\\r", "\\n")\n',
)

crlf_changed_in_place = edit(
    "RAG",
    "changes-the-callers-documents",
    "The caller's documents were changed: its own dict holds other texts after the "
    "ingest. Work on a copy, and leave the text as it is.",
    "        for doc_id, text in docs.items():\n",
    "        for doc_id in list(docs):\n"
    '            text = docs[doc_id] = docs[doc_id].replace("\\r\\n", "\\n")\n',
)

one_label_a_document = edit(
    "RAG",
    "one-label-per-document",
    "A chunk that follows one of its own document was sent without a label: they were "
    "put under one. Each has its own id, by which it is cited.",
    "        block, ids = build_context(hits, self.budget, cost)\n",
    """        block, ids = "", []
        for hit in hits:
            same = ids and ids[-1].rpartition("#")[0] == hit.chunk.doc_id
            label = "" if same else f"[{hit.chunk.id}]"
            longer = f"{block}{label}\\n{hit.chunk.text}\\n"
            if cost(longer) <= self.budget:
                block, ids = longer, [*ids, hit.chunk.id]
""",
)

vectors_of_others = edit(
    "RAG",
    "vectors-of-other-chunks",
    "Chunks are found by the vectors of others: the texts were embedded in another "
    "order, sorted say, or each once, and the vectors were not put back in the order of "
    "the chunks.",
    "self.embed([one.text for one in chunks])",
    "self.embed(sorted(one.text for one in chunks))",
)

vectors_by_length = edit(
    "RAG",
    "vectors-of-other-chunks",
    "",
    "self.embed([one.text for one in chunks])",
    "self.embed(sorted((one.text for one in chunks), key=len))",
)

numbers_go_on = edit(
    "RAG",
    "numbers-go-on",
    "The numbers in the ids go on from one document to the next. In each they start at "
    "0: the first chunk of cats.md is cats.md#0.",
    "            chunks += chunk(text, self.size, self.overlap, doc_id=doc_id)\n",
    """            for one in chunk(text, self.size, self.overlap, doc_id=doc_id):
                name = f"{doc_id}#{len(chunks)}"
                chunks.append(Chunk(name, doc_id, one.text, one.start, one.end))
""",
)

store_of_the_class = edit(
    "RAG",
    "shared-between-pipelines",
    "",
    "        self.store = VectorStore()\n",
    """        kind = type(self)
        kind.shared = getattr(kind, "shared", None) or VectorStore()
        self.store = kind.shared
""",
)

sorted_all = edit(
    "RAG",
    "citations-in-another-order",
    "",
    're.findall(r"\\[([^\\[\\]]+)\\]", reply)))',
    're.findall(r"\\[([^\\[\\]]+)\\]", reply)))\n        cited = sorted(cited)',
)

case_of_citations = edit(
    "RAG",
    "citation-in-lower-case",
    "What the reply cites was put into lower case before it was compared. An id is taken "
    "to the letter: with another capital it is another id.",
    're.findall(r"\\[([^\\[\\]]+)\\]", reply)',
    're.findall(r"\\[([^\\[\\]]+)\\]", reply.lower())',
)

looked_up_in_the_block = edit(
    "RAG",
    "looked-up-in-the-prompt",
    "A citation passed because what it says in brackets stands somewhere in the prompt: "
    "in the text of a document, or in the question. Compare with the ids of the chunks "
    "that were sent.",
    """        supported = [name for name in cited if name in ids]
        unsupported = [name for name in cited if name not in ids]
""",
    """        supported = [name for name in cited if f"[{name}]" in block]
        unsupported = [name for name in cited if f"[{name}]" not in block]
""",
)

looked_up_in_all_messages = edit(
    "RAG",
    "looked-up-in-the-prompt",
    "",
    """        supported = [name for name in cited if name in ids]
        unsupported = [name for name in cited if name not in ids]
""",
    """        asked = messages(block)[-1]["content"]
        supported = [name for name in cited if f"[{name}]" in asked]
        unsupported = [name for name in cited if f"[{name}]" not in asked]
""",
)

part_of_an_id = edit(
    "RAG",
    "part-of-an-id-accepted",
    "A citation passed that is only a part of an id, or an id with something beside it. "
    "What stands in brackets has to be the id, whole.",
    """        supported = [name for name in cited if name in ids]
        unsupported = [name for name in cited if name not in ids]
""",
    """        supported = [name for name in cited if any(name in one for one in ids)]
        unsupported = [name for name in cited if name not in supported]
""",
)

more_than_an_id = edit(
    "RAG",
    "part-of-an-id-accepted",
    "",
    """        supported = [name for name in cited if name in ids]
        unsupported = [name for name in cited if name not in ids]
""",
    """        supported = [name for name in cited if any(one in name for one in ids)]
        unsupported = [name for name in cited if name not in supported]
""",
)

empty_reply_abstains = edit(
    "RAG",
    "empty-reply-abstains",
    "An empty reply was taken for an abstention, or replaced. The model was asked: what "
    "it said is the answer, though it is nothing.",
    "        cited = list(",
    '        if not reply:\n            return Answer("Nothing.", [], [], True, [])\n'
    "        cited = list(",
)

no_text = edit(
    "RAG",
    "no-text-when-abstaining",
    "The text of an abstention is no text but None, or something else. Whoever shows it "
    "needs a string; its words are yours.",
    '"The documents do not say.", [], [], True, [])',
    "None, [], [], True, [])",
)

rounded_score = edit(
    "RAG",
    "score-rounded",
    "A score was rounded before it was compared with min_score, so that chunks just below "
    "it pass, or some just above do not. Round what is shown, not what is compared.",
    "hit.score >= self.min_score",
    "round(hit.score, 2) >= self.min_score",
)

rounded_finer = edit(
    "RAG",
    "score-rounded",
    "",
    "hit.score >= self.min_score",
    "round(hit.score, 3) >= self.min_score",
)

zero_budget = edit(
    "RAG",
    "budget-of-0-ignored",
    "A budget of 0 was taken for none, as what is false, and the default used. With 0 "
    "nothing fits: it abstains.",
    "self.k, self.budget, self.min_score = k, budget, min_score",
    "self.k, self.budget, self.min_score = k, budget or 800, min_score",
)

zero_k = edit(
    "RAG",
    "k-of-0-ignored",
    "k = 0 was taken for none, as what is false, and the default used. With 0 nothing is "
    "found: it abstains.",
    "self.k, self.budget, self.min_score = k, budget, min_score",
    "self.k, self.budget, self.min_score = k or 5, budget, min_score",
)

beyond_k = edit(
    "RAG",
    "looks-beyond-k",
    "Where one of the best k does not fit, a chunk that is not among them took its place. "
    "k is how many are looked for, whether they fit or not.",
    "        hits = self.store.search(self.embed([question])[0], self.k)\n",
    """        hits = self.store.search(self.embed([question])[0], 10**6)
        fitting = [h for h in hits if build_context([h], self.budget, cost)[1]]
        hits = fitting[: self.k]
""",
)

parts_counted = edit(
    "RAG",
    "parts-counted",
    "Rules, question and block were counted one by one and taken off the budget. The "
    "count of a text need not be the sum over its parts: what is sent can be over the "
    "budget, and what fits exactly can be refused. Count the messages as they are sent.",
    "build_context(hits, self.budget, cost)",
    'build_context(hits, self.budget - cost(""), self.count_tokens)',
)

parts_counted_apart = edit(
    "RAG",
    "parts-counted",
    "",
    "build_context(hits, self.budget, cost)",
    "build_context(hits, self.budget - self.count_tokens(rules) - self.count_tokens("
    'question) - self.count_tokens("<documents>\\n\\n</documents>\\n\\nQuestion: "), '
    "self.count_tokens)",
)

deleted_first = edit(
    "RAG",
    "deleted-before-embedded",
    "The embedder failed, and the documents that were to be replaced are gone: they were "
    "deleted before the new vectors were there. Embed first, then change the store.",
    """        vectors = self.embed([one.text for one in chunks]) if chunks else []
        for doc_id in docs:
            self.store.delete(doc_id)
""",
    """        for doc_id in docs:
            self.store.delete(doc_id)
        vectors = self.embed([one.text for one in chunks]) if chunks else []
""",
)

embed_error_swallowed = edit(
    "RAG",
    "error-swallowed",
    "The embedder, or the model, failed, and nobody hears of it: the error was caught, "
    "and an answer made of it. Let it come through: whoever calls can try again.",
    "        vectors = self.embed([one.text for one in chunks]) if chunks else []\n",
    """        try:
            vectors = self.embed([one.text for one in chunks]) if chunks else []
        except Exception:
            return
""",
)

model_error_swallowed = edit(
    "RAG",
    "error-swallowed",
    "",
    "        reply = self.llm(messages(block))\n",
    """        try:
            reply = self.llm(messages(block))
        except Exception:
            return Answer("The model failed.", [], [], True, [])
""",
)

search_error_swallowed = edit(
    "RAG",
    "error-swallowed",
    "",
    "        hits = self.store.search(self.embed([question])[0], self.k)\n",
    """        try:
            hits = self.store.search(self.embed([question])[0], self.k)
        except Exception:
            return Answer("The search failed.", [], [], True, [])
""",
)

model_asked_again = edit(
    "RAG",
    "asked-again-after-an-error",
    "The model failed and was asked again at once. It is asked once for a question: its "
    "error comes through, and whoever calls decides.",
    "        reply = self.llm(messages(block))\n",
    """        try:
            reply = self.llm(messages(block))
        except Exception:
            reply = self.llm(messages(block))
""",
)


# bm25

raw_counts = edit(
    "bm25",
    "no-saturation",
    "The score grows with every repetition of a word, without end. In BM25 a word that "
    "stands ten times counts little more than one that stands five times.",
    "/ (tf[has] + norms[has])",
    "/ (k1 + 1)",
)

no_k1_plus_1 = edit(
    "bm25",
    "factor-forgotten",
    "The order is right, but all scores are too small by the factor k1 + 1 above the "
    "line of the fraction.",
    "idf * tf[has] * (k1 + 1) /",
    "idf * tf[has] /",
)

negative_idf = edit(
    "bm25",
    "negative-idf",
    "A word in more than half of the texts takes away from their scores, so that who "
    "has it ranks behind who has not. The 1 inside the logarithm prevents that.",
    "np.log(1 + (len(docs)",
    "np.log((len(docs)",
)

plain_idf = edit(
    "bm25",
    "another-idf",
    "The weight of a word is that of plain tf-idf, the logarithm of N over df. The "
    "formula here has halves in it, and a 1.",
    "np.log(1 + (len(docs) - has.sum() + 0.5) / (has.sum() + 0.5))",
    "np.log(len(docs) / max(has.sum(), 1))",
)

smooth_idf = edit(
    "bm25",
    "another-idf",
    "",
    "np.log(1 + (len(docs) - has.sum() + 0.5) / (has.sum() + 0.5))",
    "np.log(1 + len(docs) / max(has.sum(), 1))",
)

other_logarithm = edit(
    "bm25",
    "another-logarithm",
    "All scores are off by one factor: the logarithm has the base 10 or 2. It is the "
    "natural one.",
    "np.log(1",
    "np.log10(1",
)

binary_logarithm = edit(
    "bm25",
    "another-logarithm",
    "",
    "np.log(1",
    "np.log2(1",
)

no_idf = edit(
    "bm25",
    "no-idf",
    "Rare words count no more than common ones: the weight of a word is missing.",
    "scores[has] += idf * tf",
    "scores[has] += tf",
)

occurrences = edit(
    "bm25",
    "occurrences-for-texts",
    "df is how many texts have a word, not how often it stands in all of them together. "
    "A word that one text repeats ten times is still rare.",
    "idf = np.log(1 + (len(docs) - has.sum() + 0.5) / (has.sum() + 0.5))",
    "df = min(tf.sum(), len(docs))\n"
    "        idf = np.log(1 + (len(docs) - df + 0.5) / (df + 0.5))",
)

occurrences_unbounded = edit(
    "bm25",
    "occurrences-for-texts",
    "",
    "idf = np.log(1 + (len(docs) - has.sum() + 0.5) / (has.sum() + 0.5))",
    "idf = np.log(1 + (len(docs) - tf.sum() + 0.5) / (tf.sum() + 0.5))",
)

texts_with_the_letters = edit(
    "bm25",
    "letters-for-words-in-df",
    "df counts the texts in which the letters of the word stand, also inside another "
    "word. For 'dog' a text that has 'dogs' alone does not count.",
    "idf = np.log(1 + (len(docs) - has.sum() + 0.5) / (has.sum() + 0.5))",
    "df = sum(word in doc.lower() for doc in docs)\n"
    "        idf = np.log(1 + (len(docs) - df + 0.5) / (df + 0.5))",
)

no_length = edit(
    "bm25",
    "length-ignored",
    "The length of a text has no effect, as if b were 0. A word in a short text says "
    "more than one in a long text.",
    "k1 * (1 - b + b * lengths / lengths.mean())",
    "k1 * np.ones(len(docs))",
)

length_in_characters = edit(
    "bm25",
    "length-in-characters",
    "The length of a text was counted in characters. It is a number of words, and so is "
    "the mean.",
    "lengths = np.array([len(each) for each in words], dtype=float)",
    "lengths = np.array([len(doc) * bool(re.search(r'\\w', doc)) for doc in docs], "
    "dtype=float)",
)

distinct_words = edit(
    "bm25",
    "distinct-words-counted",
    "The length of a text was counted in different words. Every word counts, also the "
    "tenth 'the'.",
    "[len(each) for each in words], dtype=float)",
    "[len(set(each)) for each in words], dtype=float)",
)

distinct_words_over_the_mean = edit(
    "bm25",
    "distinct-words-counted",
    "",
    "b * lengths / lengths.mean())",
    "b * np.array([len(set(each)) for each in words]) / lengths.mean())",
)

length_upside_down = edit(
    "bm25",
    "length-upside-down",
    "Long texts are preferred: the mean was divided by the length, not the length by the "
    "mean.",
    "b * lengths / lengths.mean()",
    "b * lengths.mean() / np.maximum(lengths, 1)",
)

b_turned = edit(
    "bm25",
    "b-turned-round",
    "b works the wrong way round: with b = 0 the length counts fully. It is to count "
    "with b = 1, and not at all with b = 0.",
    "(1 - b + b * lengths / lengths.mean())",
    "(b + (1 - b) * lengths / lengths.mean())",
)

k1_fixed = edit(
    "bm25",
    "k1-fixed",
    "k1 has no effect, or another default.",
    "    lengths = ",
    "    k1 = 1.5\n    lengths = ",
)

k1_of_lucene = edit(
    "bm25",
    "another-default-k1",
    "The default of k1 is another one, as in some libraries. Here it is 1.5.",
    "k1=1.5",
    "k1=1.2",
)

b_fixed = edit(
    "bm25",
    "b-fixed",
    "b has no effect: with b = 0 the length of a text should not count, and it does.",
    "    lengths = ",
    "    b = 0.75\n    lengths = ",
)

exchanged = edit(
    "bm25",
    "k1-and-b-exchanged",
    "k1 and b stand in each other's place.",
    "    lengths = ",
    "    k1, b = b, k1\n    lengths = ",
)

query_as_set = edit(
    "bm25",
    "query-words-once",
    "A word that the query says twice counts once. It counts as often as it stands "
    "there.",
    'for word in re.findall(r"\\w+", query.lower()):',
    'for word in dict.fromkeys(re.findall(r"\\w+", query.lower())):',
)

substrings = edit(
    "bm25",
    "parts-of-words",
    "'cat' was found in 'concatenate': the text was searched for the letters, not for "
    "the word.",
    "tf = np.array([each.count(word) for each in words])",
    "tf = np.array([doc.lower().count(word) for doc in docs])",
)

case_kept = edit(
    "bm25",
    "case-kept",
    "'Cat' and 'cat' are two words here. Both texts and query go to lower case.",
    """words = [re.findall(r"\\w+", doc.lower()) for doc in docs]""",
    """words = [re.findall(r"\\w+", doc) for doc in docs]""",
)

query_case_kept = edit(
    "bm25",
    "query-case-kept",
    "The query keeps its capitals, so that 'CAT' finds nothing.",
    'for word in re.findall(r"\\w+", query.lower()):',
    'for word in re.findall(r"\\w+", query):',
)


@mistake(
    "bm25",
    "split-at-blanks",
    "Words were split at white space, so that 'mat.' and 'mat' are two. Punctuation is "
    "no part of a word.",
)
def bm25_of_split(query, docs, *, k1=1.5, b=0.75):
    bags = [Counter(doc.lower().split()) for doc in docs]
    total = sum(sum(bag.values()) for bag in bags)
    scores = []
    for bag in bags:
        score = 0.0
        for word in query.lower().split():
            if bag[word]:
                df = sum(1 for other in bags if other[word])
                idf = math.log(1 + (len(docs) - df + 0.5) / (df + 0.5))
                length = sum(bag.values()) * len(docs) / total
                below = bag[word] + k1 * (1 - b + b * length)
                score += idf * bag[word] * (k1 + 1) / below
        scores.append(score)
    return np.array(scores)


ascii_only = edit(
    "bm25",
    "ascii-letters-only",
    "Letters outside of a to z split words, so that 'Größe' is 'gr' and 'e'. A word is "
    "what the pattern for word characters takes, in any script.",
    """words = [re.findall(r"\\w+", doc.lower()) for doc in docs]""",
    """words = [re.findall(r"[a-z0-9_]+", doc.lower()) for doc in docs]""",
)

letters_only = edit(
    "bm25",
    "digits-are-no-words",
    "Digits, or the underscore, are no part of a word here. They are: 'x_1' is one word.",
    """words = [re.findall(r"\\w+", doc.lower()) for doc in docs]""",
    """words = [re.findall(r"[^\\W\\d_]+", doc.lower()) for doc in docs]""",
)


@mistake(
    "bm25",
    "list-for-array",
    "The scores come back as a list. An array is due, one score for each text.",
)
def bm25_as_list(query, docs, *, k1=1.5, b=0.75):
    return list(match(query, docs, k1=k1, b=b))


nothing_fails = edit(
    "bm25",
    "nothing-fails",
    "Without any text, or without any word in them, it fails or gives NaN: the mean "
    "length is 0, and something was divided by it. The scores are zeros.",
    """    if not lengths.any():
        return scores
""",
    """    if sum(lengths) / len(lengths) == 0:
        raise ZeroDivisionError
""",
)

nothing_is_nan = edit(
    "bm25",
    "nothing-fails",
    "",
    """    if not lengths.any():
        return scores
""",
    """    if not lengths.any():
        return scores / lengths
""",
)


@mistake(
    "bm25",
    "scaled-to-1",
    "The scores were divided by the largest one, or by the length of the query. They are "
    "sums, as they come.",
)
def bm25_scaled(query, docs, *, k1=1.5, b=0.75):
    scores = match(query, docs, k1=k1, b=b)
    return scores / scores.max() if scores.any() else scores


@mistake("bm25", "scaled-to-1")
def bm25_a_word(query, docs, *, k1=1.5, b=0.75):
    words = re.findall(r"\w+", query.lower())
    return match(query, docs, k1=k1, b=b) / max(len(words), 1)


@mistake(
    "bm25",
    "best-first",
    "The scores were sorted. The first is to be that of the first text, whatever it is.",
)
def bm25_sorted(query, docs, *, k1=1.5, b=0.75):
    return np.sort(match(query, docs, k1=k1, b=b))[::-1]


@mistake(
    "bm25",
    "all-words-needed",
    "A text that lacks one word of the query scores 0. Each word adds what it adds.",
)
def bm25_of_all_words(query, docs, *, k1=1.5, b=0.75):
    words = set(re.findall(r"\w+", query.lower()))
    bags = [set(re.findall(r"\w+", doc.lower())) for doc in docs]
    every = np.array([words <= bag for bag in bags], dtype=bool)
    return np.where(every, match(query, docs, k1=k1, b=b), 0.0)


@mistake(
    "bm25",
    "cosine-of-tf-idf",
    "These are cosines of tf-idf vectors. BM25 is a sum, with saturation and with the "
    "length of the text in it.",
)
def bm25_as_tf_idf(query, docs, *, k1=1.5, b=0.75):
    bags = [Counter(re.findall(r"\w+", doc.lower())) for doc in docs]
    vocabulary = sorted(set().union(*bags))
    df = np.array([sum(w in bag for bag in bags) for w in vocabulary], float)
    idf = np.log(1 + (len(docs) - df + 0.5) / (df + 0.5))
    rows = np.array([[bag[w] for w in vocabulary] for bag in bags], float) * idf
    asked = Counter(re.findall(r"\w+", query.lower()))
    q = np.array([asked[w] for w in vocabulary]) * idf
    norms = np.linalg.norm(rows, axis=-1) * np.linalg.norm(q)
    return np.array(rows @ q / np.where(norms == 0, 1, norms)).reshape(len(docs))


# reciprocal_rank_fusion

zero_based = edit(
    "reciprocal_rank_fusion",
    "rank-from-0",
    "Ranks were counted from 0, so that the first of a list scores 1 / k. It has rank 1: "
    "1 / (k + 1), and with k = 0 nothing is divided by 0.",
    "start=1",
    "start=0",
    seen_in="huggingface/sentence-transformers #3883",
)

maximum = edit(
    "reciprocal_rank_fusion",
    "maximum-for-sum",
    "An id keeps only its best part. The parts of all rankings add up: who is second in "
    "both is to beat who is first in one.",
    "scores[name] = scores.get(name, 0) + 1 / (k + rank)",
    "scores[name] = max(scores.get(name, 0), 1 / (k + rank))",
)

overwritten = edit(
    "reciprocal_rank_fusion",
    "last-ranking-counts",
    "Only the last ranking that holds an id counts for it: its part replaced those "
    "before. They add up.",
    "scores[name] = scores.get(name, 0) + 1 / (k + rank)",
    "scores[name] = 1 / (k + rank)",
)


@mistake(
    "reciprocal_rank_fusion",
    "absent-gets-a-rank",
    "An id that is absent from a ranking got a rank there, one after its last, and with "
    "it a score. It gets nothing from it: in a short list that rank would be worth more "
    "than a place in a long one.",
    seen_in="huggingface/sentence-transformers #3883",
)
def fusion_with_a_rank_for_all(rankings, k=60):
    names = dict.fromkeys(name for ranking in rankings for name in ranking)
    scores = {}
    for name in names:
        ranks = [r.index(name) + 1 if name in r else len(r) + 1 for r in rankings]
        scores[name] = sum(1 / (k + rank) for rank in ranks)
    return sorted(scores.items(), key=lambda pair: -pair[1])


@mistake("reciprocal_rank_fusion", "absent-gets-a-rank")
def fusion_with_the_worst_rank(rankings, k=60):
    names = dict.fromkeys(name for ranking in rankings for name in ranking)
    worst = len(names) + 1
    scores = {
        n: sum(1 / (k + (r.index(n) + 1 if n in r else worst)) for r in rankings)
        for n in names
    }
    return sorted(scores.items(), key=lambda pair: -pair[1])


@mistake(
    "reciprocal_rank_fusion",
    "absent-anywhere-dropped",
    "Only ids that are in every ranking come back. Who is absent from one gets nothing "
    "from it, and keeps what the others gave.",
)
def fusion_of_the_common(rankings, k=60):
    scores = {}
    for ranking in rankings:
        for rank, name in enumerate(ranking, start=1):
            if all(name in other for other in rankings):
                scores[name] = scores.get(name, 0) + 1 / (k + rank)
    return sorted(scores.items(), key=lambda pair: -pair[1])


ranks_added = edit(
    "reciprocal_rank_fusion",
    "ranks-added",
    "The ranks themselves were added up. The score is a sum of 1 / (k + rank), so that "
    "the first places count most.",
    "+ 1 / (k + rank)",
    "+ (k + rank)",
)

points = edit(
    "reciprocal_rank_fusion",
    "points-by-place",
    "These are points by place, the length of the list less the rank (Borda), or the "
    "scores of the lists. The sum is of 1 / (k + rank).",
    "+ 1 / (k + rank)",
    "+ (len(ranking) - rank + 1)",
)

share_of_list = edit(
    "reciprocal_rank_fusion",
    "points-by-place",
    "",
    "+ 1 / (k + rank)",
    "+ (1 - (rank - 1) / len(ranking))",
)

k_not_used = edit(
    "reciprocal_rank_fusion",
    "k-ignored",
    "k has no effect: whatever it is, the scores are those of one k.",
    "+ 1 / (k + rank)",
    "+ 1 / (60 + rank)",
)

k_left_out = edit(
    "reciprocal_rank_fusion",
    "k-left-out",
    "The score is 1 / rank, without k. Then the first place of one list outweighs "
    "anything.",
    "+ 1 / (k + rank)",
    "+ 1 / rank",
)

k_above = edit(
    "reciprocal_rank_fusion",
    "k-above-the-line",
    "k stands above the line too: the scores are k times too large.",
    "+ 1 / (k + rank)",
    "+ k / (k + rank)",
)

other_k = edit(
    "reciprocal_rank_fusion",
    "another-default-k",
    "Without a k it is 60. Here the default is another one: with 1, who is first in one "
    "list beats who is fourth in all.",
    "k=60",
    "k=1",
    seen_in="getzep/graphiti #1847",
)

mean_for_sum = edit(
    "reciprocal_rank_fusion",
    "mean-for-sum",
    "The sums were divided by the number of rankings, or of those that hold the id. They "
    "are sums: a mean forgets how many agreed.",
    "    return sorted(scores.items(), key=lambda pair: -pair[1])\n",
    "    scores = {name: score / len(rankings) for name, score in scores.items()}\n"
    "    return sorted(scores.items(), key=lambda pair: -pair[1])\n",
)


@mistake("reciprocal_rank_fusion", "mean-for-sum")
def fusion_by_mean_of_the_holders(rankings, k=60):
    parts = {}
    for ranking in rankings:
        for rank, name in enumerate(ranking, start=1):
            parts.setdefault(name, []).append(1 / (k + rank))
    scores = [(name, sum(each) / len(each)) for name, each in parts.items()]
    return sorted(scores, key=lambda pair: -pair[1])


lowest_first = edit(
    "reciprocal_rank_fusion",
    "lowest-first",
    "The lowest score comes first.",
    "-pair[1]",
    "pair[1]",
)

not_sorted = edit(
    "reciprocal_rank_fusion",
    "not-sorted",
    "The ids come back as they were met, not by their scores.",
    "return sorted(scores.items(), key=lambda pair: -pair[1])",
    "return list(scores.items())",
)

ties_by_name = edit(
    "reciprocal_rank_fusion",
    "ties-by-name",
    "Ties stand in the order of their names, or against it. They stand as they first "
    "appeared.",
    "key=lambda pair: -pair[1])",
    "key=lambda pair: (-pair[1], str(pair[0])))",
)

ties_turned = edit(
    "reciprocal_rank_fusion",
    "ties-reversed",
    "Among equal scores the last one that appeared comes first: an ascending order was "
    "turned round, and the ties with it.",
    "return sorted(scores.items(), key=lambda pair: -pair[1])",
    "return sorted(scores.items(), key=lambda pair: pair[1])[::-1]",
)


names_against = edit(
    "reciprocal_rank_fusion",
    "ties-by-name",
    "",
    "return sorted(scores.items(), key=lambda pair: -pair[1])",
    "return sorted(\n        scores.items(), key=lambda p: (p[1], str(p[0])), "
    "reverse=True\n    )",
)


@mistake(
    "reciprocal_rank_fusion",
    "ties-by-rank-met",
    "Ties stand as they were met rank by rank, the first places of all rankings before "
    "the second ones. They stand in the order in which they first appear when one "
    "ranking is read after the other.",
)
def fusion_rank_by_rank(rankings, k=60):
    scores = {}
    for i in range(max(map(len, rankings), default=0)):
        for ranking in rankings:
            if i < len(ranking):
                scores[ranking[i]] = scores.get(ranking[i], 0) + 1 / (k + i + 1)
    return sorted(scores.items(), key=lambda pair: -pair[1])


@mistake(
    "reciprocal_rank_fusion",
    "kept-between-calls",
    "What an earlier call counted is still there: ids of other rankings come back, or "
    "scores that grow from call to call. The dict outlives the call, as a default "
    "argument does.",
)
def fusion_that_remembers(rankings, k=60, scores={}):  # noqa: B006
    for ranking in rankings:
        for rank, name in enumerate(ranking, start=1):
            scores[name] = scores.get(name, 0) + 1 / (k + rank)
    return sorted(scores.items(), key=lambda pair: -pair[1])


ids_only = edit(
    "reciprocal_rank_fusion",
    "ids-only",
    "The ids come back without their scores. Pairs are due: (id, score).",
    "return sorted(scores.items(), key=lambda pair: -pair[1])",
    "return sorted(scores, key=lambda name: -scores[name])",
)

as_dict = edit(
    "reciprocal_rank_fusion",
    "dict-for-list",
    "A dict came back. A list of pairs is due, whose order is the ranking.",
    "return sorted(scores.items(), key=lambda pair: -pair[1])",
    "return dict(sorted(scores.items(), key=lambda pair: -pair[1]))",
)

two_only = edit(
    "reciprocal_rank_fusion",
    "two-rankings-only",
    "Only the first two rankings count. There may be any number of them.",
    "for ranking in rankings:",
    "for ranking in rankings[:2]:",
)

empty_list_fails = edit(
    "reciprocal_rank_fusion",
    "nothing-fails",
    "Without a ranking, or with an empty one, it fails. There is nothing to fuse: an "
    "empty list, or what the others say.",
    "    scores = {}\n",
    "    scores = {rankings[0][0]: 0}\n",
)

rounded_scores = edit(
    "reciprocal_rank_fusion",
    "rounded",
    "The scores were rounded, so that some that differ are tied. They are small: keep "
    "all digits.",
    "    return sorted(scores.items(), key=lambda pair: -pair[1])\n",
    "    scores = {name: round(score, 4) for name, score in scores.items()}\n"
    "    return sorted(scores.items(), key=lambda pair: -pair[1])\n",
)
