"""What is tried on a learner's sampling, against slow and obvious Python.

Conventions are those of the statement. Not tried, since it leaves them open: nan and
+inf outside `sample`, logits that are all -inf outside `sample`, temperatures between
0 and 0.01, k and p that are no numbers, p outside [0, 1] in min-p, a p within 1e-6 of a
sum or a ratio that may be rounded, a penalty that is not above 0, previous ids outside
the vocabulary.
"""

import math
import random
from collections.abc import Iterable, Sequence

import numpy as np

from rounds.engine.show import MOST_ENTRIES
from rounds.exercise import Exercise

INF, NAN = math.inf, math.nan
KEPT = {"rtol": 1e-6, "atol": 0.0}  # kept logits: float32 has these digits
HALF = {"rtol": 2e-3, "atol": 0.0}  # float16 in, computed in float16
# How many draws: to see a token that must not come, a plain difference, a finer one.
# Cases are made so that a mistake shows in few draws: naming it runs the whole bank.
FEW, SOME, MANY = 40, 100, 250

apply_temperature = Exercise(
    "sampling.apply_temperature", "apply_temperature(logits, temperature)"
)
top_k_filter = Exercise("sampling.top_k_filter", "top_k_filter(logits, k)")
top_p_filter = Exercise("sampling.top_p_filter", "top_p_filter(logits, p)")
min_p_filter = Exercise("sampling.min_p_filter", "min_p_filter(logits, p)")
apply_repetition_penalty = Exercise(
    "sampling.apply_repetition_penalty",
    "apply_repetition_penalty(logits, previous, penalty)",
)
sample = Exercise(
    "sampling.sample",
    "sample(logits, *, temperature=1.0, top_k=None, top_p=None, min_p=None, "
    "repetition_penalty=1.0, previous=(), rng)",
)
EXERCISES = [
    apply_temperature,
    top_k_filter,
    top_p_filter,
    sample,
    min_p_filter,
    apply_repetition_penalty,
]


# The oracle: Python floats, sorting and loops.


def probabilities(logits: Iterable[float]) -> list[float]:
    """The softmax of some logits."""
    values = [float(logit) for logit in logits]
    peak = max(values)
    exps = [math.exp(value - peak) for value in values]
    total = math.fsum(exps)
    return [e / total for e in exps]


def ranked(logits: Iterable[float]) -> list[int]:
    """The tokens that are not removed, most probable first, lowest index of a tie
    first."""
    pairs = [(-float(x), token) for token, x in enumerate(logits) if x > -INF]
    return [token for _, token in sorted(pairs)]


def only(logits: np.ndarray, kept: Iterable[int]) -> np.ndarray:
    """The logits with -inf for all tokens but those kept."""
    due = np.full(logits.shape, -INF)
    for token in kept:
        due[token] = logits[token]
    return due


def nucleus(logits: np.ndarray, p: float, exact: bool = False) -> list[int]:
    """The tokens that top-p keeps. Unless `exact`, no sum may lie so near to p that
    rounding could decide."""
    order, probs = ranked(logits), probabilities(logits)
    if p == 1:
        return order
    kept, mass = [], 0.0
    for token in order:
        kept.append(token)
        mass += probs[token]
        assert exact or abs(mass - p) > 1e-6, (logits, p)
        if mass >= p:
            return kept
    raise AssertionError((logits, p))


def near_the_best(logits: np.ndarray, p: float) -> list[int]:
    """The tokens that min-p keeps."""
    peak = max(map(float, logits))
    ratios = [math.exp(float(x) - peak) for x in logits]
    assert all(r == 1 or p == 0 or abs(r - p) > 1e-5 for r in ratios), (logits, p)
    return [token for token, ratio in enumerate(ratios) if ratio >= p]


def penalised(logits: np.ndarray, previous: Iterable[int], penalty: float):
    due = logits.astype(float)
    for token in {int(token) for token in previous}:
        due[token] = due[token] / penalty if due[token] > 0 else due[token] * penalty
    return due


def due_draws(
    logits: np.ndarray,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    min_p: float | None = None,
    repetition_penalty: float = 1.0,
    previous: Iterable[int] = (),
) -> list[float]:
    """The probability with which `sample` is to draw each token."""
    left = penalised(logits, previous, repetition_penalty)
    if temperature == 0:
        left = only(left, ranked(left)[:1])
    else:
        left = left / temperature
    if top_k is not None:
        left = only(left, ranked(left)[:top_k])
    if top_p is not None:
        left = only(left, nucleus(left, top_p))
    if min_p is not None:
        left = only(left, near_the_best(left, min_p))
    return probabilities(left)


def normal(seed: int, size: int, scale: float = 1.0) -> np.ndarray:
    """Normal draws, a few of them rounded so that reports show the very numbers, many
    not, so that there are no ties."""
    digits = 2 if size <= MOST_ENTRIES else 12
    return np.round(np.random.default_rng(seed).normal(0, scale, size), digits)


def few_values(seed: int, size: int) -> np.ndarray:
    """Logits with many ties: too many for an unstable sort to keep their order."""
    return np.random.default_rng(seed).integers(-1, 2, size).astype(float)


def removed(*logits: float) -> np.ndarray:
    """Logits, with None for a token that an earlier filter has removed."""
    return np.array([-INF if x is None else x for x in logits], dtype=float)


def call(t, logits: Sequence[float], number: float, dtype: type = np.float64):
    """Call a filter, and let reports show all digits of its arguments, where the few
    that they show elsewhere would hide what matters."""
    x = np.array(logits, dtype=dtype)
    kind = "" if dtype is np.float64 else f" ({x.dtype})"
    entries = ", ".join(f"{logit:.12g}" for logit in logits)
    text = f"{t.exercise.target}([{entries}]{kind}, {number:.12g})"
    return t.step(text, t.candidate, (x, number), {})


