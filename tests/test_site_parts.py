"""The parts of the site's build, each by itself."""

import json
import re
import shutil
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from textwrap import dedent

import nbformat
import numpy as np
import pytest
from docutils import nodes
from docutils.core import publish_doctree
from fontTools.ttLib import TTFont
from myst_parser.docutils_ import Parser
from PIL import Image
from site_helpers import ROOT, find_browser, parsed

from rounds import catalog
from rounds.audit import Score
from rounds.site import (
    SiteError,
    bar,
    browser_files,
    build,
    contents,
    extension,
    lighter,
    public,
    readme,
    together,
)
from rounds.site.serve import make_server, serve, served


def small_book(
    folder: Path, index: str, more: str = "chapters: [{file: second}]\n"
) -> Path:
    """A book of the real configuration with two pages of its own."""
    folder.mkdir(exist_ok=True)
    shutil.copytree(ROOT / "assets", folder / "assets")
    (folder / "rounds").symlink_to(ROOT / "rounds")
    shutil.copy(ROOT / "_config.yml", folder)
    (folder / "_build" / "browser").mkdir(parents=True)
    (folder / "solutions").mkdir()
    toc = f"format: jb-book\nroot: index\n{more}"
    (folder / "_toc.yml").write_text(toc)
    (folder / "index.md").write_text(dedent(index))
    (folder / "second.md").write_text("# Second\n")
    return folder


BROKEN = """\
# Title

To [a missing page](nowhere.md), [a missing anchor](#no-anchor-of-this-page), and
{ref}`no-such-label`.
"""


def test_broken_references_fail_the_build_and_are_all_named(tmp_path, capfd):
    book = small_book(tmp_path, BROKEN)
    with pytest.raises(SiteError, match="see the warnings"):
        build.run_jupyter_book(book)
    told = capfd.readouterr().err
    assert "nowhere.md" in told
    assert "no-anchor-of-this-page" in told
    assert "no-such-label" in told


def test_book_with_stray_files_and_no_broken_reference_builds(tmp_path, capfd):
    book = small_book(tmp_path, "# Title\n\nTo [this page](index.md).\n")
    for stray in (".pytest_cache/README.md", "work/mine.md", "node_modules/x/y.md"):
        (book / stray).parent.mkdir(parents=True)
        (book / stray).write_text("# Not of the book\n")
    build.run_jupyter_book(book)
    assert "writing output" in capfd.readouterr().out
    build.require_pages(book, book / "_build" / "html")


def test_page_of_the_toc_that_was_not_written_is_refused(tmp_path):
    book = small_book(tmp_path, "# Title\n", "chapters: [{file: chapters/lost}]\n")
    html = book / "_build" / "html"
    html.mkdir()
    (html / "index.html").write_text("")
    with pytest.raises(SiteError, match="chapters/lost"):
        build.require_pages(book, html)


@pytest.mark.parametrize("version", ["2.0.0", "2.1.0b1", "0.15.1"])
def test_another_jupyter_book_than_1_is_refused(version):
    with pytest.raises(SiteError, match=version):
        build.require_version_1(version)


def test_jupyter_book_1_is_accepted():
    build.require_version_1("1.0.4.post1")


# The shown source of a notebook


def notebook_text(*cells) -> str:
    return nbformat.writes(nbformat.v4.new_notebook(cells=list(cells)))


MARKED = "def f(x):\n    ### BEGIN SOLUTION\n    return x\n    ### END SOLUTION"


def test_markers_are_left_out_of_code_and_nothing_else_is():
    prose = nbformat.v4.new_markdown_cell("The line ### BEGIN SOLUTION")
    text = notebook_text(prose, nbformat.v4.new_code_cell(MARKED))
    shown = nbformat.reads(extension.readable(text, solution=False), as_version=4)
    assert [cell.source for cell in shown.cells] == [
        "The line ### BEGIN SOLUTION",
        "def f(x):\n    return x",
    ]


@pytest.mark.parametrize("solution", [True, False])
def test_only_a_solution_says_show_the_solution(solution):
    text = extension.readable(notebook_text(), solution=solution)
    assert ("Show the solution" in text) is solution


WARNING = "**This page is the solution, and a spoiler.**"


