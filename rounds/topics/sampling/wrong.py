"""Wrong programs for sampling: the mistakes that people really make.

The sentence of each is what the learner reads: what is seen, why, an input where
it shows; never the code.
"""

import copy
import math
import random

import numpy as np

from rounds.bank import edit, mistake
from rounds.topics.sampling.right import (
    apply_repetition_penalty,
    apply_temperature,
    min_p_filter,
    top_k_filter,
    top_p_filter,
)


def _softmax(logits):
    exps = np.exp(logits - np.max(logits))
    return exps / exps.sum()


# apply_temperature

temperature_multiplies = edit(
    "apply_temperature",
    "temperature-multiplies",
    "The logits were multiplied by the temperature. A high temperature must bring "
    "them closer together, so they are divided: [1, 3] at 2 is [0.5, 1.5].",
    "return logits / temperature",
    "return logits * temperature",
)


@mistake(
    "apply_temperature",
    "zero-divides",
    "At temperature 0 the logits were divided by 0, which gives inf and nan: "
    "[1, 3, 2] becomes all inf, and no draw can tell them apart. At 0 only the largest "
    "logit is left.",
    seen_in="google-deepmind/gemma #562",
)
def temperature_divides_by_zero(logits, temperature):
    if temperature < 0 or np.isnan(temperature):
        raise ValueError("negative temperature")
    return logits / temperature


@mistake("apply_temperature", "zero-divides")
def temperature_divides_by_python_zero(logits, temperature):
    if temperature < 0 or math.isnan(temperature):
        raise ValueError("negative temperature")
    return np.array([float(logit) / temperature for logit in logits])


@mistake(
    "apply_temperature",
    "zero-becomes-tiny",
    "Temperature 0 was replaced by a tiny one: the logits become huge, the largest "
    "loses its value, and the others are not removed. With [1, 3, 2] at 0, 3 must "
    "stay 3 and the others must be -inf.",
)
def temperature_clamped(logits, temperature):
    if not temperature >= 0:
        raise ValueError("negative temperature")
    return logits / max(temperature, 1e-6)


@mistake("apply_temperature", "zero-becomes-tiny")
def temperature_plus_epsilon(logits, temperature):
    if not temperature >= 0:
        raise ValueError("negative temperature")
    return logits / (temperature + (temperature == 0) * 1e-8)


zero_refused = edit(
    "apply_temperature",
    "zero-refused",
    "Temperature 0 was refused, but it has a meaning here: only the most probable "
    "token is left.",
    "not temperature >= 0",
    "not temperature > 0",
)


@mistake(
    "apply_temperature",
    "zero-changes-nothing",
    "At temperature 0 the logits came back as they were, so any token may still be "
    "drawn. Only the largest may be left.",
)
def temperature_off_at_zero(logits, temperature):
    if not temperature >= 0:
        raise ValueError("negative temperature")
    return logits / temperature if temperature else logits.copy()


keeps_all_ties = edit(
    "apply_temperature",
    "zero-keeps-all-ties",
    "At temperature 0 every token that shares the largest logit was kept. Exactly one "
    "stays, the first: with [2, 5, 5] only the token at 1.",
    "best = np.argmax(logits)",
    "best = logits == logits.max()",
)

keeps_last_tie = edit(
    "apply_temperature",
    "zero-keeps-the-last-tie",
    "At temperature 0 the last of several equal largest logits was kept. It is the "
    "first: with [2, 5, 5] the token at 1.",
    "best = np.argmax(logits)",
    "best = len(logits) - 1 - np.argmax(logits[::-1])",
)


@mistake("apply_temperature", "zero-keeps-the-last-tie")
def temperature_zero_by_argsort(logits, temperature):
    if temperature > 0:
        return logits / temperature
    if temperature != 0:
        raise ValueError(temperature)
    best = np.argsort(logits, kind="stable")[-1]
    return np.where(np.arange(len(logits)) == best, logits, -np.inf)


@mistake(
    "apply_temperature",
    "zero-keeps-the-smallest",
    "At temperature 0 the smallest logit was kept instead of the largest.",
)
def temperature_zero_by_argmin(logits, temperature):
    if not temperature >= 0:
        raise ValueError(temperature)
    if temperature == 0:
        return np.where(np.arange(len(logits)) == logits.argmin(), logits, -np.inf)
    return logits / temperature


zero_loses_value = edit(
    "apply_temperature",
    "zero-loses-the-value",
    "At temperature 0 the token that is kept lost its logit. It keeps its value: "
    "[1, 3, 2] becomes [-inf, 3, -inf].",
    "greedy[best] = logits[best]",
    "greedy[best] = 0",
)


@mistake("apply_temperature", "zero-loses-the-value")
def temperature_zero_to_one_hot_log(logits, temperature):
    if not temperature >= 0:
        raise ValueError(temperature)
    if temperature == 0:
        with np.errstate(divide="ignore"):
            return np.log(np.eye(len(logits))[np.argmax(logits)])
    return logits / temperature


zero_fills_zero = edit(
    "apply_temperature",
    "zero-fills-with-0",
    "At temperature 0 the removed logits were set to 0, which is no removal: a logit of "
    "0 still has a probability, and beats a negative one. -inf removes.",
    "np.full_like(logits, -np.inf)",
    "np.zeros_like(logits)",
)


@mistake(
    "apply_temperature",
    "zero-fills-with-a-number",
    "At temperature 0 the other logits became a large negative number. It is not below "
    "every logit, and the next filter counts it as a token: -inf is due.",
)
def temperature_zero_with_finfo_min(logits, temperature):
    result = apply_temperature(logits, temperature)
    if temperature == 0:
        result = np.maximum(result, np.finfo(logits.dtype).min)
    return result


@mistake("apply_temperature", "zero-fills-with-a-number")
def temperature_zero_with_a_billion(logits, temperature):
    result = apply_temperature(logits, temperature)
    return np.maximum(result, -1e9) if temperature == 0 else result


@mistake(
    "apply_temperature",
    "zero-returns-probabilities",
    "At temperature 0 a one-hot vector of probabilities came back. Logits go in and "
    "logits come out: the kept one as it is, -inf for the others.",
)
def temperature_zero_one_hot(logits, temperature):
    if not temperature >= 0:
        raise ValueError(temperature)
    if temperature == 0:
        return np.eye(len(logits))[np.argmax(logits)]
    return logits / temperature


@mistake(
    "apply_temperature",
    "zero-returns-the-index",
    "At temperature 0 the index of the largest logit came back. A processor gives back "
    "logits, so that the next one can go on.",
)
def temperature_zero_argmax(logits, temperature):
    if not temperature >= 0:
        raise ValueError(temperature)
    return np.argmax(logits) if temperature == 0 else logits / temperature


negative_accepted = edit(
    "apply_temperature",
    "negative-accepted",
    "A negative temperature was accepted. It would make the least probable token the "
    "most probable one; a ValueError is due.",
    "if not temperature >= 0:  # nan too: every comparison with it is False",
    "if np.isnan(temperature):",
)


@mistake(
    "apply_temperature",
    "negative-is-greedy",
    "A negative temperature was treated as 0. It is an error of the caller: a "
    "ValueError is due.",
)
def temperature_negative_is_greedy(logits, temperature):
    if np.isnan(temperature):
        raise ValueError("nan")
    if temperature <= 0:
        return np.where(np.arange(len(logits)) == logits.argmax(), logits, -np.inf)
    return logits / temperature


nan_accepted = edit(
    "apply_temperature",
    "nan-accepted",
    "nan was accepted as a temperature. Every comparison with nan is False, so a test "
    "for < 0 lets it through; a ValueError is due.",
    "if not temperature >= 0:",
    "if temperature < 0:",
)

nothing_refused = edit(
    "apply_temperature",
    "nothing-refused",
    "No temperature was refused. A negative one and nan are a ValueError.",
    "if not temperature >= 0:",
    "if False:",
)


@mistake(
    "apply_temperature",
    "another-error-raised",
    "A temperature that is not allowed raised an error of another kind. A ValueError is "
    "due, which a caller can catch.",
)
def temperature_asserts(logits, temperature):
    assert temperature >= 0
    return apply_temperature(logits, temperature)


@mistake(
    "apply_temperature",
    "probabilities-returned",
    "Probabilities came back. Logits go in and logits come out: the softmax comes at "
    "the very end.",
)
def temperature_then_softmax(logits, temperature):
    return _softmax(apply_temperature(logits, temperature))


@mistake(
    "apply_temperature",
    "logits-shifted",
    "The logits were shifted as well as divided. The draw would be the same, but the "
    "result is logits / temperature: [1, 3] at 2 is [0.5, 1.5].",
)
def temperature_less_the_maximum(logits, temperature):
    result = apply_temperature(logits, temperature)
    return result if temperature == 0 else result - result.max()


@mistake(
    "apply_temperature",
    "argument-changed",
    "The result is right, but the caller's logits were overwritten: the next step of "
    "the generation gets something else. Work on a copy.",
)
def temperature_in_place(logits, temperature):
    if not temperature >= 0:
        raise ValueError(temperature)
    if temperature > 0:
        logits /= logits.dtype.type(temperature)
        return logits
    return apply_temperature(logits, 0)


@mistake("apply_temperature", "argument-changed")
def temperature_zero_in_place(logits, temperature):
    if not temperature >= 0:
        raise ValueError(temperature)
    if temperature > 0:
        return logits / temperature
    best = np.argmax(logits)
    logits[:best] = -np.inf
    logits[best + 1 :] = -np.inf
    return logits


@mistake(
    "apply_temperature",
    "removed-tokens-revived",
    "A removed token, -inf, came back finite: it can be drawn again.",
)
def temperature_nan_to_num(logits, temperature):
    return np.nan_to_num(apply_temperature(logits, temperature))


@mistake(
    "apply_temperature",
    "integer-division",
    "The quotients were rounded down to whole numbers: [1, 3] at 2 is [0.5, 1.5].",
)
def temperature_floor_division(logits, temperature):
    if not temperature >= 0:
        raise ValueError(temperature)
    return logits // temperature if temperature else apply_temperature(logits, 0)


# top_k_filter

k_ties_all_stay = edit(
    "top_k_filter",
    "ties-at-the-cut-all-stay",
    "More than k tokens were kept: the cut was made by value, so that all tokens equal "
    "to the k-th largest stay. With [1, 2, 2, 2] and k = 2 exactly two stay, the "
    "first ones.",
    '    kept = np.argsort(-logits, kind="stable")[:k]\n',
    "    cut = np.sort(logits)[::-1][min(k, len(logits)) - 1]\n"
    "    kept = logits >= cut\n",
    seen_in="vllm-project/vllm #50979",
)


@mistake("top_k_filter", "ties-at-the-cut-all-stay")
def top_k_by_threshold(logits, k):
    if k < 1:
        raise ValueError(k)
    k = min(k, logits.size)
    return np.where(logits < np.partition(logits, -k)[-k], -np.inf, logits)


@mistake(
    "top_k_filter",
    "ties-go-to-the-highest-index",
    "Of equal logits at the cut the last ones were kept: an ascending sort read "
    "backwards, or (logit, index) pairs compared, do that. The lowest indices are due: "
    "with [1, 1, 1] and k = 1 the token at 0.",
)
def top_k_ascending_sort(logits, k):
    if k < 1:
        raise ValueError(k)
    kept = np.argsort(logits, kind="stable")[-k:]
    filtered = np.full_like(logits, -np.inf)
    filtered[kept] = logits[kept]
    return filtered


@mistake("top_k_filter", "ties-go-to-the-highest-index")
def top_k_sort_reversed(logits, k):
    if k < 1:
        raise ValueError(k)
    order = sorted(range(len(logits)), key=lambda t: (logits[t], t), reverse=True)
    mask = np.isin(np.arange(len(logits)), order[:k])
    return np.where(mask, logits, -np.inf)


@mistake(
    "top_k_filter",
    "ties-fall-anywhere",
    "Of equal logits at the cut it is not the first ones that were kept: neither a "
    "partition nor NumPy's usual sort promises to keep equal entries in their order.",
)
def top_k_argpartition(logits, k):
    if k < 1:
        raise ValueError(k)
    if k >= len(logits):
        return logits.copy()
    kept = np.argpartition(-logits, k - 1)[:k]
    filtered = np.full_like(logits, -np.inf)
    filtered[kept] = logits[kept]
    return filtered


unstable_k = edit(
    "top_k_filter",
    "ties-fall-anywhere",
    "",
    ', kind="stable"',
    ', kind="heapsort"',
)


@mistake("top_k_filter", "ties-fall-anywhere")
def top_k_quicksort(logits, k):
    if k < 1:
        raise ValueError(k)
    removed = np.argsort(-logits)[k:]
    filtered = logits.copy()
    filtered[removed] = -np.inf
    return filtered


@mistake("top_k_filter", "ties-fall-anywhere")
def top_k_argpartition_of_the_largest(logits, k):
    if k < 1:
        raise ValueError(k)
    if k >= len(logits):
        return logits.copy()
    filtered = np.full_like(logits, -np.inf)
    kept = np.argpartition(logits, -k)[-k:]
    filtered[kept] = logits[kept]
    return filtered


@mistake(
    "top_k_filter",
    "unstable-and-backwards",
    "Of equal logits at the cut it is not the first ones that were kept: the end of an "
    "ascending sort was taken, where the lowest index of equals is the farthest from "
    "the largest, and NumPy's usual sort does not even promise that. With [1, 1, 1] and "
    "k = 1 the token at 0 stays.",
)
def top_k_usual_sort_backwards(logits, k):
    if k < 1:
        raise ValueError(k)
    kept = np.argsort(logits)[::-1][:k]
    filtered = np.full_like(logits, -np.inf)
    filtered[kept] = logits[kept]
    return filtered


@mistake(
    "top_k_filter",
    "ranked-by-probability",
    "The wrong tokens were kept among logits far below the largest: the probabilities "
    "were ranked, and theirs are all 0. Rank the logits; try [0, -1000, -900] and k = 2.",
)
def top_k_by_probability(logits, k):
    if k < 1:
        raise ValueError(k)
    kept = np.argsort(-_softmax(logits.astype(np.float64)), kind="stable")[:k]
    return np.where(np.isin(np.arange(len(logits)), kept), logits, -np.inf)


@mistake(
    "top_k_filter",
    "near-taken-for-equal",
    "Logits that are nearly equal were taken for equal: they were rounded, or put into a "
    "narrower dtype, before they were ranked. Of [0.0001, 0.0002] the second is the "
    "larger.",
)
def top_k_rounded(logits, k):
    if k < 1:
        raise ValueError(k)
    kept = np.argsort(-np.round(logits.astype(float), 3), kind="stable")[:k]
    return np.where(np.isin(np.arange(len(logits)), kept), logits, -np.inf)


@mistake("top_k_filter", "near-taken-for-equal")
def top_k_ranked_in_float16(logits, k):
    if k < 1:
        raise ValueError(k)
    kept = np.argsort(-logits.astype(np.float16), kind="stable")[:k]
    return np.where(np.isin(np.arange(len(logits)), kept), logits, -np.inf)


@mistake("top_k_filter", "near-taken-for-equal")
def top_k_ranked_in_float32(logits, k):
    if k < 1:
        raise ValueError(k)
    kept = np.argsort(-logits.astype(np.float32), kind="stable")[:k]
    return np.where(np.isin(np.arange(len(logits)), kept), logits, -np.inf)


@mistake(
    "top_k_filter",
    "digits-lost",
    "The kept logits lost digits: they came back in float16, which has three. They keep "
    "their value to float32's precision.",
)
def top_k_in_float16(logits, k):
    return top_k_filter(logits, k).astype(np.float16)


@mistake(
    "top_k_filter",
    "another-error-raised",
    "k below 1 raised an error of another kind. A ValueError is due, which a caller can "
    "catch.",
)
def top_k_asserts(logits, k):
    assert k >= 1
    return top_k_filter(logits, k)


@mistake(
    "top_k_filter",
    "logits-shifted",
    "The right tokens were kept, but their logits were shifted. The draw would be the "
    "same, but what is kept keeps its value.",
)
def top_k_less_the_maximum(logits, k):
    return top_k_filter(logits, k) - logits.max()


