"""What `rounds compare` finds in a notebook, without running it."""

import ast

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from rounds.learner.sidebyside import code_of, definitions, is_stub
from rounds.notebooks.twins import BEGIN, END


def read(*sources: str):
    cells = [new_markdown_cell("def softmax(x): pass")]
    return definitions(new_notebook(cells=[*cells, *map(new_code_cell, sources)]))


def code(name: str, *sources: str, others=()) -> str | None:
    return code_of(name, read(*sources)[0], others)


@pytest.mark.parametrize(
    "source",
    [
        "def f(x):\n    raise NotImplementedError",
        'def f(x):\n    """Says."""\n    raise NotImplementedError("later")',
        "def f(x):\n    n = len(x)\n    raise NotImplementedError\n    return n",
        "def f(x): ...",
        "def f(x):\n    pass",
        "async def f(x):\n    raise NotImplementedError",
        "class F:\n    def a(self):\n        raise NotImplementedError",
    ],
)
def test_a_stub_counts_as_not_written(source):
    assert is_stub(ast.parse(source).body[0])


@pytest.mark.parametrize(
    "source",
    [
        "def f(x):\n    return x\n    raise NotImplementedError",
        "def f(x=1):\n    if x:\n        raise NotImplementedError\n    return x",
        "def f(x):\n    raise ValueError",
        "f = abs",
        "class F:\n    def a(self):\n        return 1\n    def b(self): ...",
    ],
)
def test_a_program_is_no_stub(source):
    assert not is_stub(ast.parse(source).body[0])


def test_the_last_definition_counts():
    shown = code("f", "def f():\n    return 1", "f = 0", "def f():\n    return 2")
    assert shown == "def f():\n    return 2"
    assert code("f", "def f():\n    return 1", "def f(): ...") is None


def test_markers_and_docstrings_are_left_out_and_comments_kept():
    source = (
        "@cache\n"
        "def f(x):\n"
        '    """What the statement\n    says."""\n'
        f"    {BEGIN}\n"
        "    x += 1  # why\n"
        f"    {END}\n"
        "    return x"
    )
    assert code("f", source) == "@cache\ndef f(x):\n    x += 1  # why\n    return x"


def test_helpers_are_shown_before_what_uses_them_but_not_other_exercises():
    shown = code(
        "f",
        "def unused(): return 0",
        "def g(x): return h(x)",
        "def h(x): return x",
        "def other(x): return x",
        "def f(x): return g(x) + other(x)",
        others=["f", "other"],
    )
    assert shown.split("\n\n\n") == [
        "def g(x): return h(x)",
        "def h(x): return x",
        "def f(x): return g(x) + other(x)",
    ]


def test_a_function_that_calls_itself_is_shown_once():
    assert code("f", "def f(x): return f(x)") == "def f(x): return f(x)"


def test_cells_with_magics_and_await_are_read():
    found, unread = read(
        "%matplotlib inline\n!ls\ndef f(): return 1",
        "%%time\nnot python at all",
        "await f()\ng = 1",
    )
    assert list(found) == ["f", "g"] and unread == []


def test_a_cell_that_is_not_python_is_told_with_its_number():
    found, unread = read("def f(): return 1", "", "x = 1\ndef broken(:\n    pass")
    assert list(found) == ["f"]
    assert unread == ["Cell [2] could not be read: invalid syntax (line 2)."]
