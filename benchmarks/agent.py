"""What a step of the agent loop costs, by itself and in LangGraph.

    python benchmarks/agent.py        writes benchmarks/results/agent.json

Needs requirements-bench.txt.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import harness
from harness import Column, Record, Target
from report import write

from rounds import given
from rounds.fakes import ScriptedLLM
from rounds.notebooks.defined import defined
from rounds.topics.agent.right import Tool

CHAPTER = Path(__file__).parent.parent / "chapters" / "agent.ipynb"
STEPS = (1, 4, 16, 64)
COLUMNS = [
    Column("steps", "model calls", "count"),
    Column("form", "form", "text"),
    Column("seconds", "time of the run", "ms"),
    Column("per_step", "a step", "ms"),
    Column("times", "against the loop", "times"),
]
ABOUT = (
    "One run of an agent on a model that answers at once, each step a call of a tool "
    "that adds two numbers: what is measured is the loop alone. The loop is the "
    "exercise's `run_agent`; LangGraph is the chapter's graph of two nodes, compiled "
    "before, without a checkpointer and with the one in memory. All forms had the same "
    "script in one process and gave the same transcript. Times are medians of five "
    "turns while nothing else ran. A real model's call takes a second or more."
)


def main() -> None:
    """Measure in a process with one thread and write the record."""
    if sys.argv[1:] != ["measure"]:
        done = subprocess.run(
            [sys.executable, __file__, "measure"],
            env=harness.environment(1),
            stdout=subprocess.PIPE,
            text=True,
        )
        if done.returncode:
            sys.exit(done.returncode)
        record(json.loads(done.stdout))
        return
    json.dump([row for steps in STEPS for row in measured(steps)], sys.stdout)


def record(rows: list[dict[str, Any]]) -> None:
    """Write what was measured."""
    write(
        Record(
            name="agent",
            title="A step of an agent",
            about=ABOUT,
            columns=COLUMNS,
            rows=rows,
            targets=targets(rows),
            versions=harness.versions("langgraph", "langgraph-checkpoint"),
        )
    )


def targets(rows: list[dict[str, Any]]) -> list[Target]:
    """The loop costs less than a millisecond a step, and less than the graph."""
    longest = [row for row in rows if row["steps"] == max(STEPS)]
    loop = next(row for row in longest if row["form"] == "loop")
    graph = next(row for row in longest if row["form"] == "LangGraph")
    return [
        Target("a step of the loop", "ms", 1e3 * loop["per_step"], at_most=1),
        Target("LangGraph against the loop", "times", graph["times"], at_least=1),
    ]


def measured(steps: int) -> list[dict[str, Any]]:
    """A row for each form of a run with so many calls of the model."""
    calls = forms(steps)
    transcripts = [call() for call in calls.values()]
    if any(other != transcripts[0] for other in transcripts[1:]):
        raise ValueError("the transcripts differ: not compared")
    seconds = harness.median_seconds(calls)
    ratios = harness.ratios(seconds, "loop")
    return [
        {
            "steps": steps,
            "form": form,
            "seconds": seconds[form],
            "per_step": seconds[form] / steps,
            "times": ratios[form],
        }
        for form in calls
    ]


def forms(steps: int) -> dict[str, Callable[[], list]]:
    """Ways to make the same run; each gives its transcript."""
    chapter = defined(CHAPTER)
    tools = [Tool("add", lambda a, b: a + b)]
    # No two calls in a row are the same, so that no notice comes.
    replies = [
        json.dumps({"tool": "add", "args": {"a": n, "b": 1}}) for n in range(steps - 1)
    ]
    replies.append('{"final": 1}')
    run_agent = given("agent.run_agent")

    def loop() -> list:
        llm = ScriptedLLM(replies)
        return run_agent("Add.", tools, llm, max_steps=steps).transcript

    def graph(saver: Any = None) -> Callable[[], list]:
        model: dict[str, ScriptedLLM] = {}

        def llm(messages: list) -> str:
            return model["now"](messages)

        app = chapter["graph_agent"](tools, llm, max_steps=steps, saver=saver)
        runs = iter(range(10**9))

        def run() -> list:
            model["now"] = ScriptedLLM(replies)
            start = {"transcript": chapter["first_prompt"]("Add.", tools), "steps": 0}
            thread = {"configurable": {"thread_id": f"run {next(runs)}"}}
            state = app.invoke(
                {**start, "past": [], "status": "", "answer": None},
                {"recursion_limit": 10_000, **(thread if saver else {})},
            )
            if saver:  # or every run would find more in memory
                saver.delete_thread(thread["configurable"]["thread_id"])
            return state["transcript"]

        return run

    saver = chapter["InMemorySaver"]()
    return {"loop": loop, "LangGraph": graph(), "LangGraph, saved": graph(saver)}


if __name__ == "__main__":
    main()
