"""Right programs for semantic search: the references, then others built differently.

The references are what the solution notebook shows, to the letter.
"""

import heapq
import math

import numpy as np

from rounds.bank import alternative


def cosine_top_k(query, docs, k, *, mask=None):
    """The k documents nearest to a query by cosine, best first.

    query: (D,)   docs: (N, D), floats or integers   mask: (N,) bool, True = may be
    returned. Returns a list of min(k, allowed) pairs (index: int, score: float), the
    score falling, equal scores by rising index. A row of zeros scores 0.0, and so does
    everything for a query of zeros. Raises ValueError if k < 0 or a shape does not fit.
    For [1, 0] and [[3, 4], [1, 0]], k = 2: [(1, 1.0), (0, 0.6)].
    """
    if k < 0:
        raise ValueError(f"k must be 0 or more, not {k}")
    if query.shape != docs.shape[1:]:
        raise ValueError(f"query {query.shape} does not fit docs {docs.shape}")
    if mask is not None and mask.shape != docs.shape[:1]:
        raise ValueError(f"mask {mask.shape} does not fit docs {docs.shape}")
    norms = np.linalg.norm(docs, axis=1) * np.linalg.norm(query)
    scores = docs @ query / np.where(norms == 0, 1, norms)
    order = np.argsort(-scores, kind="stable")  # equal scores keep their order
    if mask is not None:
        order = order[mask[order]]
    return [(int(i), float(scores[i])) for i in order[:k]]


def batch_top_k(queries, docs, k):
    """cosine_top_k for each row of queries.

    queries: (Q, D), Q >= 1   docs: (N, D). Returns (indices, scores), integers and
    floats, each (Q, min(k, N)); row q is what queries[q] alone would give.
    Raises ValueError if k < 0 or the dimensions differ.
    """
    if k < 0:
        raise ValueError(f"k must be 0 or more, not {k}")
    if queries.shape[1] != docs.shape[1]:
        raise ValueError(f"queries {queries.shape} do not fit docs {docs.shape}")

    def unit(rows):
        norms = np.linalg.norm(rows, axis=1, keepdims=True)
        return rows / np.where(norms == 0, 1, norms)

    scores = unit(queries) @ unit(docs).T  # (Q, N)
    indices = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return indices, np.take_along_axis(scores, indices, axis=1)


def rerank(query, candidates, score, k):
    """The k candidates that score highest, best first; equal scores as given.

    score(query, candidate) -> number, the higher the better; it is slow, and called
    once for each candidate. candidates: a list of anything, k >= 0. Returns a list of
    min(k, len(candidates)) candidates.
    """
    scores = [score(query, candidate) for candidate in candidates]
    order = sorted(range(len(candidates)), key=lambda i: -scores[i])
    return [candidates[i] for i in order[:k]]


def recall_at_k(ranked, relevant, k):
    """The part of the relevant ids that is among the first k of the ranking.

    ranked: list of ids, best first, none twice   relevant: set of ids   k >= 1
    Returns a float from 0 to 1, 0.0 if nothing is relevant.
    recall_at_k([3, 1, 4], {1, 2, 9}, 2) is 1/3.
    """
    if not relevant:
        return 0.0
    return len(relevant.intersection(ranked[:k])) / len(relevant)


def reciprocal_rank(ranked, relevant):
    """1 / rank of the first relevant id, ranks from 1; 0.0 if there is none.

    ranked: list of ids, best first   relevant: set of ids
    reciprocal_rank(["a", "b"], {"b"}) is 0.5.
    """
    for rank, doc in enumerate(ranked, start=1):
        if doc in relevant:
            return 1 / rank
    return 0.0


def ndcg_at_k(ranked, gains, k):
    """The discounted gain of the first k, over that of the best possible k.

    ranked: list of ids, best first, none twice   gains: dict of id to gain >= 0; an id
    that is not in it has gain 0   k >= 1. The gain at rank r = 1, 2, ... is divided by
    log2(r + 1). The best possible ranking has all of gains, by falling gain, cut at k.
    Returns a float from 0 to 1, 0.0 if there is no gain to be had.
    ndcg_at_k(["x", "y", "a"], {"a": 1}, 3) is 0.5.
    """

    def dcg(values):
        return sum(v / math.log2(r + 1) for r, v in enumerate(values[:k], start=1))

    ideal = dcg(sorted(gains.values(), reverse=True))
    return dcg([gains.get(doc, 0) for doc in ranked]) / ideal if ideal > 0 else 0.0


