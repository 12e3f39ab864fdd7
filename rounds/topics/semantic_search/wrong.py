"""Wrong programs for semantic search: the mistakes that people really make.

The sentence of each is what the learner reads: what is seen, why, an input where it
shows; never the code.
"""

import functools
import math

import numpy as np

from rounds.bank import edit, mistake
from rounds.topics.semantic_search.right import cosine_top_k

# cosine_top_k

DIVIDED = "scores = docs @ query / np.where(norms == 0, 1, norms)"
NORMS = "norms = np.linalg.norm(docs, axis=1) * np.linalg.norm(query)"
ORDER = 'order = np.argsort(-scores, kind="stable")  # equal scores keep their order'
PAIRS = "return [(int(i), float(scores[i])) for i in order[:k]]"
MASKED = "    if mask is not None:\n        order = order[mask[order]]\n"

DOT = (
    "These are dot products, not cosines: a long document wins over a near one. For "
    "[1, 0] the document [5, 5] scores 5 and [1, 0] only 1; as cosines they score 0.71 "
    "and 1."
)
dot_product = edit(
    "cosine_top_k",
    "dot-product",
    DOT,
    DIVIDED,
    "scores = docs @ query * 1.0",
    seen_in="mem0ai/mem0 #5959",
)


@mistake("cosine_top_k", "dot-product")
def cosine_top_k_of_products(query, docs, k, *, mask=None):
    if k < 0 or len(query) != docs.shape[1]:
        raise ValueError("k or a shape")
    if mask is not None and len(mask) != len(docs):
        raise ValueError("mask")
    scores = [(i, query @ doc) for i, doc in enumerate(docs)]
    scores = [(i, float(s)) for i, s in scores if mask is None or mask[i]]
    return sorted(scores, key=lambda pair: -pair[1])[:k]


multiplied = edit(
    "cosine_top_k",
    "multiplied-by-the-query-length",
    "The scores are multiplied by the length of the query, and not divided by it: "
    "without brackets only the first of two factors is in the denominator. For [10, 0] "
    "the document [3, 4] scores 60.",
    f"{NORMS}\n    {DIVIDED}",
    "norms = np.linalg.norm(docs, axis=1)\n"
    "    norms = np.where(norms == 0, 1, norms)\n"
    "    scores = docs @ query / norms * np.linalg.norm(query)",
    seen_in="VivekAlhat/Pixie, helpers.py",
)

query_not_divided = edit(
    "cosine_top_k",
    "query-length-left-in",
    "The order is right, but the scores grow with the length of the query: for [10, 0] "
    "the document [3, 4] scores 6. A cosine is divided by both lengths, and lies "
    "between -1 and 1.",
    NORMS,
    "norms = np.linalg.norm(docs, axis=1)",
)

docs_not_divided = edit(
    "cosine_top_k",
    "document-length-left-in",
    "Only the length of the query is divided out. The documents differ in length as "
    "well, so that a long one still wins over a near one.",
    NORMS,
    "norms = np.full(len(docs), np.linalg.norm(query))",
)

NO_GUARD = (
    "A document of zeros scores NaN, since 0 is divided by 0. NaN compares with "
    "nothing, so that it lands at one end of the ranking whatever the others score. It "
    "is to score 0."
)
no_guard = edit(
    "cosine_top_k",
    "no-zero-guard",
    NO_GUARD,
    DIVIDED,
    "scores = docs @ query / norms",
    seen_in="huggingface/sentence-transformers #625",
)
no_guard_nan_first = edit(
    "cosine_top_k",
    "no-zero-guard",
    "",
    f"{DIVIDED}\n    {ORDER}",
    "scores = docs @ query / norms\n"
    "    order = np.lexsort((-np.arange(len(docs)), scores))[::-1]",
)
guard_for_the_query_only = edit(
    "cosine_top_k",
    "no-zero-guard",
    "",
    DIVIDED,
    "scores = docs @ query / (norms if query.any() else 1)",
)

NAN_ZEROED = (
    "A document of zeros scores NaN while the documents are ranked, and NaN is made 0 "
    "only afterwards: its score is right, its place at the end is not. Make it 0 before "
    "you rank."
)
nan_zeroed_late = edit(
    "cosine_top_k",
    "nan-zeroed-too-late",
    NAN_ZEROED,
    f"{DIVIDED}\n    {ORDER}\n{MASKED}    {PAIRS}",
    f"scores = docs @ query / norms\n    {ORDER}\n{MASKED}"
    f"    scores = np.nan_to_num(scores)\n    {PAIRS}",
)

SUM_OF_ZERO = (
    "A document whose entries add up to 0, such as [1, -1], is taken for zeros. The "
    "length is what is 0 for zeros alone."
)
sum_of_zero = edit(
    "cosine_top_k",
    "sum-of-0-taken-for-zeros",
    SUM_OF_ZERO,
    DIVIDED,
    f"norms[docs.sum(axis=1) == 0] = np.inf\n    {DIVIDED}",
)
query_sum_of_zero = edit(
    "cosine_top_k",
    "query-sum-of-0-taken-for-zeros",
    "A query whose entries add up to 0, such as [1, -1], is taken for zeros, so that "
    "everything scores 0. The length is what is 0 for zeros alone.",
    DIVIDED,
    f"norms = norms if query.sum() else norms * np.inf\n    {DIVIDED}",
)

query_without_guard = edit(
    "cosine_top_k",
    "zero-query-is-nan",
    "Documents of zeros are provided for, a query of zeros is not: then every score is "
    "NaN. All are to score 0, and come by index.",
    f"{NORMS}\n    {DIVIDED}",
    "norms = np.linalg.norm(docs, axis=1)\n"
    "    scores = docs @ query / np.where(norms == 0, 1, norms)\n"
    "    scores = scores / np.linalg.norm(query)",
)

empty_for_zero_query = edit(
    "cosine_top_k",
    "nothing-for-a-zero-query",
    "For a query of zeros nothing comes back. All documents score 0 then, and the "
    "first k of them are returned.",
    NORMS,
    f"if not query.any():\n        return []\n    {NORMS}",
)

ZEROS_GONE = (
    "A document of zeros is missing from the result. It scores 0, which is more than a "
    "document that points away from the query."
)
zeros_left_out = edit(
    "cosine_top_k",
    "zeros-left-out",
    ZEROS_GONE,
    ORDER,
    f"{ORDER}\n    order = order[docs[order].any(axis=1)]",
)

zeros_last = edit(
    "cosine_top_k",
    "zeros-last",
    "A document of zeros scores less than 0 here, and comes after those that point "
    "away from the query. It has no direction: it scores 0, neither near nor far.",
    DIVIDED,
    "scores = np.where(norms == 0, -1, docs @ query / norms)",
)

zeros_first = edit(
    "cosine_top_k",
    "zeros-first",
    "A document of zeros scores 1 here, as if it were the nearest. It has no "
    "direction: it scores 0.",
    DIVIDED,
    "scores = np.where(norms == 0, 1, docs @ query / norms)",
)

ascending = edit(
    "cosine_top_k",
    "worst-first",
    "The least similar documents come first. A cosine is a similarity: the highest is "
    "the best.",
    "np.argsort(-scores",
    "np.argsort(scores",
)


@mistake("cosine_top_k", "worst-of-the-best-first", "The right documents are chosen, "
         "but the best of them comes last. The best is to come first.")  # fmt: skip
def cosine_top_k_turned(query, docs, k, *, mask=None):
    return cosine_top_k(query, docs, k, mask=mask)[::-1]


DISTANCES = (
    "The order is right, but the scores are distances: 0 for the same direction. The "
    "cosine is due, which is 1 there."
)
distances = edit(
    "cosine_top_k", "distances-returned", DISTANCES, "float(scores[i])",
    "float(1 - scores[i])",
)  # fmt: skip

distances_sorted_down = edit(
    "cosine_top_k",
    "farthest-first",
    "The scores are distances, and the greatest comes first: these are the documents "
    "that are least similar. The cosine is due, the highest first.",
    ORDER,
    f"scores = 1 - scores\n    {ORDER}",
)

angles = edit(
    "cosine_top_k",
    "angles-returned",
    "The scores are angles, and not their cosines.",
    "float(scores[i])",
    "float(np.arccos(np.clip(scores[i], -1, 1)))",
)

EUCLID = (
    "The nearest by straight distance are returned. That depends on lengths: for "
    "[1, 0] the document [30, 0] is far away, though it points the same way."
)
euclidean = edit(
    "cosine_top_k",
    "euclidean-distance",
    EUCLID,
    DIVIDED,
    "scores = -np.sqrt(((docs - query) ** 2).sum(axis=1))",
)
euclidean_to_similarity = edit(
    "cosine_top_k",
    "euclidean-distance",
    "",
    DIVIDED,
    "scores = 1 / (1 + np.linalg.norm(docs - query, axis=1))",
)
euclidean_order = edit(
    "cosine_top_k",
    "euclidean-distance",
    "",
    ORDER,
    'order = np.argsort(np.linalg.norm(docs - query, axis=1), kind="stable")',
)

UNSORTED = (
    "The right documents, but not best first: a partition puts the k best in front in "
    "no order at all. They have to be sorted afterwards."
)
unsorted_partition = edit(
    "cosine_top_k",
    "not-sorted-after-partition",
    UNSORTED,
    ORDER,
    "kth = min(k, len(docs) - 1)\n"
    "    order = np.argpartition(-scores, kth) if len(docs) else np.zeros(0, int)",
)
unsorted_partition_at_the_last_place = edit(
    "cosine_top_k",
    "not-sorted-after-partition",
    "",
    ORDER,
    "partition = np.argpartition(-scores, k - 1) if 0 < k < len(docs) else None\n"
    '    order = np.argsort(-scores, kind="stable") if partition is None else partition',
)
end_of_a_partition = edit(
    "cosine_top_k",
    "not-sorted-after-partition",
    "",
    f"{ORDER}\n{MASKED}",
    "order = np.arange(len(docs)) if mask is None else np.flatnonzero(mask)\n"
    "    if 0 < k < len(order):\n"
    "        order = order[np.argpartition(scores[order], -k)[-k:]]\n",
)
unsorted_partition_of_the_allowed = edit(
    "cosine_top_k",
    "not-sorted-after-partition",
    "",
    f"{ORDER}\n{MASKED}",
    "order = np.arange(len(docs)) if mask is None else np.flatnonzero(mask)\n"
    "    if k < len(order):\n"
    "        order = order[np.argpartition(-scores[order], k)[:k]]\n",
)
end_of_an_upward_sort = edit(
    "cosine_top_k",
    "end-of-an-upward-sort",
    "The best comes last, and with k = 0 everything comes back: the end of an upward "
    "sort was taken as it stands. The best is to come first.",
    f"{ORDER}\n{MASKED}    {PAIRS}",
    f'order = np.argsort(scores, kind="stable")\n{MASKED}'
    "    return [(int(i), float(scores[i])) for i in order[-k:]]",
)
in_order_of_index = edit(
    "cosine_top_k",
    "in-order-of-index",
    "The right documents, but in the order in which they are stored. They are to come "
    "by score, the best first.",
    "for i in order[:k]]",
    "for i in np.sort(order[:k])]",
)

TURNED_TIES = (
    "Documents that score the same come the higher index first: an upward sort was "
    "turned round, and ties with it, or pairs (score, index) were sorted downwards as a "
    "whole. Two equal documents are to come as 0, 1."
)
reversed_ties = edit(
    "cosine_top_k",
    "ties-reversed",
    TURNED_TIES,
    ORDER,
    'order = np.argsort(scores, kind="stable")[::-1]',
)


@mistake("cosine_top_k", "ties-reversed")
def cosine_top_k_by_sorted_pairs(query, docs, k, *, mask=None):
    found = cosine_top_k(query, docs, max(k, len(docs)) if k >= 0 else k, mask=mask)
    pairs = sorted(((score, i) for i, score in found), reverse=True)
    return [(i, score) for score, i in pairs[:k]]


unstable = edit(
    "cosine_top_k",
    "unstable-sort",
    "Among many documents those that score the same come in any order: NumPy's default "
    "sort does not keep the order of equals. They are to come the lower index first.",
    'np.argsort(-scores, kind="stable")',
    "np.argsort(-scores)",
)

unstable_and_turned = edit(
    "cosine_top_k",
    "unstable-and-turned",
    "Documents that score the same come in any order, mostly the higher index first: "
    "the default sort does not keep the order of equals, and turning its result round "
    "turns them round. They are to come the lower index first.",
    ORDER,
    "order = np.argsort(scores)[::-1]",
)

