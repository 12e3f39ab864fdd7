"""Right programs for the KV cache: the references, then others built differently.

The references are what the solution notebook shows, to the letter.
"""

import itertools
import math
from collections import Counter, deque

import numpy as np

from rounds.bank import alternative


def kv_cache_bytes(
    n_layers, n_kv_heads, head_dim, seq_len, batch_size=1, bytes_per_element=2
):
    """Bytes that the keys and values of a model's cache take, in all layers.

    Every layer keeps one key and one value of head_dim elements for each of its
    n_kv_heads (the key/value heads, not the query heads) and each of the seq_len
    positions of each of the batch_size sequences. bytes_per_element: 2 for fp16.
    All arguments are integers >= 1. Returns an int.
    kv_cache_bytes(32, 32, 128, 1) is 524_288: 512 KiB a token in Llama-2-7B.
    """
    per_token = 2 * n_layers * n_kv_heads * head_dim * bytes_per_element  # K and V
    return per_token * seq_len * batch_size


class KVCache:
    """The keys and values of one layer and one sequence, with room for max_len."""

    def __init__(self, n_kv_heads, head_dim, max_len, dtype=np.float32):
        """An empty cache. dtype: float16, float32 or float64, for keys and values."""
        self._keys = np.zeros((n_kv_heads, max_len, head_dim), dtype)
        self._values = np.zeros((n_kv_heads, max_len, head_dim), dtype)
        self._len = 0

    def __len__(self):
        """How many positions are filled."""
        return self._len

    def append(self, k, v):
        """Store the keys and values of the next positions; return all so far.

        k, v: (n_kv_heads, T_new, head_dim), floats of any width, T_new >= 1; they
        are copied. Returns (keys, values), each (n_kv_heads, T, head_dim) with T the
        new length, in the cache's dtype; they may be views. Raises ValueError, and
        leaves the cache as it was, if T would be more than max_len. Two calls with
        one position each give T = 1, then T = 2.
        """
        start, end = self._len, self._len + k.shape[1]
        if end > self._keys.shape[1]:
            raise ValueError(f"{end} positions, but room for {self._keys.shape[1]}")
        self._keys[:, start:end] = k
        self._values[:, start:end] = v
        self._len = end
        return self._keys[:, :end], self._values[:, :end]

    def truncate(self, n):
        """Keep the first n positions, 0 <= n <= len, and forget those after them."""
        self._len = n

    def reset(self):
        """Forget everything, ready for the next prompt."""
        self._len = 0


def decode_step(x, w_q, w_k, w_v, w_o, n_heads, n_kv_heads, cache):
    """Causal self-attention of new rows, given what the cache holds of those before.

    x: (T_new, d_model), the rows at positions len(cache) to len(cache) + T_new - 1
    w_q: (d_model, n_heads * d_head)   w_k, w_v: (d_model, n_kv_heads * d_head)
    w_o: (n_heads * d_head, d_model)   cache: a KVCache, used by len and append alone
    Head h owns columns h * d_head to (h + 1) * d_head. The scale is 1/sqrt(d_head).
    Query head h uses KV head h // (n_heads // n_kv_heads); n_kv_heads divides
    n_heads. Every row sees all positions up to its own. The new keys x @ w_k and
    values x @ w_v, split into heads, are appended to the cache as they are.
    Returns an array (T_new, d_model): in float64 throughout, equal within 1e-6 to the
    same rows computed without a cache. A ValueError of a full cache goes through.
    With one head, one row and an empty cache it is x @ w_v @ w_o.
    """
    n_new, start = len(x), len(cache)
    d_head = w_q.shape[1] // n_heads

    def split(projected, heads):  # to (heads, T_new, d_head)
        return np.swapaxes(projected.reshape(n_new, heads, d_head), 0, 1)

    q = split(x @ w_q, n_heads)
    keys, values = cache.append(split(x @ w_k, n_kv_heads), split(x @ w_v, n_kv_heads))
    group = n_heads // n_kv_heads
    keys, values = np.repeat(keys, group, axis=0), np.repeat(values, group, axis=0)
    scores = q @ np.swapaxes(keys, 1, 2) / d_head**0.5
    positions = start + np.arange(n_new)
    visible = np.arange(start + n_new) <= positions[:, None]
    scores = np.where(visible, scores, -np.inf)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights = weights / weights.sum(axis=-1, keepdims=True)
    mixed = np.swapaxes(weights @ values, 0, 1)  # (T_new, n_heads, d_head)
    return mixed.reshape(n_new, n_heads * d_head) @ w_o