@mistake(
    "top_k_filter",
    "k-above-v-fails",
    "k larger than the vocabulary raised an error or removed tokens. Then all tokens "
    "are kept: it asks for no more than there are.",
    seen_in="TransformerLensOrg/TransformerLens #1347",
)
def top_k_partition_out_of_bounds(logits, k):
    if k < 1:
        raise ValueError(k)
    cut = np.partition(logits, len(logits) - k)[len(logits) - k]
    keep = logits > cut
    keep[np.flatnonzero(logits == cut)[: k - keep.sum()]] = True
    return np.where(keep, logits, -np.inf)


@mistake("top_k_filter", "k-above-v-fails")
def top_k_refuses_large_k(logits, k):
    if not 1 <= k <= len(logits):
        raise ValueError("k out of range")
    return top_k_filter(logits, k)


@mistake("top_k_filter", "k-above-v-fails")
def top_k_index_error(logits, k):
    if k < 1:
        raise ValueError(k)
    order = np.argsort(-logits, kind="stable")
    kept = [order[rank] for rank in range(k)]
    return np.where(np.isin(np.arange(len(logits)), kept), logits, -np.inf)


@mistake("top_k_filter", "k-above-v-fails")
def top_k_partition_unchecked(logits, k):
    kept = np.argpartition(logits, -k)[-k:]
    filtered = np.full_like(logits, -np.inf)
    filtered[kept] = logits[kept]
    return filtered


k_unchecked = edit(
    "top_k_filter",
    "k-below-1-accepted",
    "k = 0 or a negative k was accepted. 0 would leave no token, and a negative "
    "number cuts from the other end; a ValueError is due.",
    "if k < 1:",
    "if False:",
)


@mistake("top_k_filter", "k-below-1-accepted")
def top_k_last_of_a_sort_unchecked(logits, k):
    kept = np.argsort(logits)[-k:]
    filtered = np.full_like(logits, -np.inf)
    filtered[kept] = logits[kept]
    return filtered


@mistake("top_k_filter", "k-below-1-accepted")
def top_k_threshold_unchecked(logits, k):
    k = min(k, len(logits))
    return np.where(logits < np.sort(logits)[-k], -np.inf, logits)


negative_k_accepted = edit(
    "top_k_filter",
    "negative-k-accepted",
    "k = 0 is refused but a negative k is not: it cuts from the other end. Everything "
    "below 1 is a ValueError.",
    "if k < 1:",
    "if k == 0:",
)

zero_k_accepted = edit(
    "top_k_filter",
    "k-0-accepted",
    "k = 0 was accepted. It would leave no token to draw; a ValueError is due.",
    "if k < 1:",
    "if k < 0:",
)


@mistake(
    "top_k_filter",
    "k-0-switches-off",
    "k = 0 changed nothing, as in engines where 0 means off. Here it is a ValueError.",
)
def top_k_zero_is_off(logits, k):
    if k < 0:
        raise ValueError(k)
    return logits.copy() if k == 0 else top_k_filter(logits, k)


@mistake("top_k_filter", "k-0-switches-off")
def top_k_below_one_is_off(logits, k):
    return logits.copy() if k < 1 else top_k_filter(logits, k)


@mistake(
    "top_k_filter",
    "k-below-1-becomes-1",
    "k below 1 was raised to 1. It is an error of the caller: a ValueError is due.",
)
def top_k_clipped(logits, k):
    return top_k_filter(logits, max(k, 1))


one_too_many_k = edit(
    "top_k_filter",
    "one-too-many",
    "k + 1 tokens were kept: with [1, 3, 2] and k = 1 only 3 stays.",
    "[:k]\n",
    "[: k + 1]\n",
    seen_in="kingoflolz/mesh-transformer-jax #164",
)


@mistake("top_k_filter", "one-too-many")
def top_k_next_value(logits, k):
    if k < 1:
        raise ValueError(k)
    order = np.argsort(-logits, kind="stable")
    filtered = logits.copy()
    filtered[order[k + 1 :]] = -np.inf
    return filtered


@mistake(
    "top_k_filter",
    "k-th-dropped",
    "The k-th largest itself was removed: k - 1 tokens are left, and with k = 1 none.",
)
def top_k_strictly_above(logits, k):
    if k < 1:
        raise ValueError(k)
    if k >= len(logits):
        return logits.copy()
    return np.where(logits > np.sort(logits)[-k], logits, -np.inf)


@mistake("top_k_filter", "k-th-dropped")
def top_k_one_too_few(logits, k):
    if k < 1:
        raise ValueError(k)
    kept = np.argsort(-logits, kind="stable")[: k - 1] if k < len(logits) else slice(k)
    filtered = np.full_like(logits, -np.inf)
    filtered[kept] = logits[kept]
    return filtered


smallest_kept = edit(
    "top_k_filter",
    "smallest-kept",
    "The k smallest logits were kept: the sort runs the other way.",
    "np.argsort(-logits",
    "np.argsort(logits",
)

removed_to_zero = edit(
    "top_k_filter",
    "removed-become-0",
    "Removed logits were set to 0, which is no removal: a logit of 0 still has a "
    "probability, and beats a negative one. -inf removes.",
    "np.full_like(logits, -np.inf)",
    "np.zeros_like(logits)",
)


@mistake(
    "top_k_filter",
    "removed-stay-finite",
    "Removed logits were set to a large negative number. It is not below every logit, "
    "and the next filter counts it as a token: -inf is due.",
)
def top_k_with_a_billion(logits, k):
    return np.maximum(top_k_filter(logits, k), -1e9)


@mistake("top_k_filter", "removed-stay-finite")
def top_k_with_finfo_min(logits, k):
    return np.maximum(top_k_filter(logits, k), np.finfo(logits.dtype).min)


@mistake("top_k_filter", "removed-stay-finite")
def top_k_with_ten_thousand(logits, k):
    return np.maximum(top_k_filter(logits, k), -1e4)


@mistake(
    "top_k_filter",
    "only-the-kept-returned",
    "Only the kept logits came back. The result has the length of the vocabulary, so "
    "that a place is still a token's id.",
)
def top_k_values(logits, k):
    if k < 1:
        raise ValueError(k)
    return np.sort(logits)[::-1][:k]


@mistake("top_k_filter", "only-the-kept-returned")
def top_k_values_in_place_order(logits, k):
    left = top_k_filter(logits, k)
    return left[left > -np.inf]


@mistake(
    "top_k_filter",
    "sorted-order-returned",
    "The logits came back in sorted order: each place is a token's id, so what is kept "
    "must stand where it stood.",
)
def top_k_sorted(logits, k):
    if k < 1:
        raise ValueError(k)
    ordered = np.sort(logits)[::-1].copy()
    ordered[k:] = -np.inf
    return ordered


@mistake(
    "top_k_filter",
    "first-k-kept",
    "The first k tokens of the vocabulary were kept, not the k most probable: a mask "
    "made in sorted order was not brought back to the order of the tokens.",
)
def top_k_mask_not_mapped_back(logits, k):
    if k < 1:
        raise ValueError(k)
    return np.where(np.arange(len(logits)) < k, logits, -np.inf)


@mistake(
    "top_k_filter",
    "ranks-mistaken-for-places",
    "A sort gives, for each rank, the token that has it. It was read as the rank of "
    "each token, which is the inverse: they agree only by chance. Try [0, 2, -1, 1].",
)
def top_k_argsort_as_ranks(logits, k):
    if k < 1:
        raise ValueError(k)
    return np.where(np.argsort(-logits, kind="stable") < k, logits, -np.inf)


@mistake(
    "top_k_filter",
    "indices-returned",
    "Token ids came back. A processor gives back logits, so that the next one can go "
    "on.",
)
def top_k_indices(logits, k):
    if k < 1:
        raise ValueError(k)
    return np.argsort(-logits, kind="stable")[:k]


@mistake(
    "top_k_filter",
    "probabilities-returned",
    "Probabilities came back. Logits go in and logits come out, the kept ones with "
    "their value: the softmax comes at the very end.",
)
def top_k_probabilities(logits, k):
    return _softmax(top_k_filter(logits, k))


@mistake("top_k_filter", "probabilities-returned")
def top_k_probabilities_or_minus_inf(logits, k):
    left = top_k_filter(logits, k)
    return np.where(left > -np.inf, _softmax(left), -np.inf)


@mistake("top_k_filter", "probabilities-returned")
def top_k_old_probabilities_or_minus_inf(logits, k):
    left = top_k_filter(logits, k)
    return np.where(left > -np.inf, _softmax(logits), -np.inf)


@mistake(
    "top_k_filter",
    "log-probabilities-returned",
    "Log-probabilities came back: the logits were normalised. What is kept keeps its "
    "value: the softmax comes at the very end.",
)
def top_k_log_probabilities(logits, k):
    left = top_k_filter(logits, k)
    return left - logits.max() - np.log(np.exp(left - logits.max()).sum())


@mistake(
    "top_k_filter",
    "argument-changed",
    "The result is right, but the caller's logits were overwritten: the next step of "
    "the generation gets something else. Work on a copy.",
)
def top_k_in_place(logits, k):
    if k < 1:
        raise ValueError(k)
    logits[np.argsort(-logits, kind="stable")[k:]] = -np.inf
    return logits


@mistake(
    "top_k_filter",
    "size-ranked-by-magnitude",
    "The logits were ranked without their sign, so that a very negative one counts as "
    "large. Try [1, -3, 2].",
)
def top_k_absolute(logits, k):
    if k < 1:
        raise ValueError(k)
    kept = np.argsort(-np.abs(logits), kind="stable")[:k]
    return np.where(np.isin(np.arange(len(logits)), kept), logits, -np.inf)


@mistake(
    "top_k_filter",
    "removed-tokens-counted",
    "Tokens that an earlier filter removed were counted among the k, so that too few are "
    "left. A removed token never counts; try [-inf, 1, -inf, 0] and k = 2.",
)
def top_k_less_the_removed(logits, k):
    if k < 1:
        raise ValueError(k)
    return top_k_filter(logits, max(1, k - int(np.isneginf(logits).sum())))


@mistake(
    "top_k_filter",
    "distinct-values-counted",
    "Equal logits were counted as one, so that more than k tokens stay: with "
    "[3, 3, 2, 1] and k = 2 both tokens of 3 are kept, and 2 is not.",
)
def top_k_distinct(logits, k):
    if k < 1:
        raise ValueError(k)
    values = np.unique(logits)[::-1][:k]
    return np.where(logits >= values[-1], logits, -np.inf)


# top_p_filter


@mistake(
    "top_p_filter",
    "crossing-token-dropped",
    "The token whose probability takes the sum to p or past it was removed, so that "
    "what is left has less than p. With probabilities 0.5, 0.41, 0.09 and p = 0.9 the "
    "first two are due: 0.5 alone is not enough.",
    seen_in="rasbt/reasoning-from-scratch #164",
)
def top_p_sum_up_to_p(logits, p):
    if not 0 < p <= 1:
        raise ValueError(p)
    if p == 1:
        return logits.copy()
    order = np.argsort(-logits, kind="stable")
    keep = np.cumsum(_softmax(logits.astype(np.float64))[order]) <= p
    keep[0] = True
    filtered = np.full_like(logits, -np.inf)
    filtered[order[keep]] = logits[order[keep]]
    return filtered


@mistake(
    "top_p_filter", "crossing-token-dropped", seen_in="fishaudio/fish-speech #1171"
)
def top_p_removal_not_shifted(logits, p):
    if not 0 < p <= 1:
        raise ValueError(p)
    order = np.argsort(-logits, kind="stable")
    remove = np.cumsum(_softmax(logits.astype(np.float64))[order]) > p
    remove[0] = False
    filtered = logits.copy()
    filtered[order[remove]] = -np.inf
    return filtered


@mistake("top_p_filter", "crossing-token-dropped")
def top_p_break_too_early(logits, p):
    if not 0 < p <= 1:
        raise ValueError(p)
    probs = _softmax(logits.astype(np.float64))
    filtered, mass = np.full_like(logits, -np.inf), 0.0
    for token in np.argsort(-logits, kind="stable"):
        mass += probs[token]
        if mass > p and p < 1 and np.isfinite(filtered).any():
            break
        filtered[token] = logits[token]
    return filtered


@mistake("top_p_filter", "crossing-token-dropped")
def top_p_searchsorted_without_the_last(logits, p):
    if not 0 < p <= 1:
        raise ValueError(p)
    if p == 1:
        return logits.copy()
    order = np.argsort(-logits, kind="stable")
    mass = np.cumsum(_softmax(logits.astype(np.float64))[order])
    kept = order[: max(np.searchsorted(mass, p), 1)]
    filtered = np.full_like(logits, -np.inf)
    filtered[kept] = logits[kept]
    return filtered


@mistake(
    "top_p_filter",
    "empty-nucleus",
    "No token is left when the most probable one alone has more than p: it crosses p at "
    "once, and was removed for it. At least one token stays; try [0, 12, 0] and "
    "p = 0.9. The token that crosses p belongs to the set, be it the first or a later one.",
)
def top_p_all_removed(logits, p):
    if not 0 < p <= 1:
        raise ValueError(p)
    order = np.argsort(-logits, kind="stable")
    keep = np.cumsum(_softmax(logits.astype(np.float64))[order]) <= p
    filtered = np.full_like(logits, -np.inf)
    filtered[order[keep]] = logits[order[keep]]
    return filtered


empty_nucleus_by_search = edit(
    "top_p_filter",
    "empty-nucleus",
    "",
    "np.searchsorted(mass, p) + 1",
    "np.searchsorted(mass, p)",
)


@mistake("top_p_filter", "empty-nucleus")
def top_p_loop_breaks_before_the_first(logits, p):
    if not 0 < p <= 1:
        raise ValueError(p)
    if p == 1:
        return logits.copy()
    probs = _softmax(logits.astype(np.float64))
    filtered, mass = np.full_like(logits, -np.inf), 0.0
    for token in np.argsort(-logits, kind="stable"):
        mass += probs[token]
        if mass >= p:
            break
        filtered[token] = logits[token]
    return filtered


@mistake("top_p_filter", "empty-nucleus")
def top_p_first_not_set_apart(logits, p):
    if not 0 < p <= 1:
        raise ValueError(p)
    if p == 1:
        return logits.copy()
    order = np.argsort(-logits, kind="stable")
    remove = np.cumsum(_softmax(logits.astype(np.float64))[order]) > p
    remove[1:] = remove[:-1].copy()
    filtered = logits.copy()
    filtered[order[remove]] = -np.inf
    return filtered


@mistake("top_p_filter", "empty-nucleus")
def top_p_first_not_set_apart_at_equality(logits, p):
    if not 0 < p <= 1:
        raise ValueError(p)
    if p == 1:
        return logits.copy()
    order = np.argsort(-logits, kind="stable")
    remove = np.cumsum(_softmax(logits.astype(np.float64))[order]) >= p
    remove[1:] = remove[:-1].copy()
    return np.where(np.isin(np.arange(len(logits)), order[remove]), -np.inf, logits)


@mistake(
    "top_p_filter",
    "empty-nucleus-at-tiny-p",
    "With p next to 0 no token is left: what may be removed, 1 - p, rounds to 1, and "
    "then everything goes. At least one token stays; try p = 1e-20.",
    seen_in="ml-explore/mlx-lm #1912",
)
def top_p_ascending_without_a_guard(logits, p):
    if not 0 < p <= 1:
        raise ValueError(p)
    tokens = np.arange(len(logits))
    order = np.lexsort((-tokens, logits))
    mass = np.cumsum(_softmax(logits.astype(np.float64))[order])
    keep = tokens[mass > 1 - p] if p < 1 else tokens
    filtered = np.full_like(logits, -np.inf)
    filtered[order[keep]] = logits[order[keep]]
    return filtered


@mistake("top_p_filter", "empty-nucleus-at-tiny-p")
def top_p_ascending_in_the_dtype_of_the_logits(logits, p):
    if not 0 < p <= 1:
        raise ValueError(p)
    order = np.argsort(-logits, kind="stable")[::-1]
    probs = _softmax(logits)[order]
    remove = np.cumsum(probs) <= logits.dtype.type(1 - p)
    filtered = logits.copy()
    filtered[order[remove]] = -np.inf
    return filtered


