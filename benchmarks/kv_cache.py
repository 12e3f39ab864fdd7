"""A decode step with a KV cache against recomputing, and ways of keeping the cache.

    python benchmarks/kv_cache.py        writes benchmarks/results/kv_cache.json

Needs requirements-bench.txt.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import harness
import numpy as np
from harness import Column, Record, Target
from report import write

from rounds import given

# The shape of SmolLM2-135M; the weights are random.
N_LAYERS, N_HEADS, N_KV_HEADS, HEAD_DIM = 30, 9, 3, 64
D_MODEL = N_HEADS * HEAD_DIM
SEQ_LENS = (128, 256, 512, 1024, 2048, 4096)
APPENDED = (512, 1024, 2048, 4096)
BLOCK_SIZES = (16, 64, 256)
TARGET_LEN = 2048
# Of NumPy's matrix products, and of PyTorch.
THREADS = ((1, 1), (2, 2))
# A stack takes half a minute to recompute: fewer turns, one number of threads.
STACK_ROUNDS, STACK_THREADS = 3, (1, 1)

COLUMNS = [
    Column("part", "part", "text"),
    Column("layers", "layers", "count"),
    Column("numpy_threads", "threads of NumPy", "count"),
    Column("pytorch_threads", "of PyTorch", "count"),
    Column("seq_len", "T", "count"),
    Column("form", "form", "text"),
    Column("block_size", "block", "count"),
    Column("seconds", "time", "ms"),
    Column("times", "against the part's first form", "times"),
]
ABOUT = (
    f"Attention layers of SmolLM2-135M's shape (d_model {D_MODEL}, {N_HEADS} query "
    f"heads, {N_KV_HEADS} KV heads, head_dim {HEAD_DIM}), projections included, random "
    "weights, float32, one sequence, its rows normalised; no MLP. Step: the output of "
    "token T, the T - 1 before it in the cache, by the exercise's `decode_step` and "
    "`KVCache`. "
    "Recomputed is the same program on all T tokens with an empty cache; grouped is a "
    "cached step that does not copy the keys for each query head; PyTorch is its CPU "
    "`scaled_dot_product_attention` between the same projections, with preallocated "
    "tensors as a cache or on all T tokens. Append: T tokens stored one by one, one "
    "layer; concatenated makes a new array for each token, DynamicCache is "
    "transformers' default cache. Gather: keys and values of T tokens read through a "
    "block table by the exercise's `PagedKVCache`, against copying them from one "
    "array. All forms of a part had the same input in one process and gave the same "
    "output to 1e-5. Times are medians of five turns (three for the stack of "
    f"{N_LAYERS} layers) while nothing else ran."
)
Calls = dict[str, Callable[[], np.ndarray]]


def main() -> None:
    """Measure in one process per pair of thread counts, and write the record."""
    rows: list[dict[str, Any]] = []
    blas: set[str] = set()
    for pair in THREADS:
        done = subprocess.run(
            [sys.executable, __file__, *map(str, pair)],
            env=harness.environment(pair[0]),
            stdout=subprocess.PIPE,
            text=True,
        )
        if done.returncode:
            sys.exit(done.returncode)
        measured = json.loads(done.stdout)
        rows += measured["rows"]
        blas.add(measured["blas"])
    packages = harness.versions("numpy", "torch", "transformers")
    write(
        Record(
            name="kv_cache",
            title="KV cache",
            about=ABOUT,
            columns=COLUMNS,
            rows=rows,
            targets=targets(rows),
            versions=packages | {"blas": ", ".join(sorted(blas))},
        )
    )


def targets(rows: list[dict[str, Any]]) -> list[Target]:
    """What the course promises of a step at T 2,048, with what was measured."""
    found = []
    for layers, threads in ((1, (1, 1)), (1, (2, 2)), (N_LAYERS, STACK_THREADS)):
        (times,) = (
            row["times"]
            for row in rows
            if row["part"] == "step"
            and row["form"] == "recomputed"
            and row["layers"] == layers
            and row["seq_len"] == TARGET_LEN
            and (row["numpy_threads"], row["pytorch_threads"]) == threads
        )
        what = (
            f"recomputing against a cached step, T {TARGET_LEN}, layers {layers}, "
            f"threads {threads[0]}"
        )
        found.append(Target(what, "times", times, at_least=100))
    return found


def measure(numpy_threads: int, pytorch_threads: int) -> dict[str, Any]:
    """All rows for these numbers of threads, and which BLAS NumPy ran on.

    This process was started with NumPy's number; PyTorch's is set here.
    """
    import torch
    from threadpoolctl import threadpool_info

    torch.set_num_threads(pytorch_threads)
    threads = {"numpy_threads": numpy_threads, "pytorch_threads": pytorch_threads}
    rows: list[dict[str, Any]] = []
    with torch.inference_mode():
        for seq_len in SEQ_LENS:
            rows += table("step", steps(1, seq_len), seq_len, layers=1)
        if (numpy_threads, pytorch_threads) == STACK_THREADS:
            stack = steps(N_LAYERS, TARGET_LEN)
            rows += table(
                "step", stack, TARGET_LEN, layers=N_LAYERS, rounds=STACK_ROUNDS
            )
            for seq_len in APPENDED:
                rows += table("append", appends(seq_len), seq_len, layers=1)
            rows += table("gather", gathers(TARGET_LEN), TARGET_LEN, layers=1)
    kernels = {
        f"{pool['internal_api']} {pool['version']} ({pool['architecture']})"
        for pool in threadpool_info()
        if "numpy" in pool["filepath"]
    }
    rows = [threads | row for row in rows]
    return {"rows": rows, "blas": ", ".join(sorted(kernels))}


def table(
    part: str, calls: Calls, seq_len: int, layers: int, rounds: int = 5
) -> list[dict[str, Any]]:
    """The rows of one part at one length; times are multiples of the first form's."""
    print(part, layers, seq_len, file=sys.stderr, flush=True)
    harness.require_one_answer({form: call() for form, call in calls.items()})
    seconds = harness.median_seconds(calls, rounds)
    times = harness.ratios(seconds, next(iter(calls)))
    return [
        {
            "part": part,
            "layers": layers,
            "seq_len": seq_len,
            "form": form.partition(",")[0],
            "block_size": int(form.partition(",")[2]) if "," in form else None,
            "seconds": round(seconds[form], 7),
            "times": round(times[form], 2),
        }
        for form in calls
    ]


