"""What is tried on a learner's KV cache, against slow and obvious loops.

Conventions are those of the statement. Not tried, since it leaves them open: no new
rows at all, arrays of other shapes, truncate(n) beyond the length, arguments below
1, a handle that the pool never gave out.
"""

import itertools
import math

import numpy as np

from rounds.engine import perform, show
from rounds.engine.step import Step
from rounds.engine.trial import Trial
from rounds.exercise import Exercise

kv_cache_bytes = Exercise(
    "kv_cache.kv_cache_bytes",
    "kv_cache_bytes(n_layers, n_kv_heads, head_dim, seq_len, batch_size=1, "
    "bytes_per_element=2)",
)
kv_cache = Exercise(
    "kv_cache.KVCache",
    "KVCache(n_kv_heads, head_dim, max_len, dtype=np.float32)",
    results=("keys", "values"),
)
decode_step = Exercise(
    "kv_cache.decode_step",
    "decode_step(x, w_q, w_k, w_v, w_o, n_heads, n_kv_heads, cache)",
)
max_batch_size = Exercise(
    "kv_cache.max_batch_size",
    "max_batch_size(memory_bytes, weight_bytes, n_layers, n_kv_heads, head_dim, "
    "seq_len, bytes_per_element=2)",
)
paged_kv_cache = Exercise(
    "kv_cache.PagedKVCache",
    "PagedKVCache(n_blocks, block_size, n_kv_heads, head_dim)",
    results=("keys", "values"),
)
EXERCISES = [kv_cache_bytes, kv_cache, decode_step, max_batch_size, paged_kv_cache]

KIB, GIB = 1024, 1024**3


# kv_cache_bytes


def due_bytes(
    n_layers: int,
    n_kv_heads: int,
    head_dim: int,
    seq_len: int,
    batch_size: int = 1,
    bytes_per_element: int = 2,
) -> int:
    """Counted by making the arrays that one layer of one sequence keeps, unfilled."""
    keys = np.broadcast_to(np.int8(0), (n_kv_heads, seq_len, head_dim))
    values = np.broadcast_to(np.int8(0), (n_kv_heads, seq_len, head_dim))
    return (keys.size + values.size) * bytes_per_element * n_layers * batch_size


@kv_cache_bytes.case("Keys and values: two elements for each place.")
def _(t):
    t.call(1, 1, 1, 1).equals(4)
    t.call(1, 1, 1, 1, 1, 1).equals(2)


@kv_cache_bytes.case("Llama-2-7B in fp16 takes 512 KiB for each token.")
def _(t):
    t.call(32, 32, 128, 1).equals(512 * KIB)
    t.call(32, 32, 128, 4096).equals(2 * GIB)


@kv_cache_bytes.case("With 8 KV heads, Llama-3-8B takes 128 KiB for each token.")
def _(t):
    t.call(32, 8, 128, 1).equals(128 * KIB)
    t.call(32, 8, 128, 8192).equals(GIB)
    t.call(80, 8, 128, 1).equals(320 * KIB)


@kv_cache_bytes.case("Every argument counts once, as a factor.")
def _(t):
    t.call(3, 5, 7, 11, 13, 4).equals(due_bytes(3, 5, 7, 11, 13, 4))
    for place in range(6):
        given = [1] * 6
        given[place] = 3
        t.call(*given).equals(6)
        given[place] = 10
        t.call(*given).equals(20)
    t.call(2, 3, 5, 7, bytes_per_element=1).equals(420)
    t.call(2, 3, 5, 7, batch_size=9).equals(due_bytes(2, 3, 5, 7, 9))
    t.call(
        n_layers=2,
        n_kv_heads=3,
        head_dim=5,
        seq_len=7,
        batch_size=2,
        bytes_per_element=4,
    ).equals(due_bytes(2, 3, 5, 7, 2, 4))


@kv_cache_bytes.case("The order is batch_size, bytes_per_element.")
def _(t):
    t.call(1, 1, 1, 1, 3).equals(12)
    t.call(2, 3, 5, 7, 9).equals(due_bytes(2, 3, 5, 7, 9))


@kv_cache_bytes.case("Real sizes pass 2**31 and even 2**40.", stage="edge")
def _(t):
    t.call(32, 32, 128, 4096, 8).equals(16 * GIB)
    t.call(126, 8, 128, 131072, 64).equals(due_bytes(126, 8, 128, 131072, 64))
    t.call(61, 5, 81, 99_991, 7).equals(due_bytes(61, 5, 81, 99_991, 7))


@kv_cache_bytes.case(
    "To the byte, also past 2**53, where a float is not.", stage="edge"
)
def _(t):
    sizes = 127, 9, 129, 2**20 + 1, 2**16 + 1, 1  # all odd
    t.call(*sizes).equals(due_bytes(*sizes))


# max_batch_size


def due_batch(memory: int, weights: int, *shape: int, bytes_per_element: int = 2):
    """Counted by adding one sequence after the other while there is room."""
    one = due_bytes(*shape, 1, bytes_per_element)
    used, batch = weights + one, 0
    while used <= memory:
        used, batch = used + one, batch + 1
    return batch


@max_batch_size.case("As many sequences as fit beside the weights.", level=3)
def _(t):
    t.call(107, 3, 1, 1, 1, 5).equals(5)  # 104 bytes left, 20 for each
    t.call(24 * GIB, 13 * 10**9, 32, 32, 128, 4096).equals(5)
    t.call(80 * GIB, 16 * 10**9, 32, 8, 128, 8192).equals(65)


@max_batch_size.case("Every argument counts.", level=3)
def _(t):
    shape = (3, 2, 4, 5)
    t.call(10_000, 1_000, *shape).equals(due_batch(10_000, 1_000, *shape))
    t.call(10_000, 4_000, *shape).equals(due_batch(10_000, 4_000, *shape))
    t.call(20_000, 1_000, *shape).equals(due_batch(20_000, 1_000, *shape))
    for place in range(4):
        other = list(shape)
        other[place] += 2
        t.call(10_000, 1_000, *other).equals(due_batch(10_000, 1_000, *other))
    for size in (1, 4):
        due = due_batch(10_000, 1_000, *shape, bytes_per_element=size)
        t.call(10_000, 1_000, *shape, bytes_per_element=size).equals(due)
        t.call(10_000, 1_000, *shape, size).equals(due)


@max_batch_size.case("What fits exactly, fits; a byte less does not.", level=3)
def _(t):
    one = due_bytes(2, 3, 4, 5)
    for batch in (1, 2, 7):
        t.call(100 + batch * one, 100, 2, 3, 4, 5).equals(batch)
        t.call(100 + batch * one - 1, 100, 2, 3, 4, 5).equals(batch - 1)
        t.call(100 + batch * one + 1, 100, 2, 3, 4, 5).equals(batch)


@max_batch_size.case(
    "A byte less does not fit, however large the numbers.", level=3, stage="edge"
)
def _(t):
    shape = 128, 8, 128, 2**34  # few sequences, so that counting them is quick
    one = due_bytes(*shape)
    t.call(100 + 3 * one - 1, 100, *shape).equals(2)
    t.call(100 + 3 * one, 100, *shape).equals(3)


@max_batch_size.case("0 when not even one sequence fits.", level=3, stage="edge")
def _(t):
    t.call(119, 100, 1, 1, 1, 5).equals(0)
    t.call(100, 100, 1, 1, 1, 5).equals(0)
    t.call(24 * GIB, 23 * GIB, 32, 32, 128, 4096).equals(0)