# Probabilities 0.64, 0.24, 0.09 and 0.03, in three orders.
FOUR = [2.0, 1.0, 0.0, -1.0]
MIXED = [0.0, 2.0, -1.0, 1.0]
RISING = [-1.0, 0.0, 1.0, 2.0]
NEGATIVE = [-7.0, -5.0, -8.0, -6.0]
# float16 has too few digits for these, and it shows in four of them.
FINE = [1003.7, 0.3, 1002.3, 1001.6, 1004.3]


# apply_temperature


@apply_temperature.case("Every logit is divided by the temperature.")
def _(t):
    for x, temperature in (
        ([1.0, -2.0, 0.5], 2.0),
        ([1.0, -2.0, 0.5], 0.5),
        ([-3.0, -1.0, -2.5, -8.0], 0.7),
        ([0.3, 4.0], 1.5),
        ([1.0, 3.0, 2.0], 2),
    ):
        t.call(np.array(x), temperature).equals(np.array(x) / temperature, **KEPT)


@apply_temperature.case("A temperature of 1 changes nothing.")
def _(t):
    t.call(np.array([1.5, -2.0, 0.0]), 1.0).equals(np.array([1.5, -2.0, 0.0]), **KEPT)


@apply_temperature.case("Large and small, many and few logits: all are divided.")
def _(t):
    for x, temperature in (
        (normal(1, 40, 5.0), 0.8),
        (np.array([-2.5]), 0.1),
        (np.array([800.0, -900.0, 20.0]), 0.01),
        (np.array([800.0, -900.0, 20.0]), 100.0),
    ):
        t.call(x, temperature).equals(x / temperature, **KEPT)


@apply_temperature.case("A removed token, -inf, stays removed.", stage="edge")
def _(t):
    x = removed(1, None, -2, None)
    for temperature in (2.0, 0.5, 1.0):
        t.call(x, temperature).equals(x / temperature, **KEPT)


@apply_temperature.case("A negative temperature is a ValueError.", stage="edge")
def _(t):
    for temperature in (-1.0, -0.01, -2, -INF):
        t.call(np.array([1.0, 2.0]), temperature).raises(ValueError)


@apply_temperature.case(
    "nan is a ValueError too: it is neither < 0 nor >= 0.", stage="edge"
)
def _(t):
    t.call(np.array([1.0, 2.0]), NAN).raises(ValueError)


@apply_temperature.case(
    "At 0 the largest logit keeps its value and all others become -inf.", level=2
)
def _(t):
    for x in ([1.0, 3.0, 2.0], [-1.0, -3.0, -0.5, -2.0], [0.0, -1.0], [4.0, 1.0, 3.9]):
        x = np.array(x)
        t.call(x, 0.0).equals(only(x, ranked(x)[:1]), **KEPT)
    t.call(np.array([1.0, 3.0, 2.0]), 0).equals(removed(None, 3, None), **KEPT)


@apply_temperature.case(
    "At 0, of equal largest logits the first is kept.", level=2, stage="edge"
)
def _(t):
    for x in ([2.0, 5.0, 5.0, 1.0], [-1.0, -1.0], [0.0, 0.0, 0.0]):
        x = np.array(x)
        t.call(x, 0.0).equals(only(x, ranked(x)[:1]), **KEPT)


@apply_temperature.case(
    "At 0 a removed token stays removed, and one token is kept.", level=2, stage="edge"
)
def _(t):
    for x in (removed(None, -4), removed(None, -5, None, -5), removed(-3)):
        t.call(x, 0.0).equals(only(x, ranked(x)[:1]), **KEPT)
    x = np.array([900.0, -1000.0, 1000.0])
    t.call(x, 0.0).equals(only(x, [2]), **KEPT)


@apply_temperature.case(
    "float32 and float16 logits are as good as float64.", level=3, stage="edge"
)
def _(t):
    x = np.array([1.25, -2.5, 0.75, 30.0])
    for dtype, near in ((np.float32, KEPT), (np.float16, HALF)):
        for temperature in (0.7, 3.0):
            due = x / temperature
            t.call(x.astype(dtype), temperature).equals(due, **near)
        t.call(x.astype(dtype), 0.0).equals(only(x, [3]), **near)


# top_k_filter


@top_k_filter.case("The k largest keep their value, all others become -inf.")
def _(t):
    cases = (FOUR, 2), (MIXED, 2), (MIXED, 1), (MIXED, 3), (NEGATIVE, 2), (FINE, 3)
    for x, k in cases:
        x = np.array(x)
        t.call(x, k).equals(only(x, ranked(x)[:k]), **KEPT)


@top_k_filter.case("Whatever k is, exactly k are kept.")
def _(t):
    x = normal(2, 9)
    for k in range(1, 10):
        t.call(x, k).equals(only(x, ranked(x)[:k]), **KEPT)
    x = normal(3, 200, 4.0)
    for k in (1, 40, 150, 199):
        t.call(x, k).equals(only(x, ranked(x)[:k]), **KEPT)


@top_k_filter.case("With k = V or more every token is kept.", stage="edge")
def _(t):
    for k in (4, 5, 50):
        t.call(np.array(MIXED), k).equals(np.array(MIXED), **KEPT)
    t.call(np.array([-3.0]), 1).equals(np.array([-3.0]), **KEPT)
    t.call(np.array([-3.0]), 10).equals(np.array([-3.0]), **KEPT)


@top_k_filter.case(
    "The logits themselves are ranked, unrounded, however far below the largest or "
    "near to each other they are.",
    stage="edge",
)
def _(t):
    # Equal as probabilities, when rounded to three places, in float16 and in float32.
    for x, k in (
        ([0.0, -1000.0, -900.0], 2),
        ([0.0001, 0.0002], 1),
        ([1003.6, 1003.7], 1),
        ([1.0, 1.0 + 1e-9], 1),
    ):
        call(t, x, k).equals(only(np.array(x), ranked(x)[:k]), **KEPT)


@top_k_filter.case("k below 1 is a ValueError.", stage="edge")
def _(t):
    for k in (0, -1, -4, -7):
        t.call(np.array(MIXED), k).raises(ValueError)