def chunked_top_k(query, docs, k, chunk_rows):
    """cosine_top_k, without a mask, for documents that do not fit in memory.

    query: (D,)   docs: (N, D), a np.memmap say; both of floats or integers of any
    width, int8 and float16 too   chunk_rows >= 1: how many rows of docs may be in
    memory as floats at a time. Beside them a few numbers for each document may be held.
    Returns and raises what cosine_top_k does.
    """
    query, best = query.astype(np.float32), []
    for start in range(0, max(len(docs), 1), chunk_rows):
        chunk = docs[start : start + chunk_rows].astype(np.float32)
        found = cosine_top_k(query, chunk, k)
        best += [(start + i, score) for i, score in found]
        best = sorted(best, key=lambda pair: (-pair[1], pair[0]))[:k]
    return best


def demand(query, docs, k):
    """The refusals that the programs below share."""
    if k < 0 or docs.shape[-1] != query.shape[-1]:
        raise ValueError(f"k {k}, docs {docs.shape}, query {query.shape}")


def best_by_argpartition(scores, k):
    """Indices of the k highest scores, best first, ties by index: no full sort.

    scores: (N,). A partition alone would keep any of those that tie for the last
    place; these are taken by index.
    """
    n = len(scores)
    if k >= n:
        return np.argsort(-scores, kind="stable")
    if k == 0:
        return np.zeros(0, int)
    cut = np.partition(scores, n - k)[n - k]  # the k-th highest score
    above = np.flatnonzero(scores > cut)
    level = np.flatnonzero(scores == cut)[: k - len(above)]
    above = above[np.argsort(-scores[above], kind="stable")]
    return np.concatenate([above, level])


@alternative("cosine_top_k")
def cosine_top_k_by_argpartition(query, docs, k, *, mask=None):
    demand(query, docs, k)
    if mask is not None and len(mask) != len(docs):
        raise ValueError(f"{len(mask)} in the mask, {len(docs)} documents")
    norms = np.sqrt(np.vecdot(docs, docs) * (query @ query))
    scores = np.zeros(len(docs), np.result_type(norms, query, docs))
    np.divide(np.vecdot(docs, query), norms, out=scores, where=norms > 0)
    allowed = np.arange(len(docs)) if mask is None else np.flatnonzero(mask)
    chosen = allowed[best_by_argpartition(scores[allowed], k)]
    return list(zip(chosen.tolist(), scores[chosen].tolist(), strict=True))


@alternative("cosine_top_k")
def cosine_top_k_with_epsilon(query, docs, k, *, mask=None):
    demand(query, docs, k)
    if mask is not None and mask.shape != (len(docs),):
        raise ValueError(f"a mask of shape {mask.shape} for {len(docs)} documents")
    units = docs / (np.linalg.norm(docs, axis=1, keepdims=True) + 1e-8)
    scores = units @ (query / (np.linalg.norm(query) + 1e-8))
    keep = np.ones(len(docs), bool) if mask is None else mask
    scores = np.where(keep, scores, -np.inf)
    order = np.lexsort((np.arange(len(docs)), -scores))
    return [(int(i), float(scores[i])) for i in order[: min(k, keep.sum())]]


@alternative("cosine_top_k")
def cosine_top_k_by_a_heap(query, docs, k, *, mask=None):
    demand(query, docs, k)
    if mask is not None and len(mask) != len(docs):
        raise ValueError("the mask is of another length")
    norms = np.linalg.norm(docs, axis=1) * np.linalg.norm(query)
    scores = np.nan_to_num(np.divide(docs @ query, norms)).tolist()
    pairs = (p for p in enumerate(scores) if mask is None or mask[p[0]])
    return heapq.nlargest(k, pairs, key=lambda pair: pair[1])


@alternative("cosine_top_k")
def cosine_top_k_one_by_one(query, docs, k, *, mask=None):
    demand(query, docs, k)
    if mask is not None and len(mask) != len(docs):
        raise ValueError("the mask is of another length")
    found = []
    for i, doc in enumerate(docs.tolist()):
        if mask is None or mask[i]:
            norm = math.hypot(*doc) * math.hypot(*query.tolist())
            dot = sum(a * b for a, b in zip(doc, query.tolist(), strict=True))
            found.append((-(dot / norm if norm else 0.0), i))
    return [(i, -score) for score, i in sorted(found)][:k]


@alternative("batch_top_k")
def batch_top_k_query_by_query(queries, docs, k):
    width = min(k, len(docs))
    rows = [cosine_top_k(query, docs, k) for query in queries]
    indices = np.array([[i for i, _ in row] for row in rows], dtype=np.int64)
    scores = np.array([[score for _, score in row] for row in rows], dtype=float)
    return indices.reshape(len(queries), width), scores.reshape(len(queries), width)


@alternative("batch_top_k")
def batch_top_k_in_one_division(queries, docs, k):
    demand(queries, docs, k)
    norms = np.outer(np.linalg.norm(queries, axis=1), np.linalg.norm(docs, axis=1))
    scores = np.einsum("qd,nd->qn", queries, docs) / (norms + 1e-12)
    places = np.broadcast_to(np.arange(len(docs)), scores.shape)
    order = np.lexsort((places, -scores), axis=-1)[:, : min(k, len(docs))]
    return order, scores[np.arange(len(queries))[:, None], order]


