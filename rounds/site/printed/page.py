"""One page of the site, mended for paper.

Its ids become its own in the book; links lead to places in the book, or to a list of
addresses at the page's end; folds are open; and what is long may be broken.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

from bs4 import BeautifulSoup, Tag

# Code of so many lines is not broken at the end of a page.
SHORT = 16
VIEW = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"
ANSWERS = '<strong>A spoiler:</strong> this solves <a href="#{}">the exercise</a>.'
HEADING = re.compile("^h[1-6]$")
# Attributes that name ids of the same page.
REFERENCES = ("aria-labelledby", "aria-describedby", "for")


@dataclass
class Page:
    """A page: `key` is its id in the book, `states` are those of its explorers."""

    key: str
    section: Tag
    states: list[str] = field(default_factory=list)

    @property
    def title(self) -> str:
        """Its heading."""
        return self.section.find(HEADING).get_text()

    def sections(self) -> list[tuple[str, str]]:
        """Id and heading of each of its sections, not of their own."""
        found = self.section.find_all("section", recursive=False)
        return [(str(one["id"]), one.find(HEADING).get_text()) for one in found]


def key(name: str) -> str:
    """The id of a page in the book: chapters/bpe becomes chapters-bpe."""
    return name.replace("/", "-")


def read(html: Path, name: str, in_book: list[str]) -> Page:
    """The page `name` of the site in `html`, mended; `in_book` can be linked to."""
    source = (html / f"{name}.html").read_text(encoding="utf-8")
    tree = BeautifulSoup(source, "html.parser")
    page = Page(key(name), tree.select_one("article.bd-article > section"))
    for sign in page.section.select("a.headerlink"):
        sign.decompose()
    explorers(page, tree)
    own_ids(page)
    own_places(page, name, in_book)
    open_folds(page.section)
    mark(page.section)
    return page


def explorers(page: Page, tree: BeautifulSoup) -> None:
    """Keep what the explorers are made of, under ids that no other page has."""
    for script in tree.find_all("script", type=[VIEW, STATE]):
        script.string = re.sub(r"widget-(?=\d{4})", f"{page.key}-", script.string)
        if script["type"] == STATE:
            page.states.append(script.string)


def own_ids(page: Page) -> None:
    """Put the page's name before each id, and before what refers to one."""
    for one in page.section.select("[id]") + [page.section]:
        one["id"] = f"{page.key}--{one['id']}"
    for attribute in REFERENCES:
        for one in page.section.select(f"[{attribute}]"):
            one[attribute] = " ".join(
                f"{page.key}--{i}" for i in one[attribute].split()
            )


def own_places(page: Page, name: str, in_book: list[str]) -> None:
    """Lead links and pictures to where their goals are in the book."""
    for picture in page.section.select("img[src]"):
        picture["src"] = urljoin(f"{name}.html", picture["src"])
    for link in page.section.select("a[href]"):
        if urlsplit(link["href"]).scheme:
            continue
        path, _, anchor = urljoin(f"{name}.html", link["href"]).partition("#")
        goal = path.removesuffix(".html")
        if goal in in_book:
            place = f"{key(goal)}--{unquote(anchor)}" if anchor else key(goal)
            link["href"] = f"#{place}"
        else:
            link.unwrap()


def open_folds(section: Tag) -> None:
    """Open the folds; those of cells say what they hold instead of what to do."""
    for fold in section.select("details"):
        fold["open"] = ""
    for summary in section.select("details.hide > summary"):
        words = summary.find("p").get_text(strip=True)
        summary.clear()
        summary.append(words.replace("Show the", "The"))


def mark(section: Tag) -> None:
    """Mark what the style sheet cannot see: long code, and words that lead to code."""
    for code in section.select("pre"):
        if code.get_text().count("\n") > SHORT:
            code["class"] = [*code.get("class", []), "rounds-long"]
    for paragraph in section.find_all("p"):
        if paragraph.get_text().rstrip().endswith(":"):
            paragraph["class"] = [*paragraph.get("class", []), "rounds-leads"]


def sink(section: Tag, levels: int) -> None:
    """Lower the headings by so many levels: the outline of the PDF is made of them."""
    for heading in section.find_all(HEADING):
        heading.name = f"h{min(6, int(heading.name[1]) + levels)}"


def without_repeats(solution: Tag, exercise: Page) -> None:
    """Leave out of a solution what its exercise says word for word.

    Sections in which nothing is left go, too. What warns of it speaks of folds on the
    site, and only leads to the exercise here.
    """
    said = {words(block) for block in blocks(exercise.section)}
    for block in blocks(solution):
        if words(block) in said:
            block.decompose()
    for section in solution.find_all("section"):
        if not blocks(section):
            section.decompose()
    for warning in solution.select(".rounds-spoiler > p"):
        rest = BeautifulSoup(ANSWERS.format(exercise.key), "html.parser")
        warning.clear()
        warning.append(rest)


def blocks(section: Tag) -> list[Tag]:
    """The paragraphs, cells, folds and so on of a section and of those within it."""
    return [
        child
        for one in [section, *section.find_all("section")]
        for child in one.find_all(recursive=False)
        if child.name != "section" and not HEADING.match(child.name)
    ]


def words(block: Tag) -> str:
    """What a block says."""
    return " ".join(block.get_text().split())


def list_addresses(page: Page, soup: BeautifulSoup) -> None:
    """Number the links to other sites, and list their addresses at the page's end."""
    numbers: dict[str, int] = {}
    for link in page.section.select("a[href]"):
        address = str(link["href"])
        if address.startswith("#") or address.endswith(link.get_text(strip=True)):
            continue
        number = numbers.setdefault(address, len(numbers) + 1)
        sign = soup.new_tag("sup", attrs={"class": "rounds-number"})
        sign.string = str(number)
        link.insert_after(sign)
    if numbers:
        found = soup.new_tag("ol", attrs={"class": "rounds-addresses"})
        for address in numbers:
            item = soup.new_tag("li")
            item.string = address
            found.append(item)
        page.section.append(found)
