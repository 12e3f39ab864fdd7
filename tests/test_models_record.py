"""The benchmark of the real model: its promises, read off its rows."""

import importlib.util
import sys

from rounds import records
from rounds.root import course_root

FOLDER = course_root() / "benchmarks"
sys.path.insert(0, str(FOLDER))


def script():
    """benchmarks/models.py as a module, not run."""
    spec = importlib.util.spec_from_file_location("bench_models", FOLDER / "models.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rows(**changes):
    figures = {"load_seconds": 3.9, "prefill_per_second": 401}
    figures |= {"decode_per_second": 46, "embed_per_second": 41, "peak_bytes": 1.2e9}
    figures |= changes
    other = dict.fromkeys(figures, 1)
    return [
        {"threads": 1, "form": "NumPy"} | other,
        {"threads": 2, "form": "transformers"} | other,
        {"threads": 2, "form": "NumPy"} | figures,
    ]


def test_targets_are_those_of_two_threads():
    found = script().targets(rows())
    assert [target.measured for target in found] == [3.9, 401, 46, 41, 1.2e9]
    assert all(target.met for target in found)
    worse = script().targets(
        rows(
            load_seconds=4.1,
            prefill_per_second=399,
            decode_per_second=44,
            embed_per_second=39,
            peak_bytes=1.4e9,
        )
    )
    assert not any(target.met for target in worse)


def test_record_has_both_forms_on_one_and_two_threads():
    record = records.load("models")
    for threads in (1, 2):
        forms = records.column(record, "form", threads=threads)
        assert forms == ["NumPy", "transformers"]
    assert {"numpy", "gguf", "torch", "transformers"} <= record["versions"].keys()
