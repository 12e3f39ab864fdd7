"""The Sphinx extension of this book: what its pages compute while they are built.

    {rounds-score}           the bank's score, as one sentence
    {rounds-topics}          the table of topics
    {rounds-check} NAME      a program, and the report that its check really gives

In the notebooks' source, as shown, the lines that mark a solution are left out, the
folded cells of a solution say what they hide, and what warns of it comes first.
"""

from pathlib import Path
from typing import Any

import nbformat
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

import rounds
from rounds import audit, catalog
from rounds.site import bar, contents

SOLUTION_PROMPTS = {
    "code_prompt_show": "Show the solution",
    "code_prompt_hide": "Hide the solution",
}
# What the cell of a solution says that warns of it.
SPOILER = "This page is the solution"
MARKERS = ("### BEGIN SOLUTION", "### END SOLUTION")


class ScoreDirective(SphinxDirective):
    """Says the score of the bank (rounds.audit)."""

    def run(self) -> list[nodes.Node]:
        """One paragraph with the sentence."""
        sentence = contents.score_sentence(audit.recorded())
        return [nodes.paragraph("", sentence, classes=["rounds-score"])]


class TopicsDirective(SphinxDirective):
    """The table of topics, in the order of the book."""

    def run(self) -> list[nodes.Node]:
        """The table, its links resolved like those of the page."""
        found = self.parse_text_to_nodes(contents.topic_table(Path(self.env.srcdir)))
        for table in found:
            table["classes"].append("rounds-topics")
        return found


class CheckDirective(SphinxDirective):
    """Shows a program and the report that the named check gives it."""

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        """The program as code, and under it the report."""
        program = "\n".join(self.content)
        exercise = catalog.find(self.arguments[0])
        # As in a notebook: a program of __main__ can be sent to a child process.
        namespace: dict[str, Any] = {"__name__": "__main__"}
        exec(compile(program, f"<{self.env.docname}>", "exec"), namespace)
        report = rounds.check(exercise.name, namespace[exercise.target])
        code = nodes.literal_block(program, program, language="python")
        return [code, nodes.raw("", report._repr_html_(), format="html")]


def show_solutions_plainly(app: Sphinx, docname: str, source: list[str]) -> None:
    """Prepare a notebook's source for reading (Sphinx's `source-read` event)."""
    if app.env.doc2path(docname).endswith(".ipynb"):
        source[0] = readable(source[0], solution=docname.startswith("solutions/"))


def readable(text: str, solution: bool) -> str:
    """The notebook without its markers; a solution says at its top that it is one."""
    notebook = nbformat.reads(text, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            lines = cell.source.splitlines()
            shown = [line for line in lines if line.strip() not in MARKERS]
            cell.source = "\n".join(shown)
    if solution:
        notebook.metadata.setdefault("mystnb", {}).update(SOLUTION_PROMPTS)
        warn_first(notebook)
    return nbformat.writes(notebook)


def warn_first(notebook: nbformat.NotebookNode) -> None:
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
    context["rounds_bar"] = bar.bar(page, list(app.env.found_docs), titles)


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.add_directive("rounds-score", ScoreDirective)
    app.add_directive("rounds-topics", TopicsDirective)
    app.add_directive("rounds-check", CheckDirective)
    app.connect("source-read", show_solutions_plainly)
    app.connect("html-page-context", add_bar)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
