"""Claims about the agent's right programs, its statement, its extract and benchmark."""

import importlib.util
import json
import random
import sys

import pytest

from rounds import bank, catalog, extracts
from rounds.fakes import ScriptedLLM
from rounds.root import course_root
from rounds.topics.agent.right import Tool

AGENTS = bank.right(catalog.find("agent.run_agent"))
SAFE_EVALS = bank.right(catalog.find("agent.safe_eval"))
FOLDER = course_root() / "benchmarks"
sys.path.insert(0, str(FOLDER))

SCHEMA = {
    "type": "object",
    "properties": {"x": {"type": "integer"}, "y": {"type": "string"}},
    "required": ["x"],
}


def random_call(rng: random.Random) -> object:
    args = {"x": rng.choice([0, 1, "1", True, None]), "y": rng.choice(["", "é", 2])}
    kept = {name: args[name] for name in args if rng.random() < 0.7}
    name = rng.choice(["look", "look", "fail", "gated", "free", "missing", 3])
    return rng.choice([{"tool": name, "args": kept}] * 8 + [{"tool": name}, {}, 7])


def random_reply(rng: random.Random) -> str:
    kind = rng.random()
    if kind < 0.1:
        return rng.choice(["prose", "3", "null", '["final"]', "{", '{"calls": []}'])
    if kind < 0.2:
        return json.dumps({"final": rng.choice([0, "", None, "x", [1]])})
    if kind < 0.5:
        entries = [random_call(rng) for _ in range(rng.randint(1, 4))]
        for n, entry in enumerate(entries):
            if isinstance(entry, dict) and rng.random() < 0.9:
                entry["id"] = f"call-{n}"
        return json.dumps({"calls": entries})
    call = random_call(rng)
    return json.dumps(call)


def behaviour(agent, seed: int) -> tuple:
    """All of a run that the statement fixes, but for what follows the last reply."""
    rng = random.Random(seed)
    replies = [random_reply(rng) for _ in range(8)]
    log: list = []

    def failing(**args):
        log.append(("fail", args))
        raise ValueError("no such row")

    def logged(name):
        return lambda **args: log.append((name, args)) or "done"

    tools = [
        Tool("look", logged("look"), SCHEMA),
        Tool("gated", logged("gated"), needs_approval=True),
        Tool("free", logged("free")),
        Tool("fail", failing, SCHEMA),
    ]
    answers = random.Random(seed)
    llm = ScriptedLLM(replies)
    result = agent(
        "Go.",
        tools,
        llm,
        max_steps=6,
        approve=lambda name, args: answers.choice([True, False, "yes"]),
    )
    start = len(llm.sent[0])  # of whatever roles: an example may be among them
    told = [
        sum(m["role"] in ("user", "tool") for m in sent[start:]) for sent in llm.sent
    ]
    return result.status, result.answer, result.steps, told, log


@pytest.mark.parametrize("name", list(AGENTS)[1:])
def test_right_agents_do_the_same_on_random_scripts(name: str):
    reference, other = next(iter(AGENTS.values())), AGENTS[name]
    seen = set()
    for seed in range(150):
        due, found = behaviour(reference, seed), behaviour(other, seed)
        if name == "run_agent_as_a_state_machine":  # its notice is a message more
            due, found = (*due[:3], due[4]), (*found[:3], found[4])
        if name == "run_agent_in_threads":  # what runs at once has no order
            due, found = (*due[:4], ordered(due[4])), (*found[:4], ordered(found[4]))
        assert found == due, seed
        seen.add(due[0])
    assert seen == {"final", "step_cap"}


def ordered(log: list) -> list:
    return sorted(log, key=repr)


def expression(rng: random.Random, depth: int) -> str:
    if depth == 0 or rng.random() < 0.2:
        return rng.choice(["0", "1", "2", "3", "10", "0.5", "1.5", "7", "1e3"])
    if rng.random() < 0.2:
        return rng.choice("+-") + expression(rng, depth - 1)
    left, right = expression(rng, depth - 1), expression(rng, depth - 1)
    operation = rng.choice(["+", "-", "*", "/", "//", "%", "**"])
    text = f"{left} {operation} {right}"
    return f"({text})" if rng.random() < 0.6 else text


@pytest.mark.parametrize("name", SAFE_EVALS)
def test_random_arithmetic_has_the_value_of_python(name: str):
    rng = random.Random(7)
    compared = 0
    for _ in range(400):
        text = expression(rng, 2)
        try:
            due = eval(text)  # arithmetic that this test wrote, of two levels
        except (ArithmeticError, ValueError):
            due = None
        try:
            found = SAFE_EVALS[name](text)
        except ValueError:
            continue
        compared += 1
        assert found == due and type(found) is type(due), text
    assert compared > 250


def test_extract_of_the_real_model_is_whole():
    record = json.loads((extracts.DATA / "agent_transcript.json").read_text("utf-8"))
    assert record["model"].startswith("SmolLM2-135M")
    prompts = {run["prompt"] for run in record["runs"]}
    assert prompts == {"protocol", "protocol and example"}
    for run in record["runs"]:
        roles = [message["role"] for message in run["transcript"]]
        assert roles[0] == "user" and run["transcript"][0]["content"] == run["task"]
        assert roles.count("assistant") == run["steps"] <= 3
        assert run["status"] in ("final", "step_cap")
        assert run["status"] == "final" or run["answer"] is None


def script():
    """benchmarks/agent.py as a module, not run."""
    pytest.importorskip("langgraph")
    spec = importlib.util.spec_from_file_location("bench_agent", FOLDER / "agent.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_targets_of_the_benchmark_are_read_off_the_longest_run():
    rows = [
        {"steps": steps, "form": form, "per_step": cost * steps, "times": times}
        for steps in (1, 64)
        for form, cost, times in (("loop", 1e-5, 1), ("LangGraph", 1e-4, 10))
    ]
    loop, graph = script().targets(rows)
    assert loop.measured == pytest.approx(0.64) and loop.met
    assert graph.measured == 10 and graph.met


def test_all_forms_of_the_benchmark_give_one_transcript_every_time():
    forms = script().forms(5)
    first = {name: call() for name, call in forms.items()}
    again = {name: call() for name, call in forms.items()}
    assert len(first) == 3 and first == again
    assert all(transcript == first["loop"] for transcript in first.values())
    assert len(first["loop"]) == 11
