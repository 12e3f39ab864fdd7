"""Semantic search: cosine top-k, batches, reranking, metrics, out of memory."""

from rounds.catalog import Topic

TOPIC = Topic(
    name="semantic_search",
    title="Semantic search",
    summary=(
        "The nearest documents by cosine, for one query and for many, with a filter, "
        "reranked, measured by recall, MRR and NDCG, and read in chunks."
    ),
    minutes=(15, 20),
    difficulty="easy",
)
