"""The commands, on a small course of one topic in a temporary folder."""

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from typer.testing import CliRunner

import rounds.topics
from rounds import __version__, cli, practice, root
from rounds.learner import attempt
from rounds.notebooks.twins import BEGIN, END

CHECKS = """
from rounds.exercise import Exercise

add = Exercise("sums.add", "add(a, b)")
double = Exercise("sums.double", "double(a)")
EXERCISES = [add, double]


@add.case("two numbers", level=1)
def _(t):
    t.call(2, 3).equals(5)


@double.case("a number", level=2)
def _(t):
    t.call(4).equals(8)
"""
CARD = """
from rounds.catalog import Topic

TOPIC = Topic("sums", "Sums", "Two sums.", (1, 2), "easy")
"""
RIGHT = "def add(a, b):\n    return a + b\n\n\ndef double(a):\n    return add(a, a)\n"
ADD = "def add(a, b):\n    return a + b"
DOUBLE = "def double(a):\n    return 2 * a"
ADD_STUB = 'def add(a, b):\n    """The sum."""\n    raise NotImplementedError'
CHECK_ADD, CHECK_DOUBLE = 'check("sums.add", add)', 'check("sums.double", double)'


@pytest.fixture(scope="module")
def topics(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("topics")
    (folder / "sums").mkdir()
    (folder / "sums" / "__init__.py").write_text(CARD)
    (folder / "sums" / "checks.py").write_text(CHECKS)
    (folder / "sums" / "right.py").write_text(RIGHT)
    (folder / "sums" / "wrong.py").touch()
    return folder


@pytest.fixture
def course(tmp_path: Path, topics: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "_toc.yml").touch()
    for room in ("solutions", "exercises", "work"):
        (tmp_path / room).mkdir()
    solution = notebook(
        f"def add(a, b):\n    {BEGIN}\n    return a + b\n    {END}",
        "def _twice(a):\n    return 2 * a",
        "def double(a):\n    return _twice(a)",
    )
    nbformat.write(solution, tmp_path / "solutions" / "sums.ipynb")
    nbformat.write(notebook(ADD_STUB), tmp_path / "exercises" / "sums.ipynb")
    monkeypatch.setattr(rounds.topics, "__path__", [str(topics)])
    monkeypatch.setattr(cli, "course_root", lambda: tmp_path)
    monkeypatch.delenv("ROUNDS_RECORD", raising=False)
    return tmp_path


def notebook(*sources: str) -> nbformat.NotebookNode:
    return new_notebook(cells=[new_code_cell(source) for source in sources])


def write_work(course: Path, topics: Path, *sources: str) -> bytes:
    """Make work/sums.ipynb of these cells; its first cell finds the topic."""
    finds = f"import rounds.topics\nrounds.topics.__path__[:] = [{str(topics)!r}]"
    made = notebook(f"{finds}\nfrom rounds import check", *sources)
    made.cells.insert(1, new_markdown_cell("prose"))
    path = practice.copy_path(course, "sums")
    nbformat.write(made, path)
    return path.read_bytes()


def run(*arguments: str, **options):
    return CliRunner().invoke(cli.app, list(arguments), **options)


def record(course: Path) -> list[dict]:
    lines = practice.record_path(course).read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


def passes(*names: str) -> str:
    fields = {"at": "2026-11-23T07:00:00+00:00", "event": "check", "topic": "sums"}
    fields |= {"level": None, "state": "passed", "mistake": None}
    lines = [json.dumps(fields | {"exercise": f"sums.{name}"}) for name in names]
    return "\n".join(lines) + "\n"


# start


def test_start_says_where_the_copy_is_and_keeps_it(course):
    first = run("start", "sums")
    assert first.exit_code == 0 and "Created work/sums.ipynb" in first.stdout
    practice.copy_path(course, "sums").write_text("mine")
    second = run("start", "sums")
    assert second.exit_code == 0 and "left as it is" in second.stdout
    assert practice.copy_path(course, "sums").read_text() == "mine"
    third = run("start", "sums", "--again")
    assert third.exit_code == 0 and "kept in work/sums-1.ipynb" in third.stdout
    assert (course / "work" / "sums-1.ipynb").read_text() == "mine"


# check: the only tests that start kernels


def test_check_of_a_solved_copy_passes_and_leaves_the_file_alone(course, topics):
    cells = ADD, CHECK_ADD, DOUBLE, CHECK_DOUBLE
    before = write_work(course, topics, *cells)
    result = run("check", "sums")
    assert result.exit_code == 0, result.output
    assert "sums.add: passed" in result.stdout
    assert "sums.double: passed" in result.stdout
    assert "All 2 exercises pass" in result.stdout
    assert "\x1b" not in result.output
    assert practice.copy_path(course, "sums").read_bytes() == before
    kept = [(line["exercise"], line["state"]) for line in record(course)]
    assert kept == [("sums.add", "passed"), ("sums.double", "passed")]
    assert sorted(os.listdir(course / "work")) == ["progress.jsonl", "sums.ipynb"]


def test_check_shows_reports_and_errors_in_order_and_fails(course, topics):
    write_work(
        course,
        topics,
        "def add(a, b):\n    return a - b",
        CHECK_ADD,
        "1 / 0",
        "double = = 2",
        ADD_STUB,
        CHECK_ADD,
    )
    result = run("check", "sums")
    assert result.exit_code == 1
    told = [
        "sums.add: not right yet.",
        "Cell [4] raised ZeroDivisionError: division by zero",
        "Cell [5] raised SyntaxError: invalid syntax (line 1)",
        "sums.add: not attempted yet.",
        "Not checked (no check ran): double.",
        "0 of 2 exercises pass.",
    ]
    places = [result.stdout.find(text) for text in told]
    assert -1 not in places and places == sorted(places), result.stdout
    assert [line["state"] for line in record(course)] == ["wrong", "not attempted"]


def test_a_cell_that_does_not_end_is_stopped_with_a_sentence(course):
    nbformat.write(
        notebook("while True: pass", "1"), practice.copy_path(course, "sums")
    )
    before = practice.copy_path(course, "sums").read_bytes()
    result = run("check", "sums", "--timeout", "1")
    assert result.exit_code == 1
    assert (
        "Cell [1] ran longer than 1 s and was stopped; "
        "the cells after it were not run." in result.stdout
    )
    assert practice.copy_path(course, "sums").read_bytes() == before


def test_a_cell_that_ends_python_gets_a_sentence(course, topics):
    write_work(course, topics, ADD, CHECK_ADD, "import os; os._exit(3)", CHECK_ADD)
    result = run("check", "sums")
    assert result.exit_code == 1
    assert "sums.add: passed" in result.stdout
    assert "Cell [4] ended the Python process" in result.stdout
    assert len(record(course)) == 1


def test_an_interrupt_keeps_the_file_and_what_was_recorded(course, topics, monkeypatch):
    before = write_work(course, topics, ADD, CHECK_ADD, CHECK_ADD)
    plain = attempt.run

    def interrupted(notebook, folder, timeout, on_cell):
        def stop_at_the_third(done, of):
            if done == 3:
                raise KeyboardInterrupt

        return plain(notebook, folder, timeout, stop_at_the_third)

    monkeypatch.setattr(attempt, "run", interrupted)
    result = run("check", "sums")
    assert result.exit_code == 130
    assert result.stderr == "Interrupted. Your files are as they were.\n"
    assert practice.copy_path(course, "sums").read_bytes() == before
    assert len(record(course)) == 1


# bad input: one sentence, status 2, nothing lost


@pytest.mark.parametrize("command", ["start", "check", "compare"])
def test_an_unknown_topic_is_answered_with_the_nearest(course, command):
    result = run(command, "sum")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "There is no topic 'sum'. Did you mean 'sums'?\n"


@pytest.mark.parametrize("command", ["check", "compare"])
def test_a_missing_copy_is_answered_with_how_to_start(course, command):
    result = run(command, "sums")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "work/sums.ipynb does not exist" in result.stderr
    assert "rounds start sums" in result.stderr


V3 = '{"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": []}'
BROKEN = {
    "empty": (b"", "line 1 is not JSON"),
    "cut_short": (b'{\n "cells": [', "line 2 is not JSON"),
    "merge_conflict": (b"{\n<<<<<<< HEAD\n}", "line 2 is not JSON"),
    "binary": (b"\xff\x00\xfe", "it is not JSON text"),
    "json_but_a_list": (b"[1, 2]", "does not say which nbformat"),
    "json_but_no_notebook": (b'{"a": 1}', "does not say which nbformat"),
    "format_as_text": (b'{"nbformat": "4"}', "does not say which nbformat"),
    "older_format": (V3.encode(), "notebook format 3"),
    "newer_format": (b'{"nbformat": 5}', "notebook format 5"),
    "without_cells": (
        b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}}',
        "it has no 'cells'",
    ),
    "cells_of_nothing": (
        b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [1]}',
        "not a valid notebook",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("command", ["check", "compare"])
