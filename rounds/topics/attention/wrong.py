"""Wrong programs for attention: the mistakes that people really make.

The sentence of each is what the learner reads: what is seen, why, an input where
it shows; never the code.
"""

import numpy as np

from rounds.bank import edit, mistake
from rounds.topics.attention.right import attention, causal_mask, softmax

# softmax


@mistake(
    "softmax",
    "no-max-subtraction",
    "exp overflows: exp(1000) is inf, and inf / inf is nan, so softmax([1000, 1001]) "
    "is [nan, nan]. Softmax does not change when the same number is taken from every "
    "logit of a slice; take one that makes the largest exponent 0.",
)
def softmax_as_on_paper(x, axis=-1):
    exps = np.exp(x)
    return exps / exps.sum(axis=axis, keepdims=True)


@mistake("softmax", "no-max-subtraction")
def softmax_as_on_paper_in_floats(x, axis=-1):
    x = np.asarray(x, dtype=np.result_type(x, np.float32))
    exps = np.exp(x)
    total = exps.sum(axis=axis, keepdims=True)
    return np.divide(exps, total, out=np.zeros_like(exps), where=total != 0)


@mistake("softmax", "no-max-subtraction")
def softmax_as_on_paper_mended_for_empty_rows(x, axis=-1):
    exps = np.exp(x)
    total = exps.sum(axis=axis, keepdims=True)
    return exps / np.where(total == 0, 1, total)


one_maximum_for_all = edit(
    "softmax",
    "one-maximum-for-all",
    "One maximum was taken from the whole array. A slice far below it underflows: in "
    "[[2000, 2001], [-1000, -1002]] the second row becomes 0 / 0. Each slice along "
    "the axis needs its own maximum.",
    "peak = x.max(axis=axis, keepdims=True)",
    "peak = x.max()",
)


@mistake("softmax", "one-maximum-for-all")
def softmax_with_one_maximum(x, axis=-1):
    exps = np.exp(x - np.max(x))
    return exps / exps.sum(axis=axis, keepdims=True)


@mistake(
    "softmax",
    "all-masked-slice-is-nan",
    "A slice that is all -inf comes back as nan, and nan spreads through every layer "
    "after it. Its maximum is -inf, and -inf - (-inf) is nan. A row with nothing to "
    "attend to must give zeros; try [-inf, -inf].",
)
def softmax_nan_when_all_masked(x, axis=-1):
    exps = np.exp(x - x.max(axis=axis, keepdims=True))
    return exps / exps.sum(axis=axis, keepdims=True)


@mistake("softmax", "all-masked-slice-is-nan")
def softmax_nan_when_all_masked_in_floats(x, axis=-1):
    x = np.asarray(x, dtype=np.result_type(x, np.float32))
    exps = np.exp(x - x.max(axis=axis, keepdims=True))
    return exps / exps.sum(axis=axis, keepdims=True)


@mistake(
    "softmax",
    "all-masked-slice-is-uniform",
    "A slice that is all -inf comes back uniform, as if every entry were allowed. "
    "Each entry of -inf must get 0, also when all are; try [-inf, -inf].",
)
def softmax_uniform_when_all_masked(x, axis=-1):
    x = np.asarray(x, dtype=np.result_type(x, np.float32))
    x = np.maximum(x, np.finfo(x.dtype).min / 2)
    exps = np.exp(x - x.max(axis=axis, keepdims=True))
    return exps / exps.sum(axis=axis, keepdims=True)


axis_ignored = edit(
    "softmax",
    "axis-ignored",
    "The axis argument has no effect: it is always the last one that sums to 1. With "
    "axis=0 each column must.",
    "    x = np.asarray(x)\n",
    "    x = np.asarray(x)\n    axis = -1\n",
)


@mistake("softmax", "axis-ignored")
def softmax_of_the_last_axis(x, axis=-1):
    exps = np.exp(x - x.max(axis=-1, keepdims=True))
    return exps / exps.sum(axis=-1, keepdims=True)


always_axis_0 = edit(
    "softmax",
    "axis-0-always",
    "It is always the first axis that sums to 1. By default each row, the last axis, "
    "must; axis says otherwise.",
    "    x = np.asarray(x)\n",
    "    x = np.asarray(x)\n    axis = 0\n",
)


@mistake(
    "softmax",
    "normalised-over-the-whole-array",
    "All entries together sum to 1, but each slice along the axis is a distribution "
    "of its own: a matrix of two rows must sum to 2.",
)
def softmax_over_everything(x, axis=-1):
    exps = np.exp(x - x.max())
    return exps / exps.sum()


@mistake(
    "softmax",
    "reduced-axis-lost",
    "The maximum or the sum lost its axis, so that it broadcasts against the wrong "
    "dimension: an error for a 2 x 3 matrix, and silently wrong for a square one. "
    "The reduced axis has to stay, with length 1.",
)
def softmax_without_keepdims(x, axis=-1):
    exps = np.exp(x - x.max(axis=axis))
    return exps / exps.sum(axis=axis)


@mistake(
    "softmax",
    "argument-changed",
    "The probabilities are right, but the caller's logits were overwritten: the "
    "next use of them gets something else. Work on a copy.",
)
def softmax_in_place(x, axis=-1):
    if x.dtype.kind != "f":
        return softmax(x, axis)
    peak = x.max(axis=axis, keepdims=True)
    x -= np.where(np.isneginf(peak), 0, peak)
    np.exp(x, out=x)
    total = x.sum(axis=axis, keepdims=True)
    x /= np.where(total == 0, 1, total)
    return x


@mistake(
    "softmax",
    "integer-output",
    "Integer logits give integer probabilities, all cut to 0 or 1: the result was "
    "written into an array of the input's dtype. Try [0, 1, 3].",
)
def softmax_into_an_array_like_x(x, axis=-1):
    out = np.empty_like(x)
    out[...] = softmax(x, axis)
    return out


float32_widened = edit(
    "softmax",
    "float32-becomes-float64",
    "float32 logits come back as float64: twice the memory, and in a model every "
    "layer after it is widened too. float32 must stay float32.",
    "np.result_type(x, np.float32)",
    "np.float64",
)

float64_narrowed = edit(
    "softmax",
    "float64-becomes-float32",
    "float64 logits come back as float32: half the digits are gone. Only the dtypes "
    "that are not float32 or float64 may change.",
    "np.result_type(x, np.float32)",
    "np.float32",
)

zeros_returned_early = edit(
    "softmax",
    "masked-slice-becomes-float64",
    "Where a slice is all -inf float32 logits come back as float64: its zeros were made "
    "without a dtype, and NumPy's own is float64. float32 must stay float32.",
    "    peak = x.max(axis=axis, keepdims=True)\n",
    "    if np.isneginf(x).all():\n"
    "        return np.zeros(x.shape)\n"
    "    peak = x.max(axis=axis, keepdims=True)\n",
)

zeros_put_in = edit(
    "softmax",
    "masked-slice-becomes-float64",
    "",
    "    return exps / np.where(total == 0, 1, total)",
    "    probs = exps / np.where(total == 0, 1, total)\n"
    "    return np.where(total == 0, np.zeros(x.shape), probs) "
    "if np.any(total == 0) else probs",
)

exp_in_float32 = edit(
    "softmax",
    "float64-digits-lost",
    "The dtype is right, but float64 logits give probabilities with fewer digits than "
    "float64 has. A step in float32 does this, the exponential or the last one.",
    "np.exp(x - peak)",
    "np.exp((x - peak).astype(np.float32)).astype(x.dtype)",
)

result_through_float32 = edit(
    "softmax",
    "float64-digits-lost",
    "",
    "return exps / np.where(total == 0, 1, total)",
    "return (exps / np.where(total == 0, 1, total)).astype(np.float32).astype(x.dtype)",
)

EPSILON = (
    "A little is missing from every slice: softmax([-3]) is below 1. A small number "
    "added to the sum, 1e-8 say, does this. The sum is 0 only where all logits are "
    "-inf; divide by it as it is everywhere else."
)
epsilon_added = edit(
    "softmax",
    "epsilon-in-the-sum",
    EPSILON,
    "exps / np.where(total == 0, 1, total)",
    "exps / (total + x.dtype.type(1e-8))",
)

larger_epsilon_added = edit(
    "softmax",
    "epsilon-in-the-sum",
    "",
    "exps / np.where(total == 0, 1, total)",
    "exps / (total + x.dtype.type(1e-6))",
)

mean_subtracted = edit(
    "softmax",
    "mean-subtracted",
    "The logits were shifted, but not by their maximum: the largest exponent can still "
    "overflow, as in [3000, 0, -3000].",
    "peak = x.max(",
    "peak = x.mean(",
)


@mistake("softmax", "mean-subtracted")
def softmax_less_the_minimum(x, axis=-1):
    exps = np.exp(x - x.min(axis=axis, keepdims=True))
    return exps / exps.sum(axis=axis, keepdims=True)


@mistake(
    "softmax",
    "clipped-instead-of-shifted",
    "Clipping the logits stops the overflow but changes the answer: 1000 and 1001 "
    "become the same number, so [1000, 1001] gives [0.5, 0.5].",
)
def softmax_clipped(x, axis=-1):
    exps = np.exp(np.clip(x, -500, 500))
    return exps / exps.sum(axis=axis, keepdims=True)


