"""How a diagram comes onto a page of the site.

{rounds-diagram} NAME    in a page's prose, where the picture is to be
diagram("NAME")          alone in a notebook's cell, which becomes the same
"""

import re

from docutils import nodes
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell
from sphinx.util.docutils import SphinxDirective

from rounds.site.diagrams import diagram

_CELL = re.compile(r'diagram\("([^"]*)"\)')


class DiagramDirective(SphinxDirective):
    """Shows the diagram that it names."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """The picture as inline SVG, so that it takes the page's colours."""
        try:
            drawing = diagram(self.arguments[0])
        except ValueError as error:
            raise self.error(str(error)) from None
        key = f"diagram-{self.env.new_serialno('rounds-diagram')}"
        return [nodes.raw("", drawing.svg(key), format="html")]


def in_prose(cell: NotebookNode) -> NotebookNode:
    """A cell that only shows a diagram as prose with its directive; others as given."""
    shown = _CELL.fullmatch(cell.source.strip())
    if cell.cell_type != "code" or not shown:
        return cell
    return new_markdown_cell(f"```{{rounds-diagram}} {shown[1]}\n```", id=cell.id)