def steps(n_layers: int, seq_len: int) -> Calls:
    """The output of the last of `seq_len` tokens after `n_layers`, four ways."""
    import torch

    rng = np.random.default_rng(seq_len)
    width = N_KV_HEADS * HEAD_DIM
    shapes = [(D_MODEL, D_MODEL), (D_MODEL, width), (D_MODEL, width)]
    shapes.append((D_MODEL, D_MODEL))
    weights = [
        [
            rng.standard_normal(shape, dtype=np.float32) / np.float32(D_MODEL**0.5)
            for shape in shapes
        ]
        for _ in range(n_layers)
    ]
    x = rng.standard_normal((seq_len, D_MODEL), dtype=np.float32)
    make, decode_step = given("kv_cache.KVCache"), given("kv_cache.decode_step")
    caches = [make(N_KV_HEADS, HEAD_DIM, seq_len) for _ in range(n_layers)]
    empty = [make(N_KV_HEADS, HEAD_DIM, seq_len) for _ in range(n_layers)]

    def run(
        rows: np.ndarray, caches: list[Any], start: int, step: Any = decode_step
    ) -> np.ndarray:
        for layer, cache in zip(weights, caches, strict=True):
            cache.truncate(start)
            normed = normalised(rows)
            rows = rows + step(normed, *layer, N_HEADS, N_KV_HEADS, cache)
        return normalised(rows[-1:])[0]

    tensors = [[torch.from_numpy(w) for w in layer] for layer in weights]
    x_tensor = torch.from_numpy(x)
    shape = n_layers, 2, 1, N_KV_HEADS, seq_len, HEAD_DIM
    stored = torch.zeros(shape)

    def pytorch(start: int) -> np.ndarray:
        rows = x_tensor[start:]
        for layer, kept in zip(tensors, stored, strict=True):
            rows = rows + pytorch_layer(normalised(rows), layer, kept, start)
        return normalised(rows[-1:])[0].numpy()

    run(x[:-1], caches, 0)
    pytorch(0)
    return {
        "cached": lambda: run(x[-1:], caches, seq_len - 1),
        "recomputed": lambda: run(x, empty, 0),
        "cached grouped": lambda: run(x[-1:], caches, seq_len - 1, grouped_step),
        "cached PyTorch": lambda: pytorch(seq_len - 1),
        "recomputed PyTorch": lambda: pytorch(0),
    }


