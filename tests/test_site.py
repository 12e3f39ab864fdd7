"""The site as a whole: built once, from a clean checkout, then read and looked at."""

import gzip
import json
import re
from pathlib import Path
from statistics import median
from urllib.parse import urljoin, urlsplit

import pytest
from site_helpers import (
    IN_CSS,
    ROOT,
    broken_links,
    build_site,
    clean_checkout,
    headings,
    off_host_in_html,
    parsed,
)
from site_paper import PRINTED, Paper, on_paper
from site_visits import LEADS, NARROW, Tour, tour, widget_page

from rounds import audit, catalog
from rounds.site import contents, glossary
from rounds.site.serve import served

PAGES = contents.pages(ROOT)
ROOMS = [page for page in PAGES if page.partition("/")[0] in contents.ROOMS]
SOLUTIONS = [page for page in PAGES if page.startswith("solutions/")]
LOOKED_AT = [*PAGES, "search", "genindex", "404"]
KINDS = ["landing", "chapter", "explorers", "exercise", "solution", "glossary"]
KINDS += ["search", "missing"]


@pytest.fixture(scope="module")
def html(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the pages, built strictly from a clean checkout."""
    checkout = clean_checkout(tmp_path_factory.mktemp("checkout"))
    built = build_site(checkout)
    assert built.returncode == 0, built.stdout + built.stderr
    return checkout / "_build" / "html"


@pytest.fixture(scope="module")
def address(html: Path):
    """Where the pages are served."""
    with served(html) as where:
        yield where


@pytest.fixture(scope="module")
def seen(html: Path, address: str) -> Tour:
    """What a browser saw of all pages."""
    rooms = {
        room: next(p for p in ROOMS if p.startswith(room)) for room in contents.ROOMS
    }
    pages = [
        "index",
        rooms["chapters"],
        widget_page(html, PAGES),
        rooms["exercises"],
        rooms["solutions"],
        "glossary",
        "search",
        "404",
    ]
    return tour(address, LOOKED_AT, dict(zip(KINDS, pages, strict=True)))


@pytest.fixture(scope="module")
def paper(html: Path, address: str) -> Paper:
    """The site on paper: the book, and one page printed by a reader."""
    return on_paper(html, address, widget_page(html, PAGES))


@pytest.mark.parametrize("page", PAGES)
def test_every_page_of_the_toc_is_written(html: Path, page: str):
    assert (html / f"{page}.html").is_file()


def test_no_page_names_another_host_to_fetch_from(html: Path):
    found = {
        page.relative_to(html).as_posix(): off_host_in_html(parsed(page))
        for page in html.rglob("*.html")
    }
    assert len(found) >= len(PAGES)
    assert {page: hosts for page, hosts in found.items() if hosts} == {}


def test_no_style_sheet_names_another_host(html: Path):
    sheets = list(html.rglob("*.css"))
    named = [host for css in sheets for host in IN_CSS.findall(css.read_text("utf-8"))]
    assert sheets and named == []


def test_landing_page_says_the_recorded_score(html: Path):
    line = parsed(html / "index.html").select_one(".rounds-score")
    assert line.get_text() == contents.score_sentence(audit.recorded())


def test_landing_page_shows_a_report_with_a_named_mistake(html: Path):
    report = parsed(html / "index.html").select_one(".rounds-report.rounds-wrong pre")
    assert "mistake" in report.get_text()


def test_map_of_topics_has_each_once_under_its_part_in_the_order_of_the_book(
    html: Path,
):
    found = []
    for section in parsed(html / "index.html").select("section:has(> .rounds-topics)"):
        titles = [one.get_text() for one in section.select(".rounds-topic-title a")]
        found.append((section.h3.find(string=True), titles))
    parts = contents.parts(ROOT)
    assert found == [(part, [card.title for card in cards]) for part, cards in parts]
    assert sum(len(cards) for _, cards in parts) == len(catalog.topics())


@pytest.mark.parametrize("card", catalog.topics(), ids=lambda card: card.name)
def test_map_tells_of_a_topic_what_the_course_says_of_it(html: Path, card):
    cards = parsed(html / "index.html").select(".rounds-topic")
    (shown,) = (one for one in cards if one.a.get_text() == card.title)
    links = {str(link["href"]) for link in shown.find_all("a")}
    assert {f"{room}/{card.name}.html" for room in contents.ROOMS} <= links
    assert {link for _, link in card.asked_by} <= links
    words = " ".join(shown.get_text().split())
    assert "{} to {} minutes".format(*card.minutes) in words
    if score := audit.recorded().get(card.name):
        assert f"{score.right} right programs and name {score.named} mist" in words
    said = (contents.question(ROOT, card.name) or card.summary).replace("'", "\u2019")
    assert said in words


def test_glossary_has_each_name_and_term_and_leads_to_its_section(html: Path):
    page = parsed(html / "glossary.html")
    names = [cell.get_text() for cell in page.select(".rounds-names td:first-child")]
    terms = {term["id"] for term in page.select("dl.glossary dt")}
    assert names == [one.name for one in glossary.entries(ROOT, "names")]
    assert len(terms) == len(glossary.entries(ROOT, "terms")) > 0
    for link in page.select(".rounds-names a, dl.glossary dd a"):
        chapter, _, anchor = str(link["href"]).partition("#")
        assert headings(html / chapter)[anchor] == link.get_text()


def test_every_internal_link_and_anchor_resolves(html: Path):
    broken = {page: broken_links(html / f"{page}.html", html) for page in LOOKED_AT}
    assert {page: links for page, links in broken.items() if links} == {}


def test_no_page_shows_the_markers_of_a_solution(html: Path):
    texts = {page: parsed(html / f"{page}.html").get_text() for page in PAGES}
    marked = [page for page in PAGES if re.search("(BEGIN|END) SOLUTION", texts[page])]
    assert marked == []


@pytest.mark.parametrize("page", SOLUTIONS)
def test_solution_code_is_folded_and_says_what_it_hides(html: Path, page: str):
    cells = json.loads((ROOT / f"{page}.ipynb").read_text("utf-8"))["cells"]
    hidden = [c for c in cells if "hide-input" in c["metadata"].get("tags", [])]
    folds = parsed(html / f"{page}.html").select("details.hide.above-input")
    assert len(folds) == len(hidden) > 0
    assert not any(fold.has_attr("open") for fold in folds)
    assert {fold.summary.get_text().split()[0] for fold in folds} == {"Show"}
    assert all("the solution" in fold.summary.get_text() for fold in folds)


@pytest.mark.parametrize("page", ROOMS)
def test_bar_leads_to_the_pages_of_the_topic_and_marks_this_one(html: Path, page: str):
    room, _, name = page.partition("/")
    (bar,) = parsed(html / f"{page}.html").select("nav.rounds-bar")
    assert bar["aria-label"] == catalog.topic(name).title
    *places, notebook = bar.select("a")
    found = {link.get_text(): urljoin(f"{page}.html", link["href"]) for link in places}
    due = {title: f"{place}/{name}.html" for place, title in contents.ROOMS.items()}
    assert found == due
    marked = [link.get_text() for link in places if link.get("aria-current") == "page"]
    assert marked == [contents.ROOMS[room]]
    assert notebook["download"] == f"{name}-{contents.ROOMS[room].lower()}.ipynb"
    given = html / room / str(notebook["href"])
    assert given.read_bytes() == (ROOT / f"{page}.ipynb").read_bytes()
    links = parsed(html / f"{page}.html").select('a[href$=".ipynb"]')
    assert [link.get_text() for link in links] == [notebook.get_text()]


def test_button_prints_each_page_that_can_be_read(html: Path):
    pages = {page: parsed(html / f"{page}.html") for page in [*PAGES, "search"]}
    buttons = {
        page: len(tree.select('button[onclick="window.print()"] .fa-print'))
        for page, tree in pages.items()
    }
    assert buttons == {**dict.fromkeys(PAGES, 1), "search": 0}


def test_pages_of_no_topic_have_no_bar(html: Path):
    for page in set(LOOKED_AT) - set(ROOMS):
        assert parsed(html / f"{page}.html").select(".rounds-bar") == [], page


def test_site_runs_nothing_in_the_browser_unless_asked(html: Path):
    assert not (html / "lite").exists()
    assert not any(
        "Run exercise" in (html / f"{p}.html").read_text("utf-8") for p in ROOMS
    )


@pytest.mark.parametrize("page", SOLUTIONS)
def test_solution_warns_of_itself_before_anything_else(html: Path, page: str):
    title = parsed(html / f"{page}.html").select_one(".bd-article h1")
    warning = title.find_next_sibling()
    assert "rounds-spoiler" in warning["class"]
    assert "This page is the solution, and a spoiler" in warning.get_text()
    assert parsed(html / f"{page}.html").get_text().count("and a spoiler") == 1


@pytest.mark.parametrize("page", PAGES)
def test_every_picture_has_a_description(html: Path, page: str):
    tree = parsed(html / f"{page}.html")
    names = {path.name for path in (html / "_images").glob("*")}
    for picture in tree.select(".bd-article img"):
        words = str(picture.get("alt", "")).strip()
        assert len(words.split()) > 2, picture
        assert Path(words).name not in names, picture


# In a browser


@pytest.mark.parametrize("page", LOOKED_AT)
def test_page_asks_nobody_else_and_has_no_errors(seen: Tour, page: str):
    assert seen.visits[page].strangers == []
    assert seen.visits[page].complaints == []


@pytest.mark.parametrize("page", LOOKED_AT)
def test_page_is_light_and_takes_its_icons_from_the_small_font(
    seen: Tour, html: Path, address: str, page: str
):
    of_this_site = [url for url in seen.visits[page].fetched if url.startswith(address)]
    files = [urlsplit(url).path.strip("/") for url in of_this_site]
    sent = {name: len(gzip.compress((html / name).read_bytes(), 6)) for name in files}
    lively = "_static/widgets/embed-amd.js" in sent
    assert sum(sent.values()) <= (1_500_000 if lively else 700_000), sent
    assert "_static/icons.woff" in sent
    assert [name for name in sent if "fontawesome" in name] == []


@pytest.mark.parametrize("page", LOOKED_AT)
def test_page_fits_a_phone_and_stays_where_it_is(seen: Tour, page: str):
    visit = seen.visits[page]
    assert visit.width <= NARROW["width"]
    assert visit.sticking_out == []
    assert visit.unsigned == []
    assert visit.shifted <= 0.1


@pytest.mark.parametrize("page", LOOKED_AT)
def test_page_can_be_read_in_light_and_dark(seen: Tour, page: str):
    visit = seen.visits[page]
    assert min(visit.contrast.values()) >= 4.5, visit.contrast
    formulas, typeset, in_error = visit.formulas
    assert (typeset, in_error) == (formulas, 0)
    # Black lines are turned over in the dark, not boxed.
    over = ["rgba(0, 0, 0, 0)", "invert(1) hue-rotate(180deg)"]
    assert [picture for picture in visit.pictures if picture != over] == []


def test_no_line_begins_with_the_comma_after_a_formula(seen: Tour):
    torn = {page: visit.torn for page, visit in seen.visits.items() if visit.torn}
    assert torn == {}


def test_formulas_of_a_line_are_set_in_a_size_that_fits_it(seen: Tour):
    tallest = {page: visit.tallest for page, visit in seen.visits.items()}
    assert 1 < max(tallest.values()) < 2.4, tallest


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", KINDS)
def test_axe_finds_no_serious_fault(seen: Tour, kind: str, scheme: str):
    assert seen.faults[kind, scheme] == []


@pytest.mark.parametrize(
    ("kind", "due"),
    [
        ("landing", ["toggle"]),
        ("chapter", ["toggle", "bar", "fold"]),
        ("explorers", ["toggle", "bar", "fold", "slider"]),
        ("exercise", ["toggle", "bar", "fold"]),
        ("solution", ["toggle", "bar", "fold"]),
    ],
)
def test_keyboard_reaches_and_works_what_can_be_worked(seen: Tour, kind: str, due):
    assert seen.reached[kind] == due


@pytest.mark.parametrize("kind", ["glossary", "chapter", "exercise", "solution"])
def test_page_stays_where_it_is_when_a_button_of_the_bar_has_the_focus(
    seen: Tour, kind: str
):
    jumps = seen.jumps[kind]
    assert len(jumps) >= 4 and not any(jumps.values())


def test_lines_of_prose_have_a_length_that_reads_well(seen: Tour):
    assert 62 <= median(seen.letters) <= 78


@pytest.mark.parametrize("kind", ["glossary", "chapter", "exercise", "solution"])
def test_list_of_contents_marks_where_the_reader_is(seen: Tour, kind: str):
    part, marked = seen.in_view[kind]
    assert part in marked
    assert seen.mismarked[kind] == []


def test_search_finds_the_top_p_boundary(seen: Tour, address: str):
    link, title, excerpt, marked = seen.results[0]
    assert link == f"{address}/glossary.html#term-top-p-boundary"
    assert title == "Names and terms > top-p boundary"
    assert "crosses the threshold" in excerpt and set(marked) <= {"Top", "p"}


def test_result_of_a_search_is_the_section_with_the_words(seen: Tour, address: str):
    found = {title: (link, excerpt) for link, title, excerpt, _ in seen.sections}
    title = "Sampling: exercise > Level 1: temperature, top-k, top-p"
    link, excerpt = found[title]
    anchor = "level-1-temperature-top-k-top-p"
    assert link == f"{address}/exercises/sampling.html#{anchor}"
    assert "top-p" in excerpt.lower() and "\n" not in excerpt


def test_result_of_a_search_is_the_section_with_all_words_if_one_has_them(seen: Tour):
    titles = [title for _, title, *_ in seen.apart]
    # Level 1 has two of the words side by side, and lacks the third.
    assert "KV cache: exercise > Level 2: prefill, then decode" in titles


def test_search_needs_the_long_words_on_a_page_and_not_a_short_one_in_their_place(
    seen: Tour, html: Path, address: str
):
    pages = {
        link.partition("#")[0].removeprefix(f"{address}/") for link, *_ in seen.short
    }
    having = {
        f"{page}.html"
        for page in PAGES
        if "searchsorted" in parsed(html / f"{page}.html").select_one("article").text
    }
    assert pages == having and len(having) < len(PAGES) / 2


def test_search_has_one_result_a_page_and_counts_them(seen: Tour, address: str):
    # The title of a section, which is an entry of its own beside the page's.
    pages = [link.partition("#")[0] for link, *_ in seen.titled]
    assert f"{address}/chapters/kv_cache.html" in pages
    assert len(pages) == len(set(pages))
    assert seen.counted == f"Pages with these words: {len(pages)}"


def test_search_for_a_page_leads_to_its_top(seen: Tour, address: str):
    """By its title or its file's name; a term of that name is the next result."""
    first = {
        query: [(link.removeprefix(address), title) for link, title, *_ in results]
        for query, results in seen.named.items()
    }
    assert first["kv cache"][:4] == [
        ("/chapters/kv_cache.html", "KV cache"),
        ("/glossary.html#term-KV-cache", "Names and terms > KV cache"),
        ("/exercises/kv_cache.html", "KV cache: exercise"),
        ("/solutions/kv_cache.html", "KV cache: solution"),
    ]
    exercise = ("/exercises/kv_cache.html", "KV cache: exercise")
    assert first["kv cache exercise"][0] == exercise
    assert first["rag"][0] == ("/chapters/rag.html", "Retrieval-augmented generation")


def test_search_leads_to_the_section_about_the_words(seen: Tour):
    """Where a function is written, where words are one phrase, where they are in that
    form, where a heading has them; and to a chapter before its exercise."""
    titles = {query: [title for _, title, *_ in seen.named[query]] for query in LEADS}
    assert titles["top_p_filter"][0] == "Sampling > Top-p: the nucleus"
    assert titles["flash attention"][0] == "Attention > Tiles: FlashAttention"
    assert titles["tokenizer"][0] == "Names and terms > tokenization"
    assert titles["tokenizer"][1].startswith("Byte-pair encoding > ")
    heading = "Semantic search > Is it any good? Recall, rank, gain"
    assert titles["recall"][0] == heading
    assert titles["top-p"][:4] == [
        "Names and terms > top-p",
        "Sampling > Top-p: the nucleus",
        "Sampling: exercise > Level 1: temperature, top-k, top-p",
        "Sampling: solution > Level 1: temperature, top-k, top-p",
    ]


def test_search_marks_whole_words_and_only_among_its_results(seen: Tour):
    marked = {word.lower() for *_, words in seen.results for word in words}
    assert {"top", "p"} <= marked <= {"top", "p", "boundary"}
    assert {word for *_, words in seen.other_form for word in words} == {"boundary"}
    assert seen.marked_after == 0


def test_excerpts_of_a_search_are_text_and_not_what_buttons_say(seen: Tour):
    excerpts = " ".join(excerpt for *_, excerpt, _ in seen.sections)
    assert not any(words in excerpts for words in (".pdf", "Show the", "Hide the"))


def test_section_that_was_come_to_stays_at_the_top(seen: Tour):
    assert 48 < seen.arrived < 80  # below the bar, though what is above has grown


def test_list_that_lies_over_a_narrow_page_goes_when_an_entry_is_chosen(seen: Tour):
    assert 48 < seen.chosen < 80
    assert not seen.over


def test_keyboard_comes_to_no_list_out_of_sight_and_back_to_what_it_opened(seen: Tour):
    assert not seen.unseen
    assert len(seen.back_to) == 3 and all(seen.back_to.values())


def test_address_that_leads_nowhere_is_told_in_the_look_of_the_site(seen: Tour):
    assert seen.missing == "404 No such page True"


# On paper


def test_nothing_in_the_book_is_cut_at_the_edge_of_the_paper(paper: Paper):
    assert paper.wide == []


def test_every_fold_of_the_book_lies_open_under_its_label(paper: Paper):
    assert len(paper.folds) > 100 and all(paper.folds)


def test_nothing_in_the_book_is_to_be_clicked(paper: Paper):
    assert paper.to_click == []


def test_every_explorer_of_the_book_is_drawn(paper: Paper, html: Path):
    views = 'script[type="application/vnd.jupyter.widget-view+json"]'
    due = sum(len(parsed(html / f"{page}.html").select(views)) for page in PAGES)
    assert len(paper.explorers) == due > 0
    assert min(paper.explorers) > 100


def test_pictures_and_formulas_of_the_book_are_there(paper: Paper):
    formulas, typeset, in_error = paper.formulas
    assert (typeset, in_error) == (formulas, 0) and formulas > 100
    assert paper.blank == []


def test_links_within_the_book_lead_to_one_place_each(paper: Paper):
    assert paper.lost == []


def test_no_heading_of_the_book_may_end_a_page(paper: Paper):
    assert paper.alone == []


def test_contents_tell_the_page_of_what_was_printed(paper: Paper):
    assert sorted(PRINTED, key=paper.at.__getitem__) == PRINTED
    assert len({paper.at[place] for place in PRINTED}) == len(PRINTED)
    told = {place: paper.told[place] for place in PRINTED}
    assert told == {place: str(paper.at[place]) for place in PRINTED}
    assert paper.told["chapters-bpe"] == "000"  # was not printed


def test_book_has_bookmarks_and_the_size_of_its_paper(paper: Paper):
    assert paper.sizes == {(595, 842)}
    parts = [title for title, _ in paper.outline]
    assert parts == [contents.parts(ROOT)[0][0], "Names and terms"]
    assert paper.outline[0][1] == ["Attention", "Attention: exercise"]


def test_page_that_a_reader_prints_is_light_open_and_without_the_site(paper: Paper):
    single = paper.single
    (theme, opened, folds) = single["printed"]
    assert single["before"] == single["after"] == ["dark", 0, folds]
    assert (theme, opened) == ("light", folds) and folds > 0
    assert (single["to click"], single["wide"]) == ([], [])
    assert len(single["title"]) == 1
