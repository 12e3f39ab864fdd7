"""An exercise worked in the browser, from the link on its page to "passed".

Only with `make test LITE=1`: the site has to be built with it, and Python takes its
time to start in a browser.
"""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from site_helpers import (
    ROOT,
    broken_links,
    build_site,
    clean_checkout,
    started_browser,
)

from rounds.site import lite, lite_files, lite_packages
from rounds.site.serve import served

pytestmark = pytest.mark.skipif(
    not lite.wanted(os.environ),
    reason="takes a minute and an install of its own: make test LITE=1",
)

PATIENCE = 180_000  # milliseconds: Python starts in seconds, on a busy machine more
IDLE = ".jp-Notebook-ExecutionIndicator[data-status=idle]"

RIGHT = """
from rounds import bank, catalog
ours = bank.reference(catalog.find("agent.safe_eval"))
def safe_eval(expression):
    return ours(expression)
"""
WRONG = """
def safe_eval(expression):
    return 3
"""
ENDLESS = """
def safe_eval(expression):
    while True:
        pass
"""


@pytest.fixture(scope="module")
def html(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages of a site that has its exercises in the browser, too."""
    checkout = clean_checkout(tmp_path_factory.mktemp("checkout"))
    for name in (lite_files.ENVIRONMENT, "lite/node_modules", "lite/wheels"):
        (checkout / name).symlink_to(ROOT / name)
    built = build_site(checkout, LITE="1")
    assert built.returncode == 0, built.stdout + built.stderr
    return checkout / "_build" / "html"


@pytest.fixture(scope="module")
def address(html: Path):
    """Where the pages are served."""
    with served(html) as where:
        yield where


@pytest.fixture(scope="module")
def browser():
    """One browser for all tests."""
    with started_browser() as started:
        yield started


@dataclass
class Notebook:
    """A notebook that is open in the browser."""

    tab: object
    strangers: list[str] = field(default_factory=list)  # requests to other hosts

    def cell(self, text: str):
        """The first code cell with `text` in it."""
        return self.tab.locator(".jp-CodeCell").filter(has_text=text).first

    def run(self, text: str, program: str | None = None) -> str:
        """Run that cell, with `program` in its place; what it puts out."""
        cell = self.cell(text)
        cell.scroll_into_view_if_needed()
        cell.locator(".cm-content").click()
        if program is not None:
            self.tab.keyboard.press("ControlOrMeta+a")
            self.tab.keyboard.insert_text(program)
            cell = self.cell(program.strip().splitlines()[0])
        prompt = cell.locator(".jp-InputPrompt").first
        before = prompt.inner_text()
        self.tab.keyboard.press("Control+Enter")
        self.tab.wait_for_function(
            "([one, before]) => /[0-9]/.test(one.innerText)"
            " && one.innerText !== before",
            arg=[prompt.element_handle(), before],
        )
        self.tab.wait_for_selector(IDLE, state="attached")
        return "\n".join(cell.locator(".jp-OutputArea-output").all_inner_texts())


def opened(browser, address: str, path: str) -> Notebook:
    """The page at `path`; whatever it asks of another host is refused and noted."""
    context = browser.new_context()
    context.set_default_timeout(PATIENCE)
    notebook = Notebook(context.new_page())

    def stay_home(route) -> None:
        if route.request.url.startswith((address, "data:", "blob:")):
            route.continue_()
        else:
            notebook.strangers.append(route.request.url)
            route.abort()

    context.route("**/*", stay_home)
    notebook.tab.goto(f"{address}/{path}")
    return notebook


@pytest.fixture(scope="module")
def agent(browser, address: str):
    """The exercise of the agent, opened by the link in the bar of its page."""
    notebook = opened(browser, address, "exercises/agent.html")
    notebook.tab.get_by_role("link", name="Run exercise").click()
    notebook.tab.wait_for_selector(IDLE, state="attached")
    assert notebook.run("from rounds import check") == ""
    yield notebook
    notebook.tab.context.close()


def test_wrong_answer_is_reported(agent: Notebook):
    agent.run("def safe_eval", WRONG)
    told = agent.run('check("agent.safe_eval", safe_eval)')
    assert told.startswith("agent.safe_eval: not right yet.")
    assert re.search(r"returned +value: 3", told)


def test_endless_loop_is_stopped_and_the_page_goes_on(agent: Notebook):
    agent.run("def safe_eval", ENDLESS)
    told = agent.run('check("agent.safe_eval", safe_eval)')
    assert "nothing: it was stopped after 10 seconds" in told


def test_right_answer_passes_and_nobody_else_was_asked(agent: Notebook):
    agent.run("def safe_eval", RIGHT.replace("\n", "", 1))
    told = agent.run('check("agent.safe_eval", safe_eval)')
    assert re.fullmatch(r"agent.safe_eval: passed. \d+ calls checked.", told.strip())
    assert agent.strangers == []


def test_what_is_written_is_there_again_in_this_browser(agent: Notebook):
    agent.run("def safe_eval", "# kept\ndef safe_eval(expression): ...")
    agent.tab.keyboard.press("ControlOrMeta+s")
    agent.tab.wait_for_function("() => !document.title.startsWith('*')")
    agent.tab.reload()
    # It is drawn some time after the kernel is ready.
    agent.cell("# kept").wait_for(state="attached")


def test_exercise_that_needs_numpy_says_so_in_one_sentence(browser, address: str):
    notebook = opened(
        browser, address, "lite/notebooks/index.html?path=attention.ipynb"
    )
    notebook.tab.wait_for_selector(IDLE, state="attached")
    said = lite_packages.sentence("numpy")
    assert notebook.run("import numpy as np").strip() == said
    assert said in notebook.tab.locator(".jp-MarkdownCell").nth(1).inner_text()
    assert notebook.strangers == []
    notebook.tab.context.close()


def test_only_pages_whose_exercise_runs_here_have_the_link(html: Path):
    linked = [
        page.relative_to(html).as_posix()
        for page in sorted(html.glob("*/*.html"))
        if "Run exercise" in page.read_text("utf-8")
    ]
    assert linked == [
        f"{room}/agent.html" for room in ("chapters", "exercises", "solutions")
    ]
    for page in linked:
        assert broken_links(html / page, html) == []