one_too_many_p = edit(
    "top_p_filter",
    "one-too-many-at-equality",
    "One token too many stays when the sum equals p: the set is large enough as soon "
    "as its mass is p. With four equal logits and p = 0.5 two stay, not three.",
    "np.searchsorted(mass, p) + 1",
    'np.searchsorted(mass, p, side="right") + 1',
    seen_in="huggingface/transformers #18976",
)


@mistake("top_p_filter", "one-too-many-at-equality")
def top_p_shifted_removal(logits, p):
    if not 0 < p <= 1:
        raise ValueError(p)
    order = np.argsort(-logits, kind="stable")
    probs = _softmax(logits.astype(np.float64))[order]
    remove = np.cumsum(probs) > p
    remove[1:] = remove[:-1].copy()
    remove[0] = False
    filtered = logits.copy()
    if p < 1:
        filtered[order[remove]] = -np.inf
    return filtered


@mistake("top_p_filter", "one-too-many-at-equality")
def top_p_loop_until_above(logits, p):
    if not 0 < p <= 1:
        raise ValueError(p)
    probs = _softmax(logits.astype(np.float64))
    filtered, mass = np.full_like(logits, -np.inf), 0.0
    for token in np.argsort(-logits, kind="stable"):
        filtered[token] = logits[token]
        mass += probs[token]
        if p < mass and p < 1:
            break
    return filtered


always_one_more = edit(
    "top_p_filter",
    "one-too-many-always",
    "One token more than needed stays, at every p: the set was complete before it.",
    "np.searchsorted(mass, p) + 1",
    "np.searchsorted(mass, p) + 2",
)


@mistake("top_p_filter", "one-too-many-always")
def top_p_at_least_two(logits, p):
    if not 0 < p <= 1:
        raise ValueError(p)
    filtered = top_p_filter(logits, p)
    order = np.argsort(-logits, kind="stable")
    n_kept = np.isfinite(filtered).sum()
    filtered[order[: n_kept + 1]] = logits[order[: n_kept + 1]]
    return filtered


@mistake(
    "top_p_filter",
    "most-probable-removed",
    "The most probable token was removed. A mask was moved by one place, and what fell "
    "off at its end came back at its start: the first place is to be set apart.",
)
def top_p_mask_rolled(logits, p):
    if not 0 < p <= 1:
        raise ValueError(p)
    if p == 1:
        return logits.copy()
    order = np.argsort(-logits, kind="stable")
    mass = np.cumsum(_softmax(logits.astype(np.float64))[order])
    filtered = logits.copy()
    filtered[order[np.roll(mass >= p, 1)]] = -np.inf
    return filtered


@mistake("top_p_filter", "most-probable-removed")
def top_p_mask_above_rolled(logits, p):
    if not 0 < p <= 1:
        raise ValueError(p)
    order = np.argsort(-logits, kind="stable")
    mass = np.cumsum(_softmax(logits.astype(np.float64))[order])
    filtered = logits.copy()
    filtered[order[np.roll(mass > p, 1)]] = -np.inf
    return filtered


@mistake(
    "top_p_filter",
    "at-least-two-kept",
    "Two tokens were kept where one is enough: a token with more than p alone is the "
    "whole nucleus. Try [0, 12, 0] and p = 0.9.",
)
def top_p_min_tokens_two(logits, p):
    filtered = top_p_filter(logits, p)
    second = np.argsort(-logits, kind="stable")[:2]
    filtered[second] = logits[second]
    return filtered


@mistake(
    "top_p_filter",
    "not-mapped-back",
    "The tokens kept are the wrong ones: a mask or an order made after sorting was used "
    "on the unsorted vocabulary, or taken back by the order in place of its inverse. It "
    "works only for logits that are sorted already; try [0, 2, -1, 1].",
)
def top_p_mask_not_mapped_back(logits, p):
    if not 0 < p <= 1:
        raise ValueError(p)
    if p == 1:
        return logits.copy()
    mass = np.cumsum(np.sort(_softmax(logits.astype(np.float64)))[::-1])
    keep = np.arange(len(logits)) <= np.searchsorted(mass, p)
    return np.where(keep, logits, -np.inf)


@mistake("top_p_filter", "not-mapped-back", seen_in="lucidrains/PaLM-rlhf-pytorch #60")
def top_p_gathered_not_scattered(logits, p):
    if not 0 < p <= 1:
        raise ValueError(p)
    if p == 1:
        return logits.copy()
    order = np.argsort(-logits, kind="stable")
    ordered = logits[order]
    mass = np.cumsum(_softmax(ordered.astype(np.float64)))
    ordered[np.searchsorted(mass, p) + 1 :] = -np.inf
    return ordered[order]


@mistake("top_p_filter", "not-mapped-back")
def top_p_order_taken_for_its_inverse(logits, p):
    if not 0 < p <= 1:
        raise ValueError(p)
    if p == 1:
        return logits.copy()
    order = np.argsort(-logits, kind="stable")
    mass = np.cumsum(_softmax(logits.astype(np.float64))[order])
    keep = np.arange(len(logits)) <= np.searchsorted(mass, p)
    return np.where(keep[order], logits, -np.inf)


@mistake(
    "top_p_filter",
    "sorted-order-returned",
    "The logits came back in sorted order: each place is a token's id, so what is kept "
    "must stand where it stood.",
)
def top_p_sorted(logits, p):
    return np.sort(top_p_filter(logits, p))[::-1].copy()


@mistake(
    "top_p_filter",
    "only-the-kept-returned",
    "Only the kept logits came back. The result has the length of the vocabulary, so "
    "that a place is still a token's id.",
)
def top_p_values(logits, p):
    left = top_p_filter(logits, p)
    return left[left > -np.inf]


@mistake(
    "top_p_filter",
    "indices-returned",
    "Token ids came back. A processor gives back logits, so that the next one can go "
    "on.",
)
def top_p_indices(logits, p):
    return np.flatnonzero(np.isfinite(top_p_filter(logits, p)))


@mistake(
    "top_p_filter",
    "ties-at-the-cut-all-stay",
    "More tokens stay than are needed: the cut was made by value, so that all tokens "
    "equal to the last one stay. With three equal logits and p = 0.5 two stay, the "
    "first ones.",
)
def top_p_by_threshold(logits, p):
    left = top_p_filter(logits, p)
    cut = left[np.isfinite(left)].min()
    return np.where(logits >= cut, logits, -np.inf)


@mistake("top_p_filter", "ties-at-the-cut-all-stay")
def top_p_by_probability_threshold(logits, p):
    if not 0 < p <= 1:
        raise ValueError(p)
    if p == 1:
        return logits.copy()
    probs = _softmax(logits.astype(np.float64))
    ordered = np.sort(probs)[::-1]
    cut = ordered[min(np.searchsorted(np.cumsum(ordered), p), len(ordered) - 1)]
    return np.where(probs >= cut, logits, -np.inf)


ties_to_the_last = edit(
    "top_p_filter",
    "ties-go-to-the-highest-index",
    "Of equal logits the last ones were kept: an ascending sort read backwards, or "
    "(logit, index) pairs compared, do that. The lowest index comes first: with three "
    "equal logits and p = 0.5 the tokens 0 and 1 stay.",
    'np.argsort(-logits, kind="stable")',
    'np.argsort(logits, kind="stable")[::-1]',
)


@mistake("top_p_filter", "ties-go-to-the-highest-index")
def top_p_ascending_stable(logits, p):
    if not 0 < p <= 1:
        raise ValueError(p)
    order = np.argsort(logits, kind="stable")
    remove = np.cumsum(_softmax(logits.astype(np.float64))[order]) <= 1 - p
    remove[-1] = False
    filtered = logits.copy()
    filtered[order[remove]] = -np.inf
    return filtered


unstable_p = edit(
    "top_p_filter",
    "ties-fall-anywhere",
    "Of equal logits it is not the first ones that were kept: NumPy's usual sort does "
    "not promise to keep equal entries in their order.",
    ', kind="stable"',
    ', kind="heapsort"',
)


@mistake(
    "top_p_filter",
    "unstable-and-backwards",
    "Of equal logits it is not the first ones that were kept: an ascending sort was read "
    "backwards, which puts the lowest index of equals last, and NumPy's usual sort does "
    "not even promise that. With three equal logits and p = 0.5 the tokens 0 and 1 stay.",
)
def top_p_usual_sort_backwards(logits, p):
    if not 0 < p <= 1:
        raise ValueError(p)
    if p == 1:
        return logits.copy()
    probs = _softmax(logits.astype(np.float64))
    order = np.argsort(probs)[::-1]
    kept = order[: np.searchsorted(np.cumsum(probs[order]), p) + 1]
    return np.where(np.isin(np.arange(len(logits)), kept), logits, -np.inf)


@mistake(
    "top_p_filter",
    "backwards-and-p-1-summed",
    "Two things. Of equal logits it is not the first ones that were kept: an ascending "
    "sort was read backwards, which puts the lowest index of equals last. And p = 1 "
    "drops the tail, since the rounded sum reaches 1 before the last token: at p = 1 "
    "every token stays.",
)
def top_p_usual_sort_backwards_to_the_end(logits, p):
    if not 0 < p <= 1:
        raise ValueError(p)
    probs = _softmax(logits.astype(np.float64))
    order = np.argsort(probs)[::-1]
    kept = order[: np.searchsorted(np.cumsum(probs[order]), p) + 1]
    return np.where(np.isin(np.arange(len(logits)), kept), logits, -np.inf)


@mistake("top_p_filter", "backwards-and-p-1-summed")
def top_p_stable_sort_backwards_to_the_end(logits, p):
    if not 0 < p <= 1:
        raise ValueError(p)
    probs = _softmax(logits.astype(np.float64))
    order = np.argsort(probs, kind="stable")[::-1]
    kept = order[: np.searchsorted(np.cumsum(probs[order]), p) + 1]
    return np.where(np.isin(np.arange(len(logits)), kept), logits, -np.inf)


@mistake("top_p_filter", "ties-fall-anywhere")
def top_p_quicksort(logits, p):
    if not 0 < p <= 1:
        raise ValueError(p)
    if p == 1:
        return logits.copy()
    probs = _softmax(logits.astype(np.float64))
    order = np.argsort(-probs)
    kept = order[: np.searchsorted(np.cumsum(probs[order]), p) + 1]
    return np.where(np.isin(np.arange(len(logits)), kept), logits, -np.inf)


@mistake(
    "top_p_filter",
    "p-1-drops-the-tail",
    "p = 1 removed tokens: in rounded arithmetic the sum reaches 1 before the last "
    "token, or what may be removed is a little above 0. p = 1 keeps every token that "
    "has a probability; try [0, -40, 3].",
)
def top_p_one_by_sum(logits, p):
    if not 0 < p <= 1:
        raise ValueError(p)
    order = np.argsort(-logits, kind="stable")
    mass = np.cumsum(_softmax(logits.astype(np.float64))[order])
    kept = order[: np.searchsorted(mass, p) + 1]
    filtered = np.full_like(logits, -np.inf)
    filtered[kept] = logits[kept]
    return filtered


@mistake("top_p_filter", "p-1-drops-the-tail")
def top_p_one_by_loop(logits, p):
    if not 0 < p <= 1:
        raise ValueError(p)
    probs = _softmax(logits.astype(np.float64))
    filtered, mass = np.full_like(logits, -np.inf), 0.0
    for token in np.argsort(-logits, kind="stable"):
        if mass >= p:
            break
        filtered[token] = logits[token]
        mass += probs[token]
    return filtered


@mistake("top_p_filter", "p-1-drops-the-tail")
def top_p_one_by_mass_before(logits, p):
    if not 0 < p <= 1:
        raise ValueError(p)
    order = np.argsort(-logits, kind="stable")
    probs = _softmax(logits.astype(np.float64))[order]
    keep = np.concatenate([[True], np.cumsum(probs)[:-1] < p])
    filtered = np.full_like(logits, -np.inf)
    filtered[order[keep]] = logits[order[keep]]
    return filtered


near_one_is_one = edit(
    "top_p_filter",
    "p-near-1-taken-for-1",
    "A p near 1 was taken for 1, and every token was kept. Only p = 1 keeps all: at "
    "p = 0.9995 what is not needed for that mass goes.",
    "if p == 1:",
    "if p > 0.999:",
)


@mistake("top_p_filter", "p-near-1-taken-for-1")
def top_p_close_to_one(logits, p):
    return logits.copy() if 0 < p < 1 and np.isclose(p, 1) else top_p_filter(logits, p)


@mistake(
    "top_p_filter",
    "p-1-keeps-one",
    "At p = 1 tokens are lost, often all but one: the rounded sum reaches 1 too early, or "
    "ends a little below it, and then the search for a place that reaches p answers 0.",
    seen_in="BlinkDL/ChatRWKV #170",
)
def top_p_argmax_of_nothing(logits, p):
    if not 0 < p <= 1:
        raise ValueError(p)
    order = np.argsort(-logits, kind="stable")
    mass = np.cumsum(_softmax(logits.astype(np.float64))[order])
    n_kept = np.argmax(mass >= p) + 1
    filtered = np.full_like(logits, -np.inf)
    filtered[order[:n_kept]] = logits[order[:n_kept]]
    return filtered


@mistake("top_p_filter", "p-1-keeps-one")
def top_p_argmax_above(logits, p):
    if not 0 < p <= 1:
        raise ValueError(p)
    order = np.argsort(-logits, kind="stable")
    mass = np.cumsum(_softmax(logits.astype(np.float64))[order])
    n_kept = np.argmax(mass > p) + 1
    filtered = np.full_like(logits, -np.inf)
    filtered[order[:n_kept]] = logits[order[:n_kept]]
    return filtered


@mistake(
    "top_p_filter",
    "p-1-fails",
    "p = 1 removed tokens or raised an IndexError: the rounded sum reaches 1 too early, or "
    "ends a little below it, and then the place where it reaches p lies beyond the last "
    "token.",
    seen_in="NVIDIA/TensorRT-LLM #19496",
)
def top_p_index_out_of_bounds(logits, p):
    if not 0 < p <= 1:
        raise ValueError(p)
    order = np.argsort(-logits, kind="stable")
    mass = np.cumsum(_softmax(logits.astype(np.float64))[order])
    last = order[np.searchsorted(mass, p)]
    place = {token: rank for rank, token in enumerate(order)}
    keep = [place[token] <= place[last] for token in range(len(logits))]
    return np.where(keep, logits, -np.inf)


p_one_refused = edit(
    "top_p_filter",
    "p-1-refused",
    "p = 1 was refused. The range is (0, 1] with 1 in it: every token is kept.",
    "0 < p <= 1",
    "0 < p < 1",
)

p_zero_accepted = edit(
    "top_p_filter",
    "p-0-accepted",
    "p = 0 was accepted. The range is (0, 1] without 0; a ValueError is due.",
    "0 < p <= 1",
    "0 <= p <= 1",
)

p_above_one_accepted = edit(
    "top_p_filter",
    "p-above-1-accepted",
    "A p above 1 was accepted, as in engines where that means off. No set has that mass, "
    "and 90 is likely to be meant as 90 %. A ValueError is due.",
    "if not 0 < p <= 1:",
    "if not p > 0:",
)

p_unchecked = edit(
    "top_p_filter",
    "p-unchecked",
    "No p was refused. The range is (0, 1]; a ValueError is due for all else, nan too.",
    "if not 0 < p <= 1:",
    "if False:",
)

p_nan_accepted = edit(
    "top_p_filter",
    "p-nan-accepted",
    "nan was accepted as p. Every comparison with nan is False, so tests for what is "
    "outside let it through; a ValueError is due.",
    "if not 0 < p <= 1:",
    "if p <= 0 or p > 1:",
)


@mistake(
    "top_p_filter",
    "another-error-raised",
    "p outside (0, 1] raised an error of another kind. A ValueError is due, which a "
    "caller can catch.",
)
def top_p_asserts(logits, p):
    assert 0 < p <= 1
    return top_p_filter(logits, p)


