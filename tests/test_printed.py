"""The book as a PDF: what is made of a page of the site, and what can be missing."""

import importlib.util
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from site_helpers import ROOT

from rounds.site import SiteError, browser
from rounds.site.printed import page as pages
from rounds.site.printed import pdf

IN_BOOK = ["chapters/bpe", "exercises/bpe", "glossary"]
SITE = """
<head><script type="application/vnd.jupyter.widget-state+json">
{"widget-0001": {"children": ["IPY_MODEL_widget-0002"]}}</script></head>
<article class="bd-article"><section id="bpe">
<h1>BPE<a class="headerlink" href="#bpe">#</a></h1>
<p>See <a href="#count">below</a>, <a href="../glossary.html#a-b">a-b</a>,
<a href="../exercises/bpe.html">work</a>, <a href="../search.html">search</a>, the
<a href="https://example.org/a">paper</a>, it <a href="https://example.org/a">again</a>
and <a href="https://example.org/b">https://example.org/b</a>, as follows:</p>
<img src="../_images/one.png" alt="One">
<section id="count"><h2>Count</h2>
<svg aria-labelledby="t d"><title id="t">T</title><desc id="d">D</desc></svg>
<details class="hide"><summary><p>Show the code</p><p>Hide the code</p></summary>
<pre>short</pre></details><details><summary>Answer</summary><p>42</p></details>
<script type="application/vnd.jupyter.widget-view+json">{"model_id": "widget-0001"}
</script></section></section></article>
"""


@pytest.fixture
def page(tmp_path: Path) -> pages.Page:
    """The page above, mended for paper."""
    (tmp_path / "chapters").mkdir()
    (tmp_path / "chapters" / "bpe.html").write_text(SITE, encoding="utf-8")
    return pages.read(tmp_path, "chapters/bpe", IN_BOOK)


def test_ids_are_of_one_page_only_and_so_are_those_that_name_them(page: pages.Page):
    ids = [one["id"] for one in page.section.select("[id]")]
    assert ids == ["chapters-bpe--count", "chapters-bpe--t", "chapters-bpe--d"]
    assert page.section.svg["aria-labelledby"] == "chapters-bpe--t chapters-bpe--d"
    assert page.sections() == [("chapters-bpe--count", "Count")]


def test_links_lead_to_places_in_the_book_and_what_has_none_is_only_words(
    page: pages.Page,
):
    links = {a.get_text(): a["href"] for a in page.section.select("a[href^='#']")}
    assert links == {
        "below": "#chapters-bpe--count",
        "a-b": "#glossary--a-b",
        "work": "#exercises-bpe",
    }
    assert "search" in page.section.p.get_text()
    assert page.section.img["src"] == "_images/one.png"


def test_addresses_are_listed_once_and_not_where_they_are_to_be_read(page: pages.Page):
    pages.list_addresses(page, BeautifulSoup("", "html.parser"))
    listed = [item.get_text() for item in page.section.select("ol > li")]
    assert listed == ["https://example.org/a"]
    assert [sign.get_text() for sign in page.section.select("sup")] == ["1", "1"]


def test_folds_are_open_and_say_what_they_hold(page: pages.Page):
    assert all(fold.has_attr("open") for fold in page.section.select("details"))
    labels = [one.get_text() for one in page.section.select("summary")]
    assert labels == ["The code", "Answer"]


def test_explorers_of_two_pages_are_not_taken_for_each_other(page: pages.Page):
    assert "chapters-bpe-0001" in page.section.script.string
    (state,) = page.states
    assert '"chapters-bpe-0001"' in state and "IPY_MODEL_chapters-bpe-0002" in state


def test_only_long_code_may_be_broken_and_words_before_code_stay_with_it():
    long = "\n" * (pages.SHORT + 1)
    source = f"<p>So:</p><p>So.</p><pre>a</pre><pre>a{long}</pre>"
    tree = BeautifulSoup(source, "html.parser")
    pages.mark(tree)
    assert [one.get("class") for one in tree.find_all("p")] == [["rounds-leads"], None]
    classes = [one.get("class") for one in tree.find_all("pre")]
    assert classes == [None, ["rounds-long"]]


def test_headings_go_down_as_far_as_there_are_any():
    tree = BeautifulSoup("<h1>a</h1><h2>b</h2><h6>c</h6>", "html.parser")
    pages.sink(tree, 1)
    assert [one.name for one in tree.find_all(True)] == ["h2", "h3", "h6"]


def test_solution_says_only_what_its_exercise_does_not():
    exercise = BeautifulSoup(
        "<section><h1>E</h1><section><h2>One</h2><p>Asked.</p></section>"
        "<section><h2>Two</h2><p>Asked\n too.</p><pre>pass</pre></section></section>",
        "html.parser",
    ).section
    solution = BeautifulSoup(
        "<section><h1>S</h1><div class='rounds-spoiler'><p>Folded.</p></div>"
        "<section><h2>One</h2><p>Asked.</p></section>"
        "<section><h2>Two</h2><p>Asked too.</p><pre>done</pre></section></section>",
        "html.parser",
    ).section
    pages.without_repeats(solution, pages.Page("exercises-e", exercise))
    assert pages.words(solution) == "SA spoiler: this solves the exercise.Twodone"
    assert solution.a["href"] == "#exercises-e"


# What can be missing


def refusal(capsys, *arguments: str) -> str:
    """What the command says; it does not begin to build."""
    assert pdf.main(list(arguments)) == 1
    said, trouble = capsys.readouterr()
    assert said == "" and trouble.count("\n") == 1
    return trouble


def test_paper_that_is_not_known_is_refused(capsys):
    assert "'a5' is no paper that is known here: take a4 or letter" in refusal(
        capsys, "A5"
    )


def test_where_there_is_no_browser_it_is_said(capsys, monkeypatch):
    monkeypatch.setattr(browser, "BROWSERS", ("no-such-browser",))
    assert "no Chromium or Chrome was found: install one" in refusal(capsys)


@pytest.mark.parametrize("module", ["playwright", "pikepdf"])
def test_where_a_package_is_not_installed_it_is_said(capsys, monkeypatch, module: str):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name: found(name) if name != module else None,
    )
    said = refusal(capsys)
    assert f"needs {module}: python -m pip install -r requirements-dev.txt" in said


def test_browser_that_does_not_start_is_named(tmp_path: Path, monkeypatch):
    broken = tmp_path / "chrome"
    broken.write_text("no program", encoding="utf-8")
    broken.chmod(0o755)
    monkeypatch.setattr(browser, "BROWSERS", (str(broken),))
    (tmp_path / "index.html").touch()
    with pytest.raises(SiteError, match="does not start .* set CHROMIUM"):
        with pdf.opened(tmp_path, ""):
            pass


def test_readme_names_the_command():
    assert "`make pdf`" in (ROOT / "README.md").read_text(encoding="utf-8")
