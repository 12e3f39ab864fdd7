"""Proof of the checks: every program of the bank through the check of its exercise.

    python -m rounds.audit [TOPIC ...]

writes the score that the landing page shows, of all topics or of those named. That
takes minutes, which a reader who builds the site does not wait for; a test holds the
score against the bank.
"""

import json
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from rounds import bank, catalog
from rounds.catalog import Topic
from rounds.engine.diagnose import judge
from rounds.engine.known import Known
from rounds.exercise import Exercise

SCORE = Path(__file__).parent / "data" / "score.json"


@dataclass(frozen=True)
class Score:
    """How many programs the checks judge rightly."""

    right: int
    wrong: int
    named: int


def recorded() -> dict[str, Score]:
    """The score of each topic as it was last computed: what the landing page says."""
    stored = json.loads(SCORE.read_text(encoding="utf-8"))
    return {name: Score(**counts) for name, counts in stored.items()}


def total(scores: dict[str, Score]) -> Score:
    """All topics together."""
    return Score(
        right=sum(score.right for score in scores.values()),
        wrong=sum(score.wrong for score in scores.values()),
        named=sum(score.named for score in scores.values()),
    )


def score(topic: Topic) -> Score:
    """Run the bank of a topic."""
    right = wrong = named = 0
    for exercise in topic.exercises():
        for candidate in bank.right(exercise).values():
            right += judge(exercise, candidate).state == "passed"
        known = Known(exercise)
        for label, program in known.told.items():
            verdict = judge(exercise, known.build(label), known=known)
            wrong += verdict.state != "passed"
            named += verdict.mistake == program.slug
    return Score(right, wrong, named)


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
    known = Known(exercise)
    if not known.told:
        yield f"{name} has no wrong program."
    for label, program in known.told.items():
        verdict = judge(exercise, known.build(label), known=known)
        if verdict.state == "passed":
            yield f"{name} accepts the wrong program {label}."
        elif verdict.mistake != program.slug:
            yield f"{name} takes {label} for {verdict.mistake}, not {program.slug}."


def main(names: list[str]) -> int:
    """Run the bank of these topics, of all without names, and write what changed."""
    try:
        topics = [catalog.topic(name) for name in names] or catalog.topics()
    except catalog.UnknownName as unknown:
        print(unknown, file=sys.stderr)
        return 1
    print("Running every program of the bank: some minutes.", flush=True)
    before = recorded() if SCORE.exists() else {}
    with ProcessPoolExecutor() as pool:
        found = dict(
            zip((t.name for t in topics), pool.map(score, topics), strict=True)
        )
    known = [topic.name for topic in catalog.topics()]
    scores = {name: s for name, s in sorted((before | found).items()) if name in known}
    if scores != before:
        kept = {name: asdict(counts) for name, counts in scores.items()}
        text = json.dumps(kept, indent=1) + "\n"
        SCORE.write_text(text, encoding="utf-8", newline="\n")
        print(f"wrote rounds/data/{SCORE.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