@mistake(
    "top_p_filter",
    "p-clipped",
    "p outside (0, 1] was moved to the nearest end. It is an error of the caller: a "
    "ValueError is due.",
)
def top_p_clipped(logits, p):
    return top_p_filter(logits, min(max(p, 1e-9), 1.0))


@mistake("top_p_filter", "p-above-1-accepted")
def top_p_above_one_is_off(logits, p):
    if not p > 0:
        raise ValueError(p)
    return logits.copy() if p >= 1 else top_p_filter(logits, p)


@mistake(
    "top_p_filter",
    "no-max-subtraction",
    "exp overflows for large logits: exp(1000) is inf, and inf / inf is nan. Softmax "
    "does not change when the same number is taken from every logit.",
)
def top_p_softmax_as_on_paper(logits, p):
    if not 0 < p <= 1:
        raise ValueError(p)
    if p == 1:
        return logits.copy()
    exps = np.exp(logits.astype(np.float64))
    order = np.argsort(-logits, kind="stable")
    mass = np.cumsum((exps / exps.sum())[order])
    kept = order[: np.searchsorted(mass, p) + 1]
    filtered = np.full_like(logits, -np.inf)
    filtered[kept] = logits[kept]
    return filtered


float32_sums = edit(
    "top_p_filter",
    "sums-not-in-float64",
    "With thousands of tokens the nucleus has the wrong size: the running sum is kept in "
    "too few digits, and each addition is rounded. Near 1 a float32 does not even move "
    "when 2e-8 is added. Accumulate in float64.",
    "np.cumsum(exps / exps.sum())",
    "np.cumsum(exps / exps.sum(), dtype=np.float32)",
)

float16_sums = edit(
    "top_p_filter",
    "all-in-the-dtype-of-the-logits",
    "Probabilities and running sums were computed in the dtype of the logits. float16 has "
    "three digits, so that a sum next to p is on the wrong side of it, and over thousands "
    "of tokens float32 has too few for the sum: accumulate in float64.",
    ".astype(np.float64)",
    "",
)

float16_probabilities = edit(
    "top_p_filter",
    "probabilities-in-float16",
    "A sum next to p is on the wrong side of it: the probabilities, or the differences of "
    "logits before them, were computed in float16, which has three digits. Compute with "
    "float32 or float64, whatever comes in.",
    "np.cumsum(exps / exps.sum())",
    "np.cumsum((exps / exps.sum()).astype(logits.dtype).astype(np.float64))",
)


@mistake("top_p_filter", "probabilities-in-float16")
def top_p_wide_after_exp(logits, p):
    if not 0 < p <= 1:
        raise ValueError(p)
    if p == 1:
        return logits.copy()
    order = np.argsort(-logits, kind="stable")
    exps = np.exp(logits - logits.max()).astype(np.float64)
    mass = np.cumsum((exps / exps.sum())[order])
    kept = order[: np.searchsorted(mass, p) + 1]
    return np.where(np.isin(np.arange(len(logits)), kept), logits, -np.inf)


@mistake("top_p_filter", "probabilities-in-float16")
def top_p_wide_after_the_difference(logits, p):
    if not 0 < p <= 1:
        raise ValueError(p)
    if p == 1:
        return logits.copy()
    order = np.argsort(-logits, kind="stable")
    exps = np.exp((logits - logits.max()).astype(np.float64))
    mass = np.cumsum((exps / exps.sum())[order])
    kept = order[: np.searchsorted(mass, p) + 1]
    return np.where(np.isin(np.arange(len(logits)), kept), logits, -np.inf)


@mistake("top_p_filter", "sums-not-in-float64")
def top_p_in_float32(logits, p):
    if not 0 < p <= 1:
        raise ValueError(p)
    if p == 1:
        return logits.copy()
    order = np.argsort(-logits, kind="stable")
    mass = np.cumsum(_softmax(logits.astype(np.float32))[order])
    kept = order[: np.searchsorted(mass, p) + 1]
    filtered = np.full_like(logits, -np.inf)
    filtered[kept] = logits[kept]
    return filtered


@mistake("top_p_filter", "sums-not-in-float64")
def top_p_ascending_in_float32(logits, p):
    if not 0 < p <= 1:
        raise ValueError(p)
    if p == 1:
        return logits.copy()
    order = np.argsort(-logits, kind="stable")[::-1]
    probs = _softmax(logits.astype(np.float32))[order]
    remove = np.cumsum(probs, dtype=np.float32) <= 1 - p
    remove[-1] = False
    filtered = logits.copy()
    filtered[order[remove]] = -np.inf
    return filtered


@mistake(
    "top_p_filter",
    "not-sorted",
    "The probabilities were summed in the order of the vocabulary. The most probable "
    "token comes first; try [-1, 0, 1, 2].",
)
def top_p_unsorted(logits, p):
    if not 0 < p <= 1:
        raise ValueError(p)
    mass = np.cumsum(_softmax(logits.astype(np.float64)))
    keep = np.concatenate([[True], mass[:-1] < p]) if p < 1 else True
    return np.where(keep, logits, -np.inf)


@mistake(
    "top_p_filter",
    "least-probable-kept",
    "The sum began with the least probable token, so that the tail is kept and the most "
    "probable tokens go.",
)
def top_p_ascending_kept(logits, p):
    if not 0 < p <= 1:
        raise ValueError(p)
    if p == 1:
        return logits.copy()
    order = np.argsort(logits, kind="stable")
    mass = np.cumsum(_softmax(logits.astype(np.float64))[order])
    kept = order[: np.searchsorted(mass, p) + 1]
    filtered = np.full_like(logits, -np.inf)
    filtered[kept] = logits[kept]
    return filtered


@mistake(
    "top_p_filter",
    "threshold-on-each-probability",
    "Each probability on its own was compared with a threshold. It is the sum of the "
    "most probable ones that has to reach p.",
)
def top_p_each_at_least_p(logits, p):
    if not 0 < p <= 1:
        raise ValueError(p)
    probs = _softmax(logits.astype(np.float64))
    keep = (probs >= p) | (np.arange(len(logits)) == logits.argmax())
    return np.where(keep | (p == 1), logits, -np.inf)


@mistake("top_p_filter", "threshold-on-each-probability")
def top_p_each_at_least_the_rest(logits, p):
    if not 0 < p <= 1:
        raise ValueError(p)
    probs = _softmax(logits.astype(np.float64))
    return np.where(probs >= 1 - p, logits, -np.inf)


@mistake("top_p_filter", "threshold-on-each-probability")
def top_p_as_min_p(logits, p):
    if not 0 < p <= 1:
        raise ValueError(p)
    return logits.copy() if p == 1 else min_p_filter(logits, 1 - p)


@mistake(
    "top_p_filter",
    "share-of-the-tokens",
    "p was taken as a share of the vocabulary. It is a share of the probability: a "
    "confident step keeps one token of many.",
)
def top_p_share_of_tokens(logits, p):
    if not 0 < p <= 1:
        raise ValueError(p)
    return top_k_filter(logits, max(1, math.ceil(p * len(logits))))


removed_p_to_zero = edit(
    "top_p_filter",
    "removed-become-0",
    "Removed logits were set to 0, which is no removal: a logit of 0 still has a "
    "probability, and beats a negative one. -inf removes.",
    "np.full_like(logits, -np.inf)",
    "np.zeros_like(logits)",
)


@mistake(
    "top_p_filter",
    "removed-stay-finite",
    "Removed logits were set to a large negative number. It is not below every logit, "
    "and the next filter counts it as a token: -inf is due.",
)
def top_p_with_a_billion(logits, p):
    return np.maximum(top_p_filter(logits, p), -1e9)


@mistake("top_p_filter", "removed-stay-finite")
def top_p_with_finfo_min(logits, p):
    return np.maximum(top_p_filter(logits, p), np.finfo(logits.dtype).min)


@mistake(
    "top_p_filter",
    "probabilities-returned",
    "Probabilities came back. Logits go in and logits come out, the kept ones with "
    "their value: the softmax comes at the very end.",
)
def top_p_probabilities(logits, p):
    return _softmax(top_p_filter(logits, p))


@mistake("top_p_filter", "probabilities-returned")
def top_p_probabilities_or_minus_inf(logits, p):
    left = top_p_filter(logits, p)
    return np.where(left > -np.inf, _softmax(left), -np.inf)


@mistake("top_p_filter", "probabilities-returned")
def top_p_old_probabilities_or_minus_inf(logits, p):
    left = top_p_filter(logits, p)
    return np.where(left > -np.inf, _softmax(logits), -np.inf)


@mistake(
    "top_p_filter",
    "log-probabilities-returned",
    "Log-probabilities came back: the logits were normalised. What is kept keeps its "
    "value: the softmax comes at the very end.",
)
def top_p_log_probabilities(logits, p):
    with np.errstate(divide="ignore"):
        return np.log(_softmax(top_p_filter(logits, p)))


@mistake("top_p_filter", "probabilities-returned")
def top_p_probabilities_not_renormalised(logits, p):
    left = top_p_filter(logits, p)
    return np.where(left > -np.inf, _softmax(logits), 0.0)


@mistake(
    "top_p_filter",
    "argument-changed",
    "The result is right, but the caller's logits were overwritten: the next step of "
    "the generation gets something else. Work on a copy.",
)
def top_p_in_place(logits, p):
    logits[np.isneginf(top_p_filter(logits, p))] = -np.inf
    return logits


@mistake("top_p_filter", "argument-changed")
def top_p_shifts_in_place(logits, p):
    filtered = top_p_filter(logits, p)
    logits -= logits.max()
    return filtered


not_normalised = edit(
    "top_p_filter",
    "not-normalised",
    "The exponentials were summed without being divided by their total: they are no "
    "probabilities, and the sum passes p at once. Only one token is left.",
    "exps / exps.sum()",
    "exps",
)


@mistake(
    "top_p_filter",
    "logits-shifted",
    "The right tokens were kept, but their logits were shifted. The draw would be the "
    "same, but what is kept keeps its value.",
)
def top_p_less_the_maximum(logits, p):
    return top_p_filter(logits, p) - logits.max()


@mistake(
    "top_p_filter",
    "logits-summed",
    "The logits themselves were summed. It is probabilities that sum to 1: take the "
    "softmax first.",
)
def top_p_of_logits(logits, p):
    if not 0 < p <= 1:
        raise ValueError(p)
    if p == 1:
        return logits.copy()
    order = np.argsort(-logits, kind="stable")
    finite = np.where(np.isfinite(logits), logits, 0.0)[order]
    mass = np.cumsum(finite) / finite.sum()
    kept = order[: np.argmax(mass >= p) + 1]
    filtered = np.full_like(logits, -np.inf)
    filtered[kept] = logits[kept]
    return filtered


@mistake(
    "top_p_filter",
    "tolerance-at-p",
    "A sum that only comes near p was taken for p, so that the set has the wrong size. "
    "The sum has to reach p; probabilities are not to be rounded, nor compared with a "
    "tolerance.",
)
def top_p_with_a_tolerance(logits, p):
    return logits.copy() if p == 1 else top_p_filter(logits, max(p - 1e-3, p / 2))


rounded_probabilities = edit(
    "top_p_filter",
    "tolerance-at-p",
    "",
    "np.cumsum(exps / exps.sum())",
    "np.cumsum(np.round(exps / exps.sum(), 4))",
)


@mistake("top_p_filter", "tolerance-at-p")
def top_p_isclose(logits, p):
    if not 0 < p <= 1:
        raise ValueError(p)
    probs = _softmax(logits.astype(np.float64))
    filtered, mass = np.full_like(logits, -np.inf), 0.0
    for token in np.argsort(-logits, kind="stable"):
        if mass > 0 and p < 1 and (mass > p or math.isclose(mass, p, rel_tol=1e-4)):
            break
        filtered[token] = logits[token]
        mass += probs[token]
    return filtered


@mistake(
    "top_p_filter",
    "removed-tokens-revived",
    "Tokens that an earlier filter removed came back or were counted: -inf has "
    "probability 0 and must stay -inf.",
)
def top_p_with_removed_as_zero(logits, p):
    return top_p_filter(np.where(np.isneginf(logits), 0.0, logits), p)


# min_p_filter

min_p_absolute = edit(
    "min_p_filter",
    "p-taken-as-absolute",
    "Each probability was compared with p itself. The cut goes with the most probable "
    "token: p times its probability. Over many near-equal tokens none has p, and "
    "nothing is left.",
    "    return np.where(relative >= p, logits, -np.inf)",
    "    return np.where(relative / relative.sum() >= p, logits, -np.inf)",
)


@mistake("min_p_filter", "p-taken-as-absolute")
def min_p_absolute_but_one(logits, p):
    probs = _softmax(logits.astype(np.float64))
    keep = (probs >= p) | (np.arange(len(logits)) == logits.argmax())
    return np.where(keep, logits, -np.inf)


min_p_strict = edit(
    "min_p_filter",
    "strict-comparison",
    "A token at exactly p times the largest probability was removed. It stays: at p = 1 "
    "the most probable token itself would go, and nothing be left.",
    "relative >= p",
    "relative > p",
)

min_p_inverted = edit(
    "min_p_filter",
    "comparison-inverted",
    "The tokens below the cut were kept and those above it removed.",
    "np.where(relative >= p, logits, -np.inf)",
    "np.where(relative >= p, -np.inf, logits)",
)


@mistake(
    "min_p_filter",
    "logits-compared",
    "Logits were compared with p times the largest logit. It is probabilities that are "
    "compared: logits may be negative, and their ratio means nothing. Try "
    "[-7, -5, -8, -6].",
)
def min_p_of_logits(logits, p):
    return np.where(logits >= p * logits.max(), logits, -np.inf)


@mistake("min_p_filter", "logits-compared")
def min_p_of_logit_distance(logits, p):
    return np.where(logits >= logits.max() - (1 - p), logits, -np.inf)


@mistake(
    "min_p_filter",
    "one-minus-p",
    "The cut was made at 1 - p times the largest probability: a larger p must remove "
    "more.",
)
def min_p_of_the_rest(logits, p):
    return min_p_filter(logits, 1 - p)


@mistake(
    "min_p_filter",
    "no-max-subtraction",
    "exp overflows for large logits, and for very negative ones all exponentials are 0: "
    "inf / inf and 0 / 0 are nan. Only differences of logits matter.",
)
def min_p_as_on_paper(logits, p):
    exps = np.exp(logits.astype(np.float64))
    probs = exps / exps.sum()
    return np.where(probs >= p * probs.max(), logits, -np.inf)


@mistake("min_p_filter", "no-max-subtraction")
def min_p_as_on_paper_unnormalised(logits, p):
    exps = np.exp(logits.astype(np.float64))
    return np.where(exps < p * exps.max(), -np.inf, logits)


@mistake(
    "min_p_filter",
    "relative-to-the-mean",
    "The cut was measured against the mean probability. It is p times the largest one.",
)
def min_p_of_the_mean(logits, p):
    probs = _softmax(logits.astype(np.float64))
    return np.where(probs >= p * probs.mean(), logits, -np.inf)


@mistake(
    "min_p_filter",
    "taken-for-top-p",
    "This is top-p: it sums probabilities up to p. Min-p compares each token with the "
    "most probable one.",
)
def min_p_as_top_p(logits, p):
    return top_p_filter(logits, p) if p > 0 else logits.copy()


@mistake("min_p_filter", "taken-for-top-p")
def min_p_as_top_p_of_the_rest(logits, p):
    return top_p_filter(logits, 1 - p) if p < 1 else top_k_filter(logits, 1)


@mistake(
    "min_p_filter",
    "only-one-at-p-1",
    "At p = 1 every token that is as probable as the best one stays, not only the "
    "first.",
)
def min_p_one_is_greedy(logits, p):
    return apply_temperature(logits, 0) if p == 1 else min_p_filter(logits, p)


@mistake(
    "min_p_filter",
    "strict-but-for-the-best",
    "A token at exactly p times the largest probability was removed, unless it was the "
    "best one. All of them stay: at p = 1 the equals of the best, at p = 0 even a token "
    "whose probability is rounded to 0.",
)
def min_p_strict_but_one(logits, p):
    probs = _softmax(logits.astype(np.float64))
    keep = probs > p * probs.max()
    keep[np.argmax(logits)] = True
    return np.where(keep, logits, -np.inf)


