"""What is tried on a learner's semantic search, against loops over exact sums.

Conventions are those of the statement. Not tried, since it leaves them open: a k that
is no whole number, arrays of other ranks, a shape that does not fit when k is 0 or
there is no document, a negative k where there is no document, no query at all, NaN,
vectors shorter than a quarter other than zero, an id twice in a ranking, negative
gains, k < 1 in a metric, k < 0 in rerank.

Ties stand between rows that hold one number besides zeros, or zeros alone: whatever
the order of summation, and with an epsilon or without, these score exactly the same.
All other scores of a case are at least 5e-4 apart; tests hold it to that.
"""

import math
from functools import cache

import numpy as np

from rounds.engine.step import Step
from rounds.engine.trial import Trial
from rounds.exercise import COST, Exercise

cosine_top_k = Exercise(
    "semantic_search.cosine_top_k", "cosine_top_k(query, docs, k, *, mask=None)"
)
batch_top_k = Exercise(
    "semantic_search.batch_top_k",
    "batch_top_k(queries, docs, k)",
    results=("indices", "scores"),
)
rerank = Exercise("semantic_search.rerank", "rerank(query, candidates, score, k)")
recall_at_k = Exercise(
    "semantic_search.recall_at_k", "recall_at_k(ranked, relevant, k)"
)
reciprocal_rank = Exercise(
    "semantic_search.reciprocal_rank", "reciprocal_rank(ranked, relevant)"
)
ndcg_at_k = Exercise("semantic_search.ndcg_at_k", "ndcg_at_k(ranked, gains, k)")
chunked_top_k = Exercise(
    "semantic_search.chunked_top_k", "chunked_top_k(query, docs, k, chunk_rows)"
)
EXERCISES = [
    cosine_top_k,
    recall_at_k,
    reciprocal_rank,
    batch_top_k,
    rerank,
    ndcg_at_k,
    chunked_top_k,
]

# float32 will do, and so will an epsilon in the denominator.
NEAR = {"rtol": 1e-4, "atol": 1e-4}
Ranking = list[tuple[int, float]]


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    """One pair, with sums that are exact before they are rounded; 0 for a zero."""
    pairs = [(float(a), float(b)) for a, b in zip(one, other, strict=True)]
    squares = math.fsum(a * a for a, _ in pairs), math.fsum(b * b for _, b in pairs)
    lengths = math.sqrt(squares[0]) * math.sqrt(squares[1])
    return math.fsum(a * b for a, b in pairs) / lengths if lengths else 0.0


def due(
    query: np.ndarray, docs: np.ndarray, k: int, mask: np.ndarray | None = None
) -> Ranking:
    """What is due, one document after the other, all of them sorted."""
    scored = [
        (i, cosine(query, row)) for i, row in enumerate(docs) if mask is None or mask[i]
    ]
    return sorted(scored, key=lambda pair: (-pair[1], pair[0]))[:k]


def vectors(seed: int, *shape: int) -> np.ndarray:
    """Normal draws, rounded so that reports show the very numbers, the rows of very
    different lengths."""
    rng = np.random.default_rng(seed)
    drawn = rng.normal(0, 1, shape)
    if len(shape) == 2:
        drawn *= rng.choice([0.5, 1, 3, 8], size=(shape[0], 1))
    return np.round(drawn, 2)


def axes(places: list[int], dim: int = 4, value: float = 1.0) -> np.ndarray:
    """Rows along the axes: document i points along axis places[i], the opposite way
    where it is negative (axis 1 and -1); 0 is a row of zeros."""
    rows = np.zeros((len(places), dim))
    for row, place in zip(rows, places, strict=True):
        if place:
            row[abs(place) - 1] = value if place > 0 else -value
    return rows


def search(
    t: Trial, query: np.ndarray, docs: np.ndarray, k: int, mask: object = None
) -> Step:
    """One call of cosine_top_k, and what is due of it."""
    if mask is None:
        step = t.call(query, docs, k)
    else:
        step = t.call(query, docs, k, mask=mask)
    return step.equals([] if t.silent else due(query, docs, k, mask), **NEAR)


# cosine_top_k

EAST = np.array([1.0, 0.0])
BALANCED = np.array([[3.0, 4.0], [1.0, -1.0], [-2.0, 2.0]])


@cosine_top_k.case("The best k documents, best first, as pairs (index, cosine).")
def _(t):
    docs = np.array([[3.0, 4.0], [1.0, 0.0], [0.0, 2.0], [-1.0, 0.0]])
    t.call(EAST, docs, 2).equals([(1, 1.0), (0, 0.6)], **NEAR)
    t.call(EAST, docs, 4).equals([(1, 1.0), (0, 0.6), (2, 0.0), (3, -1.0)], **NEAR)
    t.call(EAST, docs, 1).equals([(1, 1.0)], **NEAR)
    t.call(np.array([0.0, 1.0]), docs[:3], 2).equals([(2, 1.0), (0, 0.8)], **NEAR)


@cosine_top_k.case("A longer document is no nearer: only the direction counts.")
def _(t):
    docs = np.array([[4.0, 3.0], [1.0, 0.0], [30.0, 40.0]])
    t.call(EAST, docs, 3).equals([(1, 1.0), (0, 0.8), (2, 0.6)], **NEAR)
    docs = np.array([[0.3, 0.4], [0.4, 0.3], [-0.6, 0.0], [0.0, 0.25]])
    search(t, EAST, docs, 4)
    search(t, np.array([0.0, 3.0]), docs, 4)


@cosine_top_k.case("Nor does the length of the query change a score.")
def _(t):
    docs = np.array([[3.0, 4.0], [4.0, 3.0], [0.0, -2.0]])
    for length in (1.0, 10.0, 0.5):
        t.call(length * EAST, docs, 2).equals([(1, 0.8), (0, 0.6)], **NEAR)


@cosine_top_k.case("A search knows nothing of the one before it.", stage="property")
def _(t):
    t.call(EAST, np.array([[3.0, 4.0]]), 1).equals([(0, 0.6)], **NEAR)
    t.call(EAST, np.array([[8.0, 0.0]]), 1).equals([(0, 1.0)], **NEAR)
    t.call(2 * EAST, np.array([[8.0, 6.0]]), 1).equals([(0, 0.8)], **NEAR)


