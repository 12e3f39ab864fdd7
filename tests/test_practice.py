"""The learner's copies and the record: nothing is lost, nothing is overwritten."""

import ast
import errno
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from rounds import practice
from rounds.learner.progress import duration, history, parse, standing
from rounds.learner.trouble import Trouble

EXERCISE = b'{"cells": [],\r\n "nbformat": 4}\n\xc3\xa9'
EDITED = b"what the learner wrote \x00\xff and no line end"


@pytest.fixture
def course(tmp_path: Path) -> Path:
    (tmp_path / "_toc.yml").touch()
    for room in ("solutions", "exercises"):
        (tmp_path / room).mkdir()
    (tmp_path / "exercises" / "attention.ipynb").write_bytes(EXERCISE)
    return tmp_path


@pytest.fixture
def in_work(course: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (course / "work").mkdir()
    monkeypatch.chdir(course / "work")
    monkeypatch.delenv("ROUNDS_RECORD", raising=False)
    return course / "work"


def report(**fields):
    plain = {"exercise": "attention.softmax", "level": None, "state": "wrong"}
    return SimpleNamespace(**{**plain, "mistake": None, **fields})


def no_space(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# start


def test_start_copies_the_exercise_byte_for_byte(course):
    done = practice.start(course, "attention")
    assert done.created and done.kept is None
    assert done.copy.read_bytes() == EXERCISE
    assert names(course / "work") == ["attention.ipynb", "progress.jsonl"]


def test_start_keeps_an_edited_file_byte_for_byte(course):
    copy = practice.start(course, "attention").copy
    copy.write_bytes(EDITED)
    done = practice.start(course, "attention")
    assert not done.created
    assert copy.read_bytes() == EDITED
    # The clock of the first start runs on.
    assert len(practice.record_path(course).read_text().splitlines()) == 1


def test_start_leaves_an_empty_file_of_the_learner_alone(course):
    (course / "work").mkdir()
    practice.copy_path(course, "attention").touch()
    assert not practice.start(course, "attention").created
    assert practice.copy_path(course, "attention").read_bytes() == b""


def test_again_never_overwrites_and_keeps_every_copy(course):
    copy = practice.start(course, "attention").copy
    (course / "work" / "attention-2.ipynb").write_bytes(b"the learner's own")
    for text in (b"first", b"second"):
        copy.write_bytes(text)
        done = practice.start(course, "attention", again=True)
        assert done.created
        assert done.kept.read_bytes() == text
        assert copy.read_bytes() == EXERCISE
    kept = {
        name: (course / "work" / name).read_bytes()
        for name in names(course / "work")
        if "-" in name
    }
    assert kept == {
        "attention-1.ipynb": b"first",
        "attention-2.ipynb": b"the learner's own",
        "attention-3.ipynb": b"second",
    }


def test_again_without_a_copy_just_starts(course):
    done = practice.start(course, "attention", again=True)
    assert done.created and done.kept is None


def test_start_without_an_exercise_says_how_to_make_it(course):
    with pytest.raises(Trouble, match="exercises/kv_cache.ipynb is missing"):
        practice.start(course, "kv_cache")
    assert not (course / "work").exists()


def test_a_full_disk_leaves_no_half_copy(course, monkeypatch):
    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(OSError, match="No space"):
        practice.start(course, "attention")
    assert names(course / "work") == []


def test_a_full_disk_with_again_leaves_the_old_copy_whole(course, monkeypatch):
    copy = practice.start(course, "attention").copy
    copy.write_bytes(EDITED)
    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(OSError, match="No space"):
        practice.start(course, "attention", again=True)
    assert copy.read_bytes() == EDITED
    assert names(course / "work") == ["attention.ipynb", "progress.jsonl"]


def test_a_file_that_appears_meanwhile_is_not_overwritten(course, monkeypatch):
    (course / "work").mkdir()
    copy = practice.copy_path(course, "attention")
    sync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda f: (sync(f), copy.write_bytes(EDITED)))
    assert not practice.start(course, "attention").created
    assert copy.read_bytes() == EDITED
    assert names(course / "work") == ["attention.ipynb"]


def test_a_save_that_crosses_again_is_not_overwritten(course, monkeypatch):
    copy = practice.start(course, "attention").copy
    replace = os.replace
    monkeypatch.setattr(
        os, "replace", lambda old, new: (replace(old, new), copy.write_bytes(EDITED))
    )
    with pytest.raises(Trouble, match="attention-1.ipynb"):
        practice.start(course, "attention", again=True)
    assert copy.read_bytes() == EDITED
    assert (course / "work" / "attention-1.ipynb").read_bytes() == EXERCISE


@pytest.mark.parametrize("taken", [False, True])
def test_a_disk_without_links_is_served_without_overwriting(course, monkeypatch, taken):
    def no_links(*_):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    (course / "work").mkdir()
    copy = practice.copy_path(course, "attention")
    if taken:
        copy.write_bytes(EDITED)
    assert practice.start(course, "attention").created is not taken
    assert copy.read_bytes() == (EDITED if taken else EXERCISE)
    assert [n for n in names(course / "work") if n.startswith(".")] == []


def test_of_many_starts_at_once_one_creates_the_copy(course):
    big = b"x" * 1_000_000
    (course / "exercises" / "attention.ipynb").write_bytes(big)
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda _: practice.start(course, "attention"), range(16)))
    assert sum(each.created for each in done) == 1
    assert practice.copy_path(course, "attention").read_bytes() == big
    assert names(course / "work") == ["attention.ipynb", "progress.jsonl"]


