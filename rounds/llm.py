"""One `llm(messages) -> str`, whatever answers behind it.

    from rounds import llm
    ask = llm.connect("scripted", replies=["Hello."])    # the default: says its lines
    ask = llm.connect("local", max_tokens=100)           # SmolLM2; needs `make models`
    ask = llm.connect("openai", model="gpt-4.1-mini")    # or any server that speaks so
    ask([{"role": "user", "content": "Good morning."}])

A program that takes `llm` as an argument runs on all three. What goes wrong with the
last two is an LLMError, one sentence that says what to do.
"""

import json
import os
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from rounds.fakes import Message, ScriptedLLM, demand_messages

LLM = Callable[[Sequence[Message]], str]
OPENAI = "https://api.openai.com/v1"
# What a server's status means, and what to do about it.
STATUS = {
    401: "refuses the key ({}): set OPENAI_API_KEY",
    403: "does not let this key do that ({}): see what the account may use",
    404: "has no such model, or nothing at this address ({}): see the model's name and "
    "OPENAI_BASE_URL, which mostly ends in /v1",
    429: "takes no more requests now ({}): wait, or see what the account has left",
}
NOT_SO = "answers, but not as OpenAI does: see that OPENAI_BASE_URL is right"


class LLMError(RuntimeError):
    """The model gave no answer; the sentence says why, and what to do."""


def connect(kind: str = "scripted", **options: Any) -> LLM:
    """A model as a function; the options are those of ScriptedLLM, local or server.

    Raises ValueError for another kind, LLMError if what the model needs is not there.
    """
    kinds = {"scripted": ScriptedLLM, "local": local, "openai": server}
    if kind not in kinds:
        raise ValueError(f"no model {kind!r} here: {', '.join(kinds)}")
    return kinds[kind](**options)


def local(
    *, model: Any = None, max_tokens: int = 256, seed: int = 0, **settings: Any
) -> LLM:
    """The small real model on this machine, SmolLM2-135M-Instruct.

    max_tokens: the most that a reply has; it ends earlier where the model's turn does.
    settings: temperature (0, greedy, unless given), top_p and the like. The seed counts
    anew in each call: the same messages get the same reply. model: another one of
    rounds.models, such as one that runs on a learner's own attention.
    """
    from rounds import models

    try:
        model = models.load() if model is None else model
    except models.ModelFileError as error:
        raise LLMError(str(error)) from None

    def llm(messages: Sequence[Message]) -> str:
        demand_messages(messages)
        length = len(models.chat_ids(model.tokenizer, messages))
        if length + max_tokens > model.config.max_len:
            raise LLMError(
                f"The messages have {length:,} tokens and the reply may have "
                f"{max_tokens:,}, but the model holds {model.config.max_len:,}: send "
                "fewer or shorter messages, or lower max_tokens."
            )
        options = {"max_tokens": max_tokens, "seed": seed} | settings
        return _said("".join(models.stream(model, messages, **options)), "The model")

    return llm


def server(
    model: str,
    *,
    base_url: str | None = None,
    api_key: str | None = None,
    timeout: float = 60.0,
    **request: Any,
) -> LLM:
    """A server that speaks OpenAI's interface, through the `openai` client.

    base_url, api_key: unless given, OPENAI_BASE_URL (unless set, OPENAI) and
    OPENAI_API_KEY. timeout: seconds to connect, and to wait for the next bytes of an
    answer. Nothing is tried again: the caller decides that. request: temperature,
    max_tokens and whatever else a request may hold, sent as it is.
    """
    try:
        import openai
    except ImportError as error:
        raise LLMError(
            f"The package openai cannot be imported ({error}): run python -m pip "
            "install -r requirements-llm.txt."
        ) from None
    key = (api_key or os.environ.get("OPENAI_API_KEY", "")).strip()
    if not key or not key.isascii() or not key.isprintable():
        raise LLMError(
            "OPENAI_API_KEY is not set, or has letters that no key has: set it (a "
            "server of your own mostly takes any word)."
        )
    address = base_url or os.environ.get("OPENAI_BASE_URL") or OPENAI
    options = {"base_url": address, "timeout": timeout, "max_retries": 0}
    try:
        client = openai.OpenAI(api_key=key, **options)
    except Exception as error:  # the client has no class for an address that is none
        raise LLMError(f"OPENAI_BASE_URL is no address: {error}.") from None
    where = str(client.base_url.copy_with(userinfo=b"")).rstrip("/")

    def llm(messages: Sequence[Message]) -> str:
        demand_messages(messages)
        try:
            answer = client.chat.completions.create(
                model=model, messages=list(messages), **request
            )
        except openai.OpenAIError as error:
            raise LLMError(f"{where} {_trouble(error, timeout)}.") from None
        except (json.JSONDecodeError, UnicodeDecodeError):
            answer = None
        try:
            return _said(answer.choices[0].message.content or "", where)
        except (AttributeError, LookupError, TypeError):
            raise LLMError(f"{where} {NOT_SO}.") from None

    return llm


def _trouble(error: Exception, timeout: float) -> str:
    import openai

    if isinstance(error, openai.APITimeoutError):
        return f"has not answered in {timeout:g} s: try again, or give a longer timeout"
    if isinstance(error, openai.APIConnectionError):
        return "cannot be reached: see that it runs and that OPENAI_BASE_URL is right"
    status = getattr(error, "status_code", 0)
    if status >= 500:
        return f"failed ({status}): try again later"
    if status in STATUS:
        return STATUS[status].format(status)
    said = " ".join(str(getattr(error, "body", error)).split())
    return f"refuses the request ({status}), saying {said:.200}"


def _said(text: str, who: str) -> str:
    if not text.strip():
        raise LLMError(f"{who} said nothing: ask otherwise, or raise max_tokens.")
    return text


def count_tokens(text: str, vocabulary: str = "o200k_base") -> int:
    """How many tokens a text has in gpt2, cl100k_base or o200k_base, with no network.

    What looks like a special token counts as the text that it is. Raises ModelFileError
    where `make models` has not installed the vocabularies, ValueError for another name.
    """
    return len(_encoding(vocabulary).encode_ordinary(text))


@cache
def _encoding(name: str) -> Any:
    from rounds.models import ranks  # and tiktoken, which only whoever counts needs

    return ranks.encoding(name)
