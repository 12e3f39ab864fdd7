"""The glossary and the naming table, put together from the topics' own files.

{rounds-names}           the names that code and formulas use, topic by topic
{rounds-terms}           the terms of all topics, by the alphabet

A topic's file is glossary/TOPIC.toml. In its [names] a name has a shape or type, a
meaning and a section of the topic's chapter; in its [terms] a term has a sentence and a
section. A section that the chapter does not have fails the build.
"""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from docutils import nodes
from myst_parser.mdit_to_docutils.base import default_slugify
from sphinx.util.docutils import SphinxDirective

from rounds.site import SiteError, contents

FIELDS = {"names": ("shape", "meaning", "section"), "terms": ("meaning", "section")}


@dataclass(frozen=True)
class Entry:
    """A name or a term. `shape` is empty for a term."""

    topic: str
    name: str
    meaning: str
    section: str
    shape: str = ""

    @property
    def link(self) -> str:
        """A Markdown link to the section that derives it."""
        place = f"chapters/{self.topic}.ipynb#{default_slugify(self.section)}"
        return f"[{self.section}]({place})"


def entries(root: Path, kind: str) -> list[Entry]:
    """The "names" or "terms" of all topics, in the order of the book.

    Raises SiteError for a file that is not as this module's head says.
    """
    cards = [card for _, cards in contents.parts(root) for card in cards]
    return [entry for card in cards for entry in of_topic(root, card.name, kind)]


def of_topic(root: Path, topic: str, kind: str) -> list[Entry]:
    """The "names" or "terms" of one topic; none if it has no file."""
    path = root / "glossary" / f"{topic}.toml"
    if not path.is_file():
        return []
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))[kind]
        return [
            Entry(topic, name, **dict(zip(FIELDS[kind], values, strict=True)))
            for name, values in table.items()
        ]
    except (KeyError, ValueError) as trouble:  # a TOML error is a ValueError
        raise SiteError(
            f"{path.name} of the glossary cannot be read ({trouble}): [{kind}] needs "
            f"{' and '.join(FIELDS[kind])} for each entry."
        ) from None


def names_table(found: list[Entry]) -> str:
    """A Markdown table of names."""
    rows = ["| Name | Shape or type | Meaning | Derived in |", "| --- " * 4 + "|"]
    for one in found:
        # Code is what begins with a bracket: a shape, or what a function takes.
        shape = re.sub(r"^\(.*(->.*|\))", r"`\g<0>`", one.shape)
        rows.append(f"| `{one.name}` | {shape} | {one.meaning} | {one.link} |")
    return "\n".join(rows)


def terms_list(found: list[Entry]) -> str:
    """Sphinx's own glossary, so that its search finds each term."""
    lines = ["```{glossary}", ":sorted:", ""]
    for one in found:
        lines += [one.name, f"  {one.meaning} {one.link}", ""]
    return "\n".join([*lines, "```"])


class NamesDirective(SphinxDirective):
    """The table of names."""

    def run(self) -> list[nodes.Node]:
        """The table, its links resolved like those of the page."""
        found = entries(Path(self.env.srcdir), "names")
        tables = self.parse_text_to_nodes(names_table(found))
        for table in tables:
            table["classes"].append("rounds-names")
        return tables


class TermsDirective(SphinxDirective):
    """The list of terms."""

    def run(self) -> list[nodes.Node]:
        """The list, its links resolved like those of the page."""
        found = entries(Path(self.env.srcdir), "terms")
        return self.parse_text_to_nodes(terms_list(found))