# record


def test_a_check_in_work_is_recorded_as_one_line(in_work, monkeypatch):
    at = datetime(2026, 11, 23, 7, 20, 5, 999, tzinfo=UTC)
    monkeypatch.setattr(practice, "_now", lambda: at)
    assert practice.record(report(level=2, mistake="no-scale")) is None
    (line,) = (in_work / "progress.jsonl").read_text().splitlines()
    assert json.loads(line) == {
        "at": "2026-11-23T07:20:05+00:00",
        "event": "check",
        "topic": "attention",
        "exercise": "attention.softmax",
        "level": 2,
        "state": "wrong",
        "mistake": "no-scale",
    }


@pytest.mark.parametrize("room", ["solutions", "exercises", "."])
def test_a_check_outside_work_is_not_recorded(course, monkeypatch, room):
    monkeypatch.delenv("ROUNDS_RECORD", raising=False)
    monkeypatch.chdir(course / room)
    practice.record(report())
    assert not list(course.rglob("*.jsonl"))


def test_a_folder_called_work_outside_a_course_gets_no_record(tmp_path, monkeypatch):
    monkeypatch.delenv("ROUNDS_RECORD", raising=False)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    assert practice.record(report()) is None
    assert names(tmp_path / "work") == []


def test_an_attempt_in_the_tracked_copy_is_told_where_to_work(course, monkeypatch):
    monkeypatch.delenv("ROUNDS_RECORD", raising=False)
    monkeypatch.chdir(course / "exercises")
    assert practice.record(report(state="not attempted")) is None
    for state in ("raised", "wrong", "passed"):
        assert practice.record(report(state=state)) == (
            "This is the tracked copy. Work in work/attention.ipynb: "
            "rounds start attention"
        )


def test_the_environment_can_name_another_record(in_work, tmp_path, monkeypatch):
    monkeypatch.setenv("ROUNDS_RECORD", str(tmp_path / "other.jsonl"))
    practice.record(report())
    assert len((tmp_path / "other.jsonl").read_text().splitlines()) == 1
    assert names(in_work) == []


def test_a_record_that_cannot_be_written_is_said_and_nothing_raised(in_work):
    (in_work / "progress.jsonl").mkdir()
    note = practice.record(report())
    assert note.startswith("This attempt was not recorded in work/progress.jsonl: ")
    assert "\n" not in note


def test_a_report_that_is_none_raises_nothing(in_work):
    assert practice.record(object()) is None
    assert practice.record(report(mistake=object())) is None


def test_a_line_cut_short_by_a_full_disk_does_not_spoil_the_next(in_work, monkeypatch):
    write = os.write
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda file, data: write(file, data[:30]))
        assert "not recorded" in practice.record(report())
    practice.record(report(state="passed"))
    entries, skipped = history(in_work / "progress.jsonl")
    assert [entry.state for entry in entries] == ["passed"]
    assert [each.line for each in skipped] == [1]


def test_concurrent_records_do_not_interleave(in_work):
    file = in_work / "progress.jsonl"
    file.write_text('{"torn": ')
    lines = [json.dumps({"n": n, "text": "x" * 3000}) for n in range(400)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda line: practice.append(file, [line]), lines))
    torn, *written = [line for line in file.read_text().split("\n") if line]
    assert torn == '{"torn": '
    assert sorted(written) == sorted(lines)


def test_the_record_needs_the_standard_library_only():
    tree = ast.parse(Path(practice.__file__).read_text("utf-8"))
    imported = [
        name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in [getattr(node, "module", None) or node.names[0].name]
    ]
    foreign = [m for m in imported if m.split(".")[0] not in sys.stdlib_module_names]
    assert sorted(foreign) == ["rounds.learner.trouble", "rounds.root"]


# history

GOOD = (
    '{"at": "2026-11-23T07:00:00+00:00", "event": "check", "topic": "attention", '
    '"exercise": "attention.softmax", "level": null, "state": "passed", '
    '"mistake": null}'
)
KNOWN = {"attention": ["attention.softmax", "attention.causal_mask"]}


