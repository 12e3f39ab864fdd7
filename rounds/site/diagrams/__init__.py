"""The diagrams of the course, drawn by code.

diagram("attention-flow")    in a notebook's cell; the names are those of DIAGRAMS
"""

from collections.abc import Callable

from rounds.site.diagrams import text, transformer
from rounds.site.diagrams.drawing import Drawing

DIAGRAMS: dict[str, Callable[[], Drawing]] = {
    "attention-flow": transformer.attention_flow,
    "cache-growing": transformer.cache_growing,
    "merges-tree": text.merges_tree,
    "sampler-pipeline": text.sampler_pipeline,
}


def diagram(name: str) -> Drawing:
    """The diagram of that name; raises ValueError, with the known names, for others."""
    if name not in DIAGRAMS:
        known = ", ".join(DIAGRAMS)
        raise ValueError(f"There is no diagram {name!r}. There are: {known}.")
    return DIAGRAMS[name]()
