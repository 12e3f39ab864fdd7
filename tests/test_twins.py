"""The cut from solution to exercise, and the markers it refuses."""

from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from rounds.notebooks.form import Refused, parse
from rounds.notebooks.twins import cut

FIXTURES = Path(__file__).parent / "fixtures"


def solution(*cells):
    """A notebook of these cells; a plain string stands for a code cell."""
    return new_notebook(
        cells=[new_code_cell(cell) if isinstance(cell, str) else cell for cell in cells]
    )


def sources(*cells) -> list[str]:
    exercise = cut(solution(*cells), "solutions/x.ipynb")
    return [cell.source for cell in exercise.cells]


DOUBLE = """\
def double(x):
    ### BEGIN SOLUTION
    return 2 * x
    ### END SOLUTION
"""


def test_region_becomes_a_raise_at_the_indent_of_its_marker():
    source = '''\
class Scale:
    """Scales."""

    def by(self, x):
        """x scaled."""
        if x:
            ### BEGIN SOLUTION
            y = 2 * x
            return y
            ### END SOLUTION
        return 0

    async def later(self, x):
        ### BEGIN SOLUTION
        return x
        ### END SOLUTION'''
    assert sources(source) == [
        '''\
class Scale:
    """Scales."""

    def by(self, x):
        """x scaled."""
        if x:
            raise NotImplementedError
        return 0

    async def later(self, x):
        raise NotImplementedError'''
    ]


def test_solution_only_cells_are_dropped_and_others_kept():
    alternative = new_code_cell("secret = 1", metadata={"tags": ["solution-only"]})
    why = new_markdown_cell("Because.", metadata={"tags": ["solution-only"]})
    kept = sources(new_markdown_cell("# Double"), DOUBLE, alternative, why, "double")
    assert kept == [
        "# Double",
        "def double(x):\n    raise NotImplementedError",
        "double",
    ]


def test_nothing_is_folded_in_the_exercise():
    metadata = {
        "tags": ["hide-input", "keep"],
        "jupyter": {"source_hidden": True},
        "mystnb": {"code_prompt_show": "Show the solution", "image": {"alt": "A line"}},
    }
    exercise = cut(solution(new_code_cell(DOUBLE, metadata=metadata)), "x")
    assert exercise.cells[0].metadata == {
        "tags": ["keep"],
        "mystnb": {"image": {"alt": "A line"}},
    }


def test_from_blank_cell_holds_one_comment():
    whole = "### BEGIN SOLUTION\nclass KVStore:\n    pass\n### END SOLUTION"
    assert sources(whole) == ["# Write your program here."]
    assert sources(f"# Your KVStore.\n{whole}\n") == ["# Your KVStore."]


def test_exercise_has_no_outputs_of_the_solution():
    answer = new_code_cell(DOUBLE, execution_count=1)
    answer.outputs = [new_output("stream", name="stdout", text="42")]
    cell = cut(solution(answer), "x").cells[0]
    assert (cell.outputs, cell.execution_count) == ([], None)


def test_solution_itself_is_not_touched():
    original = solution(DOUBLE)
    cut(original, "x")
    assert original.cells[0].source == DOUBLE


BAD_MARKERS = {
    "unclosed_marker": "cell 2 (code-1), line 3: ### BEGIN SOLUTION is never closed;"
    " add ### END SOLUTION",
    "nested_markers": "cell 2 (code-1), line 5: ### BEGIN SOLUTION inside the region"
    " opened on line 3",
    "stray_end_marker": "cell 3 (code-2), line 4: ### END SOLUTION without a"
    " ### BEGIN SOLUTION before it",
    "marker_in_prose": "cell 3 (markdown-2), line 3: '### BEGIN SOLUTION' in a"
    " markdown cell",
    "marker_in_raw_cell": "cell 1 (raw-1), line 1: '### BEGIN SOLUTION' in a raw cell",
    "misspelt_marker": "cell 2 (code-1), line 3: '## Begin SOLUTION' is not a marker;"
    " write ### BEGIN SOLUTION or ### END SOLUTION, alone on its line",
    "marker_behind_code": "cell 2 (code-1), line 2: 'return 2 * x  ### BEGIN SOLUTION'"
    " is not a marker; write ### BEGIN SOLUTION or ### END SOLUTION, alone on its line",
    "region_at_top_level": "cell 2 (code-1), line 2: a region at top level, where the"
    " exercise would stop; put the markers inside the body of a function",
    "region_in_class_body": "cell 2 (code-1), line 4: a region in a class body, where"
    " the exercise would stop; put the markers inside the body of a function",
    "region_past_its_function": "cell 2 (code-1), line 5: the region opened on line 2"
    " reaches past its block; close it before this line",
    "solution_that_is_not_python": "cell 2 (code-1), line 4: cannot be cut: invalid"
    " syntax",
    "no_markers": "no ### BEGIN SOLUTION in any cell that the exercise keeps, so it"
    " would show the whole solution; put markers round what the learner is to write.",
}


@pytest.mark.parametrize("name", BAD_MARKERS)
def test_bad_markers_are_refused_with_notebook_cell_and_line(name):
    where = f"solutions/{name}.ipynb"
    nb = parse((FIXTURES / f"{name}.ipynb").read_text(encoding="utf-8"), where)
    with pytest.raises(Refused) as refused:
        cut(nb, where)
    assert str(refused.value) == f"{where}: {BAD_MARKERS[name]}"


def test_region_under_a_condition_at_top_level_is_refused():
    source = "if True:\n    ### BEGIN SOLUTION\n    x = 1\n    ### END SOLUTION"
    with pytest.raises(Refused, match="line 2: a region at top level"):
        sources(source)


def test_region_in_a_class_inside_a_function_is_refused():
    source = (
        "def f():\n    class A:\n        ### BEGIN SOLUTION\n        x = 1\n"
        "        ### END SOLUTION\n    return A"
    )
    with pytest.raises(Refused, match="line 3: a region in a class body"):
        sources(source)
