"""Byte-level BPE as SmolLM2 has it; the constructor is that of the topic bpe."""

from collections.abc import Collection, Iterable, Mapping

import regex

# Every digit by itself, then GPT-2's pattern on what lies between digits: that is what
# the name `smollm` stands for in `tokenizer.ggml.pre`. A run of white space before a
# digit is whole, since it ends the stretch; GPT-2 would leave one space for the word.
PATTERN = (
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+"
    r"|\s+(?![^\s\p{N}])|\s+"
)


class Tokenizer:
    """Text to ids and back.

    merges: pairs of bytes, the first learned first. ids: from every token's bytes to
    its id; without it the bytes come first, then the merges, then the special tokens.
    A byte that `ids` has no token for is left out of a text, as Hugging Face's library
    does: SmolLM2 lacks 21, control characters and bytes that hardly occur in UTF-8.
    """

    def __init__(
        self,
        merges: Iterable[tuple[bytes, bytes]],
        special_tokens: Collection[str] = (),
        *,
        pattern: str = PATTERN,
        ids: Mapping[bytes, int] | None = None,
    ) -> None:
        self.merges = list(merges)
        self.special_tokens = tuple(special_tokens)
        if ids is None:
            tokens = [bytes([byte]) for byte in range(256)]
            tokens += [left + right for left, right in self.merges]
            tokens += [special.encode() for special in self.special_tokens]
            ids = {token: i for i, token in enumerate(tokens)}
        self.ids = dict(ids)
        self.vocab = {i: token for token, i in self.ids.items()}
        self._ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        self._pattern = regex.compile(pattern)
        self._pieces: dict[str, list[int]] = {}

    def encode(self, text: str, allowed_special: Collection[str] = ()) -> list[int]:
        """The ids of a text; special tokens are plain text unless allowed."""
        allowed = [name for name in self.special_tokens if name in allowed_special]
        if not allowed:
            return self._encode_plain(text)
        # The leftmost, of two that begin there the longer.
        allowed.sort(key=len, reverse=True)
        cut = regex.compile("(" + "|".join(map(regex.escape, allowed)) + ")")
        found = []
        for place, part in enumerate(cut.split(text)):
            if place % 2:
                found.append(self.ids[part.encode()])
            else:
                found += self._encode_plain(part)
        return found

    def decode(self, ids: Iterable[int]) -> str:
        """The text of ids; bytes that are no UTF-8 become U+FFFD.

        Raises ValueError for an id that is not in the vocabulary.
        """
        try:
            joined = b"".join([self.vocab[i] for i in ids])
        except KeyError as error:
            raise ValueError(f"no token has the id {error.args[0]!r}") from None
        return joined.decode("utf-8", errors="replace")

    def _encode_plain(self, text: str) -> list[int]:
        found = []
        for match in self._pattern.finditer(text):
            piece = match[0]
            if piece not in self._pieces:  # words repeat, and each is merged once
                self._pieces[piece] = self._merge(piece.encode())
            found += self._pieces[piece]
        return found

    def _merge(self, piece: bytes) -> list[int]:
        """Of the pairs that stand side by side, always the one learned first."""
        parts = [bytes([byte]) for byte in piece]
        parts = [part for part in parts if part in self.ids]
        last = len(self._ranks)
        while len(parts) > 1:
            ranks = [
                self._ranks.get(pair, last)
                for pair in zip(parts, parts[1:], strict=False)
            ]
            lowest = min(ranks)
            if lowest == last:
                break
            at = ranks.index(lowest)
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
        return [self.ids[part] for part in parts]
