"""From a solution notebook to its twin, the exercise."""

import ast
import re

from nbformat import NotebookNode

from rounds.notebooks.form import Refused, blank, label

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
FROM_BLANK = "# Write your program here."

# A marker in any spelling: one that is not exact would leave the solution standing.
_MARKER = re.compile(r"#+\s*(BEGIN|END)\s+SOLUTION", re.IGNORECASE)
_TITLE = re.compile(r"\A(# .+: )solution$", re.MULTILINE)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class _Fault(ValueError):
    """A fault in one cell's source; `line` counts from 1."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(f"line {line}: {what}")


def cut(solution: NotebookNode, where: str) -> NotebookNode:
    """The exercise that a solution gives, without outputs.

    Each region between the markers becomes `raise NotImplementedError`, cells tagged
    `solution-only` go, nothing is folded, and the title "# X: solution" becomes
    "# X: exercise". Raises Refused, with notebook, cell
    and line, for markers that do not bound a part of a function's body; `where`
    names the solution in that message.
    """
    exercise = blank(solution)
    cells, exercise.cells = exercise.cells, []
    n_regions = 0
    for index, cell in enumerate(cells):
        try:
            regions = _regions(cell)
            source = _without(cell.source, regions)
        except _Fault as fault:
            raise Refused(f"{where}: {label(cell, index)}, {fault}") from None
        if "solution-only" in cell.metadata.get("tags", []):
            continue
        n_regions += len(regions)
        cell.source = source
        _unfold(cell)
        if not exercise.cells:
            cell.source = _TITLE.sub(r"\1exercise", cell.source)
        exercise.cells.append(cell)
    if n_regions == 0:
        raise Refused(
            f"{where}: no {BEGIN} in any cell that the exercise keeps, so it would show"
            " the whole solution; put markers round what the learner is to write."
        )
    return exercise


def _regions(cell: NotebookNode) -> list[tuple[int, int]]:
    """The marked regions as (line of BEGIN, line of END), counted from 1."""
    regions: list[tuple[int, int]] = []
    opened = 0
    for number, line in enumerate(cell.source.splitlines(), start=1):
        if not _MARKER.search(line):
            continue
        marker = line.strip()
        if cell.cell_type != "code":
            raise _Fault(number, f"{marker!r} in a {cell.cell_type} cell")
        if marker not in (BEGIN, END):
            raise _Fault(
                number,
                f"{marker!r} is not a marker; write {BEGIN} or {END}, alone on its"
                " line",
            )
        if marker == BEGIN and opened:
            raise _Fault(number, f"{BEGIN} inside the region opened on line {opened}")
        if marker == END and not opened:
            raise _Fault(number, f"{END} without a {BEGIN} before it")
        if marker == END:
            regions.append((opened, number))
        opened = number if marker == BEGIN else 0
    if opened:
        raise _Fault(opened, f"{BEGIN} is never closed; add {END}")
    return regions


def _without(source: str, regions: list[tuple[int, int]]) -> str:
    """`source` with each region replaced by a raise at its marker's indent."""
    if not regions:
        return source
    lines = source.splitlines()
    kept: list[str] = []
    raises: dict[int, int] = {}  # line of the raise in what is kept -> line of BEGIN
    done = 0
    for begin, end in regions:
        kept += lines[done : begin - 1]
        marker = lines[begin - 1]
        kept.append(marker[: marker.index(BEGIN)] + "raise NotImplementedError")
        raises[len(kept)] = begin
        done = end
    kept += lines[done:]

    comments = [line for n, line in enumerate(kept, start=1) if n not in raises]
    if all(not line.strip() or line.lstrip().startswith("#") for line in comments):
        # From blank: a raise would stop the notebook, and a cell without any text
        # would keep no execution count.
        return "\n".join(comments).strip() or FROM_BLANK
    _refuse_outside_functions(lines, regions, kept, raises)
    return "\n".join(kept)


def _refuse_outside_functions(
    lines: list[str],
    regions: list[tuple[int, int]],
    kept: list[str],
    raises: dict[int, int],
) -> None:
    statements = [n for n in ast.walk(_parse(lines)) if isinstance(n, ast.stmt)]
    for begin, end in regions:
        indent = lines[begin - 1].index(BEGIN)
        for node in statements:
            if begin < node.lineno < end and node.col_offset < indent:
                raise _Fault(
                    node.lineno,
                    f"the region opened on line {begin} reaches past its block; close"
                    " it before this line",
                )
    tree = _parse(kept)
    for line, begin in raises.items():
        scope = _scope(tree, line)
        if not isinstance(scope, _FUNCTIONS):
            place = (
                "in a class body" if isinstance(scope, ast.ClassDef) else "at top level"
            )
            raise _Fault(
                begin,
                f"a region {place}, where the exercise would stop; put the markers"
                " inside the body of a function",
            )


def _parse(lines: list[str]) -> ast.Module:
    flags = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    try:
        return compile("\n".join(lines), "<cell>", "exec", flags)
    except SyntaxError as error:
        raise _Fault(error.lineno or 1, f"cannot be cut: {error.msg}") from None


def _scope(tree: ast.Module, line: int) -> ast.AST:
    """The innermost function or class whose body holds `line`, else the module."""
    scopes = [
        node
        for node in ast.walk(tree)
        if isinstance(node, (*_FUNCTIONS, ast.ClassDef))
        and node.body[0].lineno <= line <= node.end_lineno
    ]
    return max(scopes, key=lambda node: node.lineno, default=tree)


def _unfold(cell: NotebookNode) -> None:
    """Take away what folds the cell on the page or in the editor."""
    tags = cell.metadata.get("tags", [])
    cell.metadata["tags"] = [tag for tag in tags if not tag.startswith("hide-")]
    cell.metadata.pop("jupyter", None)
    for key in ("code_prompt_show", "code_prompt_hide"):
        cell.metadata.get("mystnb", {}).pop(key, None)