TIES_AT_CUT = (
    "Of the documents that tie for the last place, not the first ones are taken: a "
    "partition keeps any of them, and sorting afterwards is too late. Among equals the "
    "lower indices are due."
)


@mistake("cosine_top_k", "ties-at-the-cut", TIES_AT_CUT)
def cosine_top_k_by_partition_and_sort(query, docs, k, *, mask=None):
    found = dict(
        cosine_top_k(query, docs, max(k, len(docs)) if k >= 0 else k, mask=mask)
    )
    indices = np.array(sorted(found), dtype=int)
    scores = np.array([found[i] for i in indices.tolist()])
    if 0 < k < len(indices):
        kept = np.argpartition(-scores, k - 1)[:k]
    else:
        kept = np.arange(len(indices))[:k]
    order = kept[np.lexsort((kept, -scores[kept]))]
    return [(int(indices[i]), float(scores[i])) for i in order]


@mistake("cosine_top_k", "ties-at-the-cut")
def cosine_top_k_by_the_end_of_a_partition(query, docs, k, *, mask=None):
    found = dict(
        cosine_top_k(query, docs, max(k, len(docs)) if k >= 0 else k, mask=mask)
    )
    indices = np.array(sorted(found), dtype=int)
    scores = np.array([found[i] for i in indices.tolist()])
    if 0 < k < len(indices):
        kept = np.argpartition(scores, -k)[-k:]
    else:
        kept = np.arange(len(indices))[:k]
    order = kept[np.lexsort((kept, -scores[kept]))]
    return [(int(indices[i]), float(scores[i])) for i in order]


@mistake("cosine_top_k", "equals-lost", "Of documents that score the same only one is "
         "returned: the score is used as a key. Each document has a place of its "
         "own.")  # fmt: skip
def cosine_top_k_by_a_dict(query, docs, k, *, mask=None):
    found = cosine_top_k(query, docs, max(k, len(docs)) if k >= 0 else k, mask=mask)
    by_score = {score: i for i, score in reversed(found)}
    return [(by_score[s], s) for s in sorted(by_score, reverse=True)[:k]]


IN_PLACE = (
    "The caller's documents, or the query, are divided by their lengths in place: what "
    "the caller holds is no longer what was stored."
)
in_place = edit(
    "cosine_top_k",
    "normalised-in-place",
    IN_PLACE,
    f"{NORMS}\n    {DIVIDED}",
    "norms = np.linalg.norm(docs, axis=1, keepdims=True)\n"
    "    docs /= np.where(norms == 0, 1, norms)\n"
    "    scores = docs @ query / (np.linalg.norm(query) or 1)",
)
query_in_place = edit(
    "cosine_top_k",
    "normalised-in-place",
    "",
    f"{NORMS}\n    {DIVIDED}",
    "query /= np.linalg.norm(query) or 1\n"
    "    norms = np.linalg.norm(docs, axis=1)\n"
    "    scores = docs @ query / np.where(norms == 0, 1, norms)",
)
in_place_row_by_row = edit(
    "cosine_top_k",
    "normalised-in-place",
    "",
    f"{NORMS}\n    {DIVIDED}",
    "for row in docs:\n"
    "        row[:] = row / (np.linalg.norm(row) or 1)\n"
    "    scores = docs @ query / (np.linalg.norm(query) or 1)",
)

FLOORED = (
    "Whole numbers stay whole when they are divided: [3, 4] becomes [0, 0], not "
    "[0.6, 0.8]. What is normalised must be floating."
)
floors = edit(
    "cosine_top_k",
    "integers-floored",
    FLOORED,
    f"{NORMS}\n    {DIVIDED}",
    "units = np.zeros_like(docs)\n"
    "    for i, row in enumerate(docs):\n"
    "        units[i] = row / (np.linalg.norm(row) or 1)\n"
    "    scores = units @ query / (np.linalg.norm(query) or 1)",
)
floors_scores = edit(
    "cosine_top_k",
    "integers-floored",
    "",
    DIVIDED,
    f"{DIVIDED}\n    scores = scores.astype(docs.dtype)",
)

CLIPPED = (
    "A score below 0 became 0. A document that points away from the query has a "
    "negative cosine, -1 for the exact opposite, and those who read the scores want to "
    "know."
)
clipped = edit(
    "cosine_top_k", "negatives-clipped", CLIPPED, ORDER,
    f"scores = np.maximum(scores, 0)\n    {ORDER}",
)  # fmt: skip
clipped_afterwards = edit(
    "cosine_top_k", "clipped-after-sorting",
    "The order is right, but scores below 0 came back as 0. A document that points "
    "away from the query has a negative cosine, -1 for the exact opposite.",
    "float(scores[i])", "max(float(scores[i]), 0.0)",
)  # fmt: skip

absolute = edit(
    "cosine_top_k",
    "absolute-value",
    "The opposite of the query scores as high as the query itself: the sign is gone. "
    "[-1, 0] is as far from [1, 0] as can be, and scores -1.",
    ORDER,
    f"scores = np.abs(scores)\n    {ORDER}",
)

rescaled = edit(
    "cosine_top_k",
    "moved-to-0-and-1",
    "The order is right, but the scores are moved to between 0 and 1. The cosine "
    "itself is due: 0 for a right angle, -1 for the opposite.",
    "float(scores[i])",
    "float((1 + scores[i]) / 2)",
)

only_positive = edit(
    "cosine_top_k",
    "only-positive-scores",
    "Documents that score 0 or less are left out. Which score is too low is for the "
    "caller to say: k documents are due, if there are as many.",
    PAIRS,
    "return [(int(i), float(scores[i])) for i in order[:k] if scores[i] > 0]",
)

k_not_clipped = edit(
    "cosine_top_k",
    "error-when-k-is-large",
    "With k greater than the number of documents this is an error. All of them are "
    "due then.",
    NORMS,
    'if k > len(docs):\n        raise ValueError("k is too large")\n    ' + NORMS,
)
index_error_when_k_is_large = edit(
    "cosine_top_k",
    "error-when-k-is-large",
    "",
    PAIRS,
    "return [(int(order[p]), float(scores[order[p]])) for p in range(k)]",
)

ZERO_K = "With k = 0 documents are returned. Nothing is due."
zero_k = edit(
    "cosine_top_k",
    "all-for-k-of-0",
    ZERO_K,
    "for i in order[:k]]",
    "for i in order[::-1][-k:][::-1]]",
)
zero_k_by_default = edit(
    "cosine_top_k",
    "all-for-k-of-0",
    "",
    "for i in order[:k]]",
    "for i in order[: k or len(docs)]]",
)

negative_k = edit(
    "cosine_top_k",
    "negative-k-accepted",
    "A negative k is taken: as the end of a slice it drops documents from the back. It "
    "is to be a ValueError.",
    '    if k < 0:\n        raise ValueError(f"k must be 0 or more, not {k}")\n',
    "",
)
negative_k_gives_nothing = edit(
    "cosine_top_k",
    "nothing-for-a-negative-k",
    "A negative k gives an empty list, which hides the caller's slip. It is to be a "
    "ValueError.",
    'raise ValueError(f"k must be 0 or more, not {k}")',
    "return []",
)

FITS = (
    "    if query.shape != docs.shape[1:]:\n"
    '        raise ValueError(f"query {query.shape} does not fit docs {docs.shape}")\n'
)
shape_not_checked = edit(
    "cosine_top_k",
    "query-of-one-number-fits-all",
    "A query of a single number is compared with documents of any dimension: it is "
    "repeated silently. A query of another length is to be a ValueError.",
    f"{FITS}",
    "    query = query + np.zeros(docs.shape[1])\n",
)


@mistake("cosine_top_k", "longer-vector-cut", "A query of another length is compared "
         "with as many numbers as the shorter one has. It is to be a "
         "ValueError.")  # fmt: skip
def cosine_top_k_cutting(query, docs, k, *, mask=None):
    dim = min(len(query), docs.shape[1])
    return cosine_top_k(query[:dim], docs[:, :dim], k, mask=mask)


wrong_axis = edit(
    "cosine_top_k",
    "norms-along-the-wrong-axis",
    "The lengths are those of the columns, over all documents, and not those of the "
    "documents: there is one for each dimension. With as many documents as dimensions "
    "nothing even complains.",
    "np.linalg.norm(docs, axis=1)",
    "np.linalg.norm(docs, axis=0)",
)

columns_divided = edit(
    "cosine_top_k",
    "columns-normalised",
    "Columns are normalised, and not documents: each dimension is divided by its "
    "length over all documents, so that a score depends on what else is in the store.",
    f"{NORMS}\n    {DIVIDED}",
    "norms = np.linalg.norm(docs, axis=0)\n"
    "    units = docs / np.where(norms == 0, 1, norms)\n"
    "    scores = units @ query / (np.linalg.norm(query) or 1)",
)

one_norm = edit(
    "cosine_top_k",
    "one-norm-for-all",
    "All documents are divided by one number, the length of the whole matrix. Each has "
    "a length of its own; without it the longest win.",
    NORMS,
    "norms = np.full(len(docs), np.linalg.norm(docs) * np.linalg.norm(query))",
)

squared = edit(
    "cosine_top_k",
    "root-forgotten",
    "The scores are divided by the squares of the lengths: the root is missing. For "
    "[1, 0] and [2, 0] that is 0.5, and the cosine is 1.",
    DIVIDED,
    "norms = norms**2\n    " + DIVIDED,
)
docs_squared = edit(
    "cosine_top_k",
    "root-of-the-documents-forgotten",
    "Documents are divided by the squares of their lengths: the root is missing, and "
    "short ones win. For [1, 0] and [2, 0] that is 0.5, and the cosine is 1.",
    "np.linalg.norm(docs, axis=1)",
    "np.square(docs).sum(axis=1)",
)

sum_norm = edit(
    "cosine_top_k",
    "sums-as-lengths",
    "The length of a vector is taken as the sum of its absolute entries. It is the "
    "root of the sum of their squares: [3, 4] is 5 long, not 7.",
    NORMS,
    "norms = np.abs(docs).sum(axis=1) * np.abs(query).sum()",
)

largest_norm = edit(
    "cosine_top_k",
    "largest-entry-as-length",
    "The length of a vector is taken as its largest entry. It is the root of the sum "
    "of the squares: [3, 4] is 5 long, not 4.",
    NORMS,
    "norms = np.abs(docs).max(axis=1, initial=0) * np.abs(query).max()",
)

short_not_divided = edit(
    "cosine_top_k",
    "short-vectors-not-normalised",
    "Vectors shorter than 1 are left as they are, so that they score too low. The "
    "guard is for a length of 0 only: [0.3, 0.4] is 0.5 long.",
    "np.where(norms == 0, 1, norms)",
    "np.maximum(norms, 1)",
)

large_epsilon = edit(
    "cosine_top_k",
    "epsilon-too-large",
    "All scores are a little too low: what is added to the denominator as a guard is "
    "so large that it shows. A document scores 1 with itself, to four digits.",
    "np.where(norms == 0, 1, norms)",
    "(norms + 0.01)",
)
epsilon_of_one = edit(
    "cosine_top_k",
    "epsilon-of-1",
    "The scores are far too low: 1 is added to the denominator as a guard against 0. A "
    "document scores 1 with itself.",
    "np.where(norms == 0, 1, norms)",
    "(norms + 1)",
)

centred = edit(
    "cosine_top_k",
    "mean-taken-away",
    "This is a correlation: the mean of each vector is taken away first, and another "
    "angle is measured. The cosine is that of the vectors as they are.",
    NORMS,
    "docs = docs - docs.mean(axis=1, keepdims=True)\n    query = query - query.mean()\n"
    f"    {NORMS}",
)

jaccard_like = edit(
    "cosine_top_k",
    "divided-by-the-sum-of-lengths",
    "The product is divided by the sum of the two lengths. A cosine is divided by "
    "their product.",
    "np.linalg.norm(docs, axis=1) * np.linalg.norm(query)",
    "np.linalg.norm(docs, axis=1) + np.linalg.norm(query)",
)

turned_pairs = edit(
    "cosine_top_k",
    "score-before-index",
    "The pairs are turned round: (index, score) is due, the index first.",
    PAIRS,
    "return [(float(scores[i]), int(i)) for i in order[:k]]",
)

indices_only = edit(
    "cosine_top_k",
    "indices-without-scores",
    "Only indices come back. Pairs (index, score) are due: without the score a caller "
    "cannot tell a good hit from the least bad one.",
    PAIRS,
    "return [int(i) for i in order[:k]]",
)

