"""The committed notebooks, their lint, normal form, and the guards round nbval."""

import base64
import io
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from PIL import Image, ImageDraw

from rounds.notebooks.form import (
    Refused,
    as_text,
    blank,
    difference,
    normalise,
    parse,
    problems,
    settle,
)
from rounds.notebooks.twins import cut

ROOT = Path(__file__).parent.parent
FIXTURES = Path(__file__).parent / "fixtures"
ROOMS = ("chapters", "exercises", "solutions")
NOTEBOOKS = sorted(
    path.relative_to(ROOT).as_posix()
    for room in ROOMS
    for path in (ROOT / room).glob("*.ipynb")
)
SOLUTIONS = [name for name in NOTEBOOKS if name.startswith("solutions/")]


def read(path: Path):
    return parse(path.read_text(encoding="utf-8"), path.name)


def code_cells(nb):
    return [cell for cell in nb.cells if cell.cell_type == "code"]


# The committed notebooks


def test_every_room_has_a_notebook():
    assert {name.split("/")[0] for name in NOTEBOOKS} == set(ROOMS)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_committed_notebook_has_no_problem(name):
    assert problems(read(ROOT / name), name) == []


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_committed_notebook_is_in_normal_form(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert as_text(normalise(parse(text, name))) == text


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_every_code_cell_has_its_count_so_that_nbval_compares_it(name):
    counts = [cell.execution_count for cell in code_cells(read(ROOT / name))]
    assert counts == list(range(1, len(counts) + 1))


@pytest.mark.parametrize("name", SOLUTIONS)
def test_exercise_is_what_its_solution_gives(name):
    due = normalise(cut(read(ROOT / name), name))
    committed = read(ROOT / name.replace("solutions/", "exercises/"))
    # The outputs are compared by `rounds.build --check` and by nbval.
    assert as_text(normalise(blank(committed))) == as_text(due)


def test_every_exercise_has_a_solution():
    rooms = {room: {p.name for p in (ROOT / room).glob("*.ipynb")} for room in ROOMS}
    assert rooms["exercises"] == rooms["solutions"]


# nbval, and what it would let pass


def nbval(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env"]
    return subprocess.run(
        [*command, "-p", "no:cacheprovider", "--color=no", *arguments],
        cwd=folder,
        env={k: v for k, v in os.environ.items() if not k.startswith("PYTEST")},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


@pytest.mark.skipif(not NOTEBOOKS, reason="test_every_room_has_a_notebook fails")
def test_nbval_has_an_item_for_every_code_cell():
    listing = nbval(ROOT, "--collect-only", "-q", *NOTEBOOKS).stdout
    items = Counter(re.findall(r"^(\S+\.ipynb)::Cell \d+$", listing, re.MULTILINE))
    assert items == {name: len(code_cells(read(ROOT / name))) for name in NOTEBOOKS}


def test_nbval_fails_a_stale_output_but_passes_a_cell_without_count(tmp_path):
    names = ("stale_output.ipynb", "missing_execution_counts.ipynb")
    for name in names:
        (tmp_path / name).write_bytes((FIXTURES / name).read_bytes())
    report = nbval(tmp_path, "-rA", *names).stdout
    assert "FAILED stale_output.ipynb::Cell 1" in report
    # The cell prints, and no output is stored: only the lint sees that.
    assert "PASSED missing_execution_counts.ipynb::Cell 1" in report
    assert problems(read(tmp_path / names[1]), names[1])


# The lint

PROBLEMS = {
    "executed_out_of_order": "execution counts are 2, 1, 3 and not 1 to 3, so it was"
    " not executed in order; run python -m rounds.build",
    "missing_execution_counts": "cell 3 (code-2): no execution count, so nbval would"
    " skip it; run python -m rounds.build",
    "never_executed": "never executed; run python -m rounds.build",
    "error_in_output": "cell 2 (code-1): raised ZeroDivisionError: division by zero",
    "empty_cell": "cell 3 (code-2): empty, so nbval would skip it; write a comment in"
    " it or delete it",
    "machine_path_in_output": "cell 2 (code-1): a path of one machine in the output:"
    " /home/ada/course/ranks.txt",
    "memory_address_in_output": "cell 2 (code-1): a memory address in the output: at"
    " 0x7f3a5c1b2d40",
    "text_on_stderr": "cell 2 (code-1): text on stderr: UserWarning: overflow",
    "figure_without_alt_text": "cell 2 (code-1): a picture without alt text; set"
    " metadata mystnb.image.alt",
    "figure_without_picture": "cell 2 (code-1): plt.show() but no picture among the"
    " outputs; run python -m rounds.build",
    "figure_that_is_no_png": "cell 2 (code-1): a picture that is no PNG; run python -m"
    " rounds.build",
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_broken_notebook_is_refused_with_its_cell_and_why(name):
    where = f"chapters/{name}.ipynb"
    found = problems(read(FIXTURES / f"{name}.ipynb"), where)
    assert found == [f"{where}: {PROBLEMS[name]}"]


def cell(source="x", count=1, *, tags=(), **output):
    kind = output.pop("output_type", "stream")
    outputs = [new_output(kind, **output)] if output else []
    metadata = {"tags": list(tags)} if tags else {}
    return new_code_cell(
        source, execution_count=count, outputs=outputs, metadata=metadata
    )


def printed(text: str):
    return cell(name="stdout", text=text)


@pytest.mark.parametrize(
    "text",
    [
        "see https://example.org/home/ada and work/attention.ipynb, either/or/both",
        "d_head = 64 / 8, /v1/chat/completions, ratio 3/4",
        "the bits are 0x3f800000",
        "OverflowWarning is what NumPy says",
    ],
)
def test_harmless_text_is_no_problem(text):
    assert problems(new_notebook(cells=[printed(text)]), "x") == []


@pytest.mark.parametrize(
    "text",
    [
        "'C:\\\\Users\\\\ada\\\\x.txt'",
        "File ~/course/rounds/check.py:12, in check",
        "read /var/folders/3x/ranks.txt",
        "lib.py:2: RuntimeWarning: overflow encountered in exp",
    ],
)
def test_text_that_no_other_machine_gives_is_a_problem(text):
    assert problems(new_notebook(cells=[printed(text)]), "x")


def test_error_that_a_tag_expects_is_no_problem():
    error = {"ename": "ValueError", "evalue": "no", "traceback": ["ValueError: no"]}
    expected = cell(output_type="error", tags=["raises-exception"], **error)
    assert problems(new_notebook(cells=[expected]), "x") == []


def test_function_that_would_show_a_plot_needs_no_picture():
    drawn_later = "def draw(x):\n    plt.plot(x)\n    plt.show()"
    assert problems(new_notebook(cells=[cell(drawn_later)]), "x") == []


def test_plot_in_a_loop_beside_an_ipython_command_needs_a_picture():
    for source in ("for x in data:\n    plt.show()", "%matplotlib inline\nplt.show()"):
        assert "no picture" in problems(new_notebook(cells=[cell(source)]), "x")[0]


# Normal form


def test_normal_form_keeps_nothing_of_editor_run_and_version():
    kernelspec = {"name": "py311", "display_name": "mine", "language": "python"}
    nb = new_notebook(
        cells=[cell("a", 1), cell("b", 2, tags=["hide-input"])],
        metadata={
            "kernelspec": kernelspec,
            "language_info": {"name": "python", "version": "3.11.7"},
            "vscode": {"interpreter": 1},
        },
    )
    nb.cells[0].metadata = {"execution": {"iopub.status.busy": "2026"}, "tags": []}
    normal = normalise(nb)
    assert [c.id for c in normal.cells] == ["code-1", "code-2"]
    assert [c.metadata for c in normal.cells] == [{}, {"tags": ["hide-input"]}]
    assert normal.metadata.kernelspec.name == "python3"
    assert normal.metadata.keys() == {"kernelspec", "language_info"}
    assert "version" not in normal.metadata.language_info


def test_normal_form_of_a_normal_form_is_itself():
    nb = with_widgets("5f" * 16, "0a" * 16)
    nb.cells.append(printed("a"))
    once = as_text(normalise(nb))
    assert as_text(normalise(parse(once, "x"))) == once
    assert once.endswith("}\n")


def test_prints_cut_into_messages_by_chance_become_one_output():
    nb = new_notebook(cells=[cell()])
    texts = [("stdout", "1\n"), ("stdout", "2\n"), ("stderr", "!"), ("stdout", "3\n")]
    nb.cells[0].outputs = [new_output("stream", name=n, text=t) for n, t in texts]
    outputs = normalise(nb).cells[0].outputs
    assert [(o.name, o.text) for o in outputs] == [
        ("stdout", "1\n2\n"),
        ("stderr", "!"),
        ("stdout", "3\n"),
    ]


def with_widgets(first: str, second: str):
    """A notebook of two widget models, the second one showing the first."""
    state = {first: {"state": {}}, second: {"state": {"child": f"IPY_MODEL_{first}"}}}
    widgets = {"application/vnd.jupyter.widget-state+json": {"state": state}}
    view = {"application/vnd.jupyter.widget-view+json": {"model_id": second}}
    nb = new_notebook(cells=[cell(output_type="display_data", data=view)])
    nb.metadata["widgets"] = widgets
    return nb


def test_widget_models_are_named_in_order_of_creation_whatever_their_ids():
    one = normalise(with_widgets("5f" * 16, "0a" * 16))
    assert as_text(one) == as_text(normalise(with_widgets("0b" * 16, "c1" * 16)))
    (view,) = one.cells[0].outputs[0].data.values()
    assert view.model_id == "widget-0002"
    (widgets,) = one.metadata.widgets.values()
    assert widgets.state["widget-0002"].state.child == "IPY_MODEL_widget-0001"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"nbformat": 3, "metadata": {}, "cells": []}',
        '{"nbformat": 4, "metadata": {}, "cells": [1]}',
        '{"nbformat": 4, "metadata": {},'
        ' "cells": [{"cell_type": "code", "metadata": {}}]}',
        "# Attention",
    ],
)
def test_file_that_is_no_notebook_is_refused(text):
    with pytest.raises(Refused, match="work/x.ipynb: not a notebook of format 4"):
        parse(text, "work/x.ipynb")


# Pictures


def picture(shade: int = 0, size=(40, 30), **options) -> str:
    """A PNG of one line, as base64 text."""
    image = Image.new("RGB", size, "white")
    ImageDraw.Draw(image).line((5, 5, 30, 20), fill=(shade, shade, shade))
    buffer = io.BytesIO()
    image.save(buffer, "PNG", **options)
    return base64.b64encode(buffer.getvalue()).decode()


def drawn(png: str, source="plt.show()"):
    nb = new_notebook(
        cells=[cell(source, output_type="display_data", data={"image/png": png})]
    )
    return normalise(nb)


def png_of(nb) -> str:
    return nb.cells[-1].outputs[0].data["image/png"]


def test_remarks_in_a_png_such_as_matplotlib_s_version_are_dropped():
    from PIL.PngImagePlugin import PngInfo

    remark = PngInfo()
    remark.add_text("Software", "Matplotlib version 3.11.2")
    marked = picture(pnginfo=remark)
    assert b"Matplotlib" in base64.b64decode(marked)
    assert png_of(drawn(marked)) == png_of(drawn(picture()))


def test_committed_picture_stays_where_only_bytes_or_a_hair_differ():
    committed = drawn(picture())
    for other in (picture(compress_level=0), picture(shade=8)):
        assert png_of(drawn(other)) != png_of(committed)
        assert settle(drawn(other), committed) == committed


def test_committed_picture_that_shows_something_else_is_replaced():
    committed = drawn(picture())
    for other in (picture(shade=60), picture(size=(41, 30))):
        settled = settle(drawn(other), committed)
        assert png_of(settled) == png_of(drawn(other))
        assert difference(committed, settled) == "cell 1 (code-1): stale output"


def test_committed_picture_is_found_again_after_a_cell_was_put_before_it():
    committed, new = drawn(picture()), drawn(picture(compress_level=0))
    new.cells.insert(0, cell("y = 1"))
    assert png_of(settle(new, committed)) == png_of(committed)


def test_committed_picture_that_is_broken_is_replaced():
    broken = drawn(picture()[:60])
    assert png_of(settle(drawn(picture()), broken)) == png_of(drawn(picture()))
