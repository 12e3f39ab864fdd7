"""Right programs for sampling: the references, then others built differently.

The references are what the solution notebook shows, to the letter.
"""

import bisect
import heapq
import itertools
import math

import numpy as np

from rounds.bank import alternative


def apply_temperature(logits, temperature):
    """Logits divided by the temperature; at 0 only the most probable token is left.

    logits: floats (V,), entries may be -inf   temperature: 0 or more
    Returns floats (V,). At 0 the largest logit (the lowest index of a tie) keeps its
    value and all others become -inf. Raises ValueError for a negative temperature
    and for nan. The caller's array is left unchanged.
    apply_temperature([1, 3, 2], 2) is [0.5, 1.5, 1]; at 0 it is [-inf, 3, -inf].
    """
    if not temperature >= 0:  # nan too: every comparison with it is False
        raise ValueError(f"temperature must be 0 or more, not {temperature}")
    if temperature == 0:
        best = np.argmax(logits)
        greedy = np.full_like(logits, -np.inf)
        greedy[best] = logits[best]
        return greedy
    return logits / temperature


def top_k_filter(logits, k):
    """The k largest logits as they are, -inf in place of all others (Fan et al. 2018).

    logits: floats (V,), entries may be -inf   k: int, 1 or more, may exceed V
    Returns floats (V,) with exactly min(k, V) tokens kept, the lowest indices of a
    tie. Raises ValueError for k < 1. The caller's array is left unchanged.
    top_k_filter([1, 3, 2, 2], 2) is [-inf, 3, 2, -inf].
    """
    if k < 1:
        raise ValueError(f"k must be 1 or more, not {k}")
    kept = np.argsort(-logits, kind="stable")[:k]
    filtered = np.full_like(logits, -np.inf)
    filtered[kept] = logits[kept]
    return filtered


def top_p_filter(logits, p):
    """The nucleus as it is, -inf in place of all others (Holtzman et al. 2020).

    logits: floats (V,), entries may be -inf   p: a number in (0, 1]
    The nucleus is the smallest set of tokens, most probable first (the lowest index
    of a tie first), whose probabilities sum to at least p: never empty. p = 1 keeps
    every token of non-zero probability. Sums are accumulated in float64, whatever
    the dtype of logits. Returns floats (V,). Raises ValueError for p outside (0, 1]
    and for nan. The caller's array is left unchanged.
    top_p_filter(log([0.2, 0.5, 0.3]), 0.6) keeps the last two: 0.5 < 0.6 <= 0.8.
    """
    if not 0 < p <= 1:
        raise ValueError(f"p must lie in (0, 1], not {p}")
    if p == 1:  # rounded sums reach 1 before the last token
        return logits.copy()
    order = np.argsort(-logits, kind="stable")
    exps = np.exp(logits[order].astype(np.float64) - logits[order[0]])
    mass = np.cumsum(exps / exps.sum())
    kept = order[: np.searchsorted(mass, p) + 1]  # up to the first mass >= p
    filtered = np.full_like(logits, -np.inf)
    filtered[kept] = logits[kept]
    return filtered


def min_p_filter(logits, p):
    """The tokens at least p times as probable as the best one, -inf for all others.

    logits: floats (V,), entries may be -inf   p: a number in [0, 1]
    A token stays if its probability is >= p * the largest probability (Nguyen et
    al. 2024), so the best one always does. Returns floats (V,), kept logits as they
    are. The caller's array is left unchanged.
    min_p_filter(log([0.6, 0.1, 0.3]), 0.4) keeps the first and the last.
    """
    relative = np.exp(logits.astype(np.float64) - logits.max())
    return np.where(relative >= p, logits, -np.inf)


def apply_repetition_penalty(logits, previous, penalty):
    """Make the tokens that came before less likely (Keskar et al. 2019).

    logits: floats (V,), entries may be -inf   penalty: > 0, 1 changes nothing
    previous: ids in the vocabulary, a list, tuple or integer array, may be empty.
    Each token in `previous`, once however often it occurs: a positive logit is
    divided by the penalty, a negative one multiplied. Returns floats (V,). The
    caller's array is left unchanged.
    apply_repetition_penalty([3, -1, 2], [0, 1, 0], 2) is [1.5, -2, 2].
    """
    ids = np.unique(np.asarray(previous, dtype=int))  # [] would be float
    seen = logits[ids]
    penalised = logits.copy()
    penalised[ids] = np.where(seen > 0, seen / penalty, seen * penalty)
    return penalised


