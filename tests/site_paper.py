"""The site on paper: what the book says of itself in print, and a small PDF of it."""

from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import pikepdf
import pytest
from site_helpers import ROOT, find_browser

from rounds.site.printed import book, pdf

# What the small PDF is made of: a part, a chapter in it, and what comes last.
PRINTED = ["part-1", "chapters-attention", "exercises-attention", "glossary"]
TO_CLICK = (
    ".rounds-bar, .bd-header, .bd-header-article, .bd-sidebar-primary,"
    " .bd-sidebar-secondary, .prev-next-footer, .bd-footer, #pst-back-to-top,"
    " .copybtn, a.headerlink, button, [role=slider], input[type=range],"
    " #jb-print-docs-body"
)
# Elements that reach beyond the text, or hold more than they show.
WIDE = """() => {
  const edge = document.querySelector('.bd-article').getBoundingClientRect().right;
  const out = e => e.getBoundingClientRect().right > edge + 1;
  const boxes = 'pre, table, div:is(.math, .text_html, .output, .rounds-explorer)';
  const cut = e => e.matches(boxes) && e.scrollWidth > e.clientWidth + 1;
  return [...document.querySelectorAll('.bd-article *')]
    .filter(e => !e.closest('mjx-assistive-mml, svg'))
    .filter(e => out(e) || cut(e)).map(e => e.outerHTML.slice(0, 120));
}"""
# Pictures that did not come, or have no description.
BLANK = """() => [...document.images]
  .filter(e => !e.naturalWidth || e.alt.split(' ').length < 3).map(e => e.outerHTML)"""
# Links within the book that lead nowhere, and ids that two elements have.
LOST = """() => {
  const ids = [...document.querySelectorAll('.bd-article [id]')].map(e => e.id);
  const twice = ids.filter((id, i) => ids.indexOf(id) !== i);
  const links = [...document.querySelectorAll('.bd-article a[href^="#"]')];
  return [...twice, ...links.map(e => decodeURIComponent(e.hash.slice(1)))
    .filter(id => !document.getElementById(id))];
}"""
EXPLORERS = """() => [...document.querySelectorAll('.rounds-explorer')]
  .map(e => e.querySelector('.rounds-w').getBoundingClientRect().height)"""
ALONE = """() => [...document.querySelectorAll(
  '.rounds-piece :is(h1, h2, h3, h4, summary)')]
  .filter(e => getComputedStyle(e).breakAfter !== 'avoid').map(e => e.textContent)"""
VISIBLE = """selector => [...document.querySelectorAll(selector)]
  .filter(e => e.checkVisibility()).map(e => e.outerHTML.slice(0, 120))"""
FOLDS = """() => [...document.querySelectorAll('.bd-article details')]
  .map(e => e.open && e.querySelector('summary').checkVisibility())"""


@dataclass
class Paper:
    """The book in print media, the small PDF, and a page that a reader prints."""

    wide: list[str] = field(default_factory=list)
    blank: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    alone: list[str] = field(default_factory=list)
    to_click: list[str] = field(default_factory=list)
    folds: list[bool] = field(default_factory=list)
    explorers: list[float] = field(default_factory=list)
    formulas: tuple[int, int, int] = (0, 0, 0)  # in the source, typeset, in error
    at: dict[str, int] = field(default_factory=dict)
    told: dict[str, str] = field(default_factory=dict)  # place, number in the contents
    outline: list = field(default_factory=list)
    sizes: set[tuple[int, int]] = field(default_factory=set)
    single: dict[str, list] = field(default_factory=dict)


def on_paper(html: Path, address: str, page: str) -> Paper:
    """What there is to see. The test is skipped where there is no browser."""
    if find_browser() is None:
        pytest.skip("no Chromium or Chrome found: set CHROMIUM to the path of one")
    found = Paper()
    with pdf.opened(html, book.assemble(html, ROOT)) as tab:
        found.wide = tab.evaluate(WIDE)
        found.blank = tab.evaluate(BLANK)
        found.lost = tab.evaluate(LOST)
        found.alone = tab.evaluate(ALONE)
        found.to_click = tab.evaluate(VISIBLE, TO_CLICK)
        found.folds = tab.evaluate(FOLDS)
        found.explorers = tab.evaluate(EXPLORERS)
        found.formulas = tuple(
            tab.locator(selector).count()
            for selector in (".math", "mjx-container", "mjx-merror")
        )
        print_little(tab, found)
        found.single = print_single(tab, address, page)
    return found


def print_little(tab, found: Paper) -> None:
    """Leave only a few pieces of the book, and of each its head, and print them."""
    tab.evaluate(
        """kept => {
          for (const one of document.querySelectorAll('.rounds-part, .rounds-piece'))
            if (!kept.includes(one.id)) one.remove();
          const more = '.rounds-piece > section > section:nth-of-type(n + 3)';
          for (const one of document.querySelectorAll(more)) one.remove();
        }""",
        PRINTED,
    )
    printed, found.at = pdf.settled(tab)
    found.told = tab.evaluate(
        """() => Object.fromEntries(
          [...document.querySelectorAll('.rounds-contents [data-at]')]
            .map(e => [e.dataset.at, e.textContent]))"""
    )
    with pikepdf.open(BytesIO(printed)) as small:
        found.sizes = {
            tuple(round(float(n)) for n in page.mediabox[2:]) for page in small.pages
        }
        with small.open_outline() as outline:
            found.outline = [
                (one.title, [two.title for two in one.children]) for one in outline.root
            ]


def print_single(tab, address: str, page: str) -> dict[str, list]:
    """A dark page of the site, before, while and after a reader prints it."""
    states = {}
    tab.emulate_media(media="screen", color_scheme="dark")
    tab.goto(f"{address}/{page}.html", wait_until="networkidle")
    look = """() => [document.documentElement.dataset.theme,
      document.querySelectorAll('.bd-article details[open]').length,
      document.querySelectorAll('.bd-article details').length]"""
    states["before"] = tab.evaluate(look)
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    tab.emulate_media(media="print", color_scheme="dark")
    states["printed"] = tab.evaluate(look)
    states["to click"] = tab.evaluate(VISIBLE, TO_CLICK)
    states["wide"] = tab.evaluate(WIDE)
    states["title"] = tab.evaluate(VISIBLE, ".bd-article h1")
    tab.emulate_media(media="screen", color_scheme="dark")
    tab.evaluate("dispatchEvent(new Event('afterprint'))")
    states["after"] = tab.evaluate(look)
    return states