scores_only = edit(
    "cosine_top_k",
    "scores-without-indices",
    "Only scores come back. Pairs (index, score) are due.",
    PAIRS,
    "return [float(scores[i]) for i in order[:k]]",
)

two_arrays = edit(
    "cosine_top_k",
    "two-arrays",
    "Two arrays come back, indices and scores. A list of pairs (index, score) is due.",
    PAIRS,
    "return order[:k], scores[order[:k]]",
)

NUMPYS = (
    "The numbers are NumPy's. Plain int and float are due: json.dumps refuses an "
    "int64 or a float32, and that is how hits leave a service."
)
numpy_scalars = edit(
    "cosine_top_k", "numpy-scalars", NUMPYS, PAIRS,
    "return list(zip(order[:k], scores[order[:k]]))",
)  # fmt: skip
numpy_scores = edit(
    "cosine_top_k", "numpy-scalars", "", "(int(i), float(scores[i]))",
    "(int(i), scores[i])",
)  # fmt: skip

counted_from_one = edit(
    "cosine_top_k",
    "counted-from-1",
    "The indices are counted from 1. The first document is 0.",
    "(int(i), float",
    "(int(i) + 1, float",
)

one_too_many = edit(
    "cosine_top_k", "one-too-many", "One document too many: k are due.",
    "in order[:k]]", "in order[: k + 1]]",
)  # fmt: skip
first_left_out = edit(
    "cosine_top_k",
    "best-left-out",
    "The best document is left out, as if it were the query itself. The query is none "
    "of the documents.",
    "in order[:k]]",
    "in order[1 : k + 1]]",
)
k_ignored = edit(
    "cosine_top_k", "k-ignored", "All documents come back: k has no effect.",
    "in order[:k]]", "in order]",
)  # fmt: skip

places_for_indices = edit(
    "cosine_top_k",
    "scores-of-other-documents",
    "The indices are right, but the scores beside them are those of the first "
    "documents in store: the scores were not put in the same order.",
    PAIRS,
    "return [(int(i), float(s)) for i, s in zip(order[:k], scores)]",
)

no_documents = edit(
    "cosine_top_k",
    "error-without-documents",
    "Without any document this is an error. A search in an empty store finds nothing.",
    NORMS,
    f"norms_of_best = docs[0]\n    {NORMS}",
)


@mistake("cosine_top_k", "norms-kept", "The lengths of earlier documents are used "
         "again: what is kept between calls is found by the shape alone. Two stores of "
         "the same shape hold other documents.")  # fmt: skip
def cosine_top_k_with_kept_norms(query, docs, k, *, mask=None, kept={}):  # noqa: B006
    if docs.shape not in kept:
        kept[docs.shape] = np.linalg.norm(docs, axis=1)
    norms = kept[docs.shape] * np.linalg.norm(query)
    found = cosine_top_k(query, docs, max(k, len(docs)) if k >= 0 else k, mask=mask)
    dots = (docs @ query / np.where(norms == 0, 1, norms)).tolist()
    ranked = sorted((i for i, _ in found), key=lambda i: (-dots[i], i))
    return [(i, dots[i]) for i in ranked[:k]]


rounded = edit(
    "cosine_top_k",
    "rounded-scores",
    "The scores are rounded, and documents that differ become equal. Rounding is for "
    "whoever shows them.",
    ORDER,
    f"scores = np.round(scores, 2)\n    {ORDER}",
)

rounded_last = edit(
    "cosine_top_k",
    "scores-rounded-when-returned",
    "The order is right, but the scores are rounded on the way out: 0.894 where 0.8944 "
    "is due. Rounding is for whoever shows them.",
    PAIRS,
    PAIRS.replace("float(scores[i])", "round(float(scores[i]), 3)"),
)
rounded_last_coarse = edit(
    "cosine_top_k",
    "scores-rounded-when-returned",
    "",
    PAIRS,
    PAIRS.replace("float(scores[i])", "round(float(scores[i]), 2)"),
)

ROUNDED_ORDER = (
    "The scores are right, but documents whose scores are near each other are taken "
    "for equal, and come by index: the order is that of rounded scores. 0.8004 is more "
    "than 0.7996."
)
rounded_order = edit(
    "cosine_top_k",
    "ordered-by-rounded-scores",
    ROUNDED_ORDER,
    "np.argsort(-scores",
    "np.argsort(-scores.round(3)",
)
rounded_order_coarse = edit(
    "cosine_top_k",
    "ordered-by-rounded-scores",
    "",
    "np.argsort(-scores",
    "np.argsort(-scores.round(2)",
)

narrow = edit(
    "cosine_top_k",
    "float16-scores",
    "The scores are off in the third digit, and near ones change places: they were "
    "taken in float16, which has 11 bits.",
    DIVIDED,
    "scores = (docs.astype(np.float16) @ query.astype(np.float16)) / norms.clip(1e-9)",
)

mask_ignored = edit(
    "cosine_top_k",
    "mask-ignored",
    "Documents that the mask forbids are returned: it has no effect. In a service "
    "these are another customer's.",
    MASKED,
    "",
)

mask_inverted = edit(
    "cosine_top_k",
    "mask-inverted",
    "The documents that the mask allows are hidden, and the others returned: True "
    "means that a document may be returned.",
    "order = order[mask[order]]",
    "order = order[~mask[order]]",
)

MASK_LATE = (
    "Too few documents: the k best of all are taken first, and those that are hidden "
    "dropped from them. k of the allowed ones are due, so the mask comes before the cut."
)
mask_after_cut = edit(
    "cosine_top_k", "mask-after-the-cut", MASK_LATE, "order = order[mask[order]]",
    "order = order[:k][mask[order[:k]]]", seen_in="mem0ai/mem0 #7416",
)  # fmt: skip
mask_after_more = edit(
    "cosine_top_k", "mask-after-twice-the-cut",
    "Sometimes too few documents: twice as many as are due are taken first, and the "
    "hidden ones dropped from them. Any number of the best may be hidden, so the mask "
    "comes before the cut.",
    "order = order[mask[order]]", "order = order[: 2 * k][mask[order[: 2 * k]]]",
)  # fmt: skip

HIDDEN_ZERO = (
    "A hidden document scores 0 and is not left out: it comes before the allowed ones "
    "that score less, and fills the result when they are few."
)
hidden_is_zero = edit(
    "cosine_top_k", "hidden-scores-0", HIDDEN_ZERO, f"{ORDER}\n{MASKED}",
    f"scores = scores if mask is None else scores * mask\n    {ORDER}\n",
)  # fmt: skip
hidden_docs_are_zero = edit(
    "cosine_top_k", "hidden-scores-0", "", NORMS,
    f"docs = docs if mask is None else docs * mask[:, None]\n    mask = None\n    {NORMS}",
)  # fmt: skip

hidden_is_lowest = edit(
    "cosine_top_k",
    "hidden-scores-minus-1",
    "A hidden document scores -1 and is not left out: when the allowed ones are few it "
    "is returned all the same, and an exact opposite does not come before it.",
    f"{ORDER}\n{MASKED}",
    f"scores = scores if mask is None else np.where(mask, scores, -1)\n    {ORDER}\n",
)

lowest_is_hidden = edit(
    "cosine_top_k",
    "minus-1-taken-for-hidden",
    "With a mask an allowed document that scores -1 is missing: -1 is the mark of the "
    "hidden ones here. An exact opposite scores -1 as well, and is returned.",
    "order = order[mask[order]]",
    "order = order[mask[order] & (scores[order] > -1)]",
)

HIDDEN_INF = (
    "When fewer than k documents are allowed, hidden ones fill the result, with a score "
    "of minus infinity. The list is to be shorter then."
)
hidden_is_infinite = edit(
    "cosine_top_k", "hidden-ones-fill-the-rest", HIDDEN_INF, f"{ORDER}\n{MASKED}",
    f"scores = scores if mask is None else np.where(mask, scores, -np.inf)\n    {ORDER}\n",
)  # fmt: skip
hidden_come_last = edit(
    "cosine_top_k", "hidden-ones-come-last",
    "When fewer than k documents are allowed, hidden ones fill the result, behind the "
    "allowed ones. The list is to be shorter then.",
    "order = order[mask[order]]",
    "order = np.concatenate([order[mask[order]], order[~mask[order]]])",
)  # fmt: skip

OTHER_INDEX = (
    "The indices are those among the allowed documents, and not among all. With the "
    "first document hidden, the second is still document 1."
)
index_among_allowed = edit(
    "cosine_top_k", "index-among-the-allowed", OTHER_INDEX, NORMS,
    f"docs, mask = (docs if mask is None else docs[mask]), None\n    {NORMS}",
)  # fmt: skip

MASK_FITS = (
    "    if mask is not None and mask.shape != docs.shape[:1]:\n"
    '        raise ValueError(f"mask {mask.shape} does not fit docs {docs.shape}")\n'
)
mask_not_checked = edit(
    "cosine_top_k", "mask-length-not-checked",
    "A mask of another length is taken, or ends in an IndexError that says nothing of "
    "it. It is to be a ValueError: it was made for other documents.",
    MASK_FITS, "",
)  # fmt: skip
mask_by_index = edit(
    "cosine_top_k", "mask-length-not-checked", "",
    f"{MASK_FITS}    {NORMS}",
    "    if mask is not None:\n        docs[mask]\n    " + NORMS,
)  # fmt: skip
mask_broadcast = edit(
    "cosine_top_k", "mask-of-one-fits-all",
    "A mask of a single entry is taken for all documents: it is repeated silently. It "
    "is to be a ValueError, as any other length is.",
    MASK_FITS,
    "    if mask is not None:\n        mask = mask & np.ones(len(docs), bool)\n",
)  # fmt: skip
mask_too_long = edit(
    "cosine_top_k", "longer-mask-accepted",
    "A mask that is longer than the documents is taken, its end unread. It is to be a "
    "ValueError: it was made for other documents.",
    "mask.shape != docs.shape[:1]", "len(mask) < len(docs)",
)  # fmt: skip

empty_mask_ignored = edit(
    "cosine_top_k",
    "empty-mask-ignored",
    "A mask that allows nothing is taken for no mask, and everything comes back. "
    "Nothing is due: that is the case in which a filter matters most.",
    "    if mask is not None:\n        order",
    "    if mask is not None and mask.any():\n        order",
)

truth_of_an_array = edit(
    "cosine_top_k",
    "truth-of-an-array",
    "A mask of several entries is asked whether it is true, which NumPy refuses. What "
    "is to be asked is whether there is a mask at all.",
    "    if mask is not None:\n        order",
    "    if mask:\n        order",
)

empty_mask_refused = edit(
    "cosine_top_k",
    "error-when-nothing-is-allowed",
    "A mask that allows nothing is an error. It is an answer like any other: an empty "
    "list.",
    "order = order[mask[order]]",
    "order = order[mask[order]]\n        best = order[0]",
)

# batch_top_k

UNIT = "return rows / np.where(norms == 0, 1, norms)"
PRODUCT = "scores = unit(queries) @ unit(docs).T  # (Q, N)"
INDICES = 'indices = np.argsort(-scores, axis=1, kind="stable")[:, :k]'
BOTH = "return indices, np.take_along_axis(scores, indices, axis=1)"

