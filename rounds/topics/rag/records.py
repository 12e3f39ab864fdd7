"""The records that the exercise gives: its cell of them is this, to the letter."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Chunk:
    """A piece of a document: text is document[start:end], id is "doc_id#number"."""

    id: str
    doc_id: str
    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Hit:
    """A chunk that a search found, with its cosine."""

    chunk: Chunk
    score: float


@dataclass(frozen=True)
class Answer:
    """What a question got. Ids are of chunks; each stands once in its list."""

    text: str  # the model's reply as it came; your own words when abstained
    citations: list[str]  # cited in the reply and in the context, as first cited
    context_ids: list[str]  # of the chunks that were sent, best first
    abstained: bool  # True: the model was not asked
    unsupported: list[str]  # cited in the reply but not in the context