def sample(
    logits,
    *,
    temperature=1.0,
    top_k=None,
    top_p=None,
    min_p=None,
    repetition_penalty=1.0,
    previous=(),
    rng,
):
    """Draw the next token.

    logits: floats (V,), entries may be -inf   rng: numpy.random.Generator
    In this order: repetition penalty, temperature, top-k, top-p, min-p; each sees
    the softmax of what the one before left, and None switches a filter off. Then
    one token is drawn from the softmax of what is left, by `rng` alone: the same
    seed gives the same tokens, and no global generator is touched.
    Returns an int. Raises ValueError if a logit is nan or +inf, if all are -inf, and
    for whatever temperature, top_k or top_p its own function refuses.
    """
    if not np.isfinite(np.max(logits)):  # the maximum is nan if any logit is
        raise ValueError("logits need a finite maximum: no nan, no +inf, not all -inf")
    if repetition_penalty != 1:
        logits = apply_repetition_penalty(logits, previous, repetition_penalty)
    logits = apply_temperature(logits, temperature)
    if top_k is not None:
        logits = top_k_filter(logits, top_k)
    if top_p is not None:
        logits = top_p_filter(logits, top_p)
    if min_p is not None:
        logits = min_p_filter(logits, min_p)
    exps = np.exp(logits.astype(np.float64) - logits.max())
    return int(rng.choice(len(logits), p=exps / exps.sum()))


# apply_temperature


@alternative("apply_temperature")
def apply_temperature_entry_by_entry(logits, temperature):
    if math.isnan(temperature) or temperature < 0:
        raise ValueError("a temperature is a number from 0 on")
    if temperature > 0:
        return np.array([float(logit) / temperature for logit in logits])
    best = max(range(len(logits)), key=lambda token: (logits[token], -token))
    return np.array(
        [float(x) if token == best else -math.inf for token, x in enumerate(logits)]
    )


@alternative("apply_temperature")
def apply_temperature_by_mask(logits, temperature):
    if not 0 <= temperature < math.inf:
        raise ValueError(temperature)
    if not temperature:
        return np.where(np.arange(logits.size) == logits.argmax(), logits, -np.inf)
    return np.asarray(logits, dtype=np.float64) * (1.0 / temperature)


@alternative("apply_temperature")
def apply_temperature_in_float32(logits, temperature):
    class NotATemperature(ValueError):
        pass

    if temperature != temperature or temperature < 0:
        raise NotATemperature
    result = logits.astype(np.float32)
    if temperature == 0:
        result[
            np.arange(len(result)) != np.flatnonzero(logits == logits.max())[0]
        ] = -np.inf
    else:
        result /= np.float32(temperature)
    return result


# top_k_filter


@alternative("top_k_filter")
def top_k_filter_by_heap(logits, k):
    if k <= 0:
        raise ValueError("k starts at 1")
    pairs = ((-float(logit), token) for token, logit in enumerate(logits))
    kept = {token for _, token in heapq.nsmallest(k, pairs)}
    return np.array(
        [x if token in kept else -np.inf for token, x in enumerate(logits)],
        dtype=logits.dtype,
    )


@alternative("top_k_filter")
def top_k_filter_by_partition(logits, k):
    """The k-th largest value by partition; ties at it filled up from the left."""
    if k < 1:
        raise ValueError(k)
    if k >= logits.size:
        return np.array(logits)
    cut = np.partition(logits, logits.size - k)[logits.size - k]
    keep = logits > cut
    keep[np.flatnonzero(logits == cut)[: k - keep.sum()]] = True
    return np.where(keep, logits, -np.inf)


@alternative("top_k_filter")
def top_k_filter_by_repeated_argmax(logits, k):
    if not k >= 1:
        raise ValueError("nothing would be left")
    rest = logits.astype(np.float64)
    result = np.full(logits.shape, -np.inf)
    for _ in range(min(k, len(rest))):
        token = rest.argmax()
        result[token] = logits[token]
        rest[token] = -np.inf
    return result


@alternative("top_k_filter")
def top_k_filter_by_ranks(logits, k):
    if k < 1:
        raise ValueError(f"{k} < 1")
    tokens = np.arange(len(logits))
    order = np.lexsort((tokens, -logits.astype(np.float64)))
    ranks = np.empty_like(order)
    ranks[order] = tokens
    result = logits.astype(np.float32)
    result[ranks >= k] = -np.inf
    return result


# top_p_filter


