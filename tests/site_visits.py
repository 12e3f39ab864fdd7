"""A tour of the built site in one headless browser: what each page showed and did.

The pages are opened beside each other, and what was seen is written down; the tests
then only read. `Tour` says what there is to be read.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.async_api import Browser, Page, TimeoutError, async_playwright
from site_helpers import BROWSER_FLAGS, ROOT, find_browser

from rounds.site.browser import DRAWN, TYPESET

AT_ONCE = 3
PATIENCE = 120_000  # milliseconds: a machine may have other things to do
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
# All rules once; in the dark only what depends on colours.
AXE_RULES = {
    "light": "{resultTypes: ['violations']}",
    "dark": "{runOnly: ['color-contrast', 'link-in-text-block']}",
}
# No name of a host leads anywhere: nothing that a page might ask for is fetched.
HERE_ONLY = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
NARROW, WIDE = {"width": 360, "height": 740}, {"width": 1280, "height": 900}

# Elements of the text that stick out of a narrow window, unless something round them
# scrolls by itself.
STICKING_OUT = """() => {
  const scrolls = e => e && e !== document.body && (
    ['auto', 'scroll', 'hidden', 'clip'].includes(getComputedStyle(e).overflowX)
    || scrolls(e.parentElement));
  return [...document.querySelectorAll('.bd-article *, .rounds-bar *')]
    .filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !scrolls(e))
    .map(e => e.outerHTML.slice(0, 80));
}"""
# The contrast of an element's text with what is painted behind it, as WCAG counts it.
CONTRASTS = """selector => {
  const rgba = c => c.match(/[\\d.]+/g).map(Number);
  const light = c => {
    const [r, g, b] = rgba(c).map(v => v / 255)
      .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = e => {
    const colour = getComputedStyle(e).backgroundColor;
    const seen = rgba(colour).length < 4 || rgba(colour)[3] > 0;
    return seen || !e.parentElement ? colour : behind(e.parentElement);
  };
  return [...document.querySelectorAll(selector)].map(e => {
    const pair = [light(getComputedStyle(e).color), light(behind(e))];
    return (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
  });
}"""
TEXT = ".bd-article p, .bd-article td, .rounds-report pre, .cell_output pre"
PAINTED = """() => [...document.querySelectorAll('.bd-article .cell_output img')]
  .map(e => getComputedStyle(e)).map(e => [e.backgroundColor, e.filter])"""
# What moved after it was first painted, as browsers count it.
SHIFTS = """
window.shifted = 0;
new PerformanceObserver(list => {
  for (const one of list.getEntries()) if (!one.hadRecentInput) shifted += one.value;
}).observe({type: "layout-shift", buffered: true});
"""
# Formulas that a line ends with, though no space divides them from what is next.
TORN = """() => [...document.querySelectorAll('.bd-article span.math')].filter(one => {
  const next = one.nextSibling;
  if (!one.checkVisibility() || next?.nodeType !== 3 || !/^\\S/.test(next.data))
    return false;
  const sign = document.createRange();
  sign.setStart(next, 0);
  sign.setEnd(next, 1);
  const {bottom} = one.getBoundingClientRect();
  return sign.getBoundingClientRect().top > bottom - 5;
}).map(one => one.parentElement.innerText.slice(0, 80))"""
# What goes on at the right and does not say so, and what says so and does not.
GOING_ON = """() => [...document.querySelectorAll('.bd-article pre')].filter(one => {
  const signed = getComputedStyle(one).backgroundImage !== 'none';
  if (one.closest('.rounds-report')) return signed;
  return one.scrollWidth > one.clientWidth + 1 && !signed;
}).map(one => one.innerText.slice(0, 80))"""
# How high the formulas of a line are, as a multiple of the type around them.
HEIGHTS = """() => [...document.querySelectorAll('.bd-article span.math')].map(one =>
  one.firstElementChild.getBoundingClientRect().height
  / parseFloat(getComputedStyle(one).fontSize))"""
# Letters on a line, of each paragraph of three lines and more; the last one is short.
LETTERS = """() => [...document.querySelectorAll('.bd-article section > p')].map(p => {
  const lines = p.clientHeight / parseFloat(getComputedStyle(p).lineHeight);
  return lines > 2.5 ? p.innerText.length / (Math.round(lines) - 0.5) : 0;
}).filter(Boolean)"""

# Goes to the middle of a page's longest part, and says what that part is called.
LONGEST = """() => {
  const parts = [...document.querySelectorAll('.bd-article > section > section')];
  const [longest] = parts.sort((a, b) => b.clientHeight - a.clientHeight);
  if (!longest) return "";
  const at = longest.offsetTop + longest.clientHeight / 2;
  window.scrollTo({top: at, behavior: 'instant'});
  return longest.querySelector('h2').firstChild.textContent;
}"""
# Goes to the page's end, then by the list of contents to each of its entries, down, up
# and to and fro, now and then by way of the page's top, and says where it then marked
# something else.
JUMPS = """async () => {
  const links = [...document.querySelectorAll('#pst-page-toc-nav .nav-link')];
  const fro = links.flatMap((one, i) => [one, links.at(-1 - i)]);
  const drawn = () => new Promise(requestAnimationFrame);
  const wrong = [];
  const look = link => {
    const marked = links.filter(one => one.classList.contains('active'));
    if (marked.at(-1) !== link || !link.checkVisibility())
      wrong.push([link, ...marked].map(one => one.innerText).join(' / '));
  };
  document.documentElement.style.scrollBehavior = 'auto';
  scrollTo(0, document.documentElement.scrollHeight);
  for (let i = 0; i < 2; i++) await drawn();
  look(links.at(-1));
  for (const [i, link] of [...links, ...links.toReversed(), ...fro].entries()) {
    if (i % 3 === 2) {
      scrollTo(0, 0);
      for (let i = 0; i < FRAMES; i++) await drawn();
    }
    link.click();
    for (let i = 0; i < FRAMES; i++) await drawn();
    const marked = links.filter(one => one.classList.contains('active'));
    if (marked.at(-1) !== link || !link.checkVisibility())
      wrong.push([link, ...marked].map(one => one.innerText).join(' / '));
  }
  return wrong;
}""".replace("FRAMES", "4")
MARKED = "#pst-page-toc-nav .nav-link.active"


# Words that learners look for, each in more than one section.
LEADS = ("top_p_filter", "flash attention", "tokenizer", "recall", "top-p")
# Of a search: link, title, excerpt, the words marked in it.
Result = tuple[str, str, str, list[str]]


@dataclass
class Visit:
    """A page as it was in a narrow window."""

    strangers: list[str] = field(default_factory=list)  # requests to other hosts
    complaints: list[str] = field(default_factory=list)  # errors, missing files
    fetched: set[str] = field(default_factory=set)  # from this site
    width: int = 0
    sticking_out: list[str] = field(default_factory=list)
    shifted: float = 0
    formulas: tuple[int, int, int] = (0, 0, 0)  # in the source, typeset, in error
    unsigned: list[str] = field(default_factory=list)  # blocks whose end is not seen
    tallest: float = 0  # of the formulas in a line, in type sizes
    torn: list[str] = field(default_factory=list)  # formulas from their commas
    contrast: dict[str, float] = field(default_factory=dict)
    pictures: list[list[str]] = field(default_factory=list)  # ground, filter in dark


@dataclass
class Tour:
    """All that was seen: pages, and by kind of page what axe and the keyboard found."""

    visits: dict[str, Visit] = field(default_factory=dict)
    faults: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    reached: dict[str, list[str]] = field(default_factory=dict)
    letters: list[float] = field(default_factory=list)
    # The part of a page that is in view, and those marked in its list of contents.
    in_view: dict[str, tuple[str, list[str]]] = field(default_factory=dict)
    jumps: dict[str, dict[str, float]] = field(default_factory=dict)
    mismarked: dict[str, list[str]] = field(default_factory=dict)  # after a jump by it
    results: list[Result] = field(default_factory=list)  # for "top-p boundary"
    other_form: list[Result] = field(default_factory=list)  # for "boundaries"
    apart: list[Result] = field(default_factory=list)  # words far from one another
    short: list[Result] = field(default_factory=list)  # for np and a longer word
    sections: list[Result] = field(default_factory=list)  # for "top-p"
    titled: list[Result] = field(default_factory=list)  # for the title of a section
    # For the titles of pages, the name of a page's file, and LEADS.
    named: dict[str, list[Result]] = field(default_factory=dict)
    counted: str = ""  # how many there are, in the page's own words
    marked_after: int = -1  # words marked on a page that was come to from a result
    missing: str = ""
    arrived: float = -1  # from the top of the window, a section that was come to
    chosen: float = -1  # the same, by the list of contents that lies over the page
    over: bool = True  # whether that list still does
    unseen: bool = True  # whether the keyboard reaches that list before it is opened
    back_to: dict[str, bool] = field(default_factory=dict)  # what opened a thing: focus


def tour(address: str, pages: list[str], kinds: dict[str, str]) -> Tour:
    """Visit all `pages`, and look closely at one of each kind.

    The test is skipped where there is no browser.
    """
    path = find_browser()
    if path is None:
        pytest.skip("no Chromium or Chrome found: set CHROMIUM to the path of one")
    return asyncio.run(_tour(path, address, pages, kinds))


async def _tour(path: str, address: str, pages: list[str], kinds: dict[str, str]):
    found, gate = Tour(), asyncio.Semaphore(AT_ONCE)

    async def one(look: Callable[..., Awaitable[None]], size: dict, *about: str):
        async with gate:
            tab = await context.new_page()
            await tab.set_viewport_size(size)
            await look(found, tab, address, *about)
            await tab.close()

    async with async_playwright() as playwright:
        browser: Browser = await playwright.chromium.launch(
            executable_path=path, args=[*BROWSER_FLAGS, HERE_ONLY]
        )
        # One for all, so that a script is fetched and compiled once.
        context = await browser.new_context(color_scheme="light")
        context.set_default_timeout(PATIENCE)
        looks: list[Coroutine] = [
            one(examine, WIDE, kind, page) for kind, page in kinds.items()
        ]
        looks += [one(search, WIDE), one(miss, WIDE)]
        looks.append(one(arrive, NARROW, kinds["explorers"]))
        looks += [one(visit, NARROW, page) for page in pages]
        # If one fails the others end before the browser does.
        async with asyncio.TaskGroup() as group:
            for look in looks:
                group.create_task(look)
        await browser.close()
    return found


async def opened(tab: Page, address: str, page: str) -> None:
    """Load the page, until its explorers are drawn and its formulas set."""
    name, sign, section = page.partition("#")
    await tab.goto(f"{address}/{name}.html{sign}{section}", wait_until="networkidle")
    await tab.wait_for_function(DRAWN)
    await tab.wait_for_function(TYPESET)
    await tab.evaluate("window.MathJax?.startup?.promise")


async def turn(tab: Page, scheme: str) -> None:
    """Make the page light or dark, and wait until its colours have changed."""
    await tab.emulate_media(color_scheme=scheme)
    await tab.wait_for_selector(f"html[data-theme={scheme}]")
    await tab.evaluate(
        "Promise.allSettled(document.getAnimations().map(one => one.finished))"
    )


async def visit(found: Tour, tab: Page, address: str, page: str) -> None:
    """A page in a narrow window, first light, then dark."""
    seen = found.visits[page] = Visit()

    def asked(url: str) -> None:
        if not url.startswith((address, "data:", "blob:")):
            seen.strangers.append(url)

    complain = seen.complaints.append
    await tab.add_init_script(SHIFTS)
    tab.on("console", lambda said: said.type == "error" and complain(said.text))
    tab.on("pageerror", lambda error: complain(str(error)))
    tab.on("request", lambda request: asked(request.url))
    tab.on("response", lambda r: r.status >= 400 and complain(r.url))
    tab.on("requestfinished", lambda r: seen.fetched.add(r.url))
    await opened(tab, address, page)
    seen.width = await tab.evaluate("document.documentElement.scrollWidth")
    seen.sticking_out = await tab.evaluate(STICKING_OUT)
    seen.shifted = await tab.evaluate("shifted")
    seen.formulas = tuple(
        [
            await tab.locator(selector).count()
            for selector in (".math", "mjx-container", "mjx-merror")
        ]
    )
    seen.unsigned = await tab.evaluate(GOING_ON)
    seen.tallest = max(await tab.evaluate(HEIGHTS), default=0)
    seen.torn = await tab.evaluate(TORN)
    for scheme in ("light", "dark"):
        await turn(tab, scheme)
        seen.contrast[scheme] = min(await tab.evaluate(CONTRASTS, TEXT), default=21)
    seen.pictures = await tab.evaluate(PAINTED)


async def examine(found: Tour, tab: Page, address: str, kind: str, page: str) -> None:
    """A page of each kind in a wide window: by axe, by keyboard, by its lines."""
    await opened(tab, address, page)
    await tab.add_script_tag(path=AXE)
    for scheme in ("light", "dark"):
        await turn(tab, scheme)
        faults = await tab.evaluate(f"axe.run({AXE_RULES[scheme]})")
        found.faults[kind, scheme] = [
            json.dumps([one["id"], one["impact"], one["nodes"][0]["html"][:160]])
            for one in faults["violations"]
            if one["impact"] in ("serious", "critical")
        ]
    found.letters += await tab.evaluate(LETTERS)
    found.reached[kind] = [
        name
        for name, goal, act in (
            ("toggle", ".primary-toggle", None),
            ("bar", ".rounds-bar a", None),
            ("fold", ".bd-article summary", opens),
            ("slider", "[role=slider]", moves),
        )
        if await reach(tab, goal) and (act is None or await act(tab))
    ]
    if part := await tab.evaluate(LONGEST):
        # What watches the scrolling comes to it when it can.
        with suppress(TimeoutError):
            await tab.locator(MARKED, has_text=part).wait_for(timeout=5_000)
        found.in_view[kind] = (part, await tab.locator(MARKED).all_inner_texts())
        found.mismarked[kind] = await tab.evaluate(JUMPS)
    found.jumps[kind] = await moved_by_the_bar(tab)


async def reach(tab: Page, goal: str) -> bool:
    """Come by Tab to the first `goal` from what can be reached before it.

    True if it then has the focus, and a line round it that says so.
    """
    # A place for the focus to start from, so that hundreds of stops need not be passed.
    there = await tab.evaluate(
        """goal => {
          const one = document.querySelector(goal);
          if (!one) return false;
          const start = document.createElement('span');
          start.tabIndex = -1;
          (one.closest('.rounds-explorer, details, nav') ?? one).before(start);
          start.focus();
          return true;
        }""",
        goal,
    )
    if not there:
        return False
    focused = """goal => document.activeElement.matches(goal)
      && getComputedStyle(document.activeElement).outlineStyle !== 'none'"""
    for _ in range(5):
        await tab.keyboard.press("Tab")
        if await tab.evaluate(focused, goal):
            return True
    return False


async def moved_by_the_bar(tab: Page) -> dict[str, float]:
    """How far the page jumps as the buttons of the bar at its top get the focus."""
    return await tab.evaluate(
        """() => {
          const page = document.documentElement;
          page.style.scrollBehavior = 'auto';
          const jumps = {}, bar = document.querySelector('.bd-header-article');
          for (const one of bar.querySelectorAll('a, button')) {
            scrollTo(0, 1500);
            const before = scrollY;
            one.focus();
            jumps[one.title || one.ariaLabel || one.innerText] = scrollY - before;
          }
          return jumps;
        }"""
    )


async def opens(tab: Page) -> bool:
    """The fold that has the focus opens by Enter and closes by the space bar."""
    states = []
    for key in ("Enter", "Space"):
        await tab.keyboard.press(key)
        states.append(await tab.evaluate("document.activeElement.parentElement.open"))
    return states == [True, False]


async def moves(tab: Page) -> bool:
    """The slider that has the focus moves by an arrow key."""
    value = "document.activeElement.getAttribute('aria-valuenow')"
    before = await tab.evaluate(value)
    await tab.keyboard.press("ArrowRight")
    if before == await tab.evaluate(value):  # it stood at its end
        await tab.keyboard.press("ArrowLeft")
    return before != await tab.evaluate(value)


async def search(found: Tour, tab: Page, address: str) -> None:
    """What the search page answers, and where a result leads."""
    found.other_form = await results_of(tab, address, "boundaries")
    found.apart = await results_of(tab, address, "causal mask chunk")
    found.short = await results_of(tab, address, "np.searchsorted")
    found.titled = await results_of(tab, address, "a sliding window")
    found.counted = await tab.locator(".search-summary").inner_text()
    for name in ("kv cache", "kv cache exercise", "rag", *LEADS):
        found.named[name] = await results_of(tab, address, name)
    found.results = await results_of(tab, address, "top-p boundary")
    found.sections = await results_of(tab, address, "top-p")
    await tab.locator("#search-results a", has_text="Sampling: exercise").click()
    await tab.wait_for_load_state()
    # Sphinx marks words ten milliseconds later, by a timer; this one comes after it.
    await tab.evaluate("new Promise(done => setTimeout(done, 20))")
    found.marked_after = await tab.locator(".highlighted").count()


async def results_of(tab: Page, address: str, query: str) -> list[Result]:
    """The results of a search, once all have their excerpts."""
    await tab.goto(f"{address}/search.html?q={quote(query)}")
    results = "document.querySelectorAll('#search-results li')"
    await tab.wait_for_function(
        f"() => {results}.length > 1 && "
        f"[...{results}].every(one => one.querySelector('p.context'))"
    )
    marked = "[...one.querySelectorAll('.highlighted')].map(mark => mark.innerText)"
    return await tab.evaluate(
        f"""() => [...{results}].map(one => [
          one.querySelector('a').href, one.querySelector('a').innerText,
          one.querySelector('p.context').innerText, {marked}])
        """
    )


async def arrive(found: Tour, tab: Page, address: str, page: str) -> None:
    """Come to a section that stands below formulas and explorers."""
    await opened(tab, address, f"{page}#follow-ups")
    place = "document.querySelector('#follow-ups > h2').getBoundingClientRect().top"
    with suppress(TimeoutError):  # what keeps it in place comes to it when it can
        await tab.wait_for_function(f"() => Math.abs({place} - 64) < 2", timeout=5_000)
    found.arrived = await tab.evaluate(place)
    entry = "document.querySelector('#pst-page-toc-nav .nav-link')"
    found.unseen = await tab.evaluate(
        f"{entry}.focus(), document.activeElement === {entry}"
    )
    for name in (".primary-toggle", ".secondary-toggle", ".search-button"):
        button = tab.locator(f".bd-header-article {name}")
        await button.press("Enter")
        await tab.wait_for_selector("dialog[open] :focus")
        await tab.keyboard.press("Escape")
        with suppress(TimeoutError):
            await tab.wait_for_function(
                f"() => document.activeElement.matches('{name}')", timeout=5_000
            )
        found.back_to[name] = await button.evaluate("e => e === document.activeElement")
    await tab.locator(".secondary-toggle").click()
    await tab.locator("dialog[open] .nav-link", has_text="Say it").click()
    place = place.replace("follow-ups", "say-it")
    with suppress(TimeoutError):
        await tab.wait_for_function(f"() => Math.abs({place} - 64) < 2", timeout=5_000)
    found.chosen = await tab.evaluate(place)
    found.over = await tab.evaluate("!!document.querySelector('dialog[open]')")


async def miss(found: Tour, tab: Page, address: str) -> None:
    """An address that leads nowhere, deep down."""
    answer = await tab.goto(f"{address}/no/such/page.html")
    styled = "[...document.styleSheets].some(s => s.href?.includes('/_static/rounds'))"
    title = await tab.locator(".bd-article h1").inner_text()
    found.missing = f"{answer.status} {title} {await tab.evaluate(styled)}"


def widget_page(html: Path, pages: list[str]) -> str:
    """The first page with an explorer on it."""
    mark = "application/vnd.jupyter.widget-view+json"
    return next(p for p in pages if mark in (html / f"{p}.html").read_text("utf-8"))
