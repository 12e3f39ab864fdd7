"""The diagrams: whole, named for who cannot see them, and true of what they show."""

import re
import xml.etree.ElementTree as ET
from base64 import b64decode
from html.parser import HTMLParser

import nbformat
import numpy as np
import pytest
from test_site_parts import small_book

from rounds import given
from rounds.root import course_root
from rounds.site import SiteError, build
from rounds.site.diagrams import DIAGRAMS, diagram, text, transformer
from rounds.site.diagrams.drawing import WIDTH, Drawing
from rounds.site.extension import readable

SVG = "{http://www.w3.org/2000/svg}"


def svg(drawing: Drawing) -> ET.Element:
    return ET.fromstring(drawing.svg("one")).find(f"{SVG}svg")


def words(drawing: Drawing) -> list[str]:
    return [one.text for one in svg(drawing).iter(f"{SVG}text")]


@pytest.mark.parametrize("name", DIAGRAMS)
def test_diagram_is_named_and_told_in_words(name: str):
    picture = svg(DIAGRAMS[name]())
    assert picture.get("role") == "img"
    labels = picture.get("aria-labelledby").split()
    said = [one.text for one in picture if one.get("id") in labels]
    assert len(said) == 2 and len(said[1].split()) > 15


@pytest.mark.parametrize("name", DIAGRAMS)
def test_diagram_takes_its_colours_from_the_page(name: str):
    source = DIAGRAMS[name]().svg("one")
    colours = set(re.findall(r'(?:fill|stroke)(?:="|: )([^";]+)', source))
    assert colours <= {"none", "currentColor", "var(--pst-color-primary, currentColor)"}


@pytest.mark.parametrize("name", DIAGRAMS)
def test_diagram_stays_on_its_ground_and_can_be_read_on_a_phone(name: str):
    drawing = DIAGRAMS[name]()
    for one in svg(drawing).iter():
        if one.tag in (f"{SVG}rect", f"{SVG}text"):
            x, y = float(one.get("x")), float(one.get("y"))
            right, below = (float(one.get(k, 0)) for k in ("width", "height"))
            assert 0 <= x and x + right <= WIDTH and y + below <= drawing.height
    sizes = [float(one.get("font-size")) for one in svg(drawing).iter(f"{SVG}text")]
    assert min(sizes) >= 11


def test_two_of_one_page_have_names_of_their_own():
    drawing = DIAGRAMS["merges-tree"]()
    ids = [re.findall(r'id="([^"]+)"', drawing.svg(key)) for key in ("one", "two")]
    assert len({*ids[0], *ids[1]}) == 4


@pytest.mark.parametrize(
    ("word", "merges", "due"),
    [
        ("lowers", text.MERGES, [0, 1, 2, 3]),
        # "bc" has the lower rank, so "ab" never comes about.
        ("abc", [("b", "c"), ("a", "b"), ("a", "bc")], [0, 2]),
        ("xyz", text.MERGES, []),
    ],
)
def test_lowest_rank_is_merged_first(word: str, merges, due: list[int]):
    assert [rank for rank, _, _ in text.merged(word, merges)] == due


def test_tree_shows_every_piece_and_the_rank_that_made_it():
    shown = words(text.merges_tree())
    assert shown == [
        *("l", "byte", "o", "byte", "w", "byte", "e", "byte", "r", "byte", "s", "byte"),
        *("er", "rank 0", "lo", "rank 1", "low", "rank 2", "lower", "rank 3"),
    ]


def test_sampler_agrees_with_the_course_s_own_filters():
    steps = dict(text.stages())
    now = np.array([*text.LOGITS.values()])
    said = [*text.LOGITS].index("cat")
    for name, function, *more in (
        ("repetition penalty", "apply_repetition_penalty", [said], 1.5),
        ("temperature", "apply_temperature", 0.8),
        ("top-k", "top_k_filter", 5),
        ("top-p", "top_p_filter", 0.9),
        ("min-p", "min_p_filter", 0.3),
    ):
        now = given(f"sampling.{function}")(now, *more)
        np.testing.assert_allclose(now, [*steps[name].values()], err_msg=name)
    left = [sum(x > -np.inf for x in now.values()) for now in steps.values()]
    assert left == [6, 6, 6, 5, 3, 2]  # each filter is seen to remove something


def test_cache_reads_one_more_position_at_each_step():
    shown = words(transformer.cache_growing(prompt=2, steps=3))
    reads = [one for one in shown if one.startswith("reads")]
    assert reads == ["reads 2", "reads 3", "reads 4", "reads 5"]


def test_unknown_diagram_fails_the_build_and_the_known_are_named(tmp_path, capfd):
    book = small_book(tmp_path, "# Title\n\n```{rounds-diagram} atention\n```\n")
    with pytest.raises(SiteError):
        build.run_jupyter_book(book)
    told = capfd.readouterr().err
    assert "no diagram 'atention'" in told and "attention-flow" in told


def shown_in_a_notebook(drawing: Drawing) -> dict[str, str]:
    """The attributes of the one element that the drawing is in JupyterLab."""
    found = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attrs: found.append((tag, dict(attrs)))
    parser.feed(drawing._repr_html_())
    (tag, attributes), *more = found
    assert tag == "img" and not more
    return attributes


@pytest.mark.parametrize("name", DIAGRAMS)
def test_notebook_shows_the_same_shapes_as_an_image_with_the_words(name: str):
    drawing = diagram(name)
    image = shown_in_a_notebook(drawing)
    assert image["alt"] == f"{drawing.title}. {drawing.told}" == repr(drawing)
    kind, _, data = image["src"].partition(",")
    assert kind == "data:image/svg+xml;base64"
    drawn = ET.fromstring(b64decode(data))
    shapes = [
        one for one in svg(drawing) if one.tag[len(SVG) :] not in ("title", "desc")
    ]
    assert [ET.tostring(one) for one in drawn] == [ET.tostring(one) for one in shapes]
    assert "background: white" in drawn.get("style")  # also where the page is dark


def test_cell_that_shows_a_diagram_is_inline_on_the_site():
    cells = ['diagram("merges-tree")', 'print(diagram("merges-tree"))']
    book = nbformat.v4.new_notebook(cells=[*map(nbformat.v4.new_code_cell, cells)])
    page = nbformat.reads(readable(nbformat.writes(book), solution=False), as_version=4)
    assert page.cells[0].cell_type == "markdown"
    assert page.cells[0].source == "```{rounds-diagram} merges-tree\n```"
    assert page.cells[1].source == cells[1]


def test_unknown_diagram_is_refused_with_the_known_ones():
    with pytest.raises(
        ValueError, match="no diagram 'tree'. There are: attention-flow"
    ):
        diagram("tree")


@pytest.mark.parametrize("name", DIAGRAMS)
def test_diagram_stands_in_one_chapter(name: str):
    chapters = (course_root() / "chapters").glob("*.ipynb")
    cells = [c for path in chapters for c in nbformat.read(path, 4).cells]
    assert [c.source for c in cells].count(f'diagram("{name}")') == 1