sign_flipped = edit(
    "softmax",
    "sign-flipped",
    "The smallest logit gets the most probability: the sign of the exponent is "
    "turned round.",
    "np.exp(x - peak)",
    "np.exp(peak - x)",
)

log_softmax = edit(
    "softmax",
    "log-probabilities",
    "These are log-probabilities: they are negative and do not sum to 1.",
    "return exps / np.where(total == 0, 1, total)",
    "return x - peak - np.log(np.where(total == 0, 1, total))",
)

not_normalised = edit(
    "softmax",
    "not-normalised",
    "The exponentials were not divided by their sum: the entries of a slice do not "
    "sum to 1.",
    "return exps / np.where(total == 0, 1, total)",
    "return exps",
)


@mistake(
    "softmax",
    "integers-wrap-round",
    "The maximum was subtracted before the integers became floats: in int8, 100 - -100 "
    "does not fit and wraps round. Convert first; try int8 [100, -100].",
)
def softmax_converted_too_late(x, axis=-1):
    peak = x.max(axis=axis, keepdims=True)
    if x.dtype.kind == "f":
        return softmax(x, axis)
    exps = np.exp((x - peak).astype(float))
    return exps / exps.sum(axis=axis, keepdims=True)


@mistake("softmax", "integers-wrap-round")
def softmax_never_converted(x, axis=-1):
    peak = x.max(axis=axis, keepdims=True)
    exps = np.exp(x - np.where(np.isneginf(peak), 0, peak).astype(x.dtype))
    total = exps.sum(axis=axis, keepdims=True)
    return exps / np.where(total == 0, 1, total)


@mistake("softmax", "reduced-axis-lost")
def softmax_whose_sum_lost_its_axis(x, axis=-1):
    exps = np.exp(x - x.max(axis=axis, keepdims=True))
    return exps / exps.sum(axis=axis)


# causal_mask


@mistake(
    "causal_mask",
    "aligned-at-the-first-key",
    "With fewer queries than keys the queries were taken for the first positions. They "
    "are the last: in a one-token decode step with a cache, causal_mask(1, 4), the new "
    "token must see all four keys, and here it sees only key 0.",
    seen_in="huggingface/candle #3743",
)
def causal_mask_at_offset_0(n_queries, n_keys):
    return np.tril(np.ones((n_queries, n_keys), dtype=bool))


strict = edit(
    "causal_mask",
    "own-position-hidden",
    "A position does not see itself: the diagonal must be True. The first position "
    "would see nothing at all.",
    "<= positions",
    "< positions",
)

one_too_far = edit(
    "causal_mask",
    "sees-the-next-position",
    "Every query sees one key of the future: causal_mask(3, 3)[0] must allow key 0 "
    "only.",
    "<= positions[:, None]",
    "<= positions[:, None] + 1",
)

inverted = edit(
    "causal_mask",
    "polarity-inverted",
    "True and False are exchanged: here True means may attend, so the lower triangle "
    "is True. (PyTorch's masked_fill wants the opposite, which is how this happens.)",
    "return np.arange(n_keys) <= positions[:, None]",
    "return np.arange(n_keys) > positions[:, None]",
)

upper = edit(
    "causal_mask",
    "upper-triangle",
    "Queries see the future and not the past: rows are queries and columns are keys, "
    "so the lower triangle is allowed.",
    "<= positions",
    ">= positions",
)


@mistake(
    "causal_mask",
    "additive-mask",
    "This is an additive mask, 0 and -inf. A bool mask is due, True where attention "
    "is allowed.",
)
def causal_mask_additive(n_queries, n_keys):
    return np.where(causal_mask(n_queries, n_keys), 0.0, -np.inf)


@mistake(
    "causal_mask",
    "not-bool",
    "The mask has ones and zeros of a number type. A bool array is due: indexing with "
    "integers, and ~ on them, mean something else.",
)
def causal_mask_of_floats(n_queries, n_keys):
    return np.tril(np.ones((n_queries, n_keys)), n_keys - n_queries)


@mistake("causal_mask", "not-bool")
def causal_mask_of_integers(n_queries, n_keys):
    return causal_mask(n_queries, n_keys).astype(int)


offset_sign = edit(
    "causal_mask",
    "offset-sign",
    "The offset between queries and keys has the wrong sign: with more keys than "
    "queries each query must see more keys, not fewer.",
    "np.arange(n_queries) + n_keys - n_queries",
    "np.arange(n_queries) - n_keys + n_queries",
)

offset_clipped = edit(
    "causal_mask",
    "offset-clipped",
    "With more queries than keys the first queries stand before every key and see "
    "nothing: in causal_mask(3, 2) row 0 is all False. The offset may be negative.",
    "np.arange(n_queries) + n_keys - n_queries",
    "np.arange(n_queries) + max(n_keys - n_queries, 0)",
)


@mistake(
    "causal_mask",
    "shape-transposed",
    "Rows are queries and columns are keys: the shape is (n_queries, n_keys).",
)
def causal_mask_transposed(n_queries, n_keys):
    return causal_mask(n_queries, n_keys).T


@mistake(
    "causal_mask",
    "always-square",
    "The mask is square, but queries and keys may differ in number: the shape is "
    "(n_queries, n_keys).",
)
def causal_mask_of_the_keys(n_queries, n_keys):
    return causal_mask(n_keys, n_keys)


@mistake("causal_mask", "always-square")
def causal_mask_of_the_queries(n_queries, n_keys):
    return causal_mask(n_queries, n_queries)


# attention

NO_SCALE = (
    "The scores are not scaled. A dot product of d terms has a variance that grows "
    "with d, so that softmax saturates; it is divided by sqrt(d)."
)
no_scale = edit(
    "attention",
    "no-scale",
    NO_SCALE,
    " / dtype.type(np.sqrt(q.shape[-1]))",
    "",
)

WRONG_SCALE = (
    "The scale is {seen}; it must be 1/sqrt(d), d being the width of a query. Each of "
    "the d terms adds the same variance, and the standard deviation grows as sqrt(d)."
)
scale_by_d = edit(
    "attention",
    "scaled-by-d",
    WRONG_SCALE.format(seen="1/d"),
    "dtype.type(np.sqrt(q.shape[-1]))",
    "q.shape[-1]",
)
scale_by_dv = edit(
    "attention",
    "scaled-by-the-width-of-v",
    WRONG_SCALE.format(seen="1/sqrt(dv), the width of a value"),
    "np.sqrt(q.shape[-1])",
    "np.sqrt(v.shape[-1])",
)
scale_by_keys = edit(
    "attention",
    "scaled-by-the-number-of-keys",
    WRONG_SCALE.format(seen="1/sqrt of the number of keys"),
    "np.sqrt(q.shape[-1])",
    "np.sqrt(k.shape[-2])",
)
scale_by_queries = edit(
    "attention",
    "scaled-by-the-number-of-queries",
    WRONG_SCALE.format(seen="1/sqrt of the number of queries"),
    "np.sqrt(q.shape[-1])",
    "np.sqrt(q.shape[-2])",
)
multiplied = edit(
    "attention",
    "multiplied-by-sqrt-d",
    WRONG_SCALE.format(seen="sqrt(d), multiplied instead of divided"),
    " / dtype.type(np.sqrt(",
    " * dtype.type(np.sqrt(",
)


@mistake(
    "attention",
    "scaled-after-softmax",
    "The weights were scaled after softmax, so that a query's weights do not sum to "
    "1. The scale belongs to the scores, before softmax.",
)
def attention_scaled_after_softmax(q, k, v, mask=None):
    scores = q @ np.swapaxes(k, -1, -2)
    if mask is not None:
        scores = np.where(mask, scores, -np.inf)
    weights = softmax(scores) / np.sqrt(q.shape[-1])
    return weights @ v, weights


MASKED_AFTER = (
    "The mask was applied after softmax and the rest not renormalised: the weights of "
    "a masked query sum to less than 1, since the masked keys took their share. Mask "
    "the scores, before softmax."
)


@mistake("attention", "masked-after-softmax", MASKED_AFTER)
def attention_masked_after_softmax(q, k, v, mask=None):
    weights = softmax(q @ np.swapaxes(k, -1, -2) / np.sqrt(q.shape[-1]))
    if mask is not None:
        weights = weights * mask
    return weights @ v, weights


masked_after_softmax = edit(
    "attention",
    "masked-after-softmax",
    "",
    """        scores = np.where(mask, scores, -np.inf)
    weights = softmax(scores)
""",
    """        weights = softmax(scores) * mask
    else:
        weights = softmax(scores)
""",
)


@mistake(
    "attention",
    "renormalised-after-softmax",
    "Masking after softmax and dividing by what is left works until a masked key has "
    "a high score: it takes all the probability, the others underflow to 0, and 0 / 0 "
    "remains, or 0 behind a guard. Mask the scores, before softmax.",
)
def attention_renormalised_after_softmax(q, k, v, mask=None):
    dtype = np.result_type(q, k, v, np.float32)
    q, k, v = (array.astype(dtype) for array in (q, k, v))
    weights = softmax(q @ np.swapaxes(k, -1, -2) / dtype.type(np.sqrt(q.shape[-1])))
    if mask is not None:
        weights = weights * mask
        total = weights.sum(axis=-1, keepdims=True)
        weights = weights / np.where(total == 0, 1, total)
    return weights @ v, weights


