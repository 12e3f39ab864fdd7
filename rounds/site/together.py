"""A formula in a line of prose, and the comma after it, stay on one line.

A browser may break a line on either side of a formula, since it is a box to it, and
then a comma begins the next line. The formula and all that no space divides from it
become one piece here, which the style sheet does not break.
"""

import re

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

BEFORE, AFTER = re.compile(r"\S+$"), re.compile(r"^\S+")
KEPT = "rounds-together"


class KeepFormulasTogether(SphinxPostTransform):
    """Puts each formula of a line with what stands close to it."""

    default_priority = 900

    def run(self) -> None:
        """Change the formulas of the page that something stands close to."""
        for formula in list(self.document.findall(nodes.math)):
            parent = formula.parent
            at = parent.index(formula)
            before, after = parent[max(at - 1, 0) : at], parent[at + 1 : at + 2]
            parts = [*self.cut(before, BEFORE), formula, *self.cut(after, AFTER)]
            if len(parts) > 1:
                kept = nodes.inline("", "", classes=[KEPT])
                parent.replace(formula, kept)
                kept.extend(parts)

    @staticmethod
    def cut(beside: list[nodes.Node], close: re.Pattern[str]) -> list[nodes.Text]:
        """Take what is close to a formula out of the text beside it."""
        if not beside or not isinstance(beside[0], nodes.Text):
            return []
        text = beside[0]
        found = close.search(text)
        if not found:
            return []
        text.parent.replace(text, nodes.Text(close.sub("", text)))
        return [nodes.Text(found.group())]
