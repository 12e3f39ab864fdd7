from dataclasses import dataclass


@dataclass
class Note:
    text: str
    sources: list


def ask(question, llm):
    reply = llm([{"role": "user", "content": f"Please: {question}"}])
    return Note(f"It said: {reply}", ["llm"])


@dataclass
class Entry:
    name: str
    tags: tuple


def parse(line):
    name, *tags = line.split()
    return [Entry(name, tuple(tags))]