@alternative("top_p_filter")
def top_p_filter_token_by_token(logits, p):
    if not (p > 0 and p <= 1):
        raise ValueError("p in (0, 1]")
    values = [float(logit) for logit in logits]
    peak = max(values)
    exps = [math.exp(value - peak) for value in values]
    total = math.fsum(exps)
    result, mass = [-math.inf] * len(values), 0.0
    for token in sorted(range(len(values)), key=lambda t: (-values[t], t)):
        if mass >= p and p < 1:
            break
        result[token] = values[token]
        mass += exps[token] / total
    return np.array(result)


@alternative("top_p_filter")
def top_p_filter_by_ascending_removal(logits, p):
    """Removes the least probable while what is removed sums to at most 1 - p."""
    if not 0 < p <= 1:
        raise ValueError(p)
    tokens = np.arange(len(logits))
    order = np.lexsort((-tokens, logits))  # the highest index of a tie goes first
    probs = np.exp(logits.astype(np.float64) - logits.max())
    probs /= probs.sum()
    remove = np.cumsum(probs[order]) <= 1 - p
    remove[-1] = False
    return np.where(np.isin(tokens, order[remove]), -np.inf, logits)


@alternative("top_p_filter")
def top_p_filter_by_mass_before(logits, p):
    """float32 probabilities, float64 sums; a token stays if too little is before it."""
    if np.isnan(p) or p <= 0 or p > 1:
        raise ValueError("not a share of the mass")
    order = sorted(range(len(logits)), key=lambda token: -logits[token])
    narrow = logits[order].astype(np.float32)
    exps = np.exp(narrow - narrow[0])
    probs = exps / exps.sum(dtype=np.float64).astype(np.float32)
    before = np.concatenate([[0.0], np.cumsum(probs, dtype=np.float64)[:-1]])
    keep = before < p if p < 1 else probs > 0
    result = np.full(len(logits), -np.inf)
    result[np.array(order)[keep]] = logits[order][keep]
    return result


@alternative("top_p_filter")
def top_p_filter_by_partition(logits, p):
    """Sorts only the largest logits, more of them until they hold the mass p."""
    if not 0 < p <= 1:
        raise ValueError(p)
    if p == 1:
        return np.array(logits, copy=True)
    exps = np.exp(logits.astype(np.float64) - logits.max())
    total, size = exps.sum(), 8
    while True:
        size = min(8 * size, len(logits))
        largest = np.sort(np.partition(logits, -size)[-size:])[::-1]
        mass = np.cumsum(np.exp(largest.astype(np.float64) - largest[0])) / total
        if mass[-1] >= p or size == len(logits):
            break
    n_kept = min(bisect.bisect_left(mass, p) + 1, size)
    cut = largest[n_kept - 1]
    keep = logits > cut
    keep[np.flatnonzero(logits == cut)[: n_kept - keep.sum()]] = True
    return np.where(keep, logits, -np.inf)


@alternative("top_p_filter")
def top_p_filter_by_halving(logits, p, few=1024):
    """Quickselect by mass, O(V): the half that holds the cut is searched further."""
    if not 0 < p <= 1:
        raise ValueError(f"p must lie in (0, 1], not {p}")
    if p == 1:
        return logits.copy()
    # In place, since a fresh array of this size costs more than its arithmetic.
    weights = logits.astype(np.float64)
    weights -= weights.max()
    np.exp(weights, out=weights)
    total = weights.sum()
    needed = p * total
    # All that is below this holds half of the share 1 - p at most, and is not needed.
    rest = weights[weights > (total - needed) / (2 * len(weights))]
    held, n_above = 0.0, 0  # weight and number of what is in the nucleus for sure
    while len(rest) > few:
        half = len(rest) // 2
        rest.partition(half)
        upper = rest[half:].sum()
        if held + upper >= needed:
            rest = rest[half:]
        else:
            held, n_above, rest = held + upper, n_above + len(rest) - half, rest[:half]
    rest = np.sort(rest)[::-1]
    at = min(np.searchsorted(held + np.cumsum(rest), needed), len(rest) - 1)
    keep = weights >= rest[at]
    surplus = np.count_nonzero(keep) - (n_above + at + 1)
    if surplus:
        keep[np.flatnonzero(weights == rest[at])[-surplus:]] = False
    return np.where(keep, logits, -np.inf)


