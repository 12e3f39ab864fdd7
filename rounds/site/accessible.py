"""Names for what the theme leaves without one, or names otherwise than it reads."""

from typing import Any

from bs4 import BeautifulSoup
from sphinx.application import Sphinx


def give_names(
    _app: Sphinx, _page: str, _template: str, context: dict[str, Any], _tree: Any
) -> None:
    """Name the folds of the page and of the list of contents (`html-page-context`)."""
    # myst-nb calls each "Toggle hidden content", whatever is to be read on it.
    if "body" in context:
        body = context["body"]
        context["body"] = body.replace(' aria-label="Toggle hidden content"', "")
    if draw := context.get("generate_toctree_html"):
        context["generate_toctree_html"] = lambda *args, **kwargs: with_names(
            draw(*args, **kwargs)
        )


def with_names(contents: Any) -> Any:
    """The list of contents, its folds named: the theme draws only a sign there."""
    if isinstance(contents, BeautifulSoup):
        for fold in contents.select("li > details > summary"):
            entry = fold.find_parent("li").find("a")
            fold["aria-label"] = f"Pages of {entry.get_text(strip=True)}"
    return contents