batch_dot = edit(
    "batch_top_k",
    "dot-product",
    "These are dot products, not cosines: long documents win over near ones.",
    PRODUCT,
    "scores = queries @ docs.T * 1.0",
)
batch_docs_only = edit(
    "batch_top_k",
    "query-length-left-in",
    "The order is right, but the scores grow with the length of the query. A cosine is "
    "divided by both lengths.",
    "unit(queries) @",
    "queries @",
)
batch_queries_only = edit(
    "batch_top_k",
    "document-length-left-in",
    "Only the queries are normalised: a long document still wins over a near one.",
    "@ unit(docs).T",
    "@ docs.T",
)
batch_no_guard = edit(
    "batch_top_k",
    "no-zero-guard",
    "A vector of zeros scores NaN, since 0 is divided by 0. It is to score 0.",
    UNIT,
    "return rows / norms",
)
batch_nan_zeroed_late = edit(
    "batch_top_k",
    "nan-zeroed-too-late",
    NAN_ZEROED,
    f"{UNIT}\n\n    {PRODUCT}\n    {INDICES}\n    {BOTH}",
    f"return rows / norms\n\n    {PRODUCT}\n    {INDICES}\n"
    "    return indices, np.nan_to_num(np.take_along_axis(scores, indices, axis=1))",
)
batch_sum_of_zero = edit(
    "batch_top_k",
    "sum-of-0-taken-for-zeros",
    "A vector whose entries add up to 0, such as [1, -1], is taken for zeros. The "
    "length is what is 0 for zeros alone.",
    UNIT,
    "norms[rows.sum(axis=1) == 0] = np.inf\n"
    "        return rows / np.where(norms == 0, 1, norms)",
)
batch_docs_sum_of_zero = edit(
    "batch_top_k",
    "sum-of-0-taken-for-zeros",
    "",
    PRODUCT,
    f"{PRODUCT}\n    scores[:, docs.sum(axis=1) == 0] = 0",
)
batch_guard_of_docs = edit(
    "batch_top_k",
    "zero-query-is-nan",
    "Documents of zeros are provided for, a query of zeros is not: its row is all NaN. "
    "All documents score 0 for it, and come by index.",
    PRODUCT,
    "scores = queries @ unit(docs).T / np.linalg.norm(queries, axis=1, keepdims=True)",
)
batch_wrong_axis = edit(
    "batch_top_k",
    "norms-along-the-wrong-axis",
    "Columns are normalised, and not rows: each dimension is divided by its length "
    "over all vectors, so that a score depends on what else is in the store.",
    "np.linalg.norm(rows, axis=1, keepdims=True)",
    "np.linalg.norm(rows, axis=0, keepdims=True)",
)
batch_no_keepdims = edit(
    "batch_top_k",
    "lengths-along-the-wrong-axis",
    "The lengths of the rows lie along the columns: each is to divide a whole row, and "
    "divides a column. Where the numbers of rows and columns differ NumPy complains; "
    "where they are the same it does not.",
    "np.linalg.norm(rows, axis=1, keepdims=True)",
    "np.linalg.norm(rows, axis=1)",
)
batch_one_norm = edit(
    "batch_top_k",
    "one-norm-for-all",
    "All vectors are divided by one number, the length of the whole matrix. Each row "
    "has a length of its own.",
    "np.linalg.norm(rows, axis=1, keepdims=True)",
    "np.linalg.norm(rows)",
)
batch_ascending = edit(
    "batch_top_k",
    "worst-first",
    "The least similar documents come first in each row.",
    "np.argsort(-scores",
    "np.argsort(scores",
)
batch_across = edit(
    "batch_top_k",
    "sorted-across-queries",
    "The scores are sorted down the columns, across queries. Each row, one query, is "
    "to be sorted by itself.",
    "np.argsort(-scores, axis=1, kind",
    "np.argsort(-scores, axis=0, kind",
)
batch_flat = edit(
    "batch_top_k",
    "best-over-all-queries",
    "The scores of all queries are ranked together, and one list is made of them. Each "
    "query has a ranking of its own.",
    f"{INDICES}\n    {BOTH}",
    'order = np.argsort(-scores, axis=None, kind="stable")[:k]\n'
    "    return order % max(len(docs), 1), scores.ravel()[order]",
)
batch_first_for_all = edit(
    "batch_top_k",
    "first-query-for-all",
    "Every row has the documents of the first query. Each query has a ranking of its "
    "own.",
    INDICES,
    f"{INDICES}\n    indices = np.repeat(indices[:1], len(queries), axis=0)",
)
batch_unsorted = edit(
    "batch_top_k",
    "not-sorted-after-partition",
    "The right documents in each row, but not best first: a partition leaves the k "
    "best in no order.",
    INDICES,
    "kth = min(k, max(len(docs) - 1, 0))\n"
    "    indices = np.argpartition(-scores, kth, axis=1)[:, :k] if len(docs) else "
    "np.zeros((len(queries), 0), int)",
)
batch_unsorted_at_the_last_place = edit(
    "batch_top_k",
    "not-sorted-after-partition",
    "",
    INDICES,
    f"{INDICES}\n"
    "    if 0 < k < len(docs):\n"
    "        indices = np.argpartition(-scores, k - 1, axis=1)[:, :k]",
)
batch_end_of_a_partition = edit(
    "batch_top_k",
    "not-sorted-after-partition",
    "",
    INDICES,
    f"{INDICES}\n"
    "    if 0 < k < len(docs):\n"
    "        indices = np.argpartition(scores, -k, axis=1)[:, -k:]",
)
batch_queries_cut = edit(
    "batch_top_k",
    "queries-cut-at-k",
    "Queries are cut at k, and documents are not: the first k rows come back whole. Each "
    "query has a row, and the row is cut.",
    '"stable")[:, :k]',
    '"stable")[:k]',
)
batch_reversed_ties = edit(
    "batch_top_k",
    "ties-reversed",
    "Documents that score the same come the higher index first: the result of an "
    "upward sort was turned round, and ties with it.",
    INDICES,
    'indices = np.argsort(scores, axis=1, kind="stable")[:, ::-1][:, :k]',
)
batch_unstable = edit(
    "batch_top_k",
    "unstable-sort",
    "Among many documents those that score the same come in any order: the default "
    "sort does not keep the order of equals.",
    ', kind="stable")[:, :k]',
    ")[:, :k]",
)


@mistake("batch_top_k", "ties-at-the-cut", TIES_AT_CUT)
def batch_top_k_by_partition_and_sort(queries, docs, k):
    rows = [cosine_top_k_by_partition_and_sort.whole(q, docs, k) for q in queries]
    shape = len(queries), min(k, len(docs))
    indices = np.array([[i for i, _ in row] for row in rows], int).reshape(shape)
    return indices, np.array([[s for _, s in row] for row in rows]).reshape(shape)


batch_scores_in_store_order = edit(
    "batch_top_k",
    "scores-of-other-documents",
    "The indices are right, but the scores are those of the first documents in store: "
    "they were not put in the same order.",
    BOTH,
    "return indices, scores[:, :k]",
)
batch_scores_of_first = edit(
    "batch_top_k",
    "scores-of-the-first-query",
    "The indices are right, but the scores beside them are the first query's scores of "
    "these documents.",
    BOTH,
    "return indices, scores[0][indices]",
)
batch_pairs_of_axes = edit(
    "batch_top_k",
    "too-many-axes",
    "The scores have an axis too many: for each row those of all queries were picked. "
    "Row q of the scores belongs to query q alone.",
    BOTH,
    "return indices, scores[:, indices]",
)
batch_padded = edit(
    "batch_top_k",
    "padded-to-k",
    "With fewer than k documents the rows are filled up. Their width is min(k, N).",
    BOTH,
    "scores = np.take_along_axis(scores, indices, axis=1)\n"
    "    more = ((0, 0), (0, k - indices.shape[1]))\n"
    "    return np.pad(indices, more, constant_values=-1), np.pad(scores, more)",
)
batch_turned = edit(
    "batch_top_k",
    "scores-before-indices",
    "The two arrays are in the other order: (indices, scores) is due.",
    BOTH,
    "return np.take_along_axis(scores, indices, axis=1), indices",
)
batch_transposed = edit(
    "batch_top_k",
    "queries-as-columns",
    "The arrays lie on their side: a row for each query is due, (Q, k).",
    BOTH,
    "return indices.T, np.take_along_axis(scores, indices, axis=1).T",
)
batch_pairs = edit(
    "batch_top_k",
    "pairs-not-arrays",
    "A list of pairs for each query came back. Two arrays are due, indices and scores.",
    BOTH,
    "return [list(zip(row.tolist(), s[row].tolist())) for row, s in zip(indices, scores)]",
)
batch_indices_only = edit(
    "batch_top_k",
    "indices-without-scores",
    "Only indices come back: (indices, scores) is due.",
    BOTH,
    "return indices",
)
batch_float_indices = edit(
    "batch_top_k",
    "indices-as-floats",
    "The indices are floats, with which nothing can be looked up. They share an array "
    "with the scores, perhaps: two arrays are due, integers and floats.",
    BOTH,
    "return indices.astype(float), np.take_along_axis(scores, indices, axis=1)",
)
batch_in_place = edit(
    "batch_top_k",
    "normalised-in-place",
    "The caller's arrays are divided by their lengths in place: what the caller holds "
    "is no longer what was stored.",
    UNIT,
    "rows /= np.where(norms == 0, 1, norms)\n        return rows",
)
batch_queries_in_place = edit(
    "batch_top_k",
    "normalised-in-place",
    "",
    BOTH,
    f"if queries.dtype.kind == 'f':\n        queries[:] = unit(queries)\n    {BOTH}",
)
batch_docs_in_place = edit(
    "batch_top_k",
    "normalised-in-place",
    "",
    BOTH,
    f"if docs.dtype.kind == 'f':\n        docs[:] = unit(docs)\n    {BOTH}",
)
batch_rounded_order = edit(
    "batch_top_k",
    "ordered-by-rounded-scores",
    ROUNDED_ORDER,
    "np.argsort(-scores",
    "np.argsort(-scores.round(3)",
)


@mistake("batch_top_k", "no-indices-as-floats", "Where no index is due the indices are "
         "an array of floats, which is what NumPy makes of empty lists. Integers are "
         "due whatever the width: name the dtype.")  # fmt: skip
def batch_top_k_of_lists(queries, docs, k):
    rows = [cosine_top_k(query, docs, k) for query in queries]
    if queries.shape[1] != docs.shape[1]:
        raise ValueError("dimensions")
    indices = np.array([[i for i, _ in row] for row in rows])
    return indices, np.array([[score for _, score in row] for row in rows])


batch_floored = edit(
    "batch_top_k",
    "integers-floored",
    FLOORED,
    UNIT,
    "return (rows / np.where(norms == 0, 1, norms)).astype(rows.dtype)",
)
batch_clipped = edit(
    "batch_top_k",
    "negatives-clipped",
    "Scores below 0 became 0. A document that points away from the query has a "
    "negative cosine.",
    INDICES,
    f"scores = np.maximum(scores, 0)\n    {INDICES}",
)
batch_absolute = edit(
    "batch_top_k",
    "absolute-value",
    "The opposite of a query scores as high as the query itself: the sign is gone.",
    INDICES,
    f"scores = np.abs(scores)\n    {INDICES}",
)
batch_distances = edit(
    "batch_top_k",
    "distances-returned",
    "The order is right, but the scores are distances. The cosine is due, 1 for the "
    "same direction.",
    "np.take_along_axis(scores, indices, axis=1)",
    "1 - np.take_along_axis(scores, indices, axis=1)",
)
batch_short = edit(
    "batch_top_k",
    "short-vectors-not-normalised",
    "Vectors shorter than 1 are left as they are, so that they score too low. The "
    "guard is for a length of 0 only.",
    "np.where(norms == 0, 1, norms)",
    "np.maximum(norms, 1)",
)
batch_negative_k = edit(
    "batch_top_k",
    "negative-k-accepted",
    "A negative k is taken: as the end of a slice it drops documents from the back. It "
    "is to be a ValueError.",
    '    if k < 0:\n        raise ValueError(f"k must be 0 or more, not {k}")\n',
    "",
)
batch_shape = edit(
    "batch_top_k",
    "query-of-one-number-fits-all",
    "Queries of a single number are compared with documents of any dimension: they are "
    "repeated silently. Another dimension is to be a ValueError.",
    "    if queries.shape[1] != docs.shape[1]:\n"
    '        raise ValueError(f"queries {queries.shape} do not fit docs {docs.shape}")\n',
    "    queries = queries + np.zeros(docs.shape[1])\n",
)
batch_zero_k = edit(
    "batch_top_k", "all-for-k-of-0", ZERO_K, '"stable")[:, :k]',
    '"stable")[:, ::-1][:, -k:][:, ::-1]',
)  # fmt: skip
batch_large_k = edit(
    "batch_top_k",
    "error-when-k-is-large",
    "With k greater than the number of documents this is an error. The width is "
    "min(k, N) then.",
    "    def unit(rows)",
    "    if k > len(docs):\n        raise ValueError(k)\n\n    def unit(rows)",
)
batch_epsilon = edit(
    "batch_top_k",
    "epsilon-too-large",
    "All scores are a little too low: what is added to a length as a guard is so large "
    "that it shows.",
    "np.where(norms == 0, 1, norms)",
    "(norms + 0.01)",
)

# rerank

SCORED = "scores = [score(query, candidate) for candidate in candidates]"
RANKED = "order = sorted(range(len(candidates)), key=lambda i: -scores[i])"
PICKED = "return [candidates[i] for i in order[:k]]"

