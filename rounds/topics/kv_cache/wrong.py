"""Wrong programs for the KV cache: the mistakes that people really make.

The sentence of each is what the learner reads: what is seen, why, an input where
it shows; never the code.
"""

import itertools
import math

import numpy as np

from rounds.bank import edit, mistake
from rounds.topics.kv_cache.right import KVCache, PagedKVCache

# kv_cache_bytes

NO_FACTOR_2 = (
    "Only half is counted: each position keeps a key and a value. One layer, one head, "
    "one element in fp16 is 4 bytes, 2 for the key and 2 for the value."
)
factor_2_forgotten = edit(
    "kv_cache_bytes",
    "factor-2-forgotten",
    NO_FACTOR_2,
    "per_token = 2 * n_layers",
    "per_token = n_layers",
)


@mistake(
    "kv_cache_bytes",
    "factor-2-twice",
    "The result is twice too large: the factor 2 for keys and values, and the 2 bytes "
    "of fp16, are each counted once, and here one of them is counted again.",
)
def kv_cache_bytes_doubled(
    n_layers, n_kv_heads, head_dim, seq_len, batch_size=1, bytes_per_element=2
):
    keys = 2 * n_layers * n_kv_heads * head_dim * seq_len * bytes_per_element
    values = 2 * n_layers * n_kv_heads * head_dim * seq_len * bytes_per_element
    return (keys + values) * batch_size


bits = edit(
    "kv_cache_bytes",
    "bits-for-bytes",
    "The result is eight times too large, as if it were in bits: the size of an "
    "element is given in bytes.",
    "return per_token * seq_len",
    "return 8 * per_token * seq_len",
)

bytes_divided_as_bits = edit(
    "kv_cache_bytes",
    "divided-by-8",
    "The result is eight times too small: the size of an element is given in bytes, "
    "2 for fp16, and not in bits.",
    "return per_token * seq_len * batch_size",
    "return per_token * seq_len * batch_size // 8",
)

SIZE_IGNORED = (
    "The size of an element has no effect. In float32, 4 bytes each, the cache is "
    "twice as large as in fp16."
)
element_size_ignored = edit(
    "kv_cache_bytes",
    "element-size-ignored",
    SIZE_IGNORED,
    "head_dim * bytes_per_element",
    "head_dim * 2",
)

elements_counted = edit(
    "kv_cache_bytes",
    "elements-not-bytes",
    "These are elements, not bytes: each of them takes bytes_per_element bytes, 2 in "
    "fp16.",
    "head_dim * bytes_per_element",
    "head_dim",
)

batch_ignored = edit(
    "kv_cache_bytes",
    "batch-ignored",
    "The batch has no effect, but every sequence has keys and values of its own: two "
    "sequences take twice as much.",
    " * seq_len * batch_size",
    " * seq_len",
)

length_ignored = edit(
    "kv_cache_bytes",
    "length-ignored",
    "This is the size for one token. The cache holds a key and a value for each of "
    "the seq_len positions.",
    " * seq_len * batch_size",
    " * batch_size",
)

layers_ignored = edit(
    "kv_cache_bytes",
    "layers-ignored",
    "This is the cache of one layer. Every layer attends to keys and values of its "
    "own, so that a model of 32 layers keeps 32 times as much.",
    "2 * n_layers * n_kv_heads",
    "2 * n_kv_heads",
)

heads_ignored = edit(
    "kv_cache_bytes",
    "heads-ignored",
    "The number of KV heads has no effect. Each KV head keeps a key and a value of "
    "head_dim elements.",
    "n_layers * n_kv_heads",
    "n_layers",
)

width_ignored = edit(
    "kv_cache_bytes",
    "head-dim-ignored",
    "head_dim has no effect: a key is not one number but a vector of head_dim of them.",
    "n_kv_heads * head_dim",
    "n_kv_heads",
)

queries_counted = edit(
    "kv_cache_bytes",
    "queries-counted",
    "The result is half as large again as it should be: queries are counted with the "
    "keys and values. A query is used once, in the step that makes it, and not kept.",
    "per_token = 2 * n_layers",
    "per_token = 3 * n_layers",
)

quadratic = edit(
    "kv_cache_bytes",
    "grows-with-the-square",
    "The result grows with the square of the length, as the attention weights do. "
    "They are not kept: the cache grows by the same amount for every token.",
    "per_token * seq_len * batch_size",
    "per_token * seq_len**2 * batch_size",
)

in_kib = edit(
    "kv_cache_bytes",
    "not-in-bytes",
    "The result is not in bytes but in KiB, MiB or GiB. It is to be in bytes.",
    "return per_token * seq_len * batch_size",
    "return per_token * seq_len * batch_size // 1024",
)

in_gib = edit(
    "kv_cache_bytes",
    "not-in-bytes",
    "",
    "return per_token * seq_len * batch_size",
    "return per_token * seq_len * batch_size / 2**30",
)

BYTES_AS_FLOAT = (
    "The number is right, but it is a float. Bytes are whole numbers, and past 2**53 a "
    "float cannot tell neighbours apart."
)
bytes_as_float = edit(
    "kv_cache_bytes",
    "float-result",
    BYTES_AS_FLOAT,
    "return per_token * seq_len * batch_size",
    "return float(per_token * seq_len * batch_size)",
)


@mistake(
    "kv_cache_bytes",
    "wraps-round",
    "Past 2**31 bytes the result is negative or far too small: it is counted in 32-bit "
    "integers, which wrap round. Llama-2-7B passes that with one sequence of 4,096 "
    "tokens.",
)
def kv_cache_bytes_in_32_bits(
    n_layers, n_kv_heads, head_dim, seq_len, batch_size=1, bytes_per_element=2
):
    sizes = [2, n_layers, n_kv_heads, head_dim, seq_len, batch_size, bytes_per_element]
    return int(np.prod(np.array(sizes, dtype=np.int32), dtype=np.int32))


@mistake(
    "kv_cache_bytes",
    "sum-for-product",
    "The sizes of a head are added where they are to be multiplied: each of the KV "
    "heads has head_dim elements for each token.",
)
def kv_cache_bytes_of_a_sum(
    n_layers, n_kv_heads, head_dim, seq_len, batch_size=1, bytes_per_element=2
):
    width = n_kv_heads + head_dim
    return 2 * n_layers * width * seq_len * batch_size * bytes_per_element


wrong_default = edit(
    "kv_cache_bytes",
    "wrong-defaults",
    "Without the last arguments it is one sequence, and 2 bytes for each element. Here "
    "the defaults are others.",
    "bytes_per_element=2",
    "bytes_per_element=4",
)


@mistake(
    "kv_cache_bytes",
    "counted-in-float32",
    "The number is a little off: it was counted in float32, which has 24 bits. Bytes "
    "of a cache need more of them; whole numbers have as many as it takes.",
)
def kv_cache_bytes_in_float32(
    n_layers, n_kv_heads, head_dim, seq_len, batch_size=1, bytes_per_element=2
):
    sizes = (2, n_layers, n_kv_heads, head_dim, seq_len, batch_size, bytes_per_element)
    return int(np.prod(sizes, dtype=np.float32))


defaults_swapped = edit(
    "kv_cache_bytes",
    "last-arguments-swapped",
    "The last two arguments are in the other order. By position batch_size comes first "
    "and bytes_per_element after it: a fifth argument of 3 is three sequences in fp16.",
    "batch_size=1, bytes_per_element=2",
    "bytes_per_element=2, batch_size=1",
)

through_a_float = edit(
    "kv_cache_bytes",
    "through-a-float",
    "Past 2**53 the number is a little off: on its way it was a float, which cannot "
    "tell neighbours apart there. Integers have as many digits as it takes.",
    "return per_token * seq_len * batch_size",
    "return int(1.0 * per_token * seq_len * batch_size)",
)

# max_batch_size

weights_forgotten = edit(
    "max_batch_size",
    "weights-forgotten",
    "The weights take no room here. They are in the same memory: only what they leave "
    "is for the caches.",
    "(memory_bytes - weight_bytes) // one",
    "memory_bytes // one",
)

weights_for_each = edit(
    "max_batch_size",
    "weights-for-each-sequence",
    "The weights are counted again for every sequence. All sequences of a batch use "
    "the same weights, which are in memory once.",
    "(memory_bytes - weight_bytes) // one",
    "memory_bytes // (weight_bytes + one)",
)

negative = edit(
    "max_batch_size",
    "negative-batch",
    "When the weights alone do not fit the answer is negative, but a batch cannot be: "
    "it is 0 then.",
    "return max((memory_bytes - weight_bytes) // one, 0)",
    "return (memory_bytes - weight_bytes) // one",
)


@mistake("max_batch_size", "negative-batch")
def max_batch_size_cut_towards_zero(
    memory_bytes,
    weight_bytes,
    n_layers,
    n_kv_heads,
    head_dim,
    seq_len,
    bytes_per_element=2,
):
    one = 2 * n_layers * n_kv_heads * head_dim * seq_len * bytes_per_element
    return int((memory_bytes - weight_bytes) / one)


at_least_one = edit(
    "max_batch_size",
    "at-least-one",
    "When not even one sequence fits the answer is 0, and not 1.",
    "// one, 0)",
    "// one, 1)",
)

deficit_made_positive = edit(
    "max_batch_size",
    "deficit-made-positive",
    "When the weights alone do not fit, what is missing is taken for what is free. The "
    "answer is 0 then.",
    "return max((memory_bytes - weight_bytes) // one, 0)",
    "return abs(memory_bytes - weight_bytes) // one",
)

rounded_up = edit(
    "max_batch_size",
    "rounded-up",
    "One sequence too many: what is left over does not hold a whole one. The number "
    "is to be rounded down.",
    "max((memory_bytes - weight_bytes) // one, 0)",
    "max(-(-(memory_bytes - weight_bytes) // one), 0)",
)

rounded_to_nearest = edit(
    "max_batch_size",
    "rounded-to-nearest",
    "Rounded to the nearest number, there is sometimes one sequence too many: 4.6 "
    "sequences are 4.",
    "max((memory_bytes - weight_bytes) // one, 0)",
    "max(round((memory_bytes - weight_bytes) / one), 0)",
)

batch_not_rounded = edit(
    "max_batch_size",
    "not-rounded",
    "A batch is a whole number of sequences, rounded down; this is a fraction, or a "
    "whole number as a float.",
    "max((memory_bytes - weight_bytes) // one, 0)",
    "max((memory_bytes - weight_bytes) / one, 0)",
)