@cosine_top_k.case("The opposite direction scores -1, and comes last.")
def _(t):
    docs = np.array([[-2.0, 0.0], [0.0, 1.0], [-3.0, 4.0]])
    t.call(EAST, docs, 3).equals([(1, 0.0), (2, -0.6), (0, -1.0)], **NEAR)
    t.call(EAST, docs[:1], 1).equals([(0, -1.0)], **NEAR)
    t.call(EAST, docs[::2], 1).equals([(1, -0.6)], **NEAR)


@cosine_top_k.case("A score is not rounded.")
def _(t):
    docs = np.array([[1.0, 2.0], [2.0, 1.0], [-1.0, 3.0], [1.0, 3.0], [-2.0, 1.0]])
    search(t, EAST, docs, 4)


SIZES = ((1, 5, 3, 2), (2, 3, 5, 3), (3, 9, 4, 4), (4, 12, 7, 5), (5, 4, 4, 3))


@cosine_top_k.case("Any number of documents and of dimensions.")
def _(t):
    for seed, n, dim, k in SIZES:
        search(t, vectors(100 + seed, dim), vectors(seed, n, dim), k)


@cosine_top_k.case("Among more documents than one sees at a glance.", stage="property")
def _(t):
    docs = vectors(12, 60, 5)
    for seed, k in ((21, 10), (24, 60), (25, 1)):
        search(t, vectors(seed, 5), docs, k)


@cache
def fan(n: int, seed: int) -> tuple[np.ndarray, Ranking]:
    """n documents in any order whose cosines with EAST are evenly spaced, ranked.

    NumPy sorts small arrays whole even when it is asked for a partition, on some
    processors up to 256 entries: to be seen unsorted there must be many more.
    """
    rng = np.random.default_rng(seed)
    cosines = rng.permutation(np.linspace(-0.9, 0.9, n))
    rows = np.stack([cosines, np.sqrt(1 - cosines**2)], axis=1)
    ranking = sorted(enumerate(cosines.tolist()), key=lambda pair: -pair[1])
    return rows * rng.choice([0.5, 1, 2, 8], size=(n, 1)), ranking


@cosine_top_k.case("Best first, also among eighty documents.")
def _(t):
    docs, ranking = fan(80, 10)
    t.call(EAST, docs, 20).equals(ranking[:20], **NEAR)


@cosine_top_k.case("Among more than a thousand documents.", stage="property")
def _(t):
    docs, ranking = fan(1100, 8)
    t.call(EAST, docs, 300).equals(ranking[:300], **NEAR)


def close_by() -> np.ndarray:
    """Rows whose cosines with EAST are 8e-4 apart, each the better of those before."""
    cosines = np.array([0.7988, 0.7996, 0.8004, 0.8012])
    rows = np.stack([cosines, np.sqrt(1 - cosines**2)], axis=1)
    return rows * np.array([[2.0], [1.0], [4.0], [0.5]])


@cosine_top_k.case(
    "Scores that differ in the fourth digit are not equal.", stage="property"
)
def _(t):
    docs = close_by()
    search(t, EAST, docs[1:3], 1)
    search(t, EAST, docs, 4)


@cosine_top_k.case("Documents that score the same come by index, the lower first.")
def _(t):
    query = np.array([1.0, 0.0, 0.0, 0.0])
    search(t, query, axes([2, 1, 1]), 3)
    search(t, query, axes([1, 1, 1, 1]), 2)
    search(t, np.array([3.0, 4.0, 0.0, 0.0]), axes([1, 2, 1, 2, 1]), 4)
    search(t, query, axes([-1, 2, -1, 3, 1, 1]), 6)


@cosine_top_k.case("Ties by index also among many, and at the cut.", stage="property")
def _(t):
    query = np.array([3.0, 4.0, 0.0, 0.0])
    for seed, n, k in ((1, 40, 40), (2, 60, 7), (3, 90, 33), (4, 200, 5)):
        places = np.random.default_rng(seed).choice([1, 2, 3, -1, -2], size=n)
        search(t, query, axes(places.tolist()), k)
    search(t, query, axes([1] * 80), 6)
    search(t, query, axes([1, 2] * 40), 50)


@cosine_top_k.case("A row of zeros has no direction: it scores 0.", stage="edge")
def _(t):
    docs = np.array([[0.0, 0.0], [-3.0, 4.0], [3.0, 4.0]])
    t.call(EAST, docs, 3).equals([(2, 0.6), (0, 0.0), (1, -0.6)], **NEAR)
    t.call(EAST, docs, 1).equals([(2, 0.6)], **NEAR)
    t.call(EAST, docs[:2], 1).equals([(0, 0.0)], **NEAR)
    search(t, np.array([1.0, 0.0, 0.0, 0.0]), axes([-1, 0, 2, 0, 1]), 4)
    t.call(EAST, np.zeros((2, 2)), 2).equals([(0, 0.0), (1, 0.0)], **NEAR)


@cosine_top_k.case("Entries that add up to 0 are no zeros.", stage="edge")
def _(t):
    for query in (EAST, BALANCED[2]):
        search(t, query, BALANCED, 3)


@cosine_top_k.case("With a query of zeros everything scores 0.", stage="edge")
def _(t):
    docs = np.array([[1.0, 2.0], [-3.0, 4.0], [0.0, 0.0]])
    t.call(np.zeros(2), docs, 2).equals([(0, 0.0), (1, 0.0)], **NEAR)
    t.call(np.zeros(2), docs, 3).equals([(0, 0.0), (1, 0.0), (2, 0.0)], **NEAR)


@cosine_top_k.case("k may be more than there are, or 0.", stage="edge")
def _(t):
    docs = np.array([[0.0, 1.0], [3.0, 4.0]])
    for k in (2, 3, 50):
        t.call(EAST, docs, k).equals([(1, 0.6), (0, 0.0)], **NEAR)
    t.call(EAST, docs, 0).equals([])
    t.call(EAST, docs[1:], 1).equals([(0, 0.6)], **NEAR)
    t.call(EAST, docs[1:], 4).equals([(0, 0.6)], **NEAR)


