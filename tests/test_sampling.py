"""Claims about the sampling topic's cases: what they rest on, and that no right program
fails by bad luck."""

import math

import numpy as np
import pytest

from rounds import bank, catalog
from rounds.engine import run
from rounds.engine.diagnose import judge
from rounds.topics.sampling import checks


def softmaxes(x: np.ndarray) -> list[np.ndarray]:
    """The softmax of finite logits, in the forms that people write."""
    found = []
    for dtype in (np.float32, np.float64):
        narrow = x.astype(dtype)
        exps = np.exp(narrow)
        shifted = np.exp(narrow - narrow.max())
        log_total = narrow.max() + np.log(shifted.sum())
        found += [exps / exps.sum(), shifted / shifted.sum()]
        found += [np.exp(narrow - log_total)]
        found += [np.exp(narrow - np.logaddexp.reduce(narrow))]
    found.append(np.array([math.exp(value) / len(x) for value in x]))
    return found


@pytest.mark.parametrize("size", [2, 4])
def test_sums_are_exact_where_a_case_sets_p_equal_to_one(size: int):
    for probs in softmaxes(np.zeros(size)):
        assert np.cumsum(probs).tolist() == [(n + 1) / size for n in range(size)]


@pytest.mark.parametrize("shift", [1000, 2000])
def test_right_programs_pass_with_other_seeds(monkeypatch, shift: int):
    seeded = checks.generator
    monkeypatch.setattr(checks, "generator", lambda seed: seeded(seed + shift))
    exercise = catalog.find("sampling.sample")
    verdicts = {n: judge(exercise, it) for n, it in bank.right(exercise).items()}
    assert {n: v.failure for n, v in verdicts.items() if v.state != "passed"} == {}


def test_wrong_programs_fail_with_other_seeds(monkeypatch):
    seeded = checks.generator
    monkeypatch.setattr(checks, "generator", lambda seed: seeded(seed + 1000))
    exercise = catalog.find("sampling.sample")

    def fails(candidate: object) -> bool:
        outcomes = (
            run.finish(run.attempt(exercise, case, candidate), False)
            for case in exercise.cases
        )
        return any(outcome.failures for outcome in outcomes)

    wrong = bank.wrong(exercise)
    assert [label for label, (_, it) in wrong.items() if not fails(it)] == []


def test_a_running_sum_in_float32_gives_another_nucleus_where_a_case_says_so():
    probs = np.full(24986, 1 / 24986)
    p = (23736 - 0.5) / 24986
    kept = {
        dtype: int(np.searchsorted(np.cumsum(probs, dtype=dtype), p)) + 1
        for dtype in (np.float32, np.float64)
    }
    assert kept[np.float64] == 23736
    assert abs(kept[np.float32] - 23736) > 3
    near_one = np.float32(0.9999)
    assert near_one + np.float32(2.4e-8) == near_one
