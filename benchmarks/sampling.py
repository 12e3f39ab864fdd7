"""Top-p without a full sort, against the full sort and transformers' warper.

    python benchmarks/sampling.py        writes benchmarks/results/sampling.json

Needs requirements-bench.txt.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import harness
import numpy as np
from harness import Column, Record, Target
from report import write

from rounds import bank, catalog, extracts

TOP_P = 0.9
# GPT-2's vocabulary and Llama 3's: the 50k and the 128k of the promise.
VOCAB_SIZES = (50_257, 128_256)
# How far random normal logits are spread; 4 leaves a few hundred tokens in the nucleus.
SPREADS = {"peaked": 4.0, "broad": 2.0, "flat": 0.1}
# "open" has two equal logits at its border, and the warper keeps the other one.
REAL = ("sure", "torn")
TARGET_SIZE, TARGET_SHAPE = 128_256, "peaked"
LEAST_SORT, LEAST_TRANSFORMERS = 3, 10
# Of PyTorch. NumPy has one thread throughout: no step of the forms uses BLAS.
THREADS = (1, 2)
FAST = "halving"

COLUMNS = [
    Column("pytorch_threads", "threads of PyTorch", "count"),
    Column("vocab_size", "V", "count"),
    Column("logits", "logits", "text"),
    Column("kept", "kept", "count"),
    Column("form", "form", "text"),
    Column("seconds", "time", "ms"),
    Column("times", "against halving", "times"),
]
ABOUT = (
    f"Top-p at {TOP_P} on one row of V float32 logits. Peaked, broad and flat are "
    "random normal logits of standard deviation "
    f"{', '.join(f'{spread:g}' for spread in SPREADS.values())}; the rows named by a "
    "prompt are the next-token logits of SmolLM2-135M that the chapter shows. Full "
    "sort is the exercise's reference, a stable argsort of the whole vocabulary. "
    "Partition is the bank's form that sorts the largest 64, then 512 and so on until "
    "they hold the mass; halving is the chapter's last form, which neither guesses nor "
    "sorts more than 1,024, with fewer temporary arrays; transformers is its "
    "`TopPLogitsWarper` on the CPU. NumPy runs on one thread. All forms had the same "
    "input in one process and kept the same tokens with the same values. Times are "
    "medians of five turns while nothing else ran. Promised is the peaked case at the "
    "larger vocabulary only."
)
Calls = dict[str, Callable[[], np.ndarray]]


def main() -> None:
    """Measure in one process per number of threads, and write the record."""
    rows: list[dict[str, Any]] = []
    for threads in THREADS:
        done = subprocess.run(
            [sys.executable, __file__, str(threads)],
            env=harness.environment(threads),
            stdout=subprocess.PIPE,
            text=True,
        )
        if done.returncode:
            sys.exit(done.returncode)
        rows += json.loads(done.stdout)
    write(
        Record(
            name="sampling",
            title="Sampling",
            about=ABOUT,
            columns=COLUMNS,
            rows=rows,
            targets=targets(rows),
            versions=harness.versions("numpy", "torch", "transformers"),
        )
    )


def targets(rows: list[dict[str, Any]]) -> list[Target]:
    """What the course promises of a peaked distribution, with what was measured."""
    limits = {"full sort": LEAST_SORT, "transformers": LEAST_TRANSFORMERS}
    found = []
    for threads in THREADS:
        for form, at_least in limits.items():
            (times,) = (
                row["times"]
                for row in rows
                if row["form"] == form
                and row["vocab_size"] == TARGET_SIZE
                and row["logits"] == TARGET_SHAPE
                and row["pytorch_threads"] == threads
            )
            what = (
                f"{form} against {FAST}, V {TARGET_SIZE:,}, {TARGET_SHAPE}, "
                f"threads of PyTorch {threads}"
            )
            found.append(Target(what, "times", times, at_least=at_least))
    return found


def measure(pytorch_threads: int) -> list[dict[str, Any]]:
    """All rows for this number of PyTorch's threads, which is set here."""
    import torch

    torch.set_num_threads(pytorch_threads)
    rows: list[dict[str, Any]] = []
    with torch.inference_mode():
        for name, logits in inputs():
            print(pytorch_threads, len(logits), name, file=sys.stderr, flush=True)
            rows += table(name, logits)
    return [{"pytorch_threads": pytorch_threads} | row for row in rows]


def inputs() -> list[tuple[str, np.ndarray]]:
    """(name, float32 logits) of every distribution."""
    found = []
    for vocab_size in VOCAB_SIZES:
        rng = np.random.default_rng(vocab_size)
        for name, spread in SPREADS.items():
            logits = spread * rng.standard_normal(vocab_size)
            found.append((name, logits.astype(np.float32)))
    real = extracts.next_token_logits()
    return found + [(name, real[name].logits.astype(np.float32)) for name in REAL]


def table(name: str, logits: np.ndarray) -> list[dict[str, Any]]:
    """The rows of one distribution; times are multiples of the fast form's."""
    calls = contestants(logits)
    answers = {form: call() for form, call in calls.items()}
    # A removed token is -inf, whose difference from another is no number.
    harness.require_one_answer(
        {form: np.nan_to_num(answer, neginf=-1e9) for form, answer in answers.items()}
    )
    seconds = harness.median_seconds(calls)
    times = harness.ratios(seconds, FAST)
    return [
        {
            "vocab_size": len(logits),
            "logits": name,
            "kept": int(np.isfinite(answers[form]).sum()),
            "form": form,
            "seconds": round(seconds[form], 7),
            "times": round(times[form], 2),
        }
        for form in calls
    ]


def contestants(logits: np.ndarray) -> Calls:
    """The calls to time, by form."""
    import torch
    from transformers import TopPLogitsWarper

    exercise = catalog.find("sampling.top_p_filter")
    right = bank.right(exercise)
    warper, scores = TopPLogitsWarper(TOP_P), torch.from_numpy(logits)[None]
    return {
        FAST: partial(right["top_p_filter_by_halving"], logits, TOP_P),
        "partition": partial(right["top_p_filter_by_partition"], logits, TOP_P),
        "full sort": partial(bank.reference(exercise), logits, TOP_P),
        "transformers": lambda: warper(None, scores)[0].numpy(),
    }


if __name__ == "__main__":
    if len(sys.argv) == 1:
        main()
    else:
        try:
            print(json.dumps(measure(int(sys.argv[1]))))
        except harness.Busy as trouble:
            sys.exit(str(trouble))