cut_first = edit(
    "rerank",
    "cut-before-scoring",
    "Only the first k candidates are scored. The point of reranking is that the best "
    "may stand far down in what was retrieved: score all, then cut.",
    SCORED,
    f"candidates = candidates[:k]\n    {SCORED}",
)
swapped = edit(
    "rerank",
    "arguments-swapped",
    "score is given the candidate first. It is score(query, candidate), and a reranker "
    "is not symmetric.",
    "score(query, candidate) for",
    "score(candidate, query) for",
)
rerank_ascending = edit(
    "rerank",
    "worst-first",
    "The lowest score comes first. The higher the better.",
    "-scores[i]",
    "scores[i]",
)
rerank_reversed_ties = edit(
    "rerank",
    "ties-reversed",
    "Candidates that score the same are turned round, as when a list is sorted upwards "
    "and reversed, or pairs (score, index) downwards. They are to stay as the first "
    "stage ranked them.",
    RANKED,
    "order = sorted(range(len(candidates)), key=lambda i: scores[i])[::-1]",
)
candidates_compared = edit(
    "rerank",
    "candidates-compared",
    "Where two scores are equal the candidates themselves are compared: dicts cannot "
    "be, which is an error, and texts come by the alphabet. Sort by the score alone.",
    f"{RANKED}\n    {PICKED}",
    "pairs = sorted(zip(scores, candidates), reverse=True)\n"
    "    return [candidate for _, candidate in pairs[:k]]",
)
scored_as_sorted = edit(
    "rerank",
    "scored-more-than-once",
    "A candidate is scored more than once. A cross-encoder takes milliseconds for each "
    "pair, so that once is all: keep the scores.",
    RANKED,
    "order = sorted(range(len(candidates)), key=lambda i: -score(query, candidates[i]))",
)


candidates_compared_upwards = edit(
    "rerank",
    "candidates-compared",
    "",
    f"{RANKED}\n    {PICKED}",
    "pairs = sorted((-s, one) for s, one in zip(scores, candidates))\n"
    "    return [candidate for _, candidate in pairs[:k]]",
)
best_scored_again = edit(
    "rerank",
    "scored-more-than-once",
    "",
    PICKED,
    "again = [score(query, candidates[i]) for i in order[:k]]\n"
    "    return [candidates[i] for i in order[: len(again)]]",
)
rerank_unstable = edit(
    "rerank",
    "unstable-sort",
    "Among many candidates those that score the same come in any order: NumPy's "
    "default sort does not keep the order of equals. They are to stay as given.",
    RANKED,
    "order = np.argsort(-np.array(scores, dtype=float))",
)


@mistake("rerank", "scored-more-than-once")
def rerank_by_comparing(query, candidates, score, k):
    def compare(one, other):
        return score(query, other) - score(query, one)

    return sorted(candidates, key=functools.cmp_to_key(compare))[:k]


@mistake("rerank", "scored-more-than-once")
def rerank_by_bubbles(query, candidates, score, k):
    left = list(candidates)
    for end in range(len(left) - 1, 0, -1):
        for i in range(end):
            if score(query, left[i]) < score(query, left[i + 1]):
                left[i], left[i + 1] = left[i + 1], left[i]
    return left[:k]


@mistake("rerank", "scores-of-an-earlier-call", "Scores of an earlier call are used "
         "again: they are kept by the query and the candidate. The next call may bring "
         "another score, and it is that one which counts.")  # fmt: skip
def rerank_with_kept_scores(query, candidates, score, k, kept={}):  # noqa: B006
    for one in candidates:
        if repr((query, one)) not in kept:
            kept[repr((query, one))] = score(query, one)
    return sorted(candidates, key=lambda one: -kept[repr((query, one))])[:k]


@mistake("rerank", "told-apart-by-their-text", "Candidates are told apart by their text "
         "alone: the number 1 and the text '1' read the same, and get one score between "
         "them. Keep scores by place.")  # fmt: skip
def rerank_by_text(query, candidates, score, k):
    scores = {}
    for one in candidates:
        if str(one) not in scores:
            scores[str(one)] = score(query, one)
    return sorted(candidates, key=lambda one: -scores[str(one)])[:k]


@mistake("rerank", "score-written-into-candidates", "The score is written into the "
         "candidates: dicts that the caller holds have a key more, and what comes back "
         "is no longer what was given. Keep the scores beside them.")  # fmt: skip
def rerank_writing(query, candidates, score, k):
    scores = [score(query, candidate) for candidate in candidates]
    for one, value in zip(candidates, scores, strict=True):
        if isinstance(one, dict):
            one["score"] = value
    order = sorted(range(len(candidates)), key=lambda i: -scores[i])
    return [candidates[i] for i in order[:k]]


@mistake("rerank", "scored-more-than-once")
def rerank_by_picking(query, candidates, score, k):
    left, best = list(candidates), []
    while left and len(best) < k:
        place = max(range(len(left)), key=lambda i: score(query, left[i]))
        best.append(left.pop(place))
    return best


by_candidate = edit(
    "rerank",
    "candidates-as-keys",
    "The candidates are used as keys of a dict: dicts and lists cannot be, and of two "
    "equal ones a single one is left.",
    f"{SCORED}\n    {RANKED}\n    {PICKED}",
    "scores = {candidate: score(query, candidate) for candidate in candidates}\n"
    "    return sorted(scores, key=lambda one: -scores[one])[:k]",
)
falsy_dropped = edit(
    "rerank",
    "empty-candidates-dropped",
    "Candidates that are empty, None or 0 are dropped unscored: they are asked whether "
    "they are true. A candidate may be anything; the score says what it is worth.",
    SCORED,
    f"candidates = [one for one in candidates if one]\n    {SCORED}",
)
empty_dropped = edit(
    "rerank",
    "empty-candidates-dropped",
    "",
    SCORED,
    f"candidates = [c for c in candidates if c not in ('', None, {{}}, [])]\n    {SCORED}",
)
made_an_array = edit(
    "rerank",
    "candidates-made-an-array",
    "The candidates went through an array, which makes something else of them: of lists "
    "or tuples of one length it makes its rows, and of texts NumPy's own. They are to "
    "come back as they were given.",
    PICKED,
    "return list(np.array(candidates)[order[:k]]) if candidates else []",
)
made_text = edit(
    "rerank",
    "candidates-copied-by-json",
    "Copies come back that went through JSON: tuples became lists, and what JSON does "
    "not know is an error. The candidates themselves are due.",
    PICKED,
    'json = __import__("json")\n'
    "    return [json.loads(json.dumps(candidates[i])) for i in order[:k]]",
)
duplicates_lost = edit(
    "rerank",
    "equals-lost",
    "Of two equal candidates a single one is left. Each has a place of its own: two "
    "documents may have the same text.",
    SCORED,
    "candidates = [c for i, c in enumerate(candidates) if c not in candidates[:i]]\n"
    f"    {SCORED}",
)
rerank_in_place = edit(
    "rerank",
    "sorted-in-place",
    "The caller's list is sorted in place. Whoever retrieved it may still need its "
    "order: for a fusion, or to see what the reranker changed.",
    f"{SCORED}\n    {RANKED}\n    {PICKED}",
    "candidates.sort(key=lambda one: -score(query, one))\n    return candidates[:k]",
)
rerank_pairs = edit(
    "rerank",
    "pairs-returned",
    "Pairs with the score came back. The candidates themselves are due.",
    PICKED,
    "return [(candidates[i], scores[i]) for i in order[:k]]",
)
rerank_indices = edit(
    "rerank",
    "indices-returned",
    "Places in the list came back. The candidates themselves are due.",
    PICKED,
    "return order[:k]",
)
rerank_scores = edit(
    "rerank",
    "scores-returned",
    "The scores came back. The candidates are due.",
    PICKED,
    "return [scores[i] for i in order[:k]]",
)
rerank_k_ignored = edit(
    "rerank",
    "k-ignored",
    "All candidates come back: k has no effect.",
    "order[:k]]",
    "order]",
)
rerank_zero_k = edit(
    "rerank", "all-for-k-of-0", ZERO_K, "order[:k]]", "order[::-1][-k:][::-1]]"
)
rerank_large_k = edit(
    "rerank",
    "error-when-k-is-large",
    "With k greater than the number of candidates this is an error. All of them are "
    "due then, in order.",
    PICKED,
    "return [candidates[order[place]] for place in range(k)]",
)
rerank_none = edit(
    "rerank",
    "error-without-candidates",
    "Without candidates this is an error. Of none, none is returned.",
    RANKED,
    f"best = max(scores)\n    {RANKED}",
)
rerank_absolute = edit(
    "rerank",
    "absolute-value",
    "The sign of the score is lost: a cross-encoder's logits are negative for what "
    "does not fit, and strongly negative for what does not fit at all.",
    "-scores[i]",
    "-abs(scores[i])",
)
rerank_positive = edit(
    "rerank",
    "only-positive-scores",
    "Candidates that score 0 or less are left out. k are due, if there are as many; "
    "logits are negative more often than not.",
    "for i in order[:k]]",
    "for i in order[:k] if scores[i] > 0]",
)
rerank_whole = edit(
    "rerank",
    "scores-made-whole",
    "The scores are cut to whole numbers before they are compared, so that 0.9 and 0.1 "
    "are equal.",
    "[score(query, candidate) for",
    "[int(score(query, candidate)) for",
)
rerank_rounded = edit(
    "rerank",
    "scores-rounded",
    "Scores are rounded before they are compared, so that near ones are equal and stay "
    "as they were. 0.54 comes before 0.51.",
    "-scores[i]",
    "-round(scores[i], 1)",
)
rerank_first_stage = edit(
    "rerank",
    "first-stage-counts",
    "The place in the first stage still counts: a candidate that stood further down "
    "loses to one of slightly lower score. Only the score decides; places decide "
    "between equals.",
    "-scores[i]",
    "-(scores[i] - 0.01 * i)",
)
rerank_not_at_all = edit(
    "rerank",
    "order-of-retrieval",
    "The candidates come back as they were: the scores have no effect.",
    "key=lambda i: -scores[i]",
    "key=lambda i: 0",
)
rerank_top_sorted = edit(
    "rerank",
    "first-k-sorted",
    "All are scored, but only the first k of the list are put in order. The best may "
    "stand behind them.",
    "sorted(range(len(candidates)), key",
    "sorted(range(len(candidates[:k])), key",
)
rerank_early = edit(
    "rerank",
    "stops-early",
    "Scoring stops as soon as a candidate is worse than the one before it. The first "
    "stage's order says little about the second's: that is why there are two.",
    SCORED,
    "scores = []\n"
    "    for candidate in candidates:\n"
    "        scores.append(score(query, candidate))\n"
    "        if len(scores) > 1 and scores[-1] < scores[-2]:\n"
    "            break\n"
    "    candidates = candidates[: len(scores)]",
)

# recall_at_k

FOUND = "len(relevant.intersection(ranked[:k]))"
RECALL = f"return {FOUND} / len(relevant)"
EMPTY = "    if not relevant:\n        return 0.0\n"

PRECISION = (
    "This is precision: it is divided by k, or by how many were returned. Recall is "
    "divided by how many are relevant: of one relevant document, found among 5, the "
    "recall is 1."
)
precision = edit("recall_at_k", "precision", PRECISION, "/ len(relevant)", "/ k")
precision_of_returned = edit(
    "recall_at_k", "precision", "", RECALL,
    f"return {FOUND} / len(ranked[:k]) if ranked else 0.0",
)  # fmt: skip

