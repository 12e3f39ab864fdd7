"""Text out of a model, one token at a time."""

import codecs
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from rounds.models.transformer import Model

SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"
# <|im_end|> ends a turn of a chat, <|endoftext|> a document.
STOPS = (b"<|im_end|>", b"<|endoftext|>")


def generate(
    model: Model,
    ids: Sequence[int],
    *,
    max_tokens: int,
    temperature: float = 0.0,
    seed: int = 0,
    **settings: Any,
) -> Iterator[int]:
    """The ids that continue `ids`, each as soon as it is drawn.

    Ends after max_tokens, before a special token that ends a text, or where the
    context is full. Temperature 0 is greedy. `settings` go to the model's sampler, and
    with a repetition_penalty so do all ids so far. Raises ValueError for a prompt that
    is empty or longer than the context.
    """
    ids = list(ids)
    if len(ids) > model.config.max_len:
        raise ValueError(
            f"{len(ids)} ids, but the context holds {model.config.max_len}"
        )
    rng = np.random.default_rng(seed)
    room = min(len(ids) + max_tokens, model.config.max_len)
    stops = {i for i, token in model.tokenizer.vocab.items() if token in STOPS}
    caches = model.new_caches(room)
    new = ids
    for _ in range(room - len(ids)):
        logits = model.forward(new, caches, last_only=True)[0]
        if "repetition_penalty" in settings:
            settings["previous"] = tuple(ids)
        drawn = model.sample(logits, temperature=temperature, rng=rng, **settings)
        if drawn in stops:
            return
        yield drawn
        new = [drawn]
        ids.append(drawn)


def stream(
    model: Model, prompt: str | Sequence[Mapping[str, str]], **options: Any
) -> Iterator[str]:
    """The text that continues a prompt, in pieces; options are those of `generate`.

    prompt: a text to go on with, or the messages of a chat, each {"role", "content"}.
    A character whose bytes are spread over several tokens comes with the last of them.
    """
    if isinstance(prompt, str):
        ids = model.tokenizer.encode(prompt)
    else:
        ids = chat_ids(model.tokenizer, prompt)
    characters = codecs.getincrementaldecoder("utf-8")("replace")
    for drawn in generate(model, ids, **options):
        yield characters.decode(model.tokenizer.vocab[drawn])
    yield characters.decode(b"", final=True)


def chat_ids(tokenizer: Any, messages: Sequence[Mapping[str, str]]) -> list[int]:
    """The ids of a chat as SmolLM2-Instruct was trained on it, ready for its answer.

    A chat without a system message gets the model's own. What the messages say is
    plain text: a special token written in one has no effect.
    """
    if not messages or messages[0]["role"] != "system":
        messages = [{"role": "system", "content": SYSTEM}, *messages]
    start, end = (
        tokenizer.encode(mark, (mark,)) for mark in ("<|im_start|>", "<|im_end|>")
    )
    ids = []
    for message in messages:
        said = tokenizer.encode(f"{message['role']}\n{message['content']}")
        ids += [*start, *said, *end, *tokenizer.encode("\n")]
    return [*ids, *start, *tokenizer.encode("assistant\n")]