@top_k_filter.case(
    "Of equal logits at the cut the lowest indices are kept.", level=2, stage="edge"
)
def _(t):
    for x, k in (
        ([1.0, 2.0, 2.0, 2.0, 0.0], 2),
        ([1.0, 1.0, 1.0], 1),
        ([1.0, 1.0, 1.0], 2),
        ([2.0, 2.0, 3.0, 2.0, 2.0], 3),
        ([0.0, 5.0, 0.0, 5.0, 0.0], 3),
        ([-2.0, -2.0, -1.0], 2),
    ):
        x = np.array(x)
        t.call(x, k).equals(only(x, ranked(x)[:k]), **KEPT)


@top_k_filter.case(
    "Many equal logits: a sort that does not keep their order shows.",
    level=2,
    stage="edge",
)
def _(t):
    x = few_values(4, 300)
    for k in (20, 150, 290):
        t.call(x, k).equals(only(x, ranked(x)[:k]), **KEPT)


@top_k_filter.case(
    "A token that was removed before stays removed, and never counts.",
    level=2,
    stage="edge",
)
def _(t):
    x = removed(None, 1, None, 0, -2)
    for k in (1, 2, 3, 4, 5):
        t.call(x, k).equals(only(x, ranked(x)[:k]), **KEPT)
    t.call(removed(None, None, 3), 2).equals(removed(None, None, 3), **KEPT)


@top_k_filter.case(
    "float32 and float16 logits are as good as float64.", level=3, stage="edge"
)
def _(t):
    x = np.array([1.25, 30.0, -2.5, 1.25, 0.5])
    for dtype in (np.float32, np.float16):
        for k in (1, 2, 4, 9):
            t.call(x.astype(dtype), k).equals(only(x, ranked(x)[:k]), **KEPT)


# top_p_filter


def between(logits: np.ndarray) -> list[float]:
    """For each size of the nucleus a p that is far from every sum."""
    probs = probabilities(logits)
    found, mass = [], 0.0
    for token in ranked(logits):
        found.append(mass + probs[token] / 2)
        mass += probs[token]
    return found


def tries_nuclei(t, logits: Sequence[float], ps: Sequence[float], **how: bool) -> None:
    x = np.asarray(logits, dtype=float)
    for p in ps:
        t.call(x, p).equals(only(x, nucleus(x, p, **how)), **KEPT)


@top_p_filter.case(
    "The smallest set whose probabilities sum to at least p is kept, most probable "
    "first, with the token that crosses p."
)
def _(t):
    for x in (FOUR, MIXED, RISING, NEGATIVE):
        tries_nuclei(t, x, (0.7, 0.9, 0.5, 0.95, 0.99))
    tries_nuclei(t, FINE, (0.9,))


@top_p_filter.case("The nucleus may have any size, down to one token.")
def _(t):
    x = normal(5, 9, 1.5)
    tries_nuclei(t, x, between(x))
    tries_nuclei(t, normal(6, 200, 2.0), (0.1, 0.5, 0.8, 0.95, 0.99, 0.999))
    tries_nuclei(t, np.linspace(0.0, 0.1, 50), (0.055, 0.31, 0.75))


@top_p_filter.case(
    "Probabilities are not rounded: a sum next to p reaches it or does not."
)
def _(t):
    # 0.73106 and 0.26894. Larger than the first case, which tells most mistakes better.
    x = np.array([0.0, -1.0] + [-30.0] * 4)
    for p in (0.73108, 0.73104):
        call(t, x, p).equals(only(x, nucleus(x, p)), **KEPT)


@top_p_filter.case("A p near 1 is not 1: what is not needed goes.")
def _(t):
    x = np.array([0.0, 3.0, -20.0, 1.0])
    for p in (0.9995, 0.999995):
        call(t, x, p).equals(only(x, nucleus(x, p)), **KEPT)


@top_p_filter.case(
    "One token that alone has more than p is kept: the nucleus is never empty.",
    stage="edge",
)
def _(t):
    tries_nuclei(t, [0.0, 12.0, 0.0], (0.9, 0.5, 0.01))
    tries_nuclei(t, [-4.0], (0.5, 0.01, 0.999))
    tries_nuclei(t, FOUR, (0.3, 0.6))


@top_p_filter.case("p outside (0, 1] is a ValueError.", stage="edge")
def _(t):
    for p in (0.0, -0.1, 1.1, 0, 2, 90, -1):
        t.call(np.array(MIXED), p).raises(ValueError)


@top_p_filter.case("nan is no p: a ValueError.", stage="edge")
def _(t):
    t.call(np.array(MIXED), NAN).raises(ValueError)


@top_p_filter.case("Logits may be large: exp(710) is already inf.", stage="edge")
def _(t):
    for x in ([999.0, 1001.0, 1000.0], [-1001.0, -999.0, -1000.0], [3e4, 0.0, -3e4]):
        tries_nuclei(t, x, (0.5, 0.8))
    tries_nuclei(t, [1000.0, 999.0, -1000.0, -999.0], (0.8,))  # far from the mean, too


@top_p_filter.case(
    "A sum a little below p does not reach it, one a little above does.", stage="edge"
)
def _(t):
    mass = sum(sorted(probabilities(MIXED))[-2:])
    for p in (round(mass + 1e-5, 6), round(mass - 1e-5, 6)):
        call(t, MIXED, p).equals(only(np.array(MIXED), nucleus(MIXED, p)), **KEPT)


@top_p_filter.case(
    "Of equal logits the lowest index comes first, and no more than needed are kept.",
    level=2,
    stage="edge",
)
def _(t):
    # Two equal logits: of the smallest calls the one that shows nothing but the tie.
    tries_nuclei(t, [1.0, 1.0], (0.3,))
    tries_nuclei(t, [1.0, 1.0, 1.0], (0.5, 0.2, 0.9))
    tries_nuclei(t, [0.0, 2.0, 2.0, 2.0, 2.0], (0.3, 0.6, 0.8))
    tries_nuclei(t, [1.0, 3.0, 1.0, 1.0], (0.75, 0.85))


@top_p_filter.case(
    "Many equal logits: a sort that does not keep their order shows.",
    level=2,
    stage="edge",
)
def _(t):
    x = few_values(7, 300)
    sizes = between(x)
    tries_nuclei(t, x, (sizes[20], sizes[150], sizes[290]))