@cosine_top_k.case("Of no documents none is returned.", stage="edge")
def _(t):
    t.call(EAST, np.zeros((0, 2)), 3).equals([])
    t.call(EAST, np.zeros((0, 2)), 0).equals([])


@cosine_top_k.case("A negative k is a ValueError.", stage="edge")
def _(t):
    docs = np.array([[0.0, 1.0], [3.0, 4.0], [1.0, 0.0]])
    t.call(EAST, docs, -1).raises(ValueError)
    t.call(EAST, docs, -3).raises(ValueError)


@cosine_top_k.case("A query of another length is a ValueError.", stage="edge")
def _(t):
    docs = vectors(31, 3, 4)
    for dim in (3, 5, 1):
        t.call(vectors(32, dim), docs, 2).raises(ValueError)
    t.call(vectors(33, 3), vectors(34, 3, 2), 2).raises(ValueError)


@cosine_top_k.case("Whole numbers work as well, and float32.", stage="edge")
def _(t):
    query, docs = np.array([2, 1, 2]), np.array([[1, 1, 0], [3, 0, 4], [0, -5, 0]])
    search(t, query, docs, 3)
    search(t, query.astype(np.int32), docs.astype(np.int32), 2)
    search(t, query / 3, docs, 2)
    search(t, query, docs / 7, 2)
    for seed, n, dim, k in SIZES[:3]:
        query, docs = vectors(100 + seed, dim), vectors(seed, n, dim)
        search(t, query.astype(np.float32), docs.astype(np.float32), k)


def plain(pairs: object) -> bool:
    """Are these a list of pairs of an int and a float that JSON takes? NumPy's float64
    is a float, and JSON takes it."""
    return all(type(i) is int and isinstance(score, float) for i, score in pairs)


def kind_of(value: object) -> str:
    return type(value).__name__


def kinds(pairs: list) -> list[tuple[str, str]]:
    """Of what types the numbers are."""
    return [(kind_of(i), kind_of(score)) for i, score in pairs]


PLAIN = "pairs of an int and a float"


@cosine_top_k.case(
    "Indices are plain int and scores plain float, as json.dumps takes them.",
    stage="edge",
)
def _(t):
    docs = np.array([[3.0, 4.0], [1.0, 0.0]])
    for query, rows in ((EAST, docs), (EAST.astype("f4"), docs.astype("f4"))):
        t.call(query, rows, 2).obeys(plain, PLAIN, told=kinds)


@cosine_top_k.case("Only documents that the mask allows are returned.", level=2)
def _(t):
    docs = np.array([[3.0, 4.0], [1.0, 0.0], [0.0, 2.0], [-3.0, 4.0]])
    for allowed in ([1, 0, 1, 1], [0, 0, 1, 1], [1, 1, 0, 0], [1, 1, 1, 1]):
        search(t, EAST, docs, 2, np.array(allowed, bool))
    search(t, EAST, docs, 4, np.array([True, False, False, True]))


@cosine_top_k.case("Hidden documents stay hidden when the rest scores low.", level=2)
def _(t):
    docs = np.array([[1.0, 0.0], [-3.0, 4.0], [-1.0, 0.0], [4.0, 3.0]])
    search(t, EAST, docs, 3, np.array([False, True, True, False]))
    search(t, EAST, docs, 1, np.array([False, False, True, False]))
    search(t, EAST, docs, 4, np.array([False, True, True, True]))
    search(t, EAST, docs[1:3], 2, np.array([False, True]))


@cosine_top_k.case(
    "The index is that of the document among all.", level=2, stage="property"
)
def _(t):
    for seed, n, dim, k in SIZES:
        mask = np.random.default_rng(50 + seed).random(n) < 0.6
        search(t, vectors(100 + seed, dim), vectors(seed, n, dim), k, mask)
    docs, mask = vectors(12, 60, 5), np.arange(60) % 3 == 1
    search(t, vectors(21, 5), docs, 8, mask)
    places = np.random.default_rng(6).choice([1, 2, -1, 0], size=70).tolist()
    mask = np.arange(70) % 4 != 0
    search(t, np.array([3.0, 4.0, 0.0, 0.0]), axes(places), 20, mask)


@cosine_top_k.case(
    "A mask that allows fewer than k, or none, gives fewer.", level=2, stage="edge"
)
def _(t):
    docs = np.array([[3.0, 4.0], [1.0, 0.0], [0.0, -2.0]])
    t.call(EAST, docs, 2, mask=np.zeros(3, bool)).equals([])
    search(t, EAST, docs, 3, np.array([False, False, True]))
    t.call(EAST, docs, 0, mask=np.ones(3, bool)).equals([])
    search(t, np.zeros(2), docs, 2, np.array([False, True, True]))
    t.call(EAST, docs, 2, mask=None).equals([(1, 1.0), (0, 0.6)], **NEAR)
    t.call(EAST, docs[:0], 2, mask=np.zeros(0, bool)).equals([])


@cosine_top_k.case("A mask of another length is a ValueError.", level=2, stage="edge")
def _(t):
    docs = vectors(35, 4, 3)
    for length in (3, 5, 1):
        t.call(vectors(36, 3), docs, 2, mask=np.ones(length, bool)).raises(ValueError)
    t.call(vectors(36, 3), docs, -1, mask=np.ones(4, bool)).raises(ValueError)


@cosine_top_k.case("All documents in one product.", stage=COST)
def _(t):
    docs, ranking = fan(400, 4)
    step = t.counted(EAST, docs, 3).equals(ranking[:3], **NEAR)
    # The pairs that come back may be made one by one, which k lines or two do.
    step.remark_beyond(
        300,
        "Something here goes through all documents, or through their scores or "
        "indices, one by one in Python. It is right; NumPy scores, ranks and filters "
        "them without a loop.",
    )


# batch_top_k


