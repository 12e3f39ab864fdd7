"""The form of top-p that benchmarks/sampling.py promises something of is exact.

It is the bank's; the checks try it on small vocabularies, where it never halves.
Nothing here measures time.
"""

import importlib.util
import sys

import numpy as np
import pytest

from rounds import bank, catalog, extracts
from rounds.root import course_root

FOLDER = course_root() / "benchmarks"


@pytest.fixture(scope="module")
def script():
    sys.path.insert(0, str(FOLDER))
    spec = importlib.util.spec_from_file_location(
        "bench_sampling", FOLDER / "sampling.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def by_full_sort():
    return bank.reference(catalog.find("sampling.top_p_filter"))


@pytest.fixture(scope="module")
def by_halving():
    return bank.right(catalog.find("sampling.top_p_filter"))["top_p_filter_by_halving"]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("spread", [0.0, 0.1, 1.0, 4.0, 40.0])
@pytest.mark.parametrize("vocab_size", [1, 2, 7, 300, 1025, 5000])
def test_halving_keeps_what_a_full_sort_keeps(
    by_halving, by_full_sort, vocab_size, spread, dtype
):
    rng = np.random.default_rng(vocab_size)
    # Rounded to quarters, so that most logits have others equal to them.
    logits = (np.round(4 * spread * rng.standard_normal(vocab_size)) / 4).astype(dtype)
    # No multiple of 1 / vocab_size, where the last bit of a sum would decide.
    for p in (1e-9, 0.0317, 0.3317, 0.9003, 0.99917, 1):
        for few in (1, 2, 100, 1024):
            halved = by_halving(logits, p, few)
            assert np.array_equal(halved, by_full_sort(logits, p)), (p, few)
            assert halved.dtype == dtype


def test_halving_keeps_what_a_full_sort_keeps_on_real_logits(by_halving, by_full_sort):
    for prompt in extracts.next_token_logits().values():
        for temperature in (0.5, 1, 2):
            logits = prompt.logits / temperature
            before = logits.copy()
            for p in (0.1, 0.5, 0.9, 0.999):
                halved = by_halving(logits, p)
                assert np.array_equal(halved, by_full_sort(logits, p))
            assert np.array_equal(logits, before)


def test_removed_tokens_stay_removed(by_halving):
    logits = np.array([-np.inf, 1.0, -np.inf, 1.0, 0.0])
    halved = by_halving(logits, 0.4, few=1)
    assert np.flatnonzero(np.isfinite(halved)).tolist() == [1]


@pytest.mark.parametrize("p", [0, -0.1, 1.1, float("nan")])
def test_a_mass_that_is_none_is_refused(by_halving, p):
    with pytest.raises(ValueError, match="p must lie in"):
        by_halving(np.zeros(3), p)


def test_targets_are_read_off_the_promised_rows(script):
    rows = [
        {
            "pytorch_threads": threads,
            "vocab_size": vocab_size,
            "logits": logits,
            "form": form,
            "times": times * threads if promised else 0.1,
        }
        for threads in (1, 2)
        for vocab_size in (50_257, 128_256)
        for logits in ("peaked", "flat")
        for form, times in (("halving", 1), ("full sort", 4), ("transformers", 9))
        for promised in [(vocab_size, logits) == (128_256, "peaked")]
    ]
    targets = script.targets(rows)
    assert [target.measured for target in targets] == [4, 9, 8, 18]
    assert [target.met for target in targets] == [True, False, True, True]
