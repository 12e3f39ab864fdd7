from rounds.bank import edit

no_source = edit("ask", "no-source", "The note says no source.", '["llm"]', "[]")
asks_twice = edit(
    "ask",
    "asks-twice",
    "The model is asked twice for one question, which costs twice.",
    "reply = llm(",
    "llm([{'role': 'user', 'content': question}]); reply = llm(",
)
tags_lost = edit(
    "parse",
    "first-tag-only",
    "Only the first tag is kept.",
    "tuple(tags)",
    "(tags[0],)",
)
