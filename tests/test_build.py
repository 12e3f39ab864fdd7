"""The build on small courses of its own. Each kernel costs most of a second."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from rounds.build import main
from rounds.notebooks.execute import execute
from rounds.notebooks.form import as_text, parse, problems
from rounds.root import is_course

FIXTURES = Path(__file__).parent / "fixtures"

CHAPTER = new_notebook(
    cells=[
        new_markdown_cell("# Tiny"),
        new_code_cell("import matplotlib.pyplot as plt\n\nset('a')"),
        new_code_cell(
            "plt.plot([1, 3, 2])\nplt.title('héllo')\nplt.show()",
            metadata={"mystnb": {"image": {"alt": "A line"}}, "execution": {"a": "1"}},
        ),
        new_code_cell("for n in range(3):\n    print(n, flush=True)"),
        new_code_cell("1 / 0", metadata={"tags": ["raises-exception"]}),
    ],
    metadata={"kernelspec": {"name": "elsewhere", "display_name": "Elsewhere"}},
)
SOLUTION = new_notebook(
    cells=[
        new_markdown_cell("# Double"),
        new_code_cell(
            "def double(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n"
            "    ### END SOLUTION",
            metadata={"tags": ["hide-input"]},
        ),
        new_code_cell(
            "try:\n    print(double(2))\nexcept NotImplementedError:\n"
            "    print('not attempted yet')"
        ),
    ]
)


def course(root: Path, **notebooks) -> Path:
    """A course with, for `chapters_tiny=nb`, that notebook or fixture's copy."""
    for room in ("chapters", "solutions", "exercises"):
        (root / room).mkdir(parents=True)
    (root / "_toc.yml").touch()
    for key, nb in notebooks.items():
        room, topic = key.split("_", 1)
        text = nb.read_text(encoding="utf-8") if isinstance(nb, Path) else as_text(nb)
        (root / room / f"{topic}.ipynb").write_text(text, encoding="utf-8")
    assert is_course(root)
    return root