@mistake(
    "min_p_filter",
    "p-0-removes-tokens",
    "p = 0 removed tokens. Every probability is at least 0, even one that is rounded to "
    "0, so p = 0 keeps all of them.",
)
def min_p_zero_removes_the_tail(logits, p):
    probs = _softmax(logits.astype(np.float64))
    return np.where(probs >= max(p, 1e-9) * probs.max(), logits, -np.inf)


@mistake("min_p_filter", "p-0-removes-tokens")
def min_p_rounded_to_zero_removed(logits, p):
    probs = _softmax(logits.astype(np.float64))
    return np.where((probs >= p * probs.max()) & (probs > 0), logits, -np.inf)


@mistake("min_p_filter", "p-0-removes-tokens")
def min_p_rounded_to_zero_in_float32_removed(logits, p):
    probs = _softmax(logits.astype(np.float32))
    return np.where((probs >= p * probs.max()) & (probs > 0), logits, -np.inf)


@mistake(
    "min_p_filter",
    "p-0-refused",
    "p = 0 was refused, or failed in a logarithm. It keeps every token.",
)
def min_p_zero_refused(logits, p):
    if not 0 < p <= 1:
        raise ValueError(p)
    return min_p_filter(logits, p)


@mistake("min_p_filter", "p-0-refused")
def min_p_logarithm_of_zero(logits, p):
    return np.where(logits >= logits.max() + math.log(p), logits, -np.inf)


@mistake(
    "min_p_filter",
    "p-1-refused",
    "p = 1 was refused. It keeps the most probable token and its equals.",
)
def min_p_one_refused(logits, p):
    if not 0 <= p < 1:
        raise ValueError(p)
    return min_p_filter(logits, p)


min_p_removed_to_zero = edit(
    "min_p_filter",
    "removed-become-0",
    "Removed logits were set to 0, which is no removal: a logit of 0 still has a "
    "probability, and beats a negative one. -inf removes.",
    "logits, -np.inf)",
    "logits, 0.0)",
)


@mistake(
    "min_p_filter",
    "removed-stay-finite",
    "Removed logits were set to a large negative number. It is not below every logit, "
    "and the next filter counts it as a token: -inf is due.",
)
def min_p_with_a_billion(logits, p):
    return np.maximum(min_p_filter(logits, p), -1e9)


@mistake("min_p_filter", "removed-stay-finite")
def min_p_with_finfo_min(logits, p):
    return np.maximum(min_p_filter(logits, p), np.finfo(logits.dtype).min)


@mistake(
    "min_p_filter",
    "probabilities-returned",
    "Probabilities came back. Logits go in and logits come out, the kept ones with "
    "their value: the softmax comes at the very end.",
)
def min_p_probabilities(logits, p):
    return _softmax(min_p_filter(logits, p))


@mistake("min_p_filter", "probabilities-returned")
def min_p_probabilities_or_minus_inf(logits, p):
    left = min_p_filter(logits, p)
    return np.where(left > -np.inf, _softmax(left), -np.inf)


@mistake("min_p_filter", "probabilities-returned")
def min_p_old_probabilities_or_minus_inf(logits, p):
    left = min_p_filter(logits, p)
    return np.where(left > -np.inf, _softmax(logits), -np.inf)


@mistake(
    "min_p_filter",
    "log-probabilities-returned",
    "Log-probabilities came back: the logits were normalised. What is kept keeps its "
    "value: the softmax comes at the very end.",
)
def min_p_log_probabilities(logits, p):
    with np.errstate(divide="ignore"):
        return np.log(_softmax(min_p_filter(logits, p)))


@mistake(
    "min_p_filter",
    "logits-shifted",
    "The right tokens were kept, but their logits were shifted. The draw would be the "
    "same, but what is kept keeps its value.",
)
def min_p_less_the_maximum(logits, p):
    return min_p_filter(logits, p) - logits.max()


@mistake(
    "min_p_filter",
    "probabilities-in-float16",
    "A token next to the cut is on the wrong side of it: float16 has three digits, too "
    "few for a probability or for a difference of logits. Compute with float32 or "
    "float64, whatever comes in.",
)
def min_p_in_the_dtype_of_the_logits(logits, p):
    probs = _softmax(logits)
    return np.where(probs >= p * probs.max(), logits, -np.inf)


@mistake("min_p_filter", "probabilities-in-float16")
def min_p_relative_in_the_dtype_of_the_logits(logits, p):
    return np.where(np.exp(logits - logits.max()) >= p, logits, -np.inf)


@mistake("min_p_filter", "probabilities-in-float16")
def min_p_wide_after_the_difference(logits, p):
    relative = np.exp((logits - logits.max()).astype(np.float64))
    return np.where(relative >= p, logits, -np.inf)


@mistake("min_p_filter", "probabilities-in-float16")
def min_p_always_in_float16(logits, p):
    relative = np.exp((logits - logits.max()).astype(np.float16))
    return np.where(relative >= np.float16(p), logits, -np.inf)


@mistake(
    "min_p_filter",
    "tolerance-at-the-cut",
    "A token a little below the cut was kept. It stays only if its probability is at "
    "least p times the largest one: no tolerance, no rounding.",
)
def min_p_with_a_tolerance(logits, p):
    probs = _softmax(logits.astype(np.float64))
    return np.where(probs >= (p - 1e-4) * probs.max(), logits, -np.inf)


@mistake(
    "min_p_filter",
    "only-the-kept-returned",
    "Only the kept logits came back. The result has the length of the vocabulary, so "
    "that a place is still a token's id.",
)
def min_p_values(logits, p):
    left = min_p_filter(logits, p)
    return left[left > -np.inf]


@mistake(
    "min_p_filter",
    "argument-changed",
    "The result is right, but the caller's logits were overwritten: the next step of "
    "the generation gets something else. Work on a copy.",
)
def min_p_in_place(logits, p):
    logits[np.isneginf(min_p_filter(logits, p))] = -np.inf
    return logits


@mistake(
    "min_p_filter",
    "cut-not-in-log-space",
    "The cut lies at the wrong distance from the largest logit. A factor on a "
    "probability is a term on its logit, and that is the natural logarithm of p.",
)
def min_p_minus_p(logits, p):
    return np.where(logits >= logits.max() - p, logits, -np.inf)


@mistake("min_p_filter", "cut-not-in-log-space")
def min_p_log_base_10(logits, p):
    with np.errstate(divide="ignore"):
        cut = logits.max() + np.log10(p)
    return np.where(logits >= cut, logits, -np.inf)


# apply_repetition_penalty


@mistake(
    "apply_repetition_penalty",
    "negative-divided",
    "A negative logit was divided by the penalty, which brings it closer to 0: the token "
    "that came before becomes more likely. Negative logits are multiplied.",
    seen_in="huggingface/transformers #2302",
)
def penalty_divides_all(logits, previous, penalty):
    penalised = logits.copy()
    penalised[np.unique(np.asarray(previous, dtype=int))] /= penalty
    return penalised


@mistake("apply_repetition_penalty", "negative-divided")
def penalty_divides_all_once_more(logits, previous, penalty):
    came = np.isin(np.arange(len(logits)), np.asarray(previous, dtype=int))
    return np.where(came, logits / penalty, logits)


@mistake(
    "apply_repetition_penalty",
    "every-occurrence-divided",
    "Every logit was divided, once for each time its token came. A negative one comes "
    "closer to 0 by that and is to be multiplied; and each token counts once, however "
    "often it came.",
)
def penalty_divides_in_a_loop(logits, previous, penalty):
    penalised = logits.copy()
    for token in previous:
        penalised[token] /= penalty
    return penalised


@mistake("apply_repetition_penalty", "every-occurrence-divided")
def penalty_divides_in_a_loop_in_place(logits, previous, penalty):
    for token in previous:
        logits[token] /= penalty
    return logits


multiplies_all = edit(
    "apply_repetition_penalty",
    "positive-multiplied",
    "A positive logit was multiplied by the penalty: the token that came before becomes "
    "more likely. Positive logits are divided.",
    "seen / penalty, seen * penalty",
    "seen * penalty, seen * penalty",
)

the_wrong_way_round = edit(
    "apply_repetition_penalty",
    "the-wrong-way-round",
    "Positive logits were multiplied and negative ones divided: what came before "
    "becomes more likely.",
    "seen / penalty, seen * penalty",
    "seen * penalty, seen / penalty",
)


@mistake(
    "apply_repetition_penalty",
    "once-per-occurrence",
    "The penalty was applied once for every time a token came. Each token counts once: "
    "with [3] and previous [0, 0] at 2 the result is 1.5, not 0.75.",
    seen_in="huggingface/transformers.js #1062",
)
def penalty_per_occurrence(logits, previous, penalty):
    penalised = logits.copy()
    for token in previous:
        if penalised[token] > 0:
            penalised[token] /= penalty
        else:
            penalised[token] *= penalty
    return penalised


@mistake("apply_repetition_penalty", "once-per-occurrence")
def penalty_to_the_power_of_the_count(logits, previous, penalty):
    counts = np.bincount(np.asarray(previous, dtype=int), minlength=len(logits))
    factor = float(penalty) ** counts
    return np.where(logits > 0, logits / factor, logits * factor)


@mistake(
    "apply_repetition_penalty",
    "penalty-subtracted",
    "The penalty or its logarithm was subtracted. That is the presence penalty of some "
    "services; here positive logits are divided and negative ones multiplied.",
)
def penalty_subtracted(logits, previous, penalty):
    penalised = logits.copy()
    penalised[np.unique(np.asarray(previous, dtype=int))] -= penalty
    return penalised


@mistake("apply_repetition_penalty", "penalty-subtracted")
def penalty_log_subtracted(logits, previous, penalty):
    penalised = logits.copy()
    penalised[np.unique(np.asarray(previous, dtype=int))] -= np.log(penalty)
    return penalised


@mistake(
    "apply_repetition_penalty",
    "every-token-penalised",
    "Tokens that did not come before were penalised too.",
)
def penalty_for_all(logits, previous, penalty):
    return np.where(logits > 0, logits / penalty, logits * penalty)


@mistake("apply_repetition_penalty", "every-token-penalised")
def penalty_for_all_if_any(logits, previous, penalty):
    if len(previous) == 0:
        return logits.copy()
    return np.where(logits > 0, logits / penalty, logits * penalty)


@mistake(
    "apply_repetition_penalty",
    "others-penalised",
    "The tokens that did not come before were penalised, and those that did were not.",
)
def penalty_for_the_others(logits, previous, penalty):
    new = np.setdiff1d(np.arange(len(logits)), np.asarray(previous, dtype=int))
    return apply_repetition_penalty(logits, new, penalty)


@mistake(
    "apply_repetition_penalty",
    "only-the-last-token",
    "Only the last token of previous was penalised. All tokens in it are.",
)
def penalty_for_the_last(logits, previous, penalty):
    return apply_repetition_penalty(logits, list(previous)[-1:], penalty)


@mistake(
    "apply_repetition_penalty",
    "only-the-latest-tokens",
    "Only the latest tokens of previous were penalised. All of it counts, however long: "
    "whoever wants a window hands over a shorter list.",
)
def penalty_for_a_window(logits, previous, penalty):
    return apply_repetition_penalty(logits, list(previous)[-64:], penalty)


@mistake(
    "apply_repetition_penalty",
    "only-repeated-tokens",
    "Only tokens that came at least twice were penalised. Once is enough.",
)
def penalty_for_repeats(logits, previous, penalty):
    ids, counts = np.unique(np.asarray(previous, dtype=int), return_counts=True)
    return apply_repetition_penalty(logits, ids[counts > 1], penalty)


@mistake(
    "apply_repetition_penalty",
    "token-0-forgotten",
    "Token 0 was not penalised: its id was taken for nothing. 0 is a token as any "
    "other.",
)
def penalty_without_token_zero(logits, previous, penalty):
    return apply_repetition_penalty(logits, [t for t in previous if t], penalty)


@mistake(
    "apply_repetition_penalty",
    "empty-previous-fails",
    "An empty previous raised an error: an empty list becomes an array of floats, which "
    "cannot be an index. The first token of a text has none before it.",
)
def penalty_float_index(logits, previous, penalty):
    ids = np.unique(np.asarray(previous))
    seen = logits[ids]
    penalised = logits.copy()
    penalised[ids] = np.where(seen > 0, seen / penalty, seen * penalty)
    return penalised


@mistake("apply_repetition_penalty", "empty-previous-fails")
def penalty_refuses_empty(logits, previous, penalty):
    if len(previous) == 0:
        raise ValueError("no previous tokens")
    return apply_repetition_penalty(logits, previous, penalty)


@mistake(
    "apply_repetition_penalty",
    "tuple-as-an-index",
    "A tuple of ids was used as an index: NumPy takes it for one place in several "
    "dimensions. previous may be a list, a tuple or an array.",
)
def penalty_tuple_index(logits, previous, penalty):
    if len(previous) == 0:
        return logits.copy()
    penalised = logits.copy()
    seen = logits[previous]
    penalised[previous] = np.where(seen > 0, seen / penalty, seen * penalty)
    return penalised


@mistake(
    "apply_repetition_penalty",
    "array-taken-for-granted",
    "A list of ids raised an error: it has not the methods of an array. previous may be "
    "a list, a tuple or an array.",
)
def penalty_tolist_of_a_list(logits, previous, penalty):
    return apply_repetition_penalty(logits, previous.tolist(), penalty)


@mistake("apply_repetition_penalty", "array-taken-for-granted")
def penalty_astype_of_a_list(logits, previous, penalty):
    return apply_repetition_penalty(logits, previous.astype(int), penalty)


@mistake(
    "apply_repetition_penalty",
    "array-has-no-truth",
    "An array of ids raised an error: an array has no single truth value. previous may "
    "be a list, a tuple or an array.",
)
def penalty_truth_of_an_array(logits, previous, penalty):
    if not previous:
        return logits.copy()
    return apply_repetition_penalty(logits, previous, penalty)


@mistake(
    "apply_repetition_penalty",
    "removed-token-becomes-nan",
    "A removed token, -inf, became nan: a difference of two infinities, or 0 times one. "
    "It stays -inf.",
)
def penalty_as_a_difference(logits, previous, penalty):
    came = np.isin(np.arange(len(logits)), np.asarray(previous, dtype=int))
    changed = np.where(logits > 0, logits / penalty, logits * penalty)
    return logits + came * (changed - logits)


@mistake("apply_repetition_penalty", "removed-token-becomes-nan")
def penalty_by_a_mask_of_floats(logits, previous, penalty):
    came = np.zeros(len(logits))
    came[np.asarray(previous, dtype=int)] = 1.0
    changed = np.where(logits > 0, logits / penalty, logits * penalty)
    return came * changed + (1 - came) * logits


@mistake(
    "apply_repetition_penalty",
    "below-1-ignored",
    "A penalty below 1 had no effect. It is allowed, and makes what came before more "
    "likely.",
)
def penalty_only_above_one(logits, previous, penalty):
    if penalty <= 1:
        return logits.copy()
    return apply_repetition_penalty(logits, previous, penalty)


@mistake("apply_repetition_penalty", "below-1-ignored")
def penalty_raised_to_one(logits, previous, penalty):
    return apply_repetition_penalty(logits, previous, max(penalty, 1.0))


@mistake(
    "apply_repetition_penalty",
    "below-1-still-lowers",
    "A penalty below 1 made tokens less likely: of quotient and product the smaller was "
    "taken. It goes by the sign of the logit: with [3] and previous [0] at 0.5 the "
    "result is 6.",
)
def penalty_by_the_smaller(logits, previous, penalty):
    ids = np.asarray(previous, dtype=int)
    penalised = logits.copy()
    penalised[ids] = np.minimum(logits[ids] / penalty, logits[ids] * penalty)
    return penalised


@mistake(
    "apply_repetition_penalty",
    "below-1-refused",
    "A penalty below 1 was refused. It is allowed, and makes what came before more "
    "likely.",
)
def penalty_below_one_refused(logits, previous, penalty):
    if penalty < 1:
        raise ValueError(penalty)
    return apply_repetition_penalty(logits, previous, penalty)


