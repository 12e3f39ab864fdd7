"""Records what sentence-transformers makes of MiniLM: the oracle of test_minilm.py.

    python tests/oracles/minilm.py      writes minilm.json beside it

Run it in an environment with requirements-bench.txt, requirements-models.txt and
sentence-transformers. It is given the model's folder as its package carries it, and
reads the pooling, the normalisation and the most tokens of a text from there.
"""

import json
import os
from importlib.metadata import version
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

from sentence_transformers import SentenceTransformer

from rounds.models import files

TEXTS = [
    "",
    "cache",
    "A cat sat on the mat.",
    "The quick brown fox jumps over the lazy dog, and then it does so again.",
    "HOW DOES A KV CACHE SAVE WORK?",
    "How does a KV cache save work?",
    "Déjà vu: naïve façade, Ærøskøbing, Łódź, Straße, İstanbul, ΟΔΟΣ, Ångström",
    "De\u0301ja\u0300 vu: nai\u0308ve fac\u0327ade",
    "Быстрая коричневая лиса прыгает через ленивую собаку 42 раза.",
    "敏捷的棕色狐狸跳过懒狗。素早い茶色の狐、빠른 갈색 여우 𠮷野家",
    "الثعلب البني السريع ١٢٣ يقفز فوق الكلب",
    "तेज़ भूरी लोमड़ी १२३ आलसी कुत्ते के ऊपर कूदती है",
    "👍🏽 👩‍👩‍👧‍👦 🇫🇷 ½ ² Ⅷ ﬁ 𝒳 ① ㎏",
    "don't, we'll; \"quoted\" (a+b)^2 = a^2 + 2ab + b^2 $5 <tag> `x` ~x~ C:\\path_name",
    "  Two spaces,\ta tab,\r\n\n a\u00a0non-breaking\u2003em\u200bzero\u2028line  ",
    "def f(x, *args):\n    return {k: v ** 2 for k, v in x.items() if v >= 0.5}\n",
    "A bell \x07, a null \x00, a vertical tab \x0b, \x85 and a stranger \ufffd.",
    "Private \ue000 and \U000f0000, soft\u00adhyphen, new \U0001fae8 and \U0001fac6.",
    "The pieces [SEP] and [MASK] and [unk] as a text may have them, [PAD]",
    "x" * 100 + " " + "y" * 101 + " antidisestablishmentarianism",
    "1234567890 3.14159 2024-11-23 1,000,000",
    " \n\t ",
    "word " * 253,
    "word " * 254 + "and what is cut off",
    "Retrieval finds passages; a reranker orders them; a model answers. " * 40,
]
PACKAGES = ("sentence-transformers", "transformers", "tokenizers", "torch")


def main() -> None:
    """Write the record."""
    folder = files.whole(files.MINILM).parent
    model = SentenceTransformer(str(folder), device="cpu")
    rows = model.encode(TEXTS, batch_size=1).astype(float)
    ids = [model.preprocess([text])["input_ids"][0].tolist() for text in TEXTS]
    record = {
        "how": "python tests/oracles/minilm.py",
        "file": files.MINILM.sha256,
        "versions": {package: version(package) for package in PACKAGES},
        "max_len": model.max_seq_length,
        "texts": [
            {"text": text, "ids": row_ids, "vector": row.round(8).tolist()}
            for text, row_ids, row in zip(TEXTS, ids, rows, strict=True)
        ],
    }
    out = Path(__file__).with_suffix(".json")
    out.write_text(json.dumps(record, ensure_ascii=True) + "\n", encoding="utf-8")
    print(f"wrote {out.name}, {out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