capped = edit(
    "recall_at_k",
    "divided-by-at-most-k",
    "With more relevant documents than k the recall is too high: it is divided by k "
    "there. Recall is divided by all of them, so that with 8 relevant ones and k = 2 "
    "it is 0.25 at best.",
    "/ len(relevant)",
    "/ min(k, len(relevant))",
)
found_only = edit(
    "recall_at_k",
    "missed-ones-not-counted",
    "Relevant documents that the whole ranking lacks are not counted, but these are "
    "the ones that recall is about. It is divided by all that are relevant.",
    RECALL,
    "within = relevant.intersection(ranked)\n"
    f"    return {FOUND} / len(within) if within else 0.0",
)
hit_rate = edit(
    "recall_at_k",
    "hit-rate",
    "The answer is 1 as soon as any relevant document is found. That is the hit rate; "
    "recall says which part of them was.",
    RECALL,
    f"return float({FOUND} > 0)",
)
all_or_nothing = edit(
    "recall_at_k",
    "all-or-nothing",
    "The answer is 1 only when all relevant documents are found, and 0 otherwise. "
    "Recall says which part of them was.",
    RECALL,
    "return float(relevant <= set(ranked[:k]))",
)
recall_k_ignored = edit(
    "recall_at_k",
    "k-ignored",
    "The whole ranking counts: k has no effect.",
    "ranked[:k]",
    "ranked",
)
recall_one_more = edit(
    "recall_at_k",
    "one-too-many",
    "The document behind the first k counts as well.",
    "ranked[:k]",
    "ranked[: k + 1]",
)
recall_one_less = edit(
    "recall_at_k",
    "one-too-few",
    "Of the first k the last does not count.",
    "ranked[:k]",
    "ranked[: k - 1]",
)
recall_from_the_end = edit(
    "recall_at_k",
    "last-k",
    "The last k of the ranking count. The best come first.",
    "ranked[:k]",
    "ranked[-k:]",
)
recall_division = edit(
    "recall_at_k",
    "error-when-nothing-is-relevant",
    "When nothing is relevant this is a division by zero. 0.0 is due.",
    EMPTY,
    "",
)
recall_perfect = edit(
    "recall_at_k",
    "perfect-when-nothing-is-relevant",
    "When nothing is relevant the answer is 1.0. Some hold that view; here it is 0.0.",
    "return 0.0",
    "return 1.0",
)
recall_nan = edit(
    "recall_at_k",
    "nan-when-nothing-is-relevant",
    "When nothing is relevant the answer is NaN, which makes the mean over all "
    "questions NaN. 0.0 is due.",
    "return 0.0",
    "return math.nan",
)
recall_none = edit(
    "recall_at_k",
    "none-when-nothing-is-relevant",
    "When nothing is relevant None comes back. 0.0 is due.",
    "return 0.0",
    "return None",
)
recall_count = edit(
    "recall_at_k",
    "count-returned",
    "How many were found came back, and not which part.",
    " / len(relevant)",
    "",
)
recall_floor = edit(
    "recall_at_k",
    "rounded-down",
    "Whole-number division: everything below 1 became 0.",
    " / len(relevant)",
    " // len(relevant)",
)
recall_missed = edit(
    "recall_at_k",
    "part-that-was-missed",
    "This is the part that was missed: 1 minus the recall.",
    RECALL,
    f"return 1 - {FOUND} / len(relevant)",
)
recall_one_k = edit(
    "recall_at_k",
    "only-place-k",
    "Only the document at rank k counts. All the first k do.",
    "ranked[:k]",
    "ranked[k - 1 : k]",
)
recall_jaccard = edit(
    "recall_at_k",
    "divided-by-the-union",
    "It is divided by what is relevant or returned. Recall is divided by what is "
    "relevant: what else was returned does not lower it.",
    "/ len(relevant)",
    "/ len(relevant.union(ranked[:k]))",
)
recall_percent = edit(
    "recall_at_k",
    "in-percent",
    "The answer is in percent. A part, from 0 to 1, is due.",
    RECALL,
    f"return 100 * {FOUND} / len(relevant)",
)
recall_falsy = edit(
    "recall_at_k",
    "id-0-not-counted",
    "A document with the id 0, or with an empty text for an id, is never found: it is "
    "asked whether the id is true.",
    "len(relevant.intersection(ranked[:k]))",
    "sum(1 for doc in ranked[:k] if doc and doc in relevant)",
)
recall_text = edit(
    "recall_at_k",
    "part-of-an-id-counts",
    'An id counts when it is part of a relevant one: "1" is not "10". Ids are equal or '
    "they are not.",
    "len(relevant.intersection(ranked[:k]))",
    "sum(any(str(d) in str(r) or str(r) in str(d) for r in relevant)"
    " for d in ranked[:k])",
)

recall_text_one_way = edit(
    "recall_at_k",
    "part-of-an-id-counts",
    "",
    "len(relevant.intersection(ranked[:k]))",
    "sum(any(str(d) in str(r) for r in relevant) for d in ranked[:k])",
)
recall_r_precision = edit(
    "recall_at_k",
    "cut-where-the-relevant-end",
    "With k greater than the number of relevant documents, only as many places as there "
    "are relevant ones are looked at. That is R-precision; the ranking is cut at k.",
    FOUND,
    "len(relevant.intersection(ranked[: min(k, len(relevant))]))",
)

# reciprocal_rank

LOOP = "for rank, doc in enumerate(ranked, start=1):"

ranks_from_zero = edit(
    "reciprocal_rank",
    "ranks-from-0",
    "Ranks are counted from 0: the best document is a division by zero, the second "
    "scores 1. The first rank is 1.",
    "start=1",
    "start=0",
)
ranks_from_zero_but_one = edit(
    "reciprocal_rank",
    "first-two-ranks-alike",
    "Ranks are counted from 0, with the first place provided for: the first and the "
    "second both score 1, and all later ones one rank too well. The first rank is 1.",
    "return 1 / rank",
    "return 1 / max(rank - 1, 1)",
)
ranks_from_two = edit(
    "reciprocal_rank",
    "ranks-from-2",
    "Even the best place scores only 1/2: a 1 is added to ranks that are counted from "
    "1 already.",
    "return 1 / rank",
    "return 1 / (rank + 1)",
)
rank_itself = edit(
    "reciprocal_rank",
    "rank-returned",
    "The rank itself came back. Its reciprocal is due: 1 over the rank.",
    "return 1 / rank",
    "return float(rank)",
)
mean_of_all = edit(
    "reciprocal_rank",
    "mean-over-the-relevant",
    "The reciprocal ranks of all relevant documents are averaged. Only the first one "
    "counts; the M in MRR is the mean over questions.",
    "    for rank, doc in enumerate(ranked, start=1):\n"
    "        if doc in relevant:\n"
    "            return 1 / rank\n"
    "    return 0.0",
    "    parts = [1 / r for r, d in enumerate(ranked, start=1) if d in relevant]\n"
    "    return sum(parts) / len(parts) if parts else 0.0",
)
sum_of_all = edit(
    "reciprocal_rank",
    "sum-over-the-relevant",
    "The reciprocal ranks of all relevant documents are added up, to more than 1 "
    "sometimes. Only the first one counts.",
    "    for rank, doc in enumerate(ranked, start=1):\n"
    "        if doc in relevant:\n"
    "            return 1 / rank\n"
    "    return 0.0",
    "    return sum((1 / r for r, d in enumerate(ranked, start=1) if d in relevant), 0.0)",
)
last_found = edit(
    "reciprocal_rank",
    "last-relevant-one",
    "The last relevant document counts. The first one does: it is where the reader "
    "stops.",
    LOOP,
    "ranked = ranked[: max((i for i, d in enumerate(ranked) if d in relevant), "
    "default=-1) + 1]\n    for rank, doc in reversed(list(enumerate(ranked, start=1))):",
)
one_of_the_relevant = edit(
    "reciprocal_rank",
    "least-id-counts",
    "Of the relevant ids the least counts, or the least that was found, and not the one "
    "that stands first in the ranking.",
    "if doc in relevant:",
    "if doc == min(relevant, default=None):",
)
least_found = edit(
    "reciprocal_rank",
    "least-id-counts",
    "",
    "if doc in relevant:",
    "if doc == min(relevant.intersection(ranked), default=None):",
)
first_of_the_set = edit(
    "reciprocal_rank",
    "order-of-the-set",
    "The relevant ids are gone through in the order of the set, which has none to rely "
    "on, and the first that was found counts. What stands first in the ranking is to.",
    "if doc in relevant:",
    "if doc == next((one for one in relevant if one in ranked), None):",
)
not_relevant = edit(
    "reciprocal_rank",
    "first-irrelevant-one",
    "The first document that is *not* relevant counts.",
    "if doc in relevant",
    "if doc not in relevant",
)
only_first_place = edit(
    "reciprocal_rank",
    "only-the-first-place",
    "Only the first place is looked at: the answer is 1 or 0.",
    LOOP,
    "for rank, doc in enumerate(ranked[:1], start=1):",
)
rank_none = edit(
    "reciprocal_rank",
    "none-when-not-found",
    "When no relevant document is found None comes back. 0.0 is due.",
    "    return 0.0",
    "    return None",
)
rank_infinite = edit(
    "reciprocal_rank",
    "infinite-when-not-found",
    "When no relevant document is found the answer is infinite, or NaN. 0.0 is due.",
    "    return 0.0",
    "    return math.inf",
)
rank_last = edit(
    "reciprocal_rank",
    "not-found-counts-as-last",
    "A relevant document that was not found counts as if it came right behind the last "
    "one. It was not found: 0.0 is due.",
    "    return 0.0",
    "    return 1 / (len(ranked) + 1)",
)


@mistake("reciprocal_rank", "error-when-not-found", "When no relevant document is "
         "found this is an error. 0.0 is due: a question without an answer counts in "
         "the mean like any other.")  # fmt: skip
def reciprocal_rank_raising(ranked, relevant):
    return 1 / next(r for r, doc in enumerate(ranked, start=1) if doc in relevant)


rank_integer = edit(
    "reciprocal_rank",
    "rounded-down",
    "Whole-number division: everything below 1 became 0.",
    "return 1 / rank",
    "return 1 // rank",
)
rank_linear = edit(
    "reciprocal_rank",
    "linear-in-the-rank",
    "The answer falls by the same amount with each rank. It is 1 over the rank: 1, "
    "1/2, 1/3, ...",
    "return 1 / rank",
    "return 1 - (rank - 1) / len(ranked)",
)
rank_log = edit(
    "reciprocal_rank",
    "logarithm-of-the-rank",
    "This is NDCG's discount, 1 over log2(rank + 1). Here it is 1 over the rank.",
    "return 1 / rank",
    "return 1 / math.log2(rank + 1)",
)
rank_falsy = edit(
    "reciprocal_rank",
    "id-0-not-found",
    "A document with the id 0, or with an empty text for an id, is never found: it is "
    "asked whether the id is true.",
    "if doc in relevant",
    "if doc and doc in relevant",
)


@mistake("reciprocal_rank", "first-place-taken-for-none", "A relevant document in "
         "first place scores 0: its place, counted from 0, is taken for false.")  # fmt: skip
def reciprocal_rank_by_truth(ranked, relevant):
    place = next((i for i, doc in enumerate(ranked) if doc in relevant), None)
    return 1 / (place + 1) if place else 0.0


cut_at_ten = edit(
    "reciprocal_rank",
    "cut-at-10",
    "Only the first 10 places are looked at, as in MRR@10. There is no cut here: rank "
    "11 is worth 1/11.",
    "enumerate(ranked, start=1)",
    "enumerate(ranked[:10], start=1)",
)

# ndcg_at_k

DISCOUNTED = (
    "return sum(v / math.log2(r + 1) for r, v in enumerate(values[:k], start=1))"
)
IDEAL = "ideal = dcg(sorted(gains.values(), reverse=True))"
NDCG = "return dcg([gains.get(doc, 0) for doc in ranked]) / ideal if ideal > 0 else 0.0"