def due_batch(queries: np.ndarray, docs: np.ndarray, k: int) -> tuple:
    """Row by row."""
    rankings = [due(query, docs, k) for query in queries]
    shape = len(queries), min(k, len(docs))
    indices, scores = np.zeros(shape, int), np.zeros(shape)
    for row, ranking in enumerate(rankings):
        for place, (i, score) in enumerate(ranking):
            indices[row, place], scores[row, place] = i, score
    return indices, scores


def search_all(t: Trial, queries: np.ndarray, docs: np.ndarray, k: int) -> Step:
    step = t.call(queries, docs, k).seen_as(signed)
    return step.equals(() if t.silent else due_batch(queries, docs, k), **NEAR)


def signed(value: object) -> object:
    """The value, unsigned arrays in it made signed: these are integers as well."""
    if not isinstance(value, tuple):
        return value
    return tuple(
        one.astype(np.int64)
        if isinstance(one, np.ndarray) and one.dtype.kind == "u"
        else one
        for one in value
    )


@batch_top_k.case("One row of indices and one of scores for each query.", level=2)
def _(t):
    docs = np.array([[3.0, 4.0], [1.0, 0.0], [0.0, 2.0]])
    queries = np.array([[1.0, 0.0], [0.0, 1.0]])
    expected = np.array([[1, 0], [2, 0]]), np.array([[1.0, 0.6], [1.0, 0.8]])
    t.call(queries, docs, 2).seen_as(signed).equals(expected, **NEAR)
    single = np.array([[1]]), np.array([[1.0]])
    t.call(queries[:1], docs, 1).seen_as(signed).equals(single, **NEAR)


@batch_top_k.case("Neither length counts: all scores are cosines.", level=2)
def _(t):
    docs = np.array([[5.0, 5.0], [1.0, 0.0], [30.0, 40.0], [-2.0, 0.0]])
    search_all(t, np.array([[1.0, 0.0], [0.0, 20.0], [-3.0, -4.0]]), docs, 3)
    search_all(t, np.array([[0.3, 0.4], [0.5, 0.0]]), docs / 20, 4)


@batch_top_k.case("Whatever the numbers of queries, documents and dimensions.", level=2)
def _(t):
    shapes = ((1, 2, 5, 3, 2), (2, 4, 3, 5, 3), (3, 1, 6, 4, 4), (4, 3, 3, 3, 2))
    for seed, n_queries, n, dim, k in (*shapes, (5, 5, 9, 2, 7), (6, 7, 4, 6, 1)):
        search_all(t, vectors(200 + seed, n_queries, dim), vectors(seed, n, dim), k)


@batch_top_k.case("Each row equals a search for that query alone.", level=2)
def _(t):
    docs = vectors(13, 30, 6)
    search_all(t, vectors(41, 4, 6), docs, 7)
    search_all(t, vectors(42, 2, 6), docs, 30)


def search_the_fan(t: Trial, n: int, seed: int, k: int) -> None:
    """Both ways along a fan: its best for one query are the worst for the other."""
    docs, ranking = fan(n, seed)
    best, worst = ranking[:k], [(i, -score) for i, score in ranking[: -k - 1 : -1]]
    indices = np.array([[i for i, _ in row] for row in (best, worst)])
    scores = np.array([[score for _, score in row] for row in (best, worst)])
    queries = np.array([[1.0, 0.0], [-2.0, 0.0]])
    step = t.call(queries, docs, k).seen_as(signed)
    step.equals((indices, scores), **NEAR)


@batch_top_k.case("Best first in every row, also among eighty documents.", level=2)
def _(t):
    search_the_fan(t, 80, 11, 20)


@batch_top_k.case("Among more than a thousand documents.", level=2, stage="property")
def _(t):
    search_the_fan(t, 1100, 9, 300)


@batch_top_k.case(
    "Scores that differ in the fourth digit are not equal.", level=2, stage="property"
)
def _(t):
    docs = close_by()
    search_all(t, np.array([EAST]), docs[1:3], 1)
    search_all(t, np.array([EAST, -EAST]), docs, 4)


@batch_top_k.case(
    "Ties by index in every row, at the cut too.", level=2, stage="property"
)
def _(t):
    queries = np.array([[1.0, 0, 0, 0], [3.0, 4, 0, 0], [0, 0, -2.0, 0]])
    search_all(t, queries, axes([2, 1, 1]), 2)
    search_all(t, queries, axes([3, 1, 2, 1, 3, 2, 1]), 5)
    for seed, n, k in ((1, 40, 40), (2, 60, 7), (3, 90, 30)):
        places = np.random.default_rng(seed).choice([1, 2, 3, -1], size=n)
        search_all(t, queries, axes(places.tolist()), k)


@batch_top_k.case(
    "Zero vectors score 0, documents and queries alike.", level=2, stage="edge"
)
def _(t):
    docs = np.array([[-3.0, 4.0], [0.0, 0.0], [3.0, 4.0]])
    search_all(t, np.array([[1.0, 0.0], [0.0, 0.0]]), docs, 3)
    search_all(t, np.array([[0.0, 0.0], [-1.0, 0.0]]), docs, 2)


@batch_top_k.case("Entries that add up to 0 are no zeros.", level=2, stage="edge")
def _(t):
    search_all(t, np.array([EAST, BALANCED[2]]), BALANCED, 3)


@batch_top_k.case("The width is min(k, N).", level=2, stage="edge")
def _(t):
    docs, queries = np.array([[3.0, 4.0], [1.0, 0.0]]), np.array([[2.0, 0.0]] * 3)
    for k in (2, 3, 40):
        search_all(t, queries, docs, k)
    search_all(t, queries, docs[:1], 5)


@batch_top_k.case(
    "With k of 0, or of no documents, there are Q rows of width 0.",
    level=2,
    stage="edge",
)
def _(t):
    queries = np.array([[2.0, 0.0], [0.0, 1.0], [1.0, 1.0]])

    def empty(pair: tuple) -> bool:
        indices, scores = pair
        kinds = indices.dtype.kind in "iu" and scores.dtype.kind == "f"
        return kinds and indices.shape == scores.shape == (3, 0)

    wanted = "two arrays of shape (3, 0), integers and floats"
    t.call(queries, queries, 0).seen_as(signed).obeys(empty, wanted)
    t.call(queries, np.zeros((0, 2)), 2).seen_as(signed).obeys(empty, wanted)


