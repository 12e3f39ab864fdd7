"""All pages of the site as one page to be printed.

A title page, the contents, what the landing page says, then the parts of the book: each
chapter and its exercise. The solutions come after them, as an appendix that says what
it is, without what the exercises say already; what _toc.yml has besides comes last.
"""

import tomllib
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

import yaml
from bs4 import BeautifulSoup
from sphinx_external_toc.parsing import parse_toc_yaml

from rounds import audit
from rounds.site import contents
from rounds.site.printed import page as pages
from rounds.site.printed.page import Page

# Paper by name: its size for @page, and the margins at its sides. What is between
# them is 160 mm on each: 88 columns of code.
PAPERS = {"a4": ("A4", "25mm"), "letter": ("letter", "27.95mm")}
PREFACE = "About this course"
SOLUTIONS = "Solutions"
SPOILER = (
    "From here on everything is given away. What an exercise asks and hints at is not "
    "said again: the solutions follow its sections, each with the program and with "
    "what is to be said about it."
)
PRINTED = (
    "Printed from the course's site: folds lie open, and what can be moved there "
    "stands here as it opens."
)
# Of the scripts of the site only those that typeset formulas and draw explorers.
SCRIPTS = "script[src*='/mathjax/'], script[src*='/widgets/']"


@dataclass
class Part:
    """Pages under a heading; without a title each of them is one by itself."""

    title: str
    pages: list[Page] = field(default_factory=list)
    words: str = ""


def parts(html: Path, root: Path) -> list[Part]:
    """The pages of the book by part, mended, in the order in which they are printed."""
    names = contents.pages(root)
    read = {name: pages.read(html, name, names) for name in names}
    toc = parse_toc_yaml(root / "_toc.yml")
    preface = read[toc.root.docname]
    preface.section.h1.string = PREFACE
    before, within, after = [Part("", [preface])], [], []
    for part in toc.root.subtrees:
        below = [name for item in part.items for name in _with_sections(toc, str(item))]
        roomed = any(name.startswith("chapters/") for name in below)
        shown = [read[name] for name in below if not name.startswith("solutions/")]
        if roomed:
            within.append(Part(part.caption or "Topics", shown))
        else:
            after.append(Part("", shown))
    solutions = Part(SOLUTIONS, words=SPOILER)
    for name in names:
        if name.startswith("solutions/"):
            exercise = read.get(name.replace("solutions/", "exercises/"))
            if exercise:
                pages.without_repeats(read[name].section, exercise)
            solutions.pages.append(read[name])
    return [*before, *within, *([solutions] if solutions.pages else []), *after]


def _with_sections(toc, item: str) -> list[str]:
    """A page of the book and those below it, without their endings."""
    name = item.removesuffix(".ipynb").removesuffix(".md")
    below = [str(one) for tree in toc[name].subtrees for one in tree.items]
    return [name, *(deep for one in below for deep in _with_sections(toc, one))]


def assemble(html: Path, root: Path, paper: str = "a4", site: str | None = None) -> str:
    """The book as HTML, to be opened at the root of the site in `html`.

    `site` is the public address of the site, where it has one.
    """
    found = parts(html, root)
    soup = BeautifulSoup("", "html.parser")
    for part in found:
        for one in part.pages:
            pages.list_addresses(one, soup)
            pages.sink(one.section, 1 if part.title else 0)
    every = [one for part in found for one in part.pages]
    states = "\n".join(
        f'<script type="{pages.STATE}">{state}</script>'
        for one in every
        for state in one.states
    )
    return f"""<!doctype html>
<html lang="en" data-theme="light" data-mode="light">
<head><meta charset="utf-8"><title>{escape(config(root)["title"])}</title>
{_head(html, contents.pages(root))}
<style>{_paper(paper, every)}</style>
{states}
</head>
<body class="rounds-book"><div class="bd-main"><div class="bd-content">
<div class="bd-article-container"><article class="bd-article">
{_title_page(root, site)}
{_contents(found)}
{"".join(_part(part, number) for number, part in enumerate(found))}
</article></div></div></div></body></html>
"""


def config(root: Path) -> dict:
    """What _config.yml says."""
    return yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))


def _head(html: Path, names: list[str]) -> str:
    """The style sheets of the site's pages, and the scripts that draw."""
    kept: dict[str, None] = {}
    for name in names:
        source = (html / f"{name}.html").read_text(encoding="utf-8")
        head = BeautifulSoup(source.partition("</head>")[0], "html.parser")
        for sheet in head.select("link[rel=stylesheet]"):
            sheet["href"] = sheet["href"].replace("../", "")
            kept[str(sheet)] = None
        for script in head.find_all("script"):
            if "window.MathJax" in (script.string or ""):
                kept[str(script)] = None
        for script in head.select(SCRIPTS):
            script["src"] = script["src"].replace("../", "")
            kept[str(script)] = None
    return "\n".join(kept)


def _paper(paper: str, every: list[Page]) -> str:
    """The size of the paper, and at the foot of each page where one is."""
    size, side = PAPERS[paper]
    rules = [f"@page {{ size: {size}; margin: 20mm {side} 24mm; }}"]
    for one in every:
        foot = one.title.replace("\\", "").replace('"', "'")
        rules.append(f'@page {one.key} {{ @bottom-left {{ content: "{foot}"; }} }}')
        rules.append(f"#{one.key} {{ page: {one.key}; }}")
    return "\n".join(rules)


def _title_page(root: Path, site: str | None) -> str:
    about = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    said = config(root)
    lines = [
        f'<img src="_static/{Path(said["logo"]).name}" alt="Logo of the course">',
        f'<p class="rounds-book-title">{escape(said["title"])}</p>',
        f"<p>{escape(about['description'])}</p>",
        f'<p class="rounds-score">{contents.score_sentence(audit.recorded())}</p>',
        f'<p class="rounds-imprint">© {said["copyright"]} {escape(said["author"])}, '
        f"version {about['version']}. Code under the MIT License, text under CC BY 4.0."
        f"<br>{PRINTED}{f' It is at {escape(site)}.' if site else ''}</p>",
    ]
    return f'<div class="rounds-title-page">{"".join(lines)}</div>'


def _contents(found: list[Part]) -> str:
    """The contents. The numbers of the pages are filled in once they are known."""
    lines = []
    for number, part in enumerate(found):
        if part.title:
            lines.append(_entry("part", f"part-{number}", part.title))
        for one in part.pages:
            lines.append(_entry("page" if part.title else "part", one.key, one.title))
            if one.key.startswith("chapters-"):
                lines += [_entry("section", *about) for about in one.sections()]
    return (
        '<nav class="rounds-contents"><p class="rounds-contents-title">Contents</p>'
        f"<ul>{''.join(lines)}</ul></nav>"
    )


def _entry(role: str, place: str, title: str) -> str:
    return (
        f'<li class="rounds-contents-{role}"><a href="#{place}">{escape(title)}</a>'
        f'<span class="rounds-at" data-at="{place}"></span></li>'
    )


def _part(part: Part, number: int) -> str:
    """A page that says which part begins, and the pages of the part."""
    head = ""
    if part.title:
        words = f"<p>{part.words}</p>" if part.words else ""
        head = (
            f'<section class="rounds-part" id="part-{number}">'
            f"<h1>{escape(part.title)}</h1>{words}</section>"
        )
    return head + "".join(
        f'<div class="rounds-piece" id="{one.key}">{one.section}</div>'
        for one in part.pages
    )
