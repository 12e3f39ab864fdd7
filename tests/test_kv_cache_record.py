"""What the KV cache chapter reads: its benchmark record, and the model's own keys."""

import importlib.util
import sys

import numpy as np

from rounds import extracts, records
from rounds.root import course_root

FOLDER = course_root() / "benchmarks"
sys.path.insert(0, str(FOLDER))


def script():
    """benchmarks/kv_cache.py as a module, not run."""
    spec = importlib.util.spec_from_file_location(
        "bench_kv_cache", FOLDER / "kv_cache.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_targets_are_read_off_the_rows_of_recomputing():
    rows = [
        {
            "part": part,
            "layers": layers,
            "numpy_threads": threads,
            "pytorch_threads": threads,
            "seq_len": seq_len,
            "form": form,
            "times": times + layers + 1000 * threads,
        }
        for threads in (1, 2)
        for layers in (1, 30)
        for part, seq_len, form, times in (
            ("step", 2048, "recomputed", 200),
            ("step", 2048, "cached", 7),
            ("step", 2048, "recomputed PyTorch", 9),
            ("step", 1024, "recomputed", 11),
            ("append", 2048, "concatenated", 13),
        )
    ]
    targets = script().targets(rows)
    assert [target.measured for target in targets] == [1201, 2201, 1230]
    assert all(target.met for target in targets)
    rows[0]["times"] = 99.9
    assert not script().targets(rows)[0].met


def test_record_has_every_form_and_length_that_the_chapter_shows():
    record = records.load("kv_cache")
    one = {"part": "step", "layers": 1, "numpy_threads": 1}
    forms = "cached", "recomputed", "cached grouped", "cached PyTorch"
    for form in (*forms, "recomputed PyTorch"):
        lengths = records.column(record, "seq_len", form=form, **one)
        assert lengths == [128, 256, 512, 1024, 2048, 4096]
    for form in forms:
        stack = {"part": "step", "layers": 30, "seq_len": 2048, "form": form}
        assert len(records.column(record, "seconds", **stack)) == 1
    for form in ("preallocated", "concatenated", "DynamicCache"):
        appended = {"part": "append", "numpy_threads": 1, "form": form}
        assert records.column(record, "seq_len", **appended)[-2:] == [2048, 4096]
    gathered = {"part": "gather", "seq_len": 2048, "form": "paged"}
    assert records.column(record, "block_size", **gathered) == [16, 64, 256]


def test_keys_and_values_of_the_model_are_whole():
    config = extracts.config()
    with np.load(extracts.DATA / "smollm2_kv.npz") as stored:
        keys, values = stored["keys"], stored["values"]
    assert keys.shape == values.shape
    assert keys.shape[0] == config["n_kv_heads"] and keys.shape[2] == config["d_head"]
    assert keys.dtype == values.dtype == np.float16
    assert np.isfinite(keys).all() and np.isfinite(values).all()
    # What the chapter shows with them: keys have far larger channels than values.
    sizes = [np.sqrt((a.astype(float) ** 2).mean(axis=1)) for a in (keys, values)]
    largest = [size.max() / np.median(size) for size in sizes]
    assert largest[0] > 2 * largest[1]
