"""Right programs for attention: the references, then others built differently.

The references are what the solution notebook shows, to the letter.
"""

import numpy as np

from rounds.bank import alternative


def softmax(x, axis=-1):
    """Exponentials of x, divided by their sum along an axis.

    x: any shape, integers or floats; entries may be -inf.
    Returns a float array of x's shape: float32 stays float32, float64 stays
    float64, integers become floats, float16 may widen. Entries of -inf get 0, and
    a slice that is all -inf gets zeros. Finite for every finite input.
    softmax([0, ln 3]) is [1/4, 3/4].
    """
    x = np.asarray(x)
    x = x.astype(np.result_type(x, np.float32), copy=False)
    peak = x.max(axis=axis, keepdims=True)
    # An all -inf slice has the peak -inf, and -inf - -inf would be nan.
    peak = np.where(np.isneginf(peak), 0, peak)
    exps = np.exp(x - peak)
    total = exps.sum(axis=axis, keepdims=True)
    return exps / np.where(total == 0, 1, total)


def causal_mask(n_queries, n_keys):
    """Which keys each query may attend to in left-to-right generation.

    The queries are the last n_queries of n_keys positions: query i stands at
    position i + n_keys - n_queries and sees the keys up to and including it.
    Returns a bool array (n_queries, n_keys), True where attention is allowed.
    causal_mask(2, 3) is [[True, True, False], [True, True, True]].
    """
    positions = np.arange(n_queries) + n_keys - n_queries
    return np.arange(n_keys) <= positions[:, None]


def attention(q, k, v, mask=None):
    """Scaled dot-product attention (Vaswani et al. 2017, section 3.2.1).

    q: (..., Tq, d)   k: (..., Tk, d)   v: (..., Tk, dv)
    mask: bool, broadcastable to (..., Tq, Tk), True = may attend; None = all may.
    Returns (output, weights) of shapes (..., Tq, dv) and (..., Tq, Tk). The scale
    is 1/sqrt(d). A query that may attend to nothing gets zero weights and a zero
    output. Finite float16 inputs give finite results. Inputs are left unchanged.
    With d = 4, q = [[2 ln 3, 0, 0, 0]] and k the first two rows of the identity, the
    weights are [[3/4, 1/4]].
    """
    # float16 overflows at 65504, which a dot product reaches early.
    dtype = np.result_type(q, k, v, np.float32)
    q, k, v = (array.astype(dtype, copy=False) for array in (q, k, v))
    scores = q @ np.swapaxes(k, -1, -2) / dtype.type(np.sqrt(q.shape[-1]))
    if mask is not None:
        scores = np.where(mask, scores, -np.inf)
    weights = softmax(scores)
    return weights @ v, weights


