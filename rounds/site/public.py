"""What a site needs that stands at a public address, and one without it does not.

Set SITE_URL to the address when building, and each page has an Open Graph card and the
site a sitemap. Without it there is nothing of that, since both name the address. There
is a page for addresses that do not exist in either case; its links are absolute, from
the root of the host or of SITE_URL, as the missing page may be at any depth.

Set SOURCE_URL to where the course's files can be had, and the landing page says so:

{rounds-source}          what it holds, the address in place of {source}; else nothing
"""

import logging
import os
from collections.abc import Mapping
from urllib.parse import urlsplit

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util.docutils import SphinxDirective

from rounds.site import SiteError

NOT_FOUND = """\
<h1>No such page</h1>
<p>This address leads nowhere: the page was moved, or the link has a mistake in it.
<a href="{prefix}index.html">The first page</a> lists all topics, and
<a href="{prefix}search.html">the search</a> finds words on every page.</p>
"""

# A card draws no SVG, and in place of a small picture that is missing Sphinx's.
CARDS = {
    "line_color": "#0b6e7f",
    "image": "assets/logo.png",
    "image_mini": "assets/clear.png",
}

# Pages for whoever is here already, not for who looks for the course elsewhere.
NOT_IN_SITEMAP = ["404.html", "genindex.html", "search.html"]


def address(environment: Mapping[str, str]) -> str | None:
    """SITE_URL with a slash at its end; None where it is not set. Raises SiteError."""
    url = whole("SITE_URL", environment)
    if url is None:
        return None
    parts = urlsplit(url)
    if parts.query or parts.fragment or parts.path.endswith(".html"):
        raise SiteError(
            f"SITE_URL is {url!r}, and should be the folder that the site is in: "
            "leave out the page and all after it."
        )
    return url.rstrip("/") + "/"


def source(environment: Mapping[str, str]) -> str | None:
    """SOURCE_URL; None where it is not set. Raises SiteError."""
    return whole("SOURCE_URL", environment)


def whole(name: str, environment: Mapping[str, str]) -> str | None:
    """The address that is set under `name`, None for none. Raises SiteError."""
    url = environment.get(name, "").strip()
    if not url:
        return None
    if not is_whole(url):
        raise SiteError(
            f"{name} is {url!r}, which is no address: write it whole, for instance "
            "https://example.org/course/."
        )
    return url


def is_whole(url: str) -> bool:
    """Whether it is an address with a host, by http or https."""
    try:
        parts = urlsplit(url)
    except ValueError:  # brackets that are no address of IPv6
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


class SourceDirective(SphinxDirective):
    """Says where the course's files are, if that is known."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """What the directive holds, with the address as a link."""
        url = source(os.environ)
        if url is None:
            return []
        text = "\n".join(self.content).replace("{source}", f"[{url}]({url})")
        return self.parse_text_to_nodes(text)


def load(app: Sphinx, url: str | None) -> None:
    """Add the Sphinx extensions that a site at `url` needs, None for no address."""
    app.setup_extension("notfound.extension")
    if url:
        app.setup_extension("sphinxext.opengraph")
        app.setup_extension("sphinx_sitemap")


def configure(config: Config, url: str | None) -> None:
    """Set what those extensions are to do."""
    prefix = urlsplit(url).path if url else "/"
    body = NOT_FOUND.format(prefix=prefix)
    config.notfound_urls_prefix = prefix
    config.notfound_context = {"title": "No such page", "body": body}
    if url:
        config.html_baseurl = url
        config.ogp_site_url = url
        config.ogp_site_name = config.project
        config.ogp_social_cards = CARDS
        # The cards' font has no bold cut, which matplotlib says for each of them.
        logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
        config.sitemap_url_scheme = "{link}"
        config.sitemap_excludes = NOT_IN_SITEMAP
