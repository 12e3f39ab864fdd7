"""Makes agent_transcript.json: what the real model says in the agent loop.

    python rounds/data/make_agent_transcript.py

Needs `make models`. Greedy decoding; another machine may round a logit the other way
and get another text, so that pages show it as what one machine once said.
"""

import json
import platform
from pathlib import Path

from rounds import given, models
from rounds.topics.agent.right import PROTOCOL, Tool

HERE = Path(__file__).parent
MAX_TOKENS = 48
TASKS = (
    "What is 12 * 34?",
    "What is the capital of Norway?",
    "What is the weather in Oslo?",
    "Hello.",
)
EXAMPLE = """

Example. User: What is 3 * 5?
{"tool": "calculator", "args": {"expression": "3 * 5"}}
User: observation: 15
{"final": 15}"""


def tools() -> list[Tool]:
    """A calculator and a weather service that always says the same."""

    def schema(name: str) -> dict:
        return {
            "type": "object",
            "properties": {name: {"type": "string"}},
            "required": [name],
        }

    return [
        Tool("calculator", given("agent.safe_eval"), schema("expression")),
        Tool("weather", lambda city: "8 degrees, rain", schema("city")),
    ]


def main() -> None:
    """Run each task, with the protocol alone and with an example after it."""
    model = models.load()

    def llm(messages: list[dict[str, str]]) -> str:
        return "".join(models.stream(model, messages, max_tokens=MAX_TOKENS))

    def with_example(messages: list[dict[str, str]]) -> str:
        first, *others = messages
        return llm([{**first, "content": first["content"] + EXAMPLE}, *others])

    run_agent = given("agent.run_agent")
    runs = []
    for prompt, ask in (("protocol", llm), ("protocol and example", with_example)):
        for task in TASKS:
            result = run_agent(task, tools(), ask, max_steps=3)
            said = [m for m in result.transcript if m["role"] != "system"]
            runs.append(
                {
                    "prompt": prompt,
                    "task": task,
                    "status": result.status,
                    "answer": result.answer,
                    "steps": result.steps,
                    "transcript": said,
                }
            )
            print(prompt, "|", task, "|", result.status, result.answer, flush=True)
    record = {
        "model": "SmolLM2-135M-Instruct, Q4_1, greedy",
        "machine": f"{platform.system()} {platform.machine()}",
        "system_prompt": PROTOCOL,
        "example": EXAMPLE,
        "runs": runs,
    }
    text = json.dumps(record, indent=1, ensure_ascii=False)
    (HERE / "agent_transcript.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