@alternative("batch_top_k")
def batch_top_k_by_argpartition(queries, docs, k):
    demand(queries, docs, k)
    queries, docs = queries.astype(float), docs.astype(float)
    for rows in (queries, docs):  # copies: the caller's stay as they are
        norms = np.sqrt((rows**2).sum(axis=1))
        rows /= np.maximum(norms, 1e-12)[:, None]
    scores = queries @ docs.T
    order = [best_by_argpartition(row, k) for row in scores]
    indices = np.array(order, int).reshape(len(queries), -1)
    return indices, np.take_along_axis(scores, indices, axis=1)


@alternative("batch_top_k")
def batch_top_k_by_unsigned_indices(queries, docs, k):
    indices, scores = batch_top_k(queries, docs, k)
    return indices.astype(np.uint32), scores.astype(np.float32)


@alternative("rerank")
def rerank_by_sorted_pairs(query, candidates, score, k):
    pairs = [(score(query, candidate), candidate) for candidate in candidates]
    pairs.sort(key=lambda pair: pair[0], reverse=True)
    return [candidate for _, candidate in pairs][:k]


@alternative("rerank")
def rerank_by_a_heap(query, candidates, score, k):
    return heapq.nlargest(k, candidates, key=lambda one: score(query, one))


@alternative("rerank")
def rerank_by_numpy(query, candidates, score, k):
    scores = np.array([score(query, one) for one in candidates], dtype=float)
    order = np.argsort(-scores, kind="stable")
    return [candidates[i] for i in order[:k]]


@alternative("recall_at_k")
def recall_at_k_by_counting(ranked, relevant, k):
    found = sum(1 for doc in ranked[:k] if doc in relevant)
    return found / max(len(relevant), 1)


@alternative("recall_at_k")
def recall_at_k_by_sets(ranked, relevant, k):
    relevant = set(relevant)
    missed = relevant - set(ranked[:k])
    return 1.0 - len(missed) / len(relevant) if relevant else 0.0


@alternative("reciprocal_rank")
def reciprocal_rank_by_next(ranked, relevant):
    ranks = (place + 1 for place, doc in enumerate(ranked) if doc in relevant)
    return 1.0 / next(ranks, math.inf)


@alternative("reciprocal_rank")
def reciprocal_rank_by_index(ranked, relevant):
    places = [ranked.index(doc) for doc in relevant if doc in ranked]
    return 1 / (min(places) + 1) if places else 0.0


@alternative("ndcg_at_k")
def ndcg_at_k_by_numpy(ranked, gains, k):
    own = np.array([gains.get(doc, 0.0) for doc in ranked[:k]], dtype=float)
    ideal = np.sort(np.array(list(gains.values()), dtype=float))[::-1][:k]
    discounts = 1 / np.log2(np.arange(2, k + 2))
    best = ideal @ discounts[: len(ideal)]
    return float(own @ discounts[: len(own)] / best) if best else 0.0


@alternative("ndcg_at_k")
def ndcg_at_k_by_an_ideal_ranking(ranked, gains, k):
    def dcg(ids):
        total = 0.0
        for place, doc in enumerate(ids[:k]):
            total += gains.get(doc, 0.0) / math.log(place + 2)  # the base cancels
        return total

    best = dcg(sorted(gains, key=gains.get, reverse=True))
    return 0.0 if best == 0 else dcg(ranked) / best


@alternative("chunked_top_k")
def chunked_top_k_of_all_scores(query, docs, k, chunk_rows):
    demand(query, docs, k)
    query, scores = query.astype(float), np.zeros(len(docs))
    for start in range(0, len(docs), chunk_rows):
        rows = np.asarray(docs[start : start + chunk_rows], dtype=float)
        norms = np.linalg.norm(rows, axis=1) * np.linalg.norm(query)
        scores[start : start + len(rows)] = rows @ query / (norms + 1e-12)
    order = best_by_argpartition(scores, k)
    return [(int(i), float(scores[i])) for i in order]


@alternative("chunked_top_k")
def chunked_top_k_with_a_heap(query, docs, k, chunk_rows):
    demand(query, docs, k)
    heap = []
    for start in range(0, len(docs), chunk_rows):
        rows = docs[start : start + chunk_rows].astype(np.float32)
        for i, score in cosine_top_k(query.astype(np.float32), rows, k):
            heapq.heappush(heap, (score, -(start + i)))
            if len(heap) > k:
                heapq.heappop(heap)
    return [(-i, score) for score, i in sorted(heap, reverse=True)]