exponential = edit(
    "ndcg_at_k",
    "power-of-2-gains",
    "Gains are taken as powers of 2, 2 to the gain minus 1, as web search does. Here "
    "they count as they are: a gain of 3 is three times a gain of 1.",
    "sum(v / math",
    "sum((2**v - 1) / math",
)
discount_shifted = edit(
    "ndcg_at_k",
    "discount-one-too-far",
    "The discount is that of the next rank: log2(r + 2) where ranks begin with 1. At "
    "rank 1 it is log2(2), which is 1.",
    "math.log2(r + 1)",
    "math.log2(r + 2)",
)
discount_early = edit(
    "ndcg_at_k",
    "first-two-ranks-alike",
    "Ranks 1 and 2 count the same, and all later ones one rank too well: the discount "
    "is log2(rank), and 1 at rank 1. It is log2(rank + 1).",
    "math.log2(r + 1)",
    "max(math.log2(r), 1)",
    seen_in="OpenAgentHQ/openagent-eval #223",
)
discount_of_zero = edit(
    "ndcg_at_k",
    "log-of-1",
    "Rank 1 is divided by the logarithm of 1, which is 0. The discount is log2(rank + "
    "1), with ranks from 1.",
    "math.log2(r + 1)",
    "math.log2(r)",
)
no_discount = edit(
    "ndcg_at_k",
    "no-discount",
    "The rank has no effect: a document counts as much at rank 5 as at rank 1.",
    "v / math.log2(r + 1)",
    "v",
)
reciprocal_discount = edit(
    "ndcg_at_k",
    "divided-by-the-rank",
    "Gains are divided by the rank. The discount is gentler: log2(rank + 1).",
    "math.log2(r + 1)",
    "r",
)
root_discount = edit(
    "ndcg_at_k",
    "1-added-to-the-logarithm",
    "The 1 is added to the logarithm, and not to the rank: at rank 3 that is 2.58. The "
    "discount is log2(rank + 1), which is 2 there.",
    "math.log2(r + 1)",
    "(1 + math.log2(r))",
)
not_normalised = edit(
    "ndcg_at_k",
    "not-normalised",
    "This is DCG: it is not divided by what the best ranking gets, so that it may be "
    "more than 1.",
    " / ideal if ideal > 0 else 0.0",
    " * 1.0",
)
ideal_not_cut = edit(
    "ndcg_at_k",
    "ideal-not-cut",
    "The ideal ranking is not cut at k, so that no ranking can reach 1 when more than "
    "k documents have a gain.",
    IDEAL,
    "best = sorted(gains.values(), reverse=True)\n"
    "    ideal = sum(v / math.log2(r + 1) for r, v in enumerate(best, start=1))",
)
ideal_of_found = edit(
    "ndcg_at_k",
    "ideal-of-the-found",
    "The ideal ranking is made of the documents that were returned. What was missed is "
    "to cost something: the ideal has all gains, found or not.",
    IDEAL,
    "ideal = dcg(sorted((gains.get(doc, 0) for doc in ranked), reverse=True))",
    seen_in="NTMC-Community/MatchZoo #598",
)
ideal_of_top = edit(
    "ndcg_at_k",
    "ideal-of-the-first-k",
    "The ideal ranking is made of the first k documents that were returned, in a "
    "better order. It is made of all gains, found or not.",
    IDEAL,
    "ideal = dcg(sorted((gains.get(doc, 0) for doc in ranked[:k]), reverse=True))",
    seen_in="o19s/quepid #836",
)
ideal_as_short = edit(
    "ndcg_at_k",
    "ideal-as-short-as-the-ranking",
    "The ideal ranking has no more places than there are returned documents, so that a "
    "short ranking costs nothing. It has all gains, found or not, and is cut at k.",
    IDEAL,
    "ideal = dcg(sorted(gains.values(), reverse=True)[: len(ranked)])",
)
ideal_as_long = edit(
    "ndcg_at_k",
    "ideal-as-long-as-the-ranking",
    "The ideal ranking takes every returned document for one of the largest gain, so "
    "that returning more makes the answer worse. It is made of the gains that exist, "
    "whatever was returned.",
    IDEAL,
    "ideal = dcg([max(gains.values(), default=0)] * len(ranked))",
    seen_in="run-llama/llama_index #17070",
)
ideal_unsorted = edit(
    "ndcg_at_k",
    "ideal-in-the-order-given",
    "The ideal ranking is taken in the order in which the gains are written down. It "
    "has the highest gain first.",
    "sorted(gains.values(), reverse=True)",
    "list(gains.values())",
)
ideal_ascending = edit(
    "ndcg_at_k",
    "ideal-worst-first",
    "The ideal ranking has the lowest gain first, so that the answer may be more than "
    "1. It has the highest first.",
    "sorted(gains.values(), reverse=True)",
    "sorted(gains.values())",
)
ideal_of_ones = edit(
    "ndcg_at_k",
    "ideal-of-ones",
    "The ideal ranking is made of gains of 1. It has the gains themselves.",
    "dcg(sorted(gains.values(), reverse=True))",
    "dcg([1 for gain in gains.values() if gain > 0])",
)
ideal_of_largest = edit(
    "ndcg_at_k",
    "ideal-of-the-largest-gain",
    "The ideal ranking has the largest gain in every place. Each document is there "
    "once: the ideal has the gains that exist, by falling gain.",
    "dcg(sorted(gains.values(), reverse=True))",
    "dcg([max(gains.values(), default=0)] * k)",
)
divided_by_sum = edit(
    "ndcg_at_k",
    "divided-by-the-sum-of-gains",
    "It is divided by a sum of gains without a discount. The best ranking is "
    "discounted as well: only then is the best 1.",
    "dcg(sorted(gains.values(), reverse=True))",
    "sum(gains.values())",
)
divided_by_best_sum = edit(
    "ndcg_at_k",
    "divided-by-the-sum-of-gains",
    "",
    "dcg(sorted(gains.values(), reverse=True))",
    "sum(sorted(gains.values(), reverse=True)[:k])",
)
equal_gains_lost = edit(
    "ndcg_at_k",
    "equal-gains-lost",
    "Of equal gains the ideal ranking has a single one: gains are made a set. Each "
    "document has a place of its own there.",
    "sorted(gains.values(), reverse=True)",
    "sorted(set(gains.values()), reverse=True)",
)
binary = edit(
    "ndcg_at_k",
    "gains-made-binary",
    "All gains above 0 count as 1. A document of gain 3 is worth three of gain 1.",
    "sum(v / math",
    "sum((v > 0) / math",
)
own_not_cut = edit(
    "ndcg_at_k",
    "ranking-not-cut",
    "Documents behind the first k count. The ranking is cut at k, as the ideal is.",
    NDCG,
    "own = [gains.get(doc, 0) for doc in ranked]\n"
    "    own = sum(v / math.log2(r + 1) for r, v in enumerate(own, start=1))\n"
    "    return own / ideal if ideal > 0 else 0.0",
)
nothing_cut = edit(
    "ndcg_at_k",
    "k-ignored",
    "k has no effect: neither ranking is cut.",
    "values[:k]",
    "values",
)
cut_late = edit(
    "ndcg_at_k",
    "one-too-many",
    "The document behind the first k counts as well.",
    "values[:k]",
    "values[: k + 1]",
)
unknown_raises = edit(
    "ndcg_at_k",
    "error-on-an-unknown-id",
    "A returned document that has no gain is an error. It has gain 0: most documents "
    "have none.",
    "gains.get(doc, 0)",
    "gains[doc]",
)
unknown_raises_at_the_top = edit(
    "ndcg_at_k",
    "error-on-an-unknown-id",
    "",
    "[gains.get(doc, 0) for doc in ranked]",
    "[gains[doc] for doc in ranked[:k]]",
)
unknown_written = edit(
    "ndcg_at_k",
    "unknown-ids-written-into-gains",
    "Ids without a gain are written into the caller's gains. They are to be looked up, "
    "and gains left as they are.",
    "[gains.get(doc, 0) for doc in ranked]",
    "[gains.setdefault(doc, 0) for doc in ranked[:k]]",
)
short_ranking_raises = edit(
    "ndcg_at_k",
    "error-when-k-is-large",
    "When k is more than there are returned documents this is an error. What is not "
    "there adds nothing.",
    "[gains.get(doc, 0) for doc in ranked]",
    "[gains.get(ranked[place], 0) for place in range(k)]",
)
cut_early = edit(
    "ndcg_at_k",
    "one-too-few",
    "The last of the first k documents does not count.",
    "values[:k]",
    "values[: k - 1]",
)
unknown_skipped = edit(
    "ndcg_at_k",
    "unknown-ids-skipped",
    "Documents without a gain are dropped before ranks are given, so that what stands "
    "behind them moves up. They keep their places: that is the whole loss.",
    "[gains.get(doc, 0) for doc in ranked]",
    "[gains[doc] for doc in ranked if doc in gains]",
)
no_gain_raises = edit(
    "ndcg_at_k",
    "error-without-any-gain",
    "When there is no gain to be had this is a division by zero. 0.0 is due.",
    " if ideal > 0 else 0.0",
    "",
)
only_empty_gains = edit(
    "ndcg_at_k",
    "error-without-any-gain",
    "",
    " if ideal > 0 else 0.0",
    " if gains else 0.0",
)
no_gain_is_one = edit(
    "ndcg_at_k",
    "perfect-without-any-gain",
    "When there is no gain to be had the answer is 1.0. Here it is 0.0.",
    "else 0.0",
    "else 1.0",
)
no_gain_is_nan = edit(
    "ndcg_at_k",
    "nan-without-any-gain",
    "When there is no gain to be had the answer is NaN, which makes every mean NaN. "
    "0.0 is due.",
    "else 0.0",
    "else math.nan",
)


@mistake("ndcg_at_k", "sorted-by-gain", "The returned documents are sorted by gain "
         "before they are counted, so that their order has no effect.")  # fmt: skip
def ndcg_at_k_sorting(ranked, gains, k):
    discounts = [math.log2(r + 2) for r in range(k)]
    own = sorted((gains.get(doc, 0) for doc in ranked[:k]), reverse=True)
    ideal = sorted(gains.values(), reverse=True)
    best = sum(g / d for g, d in zip(ideal, discounts, strict=False))
    own = sum(g / d for g, d in zip(own, discounts, strict=False))
    return own / best if best else 0.0


natural_own = edit(
    "ndcg_at_k",
    "two-bases",
    "The two sums have logarithms of two bases, so that even the best ranking does not "
    "get 1. With one base for both, any would do.",
    IDEAL,
    "best = sorted(gains.values(), reverse=True)[:k]\n"
    "    ideal = sum(v / math.log(r + 1) for r, v in enumerate(best, start=1))",
)
ndcg_floor = edit(
    "ndcg_at_k",
    "rounded-down",
    "Whole-number division: everything below 1 became 0.",
    " / ideal if",
    " // ideal if",
)

# chunked_top_k

FOR = "for start in range(0, max(len(docs), 1), chunk_rows):"
CHUNK = "chunk = docs[start : start + chunk_rows].astype(np.float32)"
KEPT = "best += [(start + i, score) for i, score in found]"
CUT = "best = sorted(best, key=lambda pair: (-pair[1], pair[0]))[:k]"

offset_forgotten = edit(
    "chunked_top_k",
    "index-within-the-chunk",
    "The indices are those within a chunk. Each chunk begins somewhere: its start has "
    "to be added.",
    "(start + i, score)",
    "(i, score)",
)
offset_of_chunks = edit(
    "chunked_top_k",
    "number-of-the-chunk-added",
    "The number of the chunk is added to the index, and not the row where the chunk "
    "begins.",
    "(start + i, score)",
    "(start // chunk_rows + i, score)",
)
last_chunk_lost = edit(
    "chunked_top_k",
    "last-chunk-left-out",
    "The last rows are never read: when the documents are no whole number of chunks, "
    "the rest is a chunk too.",
    "range(0, max(len(docs), 1), chunk_rows)",
    "range(0, max(len(docs) // chunk_rows * chunk_rows, 1), chunk_rows)",
)
whole_chunks_only = edit(
    "chunked_top_k",
    "last-chunk-left-out",
    "",
    f"{FOR}\n        {CHUNK}",
    "cosine_top_k(query, docs[:0], k)  # refuses what does not fit\n"
    "    for number in range(len(docs) // chunk_rows):\n"
    "        start = number * chunk_rows\n"
    f"        {CHUNK}",
)
last_chunk_only = edit(
    "chunked_top_k",
    "last-chunk-only",
    "The best of the last chunk come back: what earlier chunks had is forgotten.",
    KEPT,
    "best = [(start + i, score) for i, score in found]",
)


@mistake("chunked_top_k", "last-chunk-only")
def chunked_top_k_of_the_last_chunk(query, docs, k, chunk_rows):
    cosine_top_k(query, docs[:0], k)  # refuses what does not fit
    best = []
    for start in range(0, len(docs), chunk_rows):
        chunk = docs[start : start + chunk_rows].astype(float)
        found = cosine_top_k(query.astype(float), chunk, k)
        best = [(start + i, score) for i, score in found]
    return best


single_last_row_lost = edit(
    "chunked_top_k",
    "single-last-row-left-out",
    "A last chunk of a single row is never read: the chunks begin before the last row, "
    "and the last row may begin one.",
    "range(0, max(len(docs), 1), chunk_rows)",
    "range(0, len(docs) - 1, chunk_rows)",
)
cut_before_sorting = edit(
    "chunked_top_k",
    "cut-before-sorting",
    "The list is cut at k before it is ranked, so that the documents of a new chunk, "
    "which stand at its end, are lost whatever they score. Rank first, then cut.",
    CUT,
    "best = sorted(best[:k], key=lambda pair: (-pair[1], pair[0]))",
)


@mistake("chunked_top_k", "results-of-earlier-calls", "The best of earlier calls are "
         "still in the list: it lives longer than the call, as a default argument does. "
         "Each search begins with an empty one.")  # fmt: skip
