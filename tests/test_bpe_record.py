"""The benchmark of BPE: its comparisons, its promises, and what the chapter reads."""

import importlib.util
import sys
from collections import Counter

import pytest
import regex

from rounds import records
from rounds.root import course_root

FOLDER = course_root() / "benchmarks"
sys.path.insert(0, str(FOLDER))
SHORT = "the dog. the dogs! The 22 dogs?  \n\n  them, then, there " * 2


@pytest.fixture(scope="module")
def bench():
    """benchmarks/bpe.py as a module, not run."""
    spec = importlib.util.spec_from_file_location("bench_bpe", FOLDER / "bpe.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def page(bench):
    return bench.functions_of_the_page()


def test_targets_are_read_off_the_rows(bench):
    rows = [
        {"part": part, "vocab_size": size, "form": form, "times": times}
        for part, size, form, times in (
            ("training", 1000, "tokenizers, 2 threads", 1),
            ("training", 1000, "train_incremental", 1.25),
            ("training", 5000, "train_incremental", 2.5),
            ("training, step by step", 5000, "strings", 7),
            ("teaching code", 512, "train_incremental", 0.01),
            ("encoding", 5000, "ours, cold cache", 2.5),
            ("encoding", 50257, "ours, cold cache", 4),
            ("encoding", 50257, "ours, warm cache", 9),
        )
    ]
    targets = bench.targets(rows)
    assert [target.measured for target in targets] == [1.25, 2.5, 100, 0.4, 0.25]
    assert [target.met for target in targets] == [True, False, True, True, False]


def test_every_step_is_a_function_of_the_page(bench, page):
    assert {*bench.STEPS.values(), "encode_in_order", "Pieces"} <= page.keys()
    # What the page trains on is not run, and neither are its figures.
    assert not {"text", "plt", "records", "sample"} & page.keys()


def test_the_texts_are_of_their_size_and_follow_one_another(bench):
    first, second = bench.corpus(10_000, 2)
    (both,) = bench.corpus(20_000, 1)
    assert first + second == both and len(first.encode()) == 10_000
    assert len(both.split("\n\n")) == len(set(both.split("\n\n")))


def test_no_pre_token_reaches_across_a_part(bench, page):
    pattern = page["GPT2_PATTERN"]
    text = SHORT + "a\n\nb\nc \nd\n e\n" + bench.corpus(50_000, 1)[0]
    parts = bench.parts_of(text)
    assert len(parts) > 100 and "".join(parts) == text
    words = [word for part in parts for word in regex.findall(pattern, part)]
    assert words == regex.findall(pattern, text)


def test_different_answers_are_not_compared(bench):
    bench.require_same({"one": [1, 2], "other": [1, 2]})
    with pytest.raises(ValueError, match="other differs from one"):
        bench.require_same({"one": [1, 2], "other": [2, 1]})


def test_merges_of_the_teaching_code_are_held_against_the_counts(bench, page):
    pattern = page["GPT2_PATTERN"]
    taught = bench._educational.bpe_train(SHORT, 270, pattern, visualise=None)
    bench.require_most_frequent(SHORT, pattern, taught)
    counts = page["count_pairs"](page["word_table"](SHORT))
    rare = min(counts, key=counts.get)
    wrong = {token: i for token, i in taught.items() if i < 256} | {bytes(rare): 256}
    with pytest.raises(ValueError, match="not a most frequent pair"):
        bench.require_most_frequent(SHORT, pattern, wrong)


def test_record_has_what_the_chapter_reads(bench):
    record = records.load("bpe")
    groups = Counter((row["part"], row["vocab_size"]) for row in record["rows"])
    assert groups == {
        ("training", 1000): 3,
        ("training", 5000): 3,
        ("teaching code", 512): 2,
        ("training, step by step", 512): 6,
        ("training, step by step", 1000): 4,
        ("training, step by step", 5000): 2,
        ("encoding, step by step", 1000): 6,
        ("encoding", 5000): 3,
        ("encoding", 50257): 3,
    }
    first = {}
    for row in record["rows"]:
        group = (row["part"], row["vocab_size"])
        ratio = row["seconds"] / first.setdefault(group, row)["seconds"]
        assert row["times"] == pytest.approx(ratio, rel=0.01)
    measured = [target.measured for target in bench.targets(record["rows"])]
    assert measured == [target["measured"] for target in record["targets"]]
