"""The checkout as a whole: every room has its topic, every promise its command."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import typer
from site_helpers import ROOT

from rounds import catalog
from rounds.cli import app
from rounds.site import browser_files, contents, readme

DOCUMENTS = ["README.md", "CONTRIBUTING.md", "index.md"]
REQUIREMENTS = sorted(path.name for path in ROOT.glob("requirements*.txt"))
MODULES = [
    path.relative_to(ROOT).as_posix()
    for path in (ROOT / "rounds").rglob("*.py")
    if "topics" not in path.parts
]
LONGEST = 270  # about 250


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def pins(name: str) -> dict[str, str]:
    """The pinned versions of a requirements file, by normal name."""
    found = re.findall(r"^([\w.-]+)==([\w.]+)", text(name), re.MULTILINE)
    return {re.sub(r"[-_.]+", "-", package).lower(): at for package, at in found}


@pytest.mark.parametrize("topic", [card.name for card in catalog.topics()])
@pytest.mark.parametrize("room", contents.ROOMS)
def test_every_topic_is_in_every_room_and_in_the_book(topic: str, room: str):
    assert (ROOT / room / f"{topic}.ipynb").is_file()
    assert f"{room}/{topic}" in contents.pages(ROOT)


def test_no_notebook_is_left_out_of_the_book():
    notebooks = {
        path.relative_to(ROOT).with_suffix("").as_posix()
        for room in contents.ROOMS
        for path in (ROOT / room).glob("*.ipynb")
    }
    assert notebooks <= set(contents.pages(ROOT))


def test_readme_has_the_table_of_topics_that_the_course_gives():
    assert readme.update(ROOT, check=True), "run `make notebooks`"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_make_target_that_is_named_exists(name: str):
    targets = set(re.findall(r"^([a-z]+):", text("Makefile"), re.MULTILINE))
    code = re.findall(r"^```.*?^```|`[^`\n]+`", text(name), re.MULTILINE | re.DOTALL)
    named = re.findall(r"\bmake (?:[A-Z]+=\S+ )?([a-z]+)", "\n".join(code))
    assert named and set(named) <= targets


@pytest.mark.parametrize("name", ["README.md", "index.md"])
def test_every_command_of_rounds_that_is_named_exists(name: str):
    commands = set(typer.main.get_command(app).commands)
    named = re.findall(r"(?:^|`)rounds ([a-z]+)", text(name), re.MULTILINE)
    assert named and set(named) <= commands


@pytest.mark.parametrize("name", ["README.md"])
def test_every_file_that_a_document_links_to_exists(name: str):
    links = re.findall(r"\]\(([^)#]+)\)", text(name))
    assert links
    assert [link for link in links if not (ROOT / link).is_file()] == []


@pytest.mark.parametrize(
    "name", [*REQUIREMENTS, "lite/requirements.txt", "lite/wheels.txt"]
)
def test_every_requirement_is_pinned(name: str):
    lines = [line.partition("#")[0].strip() for line in text(name).splitlines()]
    loose = [line for line in lines if line and "==" not in line]
    lock = {"-c constraints.txt", "-c ../constraints.txt"}
    assert set(loose) <= lock | {"-e .", "-r requirements.txt"}


@pytest.mark.parametrize(
    "name",
    [
        "requirements.txt",
        "requirements-dev.txt",
        "requirements-llm.txt",
        "lite/requirements.txt",
    ],
)
def test_every_requirement_has_its_reason_and_the_same_pin_in_the_lock(name: str):
    bare = re.findall(r"^[\w.-]+==[\w.]+\s*$", text(name), re.MULTILINE)
    assert bare == []
    assert pins(name).items() <= pins("constraints.txt").items()


def test_lock_files_name_no_registry_and_no_folder():
    for name in ("constraints.txt", "package-lock.json", "lite/package-lock.json"):
        assert re.findall(r"https?:|file:|^-e|\s/", text(name), re.MULTILINE) == [], (
            name
        )


def test_every_page_script_comes_from_a_pinned_package():
    packages = re.findall(r'"([^"]+)": "\d[\w.]*"', text("package.json"))
    for source in browser_files.COPIES:
        assert source.startswith(tuple(f"{name}/" for name in packages)), source


@pytest.mark.parametrize("module", MODULES)
def test_module_can_be_read_in_one_sitting(module: str):
    assert len(text(module).splitlines()) <= LONGEST


def test_no_folder_is_called_static():
    tops = [path.name for path in ROOT.iterdir()]
    assert "_static" not in tops  # Jupyter Book would load all scripts on all pages


def test_licence_says_what_is_code_and_what_is_text():
    words = text("LICENSE")
    assert "Permission is hereby granted, free of charge" in words
    assert "https://creativecommons.org/licenses/by/4.0/legalcode" in words


def test_picture_of_a_page_is_small_enough_to_commit():
    assert 0 < (ROOT / "assets" / "page.png").stat().st_size <= 200 * 1024


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash on this machine")
def test_ci_script_is_a_valid_script_that_may_be_run():
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert subprocess.run(["bash", "-n", str(script)]).returncode == 0


def test_tests_of_one_file_stay_in_one_process(request: pytest.FixtureRequest):
    if not getattr(request.config.option, "loadgroup", False):
        pytest.skip("only `make test` spreads the tests by group")
    # With pytest 9.2, xdist 3.8 spreads them one by one and says nothing (xdist #1386).
    assert request.node.nodeid.endswith(f"@{request.node.path}")


@pytest.mark.skipif(shutil.which("make") is None, reason="no make on this machine")
def test_python_that_is_too_old_is_refused_in_one_sentence(tmp_path: Path):
    """Make is given a Python that says it is 3.9, in a checkout with no .venv."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ("pyproject.toml", "constraints.txt", *REQUIREMENTS):
        shutil.copy(ROOT / name, tmp_path)
    old = tmp_path / "old-python"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.6\nexit 1\n')
    old.chmod(0o755)
    made = subprocess.run(
        ["make", "site", f"PYTHON={old}"], cwd=tmp_path, capture_output=True, text=True
    )
    assert made.returncode != 0
    assert "needs Python 3.11 or later" in made.stderr
    assert "Python 3.9.6" in made.stderr
    assert not (tmp_path / ".venv").exists()
