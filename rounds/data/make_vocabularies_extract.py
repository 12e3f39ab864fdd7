"""Write vocabularies_extract.json: the same texts through three real vocabularies.

    python rounds/data/make_vocabularies_extract.py

Needs the files of gpt2, cl100k_base and o200k_base (`make models`). The chapter on BPE
reads the extract: one sentence in several languages, emoji, code and numbers, with the
ids that tiktoken gives them and the bytes of every id, and how many tokens of each
vocabulary hold what (letters of a script, digits, spaces).
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import regex
import tiktoken

from rounds.models import ranks

# The first sentence of article 1 of the Universal Declaration of Human Rights: the
# same meaning in all, so that their costs can be compared.
SENTENCES = {
    "English": "All human beings are born free and equal in dignity and rights.",
    "German": "Alle Menschen sind frei und gleich an Würde und Rechten geboren.",
    "Turkish": "Bütün insanlar hür, haysiyet ve haklar bakımından eşit doğarlar.",
    "Russian": (
        "Все люди рождаются свободными и равными в своем достоинстве и правах."
    ),
    "Greek": (
        "Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια "
        "και τα δικαιώματα."
    ),
    "Arabic": "يولد جميع الناس أحرارًا متساوين في الكرامة والحقوق.",
    "Hebrew": "כל בני האדם נולדו בני חורין ושווים בערכם ובזכויותיהם.",
    "Hindi": (
        "सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता और समानता प्राप्त है।"
    ),
    "Thai": "มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกันในเกียรติศักดิ์และสิทธิ",
    "Chinese": "人人生而自由，在尊严和权利上一律平等。",
    "Japanese": (
        "すべての人間は、生まれながらにして自由であり、かつ、尊厳と権利とについて"
        "平等である。"
    ),
    "Korean": "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다.",
}
EMOJI = {
    "smile": "🙂",
    "red heart": "❤️",
    "thumbs up": "👍",
    "thumbs up, medium skin": "👍🏽",
    "flag of Switzerland": "🇨🇭",
    "rainbow flag": "🏳️‍🌈",
    "family of four": "👩‍👩‍👧‍👦",
}
CODE = {
    "Python": (
        "def total(xs):\n"
        "    result = 0\n"
        "    for x in xs:\n"
        "        if x > 0:\n"
        "            result += x\n"
        "    return result\n"
    ),
    "JSON": '{"name": "Ada", "born": 1815, "tags": ["math", "code"], "rank": null}',
    "prose": "Add up what is positive in a list of numbers, and return the sum of it.",
}
NUMBERS = {
    "year": "2026",
    "thousands": "1234567",
    "with commas": "1,234,567",
    "pi": "3.14159265358979",
    "sum": "127 + 677 = 804",
    "hexadecimal": "0x7FFF",
}
KINDS = {
    "sentence": SENTENCES,
    "emoji": EMOJI,
    "code": CODE,
    "number": NUMBERS,
}
HOLDS = {
    "Latin letters": r"\p{Script=Latin}",
    "Cyrillic": r"\p{Script=Cyrillic}",
    "Greek": r"\p{Script=Greek}",
    "Arabic": r"\p{Script=Arabic}",
    "Hebrew": r"\p{Script=Hebrew}",
    "Devanagari": r"\p{Script=Devanagari}",
    "Thai": r"\p{Script=Thai}",
    "Chinese characters": r"\p{Script=Han}",
    "Japanese kana": r"[\p{Script=Hiragana}\p{Script=Katakana}]",
    "Korean": r"\p{Script=Hangul}",
    "pictographs": r"[\U0001F000-\U0001FAFF]",
}
LONGEST_RUN = 32


def main() -> None:
    """Write the extract beside this script."""
    encodings = {name: ranks.encoding(name) for name in ranks.ENCODINGS}
    texts = [
        {"kind": kind, "name": name, "text": text}
        | {"ids": {key: e.encode_ordinary(text) for key, e in encodings.items()}}
        for kind, chosen in KINDS.items()
        for name, text in chosen.items()
    ]
    extract = {
        "versions": {"tiktoken": tiktoken.__version__},
        "patterns": {name: e._pat_str for name, e in encodings.items()},
        "vocab_sizes": {name: e.n_vocab for name, e in encodings.items()},
        "counts": {name: counts(e) for name, e in encodings.items()},
        "texts": texts,
        # One character a byte (latin-1).
        "tokens": {
            name: tokens_of(e, (text["ids"][name] for text in texts))
            for name, e in encodings.items()
        },
    }
    path = Path(__file__).with_name("vocabularies_extract.json")
    shown = json.dumps(extract, ensure_ascii=False, separators=(",", ":"))
    path.write_text(shown.replace('},{"kind"', '},\n{"kind"') + "\n", "utf-8")
    print(f"{path.name}: {len(texts)} texts, {path.stat().st_size:,} bytes")


def counts(encoding: tiktoken.Encoding) -> dict[str, Any]:
    """What is in a vocabulary, and what runs of digits and of spaces cost in it.

    `holds`: tokens that are whole characters, at least one of the kind. `digits[n]`:
    tokens that are n ASCII digits. `spaces[n]`: tokens that a run of n spaces before a
    word makes, the one that sticks to the word not counted.
    """
    whole = [text for text in map(readable, encoding._mergeable_ranks) if text]
    lengths = [len(text) for text in whole if text.isascii() and text.isdigit()]
    return {
        "holds": {
            # Compiled: regex.search itself costs far more than the search.
            name: sum(map(bool, map(regex.compile(pattern).search, whole)))
            for name, pattern in HOLDS.items()
        },
        "digits": {str(n): lengths.count(n) for n in range(1, 7)},
        "spaces": {
            str(n): len(encoding.encode_ordinary(" " * n + "x")) - 1
            for n in range(1, LONGEST_RUN + 1)
        },
    }


def readable(token: bytes) -> str:
    """The token's text, nothing if it is no whole characters."""
    try:
        return token.decode("utf-8")
    except UnicodeDecodeError:
        return ""


def tokens_of(
    encoding: tiktoken.Encoding, texts: Iterable[list[int]]
) -> dict[str, str]:
    """The bytes of every id that occurs."""
    return {
        str(i): encoding.decode_single_token_bytes(i).decode("latin-1")
        for i in sorted({i for ids in texts for i in ids})
    }


if __name__ == "__main__":
    main()