@mistake(
    "apply_repetition_penalty",
    "sign-tested-against-1",
    "The border between dividing and multiplying was not at 0: a logit between 0 and 1 "
    "is positive and is divided. Try [0.5] and previous [0].",
)
def penalty_border_at_one(logits, previous, penalty):
    ids = np.unique(np.asarray(previous, dtype=int))
    penalised = logits.copy()
    penalised[ids] = np.where(
        logits[ids] > 1, logits[ids] / penalty, logits[ids] * penalty
    )
    return penalised


@mistake(
    "apply_repetition_penalty",
    "came-tokens-removed",
    "The tokens that came before were removed. The penalty makes them less likely, not "
    "impossible.",
)
def penalty_removes(logits, previous, penalty):
    penalised = logits.copy()
    penalised[np.asarray(previous, dtype=int)] = -np.inf
    return penalised


@mistake(
    "apply_repetition_penalty",
    "probabilities-returned",
    "Probabilities were penalised, or came back. Logits go in and logits come out.",
)
def penalty_then_softmax(logits, previous, penalty):
    return _softmax(apply_repetition_penalty(logits, previous, penalty))


@mistake("apply_repetition_penalty", "probabilities-returned")
def penalty_on_probabilities(logits, previous, penalty):
    probs = _softmax(logits)
    probs[np.unique(np.asarray(previous, dtype=int))] /= penalty
    return probs / probs.sum()


@mistake(
    "apply_repetition_penalty",
    "normalised-first",
    "The logits were made log-probabilities before they were penalised: these are all "
    "negative, and differ from what came in. The logits are changed as they are, and "
    "only where a token came before.",
)
def penalty_on_log_probabilities(logits, previous, penalty):
    shifted = logits - logits.max()
    log_probs = shifted - np.log(np.exp(shifted).sum())
    return apply_repetition_penalty(log_probs, previous, penalty)


@mistake(
    "apply_repetition_penalty",
    "ids-compared-with-logits",
    "The tokens were looked for among the values of the logits. previous holds ids: "
    "places in the vocabulary.",
)
def penalty_isin_of_logits(logits, previous, penalty):
    came = np.isin(logits, np.asarray(previous))
    changed = np.where(logits > 0, logits / penalty, logits * penalty)
    return np.where(came, changed, logits)


@mistake(
    "apply_repetition_penalty",
    "every-negative-multiplied",
    "Negative logits of tokens that did not come before were multiplied too.",
)
def penalty_for_all_negatives(logits, previous, penalty):
    result = apply_repetition_penalty(logits, previous, penalty)
    if len(previous) == 0:
        return result
    return np.where(logits < 0, logits * penalty, result)


@mistake("apply_repetition_penalty", "every-negative-multiplied")
def penalty_for_all_negatives_always(logits, previous, penalty):
    result = apply_repetition_penalty(logits, previous, penalty)
    return np.where(logits < 0, logits * penalty, result)


@mistake(
    "apply_repetition_penalty",
    "argument-changed",
    "The result is right, but the caller's logits were overwritten: the next step of "
    "the generation gets something else. Work on a copy.",
)
def penalty_in_place(logits, previous, penalty):
    ids = np.unique(np.asarray(previous, dtype=int))
    seen = logits[ids]
    logits[ids] = np.where(seen > 0, seen / penalty, seen * penalty)
    return logits


@mistake(
    "apply_repetition_penalty",
    "previous-changed",
    "The result is right, but the caller's list of previous tokens was changed: it is "
    "the text so far, and the next step needs it.",
)
def penalty_empties_previous(logits, previous, penalty):
    if not isinstance(previous, list):
        return apply_repetition_penalty(logits, previous, penalty)
    penalised, done = logits.copy(), set()
    while previous:
        token = previous.pop()
        if token not in done:
            done.add(token)
            factor = 1 / penalty if logits[token] > 0 else penalty
            penalised[token] *= factor
    return penalised


@mistake("apply_repetition_penalty", "previous-changed")
def penalty_sorts_previous(logits, previous, penalty):
    result = apply_repetition_penalty(logits, previous, penalty)
    if isinstance(previous, list):
        previous.sort()
    return result


@mistake(
    "apply_repetition_penalty",
    "divided-then-multiplied",
    "A logit was both divided and multiplied: the second step saw what the first had "
    "made, or every negative logit was multiplied, penalised or not.",
)
def penalty_negative_everywhere(logits, previous, penalty):
    penalised = logits.copy()
    ids = np.unique(np.asarray(previous, dtype=int))
    penalised[ids] /= penalty
    penalised[penalised < 0] *= penalty
    return penalised


@mistake("apply_repetition_penalty", "divided-then-multiplied")
def penalty_squared_for_negatives(logits, previous, penalty):
    penalised = logits.copy()
    ids = np.unique(np.asarray(previous, dtype=int))
    penalised[ids] /= penalty
    negative = ids[penalised[ids] < 0]
    penalised[negative] *= penalty
    return penalised


# sample

DRAW = "    return int(rng.choice(len(logits), p=exps / exps.sum()))\n"


def _left(
    logits,
    temperature=1.0,
    top_k=None,
    top_p=None,
    min_p=None,
    repetition_penalty=1.0,
    previous=(),
):
    """What a right program has left before it draws, in float64."""
    if not np.isfinite(np.max(logits)):
        raise ValueError("no finite maximum")
    logits = np.asarray(logits, dtype=np.float64)
    if repetition_penalty != 1:
        logits = apply_repetition_penalty(logits, previous, repetition_penalty)
    logits = apply_temperature(logits, temperature)
    if top_k is not None:
        logits = top_k_filter(logits, top_k)
    if top_p is not None:
        logits = top_p_filter(logits, top_p)
    if min_p is not None:
        logits = min_p_filter(logits, min_p)
    return logits


sample_greedy = edit(
    "sample",
    "greedy-in-the-nucleus",
    "The most probable token always came. Filters decide which tokens may come; then "
    "one is drawn, each as often as its probability says.",
    DRAW,
    "    return int(np.argmax(exps))\n",
)


@mistake("sample", "greedy-in-the-nucleus")
def sample_with_one_noise_for_all(logits, *, rng, **how):
    return int(np.argmax(_left(logits, **how) + rng.gumbel()))


sample_uniform = edit(
    "sample",
    "uniform-in-the-nucleus",
    "The tokens that are left came equally often. They keep their proportions: each "
    "comes as often as the softmax of what is left says.",
    DRAW,
    "    return int(rng.choice(np.flatnonzero(exps)))\n",
)


@mistake("sample", "uniform-in-the-nucleus")
def sample_uniform_by_integers(logits, *, rng, **how):
    kept = np.flatnonzero(_left(logits, **how) > -np.inf)
    return int(kept[rng.integers(len(kept))])


@mistake(
    "sample",
    "not-renormalised",
    "The probabilities were not renormalised after filtering: they sum to less than 1, "
    "and what is missing goes to one token, or raises an error.",
)
def sample_with_probs_of_before(logits, *, rng, temperature=1.0, **how):
    left = _left(logits, temperature=temperature, **how)
    if temperature == 0:
        return int(np.argmax(left))
    probs = _softmax(np.asarray(logits, dtype=float) / temperature)
    probs[np.isneginf(left)] = 0
    return int(rng.choice(len(probs), p=probs))


@mistake("sample", "not-renormalised")
def sample_cdf_of_before(logits, *, rng, temperature=1.0, **how):
    left = _left(logits, temperature=temperature, **how)
    if temperature == 0:
        return int(np.argmax(left))
    probs = _softmax(np.asarray(logits, dtype=float) / temperature)
    probs[np.isneginf(left)] = 0
    place = np.searchsorted(np.cumsum(probs), rng.random(), side="right")
    return int(min(place, len(probs) - 1))


@mistake("sample", "not-renormalised")
def sample_walk_over_probs_of_before(logits, *, rng, temperature=1.0, **how):
    left = _left(logits, temperature=temperature, **how)
    if temperature == 0:
        return int(np.argmax(left))
    probs = _softmax(np.asarray(logits, dtype=float) / temperature)
    u, mass, token = rng.random(), 0.0, 0
    for token in np.flatnonzero(left > -np.inf):
        mass += probs[token]
        if u < mass:
            break
    return int(token)


@mistake(
    "sample",
    "not-mapped-back",
    "A place in the sorted or shortened list came back, not the token that stands "
    "there. Places and ids agree only when the logits are sorted already.",
)
def sample_rank_returned(logits, *, rng, **how):
    probs = np.sort(_softmax(_left(logits, **how)))[::-1]
    return int(rng.choice(len(probs), p=probs))


@mistake("sample", "not-mapped-back")
def sample_place_among_the_kept(logits, *, rng, **how):
    left = _left(logits, **how)
    probs = _softmax(left[left > -np.inf])
    return int(rng.choice(len(probs), p=probs))


@mistake(
    "sample",
    "softmax-twice",
    "The probabilities went through softmax once more, which makes them almost equal: "
    "the draws are far too even, and removed tokens come.",
)
def sample_softmax_twice(logits, *, rng, **how):
    probs = _softmax(_softmax(_left(logits, **how)))
    return int(rng.choice(len(probs), p=probs))


@mistake("sample", "softmax-twice")
def sample_softmax_twice_of_the_kept(logits, *, rng, **how):
    left = _left(logits, **how)
    kept = np.flatnonzero(left > -np.inf)
    return int(rng.choice(kept, p=_softmax(_softmax(left[kept]))))


sample_global = edit(
    "sample",
    "global-generator",
    "A global generator was used or seeded, and not the rng that was given alone: "
    "whoever else uses the global one is disturbed.",
    "rng.choice(",
    "np.random.choice(",
    seen_in="bytedance/GRN #27",
)


@mistake("sample", "global-generator")
def sample_by_python_random(logits, *, rng, **how):
    probs = _softmax(_left(logits, **how))
    return random.choices(range(len(probs)), weights=probs)[0]


@mistake("sample", "global-generator")
def sample_seeds_the_global_one(logits, *, rng, **how):
    np.random.seed(rng.integers(2**32))
    probs = _softmax(_left(logits, **how))
    return int(np.random.choice(len(probs), p=probs))


@mistake("sample", "global-generator")
def sample_global_uniform(logits, *, rng, **how):
    sums = np.cumsum(_softmax(_left(logits, **how)))
    return int(np.searchsorted(sums / sums[-1], np.random.rand(), side="right"))


sample_own_generator = edit(
    "sample",
    "generator-of-its-own",
    "A new generator was made inside, with a seed that does not come from the given one "
    "alone: the same seed gives other tokens.",
    "rng.choice(",
    "np.random.default_rng().choice(",
)


@mistake(
    "sample",
    "the-same-token-each-time",
    "Every call with the same arguments gave the same token: a generator was seeded or "
    "copied anew in each, or the token was remembered. The generator that was given is "
    "to go on from call to call.",
)
def sample_seeded_each_time(logits, *, rng, **how):
    probs = _softmax(_left(logits, **how))
    return int(np.random.default_rng(0).choice(len(probs), p=probs))


@mistake("sample", "the-same-token-each-time")
def sample_from_a_copy(logits, *, rng, **how):
    rng = np.random.Generator(type(rng.bit_generator)(42))
    return int(np.argmax(_left(logits, **how) + rng.gumbel(size=len(logits))))


@mistake("sample", "the-same-token-each-time")
def sample_from_a_deep_copy(logits, *, rng, **how):
    left = _left(logits, **how)
    return int(copy.deepcopy(rng).choice(len(left), p=_softmax(left)))


@mistake("sample", "the-same-token-each-time")
def sample_remembered(logits, *, rng, drawn={}, **how):  # noqa: B006
    key = logits.tobytes(), repr(how)
    if key not in drawn:
        left = _left(logits, **how)
        drawn[key] = int(rng.choice(len(left), p=_softmax(left)))
    return drawn[key]


no_finite_check = edit(
    "sample",
    "bad-logits-accepted",
    "nan or +inf among the logits was not refused, or only by luck: a nan is drawn, or "
    "hides behind a filter. A ValueError is due.",
    "if not np.isfinite(np.max(logits)):",
    "if np.all(np.isneginf(logits)):",
)


@mistake("sample", "bad-logits-accepted")
def sample_nan_to_num(logits, *, rng, **how):
    logits = np.nan_to_num(logits, nan=-np.inf, neginf=-np.inf)
    probs = _softmax(_left(logits, **how))
    return int(rng.choice(len(probs), p=probs))


@mistake(
    "sample",
    "inf-accepted",
    "A logit of +inf was accepted. Nothing finite can be drawn beside it; a ValueError "
    "is due, as for nan.",
)
def sample_takes_inf(logits, *, rng, **how):
    logits = np.asarray(logits, dtype=float)
    if np.isposinf(logits).any() and not np.isnan(logits).any():
        return int(np.argmax(logits))
    probs = _softmax(_left(logits, **how))
    return int(rng.choice(len(probs), p=probs))


@mistake(
    "sample",
    "nan-accepted",
    "A logit of nan was accepted and treated as removed. It is a fault in what came "
    "before; a ValueError is due.",
)
def sample_takes_nan(logits, *, rng, **how):
    probs = _softmax(_left(np.where(np.isnan(logits), -np.inf, logits), **how))
    return int(rng.choice(len(probs), p=probs))


@mistake(
    "sample",
    "checked-after-filtering",
    "nan or +inf was looked for after the filters had removed or replaced it. The "
    "logits that come in are to be refused; try [0, nan, 1] at temperature 0.",
)
def sample_greedy_before_the_check(logits, *, rng, temperature=1.0, **how):
    if temperature == 0:
        if np.isneginf(logits).all():
            raise ValueError("nothing left")
        clean = np.nan_to_num(logits, nan=0.0, posinf=1e9, neginf=-np.inf)
        return int(np.argmax(_left(clean, temperature=0, **how)))
    probs = _softmax(_left(logits, temperature=temperature, **how))
    return int(rng.choice(len(probs), p=probs))


@mistake(
    "sample",
    "all-removed-accepted",
    "With all logits -inf a token came back although none is left. A ValueError is due.",
)
def sample_uniform_when_empty(logits, *, rng, **how):
    if np.isneginf(logits).all():
        return int(rng.integers(len(logits)))
    probs = _softmax(_left(logits, **how))
    return int(rng.choice(len(probs), p=probs))


@mistake("sample", "all-removed-accepted")
def sample_token_zero_when_empty(logits, *, rng, **how):
    if np.isneginf(logits).all():
        return 0
    return int(np.argmax(_left(logits, **how) + rng.gumbel(size=len(logits))))


@mistake(
    "sample",
    "no-logits-refused",
    "Logits that cannot be drawn from were not refused. nan or +inf among them, and "
    "nothing but -inf, are a ValueError.",
)
def sample_gumbel_refuses_nothing(
    logits,
    *,
    rng,
    temperature=1.0,
    top_k=None,
    top_p=None,
    min_p=None,
    repetition_penalty=1.0,
    previous=(),
):
    left = np.asarray(logits, dtype=np.float64)
    left = apply_repetition_penalty(left, previous, repetition_penalty)
    left = apply_temperature(left, temperature)
    if top_k is not None:
        left = top_k_filter(left, top_k)
    if top_p is not None:
        left = top_p_filter(left, top_p)
    if min_p is not None:
        left = min_p_filter(left, min_p)
    return int(np.argmax(left + rng.gumbel(size=len(left))))


@mistake(
    "sample",
    "another-error-raised",
    "Bad logits raised an error of another kind. A ValueError is due, which a caller can "
    "catch.",
)
def sample_asserts(logits, *, rng, **how):
    assert np.isfinite(np.max(logits))
    probs = _softmax(_left(logits, **how))
    return int(rng.choice(len(probs), p=probs))