@batch_top_k.case(
    "A negative k, or another dimension, is a ValueError.", level=2, stage="edge"
)
def _(t):
    queries, docs = vectors(43, 2, 4), vectors(44, 3, 4)
    t.call(queries, docs, -1).raises(ValueError)
    t.call(queries[:, :3], docs, 2).raises(ValueError)
    t.call(queries[:, :1], docs, 2).raises(ValueError)
    t.call(vectors(45, 2, 5), docs, 2).raises(ValueError)


@batch_top_k.case("Whole numbers and float32 work as well.", level=2, stage="edge")
def _(t):
    docs = np.array([[1, 1, 0], [3, 0, 4], [0, -5, 0]])
    queries = np.array([[2, 1, 2], [0, 0, 7]])
    search_all(t, queries, docs, 3)
    search_all(t, queries.astype(np.int32), docs.astype(np.int32), 2)
    search_all(t, vectors(46, 3, 4).astype("f4"), vectors(47, 5, 4).astype("f4"), 3)


# rerank


class Judge:
    """A score that keeps what it was asked."""

    def __init__(self, rate: object) -> None:
        self.rate, self.asked = rate, []

    def function(self) -> object:
        """As a plain function of two arguments, for the report to name."""

        def score(query, candidate):
            self.asked.append((query, candidate))
            return self.rate(query, candidate)

        return score


def shared_words(query: str, candidate: str) -> float:
    """Words of the candidate that the query has; each word it has costs a tenth."""
    words = candidate.split()
    return sum(word in query.split() for word in words) - 0.1 * len(words)


def noted(query: str, candidate: dict) -> float:
    return candidate["worth"]


CATS = [
    "a dog",
    "the cat sat on the mat",
    "cat",
    "the cat",
    "naïve café",
]


def reranked(
    t: Trial, query: str, candidates: list, k: int, due: list, rate=shared_words
) -> Judge:
    judge = Judge(rate)
    t.call(query, candidates, judge.function(), k).equals(due)
    return judge


def dicts(*scores: float) -> list[dict]:
    """Candidates that cannot be compared or hashed, named a, b, c, ..."""
    return [{"id": "abcdefghij"[i], "worth": s} for i, s in enumerate(scores)]


def picked(candidates: list, ids: str) -> list:
    return [next(c for c in candidates if c["id"] == i) for i in ids]


@rerank.case("The best k by score(query, candidate), best first.", level=2)
def _(t):
    # -0.2, 2.4, 0.9 and 1.8: the second has "the" twice.
    reranked(t, "the cat", CATS[:4], 2, [CATS[1], "the cat"])
    reranked(t, "the cat", CATS[2:4], 1, ["the cat"])
    reranked(t, "café", CATS, 1, ["naïve café"])
    found = dicts(1, 5, 3, 4, 2)
    reranked(t, "q", found, 3, picked(found, "bdc"), noted)


@rerank.case("The best may come last in the list that was retrieved.", level=2)
def _(t):
    found = dicts(0.1, 0.2, 0.3, 0.4, 0.9)
    reranked(t, "q", found, 1, picked(found, "e"), noted)
    reranked(t, "q", found, 2, picked(found, "ed"), noted)
    reranked(t, "q", found[::-1], 2, picked(found, "ed"), noted)


@rerank.case("Scores may be negative, whole, or far apart.", level=2)
def _(t):
    for scores, ids in (
        ((-3.5, -0.5, -2.0), "bca"),
        ((-1, 0, 1, -2), "cbad"),
        ((1e-9, 1e9, -1e9, 0.0), "badc"),
        ((10, 9, 100), "cab"),
        ((0.51, 0.54, 0.52), "bca"),
        ((0.5, 0.501, 0.5005), "bca"),
    ):
        found = dicts(*scores)
        reranked(t, "q", found, len(ids), picked(found, ids), noted)


@rerank.case("Candidates that score the same stay in the order given.", level=2)
def _(t):
    for scores, k, ids in (
        ((1, 1, 1), 3, "abc"),
        ((0.5, 2, 0.5, 2, 0.5), 5, "bdace"),
        ((0.5, 2, 0.5, 2, 0.5), 3, "bda"),
        ((3, 1, 3, 2, 3, 1), 4, "aced"),
    ):
        found = dicts(*scores)
        reranked(t, "q", found, k, picked(found, ids), noted)
        turned = found[::-1]
        again = [c["worth"] for c in turned]
        order = sorted(range(len(turned)), key=lambda i, again=again: (-again[i], i))
        reranked(t, "q", turned, k, [turned[i] for i in order[:k]], noted)
    reranked(t, "x", ["b", "a", "c"], 3, ["b", "a", "c"])


@rerank.case("They do so among many.", level=2, stage="property")
def _(t):
    # A sort that does not keep the order of equals keeps that of a few all the same.
    found = [{"id": i, "worth": i * i % 3} for i in range(60)]
    best = [c for c in found if c["worth"] == 1]
    reranked(t, "q", found, 40, best, noted)
    rest = [c for c in found if c["worth"] == 0]
    reranked(t, "q", found, 60, best + rest, noted)


def counted(n: int, due: int) -> str:
    """How often something was done. No matter how much too often: that is one
    mistake."""
    return f"{n} times" if n <= due else f"more than {due} times"


@rerank.case("Each candidate is scored once.", level=2, stage="property")
def _(t):
    for scores, k, best in (
        ((1, 5, 3, 4, 2), 2, "bd"),
        ((2, 2, 1), 3, "abc"),
        ((7,), 1, "a"),
    ):
        found = dicts(*scores)
        judge = Judge(noted)
        t.call("q", found, judge.function(), k).equals(picked(found, best))
        n = len(scores)
        often = lambda j=judge, n=n: counted(len(j.asked), n)  # noqa: E731
        t.look("how often score was called", often).equals(counted(n, n))
        ids = lambda j=judge: sorted({c["id"] for _, c in j.asked})  # noqa: E731
        t.look("which candidates it was given", ids).equals([c["id"] for c in found])


