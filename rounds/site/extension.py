"""The Sphinx extension of this book: what its pages compute while they are built.

    {rounds-score} {rounds-topics} {rounds-check}     of the landing page (landing.py)
    {rounds-source}                                   where its files are (public.py)
    {rounds-names} {rounds-terms}                     of the glossary (glossary.py)
    {rounds-diagram}                                  a picture (diagrams/)

In the notebooks' source, as shown, the lines that mark a solution are left out, the
folded cells of a solution say what they hide, what warns of it comes first and how to
work is left out, folded cells that follow one another have one fold, and a cell that
shows a diagram is its directive.
"""

import os
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from sphinx.application import Sphinx

from rounds import catalog
from rounds.site import accessible, bar, glossary, landing, lite, public, together
from rounds.site.diagrams import directive

SOLUTION_PROMPTS = {
    "code_prompt_show": "Show the solution",
    "code_prompt_hide": "Hide the solution",
}
# What the cell of a solution says that warns of it.
SPOILER = "This page is the solution"
# What a solution has from its exercise and a reader of it does not need.
INSTRUCTIONS = "## How to work"
MARKERS = ("### BEGIN SOLUTION", "### END SOLUTION")


def prepare_notebook(app: Sphinx, docname: str, source: list[str]) -> None:
    """Prepare a notebook's source for reading (Sphinx's `source-read` event)."""
    if app.env.doc2path(docname).endswith(".ipynb"):
        source[0] = readable(source[0], solution=docname.startswith("solutions/"))


def readable(text: str, solution: bool) -> str:
    """The notebook without its markers; a solution says at its top that it is one."""
    notebook = nbformat.reads(text, as_version=4)
    notebook.cells = [directive.in_prose(cell) for cell in notebook.cells]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            lines = cell.source.splitlines()
            shown = [line for line in lines if line.strip() not in MARKERS]
            cell.source = "\n".join(shown)
    notebook.cells = in_one_fold(notebook.cells)
    if solution:
        cells = notebook.cells
        notebook.cells = [c for c in cells if not c.source.startswith(INSTRUCTIONS)]
        notebook.metadata.setdefault("mystnb", {}).update(SOLUTION_PROMPTS)
        warn_first(notebook)
    return nbformat.writes(notebook)


def in_one_fold(cells: list[NotebookNode]) -> list[NotebookNode]:
    """The cells, those folded ones joined that nothing stands between."""
    joined: list[NotebookNode] = []
    for cell in cells:
        if joined and folded(cell) and folded(joined[-1]):
            joined[-1].source += f"\n\n{cell.source}"
            joined[-1].outputs += cell.outputs
        else:
            joined.append(cell)
    return joined


def folded(cell: NotebookNode) -> bool:
    """Whether code and output of the cell lie under a fold."""
    return cell.cell_type == "code" and "hide-cell" in cell.metadata.get("tags", [])


def warn_first(notebook: NotebookNode) -> None:
    """Move the cell that warns of a spoiler to right under the page's title."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and SPOILER in cell.source:
            title, _, rest = notebook.cells[0].source.partition("\n")
            notebook.cells.remove(cell)
            note = f":::{{container}} rounds-spoiler\n{cell.source}\n:::"
            notebook.cells[0].source = f"{title}\n\n{note}\n{rest}"
            return


def add_bar(
    app: Sphinx, page: str, _template: str, context: dict[str, Any], _tree: Any
) -> None:
    """Give the page's template its bar (Sphinx's `html-page-context` event)."""
    titles = {card.name: card.title for card in catalog.topics()}

    def runs(topic: str) -> str | None:
        return lite.runs(Path(app.srcdir), topic, os.environ)

    context["rounds_bar"] = bar.bar(page, list(app.env.found_docs), titles, runs)


def add_print_button(
    _app: Sphinx, page: str, _template: str, context: dict[str, Any], _tree: Any
) -> None:
    """Give the page a button that prints it (Sphinx's `html-page-context` event).

    The theme's own stands in a menu of downloads, beside a poorer twin of the link in
    the bar: without the name under which a reader saves the notebook.
    """
    if context.get("page_source_suffix"):
        context["header_buttons"].insert(
            0,
            {
                "type": "javascript",
                "javascript": "window.print()",
                "tooltip": "Print this page",
                "icon": "fas fa-print",
                "label": "print-button",
                "classes": "pst-navbar-icon",
            },
        )


def mend_search(
    app: Sphinx, page: str, _template: str, _context: dict[str, Any], _tree: Any
) -> None:
    """Give the search page its script (Sphinx's `html-page-context` event)."""
    if page == "search":
        app.add_js_file("search.js")


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.add_directive("rounds-score", landing.ScoreDirective)
    app.add_directive("rounds-topics", landing.TopicsDirective)
    app.add_directive("rounds-check", landing.CheckDirective)
    app.add_directive("rounds-source", public.SourceDirective)
    app.add_directive("rounds-names", glossary.NamesDirective)
    app.add_directive("rounds-terms", glossary.TermsDirective)
    app.add_directive("rounds-diagram", directive.DiagramDirective)
    app.add_post_transform(together.KeepTogether)
    url = public.address(os.environ)
    public.load(app, url)
    # Before the extensions look at what is set.
    app.connect(
        "config-inited", lambda _, config: public.configure(config, url), priority=400
    )
    app.connect("source-read", prepare_notebook)
    app.connect("html-page-context", add_bar)
    # After the theme has made the functions that the names are added to.
    app.connect("html-page-context", accessible.give_names, priority=900)
    # After the theme has put its buttons there.
    app.connect("html-page-context", add_print_button, priority=502)
    app.connect("html-page-context", mend_search)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