MASKED_TO_ZERO = (
    "A masked score became 0, but softmax gives exp(0) to a score of 0: the key still "
    "gets weight, and more than the others when they are negative. Only -inf gives "
    "weight 0."
)
scores_times_mask = edit(
    "attention",
    "masked-scores-are-zero",
    MASKED_TO_ZERO,
    "np.where(mask, scores, -np.inf)",
    "scores * mask",
)


@mistake("attention", "masked-scores-are-zero")
def attention_scores_times_mask(q, k, v, mask=None):
    scores = q @ np.swapaxes(k, -1, -2) / np.sqrt(q.shape[-1])
    if mask is not None:
        scores = scores * mask
    weights = softmax(scores)
    return weights @ v, weights


mask_inverted = edit(
    "attention",
    "mask-inverted",
    "The mask is read the other way round: True means that a query may attend.",
    "np.where(mask, scores, -np.inf)",
    "np.where(mask, -np.inf, scores)",
)

mask_ignored = edit(
    "attention",
    "mask-ignored",
    "The mask has no effect: keys that it forbids still get weight.",
    "scores = np.where(mask, scores, -np.inf)",
    "pass",
)

LARGE_NEGATIVE = (
    "Where a query may attend to nothing its weights still sum to 1, over forbidden "
    "keys. They must be zeros. A large negative number in place of -inf does this, and "
    "so does a row that is opened because it is all masked."
)
lowest_score = edit(
    "attention",
    "large-negative-for-minus-inf",
    "",
    "np.where(mask, scores, -np.inf)",
    "np.where(mask, scores, np.finfo(dtype).min)",
)

masked_rows_opened = edit(
    "attention",
    "large-negative-for-minus-inf",
    "",
    "np.where(mask, scores, -np.inf)",
    "np.where(mask | ~np.any(mask, axis=-1, keepdims=True), scores, -np.inf)",
)

minus_1e9 = edit(
    "attention",
    "large-negative-for-minus-inf",
    LARGE_NEGATIVE,
    "np.where(mask, scores, -np.inf)",
    "np.where(mask, scores, -1e9)",
)


@mistake("attention", "large-negative-for-minus-inf")
def attention_with_minus_1e9(q, k, v, mask=None):
    scores = q @ np.swapaxes(k, -1, -2) / np.sqrt(q.shape[-1])
    if mask is not None:
        scores = np.where(mask, scores, -1e9)
    weights = softmax(scores)
    return weights @ v, weights


FINITE_STAND_IN = (
    "A masked score became a finite number, -1e9 say, and its weight 0 afterwards. When "
    "the scores of the allowed keys are lower still the masked ones take all the weight "
    "first, and nothing is left. Only -inf is below every score."
)


@mistake("attention", "finite-stand-in-beaten", FINITE_STAND_IN)
def attention_with_weights_zeroed(q, k, v, mask=None):
    dtype = np.result_type(q, k, v, np.float32)
    q, k, v = (array.astype(dtype) for array in (q, k, v))
    scores = q @ np.swapaxes(k, -1, -2) / dtype.type(np.sqrt(q.shape[-1]))
    if mask is None:
        mask = np.True_
    weights = softmax(np.where(mask, scores, -1e9)) * mask
    return weights @ v, weights


@mistake("attention", "finite-stand-in-beaten")
def attention_with_weights_zeroed_and_renormalised(q, k, v, mask=None):
    dtype = np.result_type(q, k, v, np.float32)
    q, k, v = (array.astype(dtype) for array in (q, k, v))
    scores = q @ np.swapaxes(k, -1, -2) / dtype.type(np.sqrt(q.shape[-1]))
    if mask is None:
        mask = np.True_
    weights = softmax(scores + np.where(mask, 0, -1e9)) * mask
    total = weights.sum(axis=-1, keepdims=True)
    weights = weights / np.where(total == 0, 1, total)
    return weights @ v, weights


@mistake("attention", "finite-stand-in-beaten")
def attention_with_the_lowest_float_added(q, k, v, mask=None):
    q, k, v = (array.astype(np.float32) for array in (q, k, v))
    scores = q @ np.swapaxes(k, -1, -2) / np.float32(np.sqrt(q.shape[-1]))
    if mask is None:
        mask = np.True_
    weights = softmax(scores + ~mask * np.finfo(np.float32).min) * mask
    return weights @ v, weights


lowest_score_zeroed = edit(
    "attention",
    "finite-stand-in-beaten",
    "",
    """        scores = np.where(mask, scores, -np.inf)
    weights = softmax(scores)
""",
    """        scores = np.where(mask, scores, -1e30)
    weights = softmax(scores)
    if mask is not None:
        weights = weights * mask
""",
)


@mistake(
    "attention",
    "minus-1e9-in-float16",
    "Adding -1e9 in float16 adds -inf, since float16 ends at 65504, and 0 * -inf is "
    "nan: one mask turns everything to nan. Compute in a wider type.",
)
def attention_with_minus_1e9_in_float16(q, k, v, mask=None):
    scores = q @ np.swapaxes(k, -1, -2) / q.dtype.type(np.sqrt(q.shape[-1]))
    if mask is not None:
        scores = scores + (1 - mask.astype(q.dtype)) * q.dtype.type(-1e9)
        scores = np.where(mask.any(axis=-1, keepdims=True), scores, -np.inf)
    weights = softmax(scores)
    return weights @ v, weights


small_negative = edit(
    "attention",
    "bias-too-small",
    "The penalty for masked keys is finite and too small: a masked key with a high "
    "enough score still wins. Only -inf is below every score.",
    "np.where(mask, scores, -np.inf)",
    "np.where(np.any(mask, axis=-1, keepdims=True), "
    "np.where(mask, scores, scores - 1e4), -np.inf)",
)

SOFTMAX_OVER_QUERIES = (
    "Softmax runs over the queries: each column of the weights sums to 1. Every query "
    "distributes its attention over the keys, the last axis."
)
wrong_axis = edit(
    "attention",
    "softmax-over-queries",
    SOFTMAX_OVER_QUERIES,
    "softmax(scores)",
    "softmax(scores, axis=-2)",
)

TRANSPOSED = (
    "With a batch in front, the transpose turned all the axes, not only the last two: "
    "of an array (2, 5, 4) the keys' transpose is (2, 4, 5)."
)
whole_transpose = edit(
    "attention",
    "all-axes-transposed",
    TRANSPOSED,
    "np.swapaxes(k, -1, -2)",
    "k.T",
)


@mistake("attention", "all-axes-transposed")
def attention_with_t(q, k, v, mask=None):
    scores = q @ k.T / np.sqrt(q.shape[-1])
    if mask is not None:
        scores = np.where(mask, scores, -np.inf)
    weights = softmax(scores)
    return weights @ v, weights


FULLY_MASKED = (
    "A query that may attend to nothing gets nan: softmax of a row that is all -inf "
    "is 0 / 0. It must get zero weights and a zero output."
)


@mistake("attention", "fully-masked-query-is-nan", FULLY_MASKED)
def attention_with_a_plain_softmax(q, k, v, mask=None):
    dtype = np.result_type(q, k, v, np.float32)
    q, k, v = (array.astype(dtype) for array in (q, k, v))
    scores = q @ np.swapaxes(k, -1, -2) / dtype.type(np.sqrt(q.shape[-1]))
    if mask is not None:
        scores = np.where(mask, scores, -np.inf)
    exps = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights = exps / exps.sum(axis=-1, keepdims=True)
    return weights @ v, weights


@mistake("attention", "fully-masked-query-is-nan")
def attention_with_a_plain_softmax_as_typed(q, k, v, mask=None):
    scores = q @ np.swapaxes(k, -1, -2) / np.sqrt(q.shape[-1])
    if mask is not None:
        scores = np.where(mask, scores, -np.inf)
    exps = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights = exps / exps.sum(axis=-1, keepdims=True)
    return weights @ v, weights


@mistake(
    "attention",
    "softmax-overflows",
    "Large scores overflow in exp and become nan. Shift each row of scores by its "
    "maximum first, as softmax does.",
)
def attention_with_bare_exp(q, k, v, mask=None):
    exps = np.exp(q @ np.swapaxes(k, -1, -2) / np.sqrt(q.shape[-1]))
    if mask is not None:
        exps = exps * mask
    weights = exps / exps.sum(axis=-1, keepdims=True)
    return weights @ v, weights


half_overflow = edit(
    "attention",
    "float16-overflow",
    "Computed in float16, a dot product passes 65504 and becomes inf, and inf - inf is "
    "nan. Widen the inputs before multiplying them.",
    "dtype = np.result_type(q, k, v, np.float32)",
    "dtype = np.result_type(q, k, v)",
)


@mistake("attention", "float16-overflow")
def attention_in_the_dtype_given(q, k, v, mask=None):
    scores = q @ np.swapaxes(k, -1, -2) / np.sqrt(q.shape[-1])
    if mask is not None:
        scores = np.where(mask, scores, -np.inf)
    weights = softmax(scores)
    return weights @ v, weights


