"""The browser that prints the book and tests the site: an installed one.

DRAWN and TYPESET are true in a page when what it draws by itself is there.
"""

import os
import shutil

BROWSERS = (
    os.environ.get("CHROMIUM", ""),
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

DRAWN = """() => document.querySelectorAll('script[type$="widget-view+json"]').length
  === document.querySelectorAll('.rounds-w').length"""
# MathJax fetches its parts one after another, with pauses in which nothing loads.
TYPESET = """() => !document.querySelector('.math')
  || document.querySelector('mjx-container')"""


def find() -> str | None:
    """The path of a Chromium or Chrome on this machine, or None."""
    return next(filter(None, map(shutil.which, filter(None, BROWSERS))), None)
