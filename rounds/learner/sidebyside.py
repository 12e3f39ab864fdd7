"""The learner's code beside the solution, found without running either."""

import ast
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rounds.notebooks.twins import BEGIN, END

if TYPE_CHECKING:
    from nbformat import NotebookNode
    from rich.console import Console
    from rich.text import Text

NOT_WRITTEN = "# not written yet"
DEFINED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
GAP = 3  # columns between the two sides


@dataclass(frozen=True)
class Pair:
    """One exercise: the learner's code (None if not written) and the solution's."""

    title: str
    yours: str | None
    solution: str


@dataclass(frozen=True)
class Definition:
    """A name bound at the top level of a notebook, as written there."""

    source: str
    node: ast.stmt


Definitions = dict[str, Definition]


def definitions(notebook: "NotebookNode") -> tuple[Definitions, list[str]]:
    """The functions, classes and variables that code cells define; the last counts.

    The second value says which cells could not be read as Python, and why.
    """
    found: Definitions = {}
    unread: list[str] = []
    number = 0
    for cell in notebook.cells:
        if cell.cell_type != "code" or not cell.source.strip():
            continue
        number += 1
        source = _without_magics(cell.source)
        try:
            tree = ast.parse(source)
        except (SyntaxError, ValueError, RecursionError) as error:
            why = getattr(error, "msg", "not Python")
            line = getattr(error, "lineno", None)
            at = f" (line {line})" if line else ""
            unread.append(f"Cell [{number}] could not be read: {why}{at}.")
            continue
        lines = source.splitlines()
        for node in tree.body:
            for name in _names(node):
                found[name] = Definition(_source(node, lines), node)
    return found, unread


def _without_magics(source: str) -> str:
    """`source` with lines for IPython and for the shell blanked."""
    if source.lstrip().startswith("%%"):
        return ""
    lines = source.split("\n")
    return "\n".join("" if line.startswith(("%", "!", "?")) else line for line in lines)


def _names(node: ast.stmt) -> list[str]:
    if isinstance(node, DEFINED):
        return [node.name]
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, ast.AnnAssign) and node.value:
        targets = [node.target]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _source(node: ast.stmt, lines: list[str]) -> str:
    """The node's lines without markers, and without docstrings, given to both."""
    decorators = getattr(node, "decorator_list", [])
    first = decorators[0].lineno if decorators else node.lineno
    left_out = _docstring_lines(node)
    kept = [
        line
        for number, line in enumerate(lines, start=1)
        if first <= number <= node.end_lineno
        and number not in left_out
        and line.strip() not in (BEGIN, END)
    ]
    return "\n".join(kept)


def _docstring_lines(node: ast.stmt) -> set[int]:
    numbers: set[int] = set()
    for scope in ast.walk(node):
        if not isinstance(scope, DEFINED) or ast.get_docstring(scope) is None:
            continue
        docstring, *rest = scope.body
        first, last = docstring.lineno, docstring.end_lineno
        # Only where it stands on lines of its own and something follows.
        if rest and scope.lineno < first and last < rest[0].lineno:
            numbers.update(range(first, last + 1))
    return numbers


def is_stub(node: ast.stmt) -> bool:
    """True for what the exercise leaves to be written.

    A function that says nothing or comes to `raise NotImplementedError` before it
    returns, a class none of whose methods is written.
    """
    if not isinstance(node, DEFINED):
        return False
    body = [statement for statement in node.body if not _says_nothing(statement)]
    if isinstance(node, ast.ClassDef):
        return all(is_stub(statement) for statement in body)
    # A learner may write above the `raise` and leave it standing.
    exits = [line for line in body if isinstance(line, ast.Return | ast.Raise)]
    return not body or bool(exits) and _raises_not_implemented(exits[0])


def _says_nothing(statement: ast.stmt) -> bool:
    is_constant = isinstance(statement, ast.Expr) and isinstance(
        statement.value, ast.Constant
    )
    return is_constant or isinstance(statement, ast.Pass)


def _raises_not_implemented(statement: ast.stmt) -> bool:
    if not isinstance(statement, ast.Raise):
        return False
    raised = statement.exc
    if isinstance(raised, ast.Call):
        raised = raised.func
    return isinstance(raised, ast.Name) and raised.id == "NotImplementedError"


def code_of(name: str, found: Definitions, others: Iterable[str]) -> str | None:
    """The source of `name` after the helpers that it uses; None if not written.

    A helper is a function or class of the same notebook that is none of `others`,
    the exercises that have a place of their own.
    """
    if name not in found or is_stub(found[name].node):
        return None
    wanted = {name}
    pending = [name]
    while pending:
        for node in ast.walk(found[pending.pop()].node):
            used = node.id if isinstance(node, ast.Name) else ""
            if used in wanted or used in others or used not in found:
                continue
            if isinstance(found[used].node, DEFINED):
                wanted.add(used)
                pending.append(used)
    ordered = [other for other in found if other in wanted and other != name]
    return "\n\n\n".join(found[each].source for each in (*ordered, name))


def pairs(
    learner: "NotebookNode", solution: "NotebookNode", targets: list[str]
) -> tuple[list[Pair], list[str]]:
    """A pair for each of `targets`, and what could not be read of the learner's."""
    theirs, unread = definitions(learner)
    ours, _ = definitions(solution)
    return [
        Pair(
            target,
            code_of(target, theirs, targets),
            code_of(target, ours, targets) or "# not in the solution notebook",
        )
        for target in targets
    ], unread


def show(pair: Pair, console: "Console") -> None:
    """Print a pair side by side where there is room, else one below the other."""
    from rich.rule import Rule
    from rich.table import Table

    yours = pair.yours or NOT_WRITTEN
    widths = [max(map(len, text.splitlines())) for text in (yours, pair.solution)]
    console.print(Rule(pair.title, characters="-", align="left"))
    if sum(widths) + GAP > console.width:
        for heading, text in (("yours", yours), ("solution", pair.solution)):
            console.print(f"{heading}:", style="bold")
            console.print(_code(text), soft_wrap=True)
            console.print()
        return
    table = Table(box=None, padding=(0, GAP, 0, 0), pad_edge=False)
    table.add_column("yours", min_width=widths[0], no_wrap=True)
    table.add_column("solution", min_width=widths[1], no_wrap=True)
    table.add_row(_code(yours), _code(pair.solution))
    console.print(table)
    console.print()


def _code(text: str) -> "Text":
    from rich.syntax import Syntax

    highlighter = Syntax("", "python", theme="ansi_dark", background_color="default")
    code = highlighter.highlight(text)
    code.rstrip()
    return code
