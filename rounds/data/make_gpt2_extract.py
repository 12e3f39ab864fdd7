"""Write gpt2_extract.json: the part of GPT-2's tokenizer that one text needs.

    python rounds/data/make_gpt2_extract.py

Needs GPT-2's own files, which `make models` installs.
The checks and tests of BPE read the extract, so that they need no package and no
network: the text in many scripts, the ids that tiktoken gives it, and of the 50,000
merges those whose two tokens come to stand side by side while the text is encoded. No
other merge can ever apply to it, so that the extract gives the same ids as all.
"""

import json
from itertools import pairwise
from pathlib import Path

import regex

from rounds.models import ranks
from rounds.topics.bpe.right import GPT2_PATTERN

SPECIAL = "<|endoftext|>"
Merge = tuple[bytes, bytes]

# Sentences after article 1 of the Universal Declaration of Human Rights, code,
# numbers, emoji of several code points, and every kind of white space.
TEXT = (
    "All human beings are born free and equal in dignity and rights. They're "
    "endowed with reason and conscience, and should act towards one another in a "
    "spirit of brotherhood.\n"
    "Alle Menschen sind frei und gleich an Würde und Rechten geboren.\n"
    "Tous les êtres humains naissent libres et égaux en dignité et en droits ; "
    "l'été, où êtes-vous ?\n"
    "Všichni lidé rodí se svobodní a sobě rovní co do důstojnosti a práv.\n"
    "Tất cả mọi người sinh ra đều được tự do và bình đẳng.\n"
    "Bütün insanlar hür, haysiyet ve haklar bakımından eşit doğarlar; ışık, İzmir.\n"
    "Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια.\n"
    "Все люди рождаются свободными и равными в своём достоинстве и правах.\n"
    "ყველა ადამიანი იბადება თავისუფალი. Բոլոր մարդիկ ծնվում են ազատ։\n"
    "כל בני האדם נולדו בני חורין ושווים בערכם ובזכויותיהם.\n"
    "يولد جميع الناس أحرارًا متساوين في الكرامة والحقوق.\n"
    "सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता प्राप्त है।\n"
    "সব মানুষ স্বাধীন। மனிதர் யாவரும் சுதந்திரமாகப் பிறக்கின்றனர்.\n"
    "มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกัน\n"
    "人人生而自由，在尊严和权利上一律平等。\n"
    "すべての人間は、生まれながらにして自由であり、カタカナも書く。\n"
    "모든 인간은 태어날 때부터 자유로우며 평등하다.\n"
    "ሰው ሁሉ ነጻ ነው። 𝔉𝔯𝔢𝔦 𝟙𝟚𝟛 𐎀𐎁 Ⅷ ½ ²³ ١٢٣ १२३\n"
    "I'm sure she'll say they've won, he'd agree: it's 'so', DON'T, 'tis, l'll.\n"
    "def total(xs: list[float]) -> float:\n"
    '    """Sum of x**2."""\n'
    "\tif not xs:  # empty\n"
    "\t\treturn 0.0\n"
    "    return sum(x ** 2 for x in xs) / len(xs) != 1e-9\n"
    "for (i = 0; i < 10; i++) { a[i] += '\\n' + \"\\t\"; }\r\n\r\n"
    "https://example.org/a_b?q=1&r=%20#top  user@example.org\n"
    "3.14159265358979, 1,000,000 and 2026-11-23T20:50:07Z, 0x7FFF, +41 44 123 45 67\n"
    "Emoji: 😀👍🏽 👩‍👩‍👧‍👦 🏳️‍🌈 🇯🇵🇨🇭 ❤️ ☺ ✔️ e\u0301 = é, ﬁn, ﷺ, ß, ẞ\n"
    "two  spaces,   three, no\u00a0break, thin\u2009space, wide\u3000space, "
    "zero\u200bwidth, soft\u00adhyphen\n"
    " \n  \n\t \n   indented, trailing   \n\n\n"
    "<|endoftext|> is text here. aaaaaaaaaaaaaaaa ------------ ======== ........\n"
    "Donaudampfschifffahrtsgesellschaft, antidisestablishmentarianism, zzzqxj  "
)


def main() -> None:
    """Write the extract beside this script."""
    path = Path(__file__).with_name("gpt2_extract.json")
    path.write_text(json.dumps(extract(), separators=(",", ":")) + "\n", "utf-8")
    print(f"{path.name}: {path.stat().st_size:,} bytes")


def extract() -> dict[str, object]:
    """All that the file holds."""
    encoding = ranks.encoding("gpt2")
    id_of = encoding.encode_single_token
    merges = ranks.gpt2_merges()
    needed = neighbours(TEXT, merges)
    return {
        "text": TEXT,
        "text_ids": encoding.encode_ordinary(TEXT),
        "special": SPECIAL,
        "special_id": id_of(SPECIAL),
        "byte_ids": [id_of(bytes([byte])) for byte in range(256)],
        # One character a byte (latin-1): left, right, the id of both.
        "merges": [
            [left.decode("latin-1"), right.decode("latin-1"), id_of(left + right)]
            for left, right in merges
            if (left, right) in needed
        ],
    }


def neighbours(text: str, merges: list[Merge]) -> set[Merge]:
    """The merges whose tokens stand side by side at any time in encoding `text`."""
    rank = {pair: place for place, pair in enumerate(merges)}
    met = set()
    for pre_token in regex.findall(GPT2_PATTERN, text):
        tokens = [bytes([byte]) for byte in pre_token.encode()]
        while pairs := [pair for pair in pairwise(tokens) if pair in rank]:
            met.update(pairs)
            pair = min(pairs, key=rank.__getitem__)
            place = list(pairwise(tokens)).index(pair)
            tokens[place : place + 2] = [pair[0] + pair[1]]
    return met


if __name__ == "__main__":
    main()
