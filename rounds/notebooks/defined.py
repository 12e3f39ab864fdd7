"""The programs that a notebook's cells define, without running what they show.

For tests and benchmarks of what a page shows: they use the page's own code.
"""

import ast
from pathlib import Path
from typing import Any

import nbformat

KEPT = ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef


def defined(path: Path) -> dict[str, Any]:
    """What the imports, functions, classes and CONSTANTS of a notebook define."""
    names: dict[str, Any] = {"__name__": path.stem}
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            kept = [node for node in ast.parse(cell.source).body if _defines(node)]
            tree = ast.Module(kept, type_ignores=[])
            exec(compile(tree, f"<{path.name}>", "exec"), names)
    return names


def _defines(node: ast.stmt) -> bool:
    if isinstance(node, ast.Assign):
        return all(isinstance(t, ast.Name) and t.id.isupper() for t in node.targets)
    return isinstance(node, KEPT)