def test_a_broken_notebook_gives_one_sentence_and_is_kept(course, command, name):
    content, why = BROKEN[name]
    practice.copy_path(course, "sums").write_bytes(content)
    result = run(command, "sums", *(["--yes"] if command == "compare" else []))
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("work/sums.ipynb is ")
    assert why in result.stderr
    assert result.stderr.count("\n") == 1 and len(result.stderr) < 200
    assert practice.copy_path(course, "sums").read_bytes() == content


@pytest.mark.parametrize("minor", [2, 4, 5])
def test_a_notebook_as_other_editors_save_it_is_read(tmp_path, recwarn, minor):
    made = notebook(ADD)
    made.nbformat_minor = minor
    del made.cells[0]["id"]
    path = tmp_path / "old.ipynb"
    path.write_text("\ufeff" + json.dumps(made), "utf-8")
    assert attempt.read_notebook(path, "old.ipynb").cells[0].source == ADD
    assert not recwarn.list


def test_outside_a_course_every_command_says_so(monkeypatch, tmp_path):
    def nowhere():
        raise root.NoCourse("here is not inside a Coding Rounds checkout")

    monkeypatch.setattr(cli, "course_root", nowhere)
    for command in (["start", "attention"], ["check", "attention"], ["status"]):
        result = run(*command)
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr == "here is not inside a Coding Rounds checkout\n"