def test_warning_of_a_solution_moves_to_right_under_its_title():
    cells = ["# Title\n\n*Minutes.*", "Prose.", WARNING]
    text = notebook_text(*map(nbformat.v4.new_markdown_cell, cells))
    head, prose = nbformat.reads(extension.readable(text, True), as_version=4).cells
    places = [head.source.index(part) for part in ("# Title", WARNING, "*Minutes.*")]
    assert places == sorted(places)
    assert prose.source == "Prose."


def test_page_that_is_no_solution_keeps_its_order():
    text = notebook_text(*map(nbformat.v4.new_markdown_cell, ["# Title", WARNING]))
    shown = nbformat.reads(extension.readable(text, False), as_version=4).cells
    assert [cell.source for cell in shown] == ["# Title", WARNING]


def test_folded_cells_that_follow_one_another_have_one_fold():
    def folded(source: str):
        printed = nbformat.v4.new_output("stream", text=f"{source} printed")
        about = {"tags": ["hide-cell"]}
        return nbformat.v4.new_code_cell(source, metadata=about, outputs=[printed])

    plain, prose = nbformat.v4.new_code_cell("c"), nbformat.v4.new_markdown_cell("P.")
    text = notebook_text(
        folded("a"), folded("b"), plain, folded("d"), prose, folded("e")
    )
    shown = nbformat.reads(extension.readable(text, False), as_version=4).cells
    assert [cell.source for cell in shown] == ["a\n\nb", "c", "d", "P.", "e"]
    assert [one.text for one in shown[0].outputs] == ["a printed", "b printed"]


# The bar


def test_bar_names_the_pages_that_there_are_in_the_order_of_the_rooms():
    pages = ["index", "solutions/bpe", "chapters/bpe", "chapters/other"]
    found = bar.bar("chapters/bpe", pages, {"bpe": "Byte-pair encoding"})
    assert (found.topic, found.saved_as) == ("Byte-pair encoding", "bpe-chapter.ipynb")
    assert [(place.title, place.page, place.present) for place in found.places] == [
        ("Chapter", "chapters/bpe", True),
        ("Solution", "solutions/bpe", False),
    ]


@pytest.mark.parametrize("page", ["index", "glossary", "search", "chapters/unknown"])
def test_page_of_no_topic_has_no_bar(page):
    assert bar.bar(page, ["index", "glossary", "chapters/bpe"], {}) is None


def test_score_sentence_counts_right_wrong_and_named():
    scores = {"one": Score(right=1, wrong=15, named=14), "two": Score(2, 5, 5)}
    sentence = contents.score_sentence(scores)
    assert sentence == (
        "3 right programs accepted, 20 wrong programs caught, 19 by name."
    )


def test_parts_group_the_topics_by_their_chapters(tmp_path):
    parts = """parts:
  - caption: Words
    chapters: [{file: chapters/bpe.ipynb, sections: [{file: exercises/attention}]}]
  - caption: Numbers
    chapters: [{file: chapters/attention}, {file: notes}, {file: chapters/none}]
  - caption: No topic
    chapters: [{file: more}]
"""
    (tmp_path / "_toc.yml").write_text(f"format: jb-book\nroot: index\n{parts}")
    found = contents.parts(tmp_path)
    assert [(caption, [card.name for card in cards]) for caption, cards in found] == [
        ("Words", ["bpe"]),
        ("Numbers", ["attention"]),
    ]


@pytest.mark.parametrize(
    ("head", "found"),
    [
        (
            "# T\n\n> Write it. Then\n> again.\n\nIt is > 3.\n\n> Later.",
            "Write it. Then again.",
        ),
        ("# T\n\nNo question.", None),
    ],
)
def test_question_is_what_the_chapter_quotes_at_its_head(tmp_path, head, found):
    (tmp_path / "chapters").mkdir()
    text = notebook_text(nbformat.v4.new_markdown_cell(head))
    (tmp_path / "chapters" / "one.ipynb").write_text(text)
    assert contents.question(tmp_path, "one") == found