def normalised(rows: Any) -> Any:
    """Rows of mean square 1, so that numbers keep their size through a stack.

    rows (T, d_model): NumPy's or PyTorch's.
    """
    return rows / ((rows * rows).mean(-1)[:, None] + 1e-5) ** 0.5


def grouped_step(
    x: np.ndarray,
    w_q: np.ndarray,
    w_k: np.ndarray,
    w_v: np.ndarray,
    w_o: np.ndarray,
    n_heads: int,
    n_kv_heads: int,
    cache: Any,
) -> np.ndarray:
    """`decode_step` for a single row, each key and value read once: no repeat."""
    k, v = ((x @ w).reshape(n_kv_heads, 1, -1) for w in (w_k, w_v))
    keys, values = cache.append(k, v)
    # The query heads of a group lie below one another, as rows of one product.
    q = (x @ w_q).reshape(n_kv_heads, n_heads // n_kv_heads, -1)
    scores = q @ np.swapaxes(keys, 1, 2) / q.shape[-1] ** 0.5
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)
    return (weights @ values).reshape(1, -1) @ w_o


def pytorch_layer(x: Any, weights: list[Any], kept: Any, start: int) -> Any:
    """One layer in PyTorch: rows x at place `start`, what is before them in `kept`."""
    import torch

    w_q, w_k, w_v, w_o = weights
    end = start + len(x)
    q, k, v = (
        (x @ w).view(1, len(x), -1, HEAD_DIM).transpose(1, 2) for w in (w_q, w_k, w_v)
    )
    kept[0, :, :, start:end], kept[1, :, :, start:end] = k, v
    # One row may see everything, and all rows start at place 0: no mask in between.
    output = torch.nn.functional.scaled_dot_product_attention(
        q, *kept[:, :, :, :end], is_causal=start == 0 and end > 1, enable_gqa=True
    )
    return output.transpose(1, 2).reshape(len(x), D_MODEL) @ w_o


def appends(seq_len: int) -> Calls:
    """`seq_len` tokens stored one by one; each returns the keys of the last read."""
    import torch
    from transformers import DynamicCache

    rng = np.random.default_rng(seq_len)
    shape = seq_len, 2, N_KV_HEADS, 1, HEAD_DIM
    tokens = rng.standard_normal(shape, dtype=np.float32)
    tensors = torch.from_numpy(tokens)[:, :, None]
    make = given("kv_cache.KVCache")

    def preallocated() -> np.ndarray:
        cache = make(N_KV_HEADS, HEAD_DIM, seq_len)
        for k, v in tokens:
            keys, _ = cache.append(k, v)
        return keys

    def concatenated() -> np.ndarray:
        keys, values = tokens[0]
        for k, v in tokens[1:]:
            keys = np.concatenate([keys, k], axis=1)
            values = np.concatenate([values, v], axis=1)
        return keys

    def transformers() -> np.ndarray:
        cache = DynamicCache()
        for k, v in tensors:
            keys, _ = cache.update(k, v, layer_idx=0)
        return keys[0].numpy()

    return {
        "preallocated": preallocated,
        "concatenated": concatenated,
        "DynamicCache": transformers,
    }


def gathers(seq_len: int) -> Calls:
    """Keys and values of `seq_len` tokens, out of one array and out of blocks."""
    rng = np.random.default_rng(seq_len)
    shape = 2, N_KV_HEADS, seq_len, HEAD_DIM
    k, v = rng.standard_normal(shape, dtype=np.float32)
    calls: Calls = {"contiguous copy": lambda: np.stack([k, v])}
    for block_size in BLOCK_SIZES:
        n_blocks = 2 * -(-seq_len // block_size)
        paged = given("kv_cache.PagedKVCache")(
            n_blocks, block_size, N_KV_HEADS, HEAD_DIM
        )
        # Two sequences grow at the same time, so that neither's blocks are neighbours.
        seq, other = paged.new(), paged.new()
        for start in range(0, seq_len, block_size):
            block = slice(start, start + block_size)
            for one in (seq, other):
                paged.append(one, k[:, block], v[:, block])
        calls[f"paged,{block_size}"] = lambda p=paged, s=seq: np.stack(p.gather(s))
    return calls


if __name__ == "__main__":
    if len(sys.argv) == 1:
        main()
    else:
        try:
            print(json.dumps(measure(*map(int, sys.argv[1:]))))
        except harness.Busy as trouble:
            sys.exit(str(trouble))
