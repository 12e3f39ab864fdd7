"""Stand-ins for what a program reaches outside for: a model, an embedder, the time.

    from rounds.fakes import ScriptedLLM
    llm = ScriptedLLM(["first reply", "second reply"])
    llm([{"role": "user", "content": "Hello"}])      # "first reply"
    llm.sent                                          # what it was sent, call by call

They are what a candidate would write in the room to test a pipeline or an agent with no
network and no key: each is a few lines, does the same every time, and keeps what was
asked of it. The checks of this course use the very same ones.
"""

import copy
import re
from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

Message = dict[str, str]
Reply = str | Exception | Callable[[list[Message]], str]


class ScriptedLLM:
    """A model that says what it was told to say: `llm(messages) -> str`.

    replies: said in order, one a call. An exception among them is raised, and a
        function is called with the messages, for a reply that depends on them.
    Raises ValueError for messages that no real server would take, and IndexError for a
    call after the last reply: the program asked more often than was foreseen.
    """

    def __init__(self, replies: Iterable[Reply] = ()) -> None:
        self.replies = list(replies)
        self.sent: list[list[Message]] = []

    def __call__(self, messages: Sequence[Message]) -> str:
        demand_messages(messages)
        # A copy: what was sent must not change when the caller's list grows.
        self.sent.append([_copied(message) for message in messages])
        if len(self.sent) > len(self.replies):
            raise IndexError(
                f"the model was asked {len(self.sent)} times, but only "
                f"{len(self.replies)} replies are scripted"
            )
        reply = self.replies[len(self.sent) - 1]
        if isinstance(reply, Exception):
            raise reply
        return reply if isinstance(reply, str) else reply(messages)


def _copied(message: Message) -> Message:
    """A message of its own; texts, which cannot change, as they are: most are."""
    return {
        key: value if isinstance(value, str) else copy.deepcopy(value)
        for key, value in message.items()
    }


def demand_messages(messages: Any) -> None:
    """Raise ValueError unless these are messages, [{"role": str, "content": str}]."""
    if not isinstance(messages, list | tuple) or not messages:
        raise ValueError(f"a list of messages is due, not {messages!r:.60}")
    for message in messages:
        if not isinstance(message, dict) or not all(
            isinstance(message.get(key), str) for key in ("role", "content")
        ):
            raise ValueError(
                f'a message is {{"role": text, "content": text}}, not {message!r:.60}'
            )


class HashingEmbed:
    """An embedder without a model: `embed(texts) -> (n, dim)`, float32.

    Each word, and each run of three letters in one, adds 1 or takes 1 away at a place
    that a hash chooses (Weinberger et al. 2009, arXiv:0902.2206). Rows have length 1,
    a text without words is all zeros. Texts that share words are close, and so are
    forms of one word; that two words mean the same it cannot know.
    """

    def __init__(self, dim: int = 256) -> None:
        self.dim = dim

    def __call__(self, texts: Sequence[str]) -> "np.ndarray":
        if isinstance(texts, str):
            raise TypeError("embed takes a list of texts, not one text")
        import numpy as np  # here, since the other stand-ins need none

        rows = np.zeros((len(texts), self.dim), np.float32)
        for row, text in zip(rows, texts, strict=True):
            for feature in _features(text):
                digest = blake2b(feature.encode(), digest_size=8).digest()
                place, sign = divmod(int.from_bytes(digest), 2)
                row[place % self.dim] += 1 if sign else -1
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        return rows / np.where(lengths == 0, 1, lengths)


def _features(text: str) -> list[str]:
    """The words of a text, and the runs of three letters in each, its ends marked."""
    words = re.findall(r"\w+", text.lower())
    runs = [f"<{word}>"[i : i + 3] for word in words for i in range(len(word))]
    return words + [f"run {run}" for run in runs]


class CountingEmbed:
    """An embedder that counts: passes texts on to `embed` and keeps them in `calls`.

    One call for a hundred texts costs a real service one request, a hundred calls a
    hundred: `len(counting.calls)` says which it was.
    """

    def __init__(self, embed: Callable[[Sequence[str]], "np.ndarray"]) -> None:
        self.embed = embed
        self.calls: list[list[str]] = []

    def __call__(self, texts: Sequence[str]) -> "np.ndarray":
        self.calls.append([texts] if isinstance(texts, str) else list(texts))
        return self.embed(texts)


class FakeClock:
    """Time that passes only when someone sleeps: `clock()` is now, in seconds.

    `clock.sleep(s)` and `await clock.async_sleep(s)` move it on at once. `slept` keeps
    every wait, in order.
    """

    def __init__(self, start: float = 0.0) -> None:
        self.now = start
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        """Wait: raises ValueError for a negative time, as time.sleep does."""
        if not seconds >= 0:
            raise ValueError(f"sleep length must be non-negative, not {seconds}")
        self.slept.append(seconds)
        self.now += seconds

    async def async_sleep(self, seconds: float) -> None:
        """Wait, letting other coroutines go on meanwhile."""
        import asyncio  # here, since it takes long to import

        self.sleep(seconds)
        await asyncio.sleep(0)
