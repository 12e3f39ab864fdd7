"""What is tried on a learner's attention, against slow and obvious loops.

Conventions are those of the statement. Not tried, since it leaves them open: NaN,
+inf, an empty axis, unsigned and bool logits, zero queries or keys, a mask without
axes, no heads, scores beyond float32.
"""

import math

import numpy as np

from rounds.engine.step import Step
from rounds.exercise import Exercise

INF = math.inf
NEAR = {"rtol": 1e-3, "atol": 1e-3}  # large scores in float32 have few digits left
FINE = {"rtol": 1e-13, "atol": 0}  # float64 in and out, nothing added anywhere
HALF = {"rtol": 1e-2, "atol": 5e-3}  # float16 in, which has three digits

softmax = Exercise("attention.softmax", "softmax(x, axis=-1)")
causal_mask = Exercise("attention.causal_mask", "causal_mask(n_queries, n_keys)")
attention = Exercise(
    "attention.attention",
    "attention(q, k, v, mask=None)",
    results=("output", "weights"),
)
multi_head_attention = Exercise(
    "attention.multi_head_attention",
    "multi_head_attention(x, w_q, w_k, w_v, w_o, n_heads, n_kv_heads=None, mask=None)",
)
flash_attention = Exercise(
    "attention.flash_attention",
    "flash_attention(q, k, v, block_size=128, causal=False)",
)
EXERCISES = [
    softmax,
    attention,
    causal_mask,
    multi_head_attention,
    flash_attention,
]


# The oracle: Python floats and loops, no vectorised step to get wrong.


def probabilities(scores: list[float]) -> list[float]:
    """Softmax of a few numbers; all -inf gives zeros."""
    peak = max(scores)
    if peak == -INF:
        return [0.0] * len(scores)
    exps = [math.exp(score - peak) for score in scores]
    return [e / math.fsum(exps) for e in exps]


def due_softmax(x: np.ndarray, axis: int = -1) -> np.ndarray:
    due = np.zeros(x.shape)
    for place in np.ndindex(*np.delete(x.shape, axis)):
        index = list(place)
        index.insert(axis % x.ndim, slice(None))
        due[tuple(index)] = probabilities([float(e) for e in x[tuple(index)]])
    return due


def due_mask(n_queries: int, n_keys: int) -> np.ndarray:
    rows = range(n_queries)
    return np.array(
        [[j <= i + n_keys - n_queries for j in range(n_keys)] for i in rows]
    )