def multi_head_attention(x, w_q, w_k, w_v, w_o, n_heads, n_kv_heads=None, mask=None):
    """Self-attention of x with several heads, the KV heads shared by groups.

    x: (..., T, d_model)   w_q: (d_model, n_heads * d_head)
    w_k, w_v: (d_model, n_kv_heads * d_head)   w_o: (n_heads * d_head, d_model)
    Head h owns columns h * d_head to (h + 1) * d_head. n_kv_heads is n_heads when
    None; query head h uses KV head h // (n_heads // n_kv_heads) (Ainslie et al. 2023).
    mask: bool, broadcastable to (..., n_heads, T, T); None = no masking.
    Returns (..., T, d_model). Raises ValueError when n_kv_heads does not divide
    n_heads, or a weight's width does not divide into its heads.
    """
    n_kv_heads = n_heads if n_kv_heads is None else n_kv_heads
    if n_heads % n_kv_heads:
        raise ValueError(f"{n_heads} heads cannot share {n_kv_heads} KV heads evenly")

    def split(projected, heads):
        if projected.shape[-1] % heads:
            raise ValueError(f"width {projected.shape[-1]} is not {heads} equal heads")
        split_shape = (*projected.shape[:-1], heads, projected.shape[-1] // heads)
        return np.swapaxes(projected.reshape(split_shape), -2, -3)

    q = split(x @ w_q, n_heads)
    group = n_heads // n_kv_heads
    k = np.repeat(split(x @ w_k, n_kv_heads), group, axis=-3)
    v = np.repeat(split(x @ w_v, n_kv_heads), group, axis=-3)
    output, _ = attention(q, k, v, mask)
    output = np.swapaxes(output, -2, -3)  # (..., T, n_heads, d_head)
    return output.reshape(*x.shape[:-1], -1) @ w_o


def flash_attention(q, k, v, block_size=128, causal=False):
    """The output of attention, tile by tile (Milakov and Gimelshein 2018; Dao 2022).

    q: (..., Tq, d)   k: (..., Tk, d)   v: (..., Tk, dv)
    causal: apply causal_mask(Tq, Tk). A query that sees no key gets zeros.
    Returns (..., Tq, dv), equal to attention's output for every block_size >= 1.
    Never holds the scores (Tq, Tk), nor a mask of that size: beyond its inputs it
    keeps at most 4 * (Tq + Tk) * (d + dv + block_size) float64 entries per head.
    Finite float16 inputs give finite results.
    """
    n_queries, n_keys = q.shape[-2], k.shape[-2]
    offset = n_keys - n_queries  # query i stands at position i + offset
    dtype = np.result_type(q, k, v, np.float32)
    scale = dtype.type(1 / np.sqrt(q.shape[-1]))
    batch = np.broadcast_shapes(q.shape[:-2], k.shape[:-2], v.shape[:-2])
    output = np.empty((*batch, n_queries, v.shape[-1]), dtype)
    for top in range(0, n_queries, block_size):
        bottom = min(top + block_size, n_queries)
        q_tile = q[..., top:bottom, :] * scale
        peak = np.full((*batch, bottom - top, 1), -np.inf, dtype)
        total = np.zeros_like(peak)
        mixed = np.zeros((*batch, bottom - top, v.shape[-1]), dtype)
        n_visible = min(n_keys, bottom + offset) if causal else n_keys
        for left in range(0, n_visible, block_size):
            right = min(left + block_size, n_visible)
            k_tile = k[..., left:right, :].astype(dtype, copy=False)
            v_tile = v[..., left:right, :].astype(dtype, copy=False)
            scores = q_tile @ np.swapaxes(k_tile, -1, -2)
            if causal and right > top + offset + 1:  # the tile touches the future
                rows, columns = np.arange(top, bottom), np.arange(left, right)
                allowed = columns <= rows[:, None] + offset
                scores = np.where(allowed, scores, -np.inf)
            new_peak = np.maximum(peak, scores.max(axis=-1, keepdims=True))
            shift = np.where(np.isneginf(new_peak), 0, new_peak)
            weights = np.exp(scores - shift)
            shrink = np.exp(peak - shift)
            total = total * shrink + weights.sum(axis=-1, keepdims=True)
            mixed = mixed * shrink + weights @ v_tile
            peak = new_peak
        output[..., top:bottom, :] = mixed / np.where(total == 0, 1, total)
    return output


@alternative("softmax")
def softmax_by_logsumexp(x, axis=-1):
    x = np.asarray(x)
    if x.dtype.kind != "f":
        x = x.astype(float)
    peak = np.max(x, axis=axis, keepdims=True)
    peak = np.where(np.isfinite(peak), peak, 0.0).astype(x.dtype)
    log_total = np.log(np.sum(np.exp(x - peak), axis=axis, keepdims=True))
    log_total = np.where(np.isneginf(log_total), 0.0, log_total).astype(x.dtype)
    return np.exp(x - peak - log_total)


@alternative("softmax")
def softmax_less_its_logsumexp(x, axis=-1):
    x = np.array(x, dtype=np.result_type(x, np.float32))
    total = np.logaddexp.reduce(x, axis=axis, keepdims=True)
    return np.exp(x - np.where(np.isneginf(total), 0, total))


@alternative("softmax")
def softmax_slice_by_slice(x, axis=-1):
    def one(row):
        if not np.any(row > -np.inf):
            return np.zeros_like(row)
        exps = np.exp(row - row.max())
        return exps / exps.sum()

    x = np.asarray(x)
    return np.apply_along_axis(one, axis, x if x.dtype.kind == "f" else x * 1.0)


@alternative("softmax")
def softmax_mended_afterwards(x, axis=-1):
    moved = np.moveaxis(np.array(x, dtype=np.result_type(x, np.float32)), axis, -1)
    with np.errstate(invalid="ignore"):
        exps = np.exp(moved - moved.max(axis=-1)[..., None])
        probs = exps / exps.sum(axis=-1)[..., None]
    return np.moveaxis(np.nan_to_num(probs), -1, axis)


@alternative("causal_mask")
def causal_mask_by_tril(n_queries, n_keys):
    return np.tril(np.ones((n_queries, n_keys), dtype=bool), k=n_keys - n_queries)


@alternative("causal_mask")
def causal_mask_by_last_rows(n_queries, n_keys):
    size = max(n_queries, n_keys)
    full = ~np.triu(np.ones((size, size)), k=1).astype(bool)
    return full[size - n_queries :, size - n_keys :]


@alternative("causal_mask")
def causal_mask_by_two_loops(n_queries, n_keys):
    mask = np.zeros((n_queries, n_keys), dtype=bool)
    for i in range(n_queries):
        for j in range(n_keys):
            mask[i, j] = j <= i + n_keys - n_queries
    return mask


@alternative("attention")
def attention_by_einsum(q, k, v, mask=None):
    wide = np.promote_types(q.dtype, np.float32)
    q, k, v = q.astype(wide), k.astype(wide), v.astype(wide)
    scores = np.einsum("...id,...jd->...ij", q * q.shape[-1] ** -0.5, k)
    bias = 0.0 if mask is None else np.where(mask, 0.0, -np.inf)
    weights = softmax(scores + bias)
    return np.einsum("...ij,...je->...ie", weights, v), weights


@alternative("attention")
def attention_query_by_query(q, k, v, mask=None):
    batch = q.shape[:-2]
    n_queries, n_keys = q.shape[-2], k.shape[-2]
    allowed = np.broadcast_to(
        True if mask is None else mask, (*batch, n_queries, n_keys)
    )
    output = np.zeros((*batch, n_queries, v.shape[-1]))
    weights = np.zeros((*batch, n_queries, n_keys))
    for place in np.ndindex(*batch, n_queries):
        head, keys = place[:-1], allowed[place]
        if keys.any():
            chosen = k[head][keys].astype(float)
            scores = chosen @ q[place].astype(float) / np.sqrt(q.shape[-1])
            exps = np.exp(scores - scores.max())
            weights[place][keys] = exps / exps.sum()
            output[place] = weights[place] @ v[head].astype(float)
    return output, weights


@alternative("attention")
def attention_with_where(q, k, v, mask=None):
    q, k, v = (np.asarray(array, dtype=np.float64) for array in (q, k, v))
    scores = np.matmul(q, np.moveaxis(k, -1, -2)) / np.sqrt(k.shape[-1])
    allowed = np.broadcast_to(True if mask is None else mask, scores.shape)
    peak = scores.max(axis=-1, keepdims=True, where=allowed, initial=-np.inf)
    exps = np.zeros_like(scores)
    np.exp(scores - peak, out=exps, where=allowed)
    total = exps.sum(axis=-1, keepdims=True)
    weights = np.divide(exps, total, out=np.zeros_like(exps), where=total > 0)
    return weights @ v, weights


@alternative("attention")
def attention_in_float32(q, k, v, mask=None):
    q, k, v = (array.astype(np.float32) for array in (q, k, v))
    scores = q @ np.swapaxes(k, -1, -2) / np.sqrt(np.float32(q.shape[-1]))
    weights = softmax(scores if mask is None else np.where(mask, scores, -np.inf))
    return weights @ v, weights


@alternative("multi_head_attention")
def multi_head_attention_head_by_head(
    x, w_q, w_k, w_v, w_o, n_heads, n_kv_heads=None, mask=None
):
    n_kv_heads = n_kv_heads or n_heads
    if n_heads % n_kv_heads != 0:
        raise ValueError("n_kv_heads must divide n_heads")
    if w_q.shape[1] % n_heads or w_k.shape[1] % n_kv_heads or w_v.shape[1] % n_kv_heads:
        raise ValueError("a width does not divide into its heads")
    d_head = w_q.shape[1] // n_heads
    n_tokens = x.shape[-2]
    if mask is not None:
        shape = (*x.shape[:-2], n_heads, n_tokens, n_tokens)
        mask = np.broadcast_to(mask, shape)
    result = 0.0
    for h in range(n_heads):
        own = slice(h * d_head, (h + 1) * d_head)
        shared = h // (n_heads // n_kv_heads)
        theirs = slice(shared * d_head, (shared + 1) * d_head)
        allowed = None if mask is None else mask[..., h, :, :]
        q, k, v = x @ w_q[:, own], x @ w_k[:, theirs], x @ w_v[:, theirs]
        result = result + attention(q, k, v, allowed)[0] @ w_o[own]
    return result


@alternative("multi_head_attention")
def multi_head_attention_fused_einsum(
    x, w_q, w_k, w_v, w_o, n_heads, n_kv_heads=None, mask=None
):
    groups = n_heads if n_kv_heads is None else n_kv_heads
    widths = (w_q.shape[1], w_k.shape[1], w_v.shape[1])
    if n_heads % groups or any(
        width % heads
        for width, heads in zip(widths, (n_heads, groups, groups), strict=True)
    ):
        raise ValueError("heads and widths do not divide")
    d_head = widths[0] // n_heads
    fused = x @ np.concatenate([w_q, w_k, w_v], axis=1)
    q, k, v = np.split(fused, np.cumsum(widths)[:2], axis=-1)
    q = q.reshape(*x.shape[:-1], groups, n_heads // groups, d_head)
    k = k.reshape(*x.shape[:-1], groups, d_head)
    v = v.reshape(*x.shape[:-1], groups, d_head)
    scores = np.einsum("...igrd,...jgd->...grij", q, k) / np.sqrt(d_head)
    if mask is not None:
        n_tokens = x.shape[-2]
        shape = (*x.shape[:-2], n_heads, n_tokens, n_tokens)
        scores = np.where(
            np.broadcast_to(mask, shape).reshape(scores.shape), scores, -np.inf
        )
    mixed = np.einsum("...grij,...jgd->...igrd", softmax(scores), v)
    return mixed.reshape(*x.shape[:-1], n_heads * d_head) @ w_o


@alternative("multi_head_attention")
def multi_head_attention_in_float32(
    x, w_q, w_k, w_v, w_o, n_heads, n_kv_heads=None, mask=None
):
    narrow = (array.astype(np.float32) for array in (x, w_q, w_k, w_v, w_o))
    return multi_head_attention(*narrow, n_heads, n_kv_heads, mask)


@alternative("flash_attention")
def flash_attention_over_keys_only(q, k, v, block_size=128, causal=False):
    n_queries, n_keys = q.shape[-2], k.shape[-2]
    positions = np.arange(n_queries)[:, None] + n_keys - n_queries
    q = q.astype(np.float64) / np.sqrt(q.shape[-1])
    peak = np.full((*q.shape[:-1], 1), -np.inf)
    total = np.zeros((*q.shape[:-1], 1))
    mixed = np.zeros((*q.shape[:-1], v.shape[-1]))
    for left in range(0, n_keys, block_size):
        keys = np.arange(left, min(left + block_size, n_keys))
        scores = np.einsum("...id,...jd->...ij", q, k[..., keys, :].astype(np.float64))
        if causal:
            scores[..., keys > positions] = -np.inf
        higher = np.maximum(peak, scores.max(-1, keepdims=True))
        safe = np.where(higher == -np.inf, 0.0, higher)
        scores -= safe
        np.exp(scores, out=scores)
        shrink = np.exp(peak - safe)
        total = shrink * total + scores.sum(-1, keepdims=True)
        mixed = shrink * mixed + scores @ v[..., keys, :]
        peak = higher
    return np.divide(mixed, total, out=np.zeros_like(mixed), where=total > 0)


@alternative("flash_attention")
def flash_attention_over_queries_only(q, k, v, block_size=128, causal=False):
    n_queries, n_keys = q.shape[-2], k.shape[-2]
    tiles = []
    for top in range(0, n_queries, block_size):
        q_tile = q[..., top : top + block_size, :]
        mask = None
        if causal:
            last = np.arange(top, top + q_tile.shape[-2]) + n_keys - n_queries
            mask = np.arange(n_keys)[None, :] <= last[:, None]
        tiles.append(attention(q_tile, k, v, mask)[0])
    return np.concatenate(tiles, axis=-2)


@alternative("flash_attention")
def flash_attention_in_float32(q, k, v, block_size=128, causal=False):
    q, k, v = (array.astype(np.float32) for array in (q, k, v))
    return flash_attention(q, k, v, block_size, causal)


@alternative("flash_attention")
def flash_attention_in_two_passes(q, k, v, block_size=128, causal=False):
    """The maximum of every query first, then the sums: no rescaling."""
    n_queries, n_keys = q.shape[-2], k.shape[-2]
    positions = np.arange(n_queries)[:, None] + n_keys - n_queries

    def tiles():
        for left in range(0, n_keys, block_size):
            keys = np.arange(left, min(left + block_size, n_keys))
            k_tile = k[..., keys, :].astype(np.float32)
            scores = q.astype(np.float32) @ np.swapaxes(k_tile, -1, -2)
            scores = scores / np.float32(q.shape[-1] ** 0.5)
            yield (
                np.where(keys <= positions, scores, -np.inf) if causal else scores,
                keys,
            )

    peak = np.full((*q.shape[:-1], 1), -np.inf)
    for scores, _ in tiles():
        peak = np.maximum(peak, scores.max(-1, keepdims=True))
    peak = np.where(np.isinf(peak), 0, peak)
    total, mixed = 0.0, 0.0
    for scores, keys in tiles():
        exps = np.exp(scores - peak)
        total = total + exps.sum(-1, keepdims=True)
        mixed = mixed + exps @ v[..., keys, :]
    return mixed / np.where(total == 0, 1, total)


@alternative("flash_attention")
def flash_attention_merging_partial_results(q, k, v, block_size=128, causal=False):
    """Keeps normalised partial outputs and their log-sum-exp, as FlashDecoding does."""
    n_queries, n_keys = q.shape[-2], k.shape[-2]
    batch = q.shape[:-2]
    merged = np.zeros((*batch, n_queries, v.shape[-1]))
    for place in np.ndindex(*batch):
        q_one, k_one, v_one = (a[place].astype(np.float64) for a in (q, k, v))
        log_total = np.full((n_queries, 1), -np.inf)
        out = np.zeros((n_queries, v.shape[-1]))
        for left in range(0, n_keys, block_size):
            k_tile, v_tile = (a[left : left + block_size] for a in (k_one, v_one))
            scores = q_one @ k_tile.T * q.shape[-1] ** -0.5
            if causal:
                columns = np.arange(left, left + len(k_tile))
                rows = np.arange(n_queries)[:, None] + n_keys - n_queries
                scores[columns > rows] = -np.inf
            peak = scores.max(-1, keepdims=True)
            exps = np.exp(scores - np.where(np.isinf(peak), 0, peak))
            here = np.where(np.isinf(peak), peak, peak + np.log(exps.sum(-1)[:, None]))
            both = np.logaddexp(log_total, here)
            safe = np.where(np.isinf(both), 0.0, both)
            tile = exps @ v_tile / np.maximum(exps.sum(-1)[:, None], 1e-300)
            out = out * np.exp(log_total - safe) + tile * np.exp(here - safe)
            log_total = both
        merged[place] = out
    return merged
