"""Claims about the checks of the KV cache: their own cache, ledger and reports."""

import numpy as np
import pytest

from rounds import check
from rounds.topics.kv_cache import right
from rounds.topics.kv_cache.checks import Cache, Layer, Ledger, cuts


def test_five_rows_can_be_cut_in_sixteen_ways():
    found = cuts(5)
    assert len(found) == len(set(found)) == 16
    assert all(sum(lengths) == 5 for lengths in found)


def test_due_rows_without_a_cache_are_pytorch_like_attention_of_the_whole():
    layer = Layer(1, n_heads=2, n_kv_heads=1, d_head=2, d_model=3)
    x, (w_q, w_k, w_v, w_o) = layer.sequence(4), layer.weights
    keys, values = x @ w_k, x @ w_v
    mixed = np.zeros((4, 4))
    for i in range(4):
        for h in range(2):
            q = (x @ w_q)[i, 2 * h : 2 * h + 2]
            exps = np.exp(keys[: i + 1] @ q / np.sqrt(2))
            mixed[i, 2 * h : 2 * h + 2] = exps / exps.sum() @ values[: i + 1]
    assert np.allclose(layer.due(x), mixed @ w_o, rtol=0, atol=1e-12)
    past = layer.projected(x[:3])
    assert np.allclose(layer.due(x[3:], past), (mixed @ w_o)[3:], rtol=0, atol=1e-12)


def test_the_checks_cache_refuses_what_the_statement_does_not_promise():
    cache = Cache(2, 3, max_len=4)
    good = np.ones((2, 3, 3))
    for k, v in (
        (np.ones((3, 2, 3)), np.ones((3, 2, 3))),  # positions first
        (np.ones((4, 3, 3)), np.ones((4, 3, 3))),  # as many heads as queries
        (np.ones((2, 3)), np.ones((2, 3))),
        (good, np.ones((2, 2, 3))),
        (np.ones((2, 5, 3)), np.ones((2, 5, 3))),
    ):
        with pytest.raises(ValueError, match="append: "):
            cache.append(k, v)
        assert len(cache) == 0
    keys, values = cache.append(good, 2 * good)
    assert keys.shape == values.shape == (2, 3, 3) and values[0, 0, 0] == 2
    with pytest.raises(ValueError, match="read-only"):
        keys *= 0.5


def test_ledger_counts_blocks_as_worked_by_hand():
    ledger = Ledger(n_blocks=6, block_size=2)
    ledger.tokens["a"], ledger.tables["a"] = [], []
    assert ledger.due("a", 3) == (2, False)
    ledger.append("a", [1, 2, 3])
    assert ledger.n_free() == 4
    ledger.tokens["b"], ledger.tables["b"] = [1, 2, 3], list(ledger.tables["a"])
    assert ledger.n_free() == 4
    assert ledger.due("b", 1) == (1, True)  # the copy
    assert ledger.due("b", 2) == (2, True)  # the copy and one more
    ledger.append("b", [4])
    assert ledger.n_free() == 3
    assert ledger.due("a", 1) == (0, False)  # its own again
    assert ledger.due("b", 1) == (1, False)  # full: nothing to copy


def test_arguments_of_a_failing_step_have_the_cache_as_it_was():
    def decode_step(*args):
        return right.decode_step(*args)[::-1]

    report = check("kv_cache.decode_step", decode_step)
    assert not report.passed
    x, cache = report.args[0], report.args[-1]
    again = right.decode_step(*report.args)
    assert again.shape == (len(x), report.args[4].shape[1])
    assert len(cache) == len(x)  # it was empty when the step was made


def test_what_goes_wrong_first_in_a_sequence_is_told():
    def decode_step(x, w_q, w_k, w_v, w_o, n_heads, n_kv_heads, cache):
        start = len(cache)
        out = right.decode_step(x, w_q, w_k, w_v, w_o, n_heads, n_kv_heads, cache)
        return out + 0.5 * (start == 1)

    text = " ".join(str(check("kv_cache.decode_step", decode_step)).split())
    assert "cache of len 1)" in text


class NamesItsSequences(right.PagedKVCache):
    """Handles are strings here."""

    def __init__(self, n_blocks, block_size, n_kv_heads, head_dim):
        super().__init__(n_blocks, block_size, n_kv_heads, head_dim)
        self._handles = (f"sequence {i}" for i in range(10**6))

    def fork(self, seq):
        super().gather(seq)  # a freed one is a KeyError
        return seq  # another sequence is due


def test_a_mistake_is_named_whatever_the_handles_are():
    report = check("kv_cache.PagedKVCache", NamesItsSequences)
    assert report.mistake == "fork-is-the-same-sequence"