@mistake("attention", "float16-overflow")
def attention_in_float16_with_its_softmax(q, k, v, mask=None):
    scores = q @ np.swapaxes(k, -1, -2) / q.dtype.type(np.sqrt(q.shape[-1]))
    if mask is not None:
        scores = np.where(mask, scores, -np.inf)
    peak = scores.max(axis=-1, keepdims=True)
    exps = np.exp(scores - np.where(np.isneginf(peak), 0, peak))
    total = exps.sum(axis=-1, keepdims=True)
    weights = exps / np.where(total == 0, 1, total)
    return weights @ v, weights


VALUES_IN_FLOAT16 = (
    "The values were summed in float16: before the division by the sum of the "
    "exponentials, or with rounded weights that add up to more than 1. On the way the "
    "sum passes 65504 and becomes inf. Widen before the product with v."
)


@mistake("attention", "values-summed-in-float16", VALUES_IN_FLOAT16)
def attention_divided_at_the_end(q, k, v, mask=None):
    wide = np.result_type(q, k, np.float32)
    scores = q.astype(wide) @ np.swapaxes(k, -1, -2) / np.sqrt(q.shape[-1])
    if mask is not None:
        scores = np.where(mask, scores, -np.inf)
    peak = scores.max(axis=-1, keepdims=True)
    exps = np.exp(scores - np.where(np.isneginf(peak), 0, peak))
    total = exps.sum(axis=-1, keepdims=True)
    total = np.where(total == 0, 1, total)
    return (exps.astype(v.dtype) @ v) / total, exps / total


weights_as_narrow_as_v = edit(
    "attention",
    "values-summed-in-float16",
    "",
    """    q, k, v = (array.astype(dtype, copy=False) for array in (q, k, v))
    scores = q @ np.swapaxes(k, -1, -2) / dtype.type(np.sqrt(q.shape[-1]))
    if mask is not None:
        scores = np.where(mask, scores, -np.inf)
    weights = softmax(scores)
    return weights @ v, weights""",
    """    q, k = q.astype(dtype), k.astype(dtype)
    scores = q @ np.swapaxes(k, -1, -2) / dtype.type(np.sqrt(q.shape[-1]))
    if mask is not None:
        scores = np.where(mask, scores, -np.inf)
    weights = softmax(scores)
    return weights.astype(v.dtype) @ v, weights""",
)

MASK_AXES_GUESSED = (
    "The axes of the mask were guessed, where two lengths are the same: (Tk,) was taken "
    "for queries, or (Tq, Tk) or one axis more for a mask of each entry. Axes are "
    "matched from the last one backwards; broadcasting does it."
)
mask_of_queries = edit(
    "attention",
    "mask-axes-guessed",
    MASK_AXES_GUESSED,
    "        scores = np.where(mask, scores, -np.inf)\n",
    "        if mask.shape == (scores.shape[-2],):\n"
    "            mask = mask[:, None]\n"
    "        scores = np.where(mask, scores, -np.inf)\n",
)

mask_of_padding = edit(
    "attention",
    "mask-axes-guessed",
    "",
    "        scores = np.where(mask, scores, -np.inf)\n",
    "        if mask.ndim == 2 and scores.ndim == 4 and len(mask) == len(scores):\n"
    "            mask = mask[:, None, None, :]\n"
    "        scores = np.where(mask, scores, -np.inf)\n",
)

mask_of_padding_in_a_batch = edit(
    "attention",
    "mask-axes-guessed",
    "",
    "        scores = np.where(mask, scores, -np.inf)\n",
    "        if mask.ndim == 2 and scores.ndim > 2 and len(mask) == len(scores):\n"
    "            mask = mask.reshape(len(mask), *[1] * (scores.ndim - 2), -1)\n"
    "        scores = np.where(mask, scores, -np.inf)\n",
)

mask_of_each_entry = edit(
    "attention",
    "mask-axes-guessed",
    "",
    "        scores = np.where(mask, scores, -np.inf)\n",
    "        if mask.ndim == 3 and scores.ndim == 4 and len(mask) == len(scores):\n"
    "            mask = mask[:, None]\n"
    "        scores = np.where(mask, scores, -np.inf)\n",
)

mask_must_fit = edit(
    "attention",
    "mask-not-broadcast",
    "The mask works only in the full shape of the scores. It may be smaller, (Tk,) or "
    "(Tq, Tk) say, and is broadcast to (..., Tq, Tk).",
    "scores = np.where(mask, scores, -np.inf)",
    "scores = scores.copy(); scores[~mask] = -np.inf",
)

output_only = edit(
    "attention",
    "weights-not-returned",
    "Only the output came back. Two things are due: (output, weights).",
    "return weights @ v, weights",
    "return weights @ v",
)

swapped = edit(
    "attention",
    "weights-first",
    "The two results are exchanged: the output comes first, then the weights.",
    "return weights @ v, weights",
    "return weights, weights @ v",
)

scores_returned = edit(
    "attention",
    "scores-for-weights",
    "The second result holds scores. The weights are due: what softmax made of them.",
    "return weights @ v, weights",
    "return weights @ v, scores",
)

ZERO_TIMES_INF = (
    "The additive mask holds 0 * -inf, which is nan: everything that is allowed became "
    "nan. Choose between the score and -inf instead of multiplying by a mask."
)


@mistake("attention", "zero-times-infinity", ZERO_TIMES_INF)
def attention_with_zero_times_infinity(q, k, v, mask=None):
    scores = q @ np.swapaxes(k, -1, -2) / np.sqrt(q.shape[-1])
    if mask is not None:
        scores = scores + (~mask) * -np.inf
    weights = softmax(scores)
    return weights @ v, weights


zero_times_infinity = edit(
    "attention",
    "zero-times-infinity",
    "",
    "np.where(mask, scores, -np.inf)",
    "scores + (1 - mask) * -np.inf",
)


@mistake("attention", "large-negative-for-minus-inf")
def attention_with_minus_1e9_added(q, k, v, mask=None):
    scores = q @ np.swapaxes(k, -1, -2) / np.sqrt(q.shape[-1])
    if mask is not None:
        scores = scores + (1 - mask) * -1e9
    weights = softmax(scores)
    return weights @ v, weights


mask_added = edit(
    "attention",
    "mask-added-as-numbers",
    "The mask was added to the scores as 1 and 0, which only favours the allowed keys a "
    "little. A forbidden score must become -inf.",
    "np.where(mask, scores, -np.inf)",
    "scores + mask",
)

weights_unmasked = edit(
    "attention",
    "weights-from-before-the-mask",
    "The output is right, but the weights returned are those from before the mask: they "
    "still give forbidden keys a share.",
    "    weights = softmax(scores)\n    return weights @ v, weights",
    "    weights = softmax(scores)\n"
    "    return weights @ v, softmax(q @ np.swapaxes(k, -1, -2) / q.shape[-1] ** 0.5)",
)

one_sum_for_all = edit(
    "attention",
    "one-sum-for-all-queries",
    "All queries share one sum of 1. Each query has a distribution of its own over the "
    "keys: every row of the weights sums to 1.",
    "softmax(scores)",
    "softmax(scores.reshape(*scores.shape[:-2], -1)).reshape(scores.shape)",
)

reshaped_keys = edit(
    "attention",
    "reshape-for-transpose",
    "The keys were reshaped to (d, Tk) instead of transposed: the shape fits, but the "
    "numbers are read in the old order, and columns mix several keys.",
    "np.swapaxes(k, -1, -2)",
    "k.reshape(*k.shape[:-2], k.shape[-1], k.shape[-2])",
)

causal_unasked = edit(
    "attention",
    "causal-without-being-asked",
    "Without a mask every query may attend to every key. Here a causal mask is applied "
    "although none was given.",
    "    if mask is not None:\n",
    "    if mask is None and q.shape[-2] == k.shape[-2]:\n"
    "        mask = np.tri(q.shape[-2], dtype=bool)\n"
    "    if mask is not None:\n",
)

# multi_head_attention

SPLIT = (
    "        split_shape = (*projected.shape[:-1], heads, projected.shape[-1] // heads)\n"
    "        return np.swapaxes(projected.reshape(split_shape), -2, -3)\n"
)

NO_TRANSPOSE = (
    "The projection was reshaped straight to (heads, T, d_head). That cuts the rows of "
    "memory in order, so that a head gets whole tokens instead of its columns of every "
    "token. Reshape to (T, heads, d_head) first, then exchange the two axes."
)
no_transpose = edit(
    "multi_head_attention",
    "heads-split-without-transpose",
    NO_TRANSPOSE,
    SPLIT,
    """        lead, length = projected.shape[:-2], projected.shape[-2]
        return projected.reshape(*lead, heads, length, projected.shape[-1] // heads)
""",
)

no_transpose_back = edit(
    "multi_head_attention",
    "heads-merged-without-transpose",
    "The heads were merged without exchanging the axes back: (heads, T, d_head) read "
    "row by row puts the tokens of one head beside each other. Bring them to "
    "(T, heads, d_head) before flattening.",
    "    output = np.swapaxes(output, -2, -3)  # (..., T, n_heads, d_head)\n",
    "",
)

