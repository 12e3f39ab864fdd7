"""The benchmarks' arithmetic, their records and the page made from them.

Nothing here measures time: the clock is scripted.
"""

import importlib.util
import json
import sys

import numpy as np
import pytest

from rounds import records
from rounds.root import course_root

FOLDER = course_root() / "benchmarks"
sys.path.insert(0, str(FOLDER))

import harness  # noqa: E402
import report  # noqa: E402

NAMES = sorted(path.stem for path in harness.RESULTS.glob("*.json"))


def script(name):
    """benchmarks/{name}.py as a module, not run."""
    spec = importlib.util.spec_from_file_location(
        f"bench_{name}", FOLDER / f"{name}.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def small_record(**changes):
    fields = {
        "name": "small",
        "title": "Small",
        "about": "Two forms.",
        "columns": [
            harness.Column("form", "form", "text"),
            harness.Column("seconds", "time", "ms"),
            harness.Column("peak_bytes", "peak", "MiB"),
        ],
        "rows": [
            {"form": "quick", "seconds": 0.0015, "peak_bytes": 3 * 2**20},
            {"form": "slow", "seconds": 2.5, "peak_bytes": None},
        ],
        "targets": [
            harness.Target("quick", "times", 1.5, at_most=2),
            harness.Target("saved", "times", 9, at_least=10),
        ],
        "versions": {"python": "3.11.7"},
        "machine": {"cpu": "A", "cores": 2, "architecture": "B", "system": "C"},
        "date": "2026-11-01",
    }
    return harness.Record(**fields | changes)


# The arithmetic


@pytest.fixture
def clock(monkeypatch):
    """A scripted machine: `clock.wall` is the time, `clock.others` what others used."""

    class Clock:
        wall = others = pauses = 0.0

        def sleep(self, seconds):
            self.pauses += 1

    clock = Clock()
    monkeypatch.setattr(harness.time, "perf_counter", lambda: clock.wall)
    monkeypatch.setattr(harness.time, "process_time", lambda: clock.wall)
    monkeypatch.setattr(harness.time, "sleep", clock.sleep)
    monkeypatch.setattr(harness, "busy_seconds", lambda: clock.wall + clock.others)
    return clock


def test_median_is_over_all_turns_without_the_first_run_of_each(clock):
    timed = {
        "quick": iter([0.1, 0.11, 0.12, 0.13, 0.1, 0.15, 0.16, 9]),
        "slow": iter([8, 2.1, 8, 2.3]),
    }
    order = []

    def call(name):
        order.append(name)
        clock.wall += next(timed[name])

    calls = {name: lambda name=name: call(name) for name in timed}
    medians = harness.median_seconds(calls, rounds=2)
    # A run that does not count, then a quarter of a second, or one run if longer.
    assert order == (["quick"] * 4 + ["slow"] * 2) * 2
    assert medians == pytest.approx({"quick": 0.14, "slow": 2.2})


def test_a_turn_lasts_a_quarter_of_a_second(clock):
    runs = []

    def call():
        runs.append(1)
        clock.wall += 0.01

    harness.median_seconds({"quick": call}, rounds=1)
    assert len(runs) == 1 + 25


def test_a_turn_that_others_disturbed_is_repeated(clock):
    timed = iter([1, 5, 2])

    def call():
        step = next(timed)
        clock.wall += step
        clock.others += 1 if step == 5 else 0.1

    assert harness.median_seconds({"call": call}, rounds=1) == {"call": 2}
    assert clock.pauses == 1


def test_a_machine_that_stays_busy_is_refused(clock):
    def call():
        clock.wall += 1
        clock.others += 1

    with pytest.raises(harness.Busy, match="Stop them and measure again"):
        harness.median_seconds({"call": call}, rounds=1)
    assert clock.pauses == harness.PATIENCE


def test_busy_time_of_the_machine_grows_with_work():
    before = harness.busy_seconds()
    assert before > 0 or not harness.Path("/proc/stat").exists()
    assert harness.busy_seconds() >= before


def test_ratios_are_multiples_of_the_peer():
    ratios = harness.ratios({"naive": 6.0, "tiled": 1.5, "peer": 3.0}, "peer")
    assert ratios == {"naive": 2.0, "tiled": 0.5, "peer": 1.0}


def test_peak_counts_the_temporary_and_not_what_was_there():
    before = np.zeros(4_000_000)

    def call():
        temporary = np.ones(1_000_000)  # 8 MB, gone at the end
        return before[:10] + temporary[:10]

    assert 8_000_000 <= harness.peak_bytes(call) < 8_200_000


def test_different_answers_are_not_compared():
    good = np.array([1.0, 2.0])
    harness.require_one_answer({"one": good, "other": good + 1e-7})
    for bad in (good + 1e-3, good * np.nan):
        with pytest.raises(ValueError, match="other differs from one"):
            harness.require_one_answer({"one": good, "other": bad})


def test_target_is_met_at_its_limit_and_not_beyond():
    assert harness.Target("t", "s", 2.0, at_most=2).met
    assert not harness.Target("t", "s", 2.01, at_most=2).met
    assert harness.Target("t", "s", 10.0, at_least=10).met
    assert not harness.Target("t", "s", 9.99, at_least=10).met


def test_numpy_gets_its_threads_and_no_old_kernel(monkeypatch):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    monkeypatch.setenv("OPENBLAS_L2_SIZE", "512")
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    variables = harness.environment(2)
    assert variables["OMP_NUM_THREADS"] == variables["OPENBLAS_NUM_THREADS"] == "2"
    assert not [name for name in variables if name.endswith(("CORETYPE", "L2_SIZE"))]
    assert "PATH" in variables


def test_machine_is_described_without_its_name_or_a_path():
    machine = harness.machine()
    assert machine.keys() == {"cpu", "cores", "architecture", "system"}
    assert machine["cores"] >= 1 and machine["cpu"]
    assert "/" not in machine["cpu"]


# The page made from the records


def test_results_page_is_what_the_records_give():
    assert report.main(["--check"]) == 0


def test_results_page_that_was_edited_is_refused(monkeypatch, tmp_path, capsys):
    page = tmp_path / "RESULTS.md"
    page.write_text(report.render() + "typed by hand\n")
    monkeypatch.setattr(report, "REPORT", page)
    assert report.main(["--check"]) == 1
    assert "run python benchmarks/report.py" in capsys.readouterr().err
    assert report.main([]) == 0
    assert report.main(["--check"]) == 0


def test_a_record_is_shown_with_its_promises_units_and_gaps(tmp_path):
    report.write(small_record(), tmp_path)
    page = report.render(tmp_path)
    assert page.startswith(report.HEAD)
    assert "Measured on 2026-11-01: A, 2 cores, B, C; python 3.11.7." in page
    assert "| quick | at most 2.00x | 1.50x | yes |" in page
    assert "| saved | at least 10.00x | 9.00x | no |" in page
    assert "| quick | 1.5 ms | 3.0 MiB |" in page
    assert "| slow | 2500.0 ms | - |" in page
    assert [path.name for path in tmp_path.iterdir()] == ["small.json"]


@pytest.mark.parametrize("name", NAMES)
def test_committed_record_is_whole(name):
    record = records.load(name)
    keys = {column["key"] for column in record["columns"]}
    assert record["name"] == name and record["rows"]
    assert all(row.keys() == keys for row in record["rows"])
    assert {column["kind"] for column in record["columns"]} <= report.KINDS.keys()
    assert record["machine"].keys() == {"cpu", "cores", "architecture", "system"}
    for target in record["targets"]:
        met = target.pop("met")
        assert harness.Target(**target).met == met


def test_every_script_has_a_record():
    scripts = {path.stem for path in FOLDER.glob("*.py")} - {"harness", "report"}
    assert scripts == set(NAMES)


# What the chapter reads


def test_attention_record_has_every_form_length_and_thread_count():
    record = records.load("attention")
    for numpy_threads, pytorch_threads in ((1, 1), (1, 2), (2, 2)):
        threads = dict(numpy_threads=numpy_threads, pytorch_threads=pytorch_threads)
        lengths = {
            form: records.column(record, "seq_len", **threads, **chosen)
            for form, chosen in {
                "naive": {"form": "naive"},
                "tiled": {"form": "tiled", "block_size": 128},
                "pytorch": {"form": "pytorch"},
            }.items()
        }
        assert lengths["naive"] == lengths["tiled"] == lengths["pytorch"]
        assert 1024 in lengths["naive"] and len(lengths["naive"]) >= 4
    at = {"form": "tiled", "seq_len": 1024, "numpy_threads": 1, "pytorch_threads": 1}
    assert len(records.column(record, "block_size", **at)) >= 3
    machine = record["machine"]
    assert records.source(record) == (
        f"measured on {record['date']}: {machine['cpu']}, {machine['cores']} cores, "
        f"{machine['system']}"
    )


def test_attention_targets_are_read_off_the_rows():
    bench = script("attention")
    rows = [
        {
            "numpy_threads": numpy_threads,
            "pytorch_threads": pytorch_threads,
            "seq_len": 1024,
            "form": form,
            "block_size": block,
            "times_pytorch": times * pytorch_threads / numpy_threads,
            "peak_bytes": peak,
        }
        for numpy_threads, pytorch_threads in ((1, 1), (1, 2), (2, 2))
        for form, block, times, peak in (
            ("pytorch", None, 1, None),
            ("naive", None, 4, 210),
            ("tiled", 128, 0.9, 10),
            ("tiled", 64, 9, 1),
        )
    ]
    targets = bench.targets(rows)
    assert [target.measured for target in targets] == [0.9, 1.8, 21]
    assert all(target.met for target in targets)


def test_tiled_attention_holds_a_tenth_of_the_naive_memory():
    record = records.load("attention")
    at = {"seq_len": 1024, "numpy_threads": 1, "pytorch_threads": 1}
    (naive,) = records.column(record, "peak_bytes", form="naive", **at)
    (tiled,) = records.column(record, "peak_bytes", form="tiled", block_size=128, **at)
    assert naive >= 10 * tiled


def test_missing_record_is_one_sentence_that_says_what_to_do():
    with pytest.raises(records.NoRecord) as error:
        records.load("atention")
    assert str(error.value) == (
        "There is no benchmark record benchmarks/results/atention.json (there is: "
        f"{', '.join(NAMES)}): run make bench, or git restore it."
    )


@pytest.mark.parametrize("text", ["{torn", "[]", '{"rows": []}'])
def test_a_record_that_is_none_is_refused(monkeypatch, tmp_path, text):
    results = tmp_path / "benchmarks" / "results"
    results.mkdir(parents=True)
    (results / "attention.json").write_text(text)
    monkeypatch.setattr(records, "course_root", lambda: tmp_path)
    with pytest.raises(records.NoRecord, match="benchmarks/results/attention.json"):
        records.load("attention")


def test_a_column_that_no_row_has_is_refused():
    record = json.loads(json.dumps(harness.to_dict(small_record())))
    assert records.column(record, "seconds", form="quick") == [0.0015]
    assert records.column(record, "form") == ["quick", "slow"]
    for key, chosen in (("seconds", {"form": "fast"}), ("second", {"form": "quick"})):
        with pytest.raises(records.NoRecord):
            records.column(record, key, **chosen)