@max_batch_size.case("0 also when the weights alone do not fit.", level=3, stage="edge")
def _(t):
    t.call(90, 100, 1, 1, 1, 5).equals(0)
    t.call(50, 100, 1, 1, 1, 5).equals(0)
    t.call(8 * GIB, 13 * 10**9, 32, 32, 128, 4096).equals(0)


# KVCache


def rows(
    first: int, count: int, n_kv_heads: int = 2, head_dim: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Keys and values of the tokens `first` to `first` + `count` - 1.

    Every entry says whose it is: 10 for each token, 1 for each head, 1/8 for each
    element; values are negative. All are exact in float16.
    """
    heads, elements = np.arange(n_kv_heads), np.arange(head_dim)
    tokens = np.arange(first, first + count)
    keys = 10.0 * tokens[:, None] + heads[:, None, None] + elements[None, :] / 8
    return keys, -keys


def due_rows(
    tokens: list[int],
    n_kv_heads: int = 2,
    head_dim: int = 1,
    dtype: type = np.float64,
) -> tuple[np.ndarray, np.ndarray]:
    """Keys and values of any tokens, written entry by entry."""
    shape = (n_kv_heads, len(tokens), head_dim)
    keys, values = np.zeros(shape, dtype), np.zeros(shape, dtype)
    for h, place, j in np.ndindex(*shape):
        keys[h, place, j] = 10 * tokens[place] + h + j / 8
        values[h, place, j] = -keys[h, place, j]
    return keys, values


def play(actor: object, script: str) -> None:
    """Make calls: "append a 3; look" is actor.append("a", 3), actor.look()."""
    for call in script.split(";"):
        method, *words = call.split()
        args = [int(word) if word.isdigit() else word for word in words]
        getattr(actor, method)(*args)


def went_well(step: Step, why: str = "no error") -> Step:
    return step.obeys(lambda value: True, why)


def called_rows(tokens: list[int]) -> str:
    """ "row 1" or "rows 2 to 7": what they hold would bury the point of a report."""
    few = len(tokens) == 1
    return f"row {tokens[0]}" if few else f"rows {tokens[0]} to {tokens[-1]}"


class Contents:
    """A cache of the candidate's, and the tokens that it is to hold.

    Every new token has the next number, so that no two rows are the same.
    """

    def __init__(
        self,
        t: Trial,
        max_len: int,
        *shape: int,
        name: str = "cache",
        first: int = 1,
    ) -> None:
        self.cache = t.new(*shape, max_len, name=name)
        self.trial, self.name = t, name
        self.shape, self.max_len = shape, max_len
        self.tokens: list[int] = []
        self.next = first

    def append(self, count: int = 1) -> Step:
        k, v = rows(self.next, count, *self.shape)
        tokens = list(range(self.next, self.next + count))
        self.next += count
        if k.size <= 4:
            step = self.cache.call("append", k, v)
        else:
            text = f"{self.name}.append(k and v of {called_rows(tokens)})"
            function = perform.guarded(
                getattr, self.cache.value, "append", otherwise=None
            )
            step = self.trial.step(text, function, (k, v), {})
        if len(self.tokens) + count > self.max_len:
            step.raises(ValueError)
        else:
            self.tokens += tokens
            step.equals(due_rows(self.tokens, *self.shape, dtype=np.float32))
        return step

    def length(self) -> Step:
        return self.cache.call("__len__").equals(len(self.tokens))

    def truncate(self, n: int) -> None:
        went_well(self.cache.call("truncate", n))
        self.tokens = self.tokens[:n]

    def reset(self) -> None:
        went_well(self.cache.call("reset"))
        self.tokens = []


@kv_cache.case("append returns the keys and values of all positions so far.")
def _(t):
    it = Contents(t, 4, 2, 1)
    play(it, "append; append; append")


@kv_cache.case("len is the number of positions that are filled.")
def _(t):
    it = Contents(t, 3, 2, 1)
    play(it, "length; append; length; append; length")


@kv_cache.case("Keys and values are (n_kv_heads, T, head_dim), whatever the sizes.")
def _(t):
    for n_kv_heads, head_dim in ((3, 2), (1, 4), (2, 3), (1, 1), (4, 4)):
        it = Contents(t, 5, n_kv_heads, head_dim)
        for _ in range(5):
            play(it, "append")
        play(it, "length")


@kv_cache.case("Several positions may come in one call, as in a prefill.", level=2)
def _(t):
    it = Contents(t, 3, 2, 1)
    play(it, "append 2; append; length")
    for counts in ((3, 1), (1, 2, 3), (4, 4), (2, 2, 1, 3)):
        it = Contents(t, 9, 2, 3)
        for count in counts:
            it.append(count)
            play(it, "length")


@kv_cache.case(
    "What is stored is what was given, in its order and with its signs.",
    level=2,
    stage="property",
)
def _(t):
    k = np.array([[[2.0, -1.0], [-3.0, 5.0], [1.0, -4.0]]])
    v = np.array([[[-6.0, 4.0], [7.0, -2.0], [-5.0, 3.0]]])
    cache = t.new(1, 2, 4, name="cache")
    cache.call("append", k, v).equals((k, v))
    more = np.concatenate([k, v[:, :1]], axis=1), np.concatenate([v, k[:, 1:2]], axis=1)
    cache.call("append", v[:, :1], k[:, 1:2]).equals(more)


@kv_cache.case("All max_len positions can be filled.", level=2, stage="property")
def _(t):
    it = Contents(t, 2, 2, 1)
    play(it, "append 2; length")
    it = Contents(t, 1, 2, 1)
    play(it, "append")
    it = Contents(t, 4, 3, 2)
    play(it, "append 3; append; length")


@kv_cache.case("Past max_len: a ValueError.", level=2, stage="edge")
def _(t):
    it = Contents(t, 2, 2, 1)
    play(it, "append; append; append")
    it = Contents(t, 3, 2, 1)
    play(it, "append 2; append 2")
    it = Contents(t, 2, 2, 1)
    play(it, "append 5")


@kv_cache.case(
    "What is refused leaves the cache as it was; what fits still fits.",
    level=2,
    stage="edge",
)
def _(t):
    it = Contents(t, 3, 2, 1)
    play(it, "append 2; append 2; length; append; length; append; length")
    it = Contents(t, 2, 2, 3)
    play(it, "append 3; length; append 2; append 2; length")


@kv_cache.case(
    "The cache copies what it is given: the caller may use its arrays again.",
    level=2,
    stage="property",
)
def _(t):
    # In another dtype than the cache's, converting them makes a copy by itself. What
    # most get wrong comes first, so that the report tells of no cache before it.
    for dtype in (np.float32, np.float64):
        cache = t.new(2, 1, 4, np.float32, name="cache")
        k, v = (array.astype(dtype) for array in rows(1, 1))

        def append(cache=cache, k=k, v=v) -> object:
            return cache.value.append(k, v)

        def overwrite(k=k, v=v) -> None:
            k[...], v[...] = rows(3, 1)

        t.step("cache.append(k, v)", append, (), {}).equals(due_rows([1]))
        t.step("k[...], v[...] = other rows", overwrite, (), {})
        cache.call("append", *rows(2, 1)).equals(due_rows([1, 2]))
        t.step("cache.append(k, v)", append, (), {}).equals(due_rows([1, 2, 3]))


@kv_cache.case("Two caches share nothing.", level=2, stage="property")
def _(t):
    one = Contents(t, 3, 2, 1, name="one")
    other = Contents(t, 3, 2, 1, name="other", first=21)
    play(one, "append")
    play(other, "append 2; length")
    play(one, "append; length")
    play(other, "append")
    third = Contents(t, 3, 2, 1, name="third", first=41)
    play(third, "length; append")
    play(other, "length")
    fourth = Contents(t, 3, 2, 1, name="fourth", first=61)
    first = third.append()
    play(fourth, "append 2")
    earlier = t.look("what third.append gave before", lambda: first.value)
    earlier.equals(due_rows(third.tokens, dtype=np.float32))


@kv_cache.case("Two caches may differ in their sizes.", level=2, stage="property")
def _(t):
    one = Contents(t, 5, 1, 2, name="one")
    other = Contents(t, 2, 3, 1, name="other", first=21)
    play(one, "append 2")
    play(other, "append")
    play(one, "append 2; length")
    play(other, "append; length")
    play(one, "append; length")


@kv_cache.case("After reset the cache is as good as new.", level=2)
def _(t):
    it = Contents(t, 3, 2, 1)
    play(it, "append 2; reset; length; append; append 2; length; reset; append 3")


@kv_cache.case(
    "reset is for one cache, and may come at any time.", level=2, stage="edge"
)
def _(t):
    one = Contents(t, 2, 2, 1, name="one")
    other = Contents(t, 2, 2, 1, name="other", first=21)
    play(one, "reset; length; append 2")
    play(other, "append")
    play(one, "reset; reset")
    play(other, "length; append")
    play(one, "append; append 2; length")


def of_dtype(step: Step, dtype: type) -> None:
    """Both arrays that came back have this very dtype."""

    def dtypes() -> list[str]:
        return [array.dtype.name for array in step.value]

    text = "the dtypes of what came back"
    step.trial.step(text, dtypes, (), {}).equals([np.dtype(dtype).name] * 2)


@kv_cache.case(
    "Keys and values are kept in dtype, float32 by default.", level=2, stage="edge"
)
def _(t):
    k, v = due_rows([1])
    narrow = k.astype(np.float32), v.astype(np.float32)
    cache = t.new(2, 1, 2, name="cache")
    of_dtype(cache.call("append", k, v).equals((k, v)), np.float32)
    of_dtype(cache.call("append", *narrow).equals(due_rows([1, 1])), np.float32)
    for dtype in (np.float16, np.float64, np.float32):
        cache = t.new(2, 1, 2, dtype, name="cache")
        of_dtype(cache.call("append", *narrow).equals((k, v)), dtype)
        of_dtype(cache.call("append", k, v).equals(due_rows([1, 1])), dtype)
    cache = t.new(n_kv_heads=2, head_dim=1, max_len=2, dtype=np.float16, name="cache")
    of_dtype(cache.call("append", *due_rows([1, 2])), np.float16)
    went_well(cache.call("reset"))
    of_dtype(cache.call("append", k, v).equals((k, v)), np.float16)
    cache = t.new(2, 1, 2, name="cache")
    half = k.astype(np.float16), v.astype(np.float16)
    of_dtype(cache.call("append", *half).equals((k, v)), np.float32)


@kv_cache.case("float64 keeps all digits.", level=2, stage="edge")
def _(t):
    k = np.array([[[1 / 3, 1e300]]])
    cache = t.new(1, 2, 3, np.float64, name="cache")
    cache.call("append", k, -k / 7).equals((k, -k / 7), rtol=1e-15, atol=0)
    both = np.concatenate([k, k * 0.1], axis=1)
    due = (both, -both / 7)
    cache.call("append", k * 0.1, -k * 0.1 / 7).equals(due, rtol=1e-14, atol=0)


@kv_cache.case(
    "truncate(n) keeps the first n positions; what is appended then follows them.",
    level=4,
)
def _(t):
    it = Contents(t, 6, 2, 1)
    play(it, "append 5; truncate 2; length; append; append 2; length")


@kv_cache.case(
    "truncate makes room again: what was rejected no longer counts.",
    level=4,
    stage="property",
)
def _(t):
    it = Contents(t, 3, 2, 1)
    play(it, "append 3; truncate 1; append 2; truncate 2; append; length")


@kv_cache.case(
    "truncate(len) changes nothing, truncate(0) empties.", level=4, stage="edge"
)
def _(t):
    it = Contents(t, 4, 2, 3)
    play(
        it,
        "truncate 0; append 2; truncate 2; length; append; truncate 0; length; append; "
        "append 3; truncate 3; truncate 1; append 2; reset; append 2; length",
    )


@kv_cache.case("truncate keeps the dtype.", level=4, stage="edge")
def _(t):
    for dtype in (np.float16, np.float32):
        cache = t.new(2, 1, 3, dtype, name="cache")
        cache.call("append", *rows(1, 3)).equals(due_rows([1, 2, 3]))
        went_well(cache.call("truncate", 1))
        of_dtype(cache.call("append", *rows(4, 1)).equals(due_rows([1, 4])), dtype)


@kv_cache.case("Whatever the order of calls.", level=4, stage="edge")
def _(t):
    for seed, max_len, n_kv_heads, head_dim in ((1, 6, 2, 3), (2, 4, 1, 2)):
        rng = np.random.default_rng(seed)
        it = Contents(t, max_len, n_kv_heads, head_dim)
        for _ in range(40):
            what = rng.integers(10)
            if what < 7:
                it.append(int(rng.integers(1, 4)))
            elif what < 9:
                it.truncate(int(rng.integers(len(it.tokens) + 1)))
            else:
                play(it, "reset")
            play(it, "length")


# decode_step


class Cache:
    """What decode_step is given: the statement's KVCache, strict on shapes.

    It keeps one row at a time in lists, and what it returns cannot be written to,
    unless `writable` says so.
    """

    def __init__(
        self,
        n_kv_heads: int,
        head_dim: int,
        max_len: int = 10**6,
        dtype: type = np.float64,
        writable: bool = False,
    ) -> None:
        self._shape, self._max_len, self._dtype = (n_kv_heads, head_dim), max_len, dtype
        self._writable = writable
        self._rows: list[tuple[np.ndarray, np.ndarray]] = []
        self.refused = ""  # what was wrong with a shape that it refused

    def __len__(self) -> int:
        return len(self._rows)

    def append(self, k: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        n_kv_heads, head_dim = self._shape
        for name, array in (("k", k), ("v", v)):
            shape = np.shape(array)
            if len(shape) != 3 or (shape[0], shape[2]) != self._shape:
                self.refused = f"{len(shape)} axes, the last of {shape[-1:]}"
                due = f"({n_kv_heads}, T_new, {head_dim})"
                raise ValueError(f"append: {name} has shape {shape}, not {due}")
        if np.shape(k) != np.shape(v):
            raise ValueError(f"append: k is {np.shape(k)}, but v is {np.shape(v)}")
        count = np.shape(k)[1]
        if len(self) + count > self._max_len:
            raise ValueError(f"append: {len(self) + count} of {self._max_len} places")
        k, v = np.array(k, dtype=self._dtype), np.array(v, dtype=self._dtype)
        self._rows += [(k[:, i], v[:, i]) for i in range(count)]
        return self.keys_and_values()

    def truncate(self, n: int) -> None:
        del self._rows[n:]

    def reset(self) -> None:
        self._rows.clear()

    def keys_and_values(self) -> tuple[np.ndarray, np.ndarray]:
        n_kv_heads, head_dim = self._shape
        shape = (len(self), 2, n_kv_heads, head_dim)
        both = np.array(self._rows, dtype=self._dtype).reshape(shape)
        both = np.ascontiguousarray(both.transpose(1, 2, 0, 3))
        both.flags.writeable = self._writable
        return both[0], both[1]

    def copy(self) -> "Cache":
        twin = Cache(*self._shape, self._max_len, self._dtype, self._writable)
        twin._rows = list(self._rows)
        return twin


def softmax(scores: list[float]) -> list[float]:
    exps = [math.exp(score - max(scores)) for score in scores]
    return [e / math.fsum(exps) for e in exps]


class Layer:
    """Weights of one attention layer, and what is due without any cache."""

    def __init__(
        self,
        seed: int,
        n_heads: int = 1,
        n_kv_heads: int = 1,
        d_head: int = 2,
        d_model: int = 3,
        scale: float = 0.6,
    ) -> None:
        def weights(place: int, *shape: int) -> np.ndarray:
            return normal(1000 * seed + place, *shape, scale=scale)

        self.n_heads, self.n_kv_heads, self.d_head = n_heads, n_kv_heads, d_head
        self.d_model = d_model
        self.weights = (
            weights(1, d_model, n_heads * d_head),
            weights(2, d_model, n_kv_heads * d_head),
            weights(3, d_model, n_kv_heads * d_head),
            weights(4, n_heads * d_head, d_model),
        )
        self.seed = seed

    def sequence(self, n_rows: int, offset: int = 5) -> np.ndarray:
        """Rows of a sequence; another offset gives another one."""
        return normal(1000 * self.seed + offset, n_rows, self.d_model)

    def cache(self, **options) -> Cache:
        return Cache(self.n_kv_heads, self.d_head, **options)

    def projected(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The keys and values of rows, split into heads (n_kv_heads, T, d_head)."""
        shape = (self.n_kv_heads, len(x), self.d_head)
        both = np.zeros(shape), np.zeros(shape)
        for (g, i, j), kind in itertools.product(np.ndindex(*shape), (0, 1)):
            column = self.weights[1 + kind][:, g * self.d_head + j]
            both[kind][g, i, j] = math.fsum(x[i].astype(float) * column)
        return both

    def due(self, x: np.ndarray, past: tuple | None = None) -> np.ndarray:
        """The outputs of rows, by loops over rows, heads and positions.

        past: keys and values of the positions before the first row.
        """
        w_q, _, _, w_o = self.weights
        keys, values = self.projected(x)
        if past is not None:
            keys = np.concatenate([past[0], keys], axis=1)
            values = np.concatenate([past[1], values], axis=1)
        n_before = keys.shape[1] - len(x)
        due = np.zeros((len(x), w_o.shape[1]))
        for i, h in np.ndindex(len(x), self.n_heads):
            own = range(h * self.d_head, (h + 1) * self.d_head)
            q = [math.fsum(x[i].astype(float) * w_q[:, column]) for column in own]
            g = h // (self.n_heads // self.n_kv_heads)
            scores = [
                math.fsum(a * float(b) for a, b in zip(q, keys[g, j], strict=True))
                / math.sqrt(self.d_head)
                for j in range(n_before + i + 1)
            ]
            mixed = np.zeros(self.d_head)
            for j, weight in enumerate(softmax(scores)):
                mixed += weight * values[g, j].astype(float)
            due[i] += mixed @ w_o[own]
        return due


def normal(seed: int, *shape: int, scale: float = 1.0) -> np.ndarray:
    """Normal draws, rounded so that reports show the very numbers."""
    return np.round(np.random.default_rng(seed).normal(0, scale, shape), 2)


def decode(
    t: Trial,
    x: np.ndarray,
    layer: Layer,
    cache: Cache,
    dtype: type = np.float64,
    exact: bool = False,
) -> Step:
    """One call of decode_step; the report says how many positions the cache held,
    and keeps the cache as it was then.

    With `exact` it counts too, when a mistake is named, whether the output is float32.
    """
    before, cache.refused = cache.copy(), ""
    given = (x, *layer.weights)
    args = (*(a.astype(dtype) for a in given), layer.n_heads, layer.n_kv_heads)
    text = ""
    if not t.silent:  # else nobody reads it
        text = show.call(t.exercise.target, args, {}, t.exercise.signature)
        text = f"{text[:-1]}, cache of len {len(cache)})"
    step = t.step(text, t.candidate, (*args, cache), {})
    step.args = (*args, before)
    if cache.refused:
        step.seen.append(("refused", cache.refused))
    if exact:
        narrow = getattr(step.value, "dtype", None) == np.float32
        step.seen.append(("float32", narrow))
    return step


# What the statement promises of float64; outputs of 1e20 have no 1e-6.
NEAR = {"rtol": 1e-9, "atol": 1e-6}


def is_due(t: Trial, step: Step, due: np.ndarray, **near: float) -> None:
    """Say what a step returns, unless one before it went wrong: then it follows."""
    if not any(earlier.failed for earlier in t.steps):
        step.equals(due, **(near or NEAR))


def holds(
    t: Trial, cache: Cache, after: str, keys: np.ndarray, values: np.ndarray
) -> None:
    """The cache has these keys and values, and no others."""
    kept = cache.keys_and_values
    for what, look, due in (
        ("len(cache)", lambda: len(cache), keys.shape[1]),
        ("the keys in the cache", lambda: kept()[0], keys),
        ("the values in the cache", lambda: kept()[1], values),
    ):
        t.step(f"{what}, after {after}", look, (), {}).equals(due, **NEAR)


def decoded(
    t: Trial, layer: Layer, x: np.ndarray, lengths: tuple[int, ...], **options: bool
) -> None:
    """Decode x in chunks of these lengths with one cache."""
    cache, start, due = layer.cache(**options), 0, layer.due(x)
    for n in lengths:
        step = decode(t, x[start : start + n], layer, cache)
        is_due(t, step, due[start : start + n])
        start += n
    counts = " and ".join(map(str, lengths))
    after = f"decode_step with {counts} new row{'s' * (lengths != (1,))}"
    holds(t, cache, after, *layer.projected(x))


def cuts(n: int) -> list[tuple[int, ...]]:
    """All ways of writing n as an ordered sum, the longest first."""
    if n == 0:
        return [()]
    found = [(k, *rest) for k in range(1, n + 1) for rest in cuts(n - k)]
    return sorted(found, key=len, reverse=True)


@decode_step.case(
    "With an empty cache a row attends to itself alone, and is in the cache then."
)
def _(t):
    layer = Layer(1, d_model=3)
    decoded(t, layer, layer.sequence(1), (1,))
    # Who writes into what append gave back fails above and not here.
    decoded(t, layer, layer.sequence(1), (1,), writable=True)


@decode_step.case("A new row attends to what the cache holds and to itself.")
def _(t):
    layer = Layer(2, d_model=3)
    x, past = layer.sequence(4), layer.projected(layer.sequence(2, 6))
    cache = layer.cache()
    cache.append(*past)
    is_due(t, decode(t, x[:1], layer, cache), layer.due(x[:1], past))
    both = zip(past, layer.projected(x[:1]), strict=True)
    due = (np.concatenate(pair, axis=1) for pair in both)
    holds(t, cache, "decode_step with 1 new row", *due)


@decode_step.case("One row at a time, the outputs are those without a cache.")
def _(t):
    layer = Layer(3)
    decoded(t, layer, layer.sequence(4), (1,) * 4)


@decode_step.case("Several heads: head h owns columns h * d_head to (h + 1) * d_head.")
def _(t):
    for seed, heads, d_head, d_model in ((4, 2, 2, 3), (5, 3, 2, 5), (6, 2, 4, 8)):
        layer = Layer(seed, heads, heads, d_head, d_model)
        decoded(t, layer, layer.sequence(3), (1,) * 3)


@decode_step.case(
    "A prefill: every row of a chunk sees the rows up to its own.", level=2
)
def _(t):
    layer = Layer(7)
    decoded(t, layer, layer.sequence(2), (2,))
    layer = Layer(8, 2, 2)
    decoded(t, layer, layer.sequence(4), (4,))


@decode_step.case(
    "However far back, every position is seen.", level=2, stage="property"
)
def _(t):
    layer = Layer(33, 1, 1)
    x = layer.sequence(40)
    x[0] = 9.0  # so that the first position matters to the last
    decoded(t, layer, x, (36, 1, 3))


@decode_step.case("After a prefill, one row at a time.", level=2)
def _(t):
    layer = Layer(9, 2, 2)
    decoded(t, layer, layer.sequence(4), (3, 1))
    decoded(t, layer, layer.sequence(5, 6), (2, 1, 1, 1))


@decode_step.case(
    "Row i of a chunk stands at position len(cache) + i, and sees so far.", level=2
)
def _(t):
    for seed, n_past, n_new in ((10, 1, 2), (11, 3, 2), (12, 2, 3), (13, 4, 4)):
        layer = Layer(seed, 2, 2)
        x, past = layer.sequence(n_new), layer.projected(layer.sequence(n_past, 6))
        cache = layer.cache()
        cache.append(*past)
        is_due(t, decode(t, x, layer, cache), layer.due(x, past))


@decode_step.case(
    "Every way of cutting a sequence into chunks gives the same outputs.",
    level=2,
    stage="property",
)
def _(t):
    layer = Layer(14, 2, 2, d_head=3, d_model=4)
    for lengths in cuts(5):
        decoded(t, layer, layer.sequence(5), lengths)


@decode_step.case(
    "Each cache is a sequence of its own; nothing else is remembered.",
    level=2,
    stage="property",
)
def _(t):
    layer = Layer(15, 2, 2)
    one, other = layer.cache(), layer.cache()
    x, y = layer.sequence(4), layer.sequence(4, 6)
    is_due(t, decode(t, x[:2], layer, one), layer.due(x)[:2])
    is_due(t, decode(t, y[:1], layer, other), layer.due(y)[:1])
    is_due(t, decode(t, x[2:3], layer, one), layer.due(x)[2:3])
    is_due(t, decode(t, y[1:], layer, other), layer.due(y)[1:])
    is_due(t, decode(t, x[3:], layer, one), layer.due(x)[3:])


@decode_step.case(
    "After reset or truncate the next row stands where the cache ends.",
    level=2,
    stage="property",
)
def _(t):
    layer = Layer(16, 2, 2)
    x, y, cache = layer.sequence(4), layer.sequence(3, 6), layer.cache()
    is_due(t, decode(t, x, layer, cache), layer.due(x))
    cache.truncate(2)
    both = np.concatenate([x[:2], y])
    is_due(t, decode(t, y[:2], layer, cache), layer.due(both)[2:4])
    is_due(t, decode(t, y[2:], layer, cache), layer.due(both)[4:])
    cache.reset()
    is_due(t, decode(t, y, layer, cache), layer.due(y))


@decode_step.case(
    "What the cache holds is the past, whoever put it there.",
    level=2,
    stage="property",
)
def _(t):
    layer = Layer(34, 2, 2)
    x, y, cache = layer.sequence(3), layer.sequence(3, 6), layer.cache()
    is_due(t, decode(t, x[:2], layer, cache), layer.due(x)[:2])
    cache.reset()
    past = layer.projected(y[:2])
    cache.append(*past)  # as long as before
    is_due(t, decode(t, x[2:], layer, cache), layer.due(x[2:], past))


@decode_step.case(
    "The weights are those that are handed in: nothing made of them is kept.",
    level=2,
    stage="property",
)
def _(t):
    layer, other = Layer(35, 2, 2), Layer(36, 2, 2)
    x = layer.sequence(2)
    weights = tuple(array.copy() for array in layer.weights)

    def step() -> object:
        return t.candidate(x.copy(), *weights, 2, 2, layer.cache())

    def overwrite() -> None:
        for array, new in zip(weights, other.weights, strict=True):
            array[...] = new

    text = "decode_step(x, w_q, w_k, w_v, w_o, 2, 2, an empty cache)"
    is_due(t, t.step(text, step, (), {}), layer.due(x))
    t.step("w_q[...], w_k[...], w_v[...], w_o[...] = others", overwrite, (), {})
    is_due(t, t.step(text, step, (), {}), other.due(x))


@decode_step.case("Scores may be large, and far below zero.", level=2, stage="edge")
def _(t):
    for seed, sign in ((17, 1.0), (18, -1.0)):
        layer = Layer(seed, 2, 2)
        w_q, w_k, w_v, w_o = layer.weights
        w_q, w_k = np.abs(np.round(w_q)) + 1, np.abs(np.round(w_k)) + 1
        layer.weights = (w_q * 30, sign * w_k * 30, w_v, w_o)  # whole numbers: exact
        x = np.abs(np.round(layer.sequence(4) * 2)) + 1
        cache, due = layer.cache(), layer.due(x)
        is_due(t, decode(t, x[:3], layer, cache), due[:3])
        is_due(t, decode(t, x[3:], layer, cache), due[3:])


@decode_step.case(
    "Each row's softmax is its own: no other row and no hidden position matters, "
    "however high the scores there.",
    level=2,
    stage="edge",
)
def _(t):
    layer = Layer(19)
    ones = np.ones((1, 2))
    layer.weights = (ones, ones, np.array([[1.0, -2.0]]), np.array([[1.0], [3.0]]))
    layer.d_model = 1
    for values in ((-2000.0, 2000.0, 1.0), (3.0, 1000.0, -2.0), (-40.0, 1.0, 50.0)):
        x = np.array(values)[:, None]
        is_due(t, decode(t, x, layer, layer.cache()), layer.due(x))


@decode_step.case(
    "Any finite stand-in for a hidden score can be beaten: only -inf is below all.",
    level=2,
    stage="edge",
)
def _(t):
    layer = Layer(31)
    ones = np.ones((1, 2))
    layer.weights = (ones, -ones, np.array([[1.0, -2.0]]), np.array([[1.0], [3.0]]))
    layer.d_model = 1
    # All exact in float32: who narrows x is told of it below, and not here.
    for values in ((2.0, 1.0), (60.0, 3.0, 1.0), (5e4, 3.0, 4e4), (2.0**66, 3.0, 4e10)):
        x = np.array(values)[:, None]
        is_due(t, decode(t, x, layer, layer.cache()), layer.due(x))


@decode_step.case(
    "In float64 the outputs are right to 1e-6: nothing is narrowed.",
    level=2,
    stage="edge",
)
def _(t):
    # Scores near 5e4 that differ by about 1, which float32 cannot tell apart.
    layer = Layer(20, d_head=4, d_model=4)
    w_k = np.diag([1.0, 10.0, 1.0, 1.0])
    w_v = np.eye(4)[::-1].copy()
    layer.weights = (np.eye(4), w_k, w_v, layer.weights[3])
    x = layer.sequence(3)
    x[:, 1] = 100.0, 100.0013, 99.9994
    due, cache = layer.due(x), layer.cache()
    is_due(t, decode(t, x[:2], layer, cache, exact=True), due[:2])
    is_due(t, decode(t, x[2:], layer, cache, exact=True), due[2:])


@decode_step.case(
    "Outputs near 1e4 are right to 1e-6, too: float32 has seven digits.",
    level=2,
    stage="edge",
)
def _(t):
    layer = Layer(37, 2, 2)
    w_q, w_k, w_v, w_o = layer.weights
    # All of one sign: whoever narrows, and wherever, is off by about as much.
    layer.weights = (w_q, w_k, 1e4 * np.abs(w_v), np.abs(w_o))
    x, cache = np.abs(layer.sequence(3)), layer.cache()
    due = layer.due(x)
    is_due(t, decode(t, x[:2], layer, cache, exact=True), due[:2])
    is_due(t, decode(t, x[2:], layer, cache, exact=True), due[2:])
    # Two large values that all but cancel: rounded weights show, a factor does not.
    layer = Layer(38, d_model=2)
    first, second = np.diag([1.0, 0.0]), np.diag([0.0, 1e4])
    layer.weights = (first, first, second, np.ones((2, 2)))
    x, cache = np.array([[1.0, 1.7], [1.5, -1.0]]), layer.cache()
    is_due(t, decode(t, x, layer, cache, exact=True), layer.due(x))


@decode_step.case("A full cache's ValueError goes through.", level=2, stage="edge")
def _(t):
    layer = Layer(21, 2, 2)
    x, cache = layer.sequence(3), layer.cache(max_len=2)
    is_due(t, decode(t, x[:2], layer, cache), layer.due(x)[:2])
    decode(t, x[2:], layer, cache).raises(ValueError)


@decode_step.case(
    "Grouped queries: query head h uses KV head h // (n_heads // n_kv_heads).",
    level=3,
)
def _(t):
    for seed, heads, kv_heads, lengths in (
        (22, 4, 2, (1, 1)),
        (23, 6, 2, (2, 1)),
        (24, 6, 3, (1, 2)),
    ):
        layer = Layer(seed, heads, kv_heads, d_head=3, d_model=5)
        decoded(t, layer, layer.sequence(sum(lengths)), lengths)


@decode_step.case("One KV head for all query heads (MQA).", level=3)
def _(t):
    layer = Layer(25, 3, 1, d_head=2, d_model=4)
    decoded(t, layer, layer.sequence(3), (1, 1, 1))
    decoded(t, layer, layer.sequence(4), (3, 1))


@decode_step.case(
    "Grouped queries, cut into chunks in every way.", level=3, stage="property"
)
def _(t):
    layer = Layer(26, 4, 2, d_head=2, d_model=3)
    for lengths in cuts(4):
        decoded(t, layer, layer.sequence(4), lengths)


@decode_step.case(
    "As many rows as heads, as wide as all heads: nothing may be mixed up.",
    level=3,
    stage="property",
)
def _(t):
    layer = Layer(27, 4, 4, d_head=4, d_model=16, scale=0.3)
    decoded(t, layer, layer.sequence(8), (4, 4))
    layer = Layer(28, 2, 2, d_head=2, d_model=4)
    decoded(t, layer, layer.sequence(4), (2, 2))


@decode_step.case(
    "The cache may keep keys and values in a narrower dtype.", level=3, stage="edge"
)
def _(t):
    for seed, dtype, wide in (
        (29, np.float16, np.float64),
        (30, np.float32, np.float32),
    ):
        layer = Layer(seed, 4, 2)
        x, cache = layer.sequence(4), layer.cache(dtype=dtype)
        for rows_now in (slice(0, 3), slice(3, 4)):
            step = decode(t, x[rows_now], layer, cache, wide)
            # Where a program rounds to the narrow dtype is its own affair.
            step.seen = [(tag, coarse(what)) for tag, what in step.seen]
            is_due(t, step, layer.due(x)[rows_now], rtol=1e-2, atol=1e-2)


def coarse(what: object) -> object:
    """What was returned, to three digits, if it is an array of floats."""
    floats = isinstance(what, np.ndarray) and what.dtype.kind == "f"
    return what.astype(np.float16) if floats else what


# PagedKVCache


class Handle:
    """A sequence's handle, boxed: which one a program chooses is its own affair."""

    def __init__(self, value: object) -> None:
        self.value = value

    def __repr__(self) -> str:
        return "a handle"


class Ledger:
    """Which tokens each sequence has, and which blocks; the slow and obvious way.

    A block is a number that is never used again; it is free when no table has it.
    """

    def __init__(self, n_blocks: int, block_size: int) -> None:
        self.n_blocks, self.block_size = n_blocks, block_size
        self.tokens: dict[str, list[int]] = {}
        self.tables: dict[str, list[int]] = {}
        self.numbers = itertools.count()

    def n_free(self) -> int:
        return self.n_blocks - len({b for table in self.tables.values() for b in table})

    def due(self, name: str, count: int) -> tuple[int, bool]:
        """How many blocks an append takes, and whether one of them is for a copy."""
        n, table = len(self.tokens[name]), self.tables[name]
        holders = sum(table[-1:] == other[-1:] for other in self.tables.values())
        copies = n % self.block_size != 0 and holders > 1
        total = math.ceil((n + count) / self.block_size)
        return total - len(table) + copies, copies

    def append(self, name: str, tokens: list[int]) -> None:
        taken, copies = self.due(name, len(tokens))
        if copies:
            self.tables[name].pop()
        self.tables[name] += [next(self.numbers) for _ in range(taken)]
        self.tokens[name] += tokens


class Pool:
    """A PagedKVCache of the candidate's beside the ledger of what is due.

    Sequences have names here. A method makes one call and says what is due.
    """

    def __init__(
        self,
        t: Trial,
        n_blocks: int,
        block_size: int,
        *shape: int,
        name: str = "cache",
        first: int = 1,
    ) -> None:
        shape = shape or (2, 1)
        self.t, self.shape, self.name = t, shape, name
        self.cache = t.new(n_blocks, block_size, *shape, name=name)
        self.ledger = Ledger(n_blocks, block_size)
        self.handles: dict[str, object] = {}
        self.next = first

    def new(self, name: str) -> None:
        self._begun(name, f"{self.name}.new()", "new", ())
        self.ledger.tokens[name], self.ledger.tables[name] = [], []

    def fork(self, name: str, child: str) -> None:
        text = f"{self.name}.fork({name})"
        if name in self.ledger.tables:
            self._begun(child, text, "fork", (self.handles[name],))
            for kept in (self.ledger.tokens, self.ledger.tables):
                kept[child] = list(kept[name])
        else:
            step = self._step(text, "fork", (self.handles[name],), boxed=True)
            step.raises(KeyError)

    def append(self, name: str, count: int = 1) -> None:
        k, v = rows(self.next, count, *self.shape)
        tokens = list(range(self.next, self.next + count))
        self.next += count
        text = f"{self.name}.append({name}, {called_rows(tokens)})"
        step = self._step(text, "append", (self.handles[name], k, v))
        if name not in self.ledger.tables:
            step.raises(KeyError)
        elif self.ledger.due(name, count)[0] > self.ledger.n_free():
            step.raises(MemoryError)
        else:
            went_well(step, self._takes(name, count))
            self.ledger.append(name, tokens)

    def gather(self, *names: str) -> None:
        for name in names:
            text = f"{self.name}.gather({name})"
            step = self._step(text, "gather", (self.handles[name],))
            if name in self.ledger.tables:
                step.equals(due_rows(self.ledger.tokens[name], *self.shape))
            else:
                step.raises(KeyError)

    def free(self, name: str) -> None:
        text = f"{self.name}.free({name})"
        step = self._step(text, "free", (self.handles[name],))
        if name in self.ledger.tables:
            went_well(step)
            del self.ledger.tables[name], self.ledger.tokens[name]
        else:
            step.raises(KeyError)

    def n_free(self) -> None:
        self.cache.get("n_free_blocks").equals(self.ledger.n_free())

    def look(self) -> None:
        """Everything that can be seen of it."""
        self.n_free()
        self.gather(*self.ledger.tables)

    def _takes(self, name: str, count: int) -> str:
        taken, _ = self.ledger.due(name, count)
        blocks = "1 block" if taken == 1 else f"{taken} blocks"
        return f"no error: it takes {blocks} of {self.ledger.n_free()} free ones"

    def _begun(self, name: str, text: str, method: str, args: tuple) -> None:
        step = self._step(text, method, args, boxed=True)
        step.obeys(lambda value: value is not None, "a handle")
        # Not before: a report of this very call begins with the pool.
        step.called = f"{name} = {text}"
        self.handles[name] = step.value.value if step.value is not None else None

    def _step(self, text: str, method: str, args: tuple, boxed: bool = False) -> Step:
        function = perform.guarded(getattr, self.cache.value, method, otherwise=None)
        if not boxed:
            return self.t.step(text, function, args, {})

        def begin(*args: object) -> Handle | None:
            perform.fits(function, args, {})
            handle = function(*args)
            return None if handle is None else Handle(handle)

        return self.t.step(text, begin, args, {})


def rules(text: str, stage: str = "values"):
    """A case of PagedKVCache, all of which are of level 4."""
    return paged_kv_cache.case(text, level=4, stage=stage)


@rules("gather returns all that was appended, as (keys, values).")
def _(t):
    pool = Pool(t, 4, 2)
    play(pool, "new a; append a; gather a; append a; gather a; append a; gather a")


@rules("A sequence of T rows takes ceil(T / block_size) blocks.")
def _(t):
    pool = Pool(t, 5, 2)
    play(pool, "n_free; new a")
    for _ in range(5):
        play(pool, "append a; n_free")
    pool = Pool(t, 4, 3)
    play(pool, "new a")
    for _ in range(7):
        play(pool, "append a; n_free")
    play(pool, "gather a")


@rules("Several rows may come in one call, and span several blocks.")
def _(t):
    pool = Pool(t, 3, 2)
    play(pool, "new a; append a 3; look")
    for block_size, counts in (
        (2, (2, 2, 1)),
        (2, (1, 4, 2, 1)),
        (3, (6, 1, 5)),
        (3, (2, 7, 3)),
        (1, (3, 1, 2)),
        (4, (2, 1)),
        (16, (5, 6, 5, 1)),
    ):
        pool = Pool(t, 9, block_size, 2, 3)
        play(pool, "new a")
        for count in counts:
            pool.append("a", count)
            play(pool, "look")


@rules("The pool serves several sequences, in any order.")
def _(t):
    pool = Pool(t, 6, 2)
    play(
        pool,
        "new a; new b; append a; append b; append a 2; look; append b 2; new c; "
        "append c 2; append b; append a; look",
    )


@rules("Keys and values are (n_kv_heads, T, head_dim), whatever the sizes.")
def _(t):
    for n_kv_heads, head_dim, block_size in (
        (3, 2, 2),
        (1, 4, 3),
        (4, 4, 4),
        (1, 1, 1),
    ):
        pool = Pool(t, 8, block_size, n_kv_heads, head_dim)
        play(pool, "new a; append a 5; append a 3; gather a")


@rules("free gives the blocks back, and others can have them.")
def _(t):
    pool = Pool(t, 3, 2)
    play(
        pool,
        "new a; append a 3; free a; n_free; new b; append b 5; look; free b; n_free; "
        "new c; append c; look",
    )


@rules("A fork has the same rows and takes no block.")
def _(t):
    pool = Pool(t, 4, 2)
    play(pool, "new a; append a 3; fork a b; look")


@rules("A fork goes its own way: neither sees what the other appends.")
def _(t):
    for n_rows in (1, 2, 3, 4):
        pool = Pool(t, 6, 2)
        play(pool, "new a")
        pool.append("a", n_rows)
        play(
            pool,
            "fork a b; gather b; append b; gather a b; append a; gather a b; "
            "append b 2; gather a b",
        )


@rules("The original may write first, too.")
def _(t):
    pool = Pool(t, 6, 3, 1, 2)
    play(
        pool,
        "new a; append a 2; fork a b; append a; gather b a; append b 2; gather a b",
    )


@rules("On a write only the partly filled last block is copied.", "property")
def _(t):
    for n_rows, block_size in ((5, 2), (7, 3), (6, 4), (4, 8)):
        pool = Pool(t, 9, block_size)
        play(pool, "new a")
        pool.append("a", n_rows)
        play(pool, "fork a b; append b; n_free; append a; look")


@rules("The full blocks before it stay shared.")
def _(t):
    pool = Pool(t, 4, 2)
    play(pool, "new a; append a 3; fork a b; append b; n_free")


@rules("A full last block is shared on: nothing is copied.", "property")
def _(t):
    for n_rows, block_size in ((2, 2), (6, 3), (3, 1)):
        pool = Pool(t, 9, block_size)
        play(pool, "new a")
        pool.append("a", n_rows)
        play(pool, "fork a b; append b; n_free; append b; n_free; append a; look")


@rules(
    "A block left with one owner is no longer shared: it is written in place.",
    "property",
)
def _(t):
    pool = Pool(t, 5, 4)
    play(pool, "new a; append a; fork a b; append b; append a; n_free; gather a b")
    for first, second in (("a", "b"), ("b", "a")):
        pool = Pool(t, 5, 4)
        play(pool, "new a; append a 2; fork a b")
        pool.free(first)
        pool.append(second)
        play(pool, "look")


@rules("Blocks come back when their last owner is freed, not before.", "property")
def _(t):
    for order in (("a", "b"), ("b", "a")):
        pool = Pool(t, 4, 2)
        play(pool, "new a; append a 3; fork a b")
        pool.free(order[0])
        play(pool, "look; new c; append c 4; look")
        pool.free(order[1])
        play(pool, "look; append c 4; look")


@rules("Forks of forks: a block may have any number of owners.", "property")
def _(t):
    pool = Pool(t, 8, 2)
    play(
        pool,
        "new a; append a 3; fork a b; fork b c; fork a d; look; append b; look; "
        "append c 2; look; free a; look; append d; look; fork d e; free d; append e 3; "
        "look",
    )
    for name in ("b", "c", "e"):
        pool.free(name)
        play(pool, "look")


@rules("The same sequence may be forked again and again.", "property")
def _(t):
    pool = Pool(t, 5, 4)
    play(pool, "new a; append a 2")
    for name in ("b", "c", "d"):
        pool.fork("a", name)
        pool.append(name)
        play(pool, "look")
    play(pool, "append a; look")
    for name in ("c", "a", "d"):
        pool.free(name)
        play(pool, "look")


@rules("Two pools share nothing.", "property")
def _(t):
    one = Pool(t, 3, 2, name="one")
    other = Pool(t, 3, 2, name="other", first=21)
    play(one, "new a; append a 3")
    play(other, "n_free; new b; append b 2; look")
    play(one, "append a; fork a c; look")
    play(other, "new d; append d; look")
    play(one, "free a; look; free c; n_free")
    play(other, "look")
    third = Pool(t, 5, 3, 1, 2, name="third", first=41)
    play(third, "n_free; new e; append e 3; append e; look")
    play(other, "look")


@rules("append copies what it is given.", "property")
def _(t):
    for dtype in (np.float64, np.float32):
        pool = Pool(t, 2, 2)
        play(pool, "new a")
        k, v = (array.astype(dtype) for array in rows(1, 1))

        def append(pool=pool, k=k, v=v) -> object:
            return pool.cache.value.append(pool.handles["a"], k, v)

        def overwrite(k=k, v=v) -> None:
            k[...], v[...] = rows(7, 1)

        went_well(t.step("cache.append(a, k, v)", append, (), {}))
        t.step("k[...], v[...] = other rows", overwrite, (), {})
        pool.ledger.append("a", [1])
        play(pool, "gather a")


@rules("Out of blocks: MemoryError.", "edge")
def _(t):
    pool = Pool(t, 2, 2)
    play(pool, "new a; append a 4; append a")
    pool = Pool(t, 2, 2)
    play(pool, "new a; new b; append a 2; append b; append a")
    pool = Pool(t, 1, 3)
    play(pool, "new a; append a 4")


@rules("The last free block can be used, to its end.", "edge")
def _(t):
    pool = Pool(t, 2, 2)
    play(pool, "new a; append a; append a 3; look")
    pool = Pool(t, 3, 2)
    play(pool, "new a; append a 6; look")


@rules("After MemoryError nothing has changed, and what fits still fits.", "edge")
def _(t):
    pool = Pool(t, 3, 2)
    play(pool, "new a; append a; append a 6; look; append a 5; look")
    pool = Pool(t, 4, 2)
    play(
        pool,
        "new a; new b; append a 3; append b 2; append b 3; look; append a 4; look; "
        "append b 2; look; free a; append b 4; look",
    )


@rules("The copy of a shared block counts too.", "edge")
def _(t):
    pool = Pool(t, 2, 2)
    play(pool, "new a; append a 3; fork a b; append b; look; free a; append b; look")
    pool = Pool(t, 3, 2)
    play(
        pool,
        "new a; append a 3; fork a b; append b 2; look; append a 3; look; append b; "
        "look; append a; look; append b; look",
    )


@rules("new and fork take no block, also when none is free.", "edge")
def _(t):
    pool = Pool(t, 1, 2)
    play(
        pool,
        "new a; n_free; append a 2; new b; fork a c; look; append b; append c; look; "
        "free a; free c; append b; look",
    )


@rules("A sequence without rows gathers to T = 0, and can be forked.", "edge")
def _(t):
    pool = Pool(t, 2, 2, 2, 3)
    play(
        pool,
        "new a; gather a; fork a b; look; append b; look; append a 2; look; new c; "
        "free c; look",
    )


@rules("A freed sequence is a KeyError, whatever is asked of it.", "edge")
def _(t):
    for freed in ("a", "b"):
        pool = Pool(t, 4, 2)
        play(pool, "new a; append a 3; fork a b")
        pool.free(freed)
        pool.gather(freed)
        pool.append(freed)
        pool.fork(freed, "c")
        pool.free(freed)
        play(pool, "look")
    play(pool, "free a; look; free a; look; new d; free d; gather d; append d")
    pool = Pool(t, 2, 2)
    play(pool, "new a; append a 4; new b; free b; append b; look")


@rules("A handle is never given out again.", "edge")
def _(t):
    pool = Pool(t, 4, 2)
    play(
        pool,
        "new a; append a 2; free a; new b; gather a; append b; gather a; fork b c; "
        "free b; new d; append d; gather b; look; free c; fork d e; gather c; look",
    )


@rules("A handle is never given out again, not even after a hundred others.", "edge")
def _(t):
    cache = t.new(4, 2, 2, 1, name="cache")

    def given_out() -> str:
        # Nothing but the handles themselves is held here.
        first = [cache.value.new() for _ in range(100)]
        for handle in first:
            cache.value.free(handle)
        handles = first + [cache.value.new() for _ in range(100)]
        again = any(handle in handles[:i] for i, handle in enumerate(handles))
        return "some of them twice" if again else "all of them different"

    text = "200 handles: cache.new() 100 times, cache.free(...) each, cache.new() again"
    t.step(text, given_out, (), {}).equals("all of them different")


@rules("A handle is hashable.", "edge")
def _(t):
    pool = Pool(t, 2, 2)
    play(pool, "new a")
    step = t.step("hash(a)", lambda: len({pool.handles["a"]}), (), {})
    went_well(step, "no error: a can be hashed")


@rules("Storage is float32 or wider.", "edge")
def _(t):
    k = np.array([[[1 / 3, 70000.0], [-1e-30, 123.456]]])
    v = np.array([[[-2 / 3, 1e-30], [80000.0, 654.321]]])
    cache = t.new(2, 1, 1, 2, name="cache")
    handle = [None]

    def begin() -> None:
        handle[0] = cache.value.new()

    def append() -> object:
        return cache.value.append(handle[0], k.copy(), v.copy())

    went_well(t.step("a = cache.new()", begin, (), {}))
    went_well(t.step("cache.append(a, k, v)", append, (), {}))
    step = t.step("cache.gather(a)", lambda: cache.value.gather(handle[0]), (), {})
    step.equals((k, v), rtol=1e-6, atol=0)


@rules("The pool may be made with its arguments by name.", "edge")
def _(t):
    t.new(n_blocks=2, block_size=1, n_kv_heads=1, head_dim=2, name="cache")


@rules("Whatever the order of calls.", "edge")
def _(t):
    for seed, n_blocks, block_size in ((1, 6, 2), (2, 5, 1), (3, 4, 3), (4, 7, 4)):
        rng = np.random.default_rng(seed)
        pool = Pool(t, n_blocks, block_size, 1, 2)
        names = (f"s{i}" for i in itertools.count())
        freed: list[str] = []
        pool.new(next(names))
        for turn in range(36):
            alive = list(pool.ledger.tables)
            what = int(rng.integers(20))
            one = alive[int(rng.integers(len(alive)))] if alive else None
            if one is None or what == 0:
                pool.new(next(names))
            elif what < 13:
                pool.append(one, int(rng.integers(1, 2 * block_size + 2)))
            elif what < 16:
                pool.fork(one, next(names))
            elif what < 19 or not freed:
                pool.free(one)
                freed.append(one)
            else:
                pool.gather(freed[int(rng.integers(len(freed)))])
            play(pool, "look" if turn % 6 == 5 else "n_free")
