"""A formula in a line of prose, and the comma after it, stay on one line.

A browser may break a line on either side of a formula, since it is a box to it, and
then a comma begins the next line. The formula and all that no space divides from it
become one piece here, which the style sheet does not break.
"""

import re

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

KEPT = "rounds-together"
SPACE = re.compile(r"(\s+)")


class KeepFormulasTogether(SphinxPostTransform):
    """Puts each formula of a line with what stands close to it."""

    default_priority = 900

    def run(self) -> None:
        """Change all of the page that has a formula in a line."""
        formulas = self.document.findall(nodes.math)
        parents = {id(one.parent): one.parent for one in formulas}
        for parent in parents.values():
            children = pieces(parent.children)
            parent.clear()
            parent.extend(children)


def pieces(children: list[nodes.Node]) -> list[nodes.Node]:
    """The same text and formulas, those joined that are to stay together."""
    done: list[nodes.Node] = []
    close: list[nodes.Node] = []  # since the last space

    def end() -> None:
        if len(close) > 1 and any(isinstance(one, nodes.math) for one in close):
            done.append(nodes.inline("", "", *close, classes=[KEPT]))
        else:
            done.extend(close)
        close.clear()

    for child in children:
        if isinstance(child, nodes.math):
            close.append(child)
        elif isinstance(child, nodes.Text):
            for part in SPACE.split(child):
                if part.strip():
                    close.append(nodes.Text(part))
                elif part:
                    end()
                    done.append(nodes.Text(part))
        else:
            end()
            done.append(child)
    end()
    return done
