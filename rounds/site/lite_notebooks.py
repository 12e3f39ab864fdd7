"""The exercises as they are worked in the browser: copies, made by the build."""

import ast
import re
import sys
from pathlib import Path
from urllib.parse import urlsplit

import nbformat

from rounds.site.contents import pages
from rounds.site.lite_packages import sentence

NOTE = """**In the browser.** Nothing is to be installed here. Python takes some seconds
to start; a cell that was run too early keeps an empty `[ ]`: run it again. What you
write is kept in this browser and nowhere else: to take it along, choose File, then
Download. If a cell does not come to an end, choose Kernel, then Restart Kernel. Threads
and processes cannot be started here. `rounds compare` is for a copy of the course on
your own machine."""

FAR = """ What the first cell imports comes from {host}: if that cannot be reached, the
cell ends in ModuleNotFoundError."""

# A link to a page of the book, which is not beside the notebooks here.
LINK = re.compile(r"\[([^\]]+)\]\(\.\./[^)]*\)")
# What an exercise says of copies: here the browser keeps one.
START = re.compile(r"Run `rounds start .*?nothing ever overwrites\.\s*", re.DOTALL)


def topics(root: Path) -> list[str]:
    """The topics of the book at `root` that have an exercise, in its order."""
    parts = [page.partition("/") for page in pages(root)]
    return [name for room, _, name in parts if room == "exercises"]


def write(root: Path, folder: Path, source: str | None) -> list[str]:
    """Write all exercises into `folder`, which is made; returns their files.

    source: the address of packages that a browser has not by itself; None for none.
    """
    folder.mkdir(parents=True)
    names = [f"{topic}.ipynb" for topic in topics(root)]
    for topic, name in zip(topics(root), names, strict=True):
        note = note_on(missing(root, topic), source)
        nbformat.write(for_browser(_read(root, topic), note), folder / name)
    return names


def note_on(absent: set[str], source: str | None) -> str:
    """What a reader is to know who opens an exercise that needs `absent` modules."""
    if absent and source is None:
        return f"**{sentence(min(absent))}**"
    return NOTE + (FAR.format(host=urlsplit(source).netloc) if absent else "")


def for_browser(notebook: nbformat.NotebookNode, note: str) -> nbformat.NotebookNode:
    """The notebook with a note at its top, nothing run, for the kernel there."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        else:
            cell.source = LINK.sub(r"\1", START.sub("", cell.source))
    cell = nbformat.v4.new_markdown_cell(note, id="in-the-browser")
    notebook.cells.insert(1, cell)
    notebook.metadata.kernelspec = {
        "display_name": "Python (Pyodide)",
        "language": "python",
        "name": "python",
    }
    return notebook


def missing(root: Path, topic: str) -> set[str]:
    """The modules that an exercise imports and that the browser's Python has not."""
    cells = [cell for cell in _read(root, topic).cells if cell.cell_type == "code"]
    imported = {name for cell in cells for name in _imports(ast.parse(cell.source))}
    return imported - sys.stdlib_module_names - {"rounds"}


def all_missing(root: Path) -> set[str]:
    """`missing` of all exercises together."""
    return {name for topic in topics(root) for name in missing(root, topic)}


def _read(root: Path, topic: str) -> nbformat.NotebookNode:
    return nbformat.read(root / "exercises" / f"{topic}.ipynb", as_version=4)


def _imports(tree: ast.AST) -> set[str]:
    """What a cell imports, by first names: "a" for `from a.b import c`."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found
