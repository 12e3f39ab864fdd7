"""Naive and tiled attention of this course against PyTorch's, in time and memory.

    python benchmarks/attention.py        writes benchmarks/results/attention.json

Needs requirements-bench.txt.
"""

import json
import subprocess
import sys
from functools import partial
from typing import Any

import harness
import numpy as np
from harness import Column, Record, Target
from report import write

from rounds import given

N_HEADS, D_HEAD = 12, 64
SEQ_LENS = (256, 512, 1024, 2048, 4096)
BLOCK_SIZE = 128
BLOCK_SIZES = (32, 64, 128, 256, 512)
TARGET_LEN = 1024
# Of NumPy's matrix products, and of PyTorch.
THREADS = ((1, 1), (1, 2), (2, 2))
# With two threads each, NumPy's small products wait for one another on some days and
# not on others: shown, and no promise made of it.
PROMISED = ((1, 1), (1, 2))

COLUMNS = [
    Column("numpy_threads", "threads of NumPy", "count"),
    Column("pytorch_threads", "of PyTorch", "count"),
    Column("seq_len", "T", "count"),
    Column("form", "form", "text"),
    Column("block_size", "block", "count"),
    Column("seconds", "time", "ms"),
    Column("times_pytorch", "against PyTorch", "times"),
    Column("peak_bytes", "peak memory", "MiB"),
]
ABOUT = (
    f"Causal attention, H {N_HEADS}, d {D_HEAD}, float32, one sequence of T tokens. "
    "Naive is the course's `attention` under `causal_mask`, tiled its "
    "`flash_attention`, PyTorch its CPU `scaled_dot_product_attention`. All three had "
    "the same input in one process and gave the same output to 1e-5. NumPy's threads "
    "are those of its matrix products, the rest of it has one; on two, products as "
    "small as a tile's can be slower than on one, for they wait for each other. Times "
    "are medians of five turns while nothing else ran. Peak memory is that of Python "
    "and NumPy without the inputs (tracemalloc), which does not see PyTorch's."
)


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
    write(
        Record(
            name="attention",
            title="Attention",
            about=ABOUT,
            columns=COLUMNS,
            rows=rows,
            targets=targets(rows),
            versions=harness.versions("numpy", "torch") | {"blas": ", ".join(blas)},
        )
    )


def targets(rows: list[dict[str, Any]]) -> list[Target]:
    """What the course promises at T 1024, with what was measured."""
    found = []
    for numpy_threads, pytorch_threads in PROMISED:
        at = {
            row["form"]: row
            for row in rows
            if row["seq_len"] == TARGET_LEN
            and row["numpy_threads"] == numpy_threads
            and row["pytorch_threads"] == pytorch_threads
            and row["block_size"] in (None, BLOCK_SIZE)
        }
        threads = f"threads: NumPy {numpy_threads}, PyTorch {pytorch_threads}"
        what = f"tiled time against PyTorch, T {TARGET_LEN}, {threads}"
        ratio = at["tiled"]["times_pytorch"]
        found.append(Target(what, "times", ratio, at_most=2))
    less = at["naive"]["peak_bytes"] / at["tiled"]["peak_bytes"]
    what = f"naive peak memory against tiled, T {TARGET_LEN}"
    return [*found, Target(what, "times", round(less, 2), at_least=10)]


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
            print(*threads.values(), seq_len, file=sys.stderr, flush=True)
            rows += [threads | row for row in measure_length(seq_len)]
    kernels = {
        f"{pool['internal_api']} {pool['version']} ({pool['architecture']})"
        for pool in threadpool_info()
        if "numpy" in pool["filepath"]
    }
    return {"rows": rows, "blas": ", ".join(sorted(kernels))}


def measure_length(seq_len: int) -> list[dict[str, Any]]:
    """The rows of one length; at the target's length every block size."""
    calls = contestants(seq_len)
    # The blocks' own table is made once, at the target's length.
    if seq_len != TARGET_LEN:
        calls = {key: call for key, call in calls.items() if key[1] in (0, BLOCK_SIZE)}
    peaks = {key: harness.peak_bytes(call) for key, call in calls.items()}
    answers = {f"{form} {block}": call() for (form, block), call in calls.items()}
    harness.require_one_answer(answers)
    del answers
    seconds = harness.median_seconds(calls)
    times = harness.ratios(seconds, ("pytorch", 0))
    return [
        {
            "seq_len": seq_len,
            "form": form,
            "block_size": block or None,
            "seconds": round(seconds[form, block], 6),
            "times_pytorch": round(times[form, block], 2),
            "peak_bytes": None if form == "pytorch" else peaks[form, block],
        }
        for form, block in calls
    ]


def contestants(seq_len: int) -> dict[tuple[str, int], Any]:
    """The calls to time, by form and block size (0 where there are no blocks)."""
    import torch

    rng = np.random.default_rng(seq_len)
    shape = (1, N_HEADS, seq_len, D_HEAD)
    q, k, v = (rng.standard_normal(shape, dtype=np.float32) for _ in range(3))
    tensors = [torch.from_numpy(array) for array in (q, k, v)]
    sdpa = torch.nn.functional.scaled_dot_product_attention
    causal_mask, attention = (
        given("attention.causal_mask"),
        given("attention.attention"),
    )
    flash_attention = given("attention.flash_attention")

    def naive() -> np.ndarray:
        return attention(q, k, v, causal_mask(seq_len, seq_len))[0]

    def pytorch() -> np.ndarray:
        return sdpa(*tensors, is_causal=True).numpy()

    tiled = {
        ("tiled", size): partial(flash_attention, q, k, v, size, causal=True)
        for size in BLOCK_SIZES
    }
    return {("pytorch", 0): pytorch, ("naive", 0): naive} | tiled


if __name__ == "__main__":
    if len(sys.argv) == 1:
        main()
    else:
        try:
            print(json.dumps(measure(*map(int, sys.argv[1:]))))
        except harness.Busy as trouble:
            sys.exit(str(trouble))
