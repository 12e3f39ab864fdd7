"""The glossary: every topic's names and terms, true of the notebooks, well formed."""

import json
import re
from pathlib import Path

import pytest
from site_helpers import ROOT

from rounds import catalog
from rounds.site import SiteError, contents, glossary

NAMES = glossary.entries(ROOT, "names")
TERMS = glossary.entries(ROOT, "terms")


def cells(path: Path, kind: str) -> str:
    found = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return "\n".join("".join(c["source"]) for c in found if c["cell_type"] == kind)


def topic_file(folder: Path, text: str) -> Path:
    (folder / "glossary").mkdir()
    (folder / "glossary" / "one.toml").write_text(text)
    return folder


@pytest.mark.parametrize("topic", [card.name for card in catalog.topics()])
def test_every_topic_has_names_and_terms(topic: str):
    assert [one for one in NAMES if one.topic == topic], f"write glossary/{topic}.toml"
    assert [one for one in TERMS if one.topic == topic], f"write glossary/{topic}.toml"


def test_a_name_has_one_meaning_in_the_whole_course():
    names = [one.name for one in NAMES]
    terms = [one.name.lower() for one in TERMS]
    assert sorted(set(names)) == sorted(names)
    assert sorted(set(terms)) == sorted(terms)


@pytest.mark.parametrize("one", NAMES, ids=lambda one: one.name)
def test_name_is_used_in_the_code_of_its_topic(one: glossary.Entry):
    used = [
        cells(ROOT / room / f"{one.topic}.ipynb", "code") for room in contents.ROOMS
    ]
    assert re.search(rf"\b{one.name}\b", "\n".join(used))


@pytest.mark.parametrize("one", NAMES + TERMS, ids=lambda one: one.name)
def test_section_is_a_heading_of_the_chapter(one: glossary.Entry):
    prose = cells(ROOT / "chapters" / f"{one.topic}.ipynb", "markdown")
    assert one.section in re.findall(r"^##+ (.+)$", prose, re.MULTILINE)


@pytest.mark.parametrize("one", TERMS, ids=lambda one: one.name)
def test_term_is_told_in_short_sentences(one: glossary.Entry):
    assert one.meaning.endswith(".") and len(one.meaning.split()) <= 40


def test_file_is_read_in_its_order(tmp_path: Path):
    text = '[names]\nz = ["int", "last", "Here"]\na = ["(T,)", "first", "Not: there"]\n'
    root = topic_file(tmp_path, text)
    first, second = glossary.of_topic(root, "one", "names")
    assert (first.name, first.shape, first.meaning) == ("z", "int", "last")
    assert second.link == "[Not: there](chapters/one.ipynb#not-there)"
    table = glossary.names_table([first, second])
    assert "| `a` | `(T,)` | first | [Not: there]" in table.splitlines()[-1]


@pytest.mark.parametrize("text", ["[names]\nz = [\n", "", '[names]\nz = ["int"]\n'])
def test_file_that_cannot_be_read_is_named(tmp_path: Path, text: str):
    with pytest.raises(SiteError, match="one.toml .* needs shape and meaning and sec"):
        glossary.of_topic(topic_file(tmp_path, text), "one", "names")


def test_topic_without_a_file_has_no_entries(tmp_path: Path):
    assert glossary.of_topic(tmp_path, "one", "terms") == []