@top_p_filter.case(
    "When a sum equals p the set is large enough: no further token.",
    level=2,
    stage="edge",
)
def _(t):
    # Two and four equal logits of 0 have exact sums, however softmax is written, and
    # sums of 0.25 and 0.5 have exact logarithms too: 0.75 has not.
    tries_nuclei(t, [0.0, 0.0], (0.5,), exact=True)
    tries_nuclei(t, [0.0, 0.0, 0.0, 0.0], (0.5, 0.25), exact=True)
    tries_nuclei(t, removed(None, 0, 0, None, 0, 0), (0.5, 0.25), exact=True)


@top_p_filter.case(
    "A p next to 0 keeps the most probable token.", level=2, stage="edge"
)
def _(t):
    for x in (MIXED, [1.0, 1.0, 1.0], normal(8, 50, 0.1)):
        tries_nuclei(t, x, (1e-4, 1e-8, 1e-20))


@top_p_filter.case(
    "p = 1 keeps every token, the tail that rounding swallows too.",
    level=2,
    stage="edge",
)
def _(t):
    tries_nuclei(t, MIXED, (1, 1.0))
    tries_nuclei(t, [0.0, -40.0, 3.0, -70.0], (1.0,))
    for seed in range(10, 16):
        tries_nuclei(t, normal(seed, 40, 3.0), (1.0,))
    tries_nuclei(t, removed(None, 0, -45, None), (1.0,))


@top_p_filter.case(
    "A token that was removed before stays removed, and has no share.",
    level=2,
    stage="edge",
)
def _(t):
    tries_nuclei(t, removed(None, 1, None, 0, -2), (0.5, 0.8, 0.97, 1.0))
    tries_nuclei(t, removed(2, 1, None, None), (0.7, 0.8))
    tries_nuclei(t, removed(None, None, -3), (0.5, 1.0))


@top_p_filter.case(
    "float32 and float16 logits are as good as float64.", level=3, stage="edge"
)
def _(t):
    x = np.array([1.25, -2.5, 0.5, 1.25, -9.0])
    for dtype in (np.float32, np.float16):
        for p in (1e-9, *between(x), 1.0):
            t.call(x.astype(dtype), p).equals(only(x, nucleus(x, p)), **KEPT)


@top_p_filter.case(
    "Probabilities, and the differences of logits before them, have the digits of "
    "float32 at least: float16 has three.",
    level=3,
    stage="edge",
)
def _(t):
    # p lies between the probability and what float16 makes of it: of exp(-1) and of the
    # quotient in the first, of the difference in the others, once above and once below.
    for logits, p in (
        ([0.0, -1.0], 0.73105),
        ([2.0, -0.2], 0.900212),
        ([2.0, -0.3], 0.908911),
    ):
        x = np.array(logits, dtype=np.float16)
        call(t, logits, p, np.float16).equals(only(x, nucleus(x, p)), **KEPT)


@top_p_filter.case(
    "The sums run in float64: in float32 the rounding of thousands of additions "
    "adds up.",
    level=3,
    stage="edge",
)
def _(t):
    # 1 / 24986 is 671.46 units in the last place of a float32 from 0.5 to 1: each
    # addition is rounded down by 0.07 %. Half a token is left as a margin.
    size = 24986
    for n_kept in (23736, 1249):
        due = np.where(np.arange(size) < n_kept, 0.0, -INF)
        for dtype in (np.float32, np.float64):
            t.call(np.zeros(size, dtype), (n_kept - 0.5) / size).equals(due, **KEPT)
    n_kept = 1500
    due = np.where(np.arange(2000) < n_kept, 0.0, -INF)
    t.call(np.zeros(2000, np.float16), (n_kept - 0.5) / 2000).equals(due, **KEPT)


@top_p_filter.case(
    "A running sum near 1 in float32 does not move when 2e-8 is added: it never "
    "reaches p.",
    level=3,
    stage="edge",
)
def _(t):
    # Two tokens with almost all the mass, then a tail: half of it is due.
    tail = 10_000
    x = np.full(2 + tail, math.log(2.4e-8 / 0.5))
    x[:2] = 0.0
    p = 1 - 2.4e-8 * tail / 2
    for dtype in (np.float32, np.float64):
        t.call(x.astype(dtype), p).seen_as(count_kept).obeys(
            lambda count: abs(count - tail / 2) < tail / 10,
            f"about {tail // 2}, the number of tokens kept",
            "The two large ones and half of the tail hold p: count what is left.",
        )


def count_kept(logits: np.ndarray) -> int:
    """How many tokens are left."""
    return int(np.count_nonzero(np.isfinite(logits)))


# sample