temperature_last = edit(
    "sample",
    "temperature-after-the-filters",
    "The filters saw the logits before the temperature. Here temperature comes before "
    "top-k, top-p and min-p: a high one widens the nucleus, a low one narrows it. "
    "(llama.cpp does it the other way round, so settings do not carry over.)",
    "    logits = apply_temperature(logits, temperature)\n"
    "    if top_k is not None:\n"
    "        logits = top_k_filter(logits, top_k)\n"
    "    if top_p is not None:\n"
    "        logits = top_p_filter(logits, top_p)\n"
    "    if min_p is not None:\n"
    "        logits = min_p_filter(logits, min_p)\n",
    "    if top_k is not None:\n"
    "        logits = top_k_filter(logits, top_k)\n"
    "    if top_p is not None:\n"
    "        logits = top_p_filter(logits, top_p)\n"
    "    if min_p is not None:\n"
    "        logits = min_p_filter(logits, min_p)\n"
    "    logits = apply_temperature(logits, temperature)\n",
    seen_in="fishaudio/fish-speech #1150",
)

temperature_between = edit(
    "sample",
    "temperature-after-top-p",
    "Top-p saw the logits before the temperature. Temperature comes before it: a high "
    "one widens the nucleus, a low one narrows it.",
    "    logits = apply_temperature(logits, temperature)\n"
    "    if top_k is not None:\n"
    "        logits = top_k_filter(logits, top_k)\n"
    "    if top_p is not None:\n"
    "        logits = top_p_filter(logits, top_p)\n",
    "    if top_k is not None:\n"
    "        logits = top_k_filter(logits, top_k)\n"
    "    if top_p is not None:\n"
    "        logits = top_p_filter(logits, top_p)\n"
    "    logits = apply_temperature(logits, temperature)\n",
)

top_p_first = edit(
    "sample",
    "top-p-before-top-k",
    "Top-p came before top-k, or saw all the logits beside it. It is to see the softmax "
    "of what top-k left: with k = 2 and p = 0.5 the better of two tokens has more than "
    "half and is alone.",
    "    if top_k is not None:\n"
    "        logits = top_k_filter(logits, top_k)\n"
    "    if top_p is not None:\n"
    "        logits = top_p_filter(logits, top_p)\n",
    "    if top_p is not None:\n"
    "        logits = top_p_filter(logits, top_p)\n"
    "    if top_k is not None:\n"
    "        logits = top_k_filter(logits, top_k)\n",
)

min_p_first = edit(
    "sample",
    "min-p-before-top-p",
    "Min-p came before top-p, so that top-p saw fewer tokens with larger shares and "
    "kept too few. Top-p comes first.",
    "    if top_p is not None:\n"
    "        logits = top_p_filter(logits, top_p)\n"
    "    if min_p is not None:\n"
    "        logits = min_p_filter(logits, min_p)\n",
    "    if min_p is not None:\n"
    "        logits = min_p_filter(logits, min_p)\n"
    "    if top_p is not None:\n"
    "        logits = top_p_filter(logits, top_p)\n",
)


@mistake("sample", "top-p-before-top-k")
def sample_filters_intersected(
    logits, *, rng, top_k=None, top_p=None, min_p=None, **how
):
    left = _left(logits, **how)
    keep = np.ones(len(left), dtype=bool)
    if top_k is not None:
        keep &= top_k_filter(left, top_k) > -np.inf
    if top_p is not None:
        keep &= top_p_filter(left, top_p) > -np.inf
    if min_p is not None:
        keep &= min_p_filter(left, min_p) > -np.inf
    return int(rng.choice(len(left), p=_softmax(np.where(keep, left, -np.inf))))


@mistake(
    "sample",
    "min-p-before-temperature",
    "Min-p saw the logits before the temperature. Temperature comes before all filters: "
    "a high one lets more tokens past min-p, a low one fewer.",
)
def sample_min_p_before_temperature(
    logits,
    *,
    rng,
    temperature=1.0,
    min_p=None,
    repetition_penalty=1.0,
    previous=(),
    **how,
):
    left = _left(
        logits, min_p=min_p, repetition_penalty=repetition_penalty, previous=previous
    )
    left = _left(left, temperature=temperature, **how)
    return int(rng.choice(len(left), p=_softmax(left)))


@mistake(
    "sample",
    "penalty-after-temperature",
    "The penalty came after the temperature, or not at all at temperature 0: the largest "
    "of the raw logits was taken. The penalty comes first.",
)
def sample_penalty_second(
    logits, *, rng, temperature=1.0, repetition_penalty=1.0, previous=(), **how
):
    left = apply_temperature(_left(logits), temperature)
    left = apply_repetition_penalty(left, previous, repetition_penalty)
    return int(rng.choice(len(left), p=_softmax(_left(left, **how))))


@mistake(
    "sample",
    "penalty-after-the-filters",
    "The penalty came after the filters, which had chosen the tokens without it: a "
    "repeated token fills the nucleus all the same. The penalty comes first.",
)
def sample_penalty_last(logits, *, rng, repetition_penalty=1.0, previous=(), **how):
    left = apply_repetition_penalty(_left(logits, **how), previous, repetition_penalty)
    return int(rng.choice(len(left), p=_softmax(left)))


@mistake("sample", "penalty-after-temperature")
def sample_greedy_shortcut(logits, *, rng, temperature=1.0, **how):
    if temperature == 0:
        _left(logits, temperature=0, **how)
        return int(np.argmax(logits))
    probs = _softmax(_left(logits, temperature=temperature, **how))
    return int(rng.choice(len(probs), p=probs))


@mistake(
    "sample",
    "unchecked-at-temperature-0",
    "At temperature 0 the token came back at once, and a top_k or top_p out of its range "
    "was accepted. It is refused at every temperature.",
)
def sample_greedy_without_checks(
    logits, *, rng, temperature=1.0, top_k=None, top_p=None, min_p=None, **how
):
    if temperature == 0:
        return int(np.argmax(_left(logits, **how)))
    left = _left(logits, temperature=temperature, **how)
    left = _left(left, top_k=top_k, top_p=top_p, min_p=min_p)
    return int(rng.choice(len(left), p=_softmax(left)))


@mistake(
    "sample",
    "unchecked-when-one-is-left",
    "When only one token could come it came back at once, and a parameter out of its "
    "range was accepted. It is refused whatever the others leave.",
)
def sample_top_k_one_unchecked(
    logits, *, rng, top_k=None, top_p=None, min_p=None, **how
):
    left = _left(logits, **how)
    if top_k == 1:
        return int(np.argmax(left))
    left = _left(left, top_k=top_k, top_p=top_p, min_p=min_p)
    return int(rng.choice(len(left), p=_softmax(left)))


@mistake("sample", "unchecked-when-one-is-left")
def sample_single_token_unchecked(logits, *, rng, **how):
    if np.isfinite(logits).sum() == 1 and np.isfinite(logits.max()):
        return int(np.argmax(logits))
    left = _left(logits, **how)
    return int(rng.choice(len(left), p=_softmax(left)))


@mistake(
    "sample",
    "zero-temperature-is-off",
    "temperature=0 had no effect: 0 was taken for not given. Only the most probable "
    "token may come.",
)
def sample_falsy_temperature(logits, *, rng, temperature=1.0, **how):
    left = _left(logits, temperature=temperature or 1.0, **how)
    return int(rng.choice(len(left), p=_softmax(left)))


@mistake(
    "sample",
    "zero-temperature-fails",
    "temperature=0 was refused, or divided by, which leaves inf and nan: an error, or any "
    "token. The most probable token, the first of a tie, is due.",
)
def sample_divides_by_zero(
    logits, *, rng, temperature=1.0, repetition_penalty=1.0, previous=(), **how
):
    left = _left(logits, repetition_penalty=repetition_penalty, previous=previous)
    if not temperature >= 0:
        raise ValueError(temperature)
    left = _left(left / temperature, **how)
    return int(rng.choice(len(left), p=_softmax(left)))


@mistake("sample", "zero-temperature-fails")
def sample_refuses_zero(logits, *, rng, temperature=1.0, **how):
    if not temperature > 0:
        raise ValueError(temperature)
    left = _left(logits, temperature=temperature, **how)
    return int(rng.choice(len(left), p=_softmax(left)))


@mistake(
    "sample",
    "zero-temperature-draws-among-ties",
    "At temperature 0 one of several equal largest logits was drawn. It is always the "
    "first: no draw is left.",
)
def sample_ties_drawn(logits, *, rng, temperature=1.0, **how):
    if temperature == 0:
        left = _left(logits, **how)
        return int(rng.choice(np.flatnonzero(left == left.max())))
    left = _left(logits, temperature=temperature, **how)
    return int(rng.choice(len(left), p=_softmax(left)))


@mistake("sample", "zero-temperature-draws-among-ties")
def sample_tiny_temperature(logits, *, rng, temperature=1.0, **how):
    if not temperature >= 0:
        raise ValueError(temperature)
    left = _left(logits, temperature=max(temperature, 1e-8), **how)
    return int(rng.choice(len(left), p=_softmax(left)))


@mistake(
    "sample",
    "low-temperature-is-greedy",
    "A low temperature was taken for 0: the most probable token always came. Only 0 does "
    "that; at 0.5 the logits are doubled, and others still come.",
)
def sample_greedy_below_a_bound(logits, *, rng, temperature=1.0, **how):
    temperature = 0 if 0 <= temperature < 0.6 else temperature
    left = _left(logits, temperature=temperature, **how)
    return int(rng.choice(len(left), p=_softmax(left)))


@mistake(
    "sample",
    "none-taken-for-a-default",
    "A filter that was not asked for removed tokens: None was taken for a default value. "
    "None switches a filter off.",
)
def sample_top_k_50_for_none(logits, *, rng, top_k=None, **how):
    left = _left(logits, top_k=50 if top_k is None else top_k, **how)
    return int(rng.choice(len(left), p=_softmax(left)))


@mistake("sample", "none-taken-for-a-default")
def sample_top_p_95_for_none(logits, *, rng, top_p=None, **how):
    left = _left(logits, top_p=0.95 if top_p is None else top_p, **how)
    return int(rng.choice(len(left), p=_softmax(left)))


@mistake("sample", "none-taken-for-a-default")
def sample_min_p_5_for_none(logits, *, rng, min_p=None, **how):
    left = _left(logits, min_p=0.05 if min_p is None else min_p, **how)
    return int(rng.choice(len(left), p=_softmax(left)))


temperature_ignored = edit(
    "sample",
    "temperature-ignored",
    "The temperature had no effect.",
    "    logits = apply_temperature(logits, temperature)\n",
    "    if temperature == 0 or not temperature > 0:\n"
    "        logits = apply_temperature(logits, temperature)\n",
)


@mistake("sample", "temperature-ignored")
def sample_temperature_on_probabilities(logits, *, rng, temperature=1.0, **how):
    if not temperature > 0:
        return int(np.argmax(_left(logits, temperature=temperature, **how)))
    probs = _softmax(_left(logits, **how)) / temperature
    return int(rng.choice(len(probs), p=probs / probs.sum()))


@mistake("sample", "temperature-ignored")
def sample_noise_before_temperature(logits, *, rng, temperature=1.0, **how):
    left = _left(logits, temperature=temperature, **how)
    if temperature == 0:
        return int(np.argmax(left))
    noise = rng.gumbel(size=len(left)) / temperature
    return int(np.argmax(left + noise))


temperature_twice = edit(
    "sample",
    "temperature-twice",
    "The temperature was applied twice: once as a processor, and again at the draw.",
    "    exps = np.exp(logits.astype(np.float64) - logits.max())\n",
    "    exps = np.exp((logits.astype(np.float64) - logits.max())"
    " / (temperature or 1))\n",
)

temperature_turned = edit(
    "sample",
    "temperature-multiplies",
    "The logits were multiplied by the temperature: a high one sharpens the draws and a "
    "low one evens them out. It is the other way round.",
    "    logits = apply_temperature(logits, temperature)\n",
    "    logits = apply_temperature(logits, temperature and 1 / temperature)\n",
)

top_k_ignored = edit(
    "sample",
    "top-k-ignored",
    "top_k had no effect: tokens beyond the k most probable came.",
    "        logits = top_k_filter(logits, top_k)\n",
    "        top_k_filter(logits, top_k)\n",
)

top_p_ignored = edit(
    "sample",
    "top-p-ignored",
    "top_p had no effect: tokens outside the nucleus came.",
    "        logits = top_p_filter(logits, top_p)\n",
    "        top_p_filter(logits, top_p)\n",
)

min_p_ignored = edit(
    "sample",
    "min-p-ignored",
    "min_p had no effect: tokens below the cut came.",
    "        logits = min_p_filter(logits, min_p)\n",
    "        min_p_filter(logits, min_p)\n",
)

one_filter_only = edit(
    "sample",
    "one-filter-only",
    "With both top_k and top_p only one was applied. Each that is given is.",
    "    if top_p is not None:",
    "    elif top_p is not None:",
)

falsy_top_k = edit(
    "sample",
    "top-k-0-is-off",
    "top_k=0 was taken for off. Only None is; 0 is refused, as top_k_filter does.",
    "if top_k is not None:",
    "if top_k:",
)

falsy_top_p = edit(
    "sample",
    "top-p-0-is-off",
    "top_p=0 was taken for off. Only None is; 0 is refused, as top_p_filter does.",
    "if top_p is not None:",
    "if top_p:",
)

large_top_p_off = edit(
    "sample",
    "top-p-above-1-is-off",
    "A top_p above 1 was taken for off. Only None is; it is refused, as top_p_filter "
    "does.",
    "if top_p is not None:",
    "if top_p is not None and not top_p > 1:",
)

negative_top_k_off = edit(
    "sample",
    "top-k-below-1-is-off",
    "A top_k of 0 or less was taken for off. Only None is; it is refused, as "
    "top_k_filter does.",
    "if top_k is not None:",
    "if top_k is not None and top_k > 0:",
)


@mistake(
    "sample",
    "temperature-unchecked",
    "A negative temperature or nan was accepted, or treated as 0. It is refused, as "
    "apply_temperature does.",
)
def sample_negative_temperature(logits, *, rng, temperature=1.0, **how):
    temperature = temperature if temperature > 0 else 0
    left = _left(logits, temperature=temperature, **how)
    return int(rng.choice(len(left), p=_softmax(left)))


@mistake("sample", "temperature-unchecked")
def sample_any_temperature(logits, *, rng, temperature=1.0, **how):
    if not temperature < 0:
        left = _left(logits, temperature=temperature, **how)
    else:
        left = _left(np.asarray(logits) / temperature, **how)
    return int(rng.choice(len(left), p=_softmax(left)))


penalty_ignored = edit(
    "sample",
    "penalty-ignored",
    "The repetition penalty had no effect.",
    "        logits = apply_repetition_penalty(logits, previous, repetition_penalty)\n",
    "        apply_repetition_penalty(logits, previous, repetition_penalty)\n",
)

penalty_below_one_ignored = edit(
    "sample",
    "penalty-below-1-ignored",
    "A penalty below 1 had no effect. It is allowed, and makes what came before more "
    "likely.",
    "if repetition_penalty != 1:",
    "if repetition_penalty > 1:",
)

penalty_below_one_refused_in_sample = edit(
    "sample",
    "penalty-below-1-refused",
    "A penalty below 1 was refused. It is allowed, and makes what came before more "
    "likely.",
    "    if repetition_penalty != 1:\n",
    "    if repetition_penalty < 1:\n        raise ValueError(repetition_penalty)\n"
    "    if repetition_penalty != 1:\n",
)


@mistake(
    "sample",
    "every-token-penalised",
    "Tokens that did not come before were penalised too. Only those in previous are.",
)
def sample_penalises_all(logits, *, rng, repetition_penalty=1.0, previous=(), **how):
    every = np.arange(len(logits))
    left = _left(logits, repetition_penalty=repetition_penalty, previous=every, **how)
    return int(rng.choice(len(left), p=_softmax(left)))


@mistake("sample", "every-token-penalised")
def sample_penalises_all_if_any(
    logits, *, rng, repetition_penalty=1.0, previous=(), **how
):
    every = np.arange(len(logits) if len(previous) else 0)
    left = _left(logits, repetition_penalty=repetition_penalty, previous=every, **how)
    return int(rng.choice(len(left), p=_softmax(left)))


truth_of_previous = edit(
    "sample",
    "previous-has-no-truth",
    "An array of previous ids raised an error: an array has no single truth value. "
    "previous may be a list, a tuple or an array.",
    "if repetition_penalty != 1:",
    "if previous and repetition_penalty != 1:",
)

