"""Claims that hold for every topic: its rooms are there and say the same thing."""

import ast
from pathlib import Path

import nbformat
import pytest

from rounds import bank, catalog
from rounds.notebooks.twins import BEGIN, END

ROOT = Path(__file__).parent.parent
TOPICS = catalog.topics()
EXERCISES = [(topic, e) for topic in TOPICS for e in topic.exercises()]


def cells(room: str, topic: str) -> list[nbformat.NotebookNode]:
    return nbformat.read(ROOT / room / f"{topic}.ipynb", as_version=4).cells


def shown_definition(topic: str, name: str) -> str:
    """The last definition of `name` in the solution, without its markers."""
    found = ""
    for cell in cells("solutions", topic):
        if cell.cell_type != "code":
            continue
        for node in ast.parse(cell.source).body:
            if getattr(node, "name", None) == name:
                found = ast.get_source_segment(cell.source, node) or ""
                # A segment ends with its last statement: the END marker stands after.
    lines = found.splitlines()
    return "\n".join(line for line in lines if line.strip() not in (BEGIN, END))


@pytest.mark.parametrize(("topic", "exercise"), EXERCISES, ids=lambda x: x.name)
def test_solution_shows_the_reference_to_the_letter(topic, exercise):
    reference = bank.source(bank.reference(exercise)).rstrip()
    assert shown_definition(topic.name, exercise.target) == reference


@pytest.mark.parametrize("room", ["chapters", "exercises", "solutions"])
@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_topic_has_a_notebook_of_its_name_in_every_room(topic, room: str):
    assert (ROOT / room / f"{topic.name}.ipynb").is_file()


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_exercise_reads_not_attempted_yet_under_every_check(topic):
    reports = [
        output["data"]["text/plain"]
        for cell in cells("exercises", topic.name)
        if cell.cell_type == "code" and cell.source.startswith("check(")
        for output in cell.outputs
    ]
    names = {report.split(":")[0].split(",")[0] for report in reports}
    assert names == {exercise.name for exercise in topic.exercises()}
    assert all("not attempted yet" in report for report in reports)


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_solution_passes_every_check_it_shows(topic):
    reports = [
        output["data"]["text/plain"]
        for cell in cells("solutions", topic.name)
        if cell.cell_type == "code" and cell.source.startswith("check(")
        for output in cell.outputs
    ]
    assert reports
    assert all(": passed." in report for report in reports)