@pytest.mark.parametrize("card", catalog.topics(), ids=lambda card: card.name)
def test_whoever_asks_is_told_by_a_source_that_the_exercise_links(card):
    page = nbformat.read(ROOT / "exercises" / f"{card.name}.ipynb", as_version=4)
    text = "\n".join(cell.source for cell in page.cells)
    for company, link in card.asked_by:
        assert f"[{company}]({link})" in text


# A public address


@pytest.mark.parametrize(
    ("given", "due"),
    [
        ({}, None),
        ({"SITE_URL": " "}, None),
        ({"SITE_URL": "https://example.org"}, "https://example.org/"),
        ({"SITE_URL": "http://example.org/a/b/"}, "http://example.org/a/b/"),
    ],
)
def test_public_address_is_a_folder(given, due):
    assert public.address(given) == due


@pytest.mark.parametrize(
    "url",
    ["example.org", "ftp://example.org/", "https://", "https://e.org/index.html"]
    + ["https://e.org/?a=b", "https://e.org/#top", "/course/", "http://[::1/course/"],
)
def test_public_address_that_is_none_is_refused_before_the_build(url, monkeypatch):
    monkeypatch.setenv("SITE_URL", url)
    with pytest.raises(SiteError, match="SITE_URL is"):
        build.build(ROOT / "tests")


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", []),
        ("https://example.org/files", ["The files are at https://example.org/files."]),
    ],
)
def test_landing_page_says_where_the_files_are_if_that_is_set(
    tmp_path, monkeypatch, url, says
):
    text = "# Title\n\n```{rounds-source}\nThe files are at {source}.\n```\n"
    monkeypatch.setenv("SOURCE_URL", url)
    book = small_book(tmp_path, text)
    build.run_jupyter_book(book)
    page = parsed(book / "_build" / "html" / "index.html")
    assert [p.get_text() for p in page.select(".bd-article section > p")] == says
    links = [str(a["href"]) for a in page.select(".bd-article p a.external")]
    assert links == [url] * len(says)


def test_address_of_the_files_that_is_none_is_refused(monkeypatch):
    monkeypatch.setenv("SOURCE_URL", "example.org/files")
    with pytest.raises(SiteError, match="SOURCE_URL is"):
        build.build(ROOT / "tests")


def test_public_site_has_cards_and_a_sitemap_and_the_other_has_not(
    tmp_path, monkeypatch
):
    found = {}
    for url in ("", "https://example.org/course"):
        book = small_book(
            tmp_path / (url[-6:] or "private"), "# Title\n\nIt is here.\n"
        )
        monkeypatch.setenv("SITE_URL", url)
        build.run_jupyter_book(book)
        found[url] = book / "_build" / "html"
    private, html = found.values()
    assert not (private / "sitemap.xml").exists()
    assert (
        parsed(private / "index.html").select('[property^="og:"], [rel=canonical]')
        == []
    )
    addresses = re.findall("<loc>(.*?)</loc>", (html / "sitemap.xml").read_text())
    index, second = sorted(addresses)
    assert (index, second[-11:]) == (
        "https://example.org/course/index.html",
        "second.html",
    )
    page = parsed(html / "index.html")
    said = {one["property"]: one["content"] for one in page.select("meta[property]")}
    assert said["og:url"] == page.select_one("[rel=canonical]")["href"] == index
    assert (said["og:title"], said["og:description"]) == ("Title", "It is here.")
    card = html / said["og:image"].removeprefix("https://example.org/course/")
    assert card.read_bytes().startswith(b"\x89PNG")
    # What is missing may be at any depth: its page leads home from everywhere.
    for folder, root in ((private, "/"), (html, "/course/")):
        page = parsed(folder / "404.html")
        leads = {str(link["href"]) for link in page.select(".bd-article a")}
        assert {f"{root}index.html", f"{root}search.html"} <= leads
        files = page.select("link[rel=stylesheet], script[src]")
        assert all((one.get("src") or one["href"]).startswith(root) for one in files)


# Formulas in a line