@mistake("max_batch_size", "not-rounded")
def max_batch_size_as_float(
    memory_bytes,
    weight_bytes,
    n_layers,
    n_kv_heads,
    head_dim,
    seq_len,
    bytes_per_element=2,
):
    one = 2.0 * n_layers * n_kv_heads * head_dim * seq_len * bytes_per_element
    return max((memory_bytes - weight_bytes) // one, 0)


@mistake("max_batch_size", "not-rounded")
def max_batch_size_float_first(
    memory_bytes,
    weight_bytes,
    n_layers,
    n_kv_heads,
    head_dim,
    seq_len,
    bytes_per_element=2,
):
    one = 2 * n_layers * n_kv_heads * head_dim * seq_len * bytes_per_element
    return max(0, float(memory_bytes - weight_bytes) // one)


divided_as_floats = edit(
    "max_batch_size",
    "divided-as-floats",
    "The quotient went through a float, which keeps 53 bits. With large numbers it is "
    "rounded up to the next whole number, and a sequence seems to fit for which a byte "
    "is missing. Integers divide exactly.",
    "max((memory_bytes - weight_bytes) // one, 0)",
    "max(int((memory_bytes - weight_bytes) / one), 0)",
)

one_too_many_counted = edit(
    "max_batch_size",
    "one-sequence-too-many",
    "The answer is always one too many, also when the last byte is used and when "
    "nothing fits. Counting up, the first batch that does not fit is one beyond the "
    "answer.",
    "return max((memory_bytes - weight_bytes) // one, 0)",
    "return max((memory_bytes - weight_bytes) // one, 0) + 1",
)

batch_default = edit(
    "max_batch_size",
    "wrong-defaults",
    "Without the last argument each element takes 2 bytes. Here the default is "
    "another.",
    "bytes_per_element=2",
    "bytes_per_element=4",
)

exact_fit_refused = edit(
    "max_batch_size",
    "exact-fit-refused",
    "A batch that fills the memory to the last byte fits, and is refused here.",
    "(memory_bytes - weight_bytes) // one",
    "(memory_bytes - weight_bytes - 1) // one",
)

batch_factor_2_forgotten = edit(
    "max_batch_size",
    "factor-2-forgotten",
    "About twice too many sequences: each one keeps keys and values, and only one of "
    "the two is counted.",
    "one = 2 * n_layers",
    "one = n_layers",
)

batch_size_ignored = edit(
    "max_batch_size",
    "element-size-ignored",
    "The size of an element has no effect. With 1 byte for each element twice as many "
    "sequences fit as with 2.",
    "head_dim * bytes_per_element",
    "head_dim * 2",
)

batch_length_ignored = edit(
    "max_batch_size",
    "tokens-not-sequences",
    "This is how many tokens fit, not how many sequences of seq_len tokens.",
    " * bytes_per_element * seq_len",
    " * bytes_per_element",
)

batch_layers_ignored = edit(
    "max_batch_size",
    "layers-ignored",
    "The cache of one layer is counted, but every layer has one.",
    "one = 2 * n_layers * n_kv_heads",
    "one = 2 * n_kv_heads",
)

batch_heads_ignored = edit(
    "max_batch_size",
    "heads-ignored",
    "The number of KV heads has no effect, but each of them keeps keys and values.",
    "n_layers * n_kv_heads",
    "n_layers",
)

batch_width_ignored = edit(
    "max_batch_size",
    "head-dim-ignored",
    "head_dim has no effect: a key is not one number but a vector of head_dim of them.",
    "n_kv_heads * head_dim",
    "n_kv_heads",
)


@mistake(
    "max_batch_size",
    "error-when-nothing-fits",
    "When nothing fits this is an error. It is an answer like any other: 0.",
)
def max_batch_size_that_raises(
    memory_bytes,
    weight_bytes,
    n_layers,
    n_kv_heads,
    head_dim,
    seq_len,
    bytes_per_element=2,
):
    one = 2 * n_layers * n_kv_heads * head_dim * seq_len * bytes_per_element
    if weight_bytes + one > memory_bytes:
        raise ValueError("the model does not fit")
    return (memory_bytes - weight_bytes) // one


@mistake("max_batch_size", "error-when-nothing-fits")
def max_batch_size_that_raises_for_the_weights(
    memory_bytes,
    weight_bytes,
    n_layers,
    n_kv_heads,
    head_dim,
    seq_len,
    bytes_per_element=2,
):
    if weight_bytes > memory_bytes:
        raise ValueError("the weights do not fit")
    one = 2 * n_layers * n_kv_heads * head_dim * seq_len * bytes_per_element
    return (memory_bytes - weight_bytes) // one


size_taken_for_the_batch = edit(
    "max_batch_size",
    "size-taken-for-the-batch",
    "Too few sequences fit: the size of an element counts as a batch, and each element "
    "takes 2 bytes beside. After seq_len comes the batch_size of kv_cache_bytes, and "
    "then bytes_per_element.",
    "head_dim * bytes_per_element",
    "head_dim * bytes_per_element * 2",
)

weights_multiplied = edit(
    "max_batch_size",
    "weights-not-in-bytes",
    "The weights were multiplied by the size of an element. weight_bytes are bytes "
    "already, and the size is that of the cache's elements.",
    "memory_bytes - weight_bytes)",
    "memory_bytes - weight_bytes * bytes_per_element)",
)

# KVCache

UNFILLED = (
    "The whole buffer comes back, with the places that nothing was written to. "
    "Attention gives those zeros a share of the weight. Only the positions so far are "
    "due: after one append T is 1, whatever max_len is."
)
unfilled = edit(
    "KVCache",
    "unfilled-places-returned",
    UNFILLED,
    "return self._keys[:, :end], self._values[:, :end]",
    "return self._keys, self._values",
    seen_in="ml-explore/mlx-examples #977",
)


@mistake("KVCache", "unfilled-places-returned")
class KVCacheOfZeros:
    def __init__(self, n_kv_heads, head_dim, max_len, dtype=np.float32):
        self.max_len = max_len
        self.k = np.zeros((n_kv_heads, max_len, head_dim), dtype)
        self.v = np.zeros((n_kv_heads, max_len, head_dim), dtype)
        self.pos = 0

    def __len__(self):
        return self.pos

    def append(self, k, v):
        n = k.shape[1]
        if self.pos + n > self.max_len:
            raise ValueError("full")
        self.k[:, self.pos : self.pos + n] = k
        self.v[:, self.pos : self.pos + n] = v
        self.pos += n
        return self.k.copy(), self.v.copy()

    def truncate(self, n):
        self.pos = n
        self.k[:, n:] = 0
        self.v[:, n:] = 0

    def reset(self):
        self.truncate(0)


only_new = edit(
    "KVCache",
    "only-the-new-ones-returned",
    "Only what was just appended comes back. Attention needs the keys and values of "
    "all positions so far: after a second append T is 2.",
    "return self._keys[:, :end], self._values[:, :end]",
    "return self._keys[:, start:end], self._values[:, start:end]",
)

echo = edit(
    "KVCache",
    "only-the-new-ones-returned",
    "",
    "return self._keys[:, :end], self._values[:, :end]",
    "return k.astype(self._keys.dtype), v.astype(self._keys.dtype)",
)

one_behind = edit(
    "KVCache",
    "new-ones-missing",
    "What was appended in this very call is missing from what comes back. A token "
    "attends to itself, too: its own key must be there.",
    "return self._keys[:, :end], self._values[:, :end]",
    "return self._keys[:, :start], self._values[:, :start]",
)


@mistake(
    "KVCache",
    "wrong-axis",
    "Old and new were joined along the wrong axis. Positions are the second axis of "
    "(n_kv_heads, T, head_dim): with two heads, two appends of one token make "
    "(2, 2, head_dim).",
)
class KVCacheJoinedByHeads:
    axis = 0

    def __init__(self, n_kv_heads, head_dim, max_len, dtype=np.float32):
        self.max_len, self.dtype = max_len, dtype
        self.reset()

    def reset(self):
        self.k = self.v = None
        self.n = 0

    def __len__(self):
        return self.n

    def append(self, k, v):
        if self.n + k.shape[1] > self.max_len:
            raise ValueError("full")
        k, v = k.astype(self.dtype), v.astype(self.dtype)
        if self.k is not None:
            k = np.concatenate([self.k, k], axis=self.axis)
            v = np.concatenate([self.v, v], axis=self.axis)
        self.n += k.shape[1] if self.k is None else 1
        self.k, self.v = k, v
        return k, v

    def truncate(self, n):
        self.k, self.v, self.n = self.k[:, :n], self.v[:, :n], n


@mistake("KVCache", "wrong-axis")
class KVCacheJoinedByWidth:
    def __init__(self, n_kv_heads, head_dim, max_len, dtype=np.float32):
        self.shape, self.dtype = (n_kv_heads, max_len, head_dim), dtype
        self.reset()

    def reset(self):
        self.k = np.zeros((self.shape[0], 1, 0), self.dtype)
        self.v = np.zeros((self.shape[0], 1, 0), self.dtype)

    def __len__(self):
        return self.k.shape[2] // self.shape[2]

    def append(self, k, v):
        if len(self) + k.shape[1] > self.shape[1]:
            raise ValueError("full")
        self.k = np.concatenate([self.k, k.astype(self.dtype)], axis=-1)
        self.v = np.concatenate([self.v, v.astype(self.dtype)], axis=-1)
        return self.k, self.v

    def truncate(self, n):
        end = n * self.shape[2]
        self.k, self.v = self.k[..., :end], self.v[..., :end]


@mistake("KVCache", "wrong-axis")
class KVCacheJoinedByVstack:
    def __init__(self, n_kv_heads, head_dim, max_len, dtype=np.float32):
        self.max_len, self.dtype = max_len, dtype
        self.ks, self.vs = [], []

    def __len__(self):
        return sum(k.shape[1] for k in self.ks)

    def append(self, k, v):
        if len(self) + k.shape[1] > self.max_len:
            raise ValueError("full")
        self.ks.append(k.astype(self.dtype))
        self.vs.append(v.astype(self.dtype))
        return np.vstack(self.ks), np.vstack(self.vs)

    def truncate(self, n):
        self.ks, self.vs = self.ks[:n], self.vs[:n]

    def reset(self):
        self.ks, self.vs = [], []


@mistake(
    "KVCache",
    "positions-first",
    "Positions came out as the first axis. The shape is (n_kv_heads, T, head_dim), "
    "heads first.",
)
class KVCachePositionsFirst:
    def __init__(self, n_kv_heads, head_dim, max_len, dtype=np.float32):
        self.max_len, self.dtype, self.rows = max_len, dtype, []

    def __len__(self):
        return len(self.rows)

    def append(self, k, v):
        if len(self) + k.shape[1] > self.max_len:
            raise ValueError("full")
        self.rows += [(k[:, i].copy(), v[:, i].copy()) for i in range(k.shape[1])]
        return (
            np.array([k for k, _ in self.rows], dtype=self.dtype),
            np.array([v for _, v in self.rows], dtype=self.dtype),
        )

    def truncate(self, n):
        self.rows = self.rows[:n]

    def reset(self):
        self.rows = []


@mistake(
    "KVCache",
    "reshaped-not-exchanged",
    "Heads and positions are mixed up: the rows were stacked positions first and then "
    "reshaped. A reshape keeps the numbers in their order; the two axes are to be "
    "exchanged.",
)
class KVCacheReshaped:
    def __init__(self, n_kv_heads, head_dim, max_len, dtype=np.float32):
        self.shape, self.dtype = (n_kv_heads, -1, head_dim), dtype
        self.max_len, self.ks, self.vs = max_len, [], []

    def __len__(self):
        return len(self.ks)

    def append(self, k, v):
        if len(self) + k.shape[1] > self.max_len:
            raise ValueError("full")
        self.ks += [k[:, i].copy() for i in range(k.shape[1])]
        self.vs += [v[:, i].copy() for i in range(k.shape[1])]
        return (
            np.array(self.ks, self.dtype).reshape(self.shape),
            np.array(self.vs, self.dtype).reshape(self.shape),
        )

    def truncate(self, n):
        del self.ks[n:], self.vs[n:]

    def reset(self):
        self.truncate(0)


returned_swapped = edit(
    "KVCache",
    "keys-and-values-swapped",
    "Keys and values are exchanged: the pair is (keys, values).",
    "return self._keys[:, :end], self._values[:, :end]",
    "return self._values[:, :end], self._keys[:, :end]",
)

values_are_keys = edit(
    "KVCache",
    "values-are-keys",
    "The values that come back are the keys: they were written from the wrong one of "
    "the two arrays.",
    "self._values[:, start:end] = v",
    "self._values[:, start:end] = k",
)

values_share_the_buffer = edit(
    "KVCache",
    "one-buffer-for-both",
    "Keys and values are one buffer under two names, so that the values overwrite the "
    "keys.",
    "self._values = np.zeros((n_kv_heads, max_len, head_dim), dtype)",
    "self._values = self._keys",
)

always_at_0 = edit(
    "KVCache",
    "always-written-at-the-start",
    "Every append writes to position 0 again: what was there is lost. The next "
    "position is the number of those filled so far.",
    "start, end = self._len, self._len + k.shape[1]",
    "start, end = 0, k.shape[1]",
)

written_at_0 = edit(
    "KVCache",
    "always-written-at-the-start",
    "",
    """        self._keys[:, start:end] = k
        self._values[:, start:end] = v
""",
    """        self._keys[:, : k.shape[1]] = k
        self._values[:, : k.shape[1]] = v
""",
)

last_overwritten = edit(
    "KVCache",
    "last-position-overwritten",
    "Each append overwrites the last position that was filled: it begins one place too "
    "early.",
    "start, end = self._len, self._len + k.shape[1]",
    "start, end = max(self._len - 1, 0), max(self._len - 1, 0) + k.shape[1]",
)


@mistake(
    "KVCache",
    "a-gap-before-the-first",
    "Position 0 stays empty: the length was advanced before the rows were written, so "
    "that they come one call too late.",
)
class KVCacheAdvancedTooEarly:
    def __init__(self, n_kv_heads, head_dim, max_len, dtype=np.float32):
        self.k = np.zeros((n_kv_heads, max_len, head_dim), dtype)
        self.v = np.zeros((n_kv_heads, max_len, head_dim), dtype)
        self.n = 0

    def __len__(self):
        return self.n

    def append(self, k, v):
        if self.n + k.shape[1] > self.k.shape[1]:
            raise ValueError("full")
        self.n += k.shape[1]
        room = self.k[:, self.n : self.n + k.shape[1]].shape[1]
        self.k[:, self.n : self.n + k.shape[1]] = k[:, :room]
        self.v[:, self.n : self.n + k.shape[1]] = v[:, :room]
        return self.k[:, : self.n], self.v[:, : self.n]

    def truncate(self, n):
        self.n = n

    def reset(self):
        self.n = 0


@mistake(
    "KVCache",
    "calls-counted-not-positions",
    "The length grew by one although the call brought several positions, as a prefill "
    "does. It grows by T_new.",
)
class KVCacheOneByOne:
    def __init__(self, n_kv_heads, head_dim, max_len, dtype=np.float32):
        self.k = np.zeros((n_kv_heads, max_len, head_dim), dtype)
        self.v = np.zeros((n_kv_heads, max_len, head_dim), dtype)
        self.n = 0

    def __len__(self):
        return self.n

    def append(self, k, v):
        if self.n + k.shape[1] > self.k.shape[1]:
            raise ValueError("full")
        self.k[:, self.n : self.n + k.shape[1]] = k
        self.v[:, self.n : self.n + k.shape[1]] = v
        self.n += 1
        return self.k[:, : self.n], self.v[:, : self.n]

    def truncate(self, n):
        self.n = n

    def reset(self):
        self.n = 0


@mistake("KVCache", "calls-counted-not-positions")
class KVCacheThatCountsItsCalls:
    def __init__(self, n_kv_heads, head_dim, max_len, dtype=np.float32):
        self.max_len, self.dtype = max_len, dtype
        self.ks, self.vs = [], []

    def __len__(self):
        return len(self.ks)

    def append(self, k, v):
        if len(self) + k.shape[1] > self.max_len:
            raise ValueError("full")
        self.ks.append(k.astype(self.dtype))
        self.vs.append(v.astype(self.dtype))
        return np.concatenate(self.ks, axis=1), np.concatenate(self.vs, axis=1)

    def truncate(self, n):
        self.ks, self.vs = self.ks[:n], self.vs[:n]

    def reset(self):
        self.ks, self.vs = [], []


length_by_one = edit(
    "KVCache",
    "calls-counted-not-positions",
    "",
    "        self._len = end\n",
    "        self._len += 1\n",
)


@mistake(
    "KVCache",
    "one-position-a-call",
    "Of several positions in one call only one is kept. A prefill brings a whole "
    "prompt: all T_new positions are stored, in order.",
)
class KVCacheOfTheLast:
    def __init__(self, n_kv_heads, head_dim, max_len, dtype=np.float32):
        self.max_len, self.dtype = max_len, dtype
        self.ks, self.vs = [], []

    def __len__(self):
        return len(self.ks)

    def append(self, k, v):
        if len(self.ks) >= self.max_len:
            raise ValueError("full")
        self.ks.append(k[:, -1].astype(self.dtype))
        self.vs.append(v[:, -1].astype(self.dtype))
        return np.stack(self.ks, axis=1), np.stack(self.vs, axis=1)

    def truncate(self, n):
        del self.ks[n:], self.vs[n:]

    def reset(self):
        self.truncate(0)


@mistake("KVCache", "one-position-a-call")
class KVCacheOfTheFirst:
    def __init__(self, n_kv_heads, head_dim, max_len, dtype=np.float32):
        self.k = np.zeros((n_kv_heads, max_len, head_dim), dtype)
        self.v = np.zeros((n_kv_heads, max_len, head_dim), dtype)
        self.n = 0

    def __len__(self):
        return self.n

    def append(self, k, v):
        if self.n == self.k.shape[1]:
            raise ValueError("full")
        self.k[:, self.n] = k[:, 0]
        self.v[:, self.n] = v[:, 0]
        self.n += 1
        return self.k[:, : self.n], self.v[:, : self.n]

    def truncate(self, n):
        self.n = n

    def reset(self):
        self.n = 0


length_of_heads = edit(
    "KVCache",
    "heads-taken-for-positions",
    "The number of new positions was read from the first axis, which is heads. With "
    "arrays (n_kv_heads, T_new, head_dim) it is the second.",
    "start, end = self._len, self._len + k.shape[1]",
    "start, end = self._len, self._len + k.shape[0]",
)

UNCHECKED = (
    "Past max_len nothing is refused. A cache has a fixed room, and an engine relies "
    "on the ValueError: with max_len 2, a third position must be refused."
)


@mistake("KVCache", "past-max-len-accepted", UNCHECKED)
class KVCacheWithoutEnd:
    def __init__(self, n_kv_heads, head_dim, max_len, dtype=np.float32):
        self.k = np.zeros((n_kv_heads, 0, head_dim), dtype)
        self.v = np.zeros((n_kv_heads, 0, head_dim), dtype)

    def __len__(self):
        return self.k.shape[1]

    def append(self, k, v):
        self.k = np.concatenate([self.k, k], axis=1, dtype=self.k.dtype)
        self.v = np.concatenate([self.v, v], axis=1, dtype=self.v.dtype)
        return self.k, self.v

    def truncate(self, n):
        self.k, self.v = self.k[:, :n], self.v[:, :n]

    def reset(self):
        self.truncate(0)


# NumPy refuses most of what does not fit, but not one row into an empty slice.
unchecked = edit(
    "KVCache",
    "past-max-len-accepted",
    "",
    "if end > self._keys.shape[1]:",
    "if False:",
)

one_too_many = edit(
    "KVCache",
    "past-max-len-accepted",
    "",
    "if end > self._keys.shape[1]:",
    "if start > self._keys.shape[1]:",
)


@mistake("KVCache", "past-max-len-accepted")
class KVCacheThatLooksAtOneCall(KVCache):
    def append(self, k, v):
        if k.shape[1] > self._keys.shape[1]:
            raise ValueError("more than max_len")
        start, self._len = self._len, self._len + k.shape[1]
        self._keys[:, start : self._len] = k
        self._values[:, start : self._len] = v
        return self._keys[:, : self._len], self._values[:, : self._len]


class _Joined:
    """What two forms below have in common: arrays joined at each step."""

    def __init__(self, n_kv_heads, head_dim, max_len, dtype=np.float32):
        self.max_len = max_len
        self.k = np.zeros((n_kv_heads, 0, head_dim), dtype)
        self.v = np.zeros((n_kv_heads, 0, head_dim), dtype)

    def __len__(self):
        return self.k.shape[1]

    def join(self, k, v):
        self.k = np.concatenate([self.k, k], axis=1, dtype=self.k.dtype)
        self.v = np.concatenate([self.v, v], axis=1, dtype=self.v.dtype)
        return self.k, self.v

    def truncate(self, n):
        self.k, self.v = self.k[:, :n], self.v[:, :n]

    def reset(self):
        self.truncate(0)


@mistake("KVCache", "past-max-len-accepted")
class KVCacheRefusesOnlyWhenFull(_Joined):
    def append(self, k, v):
        if len(self) >= self.max_len:
            raise ValueError("full")
        return self.join(k, v)


@mistake("KVCache", "values-not-truncated")
class KVCacheCutsItsKeysAlways(_Joined):
    def append(self, k, v):
        if len(self) + k.shape[1] > self.max_len:
            raise ValueError("full")
        return self.join(k, v)

    def truncate(self, n):
        self.k = self.k[:, :n]


@mistake("KVCache", "past-max-len-accepted")
class KVCacheJoinsWhateverFitsAlone(_Joined):
    def append(self, k, v):
        if k.shape[1] > self.max_len:
            raise ValueError("more than max_len")
        return self.join(k, v)


@mistake("KVCache", "values-not-truncated")
class KVCacheCutsItsKeys(_Joined):
    def append(self, k, v):
        if len(self) + k.shape[1] > self.max_len:
            raise ValueError("full")
        return self.join(k, v)

    def truncate(self, n):
        self.k = self.k[:, :n]

    def reset(self):
        self.k, self.v = self.k[:, :0], self.v[:, :0]


@mistake(
    "KVCache",
    "first-append-not-checked",
    "An empty cache takes more than max_len positions in one call: only what is added "
    "to something is compared with max_len. A prompt can be too long, too.",
)
class KVCacheBeginsUnchecked:
    def __init__(self, n_kv_heads, head_dim, max_len, dtype=np.float32):
        self.max_len, self.dtype = max_len, dtype
        self.k = self.v = None

    def __len__(self):
        return 0 if self.k is None else self.k.shape[1]

    def append(self, k, v):
        k, v = np.array(k, dtype=self.dtype), np.array(v, dtype=self.dtype)
        if self.k is not None:
            if len(self) + k.shape[1] > self.max_len:
                raise ValueError("full")
            k = np.concatenate([self.k, k], axis=1)
            v = np.concatenate([self.v, v], axis=1)
        self.k, self.v = k, v
        return k, v

    def truncate(self, n):
        if n == 0:
            self.reset()
        else:
            self.k, self.v = self.k[:, :n], self.v[:, :n]

    def reset(self):
        self.k = self.v = None


last_place_refused = edit(
    "KVCache",
    "last-place-refused",
    "The last place cannot be used: a cache of max_len 2 refuses its second position. "
    "Exactly max_len positions fit.",
    "if end > self._keys.shape[1]:",
    "if end >= self._keys.shape[1]:",
)


@mistake(
    "KVCache",
    "oldest-dropped",
    "When the cache is full the oldest position is dropped without a word. That is a "
    "sliding window; here what does not fit is a ValueError.",
)
class KVCacheSliding:
    def __init__(self, n_kv_heads, head_dim, max_len, dtype=np.float32):
        self.max_len = max_len
        self.k = np.zeros((n_kv_heads, 0, head_dim), dtype)
        self.v = np.zeros((n_kv_heads, 0, head_dim), dtype)

    def __len__(self):
        return self.k.shape[1]

    def append(self, k, v):
        k, v = k.astype(self.k.dtype), v.astype(self.v.dtype)
        self.k = np.concatenate([self.k, k], axis=1)[:, -self.max_len :]
        self.v = np.concatenate([self.v, v], axis=1)[:, -self.max_len :]
        return self.k, self.v

    def truncate(self, n):
        self.k, self.v = self.k[:, :n], self.v[:, :n]

    def reset(self):
        self.truncate(0)


@mistake("KVCache", "oldest-dropped")
class KVCacheShifting(KVCache):
    def append(self, k, v):
        room = self._keys.shape[1]
        over = self._len + k.shape[1] - room
        if over > 0:
            self._keys[:, : room - over] = self._keys[:, over:].copy()
            self._values[:, : room - over] = self._values[:, over:].copy()
            self._len -= over
        return KVCache.append(self, k, v)


@mistake("KVCache", "oldest-dropped")
class KVCacheRing:
    def __init__(self, n_kv_heads, head_dim, max_len, dtype=np.float32):
        self.k = np.zeros((n_kv_heads, max_len, head_dim), dtype)
        self.v = np.zeros((n_kv_heads, max_len, head_dim), dtype)
        self.max_len, self.n = max_len, 0

    def __len__(self):
        return min(self.n, self.max_len)

    def append(self, k, v):
        for i in range(k.shape[1]):
            self.k[:, self.n % self.max_len] = k[:, i]
            self.v[:, self.n % self.max_len] = v[:, i]
            self.n += 1
        return self.k[:, : len(self)], self.v[:, : len(self)]

    def truncate(self, n):
        self.n = n

    def reset(self):
        self.n = 0


@mistake(
    "KVCache",
    "cut-to-what-fits",
    "Of rows that do not all fit, the first were stored and the others dropped without "
    "a word. All or nothing: it is a ValueError, and the cache stays as it was.",
)
class KVCacheCut:
    def __init__(self, n_kv_heads, head_dim, max_len, dtype=np.float32):
        self.k = np.zeros((n_kv_heads, max_len, head_dim), dtype)
        self.v = np.zeros((n_kv_heads, max_len, head_dim), dtype)
        self.n = 0

    def __len__(self):
        return self.n

    def append(self, k, v):
        end = min(self.n + k.shape[1], self.k.shape[1])
        self.k[:, self.n : end] = k[:, : end - self.n]
        self.v[:, self.n : end] = v[:, : end - self.n]
        self.n = end
        return self.k[:, :end], self.v[:, :end]

    def truncate(self, n):
        self.n = n

    def reset(self):
        self.n = 0


@mistake("KVCache", "cut-to-what-fits")
class KVCacheRefusesWhenFull(KVCache):
    def append(self, k, v):
        room = self._keys.shape[1] - self._len
        if room == 0:
            raise ValueError("full")
        return KVCache.append(self, k[:, :room], v[:, :room])


CHANGED = (
    "The ValueError comes, but too late: the cache has changed by then, so that its "
    "length is wrong or what still fits is refused. Compare first, then write."
)
changed_although_refused = edit(
    "KVCache",
    "changed-although-refused",
    CHANGED,
    "        if end > self._keys.shape[1]:\n",
    "        self._len = end\n        if end > self._keys.shape[1]:\n",
)


@mistake("KVCache", "changed-although-refused")
class KVCacheFilledUntilItRaises:
    def __init__(self, n_kv_heads, head_dim, max_len, dtype=np.float32):
        self.max_len, self.dtype, self.rows = max_len, dtype, []

    def __len__(self):
        return len(self.rows)

    def append(self, k, v):
        for i in range(k.shape[1]):
            if len(self.rows) == self.max_len:
                raise ValueError("full")
            self.rows.append((k[:, i].copy(), v[:, i].copy()))
        keys, values = zip(*self.rows, strict=True)
        return (
            np.stack(keys, axis=1).astype(self.dtype),
            np.stack(values, axis=1).astype(self.dtype),
        )

    def truncate(self, n):
        del self.rows[n:]

    def reset(self):
        self.rows = []


@mistake("KVCache", "changed-although-refused")
class KVCacheJoinedBeforeItRaises:
    def __init__(self, n_kv_heads, head_dim, max_len, dtype=np.float32):
        self.max_len = max_len
        self.k = np.zeros((n_kv_heads, 0, head_dim), dtype)
        self.v = np.zeros((n_kv_heads, 0, head_dim), dtype)

    def __len__(self):
        return self.k.shape[1]

    def append(self, k, v):
        self.k = np.concatenate([self.k, k.astype(self.k.dtype)], axis=1)
        self.v = np.concatenate([self.v, v.astype(self.v.dtype)], axis=1)
        if len(self) > self.max_len:
            raise ValueError("full")
        return self.k, self.v

    def truncate(self, n):
        self.k, self.v = self.k[:, :n], self.v[:, :n]

    def reset(self):
        self.truncate(0)


other_error = edit(
    "KVCache",
    "another-error",
    "What does not fit is refused, but with another error. The statement promises a "
    "ValueError, and callers catch that.",
    "raise ValueError(",
    "raise IndexError(",
)


@mistake("KVCache", "another-error")
class KVCacheThatAsserts:
    def __init__(self, n_kv_heads, head_dim, max_len, dtype=np.float32):
        self.k = np.zeros((n_kv_heads, max_len, head_dim), dtype)
        self.v = np.zeros((n_kv_heads, max_len, head_dim), dtype)
        self.n = 0

    def __len__(self):
        return self.n

    def append(self, k, v):
        end = self.n + k.shape[1]
        assert end <= self.k.shape[1], "full"
        self.k[:, self.n : end], self.v[:, self.n : end] = k, v
        self.n = end
        return self.k[:, :end], self.v[:, :end]

    def truncate(self, n):
        self.n = n

    def reset(self):
        self.n = 0


NOT_COPIED = (
    "The cache keeps the caller's own arrays. When the caller uses them again for the "
    "next token, the past changes too. What is stored must be a copy."
)


@mistake("KVCache", "input-not-copied", NOT_COPIED)
class KVCacheOfTheirArrays:
    def __init__(self, n_kv_heads, head_dim, max_len, dtype=np.float32):
        self.max_len, self.dtype = max_len, dtype
        self.ks, self.vs = [], []

    def __len__(self):
        return sum(k.shape[1] for k in self.ks)

    def append(self, k, v):
        if len(self) + k.shape[1] > self.max_len:
            raise ValueError("full")
        self.ks.append(k)
        self.vs.append(v)
        return (
            np.concatenate(self.ks, axis=1).astype(self.dtype),
            np.concatenate(self.vs, axis=1).astype(self.dtype),
        )

    def truncate(self, n):
        k, v = (
            np.concatenate([a[:, :0], *a_s], axis=1)[:, :n] for a, a_s in self._both()
        )
        self.ks, self.vs = [k], [v]

    def _both(self):
        empty = np.zeros((1, 0, 1))
        for kept in (self.ks, self.vs):
            yield (kept[0] if kept else empty), kept

    def reset(self):
        self.ks, self.vs = [], []


@mistake("KVCache", "input-not-copied")
class KVCacheOfTheirRows:
    def __init__(self, n_kv_heads, head_dim, max_len, dtype=np.float32):
        self.max_len, self.dtype, self.rows = max_len, dtype, []

    def __len__(self):
        return len(self.rows)

    def append(self, k, v):
        if len(self) + k.shape[1] > self.max_len:
            raise ValueError("full")
        self.rows.extend((k[:, i], v[:, i]) for i in range(k.shape[1]))
        return tuple(
            np.stack([row[which] for row in self.rows], axis=1).astype(self.dtype)
            for which in (0, 1)
        )

    def truncate(self, n):
        del self.rows[n:]

    def reset(self):
        self.rows.clear()


@mistake("KVCache", "input-not-copied")
class KVCacheBeginningWithTheirs:
    """Copies when it joins or converts, but keeps the first arrays as they are."""

    def __init__(self, n_kv_heads, head_dim, max_len, dtype=np.float32):
        self.max_len, self.dtype = max_len, dtype
        self.reset()

    def __len__(self):
        return 0 if self.k is None else self.k.shape[1]

    def append(self, k, v):
        if len(self) + k.shape[1] > self.max_len:
            raise ValueError("full")
        k, v = np.asarray(k, dtype=self.dtype), np.asarray(v, dtype=self.dtype)
        if self.k is not None:
            k = np.concatenate([self.k, k], axis=1)
            v = np.concatenate([self.v, v], axis=1)
        self.k, self.v = k, v
        return k, v

    def truncate(self, n):
        if self.k is not None:
            self.k, self.v = self.k[:, :n], self.v[:, :n]

    def reset(self):
        self.k = self.v = None


@mistake("KVCache", "input-not-copied")
class KVCacheOfTheirValues:
    """The keys are copied; the values only where their dtype is another."""

    def __init__(self, n_kv_heads, head_dim, max_len, dtype=np.float32):
        self.max_len, self.dtype, self.chunks = max_len, dtype, []

    def __len__(self):
        return sum(k.shape[1] for k, _ in self.chunks)

    def append(self, k, v):
        if len(self) + k.shape[1] > self.max_len:
            raise ValueError("full")
        self.chunks.append((np.array(k, self.dtype), np.asarray(v, self.dtype)))
        return tuple(np.concatenate(a, axis=1) for a in zip(*self.chunks, strict=True))

    def truncate(self, n):
        kept = []
        for k, v in self.chunks:
            if n > 0:
                kept.append((k[:, :n], v[:, :n]))
            n -= k.shape[1]
        self.chunks = kept

    def reset(self):
        self.chunks = []


SHARED = (
    "Two caches share what they hold: the storage belongs to the class, to the module, "
    "or to a default argument, and not to the object. A second layer, or the next prompt, "
    "then finds the keys of the first. Each object needs storage of its own."
)


@mistake("KVCache", "shared-between-caches", SHARED)
class KVCacheOfTheClass:
    keys, values = [], []

    def __init__(self, n_kv_heads, head_dim, max_len, dtype=np.float32):
        self.max_len, self.dtype = max_len, dtype

    def __len__(self):
        return len(self.keys)

    def append(self, k, v):
        if len(self.keys) + k.shape[1] > self.max_len:
            raise ValueError("full")
        for i in range(k.shape[1]):
            self.keys.append(k[:, i].copy())
            self.values.append(v[:, i].copy())
        return (
            np.stack(self.keys, axis=1).astype(self.dtype),
            np.stack(self.values, axis=1).astype(self.dtype),
        )

    def truncate(self, n):
        del self.keys[n:], self.values[n:]

    def reset(self):
        self.truncate(0)


@mistake("KVCache", "shared-between-caches")
class KVCacheOfDefaults:
    def __init__(self, n_kv_heads, head_dim, max_len, dtype=np.float32, kept=[]):  # noqa: B006
        self.max_len, self.dtype, self.kept = max_len, dtype, kept

    def __len__(self):
        return sum(k.shape[1] for k, _ in self.kept)

    def append(self, k, v):
        if len(self) + k.shape[1] > self.max_len:
            raise ValueError("full")
        self.kept.append((k.astype(self.dtype), v.astype(self.dtype)))
        return tuple(np.concatenate(a, axis=1) for a in zip(*self.kept, strict=True))

    def truncate(self, n):
        both = [np.concatenate(a, axis=1)[:, :n] for a in zip(*self.kept, strict=True)]
        self.kept[:] = [tuple(both)] if both else []

    def reset(self):
        self.kept.clear()


@mistake("KVCache", "shared-between-caches")
class KVCacheOfOneBuffer:
    buffers = {}

    def __init__(self, n_kv_heads, head_dim, max_len, dtype=np.float32):
        shape = (2, n_kv_heads, max_len, head_dim)
        key = (shape, np.dtype(dtype))
        if key not in self.buffers:
            self.buffers[key] = np.zeros(shape, dtype)
        self.both, self.n = self.buffers[key], 0

    def __len__(self):
        return self.n

    def append(self, k, v):
        end = self.n + k.shape[1]
        if end > self.both.shape[2]:
            raise ValueError("full")
        self.both[:, :, self.n : end] = k, v
        self.n = end
        return self.both[0, :, :end], self.both[1, :, :end]

    def truncate(self, n):
        self.n = n

    def reset(self):
        self.n = 0


reset_does_nothing = edit(
    "KVCache",
    "not-reset",
    "After reset the old positions are still there: the next prompt would attend to "
    "the last one.",
    '''ready for the next prompt."""
        self._len = 0''',
    '''ready for the next prompt."""
        self._keys[:], self._values[:] = 0, 0''',
)


@mistake("KVCache", "not-reset")
class KVCacheResetInName:
    def __init__(self, n_kv_heads, head_dim, max_len, dtype=np.float32):
        self.max_len, self.dtype = max_len, dtype
        self.ks, self.vs, self.n = [], [], 0

    def __len__(self):
        return self.n

    def append(self, k, v):
        if self.n + k.shape[1] > self.max_len:
            raise ValueError("full")
        self.ks.append(k.astype(self.dtype))
        self.vs.append(v.astype(self.dtype))
        self.n += k.shape[1]
        return np.concatenate(self.ks, axis=1), np.concatenate(self.vs, axis=1)

    def truncate(self, n):
        k, v = np.concatenate(self.ks, axis=1), np.concatenate(self.vs, axis=1)
        self.ks, self.vs, self.n = [k[:, :n]], [v[:, :n]], n

    def reset(self):
        self.n = 0


@mistake(
    "KVCache",
    "reset-leaves-it-full",
    "After reset the contents are gone, but the places they took still count as used: "
    "a full cache stays full.",
)
class KVCacheResetWithoutItsCount:
    def __init__(self, n_kv_heads, head_dim, max_len, dtype=np.float32):
        self.dtype, self.left = dtype, max_len
        self.ks, self.vs = [], []

    def __len__(self):
        return sum(k.shape[1] for k in self.ks)

    def append(self, k, v):
        if k.shape[1] > self.left:
            raise ValueError("full")
        self.left -= k.shape[1]
        self.ks.append(k.astype(self.dtype))
        self.vs.append(v.astype(self.dtype))
        return np.concatenate(self.ks, axis=1), np.concatenate(self.vs, axis=1)

    def truncate(self, n):
        if self.ks:
            k, v = np.concatenate(self.ks, axis=1), np.concatenate(self.vs, axis=1)
            self.left += k.shape[1] - n
            self.ks, self.vs = [k[:, :n]], [v[:, :n]]

    def reset(self):
        self.ks, self.vs = [], []


dtype_lost_on_reset = edit(
    "KVCache",
    "dtype-lost-on-reset",
    "After reset the keys and values are in another dtype: the new storage was made "
    "without the cache's own.",
    '''ready for the next prompt."""
        self._len = 0''',
    '''ready for the next prompt."""
        self._keys = np.zeros(self._keys.shape)
        self._values = np.zeros(self._keys.shape)
        self._len = 0''',
)

made_anew_on_reset = edit(
    "KVCache",
    "dtype-lost-on-reset",
    "",
    '''ready for the next prompt."""
        self._len = 0''',
    '''ready for the next prompt."""
        n_kv_heads, max_len, head_dim = self._keys.shape
        self.__init__(n_kv_heads, head_dim, max_len)''',
)

truncate_to_0 = edit(
    "KVCache",
    "truncate-to-0-ignored",
    "truncate(0) has no effect: 0 is a number like others, but false in an if. It "
    "empties the cache.",
    "        self._len = n",
    "        self._len = n or self._len",
)


@mistake(
    "KVCache",
    "truncate-to-all-empties",
    "truncate(len) empties the cache: nothing is to go then, but a slice to -0 keeps "
    "nothing, and one from -0 takes all. All positions stay.",
)
class KVCacheCutFromTheEnd:
    def __init__(self, n_kv_heads, head_dim, max_len, dtype=np.float32):
        self.max_len = max_len
        self.k = np.zeros((n_kv_heads, 0, head_dim), dtype)
        self.v = np.zeros((n_kv_heads, 0, head_dim), dtype)

    def __len__(self):
        return self.k.shape[1]

    def append(self, k, v):
        if len(self) + k.shape[1] > self.max_len:
            raise ValueError("full")
        self.k = np.concatenate([self.k, k.astype(self.k.dtype)], axis=1)
        self.v = np.concatenate([self.v, v.astype(self.v.dtype)], axis=1)
        return self.k, self.v

    def truncate(self, n):
        dropped = len(self) - n
        self.k, self.v = self.k[:, :-dropped], self.v[:, :-dropped]

    def reset(self):
        self.k, self.v = self.k[:, :0], self.v[:, :0]


truncate_drops = edit(
    "KVCache",
    "truncate-drops-n",
    "truncate(n) took n positions away. It keeps n: of 5 positions truncate(2) keeps "
    "the first 2.",
    "        self._len = n",
    "        self._len -= n",
)


@mistake(
    "KVCache",
    "truncate-keeps-the-last",
    "truncate(n) kept the last n positions. Rejected tokens are the newest, so the "
    "first n stay.",
)
class KVCacheTruncatedInFront:
    def __init__(self, n_kv_heads, head_dim, max_len, dtype=np.float32):
        self.max_len = max_len
        self.k = np.zeros((n_kv_heads, 0, head_dim), dtype)
        self.v = np.zeros((n_kv_heads, 0, head_dim), dtype)

    def __len__(self):
        return self.k.shape[1]

    def append(self, k, v):
        if len(self) + k.shape[1] > self.max_len:
            raise ValueError("full")
        self.k = np.concatenate([self.k, k.astype(self.k.dtype)], axis=1)
        self.v = np.concatenate([self.v, v.astype(self.v.dtype)], axis=1)
        return self.k, self.v

    def truncate(self, n):
        start = len(self) - n
        self.k, self.v = self.k[:, start:], self.v[:, start:]

    def reset(self):
        self.truncate(0)


truncate_one_too_many = edit(
    "KVCache",
    "truncate-off-by-one",
    "After truncate(n) there is one position too many or too few: exactly the first n "
    "stay, those at 0 to n - 1.",
    "        self._len = n",
    "        self._len = min(n + 1, self._len)",
)

truncate_one_too_few = edit(
    "KVCache",
    "truncate-off-by-one",
    "",
    "        self._len = n",
    "        self._len = max(n - 1, 0)",
)

truncate_does_nothing = edit(
    "KVCache",
    "truncate-without-effect",
    "truncate has no effect: the rejected positions are still there, and what comes "
    "next follows them.",
    "        self._len = n",
    "        self._keys[:, n:] = 0",
)


@mistake(
    "KVCache",
    "values-not-truncated",
    "truncate, or a reset that uses it, shortened the keys but not the values, so that "
    "each later value stands beside the wrong key.",
)
class KVCacheTruncatedByHalf:
    def __init__(self, n_kv_heads, head_dim, max_len, dtype=np.float32):
        self.max_len, self.dtype = max_len, dtype
        self.ks, self.vs = [], []

    def __len__(self):
        return len(self.ks)

    def append(self, k, v):
        if len(self) + k.shape[1] > self.max_len:
            raise ValueError("full")
        self.ks += [k[:, i].astype(self.dtype) for i in range(k.shape[1])]
        self.vs += [v[:, i].astype(self.dtype) for i in range(k.shape[1])]
        return np.stack(self.ks, axis=1), np.stack(self.vs, axis=1)

    def truncate(self, n):
        self.ks = self.ks[:n]

    def reset(self):
        self.ks, self.vs = [], []


@mistake(
    "KVCache",
    "truncate-leaves-it-full",
    "After truncate the places of what was rejected still count as used: a cache that "
    "was full refuses what would fit now.",
)
class KVCacheTruncatedWithoutItsCount:
    def __init__(self, n_kv_heads, head_dim, max_len, dtype=np.float32):
        self.max_len, self.dtype, self.rows, self.used = max_len, dtype, [], 0

    def __len__(self):
        return len(self.rows)

    def append(self, k, v):
        if self.used + k.shape[1] > self.max_len:
            raise ValueError("full")
        self.used += k.shape[1]
        self.rows += [(k[:, i].copy(), v[:, i].copy()) for i in range(k.shape[1])]
        return tuple(
            np.stack([row[which] for row in self.rows], axis=1).astype(self.dtype)
            for which in (0, 1)
        )

    def truncate(self, n):
        self.rows = self.rows[:n]

    def reset(self):
        self.rows, self.used = [], 0


truncate_shrinks = edit(
    "KVCache",
    "truncate-leaves-it-full",
    "",
    "        self._len = n",
    "        room = self._keys.shape[1] - (self._len - n)\n"
    "        self._keys, self._values = self._keys[:, :room], self._values[:, :room]\n"
    "        self._len = n",
)


truncate_sets_the_room = edit(
    "KVCache",
    "truncate-sets-the-room",
    "After truncate(n) the cache has room for n positions and no more. It forgets what "
    "comes after them; max_len stays what it was.",
    "        self._len = n",
    "        self._keys, self._values = self._keys[:, :n], self._values[:, :n]\n"
    "        self._len = n",
)


@mistake(
    "KVCache",
    "truncate-by-calls",
    "truncate counted calls of append, not positions: after a prefill of 5, "
    "truncate(2) must keep 2 positions.",
)
class KVCacheTruncatedByCalls:
    def __init__(self, n_kv_heads, head_dim, max_len, dtype=np.float32):
        self.max_len, self.dtype = max_len, dtype
        self.ks, self.vs = [], []

    def __len__(self):
        return sum(k.shape[1] for k in self.ks)

    def append(self, k, v):
        if len(self) + k.shape[1] > self.max_len:
            raise ValueError("full")
        self.ks.append(k.astype(self.dtype))
        self.vs.append(v.astype(self.dtype))
        return np.concatenate(self.ks, axis=1), np.concatenate(self.vs, axis=1)

    def truncate(self, n):
        self.ks, self.vs = self.ks[:n], self.vs[:n]

    def reset(self):
        self.ks, self.vs = [], []


DTYPE = (
    "Keys or values are not in the dtype that the cache was made with, float32 if "
    "none was said. The dtype decides how large the cache is: float64 where float16 "
    "was asked for is four times as much."
)


@mistake("KVCache", "dtype-ignored", DTYPE)
class KVCacheOfAnyDtype:
    def __init__(self, n_kv_heads, head_dim, max_len, dtype=np.float32):
        self.max_len = max_len
        self.k = self.v = None

    def __len__(self):
        return 0 if self.k is None else self.k.shape[1]

    def append(self, k, v):
        if len(self) + k.shape[1] > self.max_len:
            raise ValueError("full")
        if self.k is None:
            self.k, self.v = k.copy(), v.copy()
        else:
            self.k = np.concatenate([self.k, k], axis=1)
            self.v = np.concatenate([self.v, v], axis=1)
        return self.k, self.v

    def truncate(self, n):
        if self.k is not None:
            self.k, self.v = self.k[:, :n], self.v[:, :n]

    def reset(self):
        self.k = self.v = None


@mistake("KVCache", "dtype-ignored")
class KVCacheWidened:
    """Begins in its dtype; joined with wider rows it is as wide as these."""

    def __init__(self, n_kv_heads, head_dim, max_len, dtype=np.float32):
        self.max_len = max_len
        self.k = np.zeros((n_kv_heads, 0, head_dim), dtype)
        self.v = np.zeros((n_kv_heads, 0, head_dim), dtype)

    def __len__(self):
        return self.k.shape[1]

    def append(self, k, v):
        if len(self) + k.shape[1] > self.max_len:
            raise ValueError("full")
        self.k = np.concatenate([self.k, k], axis=1)
        self.v = np.concatenate([self.v, v], axis=1)
        return self.k, self.v

    def truncate(self, n):
        self.k, self.v = self.k[:, :n], self.v[:, :n]

    def reset(self):
        self.truncate(0)


always_float64 = edit(
    "KVCache",
    "dtype-ignored",
    "",
    '''"""
        self._keys = np.zeros((n_kv_heads, max_len, head_dim), dtype)
        self._values = np.zeros((n_kv_heads, max_len, head_dim), dtype)''',
    '''"""
        self._keys = np.zeros((n_kv_heads, max_len, head_dim))
        self._values = np.zeros((n_kv_heads, max_len, head_dim))''',
)

always_float32 = edit(
    "KVCache",
    "dtype-ignored",
    "",
    '''"""
        self._keys = np.zeros((n_kv_heads, max_len, head_dim), dtype)
        self._values = np.zeros((n_kv_heads, max_len, head_dim), dtype)''',
    '''"""
        self._keys = np.zeros((n_kv_heads, max_len, head_dim), np.float32)
        self._values = np.zeros((n_kv_heads, max_len, head_dim), np.float32)''',
)

values_dtype = edit(
    "KVCache",
    "dtype-ignored",
    "",
    "self._values = np.zeros((n_kv_heads, max_len, head_dim), dtype)",
    "self._values = np.zeros((n_kv_heads, max_len, head_dim))",
)

default_dtype = edit(
    "KVCache",
    "default-is-not-float32",
    "A cache that is made without a dtype is not float32.",
    "dtype=np.float32",
    "dtype=np.float64",
)

default_half = edit(
    "KVCache",
    "default-is-not-float32",
    "",
    "dtype=np.float32",
    "dtype=np.float16",
)

narrowed_on_the_way = edit(
    "KVCache",
    "narrowed-on-the-way",
    "A float64 cache has lost digits: what it was given passed through a narrower "
    "dtype on its way in.",
    "        self._keys[:, start:end] = k\n",
    "        k, v = k.astype(np.float32), v.astype(np.float32)\n"
    "        self._keys[:, start:end] = k\n",
)

other_dtypes_refused = edit(
    "KVCache",
    "other-dtypes-refused",
    "Rows of another dtype than the cache's are an error. They may be floats of any "
    "width: a float32 cache is given float64 and keeps it in float32.",
    "        start, end = self._len, self._len + k.shape[1]\n",
    "        if k.dtype != self._keys.dtype:\n"
    '            raise TypeError("another dtype")\n'
    "        start, end = self._len, self._len + k.shape[1]\n",
)

LEN = (
    "len is not the number of filled positions. It says where the next token stands: "
    "0 in a new cache, whatever its room or its number of heads."
)
len_is_room = edit(
    "KVCache",
    "len-is-not-the-filled",
    LEN,
    "return self._len",
    "return max(self._keys.shape)",
)

len_is_max_len = edit(
    "KVCache",
    "len-is-not-the-filled",
    "",
    "return self._len",
    "return self._keys.shape[1]",
)

len_is_heads = edit(
    "KVCache",
    "len-is-not-the-filled",
    "",
    "return self._len",
    "return len(self._keys)",
)

a_list = edit(
    "KVCache",
    "one-array-returned",
    "Keys and values came back stacked in one array. A pair is due: (keys, values).",
    "return self._keys[:, :end], self._values[:, :end]",
    "return np.stack([self._keys[:, :end], self._values[:, :end]])",
)

nothing_returned = edit(
    "KVCache",
    "nothing-returned",
    "append stores the rows but gives nothing back. The caller attends to what it "
    "gives back: (keys, values) of all positions so far.",
    "        return self._keys[:, :end], self._values[:, :end]\n",
    "",
)

# decode_step

FUTURE = (
    "In a chunk of several rows each sees the rows after it: the mask was left out, or "
    "begins too late, since the cache's length was read when the new rows were in it. "
    "One row at a time needs no mask, a prefill does: two rows at once, and the first "
    "must not see the second."
)
mask_skipped = edit(
    "decode_step",
    "prefill-sees-the-future",
    FUTURE,
    "scores = np.where(visible, scores, -np.inf)",
    "scores = scores + 0.0 * visible",
    seen_in="Mikyx-1/TinyLLM #17",
)

length_read_too_late = edit(
    "decode_step",
    "prefill-sees-the-future",
    "",
    "positions = start + np.arange(n_new)",
    "positions = len(cache) + np.arange(n_new)",
)

masked_only_at_first = edit(
    "decode_step",
    "later-chunks-see-the-future",
    "The first chunk is masked, the later ones are not: with something in the cache, "
    "the rows of a chunk see those after them. A second chunk of two rows is as causal "
    "as the first.",
    "scores = np.where(visible, scores, -np.inf)",
    "scores = np.where(visible | (start > 0), scores, -np.inf)",
)

FIRST_KEYS = (
    "New row i sees the keys 0 to i of the cache, as if the new rows stood at its "
    "beginning. They stand at its end: one new row with three in the cache sees all "
    "four, not only key 0."
)
aligned_at_the_first_key = edit(
    "decode_step",
    "aligned-at-the-first-key",
    FIRST_KEYS,
    "positions = start + np.arange(n_new)",
    "positions = np.arange(n_new)",
    seen_in="huggingface/candle #3743, pytorch/executorch #21749",
)


@mistake("decode_step", "aligned-at-the-first-key")
def decode_step_by_tril(x, w_q, w_k, w_v, w_o, n_heads, n_kv_heads, cache):
    d = w_q.shape[1] // n_heads
    q = (x @ w_q).reshape(len(x), n_heads, d).transpose(1, 0, 2)
    k = (x @ w_k).reshape(len(x), n_kv_heads, d).transpose(1, 0, 2)
    v = (x @ w_v).reshape(len(x), n_kv_heads, d).transpose(1, 0, 2)
    k, v = cache.append(k, v)
    k, v = (np.repeat(a, n_heads // n_kv_heads, axis=0) for a in (k, v))
    scores = q @ k.transpose(0, 2, 1) / math.sqrt(d)
    scores[:, ~np.tril(np.ones(scores.shape[1:], dtype=bool))] = -np.inf
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    return (weights @ v).transpose(1, 0, 2).reshape(len(x), -1) @ w_o


one_too_far = edit(
    "decode_step",
    "sees-the-next-row",
    "Every row of a chunk sees one row too many, the next one. Row i stands at "
    "position len(cache) + i and sees the positions up to that.",
    "positions = start + np.arange(n_new)",
    "positions = start + 1 + np.arange(n_new)",
)

ITSELF = (
    "A row does not see itself, or only the first row of all does: every row's own key "
    "must be among those that it attends to."
)
own_hidden = edit(
    "decode_step",
    "own-row-hidden",
    ITSELF,
    "<= positions[:, None]",
    "< positions[:, None]",
)


own_hidden_but_the_first = edit(
    "decode_step",
    "own-row-hidden",
    "",
    "visible = np.arange(start + n_new) <= positions[:, None]",
    "visible = np.arange(start + n_new) < np.maximum(positions, 1)[:, None]",
)


@mistake("decode_step", "own-row-hidden")
def decode_step_appending_afterwards(x, w_q, w_k, w_v, w_o, n_heads, n_kv_heads, cache):
    d, out = w_q.shape[1] // n_heads, []
    for row in x:
        q = (row @ w_q).reshape(n_kv_heads, -1, d)
        k = (row @ w_k).reshape(n_kv_heads, 1, d)
        v = (row @ w_v).reshape(n_kv_heads, 1, d)
        keys, values = (kept[:, :-1] for kept in cache.append(k, v))
        scores = q @ keys.swapaxes(1, 2) / np.sqrt(d)
        exps = np.exp(scores - scores.max(-1, keepdims=True, initial=-1e300))
        mixed = exps @ values / exps.sum(-1, keepdims=True)
        out.append(mixed.reshape(-1) @ w_o)
    return np.array(out)


future_only = edit(
    "decode_step",
    "sees-the-future-only",
    "The mask is turned round: rows see what comes after them and not what came "
    "before.",
    "<= positions[:, None]",
    ">= positions[:, None]",
)

PAST_UNUSED = (
    "The new rows attend to themselves only, and not to what the cache holds. With "
    "one row at a time each output is its own value, whatever came before."
)


@mistake("decode_step", "past-not-used", PAST_UNUSED)
def decode_step_of_the_new_rows(x, w_q, w_k, w_v, w_o, n_heads, n_kv_heads, cache):
    n, d = len(x), w_q.shape[1] // n_heads
    q = (x @ w_q).reshape(n, n_heads, d).swapaxes(0, 1)
    k = (x @ w_k).reshape(n, n_kv_heads, d).swapaxes(0, 1)
    v = (x @ w_v).reshape(n, n_kv_heads, d).swapaxes(0, 1)
    cache.append(k, v)
    k, v = (np.repeat(a, n_heads // n_kv_heads, axis=0) for a in (k, v))
    scores = np.where(np.tri(n, dtype=bool), q @ k.swapaxes(1, 2) / np.sqrt(d), -np.inf)
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    return (weights @ v).swapaxes(0, 1).reshape(n, -1) @ w_o


NOT_STORED = (
    "The new keys and values are not in the cache, or not all of them: what comes next "
    "finds a past with holes. Every new row is appended, once."
)
last_row_stored = edit(
    "decode_step",
    "not-all-rows-stored",
    NOT_STORED,
    "keys, values = cache.append(split(x @ w_k, n_kv_heads), split(x @ w_v, n_kv_heads))",
    "k, v = split(x @ w_k, n_kv_heads), split(x @ w_v, n_kv_heads)\n"
    "    keys, values = cache.append(k[:, -1:], v[:, -1:])\n"
    "    keys = np.concatenate([keys[:, :-1], k], axis=1)\n"
    "    values = np.concatenate([values[:, :-1], v], axis=1)",
)

last_row_attended = edit(
    "decode_step",
    "not-all-rows-stored",
    "",
    """    keys, values = cache.append(split(x @ w_k, n_kv_heads), split(x @ w_v, n_kv_heads))
    group = n_heads // n_kv_heads
    keys, values = np.repeat(keys, group, axis=0), np.repeat(values, group, axis=0)
    scores = q @ np.swapaxes(keys, 1, 2) / d_head**0.5
    positions = start + np.arange(n_new)
    visible = np.arange(start + n_new) <= positions[:, None]
    scores = np.where(visible, scores, -np.inf)
""",
    """    k, v = split(x @ w_k, n_kv_heads), split(x @ w_v, n_kv_heads)
    keys, values = cache.append(k[:, -1:], v[:, -1:])
    group = n_heads // n_kv_heads
    keys, values = np.repeat(keys, group, axis=0), np.repeat(values, group, axis=0)
    scores = q @ np.swapaxes(keys, 1, 2) / d_head**0.5
""",
)

TWICE = (
    "The new rows are in the cache twice: it was appended to more than once for the "
    "same rows, so that they count double and everything later stands too far back. "
    "Append them once, and keep what that gives."
)
appended_twice = edit(
    "decode_step",
    "appended-twice",
    TWICE,
    "    group = n_heads // n_kv_heads\n",
    "    keys, values = cache.append(keys[:, start:], values[:, start:])\n"
    "    group = n_heads // n_kv_heads\n",
)

appended_before = edit(
    "decode_step",
    "appended-twice",
    "",
    "    q = split(x @ w_q, n_heads)\n",
    "    cache.append(split(x @ w_k, n_kv_heads), split(x @ w_v, n_kv_heads))\n"
    "    start = len(cache)\n"
    "    q = split(x @ w_q, n_heads)\n",
)

# Appended again after the answer: only the next step goes wrong.
appended_again = edit(
    "decode_step",
    "appended-twice",
    "",
    "    group = n_heads // n_kv_heads\n",
    "    cache.append(keys[:, start:], values[:, start:])\n"
    "    group = n_heads // n_kv_heads\n",
)


@mistake("decode_step", "appended-twice")
def decode_step_appending_for_each(x, w_q, w_k, w_v, w_o, n_heads, n_kv_heads, cache):
    n, d, start = len(x), w_q.shape[1] // n_heads, len(cache)
    k = (x @ w_k).reshape(n, n_kv_heads, d).swapaxes(0, 1)
    v = (x @ w_v).reshape(n, n_kv_heads, d).swapaxes(0, 1)
    keys, values = cache.append(k, v)[0], cache.append(k, v)[1]
    values = values[:, : keys.shape[1]]
    q = (x @ w_q).reshape(n, n_heads, d).swapaxes(0, 1)
    keys, values = (np.repeat(a, n_heads // n_kv_heads, axis=0) for a in (keys, values))
    visible = np.arange(start + n) <= start + np.arange(n)[:, None]
    scores = np.where(visible, q @ keys.swapaxes(1, 2) / np.sqrt(d), -np.inf)
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    return (weights @ values).swapaxes(0, 1).reshape(n, -1) @ w_o


stored_the_wrong_way_round = edit(
    "decode_step",
    "keys-and-values-swapped",
    "Keys and values are exchanged in the cache, or on their way out of it: scores "
    "come from keys, and the mixture is of values.",
    "cache.append(split(x @ w_k, n_kv_heads), split(x @ w_v, n_kv_heads))",
    "cache.append(split(x @ w_v, n_kv_heads), split(x @ w_k, n_kv_heads))",
)

taken_the_wrong_way_round = edit(
    "decode_step",
    "keys-and-values-swapped",
    "",
    "    keys, values = cache.append(",
    "    values, keys = cache.append(",
)

# Swapped twice: the outputs are right, the cache is not.
swapped_in_the_cache = edit(
    "decode_step",
    "keys-and-values-swapped",
    "",
    "keys, values = cache.append(split(x @ w_k, n_kv_heads), split(x @ w_v, n_kv_heads))",
    "values, keys = cache.append(split(x @ w_v, n_kv_heads), split(x @ w_k, n_kv_heads))",
)

values_from_keys = edit(
    "decode_step",
    "values-from-the-keys",
    "The keys are mixed where the values are due: the values are x @ w_v.",
    "split(x @ w_v, n_kv_heads)",
    "split(x @ w_k, n_kv_heads)",
)

LAST_VALUE = (
    "The values of the past come from the last token, not from the cache: every "
    "position has a value of its own, and it was computed when that token was new."
)
value_of_the_last = edit(
    "decode_step",
    "values-of-the-last-token",
    LAST_VALUE,
    "    mixed = np.swapaxes(weights @ values, 0, 1)",
    "    values = np.broadcast_to(values[:, -1:], values.shape)\n"
    "    mixed = np.swapaxes(weights @ values, 0, 1)",
)

key_of_the_last = edit(
    "decode_step",
    "keys-of-the-last-token",
    "The keys of the past come from the last token, not from the cache, so that all "
    "positions get the same score.",
    "    scores = q @ ",
    "    keys = np.broadcast_to(keys[:, -1:], keys.shape)\n    scores = q @ ",
)

queries_cached = edit(
    "decode_step",
    "queries-cached",
    "Queries are in the cache where keys belong. A query is used in its own step and "
    "never again: the cache is for keys and values.",
    "cache.append(split(x @ w_k, n_kv_heads),",
    "cache.append(split(x @ w_q, n_heads),",
)


@mistake(
    "decode_step",
    "inputs-cached",
    "The rows themselves are in the cache, not yet projected. What is kept are the "
    "keys x @ w_k and the values x @ w_v, split into heads.",
)
def decode_step_caching_inputs(x, w_q, w_k, w_v, w_o, n_heads, n_kv_heads, cache):
    past, _ = cache.append(x[None], x[None])
    d = w_q.shape[1] // n_heads
    group = n_heads // n_kv_heads
    k = np.repeat((past[0] @ w_k).reshape(-1, n_kv_heads, d), group, axis=1)
    v = np.repeat((past[0] @ w_v).reshape(-1, n_kv_heads, d), group, axis=1)
    q = (x @ w_q).reshape(-1, n_heads, d)
    scores = np.einsum("ihd,jhd->hij", q, k) / np.sqrt(d)
    scores = np.where(np.tri(len(x), len(k), len(k) - len(x)), scores, -np.inf)
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    return np.einsum("hij,jhd->ihd", weights, v).reshape(len(x), -1) @ w_o


rows_cached = edit(
    "decode_step",
    "inputs-cached",
    "",
    "cache.append(split(x @ w_k, n_kv_heads), split(x @ w_v, n_kv_heads))",
    "cache.append(x, x)",
)

batch_axis = edit(
    "decode_step",
    "batch-axis",
    "The keys and values were given to the cache with an axis too many, one for a "
    "batch. A cache is of one sequence: (n_kv_heads, T_new, d_head), heads first.",
    "cache.append(split(x @ w_k, n_kv_heads), split(x @ w_v, n_kv_heads))",
    "(\n"
    "        kept[0]\n"
    "        for kept in cache.append(\n"
    "            split(x @ w_k, n_kv_heads)[None], split(x @ w_v, n_kv_heads)[None]\n"
    "        )\n"
    "    )",
)

heads_not_split = edit(
    "decode_step",
    "heads-not-split",
    "The keys and values were given to the cache as they come from the product, all "
    "heads side by side. They are split first: (n_kv_heads, T_new, d_head).",
    "cache.append(split(x @ w_k, n_kv_heads), split(x @ w_v, n_kv_heads))",
    "cache.append(x @ w_k, x @ w_v)",
)

REPEATED = (
    "The keys and values were repeated for the query heads before they were stored, so "
    "that the cache gets n_heads heads and refuses them. Store n_kv_heads heads and "
    "repeat what comes back: that the cache is small is why heads are shared."
)
repeated_before_storing = edit(
    "decode_step",
    "repeated-heads-cached",
    REPEATED,
    """    keys, values = cache.append(split(x @ w_k, n_kv_heads), split(x @ w_v, n_kv_heads))
    group = n_heads // n_kv_heads
    keys, values = np.repeat(keys, group, axis=0), np.repeat(values, group, axis=0)
""",
    """    k, v = split(x @ w_k, n_kv_heads), split(x @ w_v, n_kv_heads)
    group = n_heads // n_kv_heads
    keys, values = cache.append(np.repeat(k, group, axis=0), np.repeat(v, group, axis=0))
""",
    seen_in="meta-pytorch/torchtune #38",
)

TILED = (
    "Query heads use the wrong KV head: the whole set of KV heads was repeated, 0 1 0 "
    "1, and not each in place, 0 0 1 1. With 4 query heads and 2 KV heads the query "
    "heads 0 and 1 use KV head 0."
)
tiled = edit(
    "decode_step",
    "tile-for-repeat",
    TILED,
    "np.repeat(keys, group, axis=0), np.repeat(values, group, axis=0)",
    "np.tile(keys, (group, 1, 1)), np.tile(values, (group, 1, 1))",
)


@mistake("decode_step", "tile-for-repeat")
def decode_step_modulo(x, w_q, w_k, w_v, w_o, n_heads, n_kv_heads, cache):
    n, d, start = len(x), w_q.shape[1] // n_heads, len(cache)
    k = np.moveaxis((x @ w_k).reshape(n, n_kv_heads, d), 1, 0)
    v = np.moveaxis((x @ w_v).reshape(n, n_kv_heads, d), 1, 0)
    keys, values = cache.append(k, v)
    hidden = np.arange(start + n) > start + np.arange(n)[:, None]
    out = 0
    for h in range(n_heads):
        q = x @ w_q[:, h * d : (h + 1) * d]
        scores = q @ keys[h % n_kv_heads].T / np.sqrt(d)
        scores[hidden] = -np.inf
        weights = np.exp(scores - scores.max(1, keepdims=True))
        weights /= weights.sum(1, keepdims=True)
        out = out + weights @ values[h % n_kv_heads] @ w_o[h * d : (h + 1) * d]
    return out


DIVIDED_WRONGLY = (
    "Query heads use the wrong KV head: h was divided by the number of KV heads, and "
    "not by the number of query heads that share one. Head h uses KV head "
    "h // (n_heads // n_kv_heads): with 6 heads and 3 KV heads 0 0 1 1 2 2."
)
divided_by_the_kv_heads = edit(
    "decode_step",
    "divided-by-the-kv-heads",
    DIVIDED_WRONGLY,
    "np.repeat(keys, group, axis=0), np.repeat(values, group, axis=0)",
    "(a[np.arange(n_heads) // n_kv_heads] for a in (keys, values))",
)
divided_and_cut = edit(
    "decode_step",
    "divided-by-the-kv-heads",
    "",
    "np.repeat(keys, group, axis=0), np.repeat(values, group, axis=0)",
    "(\n"
    "        a[np.minimum(np.arange(n_heads) // n_kv_heads, n_kv_heads - 1)]\n"
    "        for a in (keys, values)\n"
    "    )",
)
divided_and_wrapped = edit(
    "decode_step",
    "divided-by-the-kv-heads",
    "",
    "np.repeat(keys, group, axis=0), np.repeat(values, group, axis=0)",
    "(a[np.arange(n_heads) // n_kv_heads % n_kv_heads] for a in (keys, values))",
)

heads_not_repeated = edit(
    "decode_step",
    "heads-not-repeated",
    "Queries and keys do not fit together when there are fewer KV heads than query "
    "heads: each KV head serves n_heads // n_kv_heads query heads, and is repeated for "
    "them.",
    "    keys, values = np.repeat(keys, group, axis=0), np.repeat(values, group, axis=0)\n",
    "",
)

values_tiled = edit(
    "decode_step",
    "values-tiled",
    "The keys of a query head come from the right KV head, its values from another: "
    "both are to be repeated in place, 0 0 1 1.",
    "np.repeat(values, group, axis=0)",
    "np.tile(values, (group, 1, 1))",
)

first_head_only = edit(
    "decode_step",
    "first-kv-head-for-all",
    "All query heads use KV head 0. Head h uses KV head h // (n_heads // n_kv_heads).",
    "np.repeat(keys, group, axis=0), np.repeat(values, group, axis=0)",
    "(np.repeat(a[:1], n_heads, axis=0) for a in (keys, values))",
)

NO_SCALE = (
    "The scores are not scaled, or not by 1/sqrt(d_head). Each head has d_head terms "
    "in its dot products: neither d_model nor the width of all heads counts, and the "
    "square root is part of it."
)
no_scale = edit("decode_step", "wrong-scale", NO_SCALE, " / d_head**0.5", "")
scale_of_d_model = edit(
    "decode_step",
    "wrong-scale",
    "",
    " / d_head**0.5",
    " / np.sqrt(x.shape[1])",
)
scale_without_root = edit(
    "decode_step", "wrong-scale", "", " / d_head**0.5", " / d_head"
)
scale_of_all_heads = edit(
    "decode_step", "wrong-scale", "", " / d_head**0.5", " / np.sqrt(w_q.shape[1])"
)
scale_of_the_kv_width = edit(
    "decode_step", "wrong-scale", "", " / d_head**0.5", " / np.sqrt(w_k.shape[1])"
)

scale_of_the_length = edit(
    "decode_step", "wrong-scale", "", " / d_head**0.5", " / np.sqrt(keys.shape[1])"
)

scale_of_a_model_share = edit(
    "decode_step",
    "wrong-scale",
    "",
    " / d_head**0.5",
    " / np.sqrt(x.shape[1] // n_heads)",
)

scaled_keys_cached = edit(
    "decode_step",
    "scaled-keys-cached",
    "The outputs are right, but the keys in the cache are scaled. They are to be "
    "stored as they are, x @ w_k: who reads the cache cannot know of the scale.",
    """cache.append(split(x @ w_k, n_kv_heads), split(x @ w_v, n_kv_heads))
""",
    """cache.append(
        split(x @ w_k, n_kv_heads) / np.sqrt(d_head), split(x @ w_v, n_kv_heads)
    )
    keys = keys * np.sqrt(d_head)
""",
)

HEADS_MIXED = (
    "A prefill mixes heads and rows; with one row at a time it does not show. The "
    "columns are cut into heads first, (T_new, heads, d_head), and then these two axes "
    "are exchanged: a reshape alone puts parts of other rows into a head."
)
split_by_reshape = edit(
    "decode_step",
    "reshape-without-transpose",
    HEADS_MIXED,
    "return np.swapaxes(projected.reshape(n_new, heads, d_head), 0, 1)",
    "return projected.reshape(heads, n_new, d_head)",
)

queries_split_by_reshape = edit(
    "decode_step",
    "reshape-without-transpose",
    "",
    "    q = split(x @ w_q, n_heads)\n",
    "    q = (x @ w_q).reshape(n_heads, n_new, d_head)\n",
)

kv_split_by_reshape = edit(
    "decode_step",
    "reshape-without-transpose",
    "",
    "cache.append(split(x @ w_k, n_kv_heads), split(x @ w_v, n_kv_heads))",
    "cache.append(\n"
    "        (x @ w_k).reshape(n_kv_heads, n_new, d_head),\n"
    "        (x @ w_v).reshape(n_kv_heads, n_new, d_head),\n"
    "    )",
)

merged_by_reshape = edit(
    "decode_step",
    "merged-without-transpose",
    "A prefill mixes the outputs of heads and rows; with one row at a time it does not "
    "show. Before the heads are joined, the axes go back to (T_new, n_heads, d_head).",
    "mixed = np.swapaxes(weights @ values, 0, 1)",
    "mixed = weights @ values",
)

heads_interleaved = edit(
    "decode_step",
    "heads-interleaved",
    "Head h took every n_heads-th column. It owns a run of columns, h * d_head to "
    "(h + 1) * d_head.",
    "return np.swapaxes(projected.reshape(n_new, heads, d_head), 0, 1)",
    "return projected.reshape(n_new, d_head, heads).transpose(2, 0, 1)",
)

w_o_omitted = edit(
    "decode_step",
    "output-projection-omitted",
    "The heads are joined but not projected: the output is (..., d_model) only after "
    "w_o.",
    "return mixed.reshape(n_new, n_heads * d_head) @ w_o",
    "return mixed.reshape(n_new, n_heads * d_head)",
)

w_o_transposed = edit(
    "decode_step",
    "output-projection-transposed",
    "w_o was used transposed. It is (n_heads * d_head, d_model): the heads multiply it "
    "from the left.",
    "return mixed.reshape(n_new, n_heads * d_head) @ w_o",
    "return mixed.reshape(n_new, n_heads * d_head) @ w_o.T.reshape(w_o.shape)",
)

no_max = edit(
    "decode_step",
    "no-max-subtraction",
    "exp overflows: with scores beyond 710 the weights become inf / inf, which is nan. "
    "Take each row's largest score away before exp.",
    "weights = np.exp(scores - scores.max(axis=-1, keepdims=True))",
    "weights = np.exp(scores)",
)

one_max = edit(
    "decode_step",
    "one-maximum-for-all",
    "One maximum was taken for all rows and heads. A row far below it underflows to "
    "0 / 0: each row needs its own.",
    "scores.max(axis=-1, keepdims=True)",
    "scores.max()",
)

STAND_IN = (
    "Hidden scores became a large negative number, -10000 or -1e9 say. A visible score "
    "can be lower still, and then the future gets the weight. Only -inf is below every "
    "score."
)
stand_in = edit(
    "decode_step",
    "finite-stand-in-for-hidden",
    STAND_IN,
    "scores = np.where(visible, scores, -np.inf)",
    "scores = np.where(visible, scores, -1e9)",
)
stand_in_1e4 = edit(
    "decode_step",
    "finite-stand-in-for-hidden",
    "",
    "scores = np.where(visible, scores, -np.inf)",
    "scores = np.where(visible, scores, -1e4)",
)
stand_in_added = edit(
    "decode_step",
    "finite-stand-in-for-hidden",
    "",
    "scores = np.where(visible, scores, -np.inf)",
    "scores = scores + np.where(visible, 0, -1e9)",
)

stand_in_1e30 = edit(
    "decode_step",
    "finite-stand-in-for-hidden",
    "",
    "scores = np.where(visible, scores, -np.inf)",
    "scores = np.where(visible, scores, -1e30)",
)

zero_times_infinity = edit(
    "decode_step",
    "zero-times-infinity",
    "All outputs are nan: the mask was multiplied by -inf, and where nothing is hidden "
    "that is 0 times -inf, which is nan. Choose between the score and -inf.",
    "scores = np.where(visible, scores, -np.inf)",
    "scores = scores + ~visible * -np.inf",
)

hidden_in_the_maximum = edit(
    "decode_step",
    "hidden-scores-in-the-maximum",
    "The largest score was looked for among the hidden ones, too. When a hidden one is "
    "far above all visible ones, their weights underflow to 0 / 0: hide first, then "
    "take the maximum.",
    """    scores = np.where(visible, scores, -np.inf)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
""",
    """    weights = np.exp(scores - scores.max(axis=-1, keepdims=True)) * visible
""",
)

multiplied = edit(
    "decode_step",
    "mask-multiplied",
    "Hidden scores became 0, which is a score like any other: exp(0) is 1. They have "
    "to become -inf.",
    "scores = np.where(visible, scores, -np.inf)",
    "scores = scores * visible",
)

after_softmax = edit(
    "decode_step",
    "masked-after-softmax",
    "The mask came after softmax: the hidden rows had taken their share by then, and "
    "the weights that are left do not sum to 1.",
    """    scores = np.where(visible, scores, -np.inf)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights = weights / weights.sum(axis=-1, keepdims=True)
""",
    """    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights = weights / weights.sum(axis=-1, keepdims=True) * visible
""",
)

softmax_over_queries = edit(
    "decode_step",
    "softmax-over-the-rows",
    "The weights sum to 1 over the new rows instead of over the positions: with one "
    "row at a time each of them is 1.",
    """    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights = weights / weights.sum(axis=-1, keepdims=True)
""",
    """    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights = weights / weights.sum(axis=1, keepdims=True)
""",
)

no_softmax = edit(
    "decode_step",
    "no-softmax",
    "The scores themselves are the weights: softmax is missing.",
    """    scores = np.where(visible, scores, -np.inf)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights = weights / weights.sum(axis=-1, keepdims=True)
""",
    """    weights = np.where(visible, scores, 0)
""",
)

not_normalised = edit(
    "decode_step",
    "not-normalised",
    "The exponentials were not divided by their sum: the weights of a row do not sum "
    "to 1.",
    "    weights = weights / weights.sum(axis=-1, keepdims=True)\n",
    "",
)

keys_unused = edit(
    "decode_step",
    "keys-for-queries",
    "The scores compare keys with keys: the query of a new row is x @ w_q.",
    "q = split(x @ w_q, n_heads)",
    "q = np.repeat(split(x @ w_k, n_kv_heads), n_heads // n_kv_heads, axis=0)",
)

OWN_STATE = (
    "What was decoded before is remembered outside the cache, in a default argument or "
    "a global: another sequence finds it there. All that is remembered is in the cache "
    "that is handed in."
)


@mistake("decode_step", "past-kept-elsewhere", OWN_STATE)
def decode_step_with_a_memory(
    x,
    w_q,
    w_k,
    w_v,
    w_o,
    n_heads,
    n_kv_heads,
    cache,
    past=[],  # noqa: B006
):
    n, d = len(x), w_q.shape[1] // n_heads
    k = (x @ w_k).reshape(n, n_kv_heads, d).swapaxes(0, 1)
    v = (x @ w_v).reshape(n, n_kv_heads, d).swapaxes(0, 1)
    cache.append(k, v)
    past.append((k, v))
    keys = np.concatenate([k for k, _ in past], axis=1)
    values = np.concatenate([v for _, v in past], axis=1)
    q = (x @ w_q).reshape(n, n_heads, d).swapaxes(0, 1)
    keys, values = (np.repeat(a, n_heads // n_kv_heads, axis=0) for a in (keys, values))
    visible = np.tri(n, keys.shape[1], keys.shape[1] - n, dtype=bool)
    scores = np.where(visible, q @ keys.swapaxes(1, 2) / np.sqrt(d), -np.inf)
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    return (weights @ values).swapaxes(0, 1).reshape(n, -1) @ w_o


@mistake(
    "decode_step",
    "position-kept-elsewhere",
    "The position is counted outside the cache, so that it goes on counting when "
    "another sequence begins, or when the cache is reset or truncated. New rows stand "
    "at len(cache).",
)
def decode_step_with_a_counter(
    x,
    w_q,
    w_k,
    w_v,
    w_o,
    n_heads,
    n_kv_heads,
    cache,
    at=[0],  # noqa: B006
):
    n, d = len(x), w_q.shape[1] // n_heads
    start = at[0]
    at[0] += n
    k = (x @ w_k).reshape(n, n_kv_heads, d).swapaxes(0, 1)
    v = (x @ w_v).reshape(n, n_kv_heads, d).swapaxes(0, 1)
    keys, values = cache.append(k, v)
    q = (x @ w_q).reshape(n, n_heads, d).swapaxes(0, 1)
    keys, values = (np.repeat(a, n_heads // n_kv_heads, axis=0) for a in (keys, values))
    visible = np.arange(keys.shape[1]) <= start + np.arange(n)[:, None]
    scores = np.where(visible, q @ keys.swapaxes(1, 2) / np.sqrt(d), -np.inf)
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    return (weights @ values).swapaxes(0, 1).reshape(n, -1) @ w_o


@mistake(
    "decode_step",
    "empty-cache-taken-for-none",
    "An empty cache was taken for no cache, so that the first rows are not stored: an "
    "object whose len is 0 is false in an if. Nothing asks whether there is a cache.",
)
def decode_step_if_cache(x, w_q, w_k, w_v, w_o, n_heads, n_kv_heads, cache):
    n, d = len(x), w_q.shape[1] // n_heads
    q = (x @ w_q).reshape(n, n_heads, d).swapaxes(0, 1)
    keys = (x @ w_k).reshape(n, n_kv_heads, d).swapaxes(0, 1)
    values = (x @ w_v).reshape(n, n_kv_heads, d).swapaxes(0, 1)
    if cache:
        keys, values = cache.append(keys, values)
    keys, values = (np.repeat(a, n_heads // n_kv_heads, axis=0) for a in (keys, values))
    visible = np.tri(n, keys.shape[1], keys.shape[1] - n, dtype=bool)
    scores = np.where(visible, q @ keys.swapaxes(1, 2) / np.sqrt(d), -np.inf)
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    return (weights @ values).swapaxes(0, 1).reshape(n, -1) @ w_o


d_head_of_the_model = edit(
    "decode_step",
    "d-head-from-d-model",
    "d_head was taken as d_model / n_heads. That need not be so: it is the width of "
    "w_q divided by n_heads.",
    "d_head = w_q.shape[1] // n_heads",
    "d_head = x.shape[1] // n_heads",
)

full_cache_swallowed = edit(
    "decode_step",
    "full-cache-ignored",
    "A full cache was passed over: the rows were not stored, and the step went on as "
    "if they were. The ValueError is for the caller.",
    "    keys, values = cache.append(split(x @ w_k, n_kv_heads), split(x @ w_v, n_kv_heads))",
    """    k, v = split(x @ w_k, n_kv_heads), split(x @ w_v, n_kv_heads)
    try:
        keys, values = cache.append(k, v)
    except ValueError:
        keys = np.concatenate([np.zeros((n_kv_heads, start, d_head)), k], axis=1)
        values = np.concatenate([np.zeros((n_kv_heads, start, d_head)), v], axis=1)""",
)

full_cache_answered_with_zeros = edit(
    "decode_step",
    "full-cache-ignored",
    "",
    "    keys, values = cache.append(split(x @ w_k, n_kv_heads), split(x @ w_v, n_kv_heads))",
    """    k, v = split(x @ w_k, n_kv_heads), split(x @ w_v, n_kv_heads)
    try:
        keys, values = cache.append(k, v)
    except ValueError:
        return np.zeros((n_new, w_o.shape[1]))""",
)
full_cache_left_aside = edit(
    "decode_step",
    "full-cache-ignored",
    "",
    "    keys, values = cache.append(split(x @ w_k, n_kv_heads), split(x @ w_v, n_kv_heads))",
    """    keys, values = split(x @ w_k, n_kv_heads), split(x @ w_v, n_kv_heads)
    try:
        keys, values = cache.append(keys, values)
    except ValueError:
        start = 0""",
)

full_cache_another_error = edit(
    "decode_step",
    "full-cache-another-error",
    "The ValueError of a full cache was caught and another error raised in its place. "
    "The caller waits for the cache's own.",
    "    keys, values = cache.append(split(x @ w_k, n_kv_heads), split(x @ w_v, n_kv_heads))",
    """    k, v = split(x @ w_k, n_kv_heads), split(x @ w_v, n_kv_heads)
    try:
        keys, values = cache.append(k, v)
    except ValueError as error:
        raise RuntimeError("the cache is full") from error""",
)


narrowed = edit(
    "decode_step",
    "narrowed-to-float32",
    "Somewhere the numbers became float32, which keeps about seven digits: the keys, "
    "the scores, the weights or the output. Scores near 50000 that differ by 1 need "
    "more, and so do outputs near 10000: in float64 throughout they are right to 1e-6.",
    "n_new, start = len(x), len(cache)",
    "n_new, start = len(x), len(cache)\n"
    "    x, w_q, w_k, w_v, w_o = (a.astype(np.float32) for a in (x, w_q, w_k, w_v, w_o))",
)
scores_narrowed = edit(
    "decode_step",
    "narrowed-to-float32",
    "",
    "scores = q @ np.swapaxes(keys, 1, 2) / d_head**0.5",
    "scores = (q @ np.swapaxes(keys, 1, 2) / d_head**0.5).astype(np.float32)",
)

keys_narrowed = edit(
    "decode_step",
    "narrowed-to-float32",
    "",
    "keys, values = cache.append(split(x @ w_k, n_kv_heads), split(x @ w_v, n_kv_heads))",
    "k, v = split(x @ w_k, n_kv_heads), split(x @ w_v, n_kv_heads)\n"
    "    keys, values = cache.append(k.astype(np.float32), v.astype(np.float32))",
)
output_narrowed = edit(
    "decode_step",
    "narrowed-to-float32",
    "",
    "return mixed.reshape(n_new, n_heads * d_head) @ w_o",
    "return (mixed.reshape(n_new, n_heads * d_head) @ w_o).astype(np.float32)",
)

rows_narrowed = edit(
    "decode_step",
    "narrowed-to-float32",
    "",
    "n_new, start = len(x), len(cache)",
    "x = x.astype(np.float32)\n    n_new, start = len(x), len(cache)",
)
weights_narrowed = edit(
    "decode_step",
    "narrowed-to-float32",
    "",
    "    mixed = np.swapaxes(weights @ values, 0, 1)",
    "    weights = weights.astype(np.float32)\n"
    "    mixed = np.swapaxes(weights @ values, 0, 1)",
)

differences_narrowed = edit(
    "decode_step",
    "narrowed-to-float32",
    "",
    "np.exp(scores - scores.max(axis=-1, keepdims=True))",
    "np.exp((scores - scores.max(axis=-1, keepdims=True)).astype(np.float32))",
)

keys_in_half = edit(
    "decode_step",
    "narrowed-to-float16",
    "The keys and values became float16 on their way into the cache, which keeps three "
    "digits. They are appended as they are; the cache's own dtype says how it keeps "
    "them.",
    "keys, values = cache.append(split(x @ w_k, n_kv_heads), split(x @ w_v, n_kv_heads))",
    "k, v = split(x @ w_k, n_kv_heads), split(x @ w_v, n_kv_heads)\n"
    "    keys, values = cache.append(k.astype(np.float16), v.astype(np.float16))",
)

EPSILON = (
    "The weights of a row do not quite sum to 1: something was added to the sum they "
    "are divided by. After the largest score is taken away the sum is at least 1 and "
    "needs no help."
)
epsilon_1e5 = edit(
    "decode_step",
    "epsilon-in-the-sum",
    EPSILON,
    "weights / weights.sum(axis=-1, keepdims=True)",
    "weights / (weights.sum(axis=-1, keepdims=True) + 1e-5)",
)
epsilon_1e6 = edit(
    "decode_step",
    "epsilon-in-the-sum",
    "",
    "weights / weights.sum(axis=-1, keepdims=True)",
    "weights / (weights.sum(axis=-1, keepdims=True) + 1e-6)",
)
epsilon_1e8 = edit(
    "decode_step",
    "epsilon-in-the-sum",
    "",
    "weights / weights.sum(axis=-1, keepdims=True)",
    "weights / (weights.sum(axis=-1, keepdims=True) + 1e-8)",
)

cache_returned = edit(
    "decode_step",
    "cache-returned-too",
    "The cache came back beside the output. The caller has it already, with the new "
    "rows in it: only the array is due.",
    "return mixed.reshape(n_new, n_heads * d_head) @ w_o",
    "return mixed.reshape(n_new, n_heads * d_head) @ w_o, cache",
)

MORE_THAN_PROMISED = (
    "The step uses more of its cache than len and append: an attribute that not every "
    "cache has, or reset, which takes the past away. Nothing else of it is promised."
)
attribute_used = edit(
    "decode_step",
    "more-than-len-and-append",
    MORE_THAN_PROMISED,
    "n_new, start = len(x), len(cache)",
    "n_new, start = len(x), cache.length",
)
attribute_read_afterwards = edit(
    "decode_step",
    "more-than-len-and-append",
    "",
    "    group = n_heads // n_kv_heads\n",
    "    keys, values = cache.keys, cache.values\n    group = n_heads // n_kv_heads\n",
)

reset_used = edit(
    "decode_step",
    "more-than-len-and-append",
    "",
    "n_new, start = len(x), len(cache)",
    "if len(x) > 1:\n        cache.reset()\n    n_new, start = len(x), len(cache)",
)

ROTARY = (
    "Queries and keys were rotated by their position. Positions are only a mask here: "
    "there is no rotary embedding, and the keys in the cache are x @ w_k as they are."
)
TURNED_IN_PAIRS = """
    def turned(a, base=10000.0):
        half = d_head // 2
        angles = start + np.arange(n_new)[:, None]
        angles = angles / base ** (np.arange(half) / max(half, 1))
        even, odd = a[..., : 2 * half : 2], a[..., 1 : 2 * half : 2]
        out = a.copy()
        out[..., : 2 * half : 2] = even * np.cos(angles) - odd * np.sin(angles)
        out[..., 1 : 2 * half : 2] = even * np.sin(angles) + odd * np.cos(angles)
        return out

    q = turned(split(x @ w_q, n_heads))
    keys, values = cache.append(
        turned(split(x @ w_k, n_kv_heads)), split(x @ w_v, n_kv_heads)
    )
"""
TURNED_IN_HALVES = TURNED_IN_PAIRS.replace(
    "1 : 2 * half : 2]", "half : 2 * half]"
).replace(" : 2 * half : 2]", " :half]")
NOT_TURNED = """
    q = split(x @ w_q, n_heads)
    keys, values = cache.append(split(x @ w_k, n_kv_heads), split(x @ w_v, n_kv_heads))
"""
turned_in_pairs = edit(
    "decode_step", "rotary-embedding", ROTARY, NOT_TURNED, TURNED_IN_PAIRS
)
turned_in_halves = edit(
    "decode_step", "rotary-embedding", "", NOT_TURNED, TURNED_IN_HALVES
)
turned_faster = edit(
    "decode_step",
    "rotary-embedding",
    "",
    NOT_TURNED,
    TURNED_IN_PAIRS.replace("base=10000.0", "base=100.0"),
)

one_row_flat = edit(
    "decode_step",
    "one-row-loses-its-axis",
    "For a single new row the output is flat, (d_model,). It is (T_new, d_model) for "
    "every T_new, so (1, d_model).",
    "return mixed.reshape(n_new, n_heads * d_head) @ w_o",
    "return np.squeeze(mixed.reshape(n_new, n_heads * d_head) @ w_o)",
)

input_changed = edit(
    "decode_step",
    "argument-changed",
    "The output is right, but the caller's x was overwritten: in a model the residual "
    "connection still needs it. Work on a copy.",
    "    return mixed.reshape(n_new, n_heads * d_head) @ w_o",
    "    x[...] = mixed.reshape(n_new, n_heads * d_head) @ w_o\n    return x.copy()",
)

weights_changed = edit(
    "decode_step",
    "weights-changed",
    "The output is right, but w_q was changed in place, scaled say: it is the caller's, "
    "and the next step finds it changed. Scale the queries, or the scores.",
    "    return mixed.reshape(n_new, n_heads * d_head) @ w_o",
    "    w_q /= d_head**0.5\n    return mixed.reshape(n_new, n_heads * d_head) @ w_o",
)

result_written_into = edit(
    "decode_step",
    "written-into-what-append-gave",
    "What append gave back was changed in place. It may be a view of what the cache "
    "holds, so that the past is changed with it; the check's cannot be written to. "
    "Scale or mask the scores, or a copy.",
    """    group = n_heads // n_kv_heads
    keys, values = np.repeat(keys, group, axis=0), np.repeat(values, group, axis=0)
    scores = q @ np.swapaxes(keys, 1, 2) / d_head**0.5
""",
    """    keys /= d_head**0.5
    group = n_heads // n_kv_heads
    keys, values = np.repeat(keys, group, axis=0), np.repeat(values, group, axis=0)
    scores = q @ np.swapaxes(keys, 1, 2)
""",
)

last_row_returned = edit(
    "decode_step",
    "last-row-only",
    "Only the last row came back. Sampling needs no more, but the statement asks for "
    "all of them: (T_new, d_model).",
    "return mixed.reshape(n_new, n_heads * d_head) @ w_o",
    "return (mixed.reshape(n_new, n_heads * d_head) @ w_o)[-1:]",
)

# PagedKVCache

rounded_down = edit(
    "PagedKVCache",
    "partial-block-not-counted",
    "A partly filled block is not counted: T rows take T / block_size blocks, rounded "
    "up. One row in blocks of two takes one block, and there is nowhere to put it "
    "otherwise.",
    "n_new = math.ceil(end / size) - len(table)",
    "n_new = max(end // size - len(table), 0)",
)

ONE_TOO_MANY = (
    "When block_size divides T there is one block too many: T / block_size is to be "
    "rounded up, and not one more than rounded down. Two rows in blocks of two take "
    "one block."
)
one_block_too_many = edit(
    "PagedKVCache",
    "one-block-too-many",
    ONE_TOO_MANY,
    "n_new = math.ceil(end / size) - len(table)",
    "n_new = end // size + 1 - len(table)",
)


@mistake("PagedKVCache", "one-block-too-many")
class PagedKVCacheOpensTheNext:
    """Takes the next block as soon as the last is full."""

    def __init__(self, n_blocks, block_size, n_kv_heads, head_dim):
        self.pool = PagedKVCache(n_blocks, block_size, n_kv_heads, head_dim)
        self.size, self.ahead = block_size, set()

    @property
    def n_free_blocks(self):
        return self.pool.n_free_blocks - len(self.ahead)

    def new(self):
        return self.pool.new()

    def append(self, seq, k, v):
        self.pool.append(seq, k, v)
        filled = self.pool.gather(seq)[0].shape[1] % self.size == 0
        (self.ahead.add if filled else self.ahead.discard)(seq)

    def gather(self, seq):
        return self.pool.gather(seq)

    def fork(self, seq):
        return self.pool.fork(seq)

    def free(self, seq):
        self.pool.free(seq)
        self.ahead.discard(seq)


A_BLOCK_EACH = (
    "Every append begins a new block, though the last one has room. Rows fill the last "
    "block first: two appends of one row, in blocks of two, take one block."
)


@mistake("PagedKVCache", "new-block-for-every-append", A_BLOCK_EACH)
class PagedKVCacheOfAppends:
    def __init__(self, n_blocks, block_size, n_kv_heads, head_dim):
        self.n_free_blocks, self.size = n_blocks, block_size
        self.shape = (n_kv_heads, 0, head_dim)
        self.chunks, self.made = {}, 0
        self.owners = {}

    def new(self):
        self.made += 1
        self.chunks[self.made] = []
        return self.made

    def append(self, seq, k, v):
        chunks = self.chunks[seq]
        due = -(-k.shape[1] // self.size)
        if due > self.n_free_blocks:
            raise MemoryError("full")
        self.n_free_blocks -= due
        chunk = (k.copy(), v.copy(), due, [1])
        chunks.append(chunk)

    def gather(self, seq):
        chunks = self.chunks[seq]
        empty = [np.zeros(self.shape)]
        return (
            np.concatenate(empty + [c[0] for c in chunks], axis=1),
            np.concatenate(empty + [c[1] for c in chunks], axis=1),
        )

    def fork(self, seq):
        chunks = list(self.chunks[seq])
        for chunk in chunks:
            chunk[3][0] += 1
        child = self.new()
        self.chunks[child] = chunks
        return child

    def free(self, seq):
        for _, _, due, owners in self.chunks.pop(seq):
            owners[0] -= 1
            self.n_free_blocks += due if owners[0] == 0 else 0


new_takes = edit(
    "PagedKVCache",
    "new-takes-a-block",
    "A sequence takes a block as soon as it begins. Without rows it has none: ceil(0) "
    "is 0.",
    "        self._tables[seq], self._lengths[seq] = [], 0\n",
    "        self._tables[seq], self._lengths[seq] = self._free[-1:], 0\n"
    "        for block in self._tables[seq]:\n"
    "            self._owners[self._free.pop()] = 1\n",
)

# Without looking whether there is one.
new_takes_blindly = edit(
    "PagedKVCache",
    "new-takes-a-block",
    "",
    "        self._tables[seq], self._lengths[seq] = [], 0\n",
    "        self._tables[seq], self._lengths[seq] = [self._free.pop()], 0\n"
    "        self._owners[self._tables[seq][0]] = 1\n",
)


@mistake("PagedKVCache", "new-takes-a-block")
class PagedKVCacheBeginsWithABlock(PagedKVCache):
    """A fork begins without one of its own."""

    def new(self):
        seq = PagedKVCache.new(self)
        self._tables[seq].append(self._free.pop())
        self._owners[self._tables[seq][0]] = 1
        return seq

    def fork(self, seq):
        table, length = self._tables[seq], self._lengths[seq]
        child = PagedKVCache.new(self)
        self._tables[child], self._lengths[child] = list(table), length
        for block in table:
            self._owners[block] += 1
        return child


one_new_block = edit(
    "PagedKVCache",
    "one-new-block-at-most",
    "An append took at most one new block. Many rows at once can need several: five "
    "rows in blocks of two take three.",
    "n_new = math.ceil(end / size) - len(table)",
    "n_new = min(math.ceil(end / size) - len(table), 1)",
)

written_past_the_block = edit(
    "PagedKVCache",
    "overflow-into-the-last-block",
    "Rows that did not fit into the last block were written into it again, from its "
    "start: earlier rows are lost. They go on in the next block.",
    "        for i in range(start, end):\n"
    "            self._keys[table[i // size], :, i % size] = k[:, i - start]\n"
    "            self._values[table[i // size], :, i % size] = v[:, i - start]\n",
    "        for i in range(start, end):\n"
    "            self._keys[table[start // size], :, i % size] = k[:, i - start]\n"
    "            self._values[table[start // size], :, i % size] = v[:, i - start]\n",
)

first_row_only = edit(
    "PagedKVCache",
    "one-row-an-append",
    "Of several rows in one append only one is stored: all T_new are, in order.",
    "        for i in range(start, end):\n",
    "        end = start + 1\n        for i in range(start, end):\n",
)

rows_of_heads = edit(
    "PagedKVCache",
    "heads-taken-for-rows",
    "The number of new rows was read from the first axis, which is heads. With arrays "
    "(n_kv_heads, T_new, head_dim) it is the second.",
    "end = self._keys.shape[2], start + k.shape[1]",
    "end = self._keys.shape[2], start + len(k)",
)

unfilled_gathered = edit(
    "PagedKVCache",
    "unfilled-rows-gathered",
    "gather gives whole blocks, with the rows of the last one that nothing was written "
    "to. T is the number of rows, not the room of the blocks.",
    "[:, :length]",
    "",
)

partial_not_gathered = edit(
    "PagedKVCache",
    "partial-block-not-gathered",
    "gather leaves out the partly filled last block: all rows are due, T of them.",
    "[:, :length]",
    "[:, : length // size * size]",
)

by_number = edit(
    "PagedKVCache",
    "gathered-by-block-number",
    "gather goes through the blocks by their number in the pool. A sequence's order is "
    "that of its table: when freed blocks are used again, the numbers are not in order.",
    "rows = np.swapaxes(pool[table], 0, 1)",
    "rows = np.swapaxes(pool[sorted(table)], 0, 1)",
)


@mistake("PagedKVCache", "gathered-by-block-number")
class PagedKVCacheOfSortedTables(PagedKVCache):
    """The same where the first blocks that are taken have the lowest numbers."""

    def __init__(self, n_blocks, block_size, n_kv_heads, head_dim):
        PagedKVCache.__init__(self, n_blocks, block_size, n_kv_heads, head_dim)
        self._free.reverse()

    def gather(self, seq):
        kept = self._tables[seq]
        self._tables[seq] = sorted(kept)
        try:
            return PagedKVCache.gather(self, seq)
        finally:
            self._tables[seq] = kept


reshape_mixes = edit(
    "PagedKVCache",
    "blocks-joined-without-transpose",
    "gather mixes heads and rows: a block holds (n_kv_heads, block_size, head_dim), and "
    "the blocks of each head are to be joined, so the axes of blocks and heads are "
    "exchanged before the reshape.",
    "rows = np.swapaxes(pool[table], 0, 1)",
    "rows = pool[table]",
)

gathered_swapped = edit(
    "PagedKVCache",
    "keys-and-values-swapped",
    "Keys and values are exchanged: the pair is (keys, values).",
    "return joined(self._keys), joined(self._values)",
    "return joined(self._values), joined(self._keys)",
)

values_of_keys = edit(
    "PagedKVCache",
    "values-are-keys",
    "The values that come back are the keys: they were written from the wrong one of "
    "the two arrays.",
    "self._values[table[i // size], :, i % size] = v[:, i - start]",
    "self._values[table[i // size], :, i % size] = k[:, i - start]",
)

FORK_COPIES = (
    "A fork takes blocks of its own at once, as if every row were copied. It shares "
    "all blocks with the original and takes none; that is what it is for."
)


@mistake("PagedKVCache", "fork-copies-everything", FORK_COPIES)
class PagedKVCacheThatCopies:
    def __init__(self, n_blocks, block_size, n_kv_heads, head_dim):
        self.n_free_blocks, self.size = n_blocks, block_size
        self.shape = (n_kv_heads, 0, head_dim)
        self.kept, self.made = {}, 0

    def new(self):
        self.made += 1
        self.kept[self.made] = (np.zeros(self.shape), np.zeros(self.shape))
        return self.made

    def _blocks(self, rows):
        return -(-rows // self.size)

    def append(self, seq, k, v):
        keys, values = self.kept[seq]
        before = keys.shape[1]
        due = self._blocks(before + k.shape[1]) - self._blocks(before)
        if due > self.n_free_blocks:
            raise MemoryError("full")
        self.n_free_blocks -= due
        self.kept[seq] = (
            np.concatenate([keys, k], axis=1),
            np.concatenate([values, v], axis=1),
        )

    def gather(self, seq):
        return self.kept[seq]

    def fork(self, seq):
        keys, values = self.kept[seq]
        child = self.new()
        self.append(child, keys, values)
        return child

    def free(self, seq):
        self.n_free_blocks += self._blocks(self.kept.pop(seq)[0].shape[1])


one_table = edit(
    "PagedKVCache",
    "fork-shares-the-table",
    "The fork and the original share one table, the list itself: when one of them "
    "gets a block, the other has it too. The fork needs a copy of the table, with the "
    "same blocks in it.",
    "= list(table), length",
    "= table, length",
)

NO_COPY = (
    "A fork wrote into a block that it shares, so that the other's rows changed under "
    "it, or its own were overwritten. Before a write, a partly filled last block that "
    "is shared is copied."
)
no_copy = edit(
    "PagedKVCache",
    "written-into-a-shared-block",
    NO_COPY,
    "copies = start % size > 0 and self._owners[table[-1]] > 1",
    "copies = False",
    seen_in="Avarok-Cybersecurity/atlas #1193",
)

three_owners = edit(
    "PagedKVCache",
    "written-into-a-shared-block",
    "",
    "copies = start % size > 0 and self._owners[table[-1]] > 1",
    "copies = start % size > 0 and self._owners[table[-1]] > 2",
)

# The copy is made, but the rows go to the block that was copied.
old_block_written = edit(
    "PagedKVCache",
    "written-into-a-shared-block",
    "",
    """        if copies:
            shared, table[-1] = table[-1], taken.pop()
            self._keys[table[-1]] = self._keys[shared]
            self._values[table[-1]] = self._values[shared]
            self._owners[shared] -= 1
        table += taken
""",
    """        before = list(table)
        if copies:
            shared, table[-1] = table[-1], taken.pop()
            self._keys[table[-1]] = self._keys[shared]
            self._values[table[-1]] = self._values[shared]
            self._owners[shared] -= 1
        table += taken
        self._tables[seq], table = table, before + taken
""",
)

# Each takes the block for its own: never counted as shared.
fork_uncounted = edit(
    "PagedKVCache",
    "owners-not-counted-at-fork",
    "A fork is not counted as an owner of its blocks. They look unshared: one writes "
    "into the other's rows, and the first free gives away blocks that are still in use.",
    "            self._owners[block] += 1\n        return child",
    "            self._owners[block] += 0\n        return child",
)

last_block_counted = edit(
    "PagedKVCache",
    "only-the-last-block-counted",
    "A fork is counted as an owner of the last block only. It holds all of them: the "
    "first free gives away full blocks that are still in use.",
    "        for block in table:\n            self._owners[block] += 1\n",
    "        for block in table[-1:]:\n            self._owners[block] += 1\n",
)

BY_REFERENCE = (
    "The copy of a shared block has the same rows as its storage: it is another name "
    "for them, and a write into it shows in both. The rows themselves are to be copied."
)


@mistake(
    "PagedKVCache",
    "copied-by-reference",
    BY_REFERENCE,
    seen_in="raullenchai/Rapid-MLX #196",
)
class PagedKVCacheCopiesNames:
    def __init__(self, n_blocks, block_size, n_kv_heads, head_dim):
        self.n_free_blocks, self.size = n_blocks, block_size
        self.shape = (n_kv_heads, 0, head_dim)
        self.tables, self.made = {}, 0

    def new(self):
        self.made += 1
        self.tables[self.made] = []
        return self.made

    def append(self, seq, k, v):
        table = self.tables[seq]
        last = table[-1] if table and len(table[-1]["rows"]) < self.size else None
        room = self.size - len(last["rows"]) if last else 0
        due = -(-max(k.shape[1] - room, 0) // self.size)
        copies = last is not None and last["owners"] > 1
        if due + copies > self.n_free_blocks:
            raise MemoryError("full")
        self.n_free_blocks -= due + copies
        if copies:
            last["owners"] -= 1
            table[-1] = {**last, "owners": 1}
        for i in range(k.shape[1]):
            if not table or len(table[-1]["rows"]) == self.size:
                table.append({"rows": [], "owners": 1})
            table[-1]["rows"].append((k[:, i].copy(), v[:, i].copy()))

    def gather(self, seq):
        rows = [row for block in self.tables[seq] for row in block["rows"]]
        if not rows:
            return np.zeros(self.shape), np.zeros(self.shape)
        return tuple(np.stack(a, axis=1) for a in zip(*rows, strict=True))

    def fork(self, seq):
        table = self.tables[seq]
        child = self.new()
        for block in table:
            block["owners"] += 1
            self.tables[child].append(block)
        return child

    def free(self, seq):
        for block in self.tables.pop(seq):
            block["owners"] -= 1
            self.n_free_blocks += block["owners"] == 0


copied_empty = edit(
    "PagedKVCache",
    "copy-without-contents",
    "The shared block was replaced by a fresh one, but its rows were not copied into "
    "it: what stood there before the fork is lost.",
    """            self._keys[table[-1]] = self._keys[shared]
            self._values[table[-1]] = self._values[shared]
""",
    """            self._keys[table[-1]] = self._values[table[-1]] = 0
""",
)

keys_copied_only = edit(
    "PagedKVCache",
    "values-not-copied",
    "The copy of a shared block has the keys but not the values.",
    "            self._values[table[-1]] = self._values[shared]\n",
    "            self._values[table[-1]] = 0\n",
)

full_block_copied = edit(
    "PagedKVCache",
    "full-block-copied",
    "A full last block was copied as well. Nothing is written into it any more, so it "
    "stays shared: after a fork of two rows in blocks of two, an append takes one "
    "block, not two.",
    "copies = start % size > 0 and",
    "copies = start > 0 and",
)

ALL_COPIED = (
    "On a write every shared block was copied. Only the partly filled last one is "
    "written to; the full ones before it stay shared."
)
all_copied = edit(
    "PagedKVCache",
    "all-shared-blocks-copied",
    ALL_COPIED,
    """        if n_new + copies > len(self._free):
            raise MemoryError(f"{n_new + copies} blocks due, {len(self._free)} free")
        taken = [self._free.pop() for _ in range(n_new + copies)]
        for block in taken:
            self._owners[block] = 1
        if copies:
            shared, table[-1] = table[-1], taken.pop()
            self._keys[table[-1]] = self._keys[shared]
            self._values[table[-1]] = self._values[shared]
            self._owners[shared] -= 1
        table += taken
""",
    """        shared = [i for i, block in enumerate(table) if self._owners[block] > 1]
        if n_new + len(shared) > len(self._free):
            raise MemoryError(f"{n_new} blocks due, {len(self._free)} free")
        for i in shared if copies else []:
            old, table[i] = table[i], self._free.pop()
            self._keys[table[i]] = self._keys[old]
            self._values[table[i]] = self._values[old]
            self._owners[old] -= 1
            self._owners[table[i]] = 1
        for _ in range(n_new):
            table.append(self._free.pop())
            self._owners[table[-1]] = 1
""",
)

COPY_AND_TAKE = """        if n_new + copies > len(self._free):
            raise MemoryError(f"{n_new + copies} blocks due, {len(self._free)} free")
        taken = [self._free.pop() for _ in range(n_new + copies)]
        for block in taken:
            self._owners[block] = 1
        if copies:
            shared, table[-1] = table[-1], taken.pop()
            self._keys[table[-1]] = self._keys[shared]
            self._values[table[-1]] = self._values[shared]
            self._owners[shared] -= 1
        table += taken
"""
# The full ones, too, but counted as one block when it is asked whether they suffice.
all_copied_uncounted = edit(
    "PagedKVCache",
    "all-shared-blocks-copied",
    "",
    COPY_AND_TAKE,
    """        if n_new + copies > len(self._free):
            raise MemoryError(f"{n_new + copies} blocks due, {len(self._free)} free")
        for i, shared in enumerate(table if copies else []):
            if self._owners[shared] > 1:
                table[i] = self._free.pop()
                self._keys[table[i]] = self._keys[shared]
                self._values[table[i]] = self._values[shared]
                self._owners[shared] -= 1
                self._owners[table[i]] = 1
        for _ in range(n_new):
            table.append(self._free.pop())
            self._owners[table[-1]] = 1
""",
)

any_shared = edit(
    "PagedKVCache",
    "copied-for-another-shared-block",
    "The last block was copied because an earlier one is shared. It is the last block "
    "that is written to, and when it has one owner nothing is copied.",
    "copies = start % size > 0 and self._owners[table[-1]] > 1",
    "copies = start % size > 0 and any(self._owners[block] > 1 for block in table)",
)


@mistake(
    "PagedKVCache",
    "only-the-fork-copies",
    "The fork copies before it writes, the original does not: it writes into the "
    "shared block, and the fork finds its rows there. Whoever writes first copies.",
)
class PagedKVCacheOriginalsDoNot:
    def __init__(self, n_blocks, block_size, n_kv_heads, head_dim):
        self.pool = PagedKVCache(n_blocks, block_size, n_kv_heads, head_dim)
        self.forks = set()

    @property
    def n_free_blocks(self):
        return self.pool.n_free_blocks

    def new(self):
        return self.pool.new()

    def append(self, seq, k, v):
        table = self.pool._tables[seq]
        owners, last = self.pool._owners, table[-1] if table else None
        if last is None or seq in self.forks:
            self.pool.append(seq, k, v)
            return
        kept, owners[last] = owners[last], 1
        try:
            self.pool.append(seq, k, v)
        finally:
            owners[last] = kept

    def gather(self, seq):
        return self.pool.gather(seq)

    def fork(self, seq):
        child = self.pool.fork(seq)
        self.forks.add(child)
        return child

    def free(self, seq):
        self.pool.free(seq)


STAYS_SHARED = (
    "A block counts as shared for ever once it was forked. When the other owner has "
    "copied it or was freed, it is one sequence's own and is written in place: no "
    "block is taken then."
)
old_still_shared = edit(
    "PagedKVCache",
    "shared-for-ever",
    STAYS_SHARED,
    "            self._owners[shared] -= 1\n",
    "",
)


@mistake("PagedKVCache", "shared-for-ever")
class PagedKVCacheWithAFlag:
    def __init__(self, n_blocks, block_size, n_kv_heads, head_dim):
        self.n_blocks, self.size = n_blocks, block_size
        self.shape = (n_kv_heads, 0, head_dim)
        self.tables, self.made = {}, 0

    @property
    def n_free_blocks(self):
        used = {id(block) for table in self.tables.values() for block in table}
        return self.n_blocks - len(used)

    def new(self):
        self.made += 1
        self.tables[self.made] = []
        return self.made

    def append(self, seq, k, v):
        table = self.tables[seq]
        last = table[-1] if table and len(table[-1]["rows"]) < self.size else None
        room = self.size - len(last["rows"]) if last else 0
        due = -(-max(k.shape[1] - room, 0) // self.size)
        if due + bool(last and last["shared"]) > self.n_free_blocks:
            raise MemoryError("full")
        if last and last["shared"]:
            table[-1] = {"rows": list(last["rows"]), "shared": False}
        for i in range(k.shape[1]):
            if not table or len(table[-1]["rows"]) == self.size:
                table.append({"rows": [], "shared": False})
            table[-1]["rows"].append((k[:, i].copy(), v[:, i].copy()))

    def gather(self, seq):
        rows = [row for block in self.tables[seq] for row in block["rows"]]
        if not rows:
            return np.zeros(self.shape), np.zeros(self.shape)
        return tuple(np.stack(a, axis=1) for a in zip(*rows, strict=True))

    def fork(self, seq):
        for block in self.tables[seq]:
            block["shared"] = True
        child = self.new()
        self.tables[child] = list(self.tables[seq])
        return child

    def free(self, seq):
        del self.tables[seq]


@mistake(
    "PagedKVCache",
    "fork-copies-the-last-block",
    "The fork copied the partly filled last block at once. The copy is made when one "
    "of the two writes: a fork itself takes no block, and may never write.",
)
class PagedKVCacheEager(PagedKVCache):
    def fork(self, seq):
        child = PagedKVCache.fork(self, seq)
        table = self._tables[child]
        if self._lengths[child] % self._keys.shape[2]:
            if not self._free:
                raise MemoryError("no block to copy to")
            shared, table[-1] = table[-1], self._free.pop()
            self._owners[shared] -= 1
            self._owners[table[-1]] = 1
            self._keys[table[-1]] = self._keys[shared]
            self._values[table[-1]] = self._values[shared]
        return child


length_not_forked = edit(
    "PagedKVCache",
    "fork-begins-at-0",
    "The fork has the blocks but not the number of rows: it gathers to nothing, and "
    "what is appended to it overwrites the first row. It has as many rows as the "
    "original.",
    "= list(table), length",
    "= list(table), 0",
)

last_block_not_forked = edit(
    "PagedKVCache",
    "partial-block-not-forked",
    "The fork lacks the rows of the partly filled last block: only full blocks were "
    "taken over. It has all rows of the original.",
    "        child = self.new()\n",
    "        length -= length % self._keys.shape[2]\n"
    "        table = table[: length // self._keys.shape[2]]\n"
    "        child = self.new()\n",
)

FREED_IN_USE = (
    "free gave back blocks that a fork still holds: the next sequence writes over its "
    "rows. A block is free when its last owner is gone."
)
freed_in_use = edit(
    "PagedKVCache",
    "freed-while-in-use",
    FREED_IN_USE,
    "            if self._owners[block] == 0:\n",
    "            if self._owners[block] >= 0:\n",
)
freed_at_once = edit(
    "PagedKVCache",
    "freed-while-in-use",
    "",
    """            self._owners[block] -= 1
            if self._owners[block] == 0:
                self._free.append(block)
""",
    """            self._owners[block] = 0
            self._free.append(block)
""",
)

freed_at_once_if_taken = edit(
    "PagedKVCache",
    "freed-while-in-use",
    "",
    """            self._owners[block] -= 1
            if self._owners[block] == 0:
                self._free.append(block)
""",
    """            self._owners[block] = 0
            if block not in self._free:
                self._free.append(block)
""",
)


never_freed = edit(
    "PagedKVCache",
    "blocks-never-come-back",
    "free forgets the sequence, but its blocks do not become free: sooner or later the "
    "pool is full of nothing.",
    "                self._free.append(block)\n",
    "                pass\n",
    seen_in="jjang-ai/vmlx #68",
)

owners_not_taken_off = edit(
    "PagedKVCache",
    "blocks-never-come-back",
    "",
    """        for block in table:
            self._owners[block] -= 1
            if self._owners[block] == 0:
                self._free.append(block)
""",
    "",
)

shared_never_freed = edit(
    "PagedKVCache",
    "forked-blocks-never-come-back",
    "Blocks that were shared once do not become free when all their owners are gone: "
    "an owner is not taken off the count.",
    "            self._owners[block] -= 1\n            if self._owners[block] == 0:\n",
    "            if self._owners[block] == 1:\n                self._owners[block] = 0\n",
)

only_copy_counted = edit(
    "PagedKVCache",
    "copy-not-counted-for-memory",
    "The copy of a shared block was forgotten when it was asked whether the blocks "
    "suffice: with none free, an append to a fork whose last block is partly filled "
    "must be a MemoryError.",
    "        if n_new + copies > len(self._free):\n",
    "        if n_new > len(self._free):\n",
)


@mistake("PagedKVCache", "copy-not-counted-for-memory")
class PagedKVCacheCopiesForFree:
    """The copy is made in any case, as if the pool had no end."""

    def __init__(self, n_blocks, block_size, n_kv_heads, head_dim):
        self.n_blocks, self.size = n_blocks, block_size
        self.shape = (n_kv_heads, 0, head_dim)
        self.tables, self.handles = {}, itertools.count()

    @property
    def n_free_blocks(self):
        used = {id(block) for table in self.tables.values() for block in table}
        return self.n_blocks - len(used)

    def new(self):
        seq = next(self.handles)
        self.tables[seq] = []
        return seq

    def append(self, seq, k, v):
        table = self.tables[seq]
        partly = bool(table) and len(table[-1]) < self.size
        room = self.size - len(table[-1]) if partly else 0
        if max(0, math.ceil((k.shape[1] - room) / self.size)) > self.n_free_blocks:
            raise MemoryError("full")
        others = [t for s, t in self.tables.items() if s != seq]
        if partly and any(block is table[-1] for t in others for block in t):
            table[-1] = list(table[-1])
        for i in range(k.shape[1]):
            if not table or len(table[-1]) == self.size:
                table.append([])
            table[-1].append((k[:, i].copy(), v[:, i].copy()))

    def gather(self, seq):
        rows = [row for block in self.tables[seq] for row in block]
        if not rows:
            return np.zeros(self.shape), np.zeros(self.shape)
        return tuple(np.stack(a, axis=1) for a in zip(*rows, strict=True))

    def fork(self, seq):
        table = list(self.tables[seq])
        child = self.new()
        self.tables[child] = table
        return child

    def free(self, seq):
        del self.tables[seq]


# One block after the other, until there is none.
copy_then_nothing_left = edit(
    "PagedKVCache",
    "copy-not-counted-for-memory",
    "",
    COPY_AND_TAKE,
    """        if n_new > len(self._free):
            raise MemoryError(f"{n_new} blocks due, {len(self._free)} free")
        if copies:
            fresh = self._free.pop()
            self._keys[fresh] = self._keys[table[-1]]
            self._values[fresh] = self._values[table[-1]]
            self._owners[table[-1]] -= 1
            table[-1] = fresh
            self._owners[fresh] = 1
        for _ in range(n_new):
            table.append(self._free.pop())
            self._owners[table[-1]] = 1
""",
)

# With no block for the copy it writes into the shared one.
copy_if_there_is_room = edit(
    "PagedKVCache",
    "copy-not-counted-for-memory",
    "",
    "        if n_new + copies > len(self._free):\n",
    "        copies = copies and n_new < len(self._free)\n"
    "        if n_new + copies > len(self._free):\n",
)

REFUSED_EARLY = (
    "MemoryError although the blocks suffice: more were asked for than are taken. Rows "
    "fill the last block first, and only what is left of them needs new ones."
)
rows_without_the_last_block = edit(
    "PagedKVCache",
    "refused-too-early",
    REFUSED_EARLY,
    "        if n_new + copies > len(self._free):\n",
    "        if math.ceil(k.shape[1] / size) + copies > len(self._free):\n",
)

copy_always_counted = edit(
    "PagedKVCache",
    "own-block-copied",
    "MemoryError although the blocks suffice: a copy was made, or counted, of a partly "
    "filled last block that this sequence alone holds. It is written in place and "
    "takes no block.",
    "        if n_new + copies > len(self._free):\n",
    "        if n_new + (start % size > 0) > len(self._free):\n",
)

last_block_kept_back = edit(
    "PagedKVCache",
    "last-block-refused",
    "The last free block cannot be used: exactly as many blocks as are free may be "
    "taken.",
    "        if n_new + copies > len(self._free):\n",
    "        if n_new + copies > 0 and n_new + copies >= len(self._free):\n",
)

CHANGED_POOL = (
    "The MemoryError comes, but too late: blocks were taken, or rows stored, before it "
    "was found that there are too few. All or nothing: count first what is due, the "
    "copy too."
)


@mistake("PagedKVCache", "changed-although-refused", CHANGED_POOL)
class PagedKVCacheRowByRow(PagedKVCache):
    def append(self, seq, k, v):
        for i in range(k.shape[1]):
            PagedKVCache.append(self, seq, k[:, i : i + 1], v[:, i : i + 1])


taken_then_refused = edit(
    "PagedKVCache",
    "changed-although-refused",
    "",
    """        if n_new + copies > len(self._free):
            raise MemoryError(f"{n_new + copies} blocks due, {len(self._free)} free")
        taken = [self._free.pop() for _ in range(n_new + copies)]
        for block in taken:
            self._owners[block] = 1
        if copies:
            shared, table[-1] = table[-1], taken.pop()
            self._keys[table[-1]] = self._keys[shared]
            self._values[table[-1]] = self._values[shared]
            self._owners[shared] -= 1
        table += taken
""",
    """        if copies:
            if not self._free:
                raise MemoryError("no block to copy to")
            shared, table[-1] = table[-1], self._free.pop()
            self._keys[table[-1]] = self._keys[shared]
            self._values[table[-1]] = self._values[shared]
            self._owners[shared] -= 1
            self._owners[table[-1]] = 1
        for _ in range(n_new):
            if not self._free:
                raise MemoryError("out of blocks")
            table.append(self._free.pop())
            self._owners[table[-1]] = 1
""",
)

copied_then_refused = edit(
    "PagedKVCache",
    "changed-although-refused",
    "",
    """        if n_new + copies > len(self._free):
            raise MemoryError(f"{n_new + copies} blocks due, {len(self._free)} free")
        taken = [self._free.pop() for _ in range(n_new + copies)]
        for block in taken:
            self._owners[block] = 1
        if copies:
            shared, table[-1] = table[-1], taken.pop()
            self._keys[table[-1]] = self._keys[shared]
            self._values[table[-1]] = self._values[shared]
            self._owners[shared] -= 1
        table += taken
""",
    """        if copies:
            if not self._free:
                raise MemoryError("no block to copy to")
            shared, table[-1] = table[-1], self._free.pop()
            self._keys[table[-1]] = self._keys[shared]
            self._values[table[-1]] = self._values[shared]
            self._owners[shared] -= 1
            self._owners[table[-1]] = 1
        if n_new > len(self._free):
            raise MemoryError(f"{n_new} blocks due, {len(self._free)} free")
        for _ in range(n_new):
            table.append(self._free.pop())
            self._owners[table[-1]] = 1
""",
)

length_then_refused = edit(
    "PagedKVCache",
    "changed-although-refused",
    "",
    "        if n_new + copies > len(self._free):\n",
    "        self._lengths[seq] = min(end, len(table) * size)\n"
    "        if n_new + copies > len(self._free):\n",
)

owner_then_refused = edit(
    "PagedKVCache",
    "changed-although-refused",
    "",
    """        if n_new + copies > len(self._free):
            raise MemoryError(f"{n_new + copies} blocks due, {len(self._free)} free")
        taken = [self._free.pop() for _ in range(n_new + copies)]
        for block in taken:
            self._owners[block] = 1
        if copies:
            shared, table[-1] = table[-1], taken.pop()
            self._keys[table[-1]] = self._keys[shared]
            self._values[table[-1]] = self._values[shared]
            self._owners[shared] -= 1
""",
    """        if copies:
            self._owners[table[-1]] -= 1
        if n_new + copies > len(self._free):
            raise MemoryError(f"{n_new + copies} blocks due, {len(self._free)} free")
        taken = [self._free.pop() for _ in range(n_new + copies)]
        for block in taken:
            self._owners[block] = 1
        if copies:
            shared, table[-1] = table[-1], taken.pop()
            self._keys[table[-1]] = self._keys[shared]
            self._values[table[-1]] = self._values[shared]
""",
)

no_memory_error = edit(
    "PagedKVCache",
    "another-error-when-full",
    "Out of blocks is another error here. The statement promises a MemoryError, and a "
    "scheduler catches that to make a sequence wait.",
    "raise MemoryError(",
    "raise RuntimeError(",
)

index_error = edit(
    "PagedKVCache",
    "another-error-when-full",
    "",
    "raise MemoryError(",
    "raise IndexError(",
)

value_error_when_full = edit(
    "PagedKVCache",
    "another-error-when-full",
    "",
    "raise MemoryError(",
    "raise ValueError(",
)

pop_from_nothing = edit(
    "PagedKVCache",
    "another-error-when-full",
    "",
    COPY_AND_TAKE,
    """        if copies:
            fresh = self._free.pop()
            self._keys[fresh] = self._keys[table[-1]]
            self._values[fresh] = self._values[table[-1]]
            self._owners[table[-1]] -= 1
            table[-1] = fresh
            self._owners[fresh] = 1
        for _ in range(n_new):
            table.append(self._free.pop())
            self._owners[table[-1]] = 1
""",
)

refused_silently = edit(
    "PagedKVCache",
    "refused-in-silence",
    "Out of blocks, append does nothing and says nothing. The caller would go on as if "
    "the rows were stored; a MemoryError is due.",
    """            raise MemoryError(f"{n_new + copies} blocks due, {len(self._free)} free")
""",
    """            return False
""",
)

fork_needs_room = edit(
    "PagedKVCache",
    "fork-refused-when-full",
    "A fork was refused because no block is free. It takes none: only a later write "
    "may.",
    "        child = self.new()\n",
    "        if not self._free:\n"
    '            raise MemoryError("out of blocks")\n'
    "        child = self.new()\n",
)

new_needs_room = edit(
    "PagedKVCache",
    "new-refused-when-full",
    "A new sequence was refused because no block is free. Without rows it takes none.",
    "        seq = next(self._handles)\n",
    "        if not self._free:\n"
    '            raise MemoryError("out of blocks")\n'
    "        seq = next(self._handles)\n",
)

FREED_ANSWERS = (
    "A freed sequence still answers, as if it were empty or still there. Whatever is "
    "asked of it is a KeyError, so that a stale handle is noticed."
)


@mistake("PagedKVCache", "freed-sequence-answers", FREED_ANSWERS)
class PagedKVCacheForgiving(PagedKVCache):
    def _revive(self, seq):
        if seq not in self._tables:
            self._tables[seq], self._lengths[seq] = [], 0

    def append(self, seq, k, v):
        self._revive(seq)
        PagedKVCache.append(self, seq, k, v)

    def gather(self, seq):
        self._revive(seq)
        return PagedKVCache.gather(self, seq)

    def fork(self, seq):
        self._revive(seq)
        return PagedKVCache.fork(self, seq)

    def free(self, seq):
        if seq in self._tables:
            PagedKVCache.free(self, seq)


freed_appended_to = edit(
    "PagedKVCache",
    "freed-sequence-answers",
    "",
    "        table, start = self._tables[seq], self._lengths[seq]\n",
    "        table = self._tables.setdefault(seq, [])\n"
    "        start = self._lengths.setdefault(seq, 0)\n",
)

freed_kept = edit(
    "PagedKVCache",
    "freed-sequence-answers",
    "",
    """        table = self._tables.pop(seq)
        del self._lengths[seq]
""",
    """        table = self._tables[seq]
        self._tables[seq], self._lengths[seq] = [], 0
""",
)

freed_gathers_nothing = edit(
    "PagedKVCache",
    "freed-sequence-answers",
    "",
    "        table, length = self._tables[seq], self._lengths[seq]\n\n",
    "        table, length = self._tables.get(seq, []), self._lengths.get(seq, 0)\n\n",
)

freed_forks_nothing = edit(
    "PagedKVCache",
    "freed-sequence-answers",
    "",
    "        table, length = self._tables[seq], self._lengths[seq]\n        child",
    "        table, length = self._tables.get(seq, []), self._lengths.get(seq, 0)\n"
    "        child",
)


@mistake("PagedKVCache", "fork-begins-at-0")
class PagedKVCacheForksWithoutALength(PagedKVCache):
    """Takes what it needs block by block, so that fewer rows than blocks do no harm."""

    def append(self, seq, k, v):
        table, start = self._tables[seq], self._lengths[seq]
        size, end = self._keys.shape[2], start + k.shape[1]
        n_new = math.ceil(end / size) - len(table)
        copies = start % size > 0 and self._owners[table[-1]] > 1
        if n_new + copies > len(self._free):
            raise MemoryError("full")
        if copies:
            fresh = self._free.pop()
            self._keys[fresh] = self._keys[table[-1]]
            self._values[fresh] = self._values[table[-1]]
            self._owners[table[-1]] -= 1
            self._owners[fresh], table[-1] = 1, fresh
        for _ in range(n_new):
            table.append(self._free.pop())
            self._owners[table[-1]] = 1
        for i in range(start, end):
            self._keys[table[i // size], :, i % size] = k[:, i - start]
            self._values[table[i // size], :, i % size] = v[:, i - start]
        self._lengths[seq] = end

    def fork(self, seq):
        child = PagedKVCache.fork(self, seq)
        self._lengths[child] = 0
        return child


FREED_TWICE = (
    "A second free of the same sequence was let through. If it gives the blocks back "
    "again, they are handed to two sequences; it is a KeyError."
)
freed_twice = edit(
    "PagedKVCache",
    "freed-twice",
    FREED_TWICE,
    """        table = self._tables.pop(seq)
        del self._lengths[seq]
""",
    """        table = self._tables.pop(seq, [])
        self._lengths.pop(seq, None)
""",
    seen_in="LMCache/LMCache #5005",
)


@mistake("PagedKVCache", "freed-twice")
class PagedKVCacheFreedAgain(PagedKVCache):
    def __init__(self, *sizes):
        PagedKVCache.__init__(self, *sizes)
        self._were = {}

    def free(self, seq):
        table = self._tables.get(seq, self._were.get(seq, []))
        self._were[seq] = list(table)
        self._tables.pop(seq, None)
        self._lengths.pop(seq, None)
        for block in table:
            self._owners[block] -= 1
            if self._owners[block] <= 0:
                self._owners[block] = 0
                self._free.append(block)


other_error_for_freed = edit(
    "PagedKVCache",
    "another-error-for-freed",
    "A freed sequence is an error, but not the one that was promised: a KeyError.",
    "        table, length = self._tables[seq], self._lengths[seq]\n\n",
    "        if seq not in self._tables:\n"
    '            raise ValueError("freed")\n'
    "        table, length = self._tables[seq], self._lengths[seq]\n\n",
)

other_error_for_a_second_free = edit(
    "PagedKVCache",
    "another-error-for-freed",
    "",
    "        table = self._tables.pop(seq)\n",
    "        if seq not in self._tables:\n"
    '            raise ValueError("freed")\n'
    "        table = self._tables.pop(seq)\n",
)

REUSED = (
    "A handle was given out again: who still holds it from a freed sequence now reads, "
    "or writes, another one's rows. Every sequence gets a handle that was never used."
)
reused_handles = edit(
    "PagedKVCache",
    "handle-reused",
    REUSED,
    "seq = next(self._handles)",
    "seq = min(set(range(len(self._tables) + 1)) - set(self._tables))",
)

counted_handles = edit(
    "PagedKVCache",
    "handle-reused",
    "",
    "seq = next(self._handles)",
    "seq = len(self._tables)",
)

highest_handle = edit(
    "PagedKVCache",
    "handle-reused",
    "",
    "seq = next(self._handles)",
    "seq = max(self._tables, default=-1) + 1",
)


@mistake("PagedKVCache", "handle-reused")
class PagedKVCacheHandsOutAgain(PagedKVCache):
    def __init__(self, n_blocks, block_size, n_kv_heads, head_dim):
        PagedKVCache.__init__(self, n_blocks, block_size, n_kv_heads, head_dim)
        self._returned = []

    def new(self):
        if not self._returned:
            return PagedKVCache.new(self)
        seq = self._returned.pop()
        self._tables[seq], self._lengths[seq] = [], 0
        return seq

    def free(self, seq):
        PagedKVCache.free(self, seq)
        self._returned.append(seq)


@mistake("PagedKVCache", "handle-reused")
class PagedKVCacheOfAddresses(PagedKVCache):
    """As the addresses of objects are: given out again when many were freed."""

    def __init__(self, n_blocks, block_size, n_kv_heads, head_dim):
        PagedKVCache.__init__(self, n_blocks, block_size, n_kv_heads, head_dim)
        self._returned = []

    def new(self):
        if len(self._returned) < 64:
            return PagedKVCache.new(self)
        seq = self._returned.pop(0)
        self._tables[seq], self._lengths[seq] = [], 0
        return seq

    def free(self, seq):
        PagedKVCache.free(self, seq)
        self._returned.append(seq)


next_unused_handle = edit(
    "PagedKVCache",
    "handle-reused",
    "",
    "        seq = next(self._handles)\n",
    "        seq = len(self._tables)\n"
    "        while seq in self._tables:\n"
    "            seq += 1\n",
)


@mistake("PagedKVCache", "owners-not-counted-at-fork")
class PagedKVCacheForksUncounted(PagedKVCache):
    def fork(self, seq):
        child = PagedKVCache.fork(self, seq)
        for block in self._tables[child]:
            self._owners[block] -= 1
        return child

    def free(self, seq):
        del self._lengths[seq]
        for block in self._tables.pop(seq):
            self._owners[block] -= 1
            if self._owners[block] <= 0:
                self._free.append(block)


same_handle = edit(
    "PagedKVCache",
    "fork-is-the-same-sequence",
    "fork gave back the handle that it got: what is appended to the fork is appended "
    "to the original.",
    "        child = self.new()\n",
    "        return seq\n        child = self.new()\n",
)


@mistake(
    "PagedKVCache",
    "handle-not-hashable",
    "The handle cannot be hashed, so that nobody can keep it in a set or as the key of "
    "a dict. A number, a string or a tuple can.",
)
class PagedKVCacheWithLists(PagedKVCache):
    def new(self):
        return [PagedKVCache.new(self)]

    def append(self, seq, k, v):
        PagedKVCache.append(self, seq[0], k, v)

    def gather(self, seq):
        return PagedKVCache.gather(self, seq[0])

    def fork(self, seq):
        child = self.new()
        self._tables.pop(child[0])
        self._tables[child[0]] = list(self._tables[seq[0]])
        self._lengths[child[0]] = self._lengths[seq[0]]
        for block in self._tables[child[0]]:
            self._owners[block] += 1
        return child

    def free(self, seq):
        PagedKVCache.free(self, seq[0])


# Its own tables have no place for it either.
list_for_a_handle = edit(
    "PagedKVCache",
    "handle-not-hashable",
    "",
    "        seq = next(self._handles)\n",
    "        seq = [next(self._handles)]\n",
)

SHARED_POOLS = (
    "Two pools share their blocks or their tables: they belong to the class, to the "
    "module, or to a default argument, and not to the object."
)


@mistake("PagedKVCache", "shared-between-pools", SHARED_POOLS)
class PagedKVCacheOfTheClass(PagedKVCache):
    free_blocks = None

    def __init__(self, n_blocks, block_size, n_kv_heads, head_dim):
        PagedKVCache.__init__(self, n_blocks, block_size, n_kv_heads, head_dim)
        kind = type(self)
        if kind.free_blocks is None:
            kind.free_blocks = self._free
        kind.free_blocks[:] = range(n_blocks)
        self._free = kind.free_blocks


@mistake("PagedKVCache", "shared-between-pools")
class PagedKVCacheThatCountsItsOwn(PagedKVCache):
    """The tables are common, the handles are not: those of two pools collide."""

    tables, lengths = {}, {}

    def __init__(self, n_blocks, block_size, n_kv_heads, head_dim):
        PagedKVCache.__init__(self, n_blocks, block_size, n_kv_heads, head_dim)
        self._tables, self._lengths = self.tables, self.lengths


NOT_COPIED_ROWS = (
    "The pool keeps the caller's own arrays. When the caller uses them again for the "
    "next token, the past changes too. What is stored must be a copy."
)


@mistake("PagedKVCache", "input-not-copied", NOT_COPIED_ROWS)
class PagedKVCacheOfTheirRows:
    def __init__(self, n_blocks, block_size, n_kv_heads, head_dim):
        self.n_blocks, self.size = n_blocks, block_size
        self.shape = (n_kv_heads, 0, head_dim)
        self.tables, self.handles = {}, itertools.count()

    @property
    def n_free_blocks(self):
        used = {id(block) for table in self.tables.values() for block in table}
        return self.n_blocks - len(used)

    def new(self):
        seq = next(self.handles)
        self.tables[seq] = []
        return seq

    def append(self, seq, k, v):
        table = self.tables[seq]
        partly = bool(table) and len(table[-1]) < self.size
        room = self.size - len(table[-1]) if partly else 0
        others = [t for s, t in self.tables.items() if s != seq]
        copies = partly and any(block is table[-1] for t in others for block in t)
        due = max(0, math.ceil((k.shape[1] - room) / self.size))
        if due + copies > self.n_free_blocks:
            raise MemoryError("full")
        if copies:
            table[-1] = list(table[-1])
        for i in range(k.shape[1]):
            if not table or len(table[-1]) == self.size:
                table.append([])
            table[-1].append((k[:, i], v[:, i]))

    def gather(self, seq):
        rows = [row for block in self.tables[seq] for row in block]
        if not rows:
            return np.zeros(self.shape), np.zeros(self.shape)
        return tuple(np.stack(a, axis=1) for a in zip(*rows, strict=True))

    def fork(self, seq):
        table = list(self.tables[seq])
        child = self.new()
        self.tables[child] = table
        return child

    def free(self, seq):
        del self.tables[seq]


stored_in_half = edit(
    "PagedKVCache",
    "stored-in-float16",
    "Rows come back with three digits only, and 70000 as inf: they were stored in "
    "float16. float32 or wider is due.",
    'np.zeros(shape, "f4"), np.zeros(shape, "f4")',
    'np.zeros(shape, "f2"), np.zeros(shape, "f2")',
)

stored_as_integers = edit(
    "PagedKVCache",
    "stored-as-integers",
    "Rows come back cut to whole numbers: the storage is of integers.",
    'np.zeros(shape, "f4"), np.zeros(shape, "f4")',
    "np.zeros(shape, int), np.zeros(shape, int)",
)

rows_counted = edit(
    "PagedKVCache",
    "rows-not-blocks-counted",
    "n_free_blocks is not the number of free blocks: it counts the rows that still "
    "fit, or sequences. A block with one row in it is not free.",
    "return len(self._free)",
    "return len(self._free) * self._keys.shape[2]",
)

blocks_of_tables = edit(
    "PagedKVCache",
    "shared-blocks-counted-twice",
    "n_free_blocks counts a shared block once for every sequence that holds it. It is "
    "one block, and takes the room of one.",
    "return len(self._free)",
    "return len(self._owners) - sum(map(len, self._tables.values()))",
)

used_counted = edit(
    "PagedKVCache",
    "used-not-free-counted",
    "n_free_blocks counts the blocks that are taken. In a new pool all n_blocks are "
    "free.",
    "return len(self._free)",
    "return len(self._owners) - len(self._free)",
)

a_method = edit(
    "PagedKVCache",
    "a-method-not-an-attribute",
    "n_free_blocks is a method here. It is read without brackets: an attribute, or a "
    "property.",
    "    @property\n    def n_free_blocks(self):",
    "    def n_free_blocks(self):",
)

never_updated = edit(
    "PagedKVCache",
    "free-blocks-not-updated",
    "n_free_blocks never changes: it was set when the pool was made.",
    "return len(self._free)",
    "return len(self._owners)",
)

EMPTY_FAILS = (
    "A sequence that has no rows yet is an error to gather or to fork. It has T = 0: "
    "arrays of shape (n_kv_heads, 0, head_dim)."
)
empty_gather = edit(
    "PagedKVCache",
    "empty-sequence-fails",
    EMPTY_FAILS,
    "        def joined(pool):\n",
    "        table[-1]\n\n        def joined(pool):\n",
)


@mistake("PagedKVCache", "empty-sequence-fails")
class PagedKVCacheJoiningNothing(PagedKVCache):
    def gather(self, seq):
        table, length = self._tables[seq], self._lengths[seq]
        keys = np.concatenate([self._keys[block] for block in table], axis=1)
        values = np.concatenate([self._values[block] for block in table], axis=1)
        return keys[:, :length], values[:, :length]


empty_shape = edit(
    "PagedKVCache",
    "empty-sequence-without-shape",
    "A sequence without rows gathers to arrays without its shape. With T = 0 they are "
    "(n_kv_heads, 0, head_dim), so that they can be joined with others.",
    "        def joined(pool):\n",
    "        if not table:\n"
    "            return np.zeros(0), np.zeros(0)\n\n"
    "        def joined(pool):\n",
)
