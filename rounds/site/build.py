"""Builds the site, strictly: a warning or a missing page is a failure.

    python -m rounds.site.build

With SITE_URL set to its public address, the site has Open Graph cards and a sitemap;
with SOURCE_URL its first page says where the files are.
The pages come out in _build/html, from nothing each time: a build that reuses pages
does not repeat the warnings about them.
"""

import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from rounds.root import NoCourse, course_root
from rounds.site import SiteError, browser_files, lighter, lite, public

# -W turns each warning into a failure (a broken link is only a warning, and
# Jupyter Book exits with 0 on it), -n warns about every reference that leads nowhere,
# and --keep-going tells all of them at once.
STRICT = ["-W", "-n", "--keep-going"]

# What Sphinx prints as it goes through the pages: "reading sources... [ 50%] index".
PROGRESS = ("reading sources", "writing output")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")

# jsonschema, if it can, loads the grammars of all kinds of addresses: seconds for
# formats that no file here has.
_JUPYTER_BOOK = (
    "import sys; sys.modules['rfc3987_syntax'] = None; "
    "from jupyter_book.cli.main import main; main()"
)


def build(root: Path | None = None) -> Path:
    """Build the book of the course at `root` (by default this one).

    Returns the folder of the pages. Raises SiteError.
    """
    root = root or course_root()
    require_version_1(version("jupyter-book"))
    public.address(os.environ)
    public.source(os.environ)
    if lite.wanted(os.environ):
        lite.require_install(root, os.environ)
    html = root / "_build" / "html"
    for stale in (html, root / "_build" / ".doctrees"):
        shutil.rmtree(stale, ignore_errors=True)
    browser_files.copy(root, root / "_build" / "browser")
    run_jupyter_book(root)
    require_pages(root, html)
    lighter.site(html)
    if lite.wanted(os.environ):
        lite.build(root, html, os.environ)
    print(f"The site is in {html}", flush=True)
    return html


def require_version_1(installed: str) -> None:
    """Raise SiteError unless `installed` is a version of Jupyter Book 1.

    Version 2 ignores _config.yml, writes no pages and still exits with 0.
    """
    if installed.partition(".")[0] != "1":
        raise SiteError(
            f"Jupyter Book {installed} is installed, and this book needs version 1: "
            "install requirements.txt again."
        )


def run_jupyter_book(root: Path) -> None:
    """Run Jupyter Book over `root`, its progress shown. Raises SiteError."""
    command = [sys.executable, "-c", _JUPYTER_BOOK, "build", *STRICT, str(root)]
    # The book must import this course's package, whatever is installed.
    environment = os.environ | {"PYTHONPATH": str(root), "PYTHONUNBUFFERED": "1"}
    # Only its progress is passed on; its warnings come on the other stream, untouched.
    with subprocess.Popen(
        command,
        cwd=root,
        env=environment,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
    ) as process:
        for line in process.stdout or ():
            text = COLOUR.sub("", line).rstrip()
            if text.startswith(PROGRESS) and "%" in text:
                print(text, flush=True)
    if process.returncode:
        raise SiteError(
            "The site was not built: see the warnings and errors above, "
            "each with the page and line it is about."
        )


def require_pages(root: Path, html: Path) -> None:
    """Raise SiteError unless each page of _toc.yml was written to `html`."""
    from sphinx_external_toc.parsing import parse_toc_yaml

    pages = parse_toc_yaml(root / "_toc.yml")
    missing = [page for page in pages if not (html / f"{page}.html").is_file()]
    if missing:
        raise SiteError(
            f"Jupyter Book ended well but wrote no page for {', '.join(missing)}: "
            "check their names in _toc.yml."
        )


def main() -> int:
    """Build the site of this course."""
    try:
        build()
    except (SiteError, NoCourse) as trouble:
        print(trouble, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