def due_attention(
    q: np.ndarray, k: np.ndarray, v: np.ndarray, mask: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    shape = (*q.shape[:-1], k.shape[-2])
    allowed = np.broadcast_to(True if mask is None else mask, shape)
    output, weights = np.zeros((*q.shape[:-1], v.shape[-1])), np.zeros(shape)
    for place in np.ndindex(*q.shape[:-1]):
        query, keys, values = q[place], k[place[:-1]], v[place[:-1]]
        scores = [
            math.fsum(float(a) * float(b) for a, b in zip(query, key, strict=True))
            / math.sqrt(len(query))
            for key in keys
        ]
        weights[place] = probabilities(
            [s if ok else -INF for s, ok in zip(scores, allowed[place], strict=True)]
        )
        for w, value in zip(weights[place], values, strict=True):
            output[place] += w * value.astype(float)
    return output, weights


def due_heads(
    x: np.ndarray,
    w_q: np.ndarray,
    w_k: np.ndarray,
    w_v: np.ndarray,
    w_o: np.ndarray,
    n_heads: int,
    n_kv_heads: int | None = None,
    mask: np.ndarray | None = None,
) -> np.ndarray:
    d_head = w_q.shape[1] // n_heads
    group = n_heads // (n_kv_heads or n_heads)
    n_tokens = x.shape[-2]
    allowed = np.broadcast_to(
        True if mask is None else mask, (*x.shape[:-2], n_heads, n_tokens, n_tokens)
    )
    due = np.zeros((*x.shape[:-1], w_o.shape[1]))
    for h in range(n_heads):
        own = range(h * d_head, (h + 1) * d_head)
        shared = range(h // group * d_head, (h // group + 1) * d_head)
        q, k, v = x @ w_q[:, own], x @ w_k[:, shared], x @ w_v[:, shared]
        due += due_attention(q, k, v, allowed[..., h, :, :])[0] @ w_o[own, :]
    return due


def precise(step: Step, due: np.ndarray) -> Step:
    """float64 came back, with the digits that it has. Told apart: wrong by far, a
    narrower dtype, lost digits."""
    return step.equals(due).has_dtype(np.float64).equals(due, **FINE)


def normal(seed: int, *shape: int, scale: float = 1.0) -> np.ndarray:
    """Normal draws, rounded so that reports show the very numbers."""
    return np.round(np.random.default_rng(seed).normal(0, scale, shape), 2)


# softmax


@softmax.case("Each logit's exponential is divided by the sum of all of them.")
def _(t):
    x = np.array([1.0, -1.0, 2.0])
    precise(t.call(x), due_softmax(x))


@softmax.case("By default each row (the last axis) is one distribution.")
def _(t):
    for x in (normal(1, 2, 3), normal(2, 2, 3, 4), normal(3, 2, 3, 1, 2)):
        precise(t.call(x), due_softmax(x))


@softmax.case("The distribution runs along the axis that is asked for.")
def _(t):
    for seed, shape, axis in (
        (3, (3, 2), 0),
        (3, (3, 2), 1),
        (4, (2, 3, 4), 0),
        (4, (2, 3, 4), 1),
        (4, (2, 3, 4), -2),
        (5, (4,), 0),
    ):
        x = normal(seed, *shape)
        t.call(x, axis=axis).equals(due_softmax(x, axis))
    x = normal(6, 3, 2)
    t.call(x, 0).equals(due_softmax(x, 0))


@softmax.case("One logit has all the probability.", stage="edge")
def _(t):
    step = precise(t.call(np.array([-3.0])), np.array([1.0]))
    step.obeys(lambda probs: probs[0] > 1 - 1e-13, "a probability of 1, not less")
    t.call(np.array([[5.0], [-9.0]])).equals(np.array([[1.0], [1.0]]))


@softmax.case("exp(710) is already inf: shift the logits before exp.", stage="edge")
def _(t):
    for x in (
        np.array([1000.0, 1001.0]),
        np.array([3000.0, 0.0, -3000.0]),
        np.array([150.0, 151.0], dtype=np.float32),
    ):
        t.call(x).equals(due_softmax(x))


@softmax.case("Logits, and even their spread, may be as large as floats.", stage="edge")
def _(t):
    for x in ([1e308, -1e308], [-3e9, -3e9]):
        t.call(np.array(x)).equals(due_softmax(np.array(x)))


@softmax.case("exp(-1000) is 0: very negative logits need a shift too.", stage="edge")
def _(t):
    x = np.array([-1000.0, -1001.0, -1003.0])
    t.call(x).equals(due_softmax(x))


@softmax.case("Every slice is shifted by its own maximum.", stage="edge")
def _(t):
    x = np.array([[2000.0, 2001.0], [-1000.0, -1002.0], [0.5, 1.0]])
    t.call(x).equals(due_softmax(x))
    t.call(x.T.copy(), axis=0).equals(due_softmax(x).T)


@softmax.case("A logit of -inf gets probability 0.", stage="edge")
def _(t):
    x = np.array([0.0, -INF, 1.0])
    step = precise(t.call(x), due_softmax(x))
    step.obeys(lambda value: value[1] == 0, "exactly 0 for the logit of -inf")
    x = np.array([[0.0, -INF, 1.0], [-INF, -2.0, -INF], [-INF, -3e9, -3e9]])
    t.call(x).equals(due_softmax(x))


@softmax.case("A slice that is all -inf gives zeros, not nan.", stage="edge")
def _(t):
    t.call(np.array([-INF, -INF])).equals(np.zeros(2))
    t.call(np.array([[-INF], [2.0]])).equals(np.array([[0.0], [1.0]]))
    x = np.array([[-INF, 0.0, -INF], [-INF, 1.0, 2.0]])
    t.call(x, axis=0).equals(due_softmax(x, 0))
    x = np.array([[-INF, -INF, -INF], [0.0, 1.0, -INF]])
    t.call(x).equals(due_softmax(x))


@softmax.case("Integer logits give float probabilities.", stage="edge")
def _(t):
    for x in (np.array([0, 1, 3]), np.array([[2, -1], [0, 7]])):
        t.call(x).equals(due_softmax(x))
    x = np.array([3, 1], dtype=np.int32)
    t.call(x).equals(due_softmax(x))


@softmax.case("Small integers wrap round: in int8, 100 - -100 is -56.", stage="edge")
def _(t):
    x = np.array([100, -100], dtype=np.int8)
    t.call(x).equals(due_softmax(x))


@softmax.case("float32 logits give float32 probabilities.", stage="edge")
def _(t):
    for x in (normal(9, 2), normal(7, 2, 3)):
        narrow = x.astype(np.float32)
        step = t.call(narrow).equals(due_softmax(narrow), rtol=1e-4, atol=1e-6)
        step.has_dtype(np.float32)


@softmax.case("Also where all logits are -inf float32 stays float32.", stage="edge")
def _(t):
    for x in ([-INF, -INF], [[-INF, -INF], [0.0, -INF]]):
        narrow = np.array(x, dtype=np.float32)
        t.call(narrow).equals(due_softmax(narrow)).has_dtype(np.float32)


@softmax.case("float64 logits keep their precision.", stage="edge")
def _(t):
    x = np.array([0.0, -30.0, 1e-9])
    precise(t.call(x), due_softmax(x))


@softmax.case("float16 logits: exp overflows there from 12 on.", stage="edge")
def _(t):
    for x in (np.array([12.0, 13.0, 10.0]), np.array([60000.0, 10.0])):
        t.call(x.astype(np.float16)).equals(due_softmax(x), rtol=5e-3, atol=1e-3)


@softmax.case("A long row still sums to 1.", stage="property")
def _(t):
    x = normal(8, 3, 400, scale=3.0)
    t.call(x).equals(due_softmax(x))


# causal_mask


@causal_mask.case(
    "A position sees itself and what came before it, True for may attend.", level=2
)
def _(t):
    t.call(3, 3).equals(due_mask(3, 3))


@causal_mask.case("With as many queries as keys it is the lower triangle.", level=2)
def _(t):
    t.call(1, 1).equals(due_mask(1, 1))
    t.call(5, 5).equals(due_mask(5, 5))
    t.call(20, 20).equals(due_mask(20, 20))


@causal_mask.case(
    "Fewer queries than keys: the queries are the last positions.", level=3
)
def _(t):
    for n_queries, n_keys in ((2, 3), (1, 4), (3, 7), (1, 2), (3, 300)):
        t.call(n_queries, n_keys).equals(due_mask(n_queries, n_keys))


@causal_mask.case(
    "More queries than keys: the first queries stand before every key.",
    level=3,
    stage="edge",
)
def _(t):
    for n_queries, n_keys in ((3, 2), (4, 1), (6, 3)):
        t.call(n_queries, n_keys).equals(due_mask(n_queries, n_keys))


# attention


def tokens(seed: int, *batch: int, n_queries=3, n_keys=5, d=4, dv=2):
    """q, k, v with unequal dimensions, so that no mix-up of two can hide."""
    return (
        normal(seed, *batch, n_queries, d),
        normal(seed + 1, *batch, n_keys, d),
        normal(seed + 2, *batch, n_keys, dv),
    )


def beyond_float16():
    """float16 tokens whose scores pass 65504 even after scaling, yet lie close: all
    products are integers, so that float32 sums are exact."""
    q, k = np.full((1, 64), 200.0), np.full((2, 64), 200.0)
    q[0, 0] = 208.0
    k[1, :2] += (0.5, -0.5)
    v = np.array([[1.0, 2.0], [3.0, -4.0]])
    return q.astype(np.float16), k.astype(np.float16), v.astype(np.float16)


def barely_beyond_float16():
    """The same in two dimensions."""
    q, k = np.array([[300.0, 300.0]]), np.array([[300.0, 300.0], [300.0, 299.75]])
    v = np.array([[1.0], [2.0]])
    return q.astype(np.float16), k.astype(np.float16), v.astype(np.float16)


def equal_keys_of_float16():
    """Large values under equal weights: three pass 65504 when they are summed before
    the division, 27 when 1/27 is rounded to float16."""
    for n_keys, value in ((3, 60000), (27, 65504)):
        zeros = np.zeros((n_keys, 2), np.float16)
        yield zeros[:1], zeros, np.full((n_keys, 1), value, np.float16)


def square_tokens(seed: int):
    """q, k and v of a batch with one shape, as self-attention has them."""
    return tokens(seed, 2, n_queries=3, n_keys=3, d=4, dv=4)


def far_below_zero():
    """All scores near -1e6, in integers that float32 holds exactly."""
    q = np.array([[1000.0, 1.0, 0.0, 0.0]])
    k = np.array([[-2000.0, 0.0, 1, 0], [-2000.0, 2.0, 0, 1], [-2000.0, 4.0, 0, 0]])
    return q, k, np.array([[1.0, -2.0], [3.0, 5.0], [-4.0, 2.0]])


@attention.case("softmax(q @ k^T / sqrt(d)) @ v; returned as (output, weights).")
def _(t):
    q, k = np.array([[1.0, 2.0]]), np.array([[1.0, 0.0], [0.0, 1.0]])
    v = np.array([[1.0, 0.0, 2.0], [0.0, 3.0, -1.0]])
    t.call(q, k, v).equals(due_attention(q, k, v))


@attention.case(
    "The numbers of queries and keys, and the widths d and dv, may all differ."
)
def _(t):
    for given in (tokens(10), tokens(13, n_queries=6, n_keys=2, d=3, dv=5)):
        t.call(*given).equals(due_attention(*given))


@attention.case("Leading dimensions are a batch: each entry is on its own.")
def _(t):
    for given in (
        tokens(20, 2),
        tokens(23, 2, 3, n_queries=4, n_keys=3),
        tokens(26, 2, 1, 3, n_queries=2, n_keys=3),
    ):
        t.call(*given).equals(due_attention(*given))


@attention.case("As many queries as keys, as in self-attention, unmasked.")
def _(t):
    for given in (tokens(27, n_queries=4, n_keys=4, d=4, dv=4), square_tokens(28)):
        t.call(*given).equals(due_attention(*given))


@attention.case("Scores far below zero are as good as others.", stage="edge")
def _(t):
    q, k, v = far_below_zero()
    t.call(q, k, v).equals(due_attention(q, k, v))


@attention.case("Large scores must not overflow.", stage="edge")
def _(t):
    q, k, v = tokens(30, n_queries=2, n_keys=3)
    t.call(q * 60, k * 60, v).equals(due_attention(q * 60, k * 60, v), **NEAR)


@attention.case("One key gets all the weight.", stage="edge")
def _(t):
    given = tokens(33, n_queries=2, n_keys=1, d=1, dv=3)
    t.call(*given).equals(due_attention(*given))


@attention.case("The mask is True where a query may attend.", level=2)
def _(t):
    q, k = np.array([[1.0, 2.0]]), np.array([[1.0, 0.0], [0.0, 1.0]])
    v, mask = np.array([[1.0, 0.0, 2.0], [0.0, 3.0, -1.0]]), np.array([[True, False]])
    t.call(q, k, v, mask).equals(due_attention(q, k, v, mask))
    q, k, v = tokens(40, n_queries=2, n_keys=3)
    mask = np.array([[True, False, True], [False, True, True]])
    step = t.call(q, k, v, mask).equals(due_attention(q, k, v, mask))
    step.obeys(lambda it: not np.any(it[1][~mask]), "masked weights exactly 0")
    t.call(q, k, v, mask=mask).equals(due_attention(q, k, v, mask))
    q, k, v = tokens(36, n_queries=3, n_keys=3)
    mask = np.array([[True, True, False], [False, True, True], [True, False, True]])
    t.call(q, k, v, mask).equals(due_attention(q, k, v, mask))


@attention.case("A mask that allows everything changes nothing.", level=2)
def _(t):
    q, k, v = tokens(43, n_queries=2, n_keys=4)
    mask = np.ones((2, 4), dtype=bool)
    t.call(q, k, v, mask).equals(due_attention(q, k, v))


@attention.case("The mask is broadcast to (..., Tq, Tk).", level=2)
def _(t):
    q, k, v = tokens(46, 2, 3)
    rng = np.random.default_rng(49)
    for shape in ((3, 5), (1, 5), (5,), (3, 1), (2, 1, 1, 5), (3, 3, 5), (2, 3, 3, 5)):
        mask = rng.random(shape) < 0.6
        mask[..., 0] = True
        t.call(q, k, v, mask).equals(due_attention(q, k, v, mask))


@attention.case(
    "A mask's axes are the last ones: (Tk,) is of keys, (Tq, Tk) is for every entry.",
    level=2,
)
def _(t):
    # Lengths that agree: whoever goes by the numbers takes one axis for another.
    one, two = [True, False], [[True, True, False], [False, True, True]]
    three = [two, [[True, False, True], [True, True, False]]]
    for lead, mask in (((), one), ((2,), two), ((2, 2), two), ((2, 2), three)):
        mask = np.array(mask)
        given = tokens(48, *lead, n_queries=2, n_keys=mask.shape[-1], d=2, dv=1)
        t.call(*given, mask).equals(due_attention(*given, mask))


@attention.case(
    "A query that may attend to nothing gets zero weights and a zero output.",
    level=2,
    stage="edge",
)
def _(t):
    q, k, v = tokens(50, n_queries=2, n_keys=3)
    mask = np.array([[False, False, False], [True, False, True]])
    t.call(q, k, v, mask).equals(due_attention(q, k, v, mask))
    nothing = np.zeros((2, 3), dtype=bool)
    t.call(q, k, v, nothing).equals((np.zeros((2, 2)), np.zeros((2, 3))))
    batch = tokens(52, 2, n_queries=3, n_keys=2)
    mask = np.array([[False, False], [True, True], [True, False]])
    t.call(*batch, mask).equals(due_attention(*batch, mask))
    one_key = tokens(51, n_queries=3, n_keys=1)
    mask = np.array([[True], [False], [True]])
    t.call(*one_key, mask).equals(due_attention(*one_key, mask))


@attention.case(
    "What stands at a masked key must not matter, however high its score.",
    level=2,
    stage="edge",
)
def _(t):
    q, k, v = np.array([[1.0]]), np.array([[0.0], [2000.0]]), np.array([[1.0], [2.0]])
    mask = np.array([[True, False]])
    t.call(q, k, v, mask).equals(due_attention(q, k, v, mask))
    q, k, v = tokens(53, n_queries=2, n_keys=3)
    k[1] = q[0] * 20000.0
    v[1] = 1000.0
    mask = np.array([[True, False, True], [True, False, False]])
    t.call(q, k, v, mask).equals(due_attention(q, k, v, mask))


@attention.case(
    "Any finite stand-in for a masked score, 0 or -1e9, can be beaten.",
    level=2,
    stage="edge",
)
def _(t):
    mask, v = np.array([[True, False]]), np.array([[1.0], [2.0]])
    # Scores near -7e35, and of -3.2e38 and 3.2e38: float32 holds all of them.
    for q, k in (
        (np.array([[1e18, 0.0]]), np.array([[-1e18, 0.0], [0.0, 0.0]])),
        (np.array([[2e19]]), np.array([[-1.6e19], [1.6e19]])),
    ):
        t.call(q, k, v, mask).equals(due_attention(q, k, v, mask))
    q, k, v = far_below_zero()
    mask = np.array([[False, True, True]])
    t.call(q, k, v, mask).equals(due_attention(q, k, v, mask))
    q, k, v = np.zeros((1, 2)), np.eye(3, 2), np.array([[1.0], [2.0], [4.0]])
    mask = np.array([[True, True, False]])
    t.call(q, k, v, mask).equals(due_attention(q, k, v, mask))
    q, k, v = tokens(56, n_queries=2, n_keys=3)
    k = -np.abs(k) - 20.0
    q = np.abs(q) + 5.0
    mask = np.array([[True, True, False], [False, True, True]])
    t.call(q, k, v, mask).equals(due_attention(q, k, v, mask))


@attention.case(
    "float16 in: finite results that agree to about three digits.",
    level=3,
    stage="edge",
)
def _(t):
    q, k, v = (array.astype(np.float16) for array in tokens(60, n_queries=2, n_keys=3))
    t.call(q, k, v).equals(due_attention(q, k, v), **HALF)
    mask = np.array([[True, False, True], [False, False, False]])
    t.call(q, k, v, mask).equals(due_attention(q, k, v, mask), **HALF)


@attention.case(
    "float16 in: a score can pass 65504, the largest float16.",
    level=3,
    stage="edge",
)
def _(t):
    for q, k, v in (barely_beyond_float16(), beyond_float16()):
        t.call(q, k, v).equals(due_attention(q, k, v), **HALF)
    k[1:] *= -1
    mask = np.array([[False, True]])
    t.call(q, k, v, mask).equals(due_attention(q, k, v, mask), **HALF)


@attention.case(
    "float16 in: values near 65504 are averaged without passing it on the way.",
    level=3,
    stage="edge",
)
def _(t):
    for q, k, v in equal_keys_of_float16():
        t.call(q, k, v).equals(due_attention(q, k, v), **HALF)


# multi_head_attention


def layer(seed: int, *lead: int, d_model=6, n_heads=2, n_kv_heads=None, d_head=4):
    """x and the four weights; n_heads * d_head is not d_model, so nothing is square."""
    kv_width = (n_kv_heads or n_heads) * d_head
    return (
        normal(seed, *lead, d_model),
        normal(seed + 1, d_model, n_heads * d_head, scale=0.6),
        normal(seed + 2, d_model, kv_width, scale=0.6),
        normal(seed + 3, d_model, kv_width, scale=0.6),
        normal(seed + 4, n_heads * d_head, d_model, scale=0.6),
    )


@multi_head_attention.case(
    "Project with w_q, w_k, w_v; attend; project back with w_o.", level=2
)
def _(t):
    given = layer(100, 2, d_model=3, n_heads=1, d_head=2)
    t.call(*given, 1).equals(due_heads(*given, 1))
    given = layer(105, 5, n_heads=1)
    t.call(*given, n_heads=1).equals(due_heads(*given, 1))


@multi_head_attention.case(
    "Several heads: head h owns columns h * d_head to (h + 1) * d_head.", level=2
)
def _(t):
    given = layer(110, 2, d_model=3, d_head=2)
    t.call(*given, 2).equals(due_heads(*given, 2))
    for seed, n_tokens, heads, width in (
        (115, 3, 2, 4),
        (120, 5, 3, 2),
        (125, 4, 4, 1),
    ):
        given = layer(seed, n_tokens, n_heads=heads, d_head=width)
        t.call(*given, heads).equals(due_heads(*given, heads))


@multi_head_attention.case("The output is projected with w_o as it is given.", level=2)
def _(t):
    given = layer(127, 2, d_model=4, d_head=2)
    t.call(*given, 2).equals(due_heads(*given, 2))


@multi_head_attention.case("Leading dimensions are a batch.", level=2)
def _(t):
    for given in (layer(130, 2, 2), layer(132, 2, 3)):
        t.call(*given, 2).equals(due_heads(*given, 2))
    given = layer(135, 2, 3, 5, d_model=4, n_heads=3, d_head=2)
    t.call(*given, n_heads=3).equals(due_heads(*given, 3))


@multi_head_attention.case("A single token attends to itself alone.", level=2)
def _(t):
    given = layer(140, 1, n_heads=3, d_head=2)
    t.call(*given, 3).equals(due_heads(*given, 3))


@multi_head_attention.case("A mask (T, T) holds for all heads.", level=2)
def _(t):
    mask = np.array([[True, False, True], [True, True, False], [False, True, True]])
    given = layer(145, 3)
    t.call(*given, 2, mask=mask).equals(due_heads(*given, 2, mask=mask))
    given = layer(150, 3, 3)  # as many entries as tokens
    t.call(*given, 2, mask=mask).equals(due_heads(*given, 2, mask=mask))


@multi_head_attention.case(
    "A mask may differ by head and by batch entry: (..., n_heads, T, T).",
    level=2,
    stage="property",
)
def _(t):
    given = layer(155, 2, 4, n_heads=3, d_head=2)
    rng = np.random.default_rng(160)
    for shape in ((3, 4, 4), (2, 1, 4, 4), (2, 3, 4, 4), (2, 1, 1, 4), (4,)):
        mask = rng.random(shape) < 0.6
        mask[..., 0], mask[..., -1] = True, False
        t.call(*given, 3, mask=mask).equals(due_heads(*given, 3, mask=mask))


@multi_head_attention.case(
    "A mask of three axes differs by head, not by batch entry.",
    level=2,
    stage="property",
)
def _(t):
    given = layer(162, 3, 2, n_heads=3, d_head=2)  # as many entries as heads
    mask = np.array([[[1, 0], [1, 1]], [[1, 1], [0, 1]], [[0, 1], [1, 0]]], dtype=bool)
    t.call(*given, 3, mask=mask).equals(due_heads(*given, 3, mask=mask))


@multi_head_attention.case(
    "A token that may attend to nothing gets a zero output.", level=2, stage="edge"
)
def _(t):
    given = layer(163, 2)
    nothing = np.zeros((2, 2), dtype=bool)
    t.call(*given, 2, mask=nothing).equals(np.zeros((2, 6)))
    mask = np.array([[[True, False], [False, False]], [[True, True], [False, True]]])
    t.call(*given, 2, mask=mask).equals(due_heads(*given, 2, mask=mask))
    given = layer(165, 3)
    mask = np.array([[True, False, False], [False, False, False], [True, True, True]])
    t.call(*given, 2, mask=mask).equals(due_heads(*given, 2, mask=mask))


@multi_head_attention.case(
    "Large scores, also of masked keys, must not drown the others.",
    level=2,
    stage="edge",
)
def _(t):
    x, one = np.array([[1.0], [-1.0]]), np.array([[1.0]])
    large, mask = np.array([[1e18]]), np.eye(2, dtype=bool)  # allowed scores of -1e36
    due = due_heads(x, large, -large, one, one, 1, mask=mask)
    t.call(x, large, -large, one, one, 1, mask=mask).equals(due)
    # Integers, so that float32 would do as well.
    x = np.array([[1.0, 0.0], [0.0, 1.0], [2.0, 1.0]])
    w_q, w_k = np.array([[90000.0, 8], [-60000, 4]]), np.array([[-80.0, 8], [50, 12]])
    w_v, w_o = np.array([[1.0, 2.0], [-3.0, 1.0]]), np.array([[1.0, -1.0], [2.0, 1.0]])
    t.call(x, w_q, w_k, w_v, w_o, 2).equals(due_heads(x, w_q, w_k, w_v, w_o, 2))
    mask = np.array([[True, False, True], [True, False, False], [False, True, True]])
    due = due_heads(x, w_q, w_k, w_v, w_o, 2, mask=mask)
    t.call(x, w_q, w_k, w_v, w_o, 2, mask=mask).equals(due)


@multi_head_attention.case(
    "Grouped queries: query head h uses KV head h // (n_heads // n_kv_heads).", level=3
)
def _(t):
    for seed, lead, heads, kv_heads in (
        (170, (3,), 4, 2),
        (175, (2, 3), 6, 2),
        (180, (5,), 6, 3),
    ):
        given = layer(seed, *lead, n_heads=heads, n_kv_heads=kv_heads, d_head=3)
        t.call(*given, heads, kv_heads).equals(due_heads(*given, heads, kv_heads))


@multi_head_attention.case("One KV head for all query heads (MQA).", level=3)
def _(t):
    given = layer(185, 3, n_heads=4, n_kv_heads=1, d_head=2)
    t.call(*given, 4, n_kv_heads=1).equals(due_heads(*given, 4, 1))


@multi_head_attention.case("n_kv_heads equal to n_heads is the plain case.", level=3)
def _(t):
    given = layer(190, 3, n_heads=3, d_head=2)
    t.call(*given, 3, n_kv_heads=3).equals(due_heads(*given, 3))


@multi_head_attention.case("Grouped queries with a mask for each query head.", level=3)
def _(t):
    given = layer(195, 2, 3, n_heads=4, n_kv_heads=2, d_head=2)
    mask = np.random.default_rng(200).random((2, 4, 3, 3)) < 0.6
    mask[..., 0] = True
    t.call(*given, 4, n_kv_heads=2, mask=mask).equals(due_heads(*given, 4, 2, mask))


@multi_head_attention.case(
    "Head counts or widths that do not divide are a ValueError.", level=3, stage="edge"
)
def _(t):
    given = layer(205, 2, n_heads=4, n_kv_heads=3, d_head=2)
    t.call(*given, 4, n_kv_heads=3).raises(ValueError)
    given = layer(210, 2, n_heads=2, n_kv_heads=4, d_head=2)
    t.call(*given, 2, n_kv_heads=4).raises(ValueError)
    x, w_q, w_k, w_v, w_o = layer(215, 2, d_model=4, n_heads=3, d_head=2)
    wider = normal(220, 4, 7)
    t.call(x, wider, wider, wider, w_o, 3).raises(ValueError)
    t.call(x, wider, w_k, w_v, w_o, 3).raises(ValueError)
    t.call(x, w_q, wider, w_v, w_o, 3).raises(ValueError)
    t.call(x, w_q, w_k, wider, w_o, 3).raises(ValueError)
    x = normal(223, 2, 6, 4)  # 6 rows of 7 columns do divide by 3, a row does not
    t.call(x, wider, wider, wider, w_o, 3).raises(ValueError)


# flash_attention


def due_flash(q, k, v, causal: bool = False) -> np.ndarray:
    mask = due_mask(q.shape[-2], k.shape[-2]) if causal else None
    return due_attention(q, k, v, mask)[0]


@flash_attention.case(
    "One block: the output of attention, with the scale 1/sqrt(d).", level=4
)
def _(t):
    given = tokens(308, n_queries=1, n_keys=2, d=2, dv=1)
    t.call(*given, block_size=5).equals(due_flash(*given))
    t.call(*given, block_size=2).equals(due_flash(*given))


@flash_attention.case(
    "Several blocks, even of one key each, make one softmax together.", level=4
)
def _(t):
    given = tokens(308, n_queries=1, n_keys=2, d=2, dv=1)
    t.call(*given, block_size=1).equals(due_flash(*given))


@flash_attention.case(
    "The partial results of the blocks merge into one softmax.", level=4
)
def _(t):
    given = tokens(300, n_queries=1, n_keys=4, d=2, dv=3)
    t.call(*given, block_size=2).equals(due_flash(*given))
    given = tokens(301, n_queries=2, n_keys=2, d=2, dv=3)
    t.call(*given, block_size=2).equals(due_flash(*given))


@flash_attention.case("The last block of keys may be shorter.", level=4)
def _(t):
    given = tokens(302, n_queries=1, n_keys=3, d=2, dv=1)
    t.call(*given, block_size=2).equals(due_flash(*given))


@flash_attention.case("The last block of queries may be shorter.", level=4)
def _(t):
    given = tokens(305, n_queries=3, n_keys=1, d=2, dv=1)
    t.call(*given, block_size=2).equals(due_flash(*given))


@flash_attention.case("Every block size gives the same output.", level=4)
def _(t):
    given = tokens(303, n_queries=6, n_keys=8, d=3, dv=2)
    for block_size in (4, 2, 1, 3, 5, 7, 8, 20):
        t.call(*given, block_size).equals(due_flash(*given))


@flash_attention.case(
    "Without block_size it is 128, and longer inputs have several blocks.", level=4
)
def _(t):
    given = tokens(306, n_queries=5, n_keys=150, d=3, dv=2)
    t.call(*given).equals(due_flash(*given))
    given = tokens(309, n_queries=140, n_keys=9, d=3, dv=2)
    t.call(*given, causal=False).equals(due_flash(*given))


@flash_attention.case("Leading dimensions are a batch.", level=4)
def _(t):
    given = tokens(312, 2, 3, n_queries=3, n_keys=5)
    t.call(*given, block_size=2).equals(due_flash(*given))


@flash_attention.case(
    "causal=True in a single tile is causal_mask.", level=4, stage="property"
)
def _(t):
    given = tokens(313, n_queries=2, n_keys=2, d=2, dv=1)
    t.call(*given, block_size=2, causal=True).equals(due_flash(*given, causal=True))


@flash_attention.case(
    "causal: query i sees the keys up to i + Tk - Tq, whatever the blocks.",
    level=4,
    stage="property",
)
def _(t):
    for n_queries, n_keys, block_size in ((3, 3, 2), (2, 3, 1), (2, 3, 2), (4, 4, 2)):
        given = tokens(314, n_queries=n_queries, n_keys=n_keys, d=2, dv=1)
        due = due_flash(*given, causal=True)
        t.call(*given, block_size=block_size, causal=True).equals(due)


@flash_attention.case(
    "causal=True hides the future within and between tiles.",
    level=4,
    stage="property",
)
def _(t):
    given = tokens(315, n_queries=6, n_keys=6, d=2, dv=3)
    for block_size in (2, 1, 3, 4, 6, 16):
        t.call(*given, block_size, True).equals(due_flash(*given, causal=True))


@flash_attention.case(
    "causal=True with fewer queries than keys: the queries are the last positions.",
    level=4,
    stage="property",
)
def _(t):
    for n_queries, n_keys, block_size in ((1, 4, 2), (2, 7, 3), (3, 8, 2), (5, 6, 4)):
        given = tokens(318, n_queries=n_queries, n_keys=n_keys, d=3, dv=2)
        due = due_flash(*given, causal=True)
        t.call(*given, block_size=block_size, causal=True).equals(due)


@flash_attention.case(
    "Leading dimensions are a batch, with causal=True as well.",
    level=4,
    stage="property",
)
def _(t):
    given = tokens(312, 2, 3, n_queries=3, n_keys=5)
    t.call(*given, block_size=2, causal=True).equals(due_flash(*given, causal=True))


@flash_attention.case(
    "causal=True with more queries than keys: the first see nothing and get zeros.",
    level=4,
    stage="edge",
)
def _(t):
    for n_queries, n_keys, block_size in ((3, 1, 2), (5, 2, 2), (7, 4, 3), (6, 3, 9)):
        given = tokens(321, n_queries=n_queries, n_keys=n_keys, d=2, dv=3)
        due = due_flash(*given, causal=True)
        t.call(*given, block_size=block_size, causal=True).equals(due)


@flash_attention.case(
    "Scores may have any size that float32 holds: exp must never overflow.",
    level=4,
    stage="edge",
)
def _(t):
    q, v = np.array([[1.0]]), np.array([[1.0], [2.0]])
    for k in (np.array([[0.0], [2000.0]]), np.array([[2000.0], [0.0]])):
        t.call(q, k, v, block_size=1).equals(due_flash(q, k, v))


@flash_attention.case(
    "Large scores that rise from block to block: rescale what was summed.",
    level=4,
    stage="edge",
)
def _(t):
    q, k, v = tokens(324, n_queries=2, n_keys=6, d=2, dv=2)
    q, k = np.abs(q) + 1.0, np.abs(k)
    for order in (np.argsort(k.sum(1)), np.argsort(-k.sum(1))):
        steep = k[order] * 300.0
        t.call(q, steep, v, block_size=2).equals(due_flash(q, steep, v), **NEAR)


@flash_attention.case(
    "All scores far below zero: a running maximum cannot start at 0 or -1e9.",
    level=4,
    stage="edge",
)
def _(t):
    q, v = np.array([[1e18]]), np.array([[1.0], [2.0]])
    k = np.array([[-1e18], [-2e18]])  # one counts: log(2) is lost beside 1e36
    t.call(q, k, v, block_size=1).equals(due_flash(q, k, v))
    q, k, v = tokens(327, n_queries=2, n_keys=5, d=2, dv=2)
    low = -np.abs(k) - 800.0
    q = np.abs(q) + 1.0
    t.call(q, low, v, block_size=2).equals(due_flash(q, low, v), **NEAR)
    t.call(*far_below_zero(), block_size=2).equals(due_flash(*far_below_zero()))


@flash_attention.case(
    "A key of the future must not raise the maximum, however high its score.",
    level=4,
    stage="edge",
)
def _(t):
    q, k = np.ones((4, 1)), np.array([[0.0], [2000.0], [1.0], [0.0]])
    v = np.array([[1.0], [2.0], [4.0], [8.0]])
    for block_size in (2, 4):
        due = due_flash(q, k, v, causal=True)
        t.call(q, k, v, block_size=block_size, causal=True).equals(due)


@flash_attention.case(
    "Any finite stand-in for a hidden score can be beaten: only -inf is below all.",
    level=4,
    stage="edge",
)
def _(t):
    v = np.array([[1.0, 0.0], [0.0, 2.0]])
    for q, k in (
        ([[-2000.0, 0.0], [-2000.0, 0.0]], [[2000.0, 0.0], [0.0, 0.0]]),
        ([[1e18], [1e18]], [[-1e18], [0.0]]),
        ([[2e19], [2e19]], [[-1.6e19], [1.6e19]]),
    ):
        q, k = np.array(q), np.array(k)
        due = due_flash(q, k, v, causal=True)
        t.call(q, k, v, block_size=2, causal=True).equals(due)
        t.call(q, k, v, block_size=1, causal=True).equals(due)


@flash_attention.case("Every query has its own running maximum.", level=4, stage="edge")
def _(t):
    q, k, v = tokens(330, n_queries=3, n_keys=5, d=2, dv=2)
    q = np.array([[900.0, 900.0], [-900.0, -900.0], [0.5, 1.0]])
    k = np.abs(k) + 0.5
    t.call(q, k, v, block_size=2).equals(due_flash(q, k, v), **NEAR)
    heads = np.array([[[1.0]], [[3000.0]]])
    k, v = np.ones((2, 1, 1)) * np.array([[1.0], [2.0], [3.0]]), normal(336, 2, 3, 2)
    t.call(heads, k, v, block_size=2).equals(due_flash(heads, k, v))


@flash_attention.case("float16 in, finite out.", level=4, stage="edge")
def _(t):
    q, k, v = (array.astype(np.float16) for array in tokens(333, n_keys=6))
    t.call(q, k, v, block_size=4).equals(due_flash(q, k, v), **HALF)
    for q, k, v in (barely_beyond_float16(), beyond_float16()):
        t.call(q, k, v, block_size=1).equals(due_flash(q, k, v), **HALF)
    for q, k, v in equal_keys_of_float16():
        t.call(q, k, v, block_size=2).equals(due_flash(q, k, v), **HALF)
    zeros, many = np.zeros((3, 2), np.float16), np.zeros((4096, 2), np.float16)
    t.call(zeros, many, many + 1, block_size=64).equals(np.ones((3, 2)), rtol=1e-2)


# 80 blocks: enough that a bool mask of (T, T) alone, at a byte an entry, passes
# the bound; narrow, so that the bound is tight and a loop over rows is quick.
LONG, BLOCK, NARROW = 1280, 16, (2, 1)
# Blocks so small that what is kept for each of them, a partial output or the old
# maxima and sums, passes the bound.
MANY = 160, (*NARROW, 4)


@flash_attention.case(
    "Long inputs: no scores (Tq, Tk), no mask of that size, nothing for every block.",
    level=4,
    stage="cost",
)
def _(t):
    wide, narrow = (32, 32, 32), (*NARROW, BLOCK)
    for length, (d, dv, block_size), causal in (
        (*MANY, False),
        (16 * 32, wide, False),
        (LONG, narrow, True),
    ):
        q, k, v = tokens(340, n_queries=length, n_keys=length, d=d, dv=dv)
        bound = 4 * (length + length) * (d + dv + block_size)  # float64 entries
        step = t.traced(q, k, v, block_size=block_size, causal=causal)
        step.peak_at_most(8 * bound, f"at most {bound:,} float64 entries at once")
