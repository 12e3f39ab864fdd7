"""The diagrams of the course, drawn by code.

{rounds-diagram} NAME    stands where the picture is to be; NAME is one of DIAGRAMS
"""

from collections.abc import Callable

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from rounds.site.diagrams import text, transformer
from rounds.site.diagrams.drawing import Drawing

DIAGRAMS: dict[str, Callable[[], Drawing]] = {
    "attention-flow": transformer.attention_flow,
    "cache-growing": transformer.cache_growing,
    "merges-tree": text.merges_tree,
    "sampler-pipeline": text.sampler_pipeline,
}


class DiagramDirective(SphinxDirective):
    """Shows the diagram that it names."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """The picture as inline SVG, so that it takes the page's colours."""
        name = self.arguments[0]
        if name not in DIAGRAMS:
            known = ", ".join(DIAGRAMS)
            raise self.error(f"There is no diagram {name!r}. There are: {known}.")
        key = f"diagram-{self.env.new_serialno('rounds-diagram')}"
        return [nodes.raw("", DIAGRAMS[name]().svg(key), format="html")]
