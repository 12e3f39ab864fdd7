"""The chapter's agent in LangGraph has, message for message, the loop's transcript.

The programs are taken out of the chapter, so that what is compared is what it shows.
"""

import json
import re
from importlib.metadata import version
from pathlib import Path

import pytest

pytest.importorskip("langgraph")

from langgraph._internal import _config

from rounds import given
from rounds.fakes import ScriptedLLM
from rounds.notebooks.defined import defined
from rounds.topics.agent.right import Tool

CHAPTER = Path(__file__).parent.parent / "chapters" / "agent.ipynb"


@pytest.fixture(scope="module")
def chapter() -> dict:
    return defined(CHAPTER)


CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
}


def tools() -> list[Tool]:
    weather = {"Oslo": "rain", "Zürich": "sun"}
    return [
        Tool("weather", lambda city: weather[city], CITY),
        Tool("add", lambda a, b: a + b),
        Tool("read", lambda: "line\n" * 1000),
        Tool("delete", lambda path: f"{path} deleted", needs_approval=True),
    ]


def call(name: str, **args) -> str:
    return json.dumps({"tool": name, "args": args})


def calls(**named: str) -> str:
    return json.dumps({"calls": [{"id": k, **json.loads(c)} for k, c in named.items()]})


SCRIPTS = {
    "plain": [call("add", a=2, b=3), '{"final": 5}'],
    "final at once": ['{"final": 0}'],
    "errors": [
        "3",
        "null",
        "Let me see.",
        call("wether", city="Oslo"),
        call("weather", city="Bergen"),
        call("weather", town="Oslo"),
        '{"tool": ["add"]}',
        '{"final": null}',
    ],
    "parallel": [
        calls(a=call("weather", city="Oslo"), b=call("add", a=1), c=call("nothing")),
        '{"calls": [3, {"id": "d"}, {"id": "e", "tool": "read"}]}',
        '{"calls": []}',
        '{"final": "done"}',
    ],
    "cap": [call("weather", city="Oslo")] * 20,
    "repetition": [*[call("add", a=1, b=1)] * 4, call("read"), '{"final": []}'],
    "approval": [call("delete", path="a"), call("delete", path="b"), '{"final": 1}'],
    "model fails": [call("read"), ConnectionError("reset")],
    "injection": [call("read"), '{"final": "x", "tool": "delete"}'],
}


@pytest.mark.parametrize("name", SCRIPTS)
@pytest.mark.parametrize("answer", [True, False])
def test_transcripts_are_identical(chapter: dict, name: str, answer: bool):
    ours = given("agent.run_agent")(
        "Do it.",
        tools(),
        ScriptedLLM(SCRIPTS[name]),
        max_steps=9,
        approve=lambda name, args: answer,
    )
    theirs = chapter["run_graph"](
        "Do it.",
        tools(),
        ScriptedLLM(SCRIPTS[name]),
        max_steps=9,
        approved=lambda name, args: answer,
    )
    assert theirs.transcript == ours.transcript
    assert theirs.status == ours.status and theirs.answer == ours.answer
    assert theirs.steps == ours.steps


@pytest.mark.parametrize("answer", [True, False])
def test_run_that_waited_for_approval_has_the_same_transcript(chapter, answer: bool):
    replies = SCRIPTS["approval"]
    llm = ScriptedLLM(replies)
    app = chapter["graph_agent"](
        tools(),
        llm,
        approved=chapter["ask_a_person"],
        saver=chapter["InMemorySaver"](),
    )
    thread = {"configurable": {"thread_id": "one"}}
    start = {
        "transcript": chapter["first_prompt"]("Do it.", tools()),
        "steps": 0,
        "past": [],
        "status": "",
        "answer": None,
    }
    state = app.invoke(start, thread)
    asked = []
    while "__interrupt__" in state:
        asked.append(state["__interrupt__"][0].value["args"])
        state = app.invoke(chapter["Command"](resume=answer), thread)
    assert asked == [{"path": "a"}, {"path": "b"}]
    assert len(llm.sent) == 3  # no call of the model was made twice
    ours = given("agent.run_agent")(
        "Do it.", tools(), ScriptedLLM(replies), approve=lambda name, args: answer
    )
    assert state["transcript"] == ours.transcript
    assert state["answer"] == ours.answer == 1


def test_state_is_saved_after_every_node(chapter: dict):
    app = chapter["graph_agent"](
        tools(), ScriptedLLM(SCRIPTS["plain"]), saver=chapter["InMemorySaver"]()
    )
    thread = {"configurable": {"thread_id": "two"}}
    start = {
        "transcript": chapter["first_prompt"]("Do it.", tools()),
        "steps": 0,
        "past": [],
        "status": "",
        "answer": None,
    }
    app.invoke(start, thread)
    lengths = [
        len(saved.values.get("transcript", []))
        for saved in app.get_state_history(thread)
    ]
    assert lengths[::-1] == [0, 2, 3, 4, 5]


def test_default_of_the_recursion_limit_is_that_of_the_chapter():
    cells = json.loads(CHAPTER.read_text("utf-8"))["cells"]
    prose = "".join("".join(cell["source"]) for cell in cells)
    said = re.search(r"default is\s+([\d,]+)\s+in\s+LangGraph\s+([\d.]+\d)", prose)
    # LangGraph has no public name for it, nor does a run of so many steps take no time.
    assert said[1] == f"{_config.DEFAULT_RECURSION_LIMIT:,}"
    assert said[2] == version("langgraph")
