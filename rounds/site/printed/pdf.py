"""Builds the site, and prints the whole of it as one PDF.

    python -m rounds.site.printed.pdf [a4 | letter]

An installed Chromium or Chrome prints (set CHROMIUM to the path of one). It is printed
until the page numbers that stand in it are those of the pages: twice or three times.
"""

import importlib.util
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from rounds.root import NoCourse, course_root
from rounds.site import SiteError, browser, build, public
from rounds.site.printed import book
from rounds.site.serve import served

OLDEST = 131  # of Chromium: from then on it knows what @page says of the foot
PATIENCE = 120_000  # milliseconds
ROUNDS = 5
PRINT = {"prefer_css_page_size": True, "print_background": True}

# Explorers are drawn, formulas typeset, pictures and fonts there.
READY = """async () => {
  await document.fonts.ready;
  await window.MathJax?.startup?.promise;
  const all = [...document.images];
  await Promise.all(all.map(one => one.decode().catch(() => {})));
}"""
# Writes the numbers of pages: into the contents, and behind links within the book.
NUMBER = """at => {
  for (const link of document.querySelectorAll('.rounds-piece a[href^="#"]')) {
    if (link.nextElementSibling?.dataset.at) continue;
    const sign = document.createElement('span');
    sign.className = 'rounds-at';
    sign.dataset.at = decodeURIComponent(link.hash.slice(1));
    link.after(sign);
  }
  for (const one of document.querySelectorAll('[data-at]'))
    one.textContent = at[one.dataset.at] ?? '000';
}"""


@contextmanager
def opened(html: Path, source: str) -> Iterator:
    """The book `source`, open in a browser as it is to be printed. Raises SiteError."""
    path, address = require("a4"), "/book-to-print.html"
    from playwright.sync_api import Error

    with served(html) as host, _started(path) as chromium:
        tab = chromium.new_page(viewport={"width": 605, "height": 900})
        tab.set_default_timeout(PATIENCE)
        tab.route(
            host + address,
            lambda route: route.fulfill(body=source, content_type="text/html"),
        )
        tab.emulate_media(media="print", color_scheme="light")
        try:
            tab.goto(host + address, wait_until="networkidle")
            tab.wait_for_function(browser.DRAWN)
            tab.wait_for_function(browser.TYPESET)
            tab.evaluate(READY)
        except Error as trouble:
            why = str(trouble).splitlines()[0]
            raise SiteError(f"The book was not drawn to its end ({why}).") from None
        tab.evaluate(NUMBER, {})
        yield tab


def require(paper: str) -> str:
    """The path of a browser, if all is here that printing needs. Raises SiteError."""
    if paper not in book.PAPERS:
        known = " or ".join(book.PAPERS)
        raise SiteError(f"{paper!r} is no paper that is known here: take {known}.")
    for module in ("playwright", "pikepdf"):
        if importlib.util.find_spec(module) is None:
            raise SiteError(
                f"Printing needs {module}: "
                "python -m pip install -r requirements-dev.txt."
            )
    path = browser.find()
    if path is None:
        raise SiteError(
            "Printing needs a browser, and no Chromium or Chrome was found: install "
            "one, or set CHROMIUM to the path of one."
        )
    return path


@contextmanager
def _started(path: str) -> Iterator:
    from playwright.sync_api import Error, sync_playwright

    with sync_playwright() as playwright:
        try:
            chromium = playwright.chromium.launch(
                executable_path=path, args=browser.FLAGS
            )
        except Error as trouble:
            why = str(trouble).splitlines()[0]
            raise SiteError(
                f"{path} does not start ({why}): set CHROMIUM to the path of another."
            ) from None
        version = chromium.version
        if int(version.partition(".")[0]) < OLDEST:
            raise SiteError(
                f"{path} is version {version}, and printing needs {OLDEST} or later."
            )
        yield chromium
        chromium.close()


def print_book(html: Path, root: Path, target: Path, paper: str = "a4") -> int:
    """Print the book of the site in `html` into `target`.

    Returns the number of its pages. Raises SiteError.
    """
    source = book.assemble(html, root, paper, public.address(os.environ))
    with opened(html, source) as tab:
        printed, _ = settled(tab)
    target.parent.mkdir(parents=True, exist_ok=True)
    return write(printed, target, root)


def settled(tab) -> tuple[bytes, dict[str, int]]:
    """The open book as a PDF in which the numbers are right, and the numbers."""
    # The first time for the numbers alone, without what only a reader of it needs.
    at = numbers(tab.pdf(**PRINT))
    for _ in range(ROUNDS):
        tab.evaluate(NUMBER, at)
        printed = tab.pdf(**PRINT, outline=True, tagged=True)
        found = numbers(printed)
        if found == at:
            return printed, at
        at = found
    raise SiteError("The page numbers do not settle: no PDF was written.")


def numbers(printed: bytes) -> dict[str, int]:
    """The page of each place that a link leads to."""
    import pikepdf

    with pikepdf.open(BytesIO(printed)) as pdf:
        on = {page.obj.objgen: number for number, page in enumerate(pdf.pages, 1)}
        return {
            name.removeprefix("/"): on[place[0].objgen]
            for name, place in pdf.Root.Dests.items()
        }


def write(printed: bytes, target: Path, root: Path) -> int:
    """Write the PDF, its parts packed, which makes it three times smaller.

    Returns the number of its pages.
    """
    import pikepdf

    with pikepdf.open(BytesIO(printed)) as pdf:
        with pdf.open_metadata() as about:
            about["dc:title"] = book.config(root)["title"]
            about["dc:creator"] = [book.config(root)["author"]]
        pdf.save(target, object_stream_mode=pikepdf.ObjectStreamMode.generate)
        return len(pdf.pages)


def main(arguments: list[str]) -> int:
    """Build the site and print it on the paper that is named, by default A4."""
    try:
        paper = (arguments or ["a4"])[0].lower()
        require(paper)
        root = course_root()
        target = root / "_build" / "coding-rounds.pdf"
        count = print_book(build.build(root), root, target, paper)
    except (SiteError, NoCourse) as trouble:
        print(trouble, file=sys.stderr)
        return 1
    print(f"The book is in {target} ({count} pages).")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
