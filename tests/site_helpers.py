"""What the site tests share: a clean checkout, the built pages, a browser."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from bs4 import BeautifulSoup

from rounds.site.browser import FLAGS as BROWSER_FLAGS
from rounds.site.browser import find as find_browser

ROOT = Path(__file__).parent.parent

# What a browser fetches by itself; the links of <a> it does not.
FETCHED = {
    "audio": ("src",),
    "embed": ("src",),
    "iframe": ("src",),
    "image": ("href", "xlink:href"),
    "img": ("src", "srcset"),
    "input": ("src",),
    "link": ("href",),
    "object": ("data",),
    "script": ("src",),
    "source": ("src", "srcset"),
    "track": ("src",),
    "use": ("href", "xlink:href"),
    "video": ("src", "poster"),
}
OFF_HOST = re.compile(r"^\s*(https?:)?//", re.IGNORECASE)
IN_CSS = re.compile(r"""(?:url\(|@import)\s*["']?((?:https?:)?//[^"')\s]+)""")


def clean_checkout(target: Path) -> Path:
    """Copy to `target` what a clone of this working tree would hold.

    Nothing that git is told to ignore comes along, so that the site cannot lean on
    it; the installed page scripts are linked in, as the install step would put them.
    """
    lines = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    ignored = [line.rstrip("/") for line in lines if line and not line.startswith("#")]
    leave = shutil.ignore_patterns(".git", *ignored)
    shutil.copytree(ROOT, target, ignore=leave, dirs_exist_ok=True)
    (target / "node_modules").symlink_to(ROOT / "node_modules")
    return target


def build_site(checkout: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Build the site of `checkout` with the environment that runs the tests; of what
    may be set for the site, SITE_URL and the like, only `settings`."""
    command = [sys.executable, "-m", "rounds.site.build"]
    unset = ("PYTHONPATH", "SITE_URL", "SOURCE_URL", "LITE", "LITE_PACKAGES")
    environment = {k: v for k, v in os.environ.items() if k not in unset} | settings
    return subprocess.run(
        command, cwd=checkout, env=environment, capture_output=True, text=True
    )


def parsed(page: Path) -> BeautifulSoup:
    """The HTML of a page as a tree."""
    return BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")


@cache
def headings(page: Path) -> dict[str, str]:
    """The headings of a page by the ids of their sections.

    The tree itself is not kept: those of all pages take hundreds of megabytes.
    """
    found = {}
    for section in parsed(page).select("section[id]"):
        heading = section.find(re.compile("^h[1-6]$"))
        if heading:  # it ends with the sign that links to it
            found[str(section["id"])] = heading.get_text()[:-1]
    return found


def off_host_in_html(tree: BeautifulSoup) -> list[str]:
    """The addresses on other hosts that a browser would fetch for this page."""
    found = []
    for tag, attributes in FETCHED.items():
        for element in tree.find_all(tag):
            values = [str(element.get(name, "")) for name in attributes]
            found += [value for value in values if OFF_HOST.match(value)]
    styles = [style.get_text() for style in tree.find_all("style")]
    styles += [str(element["style"]) for element in tree.find_all(style=True)]
    return found + [address for style in styles for address in IN_CSS.findall(style)]


def broken_links(page: Path, html: Path) -> list[str]:
    """The links of `page` to a page or anchor that the site does not have."""
    broken = []
    for link in parsed(page).select("a[href]"):
        address = str(link["href"])
        if urlsplit(address).scheme or address.startswith("//"):
            continue
        here = page.relative_to(html).as_posix()
        path, _, anchor = urljoin(here, address).partition("#")
        path = unquote(path.partition("?")[0]).lstrip("/")
        goal = html / path if path else page
        if not goal.is_file() or (anchor and not has_anchor(goal, unquote(anchor))):
            broken.append(address)
    return broken


def has_anchor(page: Path, name: str) -> bool:
    """True if `page` has an element of that id."""
    return page.suffix != ".html" or name in _ids(page)


@cache
def _ids(page: Path) -> set[str]:
    return {str(element["id"]) for element in parsed(page).select("[id]")}


@contextmanager
def started_browser() -> Iterator:
    """A headless browser; the test is skipped where there is none."""
    path = find_browser()
    if path is None:
        pytest.skip("no Chromium or Chrome found: set CHROMIUM to the path of one")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=BROWSER_FLAGS)
        yield browser
        browser.close()
