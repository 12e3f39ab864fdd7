"""What every benchmark shares: fair timing, peak memory, and the record it leaves.

Fair means: the same input for all, answers compared before speed, medians of many runs
in one process, and the number of threads of every contestant set and told.
"""

import math
import os
import platform
import statistics
import time
import tracemalloc
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

RESULTS = Path(__file__).parent / "results"
MIB = 2**20
ONE_ANSWER = 1e-5
TURN = 0.25  # seconds that one contestant's turn lasts, or a single run if longer
# A turn is disturbed when other programs used more than this part of its time; the
# kernel counts in hundredths of a second on each core, so a few of them are no sign.
OTHERS, CLOCK_TICKS = 0.1, 0.03
PATIENCE = 300


class Busy(RuntimeError):
    """The machine was not quiet for long enough to measure."""


@dataclass(frozen=True)
class Column:
    """A column of a record's table. `kind`: text, count, ms, s, MiB or times.

    Values are kept in seconds and bytes; the kind says how a reader sees them.
    """

    key: str
    header: str
    kind: str


@dataclass(frozen=True)
class Target:
    """A promise with its measurement, in the kind's own unit."""

    what: str
    kind: str
    measured: float
    at_most: float | None = None
    at_least: float | None = None

    @property
    def met(self) -> bool:
        """True if the measured value lies within the limit."""
        if self.at_most is not None and self.measured > self.at_most:
            return False
        return self.at_least is None or self.measured >= self.at_least


@dataclass(frozen=True)
class Record:
    """One benchmark's record; `results/{name}.json` holds it as JSON."""

    name: str
    title: str
    about: str
    columns: list[Column]
    rows: list[dict[str, Any]]
    targets: list[Target]
    versions: dict[str, str]
    machine: dict[str, Any] = field(default_factory=lambda: machine())
    date: str = field(default_factory=lambda: f"{datetime.now(UTC):%Y-%m-%d}")


def to_dict(record: Record) -> dict[str, Any]:
    """The record as JSON holds it, each target with whether it is met."""
    targets = [asdict(target) | {"met": target.met} for target in record.targets]
    return asdict(record) | {"targets": targets}


def machine() -> dict[str, Any]:
    """What the figures depend on; never the machine's name or a path of it."""
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    return {
        "cpu": _cpu_model(),
        "cores": cores,
        "architecture": platform.machine(),
        "system": platform.system(),
    }


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    names = [line.partition(":")[2].strip() for line in lines if "model name" in line]
    return names[0] if names else platform.processor() or "unknown"


def versions(*packages: str) -> dict[str, str]:
    """The version of Python and of each package that took part."""
    return {"python": platform.python_version()} | {p: version(p) for p in packages}


def environment(threads: int) -> dict[str, str]:
    """Variables for a process in which NumPy's products have `threads` threads.

    They must be set before NumPy is imported, hence a process of its own. Choices of
    an older BLAS kernel, which some machines set for old programs, are dropped.
    """
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
    slowed = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
    kept = {name: value for name, value in os.environ.items() if name not in slowed}
    return kept | dict.fromkeys(names, str(threads))


def require_one_answer(answers: Mapping[str, np.ndarray]) -> None:
    """Raise ValueError unless all answers are the first's to 1e-5."""
    (first, expected), *others = answers.items()
    for name, answer in others:
        gap = float(np.max(np.abs(answer - expected)))
        # Written so that a nan, too, is refused.
        if not gap <= ONE_ANSWER:
            raise ValueError(f"{name} differs from {first} by {gap:.1e}: not compared")


def median_seconds(
    calls: Mapping[str, Callable[[], object]], rounds: int = 5
) -> dict[str, float]:
    """The median time of each call's runs in `rounds` turns of a quarter second.

    The calls take turns, so that a slow spell of the machine hits all of them. A turn
    starts with a run that does not count, since another's threads may still spin, and
    is repeated if other programs were busy meanwhile. Raises Busy if they stay so.
    """
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            runs = math.ceil(TURN / seconds(call))
            taken[name] += _quiet_turn(call, runs)
    return {name: statistics.median(values) for name, values in taken.items()}


def _quiet_turn(call: Callable[[], object], runs: int) -> list[float]:
    for _ in range(PATIENCE):
        busy, own = busy_seconds(), time.process_time()
        taken = [seconds(call) for _ in range(runs)]
        others = busy_seconds() - busy - (time.process_time() - own)
        if others <= OTHERS * sum(taken) + CLOCK_TICKS:
            return taken
        time.sleep(1)
    raise Busy(
        f"Other programs kept this machine busy for {PATIENCE} turns: nothing was "
        "written. Stop them and measure again."
    )


def busy_seconds() -> float:
    """Processor time used on this machine so far by all programs; else 0.

    Only Linux tells; elsewhere no turn is found disturbed.
    """
    try:
        total = Path("/proc/stat").read_text(encoding="ascii").partition("\n")[0]
    except OSError:
        return 0.0
    user, nice, system, _idle, _wait, *rest = map(int, total.split()[1:9])
    return (user + nice + system + sum(rest)) / os.sysconf("SC_CLK_TCK")


def seconds(call: Callable[[], object]) -> float:
    """The time of one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def ratios(values: Mapping[str, float], peer: str) -> dict[str, float]:
    """Each value as a multiple of the peer's."""
    return {name: value / values[peer] for name, value in values.items()}


def peak_bytes(call: Callable[[], object]) -> int:
    """The most that Python and NumPy held at once during a call, its result included.

    What existed before does not count, nor what a library allocates in its own way:
    PyTorch's tensors are not seen.
    """
    tracemalloc.start()
    try:
        result = call()
        peak = tracemalloc.get_traced_memory()[1]
        del result
    finally:
        tracemalloc.stop()
    return peak
