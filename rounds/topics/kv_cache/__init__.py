"""The KV cache: its size, its contents, decoding with it, and paging."""

from rounds.catalog import Topic

TOPIC = Topic(
    name="kv_cache",
    title="KV cache",
    summary=(
        "How large a cache of keys and values is, the cache itself, decoding with it "
        "in steps of any length, and paging with shared prefixes."
    ),
    minutes=(30, 45),
    difficulty="medium",
)