def test_a_torn_last_line_is_reported_and_the_next_record_is_intact(in_work):
    file = in_work / "progress.jsonl"
    file.write_text(GOOD + "\n" + GOOD[:50])
    assert [each.line for each in history(file)[1]] == [2]
    practice.record(report(state="raised"))
    entries, skipped = history(file, KNOWN)
    assert [entry.state for entry in entries] == ["passed", "raised"]
    assert [(each.line, each.why) for each in skipped] == [
        (2, "it is not JSON, perhaps cut short")
    ]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("[1, 2]", "not an object"),
        ('"text"', "not an object"),
        ("null", "not an object"),
        ("# my notes", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("9" * 5000, "not JSON"),
        (b"\xff\xfe{}", "not UTF-8"),
        ("{}", "event is missing"),
        (GOOD.replace("2026-11-23T07:00:00+00:00", "yesterday"), "'yesterday'"),
        (GOOD.replace("+00:00", ""), "without its zone"),
        (GOOD.replace('"2026-11-23T07:00:00+00:00"', "7"), "the time is 7"),
        (GOOD.replace('"check"', '"chek"'), "'chek'"),
        (GOOD.replace('"check"', '["check"]'), "neither start nor check"),
        (GOOD.replace("null", '"two"', 1), "the level is 'two'"),
        (GOOD.replace("null", "true", 1), "the level is True"),
        (GOOD.replace('"passed"', '"perfect"'), "'perfect'"),
        (GOOD.replace('"passed"', "null"), "the state is missing"),
        (GOOD.replace('"attention"', "3"), "the topic is 3"),
        (GOOD.replace('"attention"', '"atention"'), "no topic 'atention'"),
        (GOOD.replace("softmax", "hardmax"), "no exercise 'attention.hardmax'"),
    ],
)
def test_a_line_edited_by_hand_is_skipped_with_its_number_and_why(tmp_path, line, why):
    file = tmp_path / "progress.jsonl"
    odd = line if isinstance(line, bytes) else line.encode()
    file.write_bytes(b"\n".join([GOOD.encode(), b"", odd, GOOD.encode() + b"\r", b""]))
    entries, skipped = history(file, KNOWN)
    assert len(entries) == 2
    assert [each.line for each in skipped] == [3]
    assert why in skipped[0].why
    assert len(skipped[0].why) < 120


def test_a_record_that_does_not_exist_is_empty(tmp_path):
    assert history(tmp_path / "progress.jsonl") == ([], [])


# standing

LEVELS = {"attention.softmax": 1, "attention.causal_mask": 2}


def stand(*events: str):
    """Events as "minute start" or "minute exercise state [level]"."""
    lines = []
    for event in events:
        minute, what, *rest = event.split()
        at = datetime(2026, 11, 23, 7, tzinfo=UTC) + timedelta(minutes=int(minute))
        fields = {"at": at.isoformat(), "event": "start", "topic": "attention"}
        if rest:
            fields |= {"event": "check", "exercise": f"attention.{what}"}
            fields |= {"state": rest[0], "level": int(rest[1]) if rest[1:] else None}
        lines.append(json.dumps(fields).encode())
    return standing("attention", LEVELS, map(parse, lines))


def test_the_best_time_runs_from_a_start_to_the_moment_when_all_have_passed():
    result = stand(
        "0 start", "10 softmax passed", "37 causal_mask passed", "50 softmax passed"
    )
    assert result.done
    assert duration(result.best) == "37 min"
    assert result.attempts == 3


def test_the_best_of_several_starts_counts():
    result = stand(
        *("0 start", "5 softmax passed", "40 causal_mask passed"),
        *("100 start", "101 causal_mask passed", "112 softmax passed"),
        *("200 start", "201 softmax passed"),
    )
    assert duration(result.best) == "12 min"
    assert result.passing == ["attention.softmax"]


def test_passes_before_the_start_do_not_shorten_it():
    result = stand(
        "0 softmax passed", "5 start", "6 causal_mask passed", "9 softmax passed"
    )
    assert duration(result.best) == "4 min"


def test_without_a_start_there_is_no_best_time():
    result = stand("0 softmax passed", "5 causal_mask passed")
    assert result.done and result.best is None


def test_the_latest_result_counts():
    assert stand("0 softmax passed", "1 softmax wrong").passing == []
    assert stand("0 softmax wrong", "1 softmax passed").passing == ["attention.softmax"]


def test_a_pass_of_a_lower_level_is_no_pass_and_takes_none_away():
    assert stand("0 causal_mask passed 1").passing == []
    assert stand("0 causal_mask passed 2").passing == ["attention.causal_mask"]
    both = stand("0 causal_mask passed", "1 causal_mask passed 1")
    assert both.passing == ["attention.causal_mask"]


def test_a_blank_exercise_is_no_attempt():
    word = "not attempted"
    entry = parse(GOOD.replace("passed", word).encode())
    assert standing("attention", LEVELS, [entry]).attempts == 0


def test_a_record_that_goes_back_in_time_gives_no_best_time():
    result = stand("60 start", "0 softmax passed", "1 causal_mask passed")
    assert result.best is None


def test_durations_read_as_a_person_says_them():
    told = [duration(timedelta(seconds=s)) for s in (0, 59, 95, 6000, 8000, 300_000)]
    assert told == ["0 s", "59 s", "2 min", "100 min", "2 h", "3 days"]