@rerank.case("It is the score given with the call that counts.", level=2)
def _(t):
    words = ["bb", "a", "ccc"]
    reranked(t, "q", words, 2, ["ccc", "bb"], lambda query, word: len(word))
    reranked(t, "q", words, 2, ["a", "bb"], lambda query, word: -len(word))


@rerank.case("A candidate that is there twice is ranked twice.", level=2, stage="edge")
def _(t):
    reranked(t, "cat", ["a dog", "cat", "cat"], 3, ["cat", "cat", "a dog"])
    reranked(t, "cat", ["cat", "a dog", "cat"], 2, ["cat", "cat"])


class Passage:
    """A candidate that is equal to nothing but itself."""

    def __init__(self, worth: float) -> None:
        self.worth = worth


PASSAGES = [Passage(1), Passage(3)]


@rerank.case(
    "Candidates may be anything, and come back as they were given.",
    level=2,
    stage="edge",
)
def _(t):
    def first(query, candidate):
        return candidate[0]

    def by_kind(query, candidate):
        return ["int", "str", "NoneType", "dict", "list"].index(kind_of(candidate))

    def worth(query, candidate):
        return candidate.worth

    reranked(t, "q", [[1, 2], [3, 4]], 2, [[3, 4], [1, 2]], first)
    pairs = [(1, 2), (3, 4)]
    step = t.call("q", pairs, Judge(first).function(), 2)
    step.obeys(lambda found: found == pairs[::-1], "[(3, 4), (1, 2)], tuples as given")
    reranked(t, "q", [None, "", [], {}, 0], 5, [[], {}, None, "", 0], by_kind)
    reranked(t, "q", [1, "1"], 2, ["1", 1], by_kind)
    step = t.call("q", PASSAGES, Judge(worth).function(), 2)
    step.obeys(
        lambda found: (
            len(found) == 2 and found[0] is PASSAGES[1] and found[1] is PASSAGES[0]
        ),
        "the two objects that were given, the second first",
    )


@rerank.case(
    "k may be more than there are, or 0; there may be none.", level=2, stage="edge"
)
def _(t):
    found = dicts(1, 3, 2)
    reranked(t, "q", found, 5, picked(found, "bca"), noted)
    reranked(t, "q", found, 3, picked(found, "bca"), noted)
    reranked(t, "q", found, 0, [], noted)
    reranked(t, "q", [], 2, [], noted)
    reranked(t, "q", found[:1], 1, found[:1], noted)


# recall_at_k


@recall_at_k.case("The part of the relevant ones that is among the first k.")
def _(t):
    t.call([3, 1, 4, 2], {1, 2, 9}, 2).equals(1 / 3)
    t.call([3, 1, 4, 2], {1, 2, 9}, 4).equals(2 / 3)
    t.call([3, 1, 4, 2], {1, 2}, 4).equals(1.0)
    t.call(["a", "b", "c"], {"a", "b", "c"}, 2).equals(2 / 3)


@recall_at_k.case("It is divided by all relevant ones, not by k.")
def _(t):
    t.call([1, 2, 3, 4, 5], {1}, 5).equals(1.0)
    t.call([1, 2, 3, 4, 5], {1, 5}, 4).equals(0.5)
    t.call([1, 2], {1, 2, 3, 4, 5, 6, 7, 8}, 1).equals(0.125)
    t.call([1, 2], {1, 2, 3, 4, 5, 6, 7, 8}, 2).equals(0.25)


@recall_at_k.case("Exactly the first k count.")
def _(t):
    ranked = ["a", "b", "c", "d", "e"]
    for k in range(1, 6):
        t.call(ranked, {"c"}, k).equals(float(k >= 3))
        t.call(ranked, {"a", "e"}, k).equals(0.5 + 0.5 * (k >= 5))


@recall_at_k.case("k may be more than the ranking has.", stage="edge")
def _(t):
    t.call([1, 2], {2, 3}, 10).equals(0.5)
    t.call([1], {1}, 3).equals(1.0)
    t.call([], {1, 2}, 3).equals(0.0)


@recall_at_k.case("0.0 when nothing is relevant, or nothing was found.", stage="edge")
def _(t):
    t.call([1, 2, 3], set(), 2).equals(0.0)
    t.call([], set(), 2).equals(0.0)
    t.call([1, 2, 3], {7, 8}, 3).equals(0.0)


@recall_at_k.case("Ids may be 0, or text of any kind.", stage="edge")
def _(t):
    t.call([0, 1, 2], {0}, 1).equals(1.0)
    t.call([1, 0], {0, 2}, 2).equals(0.5)
    t.call(["zoë", "東京", ""], {"東京", ""}, 2).equals(0.5)
    t.call(["10", "1", "0"], {"1"}, 1).equals(0.0)
    t.call([1, 2], {12}, 2).equals(0.0)
    t.call(["a", "b"], {"ab"}, 2).equals(0.0)


# reciprocal_rank


@reciprocal_rank.case("1 over the rank of the first relevant one; the best rank is 1.")
def _(t):
    t.call(["a", "b", "c"], {"a"}).equals(1.0)
    t.call(["a", "b", "c"], {"b"}).equals(0.5)
    t.call(["a", "b", "c"], {"c"}).equals(1 / 3)
    t.call(list(range(10)), {9}).equals(0.1)
    t.call(list(range(12)), {10, 11}).equals(1 / 11)


@reciprocal_rank.case("Only the first relevant one counts.")
def _(t):
    t.call([5, 3, 8, 1], {3, 1}).equals(0.5)
    t.call([5, 3, 8, 1], {8, 1, 99}).equals(1 / 3)
    t.call([5, 3, 8, 1], {5, 3, 8, 1}).equals(1.0)
    t.call([9, 8, 7, 6, 5], {5, 6, 7}).equals(1 / 3)
    t.call([9, 2, 7], {9, 2, 7}).equals(1.0)
    t.call([4, 9, 2, 7], {9, 2, 7}).equals(0.5)


@reciprocal_rank.case(
    "0.0 when none of the relevant ones is in the ranking.", stage="edge"
)
def _(t):
    t.call([1, 2, 3], {4}).equals(0.0)
    t.call([1, 2, 3], set()).equals(0.0)
    t.call([], {1}).equals(0.0)
    t.call([], set()).equals(0.0)