@alternative("top_p_filter")
def top_p_filter_from_a_heap(logits, p):
    if not 0.0 < p <= 1.0:
        raise ValueError("top-p needs 0 < p <= 1")
    log_total = np.logaddexp.reduce(logits.astype(np.float64))
    heap = [(-float(x), token) for token, x in enumerate(logits) if x > -np.inf]
    heapq.heapify(heap)
    result, mass = np.full(logits.shape, -np.inf, logits.dtype), 0.0
    while heap and (p == 1 or mass < p):
        negative, token = heapq.heappop(heap)
        result[token] = logits[token]
        mass += math.exp(-negative - log_total)
    return result


@alternative("top_p_filter")
def top_p_filter_by_accumulate(logits, p):
    if p != p or not 0 < p <= 1:
        raise ValueError(p)
    wide = np.asarray(logits, np.longdouble)
    probs = np.exp(wide - wide.max())
    probs /= probs.sum()
    ranking = np.argsort(-wide, kind="mergesort").tolist()
    sums = enumerate(itertools.accumulate(map(float, probs[ranking])), start=1)
    n_all = len(ranking)
    count = n_all if p == 1 else next((n for n, mass in sums if mass >= p), n_all)
    mask = np.ones(len(logits), dtype=bool)
    mask[ranking[:count]] = False
    return np.ma.filled(np.ma.array(logits, mask=mask).astype(float), -np.inf)


@alternative("top_p_filter")
def top_p_filter_in_log_space(logits, p):
    if not 0 < p <= 1:
        raise ValueError(p)
    if p == 1:
        return logits.copy()
    order = np.argsort(-logits, kind="stable")
    log_mass = np.logaddexp.accumulate(logits[order].astype(np.float64))
    kept = order[: np.argmax(log_mass - log_mass[-1] >= math.log(p)) + 1]
    filtered = np.full_like(logits, -np.inf)
    filtered[kept] = logits[kept]
    return filtered


# min_p_filter


@alternative("min_p_filter")
def min_p_filter_by_log(logits, p):
    with np.errstate(divide="ignore"):
        cut = np.max(logits) + np.log(p)
    return np.where(logits < cut, -np.inf, logits)


@alternative("min_p_filter")
def min_p_filter_by_probabilities(logits, p):
    narrow = logits.astype(np.float32)
    probs = np.exp(narrow - narrow.max())
    probs = probs / probs.sum()
    result = logits.copy()
    result[probs < np.float32(p) * probs.max()] = -np.inf
    return result


@alternative("min_p_filter")
def min_p_filter_entry_by_entry(logits, p):
    peak = float(max(logits))
    return np.array(
        [float(x) if math.exp(float(x) - peak) >= p else -math.inf for x in logits]
    )


# apply_repetition_penalty


@alternative("apply_repetition_penalty")
def apply_repetition_penalty_token_by_token(logits, previous, penalty):
    result = np.array(logits)
    for token in set(map(int, previous)):
        if result[token] > 0:
            result[token] /= penalty
        else:
            result[token] *= penalty
    return result


@alternative("apply_repetition_penalty")
def apply_repetition_penalty_by_mask(logits, previous, penalty):
    came = np.zeros(len(logits), dtype=bool)
    for token in previous:
        came[token] = True
    factor = np.where(logits > 0, 1 / penalty, penalty)
    return logits * np.where(came, factor, 1.0)


@alternative("apply_repetition_penalty")
def apply_repetition_penalty_by_count(logits, previous, penalty):
    counts = np.bincount(np.array(previous, dtype=np.intp), minlength=logits.size)
    scaled = np.minimum(logits / penalty, logits * penalty)
    if penalty < 1:
        scaled = np.maximum(logits / penalty, logits * penalty)
    return np.where(counts > 0, scaled.astype(np.float32), logits)


@alternative("apply_repetition_penalty")
def apply_repetition_penalty_written_over(logits, previous, penalty):
    """Repeats write the same value again, read from the caller's array."""
    result = logits.astype(float)
    for token in list(previous):
        value = float(logits[token])
        result[token] = value / penalty if value >= 0 else value * penalty
    return result


# sample


def _processed(logits, temperature, top_k, top_p, min_p, repetition_penalty, previous):
    """What is left of the logits, in float64."""
    logits = np.asarray(logits, dtype=np.float64)
    if np.isnan(logits).any() or np.isposinf(logits).any():
        raise ValueError("nan or +inf among the logits")
    if np.isneginf(logits).all():
        raise ValueError("no token is left")
    logits = apply_repetition_penalty(logits, previous, repetition_penalty)
    logits = apply_temperature(logits, temperature)
    if top_k is not None:
        logits = top_k_filter(logits, top_k)
    if top_p is not None:
        logits = top_p_filter(logits, top_p)
    if min_p is not None:
        logits = min_p_filter(logits, min_p)
    return logits