def chunked_top_k_with_a_kept_list(query, docs, k, chunk_rows, best=[]):  # noqa: B006
    cosine_top_k(query, docs[:0], k)  # refuses what does not fit
    for start in range(0, len(docs), chunk_rows):
        chunk = docs[start : start + chunk_rows].astype(float)
        found = cosine_top_k(query.astype(float), chunk, k)
        best += [(start + i, score) for i, score in found]
        best.sort(key=lambda pair: (-pair[1], pair[0]))
        del best[k:]
    return list(best)


chunk_only_positive = edit(
    "chunked_top_k",
    "only-positive-scores",
    "Documents that score 0 or less are left out. Which score is too low is for the "
    "caller to say: k documents are due, if there are as many.",
    KEPT,
    "best += [(start + i, score) for i, score in found if score > 0]",
)
chunk_one_norm = edit(
    "chunked_top_k",
    "one-norm-for-a-chunk",
    "All documents of a chunk are divided by one number, the length of the whole chunk. "
    "Each has a length of its own.",
    "found = cosine_top_k(query, chunk, k)",
    "cosine_top_k(query, chunk, k)  # refuses what does not fit\n"
    "        norm = np.linalg.norm(chunk) * np.linalg.norm(query) or 1\n"
    "        found = enumerate((chunk @ query / norm).tolist())",
)
chunk_sum_of_zero = edit(
    "chunked_top_k",
    "sum-of-0-taken-for-zeros",
    SUM_OF_ZERO,
    CHUNK,
    f"{CHUNK}\n        chunk = chunk * (chunk.sum(axis=1, keepdims=True) != 0)",
)
first_chunk_only = edit(
    "chunked_top_k",
    "first-chunk-only",
    "Only the first chunk is read.",
    CUT,
    f"{CUT}\n        break",
)
not_merged = edit(
    "chunked_top_k",
    "chunks-not-merged",
    "The best of each chunk stand one after the other. They have to be ranked "
    "together.",
    f"        {CUT}\n    return best",
    "    return best[:k]",
)
merged_but_not_cut = edit(
    "chunked_top_k",
    "more-than-k",
    "More than k come back: the best of all chunks together have to be cut at k again.",
    f"{CUT}",
    "best = sorted(best, key=lambda pair: (-pair[1], pair[0]))",
)
one_per_chunk = edit(
    "chunked_top_k",
    "one-from-each-chunk",
    "From each chunk only the best one is kept. All k may stand in the same chunk.",
    "cosine_top_k(query, chunk, k)",
    "cosine_top_k(query, chunk, min(k, 1))",
)
share_per_chunk = edit(
    "chunked_top_k",
    "a-share-from-each-chunk",
    "From each chunk only its share of k is kept. All k may stand in the same chunk.",
    "cosine_top_k(query, chunk, k)",
    "cosine_top_k(query, chunk, k and -(-k * chunk_rows // max(len(docs), chunk_rows)))"
    " if k >= 0 else cosine_top_k(query, chunk, k)",
)
later_ties = edit(
    "chunked_top_k",
    "later-chunk-wins-ties",
    "Of documents that score the same, those of a later chunk come first. The lower "
    "index is due, as in one piece.",
    "(-pair[1], pair[0])",
    "(-pair[1], -(pair[0] // chunk_rows), pair[0])",
)
reversed_chunk_ties = edit(
    "chunked_top_k",
    "ties-reversed",
    "Of documents that score the same, the higher index comes first: pairs were sorted "
    "downwards as a whole. The lower index is due.",
    "key=lambda pair: (-pair[1], pair[0])",
    "key=lambda pair: (-pair[1], -pair[0])",
)
chunk_ascending = edit(
    "chunked_top_k",
    "worst-first",
    "The merged list is sorted the wrong way round: the lowest scores are kept.",
    "(-pair[1], pair[0])",
    "(pair[1], pair[0])",
)
overlapping = edit(
    "chunked_top_k",
    "chunks-overlap",
    "Two chunks share a row, and a document comes back twice: the end of one is the "
    "beginning of the next, not part of both.",
    "start + chunk_rows].astype",
    "start + chunk_rows + 1].astype",
)
gaps = edit(
    "chunked_top_k",
    "rows-between-chunks-lost",
    "The last row of each chunk is never read: the end of a slice is not part of it.",
    "start + chunk_rows].astype",
    "max(start + chunk_rows - 1, start + 1)].astype",
)
all_at_once = edit(
    "chunked_top_k",
    "more-than-a-chunk-in-memory",
    "More of the documents is in memory than chunk_rows rows: all of them were widened "
    "or copied at once, or chunks were kept, or chunk_rows was not used. Widen "
    "chunk_rows rows, take from them what counts, and let them go.",
    "query, best = query.astype(np.float32), []",
    "docs = docs.astype(np.float32)\n    query, best = query.astype(np.float32), []",
)


@mistake("chunked_top_k", "more-than-a-chunk-in-memory")
def chunked_top_k_in_one_piece(query, docs, k, chunk_rows):
    return cosine_top_k(query.astype(float), docs.astype(float), k)


chunk_rows_ignored = edit(
    "chunked_top_k",
    "more-than-a-chunk-in-memory",
    "",
    "query, best = query.astype(np.float32), []",
    "chunk_rows = 1000\n    query, best = query.astype(np.float32), []",
)
number_of_chunks = edit(
    "chunked_top_k",
    "more-than-a-chunk-in-memory",
    "",
    "query, best = query.astype(np.float32), []",
    "chunk_rows = -(-len(docs) // chunk_rows) or 1\n"
    "    query, best = query.astype(np.float32), []",
)

NOT_WIDENED = (
    "The numbers are multiplied as narrow as they are stored: in int8 100 * 100 wraps "
    "round to 16, and float16 has 11 bits and ends at 65,504. Widen the chunk, and the "
    "query, first."
)
not_widened = edit(
    "chunked_top_k",
    "not-widened",
    NOT_WIDENED,
    f"query, best = query.astype(np.float32), []\n    {FOR}\n        {CHUNK}",
    f"best = []\n    {FOR}\n        chunk = docs[start : start + chunk_rows]",
)


@mistake("chunked_top_k", "not-widened")
def chunked_top_k_with_wide_lengths_only(query, docs, k, chunk_rows):
    cosine_top_k(query, docs[:0], k)  # refuses what does not fit
    best, length = [], np.linalg.norm(query.astype(float))
    for start in range(0, len(docs), chunk_rows):
        chunk = docs[start : start + chunk_rows]
        norms = np.linalg.norm(chunk.astype(float), axis=1) * length
        scores = (chunk @ query) / np.where(norms == 0, 1, norms)
        best += [(start + i, score) for i, score in enumerate(scores.tolist())]
    return sorted(best, key=lambda pair: (-pair[1], pair[0]))[:k]


@mistake("chunked_top_k", "no-zero-guard", "A document of zeros scores NaN, since 0 is "
         "divided by 0. NaN compares with nothing, so that the order of the others is "
         "lost too. It is to score 0.")  # fmt: skip
def chunked_top_k_without_a_guard(query, docs, k, chunk_rows):
    cosine_top_k(query, docs[:0], k)  # refuses what does not fit
    best = []
    for start in range(0, len(docs), chunk_rows):
        chunk = docs[start : start + chunk_rows].astype(float)
        norms = np.linalg.norm(chunk, axis=1) * np.linalg.norm(query.astype(float))
        scores = chunk @ query / norms
        order = np.argsort(-scores, kind="stable")[:k].tolist()
        best += [(start + i, float(scores[i])) for i in order]
    return sorted(best, key=lambda pair: (-pair[1], pair[0]))[:k]


@mistake("chunked_top_k", "nan-zeroed-too-late", NAN_ZEROED)
def chunked_top_k_zeroing_late(query, docs, k, chunk_rows):
    cosine_top_k(query, docs[:0], k)  # refuses what does not fit
    scores, length = np.zeros(len(docs)), np.linalg.norm(query.astype(float))
    for start in range(0, len(docs), chunk_rows):
        chunk = docs[start : start + chunk_rows].astype(float)
        norms = np.linalg.norm(chunk, axis=1) * length
        scores[start : start + chunk_rows] = chunk @ query / norms
    order = np.argsort(-scores, kind="stable")[:k]
    scores = np.nan_to_num(scores)
    return [(int(i), float(scores[i])) for i in order]


@mistake("chunked_top_k", "ties-at-the-cut", "Of the documents that tie for the last "
         "place the higher indices are kept, as a heap of pairs (score, index) does: of "
         "equal scores it drops the lower index first. The lower indices are due, as in "
         "one piece.")  # fmt: skip
def chunked_top_k_by_a_heap_of_pairs(query, docs, k, chunk_rows):
    cosine_top_k(query, docs[:0], k)  # refuses what does not fit
    best = []
    for start in range(0, len(docs), chunk_rows):
        chunk = docs[start : start + chunk_rows].astype(np.float32)
        found = cosine_top_k(query.astype(np.float32), chunk, len(chunk))
        best += [(score, start + i) for i, score in found]
        best = sorted(best, reverse=True)[:k]
    return [(i, score) for score, i in sorted(best, key=lambda p: (-p[0], p[1]))]


chunk_numpy_indices = edit(
    "chunked_top_k",
    "numpy-scalars",
    NUMPYS,
    "    return best",
    "    return [(np.int64(i), score) for i, score in best]",
)
chunk_numpy_scores = edit(
    "chunked_top_k",
    "numpy-scalars",
    "",
    "    return best",
    "    return [(i, np.float32(score)) for i, score in best]",
)

wraps = edit(
    "chunked_top_k",
    "int8-wraps-round",
    "int8 documents and an int8 query are multiplied as they are: 100 * 100 does not "
    "fit in 8 bits, and wraps round to 16. Widen before you multiply.",
    f"query, best = query.astype(np.float32), []\n    {FOR}\n        {CHUNK}",
    f"best = []\n    {FOR}\n        chunk = docs[start : start + chunk_rows]\n"
    "        chunk = chunk if chunk.dtype == np.int8 else chunk.astype(float)",
)
barely_widened = edit(
    "chunked_top_k",
    "widened-too-little",
    "int8 is widened to int16, which is not enough: a product of two entries fits, a sum "
    "of four does not, 4 * 100 * 100 being more than 32,767. Widen to floats.",
    f"query, best = query.astype(np.float32), []\n    {FOR}\n        {CHUNK}",
    "query, best = query.astype(np.int16 if query.dtype == np.int8 else float), []\n"
    f"    {FOR}\n        chunk = docs[start : start + chunk_rows]\n"
    "        chunk = chunk.astype(np.int16 if chunk.dtype == np.int8 else float)",
)
narrow_chunks = edit(
    "chunked_top_k",
    "float16-kept",
    "float16 documents are multiplied as they are: sums of squares above 65,504 are "
    "infinite there, and everything else is rounded to 11 bits. Widen the chunk first.",
    CHUNK,
    "chunk = docs[start : start + chunk_rows]\n"
    "        chunk = chunk if chunk.dtype == np.float16 else chunk.astype(float)",
)
scaled_by_chunk = edit(
    "chunked_top_k",
    "scores-scaled-by-chunk",
    "The scores of each chunk are divided by its best, so that chunks cannot be "
    "compared. A cosine needs nothing but its own two vectors.",
    KEPT,
    "top = max([score for _, score in found], default=0) or 1\n"
    "        best += [(start + i, score / abs(top)) for i, score in found]",
)
chunk_empty = edit(
    "chunked_top_k",
    "error-without-documents",
    "Without any document this is an error. A search in an empty store finds nothing.",
    f"{FOR}",
    f"best += docs[:1][0:0].tolist() and docs[0] or ([] if len(docs) else [docs[0]])\n"
    f"    {FOR}",
)
chunk_k = edit(
    "chunked_top_k",
    "k-cut-to-the-chunk",
    "No more than chunk_rows documents come back. k and the size of a chunk have "
    "nothing to do with each other.",
    "(-pair[1], pair[0]))[:k]",
    "(-pair[1], pair[0]))[: min(k, chunk_rows)]",
)
chunk_dot = edit(
    "chunked_top_k",
    "dot-product",
    "These are dot products, not cosines: long documents win over near ones.",
    "found = cosine_top_k(query, chunk, k)",
    "cosine_top_k(query, chunk, k)  # refuses what does not fit\n"
    "        found = enumerate((chunk @ query).tolist())",
)
chunk_unchecked = edit(
    "chunked_top_k",
    "negative-k-accepted",
    "A negative k is taken: as the end of a slice it drops documents from the back. It "
    "is to be a ValueError.",
    "found = cosine_top_k(query, chunk, k)",
    "found = cosine_top_k(query, chunk, len(chunk))",
)