@reciprocal_rank.case("Ids may be 0, or text of any kind.", stage="edge")
def _(t):
    t.call([0, 1], {0}).equals(1.0)
    t.call([2, 1, 0], {0}).equals(1 / 3)
    t.call(["東京", "zoë", ""], {"", "zoë"}).equals(0.5)
    t.call(["10", "1"], {"1"}).equals(0.5)


# ndcg_at_k


def due_ndcg(ranked: list, gains: dict, k: int) -> float:
    """Both sums written out, the ideal one by trying the largest gain left."""
    own = math.fsum(
        gains[ranked[place]] / math.log2(place + 2)
        for place in range(min(k, len(ranked)))
        if ranked[place] in gains
    )
    left, ideal = list(gains.values()), []
    for place in range(min(k, len(left))):
        left.remove(largest := max(left))
        ideal.append(largest / math.log2(place + 2))
    best = math.fsum(ideal)
    return own / best if best else 0.0


def graded(t: Trial, ranked: list, gains: dict, k: int) -> Step:
    return t.call(ranked, gains, k).equals(due_ndcg(ranked, gains, k))


@ndcg_at_k.case("An id that is not in gains has gain 0.", level=2)
def _(t):
    t.call(["x"], {"a": 1.0}, 1).equals(0.0)
    t.call(["a", "x"], {"a": 1.0}, 2).equals(1.0)


@ndcg_at_k.case("A ranking by falling gain scores 1.", level=2)
def _(t):
    t.call(["a", "b"], {"a": 3, "b": 1}, 2).equals(1.0)
    t.call(["a", "b", "c"], {"a": 3, "b": 2, "c": 1}, 3).equals(1.0)
    t.call(["a", "b", "c"], {"a": 3, "b": 2, "c": 1}, 1).equals(1.0)
    t.call([7], {7: 0.5}, 1).equals(1.0)


@ndcg_at_k.case("The gain at rank r is divided by log2(r + 1).", level=2)
def _(t):
    # Rank 3: 1 / log2(4) is a half. Rank 7: a third.
    t.call(["x", "y", "a"], {"a": 1.0}, 3).equals(0.5)
    t.call(list("uvwxyza"), {"a": 2.0}, 7).equals(1 / 3)
    t.call(["x", "a"], {"a": 1.0}, 2).equals(1 / math.log2(3))
    # (1 / 1 + 3 / 2) / (3 / 1 + 1 / log2(3))
    t.call(["b", "x", "a"], {"a": 3, "b": 1}, 3).equals(2.5 / (3 + 1 / math.log2(3)))


@ndcg_at_k.case("Gains count as they are, no power of 2.", level=2)
def _(t):
    graded(t, ["b", "a"], {"a": 3, "b": 1}, 2)
    graded(t, ["b", "c", "a"], {"a": 5, "b": 2, "c": 0.5}, 3)
    graded(t, ["x", "b", "a"], {"a": 0.25, "b": 4}, 3)


@ndcg_at_k.case("The ideal ranking is of all gains, found or not.", level=2)
def _(t):
    t.call(["b"], {"a": 2.0, "b": 1.0}, 1).equals(0.5)
    graded(t, ["a", "x"], {"a": 2, "b": 2}, 2)
    graded(t, ["a"], {"a": 2, "b": 1}, 2)
    graded(t, ["c", "x"], {"a": 3, "b": 2, "c": 1}, 2)
    graded(t, ["c", "x", "y", "b"], {"a": 3, "b": 2, "c": 1}, 4)


@ndcg_at_k.case("Both rankings are cut at k.", level=2)
def _(t):
    t.call(["a", "b", "c"], {"a": 1, "b": 1, "c": 1}, 1).equals(1.0)
    t.call(["a", "x", "y"], {"a": 1, "b": 1, "c": 1}, 1).equals(1.0)
    t.call(["x", "a"], {"a": 1.0}, 1).equals(0.0)
    gains = {"a": 4, "b": 3, "c": 2, "d": 1}
    for k in range(1, 6):
        graded(t, ["c", "x", "a", "d", "b"], gains, k)


@ndcg_at_k.case("k may be more than there are.", level=2, stage="edge")
def _(t):
    graded(t, ["b", "a"], {"a": 3, "b": 1, "c": 2}, 10)
    graded(t, ["x", "a", "y"], {"a": 3}, 10)
    t.call([], {"a": 3}, 2).equals(0.0)


@ndcg_at_k.case("0.0 when there is no gain to be had.", level=2, stage="edge")
def _(t):
    t.call(["a", "b"], {}, 2).equals(0.0)
    t.call(["a", "b"], {"a": 0.0, "b": 0}, 2).equals(0.0)
    t.call([], {}, 3).equals(0.0)
    t.call(["x"], {"a": 1.0}, 1).equals(0.0)


@ndcg_at_k.case("Whatever the ranking.", level=2, stage="edge")
def _(t):
    for seed in range(4):
        rng = np.random.default_rng(300 + seed)
        ranked = [int(i) for i in rng.permutation(9)[:6]]
        graded_ids = rng.permutation(9)[:5]
        gains = {int(i): float(rng.integers(4)) for i in graded_ids}
        for k in (2, 5):
            graded(t, ranked, gains, k)
    graded(t, ["東京", "zoë"], {"zoë": 2, "東京": 1, "": 1}, 2)


# chunked_top_k


def search_chunks(
    t: Trial, query: np.ndarray, docs: np.ndarray, k: int, chunk_rows: int
) -> Step:
    step = t.call(query, docs, k, chunk_rows)
    return step.equals([] if t.silent else due(query, docs, k), **NEAR)


@chunked_top_k.case("The best k of all chunks, the last and shorter one too.", level=3)
def _(t):
    docs = np.array([[3.0, 4.0], [1.0, 0.0], [-3.0, 4.0]])
    t.call(EAST, docs, 3, 2).equals([(1, 1.0), (0, 0.6), (2, -0.6)], **NEAR)
    docs = np.array([[0.0, 2.0], [4.0, 3.0], [1.0, 0.0]])
    t.call(EAST, docs, 2, 2).equals([(2, 1.0), (1, 0.8)], **NEAR)