@pytest.mark.parametrize(
    ("prose", "due"),
    [
        ("It is $a$, then $b$.", "It is [(a),] then [(b).]"),
        ("Not ($a$) and $b$-$c$ there", "Not [((a))] and [(b)-(c)] there"),
        (
            "$a$ alone, **q**, $b$ , *r*",
            "(a) alone, q, (b) , r",
        ),
        ("**q**, **k** and $v$, **o**", "q, k and [(v),] o"),
        ("no formula, here", "no formula, here"),
        ("Top-p, min-p: the well-known", "[Top-p,] [min-p:] the well-known"),
        ("O(n · words / 2) and/or ·", "O(n\u00a0· words\u00a0/ 2) and/or ·"),
    ],
)
def test_what_a_line_is_not_to_divide_is_one_piece(prose, due):
    settings = {"myst_enable_extensions": ["dollarmath"]}
    page = publish_doctree(prose, parser=Parser(), settings_overrides=settings)
    children = together.pieces(page[0].children)

    def told(one: nodes.Node) -> str:
        if isinstance(one, nodes.math):
            return f"({one.astext()})"
        if together.KEPT in getattr(one, "attributes", {}).get("classes", []):
            return f"[{''.join(map(told, one.children))}]"
        return one.astext()

    assert "".join(map(told, children)) == due


# README's table


def test_readme_table_is_replaced_and_the_rest_is_kept():
    old = f"before\n{readme.BEGIN}\nold\n\n{readme.END}after\n"
    new = readme.with_table(old, "| new |\n")
    assert new == f"before\n{readme.BEGIN}\n| new |\n\n{readme.END}after\n"
    assert readme.with_table(new, "| new |\n") == new


@pytest.mark.parametrize("text", ["none", readme.BEGIN, readme.END])
def test_readme_without_a_place_for_the_table_is_refused(text):
    with pytest.raises(SiteError, match="no place for the table"):
        readme.with_table(text, "| new |\n")


# The browser files


def test_missing_page_scripts_are_told_with_the_command(tmp_path):
    with pytest.raises(SiteError, match=browser_files.HOW):
        browser_files.copy(tmp_path, tmp_path / "out")


def test_copied_page_scripts_replace_stale_ones(tmp_path):
    (tmp_path / "stale.js").write_text("")
    browser_files.copy(ROOT, tmp_path)
    assert not (tmp_path / "stale.js").exists()
    assert (tmp_path / "mathjax" / "startup.js").is_file()


def test_page_scripts_are_made_anew_only_when_they_would_differ(tmp_path, monkeypatch):
    made = []
    make = lighter.icon_font
    monkeypatch.setattr(
        lighter, "icon_font", lambda target: (made.append(1), make(target))
    )
    browser_files.copy(ROOT, tmp_path)
    browser_files.copy(ROOT, tmp_path)
    assert made == [1]
    monkeypatch.setattr(browser_files, "version", lambda name: "another")
    browser_files.copy(ROOT, tmp_path)
    assert made == [1, 1]


# What makes the pages light


def test_font_of_icons_has_those_in_use_and_few_others(tmp_path):
    lighter.icon_font(tmp_path / "icons.woff")
    glyphs = TTFont(tmp_path / "icons.woff").getBestCmap()
    assert {0xF0C9, 0xF186, 0xF185} <= set(glyphs)  # bars, moon, sun
    assert len(lighter.ICONS) < len(glyphs) < 50


def test_icon_that_the_theme_lacks_is_an_error(monkeypatch):
    monkeypatch.setattr(lighter, "ICONS", ("bars", "no-such-icon"))
    with pytest.raises(SiteError, match="no-such-icon"):
        lighter.icon_codes('.fa-bars:before,.fa-navicon:before{content:"\\f0c9"}')


def test_style_sheet_keeps_the_rules_of_icons_in_use_and_all_others():
    rules = [
        '.fa-bars:before,.fa-navicon:before{content:"\\f0c9"}',
        '.fa-bars-progress:before{content:"\\f828"}',
        "a:before{color:red}",
    ]
    assert lighter.styles("".join(rules)) == rules[0] + rules[2]


@pytest.mark.parametrize("lost", ["@jupyter-widgets/base7", "{version:3", "Awesome"])
def test_widget_script_of_another_make_is_refused(lost):
    name = "@jupyter-widgets/html-manager/dist/embed-amd.js"
    script = (ROOT / "node_modules" / name).read_text(encoding="utf-8")
    light = lighter.widget_script(script)
    assert len(light) < 0.6 * len(script)
    assert 'define("@jupyter-widgets/controls",' in light
    with pytest.raises(SiteError, match="not made as it was"):
        lighter.widget_script(script.replace(lost, "another"))


