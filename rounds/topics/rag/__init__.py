"""Retrieval-augmented generation: the whole pipeline, from a text to a cited answer."""

from rounds.catalog import Topic

TOPIC = Topic(
    name="rag",
    title="Retrieval-augmented generation",
    summary=(
        "Chunks, a vector store, BM25 and fusion, a context within a budget, and one "
        "pipeline that cites what it used and abstains where it found nothing."
    ),
    minutes=(45, 60),
    difficulty="medium to hard",
)