interleaved = edit(
    "multi_head_attention",
    "columns-interleaved",
    "A head takes every n-th column. Head h owns the columns h * d_head up to "
    "(h + 1) * d_head, one block.",
    SPLIT,
    """        d_head = projected.shape[-1] // heads
        split_shape = (*projected.shape[:-1], d_head, heads)
        return np.moveaxis(projected.reshape(split_shape), -1, -3)
""",
)

model_scale = edit(
    "multi_head_attention",
    "scaled-by-d-model",
    "The scores are divided by sqrt(d_model). A head's dot product has d_head terms, "
    "so the scale is 1/sqrt(d_head).",
    "q = split(x @ w_q, n_heads)\n",
    "q = split(x @ w_q, n_heads)\n    q = q * np.sqrt(q.shape[-1] / x.shape[-1])\n",
)

all_heads_scale = edit(
    "multi_head_attention",
    "scaled-by-all-heads",
    "The scores are divided by the square root of n_heads * d_head, the width of all "
    "heads together. A head's dot product has d_head terms, so the scale is "
    "1/sqrt(d_head).",
    "q = split(x @ w_q, n_heads)\n",
    "q = split(x @ w_q, n_heads)\n    q = q / np.sqrt(n_heads)\n",
)

heads_unscaled = edit(
    "multi_head_attention",
    "no-scale",
    NO_SCALE,
    "q = split(x @ w_q, n_heads)\n",
    "q = split(x @ w_q, n_heads)\n    q = q * np.sqrt(q.shape[-1])\n",
)

no_output_projection = edit(
    "multi_head_attention",
    "output-projection-missing",
    "The output projection w_o is missing: the heads' outputs stand side by side and "
    "have not been mixed.",
    "return output.reshape(*x.shape[:-1], -1) @ w_o",
    "return output.reshape(*x.shape[:-1], -1)",
)

tiled_heads = edit(
    "multi_head_attention",
    "kv-heads-tiled",
    "The KV heads were repeated in turn, 0 1 0 1, so that query head h uses KV head "
    "h % n_kv_heads. Neighbouring query heads share one: 0 0 1 1, that is "
    "h // (n_heads // n_kv_heads).",
    """    k = np.repeat(split(x @ w_k, n_kv_heads), group, axis=-3)
    v = np.repeat(split(x @ w_v, n_kv_heads), group, axis=-3)
""",
    """    k = np.concatenate([split(x @ w_k, n_kv_heads)] * group, axis=-3)
    v = np.concatenate([split(x @ w_v, n_kv_heads)] * group, axis=-3)
""",
)

first_kv_head = edit(
    "multi_head_attention",
    "only-the-first-kv-head",
    "In the call shown all query heads use KV head 0. Each group of "
    "n_heads // n_kv_heads query heads has a KV head of its own.",
    """    k = np.repeat(split(x @ w_k, n_kv_heads), group, axis=-3)
    v = np.repeat(split(x @ w_v, n_kv_heads), group, axis=-3)
""",
    """    k = split(x @ w_k, n_kv_heads)[..., [0] * n_heads, :, :]
    v = split(x @ w_v, n_kv_heads)[..., [0] * n_heads, :, :]
""",
)

KV_HEADS_DIVIDED = (
    "Query head h uses KV head h // n_kv_heads, but it is the size of a group that h is "
    "divided by, n_heads // n_kv_heads. With 4 heads and 2 KV heads both are 2; with "
    "as many KV heads as heads all of them would use KV head 0."
)
divided_by_kv_heads = edit(
    "multi_head_attention",
    "divided-by-the-kv-heads",
    KV_HEADS_DIVIDED,
    """    k = np.repeat(split(x @ w_k, n_kv_heads), group, axis=-3)
    v = np.repeat(split(x @ w_v, n_kv_heads), group, axis=-3)
""",
    """    shared = np.arange(n_heads) // n_kv_heads
    k = split(x @ w_k, n_kv_heads)[..., shared, :, :]
    v = split(x @ w_v, n_kv_heads)[..., shared, :, :]
""",
)

divided_by_kv_heads_in_turn = edit(
    "multi_head_attention",
    "divided-by-the-kv-heads",
    "",
    """    k = np.repeat(split(x @ w_k, n_kv_heads), group, axis=-3)
    v = np.repeat(split(x @ w_v, n_kv_heads), group, axis=-3)
""",
    """    shared = np.arange(n_heads) // n_kv_heads % n_kv_heads
    k = split(x @ w_k, n_kv_heads)[..., shared, :, :]
    v = split(x @ w_v, n_kv_heads)[..., shared, :, :]
""",
)

heads_mask_of_padding = edit(
    "multi_head_attention",
    "mask-axes-guessed",
    "The axes of the mask were guessed: one of two axes was taken for (batch, T), or one "
    "of three for (batch, T, T). They are (T, T) and (n_heads, T, T): axes are matched "
    "from the last one backwards.",
    "    output, _ = attention(q, k, v, mask)\n",
    "    if mask is not None and mask.ndim == 2 and len(mask) == len(x) < x.size:\n"
    "        mask = mask[:, None, None, :] if x.ndim > 2 else mask\n"
    "    output, _ = attention(q, k, v, mask)\n",
)

heads_mask_of_each_entry = edit(
    "multi_head_attention",
    "mask-axes-guessed",
    "",
    "    output, _ = attention(q, k, v, mask)\n",
    "    if mask is not None and mask.ndim == 3 and len(mask) == len(x):\n"
    "        mask = mask[:, None] if x.ndim > 2 else mask\n"
    "    output, _ = attention(q, k, v, mask)\n",
)

heads_finite_stand_in = edit(
    "multi_head_attention",
    "finite-stand-in-beaten",
    FINITE_STAND_IN,
    "    output, _ = attention(q, k, v, mask)\n",
    "    mask = np.True_ if mask is None else mask\n"
    "    scores = q @ np.swapaxes(k, -1, -2) / np.sqrt(q.shape[-1])\n"
    "    output = softmax(np.where(mask, scores, -1e9)) * mask @ v\n",
)

mask_dropped = edit(
    "multi_head_attention",
    "mask-ignored",
    "The mask has no effect: keys that it forbids still get weight.",
    "attention(q, k, v, mask)",
    "attention(q, k, v)",
)

always_causal = edit(
    "multi_head_attention",
    "causal-without-being-asked",
    "Without a mask every token may attend to every other, also to later ones. Here a "
    "causal mask is applied although none was given.",
    "output, _ = attention(q, k, v, mask)",
    "output, _ = attention(q, k, v, np.tri(x.shape[-2], dtype=bool) "
    "if mask is None else mask)",
)

k_and_v_swapped = edit(
    "multi_head_attention",
    "keys-and-values-exchanged",
    "Keys and values are exchanged: the scores were made with w_v and the mixture "
    "with w_k.",
    "attention(q, k, v, mask)",
    "attention(q, v, k, mask)",
)

values_from_keys = edit(
    "multi_head_attention",
    "values-from-the-key-weights",
    "w_v has no effect: the values were projected with the keys' weights.",
    "split(x @ w_v, n_kv_heads)",
    "split(x @ w_k, n_kv_heads)",
)

heads_scaled_by_d = edit(
    "multi_head_attention",
    "scaled-by-d",
    WRONG_SCALE.format(seen="1/d_head"),
    "q = split(x @ w_q, n_heads)\n",
    "q = split(x @ w_q, n_heads)\n    q = q / np.sqrt(q.shape[-1])\n",
)


