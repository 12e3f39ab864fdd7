"""What a reader's browser gets and how soon: weight, first paint, explorers, rebuild.

python benchmarks/pages.py            writes benchmarks/results/pages.json

The pages that `make site` built are served to a headless Chromium on this machine,
compressed as any static host does, without its cache.
"""

import functools
import gzip
import statistics
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

import harness
from course import ROOT, site_seconds
from harness import Column, Record, Target
from playwright.sync_api import Browser, Page, sync_playwright
from report import write

from rounds.site import serve
from rounds.site.browser import DRAWN, FLAGS, find

HTML = ROOT / "_build" / "html"
RUNS, MOVES = 5, 40
COMPRESSED = {".html", ".css", ".js", ".json", ".svg", ".txt"}
SLIDERS = ".rounds-explorer [role=slider], .rounds-explorer input[type=range]"
# A page may be used once it has loaded, its explorers are drawn and the browser has
# come to rest: `drawn` is the last time that something was added to an explorer.
WATCH = """
window.seen = {shift: 0, paint: 0, drawn: 0, busy: 0};
new PerformanceObserver(list => {
  for (const one of list.getEntries()) if (!one.hadRecentInput) seen.shift += one.value;
}).observe({type: 'layout-shift', buffered: true});
new PerformanceObserver(list => {
  for (const one of list.getEntriesByName('first-contentful-paint'))
    seen.paint = one.startTime;
}).observe({type: 'paint', buffered: true});
new PerformanceObserver(list => {
  for (const one of list.getEntries()) seen.busy = one.startTime + one.duration;
}).observe({type: 'longtask', buffered: true});
new MutationObserver(changes => {
  if (changes.some(one => one.target.closest?.('.rounds-explorer')))
    seen.drawn = performance.now();
}).observe(document, {childList: true, subtree: true});
"""
SEEN = """() => ({...seen,
  loaded: performance.getEntriesByType('navigation')[0].loadEventEnd})"""
# From the key to the pixels: the model, the script's drawing in its frame, the layout.
REDRAW = """async ([slider, moves]) => {
  const frame = () => new Promise(done => requestAnimationFrame(done));
  const times = [];
  for (let i = 0; i < moves; i++) {
    const key = i < moves / 2 ? 'ArrowLeft' : 'ArrowRight';
    await frame();
    const request = window.requestAnimationFrame, waiting = [];
    window.requestAnimationFrame = call => waiting.push(call);
    const start = performance.now();
    if (slider.matches('input')) {
      slider.stepUp(key === 'ArrowLeft' ? -1 : 1);
      slider.dispatchEvent(new Event('input', {bubbles: true}));
    } else {
      slider.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true}));
    }
    await Promise.resolve();
    while (waiting.length) waiting.shift()(performance.now());
    slider.closest('.rounds-explorer').getBoundingClientRect();
    times.push(performance.now() - start);
    window.requestAnimationFrame = request;
  }
  return times;
}"""
COLUMNS = [
    Column("what", "page", "text"),
    Column("explorers", "explorers", "count"),
    Column("bytes", "weight", "KB"),
    Column("paint", "first paint", "s"),
    Column("ready", "ready", "s"),
    Column("shift", "layout shift", "number"),
    Column("redraw", "slider redraw", "ms"),
]
ABOUT = (
    "Pages as `make site` builds them, served to a headless Chromium on the same "
    "machine with gzip and without a cache. Weight: all that is transferred. Ready: "
    "loaded, each explorer drawn, and no script running for long any more. Medians of "
    f"{RUNS} visits, layout shift the largest of them; redraw: the slowest slider of "
    f"the page, median of {MOVES} moves by a step, from the move to the new layout."
)


class Host(serve.Pages):
    """The course's own server, with the compression that static hosts add."""

    def do_GET(self) -> None:
        """Send the file, compressed where that helps."""
        path = Path(self.translate_path(self.path))
        if path.suffix not in COMPRESSED or not path.is_file():
            return super().do_GET()
        body = compressed(path)
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@functools.cache
def compressed(path: Path) -> bytes:
    """A file as hosts send it."""
    return gzip.compress(path.read_bytes(), 6, mtime=0)