def max_batch_size(
    memory_bytes,
    weight_bytes,
    n_layers,
    n_kv_heads,
    head_dim,
    seq_len,
    bytes_per_element=2,
):
    """How many sequences of seq_len fit beside the weights.

    memory_bytes holds the weights, once, and the caches of all sequences, each as
    large as kv_cache_bytes says; nothing else is counted. All arguments are
    integers >= 1. Returns an int, 0 when not even one sequence fits.
    max_batch_size(80 * 1024**3, 16 * 10**9, 32, 8, 128, 8192) is 65.
    """
    one = 2 * n_layers * n_kv_heads * head_dim * bytes_per_element * seq_len
    return max((memory_bytes - weight_bytes) // one, 0)


class PagedKVCache:
    """Keys and values of many sequences in blocks of one pool (Kwon et al. 2023).

    A sequence of T rows takes ceil(T / block_size) blocks. Forks share blocks until
    one of them writes. n_free_blocks is how many blocks no sequence holds.
    In blocks of 2, three rows take two blocks; a fork of them takes none; the first
    append of one row to either takes one, for the copy, and to the other then none.
    """

    def __init__(self, n_blocks, block_size, n_kv_heads, head_dim):
        """A pool of n_blocks blocks with room for block_size rows each."""
        shape = (n_blocks, n_kv_heads, block_size, head_dim)
        self._keys, self._values = np.zeros(shape, "f4"), np.zeros(shape, "f4")
        self._owners = [0] * n_blocks  # how many sequences hold each block
        self._free = list(range(n_blocks))
        self._tables, self._lengths = {}, {}  # of each sequence: its blocks, its rows
        self._handles = itertools.count()

    @property
    def n_free_blocks(self):
        """How many blocks no sequence holds."""
        return len(self._free)

    def new(self):
        """Begin an empty sequence, which takes no block yet; return its handle.

        A handle is hashable, and no later sequence gets it, also after free.
        """
        seq = next(self._handles)
        self._tables[seq], self._lengths[seq] = [], 0
        return seq

    def append(self, seq, k, v):
        """Store the keys and values, (n_kv_heads, T_new, head_dim), of the next rows.

        They are copied. If the last block is partly filled and shared, it is copied
        first, and only it. Raises MemoryError if the copy and the new blocks are more
        than there are free blocks, KeyError if seq was freed; nothing changes then.
        """
        table, start = self._tables[seq], self._lengths[seq]
        size, end = self._keys.shape[2], start + k.shape[1]
        n_new = math.ceil(end / size) - len(table)
        copies = start % size > 0 and self._owners[table[-1]] > 1
        if n_new + copies > len(self._free):
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
        for i in range(start, end):
            self._keys[table[i // size], :, i % size] = k[:, i - start]
            self._values[table[i // size], :, i % size] = v[:, i - start]
        self._lengths[seq] = end

    def gather(self, seq):
        """All of a sequence as (keys, values), each (n_kv_heads, T, head_dim).

        T is 0 before the first append. They may be views. KeyError if seq was freed.
        """
        table, length = self._tables[seq], self._lengths[seq]

        def joined(pool):
            n_kv_heads, size, head_dim = pool.shape[1:]
            rows = np.swapaxes(pool[table], 0, 1)  # the blocks of each head, in order
            return rows.reshape(n_kv_heads, len(table) * size, head_dim)[:, :length]

        return joined(self._keys), joined(self._values)

    def fork(self, seq):
        """A new sequence with the same rows, which takes no block; return its handle.

        KeyError if seq was freed.
        """
        table, length = self._tables[seq], self._lengths[seq]
        child = self.new()
        self._tables[child], self._lengths[child] = list(table), length
        for block in table:
            self._owners[block] += 1
        return child

    def free(self, seq):
        """End a sequence: blocks that no other one holds become free.

        KeyError if seq was freed before.
        """
        table = self._tables.pop(seq)
        del self._lengths[seq]
        for block in table:
            self._owners[block] -= 1
            if self._owners[block] == 0:
                self._free.append(block)


@alternative("kv_cache_bytes")
def kv_cache_bytes_by_product(
    n_layers, n_kv_heads, head_dim, seq_len, batch_size=1, bytes_per_element=2
):
    sizes = (2, n_layers, batch_size, n_kv_heads, seq_len, head_dim, bytes_per_element)
    return math.prod(sizes)


@alternative("kv_cache_bytes")
def kv_cache_bytes_of_a_shape(
    n_layers, n_kv_heads, head_dim, seq_len, batch_size=1, bytes_per_element=2
):
    keys = (n_layers, batch_size, n_kv_heads, seq_len, head_dim)
    elements = np.prod(keys, dtype=np.int64)
    return int(elements + elements) * bytes_per_element


@alternative("kv_cache_bytes")
def kv_cache_bytes_layer_by_layer(
    n_layers, n_kv_heads, head_dim, seq_len, batch_size=1, bytes_per_element=2
):
    total = 0
    for _ in range(n_layers):
        for _ in ("keys", "values"):
            total += batch_size * seq_len * n_kv_heads * head_dim * bytes_per_element
    return total


@alternative("max_batch_size")
def max_batch_size_with_kv_cache_bytes(
    memory_bytes,
    weight_bytes,
    n_layers,
    n_kv_heads,
    head_dim,
    seq_len,
    bytes_per_element=2,
):
    one = kv_cache_bytes(n_layers, n_kv_heads, head_dim, seq_len, 1, bytes_per_element)
    left = memory_bytes - weight_bytes
    return left // one if left > 0 else 0


@alternative("max_batch_size")
def max_batch_size_by_bisection(
    memory_bytes,
    weight_bytes,
    n_layers,
    n_kv_heads,
    head_dim,
    seq_len,
    bytes_per_element=2,
):
    def fits(batch):
        caches = kv_cache_bytes(
            n_layers, n_kv_heads, head_dim, seq_len, batch, bytes_per_element
        )
        return weight_bytes + caches <= memory_bytes

    low, high = 0, 1
    while fits(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


@alternative("KVCache")
class KVCacheConcatenating:
    """A new array at every step: right, though it copies O(T^2) in all."""

    def __init__(self, n_kv_heads, head_dim, max_len, dtype=np.float32):
        self.max_len = max_len
        self.empty = np.zeros((n_kv_heads, 0, head_dim), dtype)
        self.k, self.v = self.empty, self.empty

    def __len__(self):
        return self.k.shape[1]

    def append(self, k, v):
        if len(self) + k.shape[1] > self.max_len:
            raise ValueError("the cache is full")
        self.k = np.concatenate([self.k, k.astype(self.k.dtype)], axis=1)
        self.v = np.concatenate([self.v, v.astype(self.v.dtype)], axis=1)
        return self.k, self.v

    def truncate(self, n):
        self.k, self.v = self.k[:, :n], self.v[:, :n]

    def reset(self):
        self.k, self.v = self.empty, self.empty


@alternative("KVCache")
class KVCacheOfRows:
    """A list of (key, value) per position, stacked for every answer."""

    def __init__(self, n_kv_heads, head_dim, max_len, dtype=np.float32):
        self.max_len, self.dtype = max_len, np.dtype(dtype)
        self.rows = []

    def __len__(self):
        return len(self.rows)

    def append(self, k, v):
        count = np.shape(k)[1]
        if len(self.rows) + count > self.max_len:
            raise ValueError(f"{len(self.rows)} + {count} > {self.max_len}")
        for i in range(count):
            self.rows.append((np.array(k[:, i]), np.array(v[:, i])))
        keys, values = zip(*self.rows, strict=True)
        return (
            np.stack(keys, axis=1).astype(self.dtype),
            np.stack(values, axis=1).astype(self.dtype),
        )

    def truncate(self, n):
        del self.rows[n:]

    def reset(self):
        self.rows.clear()


@alternative("KVCache")
class KVCacheOfPlainLists:
    """Nested lists of Python floats."""

    def __init__(self, n_kv_heads, head_dim, max_len, dtype=np.float32):
        self.max_len, self.dtype = max_len, dtype
        self.heads = range(n_kv_heads)
        self.reset()

    def reset(self):
        self.both = [[[] for _ in self.heads] for _ in range(2)]
        self.filled = 0

    def __len__(self):
        return self.filled

    def append(self, k, v):
        new = len(k[0])
        if self.filled + new > self.max_len:
            raise ValueError("no room")
        for kept, given in zip(self.both, (k, v), strict=True):
            for h in self.heads:
                kept[h] += [[float(e) for e in row] for row in given[h]]
        self.filled += new
        return tuple(np.array(kept, dtype=self.dtype) for kept in self.both)

    def truncate(self, n):
        self.filled = n
        self.both = [[head[:n] for head in kept] for kept in self.both]


@alternative("KVCache")
class KVCacheInOneBuffer:
    """Keys and values in one array that grows by doubling, positions first."""

    def __init__(self, n_kv_heads, head_dim, max_len, dtype=np.float32):
        self._max = max_len
        self._buffer = np.empty((1, 2, n_kv_heads, head_dim), dtype=dtype)
        self._n = 0

    def __len__(self):
        return self._n

    def append(self, k, v):
        end = self._n + k.shape[1]
        if end > self._max:
            raise ValueError(f"a cache of {self._max} cannot hold {end}")
        while len(self._buffer) < end:
            self._buffer = np.concatenate([self._buffer, np.empty_like(self._buffer)])
        self._buffer[self._n : end] = np.stack([k, v]).transpose(2, 0, 1, 3)
        self._n = end
        keys, values = self._buffer[:end].transpose(1, 2, 0, 3)
        return keys, values

    def truncate(self, n):
        self._n = n

    def reset(self):
        self.truncate(0)


@alternative("KVCache")
class KVCacheOfChunks:
    """What every call brought, in a deque of chunks."""

    def __init__(self, n_kv_heads, head_dim, max_len, dtype=np.float32):
        self.room, self.dtype, self.chunks = max_len, dtype, deque()

    def __len__(self):
        return sum(chunk.shape[2] for chunk in self.chunks)

    def append(self, k, v):
        if len(self) + k.shape[1] > self.room:
            raise ValueError("past max_len")
        self.chunks.append(np.array([k, v], dtype=self.dtype))
        return tuple(np.concatenate(self.chunks, axis=2))

    def truncate(self, n):
        while len(self) > n:
            last = self.chunks.pop()
            keep = n - len(self)
            if keep > 0:
                self.chunks.append(last[:, :, :keep])

    def reset(self):
        self.chunks = deque()


@alternative("decode_step")
def decode_step_head_by_head(x, w_q, w_k, w_v, w_o, n_heads, n_kv_heads, cache):
    d = w_k.shape[1] // n_kv_heads
    before = len(cache)
    new_keys = np.stack([x @ w_k[:, g * d : (g + 1) * d] for g in range(n_kv_heads)])
    new_values = np.stack([x @ w_v[:, g * d : (g + 1) * d] for g in range(n_kv_heads)])
    keys, values = cache.append(new_keys, new_values)
    hidden = np.triu(np.ones((len(x), keys.shape[1]), dtype=bool), k=before + 1)
    out = np.zeros((len(x), w_o.shape[1]))
    for h in range(n_heads):
        shared = h // (n_heads // n_kv_heads)
        own = slice(h * d, (h + 1) * d)
        scores = (x @ w_q[:, own]) @ keys[shared].T * d**-0.5
        scores[hidden] = -np.inf
        exps = np.exp(scores - scores.max(axis=1)[:, None])
        out += (exps / exps.sum(axis=1)[:, None]) @ values[shared] @ w_o[own]
    return out


@alternative("decode_step")
def decode_step_row_by_row(x, w_q, w_k, w_v, w_o, n_heads, n_kv_heads, cache):
    """One row at a time needs no mask: the cache ends at the row itself."""
    d_head = w_q.shape[1] // n_heads
    outputs = []
    for row in x:
        q = (row @ w_q).reshape(n_kv_heads, n_heads // n_kv_heads, d_head)
        k = (row @ w_k).reshape(n_kv_heads, 1, d_head)
        v = (row @ w_v).reshape(n_kv_heads, 1, d_head)
        keys, values = cache.append(k, v)
        scores = np.einsum("grd,gtd->grt", q, keys) / math.sqrt(d_head)
        weights = np.exp(scores - np.logaddexp.reduce(scores, axis=-1)[..., None])
        outputs.append(np.einsum("grt,gtd->grd", weights, values).reshape(-1) @ w_o)
    return np.array(outputs)


@alternative("decode_step")
def decode_step_in_groups(x, w_q, w_k, w_v, w_o, n_heads, n_kv_heads, cache):
    n_new, past = x.shape[0], len(cache)
    widths = [w_q.shape[1], w_k.shape[1]]
    fused = x @ np.concatenate([w_q, w_k, w_v], axis=1)
    q, k, v = np.split(fused, np.cumsum(widths), axis=1)
    k = k.reshape(n_new, n_kv_heads, -1).transpose(1, 0, 2)
    v = v.reshape(n_new, n_kv_heads, -1).transpose(1, 0, 2)
    keys, values = cache.append(k, v)
    q = q.reshape(n_new, n_kv_heads, n_heads // n_kv_heads, k.shape[-1])
    scores = np.einsum("igrd,gjd->grij", q, keys) / np.sqrt(k.shape[-1])
    bias = np.zeros((n_new, past + n_new))
    bias[:, past:] = np.where(np.tri(n_new), 0, -np.inf)
    scores = scores + bias
    scores = np.exp(scores - scores.max(-1, keepdims=True))
    mixed = np.einsum("grij,gjd->igrd", scores / scores.sum(-1, keepdims=True), values)
    return mixed.reshape(n_new, -1) @ w_o


@alternative("decode_step")
def decode_step_in_plain_python(x, w_q, w_k, w_v, w_o, n_heads, n_kv_heads, cache):
    def times(row, matrix):
        return [sum(a * b for a, b in zip(row, col, strict=True)) for col in matrix.T]

    d, n_before = w_q.shape[1] // n_heads, len(cache)
    k = np.array([times(row, w_k) for row in x]).reshape(len(x), n_kv_heads, d)
    v = np.array([times(row, w_v) for row in x]).reshape(len(x), n_kv_heads, d)
    keys, values = cache.append(k.transpose(1, 0, 2), v.transpose(1, 0, 2))
    output = []
    for i, row in enumerate(x):
        q, mixed = times(row, w_q), []
        for h in range(n_heads):
            head = q[h * d : (h + 1) * d]
            g = h * n_kv_heads // n_heads
            scores = [
                sum(a * float(b) for a, b in zip(head, keys[g, j], strict=True))
                / math.sqrt(d)
                for j in range(n_before + i + 1)
            ]
            exps = [math.exp(score - max(scores)) for score in scores]
            for c in range(d):
                total = sum(e * float(values[g, j, c]) for j, e in enumerate(exps))
                mixed.append(total / sum(exps))
        output.append(times(mixed, w_o))
    return np.array(output)


@alternative("PagedKVCache")
class PagedKVCacheOfBlockObjects:
    """Blocks are small objects with lists of rows and a count of their owners."""

    class Block:
        def __init__(self, rows=()):
            self.rows, self.owners = list(rows), 1

    def __init__(self, n_blocks, block_size, n_kv_heads, head_dim):
        self.n_free_blocks, self.size = n_blocks, block_size
        self.shape = (n_kv_heads, 0, head_dim)
        self.sequences = {}

    def new(self):
        handle = object()
        self.sequences[handle] = []
        return handle

    def _last(self, handle):
        blocks = self.sequences[handle]
        partly = bool(blocks) and len(blocks[-1].rows) < self.size
        return blocks[-1] if partly else None

    def append(self, seq, k, v):
        blocks, last = self.sequences[seq], self._last(seq)
        n_rows = k.shape[1]
        room = self.size - len(last.rows) if last else 0
        due = -(-max(n_rows - room, 0) // self.size)
        if last and last.owners > 1:
            due += 1
        if due > self.n_free_blocks:
            raise MemoryError("the pool is full")
        self.n_free_blocks -= due
        if last and last.owners > 1:
            last.owners -= 1
            blocks[-1] = self.Block(last.rows)
        for i in range(n_rows):
            if not blocks or len(blocks[-1].rows) == self.size:
                blocks.append(self.Block())
            blocks[-1].rows.append((k[:, i].copy(), v[:, i].copy()))

    def gather(self, seq):
        rows = [row for block in self.sequences[seq] for row in block.rows]
        if not rows:
            return np.zeros(self.shape), np.zeros(self.shape)
        keys, values = zip(*rows, strict=True)
        return np.stack(keys, axis=1), np.stack(values, axis=1)

    def fork(self, seq):
        blocks = self.sequences[seq]
        for block in blocks:
            block.owners += 1
        child = self.new()
        self.sequences[child].extend(blocks)
        return child

    def free(self, seq):
        for block in self.sequences.pop(seq):
            block.owners -= 1
            self.n_free_blocks += block.owners == 0


@alternative("PagedKVCache")
class PagedKVCacheThatCountsAnew:
    """No counters: who holds which block is read off the tables, each time."""

    def __init__(self, n_blocks, block_size, n_kv_heads, head_dim):
        self.n_blocks, self.block_size = n_blocks, block_size
        self.rows = np.zeros((n_blocks * block_size, 2, n_kv_heads, head_dim), "f4")
        self.tables = {}
        self.made = 0

    @property
    def holders(self):
        return Counter(b for table, _ in self.tables.values() for b in table)

    @property
    def n_free_blocks(self):
        return self.n_blocks - len(self.holders)

    def new(self):
        self.made += 1
        handle = f"sequence {self.made}"
        self.tables[handle] = ((), 0)
        return handle

    def append(self, seq, k, v):
        table, length = self.tables[seq]
        rows = np.stack([k, v]).transpose(2, 0, 1, 3)
        holders = self.holders
        unused = [b for b in range(self.n_blocks) if b not in holders]
        kept = list(table)
        if length % self.block_size and holders[table[-1]] > 1:
            kept = kept[:-1]
        total = length + len(rows)
        missing = math.ceil(total / self.block_size) - len(kept)
        if missing > len(unused):
            raise MemoryError(f"{missing} > {len(unused)}")
        before = self.rows[self._slots(table, length)]
        grown = (*kept, *unused[:missing])
        self.rows[self._slots(grown, total)] = np.concatenate([before, rows])
        self.tables[seq] = (grown, total)

    def _slots(self, table, length):
        size = self.block_size
        return [table[i // size] * size + i % size for i in range(length)]

    def gather(self, seq):
        keys, values = self.rows[self._slots(*self.tables[seq])].transpose(1, 2, 0, 3)
        return keys, values

    def fork(self, seq):
        shared = self.tables[seq]
        child = self.new()
        self.tables[child] = shared
        return child

    def free(self, seq):
        del self.tables[seq]


@alternative("PagedKVCache")
class PagedKVCacheOfOwnerSets:
    """Every block knows the set of its sequences; rows are nested lists of floats."""

    def __init__(self, n_blocks, block_size, n_kv_heads, head_dim):
        self.size, self.heads, self.width = block_size, n_kv_heads, head_dim
        self.owners = {block: set() for block in range(n_blocks)}
        self.data = {block: [] for block in range(n_blocks)}
        self.pages = {}
        self.next = 100

    @property
    def n_free_blocks(self):
        return sum(not owners for owners in self.owners.values())

    def _claim(self, seq):
        block = next(block for block, owners in self.owners.items() if not owners)
        self.owners[block].add(seq)
        self.data[block] = []
        return block

    def new(self):
        self.next += 1
        self.pages[self.next] = []
        return self.next

    def append(self, seq, k, v):
        pages = self.pages[seq]
        k, v = np.asarray(k).tolist(), np.asarray(v).tolist()
        count = len(k[0])
        copy, room = False, 0
        if pages and len(self.data[pages[-1]]) < self.size:
            room = self.size - len(self.data[pages[-1]])
            copy = self.owners[pages[-1]] != {seq}
        needed = copy + max(0, (count - room + self.size - 1) // self.size)
        if needed > self.n_free_blocks:
            raise MemoryError(needed)
        if copy:
            old = pages.pop()
            self.owners[old].remove(seq)
            pages.append(self._claim(seq))
            self.data[pages[-1]] = self.data[old][:]
        for i in range(count):
            if not pages or len(self.data[pages[-1]]) == self.size:
                pages.append(self._claim(seq))
            row = ([head[i] for head in k], [head[i] for head in v])
            self.data[pages[-1]].append(row)

    def gather(self, seq):
        rows = [row for block in self.pages[seq] for row in self.data[block]]
        shape = (len(rows), 2, self.heads, self.width)
        both = np.array(rows, dtype=np.float64).reshape(shape)
        return both[:, 0].swapaxes(0, 1), both[:, 1].swapaxes(0, 1)

    def fork(self, seq):
        pages = list(self.pages[seq])
        child = self.new()
        self.pages[child] = pages
        for block in pages:
            self.owners[block].add(child)
        return child

    def free(self, seq):
        for block in self.pages.pop(seq):
            self.owners[block].discard(seq)