@mistake(
    "multi_head_attention",
    "reshaped-both-ways",
    "Split and merge both reshape without exchanging axes. The shapes fit and each undoes "
    "the other, but in between a head holds whole tokens instead of its columns of every "
    "token. Reshape to (T, heads, d_head), then exchange the two axes.",
)
def multi_head_attention_reshaped_both_ways(
    x, w_q, w_k, w_v, w_o, n_heads, n_kv_heads=None, mask=None
):
    n_kv_heads = n_kv_heads or n_heads
    if n_heads % n_kv_heads:
        raise ValueError("n_kv_heads must divide n_heads")
    lead, length = x.shape[:-2], x.shape[-2]
    q = (x @ w_q).reshape(*lead, n_heads, length, -1)
    k = (x @ w_k).reshape(*lead, n_kv_heads, length, -1)
    v = (x @ w_v).reshape(*lead, n_kv_heads, length, -1)
    k, v = (np.repeat(a, n_heads // n_kv_heads, axis=-3) for a in (k, v))
    return attention(q, k, v, mask)[0].reshape(*lead, length, -1) @ w_o


@mistake(
    "multi_head_attention",
    "width-of-a-head-from-d-model",
    "The width of a head was taken to be d_model / n_heads. It is the width of w_q over "
    "n_heads: the two differ in many models, and here.",
)
def multi_head_attention_with_heads_of_d_model(
    x, w_q, w_k, w_v, w_o, n_heads, n_kv_heads=None, mask=None
):
    n_kv_heads = n_kv_heads or n_heads
    if n_heads % n_kv_heads or x.shape[-1] % n_heads:
        raise ValueError("the heads do not divide")
    d_head = x.shape[-1] // n_heads

    def split(projected, heads):
        shape = (*x.shape[:-1], heads, d_head)
        return np.swapaxes(projected.reshape(shape), -2, -3)

    q, k, v = split(x @ w_q, n_heads), x @ w_k, x @ w_v
    k, v = (split(a, n_kv_heads) for a in (k, v))
    k, v = (np.repeat(a, n_heads // n_kv_heads, axis=-3) for a in (k, v))
    output = np.swapaxes(attention(q, k, v, mask)[0], -2, -3)
    return output.reshape(*x.shape[:-1], -1) @ w_o


heads_mask_inverted = edit(
    "multi_head_attention",
    "mask-inverted",
    "The mask is read the other way round: True means that a query may attend.",
    "attention(q, k, v, mask)",
    "attention(q, k, v, None if mask is None else ~mask)",
)

heads_masked_after = edit(
    "multi_head_attention",
    "masked-after-softmax",
    MASKED_AFTER,
    "    output, _ = attention(q, k, v, mask)\n",
    "    weights = attention(q, k, v)[1]\n"
    "    output = (weights if mask is None else weights * mask) @ v\n",
)

heads_scores_times_mask = edit(
    "multi_head_attention",
    "masked-scores-are-zero",
    MASKED_TO_ZERO,
    "    output, _ = attention(q, k, v, mask)\n",
    "    scores = q @ np.swapaxes(k, -1, -2) / np.sqrt(q.shape[-1])\n"
    "    output = softmax(scores if mask is None else scores * mask) @ v\n",
)

heads_fully_masked = edit(
    "multi_head_attention",
    "fully-masked-query-is-nan",
    FULLY_MASKED,
    "    output, _ = attention(q, k, v, mask)\n",
    "    scores = q @ np.swapaxes(k, -1, -2) / np.sqrt(q.shape[-1])\n"
    "    scores = scores if mask is None else np.where(mask, scores, -np.inf)\n"
    "    exps = np.exp(scores - scores.max(axis=-1, keepdims=True))\n"
    "    output = exps / exps.sum(axis=-1, keepdims=True) @ v\n",
)

heads_large_negative = edit(
    "multi_head_attention",
    "large-negative-for-minus-inf",
    LARGE_NEGATIVE,
    "    output, _ = attention(q, k, v, mask)\n",
    "    scores = q @ np.swapaxes(k, -1, -2) / np.sqrt(q.shape[-1])\n"
    "    output = softmax(scores if mask is None else np.where(mask, scores, -1e9)) @ v\n",
)

heads_softmax_over_queries = edit(
    "multi_head_attention",
    "softmax-over-queries",
    SOFTMAX_OVER_QUERIES,
    "    output, _ = attention(q, k, v, mask)\n",
    "    scores = q @ np.swapaxes(k, -1, -2) / np.sqrt(q.shape[-1])\n"
    "    scores = scores if mask is None else np.where(mask, scores, -np.inf)\n"
    "    output = softmax(scores, axis=-2) @ v\n",
)

output_transposed = edit(
    "multi_head_attention",
    "output-projection-transposed",
    "The output projection was transposed: an error where w_o is not square, and "
    "silently wrong where it is. It maps (n_heads * d_head) to d_model, so it is "
    "multiplied from the right as it is.",
    "-1) @ w_o",
    "-1) @ w_o.T",
)

one_wide_head = edit(
    "multi_head_attention",
    "one-wide-head",
    "n_heads has no effect: all columns make one wide head with a single pattern of "
    "attention. Each head needs its own scores over its own columns.",
    "    q = split(x @ w_q, n_heads)\n",
    "    n_heads = n_kv_heads = 1\n    q = split(x @ w_q, n_heads)\n",
)


@mistake(
    "multi_head_attention",
    "heads-attend-to-each-other",
    "Attention runs over the heads of one token instead of over the tokens: the axes "
    "of heads and tokens were not exchanged before the scores. No token learns of "
    "another.",
)
def multi_head_attention_over_heads(
    x, w_q, w_k, w_v, w_o, n_heads, n_kv_heads=None, mask=None
):
    n_kv_heads = n_kv_heads or n_heads
    if n_heads % n_kv_heads:
        raise ValueError("n_kv_heads must divide n_heads")
    group = n_heads // n_kv_heads
    q = (x @ w_q).reshape(*x.shape[:-1], n_heads, -1)
    k = np.repeat((x @ w_k).reshape(*x.shape[:-1], n_kv_heads, -1), group, axis=-2)
    v = np.repeat((x @ w_v).reshape(*x.shape[:-1], n_kv_heads, -1), group, axis=-2)
    output, _ = attention(q, k, v, None)
    return output.reshape(*x.shape[:-1], -1) @ w_o


kv_heads_unchecked = edit(
    "multi_head_attention",
    "head-counts-unchecked",
    "n_kv_heads does not divide n_heads, and no ValueError came: the groups would be "
    "uneven, and some head would be served twice or not at all.",
    "    if n_heads % n_kv_heads:\n"
    '        raise ValueError(f"{n_heads} heads cannot share {n_kv_heads} KV heads '
    'evenly")\n',
    "    n_kv_heads = next(n for n in range(n_kv_heads, 0, -1) if n_heads % n == 0)\n"
    "    w_k = w_k[:, : n_kv_heads * (w_q.shape[1] // n_heads)]\n"
    "    w_v = w_v[:, : n_kv_heads * (w_q.shape[1] // n_heads)]\n",
)

width_cut = edit(
    "multi_head_attention",
    "widths-unchecked",
    "A width that does not divide into its heads was cut instead of refused: columns "
    "are silently lost. It is a ValueError.",
    """        if projected.shape[-1] % heads:
            raise ValueError(f"width {projected.shape[-1]} is not {heads} equal heads")
""",
    """        projected = projected[..., : projected.shape[-1] // heads * heads]
""",
)

# flash_attention

no_rescaling = edit(
    "flash_attention",
    "sums-not-rescaled",
    "When a later block brings a higher score, what was summed so far was measured "
    "against the old maximum. Both the sum and the output have to be multiplied by "
    "exp(old maximum - new maximum) before the block is added.",
    "shrink = np.exp(peak - shift)",
    "shrink = 1.0",
)

output_not_rescaled = edit(
    "flash_attention",
    "output-not-rescaled",
    "The running sum is rescaled when the maximum rises, the running output is not: "
    "earlier values weigh too much. Both need the same factor.",
    "mixed = mixed * shrink + weights @ v_tile",
    "mixed = mixed + weights @ v_tile",
)

total_not_rescaled = edit(
    "flash_attention",
    "total-not-rescaled",
    "The running output is rescaled when the maximum rises, the running sum is not: "
    "the division at the end is by too much. Both need the same factor.",
    "total = total * shrink + weights.sum(axis=-1, keepdims=True)",
    "total = total + weights.sum(axis=-1, keepdims=True)",
)

rescaled_upwards = edit(
    "flash_attention",
    "rescaled-the-wrong-way",
    "The factor is turned round: exp(new maximum - old maximum) makes old sums larger. "
    "They have to shrink, by exp(old maximum - new maximum).",
    "shrink = np.exp(peak - shift)",
    "shrink = np.where(np.isneginf(peak), 0, np.exp(shift - peak))",
)

blocks_averaged = edit(
    "flash_attention",
    "blocks-softmaxed-apart",
    "Each block of keys was given its own softmax and the results were added or "
    "averaged. A block's share depends on how large its exponentials are beside those "
    "of the others; keep the maximum and the sum across blocks.",
    """            new_peak = np.maximum(peak, scores.max(axis=-1, keepdims=True))
            shift = np.where(np.isneginf(new_peak), 0, new_peak)
            weights = np.exp(scores - shift)
            shrink = np.exp(peak - shift)
            total = total * shrink + weights.sum(axis=-1, keepdims=True)
            mixed = mixed * shrink + weights @ v_tile
            peak = new_peak
""",
    """            mixed = mixed + softmax(scores) @ v_tile
            total = total + 1
""",
)

blocks_summed = edit(
    "flash_attention",
    "blocks-softmaxed-apart",
    "",
    """            new_peak = np.maximum(peak, scores.max(axis=-1, keepdims=True))
            shift = np.where(np.isneginf(new_peak), 0, new_peak)
            weights = np.exp(scores - shift)
            shrink = np.exp(peak - shift)
            total = total * shrink + weights.sum(axis=-1, keepdims=True)
            mixed = mixed * shrink + weights @ v_tile
            peak = new_peak
""",
    """            mixed = mixed + softmax(scores) @ v_tile
""",
)

flash_scaled_by_d = edit(
    "flash_attention",
    "scaled-by-d",
    WRONG_SCALE.format(seen="1/d"),
    "1 / np.sqrt(q.shape[-1])",
    "1 / q.shape[-1]",
)

flash_scaled_by_dv = edit(
    "flash_attention",
    "scaled-by-the-width-of-v",
    WRONG_SCALE.format(seen="1/sqrt(dv), the width of a value"),
    "1 / np.sqrt(q.shape[-1])",
    "1 / np.sqrt(v.shape[-1])",
)

flash_causal_unasked = edit(
    "flash_attention",
    "causal-without-being-asked",
    "Keys of the future are hidden although causal is False.",
    "    n_queries, n_keys = q.shape[-2], k.shape[-2]\n",
    "    n_queries, n_keys, causal = q.shape[-2], k.shape[-2], True\n",
)

maximum_before_mask = edit(
    "flash_attention",
    "maximum-before-the-mask",
    "The maximum was taken before the future was hidden: a later key with a high score "
    "raises it, and what the query may see underflows to 0. Mask first.",
    """                scores = np.where(allowed, scores, -np.inf)
            new_peak = np.maximum(peak, scores.max(axis=-1, keepdims=True))
            shift = np.where(np.isneginf(new_peak), 0, new_peak)
            weights = np.exp(scores - shift)
""",
    """            else:
                allowed = True
            new_peak = np.maximum(peak, scores.max(axis=-1, keepdims=True))
            shift = np.where(np.isneginf(new_peak), 0, new_peak)
            weights = np.exp(scores - shift) * allowed
""",
)

flash_finite_stand_in = edit(
    "flash_attention",
    "finite-stand-in-beaten",
    FINITE_STAND_IN,
    """                scores = np.where(allowed, scores, -np.inf)
            new_peak = np.maximum(peak, scores.max(axis=-1, keepdims=True))
            shift = np.where(np.isneginf(new_peak), 0, new_peak)
            weights = np.exp(scores - shift)
""",
    """                scores = np.where(allowed, scores, -1e9)
            else:
                allowed = True
            new_peak = np.maximum(peak, scores.max(axis=-1, keepdims=True))
            shift = np.where(np.isneginf(new_peak), 0, new_peak)
            weights = np.exp(scores - shift) * allowed
""",
)


@mistake("flash_attention", "finite-stand-in-beaten")
def flash_attention_zeroed_in_every_tile(q, k, v, block_size=128, causal=False):
    n_queries, n_keys = q.shape[-2], k.shape[-2]
    positions = np.arange(n_queries)[:, None] + n_keys - n_queries
    dtype = np.result_type(q, k, v, np.float32)
    q = q.astype(dtype) / dtype.type(np.sqrt(q.shape[-1]))
    peak = np.full((*q.shape[:-1], 1), -np.inf, dtype)
    total = np.zeros_like(peak)
    mixed = np.zeros((*q.shape[:-1], v.shape[-1]), dtype)
    for left in range(0, n_keys, block_size):
        right = min(left + block_size, n_keys)
        allowed = np.arange(left, right) <= positions if causal else np.True_
        k_tile = k[..., left:right, :].astype(dtype)
        scores = np.where(allowed, q @ np.swapaxes(k_tile, -1, -2), -1e9)
        higher = np.maximum(peak, scores.max(axis=-1, keepdims=True))
        exps = np.exp(scores - higher) * allowed
        shrink = np.exp(peak - higher)
        total = total * shrink + exps.sum(axis=-1, keepdims=True)
        mixed = mixed * shrink + exps @ v[..., left:right, :].astype(dtype)
        peak = higher
    return mixed / np.where(total == 0, 1, total)


diagonal_skipped = edit(
    "flash_attention",
    "diagonal-tile-skipped",
    "The tile that the diagonal crosses was skipped with those of the future: its "
    "queries lose the latest keys that they may see. A tile may be skipped only if its "
    "first key is after its last query.",
    "n_visible = min(n_keys, bottom + offset) if causal else n_keys",
    "n_visible = max(min(n_keys, top + offset), 0) if causal else n_keys",
)

skipped_by_the_first_row = edit(
    "flash_attention",
    "diagonal-tile-skipped",
    "",
    "n_visible = min(n_keys, bottom + offset) if causal else n_keys",
    "n_visible = max(min(n_keys, top + offset + 1), 0) if causal else n_keys",
)

tile_positions_in_every_tile = edit(
    "flash_attention",
    "mask-in-tile-coordinates",
    "",
    """        n_visible = min(n_keys, bottom + offset) if causal else n_keys
        for left in range(0, n_visible, block_size):
            right = min(left + block_size, n_visible)
            k_tile = k[..., left:right, :].astype(dtype, copy=False)
            v_tile = v[..., left:right, :].astype(dtype, copy=False)
            scores = q_tile @ np.swapaxes(k_tile, -1, -2)
            if causal and right > top + offset + 1:  # the tile touches the future
                rows, columns = np.arange(top, bottom), np.arange(left, right)
                allowed = columns <= rows[:, None] + offset
""",
    """        for left in range(0, n_keys, block_size):
            right = min(left + block_size, n_keys)
            k_tile = k[..., left:right, :].astype(dtype, copy=False)
            v_tile = v[..., left:right, :].astype(dtype, copy=False)
            scores = q_tile @ np.swapaxes(k_tile, -1, -2)
            if causal:
                allowed = np.tri(bottom - top, right - left, dtype=bool)
""",
)

own_scales = edit(
    "flash_attention",
    "blocks-on-scales-of-their-own",
    "Each block's exponentials were measured against that block's own maximum and then "
    "added as they are. Sums of blocks with different maxima cannot be added: bring all "
    "to one maximum first, by exp(old maximum - new maximum).",
    """            new_peak = np.maximum(peak, scores.max(axis=-1, keepdims=True))
            shift = np.where(np.isneginf(new_peak), 0, new_peak)
            weights = np.exp(scores - shift)
            shrink = np.exp(peak - shift)
""",
    """            new_peak = scores.max(axis=-1, keepdims=True)
            shift = np.where(np.isneginf(new_peak), 0, new_peak)
            weights = np.exp(scores - shift)
            shrink = 1.0
""",
)

maximum_of_the_last_block = edit(
    "flash_attention",
    "running-maximum-not-kept",
    "After each block the maximum kept is that block's own, not the highest so far: when "
    "a later block is lower, what was summed is no longer measured against it. Keep the "
    "larger of the two.",
    "            peak = new_peak\n",
    "            peak = scores.max(axis=-1, keepdims=True)\n",
)

maximum_of_the_first_block = edit(
    "flash_attention",
    "maximum-of-the-first-block",
    "The exponentials are measured against the first block's maximum to the end: where "
    "a later block is higher, exp overflows. The maximum has to rise, and what was "
    "summed to be rescaled, whenever a block brings a higher score.",
    "new_peak = np.maximum(peak, scores.max(axis=-1, keepdims=True))",
    "new_peak = np.where(np.isneginf(peak), scores.max(axis=-1, keepdims=True), peak)",
)

maximum_may_fall = edit(
    "flash_attention",
    "maximum-falls-again",
    "The maximum follows each block, down as well as up. After a lower block "
    "exp(old maximum - new maximum) overflows. Keep the higher of the two.",
    "new_peak = np.maximum(peak, scores.max(axis=-1, keepdims=True))",
    "new_peak = scores.max(axis=-1, keepdims=True)\n"
    "            new_peak = np.where(np.isneginf(new_peak), peak, new_peak)",
)

divided_in_the_loop = edit(
    "flash_attention",
    "divided-in-the-loop",
    "The output is divided by the running sum after every block, and the division is "
    "not undone when the next block is added: earlier blocks lose weight. Divide once, "
    "at the end.",
    """            peak = new_peak
        output[..., top:bottom, :] = mixed / np.where(total == 0, 1, total)
""",
    """            peak = new_peak
            mixed = mixed / np.where(total == 0, 1, total)
        output[..., top:bottom, :] = mixed
""",
)

finite_start = edit(
    "flash_attention",
    "maximum-starts-at-zero",
    "",
    "peak = np.full((*batch, bottom - top, 1), -np.inf, dtype)",
    "peak = np.full((*batch, bottom - top, 1), -1e4, dtype)",
)

lower_start = edit(
    "flash_attention",
    "maximum-starts-at-zero",
    "",
    "peak = np.full((*batch, bottom - top, 1), -np.inf, dtype)",
    "peak = np.full((*batch, bottom - top, 1), -1e30, dtype)",
)

not_divided = edit(
    "flash_attention",
    "not-divided-at-the-end",
    "The output was not divided by the running sum: it is a sum of values, not their "
    "average.",
    "mixed / np.where(total == 0, 1, total)",
    "mixed",
)

partial_block_lost = edit(
    "flash_attention",
    "last-keys-lost",
    "The keys after the last whole block are left out. When block_size does not divide "
    "the number of keys the last block is shorter.",
    "for left in range(0, n_visible, block_size):",
    "for left in range(0, n_visible - block_size + 1, block_size):",
)

partial_rows_lost = edit(
    "flash_attention",
    "last-queries-lost",
    "The queries after the last whole block have no output. When block_size does not "
    "divide the number of queries the last block is shorter.",
    "output = np.empty((*batch, n_queries, v.shape[-1]), dtype)\n"
    "    for top in range(0, n_queries, block_size):",
    "output = np.zeros((*batch, n_queries, v.shape[-1]), dtype)\n"
    "    for top in range(0, n_queries - block_size + 1, block_size):",
)

flash_unscaled = edit(
    "flash_attention",
    "no-scale",
    NO_SCALE,
    "scale = dtype.type(1 / np.sqrt(q.shape[-1]))",
    "scale = dtype.type(1)",
)

causal_ignored = edit(
    "flash_attention",
    "causal-ignored",
    "causal=True has no effect: queries see keys of the future.",
    "    n_queries, n_keys = q.shape[-2], k.shape[-2]\n",
    "    n_queries, n_keys, causal = q.shape[-2], k.shape[-2], False\n",
)

flash_aligned_at_0 = edit(
    "flash_attention",
    "aligned-at-the-first-key",
    "With fewer queries than keys the queries were taken for the first positions; they "
    "are the last. A one-token decode step would see only key 0.",
    "offset = n_keys - n_queries",
    "offset = 0",
    seen_in="huggingface/candle #3743",
)

by_block_only = edit(
    "flash_attention",
    "causal-by-whole-tiles",
    "Tiles of the future are skipped, but in the tile that the diagonal crosses every "
    "key is visible: within it a query still sees later positions.",
    "if causal and right > top + offset + 1:",
    "if False:",
)

tile_positions = edit(
    "flash_attention",
    "mask-in-tile-coordinates",
    "The causal mask of a tile was made from positions within the tile. It has to "
    "compare positions in the whole sequence: the tile's first row and column count.",
    "rows, columns = np.arange(top, bottom), np.arange(left, right)",
    "rows, columns = np.arange(bottom - top), np.arange(right - left)",
)

flash_strict = edit(
    "flash_attention",
    "own-position-hidden",
    "With causal=True a position does not see itself. It may: only later keys "
    "are hidden.",
    """1:  # the tile touches the future
                rows, columns = np.arange(top, bottom), np.arange(left, right)
                allowed = columns <=""",
    """0:  # the tile touches the future
                rows, columns = np.arange(top, bottom), np.arange(left, right)
                allowed = columns <""",
)

flash_nan = edit(
    "flash_attention",
    "unseeing-query-is-nan",
    "With more queries than keys the first queries see nothing, and their output is "
    "nan: the running maximum is still -inf and -inf - (-inf) is nan, or the sum is 0 "
    "and 0 / 0 is nan. It must be zeros.",
    "mixed / np.where(total == 0, 1, total)",
    "mixed / total",
)

flash_nan_shift = edit(
    "flash_attention",
    "unseeing-query-is-nan",
    "",
    "shift = np.where(np.isneginf(new_peak), 0, new_peak)",
    "shift = new_peak",
)

starts_at_zero = edit(
    "flash_attention",
    "maximum-starts-at-zero",
    "The running maximum starts at 0 or another finite number, and never goes below: "
    "when all scores are lower, every exponential underflows and 0 / 0 remains. It "
    "starts at -inf.",
    "peak = np.full((*batch, bottom - top, 1), -np.inf, dtype)",
    "peak = np.zeros((*batch, bottom - top, 1), dtype)",
)

one_running_maximum = edit(
    "flash_attention",
    "one-maximum-for-all-queries",
    "One running maximum serves all queries of a tile. A query whose scores are far "
    "below those of another underflows. Each query needs its own.",
    "scores.max(axis=-1, keepdims=True)",
    "scores.max()",
)

no_maximum = edit(
    "flash_attention",
    "no-running-maximum",
    "There is no running maximum: large scores overflow in exp, and scores far below "
    "zero all become 0. The exponentials need the largest score taken off first.",
    "new_peak = np.maximum(peak, scores.max(axis=-1, keepdims=True))",
    "new_peak = np.zeros_like(peak)",
)


@mistake("flash_attention", "no-running-maximum")
def flash_attention_with_bare_exp(q, k, v, block_size=128, causal=False):
    n_queries, n_keys = q.shape[-2], k.shape[-2]
    positions = np.arange(n_queries)[:, None] + n_keys - n_queries
    q = q.astype(float) / np.sqrt(q.shape[-1])
    mixed, total = 0.0, 0.0
    for left in range(0, n_keys, block_size):
        k_tile = k[..., left : left + block_size, :].astype(float)
        exps = np.exp(q @ np.swapaxes(k_tile, -1, -2))
        if causal:
            exps = exps * (np.arange(left, left + k_tile.shape[-2]) <= positions)
        total = total + exps.sum(axis=-1, keepdims=True)
        mixed = mixed + exps @ v[..., left : left + block_size, :].astype(float)
    return mixed / np.where(total == 0, 1, total)


MORE_THAN_A_TILE = (
    "The answer is right, but more is held at once than a tile needs: scores, weights "
    "or a mask of all Tq x Tk entries, something kept for every tile, or tiles larger "
    "than block_size. Memory must grow with Tq + Tk."
)


@mistake("flash_attention", "more-than-a-tile-held", MORE_THAN_A_TILE)
def flash_attention_by_calling_attention(q, k, v, block_size=128, causal=False):
    mask = causal_mask(q.shape[-2], k.shape[-2]) if causal else None
    return attention(q, k, v, mask)[0]


@mistake("flash_attention", "more-than-a-tile-held")
def flash_attention_keeping_every_state(q, k, v, block_size=128, causal=False):
    n_queries, n_keys = q.shape[-2], k.shape[-2]
    positions = np.arange(n_queries)[:, None] + n_keys - n_queries
    q = q.astype(float) / np.sqrt(q.shape[-1])
    states = [
        (
            np.full((*q.shape[:-1], 1), -np.inf),
            np.zeros((*q.shape[:-1], 1)),
            np.zeros((*q.shape[:-1], v.shape[-1])),
        )
    ]
    for left in range(0, n_keys, block_size):
        peak, total, mixed = states[-1]
        k_tile = k[..., left : left + block_size, :].astype(float)
        scores = q @ np.swapaxes(k_tile, -1, -2)
        if causal:
            columns = np.arange(left, left + k_tile.shape[-2])
            scores = np.where(columns <= positions, scores, -np.inf)
        higher = np.maximum(peak, scores.max(axis=-1, keepdims=True))
        shift = np.where(np.isneginf(higher), 0, higher)
        exps, shrink = np.exp(scores - shift), np.exp(peak - shift)
        total = total * shrink + exps.sum(axis=-1, keepdims=True)
        mixed = mixed * shrink + exps @ v[..., left : left + block_size, :].astype(
            float
        )
        states.append((higher, total, mixed))
    return mixed / np.where(total == 0, 1, total)


@mistake("flash_attention", "more-than-a-tile-held")
def flash_attention_keeping_every_partial_output(q, k, v, block_size=128, causal=False):
    n_queries, n_keys = q.shape[-2], k.shape[-2]
    positions = np.arange(n_queries)[:, None] + n_keys - n_queries
    q = q.astype(float) / np.sqrt(q.shape[-1])
    peaks, totals, mixtures = [], [], []
    for left in range(0, n_keys, block_size):
        k_tile = k[..., left : left + block_size, :].astype(float)
        scores = q @ np.swapaxes(k_tile, -1, -2)
        if causal:
            columns = np.arange(left, left + k_tile.shape[-2])
            scores = np.where(columns <= positions, scores, -np.inf)
        peak = scores.max(axis=-1, keepdims=True)
        exps = np.exp(scores - np.where(np.isneginf(peak), 0, peak))
        peaks.append(peak)
        totals.append(exps.sum(axis=-1, keepdims=True))
        mixtures.append(exps @ v[..., left : left + block_size, :].astype(float))
    highest = np.max(peaks, axis=0)
    shares = np.exp(np.array(peaks) - np.where(np.isneginf(highest), 0, highest))
    total = (np.array(totals) * shares).sum(axis=0)
    mixed = (np.array(mixtures) * shares).sum(axis=0)
    return mixed / np.where(total == 0, 1, total)


full_mask = edit(
    "flash_attention",
    "full-mask-held",
    "The scores are made tile by tile, but with causal=True a mask of all Tq x Tk "
    "entries is held. Make the mask of each tile from its positions.",
    """                rows, columns = np.arange(top, bottom), np.arange(left, right)
                allowed = columns <= rows[:, None] + offset
""",
    """                allowed = causal_mask(n_queries, n_keys)[top:bottom, left:right]
""",
)

flash_half = edit(
    "flash_attention",
    "float16-overflow",
    "Computed in float16, a dot product or the running sum of values passes 65504 and "
    "becomes inf, and inf - inf is nan. Widen each tile before multiplying, and keep the "
    "running output and sum wide.",
    "dtype = np.result_type(q, k, v, np.float32)",
    "dtype = np.result_type(q, k, v)",
)

flash_half_output = edit(
    "flash_attention",
    "float16-overflow",
    "",
    "mixed = mixed * shrink + weights @ v_tile",
    "mixed = (mixed * shrink + weights @ v_tile).astype(v.dtype)",
)


@mistake(
    "flash_attention",
    "keys-cut-to-queries",
    "The loop over keys stops at the number of queries: with more keys than queries "
    "the rest is never read.",
)
def flash_attention_over_as_many_keys_as_queries(q, k, v, block_size=128, causal=False):
    cut = min(q.shape[-2], k.shape[-2])
    return attention(
        q,
        k[..., :cut, :],
        v[..., :cut, :],
        causal_mask(q.shape[-2], k.shape[-2])[:, :cut] if causal else None,
    )[0]