def main() -> None:
    """Build, measure and write the record."""
    rebuild = statistics.median(site_seconds())
    with serve.served(HTML, Host) as address, chromium() as browser:
        rows = [measured(browser, address, page) for page in pages()]
        versions = harness.versions("playwright") | {"chromium": browser.version}
    write(
        Record(
            name="pages",
            title="The pages in a browser",
            about=ABOUT,
            columns=COLUMNS,
            rows=rows,
            targets=[*targets(rows), Target("rebuild", "s", rebuild, at_most=15)],
            versions=versions,
        )
    )


def pages() -> list[str]:
    """The landing page, every chapter, and one exercise with its solution."""
    chapters = sorted(path.stem for path in (HTML / "chapters").glob("*.html"))
    rooms = ["exercises/attention", "solutions/attention"]
    return ["index", *(f"chapters/{name}" for name in chapters), *rooms]


def targets(rows: list[dict[str, Any]]) -> list[Target]:
    """What the site promises: the worst page of each kind."""
    plain = [row for row in rows if not row["explorers"]]
    lively = [row for row in rows if row["explorers"]]
    worst = {key: max(row[key] for row in rows) for key in ("paint", "ready", "shift")}
    redraw = max(row["redraw"] for row in lively if row["redraw"] is not None)
    return [
        Target("heaviest without explorers", "KB", heaviest(plain), at_most=700_000),
        Target("heaviest with explorers", "KB", heaviest(lively), at_most=1_500_000),
        Target("first contentful paint", "s", worst["paint"], at_most=1),
        Target("ready", "s", worst["ready"], at_most=2.5),
        Target("layout shift", "number", worst["shift"], at_most=0.1),
        Target("slider redraw", "ms", redraw, at_most=0.016),
    ]


def heaviest(rows: list[dict[str, Any]]) -> float:
    """The bytes of the heaviest page."""
    return max(row["bytes"] for row in rows)


def measured(browser: Browser, address: str, page: str) -> dict[str, Any]:
    """The row of one page."""
    visits = [visit(browser, f"{address}/{page}.html") for _ in range(RUNS)]
    row = {"what": page, "explorers": visits[0]["explorers"]} | {
        key: statistics.median(one[key] for one in visits)
        for key in ("bytes", "paint", "ready")
    }
    row["shift"] = max(one["shift"] for one in visits)
    redraws = [one["redraw"] for one in visits if one["redraw"] is not None]
    row["redraw"] = statistics.median(redraws) if redraws else None
    print(row, file=sys.stderr, flush=True)
    return row


def visit(browser: Browser, url: str) -> dict[str, Any]:
    """Open a page in a browser that knows nothing, and say what was seen.

    Bytes as transferred, headers included; times in seconds since the click.
    """
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.add_init_script(WATCH)
    tab = context.new_page()
    wire = context.new_cdp_session(tab)
    wire.send("Network.enable")
    wire.send("Network.setCacheDisabled", {"cacheDisabled": True})
    sizes: list[float] = []
    wire.on("Network.loadingFinished", lambda it: sizes.append(it["encodedDataLength"]))
    tab.goto(url, wait_until="networkidle")
    tab.wait_for_function(DRAWN)
    tab.wait_for_timeout(500)  # a late shift or a long task would be seen by then
    seen = tab.evaluate(SEEN)
    found = {
        "explorers": tab.locator(".rounds-explorer").count(),
        "bytes": sum(sizes),
        "paint": seen["paint"] / 1e3,
        "ready": max(seen["loaded"], seen["drawn"], seen["busy"]) / 1e3,
        "shift": seen["shift"],
        "redraw": slowest(tab),
    }
    context.close()
    return found


def slowest(tab: Page) -> float | None:
    """The median redraw, in seconds, of the page's slowest slider; None without any."""
    found = []
    for slider in tab.locator(SLIDERS).element_handles():
        times = tab.evaluate(REDRAW, [slider, MOVES])
        found.append(statistics.median(times) / 1e3)
    return max(found, default=None)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless browser. Ends the program where there is none."""
    path = find()
    if path is None:
        raise SystemExit(
            "No Chromium or Chrome found: set CHROMIUM to the path of one."
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


if __name__ == "__main__":
    main()