def generator(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def states() -> tuple:
    """What the global generators would draw next."""
    name, keys, *rest = np.random.get_state()
    return name, keys.tobytes(), rest, random.getstate()


def tries_draws(t, seed: int, logits: Sequence[float], times: int = MANY, **how):
    """Draws are compared with the distribution that is due."""
    x = np.asarray(logits, dtype=float)
    t.draws(times, x, **how, rng=generator(seed)).follows(due_draws(x, **how))


UNSORTED = [0.5, 2.0, -0.5, 1.3]  # probabilities 0.12, 0.56, 0.05, 0.28
# The best has 0.27: noise that is not Gumbel's gives it another share.
ONE_OF_MANY = [-7.0] * 9 + [-5.0] + [-7.0] * 11
# The best has a half, beside many: a race whose noise is exponential gives it more.
HALF_IN_ONE = [0.0] * 60 + [math.log(200)] + [0.0] * 140


@sample.case("When one token is left it is drawn.", level=2)
def _(t):
    for x, how in (
        (UNSORTED, {"top_k": 1}),
        (UNSORTED, {"top_p": 0.3}),
        (UNSORTED, {"top_p": 1e-20}),
        (UNSORTED, {"temperature": 0}),
        (NEGATIVE, {"top_k": 1}),
        (NEGATIVE, {"temperature": 0.0}),
        (removed(None, None, 1, None), {}),
    ):
        due = ranked(x)[0]
        t.call(np.array(x), **how, rng=generator(1)).equals(due)
    tries_draws(t, 63, UNSORTED, 20, top_k=1)


@sample.case(
    "What was drawn before has no effect: a call depends on its arguments alone.",
    level=2,
)
def _(t):
    # As draws, whose report tells what was called before. Of that nothing is expected.
    t.draws(2, np.array([0.0, 50.0]), rng=generator(53))
    tries_draws(t, 54, [-3.0], 2)


@sample.case("Temperature comes before top-p.", level=2)
def _(t):
    tries_draws(t, 10, [1.0, 0.5, 0.0], FEW, temperature=0.5, top_p=0.6)


@sample.case("Top-k comes before top-p, which sees what top-k left.", level=2)
def _(t):
    tries_draws(t, 11, [1.0, 0.8, 0.6, 0.4], FEW, top_k=2, top_p=0.5)


@sample.case("Tokens come as often as the softmax of the logits says.", level=2)
def _(t):
    tries_draws(t, 2, UNSORTED)
    tries_draws(t, 3, ONE_OF_MANY)
    tries_draws(t, 62, HALF_IN_ONE, 800)


@sample.case("A high temperature evens the draws out, a low one sharpens.", level=2)
def _(t):
    tries_draws(t, 4, [0.0, 3.0, -1.0], temperature=4.0)
    tries_draws(t, 4, [0.0, 6.0, -1.0], temperature=2.0)
    tries_draws(t, 5, [0.5, 1.0, 0.0], temperature=0.2)


@sample.case("A temperature below 1 sharpens the draws, and only 0 ends them.", level=2)
def _(t):
    tries_draws(t, 55, [0.0, 0.3, 0.6], SOME, temperature=0.5)


@sample.case(
    "With top_k the k most probable are drawn, in their own proportions.", level=2
)
def _(t):
    tries_draws(t, 6, UNSORTED, top_k=2)
    tries_draws(t, 7, UNSORTED, SOME, top_k=3)


@sample.case("With top_p the nucleus is drawn from, in its own proportions.", level=2)
def _(t):
    tries_draws(t, 8, UNSORTED, top_p=0.7)
    tries_draws(t, 9, UNSORTED, SOME, top_p=0.9)


@sample.case("A filter that is None, or keeps everything, changes nothing.", level=2)
def _(t):
    off = {"top_k": None, "top_p": None, "min_p": None}
    tries_draws(t, 12, UNSORTED, SOME, **off)
    tries_draws(t, 13, UNSORTED, SOME, top_k=100, top_p=1.0)


@sample.case("None removes nothing: it stands for no default value.", level=2)
def _(t):
    # What a default of 50 or 200 for top_k removes, 0.05 for min_p, 0.95 for top_p.
    t.draws(SOME, np.linspace(0.01, 0.0, 300), rng=generator(56)).obeys(
        lambda it: any(token >= 200 for token in it.values),
        "a token from 200 on in about 33 %",
        "All 300 tokens are about equally probable.",
    )
    tries_draws(t, 57, [0.0] + [-3.2] * 30, FEW)
    t.draws(400, np.array([0.0, -2.965]), rng=generator(58)).obeys(
        lambda it: 1 in it.values, "1 in about 4.9 %"
    )


@sample.case("Temperature, top-k and top-p together.", level=2, stage="property")
def _(t):
    x = normal(14, 30, 2.0)
    tries_draws(t, 14, x, temperature=1.5, top_k=6, top_p=0.8)
    tries_draws(t, 15, x, SOME, temperature=0.7, top_k=4, top_p=0.95)


@sample.case(
    "At temperature 0 the most probable token, the first of a tie, always comes.",
    level=2,
    stage="edge",
)
def _(t):
    for x in ([1.0, 3.0, 3.0], [-1.0, -1.0], UNSORTED):
        tries_draws(t, 16, x, FEW, temperature=0.0)
    tries_draws(t, 17, UNSORTED, FEW, temperature=0, top_k=3, top_p=0.9)


@sample.case(
    "Ties are cut in sample as the filters cut them: the lowest index first.",
    level=2,
    stage="edge",
)
def _(t):
    tries_draws(t, 28, [1.0, 2.0, 2.0, 2.0], FEW, top_k=2)
    tries_draws(t, 29, [0.0, 0.0, 0.0], FEW, top_p=0.5)


@sample.case(
    "When a sum equals top_p no further token is drawn from.", level=2, stage="edge"
)
def _(t):
    step = t.draws(FEW, np.zeros(4), top_p=0.5, rng=generator(30))
    step.follows([0.5, 0.5, 0.0, 0.0])


@sample.case(
    "The same seed gives the same tokens.",
    level=2,
    stage="property",
)
def _(t):
    for how in ({}, {"temperature": 2.0, "top_k": 3, "top_p": 0.95}):
        x = np.zeros(50) if not how else np.array(UNSORTED)
        first = t.draws(FEW, x, **how, rng=generator(18))
        again = t.draws(FEW, x, **how, rng=generator(18))
        again.obeys(
            lambda it, was=first: it.values == was.value.values,
            "the tokens that were drawn before with this seed",
            "Two generators with the same seed were given, one after the other.",
        )


@sample.case("Nothing is drawn but from rng.", level=2, stage="property")
def _(t):
    np.random.random(), random.random()  # away from where a seed of 0 would lead
    before = states()
    t.draws(FEW, np.array(UNSORTED), top_k=3, rng=generator(19)).obeys(
        lambda _: states() == before,
        "np.random and random left as they were",
        "The global generators have moved, or were seeded.",
    )


@sample.case("A removed token, -inf, is never drawn.", level=2, stage="edge")
def _(t):
    x = removed(None, 1, None, 0)
    tries_draws(t, 20, x, SOME)
    tries_draws(t, 21, x, FEW, top_k=3, top_p=1.0, temperature=2.0)


@sample.case(
    "However many tokens are removed, none of them has a share.", level=2, stage="edge"
)
def _(t):
    # Seeds whose first number is next to 1 and next to 0: if the removed tokens behind
    # or before the one that is left have a millionth in all, one of them comes.
    for seed, token in ((339_728, 0), (142_997, 399)):
        x = only(np.zeros(400), [token])
        t.call(x, rng=np.random.default_rng(seed)).equals(token)


@sample.case("All of a large vocabulary is drawn from.", level=2, stage="edge")
def _(t):
    t.call(only(np.zeros(25_000), [24_999]), rng=generator(59)).equals(24_999)


@sample.case(
    "The logits are read in every call: the same array may hold others.",
    level=2,
    stage="edge",
)
def _(t):
    def twice(first: np.ndarray, then: np.ndarray) -> tuple:
        x = first.copy()
        before = t.candidate(x, top_k=1, rng=generator(60))
        x[:] = then
        return before, t.candidate(x, top_k=1, rng=generator(60))

    one, other = np.array([9.0, 0.0, 0.0]), np.array([0.0, 0.0, 9.0])
    text = "sample(x, top_k=1, rng=a Generator), x = [9, 0, 0], then x[:] = [0, 0, 9]"
    t.step(text, twice, (one, other), {}).equals((0, 2))


@sample.case("Large logits must not overflow.", level=2, stage="edge")
def _(t):
    tries_draws(t, 22, [1000.0, 1001.0, 999.0], SOME)
    tries_draws(t, 23, [-1000.0, -1001.0, -999.0], SOME)
    tries_draws(t, 64, [1000.0, 999.0, -1000.0, -999.0], FEW)
    tries_draws(t, 23, [10.0, 11.0, 9.0], FEW, temperature=0.01)


@sample.case(
    "A temperature, top_k or top_p that its own function refuses is refused here.",
    level=2,
    stage="edge",
)
def _(t):
    for how in (
        {"temperature": -1.0},
        {"temperature": NAN},
        {"top_k": 0},
        {"top_k": -2},
        {"top_p": 0.0},
        {"top_p": 1.5},
        {"top_p": NAN},
    ):
        t.call(np.array(UNSORTED), **how, rng=generator(24)).raises(ValueError)


@sample.case(
    "At temperature 0 a top_k or top_p is refused as at any other.",
    level=2,
    stage="edge",
)
def _(t):
    for how in ({"top_k": 0}, {"top_p": 1.5}, {"top_p": 0.0}):
        step = t.call(np.array(UNSORTED), temperature=0, **how, rng=generator(25))
        step.raises(ValueError)


@sample.case(
    "What is refused is refused too when one token is left whatever it is.",
    level=2,
    stage="edge",
)
def _(t):
    # Larger than the cases above, which tell more of a program that fails in both.
    several, one = (
        np.array([1.0, 2.0, 0.0, -1.0, 0.5]),
        removed(None, None, 2, None, None),
    )
    for x, how in (
        (several, {"top_k": 1, "top_p": 2.0}),
        (one, {"top_k": 0}),
        (one, {"top_p": 2.0}),
        (one, {"temperature": -1.0}),
    ):
        t.call(x, **how, rng=generator(51)).raises(ValueError)


@sample.case("A logit that is nan or +inf is a ValueError.", level=2, stage="edge")
def _(t):
    for x in ([0.0, NAN, 1.0], [0.0, INF, 1.0], [-INF, INF], [NAN, -INF, 2.0]):
        t.call(np.array(x), rng=generator(26)).raises(ValueError)
        t.call(np.array(x), temperature=0, rng=generator(26)).raises(ValueError)
    for x in ([0.0, 3.0, NAN], [3.0, INF, 0.0], [NAN, 0.0, 3.0]):
        t.call(np.array(x), top_k=1, rng=generator(26)).raises(ValueError)


@sample.case("When no token is left it is a ValueError.", level=2, stage="edge")
def _(t):
    for how in ({}, {"temperature": 0}, {"top_k": 1}, {"top_p": 0.5}):
        t.call(removed(None, None, None), **how, rng=generator(27)).raises(ValueError)
    t.call(removed(None), rng=generator(27)).raises(ValueError)


@sample.case("With min_p only tokens near the best are drawn.", level=3)
def _(t):
    tries_draws(t, 30, UNSORTED, min_p=0.1)
    tries_draws(t, 31, NEGATIVE, FEW, min_p=0.5)
    tries_draws(t, 32, UNSORTED, SOME, min_p=0.0)
    tries_draws(t, 32, [0.0, 2.0, 1.0, 2.0], FEW, min_p=1.0)


@sample.case(
    "The penalty makes each token of previous less likely, whatever its sign.", level=3
)
def _(t):
    for x, previous, penalty in (
        ([2.0, 1.5, -1.0], [0], 2.0),
        ([-2.0, -3.0], [0], 2.0),
        ([2.0, -1.0, 0.8], [0, 0, 0], 2.0),
        ([1.0, 1.5], [0], 0.5),
        ([1.0, 3.0, 2.0], [2, 1], 4.0),
        ([2.0, 1.5, -1.0], [0] + [2] * 100, 2.0),
    ):
        x = np.array(x)
        due = ranked(penalised(x, previous, penalty))[0]
        how = {"repetition_penalty": penalty, "previous": previous}
        t.call(x, top_k=1, **how, rng=generator(33)).equals(due)
    how = {"repetition_penalty": 3.0, "previous": [0, 1, 0]}
    tries_draws(t, 34, [2.0, -1.0, 0.0, 1.0], **how)


@sample.case("No token but those of previous is penalised.", level=3)
def _(t):
    # Tokens that no earlier case draws: a program may remember those.
    x = np.full(500, -5.0)
    x[[450, 460]] = 2.0, 1.5
    how = {"repetition_penalty": 2.0, "previous": [450]}
    t.call(x, top_k=1, **how, rng=generator(61)).equals(460)


@sample.case(
    "previous may be a list, a tuple or an array, and empty.", level=3, stage="edge"
)
def _(t):
    x = np.array([2.0, 1.5, -1.0])
    for previous, due in (
        ((0,), 1),
        (np.array([0, 0]), 1),
        ((0, 1, 2), 0),
        ((), 0),
        ([], 0),
        (np.array([], dtype=int), 0),
    ):
        how = {"repetition_penalty": 2.0, "previous": previous}
        t.call(x, top_k=1, **how, rng=generator(35)).equals(due)
    how = {"repetition_penalty": 2.0, "previous": [0, 1]}
    tries_draws(t, 35, removed(None, 1, -1, 0), FEW, **how)


@sample.case(
    "previous without a penalty, and a penalty without previous, change nothing.",
    level=3,
    stage="edge",
)
def _(t):
    tries_draws(t, 36, UNSORTED, SOME, previous=[1, 3])
    tries_draws(t, 37, UNSORTED, SOME, repetition_penalty=5.0)
    # A penalty of 1.1 that nobody asked for would make the other one the best.
    t.call(np.array([1.05, 1.0]), top_k=1, previous=[0], rng=generator(65)).equals(0)


@sample.case("The penalty comes before temperature 0.", level=3)
def _(t):
    x = np.array([2.0, 1.5, -1.0])
    how = {"repetition_penalty": 2.0, "previous": [0]}
    t.call(x, temperature=0, **how, rng=generator(38)).equals(1)


@sample.case("The penalty comes before top-p and min-p.", level=3)
def _(t):
    x = [3.0, 2.0, 0.0]
    how = {"repetition_penalty": 6.0, "previous": [0]}
    tries_draws(t, 39, x, FEW, top_p=0.5, **how)
    tries_draws(t, 40, x, FEW, min_p=0.5, **how)


@sample.case("Temperature comes before min-p.", level=3)
def _(t):
    tries_draws(t, 41, [1.0, 0.5, 0.0], FEW, temperature=0.5, min_p=0.5)
    tries_draws(t, 42, [1.0, 0.5, 0.0], temperature=2.0, min_p=0.7)


@sample.case("Top-p comes before min-p, which does not change its sums.", level=3)
def _(t):
    tries_draws(t, 43, [1.0, 0.8, 0.6, 0.4], SOME, top_p=0.5, min_p=0.7)


@sample.case("Min-p removes what top-k and top-p have left.", level=3)
def _(t):
    tries_draws(t, 45, [2.0, 1.3, 0.2], SOME, top_p=0.95, min_p=0.4)
    tries_draws(t, 45, [2.0, 1.3, 0.2, -1.0], SOME, top_k=3, min_p=0.4)


@sample.case("All processors together.", level=3, stage="property")
def _(t):
    x = normal(44, 30, 2.0)
    top = ranked(x)[:3]
    how = {"temperature": 1.5, "top_k": 8, "top_p": 0.9, "min_p": 0.2}
    tries_draws(t, 44, x, **how, repetition_penalty=1.5, previous=[*top, top[0], 5])


@sample.case(
    "float32 and float16 logits are as good as float64.", level=3, stage="edge"
)
def _(t):
    for dtype in (np.float32, np.float16):
        for seed in (46, 47, 48):
            x = normal(seed, 7, 1.5).astype(dtype)
            step = t.draws(FEW, x, rng=generator(seed))
            step.follows(due_draws(x.astype(float)))
    thirds = removed(0, 0, 0, None).astype(np.float32)  # rounded up: above 1 together
    t.draws(SOME, thirds, rng=generator(50)).follows(due_draws(thirds))
    how = {"temperature": 0.8, "top_k": 5, "top_p": 0.9, "min_p": 0.1}
    x = normal(49, 7).astype(np.float32)
    step = t.draws(SOME, x, **how, rng=generator(49))
    step.follows(due_draws(x.astype(float), **how))


@sample.case(
    "The sums of the draw need more than float16: near 1 it does not move when a "
    "probability of 0.0002 is added.",
    level=3,
    stage="edge",
)
def _(t):
    # Between the first and the last token is a fifth of the mass, in small parts.
    tail = 900
    x = np.zeros(tail + 2, np.float16)
    x[0], x[-1] = 7.9, 6.8
    assert 0.18 < sum(probabilities(x)[1:-1]) < 0.22
    t.draws(SOME, x, rng=generator(52)).obeys(
        lambda it: sum(0 < token <= tail for token in it.values) > 1,
        "a token between the first and the last in about 20 %",
        "Each of them is seldom, but together they have a fifth of the probability.",
    )


# min_p_filter


def tries_min_p(t, logits: Sequence[float], ps: Sequence[float]) -> None:
    x = np.asarray(logits, dtype=float)
    for p in ps:
        t.call(x, p).equals(only(x, near_the_best(x, p)), **KEPT)


@min_p_filter.case(
    "A token stays if its probability is at least p times the largest one.", level=3
)
def _(t):
    tries_min_p(t, [1.0, 2.0], (0.3, 0.5))
    for x in (FOUR, MIXED, RISING, NEGATIVE):
        tries_min_p(t, x, (0.3, 0.1, 0.04, 0.5))
    tries_min_p(t, FINE, (0.1,))


@min_p_filter.case(
    "The cut goes with the largest probability, not with p alone.", level=3
)
def _(t):
    tries_min_p(t, np.linspace(0.0, 0.5, 40), (0.5, 0.8))
    tries_min_p(t, normal(50, 100, 2.0), (0.02, 0.1, 0.4))
    tries_min_p(t, [0.0, 9.0, 8.0], (0.2, 0.9))


@min_p_filter.case("p = 0 keeps every token.", level=3, stage="edge")
def _(t):
    tries_min_p(t, MIXED, (0.0, 0))
    tries_min_p(t, [0.0, -60.0, 3.0], (0.0,))
    tries_min_p(t, [1000.0, -1000.0], (0.0,))  # exp(-2000) is 0, and 0 >= 0


@min_p_filter.case(
    "p = 1 keeps the most probable and its equals.", level=3, stage="edge"
)
def _(t):
    tries_min_p(t, MIXED, (1.0, 1))
    tries_min_p(t, [0.5, 2.0, 1.0, 2.0], (1.0, 0.9))
    tries_min_p(t, [-3.0], (1.0, 0.5))


@min_p_filter.case(
    "A token a little below the cut goes, one a little above it stays.",
    level=3,
    stage="edge",
)
def _(t):
    x = np.array([0.0, -1.0])
    for p in (0.3679, 0.368, 0.36785):  # exp(-1) is 0.367879
        call(t, x, p).equals(only(x, near_the_best(x, p)), **KEPT)


@min_p_filter.case("Logits may be large, and of any sign.", level=3, stage="edge")
def _(t):
    for x in ([999.0, 1001.0, 1000.0], [-1001.0, -999.0, -1000.0], [3e4, 0.0, -3e4]):
        tries_min_p(t, x, (0.3, 0.1, 0.9))


@min_p_filter.case("A removed token, -inf, stays removed.", level=3, stage="edge")
def _(t):
    tries_min_p(t, removed(None, 1, None, 0, -2), (0.0, 0.1, 0.3, 1.0))


@min_p_filter.case(
    "float32 and float16 logits are as good as float64.", level=3, stage="edge"
)
def _(t):
    x = np.array([1.25, -2.5, 0.5, 1.25, -9.0])
    for dtype in (np.float32, np.float16):
        for p in (0.0, 0.01, 0.3, 0.6, 1.0):
            t.call(x.astype(dtype), p).equals(only(x, near_the_best(x, p)), **KEPT)
    # exp(-1) is 0.367879, and float16 has three digits of it.
    x = np.array([0.0, -1.0], dtype=np.float16)
    for p in (0.3679, 0.368, 0.36785):
        call(t, x, p, np.float16).equals(only(x, near_the_best(x, p)), **KEPT)
    # Differences that float16 rounds: once up, once down.
    for logits, p in (([2.0, -0.3], 0.100217), ([2.0, -0.2], 0.110849)):
        x = np.array(logits, dtype=np.float16)
        call(t, logits, p, np.float16).equals(only(x, near_the_best(x, p)), **KEPT)
    # Two probabilities that float16 cannot tell apart, and float32 can.
    x = np.array([8.0, 7.999], dtype=np.float32)
    t.call(x, 0.9995).equals(only(x, [0]), **KEPT)


# apply_repetition_penalty


def tries_penalty(t, logits: Sequence[float], previous, penalty: float) -> None:
    x = np.asarray(logits, dtype=float)
    t.call(x, previous, penalty).equals(penalised(x, previous, penalty), **KEPT)


@apply_repetition_penalty.case(
    "A positive logit of a token in previous is divided, a negative one multiplied.",
    level=3,
)
def _(t):
    tries_penalty(t, [3.0, -1.0], [0], 2.0)
    tries_penalty(t, [3.0, -1.0], [1], 2.0)
    x = [3.0, -1.0, 2.0, -4.0, 0.5]
    for previous in ([0], [1], [0, 1], [3, 2], [4]):
        tries_penalty(t, x, previous, 2.0)
    tries_penalty(t, x, [2, 3, 0], 1.3)


@apply_repetition_penalty.case("A token counts once, however often it came.", level=3)
def _(t):
    tries_penalty(t, [3.0, -1.0, 2.0], [0, 0], 2.0)
    tries_penalty(t, [3.0, -1.0, 2.0], [1, 0, 1, 1], 2.0)
    tries_penalty(t, normal(51, 20, 2.0), [5, 7, 5, 0, 19, 7, 5, 5] * 4, 1.2)


@apply_repetition_penalty.case(
    "All of previous counts, however long it is.", level=3, stage="property"
)
def _(t):
    shuffled = np.random.default_rng(52).permutation(150)[:140].tolist()
    tries_penalty(t, normal(53, 150, 2.0), shuffled, 1.2)
    tries_penalty(t, [2.0, 1.0, -1.0], [2] + [0] * 300, 1.5)


@apply_repetition_penalty.case(
    "previous may be a list, a tuple or an array of ids.", level=3, stage="edge"
)
def _(t):
    x = [3.0, -1.0, 2.0, -4.0]
    for previous in (
        (0, 1),
        (3,),
        (2, 3, 2),
        np.array([0, 1, 0]),
        np.array([3], dtype=np.int32),
    ):
        tries_penalty(t, x, previous, 2.0)


@apply_repetition_penalty.case(
    "An empty previous changes nothing.", level=3, stage="edge"
)
def _(t):
    for previous in ([], (), np.array([], dtype=int)):
        tries_penalty(t, [3.0, -1.0], previous, 2.0)


@apply_repetition_penalty.case(
    "A penalty of 1 changes nothing, one below 1 favours what came.",
    level=3,
    stage="edge",
)
def _(t):
    tries_penalty(t, [3.0, -1.0, 2.0], [0, 1], 1.0)
    tries_penalty(t, [3.0, -1.0, 2.0], [0, 1], 0.5)
    tries_penalty(t, [3.0, -1.0, 2.0], [0, 1, 2], 5)


@apply_repetition_penalty.case(
    "A logit of 0 stays 0, a removed token stays removed.", level=3, stage="edge"
)
def _(t):
    x = removed(0, None, -2, None, 1)
    for penalty in (2.0, 0.5):
        tries_penalty(t, x, [0, 1, 2], penalty)
        tries_penalty(t, x, [4, 3], penalty)


@apply_repetition_penalty.case(
    "The first and the last token of the vocabulary count, and small logits.",
    level=3,
    stage="edge",
)
def _(t):
    tries_penalty(t, [0.5, 0.2, -0.3, -0.7], [0, 3], 2.0)
    tries_penalty(t, [-1.5], [0, 0], 1.5)
    tries_penalty(t, [2.0, 1.0], [1, 0] * 30, 1.5)


@apply_repetition_penalty.case(
    "float32 and float16 logits are as good as float64.", level=3, stage="edge"
)
def _(t):
    x = np.array([1.25, -2.5, 0.75, 30.0])
    for dtype, near in ((np.float32, KEPT), (np.float16, HALF)):
        due = penalised(x, [3, 1], 1.5)
        t.call(x.astype(dtype), [3, 1, 3], 1.5).equals(due, **near)
