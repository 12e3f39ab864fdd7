"""WordPiece as BERT's uncased models have it: text to ids, for the sentence embedder.

Schuster and Nakajima 2012; Devlin et al. 2019, arXiv:1810.04805. What it gives is
compared with Hugging Face's `tokenizers` in tests/test_minilm.py. Of all characters
only some are seen otherwise that are newer than that library's tables (Unicode 8).
"""

import re
import unicodedata
from collections.abc import Collection, Mapping

LONGEST_WORD = 100  # characters; a longer word is one unknown token
# Chinese characters, each a word. That library, too, has 2B920 where 2B820 was meant.
CHINESE = re.compile(
    "[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002a6df"
    "\U0002a700-\U0002b81f\U0002b920-\U0002ceaf\U0002f800-\U0002fa1f]"
)


class Cleaned(dict):
    """What becomes of each character, by its code, for `str.translate`.

    Lower case without accents, any white space a space, no control characters, and
    spaces round what is a word by itself: punctuation and Chinese characters.
    """

    def __missing__(self, code: int) -> str:
        character = chr(code)
        kind = unicodedata.category(character)
        if character in "\t\n\r" or kind in ("Zs", "Zl", "Zp"):
            found = " "
        elif kind in ("Cc", "Cf", "Co", "Cs", "Mn") or character == "\ufffd":
            found = ""
        elif kind[0] == "P" or character in "$+<=>^`|~" or CHINESE.match(character):
            found = f" {character} "
        else:
            found = character.lower()
        self[code] = found
        return found


class WordPiece:
    """Text to ids. ids: from each piece to its id, `##` before one inside a word.

    special_tokens: pieces that are taken as they stand wherever a text has them, as
    Hugging Face's library does; [CLS], [SEP] and [UNK] are among them.
    """

    def __init__(self, ids: Mapping[str, int], special_tokens: Collection[str]) -> None:
        self.ids = dict(ids)
        self.special_tokens = tuple(special_tokens)
        self._cut = re.compile(f"({'|'.join(map(re.escape, self.special_tokens))})")
        self._cleaned = Cleaned()
        self._words: dict[str, list[int]] = {}

    def encode(self, text: str, max_len: int | None = None) -> list[int]:
        """The ids of a text between [CLS] and [SEP], at most max_len of them in all."""
        found = []
        for place, part in enumerate(self._cut.split(text)):
            if place % 2:
                found.append(self.ids[part])
                continue
            # Accents become characters of their own, which are then dropped.
            plain = unicodedata.normalize("NFD", part).translate(self._cleaned)
            for word in plain.split():
                if word not in self._words:  # words repeat, and each is cut once
                    self._words[word] = self._cut_word(word)
                found += self._words[word]
        room = None if max_len is None else max_len - 2
        return [self.ids["[CLS]"], *found[:room], self.ids["[SEP]"]]

    def _cut_word(self, word: str) -> list[int]:
        """The longest piece that the word begins with, then again with the rest."""
        unknown, found, start = [self.ids["[UNK]"]], [], 0
        if len(word) > LONGEST_WORD:
            return unknown
        while start < len(word):
            before = "##" if start else ""
            for end in range(len(word), start, -1):
                piece = before + word[start:end]
                if piece in self.ids:
                    break
            else:
                return unknown
            found.append(self.ids[piece])
            start = end
        return found