def test_state_of_widgets_is_the_same_with_its_letters_as_they_are():
    state = {"text": "caf\u00e9 </script> \\ \u2028", "n": [1.5, None]}
    start = '<script type="application/vnd.jupyter.widget-state+json">'
    body = json.dumps(state).replace("</", "<\\/")
    found = lighter.page(f"<p>{start}{body}</script>")
    inside = found.partition(start)[2].partition("</script>")[0]
    assert (json.loads(inside), "caf\u00e9" in inside) == (state, True)
    assert found.startswith(f"<p>{start}") and found.endswith("</script>")


def test_picture_gets_a_palette_if_it_is_smaller_for_it(tmp_path):
    rng = np.random.default_rng(5)
    inks = rng.integers(20, 230, (6, 3))[rng.integers(0, 6, (90, 120))]
    colours = (inks + rng.integers(-9, 9, inks.shape)).astype(np.uint8)
    Image.fromarray(colours).save(tmp_path / "many.png")
    Image.new("1", (8, 8)).save(tmp_path / "one.png", optimize=True)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    lighter.pictures(tmp_path)
    after = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert set(after) == set(before)
    assert len(after["many.png"]) < len(before["many.png"])
    assert after["one.png"] == before["one.png"]
    with Image.open(tmp_path / "many.png") as few:
        gap = np.asarray(few.convert("RGBA"))[..., :3].astype(int) - colours
    assert np.abs(gap).max() <= 16


def npm_that_says(version: str, monkeypatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: f"/somewhere/{name}")
    said = subprocess.CompletedProcess([], 0, stdout=f"{version}\n")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: said)


@pytest.mark.parametrize("version", ["6.14.18", "", "broken"])
def test_npm_that_cannot_read_the_lock_is_not_used(version, monkeypatch):
    npm_that_says(version, monkeypatch)
    assert browser_files.npm_of_this_machine() is None


def test_npm_on_path_is_used(monkeypatch):
    npm_that_says("10.9.0", monkeypatch)
    assert browser_files.npm_of_this_machine() == ["/somewhere/npm"]


def test_no_npm_on_path_is_no_error(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert browser_files.npm_of_this_machine() is None


# The server


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    (tmp_path / "index.html").write_text("<p>here</p>")
    (tmp_path / "page.js").write_text("")
    return tmp_path


def test_server_listens_on_this_machine_only_and_knows_scripts(pages):
    with make_server(0, pages) as server:
        assert server.server_address[0] == "127.0.0.1"
    with served(pages) as url:
        with urllib.request.urlopen(f"{url}/page.js") as answer:
            assert answer.headers["Content-Type"] == "text/javascript"
        with urllib.request.urlopen(url) as answer:
            assert answer.read() == b"<p>here</p>"


def test_server_answers_for_a_missing_page_with_the_site_s_own(pages):
    (pages / "404.html").write_text("<p>nowhere</p>")
    with served(pages) as url, pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{url}/a/b.html")
    assert (refused.value.code, refused.value.read()) == (404, b"<p>nowhere</p>")


def test_port_in_use_is_told_with_the_port(pages):
    with make_server(0, pages) as first:
        with pytest.raises(SiteError, match=f"Port {first.server_port} cannot be used"):
            serve(first.server_port, pages)


@pytest.mark.parametrize("port", [-1, 65536])
def test_number_that_is_no_port_is_refused(pages, port):
    with pytest.raises(SiteError, match=f"{port} is not a port"):
        make_server(port, pages)


def test_serving_before_building_is_refused(tmp_path):
    with pytest.raises(SiteError, match="no site"):
        make_server(0, tmp_path)


def test_browser_of_the_environment_comes_first(tmp_path, monkeypatch):
    chosen = tmp_path / "chrome"
    chosen.write_text("")
    chosen.chmod(0o755)
    monkeypatch.setattr("rounds.site.browser.BROWSERS", (str(chosen), "chromium"))
    assert find_browser() == str(chosen)
