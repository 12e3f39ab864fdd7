"""Proof of the checks: every program of the bank through the check of its exercise.

    python -m rounds.audit

writes the score that the landing page shows. That takes a minute or two, which a
reader who builds the site does not wait for; a test holds the score against the bank.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from rounds import bank, catalog
from rounds.catalog import Topic
from rounds.engine.diagnose import judge
from rounds.exercise import Exercise

SCORE = Path(__file__).parent / "data" / "score.json"


@dataclass(frozen=True)
class Score:
    """How many programs the checks judge rightly, over how many topics."""

    right: int
    wrong: int
    named: int
    topics: int


def recorded() -> Score:
    """The score as it was last computed: what the landing page says."""
    return Score(**json.loads(SCORE.read_text(encoding="utf-8")))


def score() -> Score:
    """Run the whole bank."""
    cards = catalog.topics()
    exercises = [exercise for card in cards for exercise in card.exercises()]
    right = wrong = named = 0
    for exercise in exercises:
        for candidate in bank.right(exercise).values():
            right += judge(exercise, candidate).state == "passed"
        for program, candidate in bank.wrong(exercise).values():
            verdict = judge(exercise, candidate)
            wrong += verdict.state != "passed"
            named += verdict.mistake == program.slug
    return Score(right, wrong, named, len(cards))


def complaints(topic: Topic) -> Iterator[str]:
    """What keeps a topic from being fit for learners, a sentence each."""
    for exercise in topic.exercises():
        yield from _about(exercise)


def _about(exercise: Exercise) -> Iterator[str]:
    name = exercise.name
    if not exercise.cases:
        yield f"{name} has no case: it would accept everything."
        return
    programs = bank.right(exercise)
    if len(programs) < 3:
        yield f"{name} has {len(programs) - 1} right alternatives, at least 2 are due."
    for label, candidate in programs.items():
        try:
            verdict = judge(exercise, candidate)
        except ValueError as error:  # it has cases, but they call nothing
            yield str(error)
            return
        if verdict.state != "passed":
            yield f"{name} rejects the right program {label}: {verdict.failure}."
    if not bank.wrong(exercise):
        yield f"{name} has no wrong program."
    for label, (program, candidate) in bank.wrong(exercise).items():
        verdict = judge(exercise, candidate)
        if verdict.state == "passed":
            yield f"{name} accepts the wrong program {label}."
        elif verdict.mistake != program.slug:
            yield f"{name} takes {label} for {verdict.mistake}, not {program.slug}."


def main() -> int:
    """Run the whole bank and write its score, if it has changed."""
    print("Running every program of the bank: a minute or two.", flush=True)
    text = json.dumps(asdict(score()), indent=1) + "\n"
    if not SCORE.exists() or SCORE.read_text(encoding="utf-8") != text:
        SCORE.write_text(text, encoding="utf-8", newline="\n")
        print(f"wrote rounds/data/{SCORE.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