@alternative("sample")
def sample_by_gumbel_max(
    logits,
    *,
    temperature=1.0,
    top_k=None,
    top_p=None,
    min_p=None,
    repetition_penalty=1.0,
    previous=(),
    rng,
):
    left = _processed(
        logits, temperature, top_k, top_p, min_p, repetition_penalty, previous
    )
    return np.argmax(left + rng.gumbel(size=left.shape))


@alternative("sample")
def sample_by_inverse_cdf(
    logits,
    *,
    temperature=1.0,
    top_k=None,
    top_p=None,
    min_p=None,
    repetition_penalty=1.0,
    previous=(),
    rng,
):
    left = _processed(
        logits, temperature, top_k, top_p, min_p, repetition_penalty, previous
    )
    sums = np.cumsum(np.exp(left - left.max()))
    return np.searchsorted(sums, rng.random() * sums[-1], side="right")


@alternative("sample")
def sample_by_walking_the_tokens(
    logits,
    *,
    temperature=1.0,
    top_k=None,
    top_p=None,
    min_p=None,
    repetition_penalty=1.0,
    previous=(),
    rng,
):
    """Everything on one sorted list of (logit, token), in plain Python."""
    if any(math.isnan(x) or x == math.inf for x in logits):
        raise ValueError("nan or inf")
    came = {int(token) for token in previous}
    pairs = [(float(x), token) for token, x in enumerate(logits) if x > -math.inf]
    if not pairs:
        raise ValueError("every token is removed")
    if math.isnan(temperature) or temperature < 0:
        raise ValueError("temperature")
    if top_k is not None and top_k < 1:
        raise ValueError("top_k")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError("top_p")
    factor = repetition_penalty
    pairs = [
        (x if t not in came else x / factor if x > 0 else x * factor, t)
        for x, t in pairs
    ]
    pairs.sort(key=lambda pair: (-pair[0], pair[1]))
    if temperature == 0:
        return pairs[0][1]
    pairs = pairs[:top_k]

    def weights():
        exps = [math.exp((x - pairs[0][0]) / temperature) for x, _ in pairs]
        total = math.fsum(exps)
        return [e / total for e in exps]

    if top_p is not None and top_p < 1:
        mass = list(itertools.accumulate(weights()))
        pairs = pairs[: bisect.bisect_left(mass, top_p) + 1]
    if min_p is not None:
        shares = weights()
        pairs = [
            pair
            for pair, w in zip(pairs, shares, strict=True)
            if w >= min_p * shares[0]
        ]
    left = rng.uniform()
    for (_, token), weight in zip(pairs, weights(), strict=True):
        left -= weight
        if left < 0:
            return token
    return pairs[-1][1]


@alternative("sample")
def sample_by_multinomial(
    logits,
    *,
    temperature=1.0,
    top_k=None,
    top_p=None,
    min_p=None,
    repetition_penalty=1.0,
    previous=(),
    rng,
):
    left = _processed(
        logits, temperature, top_k, top_p, min_p, repetition_penalty, previous
    )
    tokens = np.flatnonzero(left > -np.inf)
    exps = np.exp(left[tokens] - left[tokens].max())
    return int(tokens[rng.multinomial(1, exps / exps.sum()).argmax()])


@alternative("sample")
def sample_by_rejection(
    logits,
    *,
    temperature=1.0,
    top_k=None,
    top_p=None,
    min_p=None,
    repetition_penalty=1.0,
    previous=(),
    rng,
):
    left = _processed(
        logits, temperature, top_k, top_p, min_p, repetition_penalty, previous
    )
    peak = left.max()
    while True:
        token = int(rng.integers(len(left)))
        if rng.random() < np.exp(left[token] - peak):
            return token


@alternative("sample")
def sample_by_exponential_race(
    logits,
    *,
    temperature=1.0,
    top_k=None,
    top_p=None,
    min_p=None,
    repetition_penalty=1.0,
    previous=(),
    rng,
):
    """The token whose exponential clock rings first, as vLLM draws."""
    left = _processed(
        logits, temperature, top_k, top_p, min_p, repetition_penalty, previous
    )
    weights = np.exp(left - left.max())
    with np.errstate(divide="ignore"):
        return int(np.argmin(rng.standard_exponential(left.size) / weights))