def test_a_folder_without_rights_gives_one_sentence(course, monkeypatch):
    def refused(*_):
        raise PermissionError(13, "Permission denied", "work")

    monkeypatch.setattr(practice, "_draft", refused)
    result = run("start", "sums")
    assert (result.exit_code, result.stderr) == (2, "work: Permission denied\n")


def test_a_port_in_use_gives_one_sentence(course, monkeypatch):
    from rounds import site
    from rounds.site import serve

    def taken(port, folder):
        raise site.SiteError(f"Port {port} is taken by another program.")

    monkeypatch.setattr(serve, "serve", taken)
    result = run("serve", "--port", "8123")
    assert result.exit_code == 2
    assert result.stderr == "Port 8123 is taken by another program.\n"


# status


def test_status_of_a_new_course_says_how_to_start(course):
    result = run("status")
    assert result.exit_code == 0
    assert "0 of 2" in result.stdout
    assert "Begin with: rounds start sums" in result.stdout


def test_status_shows_what_passes_and_reports_odd_lines(course):
    practice.copy_path(course, "sums").touch()
    start = {"at": "2026-11-23T06:23:00+00:00", "event": "start", "topic": "sums"}
    practice.record_path(course).write_text(
        json.dumps(start) + "\n[]\n" + passes("add", "double") + passes("add")[:40]
    )
    result = run("status")
    assert result.exit_code == 0
    row = next(line for line in result.stdout.splitlines() if "sums" in line)
    assert row.split() == ["sums", "2", "of", "2", "add,", "double", "2", "37", "min"]
    assert "Begin with" not in result.stdout
    assert result.stderr.splitlines() == [
        "work/progress.jsonl, line 2 skipped: it is JSON but not an object.",
        "work/progress.jsonl, line 5 skipped: it is not JSON, perhaps cut short.",
    ]


# compare


def test_compare_asks_for_consent_while_not_all_pass(course, topics):
    write_work(course, topics, ADD)
    practice.record_path(course).write_text(passes("add"))
    result = run("compare", "sums")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        "This shows the solution, and 1 of 2 exercises pass so far: "
        "rounds compare sums --yes shows it all the same.\n"
    )


def test_compare_asks_nothing_when_all_pass(course, topics):
    write_work(course, topics, ADD, DOUBLE)
    practice.record_path(course).write_text(passes("add", "double"))
    result = run("compare", "sums")
    assert result.exit_code == 0
    assert "return 2 * a" in result.stdout


def test_compare_stands_side_by_side_where_there_is_room(course, topics):
    write_work(course, topics, ADD, DOUBLE)
    wide = run("compare", "sums", "--yes", env={"COLUMNS": "120"}).stdout
    narrow = run("compare", "sums", "--yes", env={"COLUMNS": "30"}).stdout
    first = next(line for line in wide.splitlines() if "return a + b" in line)
    assert first.count("return a + b") == 2
    assert not any(line.count("return a + b") == 2 for line in narrow.splitlines())
    for shown in (wide, narrow):
        assert shown.count("return a + b") == 2
        assert "SOLUTION" not in shown and "\x1b" not in shown
        # The solution's helper is shown with what uses it.
        assert "def _twice(a):" in shown


def test_compare_says_what_is_not_written_and_what_cannot_be_read(course, topics):
    write_work(course, topics, ADD_STUB, "double = = 2")
    result = run("compare", "sums", "--yes")
    assert result.exit_code == 0
    assert result.stdout.count("# not written yet") == 2
    assert "Cell [3] could not be read: invalid syntax (line 1)." in result.stderr


# the command itself


def test_help_and_version_need_no_course():
    script = [sys.executable, "-m", "rounds.cli"]
    result = subprocess.run([*script, "--help"], capture_output=True, text=True)
    assert result.returncode == 0
    for command in "start check status compare doctor site serve".split():
        assert f"\n  {command} " in result.stdout
    assert run("--version").stdout == f"rounds {__version__}\n"


def test_the_commands_load_what_they_need_only_when_run():
    code = "import sys, rounds.cli; print(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    heavy = {"nbformat", "nbclient", "jupyter_client", "matplotlib", "IPython"}
    assert not heavy & set(result.stdout.split())
