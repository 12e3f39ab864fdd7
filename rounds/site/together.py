"""What belongs together in a line of prose stays on one line.

A browser may break a line on either side of a formula, since it is a box to it, and
then a comma begins the next line; and after every hyphen, that of top-p and of -inf
too. Here such pieces are told apart, and the style sheet does not break them:

    a formula, with all that no space divides from it
    a word with a single letter behind its hyphen
    code of a few characters
    what is multiplied or divided, and the sign behind it
"""

import re

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

KEPT = "rounds-together"
NO_BREAK = "\u00a0"
SPACE = re.compile(rf"([^\S{NO_BREAK}]+)")
SINGLE = re.compile(r"\w-\w\b")
SIGN = re.compile(r"(?<=\S) (?=[·×/] )")
SHORT, SHORT_IN_TABLE = 34, 16  # characters of code: a phone has room for them


class KeepTogether(SphinxPostTransform):
    """Marks these pieces of a page."""

    default_priority = 900

    def run(self) -> None:
        """Change all of the page that has one."""
        for code in self.document.findall(nodes.literal):
            within = code.parent.parent
            room = SHORT_IN_TABLE if isinstance(within, nodes.entry) else SHORT
            if len(code.astext()) <= room:
                code["classes"].append(KEPT)
        parents = [
            one
            for one in self.document.findall(nodes.TextElement)
            if not isinstance(one, (nodes.FixedTextElement, nodes.literal, nodes.math))
        ]
        for parent in parents:
            children = pieces(parent.children)
            if children != parent.children:
                parent.clear()
                parent.extend(children)


def pieces(children: list[nodes.Node]) -> list[nodes.Node]:
    """The same text and formulas, those joined that are to stay together."""
    done: list[nodes.Node] = []
    close: list[nodes.Node] = []  # since the last space

    def end() -> None:
        formulas = any(isinstance(one, nodes.math) for one in close)
        single = any(SINGLE.search(one) for one in close if isinstance(one, nodes.Text))
        if single or (formulas and len(close) > 1):
            done.append(nodes.inline("", "", *close, classes=[KEPT]))
        else:
            for one in close:
                add(one)
        close.clear()

    def add(one: nodes.Node) -> None:
        if done and isinstance(one, nodes.Text) and isinstance(done[-1], nodes.Text):
            one = nodes.Text(done.pop() + one)
        done.append(one)

    for child in children:
        if isinstance(child, nodes.math):
            close.append(child)
        elif isinstance(child, nodes.Text):
            for part in SPACE.split(SIGN.sub(NO_BREAK, child)):
                if part.strip():
                    close.append(nodes.Text(part))
                elif part:
                    end()
                    add(nodes.Text(part))
        else:
            end()
            done.append(child)
    end()
    return done
