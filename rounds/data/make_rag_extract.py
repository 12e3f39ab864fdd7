"""Makes rag_minilm.npz: MiniLM's vectors of the RAG chapter's chunks and questions.

    python rounds/data/make_rag_extract.py

Needs `make models`. Chunks of SIZE characters that share OVERLAP, in the order of the
documents; a number between -1 and 1 is kept in 8 bits, as a multiple of 1/127. Another
machine may round a number the other way.
"""

from pathlib import Path

import numpy as np

from rounds import given
from rounds.models import minilm
from rounds.topics.rag import corpus

HERE = Path(__file__).parent


def main() -> None:
    """Embed both and write the file."""
    embed, chunk = minilm.load(), given("rag.chunk")
    texts = [
        one.text
        for name, text in corpus.documents().items()
        for one in chunk(text, corpus.SIZE, corpus.OVERLAP, doc_id=name)
    ]
    asked = [question.text for question in corpus.questions()]
    rows = {"chunks": embed(texts), "questions": embed(asked)}
    kept = {name: np.round(row * 127).astype(np.int8) for name, row in rows.items()}
    np.savez_compressed(HERE / "rag_minilm.npz", **kept)
    print({name: row.shape for name, row in kept.items()})


if __name__ == "__main__":
    main()