none_for_previous = edit(
    "sample",
    "empty-previous-fails",
    "A penalty without previous tokens raised an error. The first token of a text has "
    "none before it.",
    "    if repetition_penalty != 1:\n",
    "    if repetition_penalty != 1:\n        previous[0]\n",
)


@mistake(
    "sample",
    "penalty-once-per-occurrence",
    "The penalty was applied once for every time a token came. Each token counts once.",
)
def sample_penalty_per_occurrence(
    logits, *, rng, repetition_penalty=1.0, previous=(), **how
):
    logits = np.array(logits, dtype=float)
    for token in previous:
        logits = apply_repetition_penalty(logits, [token], repetition_penalty)
    left = _left(logits, **how)
    return int(rng.choice(len(left), p=_softmax(left)))


@mistake(
    "sample",
    "penalty-divides-negatives",
    "A negative logit was divided by the penalty, which makes a token that came before "
    "more likely. Negative logits are multiplied.",
)
def sample_penalty_divides(logits, *, rng, repetition_penalty=1.0, previous=(), **how):
    logits = np.array(logits, dtype=float)
    logits[np.unique(np.asarray(previous, dtype=int))] /= repetition_penalty
    left = _left(logits, **how)
    return int(rng.choice(len(left), p=_softmax(left)))


@mistake(
    "sample",
    "crossing-token-dropped",
    "The token that takes the sum to top_p was dropped: too few tokens come. The nucleus "
    "has at least the mass top_p.",
)
def sample_own_top_p_too_small(logits, *, rng, top_p=None, min_p=None, **how):
    left = _left(logits, **how)
    if top_p is not None:
        nucleus = top_p_filter(left, top_p)
        if (nucleus > -np.inf).sum() > 1 and top_p < 1:
            nucleus[np.argsort(nucleus)[np.isneginf(nucleus).sum()]] = -np.inf
        left = nucleus
    left = _left(left, min_p=min_p)
    return int(rng.choice(len(left), p=_softmax(left)))


@mistake(
    "sample",
    "ties-at-the-cut",
    "Of equal logits at the cut of top_k or top_p not the first ones were drawn from, "
    "or all of them. As many stay as are needed, the lowest indices first.",
)
def sample_top_k_backwards(logits, *, rng, top_k=None, top_p=None, min_p=None, **how):
    left = _left(logits, **how)
    if top_k is not None:
        top_k_filter(left, top_k)
        kept = np.argsort(left)[::-1][:top_k]
        left = np.where(np.isin(np.arange(len(left)), kept), left, -np.inf)
    left = _left(left, top_p=top_p, min_p=min_p)
    return int(rng.choice(len(left), p=_softmax(left)))


@mistake("sample", "ties-at-the-cut")
def sample_top_k_by_threshold(
    logits, *, rng, top_k=None, top_p=None, min_p=None, **how
):
    left = _left(logits, **how)
    if top_k is not None:
        cut = top_k_filter(left, top_k)
        left = np.where(left >= cut[cut > -np.inf].min(), left, -np.inf)
    left = _left(left, top_p=top_p, min_p=min_p)
    return int(rng.choice(len(left), p=_softmax(left)))


@mistake("sample", "ties-at-the-cut")
def sample_top_p_backwards(logits, *, rng, top_p=None, min_p=None, **how):
    left = _left(logits, **how)
    if top_p is not None:
        left = top_p_filter(left[::-1], top_p)[::-1]
    left = _left(left, min_p=min_p)
    return int(rng.choice(len(left), p=_softmax(left)))


@mistake(
    "sample",
    "one-too-many-at-equality",
    "One token too many was drawn from when a sum equals top_p: the nucleus is complete "
    "as soon as its mass is p. Of four equal logits at p = 0.5 two may come.",
)
def sample_top_p_above_p(logits, *, rng, top_p=None, min_p=None, **how):
    left = _left(logits, **how)
    if top_p is not None:
        top_p_filter(left, top_p)
        order = np.argsort(-left, kind="stable")
        remove = np.cumsum(_softmax(left)[order]) > top_p
        remove[1:] = remove[:-1].copy()
        remove[0] = False
        left[order[remove & (top_p < 1)]] = -np.inf
    left = _left(left, min_p=min_p)
    return int(rng.choice(len(left), p=_softmax(left)))


@mistake(
    "sample",
    "min-p-taken-as-absolute",
    "Each probability was compared with min_p itself. The cut is min_p times the largest "
    "probability.",
)
def sample_min_p_absolute(logits, *, rng, min_p=None, **how):
    left = _left(logits, **how)
    if min_p is not None:
        probs = _softmax(left)
        left = np.where(probs >= min_p, left, -np.inf)
    return int(rng.choice(len(left), p=_softmax(left)))


@mistake(
    "sample",
    "min-p-strict",
    "A token at exactly min_p times the largest probability was removed, and with it at "
    "min_p=1 the most probable one or its equals. It stays: at least min_p times is due.",
)
def sample_min_p_strict(logits, *, rng, min_p=None, **how):
    left = _left(logits, **how)
    if min_p is not None:
        keep = np.exp(left - left.max()) > min_p
        keep[np.argmax(left)] = True
        left = np.where(keep, left, -np.inf)
    return int(rng.choice(len(left), p=_softmax(left)))


@mistake("sample", "min-p-strict")
def sample_min_p_strict_for_the_best_too(logits, *, rng, min_p=None, **how):
    left = _left(logits, **how)
    if min_p is not None:
        left = np.where(np.exp(left - left.max()) > min_p, left, -np.inf)
    return int(rng.choice(len(left), p=_softmax(left)))


@mistake("sample", "min-p-taken-as-absolute")
def sample_min_p_absolute_but_one(logits, *, rng, min_p=None, **how):
    left = _left(logits, **how)
    if min_p is not None:
        keep = (_softmax(left) >= min_p) | (np.arange(len(left)) == left.argmax())
        left = np.where(keep, left, -np.inf)
    return int(rng.choice(len(left), p=_softmax(left)))


no_shift = edit(
    "sample",
    "no-max-subtraction",
    "exp overflows for large logits: exp(1000) is inf, and inf / inf is nan. Softmax "
    "does not change when the same number is taken from every logit.",
    "np.exp(logits.astype(np.float64) - logits.max())",
    "np.exp(logits.astype(np.float64))",
)


@mistake(
    "sample",
    "narrow-probabilities",
    "float32 or float16 probabilities did not sum to 1 closely enough for the draw, "
    "which raised an error. Make them float64 before they are normalised.",
)
def sample_narrow_multinomial(logits, *, rng, **how):
    narrow = np.asarray(logits).dtype
    probs = _softmax(_left(logits, **how).astype(narrow))
    return int(rng.multinomial(1, probs).argmax())


@mistake(
    "sample",
    "sums-in-float16",
    "Some tokens never came, or one came far too often: running sums in float16, the "
    "dtype of the logits, do not move when a small probability is added. Sum in float32 "
    "at least, or in float64.",
)
def sample_cdf_in_the_dtype_of_the_logits(logits, *, rng, **how):
    probs = _softmax(_left(logits, **how).astype(np.asarray(logits).dtype))
    place = np.searchsorted(np.cumsum(probs), rng.random(), side="right")
    return int(min(place, len(probs) - 1))


@mistake("sample", "sums-in-float16")
def sample_scaled_cdf_in_the_dtype_of_the_logits(logits, *, rng, **how):
    left = _left(logits, **how).astype(np.asarray(logits).dtype)
    sums = np.cumsum(np.exp(left - left.max()))
    place = np.searchsorted(sums, rng.random() * float(sums[-1]), side="right")
    return int(min(place, len(sums) - 1))


argument_changed = edit(
    "sample",
    "argument-changed",
    "The caller's logits were overwritten: the next call, with other settings, gets "
    "something else. Work on a copy.",
    "    logits = apply_temperature(logits, temperature)\n",
    "    logits[:] = apply_temperature(logits, temperature)\n",
)


penalty_in_the_argument = edit(
    "sample",
    "argument-changed",
    "",
    "        logits = apply_repetition_penalty(logits, previous, repetition_penalty)\n",
    "        logits[:] = apply_repetition_penalty(logits, previous, repetition_penalty)\n",
)


@mistake("sample", "argument-changed")
def sample_filters_in_place(logits, *, rng, **how):
    left = _left(logits, **how)
    logits[np.isneginf(left)] = -np.inf
    return int(rng.choice(len(left), p=_softmax(left)))


@mistake(
    "sample",
    "previous-changed",
    "The token that was drawn was added to the caller's previous, which the caller does "
    "as well: it would stand there twice. The arguments are left as they are.",
)
def sample_appends_to_previous(logits, *, rng, previous=(), **how):
    left = _left(logits, previous=previous, **how)
    token = int(rng.choice(len(left), p=_softmax(left)))
    if isinstance(previous, list):
        previous.append(token)
    return token


@mistake(
    "sample",
    "drawn-tokens-remembered",
    "Tokens that were drawn in earlier calls were penalised in a call that did not give "
    "them: a default value, or another place outside, was added to. The previous tokens "
    "are those that the caller gives.",
)
def sample_default_previous_grows(
    logits,
    *,
    rng,
    previous=[],  # noqa: B006
    **how,
):
    known = [token for token in previous if token < len(logits)]
    left = _left(logits, previous=known, **how)
    token = int(rng.choice(len(left), p=_softmax(left)))
    if isinstance(previous, list):
        previous.append(token)
    return token


@mistake("sample", "drawn-tokens-remembered")
def sample_hidden_list_grows(
    logits,
    *,
    rng,
    previous=(),
    drawn=[],  # noqa: B006
    **how,
):
    known = [*previous, *(token for token in drawn if token < len(logits))]
    left = _left(logits, previous=known, **how)
    token = int(rng.choice(len(left), p=_softmax(left)))
    drawn.append(token)
    return token


def _remembers(logits, rng, previous, remember, how):
    left = apply_repetition_penalty(
        logits, previous, how.pop("repetition_penalty", 1.0)
    )
    left = _left(left, **how)
    token = int(rng.choice(len(left), p=_softmax(left)))
    if remember:
        previous.append(token)
    return token


@mistake("sample", "drawn-tokens-remembered")
def sample_default_previous_of_any_vocabulary(
    logits,
    *,
    rng,
    previous=[],  # noqa: B006
    **how,
):
    _left(logits)
    return _remembers(logits, rng, previous, isinstance(previous, list), how)


@mistake("sample", "drawn-tokens-remembered")
def sample_default_previous_filled_once(
    logits,
    *,
    rng,
    previous=[],  # noqa: B006
    **how,
):
    _left(logits)
    return _remembers(
        logits, rng, previous, isinstance(previous, list) and not previous, how
    )


@mistake(
    "sample",
    "array-remembered",
    "What was computed for an array was used again when the array held other numbers. A "
    "generation loop writes each step's logits into one buffer: what an array holds has "
    "to be read in every call.",
)
def sample_kept_by_identity(logits, *, rng, kept={}, **how):  # noqa: B006
    # The array is kept too, so that no other one gets its address.
    key = id(logits), repr(how)
    if key not in kept:
        kept[key] = logits, _softmax(_left(logits, **how))
    probs = kept[key][1]
    return int(rng.choice(len(probs), p=probs))


@mistake(
    "sample",
    "removed-tokens-have-a-share",
    "Something small was added to the probabilities, so that removed tokens come now and "
    "then. Theirs is 0; a softmax that is shifted by the maximum never divides by 0.",
)
def sample_epsilon_in_the_probabilities(logits, *, rng, **how):
    probs = _softmax(_left(logits, **how)) + 1e-6
    return int(rng.choice(len(probs), p=probs / probs.sum()))


@mistake("sample", "removed-tokens-have-a-share")
def sample_smaller_epsilon_in_the_sums(logits, *, rng, **how):
    sums = np.cumsum(_softmax(_left(logits, **how)) + 1e-8)
    return int(np.searchsorted(sums, rng.random() * sums[-1], side="right"))


@mistake(
    "sample",
    "part-of-the-vocabulary",
    "Only the first tokens of a large vocabulary were drawn from. Any token that is left "
    "may come, the last one too.",
)
def sample_first_tokens_only(logits, *, rng, **how):
    exps = np.exp(_left(logits, **how)[:256] - np.max(_left(logits, **how)))
    return int(rng.choice(len(exps), p=exps / exps.sum()))


@mistake(
    "sample",
    "array-returned",
    "An array came back. One token is drawn: an int, its id.",
)
def sample_array(logits, *, rng, **how):
    probs = _softmax(_left(logits, **how))
    return rng.choice(len(probs), size=1, p=probs)


@mistake("sample", "array-returned")
def sample_one_hot(logits, *, rng, **how):
    return rng.multinomial(1, _softmax(_left(logits, **how)))


@mistake(
    "sample",
    "float-returned",
    "A float came back. A token is an int, its place in the vocabulary.",
)
def sample_float(logits, *, rng, **how):
    probs = _softmax(_left(logits, **how))
    return float(rng.choice(len(probs), p=probs))


@mistake(
    "sample",
    "logit-returned",
    "The logit or the probability of the token that was drawn came back. Its id is due.",
)
def sample_value(logits, *, rng, **how):
    left = _left(logits, **how)
    return rng.choice(left, p=_softmax(left))


@mistake(
    "sample",
    "probabilities-returned",
    "The distribution came back. One token is to be drawn from it.",
)
def sample_probabilities(logits, *, rng, **how):
    return _softmax(_left(logits, **how))


@mistake(
    "sample",
    "noise-before-the-filters",
    "The noise of the draw was added before the filters: they then choose among noisy "
    "logits, and tokens come that they should have removed.",
)
def sample_noise_first(logits, *, rng, **how):
    noisy = _left(logits) + rng.gumbel(size=len(logits))
    if how.get("temperature") == 0:
        return int(np.argmax(_left(logits, **how)))
    return int(np.argmax(_left(noisy, **how)))


@mistake(
    "sample",
    "gumbel-sign",
    "The noise is not Gumbel noise: a minus sign or a logarithm is missing, or another "
    "distribution was taken. The largest of noisy scores is a draw from the softmax "
    "with Gumbel noise alone; here the shares are wrong.",
)
def sample_gumbel_wrong_sign(logits, *, rng, **how):
    u = rng.random(len(logits))
    return int(np.argmax(_left(logits, **how) + np.log(-np.log(u))))


@mistake("sample", "gumbel-sign")
def sample_normal_noise(logits, *, rng, **how):
    return int(np.argmax(_left(logits, **how) + rng.normal(size=len(logits))))


@mistake("sample", "gumbel-sign")
def sample_uniform_noise(logits, *, rng, **how):
    return int(np.argmax(_left(logits, **how) + rng.random(len(logits))))


@mistake(
    "sample",
    "cdf-off-by-one",
    "The token beside the right one came: the search in the running sums is off by one "
    "place.",
)
def sample_cdf_one_before(logits, *, rng, **how):
    sums = np.cumsum(_softmax(_left(logits, **how)))
    return max(int(np.searchsorted(sums, rng.random())) - 1, 0)


@mistake("sample", "cdf-off-by-one")
def sample_cdf_one_after(logits, *, rng, **how):
    sums = np.cumsum(_softmax(_left(logits, **how)))
    return min(int(np.searchsorted(sums, rng.random())) + 1, len(sums) - 1)


@mistake(
    "sample",
    "probabilities-mistaken-for-sums",
    "A uniform number was compared with each probability on its own. It is the running "
    "sum of the probabilities that has to pass it.",
)
def sample_first_probability_above(logits, *, rng, **how):
    probs = _softmax(_left(logits, **how))
    return int(np.argmax(probs > rng.random()))


@mistake(
    "sample",
    "one-draw-per-token",
    "A new uniform number was drawn for every token on the way. One number is compared "
    "with the running sum; else the first tokens come too seldom or too often.",
)
def sample_new_number_for_each(logits, *, rng, **how):
    left = _left(logits, **how)
    mass = 0.0
    for token, prob in enumerate(_softmax(left)):
        mass += prob
        if rng.random() < mass:
            return token
    return len(left) - 1