@chunked_top_k.case("The answer of cosine_top_k, whatever the chunks.", level=3)
def _(t):
    docs = np.array([[3.0, 4.0], [1.0, 0.0], [0.0, 2.0], [-1.0, 0.0], [4.0, 3.0]])
    for chunk_rows in (2, 1, 5, 3, 4):
        search_chunks(t, EAST, docs, 3, chunk_rows)
    search_chunks(t, EAST, docs[::-1].copy(), 3, 2)
    docs = vectors(61, 23, 4)
    for chunk_rows, k in ((4, 3), (7, 10), (23, 5), (100, 5), (10, 1)):
        search_chunks(t, vectors(62, 4), docs, k, chunk_rows)


@chunked_top_k.case("k may be more than a chunk holds.", level=3)
def _(t):
    docs = vectors(63, 9, 3)
    for chunk_rows in (1, 2, 4):
        search_chunks(t, vectors(64, 3), docs, 6, chunk_rows)
        search_chunks(t, vectors(64, 3), docs, 30, chunk_rows)


@chunked_top_k.case(
    "A row of zeros scores 0, whatever its chunk.", level=3, stage="edge"
)
def _(t):
    docs = np.array([[-3.0, 4.0], [0.0, 0.0], [3.0, 4.0]])
    for chunk_rows in (2, 1, 3):
        search_chunks(t, EAST, docs, 3, chunk_rows)


@chunked_top_k.case("Entries that add up to 0 are no zeros.", level=3, stage="edge")
def _(t):
    for query in (EAST, BALANCED[2]):
        search_chunks(t, query, BALANCED, 3, 2)


@chunked_top_k.case("Ties by index also across chunks.", level=3, stage="property")
def _(t):
    query = np.array([3.0, 4.0, 0.0, 0.0])
    for chunk_rows in (1, 2, 3, 10):
        search_chunks(t, query, axes([1, 2, 1, 2, 2, 1, 1]), 3, chunk_rows)
        search_chunks(t, query, axes([1, 1, 1, 1, 1, 1]), 4, chunk_rows)
        search_chunks(t, query, axes([-1, 3, 4, -1, 3, -2, 4]), 5, chunk_rows)


@chunked_top_k.case(
    "int8 and float16 are widened before they are multiplied.", level=3, stage="edge"
)
def _(t):
    rng = np.random.default_rng(65)
    docs = rng.integers(-127, 128, (10, 8)).astype(np.int8)
    query = rng.integers(-127, 128, 8).astype(np.int8)
    search_chunks(t, query, docs, 4, 3)
    search_chunks(t, query.astype(float), docs, 4, 10)
    search_chunks(t, np.array([100, 0], np.int8), np.array([[100, 0]], np.int8), 1, 1)
    # 4 * 100 * 100 is more than int16 holds.
    loud = np.array([[100, 0, 0, 0], [100, 100, 100, 100]], np.int8)
    search_chunks(t, loud[1], loud, 2, 1)
    wide = (100 * rng.normal(size=(7, 12))).astype(np.float16)
    search_chunks(t, wide[0], wide[1:], 4, 2)
    search_chunks(t, wide[0].astype(np.float32), wide[1:], 4, 4)


@chunked_top_k.case("Zeros, one document, none, k of 0.", level=3, stage="edge")
def _(t):
    docs = np.array([[-3.0, 4.0], [0.0, 0.0], [3.0, 4.0]])
    search_chunks(t, EAST, docs, 3, 2)
    search_chunks(t, np.zeros(2), docs, 2, 1)
    query = np.array([3.0, 4.0, 0.0, 0.0])
    search_chunks(t, query, axes([-1, 0, 3, -1, 0, -2, 0]), 5, 2)
    search_chunks(t, EAST, docs[:1], 1, 2)
    t.call(EAST, docs, 0, 2).equals([])
    t.call(EAST, docs[:0], 2, 2).equals([])


@chunked_top_k.case(
    "Here too indices are plain int and scores plain float.", level=3, stage="edge"
)
def _(t):
    docs = np.array([[3.0, 4.0], [1.0, 0.0]])
    for rows in (docs, docs.astype("f4")):
        t.call(EAST, rows, 2, 1).obeys(plain, PLAIN, told=kinds)


@chunked_top_k.case(
    "A negative k, or another length, is a ValueError.", level=3, stage="edge"
)
def _(t):
    docs = vectors(66, 5, 4)
    t.call(vectors(67, 4), docs, -1, 2).raises(ValueError)
    for dim in (3, 5, 1):
        t.call(vectors(68, dim), docs, 2, 2).raises(ValueError)


@chunked_top_k.case(
    "Of the documents no more than a chunk is in memory in floats.",
    level=3,
    stage=COST,
)
def _(t):
    rng = np.random.default_rng(69)
    docs = rng.integers(-127, 128, (900, 1024)).astype(np.int8)
    query = rng.integers(-9, 10, 1024).astype(float)
    step = t.traced(query, docs, 5, 5)
    # As they are the documents are 921,600 bytes, a chunk in float64 is 40,960: there
    # is room for a few hundred bytes a document, not for chunks of another size.
    step.peak_at_most(600_000, "at most 75,000 numbers of 8 bytes held at once")
    step.equals([] if t.silent else due_of_integers(query, docs, 5), **NEAR)


def due_of_integers(query: np.ndarray, docs: np.ndarray, k: int) -> Ranking:
    """`due` for many documents of whole numbers: their products are exact."""
    # As float32 all sums here are exact, being whole numbers below 2 ** 24.
    whole, query = docs.astype(np.float32), query.astype(np.float32)
    dots, squares = whole @ query, np.vecdot(whole, whole)
    dots, squares, query = (
        dots.astype(float),
        squares.astype(float),
        query.astype(float),
    )
    scores = dots / np.sqrt(squares * (query * query).sum())
    pairs = enumerate(scores.tolist())
    return sorted(pairs, key=lambda pair: (-pair[1], pair[0]))[:k]