def contents(root: Path) -> dict[str, bytes]:
    files = root.rglob("*")
    return {
        f.relative_to(root).as_posix(): f.read_bytes() for f in files if f.is_file()
    }


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """A course built once, under personal settings that must not show."""
    home = tmp_path_factory.mktemp("home")
    startup = home / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "mine.py").write_text("print('hello')\nset = list\n", encoding="utf-8")
    (home / "matplotlibrc").write_text("lines.linewidth: 9\n", encoding="utf-8")
    root = course(tmp_path_factory.mktemp("built"), chapters_tiny=CHAPTER)
    (root / "solutions/tiny.ipynb").write_text(as_text(SOLUTION), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IPYTHONDIR", str(home))
        patch.setenv("MATPLOTLIBRC", str(home / "matplotlibrc"))
        patch.setenv("MPLBACKEND", "agg")
        patch.setenv("ROUNDS_RECORD", str(home / "record.jsonl"))
        assert main([], root) == 0
    return root


@pytest.fixture
def copy(built, tmp_path) -> Path:
    return Path(shutil.copytree(built, tmp_path / "course"))


def read(path: Path):
    return parse(path.read_text(encoding="utf-8"), path.name)


def test_exercise_is_written_and_runs_without_the_solution(built):
    exercise = read(built / "exercises/tiny.ipynb")
    heading, stub, attempt = exercise.cells
    assert stub.source == "def double(x):\n    raise NotImplementedError"
    assert stub.metadata == {}
    assert attempt.outputs[0].text == "not attempted yet\n"
    solution = read(built / "solutions/tiny.ipynb")
    assert solution.cells[2].outputs[0].text == "4\n"


def test_chapter_is_executed_and_in_normal_form(built):
    chapter = read(built / "chapters/tiny.ipynb")
    assert problems(chapter, "tiny") == []
    assert [c.id for c in chapter.cells] == [
        "markdown-1",
        *map("code-{}".format, "1234"),
    ]
    assert [c.execution_count for c in chapter.cells[1:]] == [1, 2, 3, 4]
    assert [len(c.outputs) for c in chapter.cells[1:]] == [1, 1, 1, 1]
    assert chapter.cells[1].outputs[0].data["text/plain"] == "{'a'}"
    assert chapter.cells[4].outputs[0].traceback == [
        "ZeroDivisionError: division by zero"
    ]
    assert chapter.metadata.kernelspec.name == "python3"


def test_second_build_changes_no_byte(copy, built, capsys):
    dates = {path: path.stat().st_mtime_ns for path in copy.rglob("*.ipynb")}
    assert main([], copy) == 0
    assert contents(copy) == contents(built)
    assert dates == {path: path.stat().st_mtime_ns for path in dates}
    assert capsys.readouterr().out.splitlines() == [
        "Notebooks to make, 2 at a time: 3",
        "  chapters/tiny.ipynb: unchanged",
        "  solutions/tiny.ipynb: unchanged",
        "  exercises/tiny.ipynb: unchanged",
    ]


def test_check_names_a_hand_edited_exercise_and_a_stale_chapter(copy, capsys):
    edit(copy / "exercises/tiny.ipynb", "raise NotImplementedError", "return x + x")
    edit(copy / "chapters/tiny.ipynb", "\"{'a'}\"", "\"{'b'}\"")
    before = contents(copy)
    assert main(["tiny", "--check"], copy) == 1
    assert contents(copy) == before
    out, err = capsys.readouterr()
    assert "  solutions/tiny.ipynb: unchanged\n" in out
    assert err.splitlines() == [
        "chapters/tiny.ipynb: cell 2 (code-1): stale output, \"{'b'}\" where a run"
        " gives \"{'a'}\"; run python -m rounds.build",
        "exercises/tiny.ipynb: differs from what solutions/tiny.ipynb gives (cell 2"
        " (code-1): another source); run python -m rounds.build",
    ]


def test_check_leaves_words_to_nbval_and_looks_at_all_else(copy, capsys, monkeypatch):
    ran = []
    monkeypatch.setattr(
        "rounds.build.execute",
        lambda nb, folder, where: ran.append(where) or execute(nb, folder, where),
    )
    edit(copy / "solutions/tiny.ipynb", '"4\\n"', '"5\\n"')  # nbval compares it
    assert main(["--check", "--unrun"], copy) == 0
    assert ran == ["chapters/tiny.ipynb"]  # with a picture
    edit(copy / "exercises/tiny.ipynb", "raise NotImplementedError", "return x + x")
    edit(copy / "chapters/tiny.ipynb", "\"{'a'}\"", "\"{'b'}\"")
    edit(
        copy / "solutions/tiny.ipynb", '"execution_count": 2', '"execution_count": null'
    )
    assert main(["--check", "--unrun"], copy) == 1
    err = capsys.readouterr().err
    assert "chapters/tiny.ipynb: cell 2 (code-1): stale output" in err
    assert "solutions/tiny.ipynb: cell 3 (code-2): no execution count" in err
    assert "exercises/tiny.ipynb: differs from what solutions/tiny.ipynb gives" in err


def test_only_a_check_may_leave_notebooks_unrun(copy, capsys):
    with pytest.raises(SystemExit):
        main(["--unrun"], copy)
    assert "--unrun goes with --check" in capsys.readouterr().err


def test_check_refuses_counts_and_outputs_that_no_run_gave(tmp_path, capsys):
    names = ("executed_out_of_order", "missing_execution_counts", "stale_output")
    root = course(tmp_path, **{f"chapters_{n}": FIXTURES / f"{n}.ipynb" for n in names})
    before = contents(root)
    assert main(["--check"], root) == 1
    assert contents(root) == before
    err = capsys.readouterr().err
    assert "executed_out_of_order.ipynb: execution counts are 2, 1, 3 and not" in err
    assert "missing_execution_counts.ipynb: cell 3 (code-2): no execution count" in err
    assert (
        "stale_output.ipynb: cell 3 (code-2): stale output, '1' where a run gives"
        in err
    )


def test_cell_that_raises_or_ends_the_kernel_is_refused_and_nothing_written(
    tmp_path, capsys
):
    ends = new_notebook(cells=[new_code_cell("import os\nos._exit(1)")])
    raises = FIXTURES / "cell_that_raises.ipynb"
    root = course(tmp_path, chapters_ends=ends, chapters_raises=raises)
    before = contents(root)
    assert main([], root) == 1
    assert contents(root) == before
    assert capsys.readouterr().err.splitlines() == [
        f"chapters/ends.ipynb: cell 1 ({ends.cells[0].id}): stopped the kernel",
        "chapters/raises.ipynb: cell 3 (code-2): raised ZeroDivisionError: division by"
        " zero",
    ]


def test_notebook_that_check_would_refuse_is_not_written(tmp_path, capsys):
    warns = new_notebook(cells=[new_code_cell("import sys\nprint(1, file=sys.stderr)")])
    skipped = new_code_cell("1 + 1", execution_count=1)
    skipped.outputs = [new_output("stream", name="stdout", text="3")]
    skipped.metadata["tags"] = ["skip-execution"]
    skips = new_notebook(cells=[skipped])
    root = course(tmp_path, chapters_skips=skips, chapters_warns=warns)
    before = contents(root)
    assert main([], root) == 1
    assert contents(root) == before
    assert capsys.readouterr().err.splitlines() == [
        "chapters/skips.ipynb: never executed; run python -m rounds.build",
        "chapters/warns.ipynb: cell 1 (code-1): text on stderr: 1",
    ]


# Without a kernel


@pytest.fixture
def no_kernel(monkeypatch) -> None:
    """Let every notebook count as executed as it stands."""

    def execute(nb, folder, where):
        assert folder.is_dir()
        code = [cell for cell in nb.cells if cell.cell_type == "code"]
        for count, cell in enumerate(code, start=1):
            cell.execution_count = count
        return nb

    monkeypatch.setattr("rounds.build.execute", execute)


@pytest.mark.parametrize("arguments", [[], ["--check"]])
@pytest.mark.usefixtures("no_kernel")
def test_notebook_that_reproduces_its_problem_is_refused(tmp_path, capsys, arguments):
    root = course(tmp_path, chapters_warns=FIXTURES / "text_on_stderr.ipynb")
    assert main(arguments, root) == 1
    assert "warns.ipynb: cell 2 (code-1): text on stderr" in capsys.readouterr().err


@pytest.mark.usefixtures("no_kernel")
def test_bad_markers_fail_the_build_of_the_exercise(tmp_path, capsys):
    root = course(tmp_path, solutions_double=FIXTURES / "unclosed_marker.ipynb")
    assert main([], root) == 1
    out, err = capsys.readouterr()
    assert "exercises/double.ipynb: refused" in out
    assert "solutions/double.ipynb: cell 2 (code-1), line 3: ### BEGIN" in err
    assert not (root / "exercises/double.ipynb").exists()


def test_exercise_without_its_solution_is_refused(tmp_path, capsys):
    root = course(tmp_path, exercises_orphan=SOLUTION)
    assert main([], root) == 1
    assert capsys.readouterr().err == (
        "exercises/orphan.ipynb: solutions/orphan.ipynb, which it is cut from, does not"
        " exist; delete the exercise or write the solution.\n"
    )


@pytest.mark.usefixtures("no_kernel")
def test_missing_exercise_is_named_by_check_and_not_made(tmp_path, capsys):
    root = course(tmp_path, solutions_double=SOLUTION)
    (root / "exercises").rmdir()
    assert main(["--check"], root) == 1
    assert "exercises/double.ipynb: missing; run python -m" in capsys.readouterr().err
    assert not (root / "exercises").exists()


def test_file_that_is_no_notebook_is_refused(tmp_path, capsys):
    root = course(tmp_path)
    (root / "chapters/a.ipynb").write_text("# Attention", encoding="utf-8")
    assert main([], root) == 1
    assert "chapters/a.ipynb: not a notebook of format 4." in capsys.readouterr().err
    (root / "chapters/a.ipynb").write_bytes(b"\xff\xfe")
    assert main([], root) == 1
    assert "chapters/a.ipynb: not a notebook: it is not" in capsys.readouterr().err


@pytest.mark.usefixtures("no_kernel")
def test_notebook_that_breaks_the_format_is_refused(tmp_path, capsys):
    root = course(tmp_path, chapters_a=new_notebook(cells=[new_markdown_cell("# A")]))
    edit(root / "chapters/a.ipynb", '"markdown"', '"markdwon"')
    assert main([], root) == 1
    assert "chapters/a.ipynb: not a valid notebook: " in capsys.readouterr().err


@pytest.mark.usefixtures("no_kernel")
def test_exercise_torn_by_a_merge_is_named_by_check_and_written_anew(tmp_path, capsys):
    root = course(tmp_path, solutions_a=SOLUTION)
    torn = root / "exercises/a.ipynb"
    torn.write_text("<<<<<<< HEAD\n{}", encoding="utf-8")
    assert main(["--check"], root) == 1
    assert "exercises/a.ipynb: not a notebook; run python" in capsys.readouterr().err
    assert main([], root) == 0
    assert read(torn).cells[1].source.endswith("raise NotImplementedError")


def test_unknown_topic_is_refused_with_the_nearest_name(tmp_path, capsys):
    root = course(tmp_path, chapters_attention=CHAPTER, chapters_sampling=CHAPTER)
    assert main(["atention"], root) == 1
    assert capsys.readouterr().err == (
        "atention: no notebook of that name; did you mean attention?\n"
    )


def test_course_without_notebooks_is_refused(tmp_path, capsys):
    assert main([], course(tmp_path)) == 1
    assert "nothing to build" in capsys.readouterr().err


def test_command_ends_with_one_sentence_and_no_traceback():
    command = [sys.executable, "-m", "rounds.build", "no_such_topic"]
    ended = subprocess.run(command, capture_output=True, text=True, env=os.environ)
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1
